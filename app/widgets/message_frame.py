"""What questions and answers have in common: they take the focus, and have a menu of what can be done with them."""

from PySide6.QtCore import QPoint, Signal, Slot
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtWidgets import QWidget

from app.language import Retranslated
from app.lists.messages import MessageRow
from app.theme import SPACE
from app.widgets.message_menu import MessageMenu
from app.widgets.stack import Stack


class MessageFrame(Retranslated, Stack):
    """`message_action` says what was chosen: a name of `MessageMenu.entries`; copying is done here."""

    message_action = Signal(int, str)  # message, name

    def __init__(self, row: MessageRow, parent: QWidget | None = None) -> None:
        super().__init__(SPACE.s, parent)
        self._row = row

    @property
    def row(self) -> MessageRow:
        return self._row

    def open_menu(self, place: QPoint) -> None:
        """At this place of the screen."""
        menu = MessageMenu(self._row, self)
        menu.chosen.connect(self.act)
        menu.open(place)

    @Slot(str)
    def act(self, name: str) -> None:
        if name == "copy":
            QGuiApplication.clipboard().setText(self._row.text)
            self.show_copied()
        else:
            self.message_action.emit(self._row.id, name)

    def show_copied(self) -> None:
        """Where there is a place to say so."""

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.open_menu(event.globalPos())
