"""Each conversation is answered by its own model, in its own manner."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from backends.chat.answer import AnswerEvent, AnswerSaved, ModelChosen
from backends.chat.options import BadOption, Options
from backends.chat.types import Message
from backends.core.stream import Stream
from backends.engine.protocol import GenerateRequest, LoadEvent, LoadFinished, LoadProgress, ThinkingClosed
from backends.models.types import LocalModel
from backends.services import Services
from tests.kit.ggufs import random_model, scripted_model

Opened = Callable[[], AbstractContextManager[Services]]


@pytest.fixture
def first(services: Services, tmp_path: Path) -> LocalModel:
    services.settings.set("engine.try_first", False)
    model = services.library.add(scripted_model(tmp_path / "first.gguf", "", "From the first.", name="First"))
    services.settings.set("models.default_model", model.id)
    return model


@pytest.fixture
def other(services: Services, tmp_path: Path) -> LocalModel:
    return services.library.add(scripted_model(tmp_path / "other.gguf", "", "And by the other one.", name="Other"))


def asked(services: Services, options: Options, question: str = "Hello!") -> Stream[AnswerEvent | LoadEvent]:
    """A conversation with these options, and its answer on its way."""
    conversation = services.chats.create()
    services.chats.organised.set_options(conversation.id, options)
    message = services.chats.add_message(conversation.id, "user", question)
    return services.regenerate(conversation.id, message.id)


def answer(events: Sequence[object]) -> Message:
    last = events[-1]
    assert isinstance(last, AnswerSaved)
    return last.message


def sent(services: Services, monkeypatch: pytest.MonkeyPatch) -> list[GenerateRequest]:
    """What the engine is asked."""
    requests: list[GenerateRequest] = []
    generate = services.engine.generate

    def heard(request: GenerateRequest) -> object:
        if request.priority == "person":  # and not a title
            requests.append(request)
        return generate(request)

    monkeypatch.setattr(services.engine, "generate", heard)
    return requests


def test_a_conversation_has_a_model_of_its_own_and_the_next_one_has_the_usual_one(
    services: Services, first: LocalModel, other: LocalModel
) -> None:
    list(services.loading.load(first))
    events = list(asked(services, Options(model=other.id)))
    assert events[0] == ModelChosen("Other")
    assert [type(event) for event in events if isinstance(event, LoadProgress | LoadFinished)][-1] is LoadFinished
    assert (answer(events).content, answer(events).model) == ("And by the other one.", other.id)
    again = list(asked(services, Options(model=other.id)))
    assert not [event for event in again if isinstance(event, LoadProgress | LoadFinished)]
    assert services.settings.current.models.default_model == first.id
    usual = answer(list(asked(services, Options())))
    assert (usual.content, usual.model) == ("From the first.", first.id)


def test_two_that_want_different_models_at_once_are_both_answered_by_their_own(
    services: Services, first: LocalModel, other: LocalModel
) -> None:
    streams = [asked(services, Options(model=one.id)) for one in (first, other, first, other)]
    answers = [answer(list(stream)) for stream in streams]
    assert [one.content for one in answers] == ["From the first.", "And by the other one."] * 2
    assert [one.model for one in answers] == [first.id, other.id] * 2


def test_one_that_is_there_no_more_gives_way_to_the_usual_one_and_that_is_said(
    services: Services, first: LocalModel, other: LocalModel
) -> None:
    events = list(asked(services, Options(model="gone:Q4_K_M")))
    assert events[0] == ModelChosen("First", gone="gone:Q4_K_M")
    assert answer(events).content == "From the first."
    list(asked(services, Options(model=other.id)))
    events = list(asked(services, Options(model="gone:Q4_K_M")))  # the other one came for its conversation alone
    assert events[0] == ModelChosen("First", gone="gone:Q4_K_M")
    assert answer(events).model == first.id
    usual = services.answering.usual(Options(model="gone:Q4_K_M"))
    assert (usual.gone, usual.model) == (True, first)


def test_a_model_that_somebody_loaded_answers_who_names_none(
    services: Services, first: LocalModel, other: LocalModel
) -> None:
    def would() -> list[LocalModel | None]:
        return [services.answering.usual(options).answers for options in (Options(), Options(model=other.id))]

    assert would() == [first, other]
    list(asked(services, Options(model=other.id)))  # it came for this conversation alone
    assert would() == [first, other]
    list(services.loading.load(other, remember=False))
    assert would() == [other, other]
    assert answer(list(asked(services, Options()))).model == other.id


def test_an_answer_that_another_model_goes_on_with_names_both(
    services: Services, first: LocalModel, other: LocalModel
) -> None:
    cut = answer(list(asked(services, Options(max_tokens=2))))
    assert (cut.cut_off, cut.model) == (True, first.id)
    for model, names in (
        (other, [first.id, other.id]),
        (other, [first.id, other.id]),
        (first, [first.id, other.id, first.id]),
    ):
        services.chats.organised.set_options(cut.conversation_id, Options(model=model.id, max_tokens=2))
        more = answer(list(services.go_on(cut.conversation_id, cut.id)))
        assert (more.id, more.model.split(", ")) == (cut.id, names)


def test_what_differs_reaches_the_engine_and_the_rest_is_as_in_the_settings(
    services: Services, first: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.settings.set("chat.system_prompt", "Standing words.")
    services.settings.set("chat.thinking_budget", 50)
    requests = sent(services, monkeypatch)
    own = Options("", "Speak as a pirate.", 0.0, 0.5, 7, 0.1, 1.5, 42, 300, 9)
    for options in (own, Options(), Options(instructions="", thinking_budget=0)):
        list(asked(services, options))
    mine, usual, none = requests
    sampling = mine.sampling
    assert (sampling.temperature, sampling.top_p, sampling.top_k, sampling.min_p) == (0.0, 0.5, 7, 0.1)
    assert (sampling.repeat_penalty, sampling.seed) == (1.5, 42)
    assert (mine.max_tokens, mine.thinking_budget) == (300, 9)
    assert [(turn.role, turn.content) for turn in mine.turns] == [("system", "Speak as a pirate."), ("user", "Hello!")]
    assert usual.turns[0].content == "Standing words."
    assert (usual.sampling.seed, usual.max_tokens, usual.thinking_budget) == (None, None, 50)
    assert [turn.role for turn in none.turns] == ["user"]
    assert none.thinking_budget is None
    there = services.answering.usual(Options()).options
    assert (there.instructions, there.thinking_budget, there.temperature) == ("Standing words.", 50, 0.6)


def test_what_cannot_be_is_refused_and_nothing_has_changed(services: Services) -> None:
    conversation = services.chats.create().id
    services.chats.organised.set_options(conversation, Options(seed=1))
    for bad in (Options(temperature=-1), Options(top_p=1.5), Options(max_tokens=0), Options(instructions="x" * 20_001)):
        with pytest.raises(BadOption) as caught:
            services.chats.organised.set_options(conversation, bad)
        assert caught.value.message.zh
    assert services.chats.organised.options(conversation) == Options(seed=1)


def test_a_budget_ends_the_thinking_and_the_longest_answer_cuts_it(services: Services, tmp_path: Path) -> None:
    services.settings.set("engine.try_first", False)
    thoughts = " ".join(f"thought{number}" for number in range(60))
    path = scripted_model(tmp_path / "thinker.gguf", thoughts, "So it is.", breaks=True)
    services.settings.set("models.default_model", services.library.add(path).id)
    events = list(asked(services, Options(thinking_budget=10)))
    assert [event.by for event in events if isinstance(event, ThinkingClosed)] == ["budget"]
    assert "thought59" not in answer(events).reasoning
    assert answer(events).content == "So it is."
    cut = answer(list(asked(services, Options(max_tokens=5))))
    assert cut.finish_reason == "length"
    assert cut.usage is not None
    assert cut.usage.completion_tokens == 5


def test_the_same_seed_gives_the_same_answer_and_temperature_0_needs_none(services: Services, tmp_path: Path) -> None:
    """Of a model that would say anything."""
    services.settings.set("engine.try_first", False)
    path = random_model(tmp_path / "random.gguf")
    services.settings.set("models.default_model", services.library.add(path).id)

    def said(options: Options) -> str:
        message = answer(list(asked(services, options)))
        return message.reasoning + message.content

    seeded = Options(temperature=1.0, top_p=1.0, seed=5, max_tokens=24)
    assert said(seeded) == said(seeded)
    greedy = Options(temperature=0.0, max_tokens=24)
    assert said(greedy) == said(greedy)
    assert said(seeded) != said(Options(temperature=1.0, top_p=1.0, seed=6, max_tokens=24))
