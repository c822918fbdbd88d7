"""What happens when somebody searches the conversations: what is typed is asked for at once, what is found is opened.

A hit opens its conversation on the branch that the message stands on. When conversations change, what was asked last is
asked again, quietly.
"""

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.bridge import Pump
from app.controllers.chat import ChatController
from app.lists.messages import MessageList
from backends.chat.search import ChatHit, ChatsFound
from backends.chat.types import Conversation
from backends.core.errors import BackendError
from backends.core.stream import Runner
from backends.services import Services

RENEW_MS = 400  # at most once in this time


class ChatSearchController(QObject):
    searching = Signal()
    found = Signal(object)  # ChatsFound
    failed = Signal(object)  # BackendError
    ended = Signal()
    message_found = Signal(int, str, bool)  # message, what was looked for, it stands in the thoughts

    def __init__(
        self,
        services: Services,
        pump: Pump,
        chat: ChatController,
        messages: MessageList,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._services, self._pump, self._chat, self._messages = services, pump, chat, messages
        self._runner = Runner("chat search")
        self._text = ""
        self._busy = False
        self._again = False  # something else was asked for meanwhile
        self._reading = False  # into the index
        self._opening: tuple[int, int, str, bool] | None = None  # conversation, message, text, thoughts
        self._renewal = QTimer(self)
        self._renewal.setSingleShot(True)
        self._renewal.setInterval(RENEW_MS)
        self._renewal.timeout.connect(self._ask)
        chat.conversation_changed.connect(self._on_conversation_changed)

    @property
    def text(self) -> str:
        return self._text

    def close(self) -> None:
        self._renewal.stop()
        self._runner.close()

    @Slot(str)
    def ask(self, text: str) -> None:
        """Search for this; for nothing ends the search."""
        if text.strip() == self._text.strip() and text.strip():
            return
        self._text, self._opening = text, None
        if text.strip():
            self.searching.emit()
            self._ask()
        else:
            self._renewal.stop()
            self.ended.emit()

    @Slot()
    def renew(self) -> None:
        """Conversations have changed."""
        if self._text.strip() and not self._renewal.isActive():
            self._renewal.start()

    @Slot(object)
    def open(self, hit: ChatHit) -> None:
        """Its conversation, on the branch of the message."""
        conversation_id, message_id = hit.conversation_id, hit.message_id
        if message_id is None:
            self._opening = None
            self._chat.open(conversation_id)
            return
        self._opening = conversation_id, message_id, self._text, hit.thinking
        chats = self._services.chats

        def select() -> bool:
            """Whether it was on another branch."""
            elsewhere = all(one.id != message_id for one in chats.messages(conversation_id))
            if elsewhere:
                chats.select(message_id)
            return elsewhere

        def selected(elsewhere: bool) -> None:
            current = self._chat.current
            if current is None or current.id != conversation_id:
                self._chat.open(conversation_id)
            elif elsewhere:
                self._chat.read_again()
            else:
                self._on_conversation_changed(current)

        self._pump.call(self._runner, select, then=selected, on_error=self.failed.emit)

    # ---- inside

    @Slot()
    def _ask(self) -> None:
        if not self._text.strip():
            return
        if self._busy:
            self._again = True
            return
        self._busy, self._again = True, False
        self._pump.call(
            self._runner, self._services.chats.search.find, self._text, then=self._on_found, on_error=self._on_error
        )

    def _on_found(self, found: ChatsFound) -> None:
        self._busy = False
        if not self._text.strip():
            return
        if self._again or found.text != self._text:
            self._ask()
        else:
            self.found.emit(found)
        if found.waiting and not self._reading:
            self._reading = True
            self._pump.follow(self._services.conversations.index(), lambda _: None, on_end=self._on_read)

    def _on_read(self) -> None:
        self._reading = False
        self.renew()

    def _on_error(self, error: BackendError) -> None:
        self._busy = False
        if self._again:
            self._ask()
        elif self._text.strip():
            self.failed.emit(error)

    @Slot(object)
    def _on_conversation_changed(self, conversation: Conversation | None) -> None:
        if self._opening is None:
            return
        conversation_id, message_id, text, thinking = self._opening
        if conversation is None or conversation.id != conversation_id:
            return
        if self._messages.find(message_id) is not None:
            self._opening = None
            self.message_found.emit(message_id, text, thinking)
