"""A model that nobody asks for some time goes; the next question has it again."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.engine.loader import NativeEngine
from backends.engine.protocol import (
    GenerateRequest,
    LoadFinished,
    LoadRequest,
    ReasoningDelta,
    Sampling,
    TextDelta,
    Turn,
)
from backends.services import Services
from backends.services.idle import IdleUnload
from tests.kit.answers import hear
from tests.kit.ggufs import ANSWER, Script, scripted_model

ENDLESS = Script("Here I begin to run.", "And on it goes, for ever.", word="endless", endless=True)
HELLO, RUNNING = (GenerateRequest([Turn("user", words)], Sampling(temperature=0)) for words in ("Hello!", "endless"))
MOMENT = 0.05  # seconds that stand for a minute
LONG = 60.0  # seconds that a loaded machine may take


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return scripted_model(tmp_path / "m.gguf", scripts=[ENDLESS])


@pytest.fixture
def engine() -> Iterator[NativeEngine]:
    engine = NativeEngine()
    yield engine
    engine.close()


def timers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "idle"]


def test_it_goes_when_it_was_idle_long_enough_and_not_while_it_answers(engine: NativeEngine, path: Path) -> None:
    gone = threading.Event()
    idle = IdleUnload(engine, lambda: 1, gone.set, minute=MOMENT)
    idle.look()
    assert not idle.waiting  # nothing is loaded
    list(engine.load(LoadRequest(path, 32768, gpu_layers=0)))
    stream = engine.generate(RUNNING)
    idle.look()
    for _ in range(40):  # many times as long as it may be idle, at any speed
        assert next(event for event in stream if isinstance(event, ReasoningDelta | TextDelta))
        assert not gone.wait(MOMENT / 10)
    assert engine.model is not None
    stream.cancel()
    assert gone.wait(LONG)
    assert engine.model is None
    idle.close()
    assert not timers()


def test_never_is_never(engine: NativeEngine, path: Path) -> None:
    minutes = [0]
    idle = IdleUnload(engine, lambda: minutes[0], lambda: None, minute=MOMENT)
    list(engine.load(LoadRequest(path, 1024, gpu_layers=0)))
    idle.look()
    assert not idle.waiting
    minutes[0] = 1_000_000
    idle.look()
    assert idle.waiting
    minutes[0] = 0
    idle.look()
    assert not idle.waiting
    idle.close()


def test_who_is_about_to_ask_finds_the_model(engine: NativeEngine, path: Path) -> None:
    """It is unloaded only if nobody has touched it for so long when it comes to that."""
    list(engine.load(LoadRequest(path, 1024, gpu_layers=0)))
    engine.touch()
    list(engine.unload(idle=1000.0))
    assert engine.model is not None
    answer = engine.generate(HELLO)
    list(engine.unload(idle=1e-9))
    assert hear(answer).text == ANSWER
    list(engine.suspend())
    list(engine.unload(idle=1e-9))  # asleep its devices are left alone
    assert engine.model is not None
    list(engine.resume())


def test_the_next_question_loads_it_again(opened: Callable[[], AbstractContextManager[Services]], path: Path) -> None:
    with opened() as services:
        model = services.library.add(path)
        list(services.loading.load(model))
        services.loading._idle._minute = MOMENT
        changes = services.changes()
        services.settings.set("engine.idle_unload", 1)
        assert "model" in iter(changes)
        assert services.engine.model is None
        services.settings.set("engine.idle_unload", 0)
        events = list(services.loading.ensure(CancelToken()))
        assert isinstance(events[-1], LoadFinished)
        assert hear(services.engine.generate(HELLO)).text == ANSWER
    assert not timers()
