"""Paragraphs out of the lines of a page, as a person would read them.

PDF knows no paragraphs: PDFium gives lines, ended by CR LF, and U+FFFE in the place of a hyphen that ends one. A line
goes on in the next one if that one's first word would not have fitted behind it; this needs to know where lines begin
and end (`Box`). Chinese and Japanese lines are joined without a space.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

_WIDE = (  # Chinese and Japanese, their punctuation and full-width forms; Korean has spaces
    "\u2e80-\u303f\u3041-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60"
)
_WIDE_ENDS = re.compile(f"[{_WIDE}\U00020000-\U0003ffff]")
_BEFORE_CLOSING = re.compile(f"(?<=[{_WIDE}]) +(?=[，。、；：！？）》」』】〉”’])")
_OWN_LINE = re.compile(  # bullets and numbers of lists; they begin a line of their own
    r"[•·●○◦▪■□◆►▶➢✓\uf0b7\uf0a7*†‡]\s*\S|[-–—]\s+\S|[(（]?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5}|[一二三四五六七八九十]{1,3})[)）、][\s\S]|"
    r"\d{1,2}(?:\.\d{1,3}){0,4}\.?\s+\S|第[一二三四五六七八九十百千0-9]+[章节節条條篇部]"
)
_LEADERS = re.compile(r"(?:\. ?){4,}|…{2,}|_{4,}")  # a table of contents, a form
_FIGURES = re.compile(r"[\d.,%$€£¥()+\-–—/]*\d[\d.,%()]*")
_SENTENCE_ENDS = (".", "。", "!", "?", "！", "？", ":", "：", "”", "」")
_FIRST_WORD = re.compile(r"[^\s-]+-?")
_HYPHEN = re.compile(r"([^\W\d_]+)\ufffe\s*([^\W\d_]+)")
_LEFT_HYPHEN = re.compile(r"\s*\ufffe\s*")
_WORD = re.compile(r"[a-z]{3,}")
_LIGATURES = str.maketrans({0xFB00 + n: text for n, text in enumerate(("ff", "fi", "fl", "ffi", "ffl", "st", "st"))})
_PREFIXES = """
all anti co cross ex extra full half high inter intra long low mid mini mono multi near non off on over post pre pro
pseudo quasi re self semi short single socio sub super two three tri ultra un under well
"""
_NEAR = 8  # lines before and after one that tell how wide its column is
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

    def learn(self, text: str) -> None:
        if len(self._seen) < _KNOWN:
            self._seen.update(_WORD.findall(text.lower()))

    def join(self, text: str) -> str:
        """`text` without hyphens that only ended a line."""
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
    joined = _BEFORE_CLOSING.sub("", joined.translate(_LIGATURES))
    return re.sub(r"\n{3,}", "\n\n", joined)


def _ends(lines: Sequence[str], boxes: Sequence[Box | None]) -> Iterator[str]:
    """What stands between each line and the next: nothing, a space, a line end or an empty line."""
    gap = _usual_gap(boxes)
    rights = _column_rights(boxes, gap)
    for n in range(len(lines) - 1):
        line, following = lines[n].rstrip(), lines[n + 1].lstrip()
        here, there = boxes[n], boxes[n + 1]
        if not line or not following:
            yield "\n"
        elif here is None or there is None:
            yield _glue(line, following) if _WIDE_ENDS.match(line[-1]) and _WIDE_ENDS.match(following[0]) else "\n"
        else:
            yield _between(line, following, here, there, gap, rights[n])


def _between(line: str, following: str, here: Box, there: Box, gap: float, right: float) -> str:
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
    full = here.right + needed > right - width
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
    if _OWN_LINE.match(following) or _LEADERS.search(line):
        return True
    return _figures(line) and _figures(following)


def _figures(line: str) -> bool:
    """Whether it looks like the row of a table: a third of its words are numbers, at least two."""
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


def _column_rights(boxes: Sequence[Box | None], gap: float) -> list[float]:
    """For each line, how far the lines of its column reach: those that follow one another downwards and overlap."""
    rights: list[float] = []
    block: list[Box] = []
    reach = 0.0

    def close() -> None:
        for n in range(len(block)):
            near = sorted(box.right for box in block[max(0, n - _NEAR) : n + _NEAR + 1])
            rights.append(near[len(near) * 6 // 7] if len(near) > 6 else near[-1])  # but for a line across two columns
        block.clear()

    for box in boxes:
        if box is None:
            close()
            rights.append(0.0)
            continue
        if block:
            last = block[-1]
            apart = last.last_foot - box.foot
            near = -last.height / 2 < apart < max(3 * gap, 3 * last.height)
            if not near or abs(last.left - box.left) > 6 * max(last.height, 6.0) or box.left > reach:
                close()
        if not block:
            reach = box.right
        block.append(box)
        reach = max(reach, box.right)
    close()
    return rights
