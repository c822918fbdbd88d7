"""An answer on the screen: prose, code and tables below each other. Grows while the answer streams."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from app import theme
from app.markdown import Block, Code, Growing, Paragraph, Table, parse
from app.theme import SPACE
from app.widgets.code import CodeBlock, TableBlock
from app.widgets.prose import INDENT, Prose

Part = Prose | CodeBlock | TableBlock


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
        theme.current().changed.connect(self._on_theme_changed)

    def show_text(self, text: str, *, growing: bool = False) -> bool:
        """Set the text; True if anything changed. `growing`: the end of an answer that still streams."""
        if text == self._text and growing == (self._growing is not None):
            return False
        self._text = text
        if growing:
            self._growing = self._growing or Growing()
            blocks = self._growing.read(text)
        else:
            self._growing = None
            blocks = parse(text)
        self._show_blocks(blocks, growing)
        return True

    def plain_text(self) -> str:
        return self._text or ""

    def height_for(self, width: int) -> int:
        heights = [placed.widget.height_for(max(40, width - placed.indent)) for placed in self._parts]
        return sum(heights) + SPACE.m * max(0, len(heights) - 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def _place(self) -> None:
        y = 0
        for placed in self._parts:
            width = max(40, self.width() - placed.indent)
            height = placed.widget.height_for(width)
            placed.widget.setGeometry(placed.indent, y, width, height)
            y += height + SPACE.m

    def _show_blocks(self, blocks: Sequence[Block], growing: bool) -> None:
        groups = _groups(blocks)
        for index, group in enumerate(groups):
            if index < len(self._parts) and not _suits(self._parts[index].widget, group):
                self._drop_from(index)
            if index == len(self._parts):
                self._parts.append(_Placed(self._make(group), 0))
            placed = self._parts[index]
            last = growing and index == len(groups) - 1
            if isinstance(placed.widget, Prose) and isinstance(group, list):
                placed.widget.show_paragraphs(group)
            elif isinstance(placed.widget, CodeBlock) and isinstance(group, Code):
                placed.widget.show_code(group, growing=last)
                placed.indent = group.indent * INDENT
            elif isinstance(placed.widget, TableBlock) and isinstance(group, Table):
                placed.widget.show_table(group)
                placed.indent = group.indent * INDENT
        self._drop_from(len(groups))
        self._place()

    def _make(self, group: "list[Paragraph] | Code | Table") -> Part:
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
        self._place()


def _groups(blocks: Sequence[Block]) -> "list[list[Paragraph] | Code | Table]":
    groups: list[list[Paragraph] | Code | Table] = []
    for block in blocks:
        if not isinstance(block, Paragraph):
            groups.append(block)
        elif groups and isinstance(last := groups[-1], list):
            last.append(block)
        else:
            groups.append([block])
    return groups


def _suits(widget: Part, group: "list[Paragraph] | Code | Table") -> bool:
    wanted = Prose if isinstance(group, list) else CodeBlock if isinstance(group, Code) else TableBlock
    return isinstance(widget, wanted)
