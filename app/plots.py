"""Lines over time that can be read: the time below, nice steps at the side, gaps left open, a value for every line at
the time that is pointed at, and keys for all of it.

Drawn here with Qt's painter rather than by a plotting library: a page of plots has one scale of time, the colours and
letters of the theme, keys and words for who cannot see it, and is there at once (`tests/bench/monitor.py --only draw`
measures it beside pyqtgraph). Times are seconds since 1970, drawn in local time.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.plot_scales import Line, Scale, clock, nice_step, pieces, step_of, times, within
from app.theme import SPACE, px
from backends.monitor.types import Series

_HEIGHT = 120  # of what is drawn, without the words around it
_SIDE = 62  # for the words at the side
_BAND = 46  # of 255: how much is seen of low to high


class Plot(QWidget):
    """Draws what it is given. See `widgets.read_plot` for what a person does with it."""

    def __init__(self, scale: Scale) -> None:
        super().__init__()
        self._scale = scale
        self._lines: tuple[Line, ...] = ()
        self._series: dict[str, Series] = {}
        self._start, self._end = 0.0, 60.0
        self._whole = (0.0, 60.0)
        self._at: float | None = None
        self._pressed: float | None = None  # where a span was begun, and where the mouse is now
        self._drawn = 0.0
        self._picture: QPixmap | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.current().changed.connect(self._forget_picture)

    # ---- what is shown

    def show_lines(self, lines: Sequence[Line]) -> None:
        if tuple(lines) != self._lines:
            self._lines = tuple(lines)
            self._fit()
            self._forget_picture()

    def show_series(
        self, series: Sequence[Series], start: float, end: float, whole: tuple[float, float] | None = None
    ) -> None:
        """`start` to `end` of them is seen; `whole`: what there is to be seen, farther away."""
        self._series = {one.name: one for one in series}
        self._start, self._end = start, max(end, start + 1e-3)
        self._whole = whole or (self._start, self._end)
        self._forget_picture()

    def point_at(self, at: float | None) -> None:
        if at != self._at:
            self._at = at
            self.update()

    def reading(self, line: Line, at: float | None = None) -> float | None:
        """The mean of the step that is nearest to `at`; without it the newest one, if it is of the last steps."""
        series = self._series.get(line.name)
        if series is None or not len(series.at):
            return None
        step = step_of(series)
        at = self._end if at is None else at
        index = min(bisect_left(series.at, at), len(series.at) - 1)
        if index and abs(series.at[index - 1] - at) < abs(series.at[index] - at):
            index -= 1
        if abs(series.at[index] - at) > max(1.5 * step, (self._end - self._start) / 100) or math.isnan(
            series.mean[index]
        ):
            return None
        return float(series.mean[index])

    def words(self) -> str:
        """All lines at the time that is read, for who cannot see them."""
        return ". ".join([*filter(None, [self.time()]), *(f"{name} {value}" for name, value in self.legend())])

    def time(self) -> str:
        """That is read, if one is."""
        return "" if self._at is None else clock(self._at, seconds=True)

    def legend(self) -> list[tuple[str, str]]:
        """Each line's name and what it reads, as it stands above the plot."""
        return [(line.label, self._said(self.reading(line, self._at))) for line in self._lines]

    def _none(self) -> str:
        return QCoreApplication.translate("monitor", "Nothing in this time")

    def _said(self, value: float | None) -> str:
        return "–" if value is None else self._scale.form(value)

    # ---- size

    def sizeHint(self) -> QSize:
        return QSize(px(320), self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()
        self._forget_picture()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()
            self._forget_picture()

    def _fit(self) -> None:
        """As high as the lines of names above it want."""
        self.setFixedHeight(self._above() + px(_HEIGHT) + self._metrics().height() + SPACE.s)

    def _metrics(self) -> QFontMetrics:
        return QFontMetrics(theme.current().type.font("caption"))

    def _slot(self) -> int:
        """The room of one line's name and value."""
        metrics = self._metrics()
        widest = max((metrics.horizontalAdvance(line.label) for line in self._lines), default=0)
        value = metrics.horizontalAdvance(self._scale.form(self._scale.widest))
        wanted = px(18) + widest + SPACE.s + value + SPACE.l
        return max(1, min(wanted, self.width() // 2 if len(self._lines) > 2 else self.width()))

    def _per_row(self) -> int:
        return max(1, self.width() // self._slot())

    def _above(self) -> int:
        rows = -(-len(self._lines) // self._per_row()) if self._lines else 0
        return rows * (self._metrics().height() + 2) + SPACE.s

    @property
    def area(self) -> QRectF:
        above = self._above()
        below = self._metrics().height() + SPACE.xs
        return QRectF(px(_SIDE), above, self.width() - px(_SIDE) - SPACE.xs, self.height() - above - below - SPACE.xs)

    # ---- drawing

    def _forget_picture(self) -> None:
        self._picture = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._picture is None:
            ratio = self.devicePixelRatioF()
            self._picture = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
            self._picture.setDevicePixelRatio(ratio)
            self._picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(self._picture)
            self._draw(painter)
            painter.end()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        self._draw_above(painter)
        self._draw_pointer(painter)
        painter.end()

    def _draw(self, painter: QPainter) -> None:
        """All that stays as the pointer moves."""
        tokens, area = theme.tokens(), self.area
        painter.setFont(theme.current().type.font("caption"))
        step, top = self._ruled()
        count = round(top / step)
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for n in range(count + 1):
            y = round(area.bottom() - n * area.height() / count)
            painter.setPen(QColor(tokens.line))
            painter.drawLine(round(area.left()), y, round(area.right()), y)
            painter.setPen(QColor(tokens.muted))
            tick = self._scale.tick(n * step) if n or self._scale.top else "0"
            painter.drawText(QRectF(0, y - 10, area.left() - SPACE.s, 20), flags, tick)
        room = self._metrics().horizontalAdvance("00:00:00") * 1.6
        for at, words in times(self._start, self._end, max(1, int(area.width() / room))):
            x = self._x(at, area)
            painter.setPen(QColor(tokens.line_strong))
            painter.drawLine(round(x), round(area.bottom()), round(x), round(area.bottom()) + 3)
            painter.setPen(QColor(tokens.muted))
            painter.drawText(self._below(x, words), Qt.AlignmentFlag.AlignCenter, words)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(area.adjusted(-1, -3, 1, 2))
        for line in reversed(self._lines):
            if (series := self._series.get(line.name)) is not None:
                self._draw_line(painter, area, line, series, top)
        if not self._lines:
            painter.setPen(QColor(tokens.muted))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, self._none())

    def _draw_line(self, painter: QPainter, area: QRectF, line: Line, series: Series, top: float) -> None:
        color = QColor(getattr(theme.tokens(), line.tone))
        soft = QColor(color)
        soft.setAlpha(_BAND)
        pen = QPen(color, 1.6)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        if line.dashes:
            pen.setDashPattern(line.dashes)
        high = area.height() / top
        bottom, left = area.bottom(), area.left()
        wide = area.width() / (self._end - self._start)
        for first, last in pieces(series, self._start, self._end):
            across = [left + (at - self._start) * wide for at in series.at[first:last]]
            if any(low != upper for low, upper in zip(series.low[first:last], series.high[first:last], strict=True)):
                upper = [QPointF(x, bottom - v * high) for x, v in zip(across, series.high[first:last], strict=True)]
                lower = [QPointF(x, bottom - v * high) for x, v in zip(across, series.low[first:last], strict=True)]
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(soft)
                painter.drawPolygon(QPolygonF([*upper, *reversed(lower)]))
            points = [QPointF(x, bottom - v * high) for x, v in zip(across, series.mean[first:last], strict=True)]
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if len(points) == 1:  # between gaps
                painter.setPen(QPen(color, 3.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
                painter.drawPoint(points[0])
            else:
                painter.drawPolyline(QPolygonF(points))

    def _draw_above(self, painter: QPainter) -> None:
        """The lines' names and readings."""
        tokens, metrics = theme.tokens(), self._metrics()
        painter.setFont(theme.current().type.font("caption"))
        slot, per_row, high = self._slot(), self._per_row(), metrics.height() + 2
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        for n, (line, (name, value)) in enumerate(zip(self._lines, self.legend(), strict=True)):
            x, y = n % per_row * slot, n // per_row * high
            pen = QPen(QColor(getattr(tokens, line.tone)), 2.5)
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            if line.dashes:
                pen.setDashPattern([one * 0.6 for one in line.dashes])
            painter.setPen(pen)
            painter.drawLine(QPointF(x, y + high / 2), QPointF(x + px(12), y + high / 2))
            told = metrics.horizontalAdvance(value)
            room = slot - px(18) - SPACE.s - told - SPACE.s
            painter.setPen(QColor(tokens.muted))
            words = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, max(room, px(24)))
            painter.drawText(QRectF(x + px(18), y, slot, high), middle, words)
            painter.setPen(QColor(tokens.text))
            painter.drawText(
                QRectF(x + px(18) + metrics.horizontalAdvance(words) + SPACE.s, y, slot, high), middle, value
            )

    def _draw_pointer(self, painter: QPainter) -> None:
        tokens, area = theme.tokens(), self.area
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._pressed is not None:
            span = QRectF(self._pressed, area.top(), self._drawn - self._pressed, area.height())
            ground = QColor(tokens.accent)
            ground.setAlpha(_BAND)
            painter.fillRect(span.normalized() & area, ground)
        if self._at is not None and self._start <= self._at <= self._end:
            x = self._x(self._at, area)
            painter.setPen(QPen(QColor(tokens.muted), 1))
            painter.drawLine(QPointF(round(x) + 0.5, area.top()), QPointF(round(x) + 0.5, area.bottom()))
            _, top = self._ruled()
            for line in self._lines:
                if (value := self.reading(line, self._at)) is not None:
                    painter.setPen(QPen(QColor(tokens.raised), 1.5))
                    painter.setBrush(QColor(getattr(tokens, line.tone)))
                    painter.drawEllipse(QPointF(x, area.bottom() - value * area.height() / top), 4, 4)
        if self.hasFocus():
            painter.setPen(QPen(QColor(tokens.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)

    def _below(self, x: float, words: str) -> QRectF:
        """The place of a time, as near to below `x` as it fits."""
        metrics = self._metrics()
        wide = metrics.horizontalAdvance(words) + 2
        left = min(max(x - wide / 2, 0.0), self.width() - wide)
        return QRectF(left, self.area.bottom() + SPACE.xs, wide, metrics.height())

    # ---- steps

    def _ruled(self) -> tuple[float, float]:
        """The step of the lines behind, and the value of the topmost."""
        if self._scale.top is not None:
            return self._scale.top / 4, self._scale.top
        highest = self._scale.least
        for line in self._lines:
            if (series := self._series.get(line.name)) is not None:
                first, last = within(series, self._start, self._end)
                highest = max(highest, *(v for v in series.high[first:last] if not math.isnan(v)), 0.0)
        step = nice_step(highest / 4, self._scale.base)
        return step, step * max(1, math.ceil(highest / step - 1e-9))

    def _x(self, at: float, area: QRectF) -> float:
        return area.left() + (at - self._start) / (self._end - self._start) * area.width()
