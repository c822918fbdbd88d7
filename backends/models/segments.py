"""Which connection fetches which stretch of a file.

Stretches are handed out from the beginning of the file, so that it fills almost in order: whoever hashes it can follow,
and there is never much empty space before the bytes on the disk. They are as long as a connection takes some seconds
for, and shorter towards the end, where everybody should finish at the same time. Who has nothing left to fetch takes
over from who would be done last.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SMALLEST = 16 << 20  # bytes that are worth a request
LARGEST = 128 << 20  # bytes that whoever hashes in order may have to wait for
SECONDS = 10.0  # for which a stretch should last
_SLOWER = 4  # times slower than the mean is slow enough to lose everything
_SOON = 2.0  # seconds in which it is not worth the trouble

Gap = tuple[int, int]


@dataclass(eq=False, slots=True)
class Segment:
    """The bytes `at` to `end` of a file, which one connection fetches. `at` moves on as they come."""

    at: int
    end: int
    begin: int
    begun: float
    moved: float  # when the last byte came

    @property
    def left(self) -> int:
        return max(0, self.end - self.at)

    @property
    def done(self) -> bool:
        return self.at >= self.end


class Segments:
    """The stretches of one file that are missing. Any thread may use it. `clock` counts seconds.

    Borders lie on multiples of `block` bytes, but for the begin of what was begun.
    """

    def __init__(
        self,
        gaps: Sequence[Gap],
        block: int,
        *,
        smallest: int = SMALLEST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gaps = [gap for gap in gaps if gap[1] > gap[0]]
        self._block = block
        self._smallest = max(smallest, block)
        self._clock = clock
        self._active: list[Segment] = []
        self._alone = False
        self._rate = 0.0  # bytes a second of one connection, of those that ended
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """Bytes that nobody fetches yet."""
        with self._lock:
            return sum(end - begin for begin, end in self._gaps)

    def take(self, connections: int = 1) -> Segment | None:
        """The next stretch for one of so many connections; None if there is nothing left for it."""
        with self._lock:
            if self._alone and self._active:
                return None
            if not self._gaps:
                return self._take_over()
            begin, end = self._gaps[0]
            stop = min(end, self._border(begin + self._length(connections)))
            if end - stop < self._smallest // 2:
                stop = end
            self._gaps[0] = (stop, end)
            if stop == end:
                del self._gaps[0]
            return self._begin(begin, stop)

    def share(self) -> None:
        """Others are to help: who has far more than one stretch keeps the first of it."""
        with self._lock:
            for segment in self._active:
                stop = self._border(segment.at + LARGEST)
                if not self._alone and stop < segment.end:
                    self._gaps.append((stop, segment.end))
                    segment.end = stop
            self._gaps.sort()

    def widen(self, segment: Segment, size: int) -> bool:
        """The other side gives the whole file only: its one connection takes all that is missing, others wait. False
        while there are others."""
        with self._lock:
            self._alone = True
            if any(other is not segment and not other.done for other in self._active):
                return False
            segment.at = segment.begin = min([segment.at, *(begin for begin, _ in self._gaps)])
            segment.end = size
            self._gaps.clear()
            return True

    def advance(self, segment: Segment, count: int) -> None:
        """So many bytes of it were written."""
        with self._lock:
            segment.at += count
            segment.moved = self._clock()

    def end(self, segment: Segment, missing: Callable[[], Sequence[Gap]]) -> None:
        """Its connection has ended; what it lacks is for others. `missing`: what the file lacks, asked for when nobody
        is at work on it."""
        with self._lock:
            self._active.remove(segment)
            now = self._clock()
            if segment.at - segment.begin >= self._smallest and now > segment.begun:
                self._rate = (segment.at - segment.begin) / (now - segment.begun)
            rest = [*self._gaps, (segment.at, segment.end)] if self._active else missing()
            self._gaps = sorted(gap for gap in rest if gap[1] > gap[0])

    # ---- under the lock

    def _begin(self, begin: int, end: int) -> Segment:
        now = self._clock()
        segment = Segment(begin, end, begin, now, now)
        self._active.append(segment)
        return segment

    def _border(self, position: int) -> int:
        """The nearest border at or after `position`."""
        return -(-position // self._block) * self._block

    def _length(self, connections: int) -> int:
        """How much to give to one of so many connections."""
        if connections == 1:
            return max(self._smallest, sum(end - begin for begin, end in self._gaps))
        left = sum(end - begin for begin, end in self._gaps) + sum(s.left for s in self._active)
        fair = left // (2 * connections)
        return max(self._smallest, min(fair, LARGEST, int(self._rate * SECONDS))) if self._rate else self._smallest

    def _take_over(self) -> Segment | None:
        """A part of what somebody else would be long about: half of it, or all if that one (almost) stands still."""
        now = self._clock()
        rates = {segment: self._rate_of(segment, now) for segment in self._active if not segment.done}
        if not rates:
            return None
        mean = max(self._rate, *rates.values(), 1.0)
        slowest = max(rates, key=lambda segment: segment.left / max(rates[segment], 1.0))
        rate = rates[slowest]
        if slowest.left / max(rate, 1.0) < _SOON or now - slowest.begun < _SOON:
            return None
        stop = slowest.at if rate * _SLOWER < mean else self._border(slowest.at + slowest.left // 2)
        if stop >= slowest.end:
            return None
        end, slowest.end = slowest.end, stop
        return self._begin(stop, end)

    def _rate_of(self, segment: Segment, now: float) -> float:
        """Bytes a second; the time since the last byte counts."""
        return (segment.at - segment.begin) / max(now - segment.begun, 1e-3)
