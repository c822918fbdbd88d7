"""What happens in the chat: conversations opened, named, put aside; questions asked, answered, stopped, asked again.

The question is on disk before anything else is done for it, then the answer is asked for (which loads a model if
none is loaded). Answers go on when another conversation is opened, and are there when one comes back.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal, Slot

from app.bridge import Pump
from app.controllers.answering import Answering
from app.controllers.answers import Answers
from app.controllers.opening import rows_of
from app.lists.conversations import ConversationList
from app.lists.messages import MessageList, MessageRow
from app.model_state import ModelState
from app.notices import NoticeBoard
from backends.chat.sourced import ConversationScope
from backends.chat.types import Conversation, Message
from backends.core.errors import BackendError
from backends.core.stream import Runner
from backends.services import Services


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
        self._model = ModelState()
        self.answers = Answers(services, pump, messages, board, self)
        self.answers.changed.connect(self._say_busy)
        self.answers.ended.connect(self.refresh)
        self.answers.unbegun.connect(self._on_unbegun)
        self.answers.model_loaded.connect(self.model_loaded)
        self.answers.model_wanted.connect(self.model_wanted)
        self.scope = ConversationScope()  # of this conversation, also before it has begun
        self.create: Callable[[], Conversation] = services.chats.create  # on the store's thread

    @property
    def current(self) -> Conversation | None:
        return self._current

    @property
    def busy(self) -> bool:
        return self._saving or (self._current is not None and self._current.id in self.answers.conversations)

    def close(self) -> None:
        """Stop what is on its way (what was said is kept) and join the store's thread."""
        self.answers.close()
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
        """The model has come, gone, or is on its way."""
        self._model = state
        self.answers.show_model(state)

    # ---- for those who work on the conversation that is shown

    def call(
        self,
        function: Callable[..., object],
        *args: object,
        then: Callable[..., None],
        on_error: Callable[[BackendError], None] | None = None,
    ) -> None:
        """On the store's thread, one after another."""
        self._pump.call(self._runner, function, *args, then=then, on_error=on_error or self._board.post_error)

    def save(self, write: Callable[[], Message], then: Callable[[Conversation, Message], None]) -> None:
        """Write a message; until it is on disk the conversation is busy. `then` gets its conversation, too."""

        def task() -> tuple[Conversation, Message]:
            message = write()
            return self._services.chats.conversation(message.conversation_id), message

        def saved(result: tuple[Conversation, Message]) -> None:
            self._saving = False
            self.refresh()
            then(*result)
            self._say_busy()

        def failed(error: BackendError) -> None:
            self._saving = False
            self._say_busy()
            self._board.post_error(error)

        self._saving = True
        self.call(task, then=saved, on_error=failed)
        self._say_busy()

    def when_quiet(self, then: Callable[[], object]) -> None:
        """Once no answer is on its way in the conversation that is shown: it is stopped, what was said is kept."""
        if self._current is not None and not self._saving:
            self.answers.stop(self._current.id, then)

    def answer(self, conversation_id: int, question_id: int) -> None:
        """A question that is on disk, and the last on the page if its conversation is shown."""
        self._begin(Answering(conversation_id, question_id, searches=self.scope.kind != "off"))

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
            return chats.conversation(conversation_id), rows_of(self._services, chats.messages(conversation_id))

        def arrived(found: tuple[Conversation, list[MessageRow]]) -> None:
            if self._opening == conversation_id:
                self._show(found[0], found[1])

        self.call(read, then=arrived)

    def begin(self, then: Callable[[Conversation], None]) -> None:
        """A conversation that begins with files; `then` is told of it."""

        def begun(conversation: Conversation) -> None:
            if self._current is None:
                self.conversation_begun.emit(conversation.id)
                self._show(conversation, ())
            self.refresh()
            then(conversation)

        self.call(self.create, then=begun)

    @Slot(int, str)
    def rename(self, conversation_id: int, title: str) -> None:
        def renamed(conversation: Conversation) -> None:
            if self._current is not None and self._current.id == conversation.id:
                self._current = conversation
                self.conversation_changed.emit(conversation)
            self.refresh()

        self.call(self._services.chats.rename, conversation_id, title, then=renamed)

    @Slot(str)
    def rename_current(self, title: str) -> None:
        if self._current is not None:
            self.rename(self._current.id, title)

    @Slot(tuple)
    def leave(self, conversation_ids: Sequence[int]) -> None:
        """These were deleted: what answers them is stopped, and none of them stays on the page."""
        for conversation_id in conversation_ids:
            self.answers.stop(conversation_id)
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
        current, scope = self._current, self.scope

        def write() -> Message:
            conversation = current or self.create()
            if current is None and scope.kind != "off":
                self._services.grounding.set_scope(conversation.id, scope)
            return self._services.chats.add_message(conversation.id, "user", text)

        def saved(conversation: Conversation, question: Message) -> None:
            self.question_saved.emit()
            if self._shows(current):
                if current is None:
                    self._messages.reset(())
                self._current = conversation
                self.conversation_changed.emit(conversation)
                self._messages.append(MessageRow.of(question))
            self.answer(conversation.id, question.id)

        self.save(write, saved)

    @Slot(int)
    def regenerate(self, message_id: int, without: frozenset[str] = frozenset()) -> None:
        """Answer the question above this answer once more (`message_id` negative: it has none yet)."""

        def begin() -> None:
            index = self._messages.find(message_id)
            if self._current is None or not index:
                return
            question, searches = self._messages.rows[index - 1], self.scope.kind != "off"
            self._messages.truncate(index)
            self._begin(
                Answering(self._current.id, question.id, searches=searches, without=without, again=message_id > 0)
            )

        self.when_quiet(begin)

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
            question, searches = self._messages.rows[index - 1], self.scope.kind != "off"
            self._begin(Answering(self._current.id, question.id, row, searches=searches))

    @Slot()
    def go_on_last(self) -> None:
        if self._messages.rows:
            self.go_on(self._messages.rows[-1].id)

    @Slot()
    def answer_now(self) -> None:
        """End the thinking of the answer that is shown, and have the answer."""
        if self._current is not None:
            self.answers.answer_now(self._current.id)

    @Slot()
    def regenerate_last(self) -> None:
        if self._messages.rows and self._messages.rows[-1].role == "assistant":
            self.regenerate(self._messages.rows[-1].id)

    @Slot()
    def stop(self) -> None:
        if self._current is not None:
            self.answers.stop(self._current.id)

    # ---- inside

    def _shows(self, conversation: Conversation | None) -> bool:
        """It is on the page, maybe under another name by now."""
        shown = self._current
        return shown is conversation or (shown is not None and conversation is not None and shown.id == conversation.id)

    def _begin(self, answering: Answering) -> None:
        if self._current is not None and self._current.id == answering.conversation_id:
            if answering.begun is None:
                self._messages.append(answering.row)
            else:
                self._messages.put(len(self._messages.rows) - 1, answering.row)
        self.answers.begin(answering)

    @Slot(int)
    def _on_unbegun(self, conversation_id: int) -> None:
        """The answers that were there are shown again."""
        if self._current is not None and self._current.id == conversation_id:
            self._open(conversation_id)

    def _show(self, conversation: Conversation | None, rows: Sequence[MessageRow]) -> None:
        self._current = conversation
        self._messages.reset(self.answers.merged(conversation.id, rows) if conversation is not None else ())
        self.conversation_changed.emit(conversation)
        self._say_busy()

    @Slot()
    def _say_busy(self) -> None:
        self.busy_changed.emit(self.busy)
        self._conversations.show_busy(self.answers.conversations)
