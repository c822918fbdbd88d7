"""The marks [n] of an answer, what each stands for, and whether the source says so.

    citations("The crisis began in 1973.[1] It ended in 1974 [1, 2].", sources)

A mark speaks of the text from the mark before it (or the beginning of its sentence) up to itself; after a full stop, or
alone on a line, of the sentence before it. Marks in code are code.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from backends.chat.sentences import sentences
from backends.chat.support import Passage, support
from backends.chat.types import Citation, Source

_NUMBERS = r"\d{1,3}(?:\s*[,，、;；–\-~～]\s*\d{1,3})*"
_WORD = r"(?:\^|#|(?:来源|资料|資料|文档|文檔|段落|片段|[Ss]ources?|[Pp]assages?|[Rr]ef\.?)\s*[:：#]?\s*)?"
_MARK = re.compile(rf"[ \t]?[\[［【]\s*{_WORD}({_NUMBERS})\s*(?:†[^\]］】\n]{{0,40}})?[\]］】](?![(:])")
_CODE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`|\$\$.*?\$\$", re.DOTALL)
_ITEM = re.compile(r"^\s*(?:>\s*)*(?:[-*+•·]\s+|\d{1,3}[.)、．]\s*(?!\d)|#{1,6}\s+)")
_LONGEST = 4000  # characters of a sentence that are looked at


@dataclass(frozen=True, slots=True)
class Marked:
    """A piece of the answer and the numbers that it cites."""

    start: int
    end: int
    words: str
    numbers: tuple[int, ...]


def citations(answer: str, sources: Sequence[Source]) -> tuple[Citation, ...]:
    """In the order of the answer; each number once for each piece of it."""
    known = {source.n: source for source in sources}
    read: dict[int, Passage] = {}
    return tuple(
        _citation(piece, n, known, read) for piece in marked(answer) for n in piece.numbers if _meant(piece, n, known)
    )


def _meant(piece: Marked, n: int, known: Mapping[int, Source]) -> bool:
    """A number without a source beside one that has one, was the document's own; and a list of the sources is none."""
    if n not in known:
        return not any(other in known for other in piece.numbers)
    source, words = known[n], piece.words.strip()
    named = [name for name in (source.name, source.title) if len(name) > 3 and name in words]
    return not named or len(words) > 3 * max(map(len, named))


def _citation(piece: Marked, n: int, known: Mapping[int, Source], read: dict[int, Passage]) -> Citation:
    source = known.get(n)
    if source is None:
        return Citation(n, 0, 0, 0, 0, "", piece.start, piece.end, False)
    if n not in read:
        read[n] = Passage(source.text)
    found = support(piece.words[:_LONGEST], read[n])
    return Citation(
        n,
        source.document_id,
        source.page_at(found.start),
        source.start + found.start,
        source.start + found.end,
        source.text[found.start : found.end],
        piece.start,
        piece.end,
        found.verified,
    )


def without_marks(answer: str) -> str:
    """For the next question: numbers of other sources would mislead."""
    code = [match.span() for match in _CODE.finditer(answer)]
    return _MARK.sub(lambda mark: mark.group() if _inside(mark.start(), code) else "", answer)


def places(answer: str) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Start and end of each mark, and its numbers: for who shows them."""
    code = [match.span() for match in _CODE.finditer(answer)]
    for mark in _MARK.finditer(answer):
        if not _inside(mark.start(), code):
            yield *mark.span(), _numbers([mark])


def marked(answer: str) -> Iterator[Marked]:
    """The pieces of an answer that cite something."""
    code = [match.span() for match in _CODE.finditer(answer)]
    before: tuple[int, int] | None = None
    for start, end in sentences(answer):
        marks = [mark for mark in _MARK.finditer(answer, start, end) if not _inside(mark.start(), code)]
        words = answer[start:end]
        if not marks:
            before = (start, end) if any(c.isalnum() for c in words) else before
            continue
        if not any(c.isalnum() for c in _MARK.sub("", words)):
            if before is not None:
                yield Marked(*before, _plain(answer[slice(*before)]), _numbers(marks))
            continue
        yield from _pieces(answer, start, end, marks)
        before = start, end


def _pieces(answer: str, start: int, end: int, marks: Sequence["re.Match[str]"]) -> Iterator[Marked]:
    """One for each group of neighbouring marks; what follows the last one belongs to it."""
    groups: list[list[re.Match[str]]] = []
    for mark in marks:
        if groups and not any(c.isalnum() for c in answer[groups[-1][-1].end() : mark.start()]):
            groups[-1].append(mark)
        else:
            groups.append([mark])
    row = answer[start:end].lstrip().startswith("|")
    head = answer[start:end].lstrip(" |").split("|", 1)[0] if row else ""
    if row and len({_numbers(group) for group in groups}) == 1:
        groups = [[mark for group in groups for mark in group]]
    begin = start
    for number, group in enumerate(groups):
        last = number == len(groups) - 1
        stop = end if last else group[-1].end()
        if not any(c.isalnum() for c in answer[begin : group[0].start()]) and not last:
            stop = groups[number + 1][0].start()  # it stands before what it speaks of
        words = _plain(answer[begin:stop])
        if row and begin > start:
            words = f"{_plain(head)} {words}"
        if any(c.isalnum() for c in words):
            yield Marked(begin, stop, words, _numbers(group))
        begin = stop


def _plain(words: str) -> str:
    """Without marks, and without the number or the dot of a list's item."""
    return _ITEM.sub("", _MARK.sub("", words)).strip().strip("|").strip()


def _numbers(marks: Sequence["re.Match[str]"]) -> tuple[int, ...]:
    found: list[int] = []
    for mark in marks:
        for part in re.split(r"[,，、;；]", mark[1]):
            first, *rest = (int(number) for number in re.findall(r"\d+", part))
            last = rest[-1] if rest else first
            found += range(first, last + 1) if first <= last <= first + 20 else (first, last)
    return tuple(dict.fromkeys(found))


def _inside(place: int, spans: Sequence[tuple[int, int]]) -> bool:
    """`spans` in order, apart from each other."""
    before = bisect_right(spans, place, key=lambda span: span[0])
    return before > 0 and place < spans[before - 1][1]
