"""The panel beside the chat: a new one, and the list of those that were."""

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLineEdit,
    QListView,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app import icons, parts, theme
from app.language import Retranslated
from app.lists.conversations import ConversationList
from app.theme import SPACE, px
from app.widgets.conversation_menu import ConversationMenu

_ROW = 36
_HEADING = 32
_MORE = 28  # room for the three dots
_ANY_INDEX = QModelIndex | QPersistentModelIndex


class _Rows(QStyledItemDelegate):
    """Draws a row: its heading if it has one, the title, a dot while it is being answered."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _ANY_INDEX) -> QSize:
        heading = index.data(ConversationList.Role.HEADING)
        return QSize(0, px(_ROW) + (px(_HEADING) if heading else 0))

    @staticmethod
    def body(rect: QRect) -> QRect:
        """The row itself, below its heading."""
        return QRect(rect.left(), rect.bottom() + 1 - px(_ROW), rect.width(), px(_ROW))

    @staticmethod
    def more(rect: QRect) -> QRect:
        body = _Rows.body(rect)
        return QRect(body.right() - px(_MORE) - 2, body.top() + 4, px(_MORE), body.height() - 8)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _ANY_INDEX) -> None:
        tokens = theme.tokens()
        type_ = theme.current().type
        rect = option.rect
        state = option.state
        body = self.body(rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if heading := index.data(ConversationList.Role.HEADING):
            painter.setFont(type_.font("caption"))
            painter.setPen(QColor(tokens.muted))
            top = QRect(rect.left() + SPACE.m, rect.top(), rect.width() - SPACE.l, px(_HEADING) - 6)
            painter.drawText(top, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, str(heading))
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        inner = body.adjusted(0, 1, 0, -1)
        if chosen or hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.accent_soft if chosen else tokens.hover))
            painter.drawRoundedRect(inner, theme.RADIUS, theme.RADIUS)
        if state & QStyle.StateFlag.State_HasFocus and state & QStyle.StateFlag.State_KeyboardFocusChange:
            painter.setPen(QColor(tokens.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(inner.adjusted(1, 1, -1, -1), theme.RADIUS, theme.RADIUS)
        font: QFont = type_.font()
        painter.setFont(font)
        painter.setPen(QColor(tokens.text))
        room = inner.adjusted(SPACE.m, 0, -(px(_MORE) if hovered or chosen else SPACE.s), 0)
        if index.data(ConversationList.Role.BUSY):
            icons.paint(painter, QRect(room.left() - 2, room.center().y() - px(6) + 1, px(12), px(12)), "dot", "accent")
            room.setLeft(room.left() + px(16))
        title = QFontMetrics(font).elidedText(str(index.data()), Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
        if hovered or chosen:
            dots = self.more(rect)
            icons.paint(
                painter,
                QRect(dots.center().x() - px(8), dots.center().y() - px(8) + 1, px(16), px(16)),
                "ellipsis",
                "muted",
            )
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: _ANY_INDEX) -> QWidget:
        editor = QLineEdit(parent)
        editor.setMaxLength(200)
        return editor

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: _ANY_INDEX) -> None:
        editor.setGeometry(self.body(option.rect).adjusted(0, 1, 0, -1))


class _List(QListView):
    menu_requested = Signal(QModelIndex, QPoint)
    delete_requested = Signal(QModelIndex)
    chosen = Signal(QModelIndex)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid():
            rect = self.visualRect(index)
            point = event.position().toPoint()
            if _Rows.more(rect).contains(point) and event.button() is Qt.MouseButton.LeftButton:
                self.menu_requested.emit(index, self.viewport().mapToGlobal(_Rows.more(rect).bottomLeft()))
                return
            if not _Rows.body(rect).contains(point):
                return
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        if event.key() == Qt.Key.Key_Delete and index.isValid():
            self.delete_requested.emit(index)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and index.isValid():
            if self.state() is not QAbstractItemView.State.EditingState:
                self.chosen.emit(index)
        elif event.key() == Qt.Key.Key_Menu and index.isValid():
            self.menu_requested.emit(index, self.viewport().mapToGlobal(self.visualRect(index).center()))
        else:
            super().keyPressEvent(event)


class ConversationPanel(Retranslated, QFrame):
    """`search_place`: an empty place above the list, with a layout; `menu`: what can be done with conversations."""

    new_requested = Signal()
    conversation_requested = Signal(int)
    delete_requested = Signal(int)

    def __init__(self, conversations: ConversationList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("surface", "panel")
        self._conversations = conversations
        self._shown: int | None = None
        self.new_button = parts.button(kind="secondary", icon="square-pen")
        self.new_button.clicked.connect(self.new_requested)
        self.search_place = QWidget()
        self.search_place.setLayout(parts.column())
        self.menu = ConversationMenu(self)
        self.menu.rename_requested.connect(self._on_rename)
        self.menu.delete_requested.connect(self._on_delete)
        self._empty = parts.label(role="caption", tone="muted", wrap=True)
        self.list = _List()
        self.list.setModel(conversations)
        self.list.setItemDelegate(_Rows(self.list))
        self.list.setMouseTracking(True)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.viewport().setAutoFillBackground(False)
        self.list.clicked.connect(self._on_chosen)
        self.list.chosen.connect(self._on_chosen)
        self.list.menu_requested.connect(self._open_menu)
        self.list.delete_requested.connect(lambda index: self.delete_requested.emit(self._id(index)))
        self.list.customContextMenuRequested.connect(self._on_context_menu)
        conversations.modelReset.connect(self._on_reset)
        listed = QWidget()
        listed.setLayout(parts.column(self._empty, self.list, space=SPACE.s))
        middle = QWidget()
        self._middle = QStackedLayout(middle)
        self._middle.addWidget(listed)
        layout = parts.column(
            self.new_button, self.search_place, middle, space=SPACE.s, margin=(SPACE.m, SPACE.m, SPACE.m, SPACE.s)
        )
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self.setMinimumWidth(200)
        self.retranslate()
        self._on_reset()

    def show_current(self, conversation_id: int | None) -> None:
        """Mark the conversation that is on the page."""
        self._shown = conversation_id
        row = self._conversations.row_of(conversation_id) if conversation_id is not None else None
        if row is None:
            self.list.clearSelection()
            self.list.setCurrentIndex(QModelIndex())
        else:
            self.list.setCurrentIndex(self._conversations.index(row))

    def set_results(self, results: QWidget) -> None:
        """What `show_found` shows in the place of the list."""
        self._middle.addWidget(results)

    def show_found(self, found: bool) -> None:
        """What was found, or all conversations."""
        self._middle.setCurrentIndex(int(found and self._middle.count() > 1))

    def retranslate(self) -> None:
        self.new_button.setText(self.tr("New chat"))
        self.list.setAccessibleName(self.tr("Conversations"))
        self._empty.setText(self.tr("Your conversations will be listed here. They stay on this computer."))
        self._conversations.retranslate()

    def _id(self, index: _ANY_INDEX) -> int:
        return int(index.data(ConversationList.Role.ID))

    @Slot(QModelIndex)
    def _on_chosen(self, index: QModelIndex) -> None:
        self.conversation_requested.emit(self._id(index))

    @Slot()
    def _on_reset(self) -> None:
        empty = self._conversations.rowCount() == 0
        self._empty.setVisible(empty)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus if empty else Qt.FocusPolicy.StrongFocus)
        self.show_current(self._shown)

    @Slot(QPoint)
    def _on_context_menu(self, point: QPoint) -> None:
        index = self.list.indexAt(point)
        if index.isValid():
            self._open_menu(index, self.list.viewport().mapToGlobal(point))

    @Slot(QModelIndex, QPoint)
    def _open_menu(self, index: QModelIndex, point: QPoint) -> None:
        self.menu.open(self, (self._conversations.conversations[index.row()],), point)

    @Slot(tuple)
    def _on_rename(self, ids: tuple[int, ...]) -> None:
        if (row := self._conversations.row_of(ids[0])) is not None:
            self.list.edit(self._conversations.index(row))

    @Slot(tuple)
    def _on_delete(self, ids: tuple[int, ...]) -> None:
        for conversation_id in ids:
            self.delete_requested.emit(conversation_id)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.StyleChange:
            self.list.viewport().update()
