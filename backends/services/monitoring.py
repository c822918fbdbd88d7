"""What the machine and the engine do: sampled while somebody looks or something works, kept, told.

    for sample in services.monitoring.watch(): ...            # once a second, until cancelled
    for series in services.monitoring.history(["engine.decode"], start, end, 600): ...
    services.monitoring.latest, services.monitoring.standing

Nothing is sampled, and no thread wakes, while no page is shown, no model is loaded and no job runs.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import psutil

from backends.core.cancel import CancelToken
from backends.core.stream import Runner, Stream
from backends.engine.figures import EngineFigures
from backends.hardware.samples import HardwareSample, SystemSample
from backends.monitor.columns import figures
from backends.monitor.meter import measure
from backends.monitor.types import Alert, Day, Sample, Series
from backends.services.foundation import Foundation

__all__ = ["Exported", "MonitorServices"]

T = TypeVar("T")

SHOWN, UNSEEN = 1.0, 5.0  # seconds from sample to sample
GAP = 15.0  # seconds without a sample: there was a pause
JUMP = 2.0  # seconds by which the wall clock may differ from the monotonic one
RECENT = 600  # samples kept in memory


@dataclass(frozen=True, slots=True)
class Exported:
    """So far; the last one with the `path`."""

    fraction: float
    rows: int
    path: Path | None = None


class Sampling(Protocol):
    """`hardware.sampler.Sampler`."""

    def sample(self, cancel: CancelToken) -> HardwareSample: ...
    def close(self) -> None: ...


class _SystemOnly:
    def sample(self, cancel: CancelToken) -> HardwareSample:
        memory, cores = psutil.virtual_memory(), psutil.cpu_percent(percpu=True)
        shares = tuple(core / 100 for core in cores)
        return HardwareSample(
            SystemSample(
                cpu=sum(shares) / len(shares),
                cores=shares,
                memory_total=memory.total,
                memory_available=memory.available,
            )
        )

    def close(self) -> None: ...


class MonitorServices:
    """Its threads: `monitor`, which samples, and `history` for what is asked of the past."""

    def __init__(
        self,
        foundation: Foundation,
        jobs: Sequence[Callable[[], bool]] = (),
        *,
        sampling: Callable[[], Sampling] = _SystemOnly,
        second: float = 1.0,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`jobs` tell whether something works for which it is worth to look; a `changed` tells that one began.
        `second`: how long one is."""
        self._base, self._jobs, self._sampling = foundation, tuple(jobs), sampling
        self._second, self._wall, self._clock = second, wall, clock
        self._monitor, self._past = Runner("monitor"), Runner("history")
        self._changed = threading.Condition()
        self._watchers: list[Stream[Sample]] = []
        self._alerted: list[Stream[Alert]] = []
        self._active = self._stirred = self._closed = False
        self._recent: deque[Sample] = deque(maxlen=RECENT)
        self._figures: EngineFigures | None = None
        self.latest: Sample | None = None
        self.standing: tuple[Alert, ...] = ()
        self._changes = foundation.changes()
        self._changes.on_wake(self._on_changes)

    def close(self) -> None:
        self._changes.on_wake(None)
        self._changes.cancel()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._monitor.close()
        self._past.close()

    # ---- now

    def watch(self) -> Stream[Sample]:
        """A sample a second, until it is cancelled."""
        stream: Stream[Sample] = Stream("watch")
        with self._changed:
            self._watchers.append(stream)
            self._changed.notify_all()
        stream.token.on_cancel(self._wake)
        self._begin()
        return stream

    def recent(self, seconds: float) -> tuple[Sample, ...]:
        """What was sampled in so many seconds before the latest sample, oldest first."""
        samples = tuple(self._recent)
        return tuple(one for one in samples if one.clock >= samples[-1].clock - seconds)

    def alerts(self) -> Stream[Alert]:
        """What begins and what is over from now on, until it is cancelled. See `standing`."""
        stream: Stream[Alert] = Stream("alerts")
        with self._changed:
            self._alerted.append(stream)
        return stream

    # ---- the past

    def names(self) -> Stream[tuple[str, ...]]:
        """Which figures there are (`monitor.columns`): one event."""
        return self._asked(lambda: tuple(dict.fromkeys(name for one in tuple(self._recent) for name in figures(one))))

    def history(self, names: Sequence[str], start: float, end: float, steps: int) -> Stream[tuple[Series, ...]]:
        """These figures from `start` to `end` (wall clock) in so many steps: one event."""

        def ask() -> tuple[Series, ...]:
            rows = [(one.at, figures(one)) for one in tuple(self._recent) if start <= one.at <= end]
            found: list[Series] = []
            for name in names:
                values = [math.nan if (value := row.get(name)) is None else value for _, row in rows]
                found.append(Series(name, [at for at, _ in rows], values, values, values))
            return tuple(found)

        return self._asked(ask)

    def days(self, since: str | None = None) -> Stream[tuple[Day, ...]]:
        """By model and day of the local calendar, the newest first, from `since` ("2026-11-22") on: one event."""
        return self._asked(lambda: ())

    def export(self, path: Path, start: float, end: float) -> Stream[Exported]:
        """All figures between these times as CSV. Raises StorageError."""
        return self._past.start(self._export, path, start, end)

    def _export(self, path: Path, start: float, end: float, *, cancel: CancelToken) -> Iterator[Exported]:
        yield Exported(1.0, 0, path)

    def erase(self) -> Stream[None]:
        """Forget all that was kept of the past."""
        return self._asked(lambda: None)

    def _asked(self, ask: Callable[[], T]) -> Stream[T]:
        def answer(*, cancel: CancelToken) -> Iterator[T]:
            cancel.check()
            yield ask()

        return self._past.start(answer)

    # ---- sampling

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
            if self._active or self._closed:
                return
            self._active = True
            self._monitor.start(self._live)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _shown(self) -> bool:
        self._watchers = [stream for stream in self._watchers if not stream.cancelled]
        return bool(self._watchers)

    def _live(self, *, cancel: CancelToken) -> Iterator[None]:
        """As long as anything is to be seen."""
        sampling = self._sampling()
        try:
            while not cancel.cancelled:
                self._take(sampling, cancel)
                if not self._wait(cancel):
                    break
        finally:
            sampling.close()
            self.latest = None
        yield None

    def _wait(self, cancel: CancelToken) -> bool:
        """Until the next sample is due. False: there is nothing to see any more."""
        self._stirred = False
        wanted = self._wanted()
        began = self._clock()
        with self._changed:
            while not self._closed and not cancel.cancelled:
                if not (shown := self._shown()) and not wanted:
                    if self._stirred:
                        return True
                    break
                left = began + (SHOWN if shown else UNSEEN) * self._second - self._clock()
                if left <= 0:
                    return True
                self._changed.wait(left)
            self._active = False
            return False

    def _take(self, sampling: Sampling, cancel: CancelToken) -> None:
        hardware = sampling.sample(cancel)
        now, at, clock = self._base.engine.figures(), self._wall(), self._clock()
        before = self._recent[-1] if self._recent else None
        seconds = None if before is None else clock - before.clock
        if seconds is not None and before is not None:
            jumped = abs(at - before.at - seconds) > JUMP
            seconds = None if seconds > GAP or jumped else seconds
        engine = measure(self._figures if self._figures and seconds else now, now)
        self._figures = now
        sample = Sample(at, clock, seconds, hardware, engine)
        self._recent.append(sample)
        self.latest = sample
        with self._changed:
            watchers = tuple(self._watchers)
        for stream in watchers:
            stream.put(sample)
