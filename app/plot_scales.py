"""What stands around a plot: its lines and their colours, the steps at its side, the times below it."""

import math
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from app import figures
from backends.monitor.types import Series

_SECOND, _MINUTE, _HOUR, _DAY = 1, 60, 3600, 86_400
_STEPS = (
    *(n * _SECOND for n in (1, 2, 5, 10, 15, 30)),
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
    *(n * _DAY for n in (1, 2, 7, 30)),
)
_DASHES = ([], [4.0, 3.0], [1.5, 2.5])
TONES = ("accent", "code_number", "code_name", "code_string")


@dataclass(frozen=True, slots=True)
class Line:
    """`name`: of the series. Lines with the same `color` differ by their dashes."""

    name: str
    label: str
    color: int = 0

    @property
    def tone(self) -> str:
        return "muted" if self.color < 0 else TONES[self.color % len(TONES)]

    @property
    def dashes(self) -> list[float]:
        return _DASHES[max(0, self.color) // len(TONES) % len(_DASHES)]


@dataclass(frozen=True, slots=True)
class Scale:
    """`form`: a reading, with its unit; `tick`: the same at the side. `top`: always so high; else as high as what is
    drawn, and at least `least`. `base`: of the multiples that are nice: 1024 for memory. `widest`: a reading with the
    most letters."""

    form: Callable[[float], str]
    tick: Callable[[float], str]
    top: float | None = None
    least: float = 1.0
    base: int = 1000
    widest: float = 8888.0


def times(start: float, end: float, most: int) -> Iterator[tuple[float, str]]:
    """Nice local times between, at most so many, and how each is written."""
    step = next((one for one in _STEPS if (end - start) / one <= most), _STEPS[-1])
    offset = time.localtime(end).tm_gmtoff
    at = math.ceil((start + offset) / step) * step - offset
    while at <= end:
        here = time.localtime(at)
        midnight = step >= _HOUR and not (here.tm_hour or here.tm_min)
        yield at, figures.day(at) if midnight else clock(at, seconds=step < _MINUTE)
        at += step


def nice_step(least: float, base: int = 1000) -> float:
    """The smallest of 1, 2, 5, 10, 20, … that is not below `least`; for memory also of KiB, MiB, GiB."""
    unit = 1.0
    while base != 1000 and least > unit * 500:
        unit *= base
    share = least / unit * (1 - 1e-9)
    if base != 1000 and share <= 1:
        return unit
    whole = 10.0 ** math.floor(math.log10(max(share, 1e-9)))
    return next(n * whole * unit for n in (1, 2, 5, 10) if n * whole >= share)


def step_of(series: Series) -> float:
    """Seconds between two, usually."""
    return (series.at[-1] - series.at[0]) / (len(series.at) - 1) if len(series.at) > 1 else 1.0


def within(series: Series, start: float, end: float) -> tuple[int, int]:
    """The steps from one before `start` to one behind `end`."""
    return max(0, bisect_left(series.at, start) - 1), min(len(series.at), bisect_left(series.at, end) + 1)


def pieces(series: Series, start: float, end: float) -> Iterator[tuple[int, int]]:
    """From gap to gap."""
    first, last = within(series, start, end)
    gaps = [first - 1, *(n for n in range(first, last) if math.isnan(series.mean[n])), last]
    yield from ((before + 1, gap) for before, gap in pairwise(gaps) if gap > before + 1)


def clock(at: float, *, seconds: bool) -> str:
    """Of the day here: 17:42, 17:42:05."""
    return time.strftime("%H:%M:%S" if seconds else "%H:%M", time.localtime(at))
