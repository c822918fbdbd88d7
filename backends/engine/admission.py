"""Who comes and who goes: from the queue into the cache, and out of it again.

A slot is had by the most urgent: a program gives its own to the person, background work to either. Whoever begins with
what another one is reading just now waits for that, rather than read it too. When the cache is full, what idle answers
left goes first; then the youngest of the least urgent gives its place up until there is room again.
"""

from collections.abc import Callable
from typing import Protocol

from backends.core.phrase import Phrase
from backends.engine.adapters import Key
from backends.engine.room import Found, Room
from backends.engine.sequence import Sequence
from backends.engine.waiting import Change, Waiting

_LONG = 64  # tokens; so much of a prompt that another one is reading is worth waiting for
_FOR_OTHERS = Phrase("It makes room for a more urgent answer.", "为更紧急的回答让出位置。")
_FOR_ROOM = Phrase("The context is full: it goes on when others are done.", "上下文已满：其他回答完成后继续。")


class Disk(Protocol):
    """Where more of a prompt may come from (warm.Warm)."""

    def settle(self) -> None: ...
    def waits(self, sequence: Sequence, shared: int, cells: int) -> bool: ...
    def restored(self, sequence: Sequence, found: Found) -> int: ...


class Admission:
    """Of one context of `size` tokens. `shares`: its sequences may share cells. `key` tells which adapters are on for
    all. `device`: what answers are signed with."""

    def __init__(self, room: Room, size: int, parallel: int, shares: bool, key: Callable[[], Key], device: str) -> None:
        self._room, self._size, self._parallel, self._shares = room, size, parallel, shares
        self._key, self._device = key, device
        self.waiting = Waiting()
        self.running: list[Sequence] = []
        self.disk: Disk | None = None
        self._gone = 0  # so many gave their place up, so far
        self._crowded = -1  # `_gone`, when somebody had to for want of room
        self._stuck: tuple[Sequence | None, int] = None, -1  # who did not fit, when so many had gone
        self._behind: dict[Sequence, Sequence] = {}  # who waits for what another one reads

    def let_in(self) -> None:
        """Whoever has gone goes; changes are made; whoever can be computed now is."""
        if self.disk is not None:
            self.disk.settle()
        for item in self.waiting:
            if item.over:
                self.retire(item)
        while (change := self.waiting.change) and not self.running:
            self.waiting.remove(change)
            change.make()
        for sequence in self.waiting.next:
            if not sequence.settled or self._waits(sequence):
                continue
            full = len(self.running) == self._parallel
            if (full and not self._may_push(sequence)) or self._stuck == (sequence, self._gone):
                break
            found = self._find(sequence)
            if self._comes_soon(sequence, found):
                continue
            if not self._fits(sequence, found):
                self._stuck = sequence, self._gone
                break
            if full:
                self._pause(self._youngest, _FOR_OTHERS)
                found = self._find(sequence)
            self._admit(sequence, found)
        self.waiting.tell()

    def _find(self, sequence: Sequence) -> Found:
        """What there is of a sequence's prompt. If it has a seed, only from choices of the same answer: who sets one
        wants the same answer again, and what others computed in other batches differs in the last digits."""
        if sequence.adapters is None:
            sequence.key = self._key()
        return self._room.find(
            sequence.tokens, sequence.key, self.running, sequence.family if sequence.seeded else None
        )

    def _waits(self, sequence: Sequence) -> bool:
        """Somebody is still reading what it begins with."""
        other = self._behind.get(sequence)
        if other in self.running and other.reading:
            return True
        self._behind.pop(sequence, None)
        return False

    def _comes_soon(self, sequence: Sequence, found: Found) -> bool:
        """More of it is being read, by somebody who is no less urgent or from the disk."""
        for other in self.running if self._shares else ():
            if self._reads_it(other, sequence, found):
                self._behind[sequence] = other
                return True
        cells = self._size - sum(len(other.tokens) for other in self.running)
        return self.disk is not None and self.disk.waits(sequence, found.shared, cells)

    @staticmethod
    def _reads_it(other: Sequence, sequence: Sequence, found: Found) -> bool:
        if not other.reading or other.rank > sequence.rank or other.key != sequence.key:
            return False
        if sequence.seeded and other.family != sequence.family:
            return False
        return other.shares(sequence.tokens) > max(other.held, found.shared) + _LONG

    def _fits(self, sequence: Sequence, found: Found) -> bool:
        """There is room for it, or it may take somebody's. Who had to go for want of room waits until one is done."""
        if not self.running or any(other.rank > sequence.rank for other in self.running):
            return True
        if sequence.paused and self._crowded == self._gone:
            return False
        used = sum(len(other.tokens) - other.shared for other in self.running)
        return not self._shares or used + len(sequence.tokens) - found.shared + len(self.running) < self._size

    def _may_push(self, sequence: Sequence) -> bool:
        return sequence.rank < self._youngest.rank

    @property
    def _youngest(self) -> Sequence:
        """Of the least urgent."""
        return max(self.running, key=lambda other: other.order)

    def _admit(self, sequence: Sequence, found: Found) -> None:
        if sequence.seeded and all(other.family == sequence.family for other in self.running):
            self._room.clear(but=sequence.family)  # it is computed in the same cells each time
        if self.disk is not None:
            sequence.restored = self.disk.restored(sequence, found)
        if not self.running:
            found = self._room.quickest(found, sequence.prompt)
        slot, shared = self._room.take(found)
        self.waiting.remove(sequence)
        sequence.start(slot, shared, self._room.milestone(sequence.prompt))
        self._room.make_way(sequence, self.running)
        self.running.append(sequence)

    def _pause(self, sequence: Sequence, why: Phrase) -> None:
        self._gone += 1
        self.running.remove(sequence)
        self._room.copy(sequence)
        self._room.leave(sequence, sequence.prompt)
        sequence.pause(why)
        self.waiting.add(sequence)

    def make_room(self, *, urgent: bool) -> None:
        """The cache is full. Not `urgent`: nobody has to go for it."""
        if self._room.evict() or not urgent:
            return
        if len(self.running) == 1:
            self.running[0].finish_reason = "length"
            return
        self._pause(self._youngest, _FOR_ROOM)
        self._crowded = self._gone

    def retire(self, item: Sequence | Change) -> None:
        """It is over. Its cells stay for others as long as there is room."""
        if isinstance(item, Change):
            self.waiting.remove(item)
            item.stream.close()
            return
        if item.slot >= 0:
            self.running.remove(item)
            self._room.leave(item, item.prompt)
            self._gone += 1
        else:
            self.waiting.remove(item)
            self._behind.pop(item, None)
        item.finish(self._device)

    def expel(self, sequence: Sequence, error: Exception) -> None:
        """It cannot go on; the others can."""
        self.running.remove(sequence)
        self._room.leave(sequence, sequence.prompt)
        self._gone += 1
        sequence.fail(error)

    def fail(self, error: Exception) -> None:
        """Whoever was being computed has failed, and the cache is empty."""
        self._room.reset(sequence.slot for sequence in self.running)
        failed, self.running = self.running, []
        self._gone += len(failed)
        for sequence in failed:
            sequence.fail(error)
