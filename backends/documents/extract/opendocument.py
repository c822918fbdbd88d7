"""OpenDocument (ISO/IEC 26300): texts, slides and sheets, out of content.xml, read as a stream.

Comments and tracked deletions are left out; footnotes follow the section that refers to them. Pages of a text are
counted where the program that wrote it put down its page breaks, elsewhere they are 0.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from backends.documents.extract import refusals, xmltree
from backends.documents.extract.asked import Asked
from backends.documents.extract.composing import Composer, Table, moment
from backends.documents.extract.grid import Row, sections
from backends.documents.extract.package import Package
from backends.documents.extract.xmltree import Element, attribute, every, name
from backends.documents.types import Closed, Opened, ReadEvent, Reading

_CONTAINERS = frozenset(("document-content", "document", "body", "text", "section", "index-body", "table", "list"))
_CONTAINERS |= {"list-item", "list-header", "table-header-rows", "table-rows", "table-row-group", "table-of-content"}
_SKIPPED = frozenset(("tracked-changes", "annotation", "note-citation", "forms", "sequence-decls", "ruby-text", "desc"))
_SKIPPED |= {"title", "binary-data", "annotation-end", "change", "change-start", "change-end"}
_REPEATED = 20  # equal rows or cells in a row that are written out
_SPACES = 64
_EVERY = 200  # blocks between two words about how far it is


def read(path: Path, asked: Asked) -> Iterator[ReadEvent]:
    with _contents(path) as (stream, size, package):
        title, dated = _meta(package)
        if asked.format == "odp" or (not asked.format and path.suffix.lower() in (".odp", ".otp")):
            yield Opened("odp", title, 0, dated)
            yield from _slides(stream)
        else:
            yield Opened("odt", title, 0, dated)
            text = _Text()
            yield from text.read(stream, size)
            if package is not None:
                yield from _edges(package)
            yield Closed(text.composer.page)


def read_sheets(path: Path) -> Iterator[ReadEvent]:
    with _contents(path) as (stream, size, package):
        title, dated = _meta(package)
        yield Opened("ods", title, 0, dated)
        number = 0
        sheets = _Sheets(stream)
        while (sheet := sheets.next()) is not None:
            number += 1
            for count, section in enumerate(sections(sheet, number, sheets.rows()), 1):
                yield section
                if count % 50 == 0:
                    yield Reading(min(stream.tell(), size), size)
        yield Closed(number)


@contextmanager
def _contents(path: Path) -> Iterator[tuple[IO[bytes], int, Package | None]]:
    """content.xml, its size, and the package it lies in; a flat document is itself its content."""
    with path.open("rb") as file:
        flat = file.read(4) not in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
    if flat:
        with path.open("rb") as file:
            yield file, path.stat().st_size, None
        return
    with Package(path) as package:
        manifest = package.read("META-INF/manifest.xml")
        if b"encryption-data" in manifest:
            raise refusals.locked()
        with package.stream("content.xml") as stream:
            yield stream, package.size("content.xml"), package


def _meta(package: Package | None) -> tuple[str, float | None]:
    data = package.read("meta.xml") if package is not None else b""
    if not data:
        return "", None
    found = {name(one): (one.text or "").strip() for one in xmltree.parse(data).iter() if name(one)}
    return found.get("title", ""), moment(found.get("date", "")) or moment(found.get("creation-date", ""))


class _Text:
    def __init__(self) -> None:
        self.composer = Composer()
        self._breaking: set[str] = set()  # styles of paragraphs that begin a page

    def read(self, stream: IO[bytes], size: int) -> Iterator[ReadEvent]:
        composer = self.composer
        depth = inside = blocks = 0
        tables: list[tuple[int, Table]] = []
        for event, element in xmltree.walk(stream):
            local = name(element)
            if event == "start":
                depth += 1
                if inside == depth - 1 and local in _CONTAINERS and not (local == "table" and tables):
                    inside = depth
                    if local == "table":
                        tables.append((depth, Table(composer)))
                    elif local == "text" and attribute(element, "use-soft-page-breaks") == "true":
                        composer.place(1)
                continue
            depth -= 1
            if depth + 1 == inside:
                inside -= 1
                if tables and tables[-1][0] == depth + 1:
                    tables.pop()[1].close()
                xmltree.forget(element)
            elif depth == inside:
                if local == "automatic-styles":
                    self._styles(element)
                elif local == "table-row":
                    if tables:
                        self._row(element, tables[-1][1])
                else:
                    self.block(element)
                xmltree.forget(element)
                blocks += 1
                yield from composer.take()
                if blocks % _EVERY == 0:
                    yield Reading(min(stream.tell(), size), size)
        yield from composer.close()

    def block(self, element: Element) -> None:
        local = name(element)
        if local in ("h", "p"):
            said = Runs()
            said.gather(element)
            if self.composer.page and attribute(element, "style-name") in self._breaking:
                self.composer.place(self.composer.page + 1)
            if local == "h":
                level = attribute(element, "outline-level") or "1"
                self.composer.heading(int(level) if level.isdigit() else 1, "".join(said.pieces))
                self._turn(len(said.pieces) - 1)
            else:
                for number, piece in enumerate(said.pieces):
                    self._turn(1 if number else 0)
                    self.composer.add(piece, whole=not any(later.strip() for later in said.pieces[number + 1 :]))
            for box in said.boxes:
                self.block(box)
            for note in said.notes:
                self.composer.note(note)
        elif local == "soft-page-break":
            self._turn(1)
        elif local == "table":
            table = Table(self.composer)
            for row in every(element, "table-row"):
                self._row(row, table)
            table.close()
        elif local not in _SKIPPED:
            for one in element:
                self.block(one)

    def _turn(self, pages: int) -> None:
        if self.composer.page and pages:
            self.composer.place(self.composer.page + pages)

    def _row(self, row: Element, table: Table) -> None:
        cells: list[str] = []
        for cell in row:
            if name(cell) in ("table-cell", "covered-table-cell"):
                cells.extend([_cell(cell)] * min(_repeated(cell, "number-columns-repeated"), _REPEATED))
        parent = row.getparent()
        table.row(cells, header=parent is not None and name(parent) == "table-header-rows")

    def _styles(self, element: Element) -> None:
        for style in every(element, "style"):
            if any(attribute(one, "break-before") == "page" for one in style):
                self._breaking.add(attribute(style, "name") or "")


class Runs:
    """The text of a paragraph: `pieces` between breaks of the page, `boxes` and `notes` that hang on it."""

    def __init__(self) -> None:
        self.pieces = [""]
        self.boxes: list[Element] = []
        self.notes: list[str] = []

    def gather(self, element: Element) -> None:
        self._add(element.text)
        for one in element:
            local = name(one)
            if local == "s":
                self._add(" " * min(_repeated(one, "c"), _SPACES))
            elif local in ("tab", "line-break"):
                self._add("\t" if local == "tab" else "\n")
            elif local == "soft-page-break":
                self.pieces.append("")
            elif local == "note":
                body = [one for one in one if name(one) == "note-body"]
                self.notes.extend("\n".join(lines(each)) for each in body)
            elif local in ("text-box", "table"):
                self.boxes.append(one)
            elif local and local not in _SKIPPED:
                self.gather(one)
            self._add(one.tail)

    def _add(self, text: str | None) -> None:
        if text:  # white space is as in HTML: one space (part 3, 6.1.2)
            self.pieces[-1] += " ".join(text.replace("\n", " ").split(" ")) if "\n" in text else text


def lines(holder: Element) -> Iterator[str]:
    """The paragraphs under an element, those of notes and comments left out."""
    for one in holder:
        local = name(one)
        if local in ("p", "h"):
            said = Runs()
            said.gather(one)
            if text := "".join(said.pieces).strip():
                yield text
            for box in said.boxes:
                yield from lines(box)
        elif local and local not in _SKIPPED and local != "notes":
            yield from lines(one)


def _cell(cell: Element) -> str:
    if len(cell) == 1 and not len(cell[0]) and name(cell[0]) == "p":
        return cell[0].text or ""
    return " ".join(lines(cell))


def _repeated(element: Element, local: str) -> int:
    times = attribute(element, local) or "1"
    return max(int(times), 1) if times.isdigit() and len(times) < 9 else 1


def _edges(package: Package) -> Iterator[ReadEvent]:
    data = package.read("styles.xml")
    edges, seen = Composer(), set()
    for page in every(xmltree.parse(data), "master-page") if data else ():
        for one in page:
            if name(one).startswith(("header", "footer")):
                for text in lines(one):
                    if text not in seen and any(character.isalpha() for character in text):
                        seen.add(text)
                        edges.add(text, "notes")
    yield from edges.close()


def _slides(stream: IO[bytes]) -> Iterator[ReadEvent]:
    number = 0
    for event, element in xmltree.walk(stream):
        if event == "start" or name(element) != "page":
            continue
        number += 1
        composer = Composer()
        composer.place(number)
        frames = [one for one in element if name(one) not in ("notes", "forms", "")]
        titles = [one for one in frames if attribute(one, "class") == "title"]
        for one in titles:
            composer.heading(1, " ".join(lines(one)))
        for one in frames:
            if one not in titles and attribute(one, "class") not in ("page-number", "footer", "date-time", "header"):
                _shape(one, composer)
        composer.cut()
        for notes in element:
            if name(notes) == "notes":
                for text in lines(notes):
                    composer.add(text, "notes")
        yield from composer.close()
        xmltree.forget(element)
    yield Closed(number)


def _shape(shape: Element, composer: Composer) -> None:
    found = next(every(shape, "table"), None)
    if found is None:
        for text in lines(shape):
            composer.add(text)
        return
    table = Table(composer)
    for row in every(found, "table-row"):
        table.row([_cell(one) for one in row if name(one) == "table-cell"])
    table.close()


class _Sheets:
    """The tables of a spreadsheet, one after the other, each row as it comes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._events = xmltree.walk(stream)
        self._row = 0

    def next(self) -> str | None:
        """The name of the next sheet; None after the last."""
        for event, element in self._events:
            if event == "start" and name(element) == "table":
                self._row = 0
                return attribute(element, "name") or ""
        return None

    def rows(self) -> Iterator[Row]:
        depth = 0  # of sheets within a sheet, which are not read
        for event, element in self._events:
            local = name(element)
            if local == "table":
                if event == "end" and not depth:
                    xmltree.forget(element)
                    return
                depth += 1 if event == "start" else -1
            elif event == "end" and local == "table-row" and not depth:
                times = _repeated(element, "number-rows-repeated")
                if cells := _cells(element):
                    for number in range(self._row + 1, self._row + 1 + min(times, _REPEATED)):
                        yield number, cells
                self._row += times
                xmltree.forget(element)


def _cells(row: Element) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    column = 0
    for cell in row:
        if name(cell) in ("table-cell", "covered-table-cell"):
            times = _repeated(cell, "number-columns-repeated")
            if len(cell) and (text := _cell(cell)):
                found.extend((column + one, text) for one in range(min(times, _REPEATED)))
            column += times
    return found
