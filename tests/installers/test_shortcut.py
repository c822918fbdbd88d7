"""The double-clickable entry of each system, also for a project in a folder with awkward characters."""

import base64
import os
import plistlib
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from installers import shortcut
from installers.icons import icns, pictures
from installers.project import Project

ROOT = Path(__file__).resolve().parents[2]
AWKWARD = 'my "Desk" $HOME `seek` 100% back\\slash 桌面'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with the real icons, whose run.py prints how it was called."""
    root = tmp_path / AWKWARD
    (root / "installers").mkdir(parents=True)
    (root / "installers" / "run.py").write_text("import os, sys; print(sys.argv, os.getcwd())", encoding="utf-8")
    shutil.copytree(ROOT / "resources" / "icons" / "app", root / "resources" / "icons" / "app")
    return Project(root)


def unescaped(value: str) -> str:
    return value.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")


def exec_arguments(value: str) -> list[str]:
    """The arguments of an Exec key, read as the Desktop Entry Specification tells: the string's escapes first,
    then the quotes, in which a backslash escapes one of four characters; %% is a percent sign."""
    arguments: list[str] = []
    rest = unescaped(value)
    while rest:
        assert rest[0] == '"' or rest[0].isalpha()
        if rest[0] != '"':
            word, _, rest = rest.partition(" ")
            arguments.append(word)
            continue
        word, position = "", 1
        while rest[position] != '"':
            position += rest[position] == "\\"
            word += rest[position]
            position += 1
        assert "%" not in word.replace("%%", ""), "a field code"
        arguments.append(word.replace("%%", "%"))
        rest = rest[position + 1 :].lstrip(" ")
    return arguments


def test_linux_gets_a_desktop_file_and_its_icons(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    entry = shortcut.place(project, "linux")
    assert entry == tmp_path / "data" / "applications" / "deskseek.desktop"
    lines = [line.partition("=") for line in entry.read_text(encoding="utf-8").splitlines()[1:]]
    keys = {name: value for name, _, value in lines}
    assert exec_arguments(keys["Exec"]) == [sys.executable, str(project.root / "installers" / "run.py"), "window"]
    assert unescaped(keys["Path"]) == str(project.root)
    assert (keys["Type"], keys["Icon"], keys["Terminal"]) == ("Application", "deskseek", "false")
    icons = tmp_path / "data" / "icons" / "hicolor"
    assert (icons / "scalable" / "apps" / "deskseek.svg").read_bytes().lstrip().startswith(b"<")
    assert (icons / "256x256" / "apps" / "deskseek.png").read_bytes().startswith(b"\x89PNG")


def test_the_desktop_file_is_valid(project: Project, tmp_path: Path) -> None:
    checker = shutil.which("desktop-file-validate")
    if checker is None:
        pytest.skip("desktop-file-validate is not installed")
    entry = tmp_path / "deskseek.desktop"
    entry.write_text(shortcut.desktop_entry(project), encoding="utf-8")
    checked = subprocess.run([checker, str(entry)], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_without_xdg_it_goes_to_the_home_folder(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    entry = shortcut.place(project, "linux", tmp_path / "home")
    assert entry == tmp_path / "home" / ".local" / "share" / "applications" / "deskseek.desktop"


def test_macos_gets_a_bundle_whose_program_runs(project: Project, tmp_path: Path) -> None:
    bundle = shortcut.place(project, "darwin", tmp_path / "home")
    assert bundle == tmp_path / "home" / "Applications" / "DeskSeek.app"
    properties = plistlib.loads((bundle / "Contents" / "Info.plist").read_bytes())
    program = bundle / "Contents" / "MacOS" / properties["CFBundleExecutable"]
    assert os.access(program, os.X_OK)
    ran = subprocess.run([program], capture_output=True, encoding="utf-8", cwd=tmp_path)
    run_py = str(project.root / "installers" / "run.py")
    assert ran.stdout == f"{[run_py, 'window']} {project.root}\n"
    icon = (bundle / "Contents" / "Resources" / f"{properties['CFBundleIconFile']}.icns").read_bytes()
    assert icon[:4] == b"icns"
    assert struct.unpack(">I", icon[4:8]) == (len(icon),)


def test_an_icns_holds_each_picture_under_its_type() -> None:
    made = icns({16: b"small", 48: b"unknown to the format", 256: b"large"})
    assert made == b"icns\x00\x00\x00\x22" + b"icp4\x00\x00\x00\x0dsmall" + b"ic08\x00\x00\x00\x0dlarge"
    assert 256 in pictures(ROOT / "resources" / "icons" / "app")


def test_windows_gets_its_values_through_the_environment(project: Project) -> None:
    command = shortcut.link_command()
    script = base64.b64decode(command[-1]).decode("utf-16-le")
    values = shortcut.link_values(project)
    assert all(f"$env:{name}" in script for name in values)
    assert AWKWARD not in script
    assert values["DESKSEEK_TARGET"] == sys.executable
    assert values["DESKSEEK_FOLDER"] == str(project.root)
    assert values["DESKSEEK_ICON"].endswith("deskseek.ico,0")
    run_py = str(project.root / "installers" / "run.py").replace('"', '\\"')
    assert values["DESKSEEK_ARGUMENTS"] == f'"{run_py}" window'
