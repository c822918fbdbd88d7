"""Documents as the API sees them: a program never learns where one lies, nor of those that belong to a conversation.

Fulfils `api.ports.DocumentDesk`. Files that are sent stay in `data/uploads` while their document is there.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from backends.api.ports import Chosen, Filed, Page, Searching, ServedModel
from backends.chat import prompt
from backends.chat.grounding import Grounded, Grounding, ground
from backends.core.cancel import CancelToken
from backends.core.errors import InvalidInput, NotFound, Unavailable
from backends.core.files import storage_error
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream
from backends.documents.collections import no_collection
from backends.documents.rows import no_document
from backends.documents.types import Collection, Document, Found, IngestEvent, Scope, SearchRequest, Status
from backends.documents.uploads import Uploads
from backends.engine.protocol import LoadEvent, Turn
from backends.services.documents import DocumentServices
from backends.services.serving import ServingDesk

__all__ = ["ServingDocuments"]

THREADS = 4  # of questions to the documents at a time


class ServingDocuments:
    """Its threads: `api-documents` for what is quick, `api-search`, and `api-ground`, which waits for models. `secret`:
    of this data folder, for the fence around sources."""

    def __init__(self, documents: DocumentServices, desk: ServingDesk, secret: Callable[[], bytes]) -> None:
        self._documents, self._store, self._desk, self._secret = documents, documents.store, desk, secret
        self._runner = Runner("api-documents", 2)
        self._searching = Runner("api-search", 2)
        self._grounding = Runner("api-ground", THREADS)
        self._lock = threading.Lock()
        self._reading: dict[int, Stream[IngestEvent]] = {}  # of what was sent and is not read yet

    def begin(self) -> None:
        """The API is on: go on with what was sent before."""
        self._documents.begin()

    def close(self) -> None:
        for runner in (self._runner, self._searching, self._grounding):
            runner.close()

    @property
    def uploads(self) -> Uploads:
        return self._documents.uploads

    # ---- what there is

    def page(self, collection: str | None, status: Status | None, offset: int, limit: int) -> Stream[Page]:
        return self._runner.start(self._page, collection, status, offset, limit)

    def _page(
        self, collection: str | None, status: Status | None, offset: int, limit: int, *, cancel: CancelToken
    ) -> Iterator[Page]:
        scope = Scope() if collection is None else Scope(collections=(self._named(collection).id,))
        names = self._names()
        found = self._store.documents(scope, status=status, offset=offset, limit=limit)
        filed = tuple(Filed(one, names[one.collection_id]) for one in found if one.collection_id in names)
        yield Page(filed, self._store.count(scope, status=status))

    def document(self, document_id: int) -> Stream[Filed]:
        def task(*, cancel: CancelToken) -> Iterator[Filed]:
            yield self._filed(document_id)

        return self._runner.start(task)

    def _filed(self, document_id: int) -> Filed:
        document = self._store.document(document_id)
        name = self._names().get(document.collection_id)
        if name is None or document.hidden is not None:
            raise no_document()
        return Filed(document, name)

    def _names(self) -> Mapping[int, str]:
        """Of all collections but those of conversations."""
        return {one.id: one.name for one in self._store.collections()}

    def _named(self, name: str) -> Collection:
        found = self._store.collection_named(name)
        if found is None:
            raise no_collection()
        return found

    # ---- come and go

    def take_in(self, uploads: Sequence[Path], collection: str | None) -> Stream[tuple[Filed, ...]]:
        return self._runner.start(self._take_in, tuple(uploads), collection)

    def _take_in(
        self, uploads: tuple[Path, ...], name: str | None, *, cancel: CancelToken
    ) -> Iterator[tuple[Filed, ...]]:
        self._documents.begin()
        collection = self._store.default_collection() if name is None else self._made(name)
        try:
            documents = self._store.expect(collection.id, uploads)
        except OSError as error:
            raise storage_error(error, uploads[0]) from error
        for document, path in zip(documents, uploads, strict=True):
            if self.uploads.keep(path):
                self._read(document.id, path, collection.id)
            else:  # nobody waits for it any more
                self._store.give_up(document.id)
        yield tuple(Filed(document, collection.name) for document in documents)

    def _read(self, document_id: int, path: Path, collection_id: int) -> None:
        """In the background."""
        reading = self._documents.add([path], collection_id)
        with self._lock:
            self._reading = {id: stream for id, stream in self._reading.items() if not stream.wait(0)}
            self._reading[document_id] = reading

    def _made(self, name: str) -> Collection:
        found = self._store.collection_named(name)
        if found is not None:
            return found
        try:
            return self._store.add_collection(name)
        except InvalidInput:
            if (found := self._store.collection_named(name)) is not None:  # it came in the same moment
                return found
            raise

    def delete(self, document_id: int) -> Stream[int]:
        return self._runner.start(self._delete, document_id)

    def _delete(self, document_id: int, *, cancel: CancelToken) -> Iterator[int]:
        """What is not read yet is given up, and may be no document then: so its file goes before."""
        self._filed(document_id)
        for _ in self._documents.delete([document_id]):
            pass
        self.uploads.forget([document_id])
        with self._lock:
            reading = self._reading.pop(document_id, None)
        if reading is not None:
            reading.cancel()
        self._documents.erase([document_id])
        yield document_id

    # ---- found

    def search(self, request: SearchRequest, chosen: Chosen) -> Stream[tuple[Found, Mapping[int, str]]]:
        return self._searching.start(self._search, request, chosen)

    def _search(
        self, request: SearchRequest, chosen: Chosen, *, cancel: CancelToken
    ) -> Iterator[tuple[Found, Mapping[int, str]]]:
        names = self._names()
        for found in self._documents.find(replace(request, scope=self._scope(chosen)), cancel=cancel):
            yield found, names

    def _scope(self, chosen: Chosen) -> Scope:
        narrowed = Scope(formats=chosen.formats, since=chosen.since, until=chosen.until)
        collection = None if chosen.collection is None else self._named(chosen.collection)
        if chosen.ids is None:
            return narrowed if collection is None else replace(narrowed, collections=(collection.id,))
        known: dict[int, Document] = {one.id: one for one in self._store.documents_by_id(chosen.ids)}
        names = self._names()
        for each in chosen.ids:
            document = known.get(each)
            if document is None or document.collection_id not in names:
                raise no_document()
            if collection is not None and document.collection_id != collection.id:
                raise NotFound(
                    Phrase(f"Document {each} is not in that collection.", f"文档 {each} 不在该资料库中。"),
                    code="no_document",
                )
        return replace(narrowed, documents=chosen.ids)

    def ground(
        self, model: ServedModel, turns: Sequence[Turn], place: int, chosen: Chosen
    ) -> Stream[LoadEvent | Searching | Grounded]:
        return self._grounding.start(self._ground, model, tuple(turns), place, chosen)

    def _ground(
        self, model: ServedModel, turns: tuple[Turn, ...], place: int, chosen: Chosen, *, cancel: CancelToken
    ) -> Iterator[LoadEvent | Searching | Grounded]:
        """What stands beside the question takes its room from the passages, but never more than half of the context."""
        scope = self._scope(chosen)
        yield from self._desk.have(model, cancel)
        yield Searching()
        engine = self._desk.engine
        loaded = engine.model
        if loaded is None:  # it went in the same moment
            raise Unavailable(Phrase("No model is loaded.", "尚未加载模型。"), code="no_model")
        count = prompt.counting(engine, cancel)
        others = [turn for number, turn in enumerate(turns) if number != place]
        beside = count(others) if others else 0
        yield ground(
            Grounding(self._documents.find, self._store, scope, self._secret()),
            engine,
            [turn for turn in turns[:place] if turn.role in ("user", "assistant")],
            turns[place].content,
            context=max(loaded.context - beside, loaded.context // 2),
            model=self._desk.catalogued(model),
            count=count,
            priority="api",
            cancel=cancel,
        )
