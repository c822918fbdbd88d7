"""Rows of a sheet -> sections of some tens of rows that say which cells they are: `Sheet1!A1:F40`."""

from collections.abc import Iterable, Iterator

from backends.documents.extract.composing import heads
from backends.documents.types import Section

Row = tuple[int, list[tuple[int, str]]]  # its number from 1, its filled cells: column from 0 and text

_ROWS = 40  # of a section
_CHARACTERS = 6000  # after which a section is closed
_ALPHABET = 26


def column_name(column: int) -> str:
    """A, B … Z, AA of a column counted from 0."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, _ALPHABET)
        name = chr(65 + rest) + name
    return name


def sections(name: str, page: int, rows: Iterable[Row]) -> Iterator[Section]:
    """Each row is a line `head: value | head: value`. What heads the columns is the first row of a block, if it looks
    like that. `name` "": a table without sheets."""
    sheet = _Sheet(name, page)
    for number, cells in rows:
        filled = [(column, plain) for column, text in cells if (plain := " ".join(text.split()))]
        if filled:
            yield from sheet.row(number, filled)
    yield from sheet.close()


class _Sheet:
    def __init__(self, name: str, page: int) -> None:
        self._name, self._page = name, page
        self._lines: list[str] = [name] if name else []
        self._size, self._rows = 0, 0
        self._top, self._bottom, self._left, self._right = 0, 0, 1 << 20, 0
        self._header: dict[int, str] = {}
        self._waiting: Row | None = None  # it may be a header: the next row tells
        self._last = -1

    def row(self, number: int, cells: list[tuple[int, str]]) -> Iterator[Section]:
        gap, self._last = self._last < 0 or number > self._last + 1, number
        if self._waiting is not None:
            yield from self._decide(cells if not gap else [])
        elif gap and self._lines and self._rows:
            yield from self._cut()
        if len(cells) > 1 and (gap or (not self._header and self._rows < 5)):
            self._waiting = (number, cells)
        else:
            yield from self._write(number, cells, self._header)

    def close(self) -> Iterator[Section]:
        if self._waiting is not None:
            yield from self._decide([])
        if self._rows:
            yield from self._cut()

    def _decide(self, below: list[tuple[int, str]]) -> Iterator[Section]:
        number, cells = self._waiting or (0, [])
        self._waiting = None
        columns = sorted({column for column, _ in (*cells, *below)})
        above, under = dict(cells), dict(below)
        is_head = heads([above.get(one, "") for one in columns], [under.get(one, "") for one in columns])
        known = self._header
        if is_head and (not known or above.keys() != known.keys() or not _number_free(below)):
            self._header = above
            yield from self._write(number, cells, {})
        else:
            yield from self._write(number, cells, known)

    def _write(self, number: int, cells: list[tuple[int, str]], header: dict[int, str]) -> Iterator[Section]:
        if header and (len(cells) > 1 or cells[0][0] != min(header)):
            text = " | ".join([f"{header[at]}: {cell}" if at in header else cell for at, cell in cells])
        else:
            text = " | ".join([cell for _, cell in cells])
        self._lines.append(text)
        self._top = self._top or number
        self._bottom = number
        self._left, self._right = min(self._left, cells[0][0]), max(self._right, cells[-1][0])
        self._rows += 1
        self._size += len(text)
        if self._rows >= _ROWS or self._size >= _CHARACTERS:
            yield from self._cut()

    def _cut(self) -> Iterator[Section]:
        first, last = (f"{column_name(self._left)}{self._top}", f"{column_name(self._right)}{self._bottom}")
        place = f"{first}:{last}" if first != last else first
        label = f"{self._name}!{place}" if self._name else place
        headings = (self._name,) if self._name else ()
        yield Section("\n".join(self._lines) + "\n", self._page, label, headings, "table")
        self._lines, self._size, self._rows = [], 0, 0
        self._top, self._bottom, self._left, self._right = 0, 0, 1 << 20, 0


def _number_free(cells: list[tuple[int, str]]) -> bool:
    return not any(text[-1:].isdigit() and text.replace(",", "").replace(".", "").isdigit() for _, text in cells)
