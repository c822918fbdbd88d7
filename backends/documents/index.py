"""The search index: full text and vectors, both made from the store and to be made anew from it at any time.

    index = SearchIndex(store, paths.search)
    list(index.catch_up(cancel=token))                 # after documents were stored, and at the start
    matches = index.text("报销 2023", 50, store.visible(scope))
    list(index.compact(cancel=token))                  # when idle: what was deleted leaves the files

Searching does not wait for `catch_up`: what it has not reached yet is found from the store (`late`), what was deleted
is left out at once. Any thread may search; `catch_up` and `compact` may run on any thread, too, one of each at a time.
"""

import heapq
import math
import threading
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from time import monotonic

from backends.core.cancel import CancelToken
from backends.core.errors import NotFound, StorageError
from backends.documents.fulltext import Reading, Segment
from backends.documents.late import Late, scored, text_of, within
from backends.documents.ports import EmbedderIdentity
from backends.documents.rows import batches
from backends.documents.segments import Segments, View
from backends.documents.store import DocumentStore
from backends.documents.types import PASSAGE_BITS, Scope, StoreChange, document_of
from backends.documents.vectors import Vectors
from backends.documents.words import lines, query_terms

MOST_TERMS = 64  # of a question: the rarest
BATCH = 16 << 20  # characters between two commits …
SECONDS = 1.0  # … or so long, …
SHARE = 0.15  # … and commits take no more of the time: each waits for the disk, and makes a piece to be merged later
STEP = 1 << 18  # characters after which it may be made to wait for an answer that is computed
PATIENCE = 1.0  # seconds that a search waits for a commit that is under way, where too much is late
_LINES = 512  # passages whose terms are made at once
_BACKLOG = 1_000  # changes; where more wait, commits come by size alone
_FEW = 2_000  # documents of a scope that the engine is told; of larger ones the hits are picked
_FETCHED = 32_768  # hits of one segment, at most


@dataclass(frozen=True, slots=True)
class Progress:
    """Documents (or, of vectors and compaction, steps) done, of so many as far as is known."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class TextMatches:
    """(passage, BM25), best first. `idf_sum`: of all terms of the question, also those that no passage has: the best
    score by it says how much of the question the passage holds. `unseen`: documents that were not looked through,
    because the index has not reached them yet and there are too many."""

    matches: list[tuple[int, float]]
    terms: tuple[str, ...]
    idf_sum: float
    unseen: int = 0


class SearchIndex:
    """Raises StorageError (`disk_full`, `read_only` …). What is damaged or was made by another version is made anew."""

    def __init__(self, store: DocumentStore, folder: Path) -> None:
        self._store = store
        self._segments = Segments(folder / "text", store.identity)
        self._vectors = Vectors(store, folder / "vectors")
        self._late = Late(store)
        self._late_vectors = Late(store)
        self._writing = threading.Lock()
        self._compacting = threading.Lock()
        self._published = threading.Condition()
        self._second = ThreadPoolExecutor(1, "search")  # asks every other segment meanwhile: a third of the time less
        self._busy = self._hurry = self._checked = False

    # ---- following the store

    def catch_up(self, *, cancel: CancelToken) -> Iterator[Progress]:
        """Until it holds all that the store does. Cancelled, it goes on from there the next time."""
        with self._writing:
            self._busy = True
            try:
                yield from self._catch_up(cancel)
                for done in self._vectors.follow(cancel):
                    yield Progress(done, done)
            finally:
                self._busy = False
                with self._published:
                    self._published.notify_all()

    def _catch_up(self, cancel: CancelToken) -> Iterator[Progress]:
        try:
            if not self._checked:
                self._segments.check()
                self._checked = True
            yield from self._follow(cancel)
        except StorageError as error:
            if error.code != "index_damaged":
                raise
            self._segments.begin_anew()
            yield from self._follow(cancel)

    def _follow(self, cancel: CancelToken) -> Iterator[Progress]:
        sequence = reached = self._segments.view.sequence
        held, since, done, pause, waited = 0, monotonic(), 0, SECONDS, 0
        total = self._store.sequence - sequence
        while changes := self._store.changes(sequence):
            for change in changes:
                cancel.check()
                for characters in self._take(change, cancel):
                    held += characters
                    waited += characters
                    if held >= BATCH:  # in the middle of a long document: it stays late until its end
                        self._segments.commit(reached := sequence)
                        held, since, waited = 0, monotonic(), STEP
                    if waited >= STEP:
                        waited = 0
                        yield Progress(done, total)
                sequence = change.sequence
                done += 1
                due = monotonic() - since >= pause and total - done < _BACKLOG
                if held >= BATCH or due or self._hurry:
                    begun = monotonic()
                    reached = self._commit(sequence)
                    held, since = 0, monotonic()
                    pause = max(SECONDS, (since - begun) / SHARE)
                    yield Progress(done, max(total, done))
            total = max(total, done)
        if sequence != reached:
            self._commit(sequence)
            yield Progress(done, done)

    def _commit(self, sequence: int) -> int:
        self._segments.commit(sequence)
        with self._published:
            self._hurry = False
            self._published.notify_all()
        return sequence

    def _take(self, change: StoreChange, cancel: CancelToken) -> Iterator[int]:
        self._segments.replace(change.document_id)
        if not change.gone:
            for characters, made in self._lines(change.document_id, cancel):
                self._segments.add(change.document_id, made)
                yield characters

    def _lines(
        self, document_id: int, cancel: CancelToken, first: int = 0, last: int | None = None
    ) -> Iterator[tuple[int, list[tuple[int, str]]]]:
        """Characters, and the terms of as many passages; of those with the numbers `first` to `last`."""
        try:
            document = self._store.document(document_id)
        except NotFound:
            return
        passages = self._store.passages_of(document_id, first)
        if last is not None:
            passages = takewhile(lambda passage: passage.number <= last, passages)
        for some in batches(passages, _LINES):
            cancel.check()
            made = lines([text_of(document, passage) for passage in some])
            yield sum(len(passage.text) for passage in some), [(p.id, line) for p, line in zip(some, made, strict=True)]

    def rebuild(self, *, cancel: CancelToken) -> Iterator[Progress]:
        """Make the full text anew, whatever is there. Searches go on; they find what is in it by then."""
        with self._compacting, self._writing:
            self._segments.begin_anew()
        yield from self.catch_up(cancel=cancel)

    @property
    def behind(self) -> int:
        """Changes of the store that are not in the full text yet, at most."""
        return max(0, self._store.sequence - self._segments.view.sequence)

    # ---- compaction

    @property
    def pending(self) -> bool:
        """Something that was deleted is still in the files, or they could be fewer: `compact` would write them anew."""
        return self._segments.has_worn or self._vectors.worn

    def compact(self, *, cancel: CancelToken) -> Iterator[Progress]:
        """Write anew what holds deleted passages. Searches and `catch_up` go on meanwhile."""
        with self._compacting:
            done = 0
            while True:
                cancel.check()
                with self._writing:
                    old = self._segments.worn()
                    if not old:
                        break
                    self._segments.seal()
                    new = self._segments.new()
                spans = [segment.reading.spans() for segment in old]
                total = done + sum(map(len, spans))
                try:
                    for _ in self._write_anew(new, spans, cancel):
                        done += 1
                        if done % 100 == 0:
                            yield Progress(done, total)
                except BaseException:
                    self._segments.discard(new)
                    raise
                with self._writing:
                    self._exchange(old, new, {id for each in spans for id in each})
            with self._writing:
                yield from (Progress(done, done) for _ in self._vectors.compact(cancel))
            yield Progress(done, done)

    def _write_anew(
        self, new: Segment, spans: Sequence[Mapping[int, tuple[int, int]]], cancel: CancelToken
    ) -> Iterator[int]:
        """Gives the documents that are in."""
        for of_segment in spans:
            for document_id, (first, last) in sorted(of_segment.items()):
                for _, made in self._lines(document_id, cancel, number_of(first), number_of(last)):
                    new.add(made)
                yield document_id
        new.commit()

    def _exchange(self, old: Sequence[Segment], new: Segment, documents: Collection[int]) -> None:
        """What went from the old ones meanwhile must not come back with the new one."""
        here = self._segments.segments
        if any(segment not in here for segment in old):
            self._segments.discard(new)
            return
        living = {id for segment in old for id in segment.reading.spans()}
        if gone := sorted(set(documents) - living):
            new.delete(gone)
            new.commit()
        new.close()
        self._segments.swap(old, new)

    # ---- searching

    def frequency(self, term: str) -> int:
        """How many passages have a term of `words`."""
        return self._segments.view.frequency(term)

    def text(self, question: str, limit: int, scope_ids: "array[int] | None" = None) -> TextMatches:
        """The passages that hold most of the question's words, the rare ones above all. `scope_ids`: documents,
        ascending (`store.visible`); None: all."""
        terms = query_terms(question)
        view, changes, beyond = self._current()
        counted, left = self._late.counted(changes, scope_ids)
        if left and self._busy:
            view, changes, beyond = self._waited()
            counted, left = self._late.counted(changes, scope_ids)
        passages = view.passages + len(counted)
        weights: dict[str, float] = {}
        for term in terms:
            often = view.frequency(term) + sum(term in each.terms for each in counted)
            weights[term] = _idf(often, passages)
        used = dict(heapq.nlargest(MOST_TERMS, weights.items(), key=lambda item: item[1]))
        found = list(scored(counted, used))
        found += self._gathered(view, used, limit, scope_ids, changes, check=beyond)
        best = heapq.nsmallest(limit, found, key=lambda item: (-item[0], item[1]))
        return TextMatches(
            [(passage, score) for score, passage in best], tuple(terms), sum(weights.values()), len(left)
        )

    def _current(self) -> tuple[View, Mapping[int, StoreChange], bool]:
        """The view, the changes after it, and whether these are only the last ones of very many."""
        view = self._segments.view
        changes = self._late.since(view.sequence)
        return (view, self._late.newest(), True) if changes is None else (view, changes, False)

    def _waited(self) -> tuple[View, Mapping[int, StoreChange], bool]:
        """After a commit, if there is one soon."""
        seen = self._segments.view.sequence
        with self._published:
            self._hurry = True
            self._published.wait_for(lambda: not self._busy or self._segments.view.sequence > seen, PATIENCE)
        return self._current()

    def _gathered(
        self,
        view: View,
        weights: Mapping[str, float],
        limit: int,
        scope: "array[int] | None",
        without: Collection[int],
        check: bool,
    ) -> list[tuple[float, int]]:
        """The best of all segments. Each is asked for more until what it has left cannot be among them."""
        if scope is not None and not len(scope):
            return []
        few = scope if scope is not None and len(scope) <= _FEW else None
        picked = None if few is not None else scope
        asked = _Asked([(reading, _boosts(reading, weights)) for reading in view.readings], few, self._second)
        share = 1.0 if picked is None else max(0.02, min(1.0, len(picked) / max(1, len(self._store.visible()))))
        part = min(1.0, 3 / max(1, len(asked.sides)))  # of a segment: the best lie spread over them, seldom in one
        wanted = min(_FETCHED, int(limit / share * 1.2 * part) + 8)
        while True:
            hits = asked.fetch(wanted)
            documents = {document_of(passage) for _, passage in hits}
            kept = {id for id in documents if id not in without and within(picked, id)}
            if check and kept:
                visible = self._store.visible(Scope(documents=tuple(sorted(kept))))
                kept = {id for id in kept if within(visible, id)}
            hits = [hit for hit in hits if document_of(hit[1]) in kept]
            least = heapq.nlargest(limit, hits)[-1][0] if len(hits) >= limit else -math.inf
            if asked.enough(least):
                return hits
            if wanted >= _FETCHED and picked is None:
                return hits
            if wanted >= _FETCHED:  # the scope lies where the question does not
                return _Asked(asked.sides, [id for id in picked or () if id not in without], self._second).fetch(limit)
            wanted = min(_FETCHED, wanted * 8)

    def vector(
        self, vector: bytes, identity: EmbedderIdentity, limit: int, scope_ids: "array[int] | None" = None
    ) -> list[tuple[int, float]]:
        """(passage, cosine), the nearest first; [] while there are no vectors of that embedder."""
        rows = self._vectors.rows(identity.key)
        if rows is None:
            return []
        changes = self._late_vectors.since(rows.sequence)
        if changes is not None:
            return rows.nearest(vector, limit, scope_ids, changes)
        hits = rows.nearest(vector, 4 * limit, scope_ids, ())
        seen = self._store.visible(Scope(documents=tuple({document_of(passage) for passage, _ in hits})))
        return [hit for hit in hits if within(seen, document_of(hit[0]))][:limit]

    def vectors_held(self, identity: EmbedderIdentity) -> int:
        """Passages that have a vector here."""
        rows = self._vectors.rows(identity.key)
        return 0 if rows is None else int((rows.ids != 0).sum())

    def close(self) -> None:
        """After `catch_up` and `compact` have ended."""
        self._second.shutdown()
        with self._compacting, self._writing:
            self._segments.close()


def number_of(passage: int) -> int:
    return passage & ((1 << PASSAGE_BITS) - 1)


class _Asked:
    """Segments that are asked for their best hits, each as far as is needed; half of them by `second`, meanwhile."""

    def __init__(
        self, sides: list[tuple[Reading, list[tuple[str, float]]]], only: Sequence[int] | None, second: Executor
    ) -> None:
        self.sides = sides
        self._second = second
        self._only = only
        self._hits: list[list[tuple[float, int]]] = [[] for _ in sides]
        self._open = [True] * len(sides)

    def fetch(self, wanted: int) -> list[tuple[float, int]]:
        places = [place for place, is_open in enumerate(self._open) if is_open]
        others = self._second.submit(self._ask, places[1::2], wanted) if len(places) > 1 else None
        self._ask(places[::2], wanted)
        if others is not None:
            others.result()
        return [hit for hits in self._hits for hit in hits]

    def _ask(self, places: Iterable[int], wanted: int) -> None:
        for place in places:
            reading, boosts = self.sides[place]
            hits = reading.search(boosts, wanted, self._only) if boosts else []
            self._hits[place], self._open[place] = hits, len(hits) == wanted

    def enough(self, least: float) -> bool:
        """What is not fetched yet scores no more than that. Those of which it is true are not asked again."""
        for place, hits in enumerate(self._hits):
            if self._open[place] and hits[-1][0] <= least:
                self._open[place] = False
        return not any(self._open)


def _idf(often: int, passages: int) -> float:
    """As tantivy has it."""
    return math.log(1 + (max(passages, often) - often + 0.5) / (often + 0.5))


def _boosts(reading: Reading, weights: Mapping[str, float]) -> list[tuple[str, float]]:
    """What makes the weight of each term in that segment the one it has in all."""
    made = []
    for term, weight in weights.items():
        if often := reading.frequency(term):
            made.append((term, weight / _idf(often, reading.passages)))
    return made
