"""What the words after `run.py` mean.

A second start must cost next to nothing: it reads a few small stamps and becomes the wanted program.
"""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from backends.core.errors import BackendError, InvalidInput, ResourceError, StorageError, Unavailable
from backends.core.phrase import Phrase
from installers import checks, linux, locks, shortcut
from installers.preparation import STEPS, prepare
from installers.project import Project
from installers.words import say, sentence, show

WINDOW = "window"  # what a shortcut says: open the window, and show an error where it can be seen


def start(root: str, arguments: Sequence[str]) -> int:
    """The exit code: 0, 1 for a known error, 2 for wrong usage; on POSIX a successful start never comes back."""
    project = Project(Path(root))
    try:
        return _run(project, list(arguments))
    except BackendError as error:
        if arguments and arguments[0] == WINDOW:
            show(error)
        else:
            say(sentence(error))
        return 2 if isinstance(error, InvalidInput) else 1
    except KeyboardInterrupt:
        say(Phrase("Stopped. The next start goes on from here.", "已停止，下次启动时会从这里继续。"))
        return 130
    except OSError as error:
        say(sentence(_storage_error(error, project)))
        return 1


def _run(project: Project, arguments: list[str]) -> int:
    command, rest = (arguments[0], arguments[1:]) if arguments else (WINDOW, [])
    if command in ("setup", "shortcut", "ocr", WINDOW) and rest:
        raise InvalidInput(
            Phrase(f"`run.py {command}` takes no further words.", f"`run.py {command}` 不接受其他参数。"),
            code="wrong_usage",
        )
    if command in ("setup", "test", "lock", "shortcut", "ocr"):
        return _maintain(project, command, rest)
    if not ready(project):
        prepare(project)
    _mention_missing_engine(project)
    if command == WINDOW:
        _require_display()
        _require_libraries(project)
        return launch(project, "app", [], detached=bool(arguments) and os.name == "nt")
    return launch(project, "backends", arguments)


def ready(project: Project) -> bool:
    return all(project.done(step) for step in STEPS)


def _maintain(project: Project, command: str, rest: list[str]) -> int:
    match command:
        case "setup":
            prepare(project, look_again=True)
            if _mention_missing_engine(project):
                return 1
            say(Phrase("DeskSeek is set up. Start it with: run.py", "DeskSeek 已安装完成。启动：run.py"))
        case "shortcut":
            prepare(project)
            path = shortcut.place(project)
            say(Phrase(f"DeskSeek is in your applications now: {path}", f"已将 DeskSeek 添加到应用程序：{path}"))
        case "ocr":
            prepare(project, ocr=True)
            say(
                Phrase(
                    "Scanned pages can be recognised now. Start DeskSeek anew if it is open.",
                    "现在可以识别扫描页了。如果 DeskSeek 已打开，请重新启动。",
                )
            )
        case "test":
            prepare(project, tools=True)
            return checks.check(project, rest)
        case "lock":
            prepare(project, tools=True)
            locks.write(project, upgrade="--upgrade" in rest)
    return 0


def launch(project: Project, module: str, arguments: Sequence[str], *, detached: bool = False) -> int:
    """Become `python -m module`: its exit code is ours, and so are its stdin, stdout and stderr.

    -P keeps the current folder off the import path: whatever lies where the user happens to stand is not ours.
    """
    command = [str(project.python), "-P", "-m", module, *arguments]
    if os.name != "nt":
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(command[0], command)
    if detached:
        windowed = project.python.with_name("pythonw.exe")
        subprocess.Popen([str(windowed), *command[1:]], cwd=project.root)
        return 0
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the program, which answers with its exit code
    return subprocess.run(command, check=False).returncode


def _mention_missing_engine(project: Project) -> bool:
    stamp = project.read_stamp("engine")
    problem = stamp.get("problem")
    if isinstance(problem, dict):
        say(Phrase(str(problem.get("en", "")), str(problem.get("zh", ""))))
    return isinstance(problem, dict)


def _require_display(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> None:
    if not platform.startswith("linux"):
        return
    if any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
        return
    raise Unavailable(
        Phrase("There is no display here, so the window cannot open.", "这里没有显示器，无法打开窗口。"),
        Phrase(
            'The command line works all the same: run.py ask "…", run.py --help.',
            "命令行仍可使用：run.py ask “…”，run.py --help。",
        ),
        code="no_display",
    )


def _require_libraries(project: Project) -> None:
    """What the set-up found missing may be there by now; only then it is looked at again."""
    if project.read_stamp("system").get("missing"):
        linux.require_qt_libraries(project)


def _storage_error(error: OSError, project: Project) -> BackendError:
    if error.errno == errno.ENOSPC:
        return ResourceError(
            Phrase(f"The disk of {project.root} is full.", f"{project.root} 所在磁盘已满。"),
            Phrase("Free some space and run this again.", "请清理磁盘空间后重新运行。"),
            code="no_disk_space",
        )
    place = error.filename or project.root
    return StorageError(
        Phrase(f"{place}: {error.strerror}.", f"{place}：{error.strerror}。"),
        Phrase(
            "Check that you may write in the project's folder and run this again.",
            "请确认对项目文件夹有写入权限，然后重新运行。",
        ),
        code="folder_not_writable",
    )
