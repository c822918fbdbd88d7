"""Sentences about a table: each value comes from the row and from the column that the sentence names.

    | Station | Opened | Platforms |
    | Brixley | 1934   | 2         |        "Brixley opened in 1934." holds, "Brixley opened in 2." does not.

Also rows that carry their own heads ("Station: Brixley | Opened: 1934"). What a row says beyond its cells (the highest,
not, all) is not checked here, and so does not hold.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import islice, pairwise, product

from backends.chat.claims import Claim, Token, claim
from backends.chat.opposites import sides
from backends.documents.folding import folded
from backends.documents.words import stem

_ENOUGH = 0.6  # of the sentence's content words
_WAYS = 64  # in which equal values may stand for cells
_RULE = re.compile(r"^[\s|:\-=+]*-[\s|:\-=+]*$")
_OWN_HEAD = re.compile(r"^([^:]{1,60}):\s*(\S.*)$")
_UNIT = re.compile(r"\(([^()]{1,30})\)|\[([^\[\]]{1,30})\]")
_NO_COMPARISON = frozenset(("with", "sell", "sale", "buy", "purchas", "open", "close", "begin", "start"))
_RISING, _FALLING = (0, 1000), (0, 1)  # pairs of opposites that speak of more and less; their sides


@dataclass(frozen=True, slots=True)
class Cell:
    """`scale`: of the unit that the head names: 1000000 of "(million)"."""

    head: tuple[Token, ...]
    tokens: tuple[Token, ...]
    unit: str = ""
    scale: Decimal = Decimal(1)

    @property
    def words(self) -> tuple[str, ...]:
        return _words(self.tokens)


@dataclass(frozen=True, slots=True)
class Row:
    """`start` and `end`: of its line in the text. `caption`: the line before the table."""

    start: int
    end: int
    cells: tuple[Cell, ...]
    caption: tuple[Token, ...] = ()

    @property
    def label(self) -> tuple[str, ...]:
        return self.cells[0].words


def rows(text: str) -> list[Row]:
    """Rows with a head, and rows of two cells."""
    found: list[Row] = []
    heads: list[str] = []
    run = 0  # lines of this table so far
    caption: tuple[Token, ...] = ()
    before = ""
    lines = [(match.start(), match.end(), match.group()) for match in re.finditer(r"[^\n]+", text)]
    for number, (start, end, line) in enumerate(lines):
        cells = _cells(line)
        if len(cells) < 2:
            if line.strip():
                heads, run, before = [], 0, line
            continue
        if _RULE.match(line):
            continue
        run += 1
        caption = claim(before).tokens if run == 1 else caption
        own = [_OWN_HEAD.match(cell) for cell in cells]
        if sum(one is not None for one in own) * 2 >= len(cells):
            made = [_cell(one[1], one[2]) if one else _cell("", cell) for one, cell in zip(own, cells, strict=True)]
        elif run == 1 and _is_head(cells, lines[number + 1 : number + 3]):
            heads = cells
            continue
        elif len(heads) == len(cells):
            made = [_cell(head, cell) for head, cell in zip(heads, cells, strict=True)]
        elif len(cells) == 2:
            made = [_cell("", cell) for cell in cells]
        else:
            continue
        found.append(Row(start, end, tuple(made), caption))
    return found


def _cells(line: str) -> list[str]:
    if "|" not in line and "｜" not in line:
        return []
    return [cell.strip() for cell in folded(line, lower=False).strip().strip("|").split("|")]


def _is_head(cells: Sequence[str], following: Sequence[tuple[int, int, str]]) -> bool:
    if following and _RULE.match(following[0][2]):
        return True
    plain = len(cells) > 2 and not any(re.fullmatch(r"[^\w]*\d[\d.,]*\W*", cell) and not _year(cell) for cell in cells)
    return plain and any(re.search(r"\d", line) for _, _, line in following)


def _year(cell: str) -> bool:
    return re.fullmatch(r"(?:1[5-9]|20)\d\d年?", cell.strip()) is not None


def _cell(head: str, value: str) -> Cell:
    words, unit, scale = _head(head)
    return Cell(words, claim(value, beginning=False).tokens, unit, scale)


@lru_cache(maxsize=256)
def _head(head: str) -> tuple[tuple[Token, ...], str, Decimal]:
    """Its words, and the unit and the scale of its values."""
    units = [one or other for one, other in _UNIT.findall(head)]
    unit, scale = "year" if "年" in units else "", Decimal(1)
    for part in (part for one in units for part in (one, *one.split())):
        for quantity in claim(f"1 {part}", beginning=False).numbers[:1]:
            unit = unit or quantity.unit
            scale = max(scale, Decimal(quantity.value)) if quantity.value.isdecimal() else scale
    return claim(_UNIT.sub(" ", head)).tokens, unit, scale


def _words(tokens: Sequence[Token]) -> tuple[str, ...]:
    return tuple(_word(token) for token in tokens if token.content)


def _word(token: Token) -> str:
    return stem(token.key) if token.kind in ("name", "word") else token.key


def told(said: Claim, table: Sequence[Row]) -> Row | None:
    """The row that says what the sentence says (of several the first); None if none does."""
    if any(token.kind == "not" for token in said.tokens):
        return None
    words = _words(said.tokens)
    named = _outermost([(row, span) for row in table if (span := _find(row.label, words)) is not None])
    if not named:
        return None
    named.sort(key=lambda one: one[1])
    rows_named = [row for row, _ in named]
    return rows_named[0] if _Reading(said, words, rows_named, table).holds() else None


def _find(part: Sequence[str], words: Sequence[str]) -> tuple[int, int] | None:
    if not part:
        return None
    for place in range(len(words) - len(part) + 1):
        if tuple(words[place : place + len(part)]) == tuple(part):
            return place, place + len(part)
    return None


def _outermost(found: list[tuple[Row, tuple[int, int]]]) -> list[tuple[Row, tuple[int, int]]]:
    return [
        (row, (a, b)) for row, (a, b) in found if not any(c <= a and b <= d and (c, d) != (a, b) for _, (c, d) in found)
    ]


class _Reading:
    """Words of a sentence as labels, heads and values of some rows."""

    def __init__(self, said: Claim, words: Sequence[str], named: Sequence[Row], table: Sequence[Row]) -> None:
        self.said, self.words, self.named, self.table = said, words, named, table
        self.content = [token for token in said.tokens if token.content]
        self.known: set[int] = set()  # places of words that the rows account for
        for row in named:
            a, b = _find(row.label, words) or (0, 0)
            self.known |= set(range(a, b))
        self.heads = {at: place for at in range(1, self._width()) if (place := self._mention(at)) is not None}

    def _width(self) -> int:
        return min(len(row.cells) for row in self.named)

    def _mention(self, at: int) -> int | None:
        """Where the sentence names a column; by what other columns are not called."""
        row = self.named[0]
        head = _parts(row.cells[at].head)
        others = [set(_parts(cell.head)) for n, cell in enumerate(row.cells) if n != at and n]
        own = [part for part in head if not all(part in other for other in others)] if others else head
        here = _positions(self.content)
        numbers = [part for part in head if part.startswith("#")]
        if not own or any(number not in here for number in numbers):
            return None
        telling = [part for part in (numbers or own) if part in here]
        if not telling:
            return None
        for part in head:
            if part in here:
                self.known |= set(range(here[part], here[part] + (2 if len(part) == 2 and not part.isascii() else 1)))
        return min(here[part] for part in telling)

    def holds(self) -> bool:
        several = len(self.named) > 1
        texts = self._texts()
        if texts is None or (several and len(self.heads) > 1):
            return False
        choices: list[list[tuple[int, int, Decimal]]] = []  # of each value: row, column
        for place, token in enumerate(self.content):
            if token.quantity is None or place in self.known:
                continue
            if any(token.key == one.key for one in self.named[0].caption) and len(token.quantity.value) == 4:
                self.known.add(place)
                continue
            found = list(self._places(token))
            years = any(self.named[n].cells[at].unit == "year" for n, at, _ in found)
            if not found or (self._as_year(token) and not years):
                return False
            self.known.add(place)
            choices.append(found)
        if not choices and not texts:
            return False
        if not any(self._in_order(way) for way in islice(product(*choices), _WAYS)):
            return False
        unknown = [token for place, token in enumerate(self.content) if place not in self.known]
        if any(token.strong and not token.first for token in unknown):
            return False
        return len(self.known) >= _ENOUGH * len(self.content)

    def _as_year(self, token: Token) -> bool:
        """ "in 880,300", 880300年: said as if it were when."""
        at = next(n for n, one in enumerate(self.said.tokens) if one is token)
        before = self.said.tokens[at - 1].key if at else ""
        after = self.said.tokens[at + 1].key if at + 1 < len(self.said.tokens) else ""
        year = token.quantity is not None and len(token.quantity.value) == 4
        return not year and (after == "年" or (before == "in" and not (token.quantity and token.quantity.unit)))

    def _texts(self) -> list[int] | None:
        """Columns whose words the sentence has; None if it has those of another row."""
        found: list[int] = []
        for at in range(1, self._width()):
            mine = [row.cells[at].words for row in self.named]
            for row in self.table:
                if at >= len(row.cells) or not any(
                    token.kind != "number" for token in row.cells[at].tokens if token.content
                ):
                    continue
                words = row.cells[at].words
                span = _find(words, self.words)
                if span is None:
                    continue
                if words not in mine:
                    if set(range(*span)) <= self.known or any(_find(words, own) for own in mine):
                        continue
                    return None
                self.known |= set(range(*span))
                if at in self.heads or self._width() == 2:
                    found.append(at)
        return found

    def _places(self, token: Token) -> Iterator[tuple[int, int, Decimal]]:
        quantity = token.quantity
        if quantity is None:
            return
        for n, row in enumerate(self.named):
            for at, cell in enumerate(row.cells[1:], 1):
                for number in (one.quantity for one in cell.tokens if one.quantity is not None):
                    unit = number.unit or cell.unit
                    if quantity.unit and quantity.unit != unit:
                        continue
                    if not _equal(number.value, quantity.value, cell.scale):
                        continue
                    alone = bool(unit) and unit == quantity.unit and self._alone(row, at, unit)
                    if at in self.heads or len(row.cells) == 2 or alone:
                        yield n, at, _decimal(quantity.value)

    def _alone(self, row: Row, at: int, unit: str) -> bool:
        """No other column has values in this unit."""
        return not any(
            n != at and unit in (cell.unit, *(one.quantity.unit for one in cell.tokens if one.quantity is not None))
            for n, cell in enumerate(row.cells)
        )

    def _in_order(self, way: Sequence[tuple[int, int, Decimal]]) -> bool:
        """Values stand in the order of what they are of; and rise or fall as the sentence says."""
        columns = list(dict.fromkeys(at for _, at, _ in way if at in self.heads))
        if columns != sorted(columns, key=lambda at: self.heads[at]):
            return False
        if len(way) > len({(n, at) for n, at, _ in way}):
            return False
        if len(self.named) > 1 and [n for n, _, _ in way] != list(range(len(self.named))):
            return False
        numbers = {at for at in self.heads if any(one.quantity for one in self.named[0].cells[at].head)}
        if way and numbers - {at for _, at, _ in way}:
            return False  # a year is named of which nothing is said
        heads = {part for row in self.named for cell in row.cells for part in _words((*cell.head, *cell.tokens))}
        for place, width, pair, side in sides(self.said.tokens):
            token = self.said.tokens[place]
            if _word(token) in _NO_COMPARISON or all(
                _word(one) in heads for one in self.said.tokens[place : place + width]
            ):
                continue
            if pair not in _RISING or len(way) != 2 or way[0][2] == way[1][2]:
                return False
            if (way[1][2] > way[0][2]) != (side == _FALLING[0]):
                return False
        return True


def _parts(tokens: Sequence[Token]) -> list[str]:
    """Words, and Chinese characters in pairs, or alone if there is but one."""
    content = [token for token in tokens if token.content]
    found = [_word(token) for token in content if token.kind != "han"]
    han = [token.key for token in content if token.kind == "han"]
    return found + ([a + b for a, b in pairwise(han)] or han)


def _positions(content: Sequence[Token]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, token in enumerate(content):
        found.setdefault(_word(token), place)
        if place + 1 < len(content):
            found.setdefault(token.key + content[place + 1].key, place)
    return found


def _equal(value: str, said: str, scale: Decimal) -> bool:
    if scale == 1 or not re.fullmatch(r"-?\d+(?:\.\d+)?", value):
        return value == said
    return Decimal(value) * scale == _decimal(said)


def _decimal(value: str) -> Decimal:
    return Decimal(value) if re.fullmatch(r"-?\d+(?:\.\d+)?", value) else Decimal(0)
