"""A conversation as PDF: text that can be selected and found, fonts embedded, pages numbered, the label in the XMP.

A few blocks of a message at a time are set as a text document, cut between two lines where a page ends, and drawn:
memory holds these, whatever the length of the message and of the file. It is written on the thread of the export;
nothing of it is seen by another.
"""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QFile, QIODevice, QMarginsF, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QColor,
    QFont,
    QPageLayout,
    QPageSize,
    QPainter,
    QPalette,
    QPdfWriter,
    QTextBlock,
    QTextDocument,
    QTextOption,
)

from app.pdf_pages import Cuts, begun_before, undivided
from app.pdf_text import make_searchable
from backends.chat.export import words
from backends.chat.export.html import pieces_on_paper, text_of
from backends.chat.export.types import Head, Kept, Told
from backends.core.phrase import Language
from backends.governance import labels

_DPI = 300
_MARGIN_MM = 20
_POINTS = 10.5
_MUTED, _TEXT = "#55656a", "#13211f"
_STYLE = """
h1 {font-size:17pt} h2 {font-size:14pt} h3 {font-size:12pt} h4, h5, h6 {font-size:10.5pt}
h1, h2, h3, h4, h5, h6 {margin-top:10px; margin-bottom:6px}
code, pre {font-family:Consolas,Menlo,"DejaVu Sans Mono","Noto Sans Mono CJK SC",monospace; font-size:9pt}
pre {white-space:pre-wrap} a {color:#0b6675} p, pre, table {margin-top:0; margin-bottom:8px}
ul, ol, blockquote {margin-top:0; margin-bottom:8px}
"""
_BETWEEN = 8  # pixels of 1/96 inch between paragraphs, as the style has it
_PLAIN = ("liga", "clig", "calt", "dlig", "locl", "ccmp")  # glyphs that stand for no character cannot be found
_HELD_TOGETHER = 3  # lines: no head of a message stands alone at the foot of a page


class PdfForm:
    """Makes writers in the fonts of the window. Made on the GUI thread."""

    def __init__(self, families: Sequence[str]) -> None:
        self._families = list(families)

    def __call__(self, path: Path, head: Head) -> "PdfWriter":
        return PdfWriter(path, head, self._families)


class PdfWriter:
    """A `backends.chat.export.types.Writer`."""

    def __init__(self, path: Path, head: Head, families: Sequence[str]) -> None:
        self._path, self._head = path, head
        self._language: Language = head.manner.language
        self._font = QFont(list(families))
        self._font.setPointSizeF(_POINTS)
        for feature in _PLAIN:
            self._font.setFeature(QFont.Tag(feature), 0)
        self._file = QFile(str(path))
        if not self._file.open(QIODevice.OpenModeFlag.WriteOnly):
            raise OSError(errno.EACCES, self._file.errorString(), str(path))
        writer = self._writer = QPdfWriter(self._file)
        writer.setResolution(_DPI)
        margins = QMarginsF(_MARGIN_MM, _MARGIN_MM, _MARGIN_MM, _MARGIN_MM)
        size = QPageSize(QPageSize.PageSizeId.A4)
        writer.setPageLayout(QPageLayout(size, QPageLayout.Orientation.Portrait, margins, QPageLayout.Unit.Millimeter))
        writer.setTitle(head.title)
        packet = labels.xmp(head.label, head.title, "zh-CN" if self._language == "zh" else "en")
        writer.setDocumentXmpMetadata(packet.encode())
        self._painter = QPainter(writer)
        self._width = float(writer.width())
        self._height = float(writer.height())
        self._gap = _DPI * 8 / 72
        self._document = self._made_document()
        self._y, self._page = 0.0, 1
        self._empty = True
        if head.several:
            self._add(f"<h1>{text_of(head.title)}</h1>{self._about()}", gap=self._gap)

    def conversation(self, kept: Kept) -> None:
        if not self._empty:
            self._turn()
        about = "" if self._head.several else self._about()
        level = "h2" if self._head.several else "h1"
        self._add(f"<{level}>{text_of(words.title(kept, self._language))}</{level}>{about}", gap=self._gap)

    def message(self, told: Told, number: int, after: int) -> None:
        said = words.said(told, number, after, self._head.manner)
        label = f" · <b>{text_of(said.label)}</b>" if said.label else ""
        head = f'<p style="margin-bottom:0"><b>{text_of(said.who)}</b></p>'
        about = f'<p style="color:{_MUTED};font-size:8.5pt">{text_of(said.about)}{label}</p>'
        above = head + about
        for piece in pieces_on_paper(said, self._language):
            self._head.check()
            self._add(above + piece, held=_HELD_TOGETHER if above else 0, gap=_DPI * _BETWEEN / 96)
            above = ""
        self._add(above, gap=self._gap)

    def close(self) -> None:
        self._number_page()
        complete = self._painter.end()
        self._let_go()
        if not complete:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        make_searchable(self._path)

    def abandon(self) -> None:
        if self._painter.isActive():
            self._painter.end()
        self._file.close()

    def _let_go(self) -> None:
        self._file.flush()
        error = self._file.error()
        self._file.close()
        if error is not QFile.FileError.NoError:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _about(self) -> str:
        said = [words.made_on(self._head)]
        if self._head.label:
            said.append(labels.FILE.to(self._language))
        lines = "<br>".join(text_of(one) for one in said)
        return f'<p style="color:{_MUTED};font-size:8.5pt">{lines}</p>'

    # ---- setting

    def _made_document(self) -> QTextDocument:
        document = QTextDocument()
        document.setUndoRedoEnabled(False)
        document.setDocumentMargin(0)
        document.documentLayout().setPaintDevice(self._writer)
        document.setDefaultFont(self._font)
        document.setDefaultStyleSheet(_STYLE)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        document.setDefaultTextOption(option)
        document.setTextWidth(self._width)
        return document

    def _add(self, text: str, held: int = 0, gap: float = 0.0) -> None:
        """Below what is there, on as many pages as it takes. `held`: so many lines of it stay together; `gap` below."""
        self._document.setHtml(text)
        layout = self._document.documentLayout()
        height = layout.documentSize().height() if text else 0.0
        places = undivided(self._document)
        if held and places:
            places.append((0.0, max(bottom for _, bottom in sorted(places)[:held])))
        cuts = Cuts(places, height)
        start = 0.0
        while start < height:
            end = cuts.last(start, start + self._height - self._y)
            if end <= start:
                if self._y > 0:
                    self._turn()
                    continue
                end = min(height, start + self._height)  # one line higher than a page
            self._draw(layout, start, end)
            start = end
            if start < height:
                self._turn()
        self._y += gap
        self._empty = False
        if self._file.error() is not QFile.FileError.NoError:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _draw(self, layout: QAbstractTextDocumentLayout, start: float, end: float) -> None:
        painter = self._painter
        painter.save()
        painter.translate(0, self._y - start)
        painter.setClipRect(QRectF(0, start, self._width, end - start))
        whole = start
        if (begun := begun_before(self._document, start)) is not None:
            whole = self._draw_rest(begun, start, end)
        if whole < end:
            context = QAbstractTextDocumentLayout.PaintContext()
            context.palette.setColor(QPalette.ColorRole.Text, QColor(_TEXT))
            context.clip = QRectF(0, whole + 2, self._width, end - whole - 4)  # lines that only touch it are not drawn
            layout.draw(painter, context)
        painter.restore()
        self._y += end - start

    def _draw_rest(self, block: QTextBlock, start: float, end: float) -> float:
        """The lines of a paragraph from `start` on; where it ends. Qt draws the one before them, too
        (`QTextLayout::draw`), where nobody sees it but who searches."""
        place = self._document.documentLayout().blockBoundingRect(block)
        ground = block.blockFormat().background()
        if ground.style() is not Qt.BrushStyle.NoBrush:
            left = block.layout().position().x()
            self._painter.fillRect(QRectF(left, start, self._width - left, place.bottom() - start), ground)
        self._painter.setPen(QColor(_TEXT))
        own = block.layout()
        for line in map(own.lineAt, range(own.lineCount())):
            top = place.top() + line.y()
            if start - 0.5 <= top and top + line.height() <= end + 0.5:
                line.draw(self._painter, QPointF(own.position().x(), place.top()))
        return place.bottom()

    def _turn(self) -> None:
        self._number_page()
        self._writer.newPage()
        self._y = 0.0
        self._page += 1

    def _number_page(self) -> None:
        """In the lower margin."""
        font = QFont(self._font)
        font.setPointSizeF(8.5)
        margin = _DPI * _MARGIN_MM / 25.4
        self._painter.setFont(font)
        self._painter.setPen(QColor(_MUTED))
        place = QRectF(0, self._height + margin * 0.25, self._width, margin * 0.5)
        self._painter.drawText(place, Qt.AlignmentFlag.AlignCenter, str(self._page))
