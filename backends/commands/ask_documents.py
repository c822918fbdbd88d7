"""`deskseek ask --documents`: the answer from documents, with its sources; without a model the best passages."""

from collections.abc import Sequence
from typing import Any

from backends.chat import evidence, prompt
from backends.chat.citations import citations
from backends.chat.grounding import Grounded, Grounding, Reader, SourcesFound, SourcesReading
from backends.chat.grounding import ground as ground_in
from backends.chat.prompts import tongue
from backends.chat.types import Citation, Source
from backends.commands.job import DONE, Job
from backends.core.errors import NotFound, Unavailable
from backends.core.phrase import Phrase
from backends.documents.types import Found, Scope, SearchRequest
from backends.engine.protocol import GenerateEvent, ReasoningReclassified, TextDelta, Turn
from backends.models.types import CatalogModel


def grounding(job: Job, collection: str | None) -> Grounding:
    """From all documents, or those of one collection. NotFound (`no_collection`)."""
    documents = job.services.documents
    scope = Scope()
    if collection is not None:
        named = documents.store.collection_named(collection)
        if named is None:
            raise NotFound(
                Phrase(f"There is no collection {collection}.", f"没有名为 {collection} 的文档集。"),
                Phrase(
                    "deskseek index PATH --collection C makes one.",
                    "可用 deskseek index PATH --collection C 创建。",
                ),
                code="no_collection",
            )
        scope = Scope(collections=(named.id,))
    return Grounding(documents.find, documents.store, scope, job.services.chats.sourced.secret())


def ground(job: Job, grounding: Grounding, question: str, model: CatalogModel | None) -> Grounded:
    """The question with its sources."""
    engine = job.services.engine
    loaded = engine.model
    if loaded is None:
        raise Unavailable(Phrase("No model is loaded.", "尚未加载模型。"), code="no_model")
    searching = Phrase("Searching the documents", "正在搜索文档")
    job.console.progress(job.console.to(searching))
    grounded = ground_in(
        grounding,
        engine,
        (),
        question,
        context=loaded.context,
        model=model,
        count=prompt.counting(engine, job.cancel),
        priority="api",
        cancel=job.cancel,
    )
    job.console.end_progress()
    return grounded


def no_model(job: Job) -> bool:
    """None is named, none is loaded and none is on this disk."""
    services = job.services
    return job.arguments.model is None and services.engine.model is None and services.loading.default_model() is None


def nothing(job: Job, grounded: Grounded) -> int:
    """There is nothing to answer from: that is said, by no model."""
    if job.console.as_json:
        job.console.json({"sources": []})
        job.console.json({"text": grounded.instead})
        job.console.json({"finished": {"finish_reason": "stop", "model": "", "citations": []}})
    else:
        job.console.answer(grounded.instead)
        job.console.end_line()
    return DONE


def passages(job: Job, grounding: Grounding, question: str) -> int:
    """Without a model: the best passages."""
    found = Found((), False, True, 0)
    for better in grounding.search(SearchRequest(question, scope=grounding.scope), cancel=job.cancel):
        found = better
    shown = evidence.without_a_model(found)
    console = job.console
    language = "zh" if tongue(question) == "zh" else "en"
    parts = [
        shown.above.to(language),
        *(f"[{one.n}] {one.text.strip()}\n    {_where(one, job)}" for one in shown.sources),
    ]
    if console.as_json:
        console.json({"sources": [_source(one) for one in shown.sources]})
        console.json({"text": "\n\n".join(parts)})
        console.json({"finished": {"finish_reason": "stop", "model": "", "citations": []}})
    else:
        console.answer("\n\n".join(parts))
        console.end_line()
        console.note(console.to(shown.below))
    return DONE


class Cites:
    """Hears an answer and says what it is made from: before its first words, and when it is over."""

    def __init__(self, job: Job, grounded: Grounded, turns: Sequence[Turn]) -> None:
        self._job, self._grounded = job, grounded
        self._reader = Reader(grounded, turns)
        self._text: list[str] = []

    def hear(self, event: GenerateEvent) -> None:
        console = self._job.console
        for said in self._reader.before(event):
            match said:
                case SourcesReading(done, total) if not console.as_json:
                    read = Phrase(f"Read {done} of {total} passages", f"已阅读 {total} 段中的 {done} 段")
                    console.progress(console.to(read))
                case SourcesFound(sources) if console.as_json:
                    console.json({"sources": [_source(one) for one in sources]})
        match event:
            case TextDelta(text):
                self._text.append(text)
            case ReasoningReclassified():
                self._text.clear()

    def citations(self) -> list[dict[str, Any]]:
        known = {source.n: source for source in self._grounded.sources}
        return [_citation(one, known.get(one.n)) for one in self._cited()]

    def close(self) -> None:
        """For a person: which pages were cited, and what is not in them. The answer stays alone on standard output."""
        console, cited = self._job.console, self._cited()
        numbers = {one.n for one in cited}
        for source in self._grounded.sources:
            if source.n in numbers:
                console.note(f"[{source.n}] {_where(source, self._job)}")
        wrong = sorted({one.n for one in cited if one.verified is False})
        if wrong:
            marks = " ".join(f"[{n}]" for n in wrong)
            console.note(
                console.to(
                    Phrase(
                        f"Not all that is said with {marks} was found in the source.",
                        f"标注 {marks} 的内容未能全部在来源中找到。",
                    )
                )
            )
        if self._grounded.note.en:
            console.note(console.to(self._grounded.note))

    def _cited(self) -> tuple[Citation, ...]:
        return citations("".join(self._text), self._grounded.sources)


def _where(source: Source, job: Job) -> str:
    page = Phrase(f"page {source.page}", f"第 {source.page} 页")
    called = source.title or source.name or source.known_as
    parts = (called, job.console.to(page) if source.page else "", source.label)
    return ", ".join(part for part in parts if part)


def _source(source: Source) -> dict[str, Any]:
    return {
        "n": source.n,
        "document": source.known_as,
        "title": source.title or source.name,
        "page": source.page,
        "label": source.label,
        "start": source.start,
        "end": source.end,
        "text": source.text,
    }


def _citation(citation: Citation, source: Source | None) -> dict[str, Any]:
    return {
        "n": citation.n,
        "document": source.known_as if source else None,
        "page": citation.page,
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
        "verified": citation.verified,
    }
