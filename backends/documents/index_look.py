"""A look at the full-text index from outside, which leaves it as it is."""

import json
from dataclasses import dataclass
from pathlib import Path

from backends.core.errors import StorageError
from backends.documents.fulltext import check
from backends.documents.segments import LIST


@dataclass(frozen=True, slots=True)
class IndexLook:
    """`upto`: the last change of the library that is in it, None if there is no index yet. `sound`: every byte of its
    files is what was written."""

    upto: int | None
    segments: int = 0
    size: int = 0  # bytes
    sound: bool = True


def look(folder: Path, largest: int | None = None) -> IndexLook:
    """`folder`: that of `SearchIndex`. Files of more than `largest` bytes are not read. Raises StorageError if the disk
    refuses; what is damaged is no error."""
    found = IndexLook(None)
    for _ in range(2):  # what writes it may exchange files meanwhile
        found = _look(folder / "text", largest)
        if found.sound:
            break
    return found


def _look(folder: Path, largest: int | None) -> IndexLook:
    try:
        kept = json.loads((folder / LIST).read_text(encoding="utf-8"))
        names, upto = [str(name) for name in kept["segments"]], int(kept["upto"])
    except FileNotFoundError:
        return IndexLook(None)
    except (OSError, ValueError, KeyError, TypeError):
        return IndexLook(0, sound=False)
    size = 0
    for name in names:
        try:
            check(folder / name, largest)
            size += sum(path.stat().st_size for path in (folder / name).iterdir())
        except StorageError as error:
            if error.code != "index_damaged":
                raise
            return IndexLook(upto, len(names), size, sound=False)
        except FileNotFoundError:
            return IndexLook(upto, len(names), size, sound=False)
    return IndexLook(upto, len(names), size)
