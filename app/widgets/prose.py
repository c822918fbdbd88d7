"""Text of an answer, set well: paragraphs, headings, lists, quotes, links; selectable, never loading anything.

One `Paragraph` is one block of the document, in order, so that a streaming answer only replaces what changed
at its end. Nothing goes through HTML.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QByteArray, QMimeData, QPoint, QPointF, QRectF, Qt, QUrl, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFont,
    QGuiApplication,
    QPainter,
    QPaintEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextBrowser, QTextEdit, QWidget

from app import parts, theme
from app.language import Retranslated
from app.markdown import Paragraph
from app.spans import Mark, Span
from app.typography import GAP, Run, runs
from app.widgets.formula_text import CHARACTER, fits_line, formula_object, written

INDENT = 24
QUOTE = 16
LEADING = 1.6  # of the font's size; fonts themselves disagree, Chinese ones most
_QUOTE = QTextBlockFormat.Property.UserProperty + 1
_RULE = QTextBlockFormat.Property.UserProperty + 2
_DOTS = QTextBlockFormat.Property.UserProperty + 3
_LINE_BREAK = "\u2028"
_DOT = 1.3  # pixels, its radius
_PROPORTIONAL = QFont.Tag("pwid")


class ReadOnlyText(QTextBrowser):
    """A document that takes its full height, scrolls with the page around it, and fetches nothing (SEC-41)."""

    link_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOpenLinks(False)
        self.setUndoRedoEnabled(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(0)
        self.setLineWrapMode(QTextEdit.LineWrapMode.FixedPixelWidth)  # else it is set anew at its own width
        self.anchorClicked.connect(self._on_anchor_clicked)

    def loadResource(self, type: int, name: QUrl | str) -> object:
        return QByteArray()  # nothing; None would make the document read the file by itself

    def doSetSource(
        self, name: QUrl | str, type: QTextDocument.ResourceType = QTextDocument.ResourceType.UnknownResource
    ) -> None:
        """There is no other page to go to."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def createMimeDataFromSelection(self) -> QMimeData:
        """What is copied: formulas as LaTeX."""
        data = super().createMimeDataFromSelection()
        if CHARACTER in self.textCursor().selectedText():
            data = QMimeData()
            data.setText(written(self.textCursor()))
        return data

    def copies(self, place: QPoint) -> list[tuple[str, Callable[[], object]]]:
        """What can be copied of it, with its name: the selection, the address of the link at this place of it."""
        found: list[tuple[str, Callable[[], object]]] = []
        if self.textCursor().hasSelection():
            found.append((self.tr("Copy the selection"), self.copy))
        address = self.anchorAt(self.viewport().mapFrom(self, place))
        if address.partition(":")[0] in ("http", "https", "mailto"):
            found.append((self.tr("Copy the address"), lambda: QGuiApplication.clipboard().setText(address)))
        return found

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        event.ignore()  # the message around it has a menu, which offers these copies

    def height_for(self, width: int) -> int:
        """The height of the text, set in `width` pixels."""
        if self.lineWrapColumnOrWidth() != width:
            self.setLineWrapColumnOrWidth(width)
        return int(self.document().size().height() + 0.999)

    @Slot(QUrl)
    def _on_anchor_clicked(self, url: QUrl) -> None:
        self.link_requested.emit(url.toString())


def set_mark(look: QTextCharFormat, span: Span, words: str) -> None:
    """A reference to a source: a small number in its place; what the source does not say has a question mark, too."""
    tokens = theme.tokens()
    tone = {"unfounded": tokens.danger, "unchecked": tokens.muted}.get(span.mark, tokens.accent)
    look.setAnchor(True)
    look.setAnchorHref(span.link)
    look.setForeground(QColor(tone))
    look.setFontUnderline(False)
    look.setFontWeight(QFont.Weight.DemiBold)
    look.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignSuperScript)
    look.setToolTip(parts.tip(words))


def insert_run(cursor: QTextCursor, run: Run, look: QTextCharFormat) -> None:
    """Part of a span, with the room behind it that stands between scripts."""
    span = run.span
    gap = GAP * look.font().pixelSize() if run.gap else 0.0
    if run.narrow:
        font = look.font()
        font.setFeature(_PROPORTIONAL, 1)
        look.setFont(font)
    if span.formula:
        made = formula_object(cursor.document())
        if made.insert(cursor, look, span, gap=gap, tail=run.tail):
            return
        plain = QTextCharFormat(look)
        plain.setFontFamilies(list(theme.current().type.mono))
        cursor.insertText(span.text, plain)
        cursor.insertText(run.tail, look)
        return
    text = span.text.replace("\n", _LINE_BREAK)
    if not gap:
        cursor.insertText(text, look)
        return
    if len(text) > 1:
        cursor.insertText(text[:-1], look)
    look.setFontLetterSpacingType(QFont.SpacingType.AbsoluteSpacing)
    look.setFontLetterSpacing(gap)
    cursor.insertText(text[-1], look)


def _written(paragraphs: Sequence[Paragraph]) -> str:
    """The text, formulas as LaTeX: for those who hear it."""
    heads = (f"{paragraph.marker}\t" if paragraph.marker else "" for paragraph in paragraphs)
    texts = ("".join(span.text for span in paragraph.spans) for paragraph in paragraphs)
    return "\n".join(map("".join, zip(heads, texts, strict=True)))


class Prose(Retranslated, ReadOnlyText):
    """A run of paragraphs. `muted`: smaller and quieter, for what was thought before the answer."""

    def __init__(self, parent: QWidget | None = None, *, muted: bool = False) -> None:
        super().__init__(parent)
        self._muted = muted
        self._shown: list[Paragraph] = []
        self._has_bars = self._has_dots = False
        self.document().setDefaultFont(self._font())
        self.setFont(self._font())
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.document().setDefaultTextOption(option)
        self.retranslate()

    def retranslate(self) -> None:
        self.setAccessibleName(self.tr("Text"))

    def show_paragraphs(self, paragraphs: Sequence[Paragraph]) -> None:
        """Set these, touching only what differs from what is shown."""
        same = 0
        limit = min(len(self._shown), len(paragraphs))
        while same < limit and self._shown[same] == paragraphs[same]:
            same += 1
        if same == len(self._shown) == len(paragraphs):
            return
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        if same < len(self._shown):
            self._cut(cursor, same)
        else:
            cursor.movePosition(QTextCursor.MoveOperation.End)
        for index in range(same, len(paragraphs)):
            before = paragraphs[index - 1] if index else None
            self._append(cursor, paragraphs[index], before, first=index == 0)
        cursor.endEditBlock()
        self._shown = list(paragraphs)
        spans = [span for paragraph in paragraphs for span in paragraph.spans]
        self._has_bars = any(paragraph.quote or paragraph.rule for paragraph in paragraphs)
        self._has_dots = any(span.emphasis and not span.text.isascii() for span in spans)
        has_formulas = any(span.formula for span in spans)
        self.setAccessibleDescription(_written(paragraphs) if has_formulas else "")

    def restyle(self) -> None:
        """The colours of the theme have changed."""
        shown, self._shown = self._shown, []
        self.document().clear()
        formula_object(self.document()).forget()
        self.show_paragraphs(shown)

    def _cut(self, cursor: QTextCursor, index: int) -> None:
        block = self.document().findBlockByNumber(index)
        cursor.setPosition(block.position() if index == 0 else block.position() - 1)
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()

    def _font(self, paragraph: Paragraph | None = None) -> QFont:
        kind = theme.current().type
        font = kind.font("body")
        sizes = {1: 1.36, 2: 1.22, 3: 1.1}
        size = kind.body * (0.93 if self._muted else 1.04)
        if paragraph is not None and paragraph.heading:
            font.setWeight(QFont.Weight.DemiBold)
            if not self._muted:
                size *= sizes.get(paragraph.heading, 1.0)
        font.setPixelSize(round(size))
        return font

    def _append(self, cursor: QTextCursor, paragraph: Paragraph, before: Paragraph | None, *, first: bool) -> None:
        block_format = self._block_format(paragraph, before)
        plain = QTextCharFormat()
        plain.setFont(self._font(paragraph))
        tokens = theme.tokens()
        plain.setForeground(QColor(tokens.muted if self._muted or paragraph.quote else tokens.text))
        if first:
            cursor.setBlockFormat(block_format)
            cursor.setBlockCharFormat(plain)
        else:
            cursor.insertBlock(block_format, plain)
        if paragraph.marker:
            quiet = QTextCharFormat(plain)
            quiet.setForeground(QColor(tokens.muted))
            cursor.insertText(f"{paragraph.marker}\t", quiet)
        for run in runs(paragraph.spans):
            insert_run(cursor, run, self._char_format(run, plain))

    def _block_format(self, paragraph: Paragraph, before: Paragraph | None) -> QTextBlockFormat:
        body = theme.current().type.body
        result = QTextBlockFormat()
        line = self._font(paragraph).pixelSize() * (1.35 if paragraph.heading else LEADING)
        result.setLineHeight(round(line), self._line_height(paragraph).value)
        indent = theme.px(INDENT)
        left = indent * paragraph.indent + theme.px(QUOTE) * paragraph.quote
        result.setLeftMargin(left)
        if paragraph.marker:
            hang = indent - 4 if len(paragraph.marker) < 3 else indent + theme.px(6)
            result.setLeftMargin(left + max(0, hang - indent))
            result.setTextIndent(-hang)
            result.setTabPositions([QTextOption.Tab(hang, QTextOption.TabType.LeftTab)])
        if before is not None:
            if paragraph.heading:
                result.setTopMargin(body * 1.3)
            elif paragraph.tight and before.indent:
                result.setTopMargin(body * 0.28)
            else:
                result.setTopMargin(body * (0.45 if before.heading else 0.72))
        if paragraph.quote:
            result.setProperty(_QUOTE, paragraph.quote)
        if paragraph.rule:
            result.setProperty(_RULE, True)
        return result

    def _line_height(self, paragraph: Paragraph) -> QTextBlockFormat.LineHeightTypes:
        """Lines are all of one height, but where a formula is higher."""
        set_formulas = formula_object(self.document())
        shapes = (set_formulas.shape(span.formula, span.display) for span in paragraph.spans if span.formula)
        kinds = QTextBlockFormat.LineHeightTypes
        return kinds.FixedHeight if all(s is None or fits_line(s) for s in shapes) else kinds.MinimumHeight

    def _char_format(self, run: Run, plain: QTextCharFormat) -> QTextCharFormat:
        tokens = theme.tokens()
        span = run.span
        result = QTextCharFormat(plain)
        if run.wide:
            result.setFontFamilies(list(theme.current().type.chinese))
        if span.strong:
            result.setFontWeight(QFont.Weight.DemiBold)
        if span.emphasis and run.wide:  # Chinese has no italics: dots below
            result.setProperty(_DOTS, True)
        elif span.emphasis:
            result.setFontItalic(True)
        if span.strike:
            result.setFontStrikeOut(True)
        if span.code:
            mono = theme.current().type.mono
            result.setFontFamilies(list(mono))
            result.setProperty(QTextCharFormat.Property.FontPixelSize, round(plain.font().pixelSize() * 0.92))
            result.setBackground(QColor(tokens.sunken if not self._muted else tokens.hover))
        if span.mark:
            set_mark(result, span, self.mark_words(span.mark))
        elif span.link:
            result.setAnchor(True)
            result.setAnchorHref(span.link)
            result.setForeground(QColor(tokens.accent))
            result.setFontUnderline(True)
            result.setToolTip(parts.tip(span.link))
        return result

    def mark_words(self, mark: Mark) -> str:
        """What a reference's look says."""
        return {
            "": "",
            "unread": self.tr("Open the source"),
            "verified": self.tr("The source says so. Open it"),
            "unfounded": self.tr("The source does not say so. Open it"),
            "unchecked": self.tr("Could not be checked: another language. Open the source"),
        }[mark]

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._has_bars:
            self._paint_bars()
        super().paintEvent(event)
        if self._has_dots:
            self._paint_dots()

    def _paint_dots(self) -> None:
        """A dot below each emphasised Chinese character."""
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        block = self.document().begin()
        while block.isValid():
            pieces = block.begin()
            while not pieces.atEnd():
                look = pieces.fragment().charFormat()
                if look.boolProperty(_DOTS):
                    painter.setBrush(look.foreground())
                    first = pieces.fragment().position() - block.position()
                    for n in range(first, first + pieces.fragment().length()):
                        if block.text()[n : n + 1].isalpha():
                            painter.drawEllipse(self._below(block, n, look), _DOT, _DOT)
                pieces += 1
            block = block.next()
        painter.end()

    @staticmethod
    def _below(block: QTextBlock, n: int, look: QTextCharFormat) -> QPointF:
        layout = block.layout()
        line = layout.lineForTextPosition(n)
        left, _ = line.cursorToX(n)  # type: ignore[misc]
        x = left + look.font().pixelSize() / 2
        y = line.y() + line.ascent() + look.font().pixelSize() * 0.3
        return layout.position() + QPointF(x, y)

    def _paint_bars(self) -> None:
        """The line left of quotes, and rules."""
        painter = QPainter(self.viewport())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.tokens().line_strong))
        layout = self.document().documentLayout()
        block: QTextBlock = self.document().begin()
        while block.isValid():
            depth = block.blockFormat().intProperty(_QUOTE)
            rule = block.blockFormat().hasProperty(_RULE)
            if depth or rule:
                rect = layout.blockBoundingRect(block)
                for level in range(depth):
                    painter.drawRoundedRect(QRectF(theme.px(QUOTE) * level, rect.top(), 3, rect.height()), 1.5, 1.5)
                if rule:
                    middle = QPointF(block.blockFormat().leftMargin(), rect.center().y())
                    painter.drawRect(QRectF(middle.x(), middle.y(), self.width() - middle.x(), 1))
            block = block.next()
        painter.end()
