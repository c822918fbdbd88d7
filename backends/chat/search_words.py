"""What somebody looks for in conversations: as an expression for the index, and where it stands in a text.

    wanted = Wanted.of("知识产权 runn")
    wanted.match                        # of FTS5
    wanted.spans("running 知識產權")     # ((0, 4), (8, 12))

Every word must be there, in any order and any of its forms (`documents.words`); a run of Chinese must stand as it was
typed. The last word may go on: "runn" finds running, whose stem "run" is shorter than what was typed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from backends.documents import words

LONGEST = 500  # characters of a question
_MOST = 64  # terms of it
_ROOM = 240  # characters of a snippet
_BEFORE = 40  # of them before what is lit
_WINDOW, _OVERLAP = 320, 64  # characters of a text that are looked at together
_CJK = r"\u2e80-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(rf"(?:(?=[{_CJK}])\w)+")
_LETTER = rf"[^\W_{_CJK}]"
_LAST = re.compile(rf"(?:{_LETTER}+[-_./:'@#&,]{{1,2}})*{_LETTER}+\Z")
_JOINTS = re.compile(r"[-_/,&@:']")
_UNSPLIT = "#+-./:@&,_"  # beside letters and digits: what `TOKENIZER` takes for a part of a term
TOKENIZER = f"ascii tokenchars '{_UNSPLIT}'"
_SPLIT = re.compile(rf"[\x00-\x7f](?<![A-Za-z0-9 {re.escape(_UNSPLIT)}])")
_SPACE = re.compile(r"\s")
_ENDINGS = (
    *("s", "es", "ed", "ing", "ings", "ly", "er", "ers", "ies", "ied", "ily", "al", "ally", "able", "ability", "ation"),
    *("ations", "ational", "ement", "ment", "ments", "ness", "ful", "fulness", "ive", "iveness", "ize", "izing"),
    *("ise", "ising", "isation", "ization", "ity", "ities", "ance", "ence", "ous", "ousness", "ning", "ting", "ping"),
)


def line(text: str) -> str:
    """The terms that a text is indexed by, each once, with spaces between; always the same of the same text."""
    return " ".join(sorted(_terms(text)))


def _terms(text: str) -> set[str]:
    made = words.line(text)
    found = set(made.split())
    return found if _SPLIT.search(made) is None else {term for term in found if _SPLIT.search(term) is None}


@dataclass(frozen=True, slots=True)
class Wanted:
    """`match`: "" if there is nothing to look for (marks alone)."""

    match: str
    _runs: tuple[str, ...] = ()  # of Chinese, folded
    _terms: frozenset[str] = frozenset()  # of other words
    _last: str = ""  # the word that may go on, folded
    _guessed: bool = False  # it may be in the index by a stem that is shorter than it

    @classmethod
    def of(cls, text: str, *, typing: bool = True) -> "Wanted":
        """`typing`: the last word may go on."""
        text = words.folded(text[:LONGEST], lower=False)
        runs = tuple(dict.fromkeys(_RUN.findall(text)))
        rest = _RUN.sub(" ", text)
        found = _LAST.search(rest) if typing else None
        last = found[0].lower() if found is not None and len(found[0]) > 1 else ""
        before = rest[: found.start()] if found is not None and last else rest
        clauses = [_quoted(term) for run in runs for term in _of_run(run)]
        clauses += [_quoted(term) for term in sorted(_terms(before))]
        guessed: tuple[str, ...] = ()
        if last:
            guessed = tuple(_longer_by_nature(last))
            exact = sorted(_terms(rest[len(before) :]))
            going_on = [f"{_quoted(_JOINTS.sub('', last))} *", *(_quoted(stem) for stem in guessed)]
            every = " AND ".join(map(_quoted, exact))
            clauses.append(f"({' OR '.join([f'({every})', *going_on] if exact else going_on)})")
        match = " AND ".join(list(dict.fromkeys(clauses))[-_MOST:])
        return cls(match, runs, frozenset(_terms(rest)), last, bool(guessed))

    def stands_in(self, text: str) -> bool:
        """Whether a text that the index names has it: the terms may be there, and not what was typed."""
        if not self._runs and not self._guessed:
            return True
        made = words.folded(text)
        if not all(run in made for run in self._runs):
            return False
        if not self._guessed or re.search(_beginning(self._last), made) is not None:
            return True
        return not self._terms.isdisjoint(words.terms(text))

    def spans(self, text: str) -> tuple[tuple[int, int], ...]:
        """Where it stands, in order and apart from each other; of a text that is shown otherwise, what is found."""
        found: list[tuple[int, int]] = []
        if self._terms:
            found += words.lit(text, self._terms)
        if not self._runs and not self._last:
            return tuple(found)
        made, places = words.fold(text)
        found += [places.back(at, at + len(run)) for run in self._runs for at in _places(run, made)]
        if self._last:
            found += [places.back(*match.span()) for match in re.finditer(_beginning(self._last), made)]
        return _joined(found)

    def snippet(self, text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
        """A piece of the text around what is lit in it, on one line; ("", ()) if nothing is."""
        for begin in range(0, len(text), _WINDOW - _OVERLAP):
            if not (spans := self.spans(text[begin : begin + _WINDOW])):
                continue
            first = begin + spans[0][0]
            start = _cut(text, max(0, first - _BEFORE), first)
            end = min(len(text), start + _ROOM)
            piece = _SPACE.sub(" ", text[start:end])
            head, tail = "…" if start else "", "…" if end < len(text) else ""
            return f"{head}{piece}{tail}", tuple((a + len(head), b + len(head)) for a, b in self.spans(piece))
        return "", ()


def _cut(text: str, at: int, upto: int) -> int:
    """A place from `at` on, before `upto`, where a word begins."""
    if at:
        for place in range(at, upto):
            if text[place - 1].isspace() or ord(text[place]) >= 0x2E80:
                return place
    return at


def _quoted(term: str) -> str:
    return f'"{term}"'


def _of_run(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for at in range(len(run) - 1):
        yield run[at : at + 2]


def _places(run: str, text: str) -> Iterator[int]:
    at = text.find(run)
    while at >= 0:
        yield at
        at = text.find(run, at + len(run))


def _beginning(word: str) -> str:
    return rf"(?<![^\W_{_CJK}]){re.escape(word)}"


def _longer_by_nature(word: str) -> Iterator[str]:
    """Stems of words that begin with `word` and are shorter than it."""
    if not word.isalpha() or not word.isascii() or len(word) < 4:
        return
    found: set[str] = set()
    for ending in _ENDINGS:
        for typed in range(1, len(ending)):
            if word.endswith(ending[:typed]):
                stem = words.stem(word + ending[typed:])
                if not stem.startswith(word) and word.startswith(stem[:-1]):
                    found.add(stem)
    yield from sorted(found)


def _joined(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
