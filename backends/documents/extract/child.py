"""`python -m backends.documents.extract.child`: the process in which files are read (backends/core/child.py).

It is asked for one file after the other. The module of a format, and the library behind it, are imported when the
first file of it comes. An answer is a batch of events: lists whose first word says which (`said`, `heard`).
"""

import errno
import importlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from backends.core.child import serve
from backends.documents.extract import refusals
from backends.documents.extract.asked import Asked
from backends.documents.extract.confining import Allowance, leave_network, peak
from backends.documents.extract.detect import detect
from backends.documents.extract.formats import READERS
from backends.documents.extract.sections import tidy
from backends.documents.types import Closed, Opened, ReadEvent, Reading, Section

MODULE = "backends.documents.extract.child"
_BATCH = 131_072  # characters of text in an answer: below 1 MiB of JSON, however it is written
_PAUSE = 0.2  # seconds after which what there is, is said


def main() -> None:
    leave_network()
    serve({"read": read})


def read(request: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Batches of `said` events of the file at "path"; the last has "peak", bytes of memory this process had at most."""
    path, asked = Path(request["path"]), Asked.heard(request["asked"])
    batch: list[list[Any]] = []
    held, steps, since = 0, 0, time.monotonic()
    try:
        allowance = Allowance(asked, path.stat().st_size)
        for event in _events(path, asked):
            batch.append(said(event))
            held += len(event.text) if isinstance(event, Section) else 0
            steps += isinstance(event, Reading)
            late = time.monotonic() - since > _PAUSE or (steps and asked.recognise)  # each such page takes seconds
            if held >= _BATCH or len(batch) >= 1000 or late:
                yield {"events": batch}
                allowance.earn(steps)
                batch, held, steps, since = [], 0, 0, time.monotonic()
    except OSError as error:
        raise (refusals.too_large() if error.errno == errno.ENOMEM else refusals.unreadable(error)) from error
    except ModuleNotFoundError as error:
        raise refusals.no_library(error.name or "?") from error
    except (MemoryError, RecursionError) as error:
        raise refusals.too_large() from error
    yield {"events": batch, "peak": peak()}


def _events(path: Path, asked: Asked) -> Iterator[ReadEvent]:
    format = asked.format or detect(path)
    if not path.stat().st_size:
        return tidy((), format, 0)
    module = importlib.import_module(f"backends.documents.extract.{READERS[format]}")
    asked = Asked(format, asked.password, asked.recognise, asked.limits)
    return tidy(module.read(path, asked), format, asked.limits.characters)


def said(event: ReadEvent) -> list[Any]:
    match event:
        case Section(text, page, label, headings, kind, recognised):
            return ["s", text, page, label, headings, kind, recognised]
        case Reading(done, total):
            return ["r", done, total]
        case Opened(format, title, pages, dated):
            return ["o", format, title, pages, dated]
        case Closed(pages, unread):
            return ["c", pages, unread]


def heard(told: list[Any]) -> ReadEvent:
    """The event that `said` made this of."""
    what, *rest = told
    if what == "s":
        text, page, label, headings, kind, recognised = rest
        return Section(text, page, label, tuple(headings), kind, recognised)
    if what == "r":
        return Reading(*rest)
    if what == "o":
        return Opened(*rest)
    return Closed(rest[0], tuple(rest[1]))


if __name__ == "__main__":
    main()
