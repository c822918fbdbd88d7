"""Why a file cannot be read. Each is about that file only; the next one is read."""

from pathlib import Path

from backends.core.errors import BackendError, InvalidInput, NotFound, ResourceError, Unavailable
from backends.core.phrase import NOTHING, Phrase

_SAVE_ANEW = Phrase("Open it in its own program and save it anew.", "请用相应的程序打开并重新保存。")
_PASSWORD = Phrase("Enter the password that opens it.", "请输入打开该文件的密码。")


def unreadable(error: OSError | None = None) -> BackendError:
    """The system does not give the file: gone, no right, a folder, a drive that went away."""
    if isinstance(error, FileNotFoundError):
        return NotFound(Phrase("The file is not there any more.", "文件已不存在。"), code="unreadable_file")
    if isinstance(error, PermissionError):
        return Unavailable(
            Phrase("The system does not let DeskSeek read the file.", "系统不允许 DeskSeek 读取该文件。"),
            Phrase(
                "Check its permissions, and whether another program holds it.", "请检查权限，以及是否被其他程序占用。"
            ),
            "unreadable_file",
        )
    why = f" ({error.strerror})" if error and error.strerror else ""
    return Unavailable(Phrase(f"The file cannot be read{why}.", f"无法读取文件{why}。"), code="unreadable_file")


def damaged(hint: Phrase = _SAVE_ANEW) -> BackendError:
    return InvalidInput(Phrase("The file is damaged or not complete.", "文件已损坏或不完整。"), hint, "damaged_file")


def encrypted(hint: Phrase = _PASSWORD) -> BackendError:
    return InvalidInput(Phrase("The file is protected by a password.", "文件受密码保护。"), hint, "encrypted")


def locked() -> BackendError:
    """By a password, and of a kind that is not opened here even with it."""
    return encrypted(
        Phrase(
            "Open it in its own program, save it without a password, and add that.",
            "请用相应的程序打开，去掉密码另存后再添加。",
        )
    )


def wrong_password() -> BackendError:
    return InvalidInput(
        Phrase("The password does not open the file.", "密码不正确，无法打开文件。"), _PASSWORD, "wrong_password"
    )


def too_large() -> BackendError:
    """More memory or text than a file may take, or an archive that unpacks to a multiple of itself."""
    return InvalidInput(
        Phrase("Reading the file would take too much memory.", "读取该文件需要的内存过多。"),
        Phrase("Split it into smaller files.", "请将其拆分为较小的文件。"),
        "too_large",
    )


def out_of_time() -> BackendError:
    return ResourceError(
        Phrase("Reading the file took too long and was ended.", "读取该文件用时过长，已停止。"),
        Phrase("Split it into smaller files, or save it anew.", "请将其拆分为较小的文件，或重新保存。"),
        "out_of_time",
    )


def reader_died() -> BackendError:
    return InvalidInput(
        Phrase("The file made its reader end.", "读取该文件时读取程序意外终止。"),
        Phrase("Open it in its own program and save it anew.", "请用相应的程序打开并重新保存。"),
        "reader_died",
    )


def reader_killed() -> BackendError:
    """Not by a limit of ours: by the system, which ran out of memory, or by a person."""
    return ResourceError(
        Phrase("The system ended the reader of the file.", "系统终止了读取该文件的程序。"),
        Phrase(
            "The memory may be short: close other programs, then add the file again.",
            "可能是内存不足：请关闭其他程序，然后重新添加该文件。",
        ),
        "reader_died",
    )


def no_reader(error: OSError) -> BackendError:
    """The system starts no process: no memory, no room for temporary files, too many processes."""
    why = error.strerror or type(error).__name__
    return ResourceError(
        Phrase(f"The reader of the file could not be started ({why}).", f"无法启动读取该文件的程序（{why}）。"),
        Phrase("Close other programs, then add the file again.", "请关闭其他程序，然后重新添加该文件。"),
        "reader_died",
    )


def no_library(name: str) -> BackendError:
    """A part of the installation that reads such files is missing or broken; the file is not to blame."""
    return Unavailable(
        Phrase(f"A part of DeskSeek is missing: {name}.", f"DeskSeek 缺少组件：{name}。"),
        Phrase("Install DeskSeek anew, then add the file again.", "请重新安装 DeskSeek，然后重新添加该文件。"),
        "reader_died",
    )


def unsupported(hint: Phrase = NOTHING) -> BackendError:
    return InvalidInput(
        Phrase("DeskSeek cannot read files of this kind.", "DeskSeek 无法读取这种文件。"), hint, "unsupported_format"
    )


def no_ocr() -> BackendError:
    """The command is that of the project's folder, or of an installation from a wheel, which has no installers."""
    here = (Path(__file__).resolve().parents[3] / "installers" / "run.py").is_file()
    command = "python3 installers/run.py ocr" if here else 'pip install "deskseek[ocr]"'
    return Unavailable(
        Phrase("Recognising scanned pages needs an extra that is not installed.", "识别扫描页所需的附加组件尚未安装。"),
        Phrase(
            f"Install the extra deskseek[ocr], then start DeskSeek anew: {command}",
            f"请安装附加组件 deskseek[ocr]，然后重新启动 DeskSeek：{command}",
        ),
        "no_ocr",
    )
