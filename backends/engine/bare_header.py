"""A model's header without its vocabulary, for the dry run: llama.cpp takes three times as long to read 150,000 words
and their merges as for all the rest, and no size depends on them but by their number.
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from backends.core.files import lengthen

_STRING, _ARRAY, _UINT32, _UINT64 = 8, 9, 4, 10  # enum gguf_type
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_PADDING = 32  # bytes, where `general.alignment` says nothing else


class NotUnderstood(Exception):
    """This header has something that cannot be left out here. llama.cpp is to judge of it."""


@dataclass(slots=True)
class _Pieces:
    """What is kept of a header, and what was learned on the way."""

    entries: list[bytes] = field(default_factory=list)
    architecture: str = ""
    tokens: int = 0
    has_size: bool = False
    padding: int = _PADDING
    parts: int = 1


def write_bare(path: Path, folder: Path) -> list[Path]:
    """Write the bare header of `path` into `folder`, as long as the file is, the rest a hole.

    Gives all files that belong to the model, the bare one first. Raises NotUnderstood, OSError.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            head, pieces, rest = _bare(data)
    except (struct.error, UnicodeDecodeError, ValueError, KeyError) as error:
        raise NotUnderstood(str(error)) from error
    bare = folder / path.name
    with bare.open("wb") as file:
        file.write(head)
        lengthen(file, len(head) + rest)
    return [bare, *_others(path, pieces.parts)]


def _others(path: Path, count: int) -> list[Path]:
    first = f"-00001-of-{count:05}.gguf"
    if count > 1 and not path.name.endswith(first):
        raise NotUnderstood("not the first part")
    stem = path.name.removesuffix(first)
    return [path.with_name(f"{stem}-{number:05}-of-{count:05}.gguf") for number in range(2, count + 1)]


def _bare(data: mmap.mmap) -> tuple[bytes, _Pieces, int]:
    """The header, what was in it, and how many bytes of weights follow."""
    magic, version, tensors, entries = struct.unpack_from("<4sIQQ", data, 0)
    if magic != b"GGUF" or version not in (2, 3):
        raise NotUnderstood("not a GGUF of version 2 or 3")
    pieces, at = _Pieces(), 24
    for _ in range(entries):
        at = _take(data, at, pieces)
    infos = at
    for _ in range(tensors):
        at = _after_text(data, at)
        at += 4 + 8 * struct.unpack_from("<I", data, at)[0] + 12
    if at > len(data) or not pieces.architecture or not pieces.tokens or not pieces.padding:
        raise NotUnderstood("no vocabulary to leave out")
    kept = pieces.entries + list(_instead(pieces))
    head = b"".join((struct.pack("<4sIQQ", magic, version, tensors, len(kept)), *kept, data[infos:at]))
    head += bytes(-len(head) % pieces.padding)
    return head, pieces, max(0, len(data) - at - (-at % pieces.padding))


def _instead(pieces: _Pieces) -> Iterator[bytes]:
    yield _text("tokenizer.ggml.model") + struct.pack("<I", _STRING) + _text("none")
    if not pieces.has_size:
        yield _text(f"{pieces.architecture}.vocab_size") + struct.pack("<II", _UINT32, pieces.tokens)


def _take(data: mmap.mmap, at: int, pieces: _Pieces) -> int:
    """Keep the entry at `at`, unless it is of the vocabulary; gives where the next one begins."""
    begin, at = at, _after_text(data, at)
    key = data[begin + 8 : at].decode()
    (kind,) = struct.unpack_from("<I", data, at)
    value = at + 4
    end = _after_value(data, value, kind)
    if key == "general.architecture" and kind == _STRING:
        pieces.architecture = data[value + 8 : end].decode()
    elif key == "tokenizer.ggml.tokens" and kind == _ARRAY:
        pieces.tokens = struct.unpack_from("<Q", data, value + 4)[0]
    elif key == "general.alignment" and kind == _UINT32:
        pieces.padding = struct.unpack_from("<I", data, value)[0]
    elif key == "split.count" and kind in (2, _UINT32):
        pieces.parts = int.from_bytes(data[value:end], "little")
    elif key.endswith(".vocab_size"):
        pieces.has_size = True
    if not (key.startswith("tokenizer.") and kind in (_STRING, _ARRAY)):
        pieces.entries.append(data[begin:end])
    return end


def _after_value(data: mmap.mmap, at: int, kind: int) -> int:
    if kind == _STRING:
        return _after_text(data, at)
    if kind != _ARRAY:
        return at + _SIZES[kind]
    inner, count = struct.unpack_from("<IQ", data, at)
    at += 12
    if inner != _STRING:
        return at + _SIZES[inner] * count
    length = struct.Struct("<Q").unpack_from
    for _ in range(count):
        at += 8 + length(data, at)[0]
    return at


def _after_text(data: mmap.mmap, at: int) -> int:
    return at + 8 + struct.unpack_from("<Q", data, at)[0]


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<Q", len(encoded)) + encoded
