"""The sequences of the cache: who has one, which are free, and which hold what an answer left behind.

What an answer leaves stays as long as there is room. A prompt that begins like it shares its cells, without a copy
(`Context.share`), or takes the whole sequence over. When room is wanted, what was not used for longest goes first.
What is in the way of those who compute lies in main memory until it is wanted again (`aside`).
Where cells cannot be shared or given up one by one, copies of whole sequences stand in (`snapshots`).
"""

from collections.abc import Hashable, Iterable, Iterator, Set
from collections.abc import Sequence as Many
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

from backends.engine.abilities import Abilities
from backends.engine.aside import Aside
from backends.engine.context import Context
from backends.engine.prefix import Idle, common
from backends.engine.protocol import LONGEST_DRAFT, MOST_SEQUENCES
from backends.engine.snapshots import MARKS, Snapshot, Snapshots

_LITTLE = 32  # cells for which nothing is moved; 256 beside a prompt of 512 cost 2 % of reading it
_FEW, _PART = 16, 128  # tokens; and such a part of all: less is not worth to bring a state back for
_TILE, _NEARLY, _FAR = 64, 30, 1000  # rows of attention's tiles; so many, behind so many tokens, take longer than all


def sequences(abilities: Abilities, parallel: int) -> int:
    """How many sequences a context is made with; those that do not compute keep prompts. Where each has a cache of its
    own, no more than compute. `models.types.Slots` plans with the same.

    llama.cpp makes its buffers for a batch that is a multiple of them: 32 change nothing, 20 would cost 2 %.
    """
    return max(parallel, MOST_SEQUENCES) if abilities.share else parallel


def outputs(abilities: Abilities, parallel: int) -> int:
    """How many tokens of one batch may ask for logits: more would end the process, and fewer than sequences, too."""
    return max(parallel * (LONGEST_DRAFT + 1), sequences(abilities, parallel))


class Live(Protocol):
    """A sequence that computes: the first `held` of its tokens are in the cache in `slot`."""

    @property
    def slot(self) -> int: ...
    @property
    def tokens(self) -> list[int]: ...
    @property
    def held(self) -> int: ...
    @property
    def key(self) -> Hashable: ...
    @property
    def family(self) -> int: ...
    @property
    def labels(self) -> frozenset[str]: ...
    @property
    def keep(self) -> int: ...
    @property
    def erased(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Found:
    """The best there is for a prompt: `shared` tokens of `source`."""

    shared: int = 0
    source: Idle | Live | Snapshot | None = None


class Room:
    """Of one context. `slots` are its sequences; at most as many live ones as it was made to compute. `aside`: bytes
    of main memory for what is in their way; 0: it stays where it is."""

    def __init__(self, context: Context, abilities: Abilities, slots: int, aside: int = 0) -> None:
        self._context, self._abilities = context, abilities
        self._free = list(range(slots - 1, -1, -1))
        self._idle: list[Idle] = []  # least recently used first
        self._snapshots = None if abilities.share or not abilities.states else Snapshots(context)
        self._aside = Aside(context, aside) if aside and self.divisible and abilities.states else None
        self._heirs: dict[int, Idle] = {}  # by slot: what was taken over and is still to be kept

    @property
    def idle(self) -> tuple[Idle, ...]:
        return tuple(self._idle)

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        return self._snapshots.all() if self._snapshots else ()

    def find(self, tokens: Many[int], key: Hashable, live: Iterable[Live], family: int | None = None) -> Found:
        """What there is of these tokens; of one `family`, if that is said. The last one never counts: it has to be
        computed."""
        best = Found()
        for source in (*self.snapshots, *self._idle, *live):
            if source.key != key or family not in (None, source.family):
                continue
            still = isinstance(source, (Idle, Snapshot))
            held = len(source.tokens) if still else source.held
            shared = min(common(source.tokens, tokens), held, len(tokens) - 1)
            if isinstance(source, Idle) and source.data is not None and shared < max(_FEW, held // _PART):
                continue
            if shared >= max(best.shared, 1) and (self.divisible or (still and shared == held)):
                best = Found(shared, source)
        return best

    def quickest(self, found: Found, prompt: int) -> Found:
        """Of what was found for a prompt of so many tokens as much as is quickest to go on from. On a processor 64
        tokens at once take less than 30 (`pace`): some of what is known is computed again."""
        rest = prompt - found.shared
        if self._aside is None or not _NEARLY <= rest < _TILE or found.shared < _FAR:
            return found
        return replace(found, shared=prompt - _TILE)

    @property
    def divisible(self) -> bool:
        """A sequence can begin with a part of another one."""
        return self._abilities.share and self._abilities.cut

    def take(self, found: Found) -> tuple[int, int]:
        """A sequence that begins with what was found, and how much that is."""
        source, shared = found.source, found.shared
        if isinstance(source, Idle):
            if source.data is not None:
                return self._bring(source, source.data, shared)
            whole = shared == len(source.tokens) or source.spent(shared)
            if whole or not (self._free or len(self._there) > 1):
                self._idle.remove(source)
                self._heirs[source.slot] = source
                if shared == len(source.tokens) or self._context.cut(source.slot, shared):
                    return source.slot, shared
                self._context.cut(source.slot, 0)
                return source.slot, 0
            self._idle.remove(source)
            self._idle.append(source)  # used just now
        slot = self._empty()
        if isinstance(source, Snapshot):
            assert self._snapshots is not None
            return slot, shared if self._snapshots.restore(source, slot) else 0
        if source is not None:
            self._context.share(source.slot, slot, shared)
        return slot, shared

    def milestone(self, prompt: int) -> int:
        """Where in a prompt of so many tokens a copy is to be made (`copy`); 0: none."""
        return max(0, prompt - MARKS) if self._snapshots else 0

    def copy(self, sequence: Live) -> None:
        """What a sequence holds now, where others could not begin like it otherwise."""
        if self._snapshots and not sequence.erased:
            tokens = sequence.tokens[: sequence.held]
            keep = sequence.keep > 0
            self._snapshots.take(sequence.slot, tokens, sequence.key, sequence.family, sequence.labels, keep)

    def _empty(self) -> int:
        if not self._free:
            self.evict()
        return self._free.pop()

    @property
    def _there(self) -> list[Idle]:
        """Those in the cache."""
        return [idle for idle in self._idle if idle.data is None]

    def cells(self, live: Iterable[Live]) -> int:
        """So many are in use, of those who compute and of those who left something. Any thread may ask: it is right to
        a step. Sequences that begin alike share cells; in the order of their tokens, each shares most with the one
        before it."""
        held = [(idle.tokens, len(idle.tokens), idle.key) for idle in self._there]
        held += [(one.tokens, one.held, one.key) for one in live]
        used = sum(count for _, count, _ in held)
        if self.divisible:
            held.sort(key=lambda each: (hash(each[2]), each[0]))
            for (tokens, count, key), (others, other, its) in pairwise(held):
                used -= min(common(tokens, others), count, other) if key == its else 0
        return used

    # ---- out of the way, and back

    def make_way(self, sequence: Live, running: Iterable[Live]) -> None:
        """Who computes from now on looks at all cells: what it does not share with others goes, if it is many."""
        if self._aside is None:
            return
        there = self._there
        own = {idle: len(idle.tokens) - _shared(idle, sequence) for idle in there}
        rest = sum(own.values())
        for idle in there:
            if rest <= _LITTLE:
                break
            if own[idle] < max(_LITTLE, len(idle.tokens) // 2):
                continue
            cells = len(idle.tokens) - max((_shared(idle, other) for other in running), default=0)
            if cells >= len(idle.tokens) // 2 and self._put_aside(idle):
                rest -= own[idle]

    def _put_aside(self, idle: Idle) -> bool:
        """For that, what was not used for longest is forgotten, if more is kept than the cache alone would hold."""
        assert self._aside is not None
        while not self._aside.fits(idle, self._idle):
            oldest = next((other for other in self._idle if other.data is not None), None)
            kept = sum(len(other.tokens) for other in self._idle)
            if oldest is None or kept - len(oldest.tokens) < self._context.size:
                return False
            self._drop(oldest)
        slot = self._aside.put(idle)
        if slot is None:
            return False
        self._free.append(slot)
        return True

    def _bring(self, idle: Idle, data: bytearray, shared: int) -> tuple[int, int]:
        """A sequence that begins with what is in main memory, where that stays unless nobody else will want it; what is
        idle in the cache makes room. Where there is none, it begins with nothing."""
        slot = self._empty()
        while not self._context.restore(slot, data):
            if not self.evict():
                return slot, 0
        self._idle.remove(idle)
        if shared == len(idle.tokens) or idle.spent(shared):
            self._heirs[slot] = idle
            idle.data = None
        else:
            self._idle.append(idle)  # used just now
        if shared < len(idle.tokens):
            self._context.cut(slot, shared)
        return slot, shared

    # ---- what is left, and what goes

    def leave(self, sequence: Live, prompt: int) -> None:
        """Nobody computes in it any more; what it holds stays for those who begin alike."""
        tokens = sequence.tokens[: sequence.held]
        for other in [o for o in self._idle if o.key == sequence.key and common(o.tokens, tokens) == len(o.tokens)]:
            self._drop(other)
        keep, labels, before = sequence.keep, sequence.labels, self._heirs.pop(sequence.slot, None)
        if not keep and before and before.keep:  # it only went on with what another one wants to be kept
            keep, labels = min(before.keep, common(before.tokens, tokens)), labels | before.labels
        prompt, keep, family = min(prompt, len(tokens)), min(keep, len(tokens)), sequence.family
        idle = Idle(sequence.slot, tokens, prompt, sequence.key, labels, keep, family)
        if tokens and not sequence.erased:
            self._idle.append(idle)
        else:
            self._clear(idle.slot)

    def put(self, tokens: list[int], key: Hashable, data: bytearray, labels: frozenset[str]) -> Idle | Snapshot | None:
        """A sequence as it was saved; what is idle makes room for it. None: it does not fit."""
        if self._snapshots:
            snapshot = Snapshot(tokens, key, -1, labels, data, True)
            self._snapshots.put(snapshot)
            return snapshot
        slot = self._empty()
        while not self._context.restore(slot, data):
            if not self.evict():
                self._free.append(slot)
                return None
        idle = Idle(slot, tokens, len(tokens), key, labels, len(tokens))
        self._idle.append(idle)
        return idle

    @contextmanager
    def part(self, idle: Idle, length: int) -> Iterator[tuple[int, int]]:
        """For a moment, a sequence that holds the first `length` tokens of an idle one (all where that cannot be), and
        how many."""
        if length >= len(idle.tokens) or not self._free or not self.divisible:
            yield idle.slot, len(idle.tokens)
            return
        slot = self._free[-1]
        self._context.share(idle.slot, slot, length)
        try:
            yield slot, length
        finally:
            self._context.cut(slot, 0)

    def erase(self, labels: Set[str] | None) -> None:
        """Forget what read any of these; None: whatever is idle."""
        for idle in self.idle:
            if labels is None or not idle.labels.isdisjoint(labels):
                self._drop(idle)
        if self._snapshots:
            self._snapshots.erase(labels)
        self._heirs.clear()

    def evict(self) -> bool:
        """Forget what was not used for longest. False: there is nothing left in the cache to forget."""
        if not (there := self._there):
            return False
        self._drop(there[0])
        return True

    def clear(self, but: int | None = None) -> None:
        """Forget all that is idle in the cache, but that of one family."""
        for idle in self._there:
            if idle.family != but:
                self._drop(idle)

    def reset(self, slots: Iterable[int]) -> None:
        """The cache is worth nothing any more, and those who computed in `slots` have gone."""
        self._context.clear()
        self._free += [*(idle.slot for idle in self._there), *slots]
        self._idle.clear()
        self._heirs.clear()

    def _drop(self, idle: Idle) -> None:
        self._idle.remove(idle)
        if idle.data is None:
            self._clear(idle.slot)
        idle.data = None

    def _clear(self, slot: int) -> None:
        self._context.cut(slot, 0)
        self._heirs.pop(slot, None)
        self._free.append(slot)


def _shared(idle: Idle, live: Live) -> int:
    return common(idle.tokens, live.tokens) if idle.key == live.key else 0
