"""Searching the conversations, in their panel: a box above the list, and what is found in the place of the list."""

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QListView,
    QStackedLayout,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app import icons, parts, theme
from app.language import Retranslated
from app.lists.chat_hits import ChatHitList
from app.lit import excerpt
from app.theme import SPACE, px
from app.widgets.document_rows import paint_ground, write
from app.widgets.filter_box import FilterBox
from app.widgets.found_view import FoundView
from app.widgets.hit_rows import lit_layout
from backends.chat.search import ChatHit, ChatsFound

_ANY_INDEX = QModelIndex | QPersistentModelIndex
_LINES = 2
_ROOM = 64  # Latin characters of a snippet
_SLOW_MS = 300
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_STEPS = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 5, Qt.Key.Key_PageUp: -5}


class ChatSearchBox(Retranslated, FilterBox):
    """Up and down go through what is found, Enter opens it, Escape empties the box and then leaves it."""

    stepped = Signal(int)
    opened = Signal()
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.retranslate()

    def retranslate(self) -> None:
        self.name(self.tr("Search the chats"))
        self.setAccessibleDescription(self.tr("Up and down choose, Enter opens, Escape ends the search."))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if self.composing:
            super().keyPressEvent(event)
        elif key in _STEPS and self.text():
            self.stepped.emit(_STEPS[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit()
        elif key == Qt.Key.Key_Escape and not self.text():
            self.left.emit()
        else:
            super().keyPressEvent(event)


class _Rows(QStyledItemDelegate):
    """A row: the title and the day, below it what was said around what was looked for."""

    def __init__(self, view: QListView) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: _ANY_INDEX) -> QSize:
        hit: ChatHit = index.data(ChatHitList.Role.HIT)
        height = 2 * SPACE.s + px(22)
        if hit.message_id is not None:
            height += round(lit_layout(*self._snippet(hit), self._width(hit), _LINES)[1]) + 2
        return QSize(0, height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _ANY_INDEX) -> None:
        hit: ChatHit = index.data(ChatHitList.Role.HIT)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_ground(painter, option.rect.adjusted(0, 1, 0, -1), option)
        rect = option.rect.adjusted(SPACE.m, SPACE.s, -SPACE.m, -SPACE.s)
        head = QRect(rect.left(), rect.top(), rect.width(), px(20))
        head.setRight(head.right() - write(painter, head, index.data(ChatHitList.Role.DAY), "caption", "muted", _RIGHT))
        side = px(14)
        if hit.archived:
            head.setRight(head.right() - side - SPACE.xs)
            icons.paint(painter, QRect(head.right() + 2, self._middle(head, side), side, side), "archive", "muted")
        head.setRight(head.right() - SPACE.s)
        if hit.message_id is None:
            self._write_title(painter, head, hit)
        else:
            write(painter, head, str(index.data()), "strong", "text")
            place = QRect(rect.left(), rect.top() + px(22), side, px(20))
            if hit.thinking:
                icons.paint(painter, QRect(place.left(), self._middle(place, side), side, side), "lightbulb", "muted")
            layout, _ = lit_layout(*self._snippet(hit), self._width(hit), _LINES)
            painter.setPen(QColor(theme.tokens().muted))
            layout.draw(painter, QPointF(rect.left() + self._indent(hit), place.top()))
        painter.restore()

    def _write_title(self, painter: QPainter, head: QRect, hit: ChatHit) -> None:
        """With what is lit in it; it ends in an ellipsis where the room does."""
        text, lit = excerpt(hit.title, hit.lit, 200)
        metrics = QFontMetrics(theme.current().type.font("strong"))
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, head.width())
        end = len(shown) if shown == text else len(shown) - 1
        painter.setClipRect(head)
        lit = tuple((start, min(stop, end)) for start, stop in lit if start < end)
        layout, height = lit_layout(shown, lit, 10_000, 1, "strong")
        painter.setPen(QColor(theme.tokens().text))
        layout.draw(painter, QPointF(head.left(), head.top() + (head.height() - height) / 2))
        painter.setClipping(False)

    @staticmethod
    def _middle(rect: QRect, side: int) -> int:
        return rect.center().y() - side // 2 + 1

    @staticmethod
    def _snippet(hit: ChatHit) -> tuple[str, tuple[tuple[int, int], ...]]:
        return excerpt(hit.snippet, hit.lit, _ROOM)

    @staticmethod
    def _indent(hit: ChatHit) -> int:
        return px(14) + SPACE.xs if hit.thinking else 0

    def _width(self, hit: ChatHit) -> int:
        return max(80, self._view.viewport().width() - 2 * SPACE.m - self._indent(hit))


class ChatHitView(FoundView):
    chosen = Signal(object)  # ChatHit

    def __init__(self, hits: ChatHitList, parent: QWidget | None = None) -> None:
        super().__init__(hits, parent)
        self._hits = hits
        self.setItemDelegate(_Rows(self))
        self.clicked.connect(lambda _: self.choose())
        self.enter_pressed.connect(self.choose)

    @property
    def hits(self) -> Sequence[ChatHit]:
        return self._hits.hits

    @Slot()
    def choose(self) -> None:
        """Open the current one; the first if there is none."""
        row = max(0, self.currentIndex().row())
        if row < len(self._hits.hits):
            self.setCurrentIndex(self._hits.index(row))
            self.chosen.emit(self._hits.hits[row])

    @Slot(int)
    def step(self, rows: int) -> None:
        current = self.currentIndex()
        row = current.row() + rows if current.isValid() else 0
        if self._hits.hits:
            self.setCurrentIndex(self._hits.index(max(0, min(row, len(self._hits.hits) - 1))))


class ChatSearchResults(Retranslated, QWidget):
    """What is found, or that nothing is; that it takes long, if it does."""

    def __init__(self, hits: ChatHitList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hits = hits
        self._found = ChatsFound("")
        self.view = ChatHitView(hits)
        self._message = parts.label(role="strong", wrap=True)
        self._hint = parts.label(role="caption", tone="muted", wrap=True)
        self._more = parts.label(role="caption", tone="muted", wrap=True)
        self._slow = QTimer(self)
        self._slow.setSingleShot(True)
        self._slow.setInterval(_SLOW_MS)
        self._slow.timeout.connect(self._on_slow)
        nothing = QWidget()
        said = parts.column(self._message, self._hint, space=SPACE.xs, margin=(SPACE.m, SPACE.m, SPACE.m, 0))
        said.addStretch(1)
        nothing.setLayout(said)
        self._nothing = nothing
        listed = QWidget()
        column = parts.column(self.view, self._more, space=SPACE.xs)
        column.setStretch(0, 1)
        listed.setLayout(column)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(nothing)
        self._stack.addWidget(listed)
        self.retranslate()

    @property
    def text(self) -> str:
        """What was looked for."""
        return self._found.text

    def show_searching(self) -> None:
        """What was found before stays until there is something new, or it takes long."""
        if not self._slow.isActive():
            self._slow.start()

    def show_found(self, found: ChatsFound) -> None:
        self._slow.stop()
        renewed = found.text == self._found.text
        current = self.view.currentIndex().row()
        self._found = found
        if self._hits.show(found.hits) and found.hits:
            row = min(current, len(found.hits) - 1) if renewed else 0
            self.view.setCurrentIndex(self._hits.index(max(0, row)))
        self._draw()

    def show_error(self, message: str, hint: str) -> None:
        self._slow.stop()
        self._message.setText(message)
        self._hint.setText(hint)
        self._stack.setCurrentIndex(0)

    def retranslate(self) -> None:
        self.view.setAccessibleName(self.tr("Chats that were found"))
        self._hits.retranslate()
        self._draw()

    def _draw(self) -> None:
        found = self._found
        waiting = self.tr("Older chats are still being read. What they say appears here by itself.")
        self._message.setText(self.tr("Nothing found yet") if found.waiting else self.tr("Nothing found"))
        self._hint.setText(waiting if found.waiting else self.tr("No chat has all of these words."))
        self._more.setText(waiting if found.waiting else self.tr("There is more. Another word narrows it down."))
        self._more.setVisible(bool(found.waiting or found.more))
        self.view.setFocusPolicy(Qt.FocusPolicy.StrongFocus if found.hits else Qt.FocusPolicy.NoFocus)
        self._stack.setCurrentIndex(int(bool(found.hits)))

    @Slot()
    def _on_slow(self) -> None:
        self._message.setText(self.tr("Searching…"))
        self._hint.setText("")
        self._stack.setCurrentIndex(0)
