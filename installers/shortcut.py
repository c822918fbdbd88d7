"""An entry to double-click, with its icon, where each system keeps them.

    Linux     $XDG_DATA_HOME/applications/deskseek.desktop, the icon in the hicolor theme (Desktop Entry 1.4)
    Windows   DeskSeek.lnk in the start menu and on the desktop, made by the shell's own COM object
    macOS     ~/Applications/DeskSeek.app, a bundle whose program is a shell script

Each starts `run.py window`: an unfinished set-up is finished, and an error is shown in a dialog.
"""

import base64
import os
import plistlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from backends.core.errors import StorageError
from backends.core.phrase import Phrase
from installers.icons import icns, pictures
from installers.project import Project, own_python

NAME = "DeskSeek"
_COMMENT = Phrase("DeepSeek on your own machine", "在自己的电脑上运行 DeepSeek")
_LINK_SCRIPT = """\
$ErrorActionPreference = 'Stop'
$shell = New-Object -ComObject WScript.Shell
foreach ($folder in 'Programs', 'Desktop') {
    $place = [Environment]::GetFolderPath($folder)
    if (-not $place) { continue }
    $link = $shell.CreateShortcut((Join-Path $place 'DeskSeek.lnk'))
    $link.TargetPath = $env:DESKSEEK_TARGET
    $link.Arguments = $env:DESKSEEK_ARGUMENTS
    $link.WorkingDirectory = $env:DESKSEEK_FOLDER
    $link.IconLocation = $env:DESKSEEK_ICON
    $link.Description = 'DeskSeek'
    $link.Save()
}
"""


def place(project: Project, platform: str = sys.platform, home: Path | None = None) -> Path:
    """Make the entry for `platform` under `home`; where it lies. Raises StorageError when the system refuses it."""
    home = home or Path.home()
    match platform:
        case "win32":
            return _place_windows(project)
        case "darwin":
            return write_bundle(project, home / "Applications")
        case _:
            given = os.environ.get("XDG_DATA_HOME")
            return write_desktop_entry(project, Path(given) if given else home / ".local" / "share")


def write_desktop_entry(project: Project, data: Path) -> Path:
    """`deskseek.desktop` and the icons under the XDG data folder `data`."""
    icons = data / "icons" / "hicolor"
    source = _icon_folder(project)
    _copy(source / "deskseek.svg", icons / "scalable" / "apps" / "deskseek.svg")
    for size in pictures(source):
        _copy(source / f"deskseek-{size}.png", icons / f"{size}x{size}" / "apps" / "deskseek.png")
    entry = data / "applications" / "deskseek.desktop"
    entry.parent.mkdir(parents=True, exist_ok=True)
    entry.write_text(desktop_entry(project), encoding="utf-8")
    entry.chmod(0o755)
    if shutil.which("update-desktop-database"):
        subprocess.run(["update-desktop-database", "-q", str(entry.parent)], check=False, stdin=subprocess.DEVNULL)
    return entry


def desktop_entry(project: Project) -> str:
    words = [own_python(project), str(project.root / "installers" / "run.py"), "window"]
    lines = [
        "[Desktop Entry]",
        "Type=Application",
        "Version=1.4",
        f"Name={NAME}",
        f"Comment={_COMMENT.en}",
        f"Comment[zh_CN]={_COMMENT.zh}",
        f"Exec={' '.join(_quoted(word) for word in words)}",
        f"Path={_escaped(str(project.root))}",
        "Icon=deskseek",
        "Terminal=false",
        "Categories=Utility;",
        "StartupWMClass=deskseek",
        "StartupNotify=true",
    ]
    return "\n".join(lines) + "\n"


def write_bundle(project: Project, applications: Path) -> Path:
    contents = applications / f"{NAME}.app" / "Contents"
    for name in ("MacOS", "Resources"):
        (contents / name).mkdir(parents=True, exist_ok=True)
    words = [own_python(project), str(project.root / "installers" / "run.py"), "window"]
    program = contents / "MacOS" / NAME
    program.write_text(f"#!/bin/sh\ncd {shlex.quote(str(project.root))}\nexec {shlex.join(words)}\n", encoding="utf-8")
    program.chmod(0o755)
    (contents / "Resources" / f"{NAME}.icns").write_bytes(icns(pictures(_icon_folder(project))))
    properties = {
        "CFBundleName": NAME,
        "CFBundleDisplayName": NAME,
        "CFBundleIdentifier": "io.github.deskseek.DeskSeek",
        "CFBundleExecutable": NAME,
        "CFBundleIconFile": NAME,
        "CFBundlePackageType": "APPL",
        "CFBundleShortVersionString": "1.0",
        "LSMinimumSystemVersion": "11.0",
        "NSHighResolutionCapable": True,
    }
    (contents / "Info.plist").write_bytes(plistlib.dumps(properties))
    return contents.parent


def link_values(project: Project) -> Mapping[str, str]:
    """What the PowerShell script reads from its environment: so no path is ever part of a script."""
    python = Path(own_python(project))
    windowed = python.with_name("pythonw.exe")
    return {
        "DESKSEEK_TARGET": str(windowed if windowed.exists() else python),
        "DESKSEEK_ARGUMENTS": subprocess.list2cmdline([str(project.root / "installers" / "run.py"), "window"]),
        "DESKSEEK_FOLDER": str(project.root),
        "DESKSEEK_ICON": f"{_icon_folder(project) / 'deskseek.ico'},0",
    }


def link_command() -> list[str]:
    encoded = base64.b64encode(_LINK_SCRIPT.encode("utf-16-le")).decode("ascii")
    return ["powershell", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-EncodedCommand", encoded]


def _place_windows(project: Project) -> Path:
    made = subprocess.run(
        link_command(), check=False, capture_output=True, env={**os.environ, **link_values(project)}, text=True
    )
    if made.returncode:
        last = "".join(made.stderr.strip().splitlines()[:1])
        raise StorageError(Phrase(f"Windows made no shortcut: {last}", f"无法创建快捷方式：{last}"), code="no_shortcut")
    return Path(os.environ.get("APPDATA", ""), "Microsoft", "Windows", "Start Menu", "Programs", f"{NAME}.lnk")


def _icon_folder(project: Project) -> Path:
    return project.root / "resources" / "icons" / "app"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _quoted(word: str) -> str:
    """One argument of Exec: quoted, its field codes doubled, then escaped as any string value is."""
    for character in '\\"`$':
        word = word.replace(character, f"\\{character}")
    return _escaped(f'"{word}"'.replace("%", "%%"))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
