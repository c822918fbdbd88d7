"""A message is written anew in its place: the composer's field, and what to do with it."""

from PySide6.QtCore import QLocale, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QTextCursor
from PySide6.QtWidgets import QFrame, QTextEdit, QWidget

from app import parts
from app.language import Retranslated
from app.lists.messages import Edits, MessageRow
from app.theme import SPACE, px
from app.widgets.composer_box import Box


class Editor(Retranslated, QFrame):
    """Enter or Ctrl+Enter saves, by the setting; Esc gives up what was written. What is written is kept in `edits`, so
    that it is there again after the message was out of sight."""

    submitted = Signal(str)
    cancelled = Signal()
    resized = Signal()

    def __init__(self, row: MessageRow, edits: Edits, parent: QWidget) -> None:
        super().__init__(parent)
        self._row, self._edits = row, edits
        self.setProperty("kind", "composer")
        self.box = Box(self)
        self.box.enter_sends = edits.enter_sends
        self.box.setLineWrapMode(QTextEdit.LineWrapMode.FixedPixelWidth)
        self.box.setPlainText(edits.texts.get(row.id, row.text))
        self.box.moveCursor(QTextCursor.MoveOperation.End)
        self._hint = parts.label(role="caption", tone="muted")
        self._refused = parts.label(role="caption", tone="warning", wrap=True)
        self._refused.hide()
        self._refused_size = 0  # characters that were pasted and are too many
        self._cancel = parts.button(kind="quiet")
        self._save = parts.button(kind="primary")
        bottom = parts.row(self._hint, None, self._cancel, self._save, space=SPACE.s)
        self._layout = parts.column(
            self.box, self._refused, bottom, space=SPACE.s, margin=(SPACE.m, SPACE.m, SPACE.s, SPACE.s)
        )
        self.setLayout(self._layout)
        self.setFocusProxy(self.box)
        self.box.submitted.connect(self._on_submitted)
        self.box.textChanged.connect(self._on_changed)
        self.box.textChanged.connect(self._keep)
        self.box.long_pasted.connect(self._on_long_pasted)
        self.box.height_changed.connect(self.resized)
        self.box.focus_changed.connect(self._on_focus_changed)
        self._cancel.clicked.connect(self.cancelled)
        self._save.clicked.connect(self._on_submitted)
        self.retranslate()
        self._on_changed()

    @property
    def row(self) -> MessageRow:
        """That it is about."""
        return self._row

    def height_for(self, width: int) -> int:
        self._hint.setVisible(width >= px(420))
        margins = self._layout.contentsMargins()
        self._break_lines_at(width - margins.left() - margins.right() - 4)
        buttons = self._save.sizeHint().height()
        return (
            self.box.height() + self._refused_height(width) + SPACE.s + buttons + margins.top() + margins.bottom() + 2
        )

    def _refused_height(self, width: int) -> int:
        if self._refused.isHidden():
            return 0
        margins = self._layout.contentsMargins()
        return self._refused.heightForWidth(width - margins.left() - margins.right()) + SPACE.s

    def _break_lines_at(self, width: int) -> None:
        """Known before the box is resized, and so is its height."""
        self.box.setLineWrapColumnOrWidth(width)
        if self.box.verticalScrollBarPolicy() is not Qt.ScrollBarPolicy.ScrollBarAlwaysOff:
            self.box.setLineWrapColumnOrWidth(width - self.box.verticalScrollBar().sizeHint().width())

    def retranslate(self) -> None:
        question = self._row.role == "user"
        self.box.setAccessibleName(self.tr("Edit your message") if question else self.tr("Edit the answer"))
        self._cancel.setText(self.tr("Cancel"))
        self._save.setText(self.tr("Send") if question else self.tr("Save"))
        enter = self.box.enter_sends
        self._hint.setText(self.tr("Shift+Enter for a new line") if enter else self.tr("Ctrl+Enter when done"))
        size = QLocale().toString(self._refused_size)
        self._refused.setText(self.tr("The pasted text is too long to be written here ({0} characters).").format(size))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and not self.box.composing:
            self.cancelled.emit()
        elif event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)

    @Slot(str, object)
    def _on_long_pasted(self, text: str, place: QTextCursor | None) -> None:
        """What was written all the same needs no words: it is there to be seen."""
        if place is None:
            self._refused_size = len(text)
            self.retranslate()
            self._show_refused(True)

    def _show_refused(self, refused: bool) -> None:
        if refused == self._refused.isHidden():
            self._refused.setHidden(not refused)
            self.resized.emit()

    @Slot()
    def _on_changed(self) -> None:
        self._show_refused(False)
        self._save.setEnabled(bool(self.box.toPlainText().strip()))

    @Slot()
    def _keep(self) -> None:
        self._edits.write(self._row.id, self.box.toPlainText())

    @Slot()
    def _on_submitted(self) -> None:
        text = self.box.toPlainText().strip()
        if text and not self.box.composing:
            self.submitted.emit(text)

    @Slot(bool)
    def _on_focus_changed(self, focused: bool) -> None:
        parts.set_look(self, focused="true" if focused else "false")
