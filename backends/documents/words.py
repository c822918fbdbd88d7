"""What a text is searched by: its terms. The same for documents and questions, in both languages, without a model.

    terms("用户手册 AB-1234/56 running")  ->  用 户 手 册 用户 户手 手册 ab 1234 56 ab123456 running run

Runs of Chinese (kana, hangul) become their characters and overlapping pairs; Thai and its neighbours pairs; other words
stay words, English stems beside them. Numbers come with and without their commas, part numbers and identifiers whole
and in parts. `python -m tests.bench retrieval` measures it.
"""

import functools
import hashlib
import json
import re
import threading
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from operator import add

from backends.documents.folding import Places, fold, folded, table
from backends.documents.types import Language

__all__ = ["Places", "fingerprint", "fold", "folded", "language", "line", "lines", "lit", "query_terms", "terms"]

LONGEST = 100  # characters of a term; of what is longer, the first ones

_HAN = r"々〇〻\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_PAIRED = _HAN + r"\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uac00-\ud7a3\u3105-\u312f"
_UNSPACED = (
    r"\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u1049\u1780-\u17d3\u1950-\u19ff"  # Thai, Lao, Burmese, Khmer
)
_MARKS = "".join(chr(c) for c in range(0x900, 0xE00) if unicodedata.category(chr(c)) in {"Mn", "Mc"})  # not in \w
_LETTER = rf"[^\W_{_PAIRED}{_UNSPACED}]"
_TOKEN = re.compile(
    rf"[a-z]+(?=[,.;:]?[ \n])|"  # most words: nothing else is to be tried
    rf"[{_PAIRED}]+|{_LETTER}+(?:[-_./:'@#&,{_MARKS}]{{1,2}}{_LETTER}+)*[+#{_MARKS}]*|[{_UNSPACED}]+"
)
_PART = re.compile(rf"(?:{_LETTER}+[{_MARKS}]*)+")
_JOINTS = re.compile(r"[-_/,&@]|(?<=[^\d]):")
_UNSPACED_RUN = re.compile(rf"[{_UNSPACED}]+")
_FIGURE = re.compile(r"\d")
_FIGURES = re.compile(r"\d+|[^\W\d]+")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_CAMEL = re.compile(r"[a-z0-9][A-Z]")
_CAMEL_WORD = re.compile(r"\b(?=\w*[a-z0-9][A-Z])[A-Za-z0-9]+")
_HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_CJK_BEGINS, _SEA_BEGINS, _SEA_ENDS = "\u2e80", "\u0e01", "\u19ff"

_BETWEEN = "\0"  # stands alone between two texts, and is in none
_SHORT = 64  # characters of a piece that is remembered
_MADE = 100_000
_made: dict[str, str] = {}  # a piece or token -> its terms, spaces between; one for all threads: it is true for ever
_local = threading.local()  # a stemmer is not thread-safe

_SAMPLE = """用户手册：第３章，共 1,024.50 元。臺灣的資訊與軟體發佈；２０２１年ｶﾀｶﾅ、カタカナの用語。
𠮷野家 한국어 검색 สวัสดีชาวโลก हिन्दी
Café Ｎoël naïve Straße ﬁnal soft\u00adware Ελλάς поиск ёлка النَّصّ İstanbul — the author’s books don't
running nationalities organisations flies dying generally, happily: meetings hopping relational were better
AB-1234/56 RTX4090 v1.2.3 12,000 3.14 2021–2022 10:30 50% node.js C++ C# me@example.org 张@例子.com max_tokens=5
getHTTPResponse(userID) snake_case_name https://example.org/a/b?c=d&e=f #tag @name x86_64 --flag λx.x² H₂O ½"""


@functools.cache
def fingerprint() -> str:
    """Of what `terms` gives: an index made with another one is made anew. Some milliseconds. It stands for the whole
    table of characters, and for a sample of everything else: whoever adds a rule adds to the sample what it changes."""
    made = [sorted(table().items()), sorted(terms(_SAMPLE + " " + "x" * (2 * LONGEST)))]
    return hashlib.sha256(json.dumps(made).encode()).hexdigest()[:16]


def terms(text: str) -> list[str]:
    """Every term of a text, as often as it is in it; the order says nothing."""
    return line(text).split()


def line(text: str) -> str:
    """The terms with spaces between: what a full-text index is given."""
    return lines([text])[0]


def lines(texts: Iterable[str]) -> list[str]:
    """`line` of each, in less time than one by one: what stands between two spaces has its terms for itself, so that
    most are remembered, and the Chinese of all texts is taken to pieces at once."""
    kept = [folded(text, lower=False).replace(_BETWEEN, " ") for text in texts]
    pieces = f" {_BETWEEN} ".join(kept).split()
    made = list(map(_made.get, pieces))
    runs: list[str] = []
    ends: list[tuple[int, int]] = []  # a piece with runs: its place, and where its runs end
    for place, piece in enumerate(pieces):
        if made[place] is None:
            made[place], found = _piece(piece)
            if found:
                runs += found
                ends.append((place, len(runs)))
    if runs:
        single = _side_by_side("".join(runs))
        paired = _side_by_side("".join([run[:-1] for run in runs]), "".join([run[1:] for run in runs]))
        first = at = pair = 0
        for place, end in ends:
            to = at + sum(map(len, runs[first:end]))
            pair_to = pair + to - at - (end - first)
            made[place] = f"{made[place]} {single[2 * at : 2 * to]}{paired[3 * pair : 3 * pair_to]}"
            first, at, pair = end, to, pair_to
    return " ".join(filter(None, made)).split("\n") if kept else []


def _piece(piece: str) -> tuple[str, list[str]]:
    """The terms of what stands between two spaces of a folded text, but for its runs of Chinese; and those."""
    if piece == _BETWEEN:
        made, runs = "\n", []
    else:
        tokens = _TOKEN.findall(piece.lower())
        runs = [token for token in tokens if _is_paired(token)]
        found = [_made.get(token) or _split(token) for token in tokens if not _is_paired(token)]
        if _CAMEL.search(piece):
            found += [_humps(word) for word in _CAMEL_WORD.findall(piece)]
        made = " ".join(found)
    if not runs and len(piece) <= _SHORT:
        _remember(piece, made)
    return made, runs


def _remember(piece: str, made: str) -> None:
    if len(_made) >= _MADE:
        _made.clear()
    _made[piece] = made


def _side_by_side(*columns: str) -> str:
    """Columns read by rows, a space after each: ab, xy -> "ax by ". By the bytes of UTF-16, or of UTF-32 if there are
    characters beyond: many times faster than by characters."""
    count, size, coding = len(columns[0]), 2, "utf-16-le"
    data = [column.encode(coding) for column in columns]
    if any(len(each) != size * count for each in data):
        size, coding = 4, "utf-32-le"
        data = [column.encode(coding) for column in columns]
    row = bytes(size * len(columns)) + " ".encode(coding)
    made = bytearray(row) * count
    for place, each in enumerate(data):
        for byte in range(place * size, place * size + size):
            made[byte :: len(row)] = each[byte % size :: size]
    return made.decode(coding)


def _split(token: str) -> str:
    """The terms of one token of the folded text that is no run of Chinese."""
    if _is_unspaced(token):
        return " ".join(map(add, token, token[1:])) or token
    made = stem(token[:LONGEST]) if token.isalpha() else " ".join(_compound(token))
    if len(token) <= _SHORT:
        _remember(token, made)
    return made


def _is_paired(token: str) -> bool:
    return _CJK_BEGINS <= token[0] < "\ufb00" or token[0] >= "\U00020000"


def _is_unspaced(token: str) -> bool:
    return _SEA_BEGINS <= token[0] <= _SEA_ENDS and _UNSPACED_RUN.fullmatch(token) is not None


def _compound(token: str) -> list[str]:
    """A token with figures, joints or marks in it: its parts, and it whole."""
    if "'" in token:
        token = token.removesuffix("'s").replace("'", "")
        if token.isalpha():
            return [stem(token[:LONGEST])]
    found: list[str] = []
    if "@" in token:
        sides = [side for side in _TOKEN.findall(token.replace("@", " ")) if _PART.fullmatch(side) is None]
        found += [side[:LONGEST] for side in sides]
    parts = _PART.findall(token)
    for part in parts:
        found.append(stem(part[:LONGEST]) if part.isalpha() else part[:LONGEST])
        if _FIGURE.search(part) and not part.isdecimal():
            found += [figure[:LONGEST] for figure in _FIGURES.findall(part) if figure != part]
    if len(parts) == 1 and parts[0] == token:
        return found
    if "," in token:
        grouped = _GROUPED.findall(token)
        found += [number.replace(",", "") for number in grouped]
        if not grouped or grouped[0] == token:
            return found
    whole = _JOINTS.sub("", token) if any(c.isalpha() for c in token) else token
    return [*found, whole[:LONGEST]]


def _humps(word: str) -> str:
    """The parts of `camelCase`; it whole is there already."""
    humps = [hump.lower() for hump in _HUMP.findall(word) if hump != word]
    return " ".join(stem(hump[:LONGEST]) if hump.isalpha() else hump[:LONGEST] for hump in humps)


def stem(word: str) -> str:
    """The English stem of a folded word; of a word in other letters or of two letters, itself."""
    if len(word) < 3 or not word.isascii():
        return word
    stemmer = getattr(_local, "stemmer", None)
    if stemmer is None:
        import Stemmer

        stemmer = _local.stemmer = Stemmer.Stemmer("porter", 0)
    return stemmer.stemWord(word)


# ---- questions

_ENGLISH = frozenset(
    re.findall(
        r"\w+",
        "a an the of in on at to for by as and or is are was were be been being am do does did has have had what which "
        "who whom whose when where why how that this these those doe wa ha whi thi",  # the last ones are stems
    )
)
_ASKING = re.compile(
    "请问|請問|为什么|為什麼|怎么样|怎樣|怎么|怎麼|什么样|什么|甚么|什麼|甚麼|多少|几个|哪些|哪里|哪裡|哪儿|哪个|哪一|哪|"
    "是谁|是誰|谁|誰|何时|何時|何处|何地|为何|為何|如何|是否|有没有|有沒有|是不是|能不能|可以吗|吗|嗎|呢|吧|告诉我|告訴我|"
    "为多少|是什么|有什么|有哪|叫什么|叫做什么|叫做甚么|叫作什么"
)
_CHINESE = frozenset("的了是")


def query_terms(text: str) -> list[str]:
    """Terms of a question, each once, in their order; without those that every question has, unless all are."""
    all_terms = list(dict.fromkeys(terms(text)))
    asked = terms(_ASKING.sub(" ", folded(text, lower=False)))
    kept = [term for term in dict.fromkeys(asked) if term not in _CHINESE and term not in _ENGLISH]
    return kept or all_terms


# ---- which language

_COUNTED = re.compile(rf"([{_HAN}])|([\u3041-\u30ff\uac00-\ud7a3])|([a-zA-Z]+)|([^\W\d_])")
_EN_WORDS = frozenset(
    re.findall(r"\w+", "the of and to in is was for that with as by on are from at be this which it an")
)
_OTHERS = frozenset(
    re.findall(
        r"\w+",
        "le la les des du une est et dans que qui pour sur el los las del por con una der das und ist nicht ein eine "
        "mit auf den von zu il di che non per della sono uma não um os em para com het een van niet och att det som",
    )
)


def language(text: str) -> Language:
    """What most of it (of its first 20,000 characters) is written in; of a few words in Latin letters: English."""
    han = kana = letters = other = english = foreign = 0
    for match in _COUNTED.finditer(text, 0, 20_000):
        if match[1]:
            han += 1
        elif match[2]:
            kana += 1
        elif word := match[3]:
            letters += len(word)
            word = word.lower()
            english += word in _EN_WORDS
            foreign += word in _OTHERS
        else:
            other += 1
    if kana * 8 > han + kana:
        han = 0
        other += kana
    if han and han * 3 >= max(letters, other):
        return "zh"
    if letters > other * 4 and letters >= han * 3 and foreign <= english + (letters < 12):
        return "en"
    return ""


# ---- what to light


def lit(text: str, wanted: Collection[str]) -> tuple[tuple[int, int], ...]:
    """Where the terms `wanted` (of `query_terms`) stand: places in the original, in order, apart from each other.

    A single Chinese character is lit only if no pair in `wanted` holds it.
    """
    pattern, spaced = _wanted(frozenset(wanted))
    made, places = fold(text)
    spans: list[tuple[int, int]] = []
    for start, end in _matches(made, pattern, spaced):
        start, end = places.back(start, end)
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return tuple(spans)


@functools.lru_cache(16)
def _wanted(terms: frozenset[str]) -> tuple[re.Pattern[str] | None, frozenset[str]]:
    """What finds those that stand in runs without spaces, also where they overlap; and the others."""
    unspaced = {term for term in terms if len(term) <= 2 and (_is_paired(term) or _is_unspaced(term))}
    paired = {character for term in unspaced if len(term) == 2 and _is_paired(term) for character in term}
    found = [term for term in unspaced if len(term) == 2]
    found += [term for term in unspaced if len(term) == 1 and term not in paired]
    return re.compile(f"(?=({'|'.join(map(re.escape, found))}))") if found else None, terms - unspaced


def _matches(made: str, unspaced: re.Pattern[str] | None, spaced: frozenset[str]) -> Iterator[tuple[int, int]]:
    for match in _TOKEN.finditer(made):
        token, begin = match[0], match.start()
        if _is_paired(token) or _is_unspaced(token):
            for one in unspaced.finditer(token) if unspaced else ():
                yield begin + one.start(1), begin + one.end(1)
            continue
        if not spaced:
            continue
        found = (_made.get(token) or _split(token)).split()
        if spaced.isdisjoint(found):
            continue
        pieces = list(_PART.finditer(token))
        if len(pieces) > 1 and found[-1] not in spaced:
            for piece in pieces:
                if not spaced.isdisjoint(_split(piece[0]).split()):
                    yield begin + piece.start(), begin + piece.end()
        else:
            yield begin, match.end()
