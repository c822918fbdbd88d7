"""Which documents the conversation that is shown uses, and what its answers stand on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app import grounds
from app.bridge import Pump
from app.controllers.chat import ChatController
from app.lists.messages import MessageList
from app.notices import Notice, NoticeBoard
from backends.chat.sourced import ConversationScope, Kept
from backends.chat.types import Conversation
from backends.chat.xray import XRay
from backends.core.phrase import Phrase
from backends.core.stream import Runner
from backends.documents.types import Collection, Document, FileFailed, IngestDone, IngestEvent
from backends.services import Services

KEY = "given"
SOURCE = "source"
Known = tuple[ConversationScope, tuple[Collection, ...], tuple[Document, ...]]


class GroundingController(QObject):
    scope_changed = Signal(object, object, int)  # ConversationScope, collections, documents of this conversation
    passage_requested = Signal(int, int, int, int, str)  # document, start, end, page, text to be lit
    xray_found = Signal(object)  # XRay

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
        self._services, self._pump, self._chat, self._messages, self._board = services, pump, chat, messages, board
        self._runner = Runner("grounding")
        self._collections: tuple[Collection, ...] = ()
        self._given = 0
        self._shown: int | None = None
        self._chosen = 0  # how often

    def close(self) -> None:
        self._runner.close()

    # ---- which documents

    @Slot(object)
    def show_conversation(self, conversation: Conversation | None) -> None:
        """Another one is shown, None: one that has not begun, which uses what the last one did but its own files."""
        if conversation is None:
            if self._chat.scope.kind in ("dropped", "documents"):
                self._chat.scope = ConversationScope()
            self._given = 0
        if (number := conversation.id if conversation else None) != self._shown:
            self._shown = number
            for key in (KEY, SOURCE):  # they are about the one that was shown
                self._board.withdraw(key)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        current, chosen = self._chat.current, self._chosen
        services = self._services

        def look() -> Known:
            collections = tuple(one for one in services.documents.store.collections() if one.documents)
            if current is None:
                return self._chat.scope, collections, ()
            return services.grounding.scope(current.id), collections, services.grounding.given(current.id)

        def seen(known: Known) -> None:
            shown = self._chat.current
            if (shown and shown.id) == (current and current.id):
                scope, self._collections, given = known
                if chosen == self._chosen:  # else somebody has chosen meanwhile
                    self._chat.scope = scope
                self._given = len(given)
                self._say()

        self._pump.call(self._runner, look, then=seen, on_error=self._board.post_error)

    @Slot()
    def look_again(self) -> None:
        """Documents have come, changed or gone: what can be chosen, and what the answers that are shown stand on."""
        self.refresh()
        grounded = [row.id for row in self._messages.rows if row.sources and row.live is None]
        if grounded:
            kept = self._services.grounding.kept
            self._pump.call(self._runner, kept, grounded, then=self._show_kept, on_error=self._board.post_error)

    def _show_kept(self, found: Mapping[int, tuple[Kept, frozenset[int]]]) -> None:
        for index, row in enumerate(self._messages.rows):
            if row.id in found and row.live is None:
                kept, deleted = found[row.id]
                said = replace(row, sources=kept.sources, citations=kept.citations, deleted=deleted)
                self._messages.put(index, replace(said, explained=kept.explained))

    @Slot(object)
    def choose(self, scope: ConversationScope) -> None:
        self._chat.scope = scope
        self._chosen += 1
        self._say()
        if (current := self._chat.current) is not None:
            self._pump.call(
                self._runner,
                self._services.grounding.set_scope,
                current.id,
                scope,
                then=lambda _: None,
                on_error=self._board.post_error,
            )

    def give(self, paths: Sequence[Path]) -> None:
        """Files for this conversation only; one that has not begun begins with them."""
        if (current := self._chat.current) is not None:
            self._give(current.id, paths)
        else:
            self._chat.begin(lambda conversation: self._give(conversation.id, paths))

    def _give(self, conversation_id: int, paths: Sequence[Path]) -> None:
        stream = self._services.grounding.give(conversation_id, paths)
        words = Phrase("Reading what was dropped…", "正在读取拖入的文件……")
        self._board.post(Notice(words, key=KEY))
        failed: list[FileFailed] = []

        def events(said: Sequence[IngestEvent]) -> None:
            for event in said:
                if isinstance(event, FileFailed):
                    failed.append(event)
                elif isinstance(event, IngestDone):
                    self._say_given(event, failed)
            self.refresh()

        self._pump.follow(stream, events, self.refresh, self._board.post_error)

    def _say_given(self, done: IngestDone, failed: Sequence[FileFailed]) -> None:
        if failed:
            first = failed[0]
            name = Path(first.path).name
            self._board.post(
                Notice(
                    Phrase(f"{name}: {first.problem.message.en}", f"{name}：{first.problem.message.zh}"),
                    first.problem.hint,
                    "warning",
                    key=KEY,
                )
            )
        elif done.documents:
            count = done.documents
            files = "file was" if count == 1 else "files were"
            self._board.post(
                Notice(
                    Phrase(
                        f"{count} {files} read. Answers of this chat are made from what they say.",
                        f"已读取 {count} 个文件，本对话将根据其内容回答。",
                    ),
                    key=KEY,
                )
            )
        else:
            self._board.withdraw(KEY)

    def _say(self) -> None:
        self.scope_changed.emit(self._chat.scope, self._collections, self._given)

    # ---- what an answer stands on

    @Slot(int, int)
    def open_source(self, message_id: int, n: int) -> None:
        """Where source n says what is cited of it."""
        index = self._messages.find(message_id)
        if index is None:
            return
        row = self._messages.rows[index]
        for ground in grounds.grounds(row.sources, row.citations, row.deleted):
            if ground.n == n:
                self._open(ground)

    def _open(self, ground: grounds.Ground) -> None:
        if ground.deleted and not ground.quote:
            words = Phrase(
                "This document was deleted, and what was quoted of it was erased.", "该文档已删除，引文也已清除。"
            )
            self._board.post(Notice(words, key=SOURCE))
            return
        if ground.deleted:
            words = Phrase(
                f"“{ground.title}” was deleted. This is what it said:", f"《{ground.title}》已删除，原文如下："
            )
            self._board.post(Notice(words, Phrase(ground.quote, ground.quote), key=SOURCE))
            return
        self.passage_requested.emit(ground.document_id, ground.start, ground.end, ground.page, ground.quote)

    @Slot(int)
    def explain(self, message_id: int) -> None:
        def found(xray: XRay | None) -> None:
            if xray is not None:
                self.xray_found.emit(xray)

        self._pump.call(
            self._runner, self._services.chats.sourced.xray, message_id, then=found, on_error=self._board.post_error
        )
