"""Threads: as many as compute best, by a short measurement on the model that was loaded."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled
from backends.engine import native, threads
from backends.engine.context import Context, ContextOptions
from backends.engine.loader import NativeEngine
from backends.engine.protocol import GenerateRequest, LoadedModel, Sampling, Turn
from backends.engine.threads import Threads, candidates, choose, fastest, usual
from backends.hardware.types import Cpu
from tests.kit.answers import hear
from tests.kit.ggufs import ANSWER, random_model

PLAIN, DOUBLED = (Cpu("made", physical, logical, (), "x86_64") for physical, logical in ((2, 2), (1, 2)))
HYBRID = Cpu("made", 14, 20, (), "x86_64", performance_cores=6)
SERVER = Cpu("made", 64, 128, (), "x86_64")


def test_what_is_worth_trying() -> None:
    """The usual number comes first: one a core, or one a fast core."""
    assert candidates(PLAIN) == (2,)
    assert candidates(DOUBLED) == (1, 2)
    assert candidates(HYBRID) == (6, 14, 20)
    assert candidates(SERVER) == (64, 128, 32)
    assert [usual(processor) for processor in (PLAIN, DOUBLED, HYBRID, SERVER)] == [2, 1, 6, 64]


def took(seconds: dict[int, float]) -> tuple[Callable[[int], float], list[int]]:
    """A machine on which a step takes so long, by the number of threads; and who was asked in which order."""
    asked: list[int] = []

    def step(threads: int) -> float:
        asked.append(threads)
        return seconds[threads] * (3 if len(asked) <= len(seconds) else 1)  # the first ones are slow

    return step, asked


def test_the_quickest_number_of_threads_is_taken() -> None:
    step, asked = took({6: 0.030, 14: 0.020, 20: 0.026})
    assert fastest((6, 14, 20), step, now=lambda: 0.0) == 14
    assert asked[:6] == [6, 14, 20, 6, 14, 20]  # in turns


def test_of_those_that_are_alike_the_fewest() -> None:
    assert fastest((64, 128, 32), took({64: 0.100, 128: 0.098, 32: 0.101})[0], now=lambda: 0.0) == 32


def test_a_slow_model_is_measured_only_once() -> None:
    step, asked = took({1: 2.0, 2: 1.0})
    seconds = count()
    assert fastest((1, 2), step, now=lambda: float(next(seconds))) == 2
    assert asked == [1, 2]


@pytest.fixture
def made(tmp_path: Path) -> Context:
    model = native.Model(
        random_model(tmp_path / "m.gguf", "qwen2"), gpu_layers=0, experts_on_cpu=0, progress=lambda _: True
    )
    return Context(model, ContextOptions(256, "f16", 2, 64))


def set_in(context: Context) -> Threads:
    llama = native.library().llama
    return Threads(llama.llama_n_threads(context.handle), llama.llama_n_threads_batch(context.handle))


def test_it_is_measured_on_the_model_which_then_knows_nothing_of_it(made: Context) -> None:
    before = made.logits(5, 3)
    found = choose(made, 7, DOUBLED, CancelToken())
    assert found.decode in (1, 2)
    assert found.prefill in (1, 2)
    assert set_in(made) == found
    assert made.held(0) == 0
    assert made.logits(5, 3) == pytest.approx(before, abs=1e-3)


def test_where_there_is_no_choice_nothing_is_computed(made: Context) -> None:
    token = CancelToken()
    token.cancel()  # the first step would say so
    assert choose(made, 7, PLAIN, token) == Threads(2, 2)
    with pytest.raises(Cancelled):
        choose(made, 7, DOUBLED, token)


def test_what_is_asked_for_is_done(engine: NativeEngine, load: Callable[..., LoadedModel], scripted: Path) -> None:
    model = load(scripted, threads=2, prefill_threads=1)
    assert (model.threads, model.prefill_threads) == (2, 1)
    assert load(scripted, threads=1).prefill_threads == 1
    assert hear(engine.generate(GenerateRequest([Turn("user", "Hello!")], Sampling(temperature=0)))).text == ANSWER


def test_who_asks_for_nothing_is_told_what_was_found(load: Callable[..., LoadedModel], scripted: Path) -> None:
    assert load(scripted).threads in candidates(threads.cpu.read())
