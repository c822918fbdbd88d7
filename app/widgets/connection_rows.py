"""Connections: two lines each, painted."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QStyledItemDelegate, QStyleOptionViewItem

from app import api_words
from app.language import say
from app.lists.connections import ConnectionList, facts
from app.theme import SPACE, px
from app.widgets.document_rows import paint_ground, write
from backends.core import connection_words
from backends.core.connections import Connection

_ANY_INDEX = QModelIndex | QPersistentModelIndex
_ROW = 46
_SHOWN = 10  # rows, before it scrolls
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class ConnectionRows(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: _ANY_INDEX) -> QSize:
        return QSize(0, px(_ROW))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _ANY_INDEX) -> None:
        connection: Connection = index.data(ConnectionList.Role.CONNECTION)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_ground(painter, option.rect.adjusted(0, 1, 0, -1), option)
        rect = option.rect.adjusted(SPACE.m, SPACE.xs, -SPACE.m, -SPACE.xs)
        upper = QRect(rect.left(), rect.top(), rect.width(), rect.height() // 2)
        lower = upper.translated(0, rect.height() // 2)
        when = write(painter, upper, api_words.moment_of(connection.time), "caption", "muted", _RIGHT)
        upper.setRight(upper.right() - when - SPACE.m)
        words, tone = say(connection_words.outcome(connection)), connection_words.tone(connection)
        came = write(painter, lower, words, "caption", tone, _RIGHT)
        lower.setRight(lower.right() - came - SPACE.m)
        write(painter, upper, connection.host, "body", "text")
        write(painter, lower, facts(connection), "caption", "muted")
        painter.restore()


class ConnectionView(QListView):
    """As high as its rows, up to a few; then it scrolls."""

    def __init__(self, connections: ConnectionList) -> None:
        super().__init__()
        self._connections = connections
        self.setModel(connections)
        self.setItemDelegate(ConnectionRows(self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        connections.modelReset.connect(self._fit)
        connections.rowsInserted.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        self.setFixedHeight(px(_ROW) * max(1, min(_SHOWN, self._connections.rowCount())) + 2)
