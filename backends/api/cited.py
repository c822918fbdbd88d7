"""Chats answered from documents: `documents: true | [ids]` and `collection` in a request, sources and citations back.

    cited = await ground(api, call, body, model, request)     # None: the request does not ask for it
    request = cited.request(request)                          # the last question with its sources
    await cited.put(completion)                               # or `sources`, `hear` and `citations` in a stream

Where nothing was found, `cited.instead` is the answer, and the model is not asked.
"""

import asyncio
from collections import defaultdict
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from fastapi.responses import JSONResponse, Response

from backends.api import asking, errors, sse
from backends.api.asking import Api
from backends.api.calls import Call
from backends.api.errors import ApiError, bad
from backends.api.openai_parts import Head
from backends.api.openai_types import ChatRequest
from backends.api.ports import Chosen, Searching, ServedModel
from backends.api.telling import Told
from backends.api.waiting import merged
from backends.chat.citations import citations
from backends.chat.grounding import Grounded
from backends.chat.types import Citation, Source
from backends.core.errors import BackendError
from backends.core.stream import Stream
from backends.engine.protocol import GenerateRequest, LoadEvent, TextDelta
from backends.governance.access import authorize

_NO_TOKENS = {
    "prompt_tokens": 0,
    "completion_tokens": 0,
    "total_tokens": 0,
    "prompt_tokens_details": {"cached_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0},
}


@dataclass(slots=True)
class Cited:
    """Hears all the answers to one question."""

    grounded: Grounded
    place: int  # of the question among the turns
    _said: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def instead(self) -> str:
        return self.grounded.instead

    def request(self, request: GenerateRequest) -> GenerateRequest:
        """The question with its sources."""
        turns = self.grounded.turns(request.turns, self.place)
        return replace(request, turns=turns, labels=request.labels | self.grounded.labels)

    # ---- as it comes

    def sources(self) -> dict[str, Any]:
        """Fields of a chunk before the first text."""
        return {"sources": [_source(one) for one in self.grounded.sources]}

    def hear(self, index: int, told: Told) -> None:
        if isinstance(told, TextDelta):
            self._said[index].append(told.text)

    async def citations(self, index: int) -> dict[str, Any]:
        """Fields of what is told of an answer at its end. Each mark is compared with its source: beside the loop."""
        known = {one.n: one for one in self.grounded.sources}
        found = await asyncio.to_thread(citations, "".join(self._said[index]), self.grounded.sources)
        return {"citations": [_citation(one, known.get(one.n)) for one in found]}

    # ---- whole

    async def put(self, completion: dict[str, Any]) -> None:
        """Into a completion, what belongs to it."""
        completion |= self.sources()
        for choice in completion["choices"]:
            self._said[choice["index"]] = [choice["message"]["content"] or ""]
            choice["message"] |= await self.citations(choice["index"])


async def ground(api: Api, call: Call, body: ChatRequest, model: ServedModel, request: GenerateRequest) -> Cited | None:
    """ApiError: 400 without a question, 404 for documents that are not there, 503 while the model is loaded;
    Forbidden for a key that may not read documents."""
    chosen = _chosen(body)
    if chosen is None:
        return None
    authorize(call.scope_caller, "docs.read")
    places = [number for number, turn in enumerate(request.turns) if turn.role == "user" and turn.content.strip()]
    if not places:
        raise bad("messages hold no question of a user", "messages")
    call.enter("waiting" if model.loaded else "loading")
    stream = api.desk.documents.ground(model, request.turns, places[-1], chosen)
    try:
        with call.following(stream):
            grounded = await _heard(stream, call, errors.full() if model.loaded else errors.loading())
    except BackendError as error:
        raise errors.of(error) from error
    if grounded.instead and (request.format is not None or request.tool_choice not in ("auto", "none")):
        raise ApiError(404, grounded.instead, "nothing_found", "documents")  # it is not what was asked for
    if api.keeps_texts():  # what is kept holds no documents: they may be erased
        call.asked = asking.spoken(request)
    return Cited(grounded, places[-1])


def _chosen(body: ChatRequest) -> Chosen | None:
    """A collection alone says that its documents are meant."""
    wanted = body.collection is not None if body.documents is None else body.documents
    if wanted == []:
        raise bad("documents must be true, or a list of at least one id", "documents")
    if isinstance(wanted, list):
        return Chosen(tuple(wanted), body.collection)
    return Chosen(None, body.collection) if wanted else None


async def _heard(stream: Stream[LoadEvent | Searching | Grounded], call: Call, late: ApiError) -> Grounded:
    """`late`: what is told if it takes long until the search begins."""
    try:
        async with asyncio.timeout(asking.LOAD_WAIT) as limit, aclosing(merged((stream,))) as heard:
            async for events in heard:
                for _, event in events:
                    if isinstance(event, Grounded):
                        return event
                    if isinstance(event, Searching):
                        limit.reschedule(None)
                        call.enter("reading")
    except TimeoutError as error:
        raise late from error
    raise late  # it was cancelled: nobody listens any more


# ---- where nothing was found


def said_instead(cited: Cited, call: Call, head: Head, n: int, body: ChatRequest) -> Response:
    """No model has said it."""
    call.said_something()
    if body.stream:
        return sse.event_stream(call, _told_instead(cited, head, n, usage=body.wants_usage))
    said = {"role": "assistant", "content": cited.instead, "citations": []}
    choices = [{"index": index, "message": said, "logprobs": None, "finish_reason": "stop"} for index in range(n)]
    return JSONResponse(head.body("chat.completion", choices, usage=_NO_TOKENS, sources=[]))


async def _told_instead(cited: Cited, head: Head, n: int, *, usage: bool) -> sse.Parts:
    more: dict[str, Any] = {"usage": None} if usage else {}

    def chunk(index: int, delta: dict[str, Any], reason: str | None = None, **fields: Any) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}
        return sse.data(head.body("chat.completion.chunk", [choice], **more, **fields))

    for index in range(n):
        yield chunk(index, {"role": "assistant", "content": None}, sources=[])
        yield chunk(index, {"content": cited.instead})
        yield chunk(index, {"citations": []}, "stop")
    if usage:
        yield sse.data(head.body("chat.completion.chunk", [], usage=_NO_TOKENS))
    yield sse.DONE


# ---- as programs are told


def _source(source: Source) -> dict[str, Any]:
    return {
        "n": source.n,
        "document": source.document_id,
        "name": source.name,
        "title": source.title,
        "page": source.page,
        "label": source.label,
        "start": source.start,
        "end": source.end,
        "text": source.text,
    }


def _citation(citation: Citation, source: Source | None) -> dict[str, Any]:
    """Of a mark without a source the document is null."""
    return {
        "n": citation.n,
        "document": source.document_id if source else None,
        "name": source.name if source else None,
        "title": source.title if source else None,
        "page": citation.page,
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
        "verified": citation.verified,
    }
