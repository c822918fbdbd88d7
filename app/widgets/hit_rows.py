"""Passages that were found: the document, the place, the headings, the words that were looked for lit."""

from functools import lru_cache

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QPointF, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QTextCharFormat, QTextLayout, QTextOption
from PySide6.QtWidgets import QListView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app import document_words, icons, theme
from app.lists.hits import HitList
from app.lit import excerpt, utf16
from app.theme import SPACE, px
from app.widgets.document_rows import paint_ground, write
from app.widgets.found_view import FoundView
from backends.documents.types import Hit

_ANY_INDEX = QModelIndex | QPersistentModelIndex
_LINES = 4
_ROOM = 300  # Latin characters of a passage
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@lru_cache(maxsize=256)
def _excerpt(text: str, lit: tuple[tuple[int, int], ...]) -> tuple[str, tuple[tuple[int, int], ...]]:
    return excerpt(text, lit, _ROOM)


def lit_layout(
    text: str, lit: tuple[tuple[int, int], ...], width: int, lines: int, role: str = "body"
) -> tuple[QTextLayout, float]:
    """Laid out in at most so many lines; and how high that is."""
    tokens = theme.tokens()
    layout = QTextLayout(text, theme.current().type.font(role))
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    formats: list[QTextLayout.FormatRange] = []
    for start, end in lit:
        marked = QTextLayout.FormatRange()
        marked.start = utf16(text, start)
        marked.length = utf16(text, end) - marked.start
        looks = QTextCharFormat()
        looks.setBackground(QColor(tokens.lit))
        looks.setForeground(QColor(tokens.text))
        marked.format = looks
        formats.append(marked)
    layout.setFormats(formats)
    layout.beginLayout()
    height = 0.0
    for _ in range(lines):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(width)
        line.setPosition(QPointF(0, height))
        height += line.height() + 1
    layout.endLayout()
    return layout, height


class HitRows(QStyledItemDelegate):
    def __init__(self, view: QListView) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: _ANY_INDEX) -> QSize:
        hit: Hit = index.data(HitList.Role.HIT)
        _, height = lit_layout(*_excerpt(hit.passage.text, hit.lit), self._text_width(), _LINES)
        return QSize(0, round(height) + self._head(hit) + 2 * SPACE.m)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _ANY_INDEX) -> None:
        hit: Hit = index.data(HitList.Role.HIT)
        document, passage = hit.document, hit.passage
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_ground(painter, option.rect.adjusted(0, 1, 0, -1), option)
        rect = option.rect.adjusted(SPACE.m, SPACE.m, -SPACE.m, -SPACE.m)
        side = px(16)
        head = QRect(rect.left(), rect.top(), rect.width(), px(20))
        icon = QRect(rect.left(), head.center().y() - side // 2 + 1, side, side)
        icons.paint(painter, icon, document_words.icon_of(document.format), "muted")
        head.setLeft(rect.left() + side + SPACE.s)
        place = document_words.place_of(document.format, passage.page, passage.label)
        room = QRect(head)
        room.setLeft(head.left() + head.width() // 2)
        head.setRight(head.right() - write(painter, room, place, "caption", "muted", _RIGHT) - SPACE.m)
        write(painter, head, document_words.title_of(document), "strong", "text")
        top = rect.top() + px(22)
        if second := self._second(hit):
            write(
                painter,
                QRect(rect.left() + side + SPACE.s, top, rect.width() - side - SPACE.s, px(18)),
                second,
                "caption",
                "muted",
            )
        layout, _ = lit_layout(*_excerpt(passage.text, hit.lit), self._text_width(), _LINES)
        painter.setPen(QColor(theme.tokens().text))
        layout.draw(painter, QPointF(rect.left() + side + SPACE.s, rect.top() + self._head(hit)))
        painter.restore()

    def _second(self, hit: Hit) -> str:
        """The path of its headings, and where else it stands."""
        headings = " › ".join(hit.passage.headings)
        also = ""
        if hit.also:
            words = self.tr("also in %1 other documents") if len(hit.also) > 1 else self.tr("also in another document")
            also = words.replace("%1", str(len(hit.also)))
        return "  ·  ".join(filter(None, (headings, also)))

    def _head(self, hit: Hit) -> int:
        return px(24) + (px(20) if self._second(hit) else 0)

    def _text_width(self) -> int:
        return max(120, self._view.viewport().width() - 2 * SPACE.m - px(16) - SPACE.s)


class HitView(FoundView):
    opened = Signal(object)  # Hit
    chosen = Signal(object)  # Hit

    def __init__(self, hits: HitList, parent: QWidget | None = None) -> None:
        super().__init__(hits, parent)
        self._hits = hits
        self.setItemDelegate(HitRows(self))
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # else rows and it would chase each other
        self.selectionModel().currentChanged.connect(self._on_current)
        self.enter_pressed.connect(self._on_enter)
        self.doubleClicked.connect(self._on_double_clicked)

    @property
    def hit(self) -> Hit | None:
        index = self.currentIndex()
        return self._hits.hits[index.row()] if index.isValid() else None

    @property
    def place(self) -> tuple[Hit | None, int]:
        """Where it is scrolled to: the passage at the top, and the pixels of it that are out of sight; None: at its
        beginning."""
        index = self.indexAt(QPoint(1, 1))
        if not index.isValid() or not self.verticalScrollBar().value():
            return None, 0
        return self._hits.hits[index.row()], self.visualRect(index).top()

    def go_back(self, place: tuple[Hit | None, int]) -> None:
        """Where it was scrolled to before other passages came; to what is chosen if that one is gone."""
        self.doItemsLayout()
        hit, top = place
        bar = self.verticalScrollBar()
        if hit is None:
            bar.setValue(0)
        elif (row := self._hits.place_of(hit.passage.id)) is not None:
            bar.setValue(bar.value() + self.visualRect(self._hits.index(row)).top() - top)

    @Slot()
    def _on_enter(self) -> None:
        if self.hit is not None:
            self.opened.emit(self.hit)

    @Slot(QModelIndex)
    def _on_current(self, index: QModelIndex) -> None:
        if index.isValid() and index.row() < len(self._hits.hits):
            self.chosen.emit(self._hits.hits[index.row()])

    @Slot(QModelIndex)
    def _on_double_clicked(self, index: QModelIndex) -> None:
        self.opened.emit(self._hits.hits[index.row()])
