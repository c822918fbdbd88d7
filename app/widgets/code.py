"""Code and tables of an answer, each in a frame of its own that scrolls sideways where it is too wide."""

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import (
    QColor,
    QFont,
    QGuiApplication,
    QResizeEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFrameFormat,
    QTextLength,
    QTextOption,
    QTextTableFormat,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QWidget

from app import icons, parts, theme
from app.highlight import highlight
from app.language import Retranslated
from app.markdown import Code, Spans, Table
from app.theme import SPACE, px
from app.widgets.prose import LEADING, ReadOnlyText, set_mark

COPIED_MS = 1600
WIDEST_TABLE = 1100  # pixels; beyond, its cells wrap
COLOR_WHILE_GROWING = 4000  # characters; longer code gets its colours when it is complete


class _Wide(ReadOnlyText):
    """Text that scrolls sideways. `natural`: as wide as its lines, else as wide as it was told."""

    def __init__(self, *, natural: bool) -> None:
        super().__init__()
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        if natural:
            self.setLineWrapMode(ReadOnlyText.LineWrapMode.NoWrap)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta()
        shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        sideways = turned.x() or (turned.y() if shifted else 0)
        if sideways:
            bar = self.horizontalScrollBar()
            bar.setValue(bar.value() - sideways)
            event.accept()
        else:
            event.ignore()

    def height_for(self, width: int) -> int:
        size = self.document().size()
        scrolls = size.width() > width
        return int(size.height() + 0.999) + (self.horizontalScrollBar().sizeHint().height() if scrolls else 0)


class CodeBlock(Retranslated, QFrame):
    """A fenced block: its language, a copy button, the code in colours."""

    HEAD = 36  # pixels of the design

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("surface", "well")
        self._shown = Code("", "")
        self._colored = True
        self._language = parts.label(role="caption", tone="muted")
        self._copy = parts.icon_button("copy", size=16)
        self._copy.clicked.connect(self._on_copy)
        self._copied = QTimer(self)
        self._copied.setSingleShot(True)
        self._copied.setInterval(COPIED_MS)
        self._copied.timeout.connect(self._on_copied_seen)
        self._text = _Wide(natural=True)
        font = theme.current().type.font("mono")
        self._text.setFont(font)
        self._text.document().setDefaultFont(font)
        option = QTextOption()
        option.setTabStopDistance(self._text.fontMetrics().horizontalAdvance(" ") * 4)
        option.setWrapMode(QTextOption.WrapMode.NoWrap)
        self._text.document().setDefaultTextOption(option)
        self._head = QWidget(self)
        self._head.setLayout(parts.row(self._language, None, self._copy, margin=(SPACE.m, 0, SPACE.xs, 0)))
        self._text.setParent(self)
        self.retranslate()

    @property
    def text(self) -> str:
        return self._shown.text

    def show_code(self, code: Code, *, growing: bool = False) -> None:
        """`growing`: more will come; then long code is only continued."""
        before, self._shown = self._shown, code
        if code == before and (growing or self._colored):
            return
        if code.language != before.language:
            self._language.setText(code.language)
            self.retranslate()
        long = growing and len(code.text) > COLOR_WHILE_GROWING
        if long and code.language == before.language and code.text.startswith(before.text):
            cursor = QTextCursor(self._text.document())
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.insertText(code.text[len(before.text) :], self._look(""))
            self._colored = False
        else:
            self._write()

    def restyle(self) -> None:
        self._write()

    def height_for(self, width: int) -> int:
        return px(self.HEAD) + self._text.height_for(width - SPACE.m - SPACE.xs) + SPACE.m

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        head = px(self.HEAD)
        self._head.setGeometry(0, 1, self.width(), head - 1)
        self._text.setGeometry(SPACE.m, head, self.width() - SPACE.m - SPACE.xs, self.height() - head - SPACE.m)

    def retranslate(self) -> None:
        done = self._copied.isActive()
        parts.name_button(self._copy, self.tr("Copied") if done else self.tr("Copy the code"))
        self._text.setAccessibleName(self.tr("Code {0}").format(self._shown.language))

    def _write(self) -> None:
        self._colored = True
        bar = self._text.horizontalScrollBar()
        place = bar.value()
        document = self._text.document()
        document.clear()
        cursor = QTextCursor(document)
        cursor.beginEditBlock()
        spacing = QTextBlockFormat()
        height = round(theme.current().type.sizes["mono"] * LEADING)
        spacing.setLineHeight(height, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        cursor.setBlockFormat(spacing)
        for piece, tone in highlight(self._shown.language, self._shown.text):
            cursor.insertText(piece, self._look(tone))
        cursor.endEditBlock()
        bar.setValue(place)

    @staticmethod
    def _look(tone: str) -> QTextCharFormat:
        look = QTextCharFormat()
        look.setFont(theme.current().type.font("mono"))
        look.setForeground(QColor(getattr(theme.tokens(), tone or "text")))
        return look

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._shown.text)
        self._copy.setIcon(icons.icon("check", "success"))
        self._copied.start()
        self.retranslate()

    @Slot()
    def _on_copied_seen(self) -> None:
        self._copy.setIcon(icons.icon("copy", "muted"))
        self.retranslate()


class TableBlock(Retranslated, QFrame):
    """A table, ruled between its rows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: Table | None = None
        self._text = _Wide(natural=False)
        self._natural = 0
        self.link_requested = self._text.link_requested
        self.setLayout(parts.column(self._text))
        self.retranslate()

    def retranslate(self) -> None:
        self._text.setAccessibleName(self.tr("Table"))

    def show_table(self, table: Table) -> None:
        if table != self._shown:
            self._shown = table
            self._write(table)

    def restyle(self) -> None:
        if self._shown is not None:
            self._write(self._shown)

    def height_for(self, width: int) -> int:
        wanted = max(width, self._natural)
        if self._text.lineWrapColumnOrWidth() != wanted:
            self._text.setLineWrapColumnOrWidth(wanted)
        size = self._text.document().size()
        bar = self._text.horizontalScrollBar().sizeHint().height() if self._natural > width else 0
        return int(size.height() + 0.999) + bar

    def _write(self, table: Table) -> None:
        tokens = theme.tokens()
        document = self._text.document()
        document.clear()
        document.setDefaultFont(theme.current().type.font("body"))
        cursor = QTextCursor(document)
        cursor.beginEditBlock()
        look = QTextTableFormat()
        look.setBorder(0)
        look.setBorderCollapse(True)
        look.setCellSpacing(0)
        look.setCellPadding(0)
        look.setHeaderRowCount(1)
        look.setWidth(QTextLength())
        columns = max(len(table.header), *(len(row) for row in table.rows), 1) if table.rows else len(table.header)
        made = cursor.insertTable(1 + len(table.rows), max(columns, 1), look)
        for row, cells in enumerate((table.header, *table.rows)):
            for column, spans in enumerate(cells):
                cell = made.cellAt(row, column)
                ground = cell.format().toTableCellFormat()
                ground.setTopPadding(7)
                ground.setBottomPadding(7)
                ground.setLeftPadding(0 if column == 0 else 14)
                ground.setRightPadding(14)
                ground.setBottomBorder(1)
                ground.setBottomBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
                ground.setBottomBorderBrush(QColor(tokens.line_strong if row == 0 else tokens.line))
                cell.setFormat(ground)
                align = table.align[column] if column < len(table.align) else "left"
                self._fill(cell.firstCursorPosition(), spans, align, header=row == 0)
        cursor.endEditBlock()
        self._text.setLineWrapColumnOrWidth(WIDEST_TABLE)
        self._natural = int(document.idealWidth() + 1)

    @staticmethod
    def _fill(cursor: QTextCursor, spans: Spans, align: str, *, header: bool) -> None:
        tokens = theme.tokens()
        place = QTextBlockFormat()
        place.setAlignment(
            {"right": Qt.AlignmentFlag.AlignRight, "center": Qt.AlignmentFlag.AlignHCenter}.get(
                align, Qt.AlignmentFlag.AlignLeft
            )
        )
        place.setLineHeight(
            round(theme.current().type.body * LEADING), QTextBlockFormat.LineHeightTypes.FixedHeight.value
        )
        cursor.setBlockFormat(place)
        type_ = theme.current().type
        for span in spans:
            look = QTextCharFormat()
            look.setFont(type_.font("mono" if span.code else "strong" if header or span.strong else "body"))
            look.setForeground(QColor(tokens.muted if header else tokens.text))
            look.setFontItalic(span.emphasis)
            look.setFontStrikeOut(span.strike)
            if header:
                look.setFontWeight(QFont.Weight.DemiBold)
            if span.mark:
                set_mark(look, span, "")
            elif span.link:
                look.setAnchor(True)
                look.setAnchorHref(span.link)
                look.setForeground(QColor(tokens.accent))
                look.setFontUnderline(True)
            cursor.insertText(span.text.replace("\n", "\u2028"), look)
