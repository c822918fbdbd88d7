"""Paragraphs out of the lines of a page, as a person would read them.

PDF knows no paragraphs: PDFium gives lines, ended by CR LF, and U+FFFE in the place of a hyphen that ends one. A line
goes on in the next one if that one's first word would not have fitted behind it; this needs to know where lines begin
and end (`Box`). Chinese and Japanese lines are joined without a space.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

WIDE = (  # Chinese and Japanese, their punctuation and full-width forms; Korean has spaces
    "\u2e80-\u303f\u3041-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60"
)
_WIDE_ENDS = re.compile(f"[{WIDE}\U00020000-\U0003ffff]")
_BEFORE_CLOSING = re.compile(f"(?<=[{WIDE}]) +(?=[，。、；：！？）》」』】〉”’])")
_OWN_LINE = re.compile(  # bullets and numbers of lists; they begin a line of their own
    r"[•·●○◦▪■□◆►▶➢✓\uf0b7\uf0a7*†‡]\s*\S|[-–—]\s+\S|[(（]?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5}|[一二三四五六七八九十]{1,3})[)）、][\s\S]|"
    r"\d{1,2}(?:\.\d{1,3}){0,4}\.?\s+\S|第[一二三四五六七八九十百千0-9]+[章节節条條篇部]"
)
_LEADERS = re.compile(r"(?:\. ?){4,}|…{2,}|_{4,}")  # a table of contents, a form
_FIGURES = re.compile(r"[\d.,%$€£¥()+\-–—/]*\d[\d.,%()]*")
_TWO_NUMBERS = re.compile(r"\d[^ ]* (?:.* )?[^ ]*\d")
_SENTENCE_ENDS = (".", "。", "!", "?", "！", "？", ":", "：", "”", "」")
_FIRST_WORD = re.compile(r"[^\s-]+-?")
_HYPHEN = re.compile(r"([^\W\d_]+)\ufffe\s*([^\W\d_]+)")
_LEFT_HYPHEN = re.compile(r"\s*\ufffe\s*")
_WORD = re.compile(r"[a-z]{3,}")
_LIGATURE = re.compile("[\ufb00-\ufb06]")
_LIGATURES = ("ff", "fi", "fl", "ffi", "ffl", "st", "st")
_MANY_ENDS = re.compile(r"\n{3,}")
_PREFIXES = """
all anti co cross ex extra full half high inter intra long low mid mini mono multi near non off on over post pre pro
pseudo quasi re self semi short single socio sub super two three tri ultra un under well
"""
_NEAR = 8  # lines before and after one that tell how wide its column is
_PAGES = 32  # whose words are remembered when they are wanted
_KNOWN = 40_000  # words that are remembered


@dataclass(frozen=True, slots=True)
class Box:
    """Where a line lies, in points from the lower left corner of the page: its first character's left, its last one's
    right, and the first one's foot and height, those of its font. A line with a hyphen that PDFium took away ends
    further down (`last_foot`)."""

    left: float
    right: float
    foot: float
    height: float
    last_foot: float


class Words:
    """The words of a document so far, to tell `govern-ment` from `non-human` where a line ends in a hyphen."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._pages: deque[str] = deque(maxlen=_PAGES)  # not looked at yet: most documents never ask

    def learn(self, text: str) -> None:
        if len(self._seen) < _KNOWN:
            self._pages.append(text)

    def join(self, text: str) -> str:
        """`text` without hyphens that only ended a line."""
        while self._pages:
            self._seen.update(_WORD.findall(self._pages.popleft().lower()))
        return _LEFT_HYPHEN.sub("-", _HYPHEN.sub(self._joined, text))

    def _joined(self, found: re.Match[str]) -> str:
        left, right = found[1], found[2]
        low_left, low_right = left.lower(), right.lower()
        whole = low_left + low_right
        if right[0].isupper() and not left.isupper():
            return f"{left}-{right}"
        if whole in self._seen:
            return left + right
        # both halves are words of their own here, so this is a compound; else a word that was cut
        compound = (
            low_right in self._seen and len(low_right) > 3 and (low_left in self._seen or low_left in _PREFIXES.split())
        )
        return f"{left}-{right}" if compound else left + right


class _Column:
    """Lines that follow one another downwards and lie over one another."""

    def __init__(self, first: Box) -> None:
        self.boxes, self.reach = [first], first.right

    def takes(self, box: Box, gap: float) -> bool:
        """Whether the next line goes on with it; then it is in."""
        last = self.boxes[-1]
        apart = last.last_foot - box.foot
        near = -last.height / 2 < apart < max(3 * gap, 3 * last.height)
        if not near or abs(last.left - box.left) > 6 * max(last.height, 6.0) or box.left > self.reach:
            return False
        self.boxes.append(box)
        self.reach = max(self.reach, box.right)
        return True

    def ends_before(self, right: float, place: int) -> bool:
        """Whether the lines around the one at `place` end before `right`, but for one that crosses two columns."""
        if right > self.reach:
            return True
        near = sorted(box.right for box in self.boxes[max(0, place - _NEAR) : place + _NEAR + 1])
        return right > (near[len(near) * 6 // 7] if len(near) > 6 else near[-1])


def paragraphs(text: str, boxes: Sequence[Box | None], words: Words) -> str:
    """The text of a page, `text` as PDFium gives it, `boxes` one for each of its lines: lines of a paragraph joined,
    paragraphs ended by an empty line, other lines (headings, rows, list items) by a line end."""
    lines = text.split("\r\n")
    words.learn(text)
    if len(boxes) != len(lines):
        boxes = [None] * len(lines)
    ends = list(_ends(lines, boxes))
    joined = "".join(part for line, end in zip(lines, [*ends, ""], strict=True) for part in (line.strip(" "), end))
    if "\ufffe" in joined:
        joined = words.join(joined)
    if not joined.isascii():
        joined = _LIGATURE.sub(_letters, _BEFORE_CLOSING.sub("", joined))
    return _MANY_ENDS.sub("\n\n", joined) if "\n\n\n" in joined else joined


def _letters(ligature: re.Match[str]) -> str:
    return _LIGATURES[ord(ligature[0]) - 0xFB00]


def _ends(lines: Sequence[str], boxes: Sequence[Box | None]) -> Iterator[str]:
    """What stands between each line and the next: nothing, a space, a line end or an empty line."""
    gap = _usual_gap(boxes)
    columns = _columns(boxes, gap)
    for n in range(len(lines) - 1):
        line, following = lines[n].rstrip(), lines[n + 1].lstrip()
        here, there, column = boxes[n], boxes[n + 1], columns[n]
        if not line or not following:
            yield "\n"
        elif here is None or there is None or column is None:
            yield _glue(line, following) if _WIDE_ENDS.match(line[-1]) and _WIDE_ENDS.match(following[0]) else "\n"
        else:
            yield _between(line, following, here, there, gap, *column)


def _between(line: str, following: str, here: Box, there: Box, gap: float, column: _Column, place: int) -> str:
    down = here.last_foot - there.foot
    tall = max(here.height, there.height, 1.0)
    elsewhere = down < -tall / 2 or down > 6 * tall  # the next column, or a header at the foot
    if not elsewhere and down > max(1.45 * gap, 0.6 * tall):
        return "\n\n"
    if _own_lines(line, following):
        return "\n"
    width = (here.right - here.left) / max(1, len(line) - line.rfind("\ufffe") - 1)
    first = _FIRST_WORD.match(following)
    needed = width * (1.5 if _WIDE_ENDS.match(following[0]) else len(first[0]) + 0.8 if first else 2)
    full = column.ends_before(here.right + needed + width, place)
    ended = line.endswith(_SENTENCE_ENDS)
    if elsewhere:
        return _glue(line, following) if full and not ended and abs(down) > 4 * tall and len(line) > 12 else "\n\n"
    if not full:
        return "\n\n" if ended else "\n"
    if ended and there.left > here.left + 0.8 * tall:  # an indented line begins a paragraph
        return "\n\n"
    if not 0.85 < here.height / max(there.height, 0.1) < 1.18:  # a heading in larger letters
        return "\n"
    return _glue(line, following)


def _own_lines(line: str, following: str) -> bool:
    if _OWN_LINE.match(following) or ((line.count(".") > 3 or "…" in line or "_" in line) and _LEADERS.search(line)):
        return True
    return figures(line) and figures(following)


def figures(line: str) -> bool:
    """Whether it looks like the row of a table: a third of its words are numbers, at least two."""
    if not _TWO_NUMBERS.search(line):
        return False
    parts = line.split()
    numbers = sum(1 for part in parts if _FIGURES.fullmatch(part))
    return numbers >= 2 and numbers * 3 >= len(parts)


def _glue(line: str, following: str) -> str:
    return "" if _WIDE_ENDS.match(line[-1]) or _WIDE_ENDS.match(following[0]) else " "


def _usual_gap(boxes: Sequence[Box | None]) -> float:
    """Points from line to line, as most of them are apart; 0 if nobody can tell."""
    gaps = [
        here.last_foot - there.foot
        for here, there in pairwise(boxes)
        if here and there and 0.5 * here.height < here.last_foot - there.foot < 4 * max(here.height, there.height)
    ]
    return median(gaps) if gaps else 0.0


def _columns(boxes: Sequence[Box | None], gap: float) -> list[tuple[_Column, int] | None]:
    """For each line its column, and which of its lines it is."""
    columns: list[tuple[_Column, int] | None] = []
    column: _Column | None = None
    for box in boxes:
        if box is None:
            column = None
        elif column is None or not column.takes(box, gap):
            column = _Column(box)
        columns.append(column and (column, len(column.boxes) - 1))
    return columns
