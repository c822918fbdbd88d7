"""POST /v1/embeddings and /v1/rerank: texts as vectors, and documents by how well they answer a query.

A text that is longer than the model reads is refused, or with `truncate` cut; then `truncated` says where. Token ids
are not taken: they are those of some other model's vocabulary.
"""

import asyncio
import base64
import json
import struct
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from backends.api import asking, calls, errors
from backends.api.asking import Api
from backends.api.calls import Call
from backends.api.embeddings_types import MOST_TEXTS, Embeddings, EmbeddingsRequest, Reranked, RerankRequest, TextKind
from backends.api.errors import ApiError, bad
from backends.api.json_values import an_object
from backends.api.ports import ServedModel
from backends.api.telling import broken_off
from backends.api.waiting import merged
from backends.core.errors import BackendError
from backends.core.stream import Stream
from backends.engine.embedding import Embedded, Ranked, TextRole
from backends.engine.protocol import Usage

router = APIRouter()

E = TypeVar("E", Embedded, Ranked)
Encoding = Literal["float", "base64"]

_QUERIES = frozenset(("query", "search_query"))
_FEW = 65_536  # bytes of vectors; more are written beside the event loop, and sent in pieces
_PIECE = 262_144  # bytes


@router.post("/v1/embeddings", response_model=Embeddings, summary="Texts as vectors")
async def embeddings(request: Request, body: EmbeddingsRequest) -> Response:
    api, call = asking.of(request), calls.of(request)
    model = asking.find(api, call, body.model, "embedding")
    given = texts(body.input)
    role = role_of(body.input_type or body.role)
    found = await vectors(api, call, model, given, role, cut=bool(body.truncate), dimensions=body.dimensions)
    rest = {"object": "list", "model": model.id, **_cost(found.tokens), **found.told}
    return await response("data", found.rows, rest, encoding=body.encoding_format or "float", form=_entry)


@router.post("/v1/rerank", response_model=Reranked, summary="Documents by how well they answer a query")
async def rerank(request: Request, body: RerankRequest) -> Response:
    api, call = asking.of(request), calls.of(request)
    model = asking.find(api, call, body.model, "reranking")
    documents = _documents(body.documents)
    heard = await _heard(
        api, call, lambda: api.desk.rerank(model, body.query, documents), "documents", cut=bool(body.truncate)
    )
    scores = [score for event in heard for score in event.scores]
    _check_all(call, len(scores), len(documents))
    best = sorted(range(len(scores)), key=lambda index: (-scores[index], index))[: body.top_n]
    results: list[dict[str, Any]] = [{"index": index, "relevance_score": scores[index]} for index in best]
    if body.return_documents:
        results = [{**result, "document": {"text": documents[result["index"]]}} for result in results]
    cost = _cost(sum(event.tokens for event in heard))
    return JSONResponse({"object": "list", "model": model.id, "results": results, **cost, **_truncated(heard)})


# ---- what the other dialects use, too


@dataclass(frozen=True, slots=True)
class Vectors:
    """`rows`: little-endian float32, one bytes object a text. `told`: `truncated`, where a text was cut."""

    rows: list[bytes]
    tokens: int
    told: dict[str, Any]


async def vectors(
    api: Api,
    call: Call,
    model: ServedModel,
    given: Sequence[str],
    role: TextRole,
    *,
    cut: bool,
    dimensions: int | None = None,
) -> Vectors:
    """`cut`: texts may be cut. ApiError 400 for one that would have to be, and for other `dimensions` than it has."""
    heard = await _heard(api, call, lambda: api.desk.embed(model, given, role), "input", cut=cut, dimensions=dimensions)
    rows = [row for event in heard for row in event.vectors]
    _check_all(call, len(rows), len(given))
    return Vectors(rows, sum(event.tokens for event in heard), _truncated(heard))


def texts(given: Any, param: str = "input") -> tuple[str, ...]:
    """A text, or a list of them."""
    found = given if isinstance(given, list) else [given]
    _check_number(found, param)
    if any(isinstance(one, int | list) for one in found):
        told = f"{param} must be text: token ids of another model mean nothing to this one"
        raise bad(told, param, "unsupported")
    if not all(isinstance(one, str) and one for one in found):
        raise bad(f"{param} must be a text or a list of texts, none of them empty", param)
    return tuple(found)


def role_of(kind: TextKind | None) -> TextRole:
    return "query" if kind in _QUERIES else "document"


def numbers(row: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(row) // 4}f", row)


async def response(
    name: str,
    rows: Sequence[bytes],
    rest: Mapping[str, Any],
    *,
    encoding: Encoding = "float",
    form: Callable[[int, str], str] = lambda _, row: row,
) -> Response:
    """An object: the list `name` of the vectors, as `form` puts each with its index, and `rest`, which is not empty.
    Numbers have as many digits as float32 has."""

    def written() -> bytes:
        told = ",".join(form(index, _spelt(row, encoding)) for index, row in enumerate(rows))
        return f'{{"{name}":[{told}],{json.dumps(rest)[1:]}'.encode()

    if sum(map(len, rows)) <= _FEW:
        return Response(written(), media_type="application/json")
    body = await asyncio.to_thread(written)
    headers = {"Content-Length": str(len(body))}
    return StreamingResponse(_pieces(body), headers=headers, media_type="application/json")


# ---- inside


async def _pieces(body: bytes) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(body), _PIECE):
        yield body[start : start + _PIECE]


def _entry(index: int, row: str) -> str:
    """As OpenAI has it."""
    return f'{{"object":"embedding","index":{index},"embedding":{row}}}'


def _spelt(row: bytes, encoding: Encoding) -> str:
    if encoding == "base64":
        return f'"{base64.b64encode(row).decode("ascii")}"'
    return f"[{','.join(map('{:.9g}'.format, numbers(row)))}]"


async def _heard(
    api: Api, call: Call, ask: Callable[[], Stream[E]], param: str, *, cut: bool, dimensions: int | None = None
) -> list[E]:
    """All that is said, in a place of the queue."""
    heard: list[E] = []
    async with api.admission.place(call):
        try:
            stream = ask()
        except BackendError as error:
            raise replace(errors.of(error), param="model") from error
        call.enter("reading")
        try:
            with call.following(stream):
                async with aclosing(merged((stream,))) as events:
                    async for gathered in events:
                        for _, event in gathered:
                            _check(event, param, cut, dimensions)
                            heard.append(event)
        except BackendError as error:
            raise errors.of(error) from error
    call.count(Usage(sum(event.tokens for event in heard), 0, 0))
    return heard


def _check(event: Embedded | Ranked, param: str, cut: bool, dimensions: int | None) -> None:
    if isinstance(event, Embedded) and dimensions is not None and event.vectors:
        known = len(event.vectors[0]) // 4
        if dimensions != known:
            raise bad(f"dimensions must be {known}: this model makes no shorter vectors", "dimensions", "unsupported")
    long = next((index for index, left in enumerate(event.cut) if left), None)
    if long is not None and not cut:
        place = f"{param}.{event.first + long}"
        told = f"{place} is {event.cut[long]} tokens longer than this model reads; shorten it, or send truncate: true"
        raise ApiError(400, told, "context_length_exceeded", place)


def _check_all(call: Call, found: int, wanted: int) -> None:
    if found != wanted:  # it was cancelled
        raise broken_off(call)


def _truncated(heard: Sequence[Embedded | Ranked]) -> dict[str, Any]:
    cut = [
        {"index": event.first + index, "tokens": left}
        for event in heard
        for index, left in enumerate(event.cut)
        if left
    ]
    return {"truncated": cut} if cut else {}


def _cost(tokens: int) -> dict[str, Any]:
    return {"usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def _documents(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list):
        raise bad("documents must be a list", "documents")
    _check_number(given, "documents")
    return tuple(_document(one, f"documents.{number}") for number, one in enumerate(given))


def _document(given: Any, param: str) -> str:
    text = given if isinstance(given, str) else an_object(given, param).get("text")
    if not isinstance(text, str):
        raise bad(f"{param} must be a text, or an object with `text`", param)
    return text


def _check_number(given: Sequence[Any], param: str) -> None:
    if not given:
        raise bad(f"{param} is empty", param)
    if len(given) > MOST_TEXTS:
        raise bad(f"{param} may hold at most {MOST_TEXTS} texts", param)
