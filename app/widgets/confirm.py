"""A question in place, before something is deleted that would have to be fetched again: no dialog."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame

from app import parts
from app.language import Retranslated
from app.theme import SPACE


class Confirm(Retranslated, QFrame):
    """Hidden until `ask`; hidden again by either answer, or by Escape."""

    confirmed = Signal()
    declined = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "danger")
        self._yes_words = ""
        self._words = parts.label(wrap=True)
        self._no = parts.button(kind="quiet")
        self._yes = parts.button(kind="danger")
        self._no.clicked.connect(self._on_no)
        self._yes.clicked.connect(self._on_yes)
        layout = parts.row(self._words, self._no, self._yes, margin=(SPACE.m, SPACE.s, SPACE.s, SPACE.s))
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self.hide()
        self.retranslate()

    def retranslate(self) -> None:
        self._no.setText(self.tr("Keep"))
        self._yes.setText(self._yes_words or self.tr("Delete"))

    def ask(self, words: str, yes: str = "") -> None:
        """`yes`: what is done if it is not deleting. The focus goes to the harmless answer if a key was pressed to come
        here."""
        self._yes_words = yes
        self.retranslate()
        self._words.setText(words)
        self._no.setAccessibleDescription(words)
        self._yes.setAccessibleDescription(words)
        self.show()
        self._no.setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._on_no()
            return
        super().keyPressEvent(event)

    @Slot()
    def _on_no(self) -> None:
        self.hide()
        self.declined.emit()

    @Slot()
    def _on_yes(self) -> None:
        self.hide()
        self.confirmed.emit()
