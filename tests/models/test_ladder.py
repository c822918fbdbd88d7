"""When a load fails, what comes next has less of what was lacking, costs as little as may be, and says so."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.models.budget import Budget
from backends.models.catalog import Catalog
from backends.models.ladder import LEAST_CONTEXT, Failed, Failure, Fixed, OnDisk, Rung, Step, failure_of, rungs, step
from backends.models.types import LocalModel, RunOptions
from backends.models.weights import Weights

GIB = 1 << 30
CATALOG = Catalog.load()


def on_disk(reference: str) -> OnDisk:
    model, file = CATALOG.file(reference)
    local = LocalModel(
        id=reference,
        name=model.name,
        path=Path(f"/models/{reference}.gguf"),
        size=file.size,
        architecture=model.shape.architecture,
        quant=file.quant,
        context_train=model.shape.context_train,
        catalog_id=model.id,
        sha256=None,
        source=model.repo,
        verified=True,
    )
    weights = Weights.estimate(model.shape, file)
    return OnDisk(local, model.shape, weights, file.divergence, model.quant_sensitivity)


Q4, Q6, IQ4 = (on_disk(f"r1-0528-qwen3-8b:{quant}") for quant in ("Q4_K_M", "Q6_K", "IQ4_XS"))
CARD, LAPTOP = Budget.typical(32 * GIB, [12 * GIB]), Budget.typical(16 * GIB)
ON_CARD, ON_CPU = RunOptions(16384, gpu_layers=37), RunOptions(16384)


def ladder(
    file: OnDisk,
    options: RunOptions,
    budget: Budget,
    failure: Failure,
    others: Sequence[OnDisk] = (),
    fixed: Fixed | None = None,
) -> list[Rung]:
    start = step(file, options, budget)
    return list(rungs(start, [Failed(start, failure)], budget, others, fixed))


def test_a_card_that_is_too_small_costs_little_at_first() -> None:
    """The cache, then the context or the layers, the processor alone at last."""
    found = ladder(Q4, ON_CARD, CARD, "gpu_memory")
    first, last = found[0], found[-1]
    assert first.options == replace(ON_CARD, kv_type="q8_0")
    assert first.change.en == "It goes on with the cache in q8_0 instead of f16."
    assert first.cost.en == "The smaller cache loses very little."
    assert last.options.gpu_layers == 0
    assert "the processor alone" in last.change.en
    assert "仅使用处理器" in last.change.zh
    assert "tokens per second" in last.cost.en
    assert 3 <= len(found) <= 8
    assert any(0 < rung.options.gpu_layers < 37 for rung in found)


def test_too_little_main_memory_is_not_helped_by_the_card() -> None:
    found = ladder(Q4, ON_CPU, LAPTOP, "host_memory")
    assert [(rung.options.context, rung.options.kv_type) for rung in found] == [
        (16384, "q8_0"),
        (8192, "q8_0"),
        (4096, "q8_0"),
    ]
    assert found[1].change.zh == "改为：上下文 8,192 个 token（原为 16,384）。"
    assert found[1].cost.en == "The conversation may be 8,192 tokens shorter."


def test_a_smaller_quant_on_this_disk_is_a_rung_and_says_what_it_loses() -> None:
    found = ladder(Q6, ON_CPU, LAPTOP, "host_memory", [Q4])
    smaller = next(rung for rung in found if rung.model is Q4.model)
    assert "Q4_K_M instead of Q6_K" in smaller.change.en
    assert "a little less exact" in smaller.cost.en
    assert "略欠精确" in smaller.cost.zh
    assert all(rung.model is Q4.model for rung in found[found.index(smaller) :])
    assert not any(rung.model is Q6.model for rung in ladder(Q4, ON_CPU, LAPTOP, "host_memory", [Q6]))


def test_what_the_person_fixed_is_given_up_last() -> None:
    found = ladder(Q6, ON_CPU, LAPTOP, "host_memory", [Q4], Fixed(context=16384))
    assert found[0].model is Q4.model
    assert not found[0].gives_up
    kept = [rung.options.context >= 16384 for rung in found]
    assert kept == sorted(kept, reverse=True)
    assert [not rung.gives_up for rung in found] == kept
    assert False in kept
    fixed = ladder(Q4, ON_CARD, CARD, "gpu_memory", fixed=Fixed(kv_type="f16", gpu_layers=37))
    assert fixed[0].options == replace(ON_CARD, context=8192)
    assert [rung.gives_up for rung in fixed] == sorted(rung.gives_up for rung in fixed)


def test_what_crashed_on_a_card_is_tried_lighter_then_on_the_processor() -> None:
    found = ladder(Q4, ON_CARD, CARD, "crash")
    assert found[0].options == replace(ON_CARD, context=8192)
    assert found[1].options.gpu_layers == 0
    assert 2 <= len(found) <= 3


def test_a_file_that_crashes_everywhere_gives_way_to_another() -> None:
    found = ladder(Q4, ON_CPU, LAPTOP, "crash", [IQ4])
    assert found[0].model is IQ4.model
    assert found[0].options == ON_CPU
    assert len(found) <= 4


def test_what_the_engine_cannot_run_is_not_tried_again() -> None:
    assert ladder(Q4, ON_CARD, CARD, "unsupported", [IQ4]) == []


def test_a_quantised_cache_is_not_for_every_architecture() -> None:
    model = next(model for model in CATALOG.models if model.shape.architecture == "deepseek4")
    budget = Budget.typical(512 * GIB, [80 * GIB])
    file = on_disk(f"{model.id}:{model.files[0].quant}")
    start = RunOptions(16384, gpu_layers=model.shape.layers + 1, expert_layers_on_cpu=20)
    found = ladder(file, start, budget, "gpu_memory")
    assert found
    assert {rung.options.kv_type for rung in found} == {"f16"}
    assert any(rung.options.expert_layers_on_cpu > 20 for rung in found)
    assert any("experts" in rung.change.en and "专家" in rung.change.zh for rung in found)


def test_layers_leave_two_cards_evenly() -> None:
    budget = Budget.typical(64 * GIB, [8 * GIB, 4 * GIB])
    found = ladder(Q4, replace(ON_CARD, gpu_split=(25, 12), kv_type="q8_0"), budget, "gpu_memory")
    split = [rung.options.gpu_split for rung in found if 0 < rung.options.gpu_layers < 37]
    assert split
    for first, second in split:
        assert first / (first + second) == pytest.approx(25 / 37, abs=0.06)
    assert [rung.options.gpu_split for rung in found if rung.options.gpu_layers == 0] == [()]


def test_the_second_failure_may_be_another_one() -> None:
    """First the card was too small, then main memory for what had left it."""
    start = step(Q6, ON_CARD, CARD)
    first = next(rungs(start, [Failed(start, "gpu_memory")], CARD, [Q4]))
    layers = step(Q6, replace(ON_CARD, gpu_layers=18), CARD)
    found = list(rungs(start, [Failed(start, "gpu_memory"), Failed(layers, "host_memory")], CARD, [Q4]))
    assert first.step.on_gpus < start.on_gpus
    assert found
    for rung in found:
        assert rung.step.on_host < layers.on_host
        assert rung.step.on_gpus < start.on_gpus


@pytest.mark.parametrize(
    ("options", "code", "words", "expected"),
    [
        (ON_CARD, "engine_crashed", "GGML_ASSERT(x)", "crash"),
        (ON_CARD, "load_failed", "wrong shape", "crash"),
        (ON_CARD, "out_of_memory", "unable to allocate CUDA0 buffer", "gpu_memory"),
        (ON_CARD, "out_of_memory", "bad_alloc", "gpu_memory"),
        (replace(ON_CARD, gpu_layers=2), "out_of_memory", "bad_alloc", "host_memory"),
        (replace(ON_CARD, gpu_layers=2), "out_of_memory", "unable to allocate CUDA0 buffer", "gpu_memory"),
        (ON_CPU, "out_of_memory", "unable to allocate CUDA0 buffer", "host_memory"),
    ],
)
def test_what_was_lacking(options: RunOptions, code: str, words: str, expected: str) -> None:
    (gpu,) = CARD.gpus
    budget = replace(CARD, gpus=(replace(gpu, engine="CUDA0"),), host=replace(CARD.host, free=8 * GIB))
    assert failure_of(step(Q4, options, budget), code, words, budget) == expected


QUANTS = st.sampled_from([Q4, Q6, IQ4, on_disk("v2-lite-chat:Q4_K_M"), on_disk("r1-distill-qwen-1.5b:Q8_0")])
OPTIONS = st.builds(
    RunOptions,
    context=st.sampled_from([1024, 4096, 5000, 8192, 16384, 131072]),
    kv_type=st.sampled_from(["f16", "q8_0"]),
    gpu_layers=st.integers(-1, 40),
    expert_layers_on_cpu=st.integers(0, 26),
)
BUDGETS = st.one_of(
    st.builds(
        Budget.typical,
        st.integers(4, 128).map(GIB.__mul__),
        st.lists(st.integers(2, 48).map(GIB.__mul__), max_size=2),
    ),
    st.builds(Budget.typical_unified, st.integers(8, 128).map(GIB.__mul__)),
)
FIXED = st.builds(
    Fixed,
    context=st.sampled_from([None, 8192]),
    kv_type=st.sampled_from([None, "f16"]),
    gpu_layers=st.sampled_from([None, 12]),
)


@given(QUANTS, OPTIONS, BUDGETS, st.sampled_from(["gpu_memory", "host_memory", "crash"]), st.booleans(), FIXED)
def test_every_ladder_ends_and_goes_down(
    file: OnDisk, options: RunOptions, budget: Budget, failure: Failure, with_other: bool, fixed: Fixed
) -> None:
    others = [IQ4] if with_other and file in (Q4, Q6) else []
    start = step(file, options, budget)
    found = list(rungs(start, [Failed(start, failure)], budget, others, fixed))
    ways = [(rung.model.path, rung.options) for rung in found]
    assert len(set(ways)) == len(ways) <= 12
    assert (file.model.path, options) not in ways
    before: Step = start
    for rung in found:
        here = rung.step
        assert min(LEAST_CONTEXT, options.context) <= rung.options.context <= before.options.context
        assert (here.on_host, before.options.kv_type) <= (budget.host.usable, rung.options.kv_type)
        assert here.on_gpus <= before.on_gpus
        if failure != "crash":
            lacking = "on_gpus" if failure == "gpu_memory" else "on_host"
            assert getattr(here, lacking) < getattr(before, lacking)
        assert rung.change.en
        assert rung.change.zh
        assert rung.cost.en
        assert rung.cost.zh
        before = here
    assert [rung.gives_up for rung in found] == sorted(rung.gives_up for rung in found)
