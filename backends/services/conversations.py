"""Conversations beyond their rows: copied with what was given to them, and erased wherever anything of them is kept.

services.conversations.duplicate(12, "Another try")
services.conversations.erase([12])                      # those that were deleted, for ever
services.conversations.erase_messages()                 # the branches that were deleted
"""

import logging
from collections.abc import Iterable, Iterator

from backends.chat.answer import label
from backends.chat.citations import citations
from backends.chat.sourced import ConversationScope
from backends.chat.store import ChatStore
from backends.chat.types import EDITED, Conversation, Message
from backends.core.cancel import CancelToken
from backends.core.errors import StorageError
from backends.core.stream import Runner, Stream
from backends.services.descent import within
from backends.services.grounding import GroundingServices
from backends.services.warmth import WarmthServices
from backends.storage.database import Database

log = logging.getLogger(__name__)

_REST = 0.02  # seconds between two steps of the index, for those who talk


class ConversationServices:
    """Its threads: `conversations`, `chat index`. What the last run had deleted is erased when it is made, and what the
    index lacks is read."""

    def __init__(
        self, chats: ChatStore, database: Database, warmth: WarmthServices, grounding: GroundingServices
    ) -> None:
        self._chats, self._database = chats, database
        self._warmth, self._grounding = warmth, grounding
        self._runner = Runner("conversations")
        self._indexing = Runner("chat index")
        self._indexing.start(self._index)
        if chats.purged_at_start or chats.touched_at_start:
            self._runner.start(self._forget, chats.purged_at_start, chats.touched_at_start)

    def close(self) -> None:
        self._runner.close()
        self._indexing.close()

    def duplicate(self, conversation_id: int, title: str, upto: int | None = None) -> Conversation:
        """A copy, or only of the branch down to the message `upto`. It uses the documents that the original uses; those
        that were given to the original are named one by one."""
        copy = self._chats.tree.duplicate(conversation_id, title, upto)
        if self._grounding.scope(copy).kind == "dropped":
            given = tuple(one.id for one in self._grounding.given(conversation_id))
            self._grounding.set_scope(copy, ConversationScope("documents", given))
        return self._chats.conversation(copy)

    def erase(self, conversation_ids: Iterable[int]) -> Stream[None]:
        """Those of these that were deleted: texts, what the engine keeps of them, what was given to them, copies."""
        return self._runner.start(self._erase, tuple(conversation_ids))

    def erase_messages(self, message_ids: Iterable[int] | None = None) -> Stream[None]:
        """All branches that were deleted, or those that were deleted with these messages, and what the engine keeps of
        their conversations."""
        return self._runner.start(self._erase_messages, None if message_ids is None else tuple(message_ids))

    def correct(self, message_id: int, text: str) -> Message:
        """An answer in the person's words, beside the model's: with its sources, citations checked anew."""
        chats = self._chats
        answer = chats.message(message_id)
        own = chats.add_message(
            answer.conversation_id, "assistant", text, parent=answer.parent_id, model=answer.model, status="streaming"
        )
        if sources := chats.sourced.sources(message_id):
            chats.sourced.save_sources(own.id, sources)
            chats.sourced.save_citations(own.id, citations(own.content, sources))
        return chats.finish(own.id, "done", reasoning="", content=text, finish_reason=EDITED)

    def index(self) -> Stream[None]:
        """Read what was said into the index, a little at a time; goes on where it was interrupted."""
        return self._indexing.start(self._index)

    def _index(self, *, cancel: CancelToken) -> Iterator[None]:
        search = self._chats.search
        try:
            search.erase()
            while search.read() and not cancel.wait(_REST):
                pass
        except StorageError as error:
            log.warning("what was said is not in the index yet: %s", error)
        yield None

    def _erase(self, conversation_ids: tuple[int, ...], *, cancel: CancelToken) -> Iterator[None]:
        yield from self._forget(self._chats.purge(conversation_ids), (), cancel=cancel)

    def _erase_messages(self, message_ids: tuple[int, ...] | None, *, cancel: CancelToken) -> Iterator[None]:
        yield from self._forget((), self._chats.tree.erase(message_ids), cancel=cancel)

    def _forget(self, gone: tuple[int, ...], touched: tuple[int, ...], *, cancel: CancelToken) -> Iterator[None]:
        if gone or touched:
            self._chats.search.erase()
            yield from within(self._warmth.erase({label(one) for one in (*gone, *touched)}), cancel)
            self._grounding.forget(gone)
            self._database.renew_copies()
        yield None
