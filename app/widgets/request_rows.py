"""Requests that are over: two lines each, painted; what one cost in full, and its texts where they were kept."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent

from app import api_words
from app.lists.requests import RequestList
from app.widgets.plain_list import TwoLineList, TwoLines
from backends.api.request_log import Logged

_SHOWN = 8  # rows, before it scrolls


class RequestView(TwoLineList):
    chosen = Signal(object)  # Logged, or None
    left = Signal()  # Escape

    def __init__(self, requests: RequestList) -> None:
        super().__init__(requests, _lines_of, _SHOWN)
        self._requests = requests
        self.selectionModel().currentChanged.connect(self._on_current)
        requests.modelReset.connect(self._on_reset)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    @Slot(QModelIndex)
    def _on_current(self, index: QModelIndex) -> None:
        self.chosen.emit(self._requests.entry(index.row()))

    @Slot()
    def _on_reset(self) -> None:
        self.chosen.emit(None)


def _lines_of(index: QModelIndex | QPersistentModelIndex) -> TwoLines:
    entry: Logged = index.data(RequestList.Role.ENTRY)
    said = api_words.outcome_of(entry)
    ends = (api_words.moment_of(entry.at), "muted"), (said.words, said.tone)
    return TwoLines(f"{entry.method} {entry.route}".strip() or "–", api_words.facts_of(entry), ends)
