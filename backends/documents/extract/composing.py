"""Headings, paragraphs and table rows in the order of a document, gathered into sections that lie in one place.

A row of a table is one line that says what its cells mean: `Region: North | 2021: 1,024.50`. It can be found and quoted
alone.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from backends.documents.types import Section, SectionKind

_TARGET = 6000  # characters after which a section is closed
_ROWS = 40  # of a table in a section
_HEADING = 80  # characters of a cell that heads a column
_PROSE = 1200  # characters of a cell that is a text of its own
_NUMBER = re.compile(r"[\s\d.,:/%()+\-−–¥$€£]*")
_YEAR = re.compile(r"(19|20)\d\d\s*(年|年度|E|A|H1|H2)?")
_DIGIT = re.compile(r"\d+")
_WHITE = re.compile(r"\s+")


class Composer:
    """Take `take()` after each addition, and what `close()` gives at the end."""

    def __init__(self, target: int = _TARGET) -> None:
        self.page, self.label = 0, ""
        self._target = target
        self._path: list[tuple[int, str]] = []
        self._lines: list[str] = []
        self._notes: list[str] = []
        self._size, self._rows, self._bare = 0, 0, True
        self._kind: SectionKind = "text"
        self._ready: list[Section] = []

    @property
    def headings(self) -> tuple[str, ...]:
        return tuple(text for _, text in self._path)

    def place(self, page: int, label: str = "") -> None:
        """What follows lies there."""
        if (page, label) != (self.page, self.label):
            self.cut()
            self.page, self.label = page, label

    def path(self, headings: Sequence[str]) -> None:
        """What follows stands under these, none of which is text of its own."""
        self.cut()
        self._path = list(enumerate(headings))

    def heading(self, level: int, text: str) -> None:
        text = _WHITE.sub(" ", text).strip()
        if not text:
            return
        if not (self._bare and self._lines):
            self.cut()
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        self._path.append((level, text))
        self._lines.append(text + "\n")

    def add(self, text: str, kind: SectionKind = "text", *, whole: bool = True) -> None:
        """A paragraph or a row. Not `whole`: the paragraph goes on with what comes next."""
        if not text or text.isspace():
            return
        if kind != self._kind and not self._bare:
            self.cut()
        self._kind, self._bare = kind, False
        self._lines.append(text.rstrip() + "\n" if whole else text)
        self._size += len(text)
        self._rows += kind == "table"
        if whole and (self._size >= self._target or self._rows >= _ROWS):
            self.cut()

    def note(self, text: str) -> None:
        """A footnote of what was added last: it follows in a section of its own."""
        if text and not text.isspace():
            self._notes.append(text.strip() + "\n")

    def cut(self) -> None:
        """What was added so far is a section."""
        if self._lines:
            self._ready.append(Section("".join(self._lines), self.page, self.label, self.headings, self._kind))
        if self._notes:
            self._ready.append(Section("".join(self._notes), self.page, self.label, self.headings, "notes"))
        self._lines, self._notes, self._size, self._rows, self._bare, self._kind = [], [], 0, 0, True, "text"

    def take(self) -> list[Section]:
        ready, self._ready = self._ready, []
        return ready

    def close(self) -> list[Section]:
        self.cut()
        return self.take()


class Table:
    """Rows as they come; the first one may say what the columns mean. Say `close()` after the last."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._header: list[str] | None = None
        self._first: list[str] | None = None
        self._rows = 0

    def row(self, cells: Sequence[str], *, header: bool = False) -> None:
        """`header`: the file says that this row heads the columns."""
        cells = [_WHITE.sub(" ", cell).strip() if len(cell) < _PROSE else cell.strip() for cell in cells]
        self._rows += 1
        if header and (self._header is None or self._first is None) and self._rows <= 4:
            above = self._header or []
            self._header = [" ".join(dict.fromkeys(filter(None, pair))) for pair in _both(above, cells)]
            self._write(cells, plain=True)
            return
        if self._header is None and self._first is None:
            self._first = cells
            return
        if self._first is not None:
            first, self._first = self._first, None
            self._header = first if heads(first, cells) else []
            self._write(first, plain=True)
        self._write(cells, plain=False)

    def close(self) -> None:
        if self._first is not None:
            self._write(self._first, plain=True)
        self._header = self._first = None

    def _write(self, cells: list[str], *, plain: bool) -> None:
        filled = [cell for cell in cells if cell]
        if (len(filled) == 1 and (plain or cells[0])) or any(len(cell) >= _PROSE for cell in filled):
            for cell in filled:
                self._composer.add(cell, "table" if len(cell) < _PROSE and len(cells) > 1 else "text")
            return
        text = " | ".join(filled) if plain else line(cells, self._header or [])
        self._composer.add(text, "table")


def line(cells: Sequence[str], header: Sequence[str]) -> str:
    """A row, each cell with the head of its column."""
    said = []
    for column, cell in enumerate(cells):
        if cell:
            head = header[column] if column < len(header) else ""
            said.append(f"{head}: {cell}" if head and head != cell else cell)
    return " | ".join(said)


def heads(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether the first row of a table says what its columns are, by its look and that of the next."""
    filled = [cell for cell in first if cell]
    if len(filled) < 2 or len(set(filled)) < len(filled) or 2 * len(filled) < len(first):
        return False
    if any(len(cell) > _HEADING for cell in filled):
        return False
    wordy = [cell for cell in filled if not _NUMBER.fullmatch(cell)]
    if not wordy or any(_NUMBER.fullmatch(cell) and not _YEAR.fullmatch(cell) for cell in filled):
        return False
    both = [(above, below) for above, below in _both(first, second) if above and below]
    if any(_DIGIT.search(above) and _DIGIT.sub("", above) == _DIGIT.sub("", below) for above, below in both):
        return False  # Item 1, Item 2
    form = len(filled) == 2 and bool(both) and any(pair[0].endswith((":", "：")) for pair in (first, second))
    return bool(both) and not form


def _both(first: Sequence[str], second: Sequence[str]) -> list[tuple[str, str]]:
    size = max(len(first), len(second))
    padded = [[*one, *[""] * (size - len(one))] for one in (first, second)]
    return list(zip(*padded, strict=True))


def moment(text: str) -> float | None:
    """Unix seconds of a date as documents write it (W3CDTF, ISO 8601); None if it is none or makes no sense."""
    try:
        when = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
