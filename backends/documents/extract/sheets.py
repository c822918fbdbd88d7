"""Sheets: Excel workbooks of all ages, OpenDocument sheets, CSV. `page` is the number of the sheet, hidden ones count.

.xlsx and .ods are read as streams here, .xls and .xlsb by calamine (its only importer), CSV by the standard library.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal

from backends.documents.extract import refusals
from backends.documents.extract.asked import MIB, Asked
from backends.documents.extract.encodings import blocks
from backends.documents.extract.grid import Row, sections
from backends.documents.extract.number_formats import general
from backends.documents.types import Closed, Opened, ReadEvent, Reading

_DELIMITERS = ",\t;|"
_SNIFFED = 65_536  # characters by which the delimiter is found
_FIELD = 4 * MIB  # characters of a field of CSV
_OPEN = 1000  # lines of a row of CSV; more, and a quote was never closed
_WRONG = 3  # such quotes, after which none quotes
_SAID = 2000  # rows between two words about how far it is


def read(path: Path, asked: Asked) -> Iterator[ReadEvent]:
    if asked.format == "csv" or (not asked.format and path.suffix.lower() in (".csv", ".tsv", ".tab")):
        yield from _csv(path)
    elif asked.format == "xls" or (not asked.format and path.suffix.lower() == ".xls"):
        yield from _calamine(path, "xls")
    elif asked.format == "ods" or (not asked.format and path.suffix.lower() == ".ods"):
        from backends.documents.extract import opendocument

        yield from opendocument.read_sheets(path)
    else:
        from backends.documents.extract import xlsx

        with xlsx.opened(path) as workbook:
            if not workbook.binary:
                yield from workbook.read()
                return
        yield from _calamine(path, "xlsx")


def _calamine(path: Path, format: str) -> Iterator[ReadEvent]:
    import python_calamine as calamine

    with _calm():
        book = calamine.CalamineWorkbook.from_path(path)
    names = list(book.sheet_names)
    yield Opened(format, "", len(names))
    for number, name in enumerate(names, 1):
        with _calm():
            try:
                rows = _numbered(book.get_sheet_by_index(number - 1))
            except calamine.WorksheetNotFound:
                rows = iter(())  # a sheet that is only a chart
        yield from sections(name, number, rows)
        yield Reading(number, len(names))
    yield Closed(len(names))


@contextmanager
def _calm() -> Iterator[None]:
    """What calamine says of files it cannot read; it panics over some."""
    import python_calamine as calamine

    try:
        yield
    except calamine.PasswordError as error:
        raise refusals.locked() from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise refusals.damaged() from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise refusals.damaged() from error
        raise


def _numbered(sheet: Any) -> Iterator[Row]:
    if sheet.start is None:
        return
    top, left = sheet.start
    for number, cells in enumerate(sheet.iter_rows(), top + 1):
        yield number, [(column, _plain(cell)) for column, cell in enumerate(cells, left) if cell != ""]


def _plain(cell: Any) -> str:
    match cell:
        case str():
            return cell
        case bool():
            return "TRUE" if cell else "FALSE"
        case int() | float():
            return general(float(cell))
        case datetime():
            midnight = cell.time() == time()
            return cell.date().isoformat() if midnight else cell.isoformat(" ", "seconds")
        case date() | time():
            return cell.isoformat()
        case timedelta():
            seconds = round(cell.total_seconds())
            return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return str(cell)


# ---- CSV


def _csv(path: Path) -> Iterator[ReadEvent]:
    total = path.stat().st_size
    yield Opened("csv")
    with path.open("rb") as file:
        first = next(iter(blocks(file)), "")
    delimiter, quoted = sniffed(first[:_SNIFFED])
    csv.field_size_limit(_FIELD)
    done = 0

    def far() -> int:
        return min(done, total)

    with path.open("rb") as file:

        def counted() -> Iterator[str]:
            nonlocal done
            for block in blocks(file):
                done = file.tell()
                yield block

        records = _records(_lines(counted()), delimiter, quoted)
        yield from _said(sections("", 0, _rows(records)), far, total)
    yield Closed()


def _records(lines: Iterator[str], delimiter: str, quoted: bool) -> Iterator[list[str]]:
    """Cells of each row. A quote that is not closed for too long is one that does not quote: its line is a row."""
    again, taken, wrong, torn = list[str](), list[str](), 0, False

    def fed() -> Iterator[str]:
        nonlocal torn
        while len(taken) < _OPEN:
            line = again.pop() if again else next(lines, None)
            if line is None:
                torn = len(taken) > 1 and sum(each.count('"') for each in taken) % 2 == 1
                return
            taken.append(line)
            yield line
        torn = True

    while True:
        try:
            for cells in csv.reader(fed(), delimiter=delimiter, quoting=_quoting(quoted and wrong < _WRONG)):
                if torn:
                    break
                taken.clear()
                yield cells
        except csv.Error:  # a cell that is too long
            torn = True
        if not torn:
            return
        wrong, torn = wrong + 1, False
        first, *rest = taken
        again += reversed(rest)
        taken.clear()
        yield first[:_FIELD].rstrip("\r\n").split(delimiter)


def _quoting(quoted: bool) -> Literal[0, 3]:
    return csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE


def _rows(reader: Iterable[list[str]]) -> Iterator[Row]:
    for number, cells in enumerate(reader, 1):
        yield number, [(column, cell) for column, cell in enumerate(cells) if cell]


def _said(found: Iterator[ReadEvent], far: Callable[[], int], total: int) -> Iterator[ReadEvent]:
    for count, event in enumerate(found, 1):
        yield event
        if count % (_SAID // 40) == 0:
            yield Reading(far(), total)


def _lines(texts: Iterable[str]) -> Iterator[str]:
    """Lines out of blocks, with their ends. One that does not end is cut: it is no table."""
    rest = ""
    for text in texts:
        rest += text
        *whole, rest = rest.splitlines(keepends=True) or [""]
        if rest.endswith("\n"):
            whole, rest = [*whole, rest], ""
        yield from (line.replace("\0", "") for line in whole)
        if len(rest) > _FIELD:
            yield rest
            rest = ""
    if rest:
        yield rest.replace("\0", "")


def sniffed(text: str) -> tuple[str, bool]:
    """The delimiter that divides most lines alike, and whether quotes quote."""
    lines = [line for line in text.splitlines()[:200] if line.strip()]
    if len(lines) > 1 and len(text) >= _SNIFFED:
        lines.pop()
    best, score = ",", 0.0
    for delimiter in _DELIMITERS:
        widths = [len(row) for row in _tried(lines, delimiter)]
        common = max(set(widths), key=widths.count, default=1)
        if common > 1:
            fits = widths.count(common) / len(widths) * (1 + min(common, 20) / 100)
            if fits > score:
                best, score = delimiter, fits
    if len(text) >= _SNIFFED:
        return best, True
    try:
        for _ in csv.reader(text.splitlines(keepends=True), delimiter=best, strict=True):
            pass
    except csv.Error:
        return best, False  # a quote that is a quote, or inches
    return best, True


def _tried(lines: list[str], delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return []
