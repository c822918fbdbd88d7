"""What the machine and the engine do: sampled while somebody looks or something works, kept, told.

    for sample in services.monitoring.watch(): ...            # once a second, until cancelled
    for series in services.monitoring.history(["engine.decode"], start, end, 600): ...
    services.monitoring.latest, services.monitoring.standing

Once a second while a page is shown, every five while a model is loaded or a job runs. Else nothing is sampled, no
thread wakes and no child runs; the past then shows a gap.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, Problem, StorageError
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream
from backends.hardware.sampler import Sampler
from backends.hardware.samples import HardwareSample
from backends.monitor.alerts import Alarms
from backends.monitor.columns import figures
from backends.monitor.export import Exported, export
from backends.monitor.history import History
from backends.monitor.meter import done, measure
from backends.monitor.statistics import Sum, day_of, energy
from backends.monitor.types import Alert, Day, Sample, Series, Traffic
from backends.services.foundation import Foundation

__all__ = ["Exported", "MonitorServices"]

log = logging.getLogger(__name__)
T = TypeVar("T")

SHOWN, UNSEEN = 1.0, 5.0  # seconds from sample to sample
GAP = 15.0  # seconds without a sample: there was a pause
JUMP = 2.0  # seconds; if the clocks' ways differ by more, the wall clock was set, or the machine slept
RECENT = 600  # samples at hand
BATCH = 60.0  # seconds of samples that are written at once
UNSAVED = 3600  # samples that wait for a disk that is full


class Sampling(Protocol):
    """`hardware.sampler.Sampler`."""

    def sample(self, cancel: CancelToken) -> HardwareSample: ...
    def close(self) -> None: ...


class MonitorServices:
    """Its threads: `monitor`, which samples and writes, and `history` for what is asked of the past."""

    def __init__(
        self,
        foundation: Foundation,
        jobs: Sequence[Callable[[], bool]] = (),
        *,
        served: Callable[[], tuple[int, int] | None] = lambda: None,
        sampling: Callable[[Path], Sampling] = Sampler,
        second: float = 1.0,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`jobs` tell whether something works for which it is worth to look; a `changed` tells that one began.
        `served`: bytes that the local API received and sent, None while it never was on. `sampling`: of the disk with
        this folder; `second`: how long one is."""
        self._base, self._jobs, self._served, self._make = foundation, tuple(jobs), served, sampling
        self._second, self._wall, self._clock = second, wall, clock
        self._monitor, self._past = Runner("monitor"), Runner("history")
        self._changed = threading.Condition()
        self._watchers: list[Stream[Sample]] = []
        self._alerted: list[Stream[Alert]] = []
        self._glancing: list[Stream[Sample | None]] = []
        self._active = self._stirred = self._closed = False
        self._recent: deque[Sample] = deque(maxlen=RECENT)
        self.latest: Sample | None = None
        self.standing: tuple[Alert, ...] = ()  # what is beyond a threshold now
        self.problem: Problem | None = None  # why nothing of the past can be kept now
        # on the monitor's thread only
        self._sampling: tuple[Path, Sampling] | None = None
        self._figures = self._counted = foundation.engine.figures()
        self._moved = (0, 0, 0, 0)
        self._alarms = Alarms()
        # what is to be written, under `_saving`
        self._saving = threading.Lock()
        self._history = History(foundation.paths.data / "monitor.db")
        self._unsaved: deque[Sample] = deque(maxlen=UNSAVED)
        self._sums: dict[tuple[str, str], Sum] = {}
        self._tried = -BATCH
        self._noted = 0  # notices of the history that were told
        self._changes = foundation.changes()
        self._changes.on_wake(self._on_changes)

    def close(self) -> None:
        self._changes.on_wake(None)
        self._changes.cancel()
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
            for stream in (*self._watchers, *self._alerted, *self._glancing):
                stream.close()
        self._monitor.close()
        self._past.close()
        self._count()
        self._save()
        if self._sampling is not None:
            self._sampling[1].close()
        self._history.close()

    # ---- now

    def watch(self) -> Stream[Sample]:
        """A sample a second, until it is cancelled. What breaks the monitor comes out of it."""
        stream: Stream[Sample] = Stream("watch")
        with self._changed:
            self._watchers.append(stream)
            self._changed.notify_all()
        stream.token.on_cancel(self._wake)
        self._begin()
        return stream

    def glance(self) -> Stream[Sample | None]:
        """What is sampled because something works, without asking for more, until it is cancelled; None when the
        work has ended."""
        stream: Stream[Sample | None] = Stream("glance")
        with self._changed:
            self._glancing.append(stream)
        return stream

    def recent(self, seconds: float) -> tuple[Sample, ...]:
        """What was sampled in so many seconds before the latest sample, oldest first; ten minutes at most."""
        samples = tuple(self._recent)
        return tuple(one for one in samples if one.clock >= samples[-1].clock - seconds)

    def alerts(self) -> Stream[Alert]:
        """What begins and what is over from now on, until it is cancelled."""
        stream: Stream[Alert] = Stream("alerts")
        with self._changed:
            self._alerted.append(stream)
        return stream

    # ---- the past

    @property
    def notices(self) -> tuple[Phrase, ...]:
        """What became of a damaged file; `changed` ("monitor") tells when there is one, or another `problem`."""
        return self._history.notices

    def names(self) -> Stream[tuple[str, ...]]:
        """Which figures there are (`monitor.columns`): one event."""

        def ask(cancel: CancelToken) -> tuple[str, ...]:
            latest = (name for sample in [*self._recent][-1:] for name in figures(sample))
            return tuple(dict.fromkeys([*self._history.names(), *latest]))

        return self._asked(ask)

    def history(self, names: Sequence[str], start: float, end: float, steps: int) -> Stream[tuple[Series, ...]]:
        """These figures from `start` to `end` (wall clock) in so many steps: one event. Raises StorageError."""

        def ask(cancel: CancelToken) -> tuple[Series, ...]:
            with self._saving:
                return self._history.read(tuple(self._unsaved), names, start, end, steps, cancel)

        return self._asked(ask)

    def days(self, since: str | None = None) -> Stream[tuple[Day, ...]]:
        """By model and day of the local calendar, the newest first, from `since` ("2026-11-22") on: one event."""

        def ask(cancel: CancelToken) -> tuple[Day, ...]:
            self._count()
            self._save()
            return self._history.days(since)

        return self._asked(ask)

    def export(self, path: Path, start: float, end: float) -> Stream[Exported]:
        """All figures between these times as CSV (`monitor.export`). Raises StorageError."""
        return self._past.start(self._export, path, start, end)

    def _export(self, path: Path, start: float, end: float, *, cancel: CancelToken) -> Iterator[Exported]:
        self._save()
        try:
            yield from export(self._history, tuple(self._unsaved), path, start, end, cancel=cancel)
        finally:
            self._look_at_notices()

    def erase(self) -> Stream[None]:
        """Forget all of the past, what is at hand too: one event. `changed` ("erased") tells everybody of it."""

        def ask(cancel: CancelToken) -> None:
            self._count()
            with self._saving:
                self._history.erase()
                self._unsaved.clear()
                self._sums.clear()
                self._recent.clear()
            self._base.changed("erased")

        return self._asked(ask)

    def _asked(self, ask: Callable[[CancelToken], T]) -> Stream[T]:
        def answer(*, cancel: CancelToken) -> Iterator[T]:
            cancel.check()
            try:
                found = ask(cancel)
            except StorageError as error:
                with self._saving:
                    mended = self._history.mend(error)
                if not mended:
                    raise
                found = ask(cancel)
            finally:
                self._look_at_notices()
            yield found

        return self._past.start(answer)

    # ---- whether to sample, and when

    def _on_changes(self) -> None:
        """On the thread of whoever changed something."""
        if self._changes.drain() and not self._closed:
            self._stirred = True
            with self._changed:
                active = self._active
            if not active and self._wanted():
                self._begin()

    def _wanted(self) -> bool:
        return self._base.engine.model is not None or any(job() for job in self._jobs)

    def _begin(self) -> None:
        with self._changed:
            if not self._active and not self._closed:
                self._active = True
                self._monitor.start(self._live)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _live(self, *, cancel: CancelToken) -> Iterator[None]:
        """As long as there is anything to see."""
        try:
            self._take(cancel)
            while self._wait():
                self._take(cancel)
        except Cancelled:
            log.debug("closed while it sampled")
        except Exception as error:
            log.exception("the monitor has broken")
            with self._changed:
                self._active = False
                watchers, self._watchers = self._watchers, []
            for stream in watchers:
                stream.fail(error)
            raise
        finally:
            self._count()
            self.latest = None
            self._let_glance(None)
            self._tell(self._alarms.rest())
            self._save()
        yield None

    def _wait(self) -> bool:
        """Until the next sample is due. False: there is nothing to see any more."""
        self._stirred = False
        wanted, began = self._wanted(), self._clock()
        self._let_glance(self.latest if wanted else None)
        with self._changed:
            while not self._closed:
                self._watchers = [stream for stream in self._watchers if not stream.cancelled]
                if not self._watchers and not wanted:
                    if self._stirred:
                        return True
                    break
                left = began + (SHOWN if self._watchers else UNSEEN) * self._second - self._clock()
                if left <= 0:
                    return True
                self._changed.wait(left)
            self._active = False
            return False

    # ---- one sample

    def _take(self, cancel: CancelToken) -> None:
        hardware = self._sampler().sample(cancel)
        at, clock = self._wall(), self._clock()
        *_, before = (None, *self._recent)
        seconds = None
        if before is not None:
            since = clock - before.clock
            set_anew = abs(at - before.at - since) > JUMP
            seconds = None if since > GAP or set_anew or since <= 0 else since
        now = self._base.engine.figures()
        engine = measure(self._figures if seconds else now, now)
        sample = Sample(at, clock, seconds, hardware, engine, self._traffic(seconds))
        self._figures = now
        self._recent.append(sample)
        self.latest = sample
        self._count()
        with self._saving:
            self._unsaved.append(sample)
            due = clock - max(self._unsaved[0].clock, self._tried) >= BATCH * self._second
        if due:
            self._save()
        settings = self._base.settings.current.monitor
        self._tell(self._alarms.look(sample, settings, str(self._base.models_folder)))
        with self._changed:
            watchers = tuple(self._watchers)
        for stream in watchers:
            stream.put(sample)

    def _sampler(self) -> Sampling:
        """Of the disk that the models are on now."""
        folder = self._base.models_folder
        if self._sampling is None or self._sampling[0] != folder:
            if self._sampling is not None:
                self._sampling[1].close()
            self._sampling = folder, self._make(folder)
        return self._sampling[1]

    def _traffic(self, seconds: float | None) -> Traffic:
        served = self._served()
        now = (*self._base.network.traffic(), *(served or (0, 0)))
        before, self._moved = self._moved, now
        moved = [max(0, new - old) / seconds if seconds else 0.0 for new, old in zip(now, before, strict=True)]
        return Traffic(*moved) if served is not None else Traffic(*moved[:2])

    def _let_glance(self, sample: Sample | None) -> None:
        with self._changed:
            self._glancing = [stream for stream in self._glancing if not stream.cancelled]
            listeners = tuple(self._glancing)
        for stream in listeners:
            stream.put(sample)

    def _tell(self, alerts: Sequence[Alert]) -> None:
        self.standing = self._alarms.standing
        if not alerts:
            return
        with self._changed:
            self._alerted = [stream for stream in self._alerted if not stream.cancelled]
            listeners = tuple(self._alerted)
        for stream in listeners:
            for alert in alerts:
                stream.put(alert)

    # ---- keeping

    def _count(self) -> None:
        """What the engine did since the last call counts for its models and for today."""
        latest = self.latest
        with self._saving:
            before, self._counted = self._counted, self._base.engine.figures()
            for model, work in done(before, self._counted).items():
                power = energy(latest.hardware.gpus, work.busy_seconds) if latest else None
                self._sums.setdefault((day_of(self._wall()), model), Sum()).add(work, power)

    def _save(self) -> None:
        """Write what was not written yet. Where that cannot be done, it waits, an hour of samples at most."""
        with self._saving:
            if not self._unsaved and not self._sums:
                return
            self._tried, problem = self._clock(), self._write()
            if problem is None:
                self._unsaved.clear()
                self._sums.clear()
            changed = problem != self.problem
            self.problem = problem
        if changed:
            self._base.changed("monitor")
        self._look_at_notices()

    def _look_at_notices(self) -> None:
        """Whoever opens the file first may find it damaged."""
        count = len(self.notices)
        if count != self._noted:
            self._noted = count
            self._base.changed("monitor")

    def _write(self) -> Problem | None:
        keep_days = self._base.settings.current.monitor.keep_days
        for last in (False, True):
            try:
                self._history.write(tuple(self._unsaved), self._sums, keep_days)
            except StorageError as error:
                if last or not self._history.mend(error):
                    log.warning("figures are not kept: %s", error)
                    return Problem.of(error)
            else:
                break
        return None
