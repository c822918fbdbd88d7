"""The field in which a question is written: plain text of one line to many, safe for input methods.

Enter belongs to an input method while it composes, and so does the Enter whose keystroke ended the composing. What is
pasted or dropped becomes plain text; what would be too much for a field is handed on, and files are the window's.
"""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QMimeData, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QGuiApplication,
    QInputMethodEvent,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
    QTextCursor,
    QTextDocumentFragment,
)
from PySide6.QtWidgets import QFrame, QTextEdit, QWidget

from app import theme
from app.theme import px

LONG = 12_000  # characters pasted at once: better a document
LONGEST = 100_000  # with more the field is slow
LONGEST_LINE = 16_000
_OBJECT = "\ufffc"  # a picture among rich text


class Box(QTextEdit):
    submitted = Signal()
    height_changed = Signal()
    focus_changed = Signal(bool)
    composing_changed = Signal()
    long_pasted = Signal(str, object)  # text, QTextCursor that has it selected; None: it was not written
    unusable_pasted = Signal()

    LINES = 9  # where there is room
    FEWEST = 3

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "composer")
        self.setAcceptRichText(False)
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(0)
        font = theme.current().type.font()
        font.setPixelSize(round(theme.current().type.body * 1.04))
        self.setFont(font)
        self.enter_sends = True
        self.takes_key: Callable[[QKeyEvent], bool] = lambda _: False  # asked first: True, and the key is not ours
        self._held = ""  # by an input method, not typed yet
        self._lines = self.LINES
        self._same_stroke = QTimer(self)  # runs until the event loop comes round after the end of a composing
        self._same_stroke.setSingleShot(True)
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self._fit()

    @property
    def composing(self) -> bool:
        """An input method holds text that is not typed yet."""
        return bool(self._held)

    def settle(self) -> None:
        """What an input method holds is typed now: as the method would have it, or else as it stands."""
        if self._held:
            QGuiApplication.inputMethod().commit()
        if held := self._held:
            event = QInputMethodEvent()
            event.setCommitString(held)
            self.inputMethodEvent(event)

    def replace_all(self, text: str) -> None:
        """As one step that can be undone."""
        cursor = self.textCursor()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(text)
        self.setTextCursor(cursor)
        self.ensureCursorVisible()

    def set_room(self, height: int) -> None:
        """The page is so high: in a low one the box scrolls sooner."""
        beside = px(200)  # what stands around the box, and a little of the chat
        fitting = (height - beside) // (2 * self.fontMetrics().lineSpacing())
        self._lines = max(self.FEWEST, min(self.LINES, fitting))
        self._fit()

    @Slot()
    def _fit(self) -> None:
        line = self.fontMetrics().lineSpacing()
        wanted = round(self.document().size().height())
        height = max(line, min(wanted, line * self._lines)) + 2
        policy = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(
            policy.ScrollBarAsNeeded if wanted > line * self._lines else policy.ScrollBarAlwaysOff
        )
        if height != self.height():
            self.setFixedHeight(height)
            self.height_changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    # ---- keys and input methods

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        was, self._held = self._held, event.preeditString()
        if was and not self._held and event.commitString():
            self._same_stroke.start(0)
        super().inputMethodEvent(event)
        if bool(was) != bool(self._held):
            self.composing_changed.emit()

    def event(self, event: QEvent) -> bool:
        """Tab never comes to `keyPressEvent`."""
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Tab:
            return (not self._held and self.takes_key(event)) or super().event(event)
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Paste) and has_files(QGuiApplication.clipboard().mimeData()):
            event.ignore()  # files are for the window
            return
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and (self._held or self._same_stroke.isActive()):
            return
        if not self._held and self.takes_key(event):
            return
        if enter:
            held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
            if held == Qt.KeyboardModifier.ControlModifier or (
                held == Qt.KeyboardModifier.NoModifier and self.enter_sends
            ):
                self.submitted.emit()
                return
            if held == Qt.KeyboardModifier.ShiftModifier:
                self.textCursor().insertBlock()  # a paragraph, not the line separator of rich text
                self.ensureCursorVisible()
                return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QEvent) -> None:
        super().focusInEvent(event)  # type: ignore[arg-type]
        self.focus_changed.emit(True)

    def focusOutEvent(self, event: QEvent) -> None:
        self.settle()
        super().focusOutEvent(event)  # type: ignore[arg-type]
        self.focus_changed.emit(False)

    # ---- what is pasted and dropped

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return not has_files(source) and (source.hasText() or source.hasHtml() or source.hasImage())

    def insertFromMimeData(self, source: QMimeData) -> None:
        text = plain(source)
        if not text:
            if source.formats():
                self.unusable_pasted.emit()
            return
        if self.document().characterCount() + len(text) > LONGEST or _longest_line(text) > LONGEST_LINE:
            self.long_pasted.emit(text, None)
            return
        cursor = self.textCursor()
        start = cursor.selectionStart()
        cursor.insertText(text)
        self.setTextCursor(cursor)
        self.ensureCursorVisible()
        if len(text) > LONG:
            pasted = QTextCursor(self.document())
            pasted.setPosition(start)
            pasted.setPosition(cursor.position(), QTextCursor.MoveMode.KeepAnchor)
            pasted.setKeepPositionOnInsert(True)
            self.long_pasted.emit(text, pasted)


def has_files(mime: QMimeData) -> bool:
    return any(url.isLocalFile() for url in mime.urls())


def plain(mime: QMimeData) -> str:
    """Its text, with the line breaks that the field has."""
    text = mime.text() if mime.hasText() else ""
    if not text and mime.hasHtml():
        text = QTextDocumentFragment.fromHtml(mime.html()).toPlainText().replace(_OBJECT, "")
    for other in ("\r\n", "\r", "\u2028", "\u2029"):
        text = text.replace(other, "\n")
    return text.replace("\0", "")


def _longest_line(text: str) -> int:
    return max(map(len, text.split("\n")))
