"""`python -m backends.documents.look_child`: the process that looks at files (looking.py).

A drive that is gone may never answer, and nobody can call that off: it is this process that waits then, and is ended.
"""

import hashlib
import os
import stat
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

from backends.core.child import serve
from backends.documents.extract.formats import supported
from backends.documents.rows import batches

MODULE = "backends.documents.look_child"
SORTED = 4096  # names of a folder that are brought in order; more come in several such heaps
SMALL = 1 << 20  # bytes of a file that is hashed along with others
_PIECE = 1 << 18  # bytes
_PAUSE = 0.2  # seconds after which there is a word of what takes longer
_SYSTEM = frozenset({"$RECYCLE.BIN", "System Volume Information", "__MACOSX", "node_modules", "__pycache__"})

Answers = Iterator[Mapping[str, Any]]


def main() -> None:
    serve({"look": look, "list": list_folder, "first gone": first_gone})


def look(request: dict[str, Any]) -> Answers:
    """Of each of "wanted" [path, `looking.Purpose`, size, modified] what `looking.Look` has, or its "error" [number,
    text]: "looks", some at once (each wakes who waits), or "each" alone. While a file is hashed empty ones come."""
    looks: list[Mapping[str, Any]] = []
    since = time.monotonic()
    for path, purpose, size, modified in request["wanted"]:
        try:
            if purpose == "inside":
                with os.scandir(path) as entries:
                    looks.append({"kind": "folder", "empty": next(entries, None) is None})
            else:
                found = os.stat(path)  # noqa: PTH116 - many
                digest = ""
                if stat.S_ISREG(found.st_mode) and (
                    purpose == "digest"
                    or (
                        purpose == "news"
                        and found.st_size <= SMALL
                        and (found.st_size, found.st_mtime) != (size, modified)
                    )
                ):
                    digest = yield from _digest(path)
                looks.append(_look(found, digest))
        except OSError as error:
            kind = "gone" if _is_gone(path) else "unknown"
            looks.append({"kind": kind, "error": [error.errno or 0, error.strerror or ""]})
        except ValueError:  # no name that a file can have
            looks.append({"kind": "unknown", "error": [0, ""]})
        if request["each"] or time.monotonic() - since > _PAUSE:
            yield {"looks": looks}
            looks, since = [], time.monotonic()
    yield {"looks": looks}


def list_folder(request: dict[str, Any]) -> Answers:
    """What is in "folder" and of a kind that can be read, by name, without what is hidden or the system's own: "files",
    "links" that may lead to some (nobody looks where), "folders"; an "error" ends it."""
    try:
        with os.scandir(request["folder"]) as entries:
            seen = (each for each in entries if not each.name.startswith(".") and each.name not in _SYSTEM)
            for heap in batches(seen, SORTED):
                named: dict[str, list[str]] = {"files": [], "links": [], "folders": []}
                for entry in heap:
                    if what := _what(entry):
                        named[what].append(entry.name)
                yield {what: sorted(names) for what, names in named.items()}
    except OSError as error:
        yield {"error": [error.errno or 0, error.strerror or ""]}


def first_gone(request: dict[str, Any]) -> Answers:
    """The first of "paths" that is really not there, or None."""
    yield {"path": next((path for path in request["paths"] if _is_gone(path)), None)}


def _what(entry: "os.DirEntry[str]") -> str:
    """Pipes and devices are nothing: they would be waited for. Links to folders might lead back."""
    try:
        if entry.is_dir(follow_symlinks=False):
            return "folders"
        if not supported(Path(entry.name)):
            return ""
        return "links" if entry.is_symlink() else "files" if entry.is_file(follow_symlinks=False) else ""
    except OSError:
        return ""


def _look(found: os.stat_result, digest: str) -> dict[str, Any]:
    mode = found.st_mode
    return {
        "kind": "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "other",
        "size": found.st_size,
        "modified": found.st_mtime,
        "modified_ns": found.st_mtime_ns,
        "digest": digest,
    }


def _is_gone(path: str) -> bool:
    """Really not there: a drive that fails, or a folder that may not be looked into, says something else."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


def _digest(path: str) -> Generator[Mapping[str, Any], None, str]:
    """sha256, hexadecimal. Raises OSError."""
    digest, since = hashlib.sha256(), time.monotonic()
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            if time.monotonic() - since > _PAUSE:
                yield {}
                since = time.monotonic()
    return digest.hexdigest()


if __name__ == "__main__":
    main()
