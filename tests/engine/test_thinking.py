"""Thinking that is closed: when its budget is spent, when a person has had enough of it, when room runs out."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.core.stream import Stream
from backends.engine.loader import NativeEngine
from backends.engine.protocol import (
    Finished,
    GenerateRequest,
    Grammar,
    LoadFinished,
    LoadRequest,
    PromptProgress,
    ReasoningDelta,
    Said,
    Sampling,
    TextDelta,
    ThinkingClosed,
    Turn,
)
from backends.engine.thinking import kept_for_answer
from tests.kit.answers import Heard, asleep, hear, overheard
from tests.kit.ggufs import R1_JANUARY_TEMPLATE, V31_TEMPLATE, Script, scripted_model

GREEDY = Sampling(temperature=0)
THOUGHTS = "First I wonder, 然后我思考 what a greeting wants."
ANSWER = "Good morning! 早上好。"
BRIEF = Script("", "Straight to it.", word="brief")
Load = Callable[..., object]


def endless_thinking(folder: Path) -> Path:
    """A model that never closes its thinking by itself, and has an answer."""
    thoughts, answer = "Round and round it goes, 转啊转 without an end: ", "There: an answer."
    return scripted_model(folder / "runaway.gguf", thoughts, answer, closes=False, endless=True, breaks=True)


@pytest.fixture(scope="session")
def thinker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thinks and answers; an empty line after closed thinking calls the answer. "brief" never thinks."""
    path = tmp_path_factory.mktemp("models") / "thinker.gguf"
    return scripted_model(path, THOUGHTS, ANSWER, breaks=True, scripts=[BRIEF])


def ask(engine: NativeEngine, question: str = "Hello!", **options: object) -> Heard:
    return hear(engine.generate(GenerateRequest([Turn("user", question)], **({"sampling": GREEDY} | options))))  # type: ignore[arg-type]


def closings(heard: Heard) -> list[ThinkingClosed]:
    return [event for event in heard.events if isinstance(event, ThinkingClosed)]


def test_a_budget_of_every_size(engine: NativeEngine, load: Load, thinker: Path) -> None:
    load(thinker)
    free = ask(engine)
    assert (free.reasoning, free.text, closings(free)) == (THOUGHTS, ANSWER, [])
    whole = free.finished.usage.reasoning_tokens
    assert whole > 8
    for budget in range(whole):
        heard = ask(engine, thinking_budget=budget)
        assert heard.text == ANSWER
        assert THOUGHTS.startswith(heard.reasoning)
        assert len(heard.reasoning) < len(THOUGHTS) or budget >= whole - 2
        assert closings(heard) == [ThinkingClosed("budget")]
        assert heard.finished.usage.reasoning_tokens == budget + 2  # a new line and the mark
        assert heard.finished.finish_reason == "stop"
    for budget in (whole, whole + 1, 10_000):
        heard = ask(engine, thinking_budget=budget)
        assert (heard.reasoning, heard.text, closings(heard)) == (THOUGHTS, ANSWER, [])


def test_a_budget_of_nothing_answers_at_once(engine: NativeEngine, load: Load, thinker: Path) -> None:
    load(thinker)
    heard = ask(engine, thinking_budget=0)
    assert (heard.reasoning, heard.text) == ("", ANSWER)
    assert heard.finished.usage.reasoning_tokens == 2
    assert not any(isinstance(event, ReasoningDelta) for event in heard.events)
    assert [event for event in heard.events if isinstance(event, PromptProgress)][-1].done == 11


def test_a_character_is_said_to_its_end(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    thoughts = "one一two二three三four四five五"
    load(scripted_model(tmp_path / "torn.gguf", thoughts, "好的。", torn=True, breaks=True))
    whole = ask(engine).finished.usage.reasoning_tokens
    for budget in range(whole - 2):
        heard = ask(engine, thinking_budget=budget)
        assert heard.text == "好的。"
        assert thoughts.startswith(heard.reasoning)
        assert "\ufffd" not in heard.reasoning
        assert budget + 2 <= heard.finished.usage.reasoning_tokens <= budget + 3


def test_a_model_that_never_ends_its_thinking(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    load(endless_thinking(tmp_path), context=512)
    heard = ask(engine, thinking_budget=40)
    assert heard.finished.usage.reasoning_tokens == 42
    assert heard.text
    assert closings(heard) == [ThinkingClosed("budget")]


def test_room_for_an_answer_is_kept(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    """An endless thought fills the context, or `max_tokens`: it is closed in time, and the answer comes."""
    load(endless_thinking(tmp_path), context=1024)
    heard = ask(engine)
    usage = heard.finished.usage
    assert closings(heard) == [ThinkingClosed("budget")]
    assert heard.text
    assert 1024 - usage.prompt_tokens - 256 <= usage.reasoning_tokens <= 1024 - usage.prompt_tokens - 256 + 4
    heard = ask(engine, max_tokens=400)
    assert heard.text
    assert 200 <= heard.finished.usage.reasoning_tokens <= 204
    heard = ask(engine, max_tokens=30)
    assert (heard.text, closings(heard), heard.finished.usage.completion_tokens) == ("", [], 30)
    heard = ask(engine, max_tokens=400, ignore_end=True)
    assert (heard.text, closings(heard)) == ("", [])


@given(st.integers(0, 200_000), st.none() | st.integers(0, 200_000))
def test_what_is_kept_for_an_answer(most: int, wanted: int | None) -> None:
    kept = kept_for_answer(most, wanted)
    assert 0 <= kept <= most // 2
    if wanted is None and most >= 512:
        assert kept >= 256


@pytest.mark.parametrize("template", [R1_JANUARY_TEMPLATE, V31_TEMPLATE])
def test_thinking_that_the_model_opened_itself(engine: NativeEngine, load: Load, tmp_path: Path, template: str) -> None:
    load(scripted_model(tmp_path / "opens.gguf", THOUGHTS, ANSWER, template=template, breaks=True))
    for budget in (0, 1, 5):
        heard = ask(engine, thinking_budget=budget, thinking=True)
        assert heard.text == ANSWER
        assert THOUGHTS.startswith(heard.reasoning)
        assert closings(heard) == [ThinkingClosed("budget")]


def test_where_the_mark_is_no_token_it_is_spelt(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    load(scripted_model(tmp_path / "spelt.gguf", THOUGHTS, ANSWER, breaks=True, spelt=True))
    assert ask(engine).text == ANSWER
    for budget in (0, 3, 7):
        heard = ask(engine, thinking_budget=budget)
        assert heard.text == ANSWER
        assert THOUGHTS.startswith(heard.reasoning)
        assert heard.finished.usage.reasoning_tokens == budget + 1 + len("</think>")


def test_nothing_is_closed_where_nobody_thinks(engine: NativeEngine, load: Load, thinker: Path) -> None:
    load(thinker)
    free, bound = ask(engine, "brief please"), ask(engine, "brief please", thinking_budget=1)
    assert (bound.text, closings(bound)) == (free.text, [])


def test_what_was_thought_before_a_break_counts(engine: NativeEngine, load: Load, thinker: Path) -> None:
    load(thinker)
    said = Said(reasoning=THOUGHTS[:20])
    heard = ask(engine, thinking_budget=10, said=said)
    assert closings(heard) == [ThinkingClosed("budget")]
    assert heard.reasoning == ""
    assert heard.text == ANSWER


# ---- answer now


def answer_now_after(engine: NativeEngine, count: int, times: int = 1, **options: object) -> Heard:
    """Ask, and when so many events have come, on the engine's own thread, have the answer at once."""
    request = GenerateRequest([Turn("user", "Hello!")], **({"sampling": GREEDY} | options))  # type: ignore[arg-type]

    def look(stream: Stream, said: list) -> None:
        if len(said) == count:
            for _ in range(times):
                engine.answer_now(stream)

    return hear(overheard(engine, lambda: engine.generate(request), look))


def test_answer_now_at_every_moment(engine: NativeEngine, load: Load, thinker: Path) -> None:
    load(thinker)
    free = ask(engine)
    for count in range(1, len(free.events)):
        heard = answer_now_after(engine, count, times=1 + count % 2)
        assert heard.text == ANSWER
        assert THOUGHTS.startswith(heard.reasoning)
        assert len(closings(heard)) <= 1
        assert heard.finished.finish_reason == "stop"
    early = answer_now_after(engine, 3)
    assert closings(early) == [ThinkingClosed("person")]
    assert len(early.reasoning) < len(THOUGHTS)


def test_answer_now_ends_an_endless_thought(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    load(endless_thinking(tmp_path), context=512)
    heard = answer_now_after(engine, 30)
    assert heard.text
    assert closings(heard) == [ThinkingClosed("person")]


def test_answer_now_for_one_that_waits_and_after_the_end(engine: NativeEngine, load: Load, thinker: Path) -> None:
    """Asked for before the model is there; the answer is wanted at once before it is its turn."""
    loading = engine.load(LoadRequest(thinker, 4096, gpu_layers=0))
    stream = engine.generate(GenerateRequest([Turn("user", "Hello!")], GREEDY))
    engine.answer_now(stream)
    assert any(isinstance(event, LoadFinished) for event in loading)
    heard = hear(stream)
    assert (heard.reasoning, heard.text) == ("", ANSWER)
    assert closings(heard) == [ThinkingClosed("person")]
    engine.answer_now(stream)
    assert ask(engine).text == ANSWER


def test_answer_now_while_it_answers_changes_nothing(engine: NativeEngine, load: Load, thinker: Path) -> None:
    load(thinker)

    def look(stream: Stream, said: list) -> None:
        if any(isinstance(event, TextDelta) for event in said):
            engine.answer_now(stream)

    heard = hear(overheard(engine, lambda: engine.generate(GenerateRequest([Turn("user", "Hello!")], GREEDY)), look))
    assert (heard.reasoning, heard.text, closings(heard)) == (THOUGHTS, ANSWER, [])
    assert isinstance(heard.events[-1], Finished)


# ---- with a grammar, with choices, with others


def test_a_grammar_begins_behind_what_was_forced(engine: NativeEngine, load: Load, thinker: Path) -> None:
    """It allows no white space at its beginning; with one that demands it, what was forced does not count."""
    load(thinker)
    for budget in (0, 1, 6):
        heard = ask(engine, thinking_budget=budget, format=Grammar('root ::= "YES" | "NO"'))
        assert heard.text in ("YES", "NO")
        assert THOUGHTS.startswith(heard.reasoning)
        assert closings(heard) == [ThinkingClosed("budget")]
    heard = ask(engine, thinking_budget=3, format=Grammar('root ::= "\\n\\nA" [x-z]'))
    assert heard.text.strip() in ("Ax", "Ay", "Az")
    assert heard.finished.usage.completion_tokens >= 3 + 3 + 3  # the grammar's own empty line among them


def test_choices_have_their_own_thinking(engine: NativeEngine, load: Load, thinker: Path) -> None:
    load(thinker, parallel=4, context=8192)
    request = GenerateRequest([Turn("user", "Hello!")], GREEDY, thinking_budget=4)
    streams = engine.generate_choices(request, 4)
    for heard in map(hear, streams):
        assert heard.text == ANSWER
        assert closings(heard) == [ThinkingClosed("budget")]
        assert heard.finished.usage.reasoning_tokens == 6


def test_one_of_several_is_answered_now(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    """The others go on thinking."""
    load(endless_thinking(tmp_path), parallel=3, context=4096)
    request = GenerateRequest([Turn("user", "Hello!")], GREEDY, max_tokens=60)
    with asleep(engine):
        streams = engine.generate_choices(request, 3)
        engine.answer_now(streams[1])
    first, second, third = map(hear, streams)
    assert second.text
    assert closings(second) == [ThinkingClosed("person")]
    assert (first.text, third.text) == ("", "")
