"""Documents, as many as there are: a row is fetched when it comes into sight, and only those near it are held."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from app import document_words, parts
from backends.documents.types import Document

_ANY_INDEX = QModelIndex | QPersistentModelIndex
BLOCK = 100  # rows that are fetched at once
HELD = 60  # blocks


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """`done` of `total` pages or bytes while it is read."""

    document: Document
    done: int = 0
    total: int = 0


class DocumentList(QAbstractListModel):
    """`rows_wanted(first, count)` asks for rows that somebody looks at; `put` brings them. A row that is not here yet
    is None."""

    rows_wanted = Signal(int, int)
    rows_came = Signal(int, int)  # first, count

    class Role(IntEnum):
        ROW = Qt.ItemDataRole.UserRole + 1

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._blocks: OrderedDict[int, Sequence[Document]] = OrderedDict()
        self._asked: set[int] = set()
        self._stale: set[int] = set()
        self._reading: dict[int, tuple[int, int]] = {}

    # ---- what Qt asks

    def rowCount(self, parent: _ANY_INDEX | None = None) -> int:
        return self._count if parent is None or not parent.isValid() else 0

    def data(self, index: _ANY_INDEX, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not 0 <= index.row() < self._count:
            return None
        row = self.row(index.row(), ask=role in (self.Role.ROW, Qt.ItemDataRole.DisplayRole))
        if role == self.Role.ROW or row is None:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return document_words.title_of(row.document)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            said = document_words.state_of(row.document, row.done, row.total)
            title, facts = document_words.title_of(row.document), document_words.facts_of(row.document)
            return ". ".join(filter(None, (title, said.words.rstrip(".。"), facts.replace("\u00a0", " "))))
        if role == Qt.ItemDataRole.ToolTipRole:
            said = document_words.state_of(row.document, row.done, row.total)
            return parts.tip("\n".join((document_words.title_of(row.document), row.document.known_as, said.words)))
        return None

    # ---- what is there

    def row(self, place: int, *, ask: bool = True) -> DocumentRow | None:
        """`ask`: have it fetched if it is not here, or no longer right."""
        number, within = divmod(place, BLOCK)
        block = self._blocks.get(number)
        if ask and (block is None or number in self._stale):
            self._ask(number)
        if block is None or within >= len(block):
            return None
        document = block[within]
        return DocumentRow(document, *self._reading.get(document.id, (0, 0)))

    def held(self) -> Iterator[tuple[int, Document]]:
        """The rows that are here, with their places."""
        for number, block in self._blocks.items():
            for within, document in enumerate(block):
                if number * BLOCK + within < self._count:
                    yield number * BLOCK + within, document

    def place_of(self, document_id: int) -> int | None:
        return next((place for place, document in self.held() if document.id == document_id), None)

    # ---- what comes

    def reset(self, count: int) -> None:
        """Another list: nothing of the old one is kept."""
        self.beginResetModel()
        self._count = count
        self._blocks.clear()
        self._asked.clear()
        self._stale.clear()
        self.endResetModel()

    def refresh(self, count: int) -> None:
        """The same list, in which something has changed: what is seen is fetched again, and stays until it has come."""
        self._asked.clear()
        self._stale = set(self._blocks)
        if count > self._count:
            self.beginInsertRows(QModelIndex(), self._count, count - 1)
            self._count = count
            self.endInsertRows()
        elif count < self._count:
            self.beginRemoveRows(QModelIndex(), count, self._count - 1)
            self._count = count
            self.endRemoveRows()
        self._changed(0, self._count)

    def put(self, first: int, documents: Sequence[Document]) -> None:
        """Rows from `first` on, which begins a block."""
        number = first // BLOCK
        self._asked.discard(number)
        self._stale.discard(number)
        self._blocks[number] = documents
        self._blocks.move_to_end(number)
        while len(self._blocks) > HELD:
            self._stale.discard(self._blocks.popitem(last=False)[0])
        self._changed(first, len(documents))
        self.rows_came.emit(first, len(documents))

    def put_again(self, documents: Iterable[Document]) -> None:
        """Documents of which something has changed, where they stand."""
        fresh = {document.id: document for document in documents}
        for number, block in self._blocks.items():
            for within, old in enumerate(block):
                if (new := fresh.get(old.id)) is not None and new != old:
                    block = [*block[:within], new, *block[within + 1 :]]
                    self._blocks[number] = block
                    self._changed(number * BLOCK + within, 1)

    def show_reading(self, reading: dict[int, tuple[int, int]]) -> None:
        """How far those are that are read at the moment; the others are not."""
        if reading == self._reading:
            return
        changed = self._reading.keys() | reading.keys()
        self._reading = reading
        for place, document in self.held():
            if document.id in changed:
                self._changed(place, 1)

    def retranslate(self) -> None:
        self._changed(0, self._count)

    def _ask(self, number: int) -> None:
        if number not in self._asked:
            self._asked.add(number)
            self.rows_wanted.emit(number * BLOCK, BLOCK)

    def _changed(self, first: int, count: int) -> None:
        if count and first < self._count:
            last = min(first + count, self._count) - 1
            self.dataChanged.emit(self.index(first), self.index(last))
