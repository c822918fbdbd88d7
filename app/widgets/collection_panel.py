"""The panel beside the documents: the collections, and the folders that are watched."""

from pathlib import Path

from PySide6.QtCore import QLocale, QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLineEdit,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app import icons, parts
from app.language import Retranslated, say
from app.library import Library
from app.lists.collections import CollectionList
from app.theme import SPACE, px
from app.widgets.document_rows import paint_ground, write
from app.widgets.elided import ElidedLabel
from backends.documents.problems import STOPPED
from backends.documents.types import WatchedFolder

_ANY_INDEX = QModelIndex | QPersistentModelIndex
_ROW = 36
LONGEST = 100  # characters of a name


class _Rows(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: _ANY_INDEX) -> QSize:
        return QSize(0, px(_ROW))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _ANY_INDEX) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inner = option.rect.adjusted(0, 1, 0, -1)
        paint_ground(painter, inner, option)
        side = px(16)
        place = QRect(inner.left() + SPACE.m, inner.center().y() - side // 2 + 1, side, side)
        icons.paint(painter, place, "folder" if index.row() else "library", "muted")
        room = inner.adjusted(SPACE.m + side + SPACE.s, 0, -SPACE.m, 0)
        count = QLocale().toString(int(index.data(CollectionList.Role.COUNT)))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        room.setRight(room.right() - write(painter, room, count, "caption", "muted", right) - SPACE.s)
        write(painter, room, str(index.data()), "body", "text")
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: _ANY_INDEX) -> QWidget:
        editor = QLineEdit(parent)
        editor.setMaxLength(LONGEST)
        editor.setAccessibleName(str(index.data()))
        return editor

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: _ANY_INDEX) -> None:
        editor.setGeometry(option.rect.adjusted(0, 1, 0, -1))


class _List(QListView):
    delete_requested = Signal(QModelIndex)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        if event.key() == Qt.Key.Key_Delete and index.isValid():
            self.delete_requested.emit(index)
        elif event.key() == Qt.Key.Key_Menu and index.isValid():
            self.customContextMenuRequested.emit(self.visualRect(index).center())
        else:
            super().keyPressEvent(event)


class _NewName(QLineEdit):
    """Takes a name; Escape, or leaving it empty, takes it away."""

    given = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setMaxLength(LONGEST)
        self.editingFinished.connect(self._on_finished)
        self.hide()

    def ask(self) -> None:
        self.clear()
        self.show()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.hide()
            return
        super().keyPressEvent(event)

    @Slot()
    def _on_finished(self) -> None:
        name = self.text().strip()
        self.clear()
        self.hide()
        if name:
            self.given.emit(name)


class WatchedRow(Retranslated, QWidget):
    """One folder: its name, what is wrong with it, and the button that ends it."""

    unwatch_requested = Signal(int)

    def __init__(self, folder: WatchedFolder) -> None:
        super().__init__()
        self.folder = folder
        name = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle, steady=True)
        name.setText(Path(folder.path).name or folder.path)
        name.setAccessibleName(folder.path)
        name.setToolTip(parts.tip(folder.path))
        self._stop = parts.icon_button("x", size=14)
        self._stop.clicked.connect(lambda: self.unwatch_requested.emit(self.folder.id))
        troubled = folder.problem is not None and folder.problem.code != STOPPED
        tone = "warning" if troubled else "muted"
        self._problem = parts.label(role="caption", tone=tone, wrap=True)
        picture = parts.picture("triangle-alert" if troubled else "eye", tone, 16)
        head = parts.row(picture, name, self._stop)
        head.setStretch(1, 1)
        self.setLayout(parts.column(head, self._problem, space=0, margin=(SPACE.m, 0, 0, 0)))
        self.retranslate()

    def retranslate(self) -> None:
        problem = self.folder.problem
        self._problem.setText(say(problem.message) if problem else "")
        self._problem.setVisible(problem is not None)
        parts.name_button(self._stop, self.tr("No longer watch %1").replace("%1", self.folder.path))


class CollectionPanel(Retranslated, QFrame):
    collection_chosen = Signal(object)  # id, or None: all
    collection_added = Signal(str)
    remove_requested = Signal(int)
    watch_requested = Signal()
    unwatch_requested = Signal(int)

    SHOWN = 12  # folders; more are said

    def __init__(self, collections: CollectionList) -> None:
        super().__init__()
        self.setProperty("surface", "panel")
        self._collections = collections
        self._watched: tuple[WatchedFolder, ...] | None = None
        self._chosen: int | None = None
        self.new_button = parts.button(kind="secondary", icon="folder-plus")
        self.new_button.clicked.connect(self._on_new)
        self._name = _NewName()
        self._name.given.connect(self.collection_added)
        self.list = _List()
        self.list.setModel(collections)
        self.list.setItemDelegate(_Rows(self.list))
        self.list.setMouseTracking(True)
        self.list.setUniformItemSizes(True)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.viewport().setAutoFillBackground(False)
        self.list.selectionModel().currentChanged.connect(self._on_current)
        self.list.customContextMenuRequested.connect(self._on_context_menu)
        self.list.delete_requested.connect(self._on_delete)
        collections.modelReset.connect(lambda: self._mark(self._chosen))
        self._heading = parts.label(role="caption", tone="muted")
        self._more = parts.label(role="caption", tone="muted")
        self._column = parts.column(space=0)
        self._watch = parts.button(kind="quiet", icon="eye")
        self._watch.clicked.connect(self.watch_requested)
        foot = parts.column(
            parts.row(self._heading, margin=(SPACE.m, 0, 0, 0)), self._column, self._more, space=SPACE.xs
        )
        body = parts.column(
            self.new_button, self._name, self.list, foot, parts.row(self._watch, None), space=SPACE.s, margin=SPACE.m
        )
        body.setStretch(2, 1)
        self.setLayout(body)
        self.setMinimumWidth(200)
        self.retranslate()

    def retranslate(self) -> None:
        self.new_button.setText(self.tr("New collection"))
        self._name.setPlaceholderText(self.tr("Name of the collection"))
        self._name.setAccessibleName(self.tr("Name of the collection"))
        self.list.setAccessibleName(self.tr("Collections"))
        self._heading.setText(self.tr("Watched folders"))
        self._watch.setText(self.tr("Watch a folder…"))
        self._watch.setToolTip(
            self.tr("Its documents, and those of its subfolders, are kept up to date by themselves.")
        )
        self._collections.retranslate()
        self._draw_more()

    def show_library(self, library: Library) -> None:
        self._chosen = library.chosen
        self._mark(library.chosen)
        if library.watched != self._watched:
            self._watched = library.watched
            parts.clear(self._column)
            for folder in library.watched[: self.SHOWN]:
                row = WatchedRow(folder)
                row.unwatch_requested.connect(self.unwatch_requested)
                self._column.addWidget(row)
        self._heading.setVisible(bool(library.watched))
        self._draw_more()

    def _draw_more(self) -> None:
        more = len(self._watched or ()) - self.SHOWN
        self._more.setText(self.tr("and %1 more").replace("%1", QLocale().toString(max(0, more))))
        self._more.setVisible(more > 0)

    def _mark(self, collection_id: int | None) -> None:
        row = self._collections.row_of(collection_id)
        if self.list.currentIndex().row() != row:
            self.list.setCurrentIndex(self._collections.index(row))

    def _menu_for(self, index: _ANY_INDEX, point: QPoint) -> None:
        kept = QPersistentModelIndex(index)
        menu = parts.menu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(icons.icon("pencil", "muted"), self.tr("Rename"), lambda: self._edit(kept))
        menu.addAction(icons.icon("trash-2", "muted"), self.tr("Remove"), lambda: self._on_delete(kept))
        menu.popup(point)

    def _edit(self, kept: QPersistentModelIndex) -> None:
        if kept.isValid():
            self.list.edit(self._collections.index(kept.row()))

    @Slot()
    def _on_new(self) -> None:
        self._name.ask()

    @Slot(QModelIndex)
    def _on_current(self, index: QModelIndex) -> None:
        chosen = index.data(CollectionList.Role.ID) if index.isValid() else None
        if index.isValid() and chosen != self._chosen:
            self._chosen = chosen
            self.collection_chosen.emit(chosen)

    @Slot(QPoint)
    def _on_context_menu(self, point: QPoint) -> None:
        index = self.list.indexAt(point)
        if index.row() > 0:
            self._menu_for(index, self.list.viewport().mapToGlobal(point))

    def _on_delete(self, index: _ANY_INDEX) -> None:
        if index.isValid() and index.row() > 0:
            self.remove_requested.emit(int(index.data(CollectionList.Role.ID)))
