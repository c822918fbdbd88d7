"""Hubs that may be tried when one does not answer: a button each, right where the error is."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from app import parts
from app.language import Retranslated


class OtherSources(Retranslated, QWidget):
    """`chosen(address)`. Takes no room while there is none."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._addresses: tuple[str, ...] = ()
        self._buttons: list[QPushButton] = []
        self._row = parts.row()
        self.setLayout(self._row)
        self.hide()

    def retranslate(self) -> None:
        for button, address in zip(self._buttons, self._addresses, strict=True):
            button.setText(self.tr("Try %1").replace("%1", address.partition("://")[2]))

    def show_sources(self, addresses: Sequence[str]) -> None:
        if tuple(addresses) == self._addresses:
            return
        self._addresses = tuple(addresses)
        parts.clear(self._row)
        self._buttons = [parts.button(kind="secondary", icon="globe") for _ in self._addresses]
        for button, address in zip(self._buttons, self._addresses, strict=True):
            button.clicked.connect(lambda _=False, address=address: self.chosen.emit(address))
            self._row.addWidget(button)
        self._row.addStretch(1)
        self.retranslate()
        self.setVisible(bool(addresses))
