"""The answers that are on their way: one a conversation, whether it is on the page or not."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.bridge import Pump
from app.controllers.answering import Answering, Event
from app.controllers.loads import told
from app.lists.messages import MessageList, MessageRow
from app.model_state import ModelState
from app.notices import NoticeBoard
from backends.chat.types import Problem
from backends.core.errors import BackendError
from backends.services import Services

NO_MODEL = "no_model"


class Answers(QObject):
    """An answer is drawn where its row is found among those of the page: another branch may be shown meanwhile."""

    changed = Signal()  # which conversations are answered
    ended = Signal(int, bool)  # conversation, whether it is a whole answer; it is on disk
    progressed = Signal(int, object)  # conversation, MessageRow
    unbegun = Signal(int)  # conversation: there is no new answer to its question, the old ones are there
    model_loaded = Signal()  # an answer loaded one
    model_wanted = Signal()  # there is none on this computer

    def __init__(
        self, services: Services, pump: Pump, messages: MessageList, board: NoticeBoard, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._services, self._pump, self._messages, self._board = services, pump, messages, board
        self._on_their_way: dict[int, Answering] = {}
        self._model = ModelState()

    @property
    def conversations(self) -> frozenset[int]:
        return frozenset(self._on_their_way)

    def close(self) -> None:
        """Stop them; what was said is kept."""
        for answering in tuple(self._on_their_way.values()):
            if answering.stream is not None:
                answering.stream.cancel()

    def show_model(self, state: ModelState) -> None:
        """The model has come, gone, or is on its way: answers that wait for it are asked for now."""
        self._model = state
        for answering in tuple(self._on_their_way.values()):
            if answering.stream is None:
                self._ask_when_loaded(answering)

    def begin(self, answering: Answering) -> None:
        """Ask for it; its row is on the page already, or will come with its conversation."""
        answering.model = self._model.model.name if self._model.model else ""
        self._on_their_way[answering.conversation_id] = answering
        self._ask_when_loaded(answering)
        self.changed.emit()

    def merged(self, conversation_id: int, rows: Sequence[MessageRow]) -> list[MessageRow]:
        """Rows of the disk, and the answer on its way as it stands now."""
        merged = list(rows)
        answering = self._on_their_way.get(conversation_id)
        if answering is None or not merged:
            return merged
        place = next((n for n, row in enumerate(merged) if row.id == answering.row.id), None)
        if place is not None:
            merged[place] = answering.row
        elif answering.row.id < 0 and merged[-1].role == "assistant":  # not on disk, or since a moment ago
            if [row.id for row in merged[-2:-1]] == [answering.question_id]:
                merged[-1] = answering.row
        elif answering.row.id < 0 and merged[-1].id == answering.question_id:
            merged.append(answering.row)
        return merged

    def answer_now(self, conversation_id: int) -> None:
        """End its thinking."""
        answering = self._on_their_way.get(conversation_id)
        if answering is not None and answering.asked is not None:
            self._services.engine.answer_now(answering.asked)
            answering.hurry()
            self._draw(answering)

    def stop(self, conversation_id: int, then: Callable[[], object] | None = None) -> None:
        """What was said is kept. `then`: once it has ended; at once if there is none."""
        answering = self._on_their_way.get(conversation_id)
        if answering is None:
            if then is not None:
                then()
            return
        if then is not None:
            answering.afterwards.append(then)
        if answering.stream is not None:
            answering.stream.cancel()
        else:
            self._on_end(answering)

    # ---- inside

    def _ask_when_loaded(self, answering: Answering) -> None:
        if self._model.stage == "loading":
            answering.show_loading(self._model.fraction)
            self._draw(answering)
        else:
            self._ask(answering)

    def _ask(self, answering: Answering) -> None:
        conversation, begun = answering.conversation_id, answering.begun
        if begun is None:
            answering.stream = self._services.regenerate(conversation, answering.question_id, answering.without)
        else:
            answering.stream = self._services.go_on(conversation, begun.id)
        self._pump.follow(
            answering.stream,
            lambda events: self._on_events(answering, events),
            lambda: self._on_end(answering),
            lambda error: self._on_error(answering, error),
        )

    def _on_events(self, answering: Answering, events: list[Event]) -> None:
        if answering.take(events):
            self.model_loaded.emit()
        for event in events:
            if (notice := told(answering.model, event)) is not None:
                self._board.post(notice)
        self._draw(answering)

    def _on_error(self, answering: Answering, error: BackendError) -> None:
        if answering.unbegun and answering.again:
            self._board.post_error(error)
        elif not answering.saved:  # it failed before there was an answer to save, for instance while loading
            answering.row = replace(answering.row, live=None, problem=Problem.of(error))
            self._draw(answering)
        if error.code == NO_MODEL:
            self.model_wanted.emit()

    def _on_end(self, answering: Answering) -> None:
        conversation = answering.conversation_id
        if answering.row.live is not None:
            answering.row = replace(answering.row, live=None, stopped=True)
            self._draw(answering)
        if self._on_their_way.get(conversation) is answering:
            del self._on_their_way[conversation]
        self.changed.emit()
        row = answering.row
        self.ended.emit(conversation, answering.saved and not row.stopped and row.problem is None)
        if answering.unbegun and answering.again:
            self.unbegun.emit(conversation)
        for afterwards in answering.afterwards:
            afterwards()

    def _draw(self, answering: Answering) -> None:
        self.progressed.emit(answering.conversation_id, answering.row)
        place = self._messages.find(answering.drawn)
        if place is not None:
            self._messages.put(place, answering.row)
        answering.drawn = answering.row.id
