"""Something is going on: words, a bar, and a way to stop it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QWidget

from app import figures, parts
from app.language import Retranslated
from app.theme import SPACE
from app.widgets.elided import ElidedLabel


class WorkingRow(Retranslated, QWidget):
    cancel_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._words = ElidedLabel("caption", "muted", steady=True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._cancel = parts.button(kind="quiet")
        self._cancel.clicked.connect(self.cancel_requested)
        row = parts.row(self._words, self._cancel)
        row.setStretch(0, 1)
        self.setLayout(parts.column(self._bar, row, space=SPACE.xs))
        self.retranslate()

    def retranslate(self) -> None:
        self._cancel.setText(self.tr("Cancel"))

    def show_work(self, words: str, fraction: float | None = None, *, cancel: bool = False) -> None:
        """`fraction` None or 0: how far it is is not known."""
        self._bar.setAccessibleName(words)
        self._cancel.setAccessibleName(f"{self._cancel.text()}: {words}")
        self._bar.setRange(0, 1000 if fraction else 0)
        if fraction:
            self._bar.setValue(round(fraction * 1000))
            words = f"{words}  {figures.percent(fraction)}"
        self._words.setText(words)
        self._cancel.setVisible(cancel)
