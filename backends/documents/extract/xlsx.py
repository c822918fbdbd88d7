"""Excel workbooks (ECMA-376, SpreadsheetML), read as a stream by expat: cells that are far apart, repeated texts and
long sheets take no more memory than short ones. Values of formulas are those that were saved; numbers read as they are
shown.
"""

import re
import xml.parsers.expat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from backends.documents.extract import refusals, xmltree
from backends.documents.extract.asked import MIB
from backends.documents.extract.grid import Row, sections
from backends.documents.extract.number_formats import BUILT_IN, general, shown
from backends.documents.extract.package import Package
from backends.documents.extract.word_styles import core
from backends.documents.extract.xmltree import attribute, every
from backends.documents.types import Closed, Opened, ReadEvent, Reading

_BLOCK = 131_072
_STRINGS = 6_000_000  # shared texts
_COLUMNS = 16_384
_TIMES = 16  # a sheet may say so many characters for each of its bytes, and a free part
_FREE = 16 * MIB
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


@contextmanager
def opened(path: Path) -> "Iterator[Workbook]":
    with Package(path) as package:
        yield Workbook(package)


class Workbook:
    """`binary`: it is an .xlsb, which is not read here."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._main = next(
            (one.target for one in package.relations("") if one.kind == "officeDocument"), "xl/workbook.xml"
        )
        self.binary = self._main.lower().endswith(".bin")

    def read(self) -> Iterator[ReadEvent]:
        package = self._package
        root = xmltree.parse(package.read(self._main) or b"<none/>")
        if xmltree.name(root) != "workbook":
            raise refusals.damaged()
        relations = {one.id: one for one in package.relations(self._main) if not one.outside}
        kinds = {one.kind: one.target for one in relations.values()}
        since_1904 = any(attribute(one, "date1904") in ("1", "true") for one in every(root, "workbookPr"))
        sheets = [(attribute(one, "name") or "", relations.get(_relation(one))) for one in every(root, "sheet")]
        title, dated = core(package)
        yield Opened("xlsx", title, len(sheets), dated)
        strings = self._strings(kinds.get("sharedStrings", ""))
        formats = self._formats(kinds.get("styles", ""), since_1904)
        total = sum(package.size(one.target) for _, one in sheets if one is not None)
        done = 0
        for number, (name, one) in enumerate(sheets, 1):
            if one is None or one.kind != "worksheet" or one.target not in package:
                continue
            with package.stream(one.target) as stream:
                rows = _rows(stream, strings, formats, package.size(one.target))
                for count, section in enumerate(sections(name, number, rows), 1):
                    yield section
                    if count % 50 == 0:
                        yield Reading(min(done + stream.tell(), total), total)
            done += package.size(one.target)
        yield Closed(len(sheets))

    def _strings(self, part: str) -> list[str]:
        found: list[str] = []
        if part not in self._package:
            return found
        parts: list[str] = []
        depth_of_phonetics, texts = 0, False

        def start(tag: str, _: dict[str, str]) -> None:
            nonlocal depth_of_phonetics, texts
            tag = tag.rpartition(":")[2]
            if tag == "t":
                texts = not depth_of_phonetics
            elif tag == "rPh":
                depth_of_phonetics += 1

        def end(tag: str) -> None:
            nonlocal depth_of_phonetics, texts
            tag = tag.rpartition(":")[2]
            if tag == "t":
                texts = False
            elif tag == "rPh":
                depth_of_phonetics -= 1
            elif tag == "si":
                found.append(_unescaped("".join(parts)))
                parts.clear()
                if len(found) > _STRINGS:
                    raise refusals.too_large()

        def said(text: str) -> None:
            if texts:
                parts.append(text)

        with self._package.stream(part) as stream:
            for _ in _parsed(stream, start, end, said):
                pass
        return found

    def _formats(self, part: str, since_1904: bool) -> list[Callable[[float], str]]:
        data = self._package.read(part) if part else b""
        if not data:
            return []
        root = xmltree.parse(data)
        codes = dict(BUILT_IN)
        for one in every(root, "numFmt"):
            if (attribute(one, "numFmtId") or "").isdigit():
                codes[int(attribute(one, "numFmtId") or 0)] = attribute(one, "formatCode") or "General"
        made: dict[str, Callable[[float], str]] = {"General": general, "@": general}
        found = []
        for one in next(every(root, "cellXfs"), ()):
            number = attribute(one, "numFmtId") or "0"
            code = codes.get(int(number) if number.isdigit() else 0, "General")
            if code not in made:
                made[code] = shown(code, since_1904)
            found.append(made[code])
        return found


def _rows(stream: IO[bytes], strings: list[str], formats: list[Callable[[float], str]], size: int) -> Iterator[Row]:
    """The rows of a sheet that hold something."""
    ready: list[Row] = []
    cells: list[tuple[int, str]] = []
    columns: dict[str, int] = {}
    parts: list[str] = []
    number, column, kind, style = 0, -1, "n", ""
    listening = False
    left = size * _TIMES + _FREE

    def start(tag: str, told: dict[str, str]) -> None:
        nonlocal number, column, kind, style, listening
        if ":" in tag:
            tag = tag.rpartition(":")[2]
        if tag == "c":
            place = told.get("r")
            if place:
                letters = place.rstrip("0123456789")
                if letters not in columns:
                    columns[letters] = _column(letters)
                column = columns[letters]
            else:
                column += 1
            kind, style = told.get("t", "n"), told.get("s", "")
            parts.clear()
        elif tag == "v" or tag == "t":
            listening = True
        elif tag == "rPh":
            kind = "phonetic" if kind == "inlineStr" else kind
        elif tag == "row":
            place = told.get("r", "")
            number = int(place) if place.isdigit() and len(place) < 8 else number + 1
            column = -1

    def end(tag: str) -> None:
        nonlocal listening, left, kind
        if ":" in tag:
            tag = tag.rpartition(":")[2]
        if tag == "v" or tag == "t":
            listening = False
        elif tag == "c":
            if parts:
                text = _value("".join(parts), kind, style, strings, formats)
                left -= len(text)
                if left < 0:
                    raise refusals.too_large()  # few texts, said again and again
                if text and column >= 0:
                    cells.append((column, text))
        elif tag == "rPh":
            kind = "inlineStr"
        elif tag == "row" and cells:
            ready.append((number, sorted(cells)))
            cells.clear()

    def said(text: str) -> None:
        if listening and kind != "phonetic":
            parts.append(text)

    for _ in _parsed(stream, start, end, said):
        yield from ready
        ready.clear()


def _value(text: str, kind: str, style: str, strings: list[str], formats: list[Callable[[float], str]]) -> str:
    if kind == "s":
        return strings[int(text)] if text.isdigit() and len(text) < 9 and int(text) < len(strings) else ""
    if kind == "n":
        try:
            value = float(text)
            written = formats[int(style)] if style and int(style) < len(formats) else general
            return written(value)
        except (ValueError, OverflowError):
            return text
    if kind == "b":
        return "TRUE" if text.strip() == "1" else "FALSE"
    return _unescaped(text)


def _parsed(stream: IO[bytes], start: Any, end: Any, said: Any) -> Iterator[None]:
    """Feed a part to expat; a word after each block. A DTD is refused, so there are no entities to grow."""

    def refuse(*_: object) -> None:
        raise refusals.damaged()

    parser = xml.parsers.expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, said
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        while data := stream.read(_BLOCK):
            parser.Parse(data, False)
            yield
        parser.Parse(b"", True)
        yield
    except xml.parsers.expat.ExpatError as error:
        raise refusals.damaged() from error


def _column(letters: str) -> int:
    """A is 0; -1 for what is none."""
    column = 0
    for letter in letters[:3].upper():
        column = column * 26 + ord(letter) - 64
    return column - 1 if 0 < column <= _COLUMNS else -1


def _relation(element: Any) -> str:
    return next((value for key, value in element.attrib.items() if key.endswith("}id")), "")


def _unescaped(text: str) -> str:
    """_x000D_ is how characters that XML cannot hold are written (ECMA-376 part 1, 22.9.2.19)."""
    return _ESCAPED.sub(lambda one: chr(int(one[1], 16)), text) if "_x" in text else text
