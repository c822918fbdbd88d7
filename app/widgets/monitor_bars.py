"""Bars of the monitor: a whole in parts, and one for each core; and figures in a grid. Nothing on the page moves when
a figure changes."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from app import parts, theme
from app.theme import SPACE, px
from app.widgets.elided import ElidedLabel

_BAR = 8


@dataclass(frozen=True, slots=True)
class Part:
    """`share` of the whole. `words`: below the bar; of a part without, nothing is said."""

    share: float
    tone: str = "accent"
    words: str = ""


class Meter(QWidget):
    """What is measured, how much of it, and a bar; below it what the parts are."""

    def __init__(self, *, legend: bool = False) -> None:
        super().__init__()
        self._legend = legend
        self._title = self._value = ""
        self._parts: tuple[Part, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_parts(self, title: str, value: str, shown: Sequence[Part]) -> None:
        now = (title, value, tuple(shown))
        if now != (self._title, self._value, self._parts):
            self._title, self._value, self._parts = now
            self.setAccessibleName(". ".join(filter(None, (f"{title}: {value}", *(part.words for part in shown)))))
            self.setToolTip(parts.tip("\n".join(part.words for part in shown if part.words)))
            self.update()

    def words(self) -> str:
        return self.accessibleName()

    def sizeHint(self) -> QSize:
        high = self._metrics().height()
        return QSize(px(200), high + SPACE.xs + px(_BAR) + (SPACE.xs + high if self._legend else 0))

    def minimumSizeHint(self) -> QSize:
        return QSize(px(80), self.sizeHint().height())

    def _metrics(self) -> QFontMetrics:
        return QFontMetrics(theme.current().type.font("caption"))

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens, metrics = theme.tokens(), self._metrics()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.current().type.font("caption"))
        high, wide = metrics.height(), self.width()
        told = metrics.horizontalAdvance(self._value)
        title = metrics.elidedText(self._title, Qt.TextElideMode.ElideRight, max(0, wide - told - SPACE.s))
        painter.setPen(QColor(tokens.muted))
        painter.drawText(QRectF(0, 0, wide, high), Qt.AlignmentFlag.AlignLeft, title)
        painter.setPen(QColor(tokens.text))
        value = metrics.elidedText(self._value, Qt.TextElideMode.ElideRight, wide)
        painter.drawText(QRectF(0, 0, wide, high), Qt.AlignmentFlag.AlignRight, value)
        bar = QRectF(0, high + SPACE.xs, wide, px(_BAR))
        shape = QPainterPath()
        shape.addRoundedRect(bar, bar.height() / 2, bar.height() / 2)
        painter.setClipPath(shape)
        painter.fillRect(bar, QColor(tokens.line))
        left = bar.left()
        for part in self._parts:
            if part.tone != "line":
                across = min(max(part.share, 0.0), 1.0) * bar.width()
                painter.fillRect(QRectF(left, bar.top(), across, bar.height()), QColor(getattr(tokens, part.tone)))
                left += across
        painter.setClipping(False)
        if self._legend:
            self._draw_legend(painter, bar.bottom() + SPACE.xs, high)
        painter.end()

    def _draw_legend(self, painter: QPainter, top: float, high: int) -> None:
        tokens, metrics = theme.tokens(), self._metrics()
        said = [part for part in self._parts if part.words]
        left = 0.0
        for part in said:
            side = px(8)
            room = self.width() - left - side - SPACE.xs
            words = metrics.elidedText(part.words, Qt.TextElideMode.ElideRight, max(0, int(room)))
            if room < px(24):
                return
            painter.setPen(QColor(tokens.frame))
            painter.setBrush(QColor(getattr(tokens, part.tone)))
            painter.drawRoundedRect(QRectF(left + 0.5, top + (high - side) / 2 + 0.5, side - 1, side - 1), 2, 2)
            painter.setPen(QColor(tokens.muted))
            left += side + SPACE.xs
            painter.drawText(QRectF(left, top, room, high), Qt.AlignmentFlag.AlignLeft, words)
            left += metrics.horizontalAdvance(words) + SPACE.m


class CoreBars(QWidget):
    """How busy each core is. More cores than there are pixels for share one."""

    def __init__(self) -> None:
        super().__init__()
        self._cores: tuple[float, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(px(32))

    def show_cores(self, cores: Sequence[float], name: str) -> None:
        if tuple(cores) != self._cores:
            self._cores = tuple(cores)
            self.update()
        self.setAccessibleName(name)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._cores:
            return
        tokens = theme.tokens()
        painter = QPainter(self)
        most = max(1, self.width() // 3)
        step = -(-len(self._cores) // most)
        shown = [sum(part) / len(part) for n in range(0, len(self._cores), step) if (part := self._cores[n : n + step])]
        wide = self.width() / len(shown)
        gap = 1 if wide < 8 else 2
        for n, core in enumerate(shown):
            bar = QRectF(round(n * wide), 0, max(1, round((n + 1) * wide) - round(n * wide) - gap), self.height())
            painter.fillRect(bar, QColor(tokens.line))
            high = round(min(max(core, 0.0), 1.0) * bar.height())
            painter.fillRect(QRectF(bar.x(), bar.bottom() - high, bar.width(), high), QColor(tokens.accent))
        painter.end()


class Figures(QWidget):
    """Names and values side by side, as many in a row as there is room for."""

    def __init__(self, width: int = 132) -> None:
        super().__init__()
        self._width = width
        self._cells: list[tuple[QWidget, QLabel, ElidedLabel]] = []
        self._shown: tuple[str, ...] = ()
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(SPACE.m)
        self._grid.setVerticalSpacing(SPACE.s)
        self.setLayout(self._grid)

    def show_figures(self, figures: Sequence[tuple[str, str]]) -> None:
        """`(name, value)`; one without a value is left out."""
        told = [(name, value) for name, value in figures if value]
        while len(self._cells) < len(told):
            self._add()
        for n, (cell, name, value) in enumerate(self._cells):
            cell.setVisible(n < len(told))
            if n < len(told):
                name.setText(told[n][0])
                value.setText(told[n][1])
                value.setAccessibleName(f"{told[n][0]}: {told[n][1]}")
        if (names := tuple(name for name, _ in told)) != self._shown:
            self._shown = names
            self.setVisible(bool(names))
            self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _add(self) -> None:
        name = ElidedLabel(role="caption", tone="muted", steady=True)
        value = ElidedLabel(steady=True)
        cell = QWidget(self)  # shown by itself it would be a window
        cell.setLayout(parts.column(name, value, space=0))
        self._cells.append((cell, name, value))

    def _arrange(self) -> None:
        count = max(1, self.width() // px(self._width))
        for n, (cell, _, _) in enumerate(self._cells[: len(self._shown)]):
            self._grid.addWidget(cell, n // count, n % count)
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, 1 if column < count else 0)


class Tiles(QWidget):
    """Cards in two columns, or in one where there is no room; those that are hidden leave no gap."""

    def __init__(self, two_from: int = 780) -> None:
        super().__init__()
        self._two_from = two_from
        self.tiles: list[QWidget] = []
        self._arranged: tuple[int, tuple[int, ...]] = (0, ())
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(SPACE.m)
        self.setLayout(self._grid)

    def show_tiles(self, tiles: Sequence[QWidget]) -> None:
        for gone in self.tiles:
            if gone not in tiles:
                self._grid.removeWidget(gone)
                gone.setParent(None)
        self.tiles = list(tiles)
        self.arrange()

    def arrange(self) -> None:
        columns = 2 if self.width() >= px(self._two_from) else 1
        shown = [n for n, tile in enumerate(self.tiles) if not _is_hidden(tile)]
        if (columns, tuple(shown)) == self._arranged and self._grid.count() >= len(shown):
            return
        self._arranged = (columns, tuple(shown))
        for place, n in enumerate(shown):
            self._grid.addWidget(self.tiles[n], place // columns, place % columns)
        for column in range(2):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
            self._grid.setColumnMinimumWidth(column, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.arrange()


def _is_hidden(widget: QWidget) -> bool:
    """On purpose, and not because nothing was shown yet."""
    return widget.isHidden() and widget.testAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide)
