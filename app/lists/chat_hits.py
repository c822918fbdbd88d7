"""What was found in conversations: titles first, then the newest messages."""

import datetime
import time
from enum import IntEnum

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt

from app import figures, parts
from app.lists.found import FoundList
from backends.chat.search import ChatHit

_ANY_INDEX = QModelIndex | QPersistentModelIndex


class ChatHitList(FoundList[ChatHit]):
    class Role(IntEnum):
        HIT = Qt.ItemDataRole.UserRole + 1
        DAY = Qt.ItemDataRole.UserRole + 2

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
        days = (datetime.date.fromtimestamp(time.time()) - day).days
        if days in (0, 1):
            return self.tr("Yesterday") if days else self.tr("Today")
        return figures.day(hit.created)
