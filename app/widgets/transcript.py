"""The messages of a conversation, of which only those in sight exist as widgets.

A thousand messages cost what ten do. Heights of messages never seen are guessed from their length; when one
comes into sight it is measured, and the view is laid out around an *anchor* (a row and where its top stands in
the window), so that nothing jumps when guesses turn out wrong. While the end is in sight the view is *pinned*
to it and follows an answer as it grows; scrolling up lets go, scrolling to the end takes hold again.
"""

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QRect, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from app.language import Retranslated
from app.lists.messages import MessageList, MessageRow
from app.reading_places import WHOLE, ReadingPlaces
from app.theme import PAGE_WIDTH, SPACE, px
from app.widgets.markdown_view import Work
from app.widgets.message import Answer, MessageWidget, make
from app.widgets.message_keys import MessageKeys
from app.widgets.message_sheet import BOTTOM, GAP, TOP, MessageSheet, Window

SLICE_MS = 1  # after a frame was painted, before more is set
UNPAINTED_MS = 25  # where nothing had to be painted
MOST_A_FRAME = 0.003  # seconds
MOST_A_SLICE = 0.004  # between two frames
MOST_AT_ONCE = 0.06  # when all is new: a person waits longer for a page than for a step
REACH = 5  # quarters of what is in sight: so much is set ahead, in the direction of travel
BEHIND = 2  # and so much in the other one
MOST_IN_SIGHT = 12  # rows, about
_STEP = 48


class Transcript(Retranslated, QAbstractScrollArea):
    retry_requested = Signal(int)
    regenerate_requested = Signal(int)
    going_on_requested = Signal(int)
    answer_now_requested = Signal()
    variant_requested = Signal(int, int)
    link_requested = Signal(str)
    source_requested = Signal(int, int)  # message, n
    xray_requested = Signal(int)
    chip_removed = Signal(int, str)  # message, key
    message_action = Signal(int, str)  # message, a name of MessageMenu.entries
    edit_submitted = Signal(int, str)  # message, text
    end_left = Signal(bool)  # True: the end is out of sight

    def __init__(self, messages: MessageList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._messages = messages
        self.places = ReadingPlaces()
        self._sheet = MessageSheet(messages, self._made, self)
        self._placing = False
        self._behind = False  # something in sight is not set yet
        self._reach = REACH  # it grows until all of it is set
        self._way = -1  # of the last turn of the wheel: up
        self._catching = QTimer(self)
        self._catching.setSingleShot(True)
        self._catching.timeout.connect(self._on_catching)
        self._held: tuple[int, QRect] | None = None  # a row and where it stands, while the branch changes
        self._value = 0
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setAutoFillBackground(False)
        self.verticalScrollBar().setSingleStep(_STEP)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        messages.modelAboutToBeReset.connect(self.note_place)
        messages.modelReset.connect(self._on_reset)
        messages.rowsInserted.connect(self._on_inserted)
        messages.rowsRemoved.connect(self._on_removed)
        messages.dataChanged.connect(self._on_changed)
        messages.branch_changing.connect(self._on_branch_changing)
        messages.branch_changed.connect(self._on_branch_changed)
        self._keys = MessageKeys(self, messages, lambda: self._sheet.widgets, self.show_message)
        self.retranslate()

    # ---- what others ask for

    @property
    def pinned(self) -> bool:
        return self._sheet.pinned

    @property
    def in_sight(self) -> dict[int, MessageWidget]:
        """The widgets that exist, by row."""
        return self._sheet.widgets

    @property
    def empty_share(self) -> float:
        """How much of what is in sight waits for a later frame, 0 to 1."""
        view = self.viewport().height()
        waiting = 0
        for widget in self._sheet.widgets.values():
            if not widget.isHidden():
                top, bottom = max(0, widget.y()), min(view, widget.geometry().bottom())
                waiting += widget.empty_between(top - widget.y(), bottom - widget.y()) if top < bottom else 0
        return waiting / max(1, view)

    @Slot()
    def to_end(self) -> None:
        self._set_pinned(True)
        self._place()

    def show_message(self, message_id: int) -> None:
        """Scroll until the message stands at the top, or as far up as the end allows."""
        row = self._messages.find(message_id)
        if row is not None:
            self._set_pinned(False)
            self._sheet.anchor = (row, TOP)
            self._place()

    def bring_into_sight(self, widget: QWidget) -> None:
        """A part of a message that has got the focus."""
        top, view = widget.mapTo(self.viewport(), QPoint(0, 0)).y(), self.viewport().height()
        below = top + widget.height() - view
        if top < 0 and below < 0:
            self.verticalScrollBar().setValue(self._value + top - SPACE.s)
        elif top > 0 and below > 0:
            self.verticalScrollBar().setValue(self._value + min(below + SPACE.s, top))

    @Slot()
    def note_place(self) -> None:
        """Where the reader is now: he comes back there."""
        rows = self._messages.rows
        if not rows or not self._sheet.heights:
            return
        row, top = self._sheet.first_in_sight()
        if self._sheet.pinned or rows[row].id <= 0:
            self.places.forget(rows[0].id)
        else:
            self.places.keep(rows[0].id, rows[row].id, round(-top * WHOLE / max(1, self._sheet.heights[row])))

    @Slot()
    def tick(self) -> None:
        """Time passes: messages on their way say so."""
        for row, widget in self._sheet.widgets.items():
            if isinstance(widget, Answer) and self._messages.rows[row].live is not None:
                widget.tick()

    def retranslate(self) -> None:
        self.setAccessibleName(self.tr("Conversation"))

    # ---- the rows change

    @Slot()
    def _on_reset(self) -> None:
        self._sheet.reset()
        first = self._messages.rows[0].id if self._messages.rows else 0
        place = self.places.find(first)
        row = self._messages.find(place[0]) if place is not None else None
        self._set_pinned(row is None)
        if place is not None and row is not None:
            _, width = self._column()
            height = self._sheet.whole(row, width, Work(MOST_AT_ONCE))
            self._sheet.anchor = (row, -round(height * place[1] / WHOLE))
        self._place()

    @Slot(QModelIndex, int, int)
    def _on_inserted(self, parent: QModelIndex, first: int, last: int) -> None:
        self._sheet.heights[first:first] = [self._sheet.guess(row) for row in self._messages.rows[first : last + 1]]
        self._set_pinned(True)
        self._place()

    @Slot(QModelIndex, int, int)
    def _on_removed(self, parent: QModelIndex, first: int, last: int) -> None:
        self._sheet.release(lambda row: row >= first)
        del self._sheet.heights[first : last + 1]
        self._place()

    @Slot(int)
    def _on_branch_changing(self, row: int) -> None:
        widget = self._sheet.widgets.get(row)
        self._held = (row, widget.geometry()) if widget is not None and widget.isVisible() else None
        self._placing = True  # all at once, when it has changed

    @Slot()
    def _on_branch_changed(self) -> None:
        self._placing = False
        if self._held is not None:
            row, place = self._held
            top = place.y()
            if top < 0:  # its end is looked at: that stays, or comes into sight
                height = self._sheet.measure(row, place.width())
                top = min(place.bottom(), self.viewport().height() - BOTTOM) - height
            self._sheet.anchor = (row, top)
        self._set_pinned(self._held is None)
        self._place()

    @Slot(QModelIndex, QModelIndex)
    def _on_changed(self, first: QModelIndex, last: QModelIndex) -> None:
        for row in range(first.row(), last.row() + 1):
            shown = self._messages.rows[row]
            if (widget := self._sheet.widgets.get(row)) is None:
                if self._placing:  # another branch: another message
                    self._sheet.heights[row] = self._sheet.guess(shown)
            elif widget.row.role != shown.role:
                self._sheet.release(lambda other, row=row: other == row)
            else:
                if isinstance(widget, Answer) and widget.row.id != shown.id:
                    widget.set_thinking_open(shown.id in self._sheet.open_thoughts)
                widget.show_row(shown)
        self._place()

    # ---- laying out

    def _column(self) -> tuple[int, int]:
        """Left edge and width of the column of text."""
        whole = self.width()  # the scroll bar's room too: the column stands still when the bar comes
        width = max(200, min(px(PAGE_WIDTH), whole - 2 * SPACE.xl))
        return max(0, (whole - width) // 2), width

    def _made(self, shown: MessageRow) -> MessageWidget:
        widget = make(shown, self._messages, self.viewport())
        widget.message_action.connect(self.message_action)
        widget.variant_requested.connect(self.variant_requested)
        widget.edit_submitted.connect(self.edit_submitted)
        widget.resized.connect(self._place)
        if isinstance(widget, Answer):
            widget.retry_requested.connect(self.retry_requested)
            widget.regenerate_requested.connect(self.regenerate_requested)
            widget.going_on_requested.connect(self.going_on_requested)
            widget.answer_now_requested.connect(self.answer_now_requested)
            widget.link_requested.connect(self.link_requested)
            widget.source_requested.connect(self.source_requested)
            widget.xray_requested.connect(self.xray_requested)
            widget.chip_removed.connect(self.chip_removed)
            widget.thinking_toggled.connect(self._on_thinking_toggled)
        for part in (widget, *widget.findChildren(QWidget)):
            part.ensurePolished()  # sizes are right only with the style sheet's fonts
        return widget

    @Slot()
    def _place(self) -> None:
        self._reach = REACH
        self._lay_out(Work(MOST_AT_ONCE))

    def _lay_out(self, work: Work, above: int = 0, below: int = 0) -> None:
        """Lay out what is in sight around the anchor, or from the end when pinned; set the scroll bar to it. What there
        is no time for follows. `above`, `below`: so much beyond what is in sight."""
        if self._placing:
            return
        self._placing = True
        try:
            count = len(self._sheet.heights)
            view = self.viewport().height()
            if not count:
                self._sheet.release(lambda _: True)
                self._set_bar(0, 0)
                return
            x, width = self._column()
            window = Window(width, view, -above, view + below, work)
            first, top, row, bottom = self._sheet.set_rows(window)
            if not self._sheet.pinned and row == count and bottom - GAP + BOTTOM <= view:
                self._set_pinned(True)
                first, top, row, bottom = self._sheet.set_rows(window)
            self._sheet.anchor = (first, top)
            self._sheet.release(lambda r: not first - 3 <= r < row + 3)
            self._put(first, top, x, width)
            if not (above or below):
                self._behind = work.wanted
                self._catching.start(UNPAINTED_MS)
            total = self._sheet.top_of(count) - GAP + BOTTOM
            self._set_bar(max(0, total - view), self._sheet.top_of(first) - top)
        finally:
            self._placing = False

    def _put(self, first: int, top: int, x: int, width: int) -> None:
        """The widgets where they stand, in one piece with the row `first`; what is apart from that is hidden."""
        widgets, heights = self._sheet.widgets, self._sheet.heights
        placed: set[int] = set()
        y, row = top, first
        while (widget := widgets.get(row)) is not None:
            self._put_one(widget, QRect(x, y, width, heights[row]))
            y += heights[row] + GAP
            placed.add(row)
            row += 1
        y, row = top, first - 1
        while (widget := widgets.get(row)) is not None:
            y -= heights[row] + GAP
            self._put_one(widget, QRect(x, y, width, heights[row]))
            placed.add(row)
            row -= 1
        for row, widget in widgets.items():
            widget.setVisible(row in placed)

    @staticmethod
    def _put_one(widget: MessageWidget, place: QRect) -> None:
        same_size = widget.size() == place.size()
        widget.setGeometry(place)
        if isinstance(widget, Answer) and same_size:
            widget.place()  # else it has placed its parts by itself

    @Slot()
    def _on_catching(self) -> None:
        """What a frame had no time for; then what is going to be in sight soon, the nearest first."""
        work = Work(MOST_A_SLICE)
        if self._behind:
            self._lay_out(work)
            return
        quarter = self.viewport().height() // 4
        far, near = quarter * self._reach, quarter * min(self._reach, BEHIND)
        self._lay_out(work, *((far, near) if self._way < 0 else (near, far)))
        if work.wanted or self._reach < REACH:
            self._reach += not work.wanted
            self._catching.start(SLICE_MS)
        elif self._sheet.spare():
            self._catching.start(SLICE_MS)

    def _set_bar(self, maximum: int, value: int) -> None:
        bar = self.verticalScrollBar()
        bar.setRange(0, maximum)
        bar.setPageStep(self.viewport().height())
        self._value = max(0, min(maximum, value))
        bar.setValue(self._value)

    def _set_pinned(self, pinned: bool) -> None:
        if pinned != self._sheet.pinned:
            self._sheet.pinned = pinned
            self.end_left.emit(not pinned)

    # ---- scrolling

    @Slot(int)
    def _on_scrolled(self, value: int) -> None:
        if self._placing:
            return
        moved = value - self._value
        if not moved:
            return
        bar = self.verticalScrollBar()
        if moved > 0 and value >= bar.maximum():
            self._set_pinned(True)
        else:
            self._set_pinned(False)
            if value <= 0:
                self._sheet.anchor = (0, TOP)
            elif bar.isSliderDown() or abs(moved) > 2 * self.viewport().height():
                row = self._sheet.row_at(value)
                self._sheet.release(lambda other: not row - 3 <= other < row + MOST_IN_SIGHT)  # to be used at once
                self._sheet.anchor = (row, self._sheet.top_of(row) - value)
            else:
                row, top = self._sheet.anchor
                self._sheet.anchor = (row, top - moved)
        self._way = 1 if moved > 0 else -1
        self._reach = 1
        self._lay_out(Work(MOST_A_FRAME, must=False))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._catching.isActive():
            self._catching.start(SLICE_MS)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Everything is moved by `_place`."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        bar = self.verticalScrollBar()
        if event.key() == Qt.Key.Key_Home:
            bar.setValue(0)
        elif event.key() == Qt.Key.Key_End:
            self.to_end()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.LanguageChange) and self._sheet.heights:
            self._place()

    @Slot(int, bool)
    def _on_thinking_toggled(self, message_id: int, opened: bool) -> None:
        if opened:
            self._sheet.open_thoughts.add(message_id)
        else:
            self._sheet.open_thoughts.discard(message_id)
        self._set_pinned(False)
