"""Formulas in the midst of a text: each is one character of the document, painted by `formulas`, copied as LaTeX."""

from PySide6.QtCore import QObject, QPointF, QRect, QRectF, QSizeF
from PySide6.QtGui import (
    QFont,
    QFontMetrics,
    QFontMetricsF,
    QPainter,
    QPyTextObject,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
)

from app import formulas, theme
from app.formulas import Shape
from app.spans import Span, is_wide

CHARACTER = "\ufffc"
_KIND = QTextFormat.ObjectTypes.UserObject.value + 1
_SOURCE = QTextFormat.Property.UserProperty.value + 11
_TEXT = QTextFormat.Property.UserProperty.value + 12
_DISPLAY = QTextFormat.Property.UserProperty.value + 13
_GAP = QTextFormat.Property.UserProperty.value + 14
_TAIL = QTextFormat.Property.UserProperty.value + 15
_SIDE = 0.06  # em of room left and right
_NARROWEST = 0.55  # of its size that a formula shrinks to where it is wider than the line

# What fits into a line of text that is 1.6 times as high as its font, a fifth of it below the baseline.
_FITS_ABOVE, _FITS_BELOW = 1.2, 0.36


class FormulaObject(QPyTextObject):
    """Sets and paints the formulas of one document, and keeps their shapes as long as it stands."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._shapes: dict[tuple[str, bool], Shape] = {}
        document.documentLayout().registerHandler(_KIND, self)

    def shape(self, source: str, display: bool) -> Shape | None:
        shape = self._shapes.get((source, display)) or formulas.shape(source, display=display)
        if shape is not None:
            self._shapes[source, display] = shape
        return shape

    def forget(self) -> None:
        """The text has been cleared."""
        self._shapes.clear()

    def insert(
        self, cursor: QTextCursor, look: QTextCharFormat, span: Span, *, gap: float = 0.0, tail: str = ""
    ) -> bool:
        """Put the formula at the cursor, in the size and colour of `look`; False if it cannot be set. `gap`: pixels of
        room behind it. `tail`: points that stand there and are not to begin the next line."""
        source, display = span.formula, span.display
        shape = self.shape(source, display)
        if shape is None:
            return False
        format = QTextCharFormat(look)
        format.setObjectType(_KIND)
        format.setProperty(_SOURCE, source)
        format.setProperty(_TEXT, span.text + tail)
        format.setProperty(_TAIL, tail)
        format.setProperty(_DISPLAY, display)
        format.setProperty(_GAP, gap)
        if not display and not fits_line(shape):
            format.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignMiddle)
        cursor.insertText(CHARACTER, format)
        return True

    def intrinsicSize(self, doc: QTextDocument, posInDocument: int, format: QTextFormat) -> QSizeF:
        look = format.toCharFormat()
        shape = self.shape(format.stringProperty(_SOURCE), format.boolProperty(_DISPLAY))
        if shape is None:
            return QSizeF()
        size = self._size(doc, look, shape)
        width = (shape.width + 2 * _SIDE) * size + format.doubleProperty(_GAP)
        if tail := format.stringProperty(_TAIL):
            width += QFontMetricsF(_tail_font(look, tail)).horizontalAdvance(tail)
        above, below = shape.ascent * size, shape.descent * size
        if format.boolProperty(_DISPLAY):
            return QSizeF(width, above + below)
        if look.verticalAlignment() != QTextCharFormat.VerticalAlignment.AlignMiddle:
            return QSizeF(width, above)
        half = QFontMetrics(look.font()).xHeight() / 2
        return QSizeF(width, max(2 * above - half, 2 * below + half))

    def drawObject(
        self, painter: QPainter, rect: QRectF | QRect, doc: QTextDocument, posInDocument: int, format: QTextFormat
    ) -> None:
        look = format.toCharFormat()
        shape = self.shape(format.stringProperty(_SOURCE), format.boolProperty(_DISPLAY))
        if shape is None:
            return
        size = self._size(doc, look, shape)
        if format.boolProperty(_DISPLAY):
            baseline = rect.top() + shape.ascent * size
        elif look.verticalAlignment() == QTextCharFormat.VerticalAlignment.AlignMiddle:
            half = QFontMetrics(look.font()).xHeight() / 2
            baseline = rect.top() + (rect.height() + half) / 2
        else:
            baseline = rect.bottom()
        shape.paint(painter, QPointF(rect.left() + _SIDE * size, baseline), size, look.foreground().color())
        if tail := format.stringProperty(_TAIL):
            painter.setFont(_tail_font(look, tail))
            painter.setPen(look.foreground().color())
            painter.drawText(QPointF(rect.left() + (shape.width + 2 * _SIDE) * size, baseline), tail)

    @staticmethod
    def _size(doc: QTextDocument, look: QTextCharFormat, shape: Shape) -> float:
        """The font's, or less where the formula would be wider than the line."""
        size = float(look.font().pixelSize())
        wide = (shape.width + 2 * _SIDE) * size
        room = doc.textWidth() - theme.px(48)
        if look.objectType() == _KIND and not look.boolProperty(_DISPLAY) and 0 < room < wide:
            return max(size * _NARROWEST, size * room / wide)
        return size


def _tail_font(look: QTextCharFormat, tail: str) -> QFont:
    font = QFont(look.font())
    if is_wide(tail[0]):
        font.setFamilies(list(theme.current().type.chinese))
    return font


def fits_line(shape: Shape) -> bool:
    """Lines of text need not be higher for it."""
    return shape.ascent <= _FITS_ABOVE and shape.descent <= _FITS_BELOW


def written(cursor: QTextCursor) -> str:
    """The text that is selected, formulas as LaTeX."""
    document = cursor.document()
    start, end = cursor.selectionStart(), cursor.selectionEnd()
    parts: list[str] = []
    block = document.findBlock(start)
    while block.isValid() and block.position() < end:
        if parts or block.position() > start:
            parts.append("\n")
        pieces = block.begin()
        while not pieces.atEnd():
            piece = pieces.fragment()
            first, last = max(start, piece.position()), min(end, piece.position() + piece.length())
            if first < last:
                source = piece.charFormat().stringProperty(_TEXT)
                count = last - first
                parts.append(source * count if source else _plain(document, first, last))
            pieces += 1
        block = block.next()
    return "".join(parts)


def _plain(document: QTextDocument, first: int, last: int) -> str:
    cursor = QTextCursor(document)
    cursor.setPosition(first)
    cursor.setPosition(last, QTextCursor.MoveMode.KeepAnchor)
    return cursor.selectedText().replace("\u2028", "\n").replace("\u2029", "\n").replace("\u00a0", " ")


def formula_object(document: QTextDocument) -> FormulaObject:
    """The one of this document."""
    found = document.findChild(QObject, "formulas")
    if isinstance(found, FormulaObject):
        return found
    made = FormulaObject(document)
    made.setObjectName("formulas")
    return made
