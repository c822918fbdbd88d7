"""Streams of other threads, awaited by the event loop.

A producer wakes the loop at most once for all that gathers until the loop looks; who stops listening cancels. Where
answers flow, the loop looks a moment later: the engine says something to all of them at the end of a step and then
computes without Python, so that what is written to the clients is written beside that and not before it.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TypeVar
from weakref import WeakKeyDictionary

from backends.core.stream import Stream

E = TypeVar("E")


MOMENT = 0.001  # seconds


class _Bell:
    """Rung for many ears, it wakes the loop once, a moment later."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._rung: list[asyncio.Event] = []

    def ring(self, event: asyncio.Event) -> None:
        """On a producer's thread."""
        with self._lock:
            first = not self._rung
            self._rung.append(event)
        if first:
            with contextlib.suppress(RuntimeError):  # the loop has just been closed: nobody listens any more
                self._loop.call_soon_threadsafe(self._loop.call_later, MOMENT, self._answer)

    def _answer(self) -> None:
        with self._lock:
            rung, self._rung = self._rung, []
        for event in rung:
            event.set()


_bells: WeakKeyDictionary[asyncio.AbstractEventLoop, _Bell] = WeakKeyDictionary()


class Ear:
    """Hears several streams at once. `seconds` without a word are told, too. `flows`: whether a moment may pass."""

    def __init__(self, streams: Sequence[Stream[E]], flows: Callable[[], bool]) -> None:
        self._streams, self._flows = tuple(streams), flows
        self._loop = asyncio.get_running_loop()
        self._bell = _bells.setdefault(self._loop, _Bell(self._loop))
        self._said = asyncio.Event()
        self._lock = threading.Lock()
        self._called = False
        for stream in self._streams:
            stream.on_wake(self._wake)

    def _wake(self) -> None:
        """On the producer's thread."""
        with self._lock:
            if self._called:
                return
            self._called = True
        if self._flows():
            self._bell.ring(self._said)
            return
        with contextlib.suppress(RuntimeError):  # as above
            self._loop.call_soon_threadsafe(self._said.set)

    async def hear(self, seconds: float | None = None) -> bool:
        """Wait until there is something to drain; False if nothing was said for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._said.wait()
        except TimeoutError:
            return False
        self._said.clear()
        with self._lock:
            self._called = False
        return True

    def close(self) -> None:
        for stream in self._streams:
            stream.on_wake(None)


async def merged(
    streams: Sequence[Stream[E]], ping: float | None = None, flows: Callable[[], bool] = lambda: False
) -> AsyncGenerator[list[tuple[int, E]]]:
    """All that has gathered in any of them, with the number of its stream; an empty list after `ping` seconds of
    silence. `flows`: nobody waits for the first word any more. Raises what a stream failed with. Whoever leaves early
    cancels them all."""
    ear = Ear(streams, flows)
    open_ = set(range(len(streams)))
    try:
        while open_:
            heard = await ear.hear(ping)
            if not heard:
                yield []
                continue
            events: list[tuple[int, E]] = []
            failed: BaseException | None = None
            for number in sorted(open_):
                said, over, error = streams[number].look()
                events += [(number, event) for event in said]
                failed = failed or error
                if over:
                    open_.discard(number)
            if events:
                yield events
            if failed is not None:
                raise failed
    finally:
        ear.close()
        for stream in streams:
            stream.cancel()


async def last(stream: Stream[E]) -> E | None:
    """The last event of a stream; None if there was none. Raises what it failed with."""
    event: E | None = None
    async for events in merged((stream,)):
        for _, one in events:
            event = one
    return event


async def every(stream: Stream[E]) -> list[E]:
    """All its events."""
    return [event for events in [gulp async for gulp in merged((stream,))] for _, event in events]
