"""Icons by name, in the colours of the theme, sharp at every scaling.

`resources/icons/*.svg` are strokes in `currentColor` on a 24 px grid (from Lucide, ISC licence). They are
drawn as vectors at paint time, in the tone asked for, so a change of theme or of screen needs nothing more
than the repaint that comes anyway.
"""

from functools import lru_cache

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app import theme
from backends.core.paths import resource


@lru_cache(maxsize=256)
def _renderer(name: str, color: str) -> QSvgRenderer:
    source = resource(f"icons/{name}.svg").read_text(encoding="utf-8").replace("currentColor", color)
    return QSvgRenderer(QByteArray(source.encode()))


def paint(painter: QPainter, rect: QRect | QRectF, name: str, tone: str = "text") -> None:
    """Draw one by hand, at the left edge of `rect`. `tone` is a colour of `theme.Tokens`."""
    side = min(rect.width(), rect.height())
    square = QRectF(rect.x(), rect.y() + (rect.height() - side) / 2, side, side)
    _renderer(name, getattr(theme.tokens(), tone)).render(painter, square)


class _Engine(QIconEngine):
    def __init__(self, name: str, tone: str, chosen_tone: str) -> None:
        super().__init__()
        self._name = name
        self._tone = tone
        self._chosen_tone = chosen_tone

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        tone = self._chosen_tone if state is QIcon.State.On else self._tone
        paint(painter, rect, self._name, "faint" if mode is QIcon.Mode.Disabled else tone)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        if size.isEmpty():  # a button that has no room yet
            return QPixmap()
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return pixmap

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        """`size` is in logical pixels; sharp means as many real ones as the screen has."""
        pixmap = self.pixmap(size * scale, mode, state)
        pixmap.setDevicePixelRatio(scale)
        return pixmap

    def clone(self) -> QIconEngine:
        return _Engine(self._name, self._tone, self._chosen_tone)


def icon(name: str, tone: str = "text", chosen_tone: str | None = None) -> QIcon:
    """`chosen_tone` is for checked buttons; disabled ones are faint by themselves."""
    _renderer(name, getattr(theme.tokens(), tone))  # a missing file is said here, not inside a paint event
    return QIcon(_Engine(name, tone, chosen_tone or tone))


def app_icon() -> QIcon:
    icon = QIcon()
    for size in (16, 24, 32, 48, 64, 128, 256):
        icon.addFile(resource(f"icons/app/deskseek-{size}.png").as_posix(), QSize(size, size))
    return icon
