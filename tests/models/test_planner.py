"""Plans: llama.cpp itself on made machines, and a made llama.cpp where cards are needed that are not here."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, EngineError
from backends.core.phrase import Phrase
from backends.engine.dry_run import NativeDryRun
from backends.models import gguf
from backends.models.budget import Budget
from backends.models.catalog import Catalog
from backends.models.footprint import kv_bytes
from backends.models.machines import Figures
from backends.models.planner import Asked, Planner
from backends.models.types import KvType, Plan, Slots
from backends.models.ways import placed
from backends.models.weights import Weights
from tests.kit.real_models import REAL
from tests.kit.shapes import shaped_model

MIB, GIB = 1 << 20, 1 << 30
FIGURES, CATALOG = Figures.load(), Catalog.load()
CUDA = FIGURES.backends["cuda"].overhead


def typical(ram: float, *vram: float) -> Budget:
    return Budget.typical(round(ram * GIB), [round(size * GIB) for size in vram], FIGURES)


def with_names(budget: Budget) -> Budget:
    """As if the engine had told what it calls the cards."""
    cards = tuple(replace(card, engine=f"CUDA{index}") for index, card in enumerate(budget.gpus))
    return replace(budget, gpus=cards)


@dataclass(frozen=True)
class Said:
    device: str
    kind: str
    kv: int
    compute: int


@dataclass
class CardsOfOurOwn:
    """What llama.cpp answers on a machine with cards: the cache by layers, and so much for computing on each device."""

    header: gguf.Header
    compute: int
    names: Sequence[str] = ("CUDA0",)
    surplus: int = 0  # of the cache
    asked: list[tuple[int, KvType, int, int, tuple[int, ...]]] = field(default_factory=list)

    def measure(
        self,
        model: Path,
        *,
        context: int,
        kv_type: KvType,
        gpu_layers: int,
        expert_layers_on_cpu: int,
        gpu_split: Sequence[int],
        batch: int,
        sequences: int,
        outputs: int,
        embeddings: bool,
        cancel: CancelToken,
    ) -> Sequence[Said]:
        cancel.check()
        self.asked.append((context, kv_type, gpu_layers, expert_layers_on_cpu, tuple(gpu_split)))
        counts = tuple(gpu_split) or (gpu_layers, *[0] * (len(self.names) - 1))
        layers = self.header.shape.layers
        placement = placed(layers, counts, expert_layers_on_cpu)
        layer = kv_bytes(self.header.shape, context, kv_type) // layers
        cards = [
            Said(name, "gpu", (last - first) * layer + self.surplus, self.compute)
            for name, (first, last), count in zip(self.names, placement.ranges, counts, strict=True)
            if count
        ]
        return [*cards, Said("CPU", "cpu", placement.host_blocks * layer, 20 * MIB)]


@pytest.fixture(scope="module")
def engine() -> Iterator[NativeDryRun]:
    with closing(NativeDryRun()) as engine:
        yield engine


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shaped_model(tmp_path_factory.mktemp("m") / "m-Q4_K_M.gguf", REAL["r1-distill-qwen-14b"])


def planned(planner: Planner, path: Path, budget: Budget, asked: Asked | None = None) -> Plan:
    return planner.plan(path, gguf.check(path), budget, asked or Asked(), cancel=CancelToken())


# ---- with llama.cpp


@pytest.mark.parametrize(
    "name", [name for name in REAL if REAL[name].architecture != "bert" and not REAL[name].pooling]
)
def test_llama_cpp_confirms_every_architecture(name: str, tmp_path: Path, engine: NativeDryRun) -> None:
    path = shaped_model(tmp_path / f"{name}-Q4_K_M.gguf", REAL[name])
    plan = planned(Planner(engine, FIGURES), path, typical(1000), Asked(context=4096, kv_type="f16"))
    (host,) = plan.devices
    assert (plan.exact, plan.fits, plan.notes) == (True, True, ())
    assert plan.architecture == REAL[name].architecture
    assert host.weights == Weights.of_header(gguf.check(path)).total
    assert host.compute > 0
    if not REAL[name].ratios:
        assert host.kv == pytest.approx(kv_bytes(gguf.check(path).shape, 4096), rel=0.001)


def test_what_is_fixed_is_kept_and_the_rest_is_searched(qwen: Path, engine: NativeDryRun) -> None:
    planner = Planner(engine, FIGURES)
    free = planned(planner, qwen, typical(16))
    assert (free.options.context, free.options.kv_type, free.fits) == (16384, "q8_0", True)
    asked = planned(planner, qwen, typical(16), Asked(context=12288))
    assert (asked.options.context, asked.options.kv_type, asked.fits) == (12288, "f16", True)
    small = planned(planner, qwen, typical(64), Asked(context=4096, batch=64, slots=Slots(2)))
    large = planned(planner, qwen, typical(64), Asked(context=4096))
    assert small.devices[0].compute < large.devices[0].compute / 4
    assert (small.options.batch, small.options.sequences) == (64, 2)


def test_a_file_whose_weights_are_copied_anyway_is_not_mapped(qwen: Path, engine: NativeDryRun) -> None:
    """A processor with AVX2 gets the weights in another order: mapped, they would be in memory twice."""
    plain, fast = typical(16), replace(typical(16), instruction_sets=("avx2", "fma"))
    asked = Asked(context=8192, kv_type="f16")
    without, copied = (planned(Planner(engine, FIGURES), qwen, budget, asked) for budget in (plain, fast))
    assert copied.devices == without.devices
    assert (without.options.mapped, copied.options.mapped) == (True, False)


def test_a_cache_is_not_made_small_for_speed(qwen: Path, engine: NativeDryRun) -> None:
    assert planned(Planner(engine, FIGURES), qwen, typical(64)).options.kv_type == "f16"


def test_what_does_not_fit_is_told_all_the_same(qwen: Path, engine: NativeDryRun) -> None:
    plan = planned(Planner(engine, FIGURES), qwen, typical(8))
    assert (plan.fits, plan.exact) == (False, True)
    assert plan.devices[0].free is not None
    assert plan.total > plan.devices[0].free


def test_an_engine_without_cards_cannot_be_asked_about_them(qwen: Path, engine: NativeDryRun) -> None:
    plan = planned(Planner(engine, FIGURES), qwen, typical(32, 24))
    assert not plan.exact
    assert plan.options.gpu_layers == 49
    assert "no graphics card to ask about" in plan.notes[0].en


def test_layers_on_a_card_that_is_not_there(qwen: Path, engine: NativeDryRun) -> None:
    plan = planned(Planner(engine, FIGURES), qwen, typical(32), Asked(gpu_layers=-1))
    assert (plan.options.gpu_layers, plan.exact) == (0, True)
    assert "no graphics card here" in plan.notes[0].en


def test_a_context_beyond_what_the_model_was_trained_for(tmp_path: Path, engine: NativeDryRun) -> None:
    path = shaped_model(tmp_path / "m.gguf", REAL["math-7b"])
    plan = planned(Planner(engine, FIGURES), path, typical(64), Asked(context=100_000))
    assert plan.options.context == 4096
    assert "not trained for 100,000" in plan.notes[0].en


def test_v4_keeps_its_cache_in_f16(tmp_path: Path, engine: NativeDryRun) -> None:
    path = shaped_model(tmp_path / "m.gguf", REAL["v4-flash-0731"])
    plan = planned(Planner(engine, FIGURES), path, typical(256), Asked(kv_type="q8_0"))
    assert (plan.options.kv_type, plan.exact) == ("f16", True)
    assert "does not bear a quantised one" in plan.notes[0].en


def test_a_cancelled_plan_ends(qwen: Path, engine: NativeDryRun) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        Planner(engine, FIGURES).plan(qwen, gguf.check(qwen), typical(64), Asked(), cancel=cancel)


# ---- without it


class Broken:
    def measure(self, *_: object, **__: object) -> Sequence[Said]:
        raise EngineError(Phrase("The engine ended (signal 6).", "引擎已终止（信号 6）。"), code="engine_crashed")


@pytest.mark.parametrize(
    ("dry_run", "path", "note"),
    [(None, "m", "no engine to ask"), (Broken(), "m", "signal 6"), (Broken(), None, "this disk cannot hold")],
)
def test_without_llama_cpp_the_formulas_stand(
    qwen: Path, dry_run: Broken | None, path: str | None, note: str, engine: NativeDryRun
) -> None:
    plan = Planner(dry_run, FIGURES).plan(
        qwen if path else None, gguf.check(qwen), typical(64), Asked(), cancel=CancelToken()
    )
    exact = planned(Planner(engine, FIGURES), qwen, typical(64))
    assert not plan.exact
    assert note in plan.notes[0].en
    assert plan.notes[0].zh.startswith("按公式估算")
    assert plan.options == exact.options
    assert plan.total == pytest.approx(exact.total, rel=0.01)


def test_a_model_of_the_catalogue_without_its_header() -> None:
    model = CATALOG.find("r1-0528-qwen3-8b")
    weights = Weights.estimate(model.shape, model.files[0])
    plan = Planner(None, FIGURES).by_formula(model.shape, weights, typical(32, 24), Asked())
    assert (plan.exact, plan.fits, plan.options.gpu_layers) == (False, True, 37)
    assert [one.kind for one in plan.devices] == ["gpu", "cpu"]


# ---- with cards


def test_exact_sizes_of_a_card_take_the_place_of_the_formulas(qwen: Path) -> None:
    header = gguf.check(qwen)
    card = CardsOfOurOwn(header, 100 * MIB)
    plan = planned(Planner(card, FIGURES), qwen, with_names(typical(32, 24)))
    gpu, host = plan.devices
    assert (gpu.name, gpu.compute, gpu.overhead, host.name) == ("CUDA0", 100 * MIB, CUDA, "CPU")
    assert (host.compute, host.weights) == (20 * MIB, Weights.of_header(header).embedding)
    assert plan.exact
    assert len(card.asked) == 1


def test_more_than_predicted_means_fewer_layers(qwen: Path) -> None:
    """The formulas believe that it fits wholly; llama.cpp wants 3 GiB more for computing."""
    header, budget = gguf.check(qwen), with_names(typical(64, 14))
    assert (
        Planner(None, FIGURES).by_formula(header.shape, Weights.of_header(header), budget, Asked()).options.gpu_layers
        == 49
    )
    card = CardsOfOurOwn(header, 3 * GIB)
    plan = planned(Planner(card, FIGURES), qwen, budget, Asked(context=16384, kv_type="f16"))
    assert (plan.exact, plan.fits) == (True, True)
    assert 0 < plan.options.gpu_layers < 49
    assert plan.devices[0].compute == 3 * GIB
    assert plan.devices[0].total <= budget.gpus[0].usable
    assert len(card.asked) <= 4


def test_less_than_predicted_means_more_layers(qwen: Path) -> None:
    header, budget = gguf.check(qwen), with_names(typical(64, 10))
    asked = Asked(context=16384, kv_type="f16")
    formula = Planner(None, FIGURES).by_formula(header.shape, Weights.of_header(header), budget, asked)
    card = CardsOfOurOwn(header, 0)
    plan = planned(Planner(card, FIGURES), qwen, budget, asked)
    assert plan.options.gpu_layers >= formula.options.gpu_layers
    assert plan.devices[0].total <= budget.gpus[0].usable


def test_a_surprise_that_no_search_explains_ends_with_what_fits(qwen: Path) -> None:
    card = CardsOfOurOwn(gguf.check(qwen), 100 * MIB, surplus=40 * GIB)
    plan = planned(Planner(card, FIGURES), qwen, with_names(typical(64, 24)))
    assert (plan.exact, plan.fits, plan.options.gpu_layers) == (True, True, 0)
    assert len(card.asked) <= 8


def test_unequal_cards_by_name(qwen: Path) -> None:
    card = CardsOfOurOwn(gguf.check(qwen), 200 * MIB, names=("CUDA0", "CUDA1"))
    budget = with_names(typical(64, 12, 6))
    plan = planned(Planner(card, FIGURES), qwen, budget, Asked(context=16384))
    assert [one.name for one in plan.devices] == ["CUDA0", "CUDA1", "CPU"]
    assert sum(plan.options.gpu_split) == 49
    assert plan.options.gpu_split[0] > plan.options.gpu_split[1] > 0
    assert all(one.total <= (one.free or 0) for one in plan.devices)
    assert plan.devices[0].kv + plan.devices[1].kv == pytest.approx(kv_bytes(gguf.check(qwen).shape, 16384), abs=64)


class Learnt:
    """What loads on this machine have shown."""

    def __init__(self, **corrections: int) -> None:
        self.corrections = corrections

    def memory_correction(self, device: str, architecture: str) -> int:
        assert architecture == "qwen2"
        return self.corrections.get(device, 0)


def test_what_was_measured_here_corrects_the_plan(qwen: Path) -> None:
    header, budget = gguf.check(qwen), with_names(typical(64, 14))
    card = CardsOfOurOwn(header, 100 * MIB)
    usual = planned(Planner(card, FIGURES, Learnt()), qwen, budget, Asked(context=16384, kv_type="f16"))
    assert (usual.options.gpu_layers, usual.corrected) == (49, 0)
    more = planned(Planner(card, FIGURES, Learnt(CUDA0=2 * GIB)), qwen, budget, Asked(context=16384, kv_type="f16"))
    assert more.corrected == 2 * GIB
    assert more.options.gpu_layers < 49
    assert more.devices[0].total + 2 * GIB <= budget.gpus[0].usable


def test_experts_stay_in_main_memory_where_there_is_room(tmp_path: Path) -> None:
    path = shaped_model(tmp_path / "m.gguf", REAL["v4-flash-0731"])
    card = CardsOfOurOwn(gguf.check(path), 600 * MIB)
    plan = planned(Planner(card, FIGURES), path, with_names(typical(192, 24)))
    assert (plan.options.gpu_layers, plan.fits, plan.exact) == (44, True, True)
    assert 0 < plan.options.expert_layers_on_cpu < 43
    poor = planned(Planner(card, FIGURES), path, with_names(typical(64, 24)))
    assert not poor.fits
