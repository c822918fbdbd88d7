"""Running headers, footers and page numbers of a PDF: they are no text of the page, and would be found on every one.

    margins = Margins()
    margins.meet(sheet)                 # each page, some pages before it is asked for
    text, boxes = margins.without(sheet)

A line goes if it stands outermost on its page, apart from the text and in letters no larger, and says the same at the
same place of other pages near by, or counts up with them. Words are left on the first page that has them. Left on all
pages is what may be more: the head of a table, a title, the number of an invoice, a year, whatever stands on few pages.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from backends.documents.extract.pdf_lines import WIDE, Box, figures

AHEAD = 12  # pages to meet before one is asked for
_NEAR = 12  # pages before and after one that tell what runs
_ENOUGH, _ENOUGH_NUMBERS = 5, 4  # of these that say the same, or bear a number alone
_REMEMBERED = 4000  # kinds of lines
_LEAST = 4  # rows of a page whose edges are looked at
_ROWS = 2  # of a header or footer
_ZONE, _EDGE = 0.15, 0.045  # of the height of a page: where they may be; where hardly any text begins
_APART = 1.8  # usual distances of lines between them and the text
_LARGER, _SMALLER = 1.15, 0.93  # letters than those of the text
_OFFSET = 40  # pages at most before the one that is the first
_YEARS = range(1800, 2200)  # are no numbers of pages, whatever follows on what
_STRETCHED = 1.4  # a line as wide as that much more text than it has: it has parts far from each other
_NUMBER = re.compile(r"\d{1,6}")
_ROMAN = re.compile(r"(?i)(?=[ivxlc])(c{0,3})(xc|xl|l?x{0,3})(ix|iv|v?i{0,3})")
_PAGE_WORDS = re.compile(r"(?i)(?:[\W_#]|page|pages|pg|p|seite|von|of|第|页|頁|共|总|總)*")
_WIDE = re.compile(f"[{WIDE}]")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page: its number, its text as PDFium gives it, a box or None for each line, and its lower and upper edge."""

    number: int
    text: str
    boxes: Sequence[Box | None]
    bottom: float
    top: float


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A line at the edge. `key`: which edge, how far from it, and the words with # for numbers. `bare`: nothing but a
    number of a page. `steady`: words alone may run here; `counting`: words that count up, too."""

    line: int
    key: tuple[bool, int, str]
    numbers: tuple[int, ...]
    bare: bool
    steady: bool
    counting: bool


class Margins:
    """What the edges of pages have said. Takes the same memory for any number of pages."""

    def __init__(self) -> None:
        self._candidates: deque[tuple[int, list[_Candidate]]] = deque(maxlen=2 * AHEAD + _NEAR)
        self._met: dict[tuple[bool, int, str], deque[tuple[int, tuple[int, ...]]]] = {}
        self._kept: dict[tuple[bool, str], int] = {}  # the first pages that have them

    def meet(self, sheet: Sheet) -> None:
        found = list(_candidates(sheet))
        self._candidates.append((sheet.number, found))
        for one in found:
            met = self._met.pop(one.key, None) or deque(maxlen=2 * (AHEAD + _NEAR))
            met.append((sheet.number, one.numbers))
            self._met[one.key] = met  # last, so that the ones longest ago are first
        while len(self._met) > _REMEMBERED:
            del self._met[next(iter(self._met))]
        while len(self._kept) > _REMEMBERED:
            del self._kept[next(iter(self._kept))]

    def without(self, sheet: Sheet) -> tuple[str, Sequence[Box | None]]:
        """Text and boxes of a page that was met, without the lines that only run on."""
        found = next((found for number, found in self._candidates if number == sheet.number), [])
        gone = {one.line for one in found if self._runs(one, sheet.number) and not self._is_first(one, sheet.number)}
        if not gone:
            return sheet.text, sheet.boxes
        lines = [line for n, line in enumerate(sheet.text.split("\r\n")) if n not in gone]
        return "\r\n".join(lines), [box for n, box in enumerate(sheet.boxes) if n not in gone]

    def _runs(self, one: _Candidate, page: int) -> bool:
        near = [(other, numbers) for other, numbers in self._met.get(one.key, ()) if abs(other - page) <= _NEAR]
        if one.steady and sum(numbers == one.numbers for _, numbers in near) >= _ENOUGH:
            return True
        if not one.bare and not one.counting:
            return False
        enough = _ENOUGH_NUMBERS if one.bare else _ENOUGH
        for place, value in enumerate(one.numbers):
            counted = one.numbers[:place], value - page, one.numbers[place + 1 :]
            likely = abs(value - page) <= _OFFSET or (one.bare and value not in _YEARS)
            if likely and enough <= sum(
                (numbers[:place], numbers[place] - other, numbers[place + 1 :]) == counted for other, numbers in near
            ):
                return True
        return False

    def _is_first(self, one: _Candidate, page: int) -> bool:
        """Whether these words have not been said before."""
        return not one.bare and self._kept.setdefault((one.key[0], one.key[2]), page) == page


def _candidates(sheet: Sheet) -> Iterator[_Candidate]:
    lines = sheet.text.split("\r\n")
    rows = _rows(sheet.boxes)
    height = sheet.top - sheet.bottom
    if len(rows) < _LEAST or len(lines) != len(sheet.boxes) or height <= 0:
        return
    feet = [row[0][1].foot for row in rows]
    gaps = [above - below for above, below in pairwise(feet)]
    usual, tall = median(gaps), median(box.height for row in rows for _, box in row)
    blocks = [gap for gap in gaps[_ROWS:-_ROWS] if gap > 1.3 * usual]
    between = median(blocks) * 1.15 if len(blocks) > 2 else 0.0  # paragraphs, or rows of a table
    for upper in (True, False):
        ordered, apart = (rows, gaps) if upper else (rows[::-1], gaps[::-1])
        deep = next((n for n in range(_ROWS) if apart[n] >= _APART * usual), None)
        if deep is None:
            continue
        text = ordered[deep + 1]
        for line, box in (one for row in ordered[: deep + 1] for one in row):
            away = sheet.top - box.foot if upper else box.foot + box.height - sheet.bottom
            if not 0 <= away <= _ZONE * height or box.height > _LARGER * tall:
                continue
            words = lines[line].strip()
            mask, numbers = _masked(words)
            bare = bool(numbers) and _PAGE_WORDS.fullmatch(mask) is not None
            wide = _is_stretched(words, box)
            table = any(figures(lines[n]) for n, _ in text) or (
                (wide or len(ordered[deep]) > 1)
                and (len(text) > 1 or any(_is_stretched(lines[n].strip(), at) for n, at in text))
            )
            yield _Candidate(
                line,
                (upper, round(away / 2), mask),
                numbers,
                bare,
                apart[deep] > between and not table and not bare,
                apart[deep] > between and (wide or box.height < _SMALLER * tall or away <= _EDGE * height),
            )


def _rows(boxes: Sequence[Box | None]) -> list[list[tuple[int, Box]]]:
    """Lines that stand beside each other, from the top of the page: which line, and where."""
    rows: list[list[tuple[int, Box]]] = []
    for n, box in sorted(((n, box) for n, box in enumerate(boxes) if box), key=lambda one: -one[1].foot):
        if rows and rows[-1][0][1].foot - box.foot < 0.5 * box.height:
            rows[-1].append((n, box))
        else:
            rows.append([(n, box)])
    return rows


def _masked(words: str) -> tuple[str, tuple[int, ...]]:
    """`words` with # for each number, and the numbers; a Roman one counts if it is all there is."""
    roman = _ROMAN.fullmatch(words)
    if roman:
        return "#", (_of_roman(words.lower()),)
    return _NUMBER.sub("#", words), tuple(int(number) for number in _NUMBER.findall(words))


def _of_roman(letters: str) -> int:
    values = [{"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}[letter] for letter in letters]
    return sum(-here if here < there else here for here, there in pairwise([*values, 0]))


def _is_stretched(words: str, box: Box) -> bool:
    wide = len(_WIDE.findall(words))
    return box.right - box.left > _STRETCHED * box.height * (wide + 0.55 * (len(words) - wide))
