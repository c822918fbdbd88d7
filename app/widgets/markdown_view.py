"""An answer on the screen: prose, code and tables below each other. Grows while the answer streams.

What is told where it is looked at (`show_between`) is set only there, a bounded piece of work at a time; of the rest
the height is guessed. Widgets far out of sight are given back and show something else later. A text that grows is
drawn as often as it can be with a third of the time of the processor.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QRectF, QTimer, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app import cited, theme
from app.cited import Mark
from app.growing import Growing
from app.markdown import Block, Code, Formula, Table, parse
from app.theme import SPACE, px
from app.widgets import groups, sketch
from app.widgets.code import CodeBlock
from app.widgets.formula import FormulaBlock
from app.widgets.groups import Group
from app.widgets.prose import INDENT, Prose
from app.widgets.readings import KEPT, Reading
from app.widgets.table import TableBlock

Part = Prose | CodeBlock | TableBlock | FormulaBlock
SOON = 0.008  # seconds; what takes longer to draw is drawn less often
REST = 3  # times as long as drawing took, before a growing text is drawn again
SPARE = 3  # widgets of a kind that are kept for what comes into sight


class Work:
    """How much may be set before the window has to be painted: so many seconds of this thread. A piece is begun if it
    is likely to end in time, the first one in any case where something `must` be done."""

    def __init__(self, seconds: float, *, must: bool = True) -> None:
        self._until = time.thread_time() + seconds
        self._must = must
        self.wanted = False  # there was more to do

    def take(self, weight: int) -> bool:
        """`weight`: about so many milliseconds."""
        if not self._must and time.thread_time() + weight / 1000 > self._until:
            self.wanted = True
            return False
        self._must = False
        return True


@dataclass(slots=True)
class _Placed:
    group: Group
    height: int = 0  # at the width of the view; 0: nobody has asked
    known: bool = False  # it is no guess
    widget: Part | None = None

    @property
    def indent(self) -> int:
        return groups.indent_of(self.group) * px(INDENT)


class MarkdownView(QWidget):
    """`show_text` sets it, `height_for` says how high it is at a width; the owner gives it that size. `lazy`: its owner
    says what of it is in sight."""

    link_requested = Signal(str)
    grown = Signal()  # by itself: what had to wait was drawn

    def __init__(self, parent: QWidget | None = None, *, muted: bool = False, lazy: bool = False) -> None:
        super().__init__(parent)
        self._muted = muted
        self._lazy = lazy
        self._parts: list[_Placed] = []
        self._spare: list[Part] = []
        self._growing: Growing | None = None
        self._text: str | None = None
        self._blocks: Sequence[Block] = ()
        self._marks: tuple[Mark, ...] = ()
        self._width = 0
        self._waiting: tuple[str, tuple[Mark, ...]] | None = None
        self._unread = 0  # guess of the height of a text that nobody has looked at yet
        self._rows: list[str] | None = None  # of its sketch
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._on_rested)
        theme.current().changed.connect(self._on_theme_changed)

    def show_text(self, text: str, *, growing: bool = False, marks: Sequence[Mark] = ()) -> bool:
        """Set the text; True if anything changed. `growing`: the end of an answer that still streams. `marks`: the
        places in it that refer to sources."""
        marks = tuple(marks)
        if growing and self._growing is not None and self._rest.isActive() and text.startswith(self._text or ""):
            self._waiting = text, marks
            return False
        self._rest.stop()
        self._waiting = None
        if text == self._text and growing == (self._growing is not None) and marks == self._marks:
            return False
        began = time.thread_time()
        continued = self._text is not None and text.startswith(self._text) and not self._unread
        self._keep()
        self._text, self._marks = text, marks
        self._unread = 0
        self._rows = None
        if growing:
            self._growing = self._growing or Growing()
        else:
            self._growing = None
            if self._lazy and not continued and text:
                self._show_blocks((), growing=False)
                self._take_up()
                return True
        self._read(growing=growing)
        took = time.thread_time() - began
        if growing and took > SOON:
            self._rest.start(int(REST * 1000 * took))
        return True

    def _read(self, *, growing: bool = False) -> None:
        text, marks = self._text or "", self._marks
        read = cited.hidden(text, marks) if marks else text
        blocks = self._growing.read(read) if self._growing is not None else parse(read)
        self._unread = 0
        self._show_blocks(cited.shown(blocks, text, marks), growing)

    def _keep(self) -> None:
        """What is known of this text, for when it comes into sight again."""
        if self._lazy and self._text and self._parts and self._growing is None:
            heights = [(part.height, part.known) for part in self._parts]
            reading = Reading(self._blocks, [part.group for part in self._parts], self._width, heights)
            KEPT.keep(self._text, self._marks, reading)

    def _take_up(self) -> None:
        """Nothing of the text is set; what is known of it is used, else its height is guessed."""
        kept = KEPT.find(self._text or "", self._marks)
        if kept is None:
            self._unread = groups.guess_text(self._text or "")
            return
        self._blocks, self._width = kept.blocks, kept.width
        self._parts = [_Placed(group, *height) for group, height in zip(kept.groups, kept.heights, strict=True)]

    def plain_text(self) -> str:
        return (self._waiting[0] if self._waiting else self._text) or ""

    @property
    def widgets(self) -> int:
        """How many there are, in sight or near it."""
        return sum(part.widget is not None for part in self._parts) + len(self._spare)

    def height_for(self, width: int) -> int:
        self._measure(width)
        return self._unread or sum(part.height for part in self._parts) + SPACE.m * max(0, len(self._parts) - 1)

    def show_between(self, top: int, bottom: int, work: Work) -> int:
        """Set what lies between these heights, as far as there is time. What was set there already, or else what
        begins there, is to stay where it is in the window: returns by how much it has moved down in the view."""
        read = 0
        if before := self._unread:
            if bottom <= 0 or top >= before or not work.take(groups.weight_of_text(self._text or "")):
                return 0
            self._read()
            if top > 0:  # as far in it as before
                read = round(top * (self.height_for(self._width) / before - 1))
                top, bottom = top + read, bottom + read
        return read + self._set_between(top, bottom, work)

    def _set_between(self, top: int, bottom: int, work: Work) -> int:
        first = next((part for part in self._in(top, bottom) if part.widget is not None), None)
        y = moved = 0
        above = True
        for part in self._parts:
            above = above and part is not first and (first is not None or y < top)
            if part.widget is None and y < bottom and y + part.height > top and work.take(groups.weight(part.group)):
                before = part.height
                self._build(part)
                if above:
                    moved += part.height - before
                    top, bottom = top + part.height - before, bottom + part.height - before
            y += part.height + SPACE.m
        near = bottom - top
        y = 0
        for part in self._parts:
            if part.widget is not None and (y > bottom + near or y + part.height < top - near):
                self._give_back(part)
            y += part.height + SPACE.m
        self._place()
        return moved

    def shows(self, top: int, bottom: int) -> bool:
        """Something between these heights has been set."""
        return any(part.widget is not None for part in self._in(top, bottom))

    def empty_between(self, top: int, bottom: int) -> int:
        """Pixels between these heights that nobody has set yet."""
        if self._unread:
            return max(0, min(bottom, self._unread) - max(top, 0))
        y = empty = 0
        for part in self._parts:
            if part.widget is None:
                empty += max(0, min(bottom, y + part.height) - max(top, y))
            y += part.height + SPACE.m
        return empty

    def _in(self, top: int, bottom: int) -> list[_Placed]:
        y, found = 0, []
        for part in self._parts:
            if y < bottom and y + part.height > top:
                found.append(part)
            y += part.height + SPACE.m
        return found

    def paintEvent(self, event: QPaintEvent) -> None:
        """What is not set yet is sketched."""
        if not self._unread and all(part.widget is not None for part in self._parts):
            return
        painter = QPainter(self)
        clip = QRectF(event.rect())
        if self._unread:
            self._rows = sketch.rows(self._text or "") if self._rows is None else self._rows
            sketch.paint_rows(painter, self._rows, clip)
        y = 0
        for part in self._parts:
            place = QRectF(part.indent, y, max(40, self._width - part.indent), part.height)
            if part.widget is None and place.intersects(clip):
                sketch.paint_group(painter, part.group, place, clip)
            y += part.height + SPACE.m
        painter.end()

    def _measure(self, width: int) -> None:
        if width != self._width:
            self._width = width
            for part in self._parts:
                part.height, part.known = 0, False
        for part in self._parts:
            if not part.known and (part.widget is not None or not part.height):
                self._measure_one(part)

    def _measure_one(self, part: _Placed) -> None:
        room = max(40, self._width - part.indent)
        part.known = part.widget is not None
        part.height = part.widget.height_for(room) if part.widget is not None else groups.guess(part.group, room)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._measure(self.width())
        self._place()

    def _place(self) -> None:
        y = 0
        for part in self._parts:
            if part.widget is not None:
                part.widget.setGeometry(part.indent, y, max(40, self._width - part.indent), part.height)
            y += part.height + SPACE.m

    def _show_blocks(self, blocks: Sequence[Block], growing: bool) -> None:
        self._blocks = blocks
        now = groups.groups(blocks)
        first = self._first_to_set(now)
        for index in range(first, len(now)):
            if index == len(self._parts):
                self._parts.append(_Placed(now[index]))
            part = self._parts[index]
            if part.widget is not None and not groups.suits(part.group, now[index]):
                self._give_back(part)
            part.group, part.height, part.known = now[index], 0, False
            if part.widget is not None:
                self._set(part, growing=growing and index == len(now) - 1)
            elif not self._lazy:
                self._build(part, growing=growing and index == len(now) - 1)
        for part in self._parts[len(now) :]:
            self._give_back(part)
        del self._parts[len(now) :]
        if self._width:
            self._measure(self._width)
            self._place()

    def _first_to_set(self, now: Sequence[Group]) -> int:
        """The first group that differs. The one that was last is always set again: it may have ended."""
        same = 0
        for part, group in zip(self._parts[:-1], now, strict=False):
            if part.group != group:
                break
            same += 1
        return min(same, len(now))

    def _build(self, part: _Placed, *, growing: bool = False) -> None:
        kinds: dict[type, type[Part]] = {Code: CodeBlock, Table: TableBlock, Formula: FormulaBlock}
        wanted = kinds.get(type(part.group), Prose)
        quiet = (Prose, FormulaBlock)
        part.widget = next((widget for widget in self._spare if isinstance(widget, wanted)), None)
        if part.widget is None:
            part.widget = wanted(self, muted=self._muted) if issubclass(wanted, quiet) else wanted(self)
            if isinstance(part.widget, CodeBlock):
                part.widget.whole = partial(self._code_around, part.widget)
            else:
                part.widget.link_requested.connect(self.link_requested)
            for widget in (part.widget, *part.widget.findChildren(QWidget)):
                widget.ensurePolished()  # sizes are right only with the style sheet's fonts
        else:
            self._spare.remove(part.widget)
        self._set(part, growing=growing)
        part.widget.show()
        if self._width:
            self._measure_one(part)

    @staticmethod
    def _set(part: _Placed, *, growing: bool) -> None:
        widget, group = part.widget, part.group
        if isinstance(widget, Prose) and isinstance(group, list):
            widget.show_paragraphs(group)
        elif isinstance(widget, CodeBlock) and isinstance(group, Code):
            widget.show_code(group, growing=growing)
        elif isinstance(widget, TableBlock) and isinstance(group, Table):
            widget.show_table(group)
        elif isinstance(widget, FormulaBlock) and isinstance(group, Formula):
            widget.show_formula(group)

    def _code_around(self, widget: CodeBlock) -> str:
        """All of the code that this widget shows, or shows a part of."""
        shown = [part for part in self._parts if isinstance(part.group, Code) and not part.group.part]
        here = next((n for n, part in enumerate(shown) if part.widget is widget), None)
        codes = [block for block in self._blocks if isinstance(block, Code)]
        return codes[here].text if here is not None and here < len(codes) else widget.text

    def _give_back(self, part: _Placed) -> None:
        widget, part.widget = part.widget, None
        if widget is None:
            return
        widget.hide()
        if sum(isinstance(spare, type(widget)) for spare in self._spare) < SPARE:
            self._spare.append(widget)
        else:
            widget.deleteLater()

    @Slot()
    def _on_rested(self) -> None:
        if self._waiting is not None:
            text, marks = self._waiting
            self.show_text(text, growing=True, marks=marks)
            self.grown.emit()

    def _on_theme_changed(self) -> None:
        KEPT.clear()
        for part in self._parts:
            if part.widget is not None:
                part.widget.restyle()
            part.height, part.known = 0, False
        for widget in self._spare:
            widget.deleteLater()
        self._spare.clear()
        if self._width:
            self._measure(self._width)
            self._place()
