"""Conversations are copied with what was given to them, and erased wherever anything of them is kept."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from backends.chat.sourced import ConversationScope
from backends.chat.types import EDITED, Source
from backends.core.errors import NotFound
from backends.services import Services
from tests.kit.ggufs import scripted_model

Opened = Callable[[], AbstractContextManager[Services]]
SECRET = "the codeword is heliotrope. " * 40


def told(services: Services) -> int:
    """A conversation that the model has read."""
    conversation = services.chats.create()
    question = services.chats.add_message(conversation.id, "user", SECRET)
    for _ in services.regenerate(conversation.id, question.id):
        pass
    return conversation.id


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return scripted_model(tmp_path / "greeter.gguf")


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_what_was_deleted_is_erased_from_the_text_the_copies_and_the_engine(opened: Opened, model: Path) -> None:
    with opened() as services:
        services.settings.set("models.default_model", services.library.add(model).id)
        conversation = told(services)
        services.database.backup()
        services.chats.delete(conversation)
        list(services.conversations.erase([conversation]))
        with pytest.raises(NotFound):
            services.chats.restore(conversation)
        assert len(list(services.database.backups.iterdir())) == 1
        data = services.paths.data
    with opened() as services:  # and nothing is left of it after the engine has written what it keeps
        assert services.chats.conversations() == ()
    assert b"heliotrope" not in everything(data)


def test_what_was_deleted_before_the_end_is_erased_at_the_next_start(opened: Opened, model: Path) -> None:
    with opened() as services:
        services.settings.set("models.default_model", services.library.add(model).id)
        conversation = told(services)
        answer = services.chats.messages(conversation)[-1]
        services.chats.tree.delete(answer.id)
        folder = services.warmth.folder
    assert list(folder.glob("*.state"))
    with opened() as services:
        list(services.conversations.erase_messages())  # comes after what the start began
        assert len(services.chats.messages(conversation)) == 1
        assert not list(folder.glob("*.state"))


def test_a_copy_uses_the_documents_of_the_original(opened: Opened, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("The harbour opens at nine.")
    with opened() as services:
        conversation = services.chats.create("Harbour").id
        for _ in services.grounding.give(conversation, [note]):
            pass
        (given,) = services.grounding.given(conversation)
        copy = services.conversations.duplicate(conversation, "Harbour, again")
        assert services.grounding.scope(copy.id) == ConversationScope("documents", (given.id,))
        assert services.grounding.scope(conversation).kind == "dropped"


def test_a_corrected_answer_stands_beside_the_one_of_the_model_and_cites_what_it_says(opened: Opened) -> None:
    source = Source(1, 7, "Ledger", "ledger.txt", 1, "", 0, 26, "The crisis began in 1973.")
    with opened() as services:
        chats = services.chats
        conversation = chats.create()
        question = chats.add_message(conversation.id, "user", "When did it begin?")
        answer = chats.add_message(conversation.id, "assistant", "In 1974. [1]", model="m")
        chats.sourced.save_sources(answer.id, [source])
        own = services.conversations.correct(answer.id, "The crisis began in 1973. [1]")
        assert (own.parent_id, own.position, own.siblings) == (question.id, 2, 2)
        assert (own.status, own.finish_reason, own.model, own.reasoning) == ("done", EDITED, "m", "")
        assert chats.sourced.sources(own.id) == (source,)
        assert [citation.verified for citation in chats.sourced.citations(own.id)] == [True]
        assert chats.messages(conversation.id) == (question, own)
        assert not own.cut_off
        assert chats.message(answer.id).content == "In 1974. [1]"
