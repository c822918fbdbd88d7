"""Warm from the disk: what was read once is not read again, after a restart neither.

The scheduler asks for a small piece of work whenever it has nothing to do: then the state of one idle sequence is
copied out of the cache, and another thread writes it. When a request comes whose prompt begins like a saved
state, it waits while that is read, and others go on; then the state lies in the cache as if an answer had left it.
"""

import hashlib
import json
import logging
import time
import weakref
from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator, Set
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from backends.core.stream import Stream
from backends.engine.abilities import Abilities, abilities
from backends.engine.context import Context
from backends.engine.native import Model
from backends.engine.prefix import Idle, common
from backends.engine.protocol import LoadRequest
from backends.engine.room import Found, Room
from backends.engine.snapshots import Snapshot
from backends.engine.state_file import Head
from backends.engine.states import Match, StateStore

log = logging.getLogger(__name__)

_SHORTEST = 256  # tokens of a state that is worth a file
_GROWN = 256, 8  # a state is saved again when that many tokens came to it, and an eighth of it
_GAIN = 128  # tokens that must not be computed, for a restore to be worth while
_READ = 1e9  # bytes a second, until that was measured
_MEASURED = 32 << 20  # bytes; smaller states tell nothing about the disk
_CLOSING = 2.0  # seconds of copying before the model goes
_IDENTITY = 1 << 20  # bytes of a model's file that are looked at


class Asking(Protocol):
    """A sequence that waits for its turn."""

    @property
    def tokens(self) -> list[int]: ...
    @property
    def key(self) -> Hashable: ...
    @property
    def seeded(self) -> bool: ...
    @property
    def over(self) -> bool: ...


@dataclass(slots=True)
class _Wish:
    """What the disk has for a sequence. `done`: it came, or never will."""

    match: Match | None
    done: bool = False
    source: Idle | Snapshot | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """One that is under way. `started`: time.perf_counter."""

    sequence: Asking
    match: Match
    stream: Stream[bytearray]
    started: float


class Warm:
    """Of one loaded model, on the engine's thread. `wake` lets that look again, from any thread; `cost`: seconds that a
    prompt's token takes, 0 while nobody knows."""

    def __init__(
        self,
        store: StateStore,
        room: Room,
        context: Context,
        can: Abilities,
        identity: str,
        wake: Callable[[], None],
        cost: Callable[[], float],
    ) -> None:
        self._store, self._room, self._context, self._can = store, room, context, can
        self._identity, self._wake, self._cost = identity, wake, cost
        self._speed, self._over = _READ, False
        self._wishes: weakref.WeakKeyDictionary[Asking, _Wish] = weakref.WeakKeyDictionary()
        self._read: _Read | None = None
        self._refused: set[Path] = set()
        self._judged: list[Idle | Snapshot] = []  # saved, or not worth it

    # ---- restoring

    def settle(self) -> None:
        """Put what has been read into the cache."""
        read = self._read
        if read is None:
            return
        if read.sequence.over:
            read.stream.cancel()
            self._read = None
        elif read.stream.wait(0):
            self._read = None
            self._arrive(read)

    def waits(self, sequence: Asking, shared: int, cells: int) -> bool:
        """A sequence of which the cache holds `shared` tokens waits for more of them from the disk, of which at most
        `cells` have room. Afterwards they are found in the room."""
        if sequence.seeded:
            return False
        if self._read is not None and self._read.sequence is sequence:
            return True
        wish = self._wish(sequence)
        if wish.done or wish.match is None or not self._worth(wish.match, shared, cells):
            return False
        if self._read is None:
            stream = self._store.read(wish.match.saved)
            self._read = _Read(sequence, wish.match, stream, time.perf_counter())
            stream.on_wake(self._wake)
        return True

    def restored(self, sequence: Asking, found: Found) -> int:
        """So many of the tokens found for it were on the disk a moment ago."""
        wish = self._wishes.pop(sequence, None)
        return found.shared if wish and wish.source is not None and wish.source is found.source else 0

    def _wish(self, sequence: Asking) -> _Wish:
        wish = self._wishes.get(sequence)
        if wish is None or (wish.match is not None and not wish.done and not self._store.holds(wish.match.saved)):
            tokens = array("i", sequence.tokens[:-1]).tobytes()  # the last one has to be computed
            match = self._store.find(self._key(sequence.key), tokens, whole=not self._can.cut)
            wish = self._wishes[sequence] = _Wish(match)
        return wish

    def _worth(self, match: Match, shared: int, cells: int) -> bool:
        gain, cost = match.shared - shared, self._cost()
        if gain < _GAIN or match.head.length > cells or match.saved.path in self._refused:
            return False
        return match.head.size / self._speed < gain * cost if cost else 4 * gain >= match.head.length

    def _arrive(self, read: _Read) -> None:
        wish, match = self._wish(read.sequence), read.match
        wish.done = True
        data = read.stream.drain()
        if not data or not self._store.holds(match.saved):
            return
        tokens = array("i")
        tokens.frombytes(match.head.tokens)
        wish.source = self._room.put(tokens.tolist(), read.sequence.key, data[0], match.head.labels)
        if wish.source is None:
            log.info("the saved state %s is not used: it does not fit", match.saved.path.name)
            self._refused.add(match.saved.path)
            return
        self._judged.append(wish.source)
        self._store.use(match.saved)
        if match.head.size >= _MEASURED:
            self._speed = match.head.size / (time.perf_counter() - read.started)

    # ---- saving

    def save_one(self) -> bool:
        """Copy one state out of the cache, if there is one that is worth it and the one before it is written."""
        if self._over or self._read is not None or self._store.saving:
            return False
        there = [*self._room.idle, *self._room.snapshots]
        self._judged = [source for source in self._judged if _among(source, there)]
        for source in self._worth_saving():
            if not _among(source, self._judged):
                self._judged.append(source)
                if self._save(source, *_GROWN):
                    return True
        return False

    def _worth_saving(self) -> Iterator[Idle | Snapshot]:
        """The latest first. Where a state is taken whole or not at all, that of the end of a question is the better
        one: with another question, or the same one again, nobody goes on from the end of an answer."""
        snapshots = self._room.snapshots
        yield from (snapshot for snapshot in reversed(snapshots) if snapshot.keep)
        for idle in reversed(self._room.idle):
            if idle.keep < _SHORTEST or (not self._room.divisible and idle.keep < len(idle.tokens)):
                continue
            if not any(one.key == idle.key and common(one.tokens, idle.tokens) == len(one.tokens) for one in snapshots):
                yield idle

    def _save(self, source: Idle | Snapshot, grown: int, part: int) -> bool:
        if (data := source.data) is not None:
            return self._hand_over(source, source.tokens, len(data), lambda: data, grown, part)
        assert isinstance(source, Idle)
        with self._room.part(source, source.keep) as (slot, length):
            size = self._context.state_size(slot)
            return self._hand_over(source, source.tokens[:length], size, lambda: self._context.state(slot), grown, part)

    def _hand_over(
        self,
        source: Idle | Snapshot,
        prompt: list[int],
        size: int,
        take: Callable[[], bytearray | None],
        grown: int,
        part: int,
    ) -> bool:
        """To the thread that writes, unless it is there already, but for a few tokens."""
        key, tokens, length, cost = self._key(source.key), array("i", prompt).tobytes(), len(prompt), self._cost()
        match = self._store.find(key, tokens, whole=not self._can.cut)
        if match is not None and length - match.shared < max(grown, length // part):
            return False
        if not size or (cost and size / self._speed > length * cost):
            return False  # to read the prompt again takes less
        return self._store.save(Head(key, tokens, source.labels, size, _engine()), take, self._wake)

    def close(self) -> None:
        """Save what is not saved yet, the latest first, as far as it goes in a short time; nobody computes any more."""
        if self._read is not None:
            self._read.stream.cancel()
            self._read = None
        until = time.perf_counter() + _CLOSING
        for source in self._worth_saving():
            if self._over or (left := until - time.perf_counter()) <= 0 or not self._store.wait(left):
                break
            self._save(source, _GAIN, 1 << 30)
        self._store.close()

    # ---- forgetting

    def erase(self, labels: Set[str] | None, stream: Stream[None], *, for_good: bool) -> None:
        """Remove the saved states that read any of these (None: all); `stream` ends when they are gone. StorageError
        comes out of it. `for_good`: from now on nothing is saved."""
        self._over = self._over or for_good
        self._store.erase_soon(labels, stream)

    def _key(self, adapters: Hashable) -> str:
        return hashlib.blake2b(f"{self._identity} {adapters!r}".encode(), digest_size=16).hexdigest()


class Scheduling(Protocol):
    def keep_warm(self, store: StateStore, identity: str, wake: Callable[[], None]) -> None: ...


def keep(
    request: LoadRequest,
    files: Iterable[Path],
    model: Model,
    context: Context,
    scheduler: Scheduling,
    wake: Callable[[], None],
) -> None:
    """Let a model that was just loaded save what it reads, if it was asked to and it is known that its memory can."""
    can = abilities(model.architecture)
    if request.states is None or not can.states:
        return
    sequences = 0 if can.share else request.parallel  # one cache for all, or one each, and then it counts them
    try:
        name = identity(files, model, context, sequences)
    except OSError as error:
        log.warning("nothing is kept of what is read: %s", error)
        return
    store = StateStore(request.states, request.states_budget)
    store.open()
    scheduler.keep_warm(store, name, wake)


def identity(files: Iterable[Path], model: Model, context: Context, sequences: int) -> str:
    """What a state is good for: this model, computed like this. OSError if a file has gone."""
    models: list[list[Any]] = []
    for path in files:
        stat = path.stat()
        with path.open("rb") as file:
            beginning = hashlib.blake2b(file.read(_IDENTITY), digest_size=16).hexdigest()
        models.append([path.name, stat.st_size, stat.st_mtime_ns, beginning])
    parts = {
        "model": models,
        "engine": _engine(),
        "kv": context.kv_type,
        "flash": context.flash_attention,  # without, values lie transposed in the cache
        "sequences": sequences,
        "architecture": model.architecture,
        "template": hashlib.blake2b((model.chat_template or "").encode(), digest_size=16).hexdigest(),
    }
    text = json.dumps(parts, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _engine() -> str:
    return metadata.version("llama-cpp-python")


def _among(source: Idle | Snapshot, others: Iterable[Idle | Snapshot]) -> bool:
    return any(source is other for other in others)
