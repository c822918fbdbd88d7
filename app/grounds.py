"""What an answer stands on, as it is shown: sources with the verdict on what cites them, and the marks in its text.

Passages that are the answer themselves (`quoted`: no model wrote it) have no verdict: they are the source.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from app.cited import Mark
from app.spans import Mark as Verdict
from backends.chat.citations import places
from backends.chat.types import Citation, Source

__all__ = ["Ground", "Verdict", "grounds", "marks"]


@dataclass(frozen=True, slots=True)
class Ground:
    """Source `n` as it is listed. `title` "": what was quoted of it has been erased. `verdict`: the worst of its
    citations', "" while nobody has looked. `start` to `end` of the document's text are to be lit: what is quoted, else
    all that was read."""

    n: int
    document_id: int
    title: str
    page: int
    label: str
    start: int
    end: int
    quote: str
    verdict: Verdict = ""
    cited: bool = False
    deleted: bool = False
    name: str = ""  # of the file


def grounds(
    sources: Sequence[Source], citations: Sequence[Citation], deleted: Set[int], *, quoted: bool = False
) -> tuple[Ground, ...]:
    return tuple(_ground(source, [c for c in citations if c.n == source.n], deleted, quoted) for source in sources)


def _ground(source: Source, cited: Sequence[Citation], deleted: Set[int], is_answer: bool) -> Ground:
    found = next((one for one in cited if one.verified), cited[0] if cited else None)
    quoted = found is not None and bool(found.quote)
    return Ground(
        source.n,
        source.document_id,
        source.title or source.name,
        found.page if found and quoted else source.page,
        source.label,
        found.start if found and quoted else source.start,
        found.end if found and quoted else source.end,
        found.quote if found and quoted else source.text,
        "" if is_answer else _verdict(cited),
        bool(cited),
        source.document_id in deleted,
        source.name,
    )


def _verdict(cited: Sequence[Citation]) -> Verdict:
    if not cited:
        return ""
    said = {one.verified for one in cited}
    return "unfounded" if False in said else "unchecked" if None in said else "verified"


def marks(
    answer: str, sources: Sequence[Source], citations: Sequence[Citation], *, quoted: bool = False
) -> tuple[Mark, ...]:
    """The marks of an answer that refer to one of its sources."""
    known = {source.n for source in sources}
    return tuple(_marks(answer, known, () if quoted else citations)) if known else ()


def _marks(answer: str, known: Set[int], citations: Sequence[Citation]) -> Iterator[Mark]:
    for start, end, numbers in places(answer):
        begin = start
        for n in numbers:
            if n in known:
                yield Mark(begin, end, n, _looked_at(start, n, citations))
                begin = end  # the others of one bracket stand behind it


def _looked_at(place: int, n: int, citations: Sequence[Citation]) -> Verdict:
    """Of the citation whose sentence the mark stands in, or the last one before it."""
    mine = [one for one in citations if one.n == n and one.sentence_start <= place]
    return _verdict(mine[-1:]) or "unread"


def cited_place(citations: Sequence[Citation], n: int) -> Citation | None:
    """Where source n says what is cited of it: the first that was verified, else the first."""
    mine = [one for one in citations if one.n == n and one.quote]
    return next((one for one in mine if one.verified), mine[0] if mine else None)
