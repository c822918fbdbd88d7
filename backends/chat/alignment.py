"""Where a quote stands in a text, although neither was typed like the other.

    align("the oil crisis began in Octo-\\nber 1973", text) -> (104, 139)

Both are compared by their *skeletons*: letters and digits alone, in one width, one case, one script (Simplified), so
that white space, hyphens at line ends, kinds of quotation marks and commas in numbers make no difference. What is not
found whole is looked for in its parts (an ellipsis), then by its fragments of a few characters: most of them must
stand in a stretch of the quote's own length.
"""

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from backends.documents.folding import Places, fold

_KEPT = re.compile(r"[^\W_]+|(?<=\d)\.(?=\d)|[%‰℃]")
_ELLIPSIS = re.compile(r"\s*(?:…+|\.{3,}|[\[［(（]\s*(?:…|\.{3,})\s*[\]］)）])\s*")
_LATIN = re.compile(r"[a-z0-9]")
_GRAM = 4  # characters of a fragment
_ENOUGH = 0.8  # of a quote's fragments
_SLACK = 1.3  # a stretch may be so much longer than the quote
_MANY = 512  # places of one fragment or quote that are looked at


@dataclass(frozen=True, slots=True)
class Skeleton:
    """`kept[i]`: where character i of `text` stands in the folded text, from where `places` leads to the original."""

    text: str
    kept: Sequence[int]
    places: Places

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original range of the skeleton's `start` to `end` (exclusive, not empty)."""
        return self.places.back(self.kept[start], self.kept[end - 1] + 1)


def skeleton(text: str) -> Skeleton:
    folded, places = fold(text)
    kept = array("q")
    parts: list[str] = []
    for match in _KEPT.finditer(folded):
        parts.append(match.group())
        kept.extend(range(*match.span()))
    return Skeleton("".join(parts), kept, places)


def align(quote: str, text: str) -> tuple[int, int] | None:
    """Start and end (exclusive) of the quote in `text`; None if it is not there, or has no letter and no digit."""
    return find(quote, skeleton(text))


def find(quote: str, within: Skeleton) -> tuple[int, int] | None:
    """As `align`, in a text whose skeleton is known: for many quotes of one text."""
    wanted = skeleton(quote).text
    if not wanted:
        return None
    if (start := _whole(wanted, within.text)) is not None:
        return within.span(start, start + len(wanted))
    return _in_parts(quote, within) or _by_fragments(wanted, within)


def _whole(wanted: str, text: str, begin: int = 0) -> int | None:
    """The first place, but rather one that does not begin or end inside a longer number. Words have no borders in a
    skeleton, since an end of a line may stand anywhere."""
    first = place = text.find(wanted, begin)
    for _ in range(_MANY):
        if place < 0:
            break
        end = place + len(wanted)
        torn = (wanted[0].isdigit() and text[place - 1 : place].isdigit()) or (
            wanted[-1].isdigit() and text[end : end + 1].isdigit()
        )
        if not torn:
            return place
        place = text.find(wanted, place + 1)
    return first if first >= 0 and len(wanted) > 3 * _GRAM else None


def _in_parts(quote: str, within: Skeleton) -> tuple[int, int] | None:
    """What stands around an ellipsis, in order."""
    parts = [part for part in (skeleton(part).text for part in _ELLIPSIS.split(quote)) if part]
    if len(parts) < 2:
        return None
    first = end = _whole(parts[0], within.text)
    for part in parts:
        place = _whole(part, within.text, end or 0)
        if place is None:
            return None
        end = place + len(part)
    return None if first is None or end is None else within.span(first, end)


def _by_fragments(wanted: str, within: Skeleton) -> tuple[int, int] | None:
    """Most fragments of the quote in a stretch of its length: a misread letter, a missing word."""
    size = _GRAM if len(_LATIN.findall(wanted)) > len(wanted) // 2 else _GRAM // 2
    if len(wanted) < 4 * size:
        return None
    grams: dict[str, list[int]] = {}
    for place in range(len(wanted) - size + 1):
        grams.setdefault(wanted[place : place + size], []).append(place)
    text, total = within.text, len(wanted) - size + 1
    hits = [
        (place, at)
        for place in range(len(text) - size + 1)
        if (at := grams.get(text[place : place + size])) is not None and len(at) <= _MANY
    ]
    best, begin, counts = (0, 0, 0), 0, [0] * total
    seen = 0
    for last, (place, at) in enumerate(hits):
        for one in at:
            counts[one] += 1
            seen += counts[one] == 1
        while place - hits[begin][0] > len(wanted) * _SLACK:
            for one in hits[begin][1]:
                counts[one] -= 1
                seen -= counts[one] == 0
            begin += 1
        if seen > best[0]:
            best = (seen, begin, last)
    seen, begin, last = best
    if seen < total * _ENOUGH:
        return None
    start, end = hits[begin][0], hits[last][0] + size
    near = [place for place, at in hits[begin : last + 1] if min(at) < max(2, total // 8)]
    return within.span(max(start, near[0]) if near else start, end)
