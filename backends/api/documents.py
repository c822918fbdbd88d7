"""/v1/documents and /v1/search: files that programs send, their state, and what is found in all documents.

A document is told of by its id and its name, never by where it lies.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from backends.api import asking, calls, uploads
from backends.api.errors import ApiError, bad
from backends.api.exchange import CLIENT_GONE
from backends.api.openai_types import GREATEST_ID, Ids
from backends.api.ports import Chosen, Filed, Page
from backends.core.errors import Problem
from backends.documents.types import Found, Hit, SearchRequest, Status

router = APIRouter()
T = TypeVar("T")

MOST_LISTED = 200
MOST_HITS = 50
LONGEST_QUERY = 4_000  # characters
LONGEST_NAME = 200  # characters of a collection's
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class Trouble(BaseModel):
    """Why it cannot be searched, or not all of it."""

    code: str
    message: str


class DocumentObject(BaseModel):
    id: int
    object: Literal["document"] = "document"
    name: str
    title: str = Field(description="As the file says itself; often empty")
    collection: str
    status: Status = Field(description="ready: it can be searched")
    problem: Trouble | None
    format: str
    pages: int = Field(description="0: the format has none, or it is not read yet")
    characters: int
    bytes: int
    added: int = Field(description="Seconds since 1970")


class DocumentList(BaseModel):
    object: Literal["list"] = "list"
    data: list[DocumentObject]
    total: int
    has_more: bool


class Deleted(BaseModel):
    id: int
    object: Literal["document"] = "document"
    deleted: Literal[True] = True


class SearchBody(BaseModel):
    model_config = ConfigDict(extra="allow")

    query: str = Field(max_length=LONGEST_QUERY)
    limit: int = Field(10, ge=1, le=MOST_HITS)
    collection: Name | None = Field(None, description="Only documents of this collection")
    documents: Ids | None = Field(None, description="Only these")
    formats: Annotated[list[str], Field(max_length=64)] | None = Field(None, description="pdf, docx, text, …")
    since: datetime | None = Field(None, description="Seconds since 1970, or ISO 8601; UTC if it names no zone")
    until: datetime | None = None


class RankObject(BaseModel):
    """Where one method put it."""

    method: str
    rank: int
    score: float


class HitObject(BaseModel):
    """`start` and `end` count characters of the document's text; `score` is comparable within one search."""

    document: int
    name: str
    title: str
    collection: str
    page: int
    label: str
    start: int
    end: int
    text: str
    score: float
    ranks: list[RankObject]


class SearchList(BaseModel):
    object: Literal["list"] = "list"
    data: list[HitObject]
    enough: bool = Field(description="The best ones look like they speak of what was asked")
    searched: int = Field(description="Documents that were looked through")
    waiting: int = Field(description="Documents that are not read yet")


_FILE = {"type": "string", "format": "binary"}
_FORM = {
    "type": "object",
    "properties": {
        "file": {"anyOf": [_FILE, {"type": "array", "items": _FILE}]},
        "collection": {"type": "string", "description": "It is made where there is none of this name"},
    },
    "required": ["file"],
}
_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": {"schema": _FORM}, "application/octet-stream": {"schema": _FILE}},
    }
}


@router.post(
    "/v1/documents",
    status_code=202,
    response_model=DocumentList,
    openapi_extra=_UPLOAD,
    summary="Take in files; they are read in the background",
)
async def upload(
    request: Request,
    filename: Annotated[str, Query(description="Of application/octet-stream", max_length=1000)] = "",
    collection: Annotated[Name | None, Query()] = None,
) -> Response:
    api, call = asking.of(request), calls.of(request)
    desk = api.desk.documents
    call.enter("reading")
    try:
        async with uploads.receive(request, desk.uploads) as received:
            named = received.fields.get("collection") or collection
            if named is not None and len(named) > LONGEST_NAME:
                raise bad(f"collection may have at most {LONGEST_NAME} characters", "collection")
            filed = await asking.task(api, call, desk.take_in(received.files, named))
    except ClientDisconnect:
        return Response(status_code=CLIENT_GONE)
    taken = Page(_there(filed), len(received.files))
    return JSONResponse(_listed(taken, 0).model_dump(mode="json"), 202)


@router.get("/v1/documents", summary="Documents, newest first")
async def list_documents(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 20,
    offset: Annotated[int, Query(ge=0, le=GREATEST_ID)] = 0,
    collection: Annotated[Name | None, Query()] = None,
    status: Annotated[Status | None, Query()] = None,
) -> DocumentList:
    api, call = asking.of(request), calls.of(request)
    page = await asking.task(api, call, api.desk.documents.page(collection, status, offset, limit))
    return _listed(_there(page), offset)


@router.get("/v1/documents/{document_id}", summary="A document, and how far it is")
async def document(request: Request, document_id: Annotated[int, Path(ge=1, le=GREATEST_ID)]) -> DocumentObject:
    api, call = asking.of(request), calls.of(request)
    return told(_there(await asking.task(api, call, api.desk.documents.document(document_id))))


@router.delete("/v1/documents/{document_id}", summary="Out of search at once, and erased")
async def delete(request: Request, document_id: Annotated[int, Path(ge=1, le=GREATEST_ID)]) -> Deleted:
    api, call = asking.of(request), calls.of(request)
    return Deleted(id=_there(await asking.task(api, call, api.desk.documents.delete(document_id))))


@router.post("/v1/search", summary="Passages of documents that answer a question")
async def search(request: Request, body: SearchBody) -> SearchList:
    api, call = asking.of(request), calls.of(request)
    if api.keeps_texts():
        call.asked = body.query
    ids = None if body.documents is None else tuple(body.documents)
    chosen = Chosen(ids, body.collection, tuple(body.formats or ()), _seconds(body.since), _seconds(body.until))
    asked = SearchRequest(body.query, body.limit, lit=False)
    found, names = _there(await asking.task(api, call, api.desk.documents.search(asked, chosen)))
    return _found(found, names)


def _seconds(given: datetime | None) -> float | None:
    if given is None:
        return None
    return (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()


def _there(said: T | None) -> T:
    """ApiError if the request was given up meanwhile."""
    if said is None:
        raise ApiError(500, "The request was stopped.", "cancelled")
    return said


# ---- as programs are told


def told(filed: Filed) -> DocumentObject:
    one = filed.document
    return DocumentObject(
        id=one.id,
        name=one.name,
        title=one.title,
        collection=filed.collection,
        status=one.status,
        problem=_trouble(one.problem),
        format=one.format,
        pages=one.pages,
        characters=one.characters,
        bytes=one.size,
        added=int(one.added),
    )


_PLACE = re.compile(r"(?<![\w.])(?:/\w|[A-Za-z]:[\\/]|\\\\)")  # where the name of a file with its folders begins


def _trouble(problem: Problem | None) -> Trouble | None:
    """In English; words that name a place on this disk are left out."""
    if problem is None:
        return None
    words = [one.en for one in (problem.message, problem.hint) if one.en and not _PLACE.search(one.en)]
    return Trouble(code=problem.code, message=" ".join(words) or "It cannot be read.")


def _listed(page: Page, offset: int) -> DocumentList:
    more = offset + len(page.documents) < page.total
    return DocumentList(data=[told(one) for one in page.documents], total=page.total, has_more=more)


def _found(found: Found, names: Mapping[int, str]) -> SearchList:
    return SearchList(
        data=[_hit(hit, names) for hit in found.hits if hit.document.collection_id in names],
        enough=found.enough,
        searched=found.searched,
        waiting=found.waiting,
    )


def _hit(hit: Hit, names: Mapping[int, str]) -> HitObject:
    passage, document = hit.passage, hit.document
    return HitObject(
        document=document.id,
        name=document.name,
        title=document.title,
        collection=names[document.collection_id],
        page=passage.page,
        label=passage.label,
        start=passage.start,
        end=passage.end,
        text=passage.text,
        score=hit.score,
        ranks=[RankObject(method=one.method, rank=one.rank, score=one.score) for one in hit.ranks],
    )
