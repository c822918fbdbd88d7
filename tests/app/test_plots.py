"""Plots: nice steps, gaps that stay open, what is read at a time, and what mouse and keys do."""

import itertools
import math
import time

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import figures, theme
from app.application import Application
from app.plot_scales import Line, Scale, nice_step, pieces, times
from app.widgets.read_plot import LEAST_SPAN, ReadPlot
from backends.monitor.types import Series

GIB = float(1 << 30)
NOW = time.mktime((2026, 11, 22, 17, 42, 0, 0, 0, -1))
SHARE = Scale(figures.percent, figures.percent, top=1.0)
LINE = Line("system.cpu", "Processor")


def series(values: list[float], seconds: float = 60.0, name: str = "system.cpu") -> Series:
    step = seconds / len(values)
    at = [NOW - seconds + (n + 1) * step for n in range(len(values))]
    return Series(name, at, values, values, values)


@pytest.fixture
def plot(qtbot: QtBot) -> ReadPlot:
    """A minute; half of it at 50 %, a quarter without figures, then 100 %."""
    plot = ReadPlot(SHARE)
    qtbot.addWidget(plot)
    plot.resize(400, 200)
    plot.show_lines([LINE])
    plot.show_series([series([0.5] * 30 + [math.nan] * 15 + [1.0] * 15)], NOW - 60, NOW)
    plot.show()
    return plot


@pytest.mark.parametrize(
    ("least", "base", "step"),
    [
        (0.3, 1000, 0.5),
        (3, 1000, 5),
        (24, 1000, 50),
        (1_000_000, 1000, 1_000_000),
        (0.93 * GIB, 1024, GIB),
        (3.1 * GIB, 1024, 5 * GIB),
        (20 * GIB, 1024, 20 * GIB),
    ],
)
def test_steps_are_nice(least: float, base: int, step: float) -> None:
    assert nice_step(least, base) == pytest.approx(step)


@pytest.mark.parametrize("span", [10.0, 60.0, 600.0, 3_600.0, 86_400.0, 40 * 86_400.0])
def test_times_are_round_and_few(qapp: Application, span: float) -> None:
    found = list(times(NOW - span, NOW, 5))
    assert 1 <= len(found) <= 6
    assert all(NOW - span <= at <= NOW for at, _ in found)
    steps = {round(b[0] - a[0]) for a, b in itertools.pairwise(found)}
    assert len(steps) <= 1


def test_midnight_is_a_day(qapp: Application) -> None:
    words = [words for _, words in times(NOW - 86_400, NOW, 5)]
    assert "22 Nov" in words
    assert "12:00" in words


def test_pieces_lie_between_gaps() -> None:
    nan = math.nan
    assert list(pieces(series([nan, 1, 2, nan, nan, 3, nan]), NOW - 60, NOW)) == [(1, 3), (5, 6)]
    assert list(pieces(series([nan, nan]), NOW - 60, NOW)) == []
    assert list(pieces(series([1.0, 2.0]), NOW - 60, NOW)) == [(0, 2)]


def inked(plot: ReadPlot, share: float) -> set[int]:
    """Rows in which the line is seen, at this share of the time."""
    picture = plot.grab().toImage()
    area = plot.area
    wanted = QColor(theme.tokens().accent)
    x = round(area.left() + share * area.width())
    rows = range(round(area.top()) - 2, round(area.bottom()) + 1)
    return {y for y in rows for dx in (-1, 0, 1) if _near(QColor(picture.pixel(x + dx, y)), wanted)}


def _near(one: QColor, other: QColor) -> bool:
    return all(
        abs(a - b) < 60
        for a, b in zip(one.getRgb()[:3], other.getRgb()[:3], strict=True)  # type: ignore[index]
    )


def test_a_gap_is_a_gap(plot: ReadPlot) -> None:
    area = plot.area
    half = inked(plot, 0.25)
    assert half
    assert all(abs(y - area.center().y()) < 4 for y in half)
    assert not inked(plot, 0.62)
    assert all(abs(y - area.top()) < 4 for y in inked(plot, 0.9))
    assert inked(plot, 0.9)


def test_what_is_read(plot: ReadPlot) -> None:
    assert plot.legend() == [("Processor", "100%")]
    plot.point_at(NOW - 50)
    assert plot.legend() == [("Processor", "50%")]
    assert plot.words() == "17:41:10. Processor 50%"
    plot.point_at(NOW - 22)
    assert plot.legend() == [("Processor", "–")]
    plot.point_at(None)
    plot.show_series([series([0.5, math.nan])], NOW - 60, NOW)
    assert plot.legend() == [("Processor", "–")]  # nothing is made up for a time without figures


def test_a_plot_without_figures(plot: ReadPlot) -> None:
    plot.show_lines([])
    plot.show_series([], NOW - 60, NOW)
    assert plot.words() == ""
    plot.grab()
    plot.show_lines([LINE])
    plot.show_series([Series("system.cpu", [], [], [], [])], NOW - 60, NOW)
    plot.grab()
    assert plot.legend() == [("Processor", "–")]


def test_keys_read_and_zoom(qtbot: QtBot, plot: ReadPlot) -> None:
    read: list[float | None] = []
    zoomed: list[tuple[float, float]] = []
    plot.pointed.connect(read.append)
    plot.pointed.connect(plot.point_at)
    plot.zoomed.connect(lambda start, end: zoomed.append((start, end)))
    plot.setFocus()
    with qtbot.waitSignal(plot.told):
        qtbot.keyClick(plot, Qt.Key.Key_Left)
    qtbot.keyClick(plot, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert read == [pytest.approx(NOW - 1), pytest.approx(NOW - 11)]
    qtbot.keyClick(plot, Qt.Key.Key_Home)
    assert read[-1] == NOW - 60
    qtbot.keyClick(plot, Qt.Key.Key_Plus)
    assert zoomed == [(NOW - 60, pytest.approx(NOW - 60 + 36))]
    plot.show_series([series([0.5] * 60)], *zoomed[-1], whole=(NOW - 60, NOW))
    qtbot.keyClick(plot, Qt.Key.Key_End)
    qtbot.keyClick(plot, Qt.Key.Key_Right)  # beyond what is seen: it moves along
    assert zoomed[-1] == (pytest.approx(NOW - 59), pytest.approx(NOW - 23))
    with qtbot.waitSignal(plot.reset_requested):
        qtbot.keyClick(plot, Qt.Key.Key_Minus)
    with qtbot.waitSignal(plot.reset_requested):
        qtbot.keyClick(plot, Qt.Key.Key_0)
    qtbot.keyClick(plot, Qt.Key.Key_Escape)
    assert read[-1] is None


def turn(plot: ReadPlot, by: int, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> bool:
    """The wheel in the middle; whether the plot took it."""
    where = QPointF(plot.area.center())
    event = QWheelEvent(
        where, QPointF(plot.mapToGlobal(where)), QPoint(), QPoint(0, by), Qt.MouseButton.NoButton, keys,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(plot, event)
    return event.isAccepted()


def test_the_wheel_scrolls_the_page_until_the_plot_is_meant(qtbot: QtBot, plot: ReadPlot) -> None:
    zoomed: list[tuple[float, float]] = []
    plot.zoomed.connect(lambda start, end: zoomed.append((start, end)))
    plot.clearFocus()
    assert not turn(plot, 120)
    assert not zoomed
    assert turn(plot, 120, Qt.KeyboardModifier.ControlModifier)
    start, end = zoomed.pop()
    assert (start + end) / 2 == pytest.approx(NOW - 30, abs=1)
    assert end - start == pytest.approx(36)
    plot.activateWindow()
    plot.setFocus()
    qtbot.waitUntil(plot.hasFocus)
    for _ in range(9):
        assert turn(plot, 120)
        plot.show_series([series([0.5] * 60)], *zoomed[-1], whole=(NOW - 60, NOW))
    assert zoomed[-1][1] - zoomed[-1][0] == pytest.approx(LEAST_SPAN)


def test_a_span_is_drawn_with_the_mouse(qtbot: QtBot, plot: ReadPlot) -> None:
    area = plot.area
    left, right = (QPoint(round(area.left() + share * area.width()), 100) for share in (0.25, 0.75))
    with qtbot.waitSignal(plot.zoomed) as zoomed:
        QTest.mousePress(plot, Qt.MouseButton.LeftButton, pos=left)
        QTest.mouseMove(plot, right)
        QTest.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=right)
    assert zoomed.args == [pytest.approx(NOW - 45, abs=0.5), pytest.approx(NOW - 15, abs=0.5)]
    with qtbot.assertNotEmitted(plot.zoomed):
        QTest.mouseClick(plot, Qt.MouseButton.LeftButton, pos=left)
    with qtbot.waitSignal(plot.reset_requested):
        QTest.mouseDClick(plot, Qt.MouseButton.LeftButton, pos=left)


def test_many_lines_differ(qapp: Application) -> None:
    looks = {(line.tone, tuple(line.dashes)) for line in (Line("x", "x", n) for n in range(8))}
    assert len(looks) == 8
