"""Which documents the answers of a conversation are made from.

services.grounding.set_scope(conversation_id, ConversationScope("collections", (1, 2)))
services.grounding.give(conversation_id, [path])        # what is dropped on a conversation is for it alone
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from backends.chat.grounding import Grounding
from backends.chat.sourced import ConversationScope, Kept, deleted_among
from backends.chat.store import ChatStore
from backends.chat.types import Source
from backends.core.errors import NotFound
from backends.core.stream import Stream
from backends.documents.types import Document, IngestEvent, Scope
from backends.services.documents import DocumentServices

__all__ = ["GroundingServices"]


class GroundingServices:
    def __init__(self, chats: ChatStore, documents: DocumentServices) -> None:
        self._chats, self._documents = chats, documents

    def scope(self, conversation_id: int) -> ConversationScope:
        return self._chats.sourced.scope(conversation_id)

    def set_scope(self, conversation_id: int, scope: ConversationScope) -> None:
        """NotFound (`no_conversation`)."""
        self._chats.sourced.set_scope(conversation_id, scope)

    def give(self, conversation_id: int, paths: Sequence[str | Path]) -> Stream[IngestEvent]:
        """Files for this conversation only. One that used no documents uses these from now on."""
        collection = self._documents.store.conversation_collection(conversation_id)
        if self.scope(conversation_id).kind == "off":
            self.set_scope(conversation_id, ConversationScope("dropped"))
        return self._documents.add(paths, collection.id)

    def give_text(self, conversation_id: int, title: str, text: str) -> Stream[Document]:
        """As `give`, of a text that was pasted. InvalidInput (`empty`)."""
        collection = self._documents.store.conversation_collection(conversation_id)
        if self.scope(conversation_id).kind == "off":
            self.set_scope(conversation_id, ConversationScope("dropped"))
        return self._documents.add_text(title, text, collection.id)

    def given(self, conversation_id: int) -> tuple[Document, ...]:
        """What was given to this conversation."""
        collection = self._documents.store.conversation_collection(conversation_id)
        return self._documents.store.documents(Scope(collections=(collection.id,)))

    def of(self, conversation_id: int, without: frozenset[str] = frozenset()) -> Grounding | None:
        """How its next answer is to be made; None: without documents. `without`: keys of chips that were taken away."""
        return self._grounding(self._scope(conversation_id, self.scope(conversation_id)), without)

    def of_new(self, chosen: ConversationScope) -> Grounding | None:
        """How the first answer of a conversation is to be made that has not begun."""
        return self._grounding(self._scope(None, chosen))

    def _grounding(self, scope: Scope | None, without: frozenset[str] = frozenset()) -> Grounding | None:
        if scope is None:
            return None
        documents = self._documents
        return Grounding(documents.find, documents.store, scope, self._chats.sourced.secret(), without=without)

    def _scope(self, conversation_id: int | None, chosen: ConversationScope) -> Scope | None:
        """What was given to the conversation is looked through whatever else is."""
        if chosen.kind == "off":
            return None
        if chosen.kind == "documents":
            return Scope(documents=chosen.ids)
        store = self._documents.store
        given = () if conversation_id is None else (store.conversation_collection(conversation_id).id,)
        if chosen.kind == "dropped":
            return Scope(collections=given)
        named = tuple(one.id for one in store.collections())
        wanted = named if chosen.kind == "all" else tuple(one for one in chosen.ids if one in named)
        return Scope(collections=(*wanted, *given))

    def deleted(self, sources: Sequence[Source]) -> frozenset[int]:
        """The documents among these that are there no more, or hidden."""
        return deleted_among(sources, self._is_there)

    def _is_there(self, document_id: int) -> bool:
        try:
            return self._documents.store.document(document_id).hidden is None
        except NotFound:
            return False

    def kept(self, message_ids: Iterable[int]) -> dict[int, tuple[Kept, frozenset[int]]]:
        """What is kept with the answers among these messages, and which of its documents are there no more."""
        found = self._chats.sourced.all_of(message_ids)
        return {one: (kept, self.deleted(kept.sources)) for one, kept in found.items()}

    def quoting(self, document_ids: Iterable[int]) -> int:
        """How many answers quote any of these documents."""
        return len(self._chats.sourced.quoting(document_ids))

    def forget_quotes(self, document_ids: Iterable[int]) -> tuple[int, ...]:
        """Erase what old answers quote of these documents, too. The messages that were touched."""
        return self._chats.sourced.forget_documents(document_ids)

    def forget(self, conversations: Iterable[int]) -> None:
        """These conversations are erased: what was given to them goes, too."""
        store = self._documents.store
        gone = [one.id for each in conversations for one in self.given(each)]
        if gone:
            store.hide(gone)
            self._documents.erase(gone)
