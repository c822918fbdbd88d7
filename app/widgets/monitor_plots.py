"""The plots of the monitor: one for each kind of figure, all of the same time, read at the same moment."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFrame

from app import parts
from app.accessibility import announce
from app.language import Retranslated
from app.monitor_lines import SCALES, lines
from app.monitor_picture import Courses
from app.theme import SPACE
from app.widgets.monitor_bars import Tiles
from app.widgets.read_plot import ReadPlot
from backends.monitor.types import Series


class PlotCard(Retranslated, QFrame):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self.kind = kind
        self._cards: Sequence[tuple[str, str]] = ()
        self._told: set[str] = set()  # series that have figures
        self._title = parts.label(role="strong")
        self.plot = ReadPlot(SCALES[kind])
        self._time = parts.label(role="caption", tone="muted")
        head = parts.row(self._title, None, self._time)
        self.setLayout(parts.column(head, self.plot, None, space=SPACE.s, margin=(SPACE.l, SPACE.m, SPACE.l, SPACE.m)))
        self.retranslate()

    def retranslate(self) -> None:
        titles = {
            "writing": self.tr("Speed of writing"),
            "reading": self.tr("Speed of reading"),
            "use": self.tr("In use"),
            "vram": self.tr("Graphics memory"),
            "memory": self.tr("Memory"),
            "temperature": self.tr("Temperature"),
            "power": self.tr("Power"),
            "moved": self.tr("Disk and network"),
        }
        self._title.setText(titles[self.kind])
        self.plot.show_lines([line for line in lines(self.kind, self._cards) if line.name in self._told])
        self.name_plot()

    def show_courses(self, cards: Sequence[tuple[str, str]], courses: Courses, known: Mapping[str, Series]) -> None:
        """`known`: the series of `courses`, by name."""
        self._cards = cards
        mine = lines(self.kind, cards)
        series = [known[line.name] for line in mine if line.name in known]
        self._told = {one.name for one in series if any(value == value for value in one.mean)}
        there = [line for line in mine if line.name in self._told]
        self.plot.show_lines(there)
        self.plot.show_series(series, courses.start, courses.end, courses.whole)
        self.setVisible(bool(there) or self.kind in ("writing", "use"))
        self.name_plot()

    def point_at(self, at: float | None) -> None:
        self.plot.point_at(at)
        self._time.setText(self.plot.time())
        self.name_plot()

    def name_plot(self) -> None:
        self.plot.setAccessibleName(f"{self._title.text()}. {self.plot.words()}")


class PlotBoard(Tiles):
    """`zoomed(start, end)`: another part of the time is wanted; `reset_requested`: all of it."""

    zoomed = Signal(float, float)
    reset_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.cards = {kind: PlotCard(kind) for kind in SCALES}
        self.show_tiles(list(self.cards.values()))
        for card in self.cards.values():
            plot = card.plot
            plot.pointed.connect(self._on_pointed)
            plot.zoomed.connect(self.zoomed)
            plot.reset_requested.connect(self.reset_requested)
            plot.told.connect(lambda plot=plot: announce(plot, plot.words()))

    def show_courses(self, cards: Sequence[tuple[str, str]], courses: Courses) -> None:
        known = {one.name: one for one in courses.series}
        for card in self.cards.values():
            card.show_courses(cards, courses, known)
        self.arrange()

    @Slot(object)
    def _on_pointed(self, at: float | None) -> None:
        for card in self.cards.values():
            card.point_at(at)
