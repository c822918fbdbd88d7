"""Chinese and Latin in one line: which font each part is set in, and where a little room stands between them.

Quotes, dashes and dots are the same characters in both scripts. Beside Chinese they are Chinese: as wide as its
characters, in its font. The room between scripts is none of the text: nobody copies it.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from app.spans import Span

GAP = 0.2  # em, between a Chinese character and a Latin letter or digit
_EITHER = "“”‘’…—·"
_PAIRS = {"”": "“", "’": "‘"}
_LETTER = "\u2e80-\u2fff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_LATIN = "0-9A-Za-z\u00b5\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff"
_GAP = re.compile(f"(?<=[{_LETTER}])(?=[{_LATIN}])|(?<=[{_LATIN}%°])(?=[{_LETTER}])")
_RUN = re.compile(
    "(?P<wide>[\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]+)"
    f"|(?P<either>[{_EITHER}])|(?P<latin>(?:(?![{_EITHER}])[^\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
    "\U00020000-\U0003ffff])+)"
)
_TAIL = re.compile(r"[.,;:!?)\]，。；：！？、）】》」』”’…]{1,3}")


@dataclass(frozen=True, slots=True)
class Run:
    """Part of a span. `wide`: to be set as Chinese. `gap`: room follows."""

    span: Span
    wide: bool
    gap: bool
    tail: str = ""  # of a formula: what may not begin the next line; Qt would break there

    @property
    def narrow(self) -> bool:
        """It has quotes or dashes that are Latin here; Chinese fonts draw them wide unless told."""
        return not self.wide and any(character in _EITHER for character in self.span.text)


def runs(spans: Sequence[Span]) -> Iterator[Run]:
    """The spans of a paragraph, cut where the font changes and where room is."""
    spans, tails = _with_tails(spans)
    text = "".join("x" if span.formula else span.text for span in spans)
    if text.isascii():
        yield from (Run(span, False, False, tails.get(n, "")) for n, span in enumerate(spans))
        return
    starts, wide = _scripts(text)
    gaps = {found.start() for found in _GAP.finditer(text)}  # room stands before these
    cuts = sorted({*starts, *gaps, *(place - 1 for place in gaps)})
    at = 0
    for index, span in enumerate(spans):
        end = at + (1 if span.formula else len(span.text))
        if span.formula or span.mark:
            tail = tails.get(index, "")
            yield Run(span, False, bool(span.formula) and not tail and end in gaps, tail)
        else:
            for first, last in pairwise((at, *cuts[bisect_right(cuts, at) : bisect_left(cuts, end)], end)):
                is_wide_here = wide[bisect_right(starts, first) - 1]
                gap = last in gaps and (not span.code or last == end)
                yield Run(replace(span, text=text[first:last]), is_wide_here, gap)
        at = end


def _with_tails(spans: Sequence[Span]) -> tuple[Sequence[Span], dict[int, str]]:
    """The spans without the points and brackets that follow a formula, and those by its place."""
    tails: dict[int, str] = {}
    if not any(span.formula for span in spans):
        return spans, tails
    rest = list(spans)
    for n, (span, after) in enumerate(pairwise(spans)):
        plain = not (after.formula or after.code or after.link or after.mark)
        if span.formula and plain and (tail := _TAIL.match(after.text)):
            tails[n] = tail[0]
            rest[n + 1] = replace(after, text=after.text[tail.end() :])
    return rest, tails


def _scripts(text: str) -> tuple[list[int], list[bool]]:
    """Where parts in one script begin, and which of them are Chinese."""
    found = list(_RUN.finditer(text))
    wide = [part.lastgroup == "wide" for part in found]
    either = [n for n, part in enumerate(found) if part.lastgroup == "either"]
    for n in either:
        wide[n] = n > 0 and wide[n - 1]
    for n in reversed(either):
        wide[n] = wide[n] or (n + 1 < len(found) and wide[n + 1])
    opened: list[int] = []
    for n in either:
        mark = found[n][0]
        if mark in _PAIRS.values():
            opened.append(n)
        elif mark in _PAIRS and opened and found[opened[-1]][0] == _PAIRS[mark]:
            first = opened.pop()
            wide[first] = wide[n] = wide[first] or wide[n]
    kept = [n for n in range(len(found)) if n == 0 or wide[n] != wide[n - 1]]
    return [found[n].start() for n in kept], [wide[n] for n in kept]
