"""A task is a plain generator that yields events; a Stream is an event queue with a cancel.

    def count(to: int, *, cancel: CancelToken) -> Iterator[int]:
        for n in range(to):
            cancel.check()
            yield n

    list(count(3, cancel=CancelToken()))          # read and tested without threads
    runner.start(count, 3)                        # runs on the runner's thread, gives a Stream

A Stream is *iterated* (tests; in *gulps* by the command line), *drained* without blocking (the window's Pump), or
awaited through `on_wake` (asyncio). What the task raises comes out at the consumer, after the events before it.
A cancelled stream simply ends: `Cancelled` never reaches the consumer, `stream.cancelled` tells.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled

E = TypeVar("E")

GATHER = 0.03  # seconds; as often as a person sees a change


class Stream(Generic[E]):
    """Events of one task, in order. One producer; one consumer; `cancel()` from anywhere."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.token = CancelToken()
        self._changed = threading.Condition()
        self._events: deque[E] = deque()
        self._closed = False
        self._error: BaseException | None = None
        self._wake: Callable[[], None] | None = None

    # ---- the producer's side

    def put(self, event: E) -> None:
        self._change(lambda: self._events.append(event))

    def close(self) -> None:
        self._change(self._end)

    def fail(self, error: BaseException) -> None:
        """End with an error, which comes out at the consumer. `Cancelled` is just an end."""

        def end() -> None:
            if not self._closed and not isinstance(error, Cancelled):
                self._error = error
            self._end()

        self._change(end)

    def _end(self) -> None:
        self._closed = True

    def _change(self, change: Callable[[], None]) -> None:
        with self._changed:
            change()
            self._changed.notify_all()
            wake = self._wake
        if wake is not None:
            wake()

    # ---- the consumer's side

    def cancel(self) -> None:
        """Ask the task to stop. The only way to stop it."""
        self.token.cancel()

    @property
    def cancelled(self) -> bool:
        return self.token.cancelled

    @property
    def finished(self) -> bool:
        """The task has ended and everything it said was taken (its error too)."""
        with self._changed:
            return self._closed and not self._events and self._error is None

    def __iter__(self) -> Iterator[E]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._events or self._closed)
                if not self._events:
                    self._raise_error()
                    return
                event = self._events.popleft()
            yield event

    def gulps(self, pause: float = GATHER) -> Iterator[list[E]]:
        """Iterate over all that has gathered, at most once in `pause` seconds; without a wait while nothing comes.

        For streams that speak fast: a consumer that wakes for each token takes the processor from who computes the
        next one.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._events or self._closed)
                if not self._events:
                    self._raise_error()
                    return
                events, closed = list(self._events), self._closed
                self._events.clear()
            yield events
            if not closed:
                self.token.wait(pause)

    def drain(self) -> list[E]:
        """Everything said since the last call, without waiting. Raises the task's error once all is drained."""
        with self._changed:
            if not self._events and self._closed:
                self._raise_error()
            events = list(self._events)
            self._events.clear()
            return events

    def look(self) -> tuple[list[E], bool, BaseException | None]:
        """As `drain`, for who must not be interrupted: what was said, whether it is over, and what it failed with."""
        with self._changed:
            events, error = list(self._events), self._error if self._closed else None
            self._events.clear()
            if error is not None:
                self._error = None
            return events, self._closed, error

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the task has ended (events may be left to take). True if it has."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed, timeout)

    def on_wake(self, callback: Callable[[], None] | None) -> None:
        """Call `callback`, on the producer's thread, whenever there is something new. Called once at once."""
        with self._changed:
            self._wake = callback
        if callback is not None:
            callback()

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error


class Runner:
    """Named threads that run tasks one after another, in the order in which they were started.

    A task never waits for a task on its own runner: with one thread that would be for ever.
    """

    def __init__(self, name: str, threads: int = 1) -> None:
        self.name = name
        self._queue: queue.SimpleQueue[tuple[Callable[[], Iterator[Any]], Stream[Any]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._streams: set[Stream[Any]] = set()
        self._closed = False
        self._size = threads
        self._threads: list[threading.Thread] = []

    def start(self, task: Callable[..., Iterator[E]], *args: object, **kwargs: object) -> Stream[E]:
        """Run `task(*args, cancel=…, **kwargs)` when its turn comes; its events arrive in the Stream."""
        stream: Stream[E] = Stream(getattr(task, "__name__", self.name))

        def call() -> Iterator[E]:
            return task(*args, cancel=stream.token, **kwargs)

        with self._lock:
            if self._closed:
                raise RuntimeError(f"runner {self.name} is closed")
            self._streams.add(stream)
            if len(self._threads) < self._size:
                number = len(self._threads) + 1
                name = self.name if self._size == 1 else f"{self.name}-{number}"
                thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
        self._queue.put((call, stream))
        return stream

    def close(self, timeout: float | None = None) -> bool:
        """Cancel what runs and waits, and join the threads. True if all of them ended in time."""
        with self._lock:
            self._closed = True
            streams = list(self._streams)
        for stream in streams:
            stream.cancel()
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(timeout)
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            call, stream = job
            try:
                if not stream.cancelled:
                    for event in call():
                        stream.put(event)
            except Exception as error:  # the one place where a task's error crosses to its consumer
                stream.fail(error)
            else:
                stream.close()
            with self._lock:
                self._streams.discard(stream)
