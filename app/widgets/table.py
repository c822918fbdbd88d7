"""A table of an answer: ruled between its rows, its columns as wide as what stands in them; copied as a table.

Text in cells wraps where the table would be wider than the page. A column is never narrower than its longest word or
a few characters: a table of many columns scrolls sideways instead.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from PySide6.QtCore import QMimeData, QPoint, Qt, Slot
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QGuiApplication,
    QResizeEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFrameFormat,
    QTextLength,
    QTextOption,
    QTextTable,
    QTextTableFormat,
)
from PySide6.QtWidgets import QFrame, QWidget

from app import parts, theme
from app.language import Retranslated
from app.markdown import Table
from app.spans import Span, Spans
from app.typography import Run, runs
from app.widgets.formula_text import fits_line, formula_object
from app.widgets.prose import LEADING, insert_run, set_mark
from app.widgets.wide import WideText

_PAD = 14  # pixels right of a cell, and left but of the first
_ABOVE = 7
_NARROW = 7.0  # em that a column of text keeps
_LONGEST_WORD = 18.0  # em; longer ones are broken
_MEASURED = 400  # characters of a cell


class _Wants(NamedTuple):
    """Widths of a cell, with its padding, in pixels: that it needs, and that it would like to have."""

    least: float
    ideal: float


class TableBlock(Retranslated, QFrame):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = _TableText()
        self.link_requested = self._text.link_requested
        self._text.setParent(self)
        self.retranslate()

    def retranslate(self) -> None:
        self._text.setAccessibleName(self.tr("Table"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._text.setGeometry(self.rect())

    def show_table(self, table: Table) -> None:
        self._text.show_table(table)

    def restyle(self) -> None:
        self._text.restyle()

    def height_for(self, width: int) -> int:
        return self._text.height_for(width)


class _TableText(WideText):
    def __init__(self) -> None:
        super().__init__(natural=False)
        self._shown: Table | None = None
        self._made: QTextTable | None = None
        self._wants: list[list[_Wants]] = []  # of each cell, by rows
        self._laid: tuple[int, list[float]] | None = None  # widths that are set, of all and of the columns
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.document().setDefaultTextOption(option)

    def show_table(self, table: Table) -> None:
        before, self._shown = self._shown, table
        if before is not None and self._continues(table, before):
            self._go_on(table, before)
        elif table != before:
            self._write(table)

    def restyle(self) -> None:
        if self._shown is not None:
            self._write(self._shown)

    def height_for(self, width: int) -> int:
        columns = list(zip(*self._wants, strict=True))
        least = [max(cell.least for cell in column) for column in columns]
        ideal = [max(cell.ideal for cell in column) for column in columns]
        widths = _fitted(least, ideal, width)
        wanted = max(width, round(sum(widths)))
        if self._made is not None and self._laid != (wanted, widths):
            self._laid = wanted, widths
            look = self._made.format()
            look.setColumnWidthConstraints([QTextLength(QTextLength.Type.FixedLength, column) for column in widths])
            self._made.setFormat(look)
            self.setLineWrapColumnOrWidth(wanted)
        bar = self.horizontalScrollBar().sizeHint().height() if wanted > width else 0
        return int(self.document().size().height() + 0.999) + bar

    def createMimeDataFromSelection(self) -> QMimeData:
        """Cells that are selected, apart by tabs: spreadsheets take them."""
        cursor, made = self.textCursor(), self._made
        if self._shown is None or made is None:
            return super().createMimeDataFromSelection()
        first, rows, left, columns = cursor.selectedTableCells()  # type: ignore[misc]
        if cursor.selectionStart() < made.firstPosition() and cursor.selectionEnd() >= made.lastPosition():
            first, rows, left, columns = 0, made.rows(), 0, made.columns()
        if first < 0 or rows * columns < 2:
            return super().createMimeDataFromSelection()
        chosen = _lines(self._shown)[first : first + rows]
        result = QMimeData()
        result.setText("\n".join("\t".join(line[left : left + columns]) for line in chosen))
        return result

    def copies(self, place: QPoint) -> list[tuple[str, Callable[[], object]]]:
        whole = [(self.tr("Copy the table"), self._on_copy), (self.tr("Copy as Markdown"), self._on_copy_markdown)]
        return [*super().copies(place), *whole]

    @Slot()
    def _on_copy(self) -> None:
        if self._shown is not None:
            QGuiApplication.clipboard().setText(tsv(self._shown))

    @Slot()
    def _on_copy_markdown(self) -> None:
        if self._shown is not None:
            QGuiApplication.clipboard().setText(markdown(self._shown))

    # ---- setting it

    def _write(self, table: Table) -> None:
        document = self.document()
        document.clear()
        formula_object(document).forget()
        document.setDefaultFont(theme.current().type.font("body"))
        cursor = QTextCursor(document)
        cursor.beginEditBlock()
        look = QTextTableFormat()
        look.setBorder(0)
        look.setBorderCollapse(True)
        look.setCellSpacing(0)
        look.setCellPadding(0)
        look.setHeaderRowCount(1)
        columns = max(1, len(table.header), *(len(row) for row in table.rows)) if table.rows else len(table.header)
        columns = max(columns, 1)
        self._made = cursor.insertTable(1 + len(table.rows), columns, look)
        self._wants = []
        for row in range(1 + len(table.rows)):
            self._set_row(row, table)
        cursor.endEditBlock()
        self.moveCursor(QTextCursor.MoveOperation.Start)  # it has moved with the text, and would be scrolled to
        self.setLineWrapColumnOrWidth(0)
        self._laid = None

    def _continues(self, table: Table, before: Table) -> bool:
        made = self._made
        same = (table.header, table.align) == (before.header, before.align) and len(table.rows) >= len(before.rows)
        return made is not None and same and all(len(row) <= made.columns() for row in table.rows)

    def _go_on(self, table: Table, before: Table) -> None:
        """Rows have been added, and what was in the last one may have grown: the others stay as they are."""
        assert self._made is not None
        pairs = enumerate(zip(before.rows, table.rows, strict=False))
        same = next((n for n, (old, new) in pairs if old != new), len(before.rows))
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        if same < len(before.rows):
            self._made.removeRows(1 + same, len(before.rows) - same)
        if same < len(table.rows):
            self._made.appendRows(len(table.rows) - same)
        del self._wants[1 + same :]
        for row in range(1 + same, 1 + len(table.rows)):
            self._set_row(row, table)
        cursor.endEditBlock()

    def _set_row(self, row: int, table: Table) -> None:
        assert self._made is not None
        cells = table.rows[row - 1] if row else table.header
        wants: list[_Wants] = []
        for column in range(self._made.columns()):
            self._rule(row, column)
            align = table.align[column] if column < len(table.align) else "left"
            wants.append(self._fill(row, column, cells[column], align) if column < len(cells) else _Wants(0.0, 0.0))
        self._wants.append(wants)

    def _rule(self, row: int, column: int) -> None:
        assert self._made is not None
        tokens = theme.tokens()
        cell = self._made.cellAt(row, column)
        ground = cell.format().toTableCellFormat()
        ground.setTopPadding(_ABOVE)
        ground.setBottomPadding(_ABOVE)
        ground.setLeftPadding(_PAD if column else 0)
        ground.setRightPadding(_PAD)
        ground.setBottomBorder(1)
        ground.setBottomBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
        ground.setBottomBorderBrush(QColor(tokens.line if row else tokens.line_strong))
        cell.setFormat(ground)

    def _fill(self, row: int, column: int, spans: Spans, align: str) -> "_Wants":
        assert self._made is not None
        setter = formula_object(self.document())
        shapes = [setter.shape(span.formula, span.display) for span in spans if span.formula]
        cursor = self._made.cellAt(row, column).firstCursorPosition()
        place = QTextBlockFormat()
        sides = {"right": Qt.AlignmentFlag.AlignRight, "center": Qt.AlignmentFlag.AlignHCenter}
        place.setAlignment(sides.get(align, Qt.AlignmentFlag.AlignLeft))
        kinds = QTextBlockFormat.LineHeightTypes
        kind = kinds.FixedHeight if all(s is None or fits_line(s) for s in shapes) else kinds.MinimumHeight
        body = theme.current().type.body
        place.setLineHeight(round(body * LEADING), kind.value)
        cursor.setBlockFormat(place)
        ideal = least = 0.0
        for run in runs(spans):
            look = self._look(run, header=row == 0)
            insert_run(cursor, run, look)
            if run.span.formula and (shape := setter.shape(run.span.formula, run.span.display)) is not None:
                ideal += (shape.width + 0.2) * body
                least = max(least, (shape.width + 0.2) * body)
                continue
            metrics = QFontMetricsF(look.font())
            ideal += metrics.horizontalAdvance(run.span.text[:_MEASURED]) + 1
            if not run.wide:
                words = run.span.text[:_MEASURED].split()
                least = max(least, *(metrics.horizontalAdvance(word) for word in words), 0.0)
        room = _PAD * (2 if column else 1) + 2
        least = min(ideal, max(min(least, _LONGEST_WORD * body), _NARROW * body))
        return _Wants(least + room, ideal + room)

    def _look(self, run: Run, *, header: bool) -> QTextCharFormat:
        tokens, kind = theme.tokens(), theme.current().type
        span = run.span
        look = QTextCharFormat()
        look.setFont(kind.font("mono" if span.code else "strong" if header or span.strong else "body"))
        if run.wide:
            look.setFontFamilies(list(kind.chinese))
        look.setForeground(QColor(tokens.muted if header else tokens.text))
        look.setFontItalic(span.emphasis and not run.wide)
        look.setFontStrikeOut(span.strike)
        if span.code:
            look.setBackground(QColor(tokens.sunken))
        if header:
            look.setFontWeight(QFont.Weight.DemiBold)
        if span.mark:
            set_mark(look, span, "")
        elif span.link:
            look.setAnchor(True)
            look.setAnchorHref(span.link)
            look.setForeground(QColor(tokens.accent))
            look.setFontUnderline(True)
            look.setToolTip(parts.tip(span.link))
        return look


def _fitted(least: Sequence[float], ideal: Sequence[float], room: float) -> list[float]:
    """Widths of columns: what they want if there is room, else what they need and a share of what is left."""
    if sum(ideal) <= room:
        return list(ideal)
    if sum(least) >= room:
        return list(least)
    share = (room - sum(least)) / max(1.0, sum(ideal) - sum(least))
    return [low + (high - low) * share for low, high in zip(least, ideal, strict=True)]


def tsv(table: Table) -> str:
    """A line a row, cells apart by tabs."""
    return "\n".join("\t".join(line) for line in _lines(table))


def markdown(table: Table) -> str:
    def row(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    marks = {"left": "---", "center": ":-:", "right": "--:"}
    lines = [["".join(map(_marked, cell)) for cell in cells] for cells in (table.header, *table.rows)]
    return "\n".join((row(lines[0]), row([marks[a] for a in table.align]), *(row(line) for line in lines[1:])))


def _marked(span: Span) -> str:
    text = span.text.replace("\n", "<br>")
    if span.code:
        text = f"`{text}`"
    if span.strong:
        text = f"**{text}**"
    elif span.emphasis:
        text = f"*{text}*"
    return f"[{text}]({span.link})" if span.link and not span.mark else text


def _lines(table: Table) -> list[list[str]]:
    return [
        ["".join(span.text for span in cell).replace("\n", " ").replace("\t", " ") for cell in cells]
        for cells in (table.header, *table.rows)
    ]
