"""Another model is asked for while one answers: the old answers are completed, new questions wait, nobody for ever."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import EngineError, Unavailable
from backends.engine.protocol import (
    GenerateRequest,
    LoadEvent,
    LoadFinished,
    LoadProgress,
    LoadStepped,
    LoadTrying,
    LoadWaiting,
    ReasoningDelta,
    Sampling,
    TextDelta,
    Turn,
)
from backends.hardware import cpu
from backends.models import gguf
from backends.models.types import LocalModel
from backends.services import Services
from backends.services.descent import Landed
from tests.kit.answers import hear
from tests.kit.crashing import crashing
from tests.kit.ggufs import ANSWER, Script, scripted_model

COUNT = Script("", " ".join(f"n{number}" for number in range(100)), word="count")
ENDLESS = Script("", "And on it goes, for ever.", word="endless", endless=True)
OTHER = "The other one."


def question(words: str) -> GenerateRequest:
    return GenerateRequest([Turn("user", words)], Sampling(temperature=0))


@pytest.fixture
def model(services: Services, tmp_path: Path) -> LocalModel:
    services.settings.set("engine.try_first", False)
    path = scripted_model(tmp_path / "greeter.gguf", scripts=[COUNT, ENDLESS], slow=24)  # no end for a while
    model = services.library.add(path)
    list(services.loading.load(model))
    return model


@pytest.fixture
def other(services: Services, tmp_path: Path) -> LocalModel:
    return services.library.add(scripted_model(tmp_path / "other.gguf", "", OTHER))


def heard(events: Iterable[LoadEvent]) -> list[LoadEvent]:
    return [event for event in events if not isinstance(event, LoadProgress)]


def test_the_old_model_completes_its_answers_and_the_new_one_takes_the_next_questions(
    services: Services, model: LocalModel, other: LocalModel
) -> None:
    list(services.engine.suspend())  # so that the old answer takes its time
    old = services.engine.generate(question("count"))
    loading = services.loading.load(other)
    assert next(iter(loading)) == LoadWaiting(1)
    new = services.engine.generate(question("Hello!"))
    list(services.engine.resume())
    assert hear(old).text == COUNT.answer
    assert isinstance(heard(loading)[-1], LoadFinished)
    assert hear(new).text in (OTHER, ANSWER)  # by whom depends on who was quicker to ask
    assert hear(services.engine.generate(question("Hello!"))).text == OTHER


def test_who_waits_for_an_answer_without_end_may_give_up(
    services: Services, model: LocalModel, other: LocalModel
) -> None:
    old = services.engine.generate(question("endless"))
    loading = services.loading.load(other)
    assert next(iter(loading)) == LoadWaiting(1)
    loading.cancel()
    assert not heard(loading)
    assert next(event for event in old if isinstance(event, TextDelta | ReasoningDelta))
    assert services.engine.model is not None
    assert services.engine.model.alias == model.id
    new = services.engine.generate(question("Hello!"))  # nobody waits for a model that does not come
    assert hear(new).text == ANSWER
    old.cancel()


def test_a_switch_that_fails_tells_those_who_waited_for_it(
    services: Services, model: LocalModel, tmp_path: Path
) -> None:
    services.settings.set("engine.try_first", True)
    bad = services.library.add(crashing(tmp_path / "bad.gguf", "Bad"))
    loading = services.loading.load(bad)
    assert next(iter(loading)) == LoadTrying()  # the old one has gone
    waiting = services.engine.generate(question("Hello!"))
    with pytest.raises(EngineError):
        list(loading)
    with pytest.raises(Unavailable):
        hear(waiting)
    heard(services.loading.load(model))
    assert hear(services.engine.generate(question("Hello!"))).text == ANSWER


def test_who_asks_while_the_first_model_is_tried_waits_for_it(
    services: Services, other: LocalModel, tmp_path: Path
) -> None:
    loading = services.loading.load(services.library.add(crashing(tmp_path / "bad.gguf", "Bad")))
    assert next(iter(loading)) == LoadTrying()
    told = services.engine.generate(question("Hello!"))
    with pytest.raises(EngineError):
        list(loading)
    with pytest.raises(Unavailable):  # there is none after all
        hear(told)
    loading = services.loading.load(other)
    assert next(iter(loading)) == LoadTrying()
    waiting = services.engine.generate(question("Hello!"))
    assert isinstance(heard(loading)[-1], LoadFinished)
    assert hear(waiting).text == OTHER


def test_a_model_is_loaded_as_the_settings_say(services: Services, model: LocalModel) -> None:
    loaded = services.engine.model
    assert loaded is not None
    assert loaded.parallel == services.settings.current.engine.parallel == 4
    services.settings.set("engine.parallel", 2)
    services.settings.set("engine.threads", 1)
    services.settings.set("engine.numa", True)
    list(services.loading.load(model))
    loaded = services.engine.model
    assert loaded is not None
    assert (loaded.parallel, loaded.threads, loaded.prefill_threads) == (2, 1, 1)
    assert cpu.memory_nodes() > 1 or "one memory node" in loaded.notes[0].en
    streams = [services.engine.generate(question("Hello!")) for _ in range(4)]
    assert [hear(stream).text for stream in streams] == [ANSWER] * 4


def test_threads_that_were_quickest_are_remembered(services: Services, tmp_path: Path) -> None:
    """Of models that are large enough to say something; they are used at the next load instead of a measurement."""
    services.settings.set("engine.try_first", False)
    large = services.library.add(scripted_model(tmp_path / "large.gguf", slow=70))
    list(services.loading.load(large))
    loaded = services.engine.model
    assert loaded is not None
    assert loaded.size > 64 << 20
    processor = cpu.read()
    cores = f"{processor.name}, {processor.physical_cores}/{processor.performance_cores or 0}/{processor.logical_cores}"
    assert services.experience.threads(cores, large.size) == (loaded.threads, loaded.prefill_threads)
    services.experience.record_threads(cores, large.size, 1, 2)  # as if that had been found
    list(services.loading.load(large))
    again = services.engine.model
    assert again is not None
    assert (again.threads, again.prefill_threads) == (1, 2)
    services.settings.set("engine.threads", 2)
    list(services.loading.load(large))
    chosen = services.engine.model
    assert chosen is not None
    assert (chosen.threads, chosen.prefill_threads) == (2, 2)


def test_answers_go_on_after_sleep(services: Services, model: LocalModel) -> None:
    list(services.loading.suspend())
    answer = services.engine.generate(question("count"))
    changes = services.changes()
    list(services.loading.resume())
    assert hear(answer).text == COUNT.answer
    assert "model" in changes.drain()


def test_cards_that_cannot_share_layers_have_whole_ones(services: Services, other: LocalModel) -> None:
    """llama.cpp is asked in a process of its own; here it refuses, for want of cards. The next time it is not asked."""
    machine = next(services.machine.look(cancel=CancelToken()))
    engine = services.settings.current.engine
    header = gguf.check(other.path)
    descent, _ = services.loading._descent(other, header, machine, None, False, engine, CancelToken())
    options = replace(descent.start.options, gpu_sharing="tensor")
    together = replace(descent, start=replace(descent.start, options=options), try_first=False)
    first, second = (
        [event for event in together.go(CancelToken()) if not isinstance(event, LoadProgress)] for _ in range(2)
    )
    trying, stepped, finished, landed = first
    assert trying == LoadTrying()
    assert isinstance(stepped, LoadStepped)
    assert "Each card holds whole layers" in stepped.change.en
    assert isinstance(finished, LoadFinished)
    assert isinstance(landed, Landed)
    assert landed.step.options.gpu_sharing == "layer"
    assert [type(event) for event in second] == [LoadStepped, LoadFinished, Landed]
    assert hear(services.engine.generate(question("Hello!"))).text == OTHER
