"""An answer out of documents: searched, given to the model behind a fence, cited, checked.

    grounding = Grounding(search.find, document_store, Scope(collections=(1,)), chats.sourced.secret())
    Manner(model, sampling, grounding=grounding)

`answer` then says, beside its other events: SourcesReading while the model reads, SourcesFound before the first words,
Cited when all is said. What was found and cited is kept with the message (`sourced`), and how it came about (`xray`).
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from backends.chat import evidence, prompt
from backends.chat.citations import without_marks
from backends.chat.evidence import Limits, Texts
from backends.chat.prompts import filled, tongue
from backends.chat.question import standing_alone
from backends.chat.types import Message, Source
from backends.chat.xray import DroppedPassage, Part, XRay, found_passages, prompt_of
from backends.core.cancel import CancelToken
from backends.core.errors import NotFound
from backends.core.phrase import NOTHING, Phrase
from backends.documents.types import Chip, Found, Scope, SearchRequest
from backends.engine.protocol import Engine, GenerateEvent, Priority, PromptProgress, Queued, Turn
from backends.models.types import CatalogModel

_RECENT = 6  # messages for which room is kept beside passages


class Searcher(Protocol):
    """`Search.find`: what is found at once, then better ones, the last one final."""

    def __call__(self, request: SearchRequest, *, cancel: CancelToken) -> Iterator[Found]: ...


@dataclass(frozen=True, slots=True)
class SourcesReading:
    """The model has read `done` of `total` passages."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class SourcesFound:
    """What the answer may cite, before its first word. `note`: how much of the documents was read, where the question
    asks for a count or a list; `waiting`: documents that are not read in yet; `chips`: what the question was narrowed
    to."""

    sources: tuple[Source, ...]
    note: Phrase = NOTHING
    searched: int = 0
    waiting: int = 0
    chips: tuple[Chip, ...] = ()


@dataclass(frozen=True, slots=True)
class Grounding:
    """Answer from the documents of `scope`. `secret`: of this data folder, for the fence. `without`: keys of chips that
    the person took away."""

    search: Searcher
    store: Texts
    scope: Scope = field(default_factory=Scope)
    secret: bytes = b""
    limits: Limits = field(default_factory=Limits)
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Grounded:
    """A question with its sources: what goes to the model, and what is kept. No sources: `instead` is the answer."""

    question: str
    sources: tuple[Source, ...]
    block: str  # the sources behind their fence
    wrapped: str  # the question with its instructions
    xray: XRay
    note: Phrase = NOTHING
    waiting: int = 0
    instead: str = ""
    chips: tuple[Chip, ...] = ()

    @property
    def labels(self) -> frozenset[str]:
        """Marks on what the engine keeps of it."""
        return frozenset(f"document:{source.document_id}" for source in self.sources)

    @property
    def lead(self) -> str:
        """Documents that went in whole stand before the conversation, and are read once; passages with the question."""
        return self.block if self.xray.whole else ""

    def found(self) -> SourcesFound:
        return SourcesFound(self.sources, self.note, self.xray.documents_searched, self.waiting, self.chips)

    def messages(self, branch: Sequence[Message]) -> list[Message]:
        """The conversation, its last question in its wrapping; marks of earlier answers would mislead."""
        before = [
            replace(message, content=without_marks(message.content)) if message.role == "assistant" else message
            for message in branch[:-1]
        ]
        asked = self.wrapped if self.lead else self.alone
        return [*before, replace(branch[-1], content=asked)]

    def turns(self, turns: Sequence[Turn], place: int) -> tuple[Turn, ...]:
        """As `messages`, of turns whose last question stands at `place`."""
        made = [
            replace(turn, content=without_marks(turn.content)) if turn.role == "assistant" else turn for turn in turns
        ]
        made[place] = replace(made[place], content=self.wrapped if self.lead else self.alone)
        if self.lead:
            first = next(number for number, turn in enumerate(made) if turn.role == "user")
            made[first] = replace(made[first], content=f"{self.lead}\n\n{made[first].content}")
        return tuple(made)

    @property
    def alone(self) -> str:
        """The question with its sources, as a prompt of its own."""
        return f"{self.block}\n\n{self.wrapped}"


def ground(
    grounding: Grounding,
    engine: Engine,
    before: Sequence[Message | Turn],
    question: str,
    *,
    context: int,
    model: CatalogModel | None,
    count: Callable[[Sequence[Turn]], int],
    kept: tuple[Source, ...] = (),
    priority: Priority = "person",
    cancel: CancelToken,
) -> Grounded:
    """A question with its sources. `before`: the conversation up to it. `context`: tokens of prompt and answer
    together. `kept`: the sources that the answer has already, when it is to be gone on with."""
    began, question = time.monotonic(), question.strip()
    store, limits = grounding.store, grounding.limits

    def tokens(text: str) -> int:
        cancel.check()
        return count([Turn("user", text)])

    space = room_for_sources(question, context, model, tokens)
    searched = len(store.visible(grounding.scope))
    if not kept and (whole := read_whole(grounding, question, space, context, tokens)) is not None:
        return replace(whole, xray=replace(whole.xray, seconds=time.monotonic() - began))
    if kept:
        whole = _is_whole(store, grounding.scope, limits, kept)
        xray = XRay(question, question, whole=whole, documents_read=_documents(kept), documents_searched=searched)
        return _with(grounding, question, kept, xray, began)

    asked = standing_alone(engine, before, question, priority=priority, cancel=cancel)
    found = _searched(grounding, asked, cancel)
    sources = evidence.best(store, found.hits, limits, space - kept_for_history(before, context, count), tokens)
    places = [(source.n, source.document_id, source.start, source.end) for source in sources]
    passages = found_passages(found, places)
    dropped = [DroppedPassage(one.passage_id, one.why) for one in found.dropped]
    dropped += [
        DroppedPassage(one.passage_id, "room" if place < limits.passages else "limit")
        for place, one in enumerate(passages)
        if one.source is None
    ]
    xray = XRay(
        question,
        asked,
        found.translated,
        enough=found.enough,
        documents_read=_documents(sources),
        documents_searched=found.searched,
        methods=found.methods,
        found=passages,
        dropped=tuple(dropped),
        narrowed=tuple(chip.words for chip in found.chips),
    )
    return replace(_with(grounding, question, sources, xray, began, found.waiting), chips=found.chips)


def room_for_sources(question: str, context: int, model: CatalogModel | None, tokens: Callable[[str], int]) -> int:
    """Tokens for sources that a context has beside this question, its instructions and its answer."""
    asking = tokens(_wrapped(question.strip(), enough=False, read=0, searched=999_999))
    return context - prompt.room_for_answer(context, model) - asking


def read_whole(
    grounding: Grounding, question: str, room: int, context: int, tokens: Callable[[str], int]
) -> Grounded | None:
    """The question with all documents of the scope, where they are few and have room; nothing is searched then."""
    began, store = time.monotonic(), grounding.store
    everything = evidence.whole(store, grounding.scope, grounding.limits, room - context // 8, tokens)
    if not everything:
        return None
    searched = len(store.visible(grounding.scope))
    xray = XRay(question, question, whole=True, documents_read=searched, documents_searched=searched)
    return _with(grounding, question, everything, xray, began)


def kept_for_history(before: Sequence[Message | Turn], context: int, count: Callable[[Sequence[Turn]], int]) -> int:
    """Tokens that passages leave to what was said before."""
    history = [Turn(one.role, one.content) for one in before[-_RECENT:] if one.content.strip()]
    return min(count(history), context // 4) if history else 0


def before_search(question: str) -> Grounded:
    """The question as it will be asked, without the passages that nobody knows yet."""
    question = question.strip()
    wrapped = _wrapped(question, enough=False, read=0, searched=0)
    return Grounded(question, (), "", wrapped, XRay(question, question))


def _searched(grounding: Grounding, asked: str, cancel: CancelToken) -> Found:
    request = SearchRequest(
        asked, grounding.limits.passages + grounding.limits.passages // 2, grounding.scope, grounding.without
    )
    last = Found((), False, True, 0)
    for found in grounding.search(request, cancel=cancel):
        last = found
    cancel.check()
    return last


def _with(
    grounding: Grounding, question: str, sources: tuple[Source, ...], xray: XRay, began: float, waiting: int = 0
) -> Grounded:
    language = tongue(question)
    xray = replace(xray, seconds=time.monotonic() - began)
    if not sources:
        nothing = evidence.nothing_found(xray.documents_searched, waiting)
        return Grounded(
            question, (), "", "", xray, waiting=waiting, instead=nothing.zh if language == "zh" else nothing.en
        )
    read, searched = xray.documents_read, xray.documents_searched
    counting = asks_for_all(question) and read < searched and not xray.whole
    wrapped = _wrapped(question, enough=xray.enough, read=read, searched=searched if counting else read)
    note = NOTHING
    if counting:
        note = Phrase(
            f"Passages of {read:,} of {searched:,} documents were read; the count or list may not be complete.",
            f"仅阅读了 {searched:,} 个文档中 {read:,} 个的段落，计数或列表可能不完整。",
        )
    # whole documents in their own language: the beginning of the prompt does not change with the question
    written = tongue(sources[0].text) if xray.whole else language
    block = evidence.block(sources, grounding.secret, written)
    return Grounded(question, sources, block, wrapped, xray, note, waiting)


def _is_whole(store: Texts, scope: Scope, limits: Limits, kept: Sequence[Source]) -> bool:
    """Whether these sources are the documents of the scope, whole."""
    ids = store.visible(scope)
    if not 0 < len(ids) <= limits.whole or {one.document_id for one in kept} != set(ids):
        return False
    try:
        return sum(store.document(one).passages for one in ids) == len(kept)
    except NotFound:
        return False


def _documents(sources: Sequence[Source]) -> int:
    return len({source.document_id for source in sources})


_ALL = re.compile(
    r"\bhow (?:many|often|much)\b|\bnumber of\b|\bcount\b|\b(?:list|name|enumerate) (?:all|every|the|each)\b|"
    r"\ball (?:the )?\w+s\b|\bwhich of\b|\btotal\b|多少|几[个次位种名家篇份]|"
    r"哪些|列出|列举|所有|全部|总共|一共|总数|统计",
    re.IGNORECASE,
)


def asks_for_all(question: str) -> bool:
    """A count or a list: passages alone may not have all of it."""
    return _ALL.search(question) is not None


def _wrapped(question: str, *, enough: bool, read: int, searched: int) -> str:
    language = tongue(question)
    more = [] if enough else [filled("unsure", language)]
    if read < searched:
        more.append(filled("some", language, read=str(read), all=str(searched)))
    return filled("question", language, more="".join(f"\n- {one}" for one in more), question=question)


# ---- while the model reads, and afterwards


class Reader:
    """Says which sources the model has read, by how far it is in the prompt."""

    def __init__(self, grounded: Grounded, turns: Sequence[Turn]) -> None:
        text = "\n".join(turn.content for turn in turns)
        self._ends: list[float] = []
        place = 0
        for source in grounded.sources:
            words = source.text.strip()
            at = text.find(words, place)
            place = at + len(words) if at >= 0 else place
            self._ends.append(place / max(1, len(text)))
        self._found = grounded.found()
        self._told = self._announced = False
        self._done = -1

    def before(self, event: GenerateEvent) -> Iterator[SourcesReading | SourcesFound]:
        """What is to be said before this event."""
        if isinstance(event, Queued):
            return
        if isinstance(event, PromptProgress):
            part = event.done / max(1, event.total)
            done = sum(end <= part + 1e-9 for end in self._ends)
            if done > self._done:
                self._done = done
                yield SourcesReading(done, len(self._ends))
        elif not self._announced:
            self._announced = True
            if self._done < len(self._ends):
                yield SourcesReading(len(self._ends), len(self._ends))
            yield self._found


def with_prompt(
    xray: XRay, built: prompt.Prompt, grounded: Grounded, context: int, count: Callable[[Sequence[Turn]], int]
) -> XRay:
    """The X-ray with the exact prompt and the tokens of its parts."""
    documents = count([Turn("user", grounded.block)])
    question = count([Turn("user", grounded.question)])
    others = "\n\n".join(turn.content for turn in built.turns[:-1])
    conversation = count([Turn("user", others.removeprefix(grounded.lead))]) if others else 0
    rest = max(0, built.tokens - documents - question - conversation)
    parts = (
        Part("documents", documents),
        Part("conversation", conversation),
        Part("question", question),
        Part("instructions", rest),
        Part("answer", max(0, context - built.tokens)),
    )
    return replace(xray, prompt=prompt_of(built.turns), parts=parts)
