"""The "…" menu of conversations: of a row of the panel, of several rows, and of the chat's head.

It is a list: who offers something more adds one signal, one `Entry` in `entries`, and connects the signal in its own
wiring (`page.panel.menu.<name>_requested`). Every signal carries the ids that it was opened for, as a tuple.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, QPoint, Qt, Signal, SignalInstance
from PySide6.QtWidgets import QMenu, QWidget

from app import figures, icons, parts
from backends.chat.organised import Folder
from backends.chat.types import Conversation

_IDS = object()  # nothing but the ids is said


@dataclass(frozen=True, slots=True)
class Entry:
    """`signal` gets the ids and, if there is one, `value`. `several`: also for more than one at once. `apart`: below a
    line. `below`: what it opens instead."""

    name: str
    icon: str
    text: str
    signal: SignalInstance
    several: bool = True
    apart: bool = False
    value: object = _IDS
    below: tuple["Entry", ...] = ()


class ConversationMenu(QObject):
    """`folders`: where a conversation can be moved to. Conversations that are archived can only be archived no more."""

    rename_requested = Signal(tuple)
    pin_requested = Signal(tuple, bool)
    move_requested = Signal(tuple, object)  # id of a folder, None: out of it
    new_folder_requested = Signal(tuple)  # with these in it
    archive_requested = Signal(tuple, bool)
    duplicate_requested = Signal(tuple)
    options_requested = Signal(tuple)
    export_requested = Signal(tuple)
    delete_requested = Signal(tuple)
    folder_rename_requested = Signal(int)
    folder_delete_requested = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folders: Sequence[Folder] = ()

    def entries(self, conversations: Sequence[Conversation]) -> Iterator[Entry]:
        """What can be done with these, in the order of the menu."""
        pinned, archived = all(one.pinned for one in conversations), all(one.archived for one in conversations)
        yield Entry("rename", "pencil", self.tr("Rename"), self.rename_requested, several=False)
        if not archived:
            text = self.tr("Unpin") if pinned else self.tr("Pin")
            yield Entry("pin", "pin-off" if pinned else "pin", text, self.pin_requested, value=not pinned)
            yield self._move(conversations)
        yield Entry("options", "sliders-horizontal", self.tr("Chat settings"), self.options_requested, several=False)
        yield Entry("duplicate", "copy", self.tr("Duplicate"), self.duplicate_requested, several=False)
        yield Entry("export", "download", self.tr("Export…"), self.export_requested)
        text = self.tr("Back to the list") if archived else self.tr("Archive")
        icon = "archive-restore" if archived else "archive"
        yield Entry("archive", icon, text, self.archive_requested, value=not archived, apart=True)
        yield Entry("delete", "trash-2", self.tr("Delete"), self.delete_requested)

    def _move(self, conversations: Sequence[Conversation]) -> Entry:
        there = {one.folder_id for one in conversations}
        to = [
            Entry("move", "folder", folder.name.replace("&", "&&"), self.move_requested, value=folder.id)
            for folder in self.folders
            if there != {folder.id}
        ]
        to.append(Entry("new_folder", "folder-plus", self.tr("New folder"), self.new_folder_requested, apart=bool(to)))
        if there != {None}:
            to.append(Entry("move", "undo-2", self.tr("Out of the folder"), self.move_requested, value=None))
        return Entry("move", "folder-input", self.tr("Move to"), self.move_requested, below=tuple(to))

    def open(
        self, parent: QWidget, conversations: Sequence[Conversation], point: QPoint, without: Collection[str] = ()
    ) -> QMenu:
        """At this place of the screen. `without`: names of entries that make no sense there."""
        menu = parts.menu(parent)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if len(conversations) > 1:
            many = menu.addAction(self.tr("%1 chats").replace("%1", figures.number(len(conversations))))
            many.setEnabled(False)
        ids = tuple(conversation.id for conversation in conversations)
        entries = [entry for entry in self.entries(conversations) if entry.name not in without]
        self._fill(menu, ids, [entry for entry in entries if entry.several or len(ids) == 1])
        menu.popup(point)
        return menu

    def _fill(self, menu: QMenu, ids: tuple[int, ...], entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.apart and not menu.isEmpty():
                menu.addSeparator()
            if entry.below:
                below = parts.menu(menu)
                below.setTitle(entry.text)
                below.setIcon(icons.icon(entry.icon, "muted"))
                self._fill(below, ids, entry.below)
                menu.addMenu(below)
                continue
            action = menu.addAction(icons.icon(entry.icon, "muted"), entry.text)
            said = (ids,) if entry.value is _IDS else (ids, entry.value)
            action.triggered.connect(lambda _=False, signal=entry.signal, said=said: signal.emit(*said))

    def open_folder(self, parent: QWidget, folder_id: int, point: QPoint) -> QMenu:
        menu = parts.menu(parent)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for icon, text, signal in (
            ("pencil", self.tr("Rename"), self.folder_rename_requested),
            ("trash-2", self.tr("Delete the folder"), self.folder_delete_requested),
        ):
            action = menu.addAction(icons.icon(icon, "muted"), text)
            action.triggered.connect(lambda _=False, signal=signal: signal.emit(folder_id))
        menu.popup(point)
        return menu
