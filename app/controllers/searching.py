"""What happens on the page of searching: what is typed is asked for at once, and what was asked before is let go."""

import time
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.bridge import Pump
from app.viewing import FORMATS, Asked, Search
from backends.core.errors import BackendError
from backends.core.stream import Runner, Stream
from backends.documents.types import Collection, Found, Scope, SearchRequest
from backends.services.documents import DocumentServices

HITS = 40
_DAY = 86_400.0
_MONTH, _YEAR = 30 * _DAY, 365 * _DAY


def request_of(asked: Asked, now: float) -> SearchRequest:
    """What is asked of the services. `now`: Unix seconds."""
    since = {"month": now - _MONTH, "year": now - _YEAR}.get(asked.period)
    until = now - _YEAR if asked.period == "older" else None
    collections = None if asked.collection is None else (asked.collection,)
    scope = Scope(collections=collections, formats=FORMATS[asked.kind], since=since, until=until)
    return SearchRequest(asked.text, limit=HITS, scope=scope, without=asked.without)


class SearchController(QObject):
    search_changed = Signal()

    def __init__(self, documents: DocumentServices, pump: Pump, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._documents = documents
        self._pump = pump
        self._runner = Runner("searching")
        self._stream: Stream[Found] | None = None
        self._looking = False
        self.search = Search()

    def close(self) -> None:
        self._stop()
        self._runner.close()

    def on_changes(self, changes: Any) -> None:
        if "documents" in changes:
            self.look()

    @Slot()
    def look(self) -> None:
        """How many documents there are, and in which collections."""
        if self._looking:
            return
        self._looking = True
        store = self._documents.store

        def read() -> tuple[tuple[Collection, ...], int, int]:
            return store.collections(), store.count(status="ready"), store.waiting()

        def arrived(found: tuple[tuple[Collection, ...], int, int]) -> None:
            self._looking = False
            collections, ready, waiting = found
            self._draw(collections=collections, documents=ready, waiting=waiting)

        def failed(error: BackendError) -> None:
            self._looking = False
            self._draw(state="failed", message=error.message, hint=error.hint)

        self._pump.call(self._runner, read, then=arrived, on_error=failed)

    @Slot(object)
    def ask(self, asked: Asked) -> None:
        """Search for this instead of what was asked before, whose finds stay until there are new ones."""
        self._stop()
        if not asked.text:
            self._draw(state="idle", asked=asked, found=None)
            return
        self._draw(state="searching", asked=asked)
        stream = self._stream = self._documents.search(request_of(asked, time.time()))
        self._pump.follow(
            stream,
            lambda events: self._on_found(stream, events[-1]),
            on_error=lambda error: self._on_error(stream, error),
        )

    def _stop(self) -> None:
        if self._stream is not None:
            self._stream.cancel()
            self._stream = None

    def _on_found(self, stream: Stream[Found], found: Found) -> None:
        if stream is self._stream:
            self._draw(state="found" if found.final else "searching", found=found)

    def _on_error(self, stream: Stream[Found], error: BackendError) -> None:
        if stream is self._stream:
            self._draw(state="failed", found=None, message=error.message, hint=error.hint)

    def _draw(self, **changed: Any) -> None:
        search = replace(self.search, **changed)
        if search != self.search:
            self.search = search
            self.search_changed.emit()
