"""The "…" menu of conversations: of a row of the panel, of several rows, and of the chat's head.

It is a list: who offers something more adds one signal, one `Entry` in `entries`, and connects the signal in its own
wiring (`page.panel.menu.<name>_requested`). Every signal carries the ids that it was opened for, as a tuple.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, QPoint, Qt, Signal, SignalInstance
from PySide6.QtWidgets import QMenu, QWidget

from app import icons, parts
from backends.chat.types import Conversation


@dataclass(frozen=True, slots=True)
class Entry:
    """`several`: also for more than one at once. `apart`: below a line."""

    name: str
    icon: str
    text: str
    signal: SignalInstance  # (tuple of conversation ids)
    several: bool = True
    apart: bool = False


class ConversationMenu(QObject):
    rename_requested = Signal(tuple)
    delete_requested = Signal(tuple)

    def entries(self, conversations: Sequence[Conversation]) -> Iterator[Entry]:
        """What can be done with these, in the order of the menu."""
        yield Entry("rename", "pencil", self.tr("Rename"), self.rename_requested, several=False)
        yield Entry("delete", "trash-2", self.tr("Delete"), self.delete_requested, apart=True)

    def open(
        self, parent: QWidget, conversations: Sequence[Conversation], point: QPoint, without: Collection[str] = ()
    ) -> QMenu:
        """At this place of the screen. `without`: names of entries that make no sense there."""
        menu = parts.menu(parent)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        ids = tuple(conversation.id for conversation in conversations)
        for entry in self.entries(conversations):
            if entry.name in without or (len(ids) > 1 and not entry.several):
                continue
            if entry.apart:
                menu.addSeparator()
            action = menu.addAction(icons.icon(entry.icon, "muted"), entry.text)
            action.triggered.connect(lambda _=False, entry=entry: entry.signal.emit(ids))
        menu.popup(point)
        return menu
