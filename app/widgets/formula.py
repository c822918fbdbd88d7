"""A formula on a line of its own: in the middle, its number at the right; too wide a one scrolls sideways.

One that cannot be set, or is not closed yet, stands there as it was written.
"""

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QResizeEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import QWidget

from app import parts, theme
from app.language import Retranslated
from app.markdown import Formula
from app.spans import Span
from app.theme import SPACE
from app.widgets.formula_text import formula_object
from app.widgets.prose import LEADING
from app.widgets.wide import WideText

_LARGER = 1.1  # than the text around it
_ROOM = 4  # pixels above and below


class FormulaBlock(Retranslated, WideText):
    def __init__(self, parent: QWidget | None = None, *, muted: bool = False) -> None:
        super().__init__(natural=False)
        self.setParent(parent)
        self._muted = muted
        self._shown: Formula | None = None
        self._natural = 0
        self._tag = parts.label(role="body", tone="muted")
        self._tag.setParent(self)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.document().setDefaultTextOption(option)
        self.retranslate()

    def retranslate(self) -> None:
        source = self._shown.source if self._shown else ""
        self.setAccessibleName(self.tr("Formula"))
        self.setAccessibleDescription(source)

    def show_formula(self, formula: Formula) -> None:
        if formula != self._shown:
            self._shown = formula
            self._write(formula)
            self.retranslate()

    def restyle(self) -> None:
        if self._shown is not None:
            self._write(self._shown)

    def height_for(self, width: int) -> int:
        room = self._room()
        wanted = max(width, self._natural + 2 * room)
        if self.lineWrapColumnOrWidth() != wanted:
            self.setLineWrapColumnOrWidth(wanted)
        bar = self.horizontalScrollBar().sizeHint().height() if wanted > width else 0
        return int(self.document().size().height() + 0.999) + bar

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_tag()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if not self.textCursor().hasSelection():
            self.selectAll()
        super().contextMenuEvent(event)

    def _room(self) -> int:
        """Beside the formula, for its number."""
        return self._tag.sizeHint().width() + SPACE.l if self._tag.text() else 0

    def _place_tag(self) -> None:
        size = self._tag.sizeHint()
        bar = self.horizontalScrollBar()
        height = self.height() - (bar.height() if bar.isVisible() else 0)
        self._tag.setGeometry(self.width() - size.width(), (height - size.height()) // 2, size.width(), size.height())

    def _write(self, formula: Formula) -> None:
        document = self.document()
        document.clear()
        setter = formula_object(document)
        setter.forget()
        kind, tokens = theme.current().type, theme.tokens()
        shape = None if formula.open else setter.shape(formula.source, True)
        self._tag.setText(shape.tag if shape else "")
        self._tag.setVisible(bool(shape and shape.tag))
        look = QTextCharFormat()
        look.setForeground(QColor(tokens.muted if self._muted else tokens.text))
        place = QTextBlockFormat()
        cursor = QTextCursor(document)
        if shape is not None:
            font = kind.font("body")
            font.setPixelSize(round(kind.body * _LARGER * (0.93 if self._muted else 1.0)))
            look.setFont(font)
            place.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            place.setTopMargin(_ROOM)
            place.setBottomMargin(_ROOM)
            cursor.setBlockFormat(place)
            setter.insert(cursor, look, Span(formula.text, formula=formula.source, display=True))
        else:
            look.setFont(kind.font("mono"))
            look.setForeground(QColor(tokens.muted))
            place.setLineHeight(round(kind.sizes["mono"] * LEADING), QTextBlockFormat.LineHeightTypes.FixedHeight.value)
            cursor.setBlockFormat(place)
            cursor.insertText(formula.text.replace("\n", "\u2028"), look)
        self.moveCursor(QTextCursor.MoveOperation.Start)  # it has moved with the text, and would be scrolled to
        if shape is None:
            self._natural = 0
            self._place_tag()
            return
        self.setLineWrapColumnOrWidth(100_000)
        self._natural = int(document.idealWidth() + 1)
        self._place_tag()
