"""Words that were looked for, lit in the message that they were found in, and brought into sight."""

from PySide6.QtCore import QObject, QPoint, QTimer, Slot
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QTextEdit, QWidget

from app import theme
from app.lists.messages import MessageList
from app.lit import utf16
from app.widgets.message import Answer
from app.widgets.prose import ReadOnlyText
from app.widgets.transcript import Transcript
from backends.chat.search_words import Wanted

_LONGEST = 200_000  # characters of one text that are looked through
_MOST = 200  # places that are lit in one text
_STEPS = 100  # windows that are leafed through until the first one is in sight
_KEY = "lit_for"


class LitWords(QObject):
    """Of one message of the transcript, as long as nobody looks for something else. Texts are lit as they come into
    sight: a long message is not set before."""

    def __init__(self, transcript: Transcript, messages: MessageList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._transcript, self._messages = transcript, messages
        self._message_id: int | None = None
        self._wanted = Wanted("")
        self._steps = 0  # left, while the first place is looked for
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._light)
        bar = transcript.verticalScrollBar()
        bar.valueChanged.connect(self._on_moved)
        bar.rangeChanged.connect(self._on_moved)
        messages.modelReset.connect(self._on_moved)
        theme.current().changed.connect(self._on_moved)

    @Slot(int, str, bool)
    def show(self, message_id: int, text: str, thinking: bool) -> None:
        """Bring it into sight. `thinking`: the words are in the thoughts, which are opened."""
        self._message_id, self._wanted, self._steps = message_id, Wanted.of(text), _STEPS
        self._transcript.show_message(message_id)
        message = self._message
        if thinking and isinstance(message, Answer) and not message.thinking.opened:
            message.thinking.click()
            self._transcript.show_message(message_id)
        self._light()

    @Slot()
    def forget(self) -> None:
        self._message_id = None
        self._light()

    # ---- inside

    @property
    def _message(self) -> QWidget | None:
        row = self._messages.find(self._message_id) if self._message_id is not None else None
        return self._transcript.in_sight.get(row) if row is not None else None

    @Slot()
    def _on_moved(self) -> None:
        if self._message_id is not None:
            self._soon.start()

    @Slot()
    def _light(self) -> None:
        """Light what is set of the message, and let go of what is not of it any more: widgets are used again."""
        message = self._message
        places: list[int] = []
        for text in self._transcript.findChildren(ReadOnlyText):
            if message is None or not message.isAncestorOf(text):
                if text.property(_KEY):
                    text.setProperty(_KEY, "")
                    text.setExtraSelections([])
                continue
            self._light_text(text)
            chosen = text.extraSelections()
            if chosen and text.isVisibleTo(self._transcript):
                place = text.cursorRect(chosen[0].cursor).top()
                places.append(text.viewport().mapTo(self._transcript.viewport(), QPoint(0, place)).y())
        if self._steps:
            self._seek(message, min(places, default=None))

    def _light_text(self, text: ReadOnlyText) -> None:
        key = f"{text.document().revision()} {theme.tokens().lit} {self._wanted.match}"
        if text.property(_KEY) == key:
            return
        text.setProperty(_KEY, key)
        plain = text.toPlainText()[:_LONGEST]
        looks = QTextCharFormat()
        looks.setBackground(QColor(theme.tokens().lit))
        looks.setForeground(QColor(theme.tokens().text))
        chosen: list[QTextEdit.ExtraSelection] = []
        for start, end in self._wanted.spans(plain)[:_MOST]:
            selection = QTextEdit.ExtraSelection()
            cursor = QTextCursor(text.document())
            cursor.setPosition(utf16(plain, start))
            cursor.setPosition(utf16(plain, end), QTextCursor.MoveMode.KeepAnchor)
            selection.cursor = cursor
            selection.format = looks
            chosen.append(selection)
        text.setExtraSelections(chosen)

    def _seek(self, message: QWidget | None, place: int | None) -> None:
        """Until the first lit place is in sight; window by window, since what is below is not set yet."""
        view, bar = self._transcript.viewport().height(), self._transcript.verticalScrollBar()
        if message is None or (place is not None and 0 <= place < 0.8 * view):
            self._steps = 0
        elif place is not None:
            self._steps = 0
            bar.setValue(bar.value() + place - view // 3)
        elif message.geometry().bottom() > view:
            self._steps -= 1
            bar.setValue(bar.value() + view * 3 // 4)
            self._soon.start(20)
        else:
            self._steps = 0
