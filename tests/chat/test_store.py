"""Conversations as they are kept: the tree, the list, undo, and what a crash leaves behind."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.chat.store import MIGRATIONS, ChatStore
from backends.chat.types import Message, Problem
from backends.core.errors import BackendError, NotFound
from backends.core.phrase import Phrase
from backends.engine.protocol import Timings, Usage
from backends.storage.database import Database

Open = Callable[[], ChatStore]


def said(messages: tuple[Message, ...]) -> list[str]:
    return [message.content for message in messages]


def test_a_conversation_is_there_after_a_restart(open_store: Open) -> None:
    first = open_store()
    conversation = first.create()
    first.add_message(conversation.id, "user", "Why is the sky blue?")
    first.add_message(conversation.id, "assistant", "Because of Rayleigh scattering.", model="r1:Q4_K_M")

    second = open_store()
    (listed,) = second.conversations()
    assert listed.title == "Why is the sky blue?"
    assert listed.preview == "Because of Rayleigh scattering."
    question, reply = second.messages(conversation.id)
    assert (question.role, question.parent_id, question.status) == ("user", None, "done")
    assert (reply.role, reply.parent_id, reply.model) == ("assistant", question.id, "r1:Q4_K_M")


def test_the_list_is_ordered_by_the_last_activity_whatever_the_clock_says(
    store: ChatStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = store.create(), store.create()
    store.add_message(old.id, "user", "old")
    store.add_message(new.id, "user", "new")
    monkeypatch.setattr(time, "time", lambda: 1000.0)  # the clock was set back
    store.add_message(old.id, "user", "old again")
    assert [each.id for each in store.conversations()] == [old.id, new.id]
    store.rename(new.id, "Renaming is not activity")
    assert [each.id for each in store.conversations()] == [old.id, new.id]


def test_the_preview_is_what_was_said_last_on_one_line(store: ChatStore) -> None:
    conversation = store.create()
    assert store.conversation(conversation.id).preview == ""
    question = store.add_message(conversation.id, "user", "Tell me\n\nmore")
    assert store.conversation(conversation.id).preview == "Tell me more"
    reply = store.add_message(conversation.id, "assistant", "", status="streaming")
    assert store.conversation(conversation.id).preview == "Tell me more"
    store.save_progress(reply.id, "thinking", "Gladly. " * 100)
    preview = store.conversation(conversation.id).preview
    assert preview.startswith("Gladly. Gladly.")
    assert len(preview) <= 120
    assert question.content == "Tell me\n\nmore"


def test_a_given_title_stays_and_an_empty_one_gives_the_automatic_one_back(store: ChatStore) -> None:
    conversation = store.create()
    store.add_message(conversation.id, "user", "First question")
    renamed = store.rename(conversation.id, "  My \n title ")
    assert (renamed.title, renamed.renamed) == ("My title", True)
    store.add_message(conversation.id, "user", "Second question")
    assert store.conversation(conversation.id).title == "My title"
    back = store.rename(conversation.id, "   ")
    assert (back.title, back.renamed) == ("First question", False)


def test_a_deleted_conversation_comes_back_whole(store: ChatStore) -> None:
    conversation = store.create()
    store.add_message(conversation.id, "user", "Keep me")
    store.delete(conversation.id)
    assert store.conversations() == ()
    restored = store.restore(conversation.id)
    assert restored.deleted is None
    assert store.conversations() == (restored,)
    assert said(store.messages(conversation.id)) == ["Keep me"]


def test_purging_removes_only_what_was_deleted_and_ids_are_not_used_again(store: ChatStore) -> None:
    gone, kept = store.create(), store.create()
    for each in (gone, kept):
        for number in range(3):
            store.add_message(each.id, "user", str(number))
    store.delete(gone.id)
    assert store.purge([kept.id]) == ()
    assert store.purge() == (gone.id,)
    assert [each.id for each in store.conversations()] == [kept.id]
    with pytest.raises(NotFound):
        store.messages(gone.id)
    assert said(store.messages(kept.id)) == ["0", "1", "2"]
    store.delete(kept.id)
    store.purge()
    assert store.create().id > kept.id


def test_what_was_deleted_is_erased_at_the_next_start(open_store: Open, tmp_path: Path) -> None:
    store = open_store()
    conversation, other = store.create(), store.create()
    store.add_message(conversation.id, "user", "the codeword is heliotrope")
    store.delete(conversation.id)
    store.add_message(other.id, "user", "keep this")
    reply = store.add_message(other.id, "assistant", "the codeword was vermilion")
    store.tree.delete(reply.id)
    again = open_store()
    with pytest.raises(NotFound):
        again.restore(conversation.id)
    assert (again.purged_at_start, again.touched_at_start) == ((conversation.id,), (other.id,))
    assert said(again.messages(other.id)) == ["keep this"]
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("chats.db*"))
    assert b"keep this" in kept
    assert b"codeword" not in kept


def test_answering_again_adds_a_sibling_and_both_stay_within_reach(store: ChatStore) -> None:
    conversation = store.create()
    question = store.add_message(conversation.id, "user", "Q1")
    first = store.add_message(conversation.id, "assistant", "A1")
    store.add_message(conversation.id, "user", "Q2")
    tail = store.add_message(conversation.id, "assistant", "A2")
    second = store.add_message(conversation.id, "assistant", "A1, better", parent=question.id)

    assert said(store.messages(conversation.id)) == ["Q1", "A1, better"]
    assert store.siblings(first.id) == (first.id, second.id)
    assert (second.position, second.siblings) == (2, 2)
    assert said(store.select(first.id)) == ["Q1", "A1", "Q2", "A2"]
    assert store.messages(conversation.id)[-1].id == tail.id
    assert said(store.branch(second.id)) == ["Q1", "A1, better"]


def test_the_first_question_can_have_variants_too(store: ChatStore) -> None:
    conversation = store.create()
    first = store.add_message(conversation.id, "user", "Q")
    other = store.add_message(conversation.id, "user", "Q, edited", parent=None)
    assert store.siblings(first.id) == (first.id, other.id)
    assert said(store.messages(conversation.id)) == ["Q, edited"]


def test_everything_about_an_answer_is_kept(open_store: Open) -> None:
    store = open_store()
    conversation = store.create()
    store.add_message(conversation.id, "user", "Q")
    reply = store.add_message(conversation.id, "assistant", "", model="m", status="streaming")
    usage, timings = Usage(10, 20, 5, 3), Timings(100.5, 20.25, 0.5, 1.75)
    problem = Problem(
        "out_of_memory", Phrase("No memory.", "内存不足。"), Phrase("Close something.", "请关闭其他程序。")
    )
    store.finish(
        reply.id,
        "failed",
        reasoning="hm",
        content="half",
        problem=problem,
        finish_reason="length",
        usage=usage,
        timings=timings,
        device="CPU",
        reasoning_s=1.5,
    )
    kept = open_store().message(reply.id)
    assert (kept.reasoning, kept.content, kept.problem) == ("hm", "half", problem)
    assert (kept.usage, kept.timings, kept.reasoning_s) == (usage, timings, 1.5)
    assert (kept.status, kept.finish_reason, kept.device, kept.model) == ("failed", "length", "CPU", "m")


def test_an_answer_that_a_crash_cut_off_keeps_its_text_and_says_so(open_store: Open) -> None:
    before = open_store()
    conversation = before.create()
    before.add_message(conversation.id, "user", "Q")
    reply = before.add_message(conversation.id, "assistant", "", status="streaming")
    before.save_progress(reply.id, "I think", "The answer is")

    after = open_store().message(reply.id)
    assert (after.status, after.reasoning, after.content) == ("stopped", "I think", "The answer is")
    assert after.problem is not None
    assert after.problem.code == "interrupted"
    assert after.problem.message.zh


def test_a_late_save_does_not_undo_the_final_state(store: ChatStore) -> None:
    conversation = store.create()
    reply = store.add_message(conversation.id, "assistant", "", status="streaming")
    store.finish(reply.id, "done", reasoning="", content="whole")
    store.save_progress(reply.id, "", "who")
    assert store.message(reply.id).content == "whole"


def test_a_message_belongs_to_its_own_conversation(store: ChatStore) -> None:
    one, two = store.create(), store.create()
    foreign = store.add_message(one.id, "user", "Q")
    with pytest.raises(NotFound):
        store.add_message(two.id, "assistant", "A", parent=foreign.id)
    assert store.messages(two.id) == ()


def test_what_is_not_there_is_a_known_error(store: ChatStore) -> None:
    calls: list[Callable[[], object]] = [
        lambda: store.messages(99),
        lambda: store.conversation(99),
        lambda: store.rename(99, "x"),
        lambda: store.delete(99),
        lambda: store.restore(99),
        lambda: store.add_message(99, "user", "x"),
        lambda: store.message(99),
        lambda: store.select(99),
    ]
    for call in calls:
        with pytest.raises(BackendError) as caught:
            call()
        assert caught.value.code in ("no_conversation", "no_message")
        assert caught.value.message.zh


@pytest.mark.parametrize(
    "text",
    ["", "emoji 👩‍👩‍👧 and 汉字 and \x00 NUL", "'; DROP TABLE messages; --", "a" * 2_000_000, "lone \ud800 half"],
)
def test_any_text_survives(store: ChatStore, text: str) -> None:
    conversation = store.create()
    message = store.add_message(conversation.id, "user", text)
    assert store.message(message.id).content == text.replace("\ud800", "\ufffd")
    assert len(store.conversations()) == 1


def test_thousands_of_messages_are_read_and_purged_without_trouble(tmp_path: Path) -> None:
    database = Database(tmp_path / "long.db", MIGRATIONS)
    store = ChatStore(database)
    conversation = store.create()
    with database.atomic():
        for number in range(3000):
            store.add_message(conversation.id, "user" if number % 2 == 0 else "assistant", f"message {number}")
    messages = store.messages(conversation.id)
    assert said(messages) == [f"message {number}" for number in range(3000)]
    first_half = store.select(messages[10].id)
    assert len(first_half) == 3000
    store.delete(conversation.id)
    assert store.purge() == (conversation.id,)
    database.close()


def test_threads_write_at_the_same_time_and_nothing_is_lost(store: ChatStore) -> None:
    conversation = store.create()
    root = store.add_message(conversation.id, "user", "root")

    def write(name: str) -> None:
        for number in range(10):
            store.add_message(conversation.id, "assistant", f"{name}{number}", parent=root.id)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = store.siblings(store.messages(conversation.id)[-1].id)
    assert sorted(store.message(id).content for id in ids) == sorted(f"{n}{i}" for n in "abc" for i in range(10))
