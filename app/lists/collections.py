"""The collections of the panel: all of them first, then each by its name."""

from collections.abc import Sequence
from enum import IntEnum

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from app import figures, parts
from backends.documents.types import Collection

_ANY_INDEX = QModelIndex | QPersistentModelIndex


class CollectionList(QAbstractListModel):
    """The row of all documents has the id None. Editing a row asks for a new name."""

    rename_requested = Signal(int, str)

    class Role(IntEnum):
        ID = Qt.ItemDataRole.UserRole + 1
        COUNT = Qt.ItemDataRole.UserRole + 2

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[Collection, ...] = ()

    def rowCount(self, parent: _ANY_INDEX | None = None) -> int:
        return len(self._rows) + 1 if parent is None or not parent.isValid() else 0

    def flags(self, index: _ANY_INDEX) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.row() > 0 else flags

    def data(self, index: _ANY_INDEX, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not 0 <= index.row() <= len(self._rows):
            return None
        collection = self._rows[index.row() - 1] if index.row() else None
        name = collection.name if collection else self.tr("All documents")
        count = collection.documents if collection else sum(one.documents for one in self._rows)
        if role == Qt.ItemDataRole.DisplayRole:
            return name
        if role == Qt.ItemDataRole.EditRole:
            return collection.name if collection else None
        if role == Qt.ItemDataRole.ToolTipRole:
            return parts.tip(name)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            several = self.tr("%1 documents").replace("%1", figures.number(count))
            return f"{name}, {self.tr('1 document') if count == 1 else several}"
        if role == self.Role.ID:
            return collection.id if collection else None
        if role == self.Role.COUNT:
            return count
        return None

    def setData(self, index: _ANY_INDEX, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.EditRole or not 0 < index.row() <= len(self._rows):
            return False
        collection = self._rows[index.row() - 1]
        if isinstance(value, str) and value.strip() and value.strip() != collection.name:
            self.rename_requested.emit(collection.id, value.strip())
        return True

    def show(self, collections: Sequence[Collection]) -> None:
        if [one.id for one in collections] == [one.id for one in self._rows]:
            self._rows = tuple(collections)
            self.retranslate()
        else:
            self.beginResetModel()
            self._rows = tuple(collections)
            self.endResetModel()

    def row_of(self, collection_id: int | None) -> int:
        """0, the row of all, if there is no such one."""
        return next((place for place, one in enumerate(self._rows, 1) if one.id == collection_id), 0)

    def retranslate(self) -> None:
        self.dataChanged.emit(self.index(0), self.index(len(self._rows)))
