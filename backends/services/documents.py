"""Documents: taken in, kept, searched, deleted; and what goes on with them in the background.

    for event in services.documents.add([path]): ...
    for found in services.documents.search(SearchRequest("a question")): ...
    services.documents.store.documents()        # reading is quick; whoever shows it reads it

Writes are Streams. What was deleted can be undone until it is erased.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from backends.core.cancel import CancelToken
from backends.core.stream import Runner, Stream
from backends.documents.index import Progress, SearchIndex
from backends.documents.ingest import ingest_text
from backends.documents.ports import Embedder, Reranker, Translator
from backends.documents.search import Search
from backends.documents.store import DocumentStore
from backends.documents.types import Collection, Document, Found, IngestEvent, SearchRequest, WatchedFolder
from backends.documents.uploads import Uploads
from backends.documents.watch import Follower
from backends.services.foundation import Foundation
from backends.services.intakes import IntakeProgress, Intakes
from backends.services.library_upkeep import IDLE, Upkeep
from backends.services.warmth import WarmthServices

__all__ = ["DocumentServices", "IntakeProgress"]

T = TypeVar("T")


class DocumentServices:
    """Its threads: `ingest` (2), `search` (2), `library` for short writes, and those of `Upkeep` and `Follower`.

    Nothing goes on in the background before `begin`, which the window calls, and whoever has taken something in.
    """

    def __init__(
        self,
        foundation: Foundation,
        warmth: WarmthServices,
        *,
        embedder: Embedder | None = None,
        reranker: Reranker | None = None,
        translator: Translator | None = None,
        idle: float = IDLE,
    ) -> None:
        self._base = foundation
        self.store = DocumentStore.open(foundation.paths.data / "library.db")
        self.index = SearchIndex(self.store, foundation.paths.data / "search")
        self.uploads = Uploads(self.store, foundation.paths.data / "uploads")
        self._search = Search(self.store, self.index, embedder, reranker, translator)

        def busy() -> bool:
            return foundation.engine.busy

        self._intakes = Intakes(self.store, busy, self._on_stored, self._tell)
        self._upkeep = Upkeep(
            self.store,
            self.index,
            embedder,
            busy,
            self._intakes.gate,
            self._on_kept_up,
            warmth.erase,
            self.uploads.forget,
            self.running,
            idle,
        )
        self._follower = Follower(self.store, self._read_followed, changed=self._tell)
        self._library = Runner("library")
        self._searches = Runner("search", 2)
        self._changes = foundation.changes()
        self._begun = False

    def begin(self) -> None:
        """At a start of the window or of the API: go on with what a kill or the last end has cut short, erase what was
        deleted, look after the folders that are followed."""
        if self._begun:
            return
        self._begun = True
        self._library.start(self._resume)
        self._upkeep.erase_hidden()
        self._upkeep.catch_up()
        self._changes.on_wake(self._on_changes)
        self._library.start(self._follow)

    def close(self) -> None:
        self._changes.on_wake(None)
        self._changes.cancel()
        self._follower.close()
        self._searches.close()
        self._library.close()
        self._intakes.close()
        self._upkeep.close()
        self.index.close()
        self.store.close()

    # ---- taking in

    def add(
        self,
        paths: Sequence[str | Path],
        collection_id: int | None = None,
        *,
        passwords: Sequence[str] = (),
        recognise: bool = False,
    ) -> Stream[IngestEvent]:
        """Files and folders with all that is below them. The last event is IngestDone. Cancelled, what was not stored
        yet is forgotten; cut short by a kill or the end of the program, `begin` goes on with it."""
        collection = self._collection(collection_id)
        asked = self.store.ask(collection, [str(Path(path).absolute()) for path in paths], recognise=recognise)
        return self._intakes.files(collection, paths, asked, passwords=passwords, recognise=recognise)

    def add_jsonl(self, file: Path, collection_id: int | None = None) -> Stream[IngestEvent]:
        """Each line `{"id", "title", "text"}` is a document."""
        collection = self._collection(collection_id)
        return self._intakes.jsonl(collection, file, self.store.ask(collection, [str(file.absolute())], kind="jsonl"))

    def add_text(self, title: str, text: str, collection_id: int | None = None) -> Stream[Document]:
        """One that was pasted. InvalidInput (`empty`)."""

        def add() -> Document:
            document = ingest_text(self.store, self._collection(collection_id), title, text)
            self._on_stored()
            return document

        return self._write(add)

    def retry(self, document_id: int, *, password: str = "", recognise: bool = False) -> Stream[IngestEvent]:
        """Read it once more: with a password, or its scanned pages too. NotFound (`no_document`)."""
        document = self.store.document(document_id)
        asked = self.store.ask(document.collection_id, [document.path], recognise=recognise) if recognise else ()
        return self._intakes.files(
            document.collection_id,
            [document.path] if document.path else [],
            asked,
            passwords=[password] if password else [],
            recognise=recognise,
            again=True,
        )

    def running(self) -> bool:
        """Something is being taken in."""
        return self._intakes.progress is not None

    @property
    def progress(self) -> IntakeProgress | None:
        """How far all taking in is, whoever has asked for it (folders that are followed, too); None: nothing runs.
        "documents" of `Services.changes` says when to look again."""
        return self._intakes.progress

    @property
    def paused(self) -> bool:
        return self._intakes.gate.paused

    def pause(self) -> None:
        """Taking in, and the work in the background."""
        self._intakes.gate.pause()
        self._tell()

    def go_on(self) -> None:
        self._intakes.gate.go_on()
        self._tell()

    def cancel(self) -> None:
        """End all taking in, whoever has asked for it. What is read stays; folders stay followed, and are gone on with
        when something changes there or they are walked through again."""
        self._intakes.cancel()
        self.go_on()

    # ---- away, and back

    def delete(self, ids: Sequence[int]) -> Stream[tuple[int, ...]]:
        """Out of search and answers at once. One event: the ids that `undo` takes."""
        return self._write(lambda: self._gone(self.store.hide(ids)))

    def undo(self, ids: Sequence[int], collection_id: int | None = None) -> Stream[tuple[int, ...]]:
        """`collection_id`: the one that was removed with them. One event: the ids of those that are back. NotFound
        (`no_collection`)."""

        def undo() -> tuple[int, ...]:
            if collection_id is not None:
                self.store.restore_collection(collection_id)
                self._follower.follow(self.store.watched())
            return self._gone(self.store.restore(ids))

        return self._write(undo)

    def erase(self, ids: Sequence[int] | None = None) -> Stream[int]:
        """For good: text, vectors, what engines have read of it; its full text within a minute of idleness. None: all
        that is deleted (when the page is left). One event: how many."""
        return self._upkeep.erase_hidden() if ids is None else self._upkeep.erase(ids)

    def _gone(self, ids: tuple[int, ...]) -> tuple[int, ...]:
        self._on_stored()
        return ids

    # ---- collections, and folders that are followed

    def add_collection(self, name: str) -> Stream[Collection]:
        """InvalidInput (`name_missing`, `name_taken`)."""
        return self._write(lambda: self.store.add_collection(name))

    def rename_collection(self, collection_id: int, name: str) -> Stream[Collection]:
        return self._write(lambda: self.store.rename_collection(collection_id, name))

    def remove_collection(self, collection_id: int) -> Stream[tuple[int, ...]]:
        """With its documents; what is being taken into it ends. One event: the ids that `undo` takes."""

        def remove() -> tuple[int, ...]:
            for stream in self._intakes.cancel(collection_id):
                stream.wait()
            hidden = self._gone(self.store.remove_collection(collection_id))
            self._follower.follow(self.store.watched())
            return hidden

        return self._write(remove)

    def watch(self, path: Path, collection_id: int | None = None) -> Stream[WatchedFolder]:
        """Take in a folder and follow it."""

        def watch() -> WatchedFolder:
            watched = self.store.watch(self._collection(collection_id), str(path.absolute()))
            self._follower.follow(self.store.watched())
            return watched

        return self._write(watch)

    def unwatch(self, watched_id: int) -> Stream[None]:
        """Its documents stay."""

        def unwatch() -> None:
            self.store.unwatch(watched_id)
            self._follower.follow(self.store.watched())

        return self._write(unwatch)

    # ---- finding

    def search(self, request: SearchRequest) -> Stream[Found]:
        """What is found at once, and then, if that takes longer, what is better. The last one is `final`."""
        return self._searches.start(self._search.find, request)

    def settle(self) -> Stream[None]:
        """For commands that end with what they have done: all that is stored can be searched, vectors among it."""
        return self._upkeep.settle()

    def rebuild(self) -> Stream[Progress]:
        """Make the full text anew, whatever is there now."""
        return self._upkeep.rebuild()

    def find(self, request: SearchRequest, *, cancel: CancelToken) -> Iterator[Found]:
        """As `search`, on the caller's thread."""
        return self._search.find(request, cancel=cancel)

    # ---- inside

    def _collection(self, collection_id: int | None) -> int:
        return self.store.default_collection().id if collection_id is None else collection_id

    def _write(self, write: Callable[[], T]) -> Stream[T]:
        def task(*, cancel: CancelToken) -> Iterator[T]:
            done = write()
            self._tell()
            yield done

        return self._library.start(task)

    def _resume(self, *, cancel: CancelToken) -> Iterator[None]:
        """Requests as they were asked; documents of requests that nobody knows any more, or whose drive did not answer;
        uploads that nobody has."""
        self.uploads.sweep()
        for asked in self.store.asked():
            if asked.kind == "jsonl":
                self._intakes.jsonl(asked.collection_id, Path(asked.path), [asked])
            else:
                self._intakes.files(asked.collection_id, [asked.path], [asked], recognise=asked.recognise, quiet=True)
        left = (*self.store.unfinished(), *self.store.unanswered())
        for collection in {document.collection_id for document in left}:
            paths = [document.path for document in left if document.collection_id == collection and document.path]
            self._intakes.files(collection, paths, quiet=True)
        yield None

    def _follow(self, *, cancel: CancelToken) -> Iterator[None]:
        self._follower.follow(self.store.watched())
        yield None

    def _read_followed(
        self, collection_id: int, paths: Sequence[str], after: Callable[[CancelToken], None]
    ) -> Stream[IngestEvent]:
        return self._intakes.files(collection_id, paths, follows=True, quiet=True, after=after)

    def _on_kept_up(self) -> None:
        """In the background, so that the first question need not: what the documents are called."""
        self._search.follow_names()
        self._tell()

    def _on_stored(self) -> None:
        self._upkeep.catch_up()

    def _on_changes(self) -> None:
        """On the thread of whoever changed something: an embedder may have come."""
        if "library" in self._changes.drain():
            self._upkeep.embed()

    def _tell(self) -> None:
        self._base.changed("documents")
