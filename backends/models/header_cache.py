"""Headers of models that are on a hub: each a folder with files that are named as llama.cpp wants the parts of a split.

    .<key>/entry.json                 the parts: name, size, bytes of its header
    .<key>/x-00001-of-00002.gguf      the header, then a hole up to the real size: llama.cpp reads it with `no_alloc`

`key` stands for the bytes of the model (their sha256 or ETag), so that an entry is never stale. The
folders are hidden ones, so that nobody who looks for models takes these for some. Those that were not used for longest
go when there are too many. Where a volume has no holes only the headers are kept, for the formulas.
"""

import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from backends.models import sparse

MOST_ENTRIES = 64
MOST_BYTES = 512 << 20  # of headers, which take 5 to 12 MB
_ENTRY = "entry.json"
_NEW = ".new-"
_LEFT = 3600.0  # seconds after which what is being made belongs to a process that has ended

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """One file: its `name` without a folder, its real `size` and how many `bytes` of it are its header."""

    name: str
    size: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Entry:
    folder: Path
    parts: tuple[Part, ...]
    holes: bool  # the files are as large as the real ones

    @property
    def path(self) -> Path | None:
        """What llama.cpp can be asked about, the first part of a split; None without holes."""
        return self.folder / self.parts[0].name if self.holes else None

    def head(self, name: str) -> tuple[bytes, int]:
        """The header of a part, and the real size of it. OSError if it cannot be read any more."""
        part = next(part for part in self.parts if part.name == name)
        with (self.folder / name).open("rb") as file:
            return file.read(part.bytes), part.size


class HeaderCache:
    """Processes share the folder; what one of them deletes another one fetches again."""

    def __init__(self, folder: Path, *, most_entries: int = MOST_ENTRIES, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_entries = most_entries
        self._most_bytes = most_bytes

    def find(self, identities: Sequence[str]) -> Entry | None:
        """The entry for files of these identities (a sha256 each, or what else names their bytes)."""
        folder = self._folder / _key(identities)
        entry = _read(folder)
        if entry is not None:
            try:
                os.utime(folder / _ENTRY)
            except OSError as error:
                log.info("a header is used that cannot be marked as used: %s", error)
        return entry

    def keep(self, identities: Sequence[str], parts: Sequence[tuple[str, bytes, int]]) -> Entry | None:
        """Keep (name, header, real size) of each part. None if nothing can be written: then there is no cache."""
        target = self._folder / _key(identities)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            holes = sparse.has_holes(self._folder)
            scratch = Path(tempfile.mkdtemp(dir=self._folder, prefix=_NEW))
            try:
                made = self._made(scratch, parts, holes)
                shutil.rmtree(target, ignore_errors=True)
                scratch.rename(target)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
        except OSError as error:
            log.warning("a header is not kept: %s", error)
            return _read(target)  # another process may have been faster
        self._tidy(target)
        return Entry(target, made, holes)

    def _made(self, folder: Path, parts: Sequence[tuple[str, bytes, int]], holes: bool) -> tuple[Part, ...]:
        for name, head, size in parts:
            sparse.write(folder / name, head, size if holes else len(head))
        made = tuple(Part(name, size, len(head)) for name, head, size in parts)
        said = {"holes": holes, "parts": [asdict(part) for part in made]}
        (folder / _ENTRY).write_text(json.dumps(said), encoding="utf-8")
        return made

    def _tidy(self, newest: Path) -> None:
        """Delete the entries that were not used for longest, and what killed processes left."""
        found = []
        for folder in self._folder.iterdir():
            if folder.name.startswith(_NEW):
                if folder.stat().st_mtime < time.time() - _LEFT:
                    shutil.rmtree(folder, ignore_errors=True)
                continue
            entry = _read(folder)
            if entry is not None:
                used = (folder / _ENTRY).stat().st_mtime if folder != newest else float("inf")
                found.append((used, sum(part.bytes for part in entry.parts), folder))
        taken = 0
        for number, (_, size, folder) in enumerate(sorted(found, reverse=True)):
            taken += size
            if folder != newest and (number >= self._most_entries or taken > self._most_bytes):
                shutil.rmtree(folder, ignore_errors=True)


def _key(identities: Sequence[str]) -> str:
    return "." + sha256("\n".join(identities).encode()).hexdigest()[:32]


def _read(folder: Path) -> Entry | None:
    """The entry in a folder; None if there is none, or not all of it."""
    try:
        said = json.loads((folder / _ENTRY).read_text(encoding="utf-8"))
        parts = tuple(Part(str(one["name"]), int(one["size"]), int(one["bytes"])) for one in said["parts"])
        entry = Entry(folder, parts, bool(said["holes"]))
        sizes = [(folder / part.name).stat().st_size for part in parts]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    whole = sizes == [part.size if entry.holes else part.bytes for part in parts]
    return entry if whole and parts else None
