"""The course of the figures: each sample for a day, each minute for as long as the settings say.

Samples are kept in blocks of at most a minute, twice under the same number: `fine` holds each of them, `minutes` the
lowest, mean and highest of each figure. Blocks are numbered as they were sampled: a clock that is set back overwrites
nothing, and one that is set forward leaves a gap.
"""

import json
import logging
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.core.cancel import CancelToken
from backends.core.errors import StorageError
from backends.core.phrase import Phrase
from backends.monitor import statistics
from backends.monitor.blocks import Block, block_of, blocks
from backends.monitor.course import Course, joined, series
from backends.monitor.schema import MANNERS, MIGRATIONS
from backends.monitor.statistics import Sums
from backends.monitor.types import Day, Sample, Series
from backends.storage.database import Connected, Database

if TYPE_CHECKING:
    from numpy import ndarray

log = logging.getLogger(__name__)

DAY = 86_400.0  # seconds
COARSE = 30.0  # seconds of a step, from which on minutes are fine enough ...
FINE = 2 * 3600.0  # ... as they are of any time that is longer: a minute is some dots wide, and samples take long
_LONGEST = 120.0  # seconds; no block is longer
_BLOCKS = 4 * 1440  # a day; more are not kept, whatever the clock says
_HOUR = 60  # blocks
_WANTED = "start BETWEEN ? AND ? AND end >= ? AND (? IS NULL OR id < ?)"  # with `_wanted`


class History:
    """In `path`, which is opened with the first use. Any thread may use it. What is damaged is put aside and begun
    anew, and `notices` says so. Raises StorageError as Database does."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database: Database | None = None
        self._lock = threading.Lock()
        self._notices: list[Phrase] = []

    @property
    def notices(self) -> tuple[Phrase, ...]:
        return tuple(self._notices)

    def close(self) -> None:
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    def _open(self) -> Database:
        with self._lock:
            if self._database is None:
                self._database = Database(self._path, MIGRATIONS, MANNERS)
                self._notices += self._database.notices
            return self._database

    def mend(self, error: StorageError) -> bool:
        """Open the file again, which puts a damaged one aside. False: that is not what is wrong."""
        if error.code != "database_damaged":
            return False
        self.close()
        before = len(self._notices)
        with suppress(StorageError):  # who asks next gets it
            self._open()
        return len(self._notices) > before

    # ---- writing

    def write(self, samples: Sequence[Sample], sums: Sums, keep_days: int) -> None:
        """In one transaction. Samples and sums must not be written again then."""
        with self._open().atomic() as connection:
            for block in blocks(samples):
                self._add(connection, block)
            statistics.add(connection, sums)
            self._prune(connection, keep_days)

    def _add(self, connection: Connected, block: Block) -> None:
        names = json.dumps(block.names)
        connection.execute("INSERT OR IGNORE INTO layouts (names) VALUES (?)", (names,))
        layout = connection.execute("SELECT id FROM layouts WHERE names = ?", (names,)).fetchone()["id"]
        row = connection.execute(
            "INSERT INTO minutes (start, end, layout, figures) VALUES (?, ?, ?, ?)",
            (block.start, block.end, layout, block.minutes()),
        )
        connection.execute(
            "INSERT INTO fine VALUES (?, ?, ?, ?, ?, ?)",
            (row.lastrowid, block.start, block.end, layout, len(block.until), block.fine()),
        )

    def _prune(self, connection: Connected, keep_days: int) -> None:
        """By the earliest time of the newest blocks: a clock that is wrong for a moment forgets nothing."""
        count, newest, now = connection.execute(
            "SELECT count(*), max(id), min(end) FROM (SELECT id, end FROM minutes ORDER BY id DESC LIMIT ?)", (_HOUR,)
        ).fetchone()
        if count < _HOUR:
            return
        connection.execute("DELETE FROM fine WHERE end < ? OR id <= ?", (now - DAY, newest - _BLOCKS))
        connection.execute(
            "DELETE FROM minutes WHERE end < ? OR id <= ?", (now - keep_days * DAY, newest - keep_days * _BLOCKS)
        )
        statistics.prune(connection, now)

    def erase(self) -> None:
        """All of it, the copies too."""
        database = self._open()
        with database.atomic() as connection:
            for table in ("fine", "minutes", "layouts", "days"):
                connection.execute(f"DELETE FROM {table}")
        database.connection().execute("PRAGMA incremental_vacuum").fetchall()
        database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        database.forget_copies()

    # ---- reading

    def names(self) -> tuple[str, ...]:
        """Of all figures that were ever kept."""
        return tuple(dict.fromkeys(name for names in self._layouts().values() for name in names))

    def days(self, since: str | None) -> tuple[Day, ...]:
        return statistics.read(self._open().connection(), since)

    def read(
        self,
        unsaved: Sequence[Sample],
        names: Sequence[str],
        start: float,
        end: float,
        steps: int,
        cancel: CancelToken,
    ) -> tuple[Series, ...]:
        """`unsaved`: what was not written yet."""
        parts: list[Course] = []
        oldest: int | None = None
        if (end - start) / steps < COARSE and end - start <= FINE:
            oldest = self._oldest_fine()
            parts += [_course(block, names) for block in self.fine(start, end, cancel)]
        parts += [_course(block, names) for block in blocks(unsaved)]
        parts += self._minutes(names, start, end, oldest, cancel)
        return series(names, joined(parts) if parts else None, start, end, steps)

    def fine(self, start: float, end: float, cancel: CancelToken) -> Iterator[Block]:
        """Samples of the last day that lie in this time, or near it, in the order in which they were sampled."""
        layouts = self._layouts()
        rows = (
            self._open()
            .connection()
            .execute(
                "SELECT layout, count, samples FROM fine WHERE start BETWEEN ? AND ? AND end >= ? ORDER BY id",
                (start - _LONGEST, end, start),
            )
        )
        for row in rows:
            cancel.check()
            try:
                yield block_of(layouts[row["layout"]], row["count"], row["samples"])
            except (ValueError, KeyError, zlib.error) as error:
                log.warning("some figures of the past cannot be read: %s", error)

    def coarse(self, start: float, end: float, cancel: CancelToken) -> Iterator[Block]:
        """The means of minutes of which the samples are not kept any more, in the order in which they were sampled."""
        import numpy as np

        layouts, wanted = self._layouts(), _wanted(start, end, self._oldest_fine())
        for row in self._open().connection().execute(f"SELECT * FROM minutes WHERE {_WANTED} ORDER BY id", wanted):
            cancel.check()
            names = layouts.get(row["layout"], ())
            if _is_whole(row, names):
                mean = np.frombuffer(row["figures"], "<f4").reshape(3, -1)[1]
                yield Block(names, np.array([row["end"]]), np.array([row["end"] - row["start"]]), mean[:, None])

    def _minutes(
        self, names: Sequence[str], start: float, end: float, before: int | None, cancel: CancelToken
    ) -> Iterator[Course]:
        """Minutes with a number below `before` (None: all), those of one layout together."""
        import numpy as np

        query = f"SELECT start, end, figures FROM minutes WHERE {_WANTED} AND layout = ? ORDER BY id"
        for layout, known in self._layouts().items():
            cancel.check()
            rows = self._open().connection().execute(query, (*_wanted(start, end, before), layout)).fetchall()
            rows = [row for row in rows if _is_whole(row, known)]
            if not rows:
                continue
            figures = np.frombuffer(b"".join(row["figures"] for row in rows), "<f4")
            figures = figures.reshape(len(rows), 3, len(known)).astype(float)
            times = np.array([(row["start"], row["end"]) for row in rows])
            low, mean, high = (_chosen(figures[:, n].T, known, names) for n in range(3))
            yield Course(times[:, 0], times[:, 1], low, mean, high)

    def _oldest_fine(self) -> int | None:
        return self._open().connection().execute("SELECT min(id) AS oldest FROM fine").fetchone()["oldest"]

    def _layouts(self) -> dict[int, tuple[str, ...]]:
        rows = self._open().connection().execute("SELECT id, names FROM layouts ORDER BY id").fetchall()
        return {row["id"]: tuple(json.loads(row["names"])) for row in rows}


def _wanted(start: float, end: float, before: int | None) -> tuple[float | None, ...]:
    """What lies in this time, or near it; `before`: with a smaller number."""
    return start - _LONGEST, end, start, before, before


def _is_whole(row: Any, names: Sequence[str]) -> bool:
    """Three float32 for each name; else it is damaged."""
    return len(row["figures"]) == 12 * len(names) > 0


def _course(block: Block, names: Sequence[str]) -> Course:
    values = _chosen(block.values, block.names, names)
    return Course(block.until - block.spans, block.until, values, values, values)


def _chosen(values: "ndarray", known: Sequence[str], names: Sequence[str]) -> "ndarray":
    """Rows of these names; NaN where there is none."""
    import numpy as np

    places = {name: n for n, name in enumerate(known)}
    chosen = np.full((len(names), values.shape[1]), np.nan)
    for n, name in enumerate(names):
        if name in places:
            chosen[n] = values[places[name]]
    return chosen
