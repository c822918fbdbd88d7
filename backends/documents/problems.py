"""What a document may suffer from that is no error of a reader."""

from backends.core.phrase import Phrase
from backends.documents.types import Problem

TRY_AGAIN = frozenset(
    {"changing", "disk_full", "disk_failed", "gone", "no_answer", "unreadable_file", "database_locked", "reader_died"}
)
"""Another time may be better: the file is read again when it is met again, even if it did not change."""

KEEP = frozenset({"changing", "gone", "no_answer", "disk_full", "disk_failed", "database_locked"})
"""The reason lies not in what the file says: what was read of it before can be found still."""

STOPPED = "stopped"
NO_ANSWER = "no_answer"


def empty() -> Problem:
    return Problem("empty", Phrase("There is no text in it.", "其中没有文字。"))


def scanned() -> Problem:
    return Problem(
        "scanned",
        Phrase("Its pages are pictures without a text layer.", "页面均为图像，没有文字层。"),
        _RECOGNISE,
    )


def pages_without_text(unread: tuple[int, ...]) -> Problem:
    """Some pages are pictures."""
    named = ", ".join(map(str, unread[:_NAMED])) + (" …" if len(unread) > _NAMED else "")
    return Problem(
        "pages_without_text",
        Phrase(
            f"Pages that are pictures were not read: {named}."
            if len(unread) > 1
            else f"Page {named} is a picture and was not read.",
            f"以下页面是图像，未能读取：{named}。",
        ),
        _RECOGNISE,
    )


def changing() -> Problem:
    return Problem(
        "changing",
        Phrase("The file changed while it was read.", "读取期间文件发生了变化。"),
        Phrase("It is read again when it rests.", "文件稳定后会再次读取。"),
    )


def no_answer() -> Problem:
    """Of a file or folder on a drive that says nothing at all, neither yes nor no."""
    return Problem(
        NO_ANSWER,
        Phrase("The drive does not answer.", "磁盘没有响应。"),
        Phrase(
            "Check the drive and the network, then try again. It is also tried at the next start.",
            "请检查磁盘和网络，然后重试。下次启动时也会自动重试。",
        ),
    )


def unreadable(error: OSError) -> Problem:
    """Why the system does not give a file or folder."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Problem(
            "gone",
            Phrase("It is not there (any more).", "文件或文件夹不存在（或已被移走）。"),
            Phrase("If it lies on another drive, connect it.", "如果位于其他磁盘，请先连接该磁盘。"),
        )
    if isinstance(error, PermissionError):
        return Problem(
            "unreadable_file",
            Phrase("The system does not let DeskSeek read it.", "系统不允许 DeskSeek 读取。"),
            Phrase(
                "Check its permissions, and whether another program holds it.", "请检查权限，以及是否被其他程序占用。"
            ),
        )
    why = f" ({error.strerror})" if error.strerror else ""
    return Problem(
        "unreadable_file",
        Phrase(f"It cannot be read{why}.", f"无法读取{why}。"),
        Phrase("Check the drive it lies on.", "请检查其所在的磁盘。"),
    )


_NAMED = 8
_RECOGNISE = Phrase(
    "With the extra deskseek[ocr] installed, have it recognised.", "安装附加组件 deskseek[ocr] 后即可识别文字。"
)


def stopped() -> Problem:
    """Of a folder that is followed: somebody has ended the reading."""
    return Problem(
        STOPPED,
        Phrase(
            "Stopped. Goes on when something changes there, or in a quarter of an hour.",
            "已停止。文件夹有变化时继续，最迟一刻钟后。",
        ),
    )
