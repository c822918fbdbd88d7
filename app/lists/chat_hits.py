"""What was found in conversations: titles first, then the newest messages."""

import datetime
from collections.abc import Sequence
from enum import IntEnum

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt

from app import figures, parts
from backends.chat.search import ChatHit

_ANY_INDEX = QModelIndex | QPersistentModelIndex


class ChatHitList(QAbstractListModel):
    class Role(IntEnum):
        HIT = Qt.ItemDataRole.UserRole + 1
        DAY = Qt.ItemDataRole.UserRole + 2

    def __init__(self) -> None:
        super().__init__()
        self._hits: tuple[ChatHit, ...] = ()

    @property
    def hits(self) -> Sequence[ChatHit]:
        return self._hits

    def rowCount(self, parent: _ANY_INDEX | None = None) -> int:
        return len(self._hits) if parent is None or not parent.isValid() else 0

    def data(self, index: _ANY_INDEX, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not 0 <= index.row() < len(self._hits):
            return None
        hit = self._hits[index.row()]
        if role == self.Role.HIT:
            return hit
        if role == self.Role.DAY:
            return self._day(hit)
        if role == Qt.ItemDataRole.DisplayRole:
            return hit.title or self.tr("New chat")
        if role == Qt.ItemDataRole.AccessibleTextRole:
            said = "" if hit.message_id is None else hit.snippet
            return ". ".join(filter(None, (str(self.data(index)), self._of(hit), self._day(hit), said)))
        if role == Qt.ItemDataRole.ToolTipRole:
            return parts.tip("\n".join(filter(None, (hit.title, self._of(hit)))))
        return None

    def show(self, hits: Sequence[ChatHit]) -> bool:
        """False if they are those that are there."""
        if tuple(hits) == self._hits:
            return False
        self.beginResetModel()
        self._hits = tuple(hits)
        self.endResetModel()
        return True

    def retranslate(self) -> None:
        if self._hits:
            self.dataChanged.emit(self.index(0), self.index(len(self._hits) - 1))

    def _of(self, hit: ChatHit) -> str:
        """What of a conversation it is."""
        if hit.message_id is None:
            what = self.tr("Title")
        elif hit.thinking:
            what = self.tr("Thoughts")
        else:
            what = self.tr("Your message") if hit.role == "user" else self.tr("Answer")
        return f"{what} · {self.tr('Archived')}" if hit.archived else what

    def _day(self, hit: ChatHit) -> str:
        day = datetime.date.fromtimestamp(hit.created)
        days = (datetime.date.today() - day).days
        if days in (0, 1):
            return self.tr("Yesterday") if days else self.tr("Today")
        return figures.day(hit.created)
