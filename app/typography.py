"""Chinese and Latin in one line: which font each part is set in, and where a little room stands between them.

Quotes, dashes and dots are the same characters in both scripts. Beside Chinese they are Chinese: as wide as its
characters, in its font. The room between scripts is none of the text: nobody copies it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from app.spans import Span, is_wide

GAP = 0.2  # em, between a Chinese character and a Latin letter or digit
_EITHER = frozenset("“”‘’…—·")
_TAIL = re.compile(r"[.,;:!?)\]，。；：！？、）】》」』”’…]{1,3}")
_PAIRS = {"”": "“", "’": "‘"}


@dataclass(frozen=True, slots=True)
class Run:
    """Part of a span. `wide`: to be set as Chinese. `gap`: room follows. `narrow`: it has quotes or dashes that are
    Latin here, which Chinese fonts draw wide unless told."""

    span: Span
    wide: bool
    gap: bool
    tail: str = ""  # of a formula: what may not begin the next line; Qt would break there

    @property
    def narrow(self) -> bool:
        return not self.wide and not _EITHER.isdisjoint(self.span.text)


def runs(spans: Sequence[Span]) -> Iterator[Run]:
    """The spans of a paragraph, cut where the font changes and where room is."""
    spans, tails = _with_tails(spans)
    text = "".join("x" if span.formula else span.text for span in spans)
    if text.isascii():
        yield from (Run(span, False, False, tails.get(n, "")) for n, span in enumerate(spans))
        return
    wide = _wide(text)
    at = 0
    for index, span in enumerate(spans):
        end = at + (1 if span.formula else len(span.text))
        if span.formula or span.mark:
            tail = tails.get(index, "")
            yield Run(span, False, span.formula != "" and not tail and _is_gap(text, end - 1), tail)
        else:
            gaps = [_is_gap(text, n) and not (span.code and n < end - 1) for n in range(at, end)]
            for (is_wide, gap), run in groupby(range(at, end), lambda n: (wide[n], gaps[n - at])):  # noqa: B023
                yield Run(replace(span, text="".join(text[n] for n in run)), is_wide, gap)
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


def _wide(text: str) -> list[bool]:
    wide = [is_wide(character) for character in text]
    opened: list[int] = []
    for either, run in groupby(range(len(text)), lambda n: text[n] in _EITHER):
        places = list(run)
        if not either:
            continue
        first, last = places[0], places[-1]
        beside = (first > 0 and wide[first - 1]) or (last + 1 < len(text) and wide[last + 1])
        for n in places:
            wide[n] = beside
    for n, character in enumerate(text):
        if character in _PAIRS.values():
            opened.append(n)
        elif character in _PAIRS and opened and text[opened[-1]] == _PAIRS[character]:
            first = opened.pop()
            wide[first] = wide[n] = wide[first] or wide[n]
    return wide


def _is_gap(text: str, at: int) -> bool:
    """Room between this character and the next."""
    if at + 1 >= len(text):
        return False
    a, b = text[at], text[at + 1]
    return (_is_letter(a) and _is_latin(b)) or ((_is_latin(a) or a in "%°") and _is_letter(b))


def _is_letter(character: str) -> bool:
    return character.isalpha() and is_wide(character)


def _is_latin(character: str) -> bool:
    return character.isalnum() and not is_wide(character)
