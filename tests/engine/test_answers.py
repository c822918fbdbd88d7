"""A loaded model is asked, and answers: the real llama.cpp with models that say a known text."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.core.errors import InvalidInput, Unavailable
from backends.core.stream import Stream
from backends.engine.loader import NativeEngine
from backends.engine.protocol import (
    Finished,
    GenerateRequest,
    LoadRequest,
    PromptProgress,
    ReasoningReclassified,
    Sampling,
    TextDelta,
    Turn,
)
from tests.kit.answers import Heard, hear, overheard
from tests.kit.ggufs import ANSWER, R1_JANUARY_TEMPLATE, REASONING, V31_TEMPLATE, random_model, scripted_model

GREEDY = Sampling(temperature=0)
Load = Callable[..., object]


def ask(engine: NativeEngine, *questions: str, **options: object) -> Heard:
    turns = [Turn("user", question) for question in questions]
    return hear(engine.generate(GenerateRequest(turns, **({"sampling": GREEDY} | options))))  # type: ignore[arg-type]


def cancel_when(engine: NativeEngine, request: GenerateRequest, enough: Callable[[list], bool]) -> list:
    """Cancel, on the engine's own thread, as soon as what it said is enough; everything it said."""

    def look(stream: Stream, said: list) -> None:
        if enough(said):
            stream.cancel()

    return overheard(engine, lambda: engine.generate(request), look)


def test_reasoning_and_answer_stream_apart(engine: NativeEngine, load: Load, scripted: Path) -> None:
    load(scripted)
    heard = ask(engine, "Hello!")
    assert (heard.reasoning, heard.text) == (REASONING, ANSWER)
    assert heard.finished.finish_reason == "stop"
    assert heard.finished.device == "CPU"
    usage, timings = heard.finished.usage, heard.finished.timings
    assert usage.prompt_tokens == len("Hello!") + 5  # BOS, User, Assistant, <think>, newline
    assert 0 < usage.reasoning_tokens < usage.completion_tokens
    assert 0 < timings.ttft_s < timings.total_s
    assert timings.prefill_tokens_per_s > 0
    assert timings.decode_tokens_per_s > 0
    assert len([event for event in heard.events if isinstance(event, TextDelta)]) > 10


@pytest.mark.parametrize("seed", [1, 2, None])
def test_sampling_with_the_publishers_values(
    engine: NativeEngine, load: Load, scripted: Path, seed: int | None
) -> None:
    load(scripted)
    heard = ask(engine, "Hello!", sampling=Sampling(seed=seed, min_p=0.05, repeat_penalty=1.1))
    assert (heard.reasoning, heard.text) == (REASONING, ANSWER)


def test_the_same_seed_draws_the_same(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    load(random_model(tmp_path / "random.gguf"))
    wild = {seed: Sampling(temperature=5, top_p=1, seed=seed) for seed in (1, 2)}
    first, again, other = (ask(engine, "Go", sampling=wild[seed], max_tokens=30) for seed in (1, 1, 2))
    assert first.reasoning == again.reasoning != other.reasoning


def test_characters_cut_by_tokens_arrive_whole(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    answer = "春眠不觉晓，处处闻啼鸟。💡夜来风雨声。"
    load(scripted_model(tmp_path / "torn.gguf", "想一想", answer, torn=True))
    heard = ask(engine, "诗")
    assert (heard.reasoning, heard.text) == ("想一想", answer)
    assert "\ufffd" not in "".join(event.text for event in heard.events if isinstance(event, TextDelta))


def test_a_stop_string_over_token_borders(engine: NativeEngine, load: Load, scripted: Path) -> None:
    load(scripted)
    heard = ask(engine, "Hello!", stop=["scripted** mod", "never said"])
    assert heard.text == ANSWER.partition("scripted** mod")[0]
    assert heard.finished.finish_reason == "stop"
    assert ask(engine, "Hello!", stop=["你好"]).text == ANSWER.partition("你好")[0]


def test_no_more_than_wanted(engine: NativeEngine, load: Load, scripted: Path) -> None:
    load(scripted)
    heard = ask(engine, "endless please", max_tokens=20)
    assert heard.finished.finish_reason == "length"
    assert heard.finished.usage.completion_tokens == 20
    assert ask(engine, "Hello!", max_tokens=0).finished.usage.completion_tokens == 0


def test_the_context_ends(engine: NativeEngine, load: Load, scripted: Path) -> None:
    load(scripted, context=256)
    heard = ask(engine, "endless please")
    assert heard.finished.finish_reason == "length"
    assert heard.finished.usage.prompt_tokens + heard.finished.usage.completion_tokens == 256
    assert ask(engine, "brief please").text == "直接回答，没有思考。"


def test_a_prompt_that_does_not_fit_is_told_with_both_numbers(engine: NativeEngine, load: Load, scripted: Path) -> None:
    load(scripted, context=256)
    question = Turn("user", "x" * 300)
    (needed,) = engine.count_tokens([question])
    assert needed == 305
    with pytest.raises(InvalidInput) as caught:
        list(engine.generate(GenerateRequest([question])))
    assert caught.value.code == "context_too_long"
    for words in (caught.value.message.en, caught.value.message.zh):
        assert "305" in words
        assert "256" in words
    assert ask(engine, "Hello!").text == ANSWER


def test_texts_and_tokens(engine: NativeEngine, load: Load, scripted: Path) -> None:
    load(scripted)
    text = "<｜User｜>, 你好 and <think>"
    (plain,), (begun,) = engine.tokenize(text), engine.tokenize(text, special=True)
    assert begun[1:] == plain
    assert list(engine.detokenize(plain)) == [text]
    (mark,) = engine.detokenize(begun[:1])
    assert mark == "<｜begin▁of▁sentence｜>"
    with pytest.raises(InvalidInput) as refusal:
        list(engine.detokenize([10**12]))
    assert refusal.value.code == "bad_token"


def test_no_reasoning_and_reasoning_that_never_ends(engine: NativeEngine, load: Load, scripted: Path) -> None:
    load(scripted)
    brief, unclosed = ask(engine, "brief please"), ask(engine, "unclosed please")
    assert (brief.reasoning, brief.text) == ("", "直接回答，没有思考。")
    assert (unclosed.reasoning, unclosed.text) == ("Still wondering whether", "")
    assert unclosed.finished.usage.reasoning_tokens == unclosed.finished.usage.completion_tokens


def test_a_template_of_january_2025(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    load(scripted_model(tmp_path / "opens.gguf", template=R1_JANUARY_TEMPLATE))
    heard = ask(engine, "Hello!")
    assert (heard.reasoning, heard.text) == (REASONING, ANSWER)
    load(scripted_model(tmp_path / "forgets.gguf", template=R1_JANUARY_TEMPLATE, opens=False))
    heard = ask(engine, "Hello!")
    assert (heard.reasoning, heard.text) == (REASONING, ANSWER)
    assert ReasoningReclassified() in heard.events


def test_a_template_with_a_switch(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    load(scripted_model(tmp_path / "v3.1.gguf", template=V31_TEMPLATE))
    assert ask(engine, "Hello!").reasoning == ""
    assert ask(engine, "Hello!", thinking=True).reasoning == REASONING
    assert ask(engine, "Hello!", thinking=False).text == ANSWER


def test_cancel_while_it_speaks(engine: NativeEngine, load: Load, scripted: Path) -> None:
    load(scripted)
    endless = GenerateRequest([Turn("user", "endless please")], GREEDY)
    said = cancel_when(engine, endless, lambda said: sum(isinstance(event, TextDelta) for event in said) == 5)
    assert sum(isinstance(event, TextDelta) for event in said) == 5
    assert isinstance(said[-1], Finished)
    assert said[-1].finish_reason == "cancelled"
    assert ask(engine, "Hello!").text == ANSWER


def test_cancel_while_it_reads(engine: NativeEngine, load: Load, scripted: Path) -> None:
    load(scripted, batch=64)
    long = Turn("user", "x" * 1000)
    said = cancel_when(engine, GenerateRequest([long], GREEDY), lambda said: PromptProgress(192, 1005) in said)
    assert said[:4] == [PromptProgress(done, 1005) for done in (0, 64, 128, 192)]
    assert len(said) == 5
    assert isinstance(said[-1], Finished)
    assert (said[-1].finish_reason, said[-1].usage.completion_tokens) == ("cancelled", 0)
    heard = hear(engine.generate(GenerateRequest([long], GREEDY)))
    assert heard.finished.usage.cached_tokens == 192
    assert heard.text == ANSWER


def test_a_computation_that_is_interrupted_is_taken_up_again(engine: NativeEngine, load: Load, scripted: Path) -> None:
    """Somebody who only waits is cancelled while another one's prompt is computed."""
    load(scripted, batch=512)
    reading = engine.generate(GenerateRequest([Turn("user", "x" * 3000)], GREEDY))
    waiting = engine.generate(GenerateRequest([Turn("user", "Hello!")], GREEDY))
    reading.on_wake(waiting.cancel)
    assert hear(waiting).finished.finish_reason == "cancelled"
    assert hear(reading).text == ANSWER


def test_two_who_ask_at_once_get_their_own_answers(engine: NativeEngine, load: Load, scripted: Path) -> None:
    load(scripted)
    answers: dict[str, str] = {}

    def ask_often(question: str, number: int) -> None:
        for n in range(5):
            answers[f"{number}.{n}"] = ask(engine, question).text

    threads = [
        threading.Thread(target=ask_often, args=("Hello!", 1)),
        threading.Thread(target=ask_often, args=("brief", 2)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {f"1.{n}": ANSWER for n in range(5)} | {f"2.{n}": "直接回答，没有思考。" for n in range(5)}


def test_what_two_prompts_share_is_computed_once(engine: NativeEngine, load: Load, scripted: Path) -> None:
    load(scripted)
    document = "A long document. " * 40
    first = ask(engine, document)
    assert first.finished.usage.cached_tokens == 0
    second = hear(
        engine.generate(
            GenerateRequest([Turn("user", document), Turn("assistant", first.text), Turn("user", "brief")], GREEDY)
        )
    )
    assert second.text == "直接回答，没有思考。"
    assert second.finished.usage.cached_tokens == 2 + len(document) + 1  # up to <｜Assistant｜>
    assert second.events[0] == PromptProgress(second.finished.usage.cached_tokens, second.finished.usage.prompt_tokens)


def test_without_a_model_and_after_the_end(scripted: Path) -> None:
    engine = NativeEngine()
    with pytest.raises(Unavailable) as caught:
        list(engine.generate(GenerateRequest([Turn("user", "Hello!")])))
    assert caught.value.code == "no_model"
    loading = engine.load(LoadRequest(scripted, gpu_layers=0))
    speaking = engine.generate(GenerateRequest([Turn("user", "endless please")], GREEDY))
    assert list(loading)
    assert next(iter(speaking)) == PromptProgress(0, 5 + len(" please") + 1)
    engine.close()
    assert hear([*speaking]).finished.finish_reason == "cancelled"
    with pytest.raises(Unavailable) as caught:
        list(engine.count_tokens([]))
    assert caught.value.code == "engine_stopped"
