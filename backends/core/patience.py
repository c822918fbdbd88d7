"""How long an answer of a child process is waited for."""

import math
import queue
import threading
import time

_START = 60.0  # seconds for a process to be there at all
_STEP = 1.0  # seconds of a wait that are counted at once
_LOOK = 0.05  # seconds between looks at what it has worked


class Patience:
    """With the process `pid`, for one question. `deadline`: by time.monotonic(), for all answers; `silence`: seconds
    for each, once it is `there`; `work`: seconds of the processor that it may take, however long a busy system makes of
    them."""

    def __init__(
        self, pid: int, there: threading.Event, deadline: float | None, silence: float | None, work: float | None
    ) -> None:
        self._pid, self._there = pid, there
        self._deadline = math.inf if deadline is None else deadline
        self._silence = math.inf if silence is None else silence
        self._allowed = math.inf if work is None else worked(pid) + work

    def line(self, lines: "queue.SimpleQueue[bytes]") -> bytes:
        """The next of `lines`. Raises queue.Empty if it does not come in time. In steps: when all stood still (a
        laptop that slept) the clock jumps, and only one step of that counts as silence."""
        left = self._left()
        if min(self._silence, left) == math.inf:
            return lines.get()
        there = self._there.is_set()
        silence = self._silence if there else max(self._silence, _START)
        while True:
            step = max(0.0, min(silence, left, _STEP))
            try:
                return lines.get(timeout=step)
            except queue.Empty:
                silence -= step
                if not there and self._there.is_set():
                    there, silence = True, self._silence
                left = self._left()
                if silence <= 0 or left <= 0:
                    raise

    def _left(self) -> float:
        """Seconds until it may be too late."""
        left = self._deadline - time.monotonic()
        if self._allowed == math.inf or left <= 0:
            return left
        work = self._allowed - worked(self._pid)
        return 0.0 if work <= 0 else min(left, max(work, _LOOK))


def worked(pid: int) -> float:
    """Seconds of the processor; 0 of a process that is not there any more."""
    import psutil

    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system
