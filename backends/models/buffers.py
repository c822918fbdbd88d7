"""Compute buffers as llama.cpp's allocator told them, of the architectures for which no formula gives its numbers.

They stand in `resources/compute_buffers.json`; the schema beside it says how they were measured.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from backends.core.paths import resource
from backends.models.entries import Entry
from backends.models.types import Shape

VERSION = 1
_KIB = 1 << 10
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Row:
    """KiB for each token of a batch, at so many tokens of context."""

    batch: int
    sequences: int
    points: Points


@dataclass(frozen=True, slots=True)
class Measured:
    """One model's; `rows` by batch and sequences, one alone where those change nothing."""

    architecture: str
    embedding: int
    layers: int
    latent: bool
    rows: tuple[Row, ...]

    def is_of(self, shape: Shape) -> bool:
        mine = (self.architecture, self.embedding, self.layers, self.latent)
        return mine == (shape.architecture, shape.embedding, shape.layers, shape.mla)

    def size(self, tokens: int, batch: int, sequences: int) -> float:
        """Bytes; `batch` is at most `tokens`."""

        def of_batch(rows: Sequence[Row]) -> float:
            return _between([(row.sequences, _between(row.points, tokens)) for row in rows], sequences)

        batches = sorted({row.batch for row in self.rows})
        each = [(one, of_batch([row for row in self.rows if row.batch == one])) for one in batches]
        return _batched(each)(batch) * _KIB


def _batched(each: Points) -> Callable[[int], float]:
    """Of a batch: below the first measured one by the line through the first two, but no less than in proportion."""
    totals = [(batch, batch * size) for batch, size in each]

    def total(batch: int) -> float:
        share = batch * each[0][1]
        if len(totals) == 1 or batch >= totals[0][0]:
            return share if len(totals) == 1 else _between(totals, batch)
        return max(share, _between(totals[:2], batch))

    return total


def _between(points: Points, at: float) -> float:
    """On the straight line between two points; on the first or last line before and behind them."""
    if len(points) == 1:
        return points[0][1]
    pairs = list(pairwise(points))
    (x0, y0), (x1, y1) = next((pair for pair in pairs if at <= pair[1][0]), pairs[-1])
    return y0 + (y1 - y0) * (at - x0) / (x1 - x0)


@functools.cache
def measured(path: Path | None = None) -> tuple[Measured, ...]:
    """What ships. StorageError (`data_damaged`, `data_too_new`)."""
    entries = Entry.read(path or resource("compute_buffers.json"), version=VERSION).entries("buffers")
    return tuple(
        Measured(
            entry.text("architecture"),
            entry.whole("embedding", least=1),
            entry.whole("layers", least=1),
            entry.flag("latent"),
            tuple(
                Row(row.whole("batch", least=1), row.whole("sequences", least=1), row.pairs("points"))
                for row in entry.entries("rows")
            ),
        )
        for entry in entries
    )
