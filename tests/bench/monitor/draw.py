"""A day of samples at 1 Hz with two cards, read and drawn as the page of the monitor does it (limit 100 ms).

    python -m tests.bench monitor --only draw [--cards 2] [--quick]

All eight plots of a window of 1280 × 800 are drawn into a picture. Two peers draw the same lines in the same run, out
of all points as they were sampled: pyqtgraph's `PlotWidget` as it comes (`setData`), where
it is installed (DeskSeek does not need it), and a plain QPainterPath. Reading is told by itself; the peers' points are
in memory. Besides: what a new second costs while the page is shown, cards and plots together. The best of five times.
"""

import argparse
import importlib.util
import math
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen

from app import theme
from app.application import Application
from app.controllers.courses import STEPS, kept, made_of, row_of, series_of
from app.monitor_lines import SCALES, lines, names
from app.monitor_picture import Courses, MonitorPicture
from app.widgets.monitor_page import MonitorPage
from app.widgets.monitor_plots import PlotBoard
from backends.core.cancel import CancelToken
from backends.monitor.history import History
from backends.monitor.types import Sample, Series
from tests.kit import looks
from tests.kit.samples import NOON, running

LIMIT = 0.1  # seconds
WIDTH = 1080
BATCH = 3600


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench monitor --only draw", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cards", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="three hours")
    given = parser.parse_args(arguments)
    seconds = 10_800 if given.quick else 86_400
    samples = list(running(seconds, cards=given.cards))
    app = Application(["deskseek"])
    app.follow("light", "en")
    picture = MonitorPicture(sample=samples[-1])
    wanted = names(picture.cards)
    start, end = NOON, NOON + seconds
    print(f"{seconds / 3600:.0f} h at 1 Hz, {given.cards} cards, {len(wanted)} lines, {seconds:,} samples")
    board = PlotBoard()
    board.resize(WIDTH, 900)
    board.show()
    looks.settle()
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder) / "monitor.db")
        for first in range(0, seconds, BATCH):
            history.write(samples[first : first + BATCH], {}, 30)

        def read() -> Sequence[Series]:
            return made_of(history.read((), kept(wanted), start, end, STEPS, CancelToken()), wanted)

        def draw(series: Sequence[Series]) -> None:
            board.show_courses(picture.cards, Courses(series, start, end, (start, end)))
            board.grab()

        looked, found = _best(read), read()
        draw(found)  # the first time it is laid out, too
        looks.settle()
        drawn = _best(lambda: draw(found))
        both = _best(lambda: draw(read()))
        history.close()
    print(f"read       {looked * 1000:7.1f} ms")
    print(f"drawn      {drawn * 1000:7.1f} ms")
    print(f"together   {both * 1000:7.1f} ms of {LIMIT * 1000:.0f}")
    points = _points(samples, wanted)
    if importlib.util.find_spec("pyqtgraph") is None:
        print("pyqtgraph is not installed")
    else:
        plotted = _best(_pyqtgraph(picture, points), times=2)
        print(f"pyqtgraph  {plotted * 1000:7.1f} ms drawn; together we take {both / plotted:.3f} of it")
    painted = _best(lambda: _painter_path(picture, points), times=2)
    print(f"a path     {painted * 1000:7.1f} ms drawn; together we take {both / painted:.3f} of it")
    print(f"a second   {_second(app, samples) * 1000:7.1f} ms of the window's thread, with ten minutes in the plots")
    print("within the limit" if both <= LIMIT else "OVER THE LIMIT")
    return int(both > LIMIT)


def _second(app: Application, samples: Sequence[Sample]) -> float:
    """What a sample costs while somebody looks on: the page of it, drawn."""
    page = MonitorPage()
    looks.show(page, 1280, 800)
    recent = samples[-600:]
    rows = {one.clock: row_of(one) for one in recent}  # but for the newest, they are known
    turn = iter(range(100))

    def draw() -> None:
        sample = samples[-1 - next(turn)]
        picture = MonitorPicture(sample=sample, model="R1")
        page.show_picture(picture)
        rows[recent[-1].clock] = row_of(recent[-1])
        series = series_of(recent, names(picture.cards), rows)
        page.show_courses(Courses(series, recent[0].at, recent[-1].at, (recent[0].at, recent[-1].at)))
        page.grab()

    draw()
    looks.settle()
    return _best(draw)


Points = dict[str, tuple[list[float], list[float]]]


def _points(samples: Sequence[Sample], wanted: Sequence[str]) -> Points:
    return {one.name: (list(one.at), list(one.mean)) for one in series_of(samples, wanted)}


def _pyqtgraph(picture: MonitorPicture, points: Points) -> Callable[[], None]:
    began = time.perf_counter()
    pyqtgraph, np = (importlib.import_module(name) for name in ("pyqtgraph", "numpy"))
    print(f"           {(time.perf_counter() - began) * 1000:7.1f} ms until pyqtgraph and numpy are imported")
    arrays = {name: (np.array(at), np.array(values)) for name, (at, values) in points.items()}
    plots = []
    for kind in SCALES:
        plot = pyqtgraph.PlotWidget()
        plot.resize(WIDTH // 2, 160)
        plot.show()
        curves = {line.name: plot.plot(pen="k", connect="finite") for line in lines(kind, picture.cards)}
        plots.append((plot, curves))
    looks.settle()

    def draw() -> None:
        for plot, curves in plots:
            for name, curve in curves.items():
                curve.setData(*arrays[name])
            plot.grab()

    draw()
    return draw


def _painter_path(picture: MonitorPicture, points: Points) -> None:
    for kind in SCALES:
        image = QImage(WIDTH // 2, 160, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(QColor(theme.tokens().raised))
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.tokens().accent), 1.6))
        for line in lines(kind, picture.cards):
            at, values = points[line.name]
            there = [value for value in values if not math.isnan(value)]
            top, first, span = max([*there, 1.0]), at[0], at[-1] - at[0]
            path, pen_down = QPainterPath(), False
            for when, value in zip(at, values, strict=True):
                if math.isnan(value):
                    pen_down = False
                    continue
                point = QPointF((when - first) / span * image.width(), image.height() * (1 - value / top))
                if pen_down:
                    path.lineTo(point)
                else:
                    path.moveTo(point)
                pen_down = True
            painter.drawPath(path)
        painter.end()


def _best(measured: Callable[[], object], times: int = 5) -> float:
    found: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        measured()
        found.append(time.perf_counter() - began)
    return min(found)
