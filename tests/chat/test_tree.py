"""Branches are deleted, come back, are erased and copied; nothing else is touched by it."""

from pathlib import Path

import pytest

from backends.chat.options import Options
from backends.chat.sourced import ConversationScope
from backends.chat.store import ChatStore
from backends.chat.types import Citation, Message, Source
from backends.core.errors import NotFound


def said(messages: tuple[Message, ...]) -> list[str]:
    return [message.content for message in messages]


@pytest.fixture
def told(store: ChatStore) -> list[Message]:
    """Q1 with two answers; below the first Q2 and A2; the second is shown."""
    conversation = store.create()
    question = store.add_message(conversation.id, "user", "Q1")
    first = store.add_message(conversation.id, "assistant", "A1")
    further = store.add_message(conversation.id, "user", "Q2")
    tail = store.add_message(conversation.id, "assistant", "A2")
    second = store.add_message(conversation.id, "assistant", "A1, better", parent=question.id)
    return [question, first, further, tail, second]


def test_a_deleted_answer_makes_room_for_its_sibling_and_comes_back(store: ChatStore, told: list[Message]) -> None:
    question, first, _, tail, second = told
    conversation = question.conversation_id
    deleted = store.tree.delete(second.id)
    assert deleted.count == 1
    assert said(store.messages(conversation)) == ["Q1", "A1", "Q2", "A2"]
    assert (store.message(first.id).position, store.message(first.id).siblings) == (1, 1)
    assert store.siblings(first.id) == (first.id,)

    both = store.tree.delete(first.id)
    assert both.count == 3
    assert said(store.messages(conversation)) == ["Q1"]
    store.tree.restore(both)
    assert store.messages(conversation)[-1].id == tail.id
    store.tree.restore(deleted)
    assert said(store.messages(conversation)) == ["Q1", "A1, better"]


def test_what_was_deleted_before_stays_deleted(store: ChatStore, told: list[Message]) -> None:
    question, first, _, tail, second = told
    store.select(first.id)
    inner = store.tree.delete(tail.id)
    outer = store.tree.delete(question.id)
    assert outer.count == 4
    assert store.messages(question.conversation_id) == ()
    with pytest.raises(NotFound):
        store.tree.delete(second.id)
    store.tree.restore(outer)
    assert said(store.messages(question.conversation_id)) == ["Q1", "A1", "Q2"]
    store.tree.restore(inner)
    assert said(store.messages(question.conversation_id)) == ["Q1", "A1", "Q2", "A2"]


def test_what_is_erased_is_gone_from_the_file(store: ChatStore, tmp_path: Path) -> None:
    conversation = store.create()
    store.add_message(conversation.id, "user", "keep this")
    reply = store.add_message(conversation.id, "assistant", "the codeword is heliotrope")
    deleted = store.tree.delete(reply.id)
    assert store.tree.erase() == (conversation.id,)
    assert store.tree.erase() == ()
    with pytest.raises(NotFound):
        store.tree.restore(deleted)
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("chats.db*"))
    assert b"heliotrope" not in kept
    assert said(store.messages(conversation.id)) == ["keep this"]


def test_a_copy_has_all_branches_and_goes_its_own_way(store: ChatStore, told: list[Message]) -> None:
    question, *_, second = told
    original = question.conversation_id
    store.organised.set_options(original, Options(temperature=0.2))
    store.sourced.set_scope(original, ConversationScope("documents", (4,)))
    source = Source(1, 4, "Title", "a.pdf", 3, "page 3", 0, 5, "Words")
    store.sourced.save_sources(second.id, (source,))
    store.sourced.save_citations(second.id, (Citation(1, 4, 3, 0, 5, "Words", 0, 5, True),))

    copy = store.tree.duplicate(original, "Another try")
    assert store.conversation(copy).title == "Another try"
    assert said(store.messages(copy)) == ["Q1", "A1, better"]
    shown = store.messages(copy)[-1]
    assert (shown.position, shown.siblings) == (2, 2)
    assert said(store.select(store.siblings(shown.id)[0])) == ["Q1", "A1", "Q2", "A2"]
    assert store.organised.options(copy).temperature == 0.2
    assert store.sourced.scope(copy) == ConversationScope("documents", (4,))
    assert store.sourced.sources(shown.id) == (source,)
    assert store.sourced.citations(shown.id)[0].verified is True

    store.add_message(copy, "user", "only here")
    assert said(store.messages(original)) == ["Q1", "A1, better"]


def test_a_branch_becomes_a_conversation_of_its_own(store: ChatStore, told: list[Message]) -> None:
    question, _, further, tail, _ = told
    copy = store.tree.duplicate(question.conversation_id, "", upto=further.id)
    assert store.conversation(copy).title == store.conversation(question.conversation_id).title
    assert said(store.messages(copy)) == ["Q1", "A1", "Q2"]
    assert all(message.siblings == 1 for message in store.messages(copy))
    store.tree.delete(tail.id)
    with pytest.raises(NotFound):
        store.tree.duplicate(question.conversation_id, "", upto=tail.id)


def test_only_what_was_deleted_with_these_is_erased(store: ChatStore, told: list[Message]) -> None:
    question, first, _, tail, second = told
    store.select(first.id)
    inner = store.tree.delete(tail.id)
    outer = store.tree.delete(first.id)
    kept = store.tree.delete(second.id)
    assert store.tree.erase([]) == ()
    assert store.tree.erase([outer.message_id]) == (question.conversation_id,)
    for gone in (inner, outer):
        with pytest.raises(NotFound):
            store.tree.restore(gone)
    store.tree.restore(kept)
    assert store.siblings(second.id) == (second.id,)
    assert not store.tree.goes_on(second.id)


def test_a_title_goes_with_the_question_that_had_given_it(store: ChatStore, told: list[Message]) -> None:
    question = told[0]
    conversation = question.conversation_id
    other = store.add_message(conversation, "user", "Asked otherwise", parent=None)
    assert store.conversation(conversation).title == "Q1"
    store.tree.delete(question.id)
    store.tree.erase()
    assert store.conversation(conversation).title == "Asked otherwise"
    store.give_title(conversation, "What the model calls it")
    store.tree.delete(other.id)
    store.tree.erase()
    assert store.conversation(conversation).title == ""
    store.rename(conversation, "My title")
    store.tree.delete(store.add_message(conversation, "user", "Q").id)
    store.tree.erase()
    assert store.conversation(conversation).title == "My title"


def test_a_branch_ends_where_it_is_said_and_goes_on_there(store: ChatStore, told: list[Message]) -> None:
    question, first, _, tail, _ = told
    assert store.select(first.id)[-1].id == tail.id
    assert store.tree.end_with(first.id) == question.conversation_id
    assert said(store.messages(question.conversation_id)) == ["Q1", "A1"]
    assert store.tree.goes_on(first.id)
    assert not store.tree.goes_on(tail.id)
    store.add_message(question.conversation_id, "user", "Q3")
    assert said(store.messages(question.conversation_id)) == ["Q1", "A1", "Q3"]
    store.tree.delete(first.id)
    with pytest.raises(NotFound):
        store.tree.end_with(tail.id)


def test_a_variant_is_shown_with_the_branch_that_was_seen_last_below_it(store: ChatStore, told: list[Message]) -> None:
    question, first, further, tail, second = told
    better = store.add_message(question.conversation_id, "assistant", "A2, better", parent=further.id)
    assert said(store.select(tail.id)) == ["Q1", "A1", "Q2", "A2"]
    store.select(second.id)
    assert said(store.select(first.id)) == ["Q1", "A1", "Q2", "A2"]
    store.tree.end_with(first.id)
    assert said(store.select(first.id)) == ["Q1", "A1", "Q2", "A2"]  # what follows it is shown again
    last = store.add_message(question.conversation_id, "user", "Q3")
    store.add_message(question.conversation_id, "user", "Q1, better", parent=None)
    assert said(store.select(question.id)) == ["Q1", "A1", "Q2", "A2", "Q3"]
    store.select(second.id)
    store.tree.delete(last.id)
    assert said(store.select(first.id)) == ["Q1", "A1", "Q2", "A2, better"]
    assert store.messages(question.conversation_id)[-1].id == better.id
