"""One after another, in the order in which they came."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backends.core.cancel import CancelToken


class Turns:
    """What only one may use for a while, as the engine from the load of a model to the end of an answer."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: deque[object] = deque()

    @contextmanager
    def mine(self, cancel: CancelToken, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Wait for one's turn and have it while inside. Raises Cancelled; calls `waiting` if it takes waiting."""
        me = object()
        with self._changed:
            self._queue.append(me)
            first = self._queue[0] is me
        forget = cancel.on_cancel(self._wake)
        try:
            if not first:
                waiting()
            with self._changed:
                self._changed.wait_for(lambda: self._queue[0] is me or cancel.cancelled)
            cancel.check()
            yield
        finally:
            forget()
            with self._changed:
                self._queue.remove(me)
                self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
