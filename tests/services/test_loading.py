"""A model that is new here is tried apart; what fails steps down and says so; what worked is loaded at once."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from backends.core.errors import EngineError, InvalidInput, ResourceError
from backends.core.stream import Stream
from backends.engine.protocol import (
    Adapter,
    Finished,
    GenerateRequest,
    LoadedModel,
    LoadEvent,
    LoadFinished,
    LoadProgress,
    LoadStepped,
    LoadTrying,
    Sampling,
    TextDelta,
    Turn,
)
from backends.models.types import LocalModel
from backends.services import Services
from tests.kit.adapters import redirecting_adapter
from tests.kit.crashing import SMALL_V4, crashing
from tests.kit.damages import written
from tests.kit.ggufs import ANSWER, Script, Shape, random_model, scripted_model
from tests.kit.headers import Kind
from tests.kit.real_models import real
from tests.kit.shapes import shaped_model

E = TypeVar("E")
Opened = Callable[[], AbstractContextManager[Services]]
ROOT = Path(__file__).resolve().parents[2]
COUNT = Script("", " ".join(f"n{number}" for number in range(80)), word="count")


def heard(stream: Stream[LoadEvent]) -> tuple[list[LoadEvent], LoadedModel]:
    """All that is not progress, and what was loaded."""
    events: list[LoadEvent] = [event for event in stream if not isinstance(event, LoadProgress)]
    assert isinstance(events[-1], LoadFinished)
    return events[:-1], events[-1].model


def steps(events: Sequence[LoadEvent]) -> list[LoadStepped]:
    return [event for event in events if isinstance(event, LoadStepped)]


def answer(services: Services, question: str = "Hello!") -> tuple[str, Finished]:
    events = list(services.engine.generate(GenerateRequest([Turn("user", question)], Sampling(temperature=0))))
    assert isinstance(events[-1], Finished)
    return "".join(event.text for event in events if isinstance(event, TextDelta)), events[-1]


@pytest.fixture
def model(services: Services, tmp_path: Path) -> LocalModel:
    return services.library.add(scripted_model(tmp_path / "greeter-Q4_K_M.gguf", scripts=[COUNT], slow=70))


# ---- what works


def test_a_new_model_is_tried_apart_once(opened: Opened, tmp_path: Path) -> None:
    path = scripted_model(tmp_path / "greeter.gguf")
    with opened() as services:
        model = services.library.add(path)
        events, loaded = heard(services.loading.load(model))
        assert events == [LoadTrying()]
        assert (loaded.alias, loaded.context) == (model.id, 16384)
        assert answer(services)[0] == ANSWER
        assert heard(services.loading.load(model))[0] == []
        assert heard(services.loading.load(model, context=4096))[0] == []  # less than what worked
        assert heard(services.loading.load(model, context=32768))[0] == [LoadTrying()]
    with opened() as services:
        default = services.loading.default_model()
        assert default is not None
        assert default.path == path
        assert heard(services.loading.load(default))[0] == []
        path.write_bytes(scripted_model(tmp_path / "other.gguf", answer="Changed.").read_bytes())
        assert heard(services.loading.load(default))[0] == [LoadTrying()]
        assert answer(services)[0] == "Changed."
    assert not psutil.Process().children()


def test_who_does_not_want_it_tried_apart(services: Services, model: LocalModel) -> None:
    services.settings.set("engine.try_first", False)
    assert heard(services.loading.load(model))[0] == []
    assert answer(services)[0] == ANSWER


def cancelled_at(stream: Stream[LoadEvent], kind: type[LoadEvent]) -> list[LoadEvent]:
    """All it said: on the thread that says it, before that goes on, it is cancelled when it has said such a thing."""
    said: list[LoadEvent] = []

    def look() -> None:
        said.extend(stream.look()[0])
        if any(isinstance(event, kind) for event in said):
            stream.cancel()

    stream.on_wake(look)
    stream.wait()
    return said


def test_a_load_is_cancelled_wherever_it_is(services: Services, model: LocalModel) -> None:
    """In the child, which ends with it; and in this process."""
    for kind in (LoadTrying, LoadProgress):
        assert cancelled_at(services.loading.load(model), kind)
        assert services.engine.model is None
        assert len(psutil.Process().children()) <= 1  # the one that plans
    services.settings.set("engine.try_first", False)
    said = cancelled_at(services.loading.load(model), LoadProgress)
    assert not any(isinstance(event, LoadFinished) for event in said)
    assert services.engine.model is None
    heard(services.loading.load(model))


def test_the_former_model_is_back_at_once(services: Services, model: LocalModel, tmp_path: Path) -> None:
    other = services.library.add(scripted_model(tmp_path / "other.gguf", answer="The other one."))
    heard(services.loading.load(model))
    heard(services.loading.load(other))
    assert heard(services.loading.load(model))[0] == []
    assert answer(services)[0] == ANSWER
    assert not [event for event in services.loading.load(other) if isinstance(event, LoadTrying | LoadStepped)]


# ---- what does not


def test_a_model_that_ends_the_engine_ends_only_a_child(services: Services, model: LocalModel, tmp_path: Path) -> None:
    bad = services.library.add(crashing(tmp_path / "bad.gguf", "Bad"))
    said: list[LoadEvent] = []
    with pytest.raises(EngineError) as caught:
        said += services.loading.load(bad)
    assert caught.value.code == "engine_crashed"
    assert "bad.gguf" in caught.value.message.en
    assert "GGML_ASSERT" in caught.value.message.zh
    assert services.engine.model is None
    heard(services.loading.load(model))
    assert answer(services)[0] == ANSWER


def test_what_crashed_is_tried_again_only_after_saying_so(opened: Opened, tmp_path: Path) -> None:
    path = crashing(tmp_path / "bad.gguf", "Bad")
    with opened() as services:
        model = services.library.add(path)
        with pytest.raises(EngineError):
            list(services.loading.load(model))
    with opened() as services:
        events: list[LoadEvent] = []
        with pytest.raises(EngineError, match="broke down over bad"):
            list(map(events.append, services.loading.load(model)))
        assert isinstance(events[0], LoadStepped)
        assert "before" in events[0].why.en
        assert "once more" in events[0].change.en
        assert events[1] == LoadTrying()


def test_a_smaller_quant_on_this_disk_takes_its_place(opened: Opened, tmp_path: Path) -> None:
    """And does so at once when the program starts the next time, with a word."""
    bad = crashing(tmp_path / "twins-Q8_0.gguf", "Shaped deepseek4")
    good, stranger = tmp_path / "twins-Q4_K_M.gguf", tmp_path / "stranger-Q4_K_M.gguf"
    shaped_model(good, replace(SMALL_V4, expert_ff=32), "Q8_0", weights="noise")
    written(stranger, good, lambda draft: draft.set("general.name", Kind.STRING, "Stranger"))
    with opened() as services:
        for path in (good, stranger, bad):
            model = services.library.add(path)
        events, loaded = heard(services.loading.load(model))
        assert loaded.path == good
        assert loaded.alias == services.library.find(good).id
        (stepped,) = steps(events)
        assert "broke down over twins-Q8_0" in stepped.why.en
        assert "Q4_K_M instead of Q8_0" in stepped.change.en
        assert "Q4_K_M" in stepped.change.zh
        assert "less exact" in stepped.cost.en
    with opened() as services:
        again = services.loading.default_model()
        assert again is not None
        events, loaded = heard(services.loading.load(again))
        assert loaded.path == good
        assert not any(isinstance(event, LoadTrying) for event in events)
        (stepped,) = steps(events)
        assert "broke down over that here before" in stepped.why.en


def test_an_explicit_context_is_had_or_refused(services: Services, tmp_path: Path) -> None:
    """The error says what would fit; nothing else is loaded in its place."""
    vast = services.library.add(scripted_model(tmp_path / "vast.gguf", context=1 << 30))
    _, loaded = heard(services.loading.load(vast))
    assert loaded.context == 16384
    with pytest.raises((ResourceError, EngineError)) as caught:
        list(services.loading.load(vast, context=1 << 30))
    assert caught.value.code == "out_of_memory"
    assert "This would fit: a context of" in caught.value.hint.en
    assert "上下文" in caught.value.hint.zh
    assert services.engine.model is None


def test_a_plan_that_does_not_fit_steps_down_to_a_smaller_quant(services: Services, tmp_path: Path) -> None:
    """The file is larger than this computer's memory; it is not even tried."""
    huge = shaped_model(tmp_path / "twins-F16.gguf", replace(real("r1-distill-qwen-32b"), layers=512), "F16")
    assert huge.stat().st_size > psutil.virtual_memory().total
    good = scripted_model(tmp_path / "twins-Q4_K_M.gguf", name="Shaped qwen2")
    model, other = services.library.add(huge), services.library.add(good)
    events, loaded = heard(services.loading.load(model))
    (stepped,) = steps(events)
    assert loaded.alias == other.id
    assert "needs about" in stepped.why.en
    assert "GiB" in stepped.why.zh
    assert "Q4_K_M instead of F16" in stepped.change.en
    list(services.shelf.remove(other))
    with pytest.raises(ResourceError, match="needs about"):
        list(services.loading.load(model))


LIMITED = """if True:
    import json, resource, sys
    from pathlib import Path
    from backends.core.paths import Paths
    from backends.engine.protocol import LoadFinished, LoadStepped, LoadTrying
    from backends.services import Services
    with Services.open(Paths.under(Path(sys.argv[1]))) as services:
        model = services.library.add(Path(sys.argv[2]))
        services.settings.set("models.context", 1024)
        list(services.loading.load(model))
        services.settings.set("models.context", 32768)
        resource.setrlimit(resource.RLIMIT_AS, (2400 << 20,) * 2)
        for event in services.loading.load(model):
            if isinstance(event, LoadStepped):
                print(json.dumps(["stepped", event.why.en, event.change.en, event.cost.zh]))
            elif isinstance(event, LoadTrying):
                print(json.dumps(["trying"]))
            elif isinstance(event, LoadFinished):
                print(json.dumps(["finished", event.model.context, event.model.kv_type]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process")
def test_memory_that_is_short_after_all(tmp_path: Path) -> None:
    """The plan saw more memory than the engine gets: the cache in q8_0 fits; the next start goes straight to it."""
    shape = Shape(layers=8, width=256, heads=16, kv_heads=16, head=128, context=32768)
    path = random_model(tmp_path / "wide.gguf", "qwen3", shape=shape)
    runs = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", LIMITED, str(tmp_path / "home"), str(path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        runs.append([json.loads(line) for line in done.stdout.splitlines()])
    first, second = runs
    assert [event[0] for event in first] == ["trying", "stepped", "trying", "finished"]
    _, why, change, cost = first[1]
    assert "32768 tokens" in why
    assert "2048.00 MB" in why
    assert change == "It goes on with the cache in q8_0 instead of f16."
    assert cost == "较小的缓存精度损失很小。"
    assert first[-1] == ["finished", 32768, "q8_0"]
    assert [event[0] for event in second] == ["stepped", "finished"]
    assert "before" in second[0][1]
    assert second[-1] == first[-1]


def test_a_file_that_is_no_model_is_refused_as_ever(services: Services, model: LocalModel) -> None:
    model.path.write_bytes(b"<html>Not found</html>" * 100)
    with pytest.raises(InvalidInput) as caught:
        list(services.loading.load(model))
    assert caught.value.code == "not_gguf"


# ---- what is learnt


def test_a_load_and_its_first_long_answer_are_measured(opened: Opened, tmp_path: Path) -> None:
    path = scripted_model(tmp_path / "greeter.gguf", scripts=[COUNT], slow=70)
    with opened() as services:
        model = services.library.add(path)
        _, loaded = heard(services.loading.load(model))
        (memory,) = services.experience.entries()
        assert (memory.what, memory.devices, memory.measured) == ("memory", ("CPU",), loaded.uses[0].bytes)
        assert memory.predicted > loaded.size
        conversation = services.chats.create()
        first = services.chats.add_message(conversation.id, "user", "Please count.")
        for _ in services.regenerate(conversation.id, first.id):
            pass
        speed = services.experience.entries()[0]
        assert (speed.what, speed.devices, speed.architecture) == ("speed", ("CPU",), "qwen2")
        assert speed.predicted > 0
        again = services.chats.add_message(conversation.id, "user", "Please count again.")
        for _ in services.regenerate(conversation.id, again.id):
            pass
        assert len(services.experience.entries()) == 2
    with opened() as services:
        assert services.experience.entries()[0] == speed
        factor = services.experience.speed_factor(("CPU",), "qwen2")
        assert factor == pytest.approx(min(3.0, max(0.2, speed.measured / speed.predicted)))


def test_short_answers_and_small_models_teach_nothing(services: Services, tmp_path: Path) -> None:
    small = services.library.add(scripted_model(tmp_path / "small.gguf", scripts=[COUNT]))
    brief = services.library.add(scripted_model(tmp_path / "brief.gguf", "", "Yes.", slow=70))
    for model, question in ((small, "count"), (brief, "Hello!")):
        heard(services.loading.load(model))
        services.loading.note_answer(answer(services, question)[1])
    assert [entry.what for entry in services.experience.entries()] == ["memory"]


# ---- adapters


def test_adapters_come_back_with_their_model(opened: Opened, tmp_path: Path) -> None:
    path = scripted_model(tmp_path / "greeter.gguf", scripts=[COUNT])
    adapter = redirecting_adapter(tmp_path / "count.gguf", path, COUNT.answer)
    with opened() as services:
        model = services.library.add(path)
        services.library.set_adapters(model.id, [(services.library.add_adapter(adapter), 1.0)])
        events, loaded = heard(services.loading.load(model))
        assert events == [LoadTrying()]
        assert answer(services)[0].startswith("n0 n1")
    with opened() as services:
        events, loaded = heard(services.loading.load(model))
        assert events == []
        assert loaded.adapters == (Adapter(adapter),)
        assert answer(services)[0].startswith("n0 n1")


def test_an_adapter_that_is_gone_or_bad_does_not_keep_a_model_away(
    services: Services, model: LocalModel, tmp_path: Path
) -> None:
    adapter = redirecting_adapter(tmp_path / "count.gguf", model.path, COUNT.answer)
    services.library.set_adapters(model.id, [(services.library.add_adapter(adapter), 1.0)])
    adapter.write_bytes(adapter.read_bytes()[:-4096])
    events, loaded = heard(services.loading.load(model))
    (stepped,) = steps(events)
    assert "count.gguf" in stepped.why.en
    assert "without it" in stepped.change.en
    assert loaded.adapters == ()
    adapter.unlink()
    events, loaded = heard(services.loading.load(model))
    (stepped,) = steps(events)
    assert stepped.why.zh == "适配器 count.gguf 已不存在。"
    assert answer(services)[0] == ANSWER
