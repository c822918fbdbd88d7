"""The bytes so far of one file: written at any place by several connections, read in order by who hashes them."""

import os
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from hashlib import sha256
from io import FileIO
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.models.blocks import MAP, BlockMap
from backends.models.space import gone

PIECE = 2 << 20  # bytes read at once
_HANDED = 4  # buffers that may wait for being hashed
_TELL = 64 << 20  # bytes hashed between two reports
SYNC_EVERY = 1 << 30  # bytes that a power cut may cost


class PartFile:
    """A file of `size` bytes at `path`, open while a `with` block lasts, and its map beside it."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size
        there = path.stat().st_size if path.exists() else 0
        self.map = BlockMap(path.with_name(path.name.removesuffix(".part") + MAP), size, there)
        self.resumed = self.map.arrived > 0  # some bytes are from an earlier run
        self.spare: deque[memoryview] = deque()  # buffers that were handed over and are free again
        self._handed: deque[tuple[memoryview, memoryview]] = deque()
        self._next = -1  # where the hash will be when it has what was handed over; -1: nobody hashes
        self._file: FileIO | None = None

    def __enter__(self) -> "PartFile":
        self._file = FileIO(self.path, "r+b" if self.path.exists() else "w+b")
        if os.fstat(self._file.fileno()).st_size > self.size:
            self._file.truncate(self.size)
        self.map.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.map.__exit__()
        if self._file is not None:
            self._file.close()
        self._file = None

    @property
    def arrived(self) -> int:
        return self.map.arrived

    @property
    def whole(self) -> bool:
        return self.map.whole

    @property
    def block(self) -> int:
        return self.map.block

    def gaps(self) -> list[tuple[int, int]]:
        return self.map.gaps()

    @contextmanager
    def writer(self) -> Iterator[FileIO]:
        """A handle of one's own: places of writing are not shared."""
        with FileIO(self.path, "r+b") as file:
            yield file

    def put(self, file: FileIO, at: int, data: memoryview, source: int) -> int:
        """Write what is new of `data`, which belongs `at`. How many bytes that were. Raises OSError."""
        fresh = 0
        while data:
            index, offset = divmod(at, self.map.block)
            piece = data[: self.map.length(index) - offset]
            new = piece[max(0, self.map.have(index) - offset) :]
            if new:
                offset += len(piece) - len(new)
                write(file, index * self.map.block + offset, new)
                fresh += self.map.add(index, offset, new, source)
            at += len(piece)
            data = data[len(piece) :]
        return fresh

    def start(self, count: int) -> bytes:
        with self.path.open("rb") as file:
            return file.read(count)

    def clear(self) -> None:
        """Begin anew."""
        self.map.forget(range(self.map.count))
        self.resumed = False

    def check_there(self) -> None:
        """Raises StorageError if the file that is written to is not the one at its path any more."""
        assert self._file is not None, "check_there() belongs inside the with block"
        mine = os.fstat(self._file.fileno())
        try:
            found = self.path.stat()
        except OSError as error:
            raise gone(self.path.parent) from error
        if (mine.st_ino, mine.st_dev) != (found.st_ino, found.st_dev):
            raise gone(self.path.parent)

    # ---- behind the writers, each on a thread of its own

    def hand_over(self, at: int, data: memoryview, buffer: memoryview) -> bool:
        """Offer bytes that were just written to who hashes, so that they need not be read again. True: they are what
        comes next; `buffer`, in which they are, will be in `spare` when they are hashed."""
        with self.map.changed:
            if at != self._next or len(self._handed) >= _HANDED:
                return False
            self._handed.append((data, buffer))
            self._next += len(data)
            self.map.changed.notify_all()
            return True

    def follow(self, *, cancel: CancelToken) -> Iterator[int | str]:
        """Hash the file in order, behind those who write it: yields how many bytes are hashed, at last the sha256."""
        digest, at, told, generation = sha256(), 0, 0, self.map.generation
        buffer = memoryview(bytearray(PIECE))
        self._next = 0
        with FileIO(self.path, "rb") as file:
            while at < self.size:
                until = self._wait(lambda at=at: bool(self._handed) or self.map.beginning > at, self._claim, cancel)
                if generation != self.map.generation:
                    digest, at, told, generation = sha256(), 0, 0, self.map.generation
                    with self.map.changed:
                        self._handed.clear()
                        self._next = 0
                    continue
                if until < 0:
                    data, whole = self._handed[0]
                    digest.update(data)
                    at += len(data)
                    self._handed.popleft()
                    self.spare.append(whole)
                else:
                    file.seek(at)
                while at < until:
                    cancel.check()
                    count = file.readinto(buffer[: until - at])
                    if not count:
                        raise gone(self.path.parent)
                    digest.update(buffer[:count])
                    at += count
                if at - told >= _TELL or at == self.size:
                    told = at
                    yield at
        self._next = -1
        yield digest.hexdigest()

    def _claim(self) -> int:
        """Up to where to read from the file; -1: something was handed over."""
        if self._handed:
            return -1
        self._next = self.map.beginning
        return self._next

    def flush(self, *, cancel: CancelToken) -> Iterator[int]:
        """Make what has come last, every so many bytes, so that little is left for the end (`settling`)."""
        synced = self.arrived
        with FileIO(self.path, "r+b") as file:
            while True:
                arrived = self._wait(
                    lambda synced=synced: self.whole or self.arrived - synced >= SYNC_EVERY,
                    lambda: self.arrived,
                    cancel,
                )
                os.fsync(file.fileno())
                yield arrived
                if arrived == self.size:
                    return
                synced = arrived

    def _wait(self, ready: Callable[[], bool], read: Callable[[], int], cancel: CancelToken) -> int:
        """Wait until `ready`; what `read` says then."""
        forget = cancel.on_cancel(self._wake)
        try:
            with self.map.changed:
                self.map.changed.wait_for(lambda: cancel.cancelled or ready())
                cancel.check()
                return read()
        finally:
            forget()

    def _wake(self) -> None:
        with self.map.changed:
            self.map.changed.notify_all()

    # ---- when the sum is wrong

    def damaged(self, cancel: CancelToken) -> Generator[float, None, tuple[list[int], list[int]]]:
        """The blocks that are not on the disk as they came, and those of which nobody took down how they came (it is
        taken for right now). Yields the fraction that was read."""
        wrong, unknown = [], []
        for index, crc in each_crc(self.path, self.map, cancel):
            known = self.map.crc(index)
            if known is None:
                unknown.append(index)
                self.map.learn(index, crc)
            elif known != crc:
                wrong.append(index)
            yield (index + 1) / self.map.count
        return wrong, unknown


def each_crc(path: Path, blocks: BlockMap, cancel: CancelToken) -> Iterator[tuple[int, int]]:
    """The CRC-32 of each block of the file at `path`, as it lies there."""
    buffer = memoryview(bytearray(PIECE))
    with FileIO(path, "rb") as file:
        for index in range(blocks.count):
            crc, left = 0, blocks.length(index)
            while left:
                cancel.check()
                count = file.readinto(buffer[:left])
                if not count:
                    break
                crc = zlib.crc32(buffer[:count], crc)
                left -= count
            yield index, crc


def write(file: FileIO, at: int, data: memoryview) -> None:
    file.seek(at)
    while data:
        data = data[file.write(data) or 0 :]
