"""The tree of a conversation: messages written anew, variants shown, branches ended, taken elsewhere, deleted.

Nothing is lost by any of it. What changes the branch stops the answer that is on its way in it (what was said is kept);
looking at another one does not.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal, Slot

from app.bridge import Pump
from app.controllers.chat import ChatController
from app.controllers.opening import rows_of
from app.language import say
from app.lists.messages import MessageList, MessageRow
from app.notices import NoticeBoard
from app.undo import Undo
from backends.chat.tree import Deleted
from backends.chat.types import Conversation, Message
from backends.core.errors import BackendError, NotFound
from backends.core.phrase import Phrase
from backends.services import Services


class BranchController(QObject):
    branched = Signal(int)  # conversation: made of a branch

    def __init__(
        self,
        services: Services,
        pump: Pump,
        chat: ChatController,
        messages: MessageList,
        board: NoticeBoard,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._services, self._pump = services, pump
        self._chat, self._messages, self._board = chat, messages, board
        self._copying = False
        self._deleted: Undo[Deleted] = Undo(board, "deleted_messages", _deleted_words, self._restore, self._erase)

    @Slot(int, str)
    def act(self, message_id: int, name: str) -> None:
        """What was chosen in a message's menu. Names that are not known here are for others."""
        actions: dict[str, Callable[[int], None]] = {
            "regenerate": self._chat.regenerate,
            "branch": self.branch,
            "end_here": self.end_here,
            "show_rest": self.show_rest,
            "delete": self.delete,
        }
        if name in actions:
            actions[name](message_id)

    @Slot()
    def let_go(self) -> None:
        """The person goes on: what was deleted is not wanted back."""
        self._deleted.let_go()

    @Slot(int, str)
    def edit(self, message_id: int, text: str) -> None:
        """Write a message anew, beside the old one: a question is answered, an answer stands as it is."""
        row = self._row(message_id)
        if row is None or not text.strip():
            return
        if text == row.text:
            self._messages.end_edit(message_id)
            return
        chats = self._services.chats
        place = 0 if (found := self._messages.find(message_id)) is None else found
        branch: list[MessageRow] = []

        def write() -> Message:
            if row.role == "assistant":
                written = self._services.conversations.correct(message_id, text)
            else:
                old = chats.message(message_id)
                written = chats.add_message(old.conversation_id, "user", text, parent=old.parent_id)
            branch.extend(rows_of(self._services, chats.branch(written.id)))
            return written

        def written(conversation: Conversation, message: Message) -> None:
            self._messages.end_edit(message_id)
            self.let_go()
            rows = [one for one in branch if one.id > 0]  # no offer to answer it: it is answered
            if self._shows(conversation.id):
                self._messages.follow(rows, place)
            if message.role == "user":
                self._chat.answer(conversation.id, message.id)

        self._chat.when_quiet(lambda: self._chat.save(write, written))

    @Slot(int, int)
    def show_variant(self, message_id: int, step: int) -> None:
        """Another message at this place of the tree, with what follows it: 1 the next, -1 the one before."""
        chats = self._services.chats

        def select() -> Sequence[Message]:
            ids = chats.siblings(message_id)
            if message_id not in ids:
                return ()
            place = ids.index(message_id) + step
            return chats.select(ids[max(0, min(place, len(ids) - 1))])

        self._follow(message_id, select)

    @Slot(int)
    def end_here(self, message_id: int) -> None:
        """The next question comes below this message; what stands there now can be shown again."""
        tree = self._services.chats.tree

        def end() -> Sequence[Message]:
            return self._services.chats.messages(tree.end_with(message_id))

        self._chat.when_quiet(lambda: self._follow(message_id, end))

    @Slot(int)
    def show_rest(self, message_id: int) -> None:
        """What stands below the end of the branch."""
        self._follow(message_id, lambda: self._services.chats.select(message_id))

    @Slot(int)
    def branch(self, message_id: int) -> None:
        """A new conversation with what was said down to this message."""
        current = self._chat.current
        if current is None or self._copying:
            return
        title = current.title
        name = say(Phrase(f"{title} (branch)", f"{title}（分支）")) if title else ""

        def copied(conversation: Conversation) -> None:
            self._copying = False
            self._chat.refresh()
            self.branched.emit(conversation.id)

        def failed(error: BackendError) -> None:
            self._copying = False
            self._board.post_error(error)

        self._copying = True
        duplicate = self._services.conversations.duplicate
        self._chat.call(duplicate, current.id, name, message_id, then=copied, on_error=failed)

    @Slot(int)
    def delete(self, message_id: int) -> None:
        """With all that stands below it. The notice brings it back; when that goes, it is erased."""
        place = self._messages.find(message_id)
        current = self._chat.current
        if place is None or current is None:
            return
        chats = self._services.chats

        def delete() -> tuple[Deleted, list[MessageRow]]:
            deleted = chats.tree.delete(message_id)
            return deleted, rows_of(self._services, chats.messages(current.id))

        def gone(result: tuple[Deleted, list[MessageRow]]) -> None:
            deleted, rows = result
            self._messages.end_edit(message_id)
            self._deleted.push(deleted)
            self._chat.refresh()
            if self._shows(current.id):
                self._messages.follow(rows, place)

        def failed(error: BackendError) -> None:
            if not isinstance(error, NotFound):  # else it was asked for twice
                self._board.post_error(error)

        self._chat.when_quiet(lambda: self._chat.call(delete, then=gone, on_error=failed))

    # ---- inside

    def _restore(self, deleted: Deleted) -> None:
        chats = self._services.chats

        def restore() -> list[MessageRow]:
            chats.tree.restore(deleted)
            return rows_of(self._services, chats.messages(deleted.conversation_id))

        def back(rows: list[MessageRow]) -> None:
            self._chat.refresh()
            if self._shows(deleted.conversation_id):
                place = next((n for n, row in enumerate(rows) if row.id == deleted.message_id), len(rows) - 1)
                self._messages.follow(self._merged(rows), place)
            else:
                self._chat.open(deleted.conversation_id)

        def failed(error: BackendError) -> None:
            if not isinstance(error, NotFound):
                self._deleted.push(deleted)  # it is there yet
            self._board.post_error(error)

        self._chat.call(restore, then=back, on_error=failed)

    def _erase(self, deleted: Sequence[Deleted]) -> None:
        erasing = self._services.conversations.erase_messages(one.message_id for one in deleted)
        self._pump.follow(erasing, lambda _: self._chat.refresh(), on_error=self._board.post_error)

    def _follow(self, message_id: int, read: Callable[[], Sequence[Message]]) -> None:
        """Show the branch that `read` gives; this message or what takes its place stays where it is on the screen."""
        current, place = self._chat.current, self._messages.find(message_id)
        if current is None or place is None:
            return

        def arrived(rows: list[MessageRow]) -> None:
            if rows and self._shows(current.id):
                self._messages.follow(self._merged(rows), place)

        self._chat.call(lambda: rows_of(self._services, read()), then=arrived)

    def _merged(self, rows: Sequence[MessageRow]) -> list[MessageRow]:
        current = self._chat.current
        return self._chat.answers.merged(current.id, rows) if current is not None else list(rows)

    def _shows(self, conversation_id: int) -> bool:
        return self._chat.current is not None and self._chat.current.id == conversation_id

    def _row(self, message_id: int) -> MessageRow | None:
        index = self._messages.find(message_id)
        return self._messages.rows[index] if index is not None else None


def _deleted_words(deleted: Sequence[Deleted]) -> Phrase:
    count = sum(one.count for one in deleted)
    return Phrase(f"{count} {'message' if count == 1 else 'messages'} deleted.", f"已删除 {count} 条消息。")
