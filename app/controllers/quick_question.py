"""A question of the small window: a conversation of its own, answered while the page shows another."""

from PySide6.QtCore import QObject, Signal, Slot

from app.controllers.answering import Answering
from app.controllers.chat import ChatController
from app.controllers.chat_options import OptionController
from app.lists.messages import MessageRow
from backends.chat.types import Message, Problem
from backends.core.errors import BackendError
from backends.services import Services


class QuickQuestionController(QObject):
    asked = Signal(str)  # it is on disk
    row_changed = Signal(object)  # MessageRow of the answer
    busy_changed = Signal(bool)

    def __init__(
        self, services: Services, chat: ChatController, options: OptionController, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._services, self._chat, self._options = services, chat, options
        self._saving = False
        self.conversation: int | None = None  # of the question that was asked last
        chat.answers.progressed.connect(self._on_progressed)
        chat.answers.changed.connect(self._say_busy)

    @property
    def busy(self) -> bool:
        return self._saving or self.conversation in self._chat.answers.conversations

    @Slot()
    def forget(self) -> None:
        """The next question begins another conversation."""
        self.conversation = None
        self._say_busy()

    @Slot(str)
    def ask(self, text: str) -> None:
        """In the conversation of the last one, until it is forgotten."""
        if self.busy:
            return
        conversation, chats = self.conversation, self._services.chats

        def write() -> Message:
            return chats.add_message(conversation or self._options.create_aside().id, "user", text)

        def saved(question: Message) -> None:
            self._saving = False
            self.conversation = question.conversation_id
            self.asked.emit(text)
            self._chat.answers.begin(Answering(question.conversation_id, question.id))
            if self._chat.current is not None and self._chat.current.id == self.conversation:
                self._chat.read_again()
            else:
                self._chat.refresh()

        def failed(error: BackendError) -> None:
            self._saving = False
            self._say_busy()
            self.row_changed.emit(MessageRow(-1, "assistant", problem=Problem.of(error)))

        self._saving = True
        self._say_busy()
        self._chat.call(write, then=saved, on_error=failed)

    @Slot()
    def stop(self) -> None:
        if self.conversation is not None:
            self._chat.answers.stop(self.conversation)

    @Slot(int, object)
    def _on_progressed(self, conversation: int, row: MessageRow) -> None:
        if conversation == self.conversation:
            self.row_changed.emit(row)

    @Slot()
    def _say_busy(self) -> None:
        self.busy_changed.emit(self.busy)
