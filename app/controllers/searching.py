"""What happens on the page of searching: what is typed is asked for at once, and what was asked before is let go.

When documents come, change or go, what was asked last is asked again, quietly: the page shows what it has until then.
"""

import logging
import time
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.bridge import Pump
from app.viewing import FORMATS, Asked, Search
from backends.core.errors import BackendError
from backends.core.stream import Runner, Stream
from backends.documents.types import Collection, Found, Scope, SearchRequest
from backends.services.documents import DocumentServices

log = logging.getLogger(__name__)

HITS = 40
RENEW_MS = 1_000  # at most once in this time: documents come one after another
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
        self._looking = self._again = False
        self._seen = self._asked_at = 0  # the last change of the library that is known, and was when it was asked
        self._renewal = QTimer(self)
        self._renewal.setSingleShot(True)
        self._renewal.setInterval(RENEW_MS)
        self._renewal.timeout.connect(self._renew)
        self.search = Search()

    def close(self) -> None:
        self._renewal.stop()
        self._stop()
        self._runner.close()

    def on_changes(self, changes: Any) -> None:
        if "documents" in changes:
            self.look()

    @Slot()
    def look(self) -> None:
        """How many documents there are, and in which collections. What is asked for meanwhile is one more look."""
        if self._looking:
            self._again = True
            return
        self._looking = True
        documents = self._documents
        store = documents.store

        def read() -> tuple[tuple[Collection, ...], int, int, int]:
            progress = documents.progress
            coming = progress.files - progress.done if progress else 0  # most of them are no documents yet
            return store.collections(), store.count(status="ready"), max(coming, store.waiting()), store.sequence

        def arrived(found: tuple[tuple[Collection, ...], int, int, int]) -> None:
            self._looking = False
            collections, ready, waiting, self._seen = found
            self._draw(collections=collections, documents=ready, waiting=waiting)
            self._renew_later()
            if self._again:
                self._again = False
                self.look()

        def failed(error: BackendError) -> None:
            self._looking = self._again = False
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
        stream = self._begin(asked)
        self._pump.follow(
            stream,
            lambda events: self._on_found(stream, events[-1]),
            on_error=lambda error: self._on_error(stream, error),
        )

    def _begin(self, asked: Asked) -> Stream[Found]:
        self._asked_at = self._seen
        self._stream = self._documents.search(request_of(asked, time.time()))
        return self._stream

    def _renew_later(self) -> None:
        if self.search.state == "found" and self._seen != self._asked_at and not self._renewal.isActive():
            self._renewal.start()

    @Slot()
    def _renew(self) -> None:
        """Ask again; nothing is seen of it but what it finds."""
        if self.search.state != "found":
            return
        self._stop()
        stream = self._begin(self.search.asked)

        def found(events: list[Found]) -> None:
            before = self.search.found
            if stream is self._stream and (now := events[-1]).final:
                same = before is not None and now.hits == before.hits
                self._draw(found=replace(now, seconds=before.seconds) if before and same else now)
                self._renew_later()

        self._pump.follow(stream, found, on_error=lambda error: log.info("not searched again: %s", error))

    def _stop(self) -> None:
        if self._stream is not None:
            self._stream.cancel()
            self._stream = None

    def _on_found(self, stream: Stream[Found], found: Found) -> None:
        if stream is self._stream:
            self._draw(state="found" if found.final else "searching", found=found)
            self._renew_later()

    def _on_error(self, stream: Stream[Found], error: BackendError) -> None:
        if stream is self._stream:
            self._draw(state="failed", found=None, message=error.message, hint=error.hint)

    def _draw(self, **changed: Any) -> None:
        search = replace(self.search, **changed)
        if search != self.search:
            self.search = search
            self.search_changed.emit()
