"""States of sequences in main memory, for a cache that cannot go back and cannot share (deepseek4).

At the end of a question, just before the marks with which the answer begins, a copy is made: the next question of the
same conversation begins like this, and so does the same question asked again. So many bytes at most; what was not used
for longest goes first.
"""

from collections.abc import Hashable, Set
from dataclasses import dataclass

import psutil

from backends.engine.context import Context

MARKS = 8  # tokens before the end of a prompt, where the copy is made
_SHORTEST = 256  # tokens that are worth a copy
_MOST, _SHARE = 1 << 30, 8  # bytes; and no more than this part of what is free


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`keep`: it is worth a place on the disk; `labels`: what was read."""

    tokens: list[int]
    key: Hashable
    family: int
    labels: frozenset[str]
    data: bytearray
    keep: bool = False


class Snapshots:
    """Of one context."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._kept: list[Snapshot] = []  # least recently used first

    def all(self) -> tuple[Snapshot, ...]:
        return tuple(self._kept)

    def take(
        self, slot: int, tokens: list[int], key: Hashable, family: int, labels: frozenset[str], keep: bool
    ) -> None:
        """Copy what a sequence holds, if that is worth it and there is room."""
        if len(tokens) < _SHORTEST or any(one.key == key and one.tokens == tokens for one in self._kept):
            return
        if not 0 < self._context.state_size(slot) <= _room() or not (data := self._context.state(slot)):
            return
        self.put(Snapshot(tokens, key, family, labels, data, keep))

    def put(self, snapshot: Snapshot) -> None:
        """One that was made before."""
        self._kept.append(snapshot)
        most = _room()
        while len(self._kept) > 1 and sum(len(one.data) for one in self._kept) > most:
            del self._kept[0]

    def restore(self, snapshot: Snapshot, slot: int) -> bool:
        """Into an empty sequence."""
        self._kept.remove(snapshot)
        if not self._context.restore(slot, snapshot.data):
            return False
        self._kept.append(snapshot)
        return True

    def erase(self, labels: Set[str] | None) -> None:
        """Forget what read any of these; None: everything."""
        self._kept = [] if labels is None else [one for one in self._kept if one.labels.isdisjoint(labels)]


def _room() -> int:
    """Bytes that all of them may take now."""
    return min(_MOST, psutil.virtual_memory().available // _SHARE)
