"""Which documents a question names: by what they are called, and by the years, quarters and months in their names.

    names.add(document)
    named = names.named("How much did Meridian earn in the third quarter of 2022?", visible)
    named.chips       "Meridian" and "third quarter 2022": each may be taken away by its key
    named.ids         the documents that are left

On long documents that are much alike this is worth more than any ranking (facts: page recall@10 22 over all, 48 in the
right document). A name must be distinctive: what many documents are called says nothing. Whether the named documents
speak of what is asked is for `search` to check: with that check it narrows 2,415 of 3,219 questions of CMRC2018, all
but two rightly (MRR@10 98.9 -> 99.5), and 2,342 of 10,570 of SQuAD, all but seven.
"""

import math
import re
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TypeVar

from backends.documents.folding import fold, folded
from backends.documents.times import Time, times
from backends.documents.types import Chip, Document
from backends.documents.words import stem

COVERED = 0.6  # of a name, by weight, has to be in the question
COMMON, FEW = 0.25, 8  # a word in more than so many of the names says nothing, where there are more than a few
MOST_NAMED = 0.5  # of all documents: more are no choice
_GAP = 4  # characters between two words of one name: "of", a dash

_SAYS_LITTLE = frozenset(
    re.findall(
        r"\S+",
        "a an the of and for in on to by with at from is or report reports annual quarterly quarter half year final "
        "draft copy scan document documents doc docs file files version rev new old notes note text data paper article "
        "chapter part section vol volume no inc ltd llc co corp corporation company plc group limited untitled img "
        "page pdf 10k 10q 20f 8k 10",
    )
)
_SAYS_LITTLE_CHINESE = re.compile(
    "年度报告|报告|年度|年报|季报|季度|半年|文件|文档|资料|副本|最终版|最终|终稿|初稿|定稿|修订版|修订|版本|扫描件|扫描|"
    "股份有限公司|有限责任公司|有限公司|集团|公司|关于|通知|全集|第[一二三四五六七八九十]+[章节部卷册版期]|[的年月日与和及之]"
)
_HAN = "\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_HUMP = re.compile(r"(?<=[a-z\d])(?=[A-Z][a-z])|(?<=[a-z])(?=(?:19|20)\d\d(?!\d))")


@dataclass(frozen=True, slots=True)
class Word:
    """`key` is what it is compared by; `start` and `end` are places in the folded text."""

    key: str
    start: int
    end: int


def words_of(text: str, spoken: Iterable[Time] = ()) -> list[Word]:
    """Words of a folded name or question that may tell documents apart: no times, nothing that every name has. Of
    Chinese the overlapping pairs."""
    for time in spoken:
        text = text[: time.start] + " " * (time.end - time.start) + text[time.end :]
    text = _SAYS_LITTLE_CHINESE.sub(lambda match: " " * len(match[0]), text)
    found: list[Word] = []
    for match in _WORD.finditer(text):
        word, start = match[0], match.start()
        if word >= "\u3400" and len(word) > 1:
            found += [Word(word[at : at + 2], start + at, start + at + 2) for at in range(len(word) - 1)]
        elif word not in _SAYS_LITTLE and (len(word) > 1 or word >= "\u3400"):
            found.append(Word(stem(word), start, match.end()))
    return found


@dataclass(slots=True)
class _Name:
    """What one or several documents are called. `words`: keys of what tells it apart."""

    words: tuple[str, ...]
    documents: tuple[int, ...] | set[int] = ()  # of few a tuple, which takes a quarter of the memory


@dataclass(frozen=True, slots=True)
class Named:
    """`ids`: sorted."""

    chips: tuple[Chip, ...]
    ids: "array[int]"


@dataclass(slots=True)
class Names:
    """What all documents are called. `sequence`: of the last change of the store that is in here."""

    sequence: int = 0
    _names: dict[str, _Name] = field(default_factory=dict)  # by how it is spelled
    _with: dict[str, tuple[str, ...] | set[str]] = field(default_factory=dict)  # word -> spelled names that have it
    _at: dict[str, set[int]] = field(default_factory=dict)  # year, quarter … -> documents
    _of: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)  # names, times

    def __len__(self) -> int:
        return len(self._of)

    def add(self, document: Document) -> None:
        """Or what it is called now."""
        self.remove(document.id)
        spelled, spoken = dict[str, None](), dict[str, None]()
        for called in _called(document):
            when = times(called)
            words = tuple(dict.fromkeys(word.key for word in words_of(called, when)))
            spoken.update((time.key, None) for time in when)
            if words:
                spelled[called] = None
                name = self._names.get(called)
                if name is None:
                    name = self._names[called] = _Name(words)
                    for word in words:
                        self._with[word] = _added(self._with.get(word, ()), called)
                name.documents = _added(name.documents, document.id)
        for key in spoken:
            self._at.setdefault(key, set()).add(document.id)
        self._of[document.id] = tuple(spelled), tuple(spoken)

    def remove(self, document_id: int) -> None:
        spelled, spoken = self._of.pop(document_id, ((), ()))
        for called in spelled:
            name = self._names[called]
            name.documents = _without(name.documents, document_id)
            if not name.documents:
                del self._names[called]
                for word in name.words:
                    self._with[word] = _without(self._with[word], called)
                    if not self._with[word]:
                        del self._with[word]
        for key in spoken:
            self._at[key].discard(document_id)

    def named(self, question: str, visible: Sequence[int], without: Collection[str] = ()) -> Named | None:
        """Of the `visible` documents (sorted ids) those that the question names; None if it names none, or too many to
        be a choice. `without`: keys of chips that are not to be used."""
        made, places = fold(question)
        when = times(made)

        def said(words: Sequence[Word | Time]) -> str:
            pieces: list[list[int]] = []
            for word in words:
                start, end = places.back(word.start, word.end)
                if pieces and start - pieces[-1][1] <= _GAP:
                    pieces[-1][1] = end
                else:
                    pieces.append([start, end])
            return " ".join(dict.fromkeys(question[start:end] for start, end in pieces))

        at = self._spoken_of(when, visible)
        chips: list[Chip] = []
        ids: set[int] = set()
        for name, words in self._matches(words_of(made, when)):
            here = {id for id in name if _holds(visible, id)}
            chip = Chip("name:" + " ".join(sorted({word.key for word in words})), said(words), len(here))
            if here and len(here) <= MOST_NAMED * len(visible) and chip.key not in without:
                chips.append(chip)
                ids |= here
        key = "time:" + " ".join(dict.fromkeys(time.key for time in when))
        both = ids & at if ids else at
        if both and key not in without and len(both) <= MOST_NAMED * len(visible):
            chips, ids = [*chips, Chip(key, said(when), len(at))], both
        return Named(tuple(chips), array("q", sorted(ids))) if chips else None

    def _spoken_of(self, when: Sequence[Time], visible: Sequence[int]) -> set[int]:
        """Documents of the years that are named, of their quarters and months if there are such; else none."""
        keys = {time.key for time in when}
        years = set[int]().union(*(self._at.get(key, ()) for key in keys if key.isdigit()))
        parts = set[int]().union(*(self._at.get(key, ()) for key in keys if not key.isdigit()))
        found = years & parts or years
        return {id for id in found if _holds(visible, id)}

    def _matches(self, asked: Sequence[Word]) -> list[tuple[set[int], list[Word]]]:
        """Names in the question: their documents, and the words that are theirs. A name within a longer one that is
        there, too, is not meant."""
        found: list[tuple[frozenset[str], Collection[int]]] = []
        keys = {word.key for word in asked}
        candidates = {called for key in keys for called in self._with.get(key, ())} if self._rare(keys) else set()
        for called in candidates:
            name = self._names[called]
            own = self._rare(name.words)
            shared = own & keys
            if not shared or sum(map(self._weight, shared)) < COVERED * sum(map(self._weight, own)):
                continue
            found.append((frozenset(shared), name.documents))
        together: dict[frozenset[str], set[int]] = {}
        for shared, documents in found:
            if not any(shared < other for other, _ in found):
                together.setdefault(shared, set()).update(documents)
        return [
            (documents, [word for word in asked if word.key in shared])
            for shared, documents in sorted(together.items(), key=lambda item: sorted(item[0]))
        ]

    def _rare(self, words: Iterable[str]) -> set[str]:
        most = max(COMMON * len(self._names), FEW)
        return {word for word in words if 0 < len(self._with.get(word, ())) <= most}

    def _weight(self, word: str) -> float:
        return math.log(1 + len(self._names) / len(self._with[word]))


_Kept = TypeVar("_Kept", int, str)
_FEW_KEPT = 4


def _added(kept: tuple[_Kept, ...] | set[_Kept], one: _Kept) -> tuple[_Kept, ...] | set[_Kept]:
    if isinstance(kept, set):
        kept.add(one)
        return kept
    if one in kept:
        return kept
    return (*kept, one) if len(kept) < _FEW_KEPT else {*kept, one}


def _without(kept: tuple[_Kept, ...] | set[_Kept], one: _Kept) -> tuple[_Kept, ...] | set[_Kept]:
    if isinstance(kept, set):
        kept.discard(one)
        return kept
    return tuple(each for each in kept if each != one)


def _called(document: Document) -> list[str]:
    """A file by its name and its title; a line of JSONL by its title, else its id."""
    names = [PurePath(document.name).stem if document.path else "", document.title]
    names = [name for name in names if name.strip()] or [document.name]
    return list(dict.fromkeys(folded(_HUMP.sub(" ", name).replace("_", " ")) for name in names))


def _holds(ids: Sequence[int], id: int) -> bool:
    place = bisect_left(ids, id)
    return place < len(ids) and ids[place] == id
