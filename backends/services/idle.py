"""A model that nobody asks for some time is unloaded; the next question loads it again."""

import threading
from collections.abc import Callable

from backends.engine.loader import NativeEngine

_ENDING = 5.0  # seconds for an unloading under way to end


class IdleUnload:
    """One timer, and only while a model is loaded and `minutes` says that it may go (0: never).

    It is set for the moment at which the model will have been idle long enough, and when that comes and it was used in
    between, for what is left. `unloaded` is called when the model went, on the timer's thread. `minute`: its seconds.
    """

    def __init__(
        self,
        engine: NativeEngine,
        minutes: Callable[[], int],
        unloaded: Callable[[], None],
        *,
        minute: float = 60.0,
    ) -> None:
        self._engine, self._minutes, self._unloaded, self._minute = engine, minutes, unloaded, minute
        self._lock = threading.Lock()
        self._closed = False
        self._timer: threading.Timer | None = None

    @property
    def waiting(self) -> bool:
        """A timer runs."""
        return self._timer is not None

    def look(self) -> None:
        """A model came or went, or the settings have changed."""
        limit = self._minutes() * self._minute
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if limit > 0 and self._engine.model is not None and not self._closed:
                self._timer = threading.Timer(max(limit - self._engine.idle, 0.001 * self._minute), self._due)
                self._timer.name, self._timer.daemon = "idle", True
                self._timer.start()

    def close(self) -> None:
        """Nothing of it runs any more."""
        with self._lock:
            self._closed = True
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            timer.join(_ENDING)

    def _due(self) -> None:
        limit = self._minutes() * self._minute
        if limit > 0 and self._engine.model is not None and self._engine.idle >= limit:
            self._engine.unload(idle=limit).wait()
            if self._engine.model is None:
                self._unloaded()
        self.look()
