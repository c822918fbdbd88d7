"""Where the question is written: a box that grows with it, the model, and one button that sends or stops.

Enter sends (or makes a new line, by the setting; Shift+Enter always does, Ctrl+Enter always sends), but never
while an input method is composing: then Enter belongs to it.
"""

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication, QInputMethodEvent, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QFrame, QTextEdit, QWidget

from app import icons, parts, theme
from app.language import Retranslated
from app.theme import SPACE, px
from app.widgets.model_chip import ModelChip
from app.widgets.scope_chip import ScopeChip


class Box(QTextEdit):
    """Plain text of one line to many."""

    submitted = Signal()
    height_changed = Signal()
    focus_changed = Signal(bool)

    LINES = 9

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
        self._composing = False
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self._fit()

    @property
    def composing(self) -> bool:
        """An input method holds text that is not typed yet."""
        return self._composing

    @Slot()
    def _fit(self) -> None:
        line = self.fontMetrics().lineSpacing()
        wanted = round(self.document().size().height())
        height = max(line, min(wanted, line * self.LINES)) + 2
        policy = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(
            policy.ScrollBarAsNeeded if wanted > line * self.LINES else policy.ScrollBarAlwaysOff
        )
        if height != self.height():
            self.setFixedHeight(height)
            self.height_changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Paste) and QGuiApplication.clipboard().mimeData().hasUrls():
            event.ignore()  # files are for the window
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self._composing:
                return
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

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return source.hasText() and not source.hasUrls()  # files are for the window

    def focusInEvent(self, event: QEvent) -> None:
        super().focusInEvent(event)  # type: ignore[arg-type]
        self.focus_changed.emit(True)

    def focusOutEvent(self, event: QEvent) -> None:
        self._composing = False
        super().focusOutEvent(event)  # type: ignore[arg-type]
        self.focus_changed.emit(False)


class Composer(Retranslated, QFrame):
    text_submitted = Signal(str)
    stop_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "composer")
        self.box = Box()
        self.chip = ModelChip()
        self.scope = ScopeChip()
        self._send = parts.icon_button("arrow-up", tone="on_accent", size=20, kind="send")
        self._busy = False
        self._ready = False
        self._hint = parts.label(role="caption", tone="muted")
        bottom = parts.row(self.chip, self.scope, None, self._hint, self._send, space=SPACE.m)
        box = parts.row(self.box, margin=(SPACE.s, 0, SPACE.s, 0))
        self.setLayout(parts.column(box, bottom, space=SPACE.s, margin=(SPACE.s, SPACE.m, SPACE.s, SPACE.s)))
        self.setFocusProxy(self.box)
        self.box.submitted.connect(self.submit)
        self.box.textChanged.connect(self._refresh)
        self.box.focus_changed.connect(self._on_focus_changed)
        self._send.clicked.connect(self._on_pressed)
        self.retranslate()

    @property
    def busy(self) -> bool:
        return self._busy

    def set_ready(self, ready: bool) -> None:
        """Whether a question can be taken now. Typing is always possible."""
        self._ready = ready
        self._refresh()

    def set_busy(self, busy: bool) -> None:
        """An answer is on its way: the button stops it."""
        self._busy = busy
        self._refresh()

    def set_enter_sends(self, enter_sends: bool) -> None:
        self.box.enter_sends = enter_sends
        self.retranslate()

    def text(self) -> str:
        return self.box.toPlainText()

    def set_text(self, text: str) -> None:
        self.box.setPlainText(text)
        self.box.moveCursor(self.box.textCursor().MoveOperation.End)

    @Slot()
    def clear(self) -> None:
        self.box.clear()

    def retranslate(self) -> None:
        self.box.setPlaceholderText(self.tr("Ask anything"))
        self.box.setAccessibleName(self.tr("Your question"))
        self._hint.setText(
            self.tr("Shift+Enter for a new line") if self.box.enter_sends else self.tr("Ctrl+Enter to send")
        )
        self._refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._hint.setVisible(self.width() >= px(520))

    @Slot()
    def submit(self) -> None:
        text = self.text().strip()
        if text and self._ready and not self._busy and not self.box.composing:
            self.text_submitted.emit(text)

    def press(self) -> None:
        """The one button: send, or stop."""
        self._send.click()

    @Slot()
    def _on_pressed(self) -> None:
        if self._busy:
            self.stop_requested.emit()
        else:
            self.submit()

    @Slot()
    def _refresh(self) -> None:
        self._send.setIcon(icons.icon("stop" if self._busy else "arrow-up", "on_accent"))
        self._send.setIconSize(QSize(px(18), px(18)))
        self._send.setEnabled(self._busy or (self._ready and bool(self.text().strip())))
        parts.name_button(self._send, self.tr("Stop the answer") if self._busy else self.tr("Send"))

    @Slot(bool)
    def _on_focus_changed(self, focused: bool) -> None:
        parts.set_look(self, focused="true" if focused else "false")
