"""The figures of a time as a table for other programs: CSV (RFC 4180), UTF-8 with a byte order mark, for Excel.

One line a sample, or a minute where samples are not kept any more; in the order in which they were sampled. The first
columns are the time with its zone (ISO 8601) and the seconds that the line stands for; then one column a figure, its
unit in the header. A figure that was not told is empty.
"""

import math
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.files import storage_error
from backends.monitor.blocks import Block, blocks
from backends.monitor.columns import Unit, unit
from backends.monitor.history import History
from backends.monitor.types import Sample

_HEADERS: Mapping[Unit, str] = {"share": "%", "": "count"}
_WHOLE: tuple[Unit, ...] = ("bytes", "bytes/s", "cells", "")


@dataclass(frozen=True, slots=True)
class Exported:
    """So many lines so far; the last one with the `path` of the file."""

    rows: int
    fraction: float
    path: Path | None = None


def export(
    history: History, unsaved: Sequence[Sample], path: Path, start: float, end: float, *, cancel: CancelToken
) -> Iterator[Exported]:
    """Write it beside and put it in its place when it is whole; cancelled, there is nothing. Raises StorageError."""
    import csv

    try:
        descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(descriptor, "w", encoding="utf-8-sig", newline="") as file:
                rows = 0
                for rows, at in _lines(history, unsaved, start, end, csv.writer(file).writerow, cancel):
                    yield Exported(rows, min(1.0, max(0.0, (at - start) / (end - start))) if end > start else 1.0)
                file.flush()
                os.fsync(file.fileno())
            Path(part).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(part).unlink()
            raise
    except OSError as error:
        raise storage_error(error, path) from error
    yield Exported(rows, 1.0, path)


def _lines(
    history: History,
    unsaved: Sequence[Sample],
    start: float,
    end: float,
    write: Callable[[Sequence[str]], object],
    cancel: CancelToken,
) -> Iterator[tuple[int, float]]:
    """Told once a block: lines so far, and the time that was come to."""
    latest = tuple(blocks(unsaved))
    names = tuple(dict.fromkeys([*history.names(), *(name for block in latest for name in block.names)]))
    units: list[Unit] = [unit(name) for name in names]
    titles = [f"{name} [{_HEADERS.get(each, each)}]" for name, each in zip(names, units, strict=True)]
    write(["time", "seconds [s]", *titles])
    rows = 0
    for block in _all(history, latest, start, end, cancel):
        cancel.check()
        columns = [block.names.index(name) if name in block.names else None for name in names]
        for n, at in enumerate(block.until.tolist()):
            if start <= at <= end:
                cells = [
                    "" if column is None else _cell(float(block.values[column, n]), each)
                    for column, each in zip(columns, units, strict=True)
                ]
                write([_time(at), f"{block.spans[n]:.3f}", *cells])
                rows += 1
        yield rows, block.end


def _all(history: History, latest: Sequence[Block], start: float, end: float, cancel: CancelToken) -> Iterator[Block]:
    yield from history.coarse(start, end, cancel)
    yield from history.fine(start, end, cancel)
    yield from latest


def _time(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().isoformat(timespec="milliseconds")


def _cell(value: float, unit: Unit) -> str:
    if math.isnan(value):
        return ""
    if unit in _WHOLE:
        return f"{value:.0f}"
    return f"{value * 100:.2f}" if unit == "share" else f"{value:.3f}"
