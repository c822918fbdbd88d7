"""Which time the plots of the monitor show, and the figures for it: the last minutes out of what was just sampled, the
day out of the history."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.bridge import Pump
from app.monitor_lines import MEMORY_USED
from app.monitor_picture import SPANS, Courses, Range
from backends.core.errors import BackendError
from backends.core.phrase import NOTHING, Phrase
from backends.core.stream import Stream
from backends.monitor.columns import figures
from backends.monitor.types import Sample, Series
from backends.services.monitoring import MonitorServices

Row = Mapping[str, float | None]
STEPS = 720  # of the day, and of what is seen of it
AGAIN_MS = 60_000  # until the day is read again
_TOTAL, _FREE = "system.memory_total", "system.memory_available"


class CourseController(QObject):
    """`names`: the series that are drawn, those of every card included."""

    changed = Signal()

    def __init__(self, monitoring: MonitorServices, pump: Pump, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._monitoring, self._pump = monitoring, pump
        self.courses = Courses()
        self.names: Sequence[str] = ()
        self.range: Range = "minutes"
        self._zoom: tuple[float, float] | None = None
        self._latest: Sample | None = None
        self._rows: dict[float, Row] = {}  # of the samples that are drawn, by their clock
        self._asked: Stream[tuple[Series, ...]] | None = None
        self._again = QTimer(self)
        self._again.setInterval(AGAIN_MS)
        self._again.timeout.connect(self._ask)

    def rest(self) -> None:
        """Nobody looks."""
        self._latest = None
        self._again.stop()
        if self._asked is not None:
            self._asked.cancel()

    @Slot(str)
    def choose(self, span: Range) -> None:
        self.range, self._zoom = span, None
        self.courses = Courses(trouble=self.courses.trouble if span == "day" else NOTHING)
        self.look()

    @Slot(float, float)
    def zoom(self, start: float, end: float) -> None:
        self._zoom = (start, end)
        self.look()

    @Slot()
    def reset(self) -> None:
        self._zoom = None
        self.look()

    def forget(self) -> None:
        """There is no past any more."""
        if self._asked is not None:
            self._asked.cancel()
        self._rows, self._zoom = {}, None
        self._show(replace(self.courses, series=()))
        self.look()

    def look(self) -> None:
        """All of it anew."""
        if self.range == "day":
            self._again.start()
            self._ask()
        else:
            self._again.stop()
            self._draw(self._latest)

    def show_sample(self, sample: Sample) -> None:
        """The newest. The day is read with the first one, and then once a minute."""
        first, self._latest = self._latest is None, sample
        if self.range != "day":
            self._draw(sample)
        elif first:
            self._ask()

    def _draw(self, sample: Sample | None) -> None:
        if sample is None:
            return
        end = sample.at
        whole = (end - SPANS[self.range], end)
        start, end = self._seen(whole)
        samples = self._monitoring.recent(SPANS[self.range])
        self._rows = {one.clock: self._rows.get(one.clock) or row_of(one) for one in samples}
        self._show(Courses(series_of(samples, self.names, self._rows), start, end, whole))

    def _seen(self, whole: tuple[float, float]) -> tuple[float, float]:
        """What was zoomed to, as long as it is within what there is."""
        if self._zoom is None:
            return whole
        start, end = self._zoom
        later = max(0.0, whole[0] - start)
        return start + later, min(end + later, whole[1])

    @Slot()
    def _ask(self) -> None:
        if self._asked is not None:
            self._asked.cancel()
        latest = self._latest or self._monitoring.latest
        if latest is None:
            return
        whole = (latest.at - SPANS["day"], latest.at)
        start, end = self._seen(whole)
        asked = self._asked = self._monitoring.history(kept(self.names), start, end, STEPS)

        def read(found: list[tuple[Series, ...]]) -> None:
            if asked is self._asked:
                self._show(Courses(made_of(found[-1], self.names), start, end, whole))

        def failed(error: BackendError) -> None:
            if asked is self._asked:
                message, hint = error.message, error.hint
                trouble = Phrase(f"{message.en} {hint.en}".strip(), f"{message.zh}{hint.zh}")
                self._show(Courses((), start, end, whole, trouble))

        self._pump.follow(asked, read, on_error=failed)

    def _show(self, courses: Courses) -> None:
        self.courses = courses
        self.changed.emit()


def row_of(sample: Sample) -> Row:
    """All figures of a sample, those that are made of others, too."""
    return figures(sample) | {MEMORY_USED: _used(sample)}


def series_of(
    samples: Sequence[Sample], names: Iterable[str], rows: Mapping[float, Row] | None = None
) -> tuple[Series, ...]:
    """As they were sampled, by the clock that never jumps, ending at the wall clock of the last one; a step without
    a figure stands where there was a pause. `rows`: what `row_of` said of each, by its clock."""
    if not samples:
        return ()
    shift = samples[-1].at - samples[-1].clock
    at: list[float] = []
    told: list[Row] = []
    for sample in samples:
        if at and sample.seconds is None:
            at.append((at[-1] + sample.clock + shift) / 2)
            told.append({})
        at.append(sample.clock + shift)
        told.append(rows[sample.clock] if rows is not None else row_of(sample))
    found = []
    for name in names:
        values = [math.nan if (value := row.get(name)) is None else value for row in told]
        found.append(Series(name, at, values, values, values))
    return tuple(found)


def _used(sample: Sample) -> float | None:
    system = sample.hardware.system
    if system.memory_total is None or system.memory_available is None:
        return None
    return float(system.memory_total - system.memory_available)


def kept(names: Iterable[str]) -> list[str]:
    """What the history has of these: a figure that is made of others is not kept."""
    parts = ((_TOTAL, _FREE) if name == MEMORY_USED else (name,) for name in names)
    return list(dict.fromkeys(one for some in parts for one in some))


def made_of(series: Sequence[Series], names: Sequence[str]) -> tuple[Series, ...]:
    """These figures, out of what was kept."""
    known = {one.name: one for one in series}
    if MEMORY_USED in names and _TOTAL in known and _FREE in known:
        total, free = known[_TOTAL], known[_FREE]
        known[MEMORY_USED] = Series(
            MEMORY_USED,
            free.at,
            [whole - left for whole, left in zip(total.mean, free.high, strict=True)],
            [whole - left for whole, left in zip(total.mean, free.mean, strict=True)],
            [whole - left for whole, left in zip(total.mean, free.low, strict=True)],
        )
    return tuple(known[name] for name in names if name in known)
