"""Tab goes through a window as it is read: along its layouts, and where there is none from above to below.

Qt keeps a ring of all widgets in the order in which they were made, which is another one where parts come and go, and
which loses some of them when it is mended piece by piece. Here the order is found when somebody presses Tab. Controls
show by their look that they have the focus; texts and lists, which a press of the mouse goes to as well, by a ring as
long as they have it by Tab.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Protocol, runtime_checkable

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QColor, QFocusEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QLayout, QScrollArea, QWidget

from app import theme

_FRAMED = ("input", "composer")  # texts that are written in: the style sheet shows their focus


@runtime_checkable
class Scrolling(Protocol):
    """What scrolls in a way of its own."""

    def bring_into_sight(self, widget: QWidget) -> None: ...


def stops(inside: QWidget) -> Iterator[QWidget]:
    """What Tab comes to: what is seen, works and wants it."""
    for widget in _in_order(inside):
        if widget.isVisible() and not widget.isWindow():
            if _takes_tab(widget) or widget is QApplication.focusWidget():
                yield widget
            yield from stops(widget)


def move_focus(window: QWidget, *, forwards: bool) -> bool:
    """To what comes after what has the focus, or before it; from one end to the other. False if there is nothing."""
    there, focused = list(stops(window)), QApplication.focusWidget()
    others = [widget for widget in there if _takes_tab(widget)]
    if not others:
        return False
    if focused not in there:
        target = others[0 if forwards else -1]
    else:
        here = there.index(focused)
        ways = chain(there[here + 1 :], there[:here]) if forwards else chain(there[:here][::-1], there[:here:-1])
        target = next((widget for widget in ways if _takes_tab(widget)), others[0])
    target.setFocus(Qt.FocusReason.TabFocusReason if forwards else Qt.FocusReason.BacktabFocusReason)
    _bring_into_sight(target)
    if isinstance(target, QAbstractScrollArea) and target.property("kind") not in _FRAMED:
        _Ring(target)
    return True


def _bring_into_sight(target: QWidget) -> None:
    inside = target.parentWidget()
    while inside is not None:
        if isinstance(inside, QScrollArea):
            inside.ensureWidgetVisible(target)
        elif isinstance(inside, Scrolling):
            inside.bring_into_sight(target)
        inside = inside.parentWidget()


def _takes_tab(widget: QWidget) -> bool:
    wants = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
    return wants and widget.isEnabled() and widget.focusProxy() is None


def _in_order(parent: QWidget) -> list[QWidget]:
    """Those that are laid out, and behind them those that are placed by hand."""
    layout = parent.layout()
    laid_out = [*_of_layout(layout)] if layout is not None else []
    known = {*laid_out}
    placed = [child for child in parent.children() if isinstance(child, QWidget) and child not in known]
    return laid_out + sorted(placed, key=lambda child: (child.y(), child.x()))


def _of_layout(layout: QLayout) -> Iterator[QWidget]:
    for index in range(layout.count()):
        item = layout.itemAt(index)
        if item is None:
            continue
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            yield widget
        elif inner is not None:
            yield from _of_layout(inner)


class _Ring(QWidget):
    """Inside the edge of `around`, which owns it; it goes when the focus goes on."""

    def __init__(self, around: QAbstractScrollArea) -> None:
        super().__init__(around)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setGeometry(around.rect())
        around.installEventFilter(self)
        self.show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QResizeEvent):
            self.resize(event.size())
        elif isinstance(event, QFocusEvent) and event.lostFocus():
            aside = (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason)
            if event.reason() not in aside:
                self.hide()
                self.deleteLater()
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.tokens().accent), 2))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
        painter.end()
