"""What can be checked in a sentence: its numbers, names, negations and content words, in order."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal, TypeVar

from backends.chat.quantities import NUMBER, UNITS, Quantity, begins, quantities
from backends.chat.wording import reworded
from backends.documents.folding import folded
from backends.documents.words import stem

T = TypeVar("T")
Kind = Literal["number", "name", "word", "han", "not", "part", "stop"]
"""`han`: one Chinese character; `part`: a word or character that says nothing alone; `stop`: punctuation."""


@dataclass(frozen=True, slots=True)
class Token:
    """`key` is what is compared. `quantity` only of numbers. `first`: a capital that may only be the sentence's."""

    kind: Kind
    key: str
    quantity: Quantity | None = None
    first: bool = False
    content: bool = field(init=False, compare=False, repr=False)
    strong: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "content", self.kind in ("number", "name", "word", "han"))
        object.__setattr__(self, "strong", self.kind in ("number", "name"))


@dataclass(frozen=True, eq=False)
class Claim:
    """The tokens of a sentence, or of a stretch of several, and what has been made of them."""

    tokens: tuple[Token, ...]
    _made: dict[Callable[..., Any], Any] = field(default_factory=dict, repr=False)

    def once(self, make: "Callable[[Sequence[Token]], T]") -> T:
        """What `make` makes of the tokens; a second time the same."""
        if make not in self._made:
            self._made[make] = make(self.tokens)
        return self._made[make]

    @cached_property
    def content(self) -> tuple[Token, ...]:
        return tuple(token for token in self.tokens if token.content)

    @cached_property
    def keys(self) -> frozenset[str]:
        return frozenset(token.key for token in self.tokens if token.content)

    @cached_property
    def plain_names(self) -> frozenset[str]:
        """Its names, as words."""
        return frozenset(stem(_base(token.key)) for token in self.tokens if token.kind == "name")

    def lowered(self, words: Collection[str]) -> "Claim":
        """The same, where a name is none if the word stands among `words` in small letters, too (a Title), or at the
        beginning of a sentence and made like no name ("Researchers", "Interestingly")."""
        if not self.names:
            return self
        return Claim(tuple(_lowered(token, words) for token in self.tokens))

    @cached_property
    def numbers(self) -> tuple[Quantity, ...]:
        return tuple(token.quantity for token in self.tokens if token.quantity is not None)

    @cached_property
    def names(self) -> tuple[Token, ...]:
        return tuple(token for token in self.tokens if token.kind == "name")

    @cached_property
    def pairs(self) -> frozenset[str]:
        """Neighbouring Chinese characters."""
        found: set[str] = set()
        before = ""
        for token in self.tokens:
            character = token.key if len(token.key) == 1 and token.kind in ("han", "part", "not") else ""
            if before and character:
                found.add(before + character)
            before = character
        return frozenset(found)


def _lowered(token: Token, words: Collection[str]) -> Token:
    if token.kind != "name":
        return token
    plain = stem(_base(token.key))
    if plain in words or (token.first and _NO_NAME.search(token.key)):
        return Token("word", plain)
    return Token("part", token.key) if token.first and token.key.endswith("ly") and len(token.key) > 6 else token


_NO_NAME = re.compile(r"...(?:ing|ed|[eo]rs|tions?|ments?|ness|ities|ity|ists|ants|ents|ives|ous|ful|able|less|ism)$")


_WORD = re.compile(
    r"""(?P<identifier>(?=[A-Za-z0-9_./+-]*[A-Za-z])(?=[A-Za-z0-9_./+-]*\d)[A-Za-z0-9]+(?:[-_./+][A-Za-z0-9]+)*)
      | (?P<short>(?:[A-Z]\.){2,}|[A-Z]&[A-Z])
      | (?P<latin>[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff]+
          (?:['][^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff]+)?)
      | (?P<not>无法|没有|并非|从未|未曾|尚未|绝不|毫无|并未|并不|不再|不是|不)
      | (?P<han>[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff])
      | (?P<stop>[^\w\s])""",
    re.VERBOSE,
)
_QUANTITY_LIKE = re.compile(r"\d[\d,.]*(?:st|nd|rd|th|s|km|kg|cm|mm|mg|ml|ft|mb|gb|tb|hz|kw|mw|bn|mn|[kmgtvwl])", re.I)
_WITH_HYPHEN = re.compile(r"^\d[\d,.]*-(?=[a-z]{3})")
_ENGLISH_NOT = "not no never without neither nor none nobody nothing nowhere cannot non"
_NOT_WORDS = frozenset(_ENGLISH_NOT.split())
_NEGATIVE = {"没", "无", "未", "非", "勿", "莫", "否"}
_NO_NEGATION = re.compile(  # 不 and its like are a part of the word here
    "不同|不仅|不但|不过|不断|不少|不论|不管|不久|不得不|不愧|不妨|不禁|不惜|不料|不只|不止|不单|不约而同|无论|无数|无线|"
    "无锡|无双|无疑|无穷|无机|非常|非洲|非但|非得|除非|[东西南北]非|是非|未来|是否|否则|否定|否认|能否|可否|没落|没收|[沉淹埋出]没|"
    "不良|不利|不幸|不当|不满|不安|不法|不足|不便|不等|不详|不明|不锈|不动产|莫斯科|莫扎特|莫里|约翰|阿非"
)
_LINES = re.compile(r"(?<=[a-z])[-\u00ad\ufffe]\s*\n\s*(?=[a-z])|(?<=[\u3400-\u9fff])\s*\n\s*(?=[\u3400-\u9fff])")
_SPACES = re.compile(r"\s+")
_MARKUP = re.compile(r"[*_`#|~>]+")
_ENGLISH_PARTS = (
    "a an the of in on at to for from by with as and or but if is are was were be been being am do does did doing done "
    "has have had having what which who whom whose when where why how that this these those it its there their theirs "
    "they them he she his her hers him we us our you your i me my can could will would should may might must shall "
    "than then so such into about also both each other others only just very more most some any all while during "
    "however moreover furthermore thus therefore according because since until after before between through over "
    "under up down out off again further once here own same s t d ll ve re m one "
    "unless except provided whether nearly almost notafter "
    "overall hence meanwhile instead besides yet still nevertheless nonetheless given based unlike despite although "
    "though whereas like yes yeah ok indeed using "
    "source sources document documents passage text says said states stated mentions mentioned"
)
_PARTS = frozenset(_ENGLISH_PARTS.split())
_HAN_PARTS = frozenset(
    "的了是在和与及或而于以之其也就都被把将从对由到个这那该此为有上中下里着过地得等者所并但则即且们它他她至"
)


def claim(text: str, *, beginning: bool = True) -> Claim:
    """`beginning`: the text begins a sentence, so that the capital of its first word says little."""
    text = reworded(_MARKUP.sub(" ", folded(_SPACES.sub(" ", _LINES.sub("", text)), lower=False)))
    return Claim(tuple(_dates(list(_tokens(text, beginning)))))


def _dates(tokens: list[Token]) -> list[Token]:
    """Month, day, year in this order: as in October 17, 1973, so 17 October 1973."""
    if not any(token.quantity is not None and token.key.startswith("#m") for token in tokens):
        return tokens
    for place in range(1, len(tokens)):
        before, month, after = (*tokens[place - 1 : place + 2], Token("stop", "."))[:3]
        if month.key.startswith("#m") and _is_day(before) and not _is_day(after):
            tokens[place - 1 : place + 1] = month, before
    return tokens


def _is_day(token: Token) -> bool:
    return token.quantity is not None and token.key[1:].isdecimal() and 1 <= int(token.key[1:]) <= 31


def _tokens(text: str, beginning: bool) -> Iterator[Token]:
    place, opening = 0, beginning
    capitals = _all_capitals(text)
    plain = [match.span() for match in _NO_NEGATION.finditer(text)]
    numbers = {match.start(): (match, found) for match, found in _numbers(text)}
    while place < len(text):
        if place in numbers:
            number, found = numbers[place]
            if number["zhmonth"]:
                yield Token("part", "月")  # what stands before it is no day
            for quantity in found:
                yield Token("number", f"#{quantity.value}", quantity)
            place, opening = number.end(), False
            continue
        match = _WORD.match(text, place)
        if match is None:
            place += 1
            continue
        kind, word = match.lastgroup, match.group()
        lexical = bool(plain) and kind in ("not", "han") and any(start <= place < end for start, end in plain)
        if kind == "not" and lexical:
            yield Token("han", text[place])
            place += 1
            continue
        if kind == "latin":
            yield from _latin(word, opening, capitals)
        else:
            yield from _token(kind or "", word, lexical)
        opening = word in ".!?:" or opening if kind == "stop" else False
        place = match.end()


def _measure(word: str) -> bool:
    """km2; 24-hour."""
    return word.lower() in UNITS or _WITH_HYPHEN.sub("", word).lower() in UNITS


def _numbers(text: str) -> Iterator[tuple["re.Match[str]", tuple[Quantity, ...]]]:
    """Matches that are numbers, not the figures of a part number."""
    figures = any(character.isdecimal() for character in text)
    identifiers = [
        match.span("identifier")
        for match in (_WORD.finditer(text) if figures else ())
        if (word := match["identifier"]) and not (_measure(word) or _QUANTITY_LIKE.fullmatch(word))
    ]
    place = 0
    for begin in begins(text):
        if begin < place or (match := NUMBER.match(text, begin)) is None:
            continue
        inside = next(
            (end for start, end in identifiers if start <= match.start() < end or match.start() < start < match.end()),
            0,
        )
        if inside and not match["iso"]:
            place = max(inside, match.start() + 1)
            continue
        found = quantities(match)
        if found is None:
            place = match.start() + 1
            continue
        yield match, found
        place = match.end()


@lru_cache(maxsize=8192)
def _token(kind: str, word: str, lexical: bool) -> tuple[Token, ...]:
    """`kind`: the group of _WORD; `lexical`: within a word in which a character of negation is none."""
    if kind in ("identifier", "short"):
        return (Token("name", re.sub(r"[\W_]", "", word).lower()),)
    if kind == "not":
        return (Token("not", word[0]), *(Token("part", character) for character in word[1:]))
    if kind == "han" and word in _NEGATIVE and not lexical:
        return (Token("not", word),)
    if kind == "han":
        return (Token("part" if word in _HAN_PARTS else "han", word),)
    return (Token("stop", word),)


@lru_cache(maxsize=4096)
def _latin(word: str, opening: bool, capitals: bool) -> tuple[Token, ...]:
    return tuple(_read(word, opening, capitals))


def _read(word: str, opening: bool, capitals: bool) -> Iterator[Token]:
    lower = word.lower()
    if lower.endswith("n't") or lower == "cannot":
        if lower not in ("don't", "doesn't", "didn't", "isn't", "wasn't", "aren't", "weren't"):
            yield Token("part", lower)
        yield Token("not", "not")
        return
    lower = re.sub(r"'s?$|'s$", "", lower)
    if lower in _NOT_WORDS:
        yield Token("not", "not")
    elif lower in _PARTS and not (word.isupper() and len(word) > 1 and not capitals):
        yield Token("part", lower)
    elif word[0].isupper() and not capitals:
        yield Token("name", lower.replace("'", ""), first=opening and not (len(word) > 1 and word[1:].isupper()))
    else:
        yield Token("word", stem(_base(lower.replace("'", ""))))


def _base(verb: str) -> str:
    return _IRREGULAR.get(verb, verb)


_VERBS = """
    be begin:began,begun break:broke,broken bring:brought build:built buy:bought catch:caught choose:chose,chosen
    come:came do:done draw:drew,drawn drive:drove,driven eat:ate,eaten fall:fell,fallen feel:felt fight:fought
    find:found fly:flew,flown forget:forgot get:got,gotten give:gave,given go:went,gone grow:grew,grown hear:heard
    hold:held keep:kept know:knew,known lay:laid lead:led leave:left lend:lent lose:lost make:made mean:meant meet:met
    pay:paid rise:rose,risen run:ran say:said see:saw,seen seek:sought sell:sold send:sent show:shown sing:sang,sung
    sink:sank,sunk sleep:slept speak:spoke,spoken spend:spent stand:stood steal:stole swim:swam take:took,taken
    teach:taught tell:told think:thought understand:understood wear:wore,worn win:won
    write:wrote,written become:became arise:arose
"""
_IRREGULAR = {
    past: one.partition(":")[0] for one in _VERBS.split() for past in one.partition(":")[2].split(",") if past
}


def _all_capitals(text: str) -> bool:
    """A HEADING: its capitals are no names."""
    letters = [c for c in text if c.isascii() and c.isalpha()]
    return len(letters) > 12 and sum(c.isupper() for c in letters) > 0.8 * len(letters)
