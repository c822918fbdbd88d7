"""What the full-text index does not hold yet: found from the store itself, so that a document is there the moment it is
stored, and one that was deleted is not."""

import threading
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from backends.documents.store import DocumentStore
from backends.documents.types import Document, Passage, StoreChange
from backends.documents.words import line

MOST_CHANGES = 20_000  # more of them are not held
SCANNED = 512  # passages; so many are looked through for one question
_KEPT = 4 * SCANNED  # passages whose terms are held
_K1, _B = 1.2, 0.75  # as tantivy has them


def text_of(document: Document, passage: Passage) -> str:
    """What a passage is found by: the document's title or file name, the headings above it, itself."""
    named = document.title or document.name.rpartition(".")[0] or document.name
    return "\n".join((named, *passage.headings, passage.text))


@dataclass(frozen=True, slots=True)
class Counted:
    """A passage and how often it has each term."""

    passage: int
    length: int
    terms: Mapping[str, int]


class Late:
    """Any thread may ask."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._from = self._seen = 0
        self._changes: dict[int, StoreChange] = {}
        self._counted: dict[int, tuple[int, list[Counted]]] = {}  # document -> sequence, passages
        self._held = 0

    def since(self, sequence: int) -> Mapping[int, StoreChange] | None:
        """The last change of each document after that number; None: there are too many to hold."""
        with self._lock:
            if self._store.sequence - sequence > MOST_CHANGES:
                return None
            if sequence < self._from or self._seen < sequence:
                self._changes, self._seen = {}, sequence
            self._from = sequence
            while batch := self._store.changes(self._seen, 1000):
                self._changes.update((change.document_id, change) for change in batch)
                self._seen = batch[-1].sequence
            for id in [id for id, change in self._changes.items() if change.sequence <= sequence]:
                del self._changes[id]
            return dict(self._changes)

    def newest(self) -> Mapping[int, StoreChange]:
        """The last changes of all, of too many."""
        changes = self._store.changes(max(0, self._store.sequence - 2 * SCANNED), 2 * SCANNED)
        return {change.document_id: change for change in changes}

    def counted(
        self, changes: Mapping[int, StoreChange], scope: Sequence[int] | None
    ) -> tuple[list[Counted], list[int]]:
        """Passages of documents that are late, the newest first, and the documents that there was no room for."""
        found: list[Counted] = []
        left: list[int] = []
        for change in sorted(changes.values(), key=lambda change: -change.sequence):
            if change.gone or not within(scope, change.document_id):
                continue
            if len(found) >= SCANNED:
                left.append(change.document_id)
                continue
            passages, all_of_it = self._of(change, SCANNED - len(found))
            found += passages
            if not all_of_it:
                left.append(change.document_id)
        return found, left

    def _of(self, change: StoreChange, most: int) -> tuple[list[Counted], bool]:
        with self._lock:
            known = self._counted.get(change.document_id)
        if known is not None and known[0] == change.sequence:
            return known[1][:most], len(known[1]) <= most
        counted: list[Counted] = []
        ended = True
        document = None
        for passage in self._store.passages_of(change.document_id):
            if len(counted) >= most:
                ended = False
                break
            document = document or self._store.document(change.document_id)
            terms = line(text_of(document, passage)).split()
            counted.append(Counted(passage.id, len(terms), Counter(terms)))
        if ended:
            with self._lock:
                if self._held > _KEPT:
                    self._counted.clear()
                    self._held = 0
                self._counted[change.document_id] = (change.sequence, counted)
                self._held += len(counted)
        return counted, ended


def scored(counted: Collection[Counted], weights: Mapping[str, float]) -> Iterator[tuple[float, int]]:
    """(BM25, passage) of those that have any of the terms. The usual length is that of `counted`."""
    usual = sum(each.length for each in counted) / max(1, len(counted)) or 1.0
    for each in counted:
        norm = _K1 * (1 - _B + _B * each.length / usual)
        score = sum(
            weight * often * (_K1 + 1) / (often + norm)
            for term, weight in weights.items()
            if (often := each.terms.get(term, 0))
        )
        if score > 0:
            yield score, each.passage


def within(scope: "Sequence[int] | array[int] | None", document_id: int) -> bool:
    """`scope` ascending; None: everything is in it."""
    if scope is None:
        return True
    place = bisect_left(scope, document_id)
    return place < len(scope) and scope[place] == document_id
