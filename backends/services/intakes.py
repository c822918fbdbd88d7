"""Taking in, on two threads: files of one request are shared by both, and the next request comes after it."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled
from backends.core.stream import Runner, Stream
from backends.documents.collections import Asked
from backends.documents.extract.reader import Reader
from backends.documents.gate import Gate
from backends.documents.ingest import Intake, ingest_jsonl
from backends.documents.store import DocumentStore
from backends.documents.types import FileFailed, FileReading, FileStored, IngestEvent, Queued

log = logging.getLogger(__name__)

THREADS = 2
_TELL = 0.25  # seconds between two words to those who want to know that something has changed


@dataclass(frozen=True, slots=True)
class IntakeProgress:
    """Of all that is being taken in. `files`: in all, as far as is known; `done` of them are read, `failed` among them
    cannot be. `name`: one that is read now, `read` of `total` pages or bytes of it."""

    files: int = 0
    done: int = 0
    failed: int = 0
    name: str = ""
    read: int = 0
    total: int = 0
    paused: bool = False


class Intakes:
    """Its threads: `ingest`. `stored` is called after each document that can be found now or cannot any more,
    `changed` some times a second while there is something to see. Both on its threads."""

    def __init__(
        self, store: DocumentStore, busy: Callable[[], bool], stored: Callable[[], None], changed: Callable[[], None]
    ) -> None:
        self._store, self._stored, self._tell = store, stored, changed
        self.gate = Gate(busy)
        self._reader = Reader()
        self._runner = Runner("ingest", THREADS)
        self._lock = threading.Lock()
        self._queueing = threading.Lock()
        self._running: dict[object, IntakeProgress] = {}
        self._open: list[tuple[int, Stream[IngestEvent]]] = []  # with their collections
        self._told = 0.0
        self._closing = False

    def close(self) -> None:
        """What runs is taken up again by the next start."""
        self._closing = True
        self.gate.go_on()
        self._runner.close()
        self._reader.close()

    @property
    def progress(self) -> IntakeProgress | None:
        """None: nothing is being taken in."""
        with self._lock:
            running = list(self._running.values())
        if not running:
            return None
        now = next((each for each in running if each.name), IntakeProgress())
        return IntakeProgress(
            sum(each.files for each in running),
            sum(each.done for each in running),
            sum(each.failed for each in running),
            now.name,
            now.read,
            now.total,
            self.gate.paused,
        )

    # ---- requests

    def files(
        self,
        collection_id: int,
        paths: Sequence[str | Path],
        asked: Sequence[Asked] = (),
        *,
        passwords: Sequence[str] = (),
        recognise: bool = False,
        again: bool = False,
        follows: bool = False,
        quiet: bool = False,
        after: Callable[[CancelToken], None] = lambda cancel: None,
    ) -> Stream[IngestEvent]:
        """`after` is called when all are read, before the last event. `quiet`: nobody will take the events but the
        last one, and what goes wrong is logged."""
        intake = Intake(
            self._store,
            self._reader,
            collection_id,
            paths,
            passwords=passwords,
            recognise=recognise,
            again=again,
            follows=follows,
            gate=self.gate,
        )
        request = _Request(intake, tuple(asked), quiet, after)
        with self._queueing:  # both at once: neither waits for one that comes after another request
            helper_ready: list[Stream[IngestEvent]] = []
            stream = self._runner.start(self._lead, request, helper_ready)
            helper_ready.append(self._runner.start(self._help, request))
            stream.token.on_cancel(helper_ready[0].cancel)
            stream.token.on_cancel(lambda: self._on_cancelled(request.asked))
            self._opened(collection_id, stream)
            request.both.set()  # who sees it running can cancel it
        return stream

    def cancel(self, collection_id: int | None = None) -> list[Stream[IngestEvent]]:
        """End all taking in, or that into one collection, whoever has asked for it; those that run or wait still."""
        with self._lock:
            mine = [each for id, each in self._open if collection_id in (None, id) and not each.wait(0)]
        for stream in mine:
            stream.cancel()
        return mine

    def _opened(self, collection_id: int, stream: Stream[IngestEvent]) -> None:
        with self._lock:
            self._open = [(id, each) for id, each in self._open if not each.wait(0)]
            self._open.append((collection_id, stream))

    def _on_cancelled(self, asked: Sequence[Asked]) -> None:
        """On the thread of whoever cancelled. A request that has not begun never will: nobody else forgets it."""
        if not self._closing:
            self._runner.start(self._forget, asked)

    def _forget(self, asked: Sequence[Asked], *, cancel: CancelToken) -> Iterator[None]:
        for each in asked:
            known = self._store.find(each.path, each.collection_id) if each.kind == "path" else None
            if known is not None and known.status == "waiting":
                self._store.give_up(known.id)
        self._store.answered(asked)
        self._tell()
        yield None

    def jsonl(self, collection_id: int, file: Path, asked: Sequence[Asked]) -> Stream[IngestEvent]:
        opened = threading.Event()
        stream = self._runner.start(self._jsonl, collection_id, file, tuple(asked), opened)
        stream.token.on_cancel(lambda: self._on_cancelled(asked))
        self._opened(collection_id, stream)
        opened.set()
        return stream

    # ---- the two threads

    def _lead(
        self, request: "_Request", helper: list[Stream[IngestEvent]], *, cancel: CancelToken
    ) -> Iterator[IngestEvent]:
        request.both.wait()
        with self._counted() as count:
            try:
                for event in self._both(request, helper[0], cancel):
                    count(event)
                    if not request.quiet:
                        yield event
                request.after(cancel)
            except Cancelled:
                self._stop(request, helper[0])
                if not self._closing:
                    request.intake.give_up()
                    self._store.answered(request.asked)
                raise
            except BackendError as error:
                self._stop(request, helper[0])
                if request.quiet:
                    log.warning("documents: %s", error)
                raise
            finally:
                helper[0].cancel()
            self._store.answered([each for each in request.asked if not request.intake.unanswered(each.path)])
        yield request.intake.done()

    def _both(self, request: "_Request", helper: Stream[IngestEvent], cancel: CancelToken) -> Iterator[IngestEvent]:
        for event in request.intake.work(cancel=cancel):
            yield event
            yield from helper.drain()
        if request.begun():
            yield from _rest(helper, cancel)

    def _help(self, request: "_Request", *, cancel: CancelToken) -> Iterator[IngestEvent]:
        if request.begin():
            yield from request.intake.work(cancel=cancel)

    def _stop(self, request: "_Request", helper: Stream[IngestEvent]) -> None:
        helper.cancel()
        if request.begun():
            helper.wait()

    def _jsonl(
        self, collection_id: int, file: Path, asked: tuple[Asked, ...], opened: threading.Event, *, cancel: CancelToken
    ) -> Iterator[IngestEvent]:
        opened.wait()
        with self._counted() as count:
            try:
                yield from map(count, ingest_jsonl(self._store, collection_id, file, gate=self.gate, cancel=cancel))
            except BackendError:
                self._store.answered(asked)
                raise
            except Cancelled:
                if not self._closing:
                    self._store.answered(asked)
                raise
            self._store.answered(asked)

    # ---- how far

    @contextlib.contextmanager
    def _counted(self) -> Iterator[Callable[[IngestEvent], IngestEvent]]:
        """Keep the count while inside, through what this gives."""
        key = object()

        def count(event: IngestEvent) -> IngestEvent:
            with self._lock:
                self._running[key] = _counted(self._running[key], event)
            if isinstance(event, FileStored | FileFailed):
                self._stored()
            if time.monotonic() - self._told > _TELL:
                self._told = time.monotonic()
                self._tell()
            return event

        with self._lock:
            self._running[key] = IntakeProgress()
        self._tell()
        try:
            yield count
        finally:
            with self._lock:
                del self._running[key]
            self._tell()


class _Request:
    """One that both threads work on. The second one may come too late: then nobody waits for it."""

    def __init__(
        self, intake: Intake, asked: tuple[Asked, ...], quiet: bool, after: Callable[[CancelToken], None]
    ) -> None:
        self.intake, self.asked, self.quiet, self.after = intake, asked, quiet, after
        self.both = threading.Event()
        self._lock = threading.Lock()
        self._begun: bool | None = None

    def begin(self) -> bool:
        """The second one begins; False: too late."""
        with self._lock:
            if self._begun is None:
                self._begun = True
            return self._begun

    def begun(self) -> bool:
        """The second one has begun; if not, it does not any more."""
        with self._lock:
            if self._begun is None:
                self._begun = False
            return self._begun


def _rest(stream: Stream[IngestEvent], cancel: CancelToken) -> Iterator[IngestEvent]:
    forget = cancel.on_cancel(stream.cancel)
    try:
        yield from stream
    finally:
        forget()
    cancel.check()


def _counted(progress: IntakeProgress, event: IngestEvent) -> IntakeProgress:
    match event:
        case Queued(files):
            return replace(progress, files=files)
        case FileReading(_, path, done, total):
            return replace(progress, name=Path(path).name, read=done, total=total)
        case FileStored():
            return replace(progress, done=progress.done + 1, name="", read=0, total=0)
        case FileFailed():
            return replace(progress, done=progress.done + 1, failed=progress.failed + 1, name="", read=0, total=0)
    return progress
