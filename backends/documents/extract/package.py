"""Zip packages (OOXML, EPUB, OpenDocument), opened so that a hostile one costs nothing (SEC-44).

At most 200 MiB unpacked, 5,000 entries, each at most 100 times its packed size; no package within a package, no
absolute names, no `..`, no two entries in the same bytes. What an entry says of its size is not believed: it is counted
while it is read. Pictures, sound, film and fonts, which are never unpacked here, do not count if they are packed
loosely, as such files are.
"""

import io
import itertools
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import unquote

from backends.documents.extract import refusals
from backends.documents.extract.asked import MIB

UNPACKED = 200 * MIB
ENTRIES = 5000
RATIO = 100
PART = 48 * MIB  # bytes of a part that is read as a whole
_SMALL = MIB  # an entry below this may be packed as tightly as it likes
_DIRECTORY = 4 * MIB  # bytes of the list of entries
_MEDIA = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".emf", ".wmf", ".webp", ".wdp", ".svm", ".mp3")
_MEDIA += (".mp4", ".m4a", ".m4v", ".mov", ".avi", ".wmv", ".wma", ".wav", ".mpg", ".mpeg", ".ogg", ".otf", ".ttf")
_MEDIA += (".woff", ".woff2", ".odttf", ".fntdata", ".bin", ".heic", ".mkv", ".webm")
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NESTED = (b"PK\x03\x04", b"PK\x05\x06")
_PACKED = (".zip", ".gz", ".tgz", ".7z", ".rar", ".xz", ".bz2", ".jar")
_OFFICE = (".docx", ".xlsx", ".pptx", ".epub", ".odt", ".ods", ".odp")
_EMBEDDED = ("embeddings/", "activex/", "/object")  # where Office puts workbooks and others that are shown as pictures
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, UnicodeDecodeError, ValueError)


@dataclass(frozen=True, slots=True)
class Relation:
    """`kind`: the last word of its type, as `slide`. `target`: the name of a part; of what lies outside, as it is."""

    id: str
    kind: str
    target: str
    outside: bool


class Package:
    """An open package. Raises damaged_file, too_large, encrypted, unreadable_file."""

    def __init__(self, path: Path) -> None:
        with _clear():
            _look_at_directory(path)
            self._zip = zipfile.ZipFile(path)
        self._left = UNPACKED
        self._entries: dict[str, zipfile.ZipInfo] = {}
        with _clear(self._zip):
            self._admit(path.stat().st_size)

    def __enter__(self) -> "Package":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def names(self) -> list[str]:
        return [entry.filename for entry in self._entries.values()]

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._entries

    def size(self, name: str) -> int:
        """Bytes it says it unpacks to; 0 if it is not there."""
        entry = self._entries.get(name.lower())
        return entry.file_size if entry else 0

    def stream(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """To read a part from its beginning. Reading raises as opening does; a part that is not there is damage."""
        return self._stream(name)

    @contextmanager
    def _stream(self, name: str) -> Iterator[IO[bytes]]:
        entry = self._entries.get(name.lower())
        if entry is None:
            raise refusals.damaged()
        with _clear():
            raw = self._zip.open(entry)
        with raw:
            yield io.BufferedReader(_Counted(raw, entry, self), 65536)

    def read(self, name: str, most: int = PART) -> bytes:
        """A whole part; b"" if it is not there. Longer than `most`: too_large."""
        if name not in self:
            return b""
        with self.stream(name) as stream:
            data = stream.read(most + 1)
        if len(data) > most:
            raise refusals.too_large()
        return data

    def relations(self, part: str) -> list[Relation]:
        """What a part refers to (OPC, ECMA-376 part 2, 9.3); those of the package itself for ""."""
        from backends.documents.extract import xmltree

        folder, name = posixpath.split(part)
        data = self.read(posixpath.join(folder, "_rels", f"{name}.rels"))
        found = []
        for one in xmltree.parse(data) if data else ():
            target, outside = one.get("Target", ""), one.get("TargetMode") == "External"
            kind = one.get("Type", "").rpartition("/")[2]
            if not outside:
                target = within(folder, target)
            found.append(Relation(one.get("Id", ""), kind, target, outside))
        return found

    def spend(self, size: int) -> None:
        """`size` bytes were unpacked. Parts read twice count twice, so the limit is generous here."""
        self._left -= size
        if self._left < -UNPACKED:
            raise refusals.too_large()

    def _admit(self, size: int) -> None:
        """Refuse what the list of entries of a file of `size` bytes gives away."""
        entries = self._zip.infolist()
        if len(entries) > ENTRIES:
            raise refusals.too_large()
        total, spans = 0, []
        for entry in entries:
            name = entry.filename.replace("\\", "/")
            if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/"):
                raise refusals.damaged()
            if not 0 <= entry.header_offset <= size - entry.compress_size:
                raise refusals.damaged()
            if entry.flag_bits & 1:
                raise refusals.locked()
            loose = name.lower().endswith(_MEDIA) and entry.file_size <= 4 * entry.compress_size
            total += 0 if loose else entry.file_size
            embedded = any(folder in name.lower() for folder in _EMBEDDED)
            if name.lower().endswith(_PACKED) or (name.lower().endswith(_OFFICE) and not embedded):
                raise refusals.too_large()
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise refusals.damaged()
            tight = entry.file_size > _SMALL and entry.file_size > RATIO * max(entry.compress_size, 1)
            if tight or total > UNPACKED:
                raise refusals.too_large()
            if entry.compress_size:
                spans.append((entry.header_offset, entry.header_offset + entry.compress_size))
            entry.filename = name
            self._entries.setdefault(name.lower(), entry)
        spans.sort()
        if any(end > start for (_, end), (start, _) in itertools.pairwise(spans)):
            raise refusals.too_large()  # entries that share bytes are a bomb (D. Fifield, "A better zip bomb", 2019)


class _Counted(io.RawIOBase):
    """An entry as it unpacks, no longer than it says it is."""

    def __init__(self, raw: IO[bytes], entry: zipfile.ZipInfo, package: Package) -> None:
        self._raw, self._entry, self._package = raw, entry, package
        self._read = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._read

    def readinto(self, into) -> int:
        try:
            data = self._raw.read(len(into))
        except _DAMAGED as error:
            raise refusals.damaged() from error
        if not self._read:
            embedded = any(folder in self._entry.filename.lower() for folder in _EMBEDDED)
            if data.startswith(_NESTED) and not embedded:
                raise refusals.too_large()
        self._package.spend(len(data))
        self._read += len(data)
        into[: len(data)] = data
        return len(data)


def within(folder: str, target: str) -> str:
    """The name of the part that `target`, written in a part of `folder`, means."""
    target = unquote(target.split("#")[0]).replace("\\", "/")
    return posixpath.normpath(target if target.startswith("/") else posixpath.join("/", folder, target)).lstrip("/")


@contextmanager
def _clear(opened: zipfile.ZipFile | None = None) -> Iterator[None]:
    """Whatever the zip library says of a damaged file becomes damaged_file."""
    try:
        yield
    except BaseException as error:
        if opened is not None:
            opened.close()
        if isinstance(error, _DAMAGED):
            raise refusals.damaged() from error
        raise


def _look_at_directory(path: Path) -> None:
    """Refuse a list of entries that is too long before anybody builds it (APPNOTE.TXT, 4.3.14 to 4.3.16)."""
    with path.open("rb") as file:
        if file.read(8) == _COMPOUND:
            raise refusals.locked()  # an Office package under a password ([MS-OFFCRYPTO] 2.3)
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - 65557 - 20))
        tail = file.read()
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or at + 22 > len(tail):
            raise refusals.damaged()
        count, length = struct.unpack_from("<HI", tail, at + 10)
        if at >= 20 and tail[at - 20 : at - 16] == b"PK\x06\x07":
            file.seek(min(struct.unpack_from("<Q", tail, at - 12)[0], size))
            record = file.read(56)
            if len(record) == 56 and record.startswith(b"PK\x06\x06"):
                count, length = struct.unpack_from("<Q", record, 32)[0], struct.unpack_from("<Q", record, 40)[0]
    if count > ENTRIES or length > _DIRECTORY:
        raise refusals.too_large()
