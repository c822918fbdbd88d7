"""The vectors of one embedder, in files that are read as memory: half floats, a row a passage, in the order they came.

The nearest are found in two steps. Where many rows are asked for, the sign of every component (a bit; less the mean of
that component, which many embedders have far from zero) is compared with the question's, 64 at a time, and only the
rows with the fewest differences are multiplied out: numpy turns half floats into floats slowly (100,000 rows of 384:
290 ms), bits are counted in 0.3 ms. Few rows are multiplied out at once. A row of a document that is gone is
overwritten by zeros.

    rows.f16    rows x dimensions half floats       rows.ids   the passage of each row, 0: gone
    rows.bits   blocks of 65,536 rows: 64-bit word w of all rows, then word w + 1 …
    rows.json   how many rows count, and up to which change and run of the store
"""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.core.errors import StorageError
from backends.core.files import lengthen, storage_error, write_file
from backends.documents.types import PASSAGE_BITS

FORM = 1
BLOCK = 65_536  # rows
EXACT = 6_000_000  # components; so many are multiplied out at once
CHOSEN = 2_000  # rows that the bits choose, at least
_AT_ONCE = 4_096  # rows
_ASKED_AT_ONCE = 256  # rows; as floats they stay in the cache of a core


@dataclass(frozen=True, slots=True)
class Rows:
    """The matrix as it was at one commit; any thread may search it."""

    count: int
    dimensions: int
    sequence: int  # of the last change of the store that is in it
    halves: Any  # uint16, count x dimensions
    ids: Any  # uint64
    documents: Any  # int64
    bits: Any  # uint64, blocks x words x BLOCK; None: too few rows
    mean: Any  # float32

    def nearest(
        self, question: bytes, limit: int, scope: Sequence[int] | None, without: Iterable[int]
    ) -> list[tuple[int, float]]:
        """(passage, cosine), the nearest first. `scope`: documents, ascending, as an array of 64-bit numbers."""
        import numpy as np

        asked = np.frombuffer(question, "<f4")
        if not self.count or len(asked) != self.dimensions:
            return []
        allowed = self._allowed(scope, without)
        many = int(np.count_nonzero(allowed))
        if self.bits is None or many * self.dimensions <= EXACT:
            chosen = np.flatnonzero(allowed)
        else:
            chosen = self._alike(asked, allowed, max(CHOSEN, 10 * limit))
        if not len(chosen):
            return []
        scores = np.empty(len(chosen), np.float32)
        for at in range(0, len(chosen), _ASKED_AT_ONCE):  # `@` would wait for other threads: long, where these are busy
            some = chosen[at : at + _ASKED_AT_ONCE]
            np.vecdot(floats(self.halves[some]), asked, out=scores[at : at + len(some)])
        if len(scores) > limit:
            best = np.argpartition(-scores, limit - 1)[:limit]
            chosen, scores = chosen[best], scores[best]
        order = np.lexsort((self.ids[chosen], -scores))
        return [(int(self.ids[chosen[at]]), float(scores[at])) for at in order]

    def _allowed(self, scope: Sequence[int] | None, without: Iterable[int]) -> Any:
        import numpy as np

        without = np.fromiter(without, np.int64)
        if scope is None and not len(without):
            return self.ids != 0
        last = int(self.documents.max(initial=0))
        table = np.full(last + 1, scope is None)
        if scope is not None:
            wanted = np.asarray(scope, np.int64)
            table[wanted[wanted <= last]] = True
        table[without[without <= last]] = False
        table[0] = False
        return table[self.documents]

    def _alike(self, asked: Any, allowed: Any, wanted: int) -> Any:
        """Rows whose signs differ least from the question's: `wanted`, and those that are as near as the last."""
        import numpy as np

        signs = _signs((asked - self.mean * float(asked @ self.mean))[None, :])[0]
        far = np.empty(self.count, np.uint16)
        for block in range(0, self.count, BLOCK):
            part = far[block : block + BLOCK]
            part[:] = 0
            of_block = self.bits[block // BLOCK]
            for word, sign in enumerate(signs):
                part += np.bitwise_count(of_block[word, : len(part)] ^ sign)
        far[~allowed] = np.iinfo(np.uint16).max
        many = np.cumsum(np.bincount(far, minlength=self.dimensions + 1)[: self.dimensions + 64])
        return np.flatnonzero(far <= int(np.searchsorted(many, min(wanted, int(many[-1])))))


def floats(halves: Any) -> Any:
    """float32 of finite half floats (as uint16), by shifting them into place: several times faster than numpy's way."""
    import numpy as np

    wide = halves.view(np.int16).astype(np.int32)  # the sign stays at the top
    wide <<= 13
    wide &= np.int32(0x8FFFE000 - (1 << 32))
    made = wide.view(np.float32)
    made *= np.float32(2.0**112)  # the exponents of both begin elsewhere
    return made


def _signs(rows: Any) -> Any:
    """rows x words, uint64."""
    import numpy as np

    packed = np.packbits(rows > 0, axis=1)
    width = -(-packed.shape[1] // 8) * 8
    return np.ascontiguousarray(np.pad(packed, ((0, 0), (0, width - packed.shape[1])))).view(np.uint64)


class Matrix:
    """One thread at a time writes. What is on the disk and not sound or for another store is begun anew."""

    def __init__(self, folder: Path, key: str, dimensions: int, store_identity: str) -> None:
        self.folder = folder
        self.dimensions = dimensions
        self._made_for = {"form": FORM, "key": key, "dimensions": dimensions, "store": store_identity}
        self.sequence = self.run = self.count = self.dead = 0
        self._guarded(self._open)

    @property
    def key(self) -> str:
        return str(self._made_for["key"])

    # ---- writing; seen after `commit`

    def append(self, document_id: int, first: int, data: bytes) -> None:
        """A run of half floats; numbers that are there already are left out."""
        import numpy as np

        halves = np.frombuffer(data, "<u2").reshape(-1, self.dimensions)
        self._room_for(document_id)
        known = int(self._counts[document_id])
        skip = max(0, known - first)
        if skip >= len(halves):
            return
        halves, first = halves[skip:], first + skip
        numbers = np.arange(first, first + len(halves), dtype=np.uint64)
        self._fresh.append((halves, numbers | np.uint64(document_id << PASSAGE_BITS)))
        self._counts[document_id] = first + len(halves)

    def kill(self, documents: Sequence[int]) -> None:
        """The rows of those documents."""
        import numpy as np

        self._write()
        last = max(documents, default=0)
        self._room_for(last)
        table = np.zeros(max(len(self._counts), last + 1), bool)
        table[list(documents)] = True
        table[0] = False
        rows = np.flatnonzero(table[self._documents[: self.count]])
        self._counts[table[: len(self._counts)]] = 0
        if len(rows):
            self._guarded(lambda: self._wipe(rows))

    def commit(self, sequence: int, run: int) -> None:
        """On the disk, and in `rows`."""
        self._write()
        self.sequence, self.run = sequence, run
        self._guarded(self._flush)
        mean = [float(value) for value in self._mean] if self._mean is not None else None
        kept = {**self._made_for, "rows": self.count, "sequence": sequence, "run": run, "mean": mean}
        write_file(self.folder / "rows.json", json.dumps(kept).encode())
        self.rows = self._rows()

    @property
    def waiting(self) -> int:
        """Rows that were appended since the last write."""
        return sum(len(ids) for _, ids in self._fresh)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- files

    def _open(self) -> None:
        import numpy as np

        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fresh: list[tuple[Any, Any]] = []
        self._mean: Any = None
        self._bits: Any = None
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            kept = json.loads((self.folder / "rows.json").read_text(encoding="utf-8"))
            count = int(kept["rows"])
            fits = all(kept.get(key) == value for key, value in self._made_for.items())
            if fits and self._size("rows.f16") >= count * self.dimensions * 2 and self._size("rows.ids") >= count * 8:
                self.count, self.sequence, self.run = count, int(kept["sequence"]), int(kept["run"])
                if kept["mean"] is not None:
                    self._mean = np.array(kept["mean"], np.float32)
        for name, width in (("rows.f16", self.dimensions * 2), ("rows.ids", 8)):
            with (self.folder / name).open("ab") as file:
                file.truncate(self.count * width)
        self._ids = np.fromfile(self.folder / "rows.ids", "<u8", self.count)
        self._documents = (self._ids >> np.uint64(PASSAGE_BITS)).astype(np.int64)
        self.dead = int(np.count_nonzero(self._ids == 0))
        self._counts = np.bincount(self._documents).astype(np.int32)
        self._counts[:1] = 0
        if self._mean is not None:
            words = -(-self.dimensions // 64)
            blocks = -(-self.count // BLOCK)
            if self._size("rows.bits") >= blocks * words * BLOCK * 8 > 0:
                self._map_bits()
            else:
                self._mean = None
        self.rows = self._rows()

    def _size(self, name: str) -> int:
        path = self.folder / name
        return path.stat().st_size if path.exists() else 0

    def _write(self) -> None:
        import numpy as np

        if not self._fresh:
            return
        halves, ids = (np.concatenate(each) for each in zip(*self._fresh, strict=True))
        self._fresh = []
        self._guarded(lambda: self._append_rows(halves, ids))

    def _append_rows(self, halves: Any, ids: Any) -> None:
        import numpy as np

        for name, rows in (("rows.f16", halves), ("rows.ids", ids)):
            with (self.folder / name).open("ab") as file:
                file.write(np.ascontiguousarray(rows).tobytes())
        first, self.count = self.count, self.count + len(ids)
        self._ids = np.concatenate((self._ids, ids))
        self._documents = np.concatenate((self._documents, (ids >> np.uint64(PASSAGE_BITS)).astype(np.int64)))
        if self._mean is None and self.count * self.dimensions > EXACT:
            whole = self._mapped()
            self._mean = floats(whole[:: max(1, self.count // _AT_ONCE)]).mean(axis=0)
            first = 0
        if self._mean is not None:
            self._map_bits()
            whole = self._mapped()
            for at in range(first, self.count, _AT_ONCE):
                end = min(at + _AT_ONCE, self.count, (at // BLOCK + 1) * BLOCK)
                self._set_bits(at, whole[at:end])
                if end < min(at + _AT_ONCE, self.count):
                    self._set_bits(end, whole[end : min(at + _AT_ONCE, self.count)])

    def _set_bits(self, at: int, halves: Any) -> None:
        signs = _signs(floats(halves) - self._mean)
        self._bits[at // BLOCK, :, at % BLOCK : at % BLOCK + len(signs)] = signs.T

    def _map_bits(self) -> None:
        import numpy as np

        words, blocks = -(-self.dimensions // 64), -(-self.count // BLOCK)
        if self._bits is not None and len(self._bits) >= blocks:
            return
        path = self.folder / "rows.bits"
        with path.open("ab") as file:
            lengthen(file, blocks * words * BLOCK * 8)
        self._bits = np.memmap(path, np.uint64, "r+", shape=(blocks, words, BLOCK))

    def _wipe(self, rows: Any) -> None:
        import numpy as np

        changed = np.memmap(self.folder / "rows.f16", "<u2", "r+", shape=(self.count, self.dimensions))
        changed[rows] = 0
        changed.flush()
        self._ids = self._ids.copy()  # a search may be reading them
        self._documents = self._documents.copy()
        self._ids[rows] = 0
        self._documents[rows] = 0
        with (self.folder / "rows.ids").open("r+b") as file:
            file.write(self._ids.tobytes())
        if self._bits is not None:
            for row in rows:
                self._bits[row // BLOCK, :, row % BLOCK] = 0
        self.dead += len(rows)

    def _flush(self) -> None:
        for name in ("rows.f16", "rows.ids"):
            with (self.folder / name).open("ab") as file:
                os.fsync(file.fileno())
        if self._bits is not None:
            self._bits.flush()

    def _room_for(self, document_id: int) -> None:
        import numpy as np

        if document_id >= len(self._counts):
            more = max(document_id + 1, 2 * len(self._counts)) - len(self._counts)
            self._counts = np.pad(self._counts, (0, more))

    def _mapped(self) -> Any:
        import numpy as np

        if not self.count:
            return np.zeros((0, self.dimensions), np.uint16)
        return np.memmap(self.folder / "rows.f16", "<u2", "r", shape=(self.count, self.dimensions))

    def _rows(self) -> Rows:
        import numpy as np

        bits = None if self._bits is None else np.asarray(self._bits)  # plain arrays are faster than mapped ones
        return Rows(
            *(self.count, self.dimensions, self.sequence, np.asarray(self._mapped()), self._ids, self._documents),
            *(bits, self._mean),
        )

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except StorageError:
            raise
        except OSError as error:
            raise storage_error(error, self.folder) from error


def halves(vectors: Sequence[bytes], dimensions: int) -> bytes | None:
    """Vectors of float32 as half floats, one after the other; None if one is not of that many finite numbers."""
    import numpy as np

    if any(len(vector) != 4 * dimensions for vector in vectors):
        return None
    made = np.frombuffer(b"".join(vectors), "<f4").astype("<f2")
    return made.tobytes() if np.isfinite(made).all() else None
