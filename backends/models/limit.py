"""How many bytes a second all downloads together may take from the network."""

import threading
import time
from collections.abc import Callable

from backends.core.cancel import CancelToken

_BURST = 0.1  # seconds whose bytes may come at once
_SMALLEST = 4096  # bytes that are always worth a read


class RateLimit:
    """A token bucket that connections and downloads share; 0 is no limit. May be changed while they run.

    `clock` counts seconds.
    """

    def __init__(self, bytes_per_s: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = bytes_per_s
        self._clock = clock
        self._paid_until = clock()  # when all bytes taken so far will have been paid for
        self._lock = threading.Lock()

    def set(self, bytes_per_s: float) -> None:
        """From now on. What was taken under the old limit is forgiven."""
        with self._lock:
            self._rate = bytes_per_s
            self._paid_until = self._clock()

    def piece(self, most: int) -> int:
        """How many bytes to read at once, so that nobody waits long after it: `most`, or less under a limit."""
        with self._lock:
            return max(_SMALLEST, min(most, int(self._rate * _BURST))) if self._rate else most

    def owed(self, count: int) -> float:
        """Take `count` bytes; how many seconds to wait for them."""
        with self._lock:
            if not self._rate:
                return 0.0
            now = self._clock()
            self._paid_until = max(self._paid_until, now - _BURST) + count / self._rate
            return max(0.0, self._paid_until - now)

    def take(self, count: int, cancel: CancelToken) -> None:
        """Take `count` bytes and wait until they are within the limit. Raises Cancelled."""
        seconds = self.owed(count)
        if seconds:
            cancel.wait(seconds)
            cancel.check()
