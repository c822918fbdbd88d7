"""The list of documents: what each is, where, and how. Rows are painted: 100,000 cost no more than ten."""

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from app import document_words, figures, icons, theme
from app.lists.documents import DocumentList, DocumentRow
from app.theme import SPACE, px

_ANY_INDEX = QModelIndex | QPersistentModelIndex
_ROW = 56
_COLUMNS_FROM = 620  # narrower, pages, size and date stand in the second line
_BAR = 96
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def paint_ground(painter: QPainter, rect: QRect, option: QStyleOptionViewItem) -> None:
    """Of a row: chosen, under the pointer, with the focus of the keyboard."""
    tokens = theme.tokens()
    chosen = bool(option.state & QStyle.StateFlag.State_Selected)
    if chosen or option.state & QStyle.StateFlag.State_MouseOver:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.accent_soft if chosen else tokens.hover))
        painter.drawRoundedRect(rect, theme.RADIUS, theme.RADIUS)
    if option.state & QStyle.StateFlag.State_HasFocus and option.state & QStyle.StateFlag.State_KeyboardFocusChange:
        painter.setPen(QColor(tokens.accent))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), theme.RADIUS, theme.RADIUS)


def write(painter: QPainter, rect: QRect, text: str, role: str, tone: str, align: Qt.AlignmentFlag = _LEFT) -> int:
    """One line, cut where the room ends; says how wide it became."""
    font = theme.current().type.font(role)
    metrics = QFontMetrics(font)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
    painter.setFont(font)
    painter.setPen(QColor(getattr(theme.tokens(), tone)))
    painter.drawText(rect, align, shown)
    return metrics.horizontalAdvance(shown)


class DocumentRows(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: _ANY_INDEX) -> QSize:
        return QSize(0, px(_ROW))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _ANY_INDEX) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inner = option.rect.adjusted(0, 1, 0, -1)
        paint_ground(painter, inner, option)
        row = index.data(DocumentList.Role.ROW)
        if isinstance(row, DocumentRow):
            self._paint_row(painter, inner, row)
        else:
            self._paint_absent(painter, inner)
        painter.restore()

    def _paint_row(self, painter: QPainter, rect: QRect, row: DocumentRow) -> None:
        document = row.document
        side = px(20)
        place = QRect(rect.left() + SPACE.m, rect.center().y() - side // 2 + 1, side, side)
        icons.paint(painter, place, document_words.icon_of(document.format), "muted")
        room = rect.adjusted(SPACE.m + side + SPACE.m, 0, -SPACE.m, 0)
        columns = rect.width() >= px(_COLUMNS_FROM)
        if columns:
            room.setRight(self._paint_columns(painter, rect, row) - SPACE.l)
        half = rect.height() // 2
        title = QRect(room.left(), rect.top() + 4, room.width(), half - 4)
        write(painter, title, document_words.title_of(document), "body", "text")
        self._paint_state(painter, QRect(room.left(), rect.top() + half, room.width(), half - 5), row, columns)

    @staticmethod
    def _paint_columns(painter: QPainter, rect: QRect, row: DocumentRow) -> int:
        """Date, size and pages, from the right; says where they begin."""
        document = row.document
        size = figures.file_size(document.size) if document.size else ""
        right = rect.right() - SPACE.m
        for words, width in (
            (document_words.date_of(document), 78),
            (size, 74),
            (document_words.pages_of(document), 96),
        ):
            write(
                painter,
                QRect(right - px(width), rect.top(), px(width), rect.height()),
                words,
                "caption",
                "muted",
                _RIGHT,
            )
            right -= px(width) + SPACE.s
        return right

    @staticmethod
    def _paint_state(painter: QPainter, room: QRect, row: DocumentRow, columns: bool) -> None:
        document = row.document
        said = document_words.state_of(document, row.done, row.total)
        ready = said.tone == "success"
        facts = document_words.facts_of(document)
        if columns:
            facts = document.name if document.title and document.title != document.name else ""
        if said.icon:
            side = px(14)
            icons.paint(
                painter, QRect(room.left(), room.center().y() - side // 2 + 1, side, side), said.icon, said.tone
            )
            room.setLeft(room.left() + side + 6)
        if not ready:
            room.setLeft(room.left() + write(painter, room, said.words, "caption", said.tone) + SPACE.s)
        if said.fraction is not None and room.width() > px(_BAR):
            bar = QRect(room.left(), room.center().y() - 1, px(_BAR), 4)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.tokens().line_strong))
            painter.drawRoundedRect(bar, 2, 2)
            painter.setBrush(QColor(theme.tokens().accent))
            painter.drawRoundedRect(QRect(bar.left(), bar.top(), round(bar.width() * said.fraction), 4), 2, 2)
            return
        if not facts and ready:
            facts = said.words
        if room.width() > px(40):
            write(painter, room, facts if ready or not facts else f"·  {facts}", "caption", "muted")

    @staticmethod
    def _paint_absent(painter: QPainter, rect: QRect) -> None:
        """A row that is on its way."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.tokens().hover))
        left = rect.left() + SPACE.m + px(20) + SPACE.m
        painter.drawRoundedRect(QRect(left, rect.top() + px(13), min(px(260), rect.width() // 2), px(10)), 5, 5)
        painter.drawRoundedRect(QRect(left, rect.top() + px(33), min(px(150), rect.width() // 3), px(8)), 4, 4)


class DocumentView(QTableView):
    """A table of one column, since a list view lays out every row anew when one changes.

    Chosen rows stay chosen when others come before them. `chosen_changed` comes when a person chooses."""

    chosen_changed = Signal()
    opened = Signal(object)  # Document
    delete_requested = Signal()

    def __init__(self, documents: DocumentList) -> None:
        super().__init__()
        self._documents = documents
        self._chosen: set[int] = set()
        self._following = False
        self.setModel(documents)
        self.setItemDelegate(DocumentRows(self))
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setMinimumSectionSize(1)
        self.verticalHeader().setDefaultSectionSize(px(_ROW))
        self.verticalHeader().hide()
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self.selectionModel().selectionChanged.connect(self._on_selection)
        self.doubleClicked.connect(self._on_double_clicked)
        documents.rows_came.connect(self._on_rows_came)
        documents.modelReset.connect(self._on_reset)

    @property
    def chosen(self) -> list[int]:
        """Ids of what is chosen and here, from the top."""
        chosen = self._ranges
        held = ((place, document.id) for place, document in self._documents.held())
        return [id for place, id in sorted(held) if any(top <= place <= bottom for top, bottom in chosen)]

    @property
    def chosen_count(self) -> int:
        return sum(bottom - top + 1 for top, bottom in self._ranges)

    @property
    def _ranges(self) -> list[tuple[int, int]]:
        """First and last rows: never a row at a time, there may be very many."""
        return [(part.top(), part.bottom()) for part in self.selectionModel().selection().toList()]

    @property
    def chosen_absent(self) -> list[tuple[int, int]]:
        """First row and count of what is chosen and not here."""
        ranges: list[tuple[int, int]] = []
        for top, bottom in self._ranges:
            for place in range(top, bottom + 1):
                if self._documents.row(place, ask=False) is not None:
                    continue
                if ranges and sum(ranges[-1]) == place:
                    ranges[-1] = (ranges[-1][0], ranges[-1][1] + 1)
                else:
                    ranges.append((place, 1))
        return ranges

    def only(self) -> DocumentRow | None:
        """The one that is chosen, if it is one."""
        if self.chosen_count != 1:
            return None
        return self._documents.row(self._ranges[0][0], ask=False)

    def choose(self, document_id: int) -> bool:
        """Go to it; False if it is not here."""
        place = self._documents.place_of(document_id)
        if place is None:
            return False
        index = self._documents.index(place)
        self.setCurrentIndex(index)
        self.scrollTo(index)
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete and self.chosen_count:
            self.delete_requested.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._on_double_clicked(self.currentIndex())
        else:
            super().keyPressEvent(event)

    @Slot(QModelIndex)
    def _on_double_clicked(self, index: QModelIndex) -> None:
        row = self._documents.row(index.row(), ask=False)
        if row is not None:
            self.opened.emit(row.document)

    @Slot()
    def _on_selection(self) -> None:
        if not self._following:
            self._chosen = set(self.chosen)
            self.chosen_changed.emit()

    @Slot()
    def _on_reset(self) -> None:
        self._chosen = set()
        self.chosen_changed.emit()

    @Slot(int, int)
    def _on_rows_came(self, first: int, count: int) -> None:
        """What was chosen may stand elsewhere now; rows chosen before they were here are those that came."""
        before = self.selectionModel().selection()
        wanted = QItemSelection()
        unwanted = QItemSelection()
        for place in range(first, min(first + count, self._documents.rowCount())):
            row, index = self._documents.row(place, ask=False), self._documents.index(place)
            if row is None:
                continue
            if row.document.id in self._chosen:
                wanted.select(index, index)
            elif before.contains(index):
                unwanted.select(index, index)
        if self.chosen_count and self._chosen:
            self._following = True
            self.selectionModel().select(unwanted, QItemSelectionModel.SelectionFlag.Deselect)
            self.selectionModel().select(wanted, QItemSelectionModel.SelectionFlag.Select)
            self._following = False
        elif not unwanted.isEmpty():
            self._chosen = set(self.chosen)
        self.chosen_changed.emit()
