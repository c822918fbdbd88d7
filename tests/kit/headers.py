"""GGUF headers to tear apart: read one with the `gguf` package, change anything, write it back byte by byte.

Independent of the reader under test, and willing to write what no honest writer would.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from gguf import GGUFReader, GGUFValueType

Kind = GGUFValueType

_CODES = {
    Kind.UINT8: "B", Kind.INT8: "b", Kind.UINT16: "H", Kind.INT16: "h", Kind.UINT32: "I", Kind.INT32: "i",
    Kind.FLOAT32: "f", Kind.BOOL: "?", Kind.UINT64: "Q", Kind.INT64: "q", Kind.FLOAT64: "d",
}  # fmt: skip


@dataclass(slots=True)
class Entry:
    """One key with its value as it stands in the file. `kind` may be a number that no format knows."""

    kind: int
    value: bytes


@dataclass(slots=True)
class TensorInfo:
    name: bytes
    dimensions: list[int]
    kind: int
    offset: int

    def bytes(self) -> bytes:
        dimensions = b"".join(struct.pack("<Q", dimension) for dimension in self.dimensions)
        head = struct.pack("<Q", len(self.name)) + self.name + struct.pack("<I", len(self.dimensions))
        return head + dimensions + struct.pack("<IQ", self.kind, self.offset)


@dataclass(slots=True)
class Draft:
    """A GGUF in pieces. Counts are those of the pieces unless set; `extra` keys may repeat others."""

    entries: dict[str, Entry]
    tensors: list[TensorInfo]
    data: bytes
    magic: bytes = b"GGUF"
    version: bytes = struct.pack("<I", 3)
    entry_count: int | None = None
    tensor_count: int | None = None
    extra: list[tuple[bytes, Entry]] = field(default_factory=list)

    @classmethod
    def of(cls, path: Path) -> "Draft":
        reader = GGUFReader(path)
        entries = {
            name: _entry(field.types, field.contents())
            for name, field in reader.fields.items()
            if not name.startswith("GGUF.")
        }
        start = reader.data_offset
        tensors = [
            TensorInfo(
                one.name.encode(), [int(n) for n in one.shape], int(one.tensor_type), int(one.data_offset) - start
            )
            for one in reader.tensors
        ]
        return cls(entries, tensors, path.read_bytes()[start:])

    def set(self, key: str, kind: Kind, value: Any) -> None:
        self.entries[key] = Entry(int(kind), scalar(kind, value))

    def set_array(self, key: str, kind: Kind, values: list[Any]) -> None:
        self.entries[key] = Entry(int(Kind.ARRAY), array(kind, values))

    def tensor(self, name: str) -> TensorInfo:
        return next(one for one in self.tensors if one.name == name.encode())

    def header(self) -> bytes:
        pairs = [(key.encode(), entry) for key, entry in self.entries.items()] + self.extra
        entry_count = len(pairs) if self.entry_count is None else self.entry_count
        tensor_count = len(self.tensors) if self.tensor_count is None else self.tensor_count
        parts = [self.magic, self.version, struct.pack("<QQ", tensor_count, entry_count)]
        for key, entry in pairs:
            parts += [struct.pack("<Q", len(key)), key, struct.pack("<I", entry.kind), entry.value]
        parts += [tensor.bytes() for tensor in self.tensors]
        return b"".join(parts)

    def bytes(self) -> bytes:
        head = self.header()
        return head + bytes(-len(head) % 32) + self.data


def text(value: str | bytes) -> bytes:
    encoded = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(encoded)) + encoded


def scalar(kind: Kind, value: Any) -> bytes:
    return text(value) if kind == Kind.STRING else struct.pack("<" + _CODES[kind], value)


def array(kind: Kind, values: list[Any], *, length: int | None = None) -> bytes:
    count = len(values) if length is None else length
    return struct.pack("<IQ", int(kind), count) + b"".join(scalar(kind, value) for value in values)


def _entry(types: list[Kind], value: Any) -> Entry:
    if types[0] == Kind.ARRAY:
        return Entry(int(Kind.ARRAY), array(types[1], list(value)))
    return Entry(int(types[0]), scalar(types[0], value))


NASTY = (0, 1, 2, 3, 5, 7, 255, 256, 65535, 65536, 100000, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63, 2**64 - 1)


def torn(whole: bytes, header: int, random: Random) -> bytes:
    """`whole` with one to three random changes in its first `header` bytes, and sometimes cut off."""
    made = bytearray(whole)
    changes: tuple[Callable[[int], None], ...] = (
        lambda at: made.__setitem__(at, random.randrange(256)),
        lambda at: made.__setitem__(at, made[at] ^ 1 << random.randrange(8)),
        lambda at: made.__setitem__(slice(at, at + 4), struct.pack("<I", random.choice(NASTY) & 0xFFFFFFFF)),
        lambda at: made.__setitem__(slice(at, at + 8), struct.pack("<Q", random.choice(NASTY))),
        lambda at: made.__delitem__(slice(at, at + random.randrange(1, 40))),
        lambda at: made.__setitem__(slice(at, at), random.randbytes(random.randrange(1, 40))),
        lambda at: made.__setitem__(slice(at, at), made[at : at + random.randrange(1, 400)]),
    )
    for _ in range(random.randint(1, 3)):
        random.choice(changes)(random.randrange(min(header, len(made))))
    return bytes(made[: random.randrange(len(made))] if random.random() < 0.1 else made)
