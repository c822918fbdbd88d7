"""The kit's models keep their promises: the same bytes, the known text, the script that the last question picks."""

from collections.abc import Callable
from pathlib import Path

import pytest
from gguf import GGMLQuantizationType as Quant

from backends.engine.loader import NativeEngine
from backends.engine.protocol import GenerateRequest, Sampling, Turn
from tests.kit.answers import hear
from tests.kit.ggufs import ANSWER, REASONING, Script, Shape, random_model, scripted_model

Load = Callable[..., object]


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    assert scripted_model(tmp_path / "a").read_bytes() == scripted_model(tmp_path / "b").read_bytes()
    assert random_model(tmp_path / "c").read_bytes() == random_model(tmp_path / "d").read_bytes()
    assert random_model(tmp_path / "e", seed=1).read_bytes() != random_model(tmp_path / "f", seed=2).read_bytes()
    quantised = random_model(tmp_path / "g", quant=Quant.Q8_0, shape=Shape(vocabulary=4096))
    assert quantised.stat().st_size < random_model(tmp_path / "h", shape=Shape(vocabulary=4096)).stat().st_size * 0.6


@pytest.mark.parametrize("kv_type", ["f16", "q8_0"])
def test_the_last_question_picks_the_script(engine: NativeEngine, load: Load, scripted: Path, kv_type: str) -> None:
    load(scripted, context=8192, kv_type=kv_type)

    def said(*texts: str, temperature: float = 0.6) -> tuple[str, str]:
        turns = [Turn("assistant" if n % 2 else "user", text) for n, text in enumerate(texts)]
        heard = hear(engine.generate(GenerateRequest(turns, Sampling(temperature=temperature))))
        return heard.reasoning, heard.text

    brief = ("", "直接回答，没有思考。")
    assert said("Hello!") == (REASONING, ANSWER)
    assert said("Hello! " * 200, temperature=1) == (REASONING, ANSWER)
    assert said("Please be brief, will you? I have only little time.") == brief
    assert said("Please be brief, will you?", brief[1], "And what else can you tell?") == (REASONING, ANSWER)
    assert said("And what?", ANSWER, "unclosed, please", "Still wondering", "Now do be brief about all this") == brief


def test_texts_with_the_same_words(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    scripts = [Script(f"I think of {n} and {n}.", f"It is {n}, yes {n}!", word=f"number {n}") for n in range(3)]
    load(scripted_model(tmp_path / "model.gguf", scripts=scripts))
    for n in range(3):
        heard = hear(engine.generate(GenerateRequest([Turn("user", f"Tell me number {n}.")])))
        assert (heard.reasoning, heard.text) == (f"I think of {n} and {n}.", f"It is {n}, yes {n}!")
    assert hear(engine.generate(GenerateRequest([Turn("user", "Hello!")]))).text == ANSWER


def test_a_slow_model_is_larger(tmp_path: Path) -> None:
    fast, slow = scripted_model(tmp_path / "fast"), scripted_model(tmp_path / "slow", slow=20)
    assert 19 << 20 < slow.stat().st_size - fast.stat().st_size < 21 << 20
