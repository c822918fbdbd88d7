"""The rooms of documents in the window: their pages and controllers, and every connection between them.

What a person drops goes here unless it is a model; on the page of the chat it belongs to that conversation only.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from app.bridge import Pump
from app.controllers.documents import DocumentsController
from app.controllers.searching import SearchController
from app.controllers.viewing import ViewingController
from app.lists.collections import CollectionList
from app.lists.documents import DocumentList
from app.lists.hits import HitList
from app.viewing import Shown
from app.widgets.documents_page import DocumentsPage
from app.widgets.main_window import MainWindow
from app.widgets.search_page import SearchPage
from app.widgets.viewer import Viewer
from backends.documents.types import Hit
from backends.services.documents import DocumentServices
from backends.services.grounding import GroundingServices

PAGES = ("documents", "search", "viewer")


class DocumentDesk(QObject):
    """Pages `documents`, `search` and `viewer`. `show_passage` is for citations."""

    def __init__(
        self,
        window: MainWindow,
        documents: DocumentServices,
        grounding: GroundingServices,
        pump: Pump,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.window = window
        self.rows, self.collections, self.hits = DocumentList(), CollectionList(), HitList()
        self.documents_page = DocumentsPage(self.rows, self.collections)
        self.search_page = SearchPage(self.hits)
        self.viewer = Viewer()
        self.documents = DocumentsController(
            documents, grounding, pump, self.rows, self.collections, window.notices, self
        )
        self.searching = SearchController(documents, pump, self)
        self.viewing = ViewingController(documents, pump, window.notices, self)
        self._before = "documents"  # the page that the viewer was opened from
        self._at = window.page
        for name, page in zip(PAGES, (self.documents_page, self.search_page, self.viewer), strict=True):
            window.add_page(name, page)
        self._connect()
        self._connect_viewers()

    def start(self) -> None:
        """List what there is, and go on with what was cut short."""
        self.documents.start()
        self.searching.look()

    def close(self) -> None:
        self.searching.close()
        self.viewing.close()
        self.documents.close()

    def on_changes(self, changes: Sequence[str]) -> None:
        self.documents.on_changes(changes)
        self.searching.on_changes(changes)

    def _connect(self) -> None:
        window, page, documents = self.window, self.documents_page, self.documents
        actions = window.actions_
        actions.documents.triggered.connect(lambda: window.show_page("documents"))
        actions.search.triggered.connect(lambda: window.show_page("search"))
        actions.add_documents.triggered.connect(self._on_add)
        window.page_changed.connect(self._on_page_changed)

        page.collection_chosen.connect(documents.choose)
        page.collection_added.connect(documents.add_collection)
        page.collection_removed.connect(documents.remove_collection)
        page.files_chosen.connect(documents.add)
        page.text_pasted.connect(documents.add_text)
        page.query_changed.connect(documents.filter)
        page.sort_chosen.connect(documents.sort)
        page.delete_requested.connect(documents.delete)
        page.undo_requested.connect(documents.undo)
        page.erase_requested.connect(documents.leave)
        page.quotes_toggled.connect(documents.erase_quotes)
        page.watch_requested.connect(documents.watch)
        page.unwatch_requested.connect(documents.unwatch)
        page.pause_requested.connect(documents.pause)
        page.going_on_requested.connect(documents.go_on)
        page.cancel_requested.connect(documents.cancel)
        page.retry_requested.connect(documents.retry)
        page.recognise_requested.connect(documents.recognise)
        page.password_given.connect(documents.unlock)
        page.again_requested.connect(documents.start)
        page.open_requested.connect(self.viewing.open_document)
        page.reveal_requested.connect(self.viewing.reveal)
        self.collections.rename_requested.connect(documents.rename_collection)
        documents.library_changed.connect(lambda: page.show_library(documents.library))
        documents.documents_wanted.connect(lambda: window.show_page("documents"))

        search = self.search_page
        search.search_requested.connect(self.searching.ask)
        search.open_requested.connect(lambda hit: self.viewing.open_hit(hit, self.hits.hits))
        search.preview_requested.connect(self._on_preview_requested)
        search.documents_requested.connect(self._on_add)
        self.searching.search_changed.connect(lambda: search.show_search(self.searching.search))

    def _connect_viewers(self) -> None:
        bring = self.viewing.bring_piece
        for viewer in (self.viewer, self.search_page.preview):
            viewer.outside_requested.connect(self.viewing.open_outside)
            viewer.reveal_requested.connect(self.viewing.reveal)
            viewer.copy_requested.connect(self.viewing.copy)
            viewer.retry_requested.connect(self.documents.retry)
            viewer.piece_wanted.connect(partial(bring, show=viewer.show_piece, preview=viewer is not self.viewer))
        self.viewer.back_requested.connect(lambda: self.window.show_page(self._before))
        self.search_page.preview.large_requested.connect(self._on_opened)
        self.viewing.opened.connect(self._on_opened)

    # ---- for others

    def add(self, paths: Sequence[Path]) -> None:
        """What was dropped or pasted on any page but a conversation."""
        self.documents.add(paths, told=self.window.page != "documents")

    def show_passage(self, document_id: int, start: int, end: int, page: int = 0, quote: str = "") -> None:
        """A citation was clicked: the viewer stands on it."""
        self.viewing.open_passage(document_id, start, end, page, quote)

    # ---- between the pages

    @Slot()
    def _on_add(self) -> None:
        self.window.show_page("documents")
        self.documents_page.choose_files()

    @Slot(object)
    def _on_preview_requested(self, hit: Hit) -> None:
        self.viewing.open_hit(hit, self.hits.hits, self.search_page.preview.show_document)

    @Slot(object)
    def _on_opened(self, shown: Shown) -> None:
        if self.window.page != "viewer":
            self._before = self.window.page
        self.window.show_page("viewer")
        self.viewer.show_document(shown)

    @Slot(str)
    def _on_page_changed(self, name: str) -> None:
        left, self._at = self._at, name
        if name not in ("documents", "viewer") and left in ("documents", "viewer"):
            self.documents.leave()
        if left == "viewer":
            self.viewer.clear()
        if name == "search":
            self.searching.look()


def are_models(path: Path) -> bool:
    """A GGUF file, or a folder in which there is one."""
    if path.suffix.lower() == ".gguf":
        return True
    try:
        return path.is_dir() and any(child.suffix.lower() == ".gguf" for child in path.iterdir())
    except OSError:
        return False
