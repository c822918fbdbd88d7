"""Files -> documents: walked, compared with what is known, read, stored.

    for event in ingest(store, reader, collection.id, ["/home/me/papers"], cancel=cancel): ...

A file that did not change costs a look at its size and time; one that was only touched, moved or copied back is known
by its bytes. What goes wrong with a file is said of that file; the rest go on, unless nothing can be written any more.
After a kill, `store.unfinished()` and `store.asked()` tell what to take up again; nothing half read is ever seen.

`Intake` is the same for several threads that share one walk.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, StorageError
from backends.core.turns import Turns
from backends.documents.extract.reader import Reader, supported
from backends.documents.gate import Gate
from backends.documents.lines import ingest_jsonl, ingest_text
from backends.documents.looking import Look, Visit, Wanted
from backends.documents.problems import KEEP, NO_ANSWER, TRY_AGAIN, changing, empty, pages_without_text, scanned
from backends.documents.store import DocumentStore
from backends.documents.types import (
    Closed,
    Document,
    FileFailed,
    FileReading,
    FileStored,
    IngestDone,
    IngestEvent,
    Opened,
    Problem,
    Queued,
    Reading,
    Section,
    Status,
)
from backends.documents.walk import Met, walk

__all__ = ["Intake", "ingest", "ingest_jsonl", "ingest_text"]

AHEAD = 4096  # files that the walk is ahead of the reading
LOOKED = 64  # files that are looked at together
MOST_FAILURES = 1000  # that the last event names
_SETTLED = ("ready", "failed", "encrypted", "scanned", "empty")


def ingest(
    store: DocumentStore,
    reader: Reader,
    collection_id: int,
    paths: Iterable[str | Path],
    *,
    passwords: Sequence[str] = (),
    recognise: bool = False,
    cancel: CancelToken,
) -> Iterator[IngestEvent]:
    """Take in files and folders. `passwords` are tried on those that are locked. The last event is IngestDone. Raises
    Cancelled, and StorageError when nothing can be written."""
    intake = Intake(store, reader, collection_id, paths, passwords=passwords, recognise=recognise)
    yield from intake.work(cancel=cancel)
    yield intake.done()


@dataclass(slots=True)
class _Counts:
    documents: int = 0
    chunks: int = 0
    met: int = 0
    failed: list[FileFailed] = field(default_factory=list)


class Intake:
    """What was asked for at one time. `work` may run on several threads at once; each file is read by one of them.

    Documents are begun in the order in which they were given, whichever thread is first.
    `gate`: waited at before each file and between pieces of one. `again`: read also what did not change (a password has
    come, or pages are to be recognised). `follows`: for a folder that is followed; what was deleted here stays away.
    """

    def __init__(
        self,
        store: DocumentStore,
        reader: Reader,
        collection_id: int,
        paths: Iterable[str | Path],
        *,
        passwords: Sequence[str] = (),
        recognise: bool = False,
        again: bool = False,
        follows: bool = False,
        gate: Gate | None = None,
    ) -> None:
        self._store, self._reader, self._collection = store, reader, collection_id
        self._passwords, self._recognise = tuple(passwords), recognise
        self._again, self._follows = again, follows
        self._gate = gate or Gate()
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._turns, self._over = Turns(), CancelToken()
        self._visit = Visit(reader.looker)
        self._walk = walk(self._visit, paths, cancel=self._over)
        self._ahead: deque[Met] = deque()
        self._looked: deque[tuple[Met, Look]] = deque()
        self._through = False
        self._silent: list[str] = []
        self._order = _Order()
        self._counts = _Counts()
        self._being_read: set[int] = set()

    def work(self, *, cancel: CancelToken) -> Iterator[IngestEvent]:
        """Read until there are no files left; without a last event."""
        while True:
            self._gate.wait(cancel)
            taken = self._first()
            if taken is None:
                if grown := self._look_ahead(cancel):
                    yield Queued(grown)
                taken = self._first()
            if taken is None:
                if self._through:
                    return
                continue  # another thread was quicker
            met, look, place = taken
            try:
                for event in self._take(met, look, place, cancel):
                    self._order.begun(place)
                    self._count(event)
                    yield event
            finally:
                self._order.begun(place)

    def done(self) -> IngestDone:
        counts = self._counts
        return IngestDone(counts.documents, counts.chunks, tuple(counts.failed), time.monotonic() - self._began)

    def give_up(self) -> None:
        """It was cancelled, and not to be gone on with: what was being read is as it was before."""
        for document_id in self._being_read:
            self._store.give_up(document_id)

    def unanswered(self, path: str) -> bool:
        """It is a folder, or leads to one, that did not answer: it is to be asked for another time."""
        return any(f"{each}{os.sep}".startswith(f"{path.rstrip(os.sep)}{os.sep}") for each in self._silent)

    # ---- the walk

    def _first(self) -> tuple[Met, Look, int] | None:
        with self._lock:
            return (*self._looked.popleft(), self._order.take()) if self._looked else None

    def _look_ahead(self, cancel: CancelToken) -> int:
        """See to it that there is a first one. How many files are known, if they are more than before; else 0."""
        with self._turns.mine(cancel):
            if self._looked:
                return 0
            forget = cancel.on_cancel(self._over.cancel)
            try:
                more = list(islice(self._walk, AHEAD - len(self._ahead))) if len(self._ahead) < AHEAD // 2 else []
                self._ahead.extend(more)
                self._counts.met += len(more)
                some = [self._ahead.popleft() for _ in range(min(LOOKED, len(self._ahead)))]
                self._look_at(some)
            finally:
                forget()
            self._through = not some
            return self._counts.met if more else 0

    def _look_at(self, some: list[Met]) -> None:
        known = self._store.seen(self._collection, [met.path for met in some], hidden=not self._follows)
        wanted = [Wanted(met.path, "news", *known.get(met.path, (-1, 0.0))) for met in some if met.problem is None]
        looks = iter(list(self._visit.look(wanted, cancel=self._over)))
        for met in some:
            look = next(looks) if met.problem is None else Look(met.path, "unknown", problem=met.problem)
            with self._lock:
                self._looked.append((met, look))

    def _count(self, event: IngestEvent) -> None:
        with self._lock:
            if isinstance(event, FileStored):
                self._counts.documents += 1
                self._counts.chunks += 0 if event.unchanged else event.passages
            elif isinstance(event, FileFailed) and len(self._counts.failed) < MOST_FAILURES:
                self._counts.failed.append(event)

    # ---- one file

    def _take(self, met: Met, look: Look, place: int, cancel: CancelToken) -> Iterator[IngestEvent]:
        if met.problem is not None and not (met.named and met.problem.code == NO_ANSWER and supported(Path(met.path))):
            if met.problem.code == NO_ANSWER:
                self._silent.append(met.path)
            yield FileFailed(None, met.path, met.problem)
            return
        known = self._store.find(met.path, self._collection, hidden=not self._follows)
        if known is not None and known.hidden is not None:
            self._store.restore([known.id])
        if known is None and self._store.left_out(self._collection, met.path):
            if self._follows:
                return
            self._store.take_back(self._collection, met.path)
        for attempt in (1, 2):
            if attempt == 2 or (look.problem is None and self._visit.doubts(met.path)):
                look = self._visit.one(met.path, cancel=cancel)
            if attempt == 1 and known is not None and self._same(known, look, met.named):
                yield self._unchanged(known)
                return
            if look.kind == "file" and not look.digest:
                look = self._visit.one(met.path, "digest", cancel=cancel)
            if met.link and look.kind != "file" and (look.problem is None or look.problem.code != NO_ANSWER):
                return
            if look.problem is not None:
                self._order.wait(place, cancel)
                yield self._unreadable(met, known, look.problem)
                return
            if look.kind != "file":
                return
            same = self._by_bytes(met, known, look, cancel)
            if same is not None:
                yield self._unchanged(same)
                return
            self._order.wait(place, cancel)
            last = yield from self._read(met, look, cancel, last=attempt == 2)
            if last is not None:
                yield last
                return

    def _same(self, known: Document, now: Look, named: bool) -> bool:
        return (
            now.kind == "file"
            and known.size == now.size
            and known.modified == now.modified
            and bool(known.digest)
            and self._is_settled(known, named)
        )

    def _is_settled(self, known: Document, named: bool) -> bool:
        """Reading it once more would bring nothing new."""
        code = known.problem.code if known.problem else ""
        if known.status not in _SETTLED or code in TRY_AGAIN or self._again:
            return False
        if known.status == "encrypted" and self._passwords:
            return False
        if self._recognise and (known.unread or known.status == "scanned"):
            return False
        return not (known.status == "failed" and named)

    def _unchanged(self, known: Document) -> IngestEvent:
        if known.status == "ready" or known.problem is None:
            return FileStored(known.id, known.path, known.passages, unchanged=True)
        return FileFailed(known.id, known.path, known.problem)

    def _by_bytes(self, met: Met, known: Document | None, now: Look, cancel: CancelToken) -> Document | None:
        """The document that this file is already: touched, or moved here."""
        if known is not None:
            if known.digest != now.digest or not self._is_settled(known, met.named):
                return None
            self._store.touch(known.id, size=now.size, modified=now.modified)
            return known
        alike = self._store.find_moved(now.digest, now.size, self._collection)
        settled = {each.path: each.id for each in alike if self._is_settled(each, met.named)}
        gone = self._visit.first_gone(list(settled), cancel=cancel)
        if gone is None:
            return None
        self._store.touch(settled[gone], size=now.size, modified=now.modified, path=met.path)
        return self._store.document(settled[gone])

    def _unreadable(self, met: Met, known: Document | None, problem: Problem) -> FileFailed:
        if known is None and problem.code != "gone":
            known = self._store.begin(self._collection, met.path, Path(met.path).name, 0, 0.0, "")
        if known is not None:
            self._store.fail(known.id, problem, keep=problem.code in KEEP)
        return FileFailed(known.id if known else None, met.path, problem)

    def _read(
        self, met: Met, before: Look, cancel: CancelToken, *, last: bool
    ) -> Generator[IngestEvent, None, IngestEvent | None]:
        """What came of it; None: it changed meanwhile, and may be read once more."""
        name = Path(met.path).name
        document = self._store.begin(self._collection, met.path, name, before.size, before.modified, before.digest)
        self._being_read.add(document.id)
        yield FileReading(document.id, met.path, 0, 0)
        passwords = [*self._passwords] if self._passwords else [""]
        died = False
        while True:
            try:
                said = yield from self._store_text(document, met, passwords[0], before, cancel, last)
            except StorageError as error:
                said = self._not_written(document, met, error)
            except BackendError as error:
                if error.code in ("encrypted", "wrong_password") and len(passwords) > 1:
                    passwords.pop(0)
                    continue
                if error.code == "reader_died" and not died:
                    died = True  # the file's fault, or that of a system without memory: a new reader tells
                    continue
                status: Status = "encrypted" if error.code in ("encrypted", "wrong_password") else "failed"
                problem = self._reason(met, error, cancel)
                self._store.fail(document.id, problem, status, keep=problem.code in KEEP)
                said = FileFailed(document.id, met.path, problem)
            self._being_read.discard(document.id)
            return said

    def _reason(self, met: Met, error: BackendError, cancel: CancelToken) -> Problem:
        """The file may be gone by now, or its drive may not answer."""
        if error.code in ("unreadable_file", "out_of_time"):
            now = self._visit.one(met.path, "here" if error.code == "unreadable_file" else "digest", cancel=cancel)
            if now.problem is not None and now.problem.code in ("gone", NO_ANSWER):
                return now.problem
        return Problem.of(error)

    def _store_text(
        self, document: Document, met: Met, password: str, before: Look, cancel: CancelToken, last: bool
    ) -> Generator[IngestEvent, None, IngestEvent | None]:
        opened = Opened("")
        with self._store.draft(document.id) as draft:
            events = self._reader.read(Path(met.path), password=password, recognise=self._recognise, cancel=cancel)
            try:
                for event in events:
                    match event:
                        case Section():
                            draft.add(event)
                        case Opened():
                            opened = event
                        case Closed():
                            draft.closed = event
                        case Reading(done, total):
                            yield FileReading(document.id, met.path, done, total)
                            self._gate.wait(cancel)
            finally:
                if isinstance(events, Generator):
                    events.close()
            now = self._visit.one(met.path, cancel=cancel)  # if it is gone, what was read is what it said
            if now.problem is None and (now.size, now.modified_ns) != (before.size, before.modified_ns):
                if not last:
                    return None
                self._store.fail(document.id, changing(), keep=True)
                return FileFailed(document.id, met.path, changing())
            unread = draft.closed.unread
            if draft.passages:
                draft.show(opened, pages_without_text(unread) if unread else None)
                return FileStored(document.id, met.path, draft.passages)
        problem, status = (scanned(), "scanned") if unread else (empty(), "empty")
        self._store.describe(document.id, opened, draft.closed.pages, len(unread))
        self._store.fail(document.id, problem, status)
        return FileFailed(document.id, met.path, problem)

    def _not_written(self, document: Document, met: Met, error: StorageError) -> FileFailed:
        """The disk is full, say: if not even that can be noted, all ends here."""
        problem = Problem.of(error)
        try:
            self._store.fail(document.id, problem, keep=True)
        except StorageError:
            raise error from None
        return FileFailed(document.id, met.path, problem)


class _Order:
    """Who reads a file has a place, and waits with its document until those before it are begun or not needed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._last = 0
        self._open: set[int] = set()

    def take(self) -> int:
        with self._changed:
            self._last += 1
            self._open.add(self._last)
            return self._last

    def begun(self, place: int) -> None:
        with self._changed:
            self._open.discard(place)
            self._changed.notify_all()

    def wait(self, place: int, cancel: CancelToken) -> None:
        """Raises Cancelled."""
        forget = cancel.on_cancel(self._wake)
        try:
            with self._changed:
                self._changed.wait_for(lambda: cancel.cancelled or min(self._open, default=place) >= place)
        finally:
            forget()
        cancel.check()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
