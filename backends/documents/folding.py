"""What makes two spellings of one word the same: width, case, accents, Traditional and Simplified characters.

NFKC, a table of single characters, lower case. The table holds Traditional -> Simplified (resources/traditional.txt)
and, for Latin and Greek letters, the letter without its accent; marks that stand alone, soft hyphens and other
characters without width go. Measured on 3,000 Chinese texts, whole-phrase conversion differs from the table in 5.
"""

import bisect
import functools
import re
import unicodedata
from array import array
from collections.abc import Sequence

from backends.core.paths import resource

_ACCENTED = ((0xC0, 0x250), (0x370, 0x400), (0x1E00, 0x2000))  # Latin, Greek, and both with rare accents
_SPELLED = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ħ": "h", "ı": "i"}
_SPELLED |= {"ŋ": "n", "ŧ": "t", "ё": "е", "ς": "σ"}
_DROPPED = (
    *range(0x300, 0x370),  # combining accents that NFKC found no letter for
    *range(0x591, 0x5C8),  # Hebrew points
    *(0x640, 0x670, *range(0x64B, 0x660)),  # Arabic vowel signs
    *(0xAD, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF, *range(0xFE00, 0xFE10)),  # no width
)
_SAME = {"’": "'", "‘": "'", "ʼ": "'", "‐": "-", "‑": "-", "‒": "-", "–": "-", "−": "-", "･": "・"}
_FEW = 12  # characters of a text that change; one by one they are faster than the table
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u1160-\u11ff\u3099\u309a\uff9e\uff9f\ufe00-\ufe0f"
_CLUSTER = re.compile(rf".[{_MARKS}]*", re.S)
_MARK = re.compile(rf"[{_MARKS}]")


@functools.cache
def table() -> dict[int, str | None]:
    """For `str.translate`, after NFKC. Built once, in some milliseconds."""
    lines = [line for line in resource("traditional.txt").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    made: dict[int, str | None] = {ord(one): other for one, other in zip(lines[0], lines[1], strict=True)}
    for begin, end in _ACCENTED:
        for code in range(begin, end):
            plain = "".join(c for c in unicodedata.normalize("NFD", chr(code)) if not unicodedata.combining(c))
            if plain and plain != chr(code):
                made[code] = plain
    spelled = {ord(one): other for one, other in _SPELLED.items()}
    spelled |= {ord(one.upper()): other.upper() for one, other in _SPELLED.items() if len(one.upper()) == 1}
    made = {one: other and other.translate(spelled) for one, other in made.items()} | spelled
    made |= {ord(one): other for one, other in _SAME.items()}
    made |= dict.fromkeys(_DROPPED)
    return made


def folded(text: str, *, lower: bool = True) -> str:
    """The tolerant form; `lower=False` keeps the case (of what ASCII has)."""
    if text.isascii():
        return text.lower() if lower else text
    made = unicodedata.normalize("NFKC", text)
    if not _changed().isdisjoint(made):
        changed = _changed().intersection(made)
        if len(changed) > _FEW:
            made = made.translate(table())
        else:
            for one in changed:
                made = made.replace(one, table()[ord(one)] or "")
    return made.lower() if lower else made


@functools.cache
def _changed() -> frozenset[str]:
    """The characters of the table. None of them becomes another one of them."""
    return frozenset(chr(code) for code, other in table().items() if other != chr(code))


class Places:
    """Where each character of a folded text comes from in the original."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, starts: Sequence[int], ends: Sequence[int]) -> None:
        self._starts = starts if isinstance(starts, range) else array("q", starts)
        self._ends = ends if isinstance(ends, range) else array("q", ends)

    def __len__(self) -> int:
        return len(self._starts)

    def back(self, start: int, end: int) -> tuple[int, int]:
        """The range of the original that the range `start:end` of the folded text comes from."""
        if start >= end:
            at = self._starts[start] if start < len(self._starts) else (self._ends[-1] if self._ends else 0)
            return at, at
        return self._starts[start], self._ends[end - 1]

    def forth(self, at: int) -> int:
        """The first place in the folded text of what stands at `at` or after it in the original."""
        return bisect.bisect_left(self._starts, at)


def fold(text: str) -> tuple[str, Places]:
    """`folded(text)`, and the way back to the original.

    Character by character with its marks, so in rare cases (letters that combine over several clusters) it may differ
    from `folded` of the whole, never in where it points.
    """
    if text.isascii():
        return text.lower(), Places(range(len(text)), range(1, len(text) + 1))
    if not _MARK.search(text):
        becomes = {character: _piece(character) for character in set(text)}
        if all(len(piece) == 1 for piece in becomes.values()):
            made = "".join(map(becomes.__getitem__, text))
            return made, Places(range(len(text)), range(1, len(text) + 1))
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _CLUSTER.finditer(text):
        piece = _piece(match[0])
        if not piece:
            continue
        pieces.append(piece)
        if len(piece) == 1:
            starts.append(match.start())
            ends.append(match.end())
        else:
            starts += [match.start()] * len(piece)
            ends += [match.end()] * len(piece)
    return "".join(pieces), Places(starts, ends)


@functools.lru_cache(20_000)
def _piece(cluster: str) -> str:
    return folded(cluster)
