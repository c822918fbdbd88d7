"""Where things lie, and which names may be names (SEC-24, SEC-52)."""

import os
import sys
from pathlib import Path

import pytest

from backends.core.errors import InvalidInput, NotFound, StorageError
from backends.core.paths import HOME_VARIABLE, Paths, resource, safe_join, safe_name

BAD = [
    "",
    ".",
    "..",
    "../x",
    "..\\x",
    "a/../b",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "\\\\host\\share",
    "C:x",
    "C:\\x",
    "c:",
    "a:stream",
    "a.gguf::$DATA",
    "CON",
    "con",
    "Con.gguf",
    "PRN.txt",
    "aux",
    "NUL",
    "nul.tar.gz",
    "COM1",
    "com9.gguf",
    "COM¹",
    "LPT1",
    "lpt0",
    "CONIN$",
    "con .txt",
    "a.",
    "a ",
    " a",
    "a..",
    "...",
    "a\x00b",
    "a\nb",
    "a\tb",
    "\x1b[31m",
    "a\x7f",
    "model\u202egguf.exe",
    "\u200emodel",
    "a\u2066b",
    "a<b",
    "a>b",
    'a"b',
    "a|b",
    "a?b",
    "a*b",
    "x" * 300,
    "模" * 67,
    "\ud800",
]
GOOD = [
    "DeepSeek-R1-Q4_K_M.gguf",
    "模型 文件.gguf",
    "a",
    ".hidden",
    "a..b",
    "console",
    "x" * 200,
    "-",
    "~",
]


@pytest.mark.parametrize("name", BAD, ids=ascii)
def test_names_that_are_no_names(name: str, tmp_path: Path) -> None:
    for check in (safe_name, lambda name: safe_join(tmp_path, name), lambda name: safe_join(tmp_path, "a", name)):
        with pytest.raises(InvalidInput) as failure:
            check(name)
        assert failure.value.code == "bad_name"
        assert failure.value.message.en.isprintable()
        assert failure.value.message.zh.isprintable()


@pytest.mark.parametrize("name", GOOD, ids=ascii)
def test_names_that_are(name: str, tmp_path: Path) -> None:
    assert safe_name(name) == name
    assert safe_join(tmp_path, "folder", name) == tmp_path / "folder" / name


def test_there_are_forty_bad_names_and_more() -> None:
    assert len(set(BAD)) >= 40


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_does_not_lead_out(tmp_path: Path) -> None:
    inside, outside = tmp_path / "models", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "leads-out").symlink_to(outside)
    (inside / "leads-in").symlink_to(inside / "folder")
    for names in (("leads-out",), ("leads-out", "file")):
        with pytest.raises(InvalidInput) as failure:
            safe_join(inside, *names)
        assert failure.value.code == "bad_name"
    assert safe_join(inside, "leads-in", "file") == inside / "leads-in" / "file"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "big disk").mkdir()
    (tmp_path / "models").symlink_to(tmp_path / "big disk")
    assert safe_join(tmp_path / "models", "a.gguf") == tmp_path / "models" / "a.gguf"


def test_one_variable_moves_everything(tmp_path: Path) -> None:
    paths = Paths.find({HOME_VARIABLE: str(tmp_path / "stick")})
    folders = (paths.config, paths.data, paths.models, paths.cache, paths.state)
    assert all(folder.is_relative_to(tmp_path / "stick") for folder in folders)
    assert len(set(folders)) == 5
    assert paths == Paths.under(tmp_path / "stick")


def test_without_it_the_folders_follow_the_platform() -> None:
    paths = Paths.find({})
    assert all("deskseek" in str(folder).lower() for folder in (paths.config, paths.data, paths.cache, paths.state))
    assert paths.models.is_relative_to(paths.data)
    assert paths.data.is_absolute()


def test_the_folders_are_made_for_this_user_alone(tmp_path: Path) -> None:
    paths = Paths.under(tmp_path / "home")
    paths.make()
    paths.make()
    for folder in (paths.config, paths.data, paths.models, paths.cache, paths.state):
        assert folder.is_dir()
        if sys.platform != "win32":
            assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError) as failure:
        Paths.under(tmp_path / "file").make()
    assert failure.value.code == "folder_not_writable"
    assert HOME_VARIABLE in failure.value.hint.zh


def test_a_missing_part_of_the_product_is_said_so() -> None:
    with pytest.raises(NotFound) as failure:
        resource("no such file")
    assert failure.value.code == "resource_missing"
    assert os.fspath(resource("catalog.json")).endswith("catalog.json")


def test_without_a_home_nothing_is_put_just_anywhere() -> None:
    with pytest.raises(StorageError) as caught:
        Paths.find({"DESKSEEK_HOME": "~nobody-of-this-name/x"})
    assert caught.value.code == "no_home"
    assert "DESKSEEK_HOME" in caught.value.hint.en


@pytest.mark.skipif(sys.platform == "win32", reason="users of POSIX")
def test_a_user_whom_the_system_does_not_know_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    def unknown(user: int) -> None:
        raise KeyError(user)

    for name in [name for name in os.environ if name == "HOME" or name.startswith("XDG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(StorageError) as caught:
        Paths.find({})
    assert caught.value.code == "no_home"
