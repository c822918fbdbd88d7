"""What a machine may lack: each lack is one clear sentence in the system's language, with what works all the same."""

import ast
import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from backends.core.errors import ResourceError, Unavailable
from installers import engine, linux
from installers.libraries import not_loadable
from installers.preparation import require_space, require_venv
from installers.words import language
from tests.kit.set_up import Bench, closed_port, fake_program, write_json

ROOT = Path(__file__).resolve().parents[2]
OLD = (
    "import runpy, sys; sys.version_info = (3, 8, 10, 'final', 0); sys.argv = [sys.argv[1]]; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)
NONE = "libdeskseek-none.so.1"
ENGLISH = {"LANG": "en_US.UTF-8"}
CHINESE = {"LANG": "zh_CN.UTF-8"}


def run_old_python(environment: dict[str, str], path: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", OLD, str(ROOT / "installers" / "run.py")]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", env={**clean, "PYTHONUTF8": "1", **environment, "PATH": path}
    )


def test_an_old_python_is_told_in_one_sentence(tmp_path: Path) -> None:
    told = run_old_python(ENGLISH)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == "DeskSeek needs Python 3.11 or newer, and this is 3.8.10. Run: python3.11 installers/run.py\n"
    fake_program(tmp_path / "bin", "python3.13", "")
    told = run_old_python(CHINESE, str(tmp_path / "bin"))
    assert (
        told.stderr == "DeskSeek 需要 Python 3.11 或更高版本，当前版本为 3.8.10。请运行：python3.13 installers/run.py\n"
    )


def test_even_the_oldest_python_can_read_the_refusal() -> None:
    source = (ROOT / "installers" / "run.py").read_bytes()
    tree = ast.parse(source.decode("ascii"), feature_version=(3, 4))
    assert not any(isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.NamedExpr) for node in ast.walk(tree))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert functions
    assert not any(function.returns or any(a.annotation for a in function.args.args) for function in functions)
    top = [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    assert top == ["os", "sys"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (ENGLISH, "127.0.0.1 cannot be reached, so nothing was installed. Connect, or set pip's proxy or mirror"),
        (CHINESE, "无法连接 127.0.0.1，未安装任何内容。请连接网络或设置 pip 的代理、镜像后重新运行"),
    ],
)
def test_no_network(bench: Bench, words: dict[str, str], sentence: str) -> None:
    bench.forget("dependencies")
    for info in bench.project.site_packages().glob("tiny-*.dist-info"):
        info.rename(info.with_name("gone"))
    stopped = bench.run("ask", PIP_INDEX_URL=f"http://127.0.0.1:{closed_port()}/simple", **words)
    assert (stopped.returncode, stopped.stdout) == (1, "")
    assert stopped.stderr.splitlines()[-1].startswith(sentence)


def test_a_full_disk(bench: Bench) -> None:
    bench.forget("project")
    (bench.project.notes / "started.part").symlink_to("/dev/full")
    stopped = bench.run("ask")
    assert (stopped.returncode, stopped.stdout) == (1, "")
    assert stopped.stderr == f"The disk of {bench.root} is full. Free some space and run this again.\n"


def test_too_little_space_is_said_before_anything_is_fetched(tmp_path: Path) -> None:
    require_space(tmp_path, 1)
    with pytest.raises(ResourceError) as caught:
        require_space(tmp_path, 1 << 60)
    assert caught.value.code == "no_disk_space"
    assert caught.value.message.en.startswith("The set-up needs 1073741824.0 GiB on the disk of")


def test_a_folder_that_may_not_be_written(bench: Bench) -> None:
    bench.forget("project")
    (bench.project.notes / "started.part").mkdir()
    stopped = bench.run("ask")
    assert stopped.returncode == 1
    assert "Check that you may write in the project's folder" in stopped.stderr


def test_no_display(bench: Bench) -> None:
    stopped = bench.run(DISPLAY="", WAYLAND_DISPLAY="", QT_QPA_PLATFORM="")
    assert (stopped.returncode, stopped.stdout) == (1, "")
    assert stopped.stderr == (
        "There is no display here, so the window cannot open. "
        'The command line works all the same: run.py ask "…", run.py --help.\n'
    )
    assert bench.run("ask", DISPLAY="", WAYLAND_DISPLAY="", QT_QPA_PLATFORM="").returncode == 7


def test_no_venv_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_program(tmp_path / "bin", "apt-get", "exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    with pytest.raises(Unavailable) as caught:
        require_venv(lambda name: name != "ensurepip")
    package = f"python3.{sys.version_info.minor}-venv"
    assert caught.value.hint.en == f"Install it and run this again: sudo apt-get install -y {package}"
    require_venv()


def test_no_compiler(bench: Bench, tmp_path: Path) -> None:
    bench.forget("engine")
    fake_program(tmp_path / "bin", "dnf", "")
    stopped = bench.run("setup", DESKSEEK_LLAMA_BUILD="source", PATH=str(tmp_path / "bin"), CXX="")
    assert stopped.returncode == 1
    assert "source (cpu): there is no C++ compiler (sudo dnf install -y gcc-c++)." in stopped.stderr


def test_a_missing_library_of_qt_is_a_command_for_a_person(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    packages = {NONE: {"apt-get": "libdeskseek1", "pacman": "deskseek-libs"}, "libc.so.6": {"apt-get": "libc6"}}
    write_json(bench.root / "installers" / "qt_libraries.json", {"libraries": packages})
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    commands = {
        "apt-get": "sudo apt-get install -y libdeskseek1",
        "dnf": f"sudo dnf install -y '{NONE}()(64bit)'",
        "zypper": f"sudo zypper install -y '{NONE}()(64bit)'",
        "pacman": "sudo pacman -S --needed --noconfirm deskseek-libs",
    }
    for tool, command in commands.items():
        fake_program(tmp_path / tool, tool, "exit 1")
        monkeypatch.setenv("PATH", str(tmp_path / tool))
        assert linux.provide(bench.project, root=False) == {"missing": [NONE]}
        assert f"Qt misses {NONE}. Install: {command}\n" in capfd.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    linux.provide(bench.project, root=False)
    assert f"Qt misses {NONE}.\n" in capfd.readouterr().err


def test_root_gets_it_installed(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_json(bench.root / "installers" / "qt_libraries.json", {"libraries": {NONE: {"apt-get": "libdeskseek1"}}})
    log = tmp_path / "asked"
    fake_program(tmp_path / "bin", "apt-get", f'echo "$DEBIAN_FRONTEND $*" >> {log}')
    fake_program(tmp_path / "bin", "fc-list", "echo /usr/share/fonts/noto.ttc")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    assert linux.provide(bench.project, root=True) == {"missing": [NONE]}
    asked = log.read_text(encoding="utf-8").splitlines()
    assert asked[-1] == "noninteractive -qq -o Dpkg::Use-Pty=0 install -y libdeskseek1"


def test_package_lists_are_fetched_when_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "asked"
    fake_program(tmp_path / "bin", "apt-get", f'echo "$4" >> {log}')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    tool = linux.package_tool()
    assert tool is not None
    assert tool.install(["libfoo"], lists=tmp_path / "empty")
    assert log.read_text(encoding="utf-8").split() == ["update", "install"]
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "deb_Packages.lz4").touch()
    assert tool.install(["libfoo"], lists=tmp_path / "full")
    assert log.read_text(encoding="utf-8").split() == ["update", "install", "install"]


def test_the_window_does_not_open_without_its_libraries_until_they_are_there(bench: Bench, tmp_path: Path) -> None:
    table = bench.root / "installers" / "qt_libraries.json"
    write_json(table, {"libraries": {NONE: {"apt-get": "libdeskseek1"}}})
    fake_program(tmp_path / "bin", "apt-get", "exit 1")
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    stopped = bench.run(PATH=path)
    assert (stopped.returncode, stopped.stdout) == (1, "")
    assert f"Qt misses {NONE}, so the window cannot open. Install it: sudo apt-get" in stopped.stderr
    assert bench.run("ask", PATH=path).returncode == 7
    write_json(table, {"libraries": {"libc.so.6": {"apt-get": "libc6"}}})
    assert bench.run(PATH=path).returncode == 0


def test_only_what_cannot_be_loaded_is_missing() -> None:
    assert not_loadable(["libc.so.6", NONE]) == [NONE]
    assert not_loadable([]) == []


@pytest.mark.skipif(shutil.which("readelf") is None, reason="readelf is not installed")
def test_every_library_of_qt_here_has_its_package() -> None:
    """What the plugins on this machine need is what the table names, by the linker's own account."""
    spec = find_spec("PySide6")
    assert spec is not None
    assert spec.origin is not None
    table = json.loads((ROOT / "installers" / "qt_libraries.json").read_text(encoding="utf-8"))["libraries"]
    qt = Path(spec.origin).parent / "Qt"
    parts = [*qt.glob("plugins/platforms/libq[xwo]*.so"), *qt.glob("plugins/xcbglintegrations/*.so")]
    parts += [qt / "lib" / f"libQt6{name}.so.6" for name in ("Core", "Gui", "Widgets", "Network", "DBus", "Svg", "Pdf")]
    own = ("libQt6", "libicu", "libc.so", "libm.so", "libstdc++", "libgcc_s", "libpthread", "ld-linux", "libresolv")
    for part in parts:
        needed = [name for name in needed_libraries(part) if not name.startswith(own)]
        assert set(needed) <= set(table), part.name


def needed_libraries(path: Path) -> list[str]:
    read = subprocess.run(["readelf", "-dW", str(path)], capture_output=True, text=True, check=True)
    return [line.partition("[")[2].rstrip("]") for line in read.stdout.splitlines() if "(NEEDED)" in line]


def test_a_chinese_font_is_known_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "truetype").mkdir()
    (tmp_path / "truetype" / "DejaVuSans.ttf").touch()
    assert not linux.has_chinese_font((tmp_path,))
    (tmp_path / "truetype" / "NotoSansCJK-Regular.ttc").touch()
    assert linux.has_chinese_font((tmp_path,))


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LC_ALL": "zh_TW.UTF-8", "LANG": "en_US.UTF-8"}, "zh"),
        ({"LC_ALL": "", "LC_MESSAGES": "en_GB", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "C"}, "en"),
        ({}, "en"),
    ],
)
def test_the_language_is_the_system_s(environment: dict[str, str], expected: str) -> None:
    assert language(environment) == expected


def test_a_compiler_is_found_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert not engine.has_compiler()
    fake_program(tmp_path / "bin", "clang++", "")
    assert engine.has_compiler()
