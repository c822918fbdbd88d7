"""Passages that were found, best first."""

from collections.abc import Sequence
from enum import IntEnum

from PySide6.QtCore import QAbstractListModel, QLocale, QModelIndex, QPersistentModelIndex, Qt

from app import document_words, parts
from backends.documents.types import Hit

_ANY_INDEX = QModelIndex | QPersistentModelIndex


class HitList(QAbstractListModel):
    class Role(IntEnum):
        HIT = Qt.ItemDataRole.UserRole + 1

    def __init__(self) -> None:
        super().__init__()
        self._hits: tuple[Hit, ...] = ()

    @property
    def hits(self) -> Sequence[Hit]:
        return self._hits

    def rowCount(self, parent: _ANY_INDEX | None = None) -> int:
        return len(self._hits) if parent is None or not parent.isValid() else 0

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

    def show(self, hits: Sequence[Hit]) -> bool:
        """False if they are those that are there."""
        if tuple(hits) == self._hits:
            return False
        self.beginResetModel()
        self._hits = tuple(hits)
        self.endResetModel()
        return True

    def place_of(self, passage_id: int) -> int | None:
        return next((n for n, hit in enumerate(self._hits) if hit.passage.id == passage_id), None)

    def retranslate(self) -> None:
        if self._hits:
            self.dataChanged.emit(self.index(0), self.index(len(self._hits) - 1))

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
