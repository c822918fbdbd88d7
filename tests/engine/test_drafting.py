"""A small model that guesses ahead: the same answers, and a note where it does not suit."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from gguf import GGUFReader

from backends.core.stream import Stream
from backends.engine.loader import NativeEngine
from backends.engine.protocol import (
    GenerateRequest,
    LoadedModel,
    LoadFinished,
    LoadProgress,
    LoadRequest,
    Sampling,
    TextDelta,
    Turn,
)
from backends.engine.speculation import Costs
from tests.kit.answers import Heard, hear, overheard
from tests.kit.ggufs import Script, Shape, random_model, scripted_model

GREEDY = Sampling(temperature=0)
THOUGHTS = "Let me see what the harbour keeps: ropes, 绳子, nets and salt."
ANSWER = "Seven boats lie there. 七条船停在那里，each with a lantern of its own, and none of them sails tonight."
OTHER = Script("", "Nobody asked the gulls, 海鸥什么也没说。", word="gulls")
Load = Callable[..., LoadedModel]


@pytest.fixture
def load(load: Load, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Onto a machine on which a token more costs nothing, however busy this one is: guesses are always tried."""
    monkeypatch.setattr(Costs, "of", lambda _, tokens: 1.0)
    return load


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its weights take time to read, as a large model's do."""
    path = tmp_path_factory.mktemp("models") / "large.gguf"
    return scripted_model(path, THOUGHTS, ANSWER, scripts=[OTHER], slow=8)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "small.gguf"
    return scripted_model(path, THOUGHTS, ANSWER, scripts=[OTHER])


def ask(engine: NativeEngine, question: str = "Hello!", **options: object) -> Heard:
    return hear(engine.generate(GenerateRequest([Turn("user", question)], **({"sampling": GREEDY} | options))))  # type: ignore[arg-type]


def test_a_small_model_that_knows_the_answer(engine: NativeEngine, load: Load, large: Path, small: Path) -> None:
    load(large, lookup=False)
    plain = ask(engine)
    model = load(large, lookup=False, draft=small)
    assert (model.draft, model.notes) == (small, ())
    heard = ask(engine)
    assert (heard.reasoning, heard.text) == (plain.reasoning, plain.text) == (THOUGHTS, ANSWER)
    assert heard.finished.usage == plain.finished.usage
    timings = heard.finished.timings
    assert timings.accepted == timings.drafted > heard.finished.usage.completion_tokens / 2
    assert ask(engine, "What of the gulls?").text == OTHER.answer


def test_a_small_model_that_thinks_otherwise(
    engine: NativeEngine, load: Load, large: Path, small: Path, tmp_path: Path
) -> None:
    """Some of its guesses are wrong, and the answer is the same."""
    wrong = twisted(small, tmp_path / "twisted.gguf")
    load(large, lookup=False, draft=wrong)
    first, *_ = heard = [ask(engine) for _ in range(3)]
    assert {(one.reasoning, one.text) for one in heard} == {(THOUGHTS, ANSWER)}
    assert first.finished.timings.accepted < first.finished.timings.drafted


def twisted(small: Path, path: Path) -> Path:
    """The same, but that two of three words are mistaken for one another."""
    path.write_bytes(small.read_bytes())
    reader = GGUFReader(path, "r+")
    rows = next(tensor.data for tensor in reader.tensors if tensor.name == "output.weight")
    for row in range(275, len(rows) - 1, 3):
        rows[[row, row + 1]] = rows[[row + 1, row]]
    reader.data.flush()
    return path


def test_several_are_guessed_for_at_once(engine: NativeEngine, load: Load, large: Path, small: Path) -> None:
    load(large, draft=small, parallel=3, context=8192)
    questions = ["Hello!", "What of the gulls?", "Hello again!", "gulls", "x" * 700, "Hello!"]
    streams = [engine.generate(GenerateRequest([Turn("user", question)], GREEDY)) for question in questions]
    for question, stream in zip(questions, streams, strict=True):
        assert hear(stream).text == (OTHER.answer if "gulls" in question else ANSWER)


def test_a_long_prompt_is_read_in_parts(engine: NativeEngine, load: Load, large: Path, small: Path) -> None:
    """While the small model still reads, answers come without its guesses."""
    load(large, lookup=False, draft=small)
    heard = ask(engine, "y" * 1500)
    assert (heard.reasoning, heard.text) == (THOUGHTS, ANSWER)
    assert heard.finished.timings.accepted > 0
    assert ask(engine, "y" * 1500 + "z").text == ANSWER


def test_the_small_models_cache_is_full(engine: NativeEngine, load: Load, large: Path, small: Path) -> None:
    load(large, context=512, parallel=2, draft=small)
    for question in ("x" * 350, "y" * 350, "z" * 350, "x" * 350):
        assert ask(engine, question).text == ANSWER
    streams = [engine.generate(GenerateRequest([Turn("user", "w" * n)], GREEDY)) for n in (100, 101, 102)]
    assert [hear(stream).text for stream in streams] == [ANSWER] * 3


def test_cancel_while_it_guesses(engine: NativeEngine, load: Load, large: Path, small: Path) -> None:
    load(large, draft=small)

    def look(stream: Stream, said: list) -> None:
        if any(isinstance(event, TextDelta) for event in said):
            stream.cancel()

    heard = hear(overheard(engine, lambda: engine.generate(GenerateRequest([Turn("user", "Hello!")], GREEDY)), look))
    assert heard.finished.finish_reason == "cancelled"
    assert ANSWER.startswith(heard.text)
    assert ask(engine).text == ANSWER


def test_an_unsuited_model_is_left_out_with_a_note(
    engine: NativeEngine, load: Load, large: Path, tmp_path: Path
) -> None:
    other = scripted_model(tmp_path / "other.gguf", "Something else", "is said by this one.")
    fewer = random_model(tmp_path / "fewer.gguf")
    unknown = random_model(tmp_path / "llama.gguf", "llama", shape=replace(Shape(), vocabulary=600))
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF" + bytes(100))
    for path in (other, fewer, unknown, damaged, tmp_path / "gone.gguf"):
        model = load(large, lookup=False, draft=path)
        assert model.draft is None
        (note,) = model.notes
        assert path.name in note.en
        assert path.name in note.zh
        heard = ask(engine)
        assert (heard.text, heard.finished.timings.drafted) == (ANSWER, 0)


def test_it_goes_with_its_model(engine: NativeEngine, load: Load, large: Path, small: Path) -> None:
    assert load(large, draft=small).draft == small
    assert load(large).draft is None
    assert ask(engine).text == ANSWER
    load(large, draft=small)
    list(engine.unload())
    assert engine.model is None


def test_a_load_may_be_cancelled_at_any_time(engine: NativeEngine, load: Load, large: Path, small: Path) -> None:
    for count in (1, 20, 60, 100):

        def look(stream: Stream, said: list, count: int = count) -> None:
            if sum(isinstance(event, LoadProgress) for event in said) >= count:
                stream.cancel()

        said = overheard(engine, lambda: engine.load(LoadRequest(large, 4096, gpu_layers=0, draft=small)), look)
        assert (engine.model is not None) == any(isinstance(event, LoadFinished) for event in said)
    load(large, draft=small)
    assert ask(engine).text == ANSWER
