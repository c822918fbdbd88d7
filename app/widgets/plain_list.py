"""Lists without a look of their own, whose rows are painted: the plain one, and the one of two lines a row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Slot
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.theme import SPACE, px
from app.widgets.document_rows import paint_ground, write

_ANY_INDEX = QModelIndex | QPersistentModelIndex
_ROW = 46
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class PlainList(QListView):
    """No frame, no ground, nothing to be edited; a row may be cut at the edge."""

    def __init__(self, rows: QAbstractItemModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(rows)
        self.setMouseTracking(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)


Toned = tuple[str, str]  # words and their tone


@dataclass(frozen=True, slots=True)
class TwoLines:
    """What stands in a row. `upper_end`, `lower_end`: at the right of its lines, the outermost first."""

    upper: str
    lower: str
    upper_end: Sequence[Toned] = ()
    lower_end: Sequence[Toned] = ()


class TwoLineList(PlainList):
    """`lines_of`: what stands in the row of an index. As high as its rows, up to `most`; then it scrolls."""

    def __init__(self, rows: QAbstractItemModel, lines_of: Callable[[_ANY_INDEX], TwoLines], most: int) -> None:
        super().__init__(rows)
        self._most = most
        self.setItemDelegate(_TwoLineRows(self, lines_of))
        self.setUniformItemSizes(True)
        for changed in (rows.modelReset, rows.rowsInserted, rows.rowsRemoved):
            changed.connect(self._fit)
        self._fit()

    @Slot()
    def _fit(self) -> None:
        self.setFixedHeight(px(_ROW) * max(1, min(self._most, self.model().rowCount())) + 2)


class _TwoLineRows(QStyledItemDelegate):
    def __init__(self, view: QWidget, lines_of: Callable[[_ANY_INDEX], TwoLines]) -> None:
        super().__init__(view)
        self._lines_of = lines_of

    def sizeHint(self, option: QStyleOptionViewItem, index: _ANY_INDEX) -> QSize:
        return QSize(0, px(_ROW))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _ANY_INDEX) -> None:
        lines = self._lines_of(index)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_ground(painter, option.rect.adjusted(0, 1, 0, -1), option)
        rect = option.rect.adjusted(SPACE.m, SPACE.xs, -SPACE.m, -SPACE.xs)
        upper = QRect(rect.left(), rect.top(), rect.width(), rect.height() // 2)
        lower = upper.translated(0, rect.height() // 2)
        for line, end in ((upper, lines.upper_end), (lower, lines.lower_end)):
            for words, tone in end:
                line.setRight(line.right() - write(painter, line, words, "caption", tone, _RIGHT) - SPACE.m)
        write(painter, upper, lines.upper, "body", "text")
        write(painter, lower, lines.lower, "caption", "muted")
        painter.restore()
