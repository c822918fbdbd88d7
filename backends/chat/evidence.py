"""What of the documents goes into a prompt, and how: numbered sources behind a fence (SEC-47).

The fence is a sign that no document can know. It depends on the documents and on a secret of this data folder, not on
the question: the same documents begin the prompt with the same characters, and what the engine has read of them is not
read again.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from backends.chat.prompts import filled
from backends.chat.types import Source
from backends.core.errors import NotFound
from backends.core.phrase import Phrase
from backends.documents.types import Document, Found, Hit, Passage, Scope

Count = Callable[[str], int]

_LONGEST = 3  # passages of one source: the reader of a citation wants a place, not a chapter
_CHARACTERS_PER_TOKEN = 8  # more than any prose has: what is longer than this times the room need not be counted


class Texts(Protocol):
    """What is needed of the documents' store."""

    def visible(self, scope: Scope | None = None) -> Sequence[int]: ...
    def document(self, document_id: int) -> Document: ...
    def passages_of(self, document_id: int, first: int = 0) -> Iterator[Passage]: ...
    def neighbours(self, passage_id: int, before: int = 1, after: int = 1) -> list[Passage]: ...
    def text(self, document_id: int, start: int = 0, end: int | None = None) -> str: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """`passages` of a search at most; the first `widened` of them with `neighbours` on each side, where there is room.
    `whole`: so many documents at most go in whole."""

    passages: int = 12
    widened: int = 3
    neighbours: int = 1
    whole: int = 3


@dataclass(frozen=True, slots=True)
class Stretch:
    """Passages that follow each other, as one source. `headings` of the first one."""

    document: Document
    passages: tuple[Passage, ...]

    @property
    def start(self) -> int:
        return self.passages[0].start

    @property
    def end(self) -> int:
        return max(passage.end for passage in self.passages)


def whole(store: Texts, scope: Scope, limits: Limits, room: int, count: Count) -> tuple[Source, ...]:
    """Every passage of the documents of a scope, if they are few and fit `room` tokens; else ()."""
    ids = store.visible(scope)
    if not 0 < len(ids) <= limits.whole:
        return ()
    try:
        documents = [store.document(one) for one in ids]
    except NotFound:  # deleted just now
        return ()
    if sum(document.characters for document in documents) > room * _CHARACTERS_PER_TOKEN:
        return ()
    stretches = [Stretch(document, (one,)) for document in documents for one in store.passages_of(document.id)]
    sources = numbered(store, stretches)
    return sources if sources and count(block(sources, b"", "en")) <= room else ()


def best(store: Texts, hits: Sequence[Hit], limits: Limits, room: int, count: Count) -> tuple[Source, ...]:
    """The passages that fit, the best first, then set in the order of the documents."""

    def made(number: int, widened: int) -> tuple[Source, ...]:
        return numbered(store, list(_stretches(store, hits[:number], widened, limits.neighbours)))

    def fits(sources: tuple[Source, ...]) -> bool:
        return count(block(sources, b"", "en")) <= room

    low, high = 0, min(len(hits), limits.passages)
    if fits(made(high, 0)):
        low = high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(made(middle, 0)) else (low, middle)
    if low == 0:
        return ()
    if low == min(len(hits), limits.passages):
        for widened in (limits.widened, 1):
            wider = made(low, widened)
            if fits(wider):
                return wider
    return made(low, 0)


def _stretches(store: Texts, hits: Sequence[Hit], widened: int, neighbours: int) -> Iterator[Stretch]:
    """Documents in the order of their best passage, passages in that of the document, what touches together."""
    by_document: dict[int, dict[int, Passage]] = {}
    documents: dict[int, Document] = {}
    for place, hit in enumerate(hits):
        documents[hit.document.id] = hit.document
        kept = by_document.setdefault(hit.document.id, {})
        around = store.neighbours(hit.passage.id, neighbours, neighbours) if place < widened else []
        kept |= {passage.number: passage for passage in around or [hit.passage]}
    for document_id, kept in by_document.items():
        run: list[Passage] = []
        for number in sorted(kept):
            if run and (number != run[-1].number + 1 or len(run) == _LONGEST):
                yield Stretch(documents[document_id], tuple(run))
                run = []
            run.append(kept[number])
        yield Stretch(documents[document_id], tuple(run))


def numbered(store: Texts, stretches: Sequence[Stretch]) -> tuple[Source, ...]:
    """Sources [1], [2], …; a document that has changed meanwhile gives the text that was found."""
    sources: list[Source] = []
    for stretch in stretches:
        first, document = stretch.passages[0], stretch.document
        start, end, text = stretch.start, stretch.end, first.text
        if len(stretch.passages) > 1:
            text = store.text(document.id, start, end)
            if not text.startswith(first.text):
                end, text = first.end, first.text
        pages = tuple((one.start - start, one.page) for one in stretch.passages if one.end <= end)
        n = len(sources) + 1
        label = first.label or " › ".join(first.headings[-2:])
        source = Source(
            n, document.id, document.title, document.name, first.page, label, start, end, text, document.known_as, pages
        )
        sources.append(source)
    return tuple(sources)


# ---- how the model gets it


def block(sources: Sequence[Source], secret: bytes, language: str) -> str:
    """The fenced sources, each document's name above its own."""
    sign = fence(sources, secret)
    begin, end = f"=====SOURCES {sign}=====", f"=====END {sign}====="
    lines = [filled("sources", language, fence=begin, end=end, sign=f"({sign[:6]})"), "", begin]
    last = 0
    for source in sources:
        if source.document_id != last:
            called = source.title or source.name
            named = called if source.name in ("", called) else f"{called} ({source.name})"
            lines.append(f"# {' '.join(named.split())}")
            last = source.document_id
        lines += [f"[{source.n}] ({sign[:6]}){_place(source, language)}", source.text.strip(), ""]
    return "\n".join([*lines, end])


def _place(source: Source, language: str) -> str:
    page = f"第 {source.page} 页" if language == "zh" else f"page {source.page}"
    said = [page if source.page else "", " ".join(source.label.split())]
    return "".join(f" · {one}" for one in said if one)


def fence(sources: Sequence[Source], secret: bytes) -> str:
    documents = ",".join(str(one) for one in dict.fromkeys(source.document_id for source in sources))
    return hmac.new(secret, documents.encode(), hashlib.sha256).hexdigest()[:16]


# ---- without a model


@dataclass(frozen=True, slots=True)
class Shown:
    """The best passages as the answer, and what to say above and below them. `lit`: of each source, the places in its
    text of words that were asked for."""

    above: Phrase
    sources: tuple[Source, ...]
    lit: tuple[tuple[tuple[int, int], ...], ...]
    below: Phrase


def without_a_model(found: Found, most: int = 5) -> Shown:
    """The answer where there is no model: the best passages, with their pages."""
    hits = found.hits[:most]
    if not hits:
        return Shown(nothing_found(found.searched, found.waiting), (), (), _A_MODEL_WOULD)
    sources = []
    for n, hit in enumerate(hits, 1):
        passage, document = hit.passage, hit.document
        sources.append(
            Source(
                *(n, document.id, document.title, document.name, passage.page, passage.label),
                *(passage.start, passage.end, passage.text, document.known_as),
            )
        )
    pages = [f"{one.title or one.name}" for one in sources]
    number = len(dict.fromkeys(pages))
    above = Phrase(
        f"The passages of {number} document{'s' if number > 1 else ''} that come nearest to the question:",
        f"以下是 {number} 个文档中最接近问题的段落：",
    )
    if not found.enough:
        above = Phrase(
            "Nothing clearly answers the question. These passages come nearest:",
            "没有找到明确的答案。以下是最接近的段落：",
        )
    return Shown(above, tuple(sources), tuple(hit.lit for hit in hits), _A_MODEL_WOULD)


_A_MODEL_WOULD = Phrase(
    "With a model, DeskSeek writes the answer out of such passages, with the page behind each sentence.",
    "加载模型后，DeskSeek 会根据这些段落写出回答，并为每句话标明出处页码。",
)


def nothing_found(searched: int, waiting: int = 0) -> Phrase:
    """What is said in place of an answer."""
    if searched == 0 and waiting == 0:
        return Phrase(
            "There are no documents here to answer from. Add some first.", "这里还没有可供回答的文档，请先添加文档。"
        )
    unread = Phrase(
        f" {waiting:,} {'is' if waiting == 1 else 'are'} not read yet." if waiting else "",
        f"另有 {waiting:,} 个文档尚未读取。" if waiting else "",
    )
    documents = "1 document was" if searched == 1 else f"{searched:,} documents were"
    return Phrase(
        f"Your documents do not say anything about this: {documents} searched.{unread.en}",
        f"文档中没有找到相关内容：已搜索 {searched:,} 个文档。{unread.zh}",
    )
