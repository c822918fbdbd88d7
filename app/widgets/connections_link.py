"""In the settings of the network: the way to the list of what has left this computer."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app import parts
from app.language import Retranslated
from app.theme import SPACE


class ConnectionsLink(Retranslated, QWidget):
    requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._words = parts.label(role="caption", tone="muted", wrap=True)
        self._show = parts.button(kind="secondary")
        self._show.clicked.connect(self.requested)
        row = parts.row(self._words, self._show, space=SPACE.l, margin=(SPACE.l, SPACE.m, SPACE.m, SPACE.m))
        row.setStretch(0, 1)
        self.setLayout(row)
        self.retranslate()

    def retranslate(self) -> None:
        self._words.setText(self.tr("Every connection of DeskSeek is listed: when, to which host, what for."))
        self._show.setText(self.tr("Connections"))
