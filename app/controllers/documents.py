"""What happens on the page of documents: collections, filters, taking in, deleting and putting back, watched folders.

The controller keeps the picture (`library`) and the lists; it reads them anew when the services say that documents have
changed, on a thread of its own, one reading at a time. The page asks for rows as it scrolls.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal, Slot

from app.bridge import Pump
from app.document_words import title_of
from app.intake_pace import IntakePace
from app.library import Deletion, Library, Sort
from app.lists.collections import CollectionList
from app.lists.documents import DocumentList
from app.notices import Notice, NoticeBoard, NoticeButton
from backends.core.errors import BackendError
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream
from backends.documents.types import (
    Collection,
    Document,
    FileFailed,
    FileReading,
    FileStored,
    IngestDone,
    IngestEvent,
    Scope,
    WatchedFolder,
)
from backends.services.documents import DocumentServices
from backends.services.grounding import GroundingServices

T = TypeVar("T")

_SHOW = Phrase("Show the documents", "查看文档")
_TITLE = 60  # characters of a pasted text


class DocumentsController(QObject):
    library_changed = Signal()
    documents_wanted = Signal()  # somebody asked to see the page
    quotes_erased = Signal()

    def __init__(
        self,
        documents: DocumentServices,
        grounding: GroundingServices,
        pump: Pump,
        rows: DocumentList,
        collections: CollectionList,
        board: NoticeBoard,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._documents, self._grounding = documents, grounding
        self._pump = pump
        self._rows = rows
        self._collections = collections
        self._board = board
        self._runner = Runner("documents")
        self.library = Library(recognises=find_spec("rapidocr") is not None)
        self._streams: set[Stream[IngestEvent]] = set()
        self._reading: dict[int, tuple[int, int]] = {}
        self._with_quotes = False
        self._forgetting: tuple[int, ...] = ()  # what they quote is being erased: not left to chance at the end
        self._looking = self._again = False
        self._listed: tuple[object, ...] = ()  # what the rows are of
        self._pace = IntakePace()
        rows.rows_wanted.connect(self._on_rows_wanted)

    def start(self) -> None:
        """List what is there; go on with what was cut short."""
        self._call(self._documents.begin, then=lambda _: self.look())

    def close(self) -> None:
        """What is being read is taken up by the next start; what was deleted is erased."""
        self.leave()
        self._runner.close()
        if self._forgetting:
            self._grounding.forget_quotes(self._forgetting)

    def on_changes(self, changes: Sequence[str]) -> None:
        if "documents" in changes:
            self.look()

    @property
    def scope(self) -> Scope:
        return Scope() if self.library.chosen is None else Scope(collections=(self.library.chosen,))

    # ---- looking

    @Slot()
    def look(self) -> None:
        """Read what the page shows. One at a time: what is asked for meanwhile is one more look."""
        if self._looking:
            self._again = True
            return
        self._looking = True
        library, scope, store = self.library, self.scope, self._documents.store

        def read() -> tuple[tuple[Collection, ...], tuple[WatchedFolder, ...], int, int]:
            whole = store.count(scope)
            count = store.count(scope, query=library.query) if library.query else whole
            return store.collections(), store.watched(library.chosen), count, whole

        self._call(read, then=partial(self._on_looked, library), on_error=self._on_not_looked)

    def _on_looked(
        self,
        asked: Library,
        found: tuple[tuple[Collection, ...], tuple[WatchedFolder, ...], int, int],
    ) -> None:
        self._looking = False
        collections, watched, count, whole = found
        if (asked.chosen, asked.query) == (self.library.chosen, self.library.query):
            self._collections.show(collections)
            self._draw(state="ready", collections=collections, watched=watched, count=count, whole=whole)
            self._list(count)
            if asked.chosen is not None and self.library.collection(asked.chosen) is None:
                self.choose(None)
        else:
            self._again = True
        self._show_intake()
        if self._again:
            self._again = False
            self.look()

    def _on_not_looked(self, error: BackendError) -> None:
        self._looking = self._again = False
        self._draw(state="failed", message=error.message, hint=error.hint)

    def _list(self, count: int) -> None:
        library = self.library
        listed = (library.chosen, library.query, library.sort)
        if listed != self._listed:
            self._listed = listed
            self._rows.reset(count)
        else:
            self._rows.refresh(count)

    @Slot(int, int)
    def _on_rows_wanted(self, first: int, count: int) -> None:
        library, listed = self.library, self._listed

        def read() -> tuple[Document, ...]:
            return self._documents.store.documents(
                self.scope, query=library.query, sort=library.sort, offset=first, limit=count
            )

        def arrived(documents: tuple[Document, ...]) -> None:
            if listed == self._listed:
                self._rows.put(first, documents)

        self._call(read, then=arrived)

    @Slot(object)
    def choose(self, collection_id: int | None) -> None:
        self._draw(chosen=collection_id)
        self.look()

    @Slot(str)
    def filter(self, query: str) -> None:
        if query != self.library.query:
            self._draw(query=query)
            self.look()

    @Slot(str)
    def sort(self, sort: Sort) -> None:
        if sort != self.library.sort:
            self._draw(sort=sort)
            self.look()

    # ---- taking in

    def add(self, paths: Sequence[Path], *, told: bool = False) -> None:
        """Into the collection that is listed. `told`: say where they went, for whoever looks at another page."""
        collection = self.library.chosen
        self._call(self._documents.add, paths, collection, then=partial(self._follow, told=told, files=len(paths)))

    @Slot(str)
    def add_text(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        title = lines[0][:_TITLE] if lines else ""

        def added(documents: list[Document]) -> None:
            said = Phrase(f"“{documents[-1].name}” was added.", f"已添加“{documents[-1].name}”。")
            self._board.post(Notice(said, tone="success", key="pasted"))

        stream = self._documents.add_text
        self._call(lambda: stream(title, text, self.library.chosen), then=lambda one: self._pump.follow(one, added))

    @Slot(int)
    def retry(self, document_id: int) -> None:
        self._call(self._documents.retry, document_id, then=self._follow)

    @Slot(int)
    def recognise(self, document_id: int) -> None:
        self._call(lambda: self._documents.retry(document_id, recognise=True), then=self._follow)

    @Slot(int, str)
    def unlock(self, document_id: int, password: str) -> None:
        self._call(lambda: self._documents.retry(document_id, password=password), then=self._follow)

    @Slot()
    def pause(self) -> None:
        self._documents.pause()

    @Slot()
    def go_on(self) -> None:
        self._documents.go_on()

    @Slot()
    def cancel(self) -> None:
        """All of it, that of folders that are followed, too. What is read already stays."""
        self._call(self._documents.cancel, then=lambda _: self.look())

    def _follow(self, stream: Stream[IngestEvent], *, told: bool = False, files: int = 0) -> None:
        self._streams.add(stream)
        if told:
            many = Phrase("The document is being read.", "正在读取文档。")
            if files > 1:
                many = Phrase(f"{files} files or folders are being read.", f"正在读取 {files} 个文件或文件夹。")
            hint = Phrase("Each can be searched as soon as it is in.", "每个文档读取后即可搜索。")
            show = NoticeButton(_SHOW, self.documents_wanted.emit)
            self._board.post(Notice(many, hint, buttons=(show,), key="taking_in"))

        def ended() -> None:
            self._streams.discard(stream)
            if not self._streams:
                self._reading = {}
                self._rows.show_reading({})
            self.look()

        self._pump.follow(stream, self._on_events, ended)

    def _on_events(self, events: Iterable[IngestEvent]) -> None:
        reading = dict(self._reading)
        for event in events:
            match event:
                case FileReading(document_id, _, done, total):
                    reading[document_id] = (done, total)
                case FileStored(document_id):
                    reading.pop(document_id, None)
                case FileFailed(document_id) if document_id is not None:
                    reading.pop(document_id, None)
                case IngestDone(failed=failed):
                    self._tell_failed(failed)
        self._reading = reading
        self._rows.show_reading(reading)
        self._show_intake()

    def _tell_failed(self, failed: tuple[FileFailed, ...]) -> None:
        """Those that became no document are said here: they have no row that says it."""
        lost = [each for each in failed if each.document_id is None]
        if not lost:
            return
        problem, name = lost[0].problem, Path(lost[0].path).name or lost[0].path
        message = Phrase(f"{name}: {problem.message.en}", f"{name}：{problem.message.zh}")
        more = len(lost) - 1
        hint = problem.hint
        if more:
            hint = Phrase(f"{more} more could not be taken in. {hint.en}", f"另有 {more} 个无法添加。{hint.zh}")
        self._board.post(Notice(message, hint, "danger", key="not_taken_in"))

    def _show_intake(self) -> None:
        self._draw(intake=self._pace.shown(self._documents.progress))

    # ---- away, and back

    @Slot(list, list)
    def delete(self, ids: Sequence[int], absent: Sequence[tuple[int, int]] = ()) -> None:
        """`absent`: rows (first, count) that were chosen without having been fetched."""
        library, scope, store = self.library, self.scope, self._documents.store

        def resolve() -> tuple[list[int], str]:
            found = list(ids)
            for first, count in absent:
                rows = store.documents(scope, query=library.query, sort=library.sort, offset=first, limit=count)
                found += [document.id for document in rows]
            return found, title_of(store.document(found[0])) if len(found) == 1 else ""

        def resolved(found: tuple[list[int], str]) -> None:
            self._pump.follow(self._documents.delete(found[0]), partial(self._on_deleted, Deletion((), found[1])))

        self._call(resolve, then=resolved)

    @Slot(int)
    def remove_collection(self, collection_id: int) -> None:
        collection = self.library.collection(collection_id)
        if self.library.chosen == collection_id:
            self._draw(chosen=None)
        deletion = Deletion((), collection.name if collection else "", collection_id)
        self._pump.follow(self._documents.remove_collection(collection_id), partial(self._on_deleted, deletion))

    def _on_deleted(self, deletion: Deletion, events: list[tuple[int, ...]]) -> None:
        for ids in events:
            if ids or deletion.collection_id is not None:
                self._draw(deletions=(*self.library.deletions, replace(deletion, ids=ids)))
        self._count_quotes()
        self.look()

    @property
    def _deleted(self) -> tuple[int, ...]:
        return tuple(id for deletion in self.library.deletions for id in deletion.ids)

    def _count_quotes(self) -> None:
        def counted(count: int) -> None:
            self._draw(quoting=count if self.library.deletions else 0)

        self._call(self._grounding.quoting, self._deleted, then=counted)

    @Slot(bool)
    def erase_quotes(self, wanted: bool) -> None:
        """Whether what old answers quote goes with what is deleted."""
        self._with_quotes = wanted

    @Slot()
    def undo(self) -> None:
        """The last deletion; pressed once more, the one before."""
        if not self.library.deletions:
            return
        *earlier, last = self.library.deletions
        self._draw(deletions=tuple(earlier))
        self._with_quotes = self._with_quotes and bool(earlier)
        self._count_quotes()
        self._pump.follow(self._documents.undo(last.ids, last.collection_id), lambda _: self.look())

    @Slot()
    def leave(self) -> None:
        """The page is left: what was deleted is erased for good."""
        if self.library.deletions:
            if self._with_quotes:
                self._forgetting = self._deleted
                self._call(self._grounding.forget_quotes, self._forgetting, then=self._on_quotes_erased)
            self._with_quotes = False
            self._draw(deletions=(), quoting=0)
            self._pump.follow(self._documents.erase(), lambda _: None)

    def _on_quotes_erased(self, messages: tuple[int, ...]) -> None:
        self._forgetting = ()
        self.quotes_erased.emit()

    # ---- collections, and folders that are watched

    @Slot(str)
    def add_collection(self, name: str) -> None:
        def added(made: list[Collection]) -> None:
            self.choose(made[-1].id)

        self._pump.follow(self._documents.add_collection(name), added)

    @Slot(int, str)
    def rename_collection(self, collection_id: int, name: str) -> None:
        self._pump.follow(self._documents.rename_collection(collection_id, name), lambda _: self.look())

    @Slot(str)
    def watch(self, path: str) -> None:
        self._call(
            lambda: self._documents.watch(Path(path), self.library.chosen),
            then=lambda stream: self._pump.follow(stream, lambda _: self.look()),
        )

    @Slot(int)
    def unwatch(self, watched_id: int) -> None:
        self._pump.follow(self._documents.unwatch(watched_id), lambda _: self.look())

    # ---- inside

    def _draw(self, **changed: Any) -> None:
        library = replace(self.library, **changed)
        if library != self.library:
            self.library = library
            self.library_changed.emit()

    def _call(
        self,
        function: Callable[..., T],
        *args: object,
        then: Callable[[T], object],
        on_error: Callable[[BackendError], None] | None = None,
    ) -> None:
        def arrived(result: T) -> None:
            then(result)

        self._pump.call(self._runner, function, *args, then=arrived, on_error=on_error or self._board.post_error)
