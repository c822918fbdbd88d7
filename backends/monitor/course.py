"""What was kept of some figures, drawn together into as many steps as are to be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backends.monitor.types import Series

if TYPE_CHECKING:
    from numpy import ndarray

_MOMENT = 1e-3  # seconds; so much counts what stands for no time at all


@dataclass(frozen=True, slots=True)
class Course:
    """n pieces of time, each from `since` to `until` (wall clock, [n]), with `low`, `mean` and `high` [names, n]."""

    since: "ndarray"
    until: "ndarray"
    low: "ndarray"
    mean: "ndarray"
    high: "ndarray"


def joined(parts: Sequence[Course]) -> Course:
    """In the order of time, however the clock was set while they were sampled."""
    import numpy as np

    until = np.concatenate([part.until for part in parts])
    order = np.argsort(until, kind="stable")
    low, mean, high = (
        np.concatenate([getattr(part, name) for part in parts], axis=1)[:, order] for name in ("low", "mean", "high")
    )
    return Course(np.concatenate([part.since for part in parts])[order], until[order], low, mean, high)


def series(names: Sequence[str], course: Course | None, start: float, end: float, steps: int) -> tuple[Series, ...]:
    """`at`: the middle of each step. Where a step lies within a piece, it has the figures of that."""
    import numpy as np

    width = (end - start) / steps
    at = start + width * (np.arange(steps) + 0.5)
    shape = (len(names), steps)
    low, mean, high = (np.full(shape, np.nan) for _ in range(3))
    if course is not None and course.until.size:
        middle = (course.since + course.until) / 2
        place = np.floor((middle - start) / width).astype(int)
        order = np.argsort(place, kind="stable")
        order = order[(place[order] >= 0) & (place[order] < steps)]
        if order.size:
            there, firsts = np.unique(place[order], return_index=True)
            low[:, there] = np.fmin.reduceat(course.low[:, order], firsts, axis=1)
            high[:, there] = np.fmax.reduceat(course.high[:, order], firsts, axis=1)
            mean[:, there] = _means(course, order, firsts)
        empty = np.setdiff1d(np.arange(steps), place)
        within = np.minimum(np.searchsorted(course.until, at[empty]), course.until.size - 1)
        held = (course.since[within] <= at[empty]) & (at[empty] <= course.until[within])
        for found, known in ((low, course.low), (mean, course.mean), (high, course.high)):
            found[:, empty[held]] = known[:, within[held]]
    times = at.tolist()
    return tuple(
        Series(name, times, low[n].tolist(), mean[n].tolist(), high[n].tolist()) for n, name in enumerate(names)
    )


def _means(course: Course, order: "ndarray", firsts: "ndarray") -> "ndarray":
    """Weighed by the time that each stands for."""
    import numpy as np

    values = course.mean[:, order]
    weights = np.where(np.isnan(values), 0.0, np.maximum(course.until - course.since, _MOMENT)[order])
    sums = np.add.reduceat(np.where(np.isnan(values), 0.0, values) * weights, firsts, axis=1)
    weights = np.add.reduceat(weights, firsts, axis=1)
    return np.divide(sums, weights, out=np.full(sums.shape, np.nan), where=weights > 0)
