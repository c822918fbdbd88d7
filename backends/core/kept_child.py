"""A child process that is kept for the next question, and let go when nobody asks any more."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from backends.core.cancel import CancelToken
from backends.core.child import Child
from backends.core.turns import Turns


class KeptChild:
    """May be used by any thread; who asks has it alone. `idle`: seconds until it is let go. `ahead`: as of Child."""

    def __init__(self, module: str, idle: float, ahead: int | None = None) -> None:
        self._child, self._idle = Child(module, ahead), idle
        self._turns = Turns()
        self._timer: threading.Timer | None = None

    @contextmanager
    def mine(self, cancel: CancelToken) -> Iterator[Child]:
        """Have it, when it is one's turn. Raises Cancelled."""
        with self._turns.mine(cancel):
            self._keep()
            try:
                yield self._child
            finally:
                self._let_go_later()

    @property
    def pid(self) -> int | None:
        """Of the process that waits for questions."""
        return self._child.pid

    def close(self) -> None:
        """Let it go now; a question that is being answered first gets its answer."""
        with self._turns.mine(CancelToken()):
            self._keep()
            self._child.close()

    def _keep(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _let_go_later(self) -> None:
        if self._child.pid is not None:
            self._timer = threading.Timer(self._idle, self.close)
            self._timer.daemon = True
            self._timer.start()
