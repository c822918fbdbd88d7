"""Folders, pins, archive, options, drafts and saved prompts are there after a restart."""

from collections.abc import Callable

import pytest

from backends.chat.options import BadOption, Options
from backends.chat.organised import Folder
from backends.chat.store import ChatStore
from backends.core.errors import InvalidInput, NotFound

Open = Callable[[], ChatStore]


def test_conversations_are_kept_in_folders_and_come_back_with_them(open_store: Open) -> None:
    store = open_store()
    one, other = store.create("one"), store.create("other")
    work = store.organised.create_folder("  Work \n 2026 ")
    home = store.organised.create_folder("家")
    store.organised.move([one.id, other.id], work.id)
    store.organised.move([other.id], None)
    store.organised.rename_folder(home.id, "Home")
    store.organised.pin([other.id], True)

    store = open_store()
    assert store.organised.folders() == (Folder(work.id, "Work 2026"), Folder(home.id, "Home"))
    assert store.conversation(one.id).folder_id == work.id
    assert (store.conversation(other.id).folder_id, store.conversation(other.id).pinned) == (None, True)

    inside = store.organised.delete_folder(work.id)
    assert inside == (one.id,)
    assert store.conversation(one.id).folder_id is None
    store.organised.restore_folder(work, inside)
    assert store.organised.folders()[0] == work
    assert store.conversation(one.id).folder_id == work.id


def test_a_folder_comes_back_with_what_was_deleted_meanwhile_but_not_with_what_went_elsewhere(
    store: ChatStore,
) -> None:
    one, moved, erased = (store.create(title).id for title in ("one", "moved", "erased"))
    work, home = store.organised.create_folder("Work"), store.organised.create_folder("Home")
    store.organised.move([one, moved, erased], work.id)
    inside = store.organised.delete_folder(work.id)
    store.organised.move([moved], home.id)
    store.delete(one, erased)
    store.purge([erased])
    store.organised.restore_folder(work, inside)
    store.restore(one)
    assert store.conversation(one).folder_id == work.id
    assert store.conversation(moved).folder_id == home.id


def test_what_is_archived_leaves_the_list_only(store: ChatStore) -> None:
    kept, away = store.create("kept"), store.create("away")
    store.organised.archive([away.id], True)
    assert [one.id for one in store.conversations()] == [kept.id]
    assert [one.id for one in store.conversations(archived=True)] == [away.id]
    assert {one.id for one in store.conversations(archived=None)} == {kept.id, away.id}
    store.organised.archive([away.id], False)
    assert len(store.conversations()) == 2


def test_a_wrong_name_or_place_changes_nothing(store: ChatStore) -> None:
    conversation = store.create("one")
    with pytest.raises(InvalidInput):
        store.organised.create_folder(" \n ")
    with pytest.raises(NotFound):
        store.organised.move([conversation.id], 7)
    folder = store.organised.create_folder("Work")
    with pytest.raises(NotFound):
        store.organised.move([conversation.id, 99], folder.id)
    assert store.conversation(conversation.id).folder_id is None
    with pytest.raises(NotFound):
        store.organised.delete_folder(99)
    with pytest.raises(NotFound):
        store.organised.options(99)


def test_options_hold_only_what_differs(open_store: Open) -> None:
    store = open_store()
    conversation = store.create()
    assert store.organised.options(conversation.id) == Options()
    wanted = Options(model="r1:Q4_K_M", instructions="", temperature=0.0, thinking_budget=500)
    store.organised.set_options(conversation.id, wanted)
    assert open_store().organised.options(conversation.id) == wanted
    assert Options().to_json() == "{}"
    odd = {"temperature": "hot", "seed": True, "top_k": 3, "unknown": 1, "model": None}
    assert Options.of(odd) == Options(top_k=3)


def test_what_is_chosen_for_the_next_conversation_waits_for_it(open_store: Open) -> None:
    store = open_store()
    assert store.organised.new_options() is None
    store.organised.set_new_options(Options(model="r1"))
    with pytest.raises(BadOption):
        store.organised.set_new_options(Options(top_p=1.5))
    store.organised.set_draft(None, "begun")
    assert open_store().organised.new_options() == Options(model="r1")
    store.organised.set_new_options(Options())  # as usual, and not as in a preset for new ones
    assert store.organised.new_options() == Options()
    store.organised.set_new_options(None)
    assert store.organised.new_options() is None
    assert store.organised.draft(None) == "begun"


def test_drafts_wait_for_their_conversation(open_store: Open) -> None:
    store = open_store()
    conversation = store.create()
    store.organised.set_draft(None, "not begun")
    store.organised.set_draft(conversation.id, "half a ques\ud83d")
    store = open_store()
    assert store.organised.draft(None) == "not begun"
    assert store.organised.draft(conversation.id) == "half a ques\ufffd"
    store.organised.set_draft(None, "")
    assert store.organised.draft(None) == ""
    store.delete(conversation.id)
    store.purge()
    assert store.organised.draft(conversation.id) == ""


def test_what_is_written_in_place_of_messages_goes_with_them(open_store: Open) -> None:
    store = open_store()
    conversation = store.create()
    first = store.add_message(conversation.id, "user", "first").id
    second = store.add_message(conversation.id, "assistant", "second").id
    store.organised.set_edits({first: "half a ques\ud83d", second: "", 999: "of a message that is gone"})
    store = open_store()
    assert store.organised.edits() == {first: "half a ques\ufffd", second: ""}
    store.organised.set_edits({first: "more", second: None})
    assert store.organised.edits() == {first: "more"}
    store.tree.erase([store.tree.delete(first).message_id])
    assert store.organised.edits() == {}
    third = store.add_message(conversation.id, "user", "third").id
    store.organised.set_edits({third: "again"})
    store.delete(conversation.id)
    assert store.organised.edits() == {third: "again"}  # it may come back
    store.purge()
    assert store.organised.edits() == {}


def test_an_answer_that_was_not_looked_at_is_marked_until_it_is(open_store: Open) -> None:
    store = open_store()
    first, second = store.create("first"), store.create("second")
    store.organised.mark_unread((first.id, second.id, 999), True)
    store.organised.mark_unread((second.id,), False)
    store.tree.duplicate(first.id, "copy")
    store = open_store()
    assert {one.title: one.unread for one in store.conversations()} == {"first": True, "second": False, "copy": False}
    store.delete(first.id)
    assert store.restore(first.id).unread


def test_saved_prompts_are_listed_by_name(store: ChatStore) -> None:
    second = store.organised.save_prompt("translate", "Translate into English:")
    first = store.organised.save_prompt("summary", "Sum up:")
    assert store.organised.saved_prompts() == (first, second)
    changed = store.organised.save_prompt("zusammen", "Sum up in three lines:", first.id)
    assert store.organised.saved_prompts() == (second, changed)
    store.organised.delete_prompt(second.id)
    assert store.organised.saved_prompts() == (changed,)
    with pytest.raises(NotFound):
        store.organised.save_prompt("x", "y", second.id)


def test_the_model_names_what_nobody_has_named(store: ChatStore) -> None:
    asked, answered, named = store.create(), store.create(), store.create("Mine")
    for conversation in (asked, answered, named):
        store.add_message(conversation.id, "user", "Why is the sky blue?")
    for conversation in (answered, named):
        store.add_message(conversation.id, "assistant", "Rayleigh scattering.")
    assert store.untitled(10) == (answered.id,)
    assert store.give_title(answered.id, "The blue sky")
    assert not store.give_title(named.id, "The blue sky")
    assert (store.conversation(answered.id).title, store.conversation(named.id).title) == ("The blue sky", "Mine")
    assert store.conversation(answered.id).renamed is False
    assert store.untitled(10) == ()
