"""What a search found, best first, as lines: what lists of documents' passages and of chats have in common."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex

Found = TypeVar("Found")
_ANY_INDEX = QModelIndex | QPersistentModelIndex


class FoundList(QAbstractListModel, Generic[Found]):
    def __init__(self) -> None:
        super().__init__()
        self._hits: tuple[Found, ...] = ()

    @property
    def hits(self) -> Sequence[Found]:
        return self._hits

    def rowCount(self, parent: _ANY_INDEX | None = None) -> int:
        return len(self._hits) if parent is None or not parent.isValid() else 0

    def show(self, hits: Sequence[Found]) -> bool:
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
