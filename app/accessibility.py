"""Answers for those who listen: a screen reader is told each sentence once it is whole, and politely, so that it ends
what it is saying first. Code is named and not read; marks of Markdown are left out.
"""

import re
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QObject
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent

from app.language import say
from app.lists.messages import MessageRow

_END = re.compile(r"(?:(?<!\d)\.|[!?…])[\"'”’)\]*_]*(?=\s)|[。！？；][”’」）*_]*|\n")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_MARKS = (
    (re.compile(r"!?\[([^\]]*)\]\([^)]*\)"), r"\1"),  # links and pictures
    (re.compile(r"^\s*(?:#{1,6}\s+|>\s?|[-*+]\s+)"), ""),
    (re.compile(r"^\s*\|?(?:\s*:?-{3,}:?\s*\|?)+\s*$"), ""),  # below the head of a table
    (re.compile(r"\s*\|\s*"), ", "),
    (re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)"), ""),
)


class Announcer(QObject):
    """Follows one answer at a time. `tell` gets each sentence."""

    def __init__(self, tell: Callable[[str], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.wanted = True
        self._tell = tell
        self.forget()

    def forget(self) -> None:
        """Another conversation is shown."""
        self._read: int | None = None  # characters of the answer; None: there is none on its way
        self._in_code = False
        self._thinking = False

    def show_row(self, row: MessageRow, *, aloud: bool) -> None:
        """The answer as it is now. `aloud`: somebody has it before them; what comes meanwhile is never caught up on."""
        began = self._read is not None
        if row.live is None and not began:
            return
        if self._read is None or len(row.text) < self._read:
            self._read, self._in_code = len(row.text), False  # one that goes on was read before
        self._follow(row.text, last=row.live is None, aloud=aloud and self.wanted)
        if row.live is None:
            if row.problem is not None and aloud and self.wanted:
                self._tell(f"{say(row.problem.message)} {say(row.problem.hint)}".strip())
            self.forget()
        elif row.live.stage == "thinking" and not self._thinking and aloud and self.wanted:
            self._thinking = True
            self._tell(QCoreApplication.translate("Announcer", "The model is thinking."))

    def _follow(self, text: str, *, last: bool, aloud: bool) -> None:
        position = self._read or 0
        for end in _END.finditer(text, position):
            self._take(text[position : end.end()], aloud=aloud)
            position = end.end()
        if last and position < len(text):
            self._take(text[position:], aloud=aloud)
            position = len(text)
        self._read = position

    def _take(self, piece: str, *, aloud: bool) -> None:
        if _FENCE.match(piece):
            self._in_code = not self._in_code
            words = QCoreApplication.translate("Announcer", "Code.") if self._in_code else ""
        else:
            words = "" if self._in_code else plain(piece)
        if words and aloud:
            self._tell(words)


def plain(piece: str) -> str:
    """A sentence of Markdown, as it is spoken."""
    for mark, instead in _MARKS:
        piece = mark.sub(instead, piece)
    piece = piece.strip(" ,\n")
    return piece if any(character.isalnum() for character in piece) else ""


def announce(about: QObject, words: str) -> None:
    """Tell assistive programs, if there are any."""
    if QAccessible.isActive():
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(about, words))
