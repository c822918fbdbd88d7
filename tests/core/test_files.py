"""Files that are never half written."""

import errno
import os
import sys
from pathlib import Path

import pytest

from backends.core.errors import StorageError
from backends.core.files import put_aside, storage_error, write_file


def test_a_file_is_replaced_as_a_whole_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    write_file(path, b"one")
    write_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert [file.name for file in path.parent.iterdir()] == ["file"]
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_whatever_step_fails_the_old_file_stays_and_nothing_lies_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    path = tmp_path / "file"
    write_file(path, b"old")
    for module, name in ((os, "fsync"), (Path, "replace")):

        def fail(*_: object, code: int = code) -> None:
            raise OSError(code, os.strerror(code))

        with monkeypatch.context() as patch:
            patch.setattr(module, name, fail)
            with pytest.raises(StorageError) as failure:
                write_file(path, b"new")
        expected = {errno.ENOSPC: "disk_full", errno.EROFS: "read_only"}.get(code, "storage_failed")
        assert failure.value.code == expected
        assert str(path) in failure.value.message.zh
        assert path.read_bytes() == b"old"
        assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_folder_where_the_file_should_be(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        write_file(tmp_path, b"x")


def test_what_is_put_aside_keeps_its_content_and_never_covers_another(tmp_path: Path) -> None:
    asides = []
    for number in range(3):
        (tmp_path / "a.db").write_text(str(number))
        asides.append(put_aside(tmp_path / "a.db"))
    assert [aside.read_text() for aside in asides] == ["0", "1", "2"]
    assert all(aside.name.startswith("a.db.corrupt-") for aside in asides)
    with pytest.raises(StorageError):
        put_aside(tmp_path / "a.db")


def test_what_the_system_says_becomes_a_sentence(tmp_path: Path) -> None:
    for number, code in ((errno.EDQUOT, "disk_full"), (errno.EACCES, "read_only"), (errno.EIO, "storage_failed")):
        error = storage_error(OSError(number, os.strerror(number)), tmp_path)
        assert error.code == code
        assert error.message.en
        assert error.message.zh
