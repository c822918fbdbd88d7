"""An answer on the screen: prose, code and tables below each other. Grows while the answer streams."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from app import cited, theme
from app.cited import Mark
from app.growing import Growing
from app.markdown import Block, Code, Paragraph, Table, parse
from app.theme import SPACE, px
from app.widgets.code import CodeBlock, TableBlock
from app.widgets.prose import INDENT, Prose

Part = Prose | CodeBlock | TableBlock
Group = list[Paragraph] | Code | Table


@dataclass(slots=True)
class _Placed:
    widget: Part
    indent: int


class MarkdownView(QWidget):
    """`show_text` sets it, `height_for` says how high it is at a width; the owner gives it that size."""

    link_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None, *, muted: bool = False) -> None:
        super().__init__(parent)
        self._muted = muted
        self._parts: list[_Placed] = []
        self._growing: Growing | None = None
        self._text: str | None = None
        self._marks: tuple[Mark, ...] = ()
        self._groups: list[Group] = []
        self._heights: list[int] = []  # of the parts, at `_width`
        self._width = 0
        theme.current().changed.connect(self._on_theme_changed)

    def show_text(self, text: str, *, growing: bool = False, marks: Sequence[Mark] = ()) -> bool:
        """Set the text; True if anything changed. `growing`: the end of an answer that still streams. `marks`: the
        places in it that refer to sources."""
        marks = tuple(marks)
        if text == self._text and growing == (self._growing is not None) and marks == self._marks:
            return False
        self._text, self._marks = text, marks
        read = cited.hidden(text, marks) if marks else text
        if growing:
            self._growing = self._growing or Growing()
            blocks = self._growing.read(read)
        else:
            self._growing = None
            blocks = parse(read)
        self._show_blocks(cited.shown(blocks, text, marks), growing)
        return True

    def plain_text(self) -> str:
        return self._text or ""

    def height_for(self, width: int) -> int:
        self._measure(width)
        return sum(self._heights) + SPACE.m * max(0, len(self._heights) - 1)

    def _measure(self, width: int) -> None:
        if width != self._width:
            self._width = width
            self._heights.clear()
        for placed in self._parts[len(self._heights) :]:
            self._heights.append(placed.widget.height_for(max(40, width - placed.indent)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def _place(self) -> None:
        self._measure(self.width())
        y = 0
        for placed, height in zip(self._parts, self._heights, strict=True):
            placed.widget.setGeometry(placed.indent, y, max(40, self.width() - placed.indent), height)
            y += height + SPACE.m

    def _show_blocks(self, blocks: Sequence[Block], growing: bool) -> None:
        groups = _groups(blocks)
        first = self._first_to_set(groups)
        self._groups = groups
        for index in range(first, len(groups)):
            group = groups[index]
            if index < len(self._parts) and not _suits(self._parts[index].widget, group):
                self._drop_from(index)
            if index == len(self._parts):
                self._parts.append(_Placed(self._make(group), 0))
            self._set(self._parts[index], group, growing=growing and index == len(groups) - 1)
        self._drop_from(len(groups))
        del self._heights[first:]
        if self._width:
            self._measure(self._width)
        if self._width == self.width():
            self._place()

    def _first_to_set(self, groups: Sequence[Group]) -> int:
        """The first group that differs. The one that was last is always set again: it may have ended."""
        same = 0
        for before, now in zip(self._groups[:-1], groups, strict=False):
            if before != now:
                break
            same += 1
        return min(same, len(groups))

    @staticmethod
    def _set(placed: _Placed, group: Group, *, growing: bool) -> None:
        widget = placed.widget
        if isinstance(group, list):
            assert isinstance(widget, Prose)
            widget.show_paragraphs(group)
            return
        placed.indent = group.indent * px(INDENT)
        if isinstance(group, Code):
            assert isinstance(widget, CodeBlock)
            widget.show_code(group, growing=growing)
        else:
            assert isinstance(widget, TableBlock)
            widget.show_table(group)

    def _make(self, group: Group) -> Part:
        if isinstance(group, Code):
            widget: Part = CodeBlock(self)
        elif isinstance(group, Table):
            widget = TableBlock(self)
            widget.link_requested.connect(self.link_requested)
        else:
            widget = Prose(self, muted=self._muted)
            widget.link_requested.connect(self.link_requested)
        widget.show()
        return widget

    def _drop_from(self, index: int) -> None:
        for placed in self._parts[index:]:
            placed.widget.hide()
            placed.widget.deleteLater()
        del self._parts[index:]

    def _on_theme_changed(self) -> None:
        for placed in self._parts:
            placed.widget.restyle()
        self._heights.clear()
        self._place()


def _groups(blocks: Sequence[Block]) -> list[Group]:
    groups: list[Group] = []
    for block in blocks:
        if not isinstance(block, Paragraph):
            groups.append(block)
        elif groups and isinstance(last := groups[-1], list):
            last.append(block)
        else:
            groups.append([block])
    return groups


def _suits(widget: Part, group: Group) -> bool:
    wanted = Prose if isinstance(group, list) else CodeBlock if isinstance(group, Code) else TableBlock
    return isinstance(widget, wanted)
