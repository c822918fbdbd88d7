"""What the models have read and is kept on this disk: how much it is, and the button that forgets it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app import figures, parts
from app.language import Retranslated
from app.theme import SPACE


class Remembered(Retranslated, QWidget):
    forget_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._bytes = 0
        self._words = parts.label(role="caption", tone="muted", wrap=True)
        self._forget = parts.button(kind="secondary")
        self._forget.clicked.connect(self.forget_requested)
        row = parts.row(self._words, self._forget, space=SPACE.l, margin=(SPACE.l, SPACE.m, SPACE.m, SPACE.m))
        row.setStretch(0, 1)
        self.setLayout(row)
        self.retranslate()

    def show_bytes(self, count: int) -> None:
        self._bytes = count
        self.retranslate()

    def retranslate(self) -> None:
        kept = self.tr("%1 of what was read is kept on this disk. Forgetting it costs nothing but time.")
        none = self.tr("Nothing of what was read is kept on this disk now.")
        self._words.setText(kept.replace("%1", figures.file_size(self._bytes)) if self._bytes else none)
        self._forget.setText(self.tr("Forget"))
        self._forget.setAccessibleName(self.tr("Forget what was read"))
        self._forget.setEnabled(self._bytes > 0)
