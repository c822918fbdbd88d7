"""The full-text index of the library: several segments, each a small index of its own, and the change they are up to.

tantivy cannot be asked to merge, and what is deleted stays in its files until it does. So a segment is closed when it
holds 65,536 passages, and one with deleted passages is written anew from the store (`worn`, `swap`): deleting costs the
time of one segment, however large the library, and what is damaged is small. `text.json` names the segments and the
number of the last change that is in them. A kill between a segment's commit and that file does no harm: the changes
after that number are done again, each beginning with a delete.
"""

import contextlib
import json
import shutil
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.core.errors import StorageError
from backends.core.files import storage_error, write_file
from backends.documents import words
from backends.documents.fulltext import Reading, Segment, engine_version

FORM = 1
LIST = "text.json"  # of the segments, and how far they are
FULL = 65_536  # passages
_SMALL = FULL // 4
_MANY_SMALL = 4


@dataclass(frozen=True, slots=True)
class View:
    """All segments at one commit. `sequence`: of the last change that is in them."""

    sequence: int
    readings: tuple[Reading, ...]

    @property
    def passages(self) -> int:
        """Those that are deleted and still in the files, too: so does `frequency` count."""
        return sum(reading.passages for reading in self.readings)

    def frequency(self, term: str) -> int:
        return sum(reading.frequency(term) for reading in self.readings)


class Segments:
    """One thread at a time writes; `view` may be read by any."""

    def __init__(self, folder: Path, store_identity: str) -> None:
        """Opens what is there; what does not fit this program, this store or itself is begun anew."""
        self._folder = folder
        self._file = folder / LIST
        self._made_for = {
            "form": FORM,
            "words": words.fingerprint(),
            "engine": engine_version(),
            "store": store_identity,
        }
        self._lock = threading.Lock()
        self._segments: list[Segment] = []
        self._next = 1
        self._sealed = 0  # so many of the first ones take nothing more
        self._replaced: set[int] = set()
        self._added: set[int] = set()
        self._view = View(0, ())
        self._open()

    @property
    def view(self) -> View:
        with self._lock:
            return self._view

    @property
    def segments(self) -> tuple[Segment, ...]:
        return tuple(self._segments)

    # ---- opening

    def _open(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            kept = json.loads(self._file.read_text(encoding="utf-8"))
            if any(kept.get(key) != value for key, value in self._made_for.items()):
                raise ValueError("made for another")
            names, self._next, sequence = [str(name) for name in kept["segments"]], int(kept["next"]), int(kept["upto"])
            if not all((self._folder / name).is_dir() for name in names):
                raise ValueError("a segment is missing")
            self._segments = [Segment(self._folder / name) for name in names]
        except FileNotFoundError:
            self.begin_anew()
        except (ValueError, KeyError, TypeError, AttributeError):
            self.begin_anew()
        except StorageError as error:
            if error.code != "index_damaged":
                raise
            self.begin_anew()
        except OSError as error:
            raise storage_error(error, self._folder) from error
        else:
            full = bool(self._segments) and self._segments[-1].reading.passages >= FULL
            self._sealed = len(self._segments) - (bool(self._segments) and not full)
            self._remove_others()
            self._publish(sequence)

    def begin_anew(self) -> None:
        """Nothing is in it; all changes of the store are to be done again."""
        for segment in self._segments:
            with contextlib.suppress(StorageError):  # a damaged one goes, however it is
                segment.close()
        self._segments, self._sealed, self._replaced, self._added = [], 0, set(), set()
        self._publish(0)
        self._save(0)
        self._remove_others()

    def check(self) -> None:
        """Read every byte; StorageError (`index_damaged`)."""
        for segment in list(self._segments):
            segment.check()

    # ---- changes

    def replace(self, document_id: int) -> None:
        """What it had goes with the next commit; what is added from now on stays."""
        self._replaced.add(document_id)
        if self._segments and (document_id in self._added or self._segments[-1].reading.has_any([document_id])):
            self._segments[-1].delete([document_id])

    def add(self, document_id: int, passages: Iterable[tuple[int, str]]) -> None:
        """(passage, its terms)."""
        if self._sealed == len(self._segments):
            self._segments.append(self.new())
        self._added.add(document_id)
        self._segments[-1].add(passages)

    def commit(self, sequence: int) -> None:
        """Everything since the last one, on the disk and in `view`; it is up to that change."""
        replaced = sorted(self._replaced)
        if replaced:
            for segment in self._segments[:-1]:
                if segment.reading.has_any(replaced):
                    segment.delete(replaced)
                    segment.commit()
                    segment.close()
        if self._segments:
            self._segments[-1].commit()
            if self._segments[-1].reading.passages >= FULL:
                self.seal()
        self._replaced, self._added = set(), set()
        self._save(sequence)
        self._publish(sequence)

    def seal(self) -> None:
        """The last segment takes nothing more. After a commit only."""
        if self._segments:
            self._segments[-1].close()
        self._sealed = len(self._segments)

    # ---- writing segments anew

    def worn(self) -> list[Segment]:
        """Segments to be written anew as one: one that holds deleted passages, or small ones. Empty: none needs it."""
        for segment in self._segments:
            if segment.reading.passages > segment.reading.living:
                return [segment]
        small = [segment for segment in self._segments[: self._sealed] if segment.reading.living < _SMALL]
        return small[:_MANY_SMALL] if len(small) >= _MANY_SMALL else []

    @property
    def has_worn(self) -> bool:
        return any(reading.passages > reading.living for reading in self.view.readings)

    def new(self) -> Segment:
        number, self._next = self._next, self._next + 1
        return Segment(self._folder / f"{number:06d}")

    def swap(self, old: Sequence[Segment], new: Segment) -> None:
        """`new`, closed and committed, for `old`, which are sealed; their files go."""
        at = min(self._segments.index(segment) for segment in old)
        kept = [segment for segment in self._segments if segment not in old]
        if new.reading.living:
            kept.insert(at, new)
        self._sealed += (new.reading.living > 0) - len(old)
        self._segments = kept
        self._save(self._view.sequence)
        self._publish(self._view.sequence)
        self._remove_others()

    # ---- files

    def close(self) -> None:
        for segment in self._segments:
            segment.close()

    def discard(self, segment: Segment) -> None:
        """One that was not swapped in."""
        segment.close()
        shutil.rmtree(segment.folder, ignore_errors=True)

    def _save(self, sequence: int) -> None:
        names = [segment.folder.name for segment in self._segments]
        kept = {**self._made_for, "upto": sequence, "next": self._next, "segments": names}
        write_file(self._file, json.dumps(kept).encode())

    def _publish(self, sequence: int) -> None:
        with self._lock:
            self._view = View(sequence, tuple(segment.reading for segment in self._segments))

    def _remove_others(self) -> None:
        """Folders that no list names. On Windows one that a search still reads stays until the next time."""
        names = {segment.folder.name for segment in self._segments}
        for path in self._folder.iterdir():
            if path.is_dir() and path.name not in names:
                shutil.rmtree(path, ignore_errors=True)
