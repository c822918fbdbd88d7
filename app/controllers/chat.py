"""What happens in the chat: conversations opened, named, put aside; questions asked, answered, stopped, asked again.

The question is on disk before anything else is done for it, then the answer is asked for (which loads a model if
none is loaded). Answers go on when another conversation is opened, and are there when one comes back.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal, Slot

from app.bridge import Pump
from app.controllers.answering import Answering, Event
from app.controllers.loads import told
from app.lists.conversations import ConversationList
from app.lists.messages import MessageList, MessageRow
from app.model_state import ModelState
from app.notices import NoticeBoard
from backends.chat.sourced import ConversationScope
from backends.chat.types import Conversation, Message, Problem
from backends.core.errors import BackendError
from backends.core.stream import Runner
from backends.services import Services

NO_MODEL = "no_model"


class ChatController(QObject):
    conversation_changed = Signal(object)  # Conversation, or None for one that has not begun
    busy_changed = Signal(bool)  # an answer is on its way in the conversation that is shown
    question_saved = Signal()
    conversation_begun = Signal(int)  # with files, before it is shown
    list_wanted = Signal()
    model_loaded = Signal()  # an answer loaded one
    model_wanted = Signal()  # a question was asked without a model on this computer

    def __init__(
        self,
        services: Services,
        pump: Pump,
        conversations: ConversationList,
        messages: MessageList,
        board: NoticeBoard,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._services = services
        self._pump = pump
        self._conversations = conversations
        self._messages = messages
        self._board = board
        self._runner = Runner("store")
        self._current: Conversation | None = None
        self._opening: int | None = None
        self._saving = False
        self._answering: dict[int, Answering] = {}
        self._model = ModelState()
        self.scope = ConversationScope()  # of this conversation, also before it has begun
        self.create: Callable[[], Conversation] = services.chats.create  # on the store's thread

    @property
    def current(self) -> Conversation | None:
        return self._current

    @property
    def busy(self) -> bool:
        return self._saving or (self._current is not None and self._current.id in self._answering)

    def close(self) -> None:
        """Stop what is on its way (what was said is kept) and join the store's thread."""
        for answering in tuple(self._answering.values()):
            if answering.stream is not None:
                answering.stream.cancel()
        self._runner.close()

    @Slot()
    def refresh(self) -> None:
        """The list of conversations is to be read again."""
        self.list_wanted.emit()

    @Slot(object)
    def take_list(self, conversations: Sequence[Conversation]) -> None:
        """It was read: the one that is shown may have another title."""
        if self._current is not None:
            current = next((c for c in conversations if c.id == self._current.id), None)
            if current is not None and current.title != self._current.title:
                self._current = current
                self.conversation_changed.emit(current)

    def show_model(self, state: ModelState) -> None:
        """The model has come, gone, or is on its way: answers that wait for it are asked for now."""
        self._model = state
        for answering in tuple(self._answering.values()):
            if answering.stream is None:
                if state.stage == "loading":
                    answering.show_loading(state.fraction)
                    self._draw(answering)
                else:
                    self._ask(answering)

    # ---- conversations

    @Slot()
    def new(self) -> None:
        self._opening = None
        self._show(None, ())

    @Slot(int)
    def open(self, conversation_id: int) -> None:
        if self._current is None or self._current.id != conversation_id:
            self._open(conversation_id)

    @Slot()
    def read_again(self) -> None:
        """Something of what is kept has been erased."""
        self.refresh()
        if self._current is not None:
            self._open(self._current.id)

    def _open(self, conversation_id: int) -> None:
        self._opening = conversation_id

        def read() -> tuple[Conversation, list[MessageRow]]:
            chats = self._services.chats
            return chats.conversation(conversation_id), self._rows(chats.messages(conversation_id))

        def arrived(found: tuple[Conversation, list[MessageRow]]) -> None:
            if self._opening == conversation_id:
                self._show(found[0], found[1])

        self._call(read, then=arrived)

    def begin(self, then: Callable[[Conversation], None]) -> None:
        """A conversation that begins with files; `then` is told of it."""

        def begun(conversation: Conversation) -> None:
            if self._current is None:
                self.conversation_begun.emit(conversation.id)
                self._show(conversation, ())
            self.refresh()
            then(conversation)

        self._call(self.create, then=begun)

    @Slot(int, str)
    def rename(self, conversation_id: int, title: str) -> None:
        def renamed(conversation: Conversation) -> None:
            if self._current is not None and self._current.id == conversation.id:
                self._current = conversation
                self.conversation_changed.emit(conversation)
            self.refresh()

        self._call(self._services.chats.rename, conversation_id, title, then=renamed)

    @Slot(str)
    def rename_current(self, title: str) -> None:
        if self._current is not None:
            self.rename(self._current.id, title)

    @Slot(tuple)
    def leave(self, conversation_ids: Sequence[int]) -> None:
        """These were deleted: what answers them is stopped, and none of them stays on the page."""
        for conversation_id in conversation_ids:
            if (answering := self._answering.get(conversation_id)) is not None:
                self._cancel(answering)
        if self._current is not None and self._current.id in conversation_ids:
            self.new()

    # ---- questions and answers

    @Slot(str)
    def send(self, text: str) -> None:
        """Ask. The text is the composer's until `question_saved`."""
        if self.busy:
            return
        if self._model.stage == "empty" and self.scope.kind == "off":
            self.model_wanted.emit()
            return
        self._saving = True
        current, scope = self._current, self.scope

        def save() -> tuple[Conversation, Message]:
            chats = self._services.chats
            conversation = current or self.create()
            if current is None and scope.kind != "off":
                self._services.grounding.set_scope(conversation.id, scope)
            question = chats.add_message(conversation.id, "user", text)
            return chats.conversation(conversation.id), question

        def saved(result: tuple[Conversation, Message]) -> None:
            self._saving = False
            conversation, question = result
            self.question_saved.emit()
            self.refresh()
            if self._current is current:
                if current is None:
                    self._messages.reset(())
                self._current = conversation
                self.conversation_changed.emit(conversation)
                self._messages.append(MessageRow.of(question))
            self._begin(conversation.id, question.id)

        def failed(error: BackendError) -> None:
            self._saving = False
            self._say_busy()
            self._board.post_error(error)

        self._call(save, then=saved, on_error=failed)
        self._say_busy()

    @Slot(int)
    def regenerate(self, message_id: int, without: frozenset[str] = frozenset()) -> None:
        """Answer the question above this answer once more (`message_id` negative: it has none yet)."""
        index = self._messages.find(message_id)
        if self.busy or self._current is None or not index:
            return
        question = self._messages.rows[index - 1]
        self._messages.truncate(index)
        self._begin(self._current.id, question.id, without=without)

    @Slot(int, str)
    def widen(self, message_id: int, chip: str) -> None:
        """Answer once more, and take that word of the question for no name of documents."""
        self.regenerate(message_id, frozenset({chip}))

    @Slot(int)
    def go_on(self, message_id: int) -> None:
        """Write on the last answer, which was cut off."""
        index = self._messages.find(message_id)
        if self.busy or self._current is None or not index or index != len(self._messages.rows) - 1:
            return
        row = self._messages.rows[index]
        if row.cut_off:
            self._begin(self._current.id, self._messages.rows[index - 1].id, row)

    @Slot()
    def go_on_last(self) -> None:
        if self._messages.rows:
            self.go_on(self._messages.rows[-1].id)

    @Slot()
    def answer_now(self) -> None:
        """End the thinking of the answer that is shown, and have the answer."""
        answering = self._answering.get(self._current.id) if self._current is not None else None
        if answering is not None and answering.asked is not None:
            self._services.engine.answer_now(answering.asked)
            answering.hurry()
            self._draw(answering)

    @Slot()
    def regenerate_last(self) -> None:
        if self._messages.rows and self._messages.rows[-1].role == "assistant":
            self.regenerate(self._messages.rows[-1].id)

    @Slot(int, int)
    def show_variant(self, message_id: int, step: int) -> None:
        """Another answer to the same question: 1 the next, -1 the one before."""
        if self.busy or self._current is None:
            return
        conversation = self._current

        def select() -> list[MessageRow]:
            ids = self._services.chats.siblings(message_id)
            place = ids.index(message_id) + step
            return self._rows(self._services.chats.select(ids[max(0, min(place, len(ids) - 1))]))

        def selected(branch: list[MessageRow]) -> None:
            if self._current is conversation:
                self._messages.reset(branch)

        self._call(select, then=selected)

    @Slot()
    def stop(self) -> None:
        if self._current is not None and (answering := self._answering.get(self._current.id)) is not None:
            self._cancel(answering)

    def last_answer(self) -> str:
        return next((row.text for row in reversed(self._messages.rows) if row.role == "assistant"), "")

    # ---- inside

    def _begin(
        self,
        conversation_id: int,
        question_id: int,
        begun: MessageRow | None = None,
        without: frozenset[str] = frozenset(),
    ) -> None:
        name, searches = self._model.model.name if self._model.model else "", self.scope.kind != "off"
        answering = Answering(conversation_id, question_id, name, begun, searches=searches, without=without)
        self._answering[conversation_id] = answering
        if self._current is not None and self._current.id == conversation_id:
            if begun is None:
                self._messages.append(answering.row)
            else:
                self._draw(answering)
        if self._model.stage == "loading":
            answering.show_loading(self._model.fraction)
            self._draw(answering)
        else:
            self._ask(answering)
        self._say_busy()

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

    def _cancel(self, answering: Answering) -> None:
        if answering.stream is not None:
            answering.stream.cancel()
        else:
            self._on_end(answering)

    def _on_events(self, answering: Answering, events: list[Event]) -> None:
        if answering.take(events):
            self.model_loaded.emit()
        for event in events:
            if (notice := told(answering.model, event)) is not None:
                self._board.post(notice)
        self._draw(answering)

    def _on_error(self, answering: Answering, error: BackendError) -> None:
        if not answering.saved:  # it failed before there was an answer to save, for instance while loading
            answering.row = replace(answering.row, live=None, problem=Problem.of(error))
            self._draw(answering)
        if error.code == NO_MODEL:
            self.model_wanted.emit()

    def _on_end(self, answering: Answering) -> None:
        if answering.row.live is not None:
            answering.row = replace(answering.row, live=None, stopped=True)
            self._draw(answering)
        if self._answering.get(answering.conversation_id) is answering:
            del self._answering[answering.conversation_id]
        self._say_busy()
        self.refresh()

    def _draw(self, answering: Answering) -> None:
        """Show the answer if its conversation is on the page: it is always the last row."""
        if self._current is not None and self._current.id == answering.conversation_id and self._messages.rows:
            self._messages.put(len(self._messages.rows) - 1, answering.row)

    def _show(self, conversation: Conversation | None, rows: Sequence[MessageRow]) -> None:
        rows = list(rows)
        answering = self._answering.get(conversation.id) if conversation is not None else None
        if answering is not None:
            if rows and rows[-1].role == "assistant":
                rows.pop()
            rows.append(answering.row)
        self._current = conversation
        self._messages.reset(rows)
        self.conversation_changed.emit(conversation)
        self._say_busy()

    def _say_busy(self) -> None:
        self.busy_changed.emit(self.busy)
        self._conversations.show_busy(frozenset(self._answering))

    def _rows(self, messages: Sequence[Message]) -> list[MessageRow]:
        """On the runner. A question that was never answered gets a row that offers to answer it."""
        kept = self._services.grounding.kept(message.id for message in messages if message.role == "assistant")
        rows = [MessageRow.of(message, *kept.get(message.id, (None, frozenset()))) for message in messages]
        rows[:-1] = [replace(row, cut_off=False) for row in rows[:-1]]  # only the last one can go on
        if rows and rows[-1].role == "user":
            rows.append(MessageRow(-rows[-1].id, "assistant", stopped=True))
        return rows

    def _call(
        self,
        function: Callable[..., object],
        *args: object,
        then: Callable[..., None],
        on_error: Callable[[BackendError], None] | None = None,
    ) -> None:
        self._pump.call(self._runner, function, *args, then=then, on_error=on_error or self._board.post_error)
