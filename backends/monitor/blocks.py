"""Some samples in a row, as numbers and as bytes.

    fine     zlib of: wall clock, float64 [n]; seconds that each stands for, float32 [n]; figures, float32 [names, n].
             Bytes of the same place of the float32 lie together, which spares a third of what zlib makes of them.
    minutes  float32 [3, names]: the lowest, the mean, the highest. NaN: it was not told

numpy is loaded with the first use.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backends.monitor.columns import figures
from backends.monitor.types import Sample

if TYPE_CHECKING:
    from numpy import ndarray


@dataclass(frozen=True, slots=True)
class Block:
    """`until`: wall clock of each of n samples, [n]; `spans`: seconds before it that each stands for, 0 in the first
    after a pause; `values`: [names, n]."""

    names: tuple[str, ...]
    until: "ndarray"
    spans: "ndarray"
    values: "ndarray"

    @property
    def start(self) -> float:
        return float((self.until - self.spans).min())

    @property
    def end(self) -> float:
        return float(self.until.max())

    def fine(self) -> bytes:
        import numpy as np

        numbers = np.concatenate([self.spans[None, :], self.values]).astype("<f4")
        shuffled = numbers.reshape(-1).view(np.uint8).reshape(-1, 4).T
        return zlib.compress(self.until.astype("<f8").tobytes() + shuffled.tobytes(), 6)

    def minutes(self) -> bytes:
        import numpy as np

        told = ~np.isnan(self.values)
        counts = told.sum(axis=1)
        sums = np.where(told, self.values, 0.0).sum(axis=1)
        mean = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
        low, high = np.fmin.reduce(self.values, axis=1), np.fmax.reduce(self.values, axis=1)
        return np.stack([low, mean, high]).astype("<f4").tobytes()


def block_of(names: Sequence[str], count: int, data: bytes) -> Block:
    """What `fine` has written. ValueError or zlib.error if it is not that."""
    import numpy as np

    raw = zlib.decompress(data)
    until = np.frombuffer(raw, "<f8", count)
    shuffled = np.frombuffer(raw, np.uint8, offset=8 * count).reshape(4, -1)
    numbers = np.ascontiguousarray(shuffled.T).view("<f4").reshape(len(names) + 1, count)
    return Block(tuple(names), until, numbers[0].astype(float), numbers[1:].astype(float))


def blocks(samples: Sequence[Sample]) -> Iterator[Block]:
    """Cut where there was a pause, the clock was set, or a figure came or went."""
    import numpy as np

    rows = [figures(sample) for sample in samples]
    first = 0
    for number in range(1, len(samples) + 1):
        if number < len(samples) and samples[number].seconds is not None and rows[number].keys() == rows[first].keys():
            continue
        part, numbers = samples[first:number], [list(row.values()) for row in rows[first:number]]
        yield Block(
            tuple(rows[first]),
            np.array([sample.at for sample in part]),
            np.array([sample.seconds or 0.0 for sample in part]),
            np.array(numbers, dtype=float).T,
        )
        first = number
