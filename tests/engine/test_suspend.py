"""The machine goes to sleep: nothing is computed until it is awake; devices are looked at again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.crashes import CrashJournal
from backends.core.errors import EngineError, Unavailable
from backends.engine import native
from backends.engine.loader import NativeEngine
from backends.engine.lost import gone
from backends.engine.protocol import (
    GenerateRequest,
    LoadedModel,
    LoadRequest,
    ReasoningDelta,
    Sampling,
    TextDelta,
    Turn,
)
from tests.kit.answers import hear
from tests.kit.ggufs import ANSWER, scripted_model

GREEDY = Sampling(temperature=0)
HELLO, ENDLESS = (GenerateRequest([Turn("user", words)], GREEDY) for words in ("Hello!", "endless"))
Load = Callable[..., LoadedModel]


def test_an_answer_stops_between_two_steps_and_goes_on(engine: NativeEngine, load: Load, scripted: Path) -> None:
    load(scripted)
    stream = engine.generate(ENDLESS)
    assert next(event for event in stream if isinstance(event, ReasoningDelta))
    list(engine.suspend())
    stream.drain()
    second = engine.generate(HELLO)
    list(engine.suspend())  # the engine has heard of the second question, and has been asked twice
    assert stream.drain() == second.drain() == []
    assert engine.answers == 2
    list(engine.resume())
    assert next(event for event in stream if isinstance(event, TextDelta | ReasoningDelta))
    stream.cancel()
    assert hear(second).text == ANSWER
    list(engine.resume())  # who is awake stays so


def test_what_is_asked_for_in_the_meantime_waits(engine: NativeEngine, scripted: Path) -> None:
    list(engine.suspend())
    loading = engine.load(LoadRequest(scripted, 1024, gpu_layers=0))
    answer = engine.generate(HELLO)
    list(engine.suspend())
    assert engine.model is None
    list(engine.resume())
    list(loading)
    assert hear(answer).text == ANSWER


def test_it_can_be_closed_asleep(load: Load, engine: NativeEngine, scripted: Path) -> None:
    load(scripted)
    list(engine.suspend())
    waiting = engine.generate(HELLO)
    engine.close()
    assert waiting.wait(0)


def test_devices_are_looked_for_in_a_process_of_its_own() -> None:
    names = {device.name for device in native.devices()}
    assert gone(["CPU"], cancel=CancelToken()) == ()
    assert gone(sorted(names), cancel=CancelToken()) == ()
    assert gone(["CUDA7", "CPU"], cancel=CancelToken()) == ("CUDA7",)


def test_a_driver_that_ends_whoever_asks_it_has_lost_its_cards() -> None:
    assert gone(["CUDA0", "CUDA1", "CPU"], cancel=CancelToken(), module="tests.core.no_such_child") == (
        "CUDA0",
        "CUDA1",
    )


def test_a_lost_device_ends_its_answers_and_is_left_alone(tmp_path: Path, scripted: Path) -> None:
    """As if the processor were a card in a dock: running answers are told, the next model does without it."""
    journal = CrashJournal(tmp_path)
    engine = NativeEngine(journal, gone=lambda used, *, cancel: ("CUDA7",))
    try:
        list(engine.load(LoadRequest(scripted, 4096, gpu_layers=0)))
        stream = engine.generate(ENDLESS)
        assert next(event for event in stream if isinstance(event, ReasoningDelta))
        list(engine.suspend())
        waiting = engine.generate(HELLO)
        with pytest.raises(EngineError) as caught:
            list(engine.resume())
        assert caught.value.code == "device_lost"
        assert "CUDA7" in caught.value.message.zh
        for lost in (stream, waiting):
            with pytest.raises(EngineError, match="CUDA7"):
                list(lost)
        assert engine.model is None
        with pytest.raises(Unavailable):
            list(engine.generate(HELLO))
        list(engine.load(LoadRequest(scripted_model(tmp_path / "m.gguf"), 4096, gpu_layers=-1)))
        assert hear(engine.generate(HELLO)).text == ANSWER
    finally:
        native.library().lost.clear()
        engine.close()
