"""Requests that are over: two lines each, painted; what one cost in full, and its texts where they were kept."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QStyledItemDelegate, QStyleOptionViewItem

from app import api_words
from app.lists.requests import RequestList
from app.theme import SPACE, px
from app.widgets.document_rows import paint_ground, write
from backends.api.request_log import Logged

_ANY_INDEX = QModelIndex | QPersistentModelIndex
_ROW = 46
_SHOWN = 8  # rows, before it scrolls
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class RequestRows(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: _ANY_INDEX) -> QSize:
        return QSize(0, px(_ROW))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _ANY_INDEX) -> None:
        entry: Logged = index.data(RequestList.Role.ENTRY)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_ground(painter, option.rect.adjusted(0, 1, 0, -1), option)
        rect = option.rect.adjusted(SPACE.m, SPACE.xs, -SPACE.m, -SPACE.xs)
        upper = QRect(rect.left(), rect.top(), rect.width(), rect.height() // 2)
        lower = upper.translated(0, rect.height() // 2)
        when = write(painter, upper, api_words.moment_of(entry.at), "caption", "muted", _RIGHT)
        upper.setRight(upper.right() - when - SPACE.m)
        said = api_words.outcome_of(entry)
        state = write(painter, upper, said.words, "caption", said.tone, _RIGHT)
        upper.setRight(upper.right() - state - SPACE.m)
        write(painter, upper, f"{entry.method} {entry.route}".strip() or "–", "body", "text")
        write(painter, lower, api_words.facts_of(entry), "caption", "muted")
        painter.restore()


class RequestView(QListView):
    """As high as its rows, up to a few; then it scrolls."""

    chosen = Signal(object)  # Logged, or None
    left = Signal()  # Escape

    def __init__(self, requests: RequestList) -> None:
        super().__init__()
        self._requests = requests
        self.setModel(requests)
        self.setItemDelegate(RequestRows(self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self.selectionModel().currentChanged.connect(
            lambda index, _: self.chosen.emit(self._requests.entry(index.row()))
        )
        requests.modelReset.connect(self._on_reset)
        requests.rowsInserted.connect(self._fit)
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _on_reset(self) -> None:
        self.chosen.emit(None)
        self._fit()

    def _fit(self) -> None:
        self.setFixedHeight(px(_ROW) * max(1, min(_SHOWN, self._requests.rowCount())) + 2)
