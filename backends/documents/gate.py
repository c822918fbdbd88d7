"""Work in the background waits here: while the person has paused it, and for a while when an answer is computed."""

import threading
import time
from collections.abc import Callable

from backends.core.cancel import CancelToken

LOOK_AGAIN = 0.2  # seconds, while an answer runs
PATIENCE = 20.0  # seconds for which one step waits for answers; then it is done beside them, so that it ends some day


class Gate:
    """`busy`: an answer is being computed."""

    def __init__(self, busy: Callable[[], bool] = lambda: False, patience: float = PATIENCE) -> None:
        self._busy, self._patience = busy, patience
        self._changed = threading.Condition()
        self._paused = False

    @property
    def paused(self) -> bool:
        return self._paused

    def pause(self) -> None:
        with self._changed:
            self._paused = True

    def go_on(self) -> None:
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def wait(self, cancel: CancelToken) -> None:
        """Until the next step may be done. Raises Cancelled."""
        cancel.check()
        if self._paused:
            forget = cancel.on_cancel(self._wake)
            with self._changed:
                self._changed.wait_for(lambda: not self._paused or cancel.cancelled)
            forget()
            cancel.check()
        until = time.monotonic() + self._patience
        while self._busy() and time.monotonic() < until:
            cancel.wait(LOOK_AGAIN)
            cancel.check()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
