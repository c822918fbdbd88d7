"""PDF (ISO 32000-1), by PDFium: a section a page, or several where the outline names headings on it.

Values of form fields and notes that people left come behind the text of their page. Pages without text that show a
picture are `unread`, or recognised (scanned.py) if that is asked for. Lines that run on from page to page are left out
(pdf_margins.py); to know them, some pages are read ahead: `Reading` counts these.
"""

import ctypes
import functools
import re
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from typing import Any

from backends.documents.extract import refusals
from backends.documents.extract.asked import Asked
from backends.documents.extract.pdf_lines import Box, Words, paragraphs
from backends.documents.extract.pdf_margins import AHEAD, Margins, Sheet
from backends.documents.extract.pdf_outline import Outline
from backends.documents.types import Closed, Opened, ReadEvent, Reading, Section

_BROKEN = 200  # pages one after another that cannot be opened: the rest is not there either
_ANEW = 1000  # pages after which the document is opened again, so that what PDFium remembers does not add up
_LITTLE = 16  # characters; a scanned page may bear a stamp or its number
_SHOWN = 0.1  # of the page that a picture covers, so that the page may be a scanned one
_DRAWN = 60  # lines and curves on a page without text: letters that were turned into outlines
_LINES = 3000  # of a page; more are not looked at for paragraphs
_HELD = 1_000_000  # characters of pages that are read ahead
_GARBLED = re.compile("[\ue000-\uf8ff\ufffd\x01-\x08\x0e-\x1f]")
_PASSWORD, _SECURITY = 4, 5  # FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:([+-])(\d\d)'?(\d\d)?)?")
_NO_TITLE = re.compile(
    r"(?i)untitled|title|无标题|無標題|未命名|(?:document|文档|presentation|演示文稿|slide|book|工作簿) ?\d*|"
    r"powerpoint presentation|microsoft word|[\d\W_]*|.*[\\/].*|"
    r".*\.(?:docx?|pptx?|xlsx?|indd|qxd|tex|dvi|ps|eps|pdf|p65|rtf|odt|wpd|txt|html?|pages|cdr|ai)"
)
_WRITER = re.compile(r"^Microsoft (?:Word|PowerPoint|Excel) - ")
_WIDGET = 20  # FPDF_ANNOT_WIDGET
_NOTES = (1, 3, 9, 10, 11, 12)  # FPDF_ANNOT_TEXT, _FREETEXT, _HIGHLIGHT, _UNDERLINE, _SQUIGGLY, _STRIKEOUT


def read(path: Path, asked: Asked) -> Iterator[ReadEvent]:
    recogniser = None
    if asked.recognise:
        from backends.documents.extract.scanned import Recogniser

        recogniser = Recogniser()
    document = _opened(path, asked.password)
    unread, broken = list[int](), 0
    try:
        pages, told = len(document), _Told(Outline.of(document))
        yield Opened("pdf", _title(document), pages, _dated(document))
        forms = _with_forms(document)
        for number in range(1, pages + 1):
            if number % _ANEW == 0:
                document.close()
                document = _opened(path, asked.password)
                forms = _with_forms(document)
            page = _page(document, number)
            broken = 0 if page else broken + 1
            if broken == min(pages, _BROKEN):
                raise refusals.damaged()
            if page is None:
                unread.append(number)
                continue
            with closing(page):
                sheet = _sheet(page, number)
                picture = _is_picture(page, sheet.text.strip())
                seen = list[Section]()
                if picture and recogniser:
                    seen.extend(recogniser.sections(page, number, told.outline.path(number)))
                elif picture:
                    unread.append(number)
                yield from told.after(_Leaf(sheet, seen, list(_annotations(document, page, number, forms))))
            yield Reading(number, pages)
        yield from told.rest()
    finally:
        document.close()
    yield Closed(pages, tuple(unread))


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A page, what was recognised on it, and what people wrote on it."""

    sheet: Sheet
    seen: list[Section]
    annotations: list[Section]

    @property
    def size(self) -> int:
        return len(self.sheet.text) + sum(len(section.text) for section in (*self.seen, *self.annotations))


class _Told:
    """Pages become sections when enough of the next ones are known."""

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self._words, self._margins = Words(), Margins()
        self._held: deque[_Leaf] = deque()
        self._size = 0

    def after(self, leaf: _Leaf) -> Iterator[Section]:
        """What can be told now that this page is known."""
        self._margins.meet(leaf.sheet)
        self._held.append(leaf)
        self._size += leaf.size
        while len(self._held) > AHEAD or self._size > _HELD:
            yield from self._first()

    def rest(self) -> Iterator[Section]:
        while self._held:
            yield from self._first()

    def _first(self) -> Iterator[Section]:
        leaf = self._held.popleft()
        self._size -= leaf.size
        number = leaf.sheet.number
        text = paragraphs(*self._margins.without(leaf.sheet), self._words) if leaf.sheet.text else ""
        yield from leaf.seen
        for headings, part in self.outline.parts(number, text):
            yield Section(part, number, headings=headings)
        yield from leaf.annotations


# ---- the document


@functools.cache
def _without_fonts() -> Any:
    """PDFium looks for no font of the system: to read text it needs none, and with those that stand in for Chinese
    ones that are not in the file it is fifteen times as slow. What is returned must live as long as PDFium."""
    from pypdfium2 import raw

    fonts = raw.FPDF_SYSFONTINFO(version=1)
    kinds: list[Any] = list(raw.FPDF_SYSFONTINFO._fields_[1:])
    for name, kind in kinds:
        answer = 0 if name in ("GetFontData", "GetFaceName", "GetFontCharset") else None
        setattr(fonts, name, kind(lambda *_, answer=answer: answer))
    raw.FPDF_SetSystemFontInfo(ctypes.byref(fonts))
    return fonts


def _opened(path: Path, password: str) -> Any:
    """A PdfDocument. Raises encrypted, wrong_password, damaged_file."""
    import pypdfium2

    _without_fonts()
    try:
        return pypdfium2.PdfDocument(path, password=password or None)
    except pypdfium2.PdfiumError as error:
        with path.open("rb"):  # if it is gone, that is what is said
            if error.err_code == _PASSWORD:
                raise (refusals.wrong_password() if password else refusals.encrypted()) from error
            if error.err_code == _SECURITY:
                raise refusals.unsupported() from error
            raise refusals.damaged() from error


def _title(document: Any) -> str:
    title = _WRITER.sub("", document.get_metadata_value("Title").strip(" \0"))
    return "" if len(title) < 3 or _NO_TITLE.fullmatch(title) else title


def _dated(document: Any) -> float | None:
    """When it was written (7.9.4: D:YYYYMMDDHHmmSSOHH'mm), else when it was changed."""
    for key in ("CreationDate", "ModDate"):
        found = _DATE.match(document.get_metadata_value(key))
        if not found:
            continue
        year, *rest = (int(part) if part else None for part in found.groups()[:6])
        month, day, hour, minute, second = (
            default if part is None else part for part, default in zip(rest, (1, 1, 0, 0, 0), strict=True)
        )
        away = timedelta(hours=int(found[8] or 0), minutes=int(found[9] or 0))
        try:
            zone = timezone(-away if found[7] == "-" else away) if found[7] else UTC
            return datetime(year or 0, month, day, hour, minute, min(second, 59), tzinfo=zone).timestamp()
        except (ValueError, OverflowError):
            continue
    return None


def _with_forms(document: Any) -> bool:
    """Whether it has form fields; they can be read then."""
    if document.get_formtype():
        document.init_forms()
    return document.formenv is not None


# ---- a page


def _page(document: Any, number: int) -> Any:
    """A PdfPage; None if it is broken."""
    import pypdfium2

    try:
        return document[number - 1]
    except pypdfium2.PdfiumError:
        return None


def _sheet(page: Any, number: int) -> Sheet:
    """The page as PDFium gives it."""
    import pypdfium2

    nothing = Sheet(number, "", (), 0.0, 0.0)
    try:
        found = page.get_textpage()
    except pypdfium2.PdfiumError:
        return nothing
    with closing(found) as characters:
        text = characters.get_text_range()
        if not text.strip():
            return nothing
        # only where one character of the text is one of PDFium's, its places are known
        known = characters.count_chars() == len(text) and text.count("\r\n") < _LINES
        _, bottom, _, top = (0, 0, 0, 0) if page.get_rotation() else page.get_cropbox()
        return Sheet(number, text, _boxes(characters, text) if known else (), bottom, top)


def _boxes(characters: Any, text: str) -> list[Box | None]:
    """Where each line lies; None: nowhere, it has no ink."""
    from pypdfium2 import raw

    first, last = raw.FS_RECTF(), raw.FS_RECTF()
    to_first, to_last, place = ctypes.byref(first), ctypes.byref(last), raw.FPDFText_GetLooseCharBox
    boxes: list[Box | None] = []
    start = 0
    for line in text.split("\r\n"):
        ink = line.strip()
        begin = start + len(line) - len(line.lstrip())
        start += len(line) + 2
        if ink and place(characters, begin, to_first) and place(characters, begin + len(ink) - 1, to_last):
            foot = last.bottom if "\ufffe" in ink else first.bottom
            boxes.append(Box(first.left, last.right, first.bottom, first.top - first.bottom, foot))
        else:
            boxes.append(None)
    return boxes


def _is_picture(page: Any, text: str) -> bool:
    """Whether somebody sees text on it and the file has none: a scan, letters as curves, a font without meaning."""
    if len(text) > _LITTLE:
        return not text.isascii() and len(text) < 20_000 and len(_GARBLED.findall(text)) > 0.3 * len(text)
    import pypdfium2
    from pypdfium2 import raw

    width, height = page.get_size()
    drawn = 0
    try:
        for one in islice(page.get_objects(max_depth=3), 5000):
            if one.type == raw.FPDF_PAGEOBJ_IMAGE:
                x0, y0, x1, y1 = one.get_bounds()
                if (x1 - x0) * (y1 - y0) >= _SHOWN * width * height:
                    return True
            drawn += one.type in (raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_TEXT)
    except pypdfium2.PdfiumError:
        return False
    return not text and drawn >= _DRAWN


def _annotations(document: Any, page: Any, number: int, forms: bool) -> Iterator[Section]:
    """Values of form fields, `name: value` a line, and what people wrote on the page."""
    from pypdfium2 import raw

    values: list[str] = []
    notes: list[str] = []
    for n in range(min(raw.FPDFPage_GetAnnotCount(page), 2000)):
        annotation = raw.FPDFPage_GetAnnot(page, n)
        if not annotation:
            continue
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        if kind == _WIDGET and forms:
            value = _words(raw.FPDFAnnot_GetFormFieldValue, document.formenv, annotation)
            name = _words(raw.FPDFAnnot_GetFormFieldAlternateName, document.formenv, annotation) or _words(
                raw.FPDFAnnot_GetFormFieldName, document.formenv, annotation
            )
            if value and value != "Off":
                values.append(f"{name}: {value}" if name else value)
        elif kind in _NOTES and (note := _words(raw.FPDFAnnot_GetStringValue, annotation, b"Contents")):
            notes.append(note)
        raw.FPDFPage_CloseAnnot(annotation)
    if values:
        yield Section("\n".join(values), number)
    if notes:
        yield Section("\n\n".join(notes), number, kind="notes")


def _words(function: Any, *arguments: Any) -> str:
    """What a function of PDFium says that fills a buffer with UTF-16 and tells how many bytes it needs."""
    length = function(*arguments, None, 0)
    if not 2 < length < 1 << 20:
        return ""
    buffer = (ctypes.c_ushort * (length // 2 + 1))()
    function(*arguments, buffer, length)
    return bytes(buffer)[: length - 2].decode("utf-16-le", "ignore").strip()
