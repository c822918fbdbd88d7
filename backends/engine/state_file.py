"""One saved state of a sequence on the disk: a head that tells what it is, and llama.cpp's bytes behind it.

    prelude   magic and version, CRC-32 of the head, lengths
    head      JSON (key, labels, engine, when it was made), token ids (int32), CRC-32 of each block of the data
    data      of llama_state_seq_get_data

CRC-32 and not a cryptographic sum: the folder is this user's own, so that damage is to be found and not malice. Any
changed byte and any burst of up to 32 bits in a block is found for certain, anything else but for one in 2^32 a block.
It was measured at 4 to 6 GB/s on one core where blake2b made 0.8 to 1.2 and sha256 1.1 to 1.9: a state of 590 MB is
checked in a seventh of a second, which is less than reading it takes.
"""

import json
import os
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from backends.core.cancel import CancelToken

VERSION = 1
BLOCK = 4 << 20  # bytes of data under one CRC, and between two looks at whether to stop
_MAGIC = b"DSSTATE"
_PRELUDE = struct.Struct("<7sBIIIQ")  # magic, version, CRC-32, bytes of JSON, number of tokens, bytes of data
_CRC_AT = 8
_FLUSHED = 64 << 20  # bytes written between two fsyncs, so that none of them takes long
_MOST_JSON, _MOST_TOKENS = 1 << 20, 1 << 26


class Damaged(Exception):
    """It was cut off, or a byte of it changed."""


class Foreign(Exception):
    """Another version of this program wrote it."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a state is. `tokens`: int32, little endian. `key` says for which model and engine it is good; `size` is
    that of the data in bytes, `labels` what was read ("conversation:12", "document:5")."""

    key: str
    tokens: bytes
    labels: frozenset[str]
    size: int
    engine: str = ""
    created: float = field(default_factory=time.time)  # seconds since 1970

    @property
    def length(self) -> int:
        """In tokens."""
        return len(self.tokens) // 4

    @property
    def blocks(self) -> int:
        return -(-self.size // BLOCK)

    @property
    def file_size(self) -> int:
        return _PRELUDE.size + len(self._json()) + len(self.tokens) + 4 * self.blocks + self.size

    def _json(self) -> bytes:
        said = {"key": self.key, "labels": sorted(self.labels), "engine": self.engine, "created": self.created}
        return json.dumps(said, ensure_ascii=True, sort_keys=True).encode()

    def packed(self, checks: bytes) -> bytes:
        """As it stands in the file, with the CRCs of the data's blocks."""
        text = self._json()
        prelude = bytearray(_PRELUDE.pack(_MAGIC, VERSION, 0, len(text), self.length, self.size))
        body = text + self.tokens + checks
        struct.pack_into("<I", prelude, _CRC_AT, zlib.crc32(body, zlib.crc32(prelude)))
        return bytes(prelude) + body


def write(file: BinaryIO, head: Head, data: memoryview) -> Iterator[int]:
    """Write a state and flush it to the disk. Yields the bytes written after each block; may be left at any time: until
    the end there is nothing in the file that could be taken for a state. OSError."""
    file.write(bytes(head.file_size - head.size))
    checks, unflushed = bytearray(), 0
    for begin in range(0, head.size, BLOCK):
        block = data[begin : begin + BLOCK]
        checks += struct.pack("<I", zlib.crc32(block))
        file.write(block)
        unflushed += len(block)
        if unflushed >= _FLUSHED:
            _flush(file)
            unflushed = 0
        yield begin + len(block)
    file.seek(0)
    file.write(head.packed(bytes(checks)))
    _flush(file)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def read_head(path: Path) -> Head:
    """Damaged, Foreign, OSError."""
    with path.open("rb", buffering=0) as file:
        return _read_head(file)[0]


def read_data(path: Path, head: Head, cancel: CancelToken) -> bytearray:
    """The bytes behind `head`, every one of them checked. Damaged (also if another head is there now), Foreign,
    OSError, MemoryError, Cancelled."""
    with path.open("rb", buffering=0) as file:
        found, checks = _read_head(file)
        if found != head:
            raise Damaged
        data = bytearray(head.size)
        view = memoryview(data)
        for number, (check,) in enumerate(struct.iter_unpack("<I", checks)):
            cancel.check()
            block = view[number * BLOCK : (number + 1) * BLOCK]
            _fill(file, block)
            if zlib.crc32(block) != check:
                raise Damaged
        return data


def _read_head(file: BinaryIO) -> tuple[Head, bytes]:
    """And the CRCs of the data's blocks."""
    prelude = _take(file, _PRELUDE.size)
    magic, version, check, text, tokens, size = _PRELUDE.unpack(prelude)
    if magic != _MAGIC:
        raise Damaged
    if version != VERSION:
        raise Foreign
    if text > _MOST_JSON or tokens > _MOST_TOKENS:
        raise Damaged
    length = text + 4 * tokens + 4 * -(-size // BLOCK)
    if os.fstat(file.fileno()).st_size != _PRELUDE.size + length + size:
        raise Damaged
    body = _take(file, length)
    prelude[_CRC_AT : _CRC_AT + 4] = bytes(4)
    if zlib.crc32(body, zlib.crc32(prelude)) != check:
        raise Damaged
    return _head(json.loads(body[:text]), bytes(body[text : text + 4 * tokens]), size), bytes(body[text + 4 * tokens :])


def _head(said: dict[str, Any], tokens: bytes, size: int) -> Head:
    return Head(said["key"], tokens, frozenset(said["labels"]), size, said["engine"], said["created"])


def _take(file: BinaryIO, length: int) -> bytearray:
    data = bytearray(length)
    _fill(file, memoryview(data))
    return data


def _fill(file: BinaryIO, view: memoryview) -> None:
    done = 0
    while done < len(view):
        count = file.readinto(view[done:])  # type: ignore[attr-defined]
        if not count:
            raise Damaged
        done += count
