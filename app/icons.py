"""Icons by name, in the colours of the theme, sharp at every scaling.

`resources/icons/*.svg` are strokes in `currentColor` on a 24 px grid (from Lucide, ISC licence). They are
drawn as vectors at paint time, in the tone asked for, so a change of theme or of screen needs nothing more
than the repaint that comes anyway.
"""

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
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
    _draw(painter, rect, name, getattr(theme.tokens(), tone))


def _draw(painter: QPainter, rect: QRect | QRectF, name: str, color: str) -> None:
    side = min(rect.width(), rect.height())
    square = QRectF(rect.x(), rect.y() + (rect.height() - side) / 2, side, side)
    _renderer(name, color).render(painter, square)


@lru_cache(maxsize=256)
def _pixmap(name: str, color: str, width: int, height: int) -> QPixmap:
    """The same buttons stand below each message."""
    pixmap = QPixmap(width, height)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    _draw(painter, QRect(0, 0, width, height), name, color)
    painter.end()
    return pixmap


class _Engine(QIconEngine):
    def __init__(self, name: str, tone: str, chosen_tone: str) -> None:
        super().__init__()
        self._name = name
        self._tone = tone
        self._chosen_tone = chosen_tone

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        paint(painter, rect, self._name, self._tone_of(mode, state))

    def _tone_of(self, mode: QIcon.Mode, state: QIcon.State) -> str:
        if mode is QIcon.Mode.Disabled:
            return "faint"
        return self._chosen_tone if state is QIcon.State.On else self._tone

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        if size.isEmpty():  # a button that has no room yet
            return QPixmap()
        tone = self._tone_of(mode, state)
        return QPixmap(_pixmap(self._name, getattr(theme.tokens(), tone), size.width(), size.height()))

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
