"""The set-up, step by step: an environment, the locked packages, the engine, the project itself, the system.

Each step is stamped when it has succeeded. `started.json` names the step at work: when the next set-up finds it,
that step was cut off. An environment, or packages unpacked half-way, are not worth mending: they are made anew.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from backends.core.errors import ResourceError, Unavailable
from backends.core.phrase import Phrase
from installers import accelerators, engine, linux
from installers.exclusive import exclusive, kept
from installers.packages import Pip
from installers.project import Project, own_python
from installers.words import say

STEPS = ("environment", "dependencies", "engine", "project", "system")
SPACE = 2 << 30
"""Bytes that must be free to begin: what the locked packages and a source build take, and some air."""

_REMADE = ("environment", "dependencies", "tools", "ocr")
_LAUNCHERS = {"deskseek": "backends", "deskseek-gui": "app"}


def prepare(project: Project, *, tools: bool = False, ocr: bool = False, look_again: bool = False) -> None:
    """Do what is not done yet. `tools` adds those of the project's own checks, `ocr` what recognises scanned pages,
    which then stays with every later set-up; `look_again` lets the engine be chosen anew where a better one was out of
    reach before. Raises BackendError."""
    more = {"tools": tools, "ocr": ocr or bool(project.read_stamp("ocr"))}
    steps = (*STEPS, *(step for step, wanted in more.items() if wanted))
    if not look_again and all(project.done(step) for step in steps):
        return
    engine.wanted_build(project)
    with exclusive(project.notes / "lock") as guard:
        pip = Pip(project, guard)
        work: dict[str, Callable[[], dict[str, object]]] = {
            "environment": lambda: _make_environment(project, guard),
            "dependencies": lambda: _install(pip, project.lock),
            "engine": lambda: engine.install(project, pip),
            "project": lambda: _link_project(project),
            "system": lambda: linux.provide(project, root=linux.is_root()) if sys.platform.startswith("linux") else {},
            "tools": lambda: _install(pip, project.tools_lock),
            "ocr": lambda: _install(pip, project.ocr_lock),
        }
        if project.read_stamp("started").get("key") in _REMADE:
            say(Phrase("The last set-up was cut off; making it anew.", "上次安装中断，正在重新安装。"))
            _clear(project)
        for step in steps:
            again = step == "engine" and look_again and engine.better_in_reach(project, accelerators.find())
            if not project.done(step) or again:
                project.write_stamp("started", step)
                facts = work[step]()
                project.write_stamp(step, project.key(step), **facts)
        (project.notes / "started.json").unlink(missing_ok=True)


def _clear(project: Project) -> None:
    """Empty the environment, but for the lock that we hold and pip's log."""
    for path in project.venv.iterdir():
        if path.is_dir() and not path.is_symlink() and path != project.notes:
            shutil.rmtree(path)
        elif path != project.notes:
            path.unlink()
    for stamp in project.notes.glob("*.json"):
        stamp.unlink()


def _make_environment(project: Project, guard: int) -> dict[str, object]:
    """A virtual environment with pip. One that somebody else made and that works is taken as it is."""
    if project.python.exists() and not project.read_stamp("environment") and _works(project):
        say(Phrase(f"Using the environment in {project.venv}.", f"使用现有环境 {project.venv}。"))
        return {}
    require_venv()
    require_space(project.root, SPACE)
    say(Phrase("Making the Python environment …", "正在创建 Python 环境……"))
    _clear(project)
    project.write_stamp("started", "environment")
    made = subprocess.run(
        [own_python(project), "-I", "-m", "venv", str(project.venv)],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        pass_fds=kept(guard),
    )
    if made.returncode or not _works(project):
        require_space(project.root, SPACE // 4)
        last = (made.stdout + made.stderr).strip().splitlines()[-1:]
        raise Unavailable(
            Phrase(
                f"The Python environment could not be made: {''.join(last)}",
                f"无法创建 Python 环境：{''.join(last)}",
            ),
            code="no_environment",
        )
    return {}


def _works(project: Project) -> bool:
    """Whether the environment's Python is new enough and has pip."""
    program = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    command = [str(project.python), "-I", "-c", program]
    return subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0


def require_venv(present: Callable[[str], object] = find_spec) -> None:
    """Debian ships Python without the modules that make environments. Root gets the package, others its name."""
    if present("venv") and present("ensurepip"):
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    tool = linux.package_tool()
    if tool and linux.is_root() and tool.install([package]):
        return
    hint = tool.command([package]) if tool else package
    raise Unavailable(
        Phrase("This Python lacks its venv module.", "当前 Python 缺少 venv 模块。"),
        Phrase(f"Install it and run this again: {hint}", f"请安装后重新运行：{hint}"),
        code="no_venv",
    )


def require_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ResourceError(
            Phrase(
                f"The set-up needs {needed / 2**30:.1f} GiB on the disk of {folder}; {free / 2**30:.1f} GiB are free.",
                f"安装需要 {folder} 所在磁盘有 {needed / 2**30:.1f} GiB 空间，目前剩余 {free / 2**30:.1f} GiB。",
            ),
            Phrase("Free some space and run this again.", "请清理磁盘空间后重新运行。"),
            code="no_disk_space",
        )


def _install(pip: Pip, lock: Path) -> dict[str, object]:
    """Exactly what the lock names, each file held against its hash; nothing is resolved."""
    say(Phrase(f"Installing the packages of {lock.name} …", f"正在安装 {lock.name} 中的软件包……"))
    pip.require("install", "--require-hashes", "--no-deps", "-r", str(lock))
    return {}


def _link_project(project: Project) -> dict[str, object]:
    """Make the project importable from everywhere, and give it its two commands."""
    (project.site_packages() / "deskseek.pth").write_text(f"{project.root}\n", encoding="utf-8")
    for name, module in _LAUNCHERS.items():
        if os.name == "nt":
            launcher = project.scripts / f"{name}.cmd"
            launcher.write_text(f'@"%~dp0python.exe" -P -m {module} %*\n', encoding="utf-8")
        else:
            launcher = project.scripts / name
            python = shlex.quote(str(project.python))
            launcher.write_text(f'#!/bin/sh\nexec {python} -P -m {module} "$@"\n', encoding="utf-8")
            launcher.chmod(0o755)
    return {}
