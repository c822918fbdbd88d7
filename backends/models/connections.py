"""Several connections fetch one file from one source, until it is whole or the source has failed for good.

Each connection is a task on a thread of the file's own runner, and makes one attempt at one stretch (`segments`). Here
it is decided what comes of it: a connection that breaks while others go on costs nothing but itself; when the last one
fails, patience counts, and the next attempt waits.
"""

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled, DownloadError
from backends.core.stream import Runner, Stream
from backends.models.limit import RateLimit
from backends.models.progress import EVERY, DownloadEvent, DownloadWaiting, Meter
from backends.models.refusals import RateLimited
from backends.models.remote import RemoteFile
from backends.models.segments import SMALLEST, Segment, Segments
from backends.models.transfer import NO_RANGE, PASSING, Errand, Origin, Sink, attempt

_LOOK_EVERY = 1.0  # seconds between two looks whether the disk is still there
_MEASURE = 0.2  # seconds over which it is decided whether one connection is enough


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to put up with failures: so many attempts in a row that bring no byte."""

    attempts: int = 6  # as long as nothing has come at all
    begun: int = 20  # afterwards: some eight minutes without a network
    elsewhere: int = 3  # where another source may have the file
    wait: float = 1.0  # seconds before the second attempt; doubled for each one after
    longest: float = 30.0
    silence: float = 30.0  # seconds without a byte on an open connection

    def before(self, attempt: int) -> float:
        return min(self.longest, self.wait * 2 ** (attempt - 1))


@dataclass(frozen=True, slots=True)
class DownloadOptions:
    """`connections` for one file; `limit` is shared by all downloads; `smallest`: bytes that are worth a request.

    `enough`: bytes a second at which more connections would only take processor time from who hashes and writes.
    `ahead`: bytes that other downloads will still put on the same volume.
    """

    connections: int = 4
    limit: RateLimit = field(default_factory=RateLimit)
    smallest: int = SMALLEST
    enough: float = 100e6
    ahead: Callable[[], int] = lambda: 0


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be fetched and how. `look` sees what has come and raises if it is not what was meant; until it is
    `settled` one connection is enough. `again`: how the file is at the source now, asked after a failure. `last`: no
    other source is left to be tried."""

    origin: Origin
    sink: Sink
    look: Callable[[], None]
    settled: Callable[[], bool]
    again: Callable[[], RemoteFile]
    meter: Meter
    options: DownloadOptions
    patience: Patience
    last: bool


def fetch(job: Job, cancel: CancelToken) -> Generator[DownloadEvent, None, None]:
    """Fetch what the sink lacks. Raises the BackendError for which the source was given up, OSError, Cancelled."""
    crew = _Crew(job)
    forget = cancel.on_cancel(crew.stop)
    try:
        yield from crew.work(cancel)
    finally:
        forget()
        crew.close()


class _Crew:
    """The connections of one file."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._origin = job.origin
        self._sink = job.sink
        self._segments = Segments(job.sink.gaps(), job.sink.block, smallest=job.options.smallest)
        self._size = job.options.connections
        self._runner = Runner("connection", threads=self._size)
        self._running: dict[Stream[None], Segment] = {}
        self._wake = threading.Event()
        self._failures = 0
        self._allowed = job.patience.attempts if job.last else min(job.patience.attempts, job.patience.elsewhere)
        self._before = job.sink.arrived
        self._mark = (time.monotonic(), job.sink.arrived)
        self._rate: float | None = None  # bytes a second, of the last moments

    def stop(self) -> None:
        for stream in list(self._running):
            stream.cancel()
        self._wake.set()

    def close(self) -> None:
        self._runner.close()

    def work(self, cancel: CancelToken) -> Generator[DownloadEvent, None, None]:
        job, looked, counted = self._job, time.monotonic(), self._sink.arrived
        while not self._sink.whole:
            cancel.check()
            self._engage()
            self._wake.wait(EVERY)
            self._wake.clear()
            for stream in [stream for stream in self._running if stream.wait(0)]:
                error = self._outcome(stream)
                if error is not None:
                    counted = self._count(counted)
                    yield from self._failed(error, cancel)
            if time.monotonic() - looked >= _LOOK_EVERY:
                self._sink.check_there()
                looked = time.monotonic()
            before, counted = counted, self._count(counted)
            if job.meter.due and counted != before:
                yield job.meter.report(self._origin.file)
        for stream in list(self._running):
            stream.wait()
            self._outcome(stream)
        self._count(counted)

    def _count(self, counted: int) -> int:
        """Tell the meter what has come since."""
        arrived = self._sink.arrived
        self._job.meter.moved(arrived - counted)
        return arrived

    def _engage(self) -> None:
        """Give work to all who have none."""
        wanted = self._wanted()
        if wanted > len(self._running):
            self._segments.share()
        alone = wanted == 1 and (self._size == 1 or self._rate is not None)
        share = 1 if alone else self._job.options.connections
        while len(self._running) < wanted and (segment := self._segments.take(share)):
            errand = Errand(self._origin, self._sink, self._segments, segment, self._job.look)
            stream = self._runner.start(attempt, errand)
            self._running[stream] = segment
            stream.on_wake(self._wake.set)
        for stream, segment in self._running.items():
            if segment.done:  # somebody else has taken it over
                stream.cancel()

    def _wanted(self) -> int:
        """How many connections there should be now: one that brings enough stays alone."""
        since, before = self._mark
        now, arrived = time.monotonic(), self._sink.arrived
        if now - since >= _MEASURE:
            self._mark = now, arrived
            if self._job.settled():
                self._rate = (arrived - before) / (now - since)
        if self._job.options.enough and (self._rate is None or self._rate >= self._job.options.enough):
            return 1
        return self._size if self._job.settled() else 1

    def _outcome(self, stream: Stream[None]) -> BackendError | None:
        """The error with which a connection ended. What else it raised (the disk's errors, ours) is raised."""
        segment = self._running.pop(stream)
        try:
            for _ in stream:
                pass
        except BackendError as error:
            return None if segment.done else error
        finally:
            self._segments.end(segment, self._sink.gaps)
        return None

    def _failed(self, error: BackendError, cancel: CancelToken) -> Generator[DownloadEvent, None, None]:
        """One connection has failed: go on without it, wait, or raise."""
        patience = self._job.patience
        brought = self._sink.arrived > self._before
        self._before = self._sink.arrived
        if isinstance(error, DownloadError) and error.code == NO_RANGE:
            return
        if self._running and error.code in (*PASSING, "forbidden"):
            if not brought:
                self._size = max(1, self._size - 1)
            return
        if brought:
            self._failures = 0
            self._allowed = max(self._allowed, patience.begun if self._job.last else patience.elsewhere)
        self._failures += 1
        hopeless = isinstance(error, RateLimited) and error.seconds > patience.longest and not self._job.last
        if error.code not in PASSING or self._failures >= self._allowed or hopeless:
            raise error
        seconds = error.seconds if isinstance(error, RateLimited) else patience.before(self._failures)
        yield self._job.meter.report(self._origin.file)
        yield DownloadWaiting(error.message, seconds)
        if cancel.wait(seconds):
            raise Cancelled from error
        self._job.meter.rest()
        try:
            self._origin = replace(self._origin, remote=self._job.again())
        except BackendError as next_error:
            yield from self._failed(next_error, cancel)
