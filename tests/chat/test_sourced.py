"""Sources, citations and scopes are kept in `chats.db`, and go with their message."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from backends.chat.evidence import Shown
from backends.chat.passages import written
from backends.chat.sourced import ConversationScope, deleted_among
from backends.chat.store import MIGRATIONS, ChatStore
from backends.chat.types import Citation, Source
from backends.chat.xray import XRay
from backends.core.errors import NotFound
from backends.core.phrase import Phrase
from backends.storage.database import Database

SOURCES = (
    Source(1, 5, "Harbours", "h.pdf", 3, "", 10, 21, "text \ud800 one", "/books/h.pdf", ((0, 3), (6, 4))),
    Source(2, 6, "桥", "桥.docx", 0, "第一章", 0, 2, "古桥", "/books/桥.docx"),
)
CITATIONS = (
    Citation(1, 5, 3, 10, 14, "text", 0, 20, True),
    Citation(2, 6, 0, 0, 2, "古桥", 20, 30, None),
    Citation(9, 0, 0, 0, 0, "", 30, 40, False),
)


def test_what_an_answer_was_made_from_is_kept(open_store: Callable[[], ChatStore]) -> None:
    store = open_store()
    conversation = store.create()
    message = store.add_message(conversation.id, "user", "Hello")
    store.sourced.save_sources(message.id, SOURCES)
    store.sourced.save_citations(message.id, CITATIONS)
    store.sourced.save_xray(message.id, XRay("Hello", "Hello", prompt=(("user", "Hello"),)))
    kept = open_store().sourced
    first, second = kept.sources(message.id)
    assert (first.text, first.pages, first.page_at(7), first.page_at(2)) == ("text \ufffd one", ((0, 3), (6, 4)), 4, 3)
    assert second == SOURCES[1]
    assert kept.citations(message.id) == CITATIONS
    assert kept.xray(message.id) == XRay("Hello", "Hello", prompt=(("user", "Hello"),))
    assert (kept.sources(99), kept.citations(99), kept.xray(99)) == ((), (), None)
    kept.save_sources(message.id, SOURCES[:1])
    assert len(kept.sources(message.id)) == 1
    assert kept.citations(message.id) == ()  # they spoke of other sources


def test_it_goes_with_its_conversation(store: ChatStore) -> None:
    conversation = store.create()
    message = store.add_message(conversation.id, "user", "Hello")
    store.sourced.save_sources(message.id, SOURCES)
    store.sourced.save_citations(message.id, CITATIONS)
    store.sourced.set_scope(conversation.id, ConversationScope("dropped"))
    store.delete(conversation.id)
    assert len(store.sourced.sources(message.id)) == 2
    store.purge()
    assert store.sourced.sources(message.id) == ()
    assert store.sourced.quoting([5, 6]) == ()
    assert store.sourced.scope(conversation.id) == ConversationScope()


@pytest.mark.parametrize(
    "scope",
    [
        ConversationScope(),
        ConversationScope("all"),
        ConversationScope("collections", (3, 1)),
        ConversationScope("documents", (7,)),
        ConversationScope("dropped"),
    ],
)
def test_a_conversation_has_its_scope(store: ChatStore, scope: ConversationScope) -> None:
    conversation, other = store.create(), store.create()
    assert store.sourced.scope(conversation.id) == ConversationScope("off")
    store.sourced.set_scope(conversation.id, ConversationScope("all"))
    store.sourced.set_scope(conversation.id, scope)
    assert store.sourced.scope(conversation.id) == scope
    assert store.sourced.scope(other.id).kind == "off"


def test_a_scope_of_no_conversation(store: ChatStore) -> None:
    with pytest.raises(NotFound):
        store.sourced.set_scope(99, ConversationScope("all"))


def test_only_the_quotes_of_that_document_are_forgotten(store: ChatStore) -> None:
    conversation = store.create()
    message = store.add_message(conversation.id, "user", "Hello")
    store.sourced.save_sources(message.id, SOURCES)
    store.sourced.save_citations(message.id, CITATIONS)
    store.sourced.save_xray(message.id, XRay("Hello"))
    assert store.sourced.forget_documents([77]) == ()
    assert store.sourced.forget_documents([5]) == (message.id,)
    first, second = store.sourced.sources(message.id)
    assert (first.text, first.name, first.known_as, first.document_id) == ("", "", "", 5)
    assert second == SOURCES[1]
    assert [one.quote for one in store.sourced.citations(message.id)] == ["", "古桥", ""]
    assert store.sourced.xray(message.id) is None
    assert deleted_among(SOURCES, lambda one: one == 6) == {5}
    assert deleted_among(CITATIONS, lambda one: True) == frozenset()


def test_passages_that_are_the_answer_are_forgotten_with_their_document(store: ChatStore, tmp_path: Path) -> None:
    conversation = store.create()
    question = store.add_message(conversation.id, "user", "Where is the quagmire?")
    text, cited = written(Shown(Phrase("Nearest:", ""), SOURCES, (), Phrase("More.", "")), "en")
    reply = store.add_message(conversation.id, "assistant", text, parent=question.id)
    store.sourced.save_sources(reply.id, SOURCES)
    store.sourced.save_citations(reply.id, cited)
    by_model = store.add_message(conversation.id, "assistant", text, parent=question.id, model="a-model")
    store.sourced.save_sources(by_model.id, SOURCES)
    store.sourced.save_citations(by_model.id, cited)

    store.sourced.forget_documents([5])
    assert store.message(reply.id).content == "Nearest:\n\n> … [1]\n\n> 古桥 [2]\n\nMore."
    said = store.message(reply.id).content
    sentences = [said[one.sentence_start : one.sentence_end] for one in store.sourced.citations(reply.id)]
    assert sentences == ["> … [1]", "> 古桥 [2]"]
    assert store.message(by_model.id).content == text.replace("\ud800", "\ufffd"), "that is its own answer"


def test_the_secret_is_that_of_the_folder(open_store: Callable[[], ChatStore], tmp_path: Path) -> None:
    secret = open_store().sourced.secret()
    assert len(secret) == 32
    assert open_store().sourced.secret() == secret
    with closing(Database(tmp_path / "other.db", MIGRATIONS)) as other:
        assert ChatStore(other).sourced.secret() != secret


def test_conversations_of_before_are_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    with closing(Database(path, MIGRATIONS[:1])) as old:
        old.connection().execute(
            "INSERT INTO conversations (id, title, activity, created, updated) VALUES (4, 'Old', 1, 0, 0)"
        )
    with closing(Database(path, MIGRATIONS)) as new:
        store = ChatStore(new)
        assert [one.title for one in store.conversations()] == ["Old"]
        assert store.sourced.scope(4) == ConversationScope()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
