"""What a download says while it runs, and how fast it goes."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backends.core.phrase import Phrase

EVERY = 0.1  # seconds between two reports
WINDOW = 5.0  # seconds over which the speed is averaged


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """Bytes of the whole model, all its files together; `file` is the one that is coming in."""

    done: int
    total: int
    bytes_per_s: float
    seconds_left: float | None  # None while nothing is known about the speed
    file: str


@dataclass(frozen=True, slots=True)
class DownloadWaiting:
    """Something failed that may pass; the next attempt comes in so many seconds."""

    reason: Phrase
    seconds: float


@dataclass(frozen=True, slots=True)
class DownloadSource:
    """The download goes on from another source, `host`; `reason`: why not from the one before."""

    host: str
    reason: Phrase


@dataclass(frozen=True, slots=True)
class DownloadNotice:
    """Something a person should know; the download goes on."""

    message: Phrase


@dataclass(frozen=True, slots=True)
class DownloadVerifying:
    """All bytes are here and are read again; `fraction` of them so far."""

    fraction: float


@dataclass(frozen=True, slots=True)
class DownloadFinished:
    """The model is at `path` (the first file of a split). `verified`: its bytes have the sha256 the hub gave."""

    path: Path
    verified: bool


DownloadEvent = (
    DownloadProgress | DownloadWaiting | DownloadSource | DownloadNotice | DownloadVerifying | DownloadFinished
)


class Meter:
    """Measures the speed over the last seconds and keeps reports apart. `clock` counts seconds."""

    def __init__(self, done: int, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.done = done
        self.total = total
        self._clock = clock
        self._reported = clock()
        self._marks: deque[tuple[float, int]] = deque([(self._reported, done)])

    def moved(self, count: int) -> bool:
        """So many bytes came in. True if it is time to report."""
        self.done += count
        return self.due

    @property
    def due(self) -> bool:
        return self._clock() - self._reported >= EVERY

    def rest(self) -> None:
        """Begin to measure anew: after a pause the old speed says nothing."""
        self._marks = deque([(self._clock(), self.done)])

    def report(self, file: str) -> DownloadProgress:
        now = self._reported = self._clock()
        self._marks.append((now, self.done))
        while len(self._marks) > 2 and now - self._marks[1][0] > WINDOW:
            self._marks.popleft()
        since, before = self._marks[0]
        speed = (self.done - before) / (now - since) if now > since else 0.0
        left = (self.total - self.done) / speed if speed > 0 else None
        return DownloadProgress(self.done, self.total, speed, left, file)
