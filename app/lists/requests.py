"""What programs have asked, the newest first; more come as somebody scrolls."""

from collections.abc import Sequence
from enum import IntEnum

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from app import api_words, parts
from backends.api.request_log import Logged

_ANY_INDEX = QModelIndex | QPersistentModelIndex
BLOCK = 100  # rows that are read at once


class RequestList(QAbstractListModel):
    """`more_wanted(number)`: those older than this one."""

    more_wanted = Signal(int)

    class Role(IntEnum):
        ENTRY = Qt.ItemDataRole.UserRole + 1

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[Logged] = []
        self._whole = True
        self._asked = False

    # ---- what Qt asks

    def rowCount(self, parent: _ANY_INDEX | None = None) -> int:
        return len(self._entries) if parent is None or not parent.isValid() else 0

    def data(self, index: _ANY_INDEX, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not 0 <= index.row() < len(self._entries):
            return None
        entry = self._entries[index.row()]
        if role == self.Role.ENTRY:
            return entry
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{entry.method} {entry.route}".strip()
        if role == Qt.ItemDataRole.AccessibleTextRole:
            said = (f"{entry.method} {entry.route}", api_words.outcome_of(entry).words, api_words.moment_of(entry.at))
            return ". ".join(filter(None, (*said, api_words.facts_of(entry))))
        if role == Qt.ItemDataRole.ToolTipRole:
            return parts.tip(api_words.facts_of(entry))
        return None

    def canFetchMore(self, parent: _ANY_INDEX) -> bool:
        return not self._whole and not self._asked

    def fetchMore(self, parent: _ANY_INDEX) -> None:
        self._asked = True
        self.more_wanted.emit(self._entries[-1].number)

    # ---- what the log says

    def entry(self, row: int) -> Logged | None:
        return self._entries[row] if 0 <= row < len(self._entries) else None

    def show_newest(self, newest: Sequence[Logged]) -> None:
        """The newest BLOCK. Those that are known stay where they are, unless some were erased or missed."""
        known = {entry.number for entry in self._entries}
        new = [entry for entry in newest if entry.number not in known]
        whole = len(newest) < BLOCK
        joins = bool(known) and len(new) < len(newest) and not (whole and len(known) + len(new) > len(newest))
        if not joins:
            if self._entries or newest:
                self.beginResetModel()
                self._entries, self._whole, self._asked = list(newest), whole, False
                self.endResetModel()
        elif new:
            self.beginInsertRows(QModelIndex(), 0, len(new) - 1)
            self._entries[:0] = new
            self.endInsertRows()

    def add_older(self, older: Sequence[Logged]) -> None:
        """What `more_wanted` asked for."""
        self._asked = False
        self._whole = len(older) < BLOCK
        last = self._entries[-1].number if self._entries else 0
        older = [entry for entry in older if entry.number < last]
        if older:
            first = len(self._entries)
            self.beginInsertRows(QModelIndex(), first, first + len(older) - 1)
            self._entries += older
            self.endInsertRows()

    def retranslate(self) -> None:
        if self._entries:
            self.dataChanged.emit(self.index(0), self.index(len(self._entries) - 1))
