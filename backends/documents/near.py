"""Which passages say nearly the same: copies, versions, mails that quote one another.

    if same(Sketch(one), Sketch(other)): show one of them, and where the other is

Two passages are near-duplicates if their character shingles have a Jaccard likeness of at least 0.8 (Broder, "On the
resemblance and containment of documents", 1997), if they hold the same numbers, and as many words that deny: two
reports that differ in one figure, or two contracts in one "not", are never folded.
"""

import re
from functools import cached_property

from backends.documents.folding import folded

SHINGLE = 5  # characters
SAME = 0.8  # Jaccard likeness of near-duplicates
OVERLAPPING = 0.5  # of two passages of a document of which one says little that is new
_PROBES = 16  # shingles; where hardly one of them is in the other text, all need not be compared

_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_DENYING = re.compile(r"[不没无非未勿莫否]|\b(?:no|not|never|none|nor|without|cannot)\b|n't\b")
_SAID = re.compile(r"[^\W_]+")


class Sketch:
    """What two texts are compared by, without regard to case, width, white space, punctuation, Simplified and
    Traditional. Each part is made when first asked for: most pairs differ in something cheap."""

    def __init__(self, text: str) -> None:
        self._folded = folded(text)

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """As they stand, in order."""
        return tuple(_NUMBER.findall(self._folded))

    @cached_property
    def denials(self) -> int:
        return len(_DENYING.findall(self._folded))

    @cached_property
    def said(self) -> str:
        """The text without what does not count."""
        return "".join(_SAID.findall(self._folded))

    @cached_property
    def shingles(self) -> frozenset[str]:
        said, last = self.said, max(1, len(self.said) - SHINGLE + 1)
        return frozenset([said[at : at + SHINGLE] for at in range(last)]) if said else frozenset()


def likeness(one: Sketch, other: Sketch) -> float:
    """0..1; of two texts that say nothing 0."""
    shared = len(one.shingles & other.shingles)
    return shared / (len(one.shingles) + len(other.shingles) - shared) if shared else 0.0


def alike(one: Sketch, other: Sketch, least: float) -> bool:
    """`likeness` is at least that, of 0.5 or more. (Then at least two thirds of the shingles of the shorter text are in
    the other one: less than a quarter of 16 is not to be expected.)"""
    if one.said == other.said:
        return bool(one.said)
    shorter, longer = sorted((one.said, other.said), key=lambda said: (len(said), said))
    if len(shorter) < least * least * len(longer):
        return False
    step = max(1, (len(shorter) - SHINGLE) // _PROBES)
    probes = [shorter[at : at + SHINGLE] in longer for at in range(0, len(shorter), step)]
    if sum(probes) * 4 < len(probes):
        return False
    return likeness(one, other) >= least


def same(one: Sketch, other: Sketch) -> bool:
    return one.numbers == other.numbers and one.denials == other.denials and alike(one, other, SAME)
