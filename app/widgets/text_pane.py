"""The stored text of a document, a part at a time, with a passage lit. Plain text: nothing in it is read as markup."""

from bisect import bisect_right
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, Signal, Slot
from PySide6.QtGui import QColor, QFont, QResizeEvent, QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QTextEdit

from app import document_words, theme
from app.language import Retranslated
from app.lit import utf16
from app.theme import PAGE_WIDTH, SPACE, px
from app.viewing import Mark, Piece
from backends.documents.types import StoredSection

_EDGE = 40  # pixels from an end at which more is asked for
_ABOVE = 0.3  # of the height lies above what is stood on


@dataclass(frozen=True, slots=True)
class _Placed:
    """A section where it stands in the widget."""

    start: int
    position: int
    section: StoredSection


class TextPane(Retranslated, QTextEdit):
    """`more_wanted(offset)`: an end of the piece was reached; the next one should lie around `offset`."""

    more_wanted = Signal(object)  # an offset may be beyond 31 bits
    page_changed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "reader")
        self.setReadOnly(True)
        self.setAcceptRichText(False)
        self.setUndoRedoEnabled(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.document().setDocumentMargin(0)
        self._format = ""
        self._piece: Piece | None = None
        self._mark: Mark | None = None
        self._placed: list[_Placed] = []
        self._starts: list[int] = []
        self._positions: list[int] = []
        self._page = 0
        self._zoom = 0
        self._asked = -1
        self._drawing = False
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.retranslate()

    def retranslate(self) -> None:
        self.setAccessibleName(self.tr("Text of the document"))
        if self._piece is not None:
            self._draw()

    # ---- what is shown

    def show_piece(self, format: str, piece: Piece, mark: Mark | None, *, keep: bool = False) -> None:
        """`keep`: what is read now stays where it is; else stand on the mark."""
        before = self._offset_at_top() if keep else None
        self._format, self._piece, self._mark = format, piece, mark
        self._asked = -1
        self._draw()
        if before is not None:
            self._stand(before, 0.0)
        elif mark is not None:
            self._stand(mark.start, _ABOVE)
        else:
            self.verticalScrollBar().setValue(0)

    def show_mark(self, mark: Mark) -> bool:
        """Light this one instead; False if it does not lie in the piece."""
        if self._piece is None or not self._piece.start <= mark.start < self._piece.end:
            return False
        self._mark = mark
        self._light()
        self._stand(mark.start, _ABOVE)
        return True

    def go_to_page(self, page: int) -> bool:
        for placed in self._placed:
            if placed.section.section.page >= page:
                self._stand(placed.start, 0.0)
                return placed.section.section.page == page
        return False

    @property
    def page(self) -> int:
        return self._page

    @property
    def lit(self) -> str:
        """What is lit, as it stands there."""
        return "\n".join(one.cursor.selectedText().replace("\u2029", "\n") for one in self.extraSelections())

    def zoom_by(self, steps: int) -> None:
        self._zoom = min(max(self._zoom + steps, -5), 16)
        top = self._offset_at_top()
        self._draw()
        self._stand(top, 0.0)

    def _draw(self) -> None:
        assert self._piece is not None
        type_, tokens = theme.current().type, theme.tokens()
        self._drawing = True
        self._placed = []
        self.clear()
        self.setExtraSelections([])
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        said = ""
        for stored in self._piece.sections:
            section = stored.section
            text = "".join(" " if c == "\r" or c == "\x00" else c for c in section.text)
            where = self._where(stored)
            if where and where != said:
                if self._placed:
                    cursor.insertBlock()
                gap = QTextBlockFormat()
                gap.setTopMargin(SPACE.l if self._placed else 0)
                gap.setBottomMargin(SPACE.xs)
                cursor.setBlockFormat(gap)
                cursor.insertText(where, self._looks(type_.font("caption"), tokens.muted))
                cursor.insertBlock(QTextBlockFormat())
                said = where
            even = section.kind in ("table", "code") or self._format == "code"
            font = type_.font("mono" if even else "body")
            self._placed.append(_Placed(stored.start, cursor.position(), stored))
            cursor.insertText(text, self._looks(font, tokens.text))
        cursor.endEditBlock()
        self._starts = [placed.start for placed in self._placed]
        self._positions = [placed.position for placed in self._placed]
        self._light()
        self._drawing = False

    def _where(self, stored: StoredSection) -> str:
        section = stored.section
        place = document_words.place_of(self._format, section.page, section.label)
        return "  ·  ".join(filter(None, (place, " › ".join(section.headings))))

    def _looks(self, font: QFont, color: str) -> QTextCharFormat:
        font.setPixelSize(max(6, font.pixelSize() + self._zoom))
        looks = QTextCharFormat()
        looks.setFont(font)
        looks.setForeground(QColor(color))
        return looks

    def _light(self) -> None:
        mark, piece = self._mark, self._piece
        if mark is None or piece is None or mark.end <= mark.start or not self._placed:
            self.setExtraSelections([])
            return
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._position_of(mark.start))
        cursor.setPosition(self._position_of(mark.end), QTextCursor.MoveMode.KeepAnchor)
        selection = QTextEdit.ExtraSelection()
        selection.cursor = cursor
        looks = QTextCharFormat()
        looks.setBackground(QColor(theme.tokens().lit))
        selection.format = looks
        self.setExtraSelections([selection])

    # ---- places

    def _position_of(self, offset: int) -> int:
        """Where the character `offset` of the stored text stands in the widget."""
        if not self._placed:
            return 0
        placed = self._placed[max(0, bisect_right(self._starts, offset) - 1)]
        text = placed.section.section.text
        return placed.position + utf16(text, min(max(offset - placed.start, 0), len(text)))

    def _offset_at_top(self) -> int:
        if not self._placed:
            return self._piece.start if self._piece else 0
        position = self.cursorForPosition(QPoint(SPACE.s, 1)).position()
        placed = self._placed[max(0, bisect_right(self._positions, position) - 1)]
        text = placed.section.section.text
        return placed.start + min(max(position - placed.position, 0), len(text))

    def _stand(self, offset: int, above: float) -> None:
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._position_of(offset))
        self.setTextCursor(cursor)
        rect = self.cursorRect(cursor)
        bar = self.verticalScrollBar()
        bar.setValue(round(bar.value() + rect.top() - self.viewport().height() * above))
        self._on_scrolled()
        self._note_page(offset)  # where one stands, also if all fits and nothing had to be scrolled

    @Slot()
    def _on_scrolled(self) -> None:
        if self._drawing or self._piece is None or not self._placed:
            return
        self._note_page(self._offset_at_top())
        bar = self.verticalScrollBar()
        at_start = bar.value() <= _EDGE and self._piece.start > 0
        at_end = bar.value() >= bar.maximum() - _EDGE and self._piece.end < self._piece.length
        wanted = self._piece.start if at_start else self._piece.end if at_end else -1
        if wanted >= 0 and wanted != self._asked:
            self._asked = wanted
            self.more_wanted.emit(wanted)

    def _note_page(self, offset: int) -> None:
        if not self._placed:
            return
        page = self._placed[max(0, bisect_right(self._starts, offset) - 1)].section.section.page
        if page != self._page:
            self._page = page
            self.page_changed.emit(page)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A column as wide as one likes to read, in the middle."""
        beside = max(SPACE.xl, (self.width() - px(PAGE_WIDTH)) // 2)
        self.setViewportMargins(beside, SPACE.l, min(beside, SPACE.xl), 0)
        super().resizeEvent(event)
        if self._mark is not None and not event.oldSize().isValid():
            self._stand(self._mark.start, _ABOVE)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.StyleChange and self._piece is not None:
            top = self._offset_at_top()
            self._draw()
            self._stand(top, 0.0)
