"""A plot that is read and looked at more closely: by mouse, wheel and keys.

wheel (once it has the focus, or with Ctrl), + and -    nearer, farther
a span drawn with the mouse                             that span
left, right (with Shift: ten steps), Home, End          the time that is read
double click, 0                                         the whole of it
"""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent

from app.plot_scales import Scale, step_of
from app.plots import Plot

LEAST_SPAN = 10.0  # seconds, beyond which nothing comes nearer
_NEARER = 0.6
_DRAWN = 6  # pixels, from which on a span was drawn and not clicked


class ReadPlot(Plot):
    """`pointed(time or None)`, `zoomed(start, end)` and `reset_requested` are asked of whoever has all the plots."""

    pointed = Signal(object)
    zoomed = Signal(float, float)
    reset_requested = Signal()
    told = Signal()  # the keys have moved the time that is read

    def __init__(self, scale: Scale) -> None:
        super().__init__(scale)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)

    def zoom(self, factor: float, around: float | None = None) -> None:
        """Nearer (`factor` below 1) or farther, keeping `around` in its place."""
        middle = around if around is not None else self._at if self._at is not None else self._end
        middle = min(max(middle, self._start), self._end)
        first, last = self._whole
        span = max(LEAST_SPAN, (self._end - self._start) * factor)
        if span >= last - first:
            self.reset_requested.emit()
            return
        start = middle - (middle - self._start) / (self._end - self._start) * span
        start = min(max(start, first), last - span)
        self.zoomed.emit(start, start + span)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta()
        if not (self.hasFocus() or event.modifiers() & Qt.KeyboardModifier.ControlModifier):
            event.ignore()  # the page scrolls
            return
        event.accept()
        if abs(turned.x()) > abs(turned.y()):
            self._move(-turned.x() / 1200 * (self._end - self._start))
        elif turned.y():
            self.zoom(_NEARER if turned.y() > 0 else 1 / _NEARER, self._time(event.position().x()))

    def _move(self, seconds: float) -> None:
        """What is seen, to earlier or later."""
        first, last = self._whole
        span = self._end - self._start
        start = min(max(self._start + seconds, first), last - span)
        if span < last - first and start != self._start:
            self.zoomed.emit(start, start + span)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self._pressed = self._drawn = event.position().x()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.pointed.emit(self._time(event.position().x()))
        if self._pressed is not None:
            self._drawn = event.position().x()
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        if pressed is not None and abs(event.position().x() - pressed) >= _DRAWN:
            start, end = sorted((self._time(pressed), self._time(event.position().x())))
            if end - start < LEAST_SPAN:
                middle = (start + end) / 2
                start, end = middle - LEAST_SPAN / 2, middle + LEAST_SPAN / 2
            self.zoomed.emit(start, end)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._pressed = None
        self.reset_requested.emit()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.pointed.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        sideways = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(key)
        if sideways is not None:
            ten = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            self._read(self._stepped(sideways * ten))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._read(self._start if key is Qt.Key.Key_Home else self._end)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(_NEARER)
        elif key is Qt.Key.Key_Minus:
            self.zoom(1 / _NEARER)
        elif key is Qt.Key.Key_0:
            self.reset_requested.emit()
        elif key is Qt.Key.Key_Escape and self._at is not None:
            self.pointed.emit(None)
        else:
            super().keyPressEvent(event)

    def _stepped(self, steps: int) -> float:
        known = [self._series[line.name] for line in self._lines if line.name in self._series]
        step = max(min((step_of(one) for one in known), default=1.0), (self._end - self._start) / 200)
        return (self._at if self._at is not None else self._end) + steps * step

    def _read(self, at: float) -> None:
        first, last = self._whole
        at = min(max(at, first), last)
        if at < self._start:
            self._move(at - self._start)
        elif at > self._end:
            self._move(at - self._end)
        self.pointed.emit(at)
        self.told.emit()

    def _time(self, x: float) -> float:
        area = self.area
        share = min(max((x - area.left()) / max(1.0, area.width()), 0.0), 1.0)
        return self._start + share * (self._end - self._start)
