"""The conversations of the panel, the last active first, each under the heading of its day."""

import datetime
from collections.abc import Sequence
from enum import IntEnum

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from app import parts
from backends.chat.types import Conversation

_ANY_INDEX = QModelIndex | QPersistentModelIndex


class ConversationList(QAbstractListModel):
    """`HEADING` is set on the first row of each age (today, yesterday, …). Editing a row asks for a new title."""

    rename_requested = Signal(int, str)

    class Role(IntEnum):
        ID = Qt.ItemDataRole.UserRole + 1
        HEADING = Qt.ItemDataRole.UserRole + 2
        BUSY = Qt.ItemDataRole.UserRole + 3  # an answer is on its way

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Conversation] = []
        self._busy: frozenset[int] = frozenset()

    @property
    def conversations(self) -> Sequence[Conversation]:
        return self._rows

    def rowCount(self, parent: _ANY_INDEX | None = None) -> int:
        return len(self._rows) if parent is None or not parent.isValid() else 0

    def flags(self, index: _ANY_INDEX) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsEditable

    def data(self, index: _ANY_INDEX, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not 0 <= index.row() < len(self._rows):
            return None
        conversation = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return conversation.title or self.tr("New chat")
        if role == Qt.ItemDataRole.EditRole:
            return conversation.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return parts.tip(conversation.title)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return conversation.title or self.tr("New chat")
        if role == self.Role.ID:
            return conversation.id
        if role == self.Role.BUSY:
            return conversation.id in self._busy
        if role == self.Role.HEADING:
            return self._heading(index.row())
        return None

    def setData(self, index: _ANY_INDEX, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        conversation = self._rows[index.row()]
        if isinstance(value, str) and value.strip() != conversation.title:
            self.rename_requested.emit(conversation.id, value.strip())
        return True

    def show(self, conversations: Sequence[Conversation]) -> None:
        """Replace the rows, keeping selection where only contents changed."""
        if [row.id for row in conversations] == [row.id for row in self._rows]:
            self._rows = list(conversations)
            self._changed()
        else:
            self.beginResetModel()
            self._rows = list(conversations)
            self.endResetModel()

    def show_busy(self, ids: frozenset[int]) -> None:
        if ids != self._busy:
            self._busy = ids
            self._changed()

    def row_of(self, conversation_id: int) -> int | None:
        return next((i for i, row in enumerate(self._rows) if row.id == conversation_id), None)

    def retranslate(self) -> None:
        self._changed()

    def _changed(self) -> None:
        if self._rows:
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))

    def _heading(self, row: int) -> str:
        age = self._age(self._rows[row].updated)
        if row and self._age(self._rows[row - 1].updated) == age:
            return ""
        return (
            self.tr("Today"),
            self.tr("Yesterday"),
            self.tr("Last 7 days"),
            self.tr("Last 30 days"),
            self.tr("Older"),
        )[age]

    @staticmethod
    def _age(updated: float) -> int:
        days = (datetime.date.today() - datetime.date.fromtimestamp(updated)).days
        return 0 if days <= 0 else 1 if days == 1 else 2 if days <= 7 else 3 if days <= 30 else 4
