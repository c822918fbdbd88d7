"""What holds a loaded model back is found from what is sampled, and what helps is done: with the real engine."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import InvalidInput, NotFound, Unavailable
from backends.core.phrase import Phrase
from backends.core.stream import Stream
from backends.engine.protocol import Finished, GenerateRequest, LoadedModel, LoadFinished, LoadRequest, Sampling
from backends.models import gguf
from backends.models.gguf import Header
from backends.models.types import LocalModel
from backends.monitor.outcome import on_gpu, outcome
from backends.monitor.types import Limit, Sample
from backends.services import Services
from backends.services.surveying import Surveyor
from tests.kit.ggufs import Shape, random_model, scripted_model
from tests.kit.held_back import GIB, machine
from tests.kit.real_models import real
from tests.kit.shapes import shaped_model

NONE = Phrase("", "")
SHAPE = Shape(layers=4, width=512, heads=8, kv_heads=2, head=64, ff=2048, vocabulary=4096)


@pytest.fixture
def model(services: Services, tmp_path: Path) -> LocalModel:
    services.settings.set("engine.try_first", False)
    return services.library.add(scripted_model(tmp_path / "greeter-Q4_K_M.gguf"))


@pytest.fixture
def watching(services: Services) -> Iterator[Stream[Sample]]:
    stream = services.monitoring.watch()
    yield stream
    stream.cancel()


def limits(services: Services) -> tuple[Limit, ...]:
    (found,) = services.holding.look()
    return found


def loaded(services: Services, limit: Limit) -> LoadedModel:
    *_, last = services.holding.carry_out(limit)
    assert isinstance(last, LoadFinished)
    return last.model


# ---- what it is


def test_without_a_model(services: Services) -> None:
    assert [one.kind for one in limits(services)] == ["no_model"]


def test_a_model_at_rest_and_at_work(services: Services, tmp_path: Path, watching: Stream[Sample]) -> None:
    """A model large enough that memory is what it reads: whatever is found, a sentence with the figures is said."""
    services.settings.set("engine.try_first", False)
    model = services.library.add(random_model(tmp_path / "random.gguf", shape=SHAPE))
    list(services.loading.load(model, context=1024))
    assert [one.kind for one in limits(services)] == ["idle"]
    asked = GenerateRequest((), Sampling(seed=1), 100_000, tokens=(5, 6, 7), ignore_end=True)
    answer = services.engine.generate(asked)
    decoding = (sample for sample in watching if sample.engine.decode and not sample.engine.prefill)
    next(decoding)
    kinds = {one.kind for one in limits(services)}
    answer.cancel()
    assert [event.finish_reason for event in answer if isinstance(event, Finished)] in (["cancelled"], ["length"])
    assert kinds & {"bandwidth", "compute", "nothing", "swapping", "heat", "disk", "battery"}


def test_layers_asked_for_on_a_machine_without_a_card(services: Services, model: LocalModel) -> None:
    """The engine is told to use a card; it has none that it can use, and goes on with the processor."""
    list(services.engine.load(LoadRequest(model.path, 1024, gpu_layers=-1, alias=model.id)))
    first = limits(services)[0]
    assert (first.kind, first.remedy) == ("unused_gpu", "doctor")
    assert first.sentence.en.startswith("All layers were to be on a graphics card")


# ---- what helps


def test_a_shorter_context(services: Services, model: LocalModel) -> None:
    list(services.loading.load(model, context=8192))
    before = services.engine.model
    limit = Limit("context", NONE, "shorter_context", figures={"context_to": 4096.0})
    after = loaded(services, limit)
    assert after.context == 4096
    assert services.settings.current.models.context == 4096
    assert before is not None
    assert outcome(before, after).en == "Loaded again: a context of 4,096 tokens instead of 8,192."


def test_a_smaller_cache(services: Services, model: LocalModel) -> None:
    list(services.loading.load(model, context=4096))
    before = services.engine.model
    after = loaded(services, Limit("context", NONE, "small_kv"))
    assert (after.kv_type, after.context) == ("q8_0", 4096)
    assert services.settings.current.engine.kv_type == "q8_0"
    assert before is not None
    assert outcome(before, after).zh == "已重新加载：缓存 q8_0（原为 f16）。"


def test_planned_again_with_as_many_layers_as_fit(services: Services, model: LocalModel) -> None:
    services.settings.set("engine.gpu_layers", 3)
    list(services.loading.load(model, context=4096))
    before = services.engine.model
    after = loaded(services, Limit("cpu_layers", NONE, "more_layers"))
    assert services.settings.current.engine.gpu_layers == -1
    assert before is not None
    assert outcome(before, after).en == "It was loaded again and lies as before."
    assert services.settings.current.models.default_model == model.id


def test_who_listens_is_told_of_another_model(services: Services, model: LocalModel) -> None:
    list(services.loading.load(model, context=4096))
    changes = services.changes()
    loaded(services, Limit("cpu_layers", NONE, "plan_again"))
    assert "model" in changes.drain()


def test_what_no_load_can_mend(services: Services, model: LocalModel) -> None:
    limit = Limit("bandwidth", NONE, "choose_model")
    with pytest.raises(Unavailable):
        list(services.holding.carry_out(limit))
    list(services.loading.load(model, context=4096))
    before = services.engine.model
    with pytest.raises(InvalidInput):
        list(services.holding.carry_out(limit))
    assert services.engine.model is before
    model.path.unlink()
    services.library.rescan()
    with pytest.raises(NotFound):
        list(services.holding.carry_out(replace(limit, remedy="plan_again")))
    assert services.engine.model is before


def test_a_file_that_has_gone_says_nothing_wrong(services: Services, model: LocalModel) -> None:
    """Linux keeps a file for who has it mapped."""
    list(services.loading.load(model, context=4096))
    model.path.unlink()
    with pytest.raises(NotFound):
        limits(services)


# ---- other ways to lie


@pytest.fixture
def header(tmp_path: Path) -> Header:
    """An 8B in Q4_K_M; of its weights there are holes."""
    return gguf.check(shaped_model(tmp_path / "model.gguf", real("r1-0528-qwen3-8b")))


def lies(header: Header, layers: int, context: int = 16384) -> LoadedModel:
    shape = header.shape
    devices = ("CUDA0", "CPU") if 0 < layers < shape.layers else ("CPU",) if not layers else ("CUDA0",)
    return LoadedModel(
        "model", Path("model.gguf"), shape.architecture, context, shape.context_train, "f16", shape.layers, layers,
        devices, header.size, 1.0, parallel=1,
    )  # fmt: skip


def test_layers_that_would_fit_now(services: Services, header: Header) -> None:
    """The card was full when the model was loaded; now all of it is free."""
    survey = Surveyor(services._base, services.machine)
    here = machine(("NVIDIA GeForce RTX 3060", "nvidia", 12))
    found = survey.possible(lies(header, 0), header, here)
    assert found is not None
    assert found.layers == header.shape.layers
    assert (found.small_kv, found.shorter, found.alone) == (None, None, None)
    assert survey.possible(lies(header, header.shape.layers), header, here) is None
    assert survey.possible(lies(header, 0), header, machine()) is None


def test_what_keeps_layers_off_a_small_card(services: Services, header: Header) -> None:
    """8 GiB for weights of 5 and a cache of 4.5: a shorter context would bring all layers there, q8_0 some."""
    survey = Surveyor(services._base, services.machine)
    here = machine(("NVIDIA GeForce RTX 4060", "nvidia", 8))
    loaded = lies(header, 22, 32768)
    found = survey.possible(loaded, header, here)
    assert found is not None
    assert found.small_kv is not None
    assert found.small_kv > found.layers >= on_gpu(loaded)
    assert found.shorter is not None
    assert found.shorter < 32768
    assert (found.shorter_layers or 0) > found.layers
    assert found.alone is None  # nobody else has anything there


def test_another_program_holds_the_card(services: Services, header: Header) -> None:
    survey = Surveyor(services._base, services.machine)
    here = machine(("NVIDIA GeForce RTX 3060", "nvidia", 12))
    (card,) = here.gpus
    full = replace(here, gpus=(replace(card, memory_free=5 * GIB),))
    found = survey.possible(lies(header, 15), header, full)
    assert found is not None
    assert found.alone == header.shape.layers


# ---- a measured speed


def test_the_sentence_of_a_benchmark(services: Services, tmp_path: Path) -> None:
    """Main memory is measured when nothing is computed; the best of what was measured counts."""
    services.settings.set("engine.try_first", False)
    model = services.library.add(random_model(tmp_path / "random.gguf", shape=SHAPE))
    list(services.loading.load(model, context=1024))
    here = services.engine.model
    assert here is not None
    list(services.loading.unload())
    (said,) = services.holding.of_bench(here, 20.0)
    assert said.en.startswith("Memory bandwidth: the model reads ")
    assert "of main memory are used" in said.en
    assert (services.paths.cache / "memory_speed.json").exists()
    assert list(services.holding.of_bench(here, 20.0)) == [said]


def test_a_machine_that_was_busy_when_it_was_measured(services: Services, model: LocalModel) -> None:
    list(services.loading.load(model, context=1024))
    here = services.engine.model
    assert here is not None
    list(services.holding.of_bench(here, 20.0))
    kept = services.paths.cache / "memory_speed.json"
    (key,) = json.loads(kept.read_text())
    for slow, counts in ((1.0, False), (9e15, True)):
        kept.write_text(json.dumps({key: slow}))
        survey = Surveyor(services._base, services.machine)
        reachable = survey.running(here, CancelToken()).readers[0].reachable
        assert reachable is not None
        assert (reachable == slow) == counts
    kept.write_text("{")
    assert Surveyor(services._base, services.machine).running(here, CancelToken()).readers[0].reachable
