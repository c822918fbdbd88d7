"""Sections -> passages: pieces that are found and quoted, cut where a reader would pause.

A passage of Chinese has 300 to 450 characters, one of English about 900 (both some 200 to 300 tokens); a character of
CJK counts double, so a mixed text lies between. Cut after a paragraph if one ends in the last half, else after a
sentence, else after a clause or a word, else where it is full. Rows of tables stay whole unless one row alone is too
long. Headings are not cut in: each section carries its own.

A document that is no more than a page (`PAGE`) of text is one passage: it has one place among the hits however it is
cut, and a question's words stand all over it. Measured, recall@5 with 1, 2, 3 and any number of passages kept whole:
SQuAD 93.5, 94.1, 94.2, 94.2, XQuAD-zh 99.0, 99.0, 99.1, 99.1; the same on questions that were held out. Longer ones
are cut from their beginning: what answers is a part of them.
"""

import re
from collections.abc import Iterator

from backends.documents.types import Language, Section

FULL = 900  # a passage at most, in halves of a CJK character
PAGE = 3 * FULL  # what is all of its document
_SAMPLE = 4000  # characters that show a language
LEAST = 300  # what would be left at the end of a section and is shorter shares with the passage before it

_CJK = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_IS_CJK = re.compile(f"[{_CJK}]+")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_KANA = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]+")
_LATIN = re.compile(r"[A-Za-z]+")

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_LINE = re.compile(r"\n+")
_SENTENCE = re.compile(r"[。！？；…]+[”’」』）\]\"']*\s*|[.!?]+[”’)\]\"']*\s+")
_CLAUSE = re.compile(r"[，、：,;:]\s*")
_WORD = re.compile(r"\s+")
_PROSE = (_PARAGRAPH, _SENTENCE, _LINE, _CLAUSE, _WORD)
_ROWS = (_LINE, _WORD)
LONGEST_ROW = 4 * FULL  # characters of a row that is kept whole


def chunks(section: Section, *, alone: bool = False) -> Iterator[tuple[int, int]]:
    """Places in `section.text`, in order, without white space at their ends. They cover all that is not white space
    and do not overlap. `alone`: it is all of its document."""
    text = section.text
    ends = _ROWS if section.kind in ("table", "code") else _PROSE
    start, length = _skip(text, 0), len(text.rstrip())
    if alone and ends is _PROSE and start < length <= start + PAGE and _weight(text, start, length) <= PAGE:
        yield start, length
        return
    while start < length:
        full = _full(text, start, length)
        end = length if full >= length else _cut(text, start, full, ends)
        if 0 < length - end < LEAST and _weight(text, end, length) < LEAST and section.kind == "text":
            end = _middle(text, start, length, ends)  # rather two of a size than one and a crumb
        stop = start + len(text[start:end].rstrip())
        yield start, stop
        start = _skip(text, end)


def language(text: str) -> Language:
    """What most of it is written in: a Chinese character says as much as about two Latin letters and a half."""
    text = text[:_SAMPLE]
    han, kana = (len(text) - len(each.sub("", text)) for each in (_HAN, _KANA))
    latin = len(text) - len(_LATIN.sub("", text))
    if han * 2.5 > latin and kana * 4 < han:
        return "zh"
    return "en" if latin > max(han, kana) * 2.5 else ""


def _weight(text: str, start: int, end: int) -> int:
    piece = text[start:end]
    return 2 * len(piece) - len(_IS_CJK.sub("", piece))


def _full(text: str, start: int, length: int) -> int:
    """Where a passage from `start` is full."""
    end = min(start + FULL, length)
    if text.isascii():
        return end
    weight = _weight(text, start, end)
    while weight > FULL:
        fewer = max(1, min(end - start - 1, int((end - start) * FULL / weight)))
        weight -= _weight(text, start + fewer, end)
        end = start + fewer
    return end


def _cut(text: str, start: int, full: int, ends: tuple[re.Pattern[str], ...]) -> int:
    """The last good place between the half and `full`; of rows, after the last whole one."""
    half = start + (full - start) // 2
    if ends is _ROWS:
        half = start
        row = text.find("\n", start, start + LONGEST_ROW)
        if row >= full or (row < 0 and len(text) - start <= LONGEST_ROW):
            return row + 1 if row > 0 else len(text)
    for pattern in ends:
        last = 0
        for found in pattern.finditer(text, half, full):
            last = found.end()
        if last:
            return last
    return full


def _middle(text: str, start: int, length: int, ends: tuple[re.Pattern[str], ...]) -> int:
    """A good place near the middle of what is left."""
    middle = start + (length - start) // 2
    reach = (length - start) // 6
    for pattern in ends:
        places = [found.end() for found in pattern.finditer(text, middle - reach, middle + reach)]
        if places:
            return min(places, key=lambda place: abs(place - middle))
    return middle


_SPACE = re.compile(r"\s*")


def _skip(text: str, start: int) -> int:
    found = _SPACE.match(text, start)
    return found.end() if found else start
