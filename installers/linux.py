"""What DeskSeek wants from a Linux system: the shared libraries of Qt, and a font with Chinese characters.

Root gets the packages installed; anybody else is told the one command. `qt_libraries.json` maps the libraries'
names to packages, where the system's package tool does not know them by themselves.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.core.errors import Unavailable
from backends.core.phrase import Phrase
from installers.libraries import not_loadable
from installers.project import Project
from installers.words import say

FONT_FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("~/.local/share/fonts"),
    Path("~/.fonts"),
)
_CJK_NAMES = (
    "cjk",
    "wqy",
    "wenquanyi",
    "droidsansfallback",
    "sourcehan",
    "source-han",
    "uming",
    "ukai",
    "msyh",
    "simsun",
)
_APT_LISTS = Path("/var/lib/apt/lists")


@dataclass(frozen=True, slots=True)
class PackageTool:
    """A package tool and its words. `by_library`: it finds a package by `libfoo.so.1()(64bit)`."""

    program: str
    words: tuple[str, ...]
    quiet: tuple[str, ...]
    refresh: tuple[str, ...]
    font: str
    compiler: str
    by_library: bool = False

    def package(self, library: str, table: dict[str, dict[str, str]]) -> str:
        return f"{library}()(64bit)" if self.by_library else table[library][self.program]

    def command(self, packages: Iterable[str]) -> str:
        """What a person types."""
        return shlex.join(["sudo", self.program, *self.words, *packages])

    def install(self, packages: Sequence[str], lists: Path = _APT_LISTS) -> bool:
        """As root. The package lists are fetched first where there are none, and again when a package is unknown."""
        fresh = self.program == "apt-get" and not any(lists.glob("*_Packages*"))
        if fresh and not self._run(self.refresh):
            return False
        return self._run((*self.words, *packages)) or (
            not fresh and self._run(self.refresh) and self._run((*self.words, *packages))
        )

    def _run(self, words: Sequence[str]) -> bool:
        finished = subprocess.run(
            [self.program, *self.quiet, *words],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            stderr=sys.stderr,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
        return finished.returncode == 0


TOOLS = (
    PackageTool(
        "apt-get",
        ("install", "-y"),
        ("-qq", "-o", "Dpkg::Use-Pty=0"),
        ("update",),
        "fonts-noto-cjk",
        "g++",
    ),
    PackageTool(
        "dnf", ("install", "-y"), ("-q",), ("makecache",), "google-noto-sans-cjk-fonts", "gcc-c++", by_library=True
    ),
    PackageTool("zypper", ("install", "-y"), ("-q",), ("refresh",), "noto-sans-cjk-fonts", "gcc-c++", by_library=True),
    PackageTool("pacman", ("-S", "--needed", "--noconfirm"), (), ("-Sy",), "noto-fonts-cjk", "gcc"),
)


def package_tool(path: str | None = None) -> PackageTool | None:
    """The first one on the PATH (or on `path`)."""
    return next((tool for tool in TOOLS if shutil.which(tool.program, path=path)), None)


def is_root() -> bool:
    return os.name != "nt" and os.geteuid() == 0


def provide(project: Project, *, root: bool) -> dict[str, object]:
    """Find what is missing, install it as root, else say how. Nothing here stops a set-up: the command line works
    without it. The facts say what is missing still."""
    tool = package_tool()
    missing = missing_libraries(project)
    if missing:
        _install_or_advise(tool, _packages(project, missing, tool), _what(missing), root=root)
        missing = missing_libraries(project)
    if not has_chinese_font():
        font = [tool.font] if tool else []
        _install_or_advise(tool, font, Phrase("No font here has Chinese characters", "系统中没有中文字体"), root=root)
    return {"missing": missing}


def missing_libraries(project: Project) -> list[str]:
    return not_loadable(list(_table(project)), str(project.python))


def require_qt_libraries(project: Project) -> None:
    """Raises Unavailable with the one command when the window cannot open here."""
    missing = missing_libraries(project)
    if missing:
        tool = package_tool()
        packages = _packages(project, missing, tool)
        hint = tool.command(packages) if tool else ", ".join(missing)
        raise Unavailable(
            Phrase(f"{_what(missing).en}, so the window cannot open.", f"{_what(missing).zh}，无法打开窗口。"),
            Phrase(f"Install it: {hint} — the command line works without.", f"请安装：{hint}。命令行仍可使用。"),
            code="no_qt_libraries",
        )
    project.write_stamp("system", project.key("system"), missing=[])


def has_chinese_font(folders: Sequence[Path] = FONT_FOLDERS) -> bool:
    """What fontconfig says; without it, whether a file has one of the usual names."""
    if folders == FONT_FOLDERS and shutil.which("fc-list"):
        listed = subprocess.run(["fc-list", ":lang=zh-cn", "file"], check=False, capture_output=True)
        return bool(listed.stdout.strip())
    files = (path for folder in folders for path in folder.expanduser().rglob("*.[to]t[cf]"))
    return any(name in path.name.lower() for path in files for name in _CJK_NAMES)


def _install_or_advise(tool: PackageTool | None, packages: list[str], what: Phrase, *, root: bool) -> None:
    if tool is None:
        say(Phrase(f"{what.en}.", f"{what.zh}。"))
    elif root:
        say(Phrase(f"{what.en}; installing: {' '.join(packages)}", f"{what.zh}，正在安装：{' '.join(packages)}"))
        if not tool.install(packages):
            say(Phrase(f"That failed. Try: {tool.command(packages)}", f"安装失败，请尝试：{tool.command(packages)}"))
    else:
        say(Phrase(f"{what.en}. Install: {tool.command(packages)}", f"{what.zh}。请安装：{tool.command(packages)}"))


def _packages(project: Project, missing: Sequence[str], tool: PackageTool | None) -> list[str]:
    table = _table(project)
    return sorted({tool.package(library, table) for library in missing}) if tool else []


def _what(missing: Sequence[str]) -> Phrase:
    shown = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
    return Phrase(f"Qt misses {shown}", f"Qt 缺少 {shown}")


def _table(project: Project) -> dict[str, dict[str, str]]:
    return json.loads((project.root / "installers" / "qt_libraries.json").read_text(encoding="utf-8"))["libraries"]
