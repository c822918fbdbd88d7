"""The rows of a conversation as if they were one long sheet, of which what is in sight is set.

Heights of messages never seen are guessed from their length. Rows are laid out around an *anchor* (a row and where its
top stands in the window) or, *pinned*, from the end. What is set in sight stands still while what is above it turns out
to be higher or lower than guessed. Widgets out of sight show other messages later.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

from PySide6.QtWidgets import QApplication, QWidget

from app.lists.messages import MessageList, MessageRow
from app.theme import SPACE
from app.widgets import groups
from app.widgets.markdown_view import Work
from app.widgets.message import Answer, MessageWidget

GAP = SPACE.xl
TOP = SPACE.xl
BOTTOM = SPACE.xl
SPARE = 10  # widgets that are kept
READY = 3  # of each kind, made before they are needed


@dataclass(slots=True)
class Window:
    """What is laid out: from `top` to `bottom`, which may be more than the `view` shows, whose own top is 0. Pixels."""

    width: int
    view: int
    top: int
    bottom: int
    work: Work


class MessageSheet:
    """`make` makes the widget of a row; `view` gets the focus of one that goes."""

    def __init__(self, messages: MessageList, make: Callable[[MessageRow], MessageWidget], view: QWidget) -> None:
        self._messages = messages
        self._make = make
        self._view = view
        self.heights: list[int] = []
        self.widgets: dict[int, MessageWidget] = {}
        self.open_thoughts: set[int] = set()
        self.pinned: bool = True
        self.anchor: tuple[int, int] = (0, TOP)
        self._still: int | None = None
        self._spare: list[MessageWidget] = []  # for what comes into sight next

    def reset(self) -> None:
        """All rows are others."""
        self.release(lambda _: True)
        self._still = None
        self.heights = [self.guess(row) for row in self._messages.rows]

    def guess(self, row: MessageRow) -> int:
        return groups.guess_text(row.text) + (24 if row.role == "user" else 72)

    def _widget(self, row: int) -> MessageWidget:
        widget = self.widgets.get(row)
        if widget is not None:
            return widget
        shown = self._messages.rows[row]
        spare = next((spare for spare in self._spare if spare.row.role == shown.role), None)
        if spare is not None:
            self._spare.remove(spare)
            spare.show_row(shown)
            widget = spare
        else:
            widget = self._make(shown)
        if isinstance(widget, Answer):
            widget.set_thinking_open(shown.id in self.open_thoughts)
        self.widgets[row] = widget
        return widget

    def spare(self) -> bool:
        """One more widget for what comes into sight next, before it is needed; False where there are enough."""
        for role in ("user", "assistant"):
            kept = sum(spare.row.role == role for spare in self._spare)
            if kept < READY and len(self.widgets) < len(self.heights):
                made = self._make(MessageRow(0, role))
                made.hide()
                self._spare.append(made)
                return True
        return False

    def measure(self, row: int, width: int) -> int:
        self.heights[row] = self._widget(row).height_for(width)
        return self.heights[row]

    def whole(self, row: int, width: int, work: Work) -> int:
        """How high it is when all of it has been set, as far as there is time."""
        height = self.measure(row, width)
        self.widgets[row].show_between(0, height, work)
        return self.measure(row, width)

    def first_in_sight(self) -> tuple[int, int]:
        """The row, and where its top stands."""
        row, top = self.anchor
        row = min(row, len(self.heights) - 1)
        while row < len(self.heights) - 1 and top + self.heights[row] <= 0:
            top += self.heights[row] + GAP
            row += 1
        return row, top

    def top_of(self, row: int) -> int:
        """Where it would begin if the page were one long window; also of the row after the last."""
        return TOP + sum(self.heights[:row]) + GAP * row

    def row_at(self, y: int) -> int:
        """The row that would be there then."""
        ends = list(accumulate(self.heights, initial=TOP))
        above = bisect_right(range(len(ends)), y, key=lambda row: ends[row] + GAP * row)
        return max(0, min(above, len(self.heights)) - 1)

    def set_rows(self, window: Window) -> tuple[int, int, int, int]:
        """The rows in sight are there and measured: the first one, its top, the one after the last, and its top."""
        row, y = self._from_end(window) if self.pinned else self._from_anchor(window)
        first, top = row, y
        still = None if self.pinned else self._stands_still(first, top, window)
        while row < len(self.heights) and y < window.bottom:
            height = self.measure(row, window.width)
            moved = self.widgets[row].show_between(window.top - y, window.bottom - y, window.work)
            grown = self.measure(row, window.width) - height
            if grown and self.pinned:
                return self.set_rows(window)
            if still is not None and row <= still:
                up = grown if row < still else moved
                top -= up
                y -= up
            y += self.heights[row] + GAP
            row += 1
        self._still = still
        if not self.pinned and top > (window.top + GAP if first else TOP):  # what was above is less high than guessed
            self.anchor = (first, top)
            return self.set_rows(window)
        return first, top, row, y

    def _stands_still(self, row: int, y: int, window: Window) -> int:
        """The row that keeps its place while others grow: the same one as before, or the first that is set."""
        first, set_ = row, None
        while row < len(self.heights) and y < window.bottom:
            if row == self._still:
                return row
            widget = self.widgets.get(row)
            if set_ is None and widget is not None and widget.shows(window.top - y, window.bottom - y):
                set_ = row
            y += self.heights[row] + GAP
            row += 1
        return first if set_ is None else set_

    def _from_end(self, window: Window) -> tuple[int, int]:
        """The first row in sight and its top, when the last one ends at the bottom of the window."""
        y = window.view - BOTTOM
        row = len(self.heights)
        while row > 0 and y > window.top:
            row -= 1
            y -= self._set_above(row, y, window)
            if row and y > window.top:
                y -= GAP
        if row == 0 and y > TOP:
            y = TOP  # all of it fits: it begins at the top
        return row, y

    def _from_anchor(self, window: Window) -> tuple[int, int]:
        row, y = self.anchor
        row = min(row, len(self.heights) - 1)
        while row > 0 and y > window.top:  # rows that come into sight above
            row -= 1
            y -= GAP
            y -= self._set_above(row, y, window)
        if row == 0 and y > TOP:
            y = TOP
        while row < len(self.heights) - 1 and y + self.measure(row, window.width) + GAP <= window.top:
            y += self.heights[row] + GAP  # out of sight above
            row += 1
        return row, y

    def _set_above(self, row: int, bottom: int, window: Window) -> int:
        """How high a row is that ends at `bottom`, when what is in sight of it has been set."""
        height = self.measure(row, window.width)
        for _ in range(3):
            top = bottom - height
            self.widgets[row].show_between(window.top - top, window.bottom - top, window.work)
            if self.measure(row, window.width) == height:
                break
            height = self.heights[row]
        return height

    def release(self, unwanted: Callable[[int], bool]) -> None:
        for row in [row for row in self.widgets if unwanted(row)]:
            widget = self.widgets.pop(row)
            focused = QApplication.focusWidget()
            if focused is not None and (focused is widget or widget.isAncestorOf(focused)):
                self._view.setFocus()
            widget.hide()
            if len(self._spare) < SPARE:
                self._spare.append(widget)
            else:
                widget.deleteLater()
