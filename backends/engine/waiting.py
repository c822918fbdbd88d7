"""The queue: the person at the window first, then programs, then background work; in each, first come first served.

A change of the model stands in it too. It comes when those before it have their answers, and those behind it wait.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from backends.core.errors import BackendError, Cancelled
from backends.core.stream import Stream
from backends.engine.protocol import Queued
from backends.engine.sequence import Sequence


@dataclass(frozen=True, slots=True)
class Change:
    """Something to be done while nobody's answer is computed. What `call` raises of ours comes out of the stream."""

    stream: Stream[Any]
    call: Callable[[], None]

    @property
    def over(self) -> bool:
        return self.stream.cancelled

    def make(self) -> None:
        try:
            self.call()
        except (BackendError, Cancelled) as error:
            self.stream.fail(error)


class Waiting:
    def __init__(self) -> None:
        self._items: list[Sequence | Change] = []
        self._told: dict[Sequence, int] = {}  # how many are before it

    def __len__(self) -> int:
        return len(self._items)

    def __bool__(self) -> bool:
        return bool(self._items)

    def __iter__(self) -> Iterator[Sequence | Change]:
        return iter(tuple(self._items))

    @property
    def change(self) -> Change | None:
        """The one whose turn it is as soon as nobody computes."""
        first = self._items[0] if self._items else None
        return first if isinstance(first, Change) else None

    @property
    def next(self) -> list[Sequence]:
        """Those whose turn it may be, in order."""
        found: list[Sequence] = []
        for item in self._items:
            if isinstance(item, Change):
                break
            found.append(item)
        return found

    def add(self, item: Sequence | Change) -> None:
        """Who comes now stands behind the last change. Who was paused has its place before the first."""
        if isinstance(item, Change):
            self._items.append(item)
            return
        changes = [n for n, other in enumerate(self._items) if isinstance(other, Change)]
        if item.paused:
            begin, end = 0, changes[0] if changes else len(self._items)
        else:
            begin, end = changes[-1] + 1 if changes else 0, len(self._items)
        at = begin
        while at < end and self._before(self._items[at], item):
            at += 1
        self._items.insert(at, item)

    @staticmethod
    def _before(other: Sequence | Change, item: Sequence) -> bool:
        return isinstance(other, Sequence) and other.order < item.order

    def remove(self, item: Sequence | Change) -> None:
        self._items.remove(item)
        if isinstance(item, Sequence):
            self._told.pop(item, None)

    def tell(self) -> None:
        """Everybody who waits, how many are before it, where that has changed."""
        before = 0
        for item in self._items:
            if isinstance(item, Sequence):
                if not item.paused and self._told.get(item) != before:
                    self._told[item] = before
                    item.stream.put(Queued(before))
                before += 1
