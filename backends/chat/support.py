"""Whether a passage says what a sentence says, by what can be checked without understanding it.

`True` only if one stretch of the passage (at most three sentences) has every number of the sentence (with its unit),
every name, the same negations at the same words, and at least 0.6 of its content words; where the two are nearly the
same words, no number, name or thing in the place of another; nobody in the role of another; no condition, doubt or
restriction left out. What is said of a table, comes from the row and the columns that the sentence names. `None` where
the languages differ and what could be checked (numbers, part numbers, Latin names) holds, or where there is nothing to
check.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from backends.chat.changed import changed
from backends.chat.claims import Claim, Token, claim
from backends.chat.clauses import clauses, keys
from backends.chat.covered import Covering, named
from backends.chat.left_out import left_out
from backends.chat.rivals import rivalled
from backends.chat.roles import active, roles_changed
from backends.chat.sentences import sentences
from backends.chat.tables import rows, told
from backends.documents.folding import folded
from backends.documents.words import language

ENOUGH = 0.6  # of the content words
_STRETCH = 3  # sentences
_NEAR = 3  # content words after a negation that it surely speaks of ...
_CLAUSE = 16  # ... and that it may speak of, where the order of words differs
_SAME = 0.75  # of a negated clause's content words: the sentence says that clause
_BESIDE = 5  # content words on each side of a number or name, one of which must be the same

_LEAD_IN = re.compile(  # words of the answer about its sources
    r"^\s*(?:(?:因此|所以|综上|总之|此外|另外|同时|其中)[，,])?(?:(?:根据|依据|按照|据)[^，,。]{0,12}?(?:资料|文档|文件|来源|原文|段落|内容|文本|记载)"
    r"[^，,。]{0,6}[，,：:]|(?:资料|文档|文件|来源|原文|文中|文本)[^，,。]{0,4}(?:显示|提到|指出|记载|说明|表明|写道)[，,：:]?)"
)


@dataclass(frozen=True, slots=True)
class Support:
    """`start` and `end`: the stretch of the passage that comes nearest, also of what is not `verified`."""

    verified: bool | None
    start: int
    end: int
    covered: float = 0.0


class Passage:
    """A passage that is read once for all the sentences that cite it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.places = list(sentences(text))
        self.pieces = [claim(text[start:end]) for start, end in self.places]
        self.rows = rows(text)
        lines = [(row.start, row.end) for row in self.rows]
        self.tabled = [any(a <= start < b for a, b in lines) for start, _ in self.places]
        self.words = frozenset(token.key for piece in self.pieces for token in piece.tokens if token.kind == "word")
        self.names = frozenset(name for piece in self.pieces for name in piece.plain_names)
        self._read: dict[frozenset[str], _Read] = {}

    @cached_property
    def all(self) -> Claim:
        return claim(self.text, beginning=False)

    @cached_property
    def language(self) -> "_Language":
        return _language(self.text)

    def read(self, words: frozenset[str]) -> "_Read":
        """As it is read beside a sentence with the `words`: a name of the passage that is one of them, is none."""
        lowering = words & self.names
        if lowering not in self._read:
            known = self.words | lowering
            self._read[lowering] = _Read([active(piece.lowered(known)) for piece in self.pieces])
        return self._read[lowering]


class _Read:
    """The sentences of a passage, each in the active voice, and the stretches of them; made when they are asked for."""

    def __init__(self, pieces: Sequence[Claim]) -> None:
        self.pieces = pieces
        self._windows: dict[tuple[int, int], Claim] = {}

    def window(self, first: int, size: int) -> Claim:
        if (first, size) not in self._windows:
            pieces = self.pieces[first : first + size]
            self._windows[first, size] = Claim(tuple(token for piece in pieces for token in (*piece.tokens, _END)))
        return self._windows[first, size]

    @cached_property
    def whole(self) -> Claim:
        return self.window(0, len(self.pieces))


def support(sentence: str, cited: str | Passage) -> Support:
    passage = cited if isinstance(cited, Passage) else Passage(cited)
    said = claim(_LEAD_IN.sub("", sentence))
    places = passage.places
    if not said.content or not places:
        return Support(None, 0, len(passage.text))
    if _languages_differ(_language(sentence), passage.language):
        return Support(_elsewhere(said, passage.all), 0, len(passage.text))
    own = frozenset(token.key for token in said.tokens if token.kind == "word")
    said = active(said.lowered(passage.words | own))
    read = passage.read(own)
    pieces = read.pieces
    best = Support(False, *places[0])
    row = told(said, passage.rows)
    if row is not None:
        return Support(True, row.start, row.end, 1.0)
    apart = bool(passage.rows) and "|" not in folded(sentence)  # what is said of a table, comes from a row of it
    plain = [piece for piece, tabled in zip(pieces, passage.tabled, strict=True) if not (apart and tabled)]
    refused: dict[tuple[int, int], float] = {}
    covering = Covering(said, pieces)
    shared = [covering.shares(n) for n in range(len(pieces))]
    for size in range(1, _STRETCH + 1):
        for first in range(len(places) - size + 1):
            if apart and any(passage.tabled[first : first + size]):
                continue
            if not any(shared[first : first + size]):
                continue
            covered = covering.share(first, size)
            refused[first, size] = covered
            if size > 1 and covered <= max(refused.get((first, size - 1), 0), refused.get((first + 1, size - 1), 0)):
                continue  # what was refused without this sentence, is not made better by it
            place = places[first][0], places[first + size - 1][1]
            if covered >= ENOUGH and _verified(said, read.window(first, size), read, single=size == 1):
                return Support(True, *place, covered)
            if covered > best.covered + 0.05 * (size > 1):
                best = Support(False, *place, covered)
        if size == 1 and any(_alike(said, piece) and changed(said, piece) for piece in plain):
            return best
    return best


def _verified(said: Claim, window: Claim, read: _Read, *, single: bool) -> bool:
    return _holds(said, window, single=single) and not _of_another(said, window, read.whole)


def _alike(said: Claim, piece: Claim) -> bool:
    """Enough words in common that one of them can have been changed."""
    common = sum(token.key in piece.keys for token in said.content)
    return common > 1 or 2 * common >= len(said.content)


_Language = tuple[str | None, float]
"""What is known of it, and the share of Chinese characters among the letters."""


def _language(text: str) -> _Language:
    return language(text), _han_share(text)


def _languages_differ(one: _Language, other: _Language) -> bool:
    if one[0] and other[0]:
        return one[0] != other[0]
    return abs(one[1] - other[1]) > 0.5


def _han_share(text: str) -> float:
    letters = [character for character in text if character.isalpha()]
    return sum("\u3400" <= character <= "\u9fff" for character in letters) / max(1, len(letters))


def _elsewhere(said: Claim, passage: Claim) -> bool | None:
    """In another language: only numbers in figures and names in figures and Latin letters can be missing."""
    there = {number.value for number in passage.numbers}
    if any(number.value not in there for number in said.numbers if not number.spelled):
        return False
    latin = any(token.key.isascii() and token.kind in ("name", "word") for token in passage.tokens)
    mixed = any(token.kind == "han" for token in said.tokens)  # Latin words in a Chinese sentence are copied ones
    for name in said.names:
        copied = any(c.isdigit() for c in name.key) or (mixed and latin and name.key.isascii())
        if copied and not named(name, passage):
            return False
    return None


# ---- what must hold


def _holds(said: Claim, window: Claim, *, single: bool) -> bool:
    return (
        all(_counted(number.value, number.unit, window) for number in said.numbers)
        and all(named(name, window) for name in said.names)
        and _in_place(said, window)
        and _negated_alike(said, _clause_of(said, window))
        and not changed(said, window, single=single)
        and not rivalled(said, window)
        and not roles_changed(said, window)
        and not left_out(said, window)
    )


def _clause_of(said: Claim, window: Claim) -> Claim:
    """The one clause that has all the words, if there is one: the others are of something else."""
    mine = said.once(keys)
    for a, b in window.once(clauses):
        if mine <= keys(window.tokens[a:b]):
            return Claim(window.tokens[a:b])
    return window


def _of_another(said: Claim, window: Claim, whole: Claim) -> bool:
    """Words of the sentence stand elsewhere in the passage alone, and there is what it should have said of them."""
    han = frozenset(key for key in said.pairs if key in whole.pairs and key not in window.pairs)
    words = (one.key for one in said.content if one.kind != "han" and one.key not in window.keys)
    return (bool(han) or any(word in whole.keys for word in words)) and rivalled(said, whole)


def _counted(value: str, unit: str, window: Claim) -> bool:
    """There with the same unit. One that has none there may share that of the number after it ("10 to 20 km"), or have
    it in its column's head, if no other number has that unit."""
    for place, token in enumerate(window.tokens):
        other = token.quantity
        if other is None or other.value != value:
            continue
        if unit == other.unit or not unit:
            return True
        beside = window.tokens[place + 1].key if place + 1 < len(window.tokens) else ""
        if beside in _MEASURES and _MEASURES[beside] != unit:
            continue
        if not other.unit and unit not in ("%", "pp"):
            after = next((one for one in window.tokens[place + 1 : place + 4] if one.content), None)
            shared = after is not None and after.quantity is not None and after.quantity.unit == unit
            if (
                shared
                or _of_the_one_before(window.tokens, place, unit)
                or all(one.unit != unit for one in window.numbers)
            ):
                return True
    return False


def _of_the_one_before(tokens: Sequence[Token], place: int, unit: str) -> bool:
    """ "from 4.1 million euros in 2021 to 5.3 million in 2022": "to" leads to it, and it has no noun of its own."""
    beside = [token.key for token in tokens[max(0, place - 1) : place]]
    if beside not in (["to"], ["至"], ["到"]) or (place + 1 < len(tokens) and tokens[place + 1].content):
        return False
    for token in reversed(tokens[:place]):
        if token.key in _ENDS:
            return False
        if token.quantity is not None and token.quantity.unit:
            return token.quantity.unit == unit
    return False


def _in_place(said: Claim, window: Claim) -> bool:
    """Each number and name no oftener than there, and beside a word that it stands beside there, too: a number of the
    passage, but of something else, is not what was said."""
    ours = [token.key for token in said.tokens if token.strong]
    theirs = [token.key for token in window.tokens if token.kind in ("number", "name", "word")]
    around, there = said.once(_surroundings), window.once(_surroundings)
    dates = said.once(_dated) & window.once(_dated)
    for key in set(ours):
        if key in theirs and ours.count(key) > theirs.count(key):
            return False
        if key in dates or key not in there or not around[key] or not there[key]:
            continue
        if not around[key] & there[key]:
            return False
    return True


def _surroundings(tokens: Sequence[Token]) -> dict[str, set[str]]:
    """Of each number and name: the content words near it, in its sentence."""
    found: dict[str, set[str]] = {}
    begin = 0
    for end in [n for n, token in enumerate(tokens) if token.key in _ENDS] + [len(tokens)]:
        content = [token for token in tokens[begin:end] if token.content]
        for place, token in enumerate(content):
            if token.kind in ("number", "name", "word"):
                before = [one.key for one in content[:place] if one.kind != "number"][-_BESIDE:]
                after = [one.key for one in content[place + 1 :] if one.kind != "number"][:_BESIDE]
                found.setdefault(token.key, set()).update(before, after)
        begin = end + 1
    return found


def _dated(tokens: Sequence[Token]) -> set[str]:
    """Months and the numbers beside them: when something was may be said at either end of a sentence."""
    found: set[str] = set()
    for place, token in enumerate(tokens):
        if token.key.startswith("#m"):
            found |= {one.key for one in tokens[max(0, place - 1) : place + 4] if one.kind == "number"}
    return found


_NEXT = frozenset(("and", "but", "while", "whereas", "although", "though"))
_END = Token("stop", ".")
_MEASURES = {"日": "d", "月": "month", "年": "year", "周": "week"} | dict.fromkeys("人名个件次台", "")
_ENDS = (".", "!", "?", "。", ";", "|")


# ---- negations


def _scopes(tokens: Sequence[Token], most: int = _NEAR) -> list[tuple[str, ...]]:
    """Of each negation: the content words after it, the nearest first."""
    found: list[tuple[str, ...]] = []
    for place, token in enumerate(tokens):
        if token.kind != "not":
            continue
        after: list[str] = []
        room = 2 * most  # a Chinese word has about two characters
        for other in tokens[place + 1 :]:
            if other.kind == "stop" or room <= 0 or (after and other.key in _NEXT):
                break
            if other.content:
                after.append(other.key)
                room -= 1 if other.kind == "han" else 2
        if not after:  # "He did not."
            after = [other.key for other in reversed(tokens[:place]) if other.content][:_NEAR]
        found.append(tuple(after))
    return found


def _negated_alike(said: Claim, window: Claim) -> bool:
    ours, theirs = said.once(_scopes), window.once(_scopes)
    if len(ours) > len(theirs) or _negation_lost(said.tokens, window.tokens):
        return False
    if not ours and _verb_freed(said, window):
        return False
    far_ours, far_theirs = _scopes(said.tokens, _CLAUSE), _scopes(window.tokens, _CLAUSE)
    for near, far in zip(ours, far_ours, strict=True):
        by_theirs = any(_overlap(far, other) for other in theirs)
        if not by_theirs and not any(_overlap(near, other) for other in far_theirs):
            return False
    for near, far in zip(theirs, far_theirs, strict=True):
        there = [key for key in near if key in said.keys]
        if not there or len(there) < min(2, len(near)):
            continue
        if any(_overlap(near, other) for other in far_ours) or any(_overlap(far, other) for other in ours):
            continue
        if _together(there[:2], said.tokens):
            return False
    return True


def _negation_lost(ours: Sequence[Token], theirs: Sequence[Token]) -> bool:
    """Two words that always follow a negation there, and never here: 能在 of 不能在."""
    here, there = _after_what(ours, near=2), _after_what(theirs, near=1)
    return any(all(negated) and pair in here and not any(here[pair]) for pair, negated in there.items())


def _verb_freed(said: Claim, window: Claim) -> bool:
    """A clause has a negation before its verb, and the sentence has the clause and no negation, in whatever voice:
    "does not cover damage" is not "damage is covered". What the passage has without a negation, too, is of that."""
    plain: set[str] = set()
    negated: list[tuple[str, frozenset[str]]] = []
    for a, b in window.once(clauses):
        content = [token for token in window.tokens[a:b] if token.content]
        scopes = _scopes(window.tokens[a:b])
        if not scopes:
            plain.update(token.key for token in content)
        negated += [(scope[0], frozenset(token.key for token in content)) for scope in scopes if scope]
    return any(
        verb in said.keys and verb not in plain and len(verb) > 1 and len(keys & said.keys) >= _SAME * len(keys)
        for verb, keys in negated
    )


def _after_what(tokens: Sequence[Token], near: int) -> dict[tuple[str, str], list[bool]]:
    """Of each two neighbouring words: whether a negation is one of the `near` before them."""
    found: dict[tuple[str, str], list[bool]] = {}
    for place in range(len(tokens) - 1):
        one, two = tokens[place], tokens[place + 1]
        if "stop" not in (one.kind, two.kind) and "not" not in (one.kind, two.kind):
            found.setdefault((one.key, two.key), []).append(_follows_not(tokens[max(0, place - near) : place]))
    return found


def _follows_not(before: Sequence[Token]) -> bool:
    """At once, or after one small word: "not by the courts", 没有及时."""
    kinds = [token.kind for token in before]
    return kinds[-1:] == ["not"] or kinds == ["not", "part"]


def _overlap(one: Sequence[str], other: Sequence[str]) -> bool:
    """They speak of the same: one word, or two Chinese characters."""
    common = set(one) & set(other)
    characters = all(len(key) == 1 for key in (*one, *other))
    return len(common) >= (2 if characters and min(len(one), len(other)) > 1 else 1)


def _together(keys: Sequence[str], tokens: Sequence[Token]) -> bool:
    """The words stand near each other."""
    content = [token.key for token in tokens if token.content]
    if len(keys) == 1:
        return keys[0] in content
    places = [[place for place, one in enumerate(content) if one == key] for key in keys]
    return any(abs(one - other) <= _NEAR for one in places[0] for other in places[1])
