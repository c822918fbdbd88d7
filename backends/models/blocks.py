"""Which blocks of a file are on the disk, and what they looked like when they came from the wire.

    R1-Q4_K_M.gguf.part.map     a header, then for each block: bytes so far, their CRC-32, whose they are

The map is written in place after every piece, which costs next to nothing: whatever ends the process, it says what is
there. After a power cut it may say more than there is; then the sum of the whole is wrong, the CRCs tell which blocks
are, and only those are fetched again. A CRC finds damage; that the bytes are the publisher's, the sha256 proves.
"""

import struct
import threading
import zlib
from collections.abc import Sequence
from io import FileIO
from pathlib import Path

MAP = ".part.map"
UNKNOWN = 0xFF  # whose a block is, or its CRC, where nobody took it down
_MAGIC = b"DSMAP\0\1\n"
_HEADER = struct.Struct("<8sQI12x")
_ENTRY = struct.Struct("<IIBBxx")  # bytes, CRC-32 of them, source, whether the CRC is known
_SMALL, _LARGE = 1 << 20, 16 << 20
_NO_CRC = "." * 8


def block_size(size: int) -> int:
    """For a file of so many bytes: some sixty blocks, none under 1 MiB or over 16 MiB."""
    return min(_LARGE, max(_SMALL, 1 << max(0, size // 64).bit_length()))


class BlockMap:
    """The map of one file of `size` bytes. Any thread may use it; `changed` is notified as blocks become whole.

    `there`: how long the file is. Without a map on the disk its bytes are its beginning (so files were fetched once);
    what the map tells beyond them is not believed.
    """

    def __init__(self, path: Path, size: int, there: int) -> None:
        self.path = path
        self.size = size
        self.block = block_size(size)
        self.count = -(-size // self.block)
        self.changed = threading.Condition()
        self.frontier = 0  # the first byte that is missing
        self.generation = 0  # counts how often blocks were forgotten: what was read of them is void
        self._done = [0] * self.count
        self._crc = [0] * self.count
        self._known = [True] * self.count
        self._source = [UNKNOWN] * self.count
        self._file: FileIO | None = None
        if not self._read():
            self._believe(there)
        for index in range(self.count):
            self._done[index] = max(0, min(self._done[index], there - index * self.block))
        self.arrived = sum(self._done)
        self._move()

    def __enter__(self) -> "BlockMap":
        """Write what is known, and each change from now on."""
        content = _HEADER.pack(_MAGIC, self.size, self.block) + b"".join(map(self._entry, range(self.count)))
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.write_bytes(content)
        fresh.replace(self.path)
        self._file = FileIO(self.path, "r+b")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None

    def length(self, index: int) -> int:
        return min(self.block, self.size - index * self.block)

    def have(self, index: int) -> int:
        """Bytes of this block that are there, from its beginning."""
        return self._done[index]

    def source(self, index: int) -> int:
        return self._source[index]

    def crc(self, index: int) -> int | None:
        """Of the bytes as they came; None where nobody took it down."""
        return self._crc[index] if self._known[index] else None

    @property
    def whole(self) -> bool:
        return self.arrived == self.size

    @property
    def beginning(self) -> int:
        """Bytes that are there from the beginning of the file; `frontier` is that as of the last whole block."""
        with self.changed:
            self._move()
            return self.frontier

    def gaps(self) -> list[tuple[int, int]]:
        """What is missing, in order."""
        with self.changed:
            found: list[tuple[int, int]] = []
            for index, done in enumerate(self._done):
                begin, end = index * self.block + done, index * self.block + self.length(index)
                if begin == end:
                    continue
                if found and found[-1][1] == begin:
                    begin = found.pop()[0]
                found.append((begin, end))
            return found

    def add(self, index: int, at: int, data: memoryview, source: int) -> int:
        """`data`, which belongs `at` (in the block), was written. How many of these bytes are new."""
        crc = zlib.crc32(data, self._crc[index] if at else 0)
        with self.changed:
            if self._done[index] != at:
                return 0  # somebody else was first
            self._crc[index], self._source[index] = crc, source
            self._known[index] = self._known[index] if at else True
            self._grow(index, len(data))
            return len(data)

    def learn(self, index: int, crc: int) -> None:
        """The CRC of a block, read from the disk, where nobody took it down when it came."""
        with self.changed:
            self._crc[index], self._known[index] = crc, True
            self._save(index)

    def replace(self, index: int, crc: int, source: int) -> None:
        """A whole block was written over another one."""
        with self.changed:
            self._crc[index], self._known[index], self._source[index] = crc, True, source
            self._save(index)

    def forget(self, blocks: Sequence[int]) -> None:
        """These are to be fetched again."""
        with self.changed:
            for index in blocks:
                self.arrived -= self._done[index]
                self._done[index], self._crc[index], self._known[index] = 0, 0, True
                self._save(index)
            self.generation += 1
            self.frontier = min([self.frontier, *(index * self.block for index in blocks)])

    @property
    def checks(self) -> str:
        """The CRCs of all blocks, eight hexadecimal digits each, for the receipt."""
        pairs = zip(self._crc, self._known, strict=True)
        return "".join(f"{crc:08x}" if known else _NO_CRC for crc, known in pairs)

    def believe(self, checks: str) -> None:
        """The file is whole on the disk, and these are its CRCs (`checks` of a receipt, or "")."""
        with self.changed:
            right = len(checks) == 8 * self.count
            for index in range(self.count):
                text = checks[8 * index : 8 * index + 8] if right else _NO_CRC
                self._done[index] = self.length(index)
                self._known[index] = text != _NO_CRC
                self._crc[index] = int(text, 16) if text != _NO_CRC else 0
                self._save(index)
            self.arrived = self.size
            self._move()

    # ---- under the lock, or before there is anybody else

    def _grow(self, index: int, count: int) -> None:
        self._done[index] += count
        self.arrived += count
        if self.arrived == self.size or self._done[index] == self.length(index):
            self._move()
            self.changed.notify_all()
        self._save(index)

    def _move(self) -> None:
        index = self.frontier // self.block
        while index < self.count and self._done[index] == self.length(index):
            index += 1
        rest = self._done[index] if index < self.count else 0
        self.frontier = min(self.size, index * self.block + rest)

    def _save(self, index: int) -> None:
        if self._file is not None:
            self._file.seek(_HEADER.size + index * _ENTRY.size)
            self._file.write(self._entry(index))

    def _entry(self, index: int) -> bytes:
        return _ENTRY.pack(self._done[index], self._crc[index], self._source[index], self._known[index])

    def _read(self) -> bool:
        """False if there is no map of this file."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return False
        if len(data) != _HEADER.size + self.count * _ENTRY.size:
            return False
        if _HEADER.unpack_from(data) != (_MAGIC, self.size, self.block):
            return False
        for index, (done, crc, source, known) in enumerate(_ENTRY.iter_unpack(data[_HEADER.size :])):
            self._done[index] = min(done, self.length(index))
            self._crc[index], self._source[index], self._known[index] = crc, source, known == 1
        return True

    def _believe(self, there: int) -> None:
        for index in range(self.count):
            self._done[index] = max(0, min(self.length(index), there - index * self.block))
            self._known[index] = not self._done[index]


def arrived(path: Path, size: int, there: int) -> int:
    """Bytes of a file on the disk, by its map at `path`, or else by how long it is."""
    if not path.exists():
        return min(size, there)
    return BlockMap(path, size, there).arrived
