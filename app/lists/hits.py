"""Passages that were found, best first."""

from enum import IntEnum

from PySide6.QtCore import QLocale, QModelIndex, QPersistentModelIndex, Qt

from app import document_words, parts
from app.lists.found import FoundList
from backends.documents.types import Hit

_ANY_INDEX = QModelIndex | QPersistentModelIndex


class HitList(FoundList[Hit]):
    class Role(IntEnum):
        HIT = Qt.ItemDataRole.UserRole + 1

    def data(self, index: _ANY_INDEX, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not 0 <= index.row() < len(self._hits):
            return None
        hit = self._hits[index.row()]
        if role == self.Role.HIT:
            return hit
        if role == Qt.ItemDataRole.DisplayRole:
            return document_words.title_of(hit.document)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            place = document_words.place_of(hit.document.format, hit.passage.page, hit.passage.label)
            return ". ".join(filter(None, (document_words.title_of(hit.document), place, hit.passage.text)))
        if role == Qt.ItemDataRole.ToolTipRole:
            return parts.tip(self._tip(hit))
        return None

    def place_of(self, passage_id: int) -> int | None:
        return next((n for n, hit in enumerate(self._hits) if hit.passage.id == passage_id), None)

    def _tip(self, hit: Hit) -> str:
        score = self.tr("Score %1").replace("%1", QLocale().toString(hit.score, "f", 2))
        names = {
            "text": self.tr("by its words"),
            "vector": self.tr("by its meaning"),
            "text:translated": self.tr("by its words in the other language"),
            "rerank": self.tr("by reading it again"),
        }
        ranks = [
            self.tr("%1: place %2").replace("%1", names.get(rank.method, rank.method)).replace("%2", str(rank.rank))
            for rank in hit.ranks
        ]
        return "\n".join((hit.document.known_as, score, *ranks))
