"""A real library of documents, with its search, beside the conversations of a test."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from backends.chat.grounding import Grounding
from backends.core.cancel import CancelToken
from backends.documents.index import SearchIndex
from backends.documents.lines import ingest_text
from backends.documents.search import Search
from backends.documents.store import DocumentStore
from backends.documents.types import Found, Scope, SearchRequest

HARBOUR = (
    "The harbour of Port Selwyn was dredged in 1887 to a depth of 24 feet. "
    "The work was paid for by a loan of £62,000 from the Bank of Wexcombe.\n\n"
    "The harbour was not deep enough for the grain ships that came after 1905."
)
BRIDGE = "青石镇的古桥建于明代嘉靖年间，长48米，没有使用一根铁钉。\n\n每年农历三月初三，当地居民在桥头举办庙会。"


class Library:
    def __init__(self, store: DocumentStore, index: SearchIndex) -> None:
        self.store = store
        self._search = Search(store, index)
        self.asked: list[SearchRequest] = []

    def add(self, title: str, text: str) -> int:
        """The id of the document."""
        return ingest_text(self.store, self.store.default_collection().id, title, text).id

    def find(self, request: SearchRequest, *, cancel: CancelToken) -> Iterator[Found]:
        self.asked.append(request)
        yield from self._search.find(request, cancel=cancel)

    def grounding(self, *documents: int) -> Grounding:
        scope = Scope(documents=documents) if documents else Scope()
        return Grounding(self.find, self.store, scope, b"of this folder")


@contextmanager
def library(folder: Path) -> Iterator[Library]:
    with (
        closing(DocumentStore.open(folder / "library.db")) as store,
        closing(SearchIndex(store, folder / "search")) as index,
    ):
        yield Library(store, index)
