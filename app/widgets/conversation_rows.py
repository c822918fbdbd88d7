"""The lines of the conversation panel: how they look, and what the mouse and the keys do with them."""

import sys
from collections import Counter

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from app import icons, theme
from app.lists.arranged import PINNED, Key, Line
from app.lists.conversations import DRAGGED, ConversationList
from app.theme import SPACE, px
from app.widgets.document_rows import write

_DELETES = (Qt.Key.Key_Delete, *((Qt.Key.Key_Backspace,) if sys.platform == "darwin" else ()))
_ROW = 36
_MORE = 28  # room for the three dots
_BAR = 3  # the mark of the one on the page
_ANY_INDEX = QModelIndex | QPersistentModelIndex
_Role = ConversationList.Role


class ConversationRows(QStyledItemDelegate):
    """`marked`: the line that takes what is dragged, framed."""

    marked: Key | None = None

    @staticmethod
    def more(rect: QRect) -> QRect:
        """Where the three dots of a row are."""
        return QRect(rect.right() - px(_MORE) - 2, rect.top() + 4, px(_MORE), rect.height() - 8)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _ANY_INDEX) -> None:
        line: Line = index.data(_Role.LINE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inner = option.rect.adjusted(0, 1, 0, -1)
        if line.kind == "heading":
            low = inner.adjusted(SPACE.m, px(10), -SPACE.s, 0)
            write(painter, low, str(index.data()), "caption", "muted")
        elif line.kind == "hint":
            write(painter, inner.adjusted(self._indent(), 0, -SPACE.s, 0), str(index.data()), "caption", "muted")
        else:
            self._paint_ground(painter, inner, option, shown=bool(index.data(_Role.SHOWN)))
            self._paint_words(painter, inner, option, index, line)
        if line.key == self.marked:
            self._frame(painter, inner)
        painter.restore()

    @staticmethod
    def _indent() -> int:
        return SPACE.m + px(22)

    @staticmethod
    def _frame(painter: QPainter, inner: QRect) -> None:
        painter.setPen(QColor(theme.tokens().accent))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(inner.adjusted(1, 1, -1, -1), theme.RADIUS, theme.RADIUS)

    def _paint_ground(self, painter: QPainter, inner: QRect, option: QStyleOptionViewItem, *, shown: bool) -> None:
        tokens, state = theme.tokens(), option.state
        painter.setPen(Qt.PenStyle.NoPen)
        if state & QStyle.StateFlag.State_Selected:
            painter.setBrush(QColor(tokens.accent_soft))
            painter.drawRoundedRect(inner, theme.RADIUS, theme.RADIUS)
        elif shown or state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(QColor(tokens.hover))
            painter.drawRoundedRect(inner, theme.RADIUS, theme.RADIUS)
        if shown:
            painter.setBrush(QColor(tokens.accent))
            bar = QRect(inner.left() + 1, inner.top() + px(9), _BAR, inner.height() - px(18))
            painter.drawRoundedRect(bar, _BAR / 2, _BAR / 2)
        if state & QStyle.StateFlag.State_HasFocus and state & QStyle.StateFlag.State_KeyboardFocusChange:
            self._frame(painter, inner)

    def _paint_words(
        self, painter: QPainter, inner: QRect, option: QStyleOptionViewItem, index: _ANY_INDEX, line: Line
    ) -> None:
        room = inner.adjusted(SPACE.m, 0, -SPACE.s, 0)
        if line.kind == "folder":
            side = px(16)
            chevron = "chevron-down" if index.data(_Role.OPENED) else "chevron-right"
            for name in (chevron, "folder"):
                icons.paint(painter, self._square(room.left(), room, side), name, "muted")
                room.setLeft(room.left() + side + SPACE.xs)
            room.setLeft(room.left() + SPACE.xs)
        elif line.group is not None and line.group[0] == "folder":
            room.setLeft(inner.left() + self._indent())
        if option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            icons.paint(painter, self._square(0, self.more(option.rect), px(16)), "ellipsis", "muted")
            room.setRight(self.more(option.rect).left())
        elif line.kind == "folder" and line.total:
            count = option.locale.toString(line.total)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            room.setRight(room.right() - write(painter, room, count, "caption", "muted", right) - SPACE.s)
        unread = bool(index.data(_Role.UNREAD))
        if index.data(_Role.BUSY):
            icons.paint(painter, self._square(room.left() - 2, room, px(12)), "dot", "accent")
            room.setLeft(room.left() + px(16))
        elif unread:
            icons.paint(painter, self._square(room.right() - px(12), room, px(12)), "dot", "accent")
            room.setRight(room.right() - px(16))
        write(painter, room, str(index.data()), "strong" if unread else "body", "text")

    @staticmethod
    def _square(left: int, room: QRect, side: int) -> QRect:
        """In the middle of the row; `left` 0: of the whole."""
        return QRect(left or room.center().x() - side // 2, room.center().y() - side // 2 + 1, side, side)

    # ---- a name in place

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: _ANY_INDEX) -> QWidget:
        editor = QLineEdit(parent)
        line: Line = index.data(_Role.LINE)
        editor.setMaxLength(100 if line.kind == "folder" else 200)
        editor.setAccessibleName(str(index.data()))
        return editor

    def setEditorData(self, editor: QWidget, index: _ANY_INDEX) -> None:
        """Once: what changes behind it while somebody types takes nothing away."""
        if not editor.property("filled"):
            editor.setProperty("filled", True)
            super().setEditorData(editor, index)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: _ANY_INDEX) -> None:
        editor.setGeometry(option.rect.adjusted(0, 1, 0, -1))


class ConversationView(QTableView):
    """Several can be chosen. What is in sight stays where it is while the list is brought up to date. A table of one
    column: unlike a list it asks for nothing but what is in sight, however many there are."""

    opened = Signal(int)  # a conversation
    menu_requested = Signal(QModelIndex, QPoint)
    delete_requested = Signal()
    placed = Signal(tuple, object, bool)  # these were dropped: into a folder or None, pinned

    def __init__(self, conversations: ConversationList) -> None:
        super().__init__()
        self._conversations = conversations
        self._plain = True  # no key was held while it was clicked
        self._in_sight: list[Key] = []
        self._top = 0
        self.setModel(conversations)
        self.rows = ConversationRows(self)
        self.setItemDelegate(self.rows)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setMinimumSectionSize(px(_ROW))
        self.verticalHeader().setDefaultSectionSize(px(_ROW))
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        self.setDropIndicatorShown(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self.clicked.connect(self._on_clicked)
        self.customContextMenuRequested.connect(self._on_context_menu)
        conversations.rows_changing.connect(self._on_rows_changing)
        conversations.rows_changed.connect(self._on_rows_changed)

    @property
    def chosen(self) -> tuple[int, ...]:
        """Ids of the conversations that are chosen, from the top; else of the current one."""
        ranges = [(part.top(), part.bottom()) for part in self.selectionModel().selection().toList()]
        lines = [line for top, bottom in sorted(ranges) for line in self._conversations.lines[top : bottom + 1]]
        if not lines and (current := self.line(self.currentIndex())) is not None:
            lines = [current]
        return tuple(line.id for line in lines if line.kind == "conversation")

    def name(self, words: str) -> None:
        """For screen readers, also what Qt makes for a table and never shows."""
        for widget in (self, self.horizontalHeader(), self.verticalHeader(), *self.findChildren(QAbstractButton)):
            widget.setAccessibleName(words)

    def line(self, index: _ANY_INDEX) -> Line | None:
        return self._conversations.lines[index.row()] if index.isValid() else None

    def choose(self, key: Key | None) -> None:
        """Only this line; None: none."""
        row = self._conversations.place_of(key) if key is not None else None
        if row is None:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
        else:
            self.setCurrentIndex(self._conversations.index(row))

    # ---- mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        index = self.indexAt(point)
        line = self.line(index)
        if line is not None and line.kind in ("heading", "hint"):
            return
        more = ConversationRows.more(self.visualRect(index))
        if line is not None and event.button() is Qt.MouseButton.LeftButton and more.contains(point):
            self.menu_requested.emit(index, self.viewport().mapToGlobal(more.bottomLeft()))
            return
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        super().mouseReleaseEvent(event)

    @Slot(QModelIndex)
    def _on_clicked(self, index: QModelIndex) -> None:
        if self._plain:
            self._open(index)

    def _open(self, index: _ANY_INDEX) -> None:
        line = self.line(index)
        if line is not None and line.kind == "conversation":
            self.opened.emit(line.id)
        elif line is not None and line.kind == "folder":
            self._conversations.open_folder(line.id, line.id in self._conversations.closed)

    @Slot(QPoint)
    def _on_context_menu(self, point: QPoint) -> None:
        index = self.indexAt(point)
        line = self.line(index)
        if line is not None and line.kind in ("conversation", "folder"):
            self.menu_requested.emit(index, self.viewport().mapToGlobal(point))

    # ---- keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        line = self.line(index)
        key = event.key()
        if line is None or self.state() is QAbstractItemView.State.EditingState:
            super().keyPressEvent(event)
        elif key in _DELETES:
            self.delete_requested.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open(index)
        elif key == Qt.Key.Key_Menu:
            self.menu_requested.emit(index, self.viewport().mapToGlobal(self.visualRect(index).center()))
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._go(line, into=(key == Qt.Key.Key_Right) == self.isLeftToRight())
        else:
            super().keyPressEvent(event)

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Home and End go to the first and last row, not along the one row."""
        if action in (QAbstractItemView.CursorAction.MoveHome, QAbstractItemView.CursorAction.MoveEnd):
            modifiers |= Qt.KeyboardModifier.ControlModifier
        return super().moveCursor(action, modifiers)

    def _go(self, line: Line, *, into: bool) -> None:
        """As in a tree: a folder opens and closes, and what is in it goes back to it."""
        if line.kind == "folder":
            self._conversations.open_folder(line.id, into)
        elif not into and line.group is not None and line.group[0] == "folder":
            self.choose(line.group)

    # ---- dragged into a folder, out of it, to the pinned ones

    def _taker(self, event: QDropEvent) -> Key | None:
        """The line that takes what is dragged: a folder, or a heading. None: nothing would change."""
        if not event.mimeData().hasFormat(DRAGGED) or self._conversations.in_archive:
            return None
        line = self.line(self.indexAt(event.position().toPoint()))
        if line is None:
            lines = self._conversations.lines
            taker = next((one.key for one in reversed(lines) if one.kind == "heading"), None)
        elif line.kind == "hint":
            taker = ("folder", line.id)
        else:
            taker = line.group or line.key
        if taker is None or all(self._stands_in(id, taker) for id in self._conversations.dragged):
            return None
        return taker

    def _stands_in(self, conversation_id: int, taker: Key) -> bool:
        conversation = self._conversations.conversation(conversation_id)
        if conversation is None:
            return True
        if conversation.pinned or taker == ("heading", PINNED):
            return conversation.pinned and taker == ("heading", PINNED)
        return conversation.folder_id == (taker[1] if taker[0] == "folder" else None)

    def _mark(self, taker: Key | None) -> None:
        if taker != self.rows.marked:
            self.rows.marked = taker
            self.viewport().update()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasFormat(DRAGGED):
            event.accept()
        else:
            event.ignore()  # files: the window takes them

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        super().dragMoveEvent(event)  # scrolls at the edges
        taker = self._taker(event)
        self._mark(taker)
        event.setAccepted(taker is not None)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._mark(None)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        taker = self._taker(event)
        self._mark(None)
        self.setState(QAbstractItemView.State.NoState)
        self.stopAutoScroll()
        if taker is not None:
            event.accept()
            folder = taker[1] if taker[0] == "folder" else None
            self.placed.emit(self._conversations.dragged, folder, taker == ("heading", PINNED))

    # ---- what is in sight stays

    @Slot()
    def _on_rows_changing(self) -> None:
        self._in_sight = []
        if self.verticalScrollBar().value():
            first = max(0, self.indexAt(QPoint(1, 0)).row())
            count = self.viewport().height() // px(_ROW) + 1
            self._top = first
            self._in_sight = [line.key for line in self._conversations.lines[first : first + count]]

    @Slot()
    def _on_rows_changed(self) -> None:
        """By as many rows as most of what is in sight was moved; at the very top, new ones come into sight."""
        moves = Counter[int]()
        for place, key in enumerate(self._in_sight, self._top):
            if (now := self._conversations.place_of(key)) is not None:
                moves[now - place] += 1
        self.executeDelayedItemsLayout()
        if moves:
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() + moves.most_common(1)[0][0] * px(_ROW))
        if not self.selectionModel().hasSelection() and self.hasFocus() and self.currentIndex().isValid():
            self.selectionModel().select(self.currentIndex(), QItemSelectionModel.SelectionFlag.Select)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.StyleChange:
            self.viewport().update()
