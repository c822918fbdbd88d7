"""Where Qt meets threads: the window pulls, nobody pushes.

The Pump is one timer that drains the Streams it follows, about 33 times a second, and is off when it
follows none. Callbacks run on the GUI thread, with everything that came since the last turn at once: a fast
stream costs a few updates a second, not one a token. No signal crosses a thread.

A stream that is silent for hours (a second start of the app knocking) is listened to instead: its producer
rings the Doorbell, and no timer runs while nothing happens.
"""

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QSocketNotifier, QTimer, Signal, Slot

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError
from backends.core.stream import Runner, Stream

E = TypeVar("E")
TICK_MS = 30


@dataclass(eq=False, slots=True)
class _Followed:
    stream: Stream[Any]
    on_events: Callable[[list[Any]], None]
    on_end: Callable[[], None] | None
    on_error: Callable[[BackendError], None]


class Pump(QObject):
    """Drains streams on the GUI thread.

    `ticked` comes once a turn, after the events: for what moves while something runs (elapsed seconds).
    `rested` comes when nothing is followed any more.
    """

    ticked = Signal()
    rested = Signal()

    def __init__(self, on_error: Callable[[BackendError], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._on_error = on_error
        self._followed: list[_Followed] = []
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._on_timeout)
        self._bells: list[Doorbell] = []

    @property
    def active(self) -> bool:
        return self._timer.isActive()

    def follow(
        self,
        stream: Stream[E],
        on_events: Callable[[list[E]], None],
        on_end: Callable[[], None] | None = None,
        on_error: Callable[[BackendError], None] | None = None,
    ) -> Stream[E]:
        """Give the stream's events to `on_events`, in lists, until it ends; then call `on_end`, however it ended.

        A BackendError goes to `on_error` (before `on_end`), by default into the window as a notice. Anything
        else that comes out is our bug and flies to the crash report, after `on_end`.
        """
        self._followed.append(_Followed(stream, on_events, on_end, on_error or self._on_error))
        if not self._timer.isActive():
            self._timer.start()
        return stream

    def call(
        self,
        runner: Runner,
        function: Callable[..., E],
        *args: object,
        then: Callable[[E], None] | None = None,
        on_error: Callable[[BackendError], None] | None = None,
    ) -> Stream[E]:
        """Run a plain function on a runner's thread and give what it returns to `then`."""

        def task(*, cancel: CancelToken) -> Iterator[E]:
            yield function(*args)

        def arrived(results: list[E]) -> None:
            if then is not None:
                then(results[0])

        return self.follow(runner.start(task), arrived, on_error=on_error)

    def listen(self, stream: Stream[E], on_events: Callable[[Sequence[E]], None]) -> None:
        """Follow a stream that hardly ever speaks, without a timer."""

        def rung() -> None:
            events = stream.drain()
            if events:
                on_events(events)

        bell = Doorbell(rung, self)
        self._bells.append(bell)
        stream.on_wake(bell.ring)

    def close(self) -> None:
        """Cancel and forget everything. What the streams still say is lost; their tasks end on their own."""
        self._timer.stop()
        for followed in self._followed:
            followed.stream.cancel()
        self._followed.clear()
        for bell in self._bells:
            bell.close()
        self._bells.clear()

    @Slot()
    def _on_timeout(self) -> None:
        try:
            for followed in tuple(self._followed):
                self._drain(followed)
        finally:
            if self._followed:
                self.ticked.emit()
            else:
                self._timer.stop()
                self.rested.emit()

    def _drain(self, followed: _Followed) -> None:
        ended = True
        try:
            events = followed.stream.drain()
            ended = followed.stream.finished
            if events:
                followed.on_events(events)
        except BackendError as error:
            followed.on_error(error)
        finally:
            if ended and followed in self._followed:
                self._followed.remove(followed)
                if followed.on_end is not None:
                    followed.on_end()


class Doorbell(QObject):
    """Wakes the GUI thread from any other, by a byte through a socket pair."""

    def __init__(self, rung: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rung = rung
        self._inside, self._outside = socket.socketpair()
        self._inside.setblocking(False)
        self._outside.setblocking(False)
        self._notifier = QSocketNotifier(self._inside.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_activated)

    def fileno(self) -> int:
        """A byte written here rings, too."""
        return self._outside.fileno()

    def ring(self) -> None:
        """From any thread."""
        try:
            self._outside.send(b"!")
        except BlockingIOError:
            return  # thousands of rings wait to be heard: one more says nothing new
        except OSError:
            return  # closed: nobody is at home

    @Slot()
    def _on_activated(self) -> None:
        try:
            self._inside.recv(4096)
        except BlockingIOError:
            return
        self._rung()

    def close(self) -> None:
        self._notifier.setEnabled(False)
        self._inside.close()
        self._outside.close()
