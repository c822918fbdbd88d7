"""What is offered for chat, long documents, code and maths, why, and what the next better model would take."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from backends.core.phrase import NOTHING
from backends.models.advisor import Budget, Wish, advise, choice_for
from backends.models.beyond import next_need
from backends.models.catalog import Catalog, quant_in
from backends.models.experience import Experience, RunKey
from backends.models.machines import Figures
from backends.models.types import USES, Choice, RunOptions, Use
from backends.models.ways import ways
from backends.models.weights import Weights

GIB = 1 << 30
CATALOG, FIGURES = Catalog.load(), Figures.load()


def typical(ram: float, *vram: float) -> Budget:
    return Budget.typical(round(ram * GIB), [round(size * GIB) for size in vram], FIGURES)


def mac(memory: float) -> Budget:
    return Budget.typical_unified(round(memory * GIB), FIGURES)


def pick(budget: Budget, use: Use) -> Choice:
    found = advise(CATALOG, budget, Wish.of(use, figures=FIGURES)).pick
    assert found is not None
    return found


# ---- wishes


def test_long_documents_code_and_maths_want_more_context_than_chat() -> None:
    assert Wish.of("chat").context == 16384
    for use in ("documents", "code", "maths"):
        assert Wish.of(use).context >= 32768


def test_somebody_may_want_more_than_a_use_needs_and_in_chat_less() -> None:
    assert Wish.of("chat", 8192).context == 8192
    assert Wish.of("documents", 8192).context == 32768
    assert Wish.of("documents", 65536).context == 65536
    assert Wish.of("code", min_speed=3.0).min_speed == 3.0


# ---- picks by use


@pytest.mark.parametrize(
    ("use", "budget", "model"),
    [
        ("documents", typical(16, 6), "r1-distill-qwen-7b"),  # the smallest cache
        ("documents", typical(16, 8), "r1-0528-qwen3-8b"),
        ("documents", typical(32, 24), "r1-distill-qwen-32b"),
        ("code", typical(16, 8), "r1-0528-qwen3-8b"),
        ("code", typical(32, 24), "r1-distill-qwen-32b"),
        ("maths", typical(16, 8), "r1-0528-qwen3-8b"),
        ("maths", typical(32, 12), "r1-0528-qwen3-8b"),  # ahead of the 14B in the published benchmarks
        ("maths", typical(64, 48), "v4-flash-0731"),
        ("maths", typical(32, 48), "r1-distill-qwen-32b"),
    ],
)
def test_picks_by_use(use: Use, budget: Budget, model: str) -> None:
    assert pick(budget, use).model.id == model


@pytest.mark.parametrize(("ram", "vram"), [(16, 6), (16, 8), (32, 12), (32, 16), (32, 24)])
def test_documents_get_room(ram: int, vram: int) -> None:
    assert pick(typical(ram, vram), "documents").context >= 32768


@pytest.mark.parametrize("use", USES)
def test_a_reasoning_model_for_a_card_can_think_to_its_end(use: Use) -> None:
    for budget in (typical(16, 8), typical(32, 12), typical(32, 24)):
        assert pick(budget, use).context >= 16384


def test_an_answer_takes_as_long_as_its_use_makes_it() -> None:
    """Thinking about mathematics is several times as long as about a question in a chat."""
    model = CATALOG.find("r1-0528-qwen3-8b")
    file = quant_in(model, "Q4_K_M")
    seconds = [choice_for(model, typical(32, 24), Wish(16384, None, use), file).seconds_to_answer for use in USES]
    chat, documents, code, maths = seconds
    assert chat < code < maths
    assert documents < code


@pytest.mark.parametrize("use", USES)
def test_the_reason_names_the_use(use: Use) -> None:
    names = {"chat": ("chat", "对话"), "documents": ("long documents", "长文档"), "code": ("code", "编程"),
             "maths": ("mathematics", "数学")}  # fmt: skip
    reason = advise(CATALOG, typical(32, 24), Wish.of(use)).reason
    assert f"runs well here for {names[use][0]}: it takes" in reason.en
    assert f"最适合{names[use][1]}的模型" in reason.zh


# ---- the next better model


CASES = [typical(8), typical(16), typical(16, 6), typical(16, 8), typical(32, 12), typical(32, 24), typical(64, 24, 8)]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("budget", CASES)
def test_with_what_the_next_better_model_needs_it_runs(budget: Budget, use: Use) -> None:
    """And with half a gibibyte less it does not."""
    wish = Wish.of(use, figures=FIGURES)
    best = pick(budget, use)
    need = next_need(CATALOG.of_kind("chat"), best, budget, use, wish.context)
    assert need is not None
    assert need.model.scores.get(use, need.model.base_score) > best.model.scores.get(use, best.model.base_score)
    shape, weights = need.model.shape, Weights.estimate(need.model.shape, need.file)

    def runs(missing: int) -> bool:
        """In the way that was meant: with the whole context, and on the cards if those are what was told of."""
        if need.on_gpus:
            cards = max(1, len(budget.gpus))
            enough = Budget.typical(64 * GIB, [(need.memory - missing) // cards + 1] * cards, FIGURES)
        else:
            enough = replace(budget, host=replace(budget.host, free=need.memory - missing, margin=0))
        found = [
            way
            for way in ways(shape, weights, enough, wish.context)
            if (way.context, way.kv_type) == (min(wish.context, shape.context_train), "f16")
        ]
        return any(way.gpu_layers == shape.layers + 1 for way in found) if need.on_gpus else bool(found)

    assert runs(0)
    assert not runs(GIB // 2)


def test_the_sentence_about_the_next_better_model() -> None:
    advice = advise(CATALOG, typical(16, 8))
    assert advice.better.en == (
        "With 11.8 GiB of graphics memory DeepSeek R1 Distill Qwen 14B would run here in IQ4_XS: "
        "the next better model for chat."
    )
    assert advice.better.zh == "若有 11.8 GiB 显存，即可运行更适合对话的 DeepSeek R1 Distill Qwen 14B（IQ4_XS）。"


def test_what_needs_main_memory_is_told_so() -> None:
    """The experts of a large mixture may stay there."""
    better = advise(CATALOG, typical(32, 24)).better
    assert re.fullmatch(r"With \d\d\.\d GiB of free main memory DeepSeek V4 Flash.*UD-IQ3_XXS: .*", better.en)
    assert "of memory for graphics" in advise(CATALOG, mac(16)).better.en


def test_beyond_the_best_there_is_nothing() -> None:
    assert advise(CATALOG, mac(256)).better == NOTHING
    assert advise(CATALOG, typical(2)).better == NOTHING


# ---- what this machine has shown


@dataclass(frozen=True, slots=True)
class Seen:
    """Measured: everything on these devices is so many times as fast as predicted."""

    factor: float
    devices: tuple[str, ...]

    def speed_factor(self, devices: Sequence[str], architecture: str) -> float:
        return self.factor if tuple(devices) == self.devices and architecture == "qwen3" else 1.0


def test_measured_speed_corrects_the_prediction() -> None:
    model, budget = CATALOG.find("r1-0528-qwen3-8b"), typical(16, 8)
    before = choice_for(model, budget)
    after = choice_for(model, budget, experience=Seen(0.5, ("GPU 0",)))
    assert after.tokens_per_s == pytest.approx(before.tokens_per_s / 2)
    assert after.seconds_to_answer == pytest.approx(before.seconds_to_answer * 2)
    assert choice_for(model, budget, experience=Seen(0.5, ("CPU",))) == before


def test_a_machine_that_shows_to_be_slow_gets_a_smaller_model() -> None:
    usual = advise(CATALOG, typical(16))
    slow = advise(CATALOG, typical(16), experience=Seen(0.3, ("CPU",)))
    assert usual.pick is not None
    assert slow.pick is not None
    assert usual.pick.model.id == "r1-0528-qwen3-8b"
    assert slow.pick.model.id != "r1-0528-qwen3-8b"


def test_what_was_measured_is_found_again_by_the_names_of_the_devices(tmp_path: Path) -> None:
    experience = Experience(tmp_path / "experience.json")
    key = RunKey("a file", RunOptions(16384, gpu_layers=37), ("GPU 0",), "1.0", "qwen3", "R1")
    for _ in range(3):
        experience.record_speed(key, 40.0, 30.0)
    model, budget = CATALOG.find("r1-0528-qwen3-8b"), typical(16, 8)
    plain, learnt = choice_for(model, budget), choice_for(model, budget, experience=experience)
    assert learnt.tokens_per_s == pytest.approx(plain.tokens_per_s * 0.75)
    again = advise(CATALOG, budget, experience=Experience(tmp_path / "experience.json")).pick
    assert again is not None
    assert again.tokens_per_s == pytest.approx(learnt.tokens_per_s)
