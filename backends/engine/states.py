"""What was read once and is kept on the disk: a folder of saved states of sequences, for all models.

    data/states/5f0c….state     one state (see `state_file`); its time of change is that of its last use

Any file here may be deleted at any time. One that is damaged is removed as soon as that is seen; one of another model
or version is left until it is the least recently used. At most one state is in memory at a time: while one is being
read none is written.
"""

import contextlib
import errno
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, StorageError
from backends.core.files import storage_error, sync_folder
from backends.core.stream import Runner, Stream
from backends.engine import state_file
from backends.engine.state_file import Damaged, Foreign, Head

log = logging.getLogger(__name__)

_NAME, _UNFINISHED = ".state", ".unfinished"
_LEFT_FREE = 256 << 20  # bytes on the disk that no state takes
_MARKS = 8  # tokens: `<｜Assistant｜><think>\n`, which the next turn does not repeat
_GRACE = 1.0  # seconds that a restore waits for a save that is under way


@dataclass(frozen=True, slots=True)
class Saved:
    """A state on the disk. `head` None: another version wrote it. `file_size` in bytes, `used` in nanoseconds."""

    path: Path
    head: Head | None
    file_size: int
    used: int


@dataclass(frozen=True, slots=True)
class Match:
    """A saved state and how many tokens it has in common with what was looked for, from the first one on."""

    saved: Saved
    head: Head
    shared: int


@dataclass(frozen=True, slots=True)
class _Save:
    """One that is under way."""

    head: Head
    done: Callable[[], None]
    token: CancelToken = field(default_factory=CancelToken)
    over: threading.Event = field(default_factory=threading.Event)


class StateStore:
    """The states in `folder`, which together take at most `budget` bytes. Any thread may use it.

    Its threads: `saving` writes, `restore` reads. The folder is made with the first state.
    """

    def __init__(self, folder: Path, budget: int) -> None:
        self._folder, self._budget = folder, budget
        self._lock = threading.Lock()
        self._known: dict[Path, Saved] | None = None  # None: the folder was not looked at yet
        self._one = threading.Lock()  # who holds it has a state in memory
        self._reader = Runner("restore")
        self._save: _Save | None = None

    # ---- looking

    def open(self) -> None:
        """Look at what is there, if nobody did. Removes what is damaged or was never finished: nobody else may be
        writing into the folder."""
        tidy(self._folder)
        with self._lock:
            self._index()

    def find(self, key: str, tokens: bytes, *, whole: bool) -> Match | None:
        """The state of this key that shares most with `tokens` (int32). `whole`: only one that goes no further."""
        best: Match | None = None
        with self._lock:
            for saved in self._index().values():
                if saved.head is None or saved.head.key != key:
                    continue
                shared = common(saved.head.tokens, tokens)
                if whole and shared < saved.head.length:
                    continue
                if best is None or (shared, -saved.file_size) > (best.shared, -best.saved.file_size):
                    best = Match(saved, saved.head, shared)
        return best if best and best.shared else None

    def holds(self, saved: Saved) -> bool:
        """It was neither erased nor replaced."""
        with self._lock:
            return saved.path in self._index()

    def size(self) -> int:
        """Bytes that all states take."""
        with self._lock:
            return sum(saved.file_size for saved in self._index().values())

    # ---- saving and reading

    def save(self, head: Head, take: Callable[[], bytearray | None], done: Callable[[], None] = lambda: None) -> bool:
        """Save what `take` gives (called here and now) on another thread, which calls `done` when it has ended. False,
        and nothing of that, while another state is in memory or where there is no room for this one."""
        if head.file_size > self._budget or not self._one.acquire(blocking=False):
            return False
        save = None
        try:
            if 2 * head.size > psutil.virtual_memory().available:
                log.info("a state of %d MB is not saved: too little memory", head.size >> 20)
                return False
            data = take()
            if data is None or len(data) != head.size:
                return False
            save = _Save(head, done)
            with self._lock:
                self._save = save
            threading.Thread(target=self._write, args=(save, data), name="saving", daemon=True).start()
            return True
        finally:
            if save is None:
                self._one.release()

    @property
    def saving(self) -> bool:
        """One is being written."""
        with self._lock:
            return self._save is not None

    def wait(self, seconds: float) -> bool:
        """Wait for the save that is under way. True if there is none any more."""
        with self._lock:
            save = self._save
        return save is None or save.over.wait(seconds)

    def read(self, saved: Saved) -> Stream[bytearray]:
        """One event, the data; or none, where the state is damaged or gone or there is no memory for it."""
        return self._reader.start(self._read, saved)

    def use(self, saved: Saved) -> None:
        """It was used now; others are evicted before it."""
        now = time.time_ns()
        with self._lock:
            if saved.path in self._index():
                self._index()[saved.path] = replace(saved, used=now)
        try:
            os.utime(saved.path, ns=(now, now))
        except OSError as error:
            log.info("%s: %s", saved.path.name, error)

    # ---- forgetting

    def drop(self, saved: Saved, why: str) -> None:
        """Remove one state."""
        log.warning("the saved state %s is removed: %s", saved.path.name, why)
        with self._lock:
            self._index().pop(saved.path, None)
        _unlink(saved.path)

    def erase(self, labels: Set[str] | None) -> None:
        """Remove every state that read any of these, the one that is being written too, and those of which nobody knows
        what they read; None: all. StorageError if a file cannot be removed."""
        self._remove(*self._disown(labels))
        if labels is None:
            tidy(self._folder)

    def erase_soon(self, labels: Set[str] | None, stream: Stream[None]) -> None:
        """From now on they are not found any more; `stream` ends when the files are gone."""
        gone, save = self._disown(labels)

        def remove(*, cancel: CancelToken) -> Iterator[None]:
            try:
                self._remove(gone, save)
                stream.close()
            except StorageError as error:
                stream.fail(error)
            yield None

        self._reader.start(remove)

    def close(self, grace: float = 5.0) -> None:
        """What is being written may go on for `grace` seconds; then it is given up."""
        self.wait(grace)
        self._give_up()
        self._reader.close()

    def _give_up(self) -> None:
        """Stop the save that is under way, and wait until it has gone."""
        with self._lock:
            save = self._save
        if save is not None:
            save.token.cancel()
            save.over.wait()

    def _disown(self, labels: Set[str] | None) -> "tuple[list[Saved], _Save | None]":
        """Take them out of the index, and stop the save that is under way if it is one of them."""

        def meant(head: Head | None) -> bool:
            return head is None or labels is None or not head.labels.isdisjoint(labels)

        with self._lock:
            gone = [saved for saved in self._index().values() if meant(saved.head)]
            for saved in gone:
                del self._index()[saved.path]
            save = self._save if self._save is not None and meant(self._save.head) else None
            if save is not None:
                save.token.cancel()
        return gone, save

    def _remove(self, gone: list[Saved], save: "_Save | None") -> None:
        if save is not None:
            save.over.wait()
        failed: list[tuple[OSError, Path]] = []
        for saved in gone:
            try:
                saved.path.unlink(missing_ok=True)
            except OSError as error:
                failed.append((error, saved.path))
                with self._lock:
                    self._index()[saved.path] = saved
        if failed:
            raise storage_error(*failed[0])

    # ---- under the lock

    def _index(self) -> dict[Path, Saved]:
        if self._known is None:
            self._known = {}
            try:
                for path in self._folder.iterdir():
                    if path.suffix == _NAME and path.is_file():
                        self._known |= _look(path)
            except FileNotFoundError:
                return self._known  # nothing was saved yet
            except OSError as error:
                log.warning("saved states cannot be read: %s", error)
        return self._known

    # ---- on the threads `saving` and `restore`

    def _write(self, save: _Save, data: bytearray) -> None:
        unfinished = self._folder / f"{secrets.token_hex(16)}{_UNFINISHED}"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._make_room(save.head.file_size)
            with open(unfinished, "wb", opener=_private) as file:
                for _ in state_file.write(file, save.head, memoryview(data)):
                    save.token.check()
            self._finish(unfinished, save)
        except Cancelled:
            log.info("a state is not saved: it was given up")
        except OSError as error:
            log.warning("a state is not saved: %s", error)
        finally:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
            del data
            self._one.release()
            with self._lock:
                if self._save is save:
                    self._save = None
            save.over.set()
            save.done()

    def _finish(self, unfinished: Path, save: _Save) -> None:
        """From now on it is there, and what it goes beyond is not needed any more."""
        path, head, stat = unfinished.with_suffix(_NAME), save.head, unfinished.stat()
        with self._lock:
            save.token.check()  # who erases it holds the lock
            unfinished.replace(path)
            self._index()[path] = Saved(path, head, stat.st_size, stat.st_mtime_ns)
            shorter = [saved for saved in self._index().values() if saved.path != path and _within(saved.head, head)]
            for saved in shorter:
                del self._index()[saved.path]
        sync_folder(self._folder)
        for saved in shorter:
            _unlink(saved.path)

    def _make_room(self, needed: int) -> None:
        """Evict the least recently used ones. OSError (ENOSPC) if the disk has no room all the same."""
        with self._lock:
            oldest = sorted(self._index().values(), key=lambda saved: saved.used)
            total = sum(saved.file_size for saved in oldest)
            gone: list[Saved] = []
            for saved in oldest:
                if total + needed <= self._budget:
                    break
                total -= saved.file_size
                gone.append(saved)
                del self._index()[saved.path]
        for saved in gone:
            log.info("the saved state %s makes room", saved.path.name)
            _unlink(saved.path)
        if psutil.disk_usage(str(self._folder)).free < needed + _LEFT_FREE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _read(self, saved: Saved, *, cancel: CancelToken) -> Iterator[bytearray]:
        if not self.wait(_GRACE):
            self._give_up()
        with self._one:
            try:
                if saved.head is not None and self.holds(saved) and saved.head.size < psutil.virtual_memory().available:
                    yield state_file.read_data(saved.path, saved.head, cancel)
            except Damaged:
                self.drop(saved, "it is damaged")
            except Foreign:
                self.drop(saved, "another version wrote over it")
            except (OSError, MemoryError) as error:
                log.warning("the saved state %s cannot be read: %s", saved.path.name, error or "too little memory")


def tidy(folder: Path) -> None:
    """Remove what a process left that ended while it wrote. Nobody may be writing now."""
    try:
        for path in folder.glob(f"*{_UNFINISHED}"):
            _unlink(path)
    except OSError as error:
        log.warning("saved states cannot be read: %s", error)


def _look(path: Path) -> dict[Path, Saved]:
    """OSError other than that this one file cannot be read."""
    try:
        stat = path.stat()
        try:
            head = state_file.read_head(path)
        except Foreign:
            head = None
        return {path: Saved(path, head, stat.st_size, stat.st_mtime_ns)}
    except Damaged:
        log.warning("the saved state %s is removed: it is damaged", path.name)
        _unlink(path)
    except OSError as error:
        log.warning("the saved state %s cannot be read: %s", path.name, error)
    return {}


def _within(head: Head | None, other: Head) -> bool:
    """All that it has, `other` has too, but for the marks with which an answer begins; and was told of the same."""
    return (
        head is not None
        and head.key == other.key
        and head.labels <= other.labels
        and head.length <= other.length
        and common(head.tokens, other.tokens) >= head.length - min(_MARKS, head.length // 8)
    )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("the saved state %s cannot be removed: %s", path.name, error)


def common(one: bytes, other: bytes) -> int:
    """How many tokens (int32) two prompts share from the first one on."""
    longest = min(len(one), len(other)) // 4
    if one[: longest * 4] == other[: longest * 4]:
        return longest
    low, high = 0, longest  # the first `low` are the same, the first `high` are not
    while high - low > 1:
        middle = (low + high) // 2
        if one[low * 4 : middle * 4] == other[low * 4 : middle * 4]:
            low = middle
        else:
            high = middle
    return low
