"""How many requests may be at work and wait: one more is told to come again, and nobody waits for ever."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from backends.api import errors
from backends.api.calls import Call

QUEUE = 32  # SEC-08


class Admission:
    """On the event loop alone. `parallel`: how many answers the engine computes together now."""

    def __init__(self, parallel: Callable[[], int], queue: int = QUEUE) -> None:
        self._parallel, self._queue = parallel, queue
        self.taken = 0

    @property
    def waiting(self) -> int:
        return max(0, self.taken - self._parallel())

    @asynccontextmanager
    async def place(self, call: Call, answers: int = 1) -> AsyncIterator[None]:
        """Have a place while inside. ApiError 503 if the queue is full."""
        if self.taken and self.taken + answers > self._parallel() + self._queue:
            raise errors.full()
        self.taken += answers
        try:
            yield
        finally:
            self.taken -= answers
