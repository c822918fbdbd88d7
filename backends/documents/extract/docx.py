"""Word documents (ECMA-376, WordprocessingML), read as a stream: memory does not grow with the length of a document.

Tracked insertions are there and deletions are not, text boxes come once, after the paragraph that holds them, footnotes
after the section that refers to them. A Word document has no pages of its own; where Word wrote down the breaks it
drew, pages are counted by them, elsewhere they are 0.
"""

from collections.abc import Iterator
from pathlib import Path

from backends.documents.extract import refusals, xmltree
from backends.documents.extract.asked import Asked
from backends.documents.extract.composing import Composer, Table
from backends.documents.extract.numbering import Numbering
from backends.documents.extract.package import Package
from backends.documents.extract.word_runs import Paragraph, Runs, choice
from backends.documents.extract.word_styles import Styles, core, switched_off
from backends.documents.extract.xmltree import Element, attribute, child, name
from backends.documents.types import Closed, Opened, ReadEvent, Reading

_INSIDE = frozenset(("document", "body", "sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag"))
_DRAWN = (b"lastRenderedPageBreak", b'type="page"', b"type='page'", b":pageBreakBefore")
_EVERY = 200  # blocks between two words about how far it is


def read(path: Path, asked: Asked) -> Iterator[ReadEvent]:
    with Package(path) as package:
        main = next((one.target for one in package.relations("") if one.kind == "officeDocument"), "word/document.xml")
        title, dated = core(package)
        yield Opened("docx", title, 0, dated)
        document = _Document(package, main)
        yield from document.read()
        yield Closed(document.composer.page)


class _Document:
    def __init__(self, package: Package, main: str) -> None:
        self._package, self._main = package, main
        self._parts: dict[str, list[str]] = {}
        for one in package.relations(main):
            if not one.outside:
                self._parts.setdefault(one.kind, []).append(one.target)
        self.composer = Composer()
        self._styles = Styles(self._root("styles"))
        self._numbering = Numbering(self._root("numbering"))
        self.notes = {**self._notes_of("footnotes"), **self._notes_of("endnotes")}
        self._paged = self._drawn()
        self._written = False  # on this page
        self._set = False  # it began with a break that somebody set, and nothing was written since

    def read(self) -> Iterator[ReadEvent]:
        composer = self.composer
        composer.place(1 if self._paged else 0)
        total, blocks, table = self._package.size(self._main), 0, None
        with self._package.stream(self._main) as stream:
            depth = inside = 0  # of the element, and of the containers around it
            rows_at = -1  # the depth of the table whose rows come one by one
            for event, element in xmltree.walk(stream):
                if event == "start":
                    depth += 1
                    if inside == depth - 1:
                        local = name(element)
                        if depth == 1 and local != "document":
                            raise refusals.damaged()
                        if local in _INSIDE:
                            inside = depth
                        elif local == "tbl" and rows_at < 0:
                            inside = rows_at = depth
                            table = _Rows(self, Table(composer))
                    continue
                depth -= 1
                if depth + 1 == inside:  # a container ends
                    inside -= 1
                    if depth + 1 == rows_at and table is not None:
                        table.close()
                        table, rows_at = None, -1
                    xmltree.forget(element)
                elif depth == inside:
                    if table is not None:
                        if name(element) == "tr":
                            table.row(element)
                    else:
                        self.block(element)
                    xmltree.forget(element)
                    blocks += 1
                    yield from composer.take()
                    if blocks % _EVERY == 0:
                        yield Reading(min(stream.tell(), total), total)
        yield from composer.close()
        yield from self._edges()

    def block(self, element: Element) -> None:
        """A paragraph, a table, or what holds some, of which the whole is there."""
        match name(element):
            case "p":
                self._paragraph(element)
            case "tbl":
                table = _Rows(self, Table(self.composer))
                for row in rows(element):
                    table.row(row)
                table.close()
            case "AlternateContent":
                for one in choice(element):
                    self.block(one)
            case "sdt" | "sdtContent" | "customXml" | "ins" | "moveTo" | "smartTag" | "txbxContent":
                for one in element:
                    self.block(one)

    def turn_page(self, *, drawn: bool) -> None:
        """A break. One that Word drew right after one that somebody set is the same break."""
        if self._paged and not (drawn and self._set):
            self.composer.place(self.composer.page + 1)
            self._written = False
        self._set = not drawn

    def written(self) -> None:
        """Something stands on this page."""
        self._written, self._set = True, False

    def paragraph(self, element: Element) -> Paragraph:
        return Runs(self._styles).paragraph(element)

    def _paragraph(self, element: Element) -> None:
        composer, properties = self.composer, child(element, "pPr")
        style, level = self._styles.of(properties)
        said = self.paragraph(element)
        above = child(properties, "pageBreakBefore") if properties is not None else None
        if above is not None and not switched_off(above) and self._written:
            self.turn_page(drawn=False)
        mark = self._mark(properties, style)
        whole = said.text.strip()
        if level is not None and whole:
            for page_break in said.breaks_before:
                self.turn_page(drawn=page_break)
            composer.heading(level, f"{mark} {whole}".strip())
            self.written()
        else:
            self._pieces(said, mark)
        for box in said.boxes:
            self.block(box)
        for note in said.notes:
            composer.note(self.notes.get(note, ""))
        if properties is not None and (section := child(properties, "sectPr")) is not None:
            kind = child(section, "type")
            if kind is None or attribute(kind, "val") not in ("continuous", "nextColumn"):
                self.turn_page(drawn=False)

    def _pieces(self, said: Paragraph, mark: str) -> None:
        """The text of a paragraph, page by page if it runs over several."""
        started = False
        for number, piece in enumerate(said.pieces):
            if number:
                self.turn_page(drawn=said.breaks[number - 1])
            if not piece or piece.isspace():
                continue
            last = not any(later.strip() for later in said.pieces[number + 1 :])
            lead = f"{mark} " if mark and not started else ""
            self.composer.add(lead + (piece if started else piece.lstrip()), whole=last)
            started = True
            self.written()

    def _mark(self, properties: Element | None, style: str) -> str:
        number = child(properties, "numPr") if properties is not None else None
        found = self._styles.numbered(style)
        if number is not None:
            one, level = child(number, "numId"), child(number, "ilvl")
            of_style = found or ("", 0)
            found = (
                attribute(one, "val") or "" if one is not None else of_style[0],
                int(attribute(level, "val") or 0) if level is not None else of_style[1],
            )
        return self._numbering.next(*found) if found else ""

    def _root(self, kind: str) -> Element | None:
        for part in self._parts.get(kind, ()):
            if data := self._package.read(part):
                return xmltree.parse(data)
        return None

    def _notes_of(self, kind: str) -> dict[tuple[str, str], str]:
        found: dict[tuple[str, str], str] = {}
        root = self._root(kind)
        for one in root if root is not None else ():
            if attribute(one, "type") in (None, "normal"):
                lines = (self.paragraph(each).text.strip() for each in xmltree.every(one, "p"))
                found[kind, attribute(one, "id") or ""] = "\n".join(filter(None, lines))
        return found

    def _drawn(self) -> bool:
        """Whether breaks of pages are written down."""
        with self._package.stream(self._main) as stream:
            kept = b""
            while data := stream.read(262_144):
                if any(mark in kept + data for mark in _DRAWN):
                    return True
                kept = data[-64:]
        return False

    def _edges(self) -> Iterator[ReadEvent]:
        """Headers and footers, each text once."""
        seen: set[str] = set()
        edges = Composer()
        for part in [*self._parts.get("header", ()), *self._parts.get("footer", ())]:
            if not (data := self._package.read(part)):
                continue
            for one in xmltree.every(xmltree.parse(data), "p"):
                said = self.paragraph(one)
                text = said.text.strip()
                if text not in seen and any(character.isalpha() for character in text):
                    seen.add(text)
                    edges.add(text, "notes")
        yield from edges.close()


class _Rows:
    """The rows of a table: cells over several columns or rows, tables within cells."""

    def __init__(self, document: _Document, table: Table) -> None:
        self._document, self._table = document, table
        self._above: dict[int, str] = {}
        self._nested: list[Element] = []

    def row(self, row: Element) -> None:
        properties = child(row, "trPr")
        if properties is not None and child(properties, "del") is not None:
            return
        mark = child(properties, "tblHeader") if properties is not None else None
        header = mark is not None and not switched_off(mark)
        cells: list[str] = []
        nested: list[Element] = []
        drawn = 0
        for cell in _cells(row):
            span, going_on = _shape(cell)
            lines, breaks = [], 0
            for one in _blocks(cell):
                if name(one) == "tbl":
                    nested.append(one)
                    continue
                said = self._document.paragraph(one)
                breaks += len(said.breaks)
                lines.append(said.text)
                for box in said.boxes:
                    lines.extend(self._document.paragraph(each).text for each in xmltree.every(box, "p"))
                for note in said.notes:
                    self._document.composer.note(self._document.notes.get(note, ""))
            text = "\n".join(line for line in lines if line.strip())
            text = self._above.get(len(cells), "") if going_on else text
            self._above[len(cells)] = text
            cells.extend([text] * span if header else [text, *[""] * (span - 1)])
            drawn = max(drawn, breaks)
        for _ in range(drawn):
            self._document.turn_page(drawn=True)
        if any(cells):
            self._document.written()
        self._table.row(cells, header=header)
        for one in nested:
            inner = _Rows(self._document, Table(self._document.composer))
            for each in rows(one):
                inner.row(each)
            inner.close()

    def close(self) -> None:
        self._table.close()


def rows(table: Element) -> Iterator[Element]:
    for one in table:
        if name(one) == "tr":
            yield one
        elif name(one) in _INSIDE:
            yield from rows(one)


def _cells(row: Element) -> Iterator[Element]:
    for one in row:
        if name(one) == "tc":
            yield one
        elif name(one) in _INSIDE:
            yield from _cells(one)


def _blocks(holder: Element) -> Iterator[Element]:
    for one in holder:
        if name(one) in ("p", "tbl"):
            yield one
        elif name(one) in _INSIDE:
            yield from _blocks(one)
        elif name(one) == "AlternateContent":
            for part in choice(one):
                yield from _blocks(part)


def _shape(cell: Element) -> tuple[int, bool]:
    """Over how many columns it goes, and whether it goes on with the one above."""
    properties = child(cell, "tcPr")
    if properties is None:
        return 1, False
    span, merged = child(properties, "gridSpan"), child(properties, "vMerge")
    size = attribute(span, "val") or "1" if span is not None else "1"
    going_on = merged is not None and attribute(merged, "val") in (None, "continue")
    return (min(max(int(size), 1), 64) if size.isdigit() else 1), going_on
