"""Widgets below each other, whose height at a width can be asked for without waiting for the event loop."""

from collections.abc import Callable

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget


def height_of(widget: QWidget, width: int) -> int:
    """What its `height_for` says, where it has one."""
    height_for: Callable[[int], int] | None = getattr(widget, "height_for", None)
    if height_for is not None:
        return height_for(width)
    layout = widget.layout()
    if layout is not None:
        layout.activate()
    if widget.hasHeightForWidth():
        return widget.heightForWidth(width)
    return widget.sizeHint().height()


class Stack(QWidget):
    """Give it widgets with `add`; those that are hidden take no room."""

    def __init__(self, space: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._space = space
        self._widgets: list[QWidget] = []
        self._outdents: dict[QWidget, int] = {}

    def add(self, widget: QWidget, before: QWidget | None = None, *, outdent: int = 0) -> None:
        """`outdent`: so far to the left, for a widget that begins with the padding of a button."""
        widget.setParent(self)
        self._outdents[widget] = outdent
        index = len(self._widgets) if before is None else self._widgets.index(before)
        self._widgets.insert(index, widget)

    def take(self, widget: QWidget) -> None:
        self._widgets.remove(widget)
        del self._outdents[widget]
        widget.hide()
        widget.deleteLater()

    def height_for(self, width: int) -> int:
        heights = [height_of(widget, width) for widget in self._widgets if not widget.isHidden()]
        return sum(heights) + self._space * max(0, len(heights) - 1)

    def top_of(self, wanted: QWidget, width: int) -> int:
        """Where one of them begins, at this width."""
        above = self._widgets[: self._widgets.index(wanted)]
        return sum(height_of(widget, width) + self._space for widget in above if not widget.isHidden())

    def place(self) -> None:
        y = 0
        for widget in self._widgets:
            if not widget.isHidden():
                height = height_of(widget, self.width())
                widget.setGeometry(-self._outdents[widget], y, self.width() + self._outdents[widget], height)
                y += height + self._space

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.place()
