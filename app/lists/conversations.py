"""The conversations of the panel as lines: pinned ones, folders, the rest by the day; or those that were put away."""

from collections.abc import Collection, Iterable, Sequence
from enum import IntEnum

from PySide6.QtCore import QLocale, QMimeData, QModelIndex, QPersistentModelIndex, Qt, Signal

from app import parts
from app.lists.arranged import PINNED, Key, Line, arrange, by_day
from app.lists.reordered import Reordered
from app.markdown import clean
from backends.chat.organised import Folder
from backends.chat.types import Conversation

_ANY_INDEX = QModelIndex | QPersistentModelIndex
DRAGGED = "application/x-deskseek-conversations"
_SAID = Qt.ItemFlag.ItemIsDropEnabled | Qt.ItemFlag.ItemNeverHasChildren
_CHOSEN = _SAID | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsEditable
_FLAGS = {"heading": _SAID, "hint": _SAID, "folder": _CHOSEN, "conversation": _CHOSEN | Qt.ItemFlag.ItemIsDragEnabled}


class ConversationList(Reordered):
    """Editing a row asks for a new title, or another name of the folder.

    It is brought up to date row by row: what is chosen, edited and scrolled to stays, between `rows_changing` and
    `rows_changed`. What is dragged are the ids in `dragged`.
    """

    rename_requested = Signal(int, str)
    folder_rename_requested = Signal(int, str)
    rows_changing = Signal()
    rows_changed = Signal()
    archive_shown = Signal(bool)
    closed_changed = Signal()  # other folders are open now
    unread_changed = Signal(object, bool)  # ids, a frozenset: whether an answer there waits to be looked at

    class Role(IntEnum):
        ID = Qt.ItemDataRole.UserRole + 1
        LINE = Qt.ItemDataRole.UserRole + 2
        BUSY = Qt.ItemDataRole.UserRole + 3  # an answer is on its way; of a closed folder: in it
        UNREAD = Qt.ItemDataRole.UserRole + 4  # an answer came to its end, and was not looked at
        SHOWN = Qt.ItemDataRole.UserRole + 5  # it is on the page
        OPENED = Qt.ItemDataRole.UserRole + 6  # of a folder

    def __init__(self) -> None:
        super().__init__()
        self._listed: tuple[Conversation, ...] = ()
        self._archived: tuple[Conversation, ...] = ()
        self._folders: tuple[Folder, ...] = ()
        self._closed: frozenset[int] = frozenset()
        self._archive = False
        self._busy: frozenset[int] = frozenset()
        self._unread: frozenset[int] = frozenset()
        self._shown: int | None = None
        self.dragged: tuple[int, ...] = ()

    # ---- what there is

    @property
    def conversations(self) -> Sequence[Conversation]:
        """Those that were not put away, the last active first."""
        return self._listed

    @property
    def archived(self) -> Sequence[Conversation]:
        return self._archived

    @property
    def folders(self) -> Sequence[Folder]:
        return self._folders

    @property
    def closed(self) -> frozenset[int]:
        """Ids of the folders whose conversations are not shown."""
        return self._closed

    @property
    def in_archive(self) -> bool:
        """Those that were put away are shown."""
        return self._archive

    def conversation(self, conversation_id: int) -> Conversation | None:
        return next((c for c in (*self._listed, *self._archived) if c.id == conversation_id), None)

    def row_of(self, conversation_id: int) -> int | None:
        return self.place_of(("conversation", conversation_id))

    # ---- what changes

    def show(self, conversations: Sequence[Conversation], folders: Sequence[Folder] = ()) -> None:
        """All that there are, also those that were put away, the last active first. Which of them are unread is taken
        from those that were not listed before; of the others more is known here."""
        new = {one.id for one in conversations} - {one.id for one in (*self._listed, *self._archived)}
        self._listed = tuple(one for one in conversations if not one.archived)
        self._archived = tuple(one for one in conversations if one.archived)
        self._folders = tuple(folders)
        found = frozenset(one.id for one in conversations if one.unread and one.id in new)
        self._unread = (self._unread & {one.id for one in conversations}) | found
        self._set_unread(self._unread - self._busy - {self._shown or 0})
        self._arrange()

    def show_archive(self, archive: bool) -> None:
        if archive != self._archive:
            self._archive = archive
            self.begin_anew(self._arranged())
            self.archive_shown.emit(archive)

    def close_folders(self, closed: Iterable[int]) -> None:
        if (wanted := frozenset(closed)) != self._closed:
            self._closed = wanted
            self._arrange()
            self._folders_redrawn()
            self.closed_changed.emit()

    def open_folder(self, folder_id: int, opened: bool) -> None:
        self.close_folders(self._closed - {folder_id} if opened else self._closed | {folder_id})

    def show_busy(self, ids: frozenset[int]) -> None:
        """Answers to these are on their way; where one has come to its end unseen, it is unread."""
        if ids != self._busy:
            over = self._busy - ids - {self._shown or 0}
            self._set_unread((self._unread | over) - ids)
            changed, self._busy = ids ^ self._busy, ids
            self._redraw(changed)

    def show_current(self, conversation_id: int | None) -> None:
        """This one is on the page."""
        if conversation_id != self._shown:
            changed = {self._shown or 0, conversation_id or 0}
            self._shown = conversation_id
            self._set_unread(self._unread - changed)
            self._redraw(changed)

    def retranslate(self) -> None:
        if self._lines:
            self.dataChanged.emit(self.index(0), self.index(len(self._lines) - 1))

    # ---- as Qt asks

    def rowCount(self, parent: _ANY_INDEX | None = None) -> int:
        return len(self._lines) if parent is None or not parent.isValid() else 0

    def flags(self, index: _ANY_INDEX) -> Qt.ItemFlag:
        return _FLAGS[self._lines[index.row()].kind] if index.isValid() else Qt.ItemFlag.ItemIsDropEnabled

    def data(self, index: _ANY_INDEX, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not 0 <= index.row() < len(self._lines):
            return None
        line = self._lines[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(line)
        if role == Qt.ItemDataRole.EditRole:
            return line.name
        if role == Qt.ItemDataRole.ToolTipRole and line.kind in ("conversation", "folder"):
            return parts.tip(self._text(line))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._spoken(line)
        if role == self.Role.ID:
            return line.id
        if role == self.Role.LINE:
            return line
        if role == self.Role.BUSY:
            return self._any(line, self._busy)
        if role == self.Role.UNREAD:
            return self._any(line, self._unread)
        if role == self.Role.SHOWN:
            return self._shown is not None and self._any(line, {self._shown})
        if role == self.Role.OPENED:
            return line.kind == "folder" and line.id not in self._closed
        return None

    def setData(self, index: _ANY_INDEX, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole or not index.isValid() or not isinstance(value, str):
            return False
        line, name = self._lines[index.row()], " ".join(value.split())
        if name == line.name:
            return True
        if line.kind == "conversation":
            self.rename_requested.emit(line.id, name)
        elif name:
            self.folder_rename_requested.emit(line.id, name)
        return True

    def supportedDragActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        return [DRAGGED]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """The ids stay here: what is dragged into another program says nothing."""
        chosen = sorted(index.row() for index in indexes)
        self.dragged = tuple(self._lines[row].id for row in chosen if self._lines[row].kind == "conversation")
        mime = QMimeData()
        mime.setData(DRAGGED, b"")
        return mime

    # ---- inside

    def _arranged(self) -> list[Line]:
        if self._archive:
            return list(by_day(self._archived))
        return arrange(self._listed, self._folders, self._closed)

    def _arrange(self) -> None:
        self.rows_changing.emit()
        self.bring_up_to_date(self._arranged())
        self.rows_changed.emit()

    def _set_unread(self, unread: frozenset[int]) -> None:
        before, self._unread = self._unread, unread
        for ids, now in ((unread - before, True), (before - unread, False)):
            if ids:
                self.unread_changed.emit(ids, now)

    def _redraw(self, ids: Collection[int]) -> None:
        """These rows, and the folders, which speak for theirs."""
        for id in ids:
            if (row := self.row_of(id)) is not None:
                self.dataChanged.emit(self.index(row), self.index(row))
        self._folders_redrawn()

    def _folders_redrawn(self) -> None:
        for folder in self._folders:
            if (row := self.place_of(("folder", folder.id))) is not None:
                self.dataChanged.emit(self.index(row), self.index(row))

    def _any(self, line: Line, ids: Collection[int]) -> bool:
        if line.kind == "conversation":
            return line.id in ids
        if line.kind != "folder" or line.id not in self._closed or not ids:
            return False
        return any(one.id in ids and one.folder_id == line.id and not one.pinned for one in self._listed)

    def _text(self, line: Line) -> str:
        if line.kind == "heading":
            return self._heading(line.id)
        return self.tr("No chats in this folder") if line.kind == "hint" else clean(line.name) or self.tr("New chat")

    def _heading(self, id: int) -> str:
        if id == PINNED:
            return self.tr("Pinned")
        return (
            self.tr("Today"),
            self.tr("Yesterday"),
            self.tr("Last 7 days"),
            self.tr("Last 30 days"),
            self.tr("Older"),
        )[id]

    def _spoken(self, line: Line) -> str:
        """All that is to be seen of it, in words."""
        text = self._text(line)
        if line.kind == "folder":
            state = self.tr("collapsed") if line.id in self._closed else self.tr("expanded")
            words = [text, self.tr("folder"), state, self.chats(line.total)]
        elif line.kind == "conversation":
            of = self.tr("%1 of %2").replace("%1", _number(line.place)).replace("%2", _number(line.total))
            words = [text, self.tr("pinned") if line.group == ("heading", PINNED) else self._group(line.group), of]
        else:
            return text
        if self._any(line, self._busy):
            words.insert(1, self.tr("being answered"))
        elif self._any(line, self._unread):
            words.insert(1, self.tr("a new answer"))
        return ", ".join(words)

    def _group(self, key: Key | None) -> str:
        row = self.place_of(key) if key is not None else None
        return self._text(self._lines[row]) if row is not None else ""

    def chats(self, count: int) -> str:
        return self.tr("1 chat") if count == 1 else self.tr("%1 chats").replace("%1", _number(count))


def _number(count: int) -> str:
    return QLocale().toString(count)
