"""The model names a conversation when it has nothing else to do, and never in anybody's way."""

from pathlib import Path

import pytest

from backends.chat.answer import AnswerSaved
from backends.chat.titles import spoken_title
from backends.chat.types import Message
from backends.engine.protocol import GenerateRequest, Usage
from backends.models.types import LocalModel
from backends.services import Services
from tests.kit.ggufs import Script, scripted_model

QUESTION = "Which birds fly highest of all?"


@pytest.fixture
def model(services: Services, tmp_path: Path) -> LocalModel:
    """Asked for a title in either language it has one."""
    scripts = [
        Script("", '"Title: High-flying birds."', word="title for this"),
        Script("", "标题：《会飞的鸟》", word="写一个标题"),
    ]
    path = scripted_model(tmp_path / "names.gguf", "", "Geese.", scripts=scripts, breaks=True, slow=8)
    services.settings.set("engine.try_first", False)
    model = services.library.add(path)
    services.settings.set("models.default_model", model.id)
    return model


def asked(services: Services, question: str = QUESTION, conversation_id: int | None = None) -> Message:
    """In a new conversation, or in this one; the answer."""
    conversation_id = conversation_id or services.chats.create().id
    message = services.chats.add_message(conversation_id, "user", question)
    events = list(services.regenerate(conversation_id, message.id))
    assert isinstance(events[-1], AnswerSaved)
    return events[-1].message


def named(services: Services) -> list[int]:
    """Waits for what is being named; whose turn comes only now."""
    stream = services.titles.name()
    return list(stream) if stream is not None else []


def title(services: Services, answer: Message) -> str:
    return services.chats.conversation(answer.conversation_id).title


def test_a_conversation_is_named_after_its_answer_in_the_language_of_its_question(
    services: Services, model: LocalModel
) -> None:
    changes = services.changes()
    english = asked(services)
    assert named(services) == []  # it was named by itself
    assert title(services, english) == "High-flying birds"
    assert "chats" in changes.drain()
    chinese = asked(services, "哪些鸟飞得最高？")
    named(services)
    assert title(services, chinese) == "会飞的鸟"
    assert not services.chats.conversation(chinese.conversation_id).renamed  # by the person
    changes.cancel()


def test_it_is_a_little_work_in_the_background_that_does_not_think(
    services: Services, model: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[GenerateRequest] = []
    generate = services.engine.generate

    def heard(request: GenerateRequest) -> object:
        requests.append(request)
        return generate(request)

    monkeypatch.setattr(services.engine, "generate", heard)
    answer = asked(services, f"{QUESTION} {'word ' * 500}")
    named(services)
    naming = requests[-1]
    assert (naming.priority, naming.thinking, naming.thinking_budget, naming.keep) == ("background", False, 0, False)
    assert naming.max_tokens is not None
    assert naming.max_tokens <= 16
    assert len(naming.turns[0].content) < 1000
    assert naming.labels == {f"conversation:{answer.conversation_id}"}  # erased with it


def test_what_was_read_of_the_conversation_stays_in_memory(services: Services, model: LocalModel) -> None:
    first = asked(services)
    named(services)
    assert title(services, first) == "High-flying birds"
    second = asked(services, "And which swim?", first.conversation_id)
    assert first.usage is not None
    assert second.usage is not None
    assert second.usage.cached_tokens >= first.usage.prompt_tokens - 4  # all but the opening of its thoughts


def test_the_next_question_ends_it_at_once(services: Services, model: LocalModel) -> None:
    services.settings.set("chat.name_chats", False)
    first = asked(services)
    services.settings.set("chat.name_chats", True)
    services.engine.suspend().wait()
    naming = services.titles.name()
    assert naming is not None
    with services.titles.held():
        services.engine.resume()
        assert list(naming) == []
        assert services.titles.name() is None
        assert title(services, first) == QUESTION
    named(services)
    assert title(services, first) == "High-flying birds"


def test_whoever_named_it_or_does_not_want_names_is_left_alone(services: Services, model: LocalModel) -> None:
    services.settings.set("chat.name_chats", False)
    mine, other = asked(services), asked(services)
    services.chats.rename(mine.conversation_id, "Geese and others")
    assert named(services) == []
    assert title(services, other) == QUESTION
    services.settings.set("chat.name_chats", True)
    assert named(services) == [other.conversation_id]
    assert title(services, mine) == "Geese and others"


def test_nothing_is_loaded_for_it(services: Services, model: LocalModel) -> None:
    conversation = services.chats.create()
    services.chats.add_message(conversation.id, "user", QUESTION)
    services.chats.add_message(conversation.id, "assistant", "Geese.")
    assert services.titles.name() is None
    assert services.engine.model is None


def test_a_conversation_that_fills_the_memory_keeps_its_question_for_a_title(
    services: Services, model: LocalModel
) -> None:
    services.settings.set("chat.name_chats", False)
    answer = asked(services)
    services.settings.set("chat.name_chats", True)
    assert services.engine.model is not None
    usage = Usage(services.engine.model.context - 100, 20, 0)
    services.chats.finish(answer.id, "done", reasoning="", content="Geese.", usage=usage)
    assert named(services) == []
    assert title(services, answer) == QUESTION


@pytest.mark.parametrize(
    ("said", "chinese", "whole", "expected"),
    [
        ("Birds of prey", False, True, "Birds of prey"),
        ('**Title:** "Birds of prey."\nIt is short.', False, True, "Birds of prey"),
        ("\n\n# Birds of prey\n", False, True, "Birds of prey"),
        ("The title is: Birds", False, True, "Birds"),
        ("标题：《高飞的鸟》。", True, True, "高飞的鸟"),
        ("DeepSeek R1 与 V3", True, True, "DeepSeek R1 与 V3"),
        ("DeepSeek R1", True, True, "DeepSeek R1"),
        ("A long English title of a question", True, True, ""),
        ("高飞的鸟", False, True, ""),
        ("Birds that fly higher than moun", False, False, "Birds that fly higher than"),
        ("高飞的鸟是一种", True, False, ""),
        ("Okay, the user wants a title", False, True, ""),
        ("好的，标题是鸟", True, True, ""),
        ("Hello! I am a model.", False, True, ""),
        ("你好！我是模型", True, True, ""),
        ("Why Node.js? A question", False, True, ""),
        ("Who invented Node.js?", False, True, "Who invented Node.js?"),
        ("<think>", False, True, ""),
        ("...", False, True, ""),
        ("", False, True, ""),
        ("word " * 30, False, True, ""),
    ],
)
def test_only_a_title_becomes_the_title(said: str, chinese: bool, whole: bool, expected: str) -> None:
    assert spoken_title(said, chinese=chinese, whole=whole) == expected
