"""What a document may suffer from that is no error of a reader."""

from backends.core.phrase import Phrase
from backends.documents.types import Problem

TRY_AGAIN = frozenset(
    {"changing", "disk_full", "disk_failed", "gone", "unreadable_file", "database_locked", "reader_died"}
)
"""Another time may be better: the file is read again when it is met again, even if it did not change."""

KEEP = frozenset({"changing", "gone", "disk_full", "disk_failed", "database_locked"})
"""The reason lies not in what the file says: what was read of it before can be found still."""

STOPPED = "stopped"


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
