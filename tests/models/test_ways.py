"""What lies where: cards of all sizes are filled without one of them overflowing, and every byte is somewhere once."""

import struct
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backends.core.cancel import CancelToken
from backends.engine.dry_run import NativeDryRun
from backends.models import gguf, sparse
from backends.models.budget import Budget
from backends.models.catalog import Catalog, quant_in
from backends.models.footprint import kv_bytes
from backends.models.machines import Figures
from backends.models.types import CatalogModel, RunOptions, Slots
from backends.models.ways import Asked, Way, placed, regardless, ways
from backends.models.weights import Weights
from tests.kit.ggufs import random_model
from tests.kit.headers import Kind, text
from tests.kit.real_models import REAL
from tests.kit.shapes import shaped_model

MIB, GIB = 1 << 20, 1 << 30
CATALOG, FIGURES = Catalog.load(), Figures.load()
CUDA = FIGURES.backends["cuda"].overhead


def found(model: str, quant: str, budget: Budget, context: int = 16384, asked: Asked | None = None) -> list[Way]:
    known = CATALOG.find(model)
    return list(ways(known.shape, inside(known, quant), budget, context, asked))


def inside(model: CatalogModel, quant: str) -> Weights:
    file = quant_in(model, quant)
    assert file is not None
    return Weights.estimate(model.shape, file)


def typical(ram: float, *vram: float) -> Budget:
    return Budget.typical(round(ram * GIB), [round(size * GIB) for size in vram], FIGURES)


def whole(found: list[Way], kv_type: str = "f16") -> Way:
    return next(way for way in found if way.kind == "whole" and way.kv_type == kv_type)


def overflowing(way: Way, budget: Budget) -> list[str]:
    return [
        one.name for one, card in zip(way.devices, budget.gpus, strict=False) if one.total > card.usable and one.total
    ]


# ---- several cards


def test_a_large_and_a_small_card_are_filled_to_the_same_share() -> None:
    budget = typical(64, 24, 8)
    way = whole(found("r1-distill-qwen-32b", "Q4_K_M", budget))
    assert sum(way.gpu_split) == 65
    large, small = (one.total / card.usable for one, card in zip(way.devices, budget.gpus, strict=False))
    assert large == pytest.approx(small, abs=0.06)  # a layer is some 350 MiB of the small card's 7 GiB
    assert way.gpu_split[0] > 3 * way.gpu_split[1]


def test_a_card_without_room_for_a_layer_gets_none() -> None:
    """llama.cpp would give it its share by what is free, and fail."""
    budget = typical(64, 1.6, 24)
    way = whole(found("r1-distill-qwen-32b", "Q4_K_M", budget, 8192))
    assert way.gpu_split == (0, 65)
    assert way.devices[0].total == 0
    assert way.devices[1].overhead == CUDA


def test_the_last_card_may_be_the_one_without_room() -> None:
    way = whole(found("r1-distill-qwen-32b", "Q4_K_M", typical(64, 24, 1.6), 8192))
    assert way.gpu_split == (65, 0)
    assert way.placement.output == 0


def test_eight_cards() -> None:
    budget = typical(64, *[8] * 8)
    way = whole(found("r1-distill-llama-70b", "Q4_K_M", budget))
    assert len(way.gpu_split) == 8
    assert sum(way.gpu_split) == 81
    assert max(way.gpu_split) == 11  # ten and a bit each
    assert not overflowing(way, budget)


def test_one_card_or_none_needs_no_split() -> None:
    assert whole(found("r1-0528-qwen3-8b", "Q4_K_M", typical(32, 24))).gpu_split == ()
    assert all(way.gpu_split == () for way in found("r1-0528-qwen3-8b", "Q4_K_M", typical(32)))


SIZES = st.lists(st.integers(1, 8 * 40).map(lambda eighths: eighths * GIB // 8), min_size=1, max_size=8)


@settings(max_examples=80, deadline=None)
@given(
    model=st.sampled_from(["r1-distill-qwen-32b", "r1-distill-llama-70b", "v2-lite-chat", "v4-flash-0731"]),
    cards=SIZES,
    ram=st.integers(1, 300),
    context=st.sampled_from([4096, 16384, 65536]),
)
@example(model="v4-flash-0731", cards=[24 * GIB, 2 * GIB], ram=200, context=16384)
def test_no_card_ever_overflows_and_every_byte_is_somewhere_once(
    model: str, cards: list[int], ram: int, context: int
) -> None:
    budget = Budget.typical(ram * GIB, cards, FIGURES)
    known = CATALOG.find(model)
    weights = Weights.estimate(known.shape, known.files[0])
    for way in ways(known.shape, weights, budget, context):
        assert not overflowing(way, budget)
        assert way.devices[-1].total <= budget.host.usable
        assert sum(one.weights for one in way.devices) == weights.total
        memory = way.memory
        assert memory.total == memory.weights + memory.kv + memory.compute + memory.overhead
        assert memory.total == memory.host + sum(memory.per_gpu)
        assert 0 < way.filling <= 1.0
        if len(cards) > 1 and way.gpu_layers:
            assert sum(way.gpu_split) == way.gpu_layers
            assert len(way.gpu_split) == len(cards)


@settings(max_examples=60, deadline=None)
@given(cards=SIZES, which=st.integers(0, 7), more=st.integers(0, 8 * 24))
def test_more_on_any_card_is_never_a_step_back(cards: list[int], which: int, more: int) -> None:
    """As many layers on the cards as before, at least, and none of them fuller."""
    larger = list(cards)
    larger[which % len(cards)] += more * GIB // 8
    less, then = (
        found("r1-distill-qwen-32b", "Q4_K_M", Budget.typical(64 * GIB, sizes, FIGURES)) for sizes in (cards, larger)
    )
    before, after = (max((way.gpu_layers for way in one if way.kv_type == "f16"), default=0) for one in (less, then))
    assert after >= before
    if before == after == 65:
        assert whole(then).filling <= whole(less).filling + 2**-9


# ---- mixtures of experts


def test_experts_leave_the_card_before_anything_else_does() -> None:
    budget = typical(128, 24)
    way = next(way for way in found("v4-flash-0731", "UD-IQ3_XXS", budget) if way.placement.expert_layers_on_cpu)
    assert way.gpu_layers == 44
    assert 0 < way.placement.expert_layers_on_cpu < 43
    assert way.placement.host_blocks == 0
    one_more = replace(way.placement, expert_layers_on_cpu=way.placement.expert_layers_on_cpu - 1)
    weights = inside(CATALOG.find("v4-flash-0731"), "UD-IQ3_XXS")
    on_card = weights.on(one_more)[1][0] - weights.on(way.placement)[1][0] + way.devices[0].total
    assert on_card > budget.gpus[0].usable  # as few as must be


def test_experts_that_main_memory_cannot_hold_are_no_way() -> None:
    assert not found("v4-flash-0731", "UD-IQ3_XXS", typical(64, 24))
    assert found("v4-flash-0731", "UD-IQ3_XXS", typical(64, 48, 24))  # 72 GB of cards hold the rest of them


def test_experts_over_two_cards() -> None:
    budget = typical(128, 24, 16)
    way = next(way for way in found("v4-flash-0731", "UD-IQ3_XXS", budget) if way.placement.expert_layers_on_cpu)
    assert sum(way.gpu_split) == 44
    assert not overflowing(way, budget)
    # Layers without their experts are small, so the first card gets most of them.
    assert way.gpu_split[0] > way.gpu_split[1]


# ---- what is fixed


def test_what_is_asked_for_is_kept() -> None:
    asked = Asked(context=4096, kv_type="q8_0", gpu_layers=20, slots=Slots(3, 32, 15), batch=256)
    (way,) = found("r1-distill-qwen-14b", "Q4_K_M", typical(32, 24), asked=asked)
    shape = CATALOG.find("r1-distill-qwen-14b").shape
    options = way.options(asked, shape)
    assert options == RunOptions(4096, "q8_0", 20, batch=256, sequences=32, outputs=48, parallel=3)
    assert way.placement.host_blocks == 29  # of 48 and the output layer


def test_a_smaller_batch_takes_less() -> None:
    usual, small = (
        whole(found("r1-distill-qwen-14b", "Q4_K_M", typical(32, 24), asked=Asked(batch=batch))) for batch in (512, 128)
    )
    assert usual.memory.compute == pytest.approx(4 * small.memory.compute, rel=0.01)


def test_no_more_context_than_the_model_has() -> None:
    (way,) = found("r1-0528-qwen3-8b", "Q4_K_M", typical(64), asked=Asked(context=1 << 20, kv_type="f16"))
    assert way.context == 131072


def test_layers_that_do_not_fit_are_no_way_but_can_be_told() -> None:
    asked, model = Asked(context=8192, kv_type="f16", gpu_layers=65), CATALOG.find("r1-distill-qwen-32b")
    budget = typical(64, 8, 8)
    assert not found(model.id, "Q4_K_M", budget, asked=asked)
    way = regardless(model.shape, inside(model, "Q4_K_M"), budget, 16384, asked)
    assert (way.gpu_layers, sum(way.gpu_split), way.context, way.kv_type) == (65, 65, 8192, "f16")
    assert overflowing(way, budget)


def test_of_the_last_layers_the_output_is_the_very_last() -> None:
    placement = placed(28, (3, 2), 0)
    assert placement.ranges == ((24, 27), (27, 28))
    assert (placement.host_blocks, placement.output) == (24, 1)
    assert placed(28, (29, 0), 0).output == 0
    assert placed(28, (28, 1), 0).ranges == ((0, 28), (28, 28))


# ---- weights


def test_layers_for_drafts_are_not_loaded(tmp_path: Path) -> None:
    header = gguf.check(random_model(tmp_path / "m.gguf", "qwen2"))
    fewer = replace(header, shape=replace(header.shape, layers=1))
    last = sum(tensor.size for tensor in header.tensors if tensor.name.startswith("blk.1."))
    assert Weights.of_header(fewer).total == Weights.of_header(header).total - last


def test_a_shared_embedding_is_copied_to_the_card_alone(tmp_path: Path) -> None:
    header = gguf.check(random_model(tmp_path / "m.gguf", "qwen2"))
    tensors = tuple(one for one in header.tensors if one.name != "output.weight")
    weights = Weights.of_header(replace(header, container=replace(header.container, tensors=tensors)))
    size = sum(tensor.size for tensor in tensors)
    assert weights.on(placed(2, (0,), 0)) == (size, (0,))
    in_host, (on_card,) = weights.on(placed(2, (3,), 0))
    assert in_host + on_card == size + weights.embedding
    assert in_host == weights.embedding


@pytest.mark.parametrize(("name", "layers"), [("v3", 3), ("v3.2", 3), ("v4-flash-0731", 4)])
def test_llama_cpp_leaves_layers_for_drafts_out(name: str, layers: int, tmp_path: Path) -> None:
    """As many layers have a cache as llama.cpp says. A V4 file has such a layer only where its tensors are there."""
    usual = shaped_model(tmp_path / "usual.gguf", REAL[name].small(layers=4, vocabulary=1024))
    with usual.open("rb") as file:
        head = file.read(gguf.read_header(usual).container.data_start)
    (count,) = struct.unpack_from("<Q", head, 16)
    entry = text(f"{REAL[name].architecture}.nextn_predict_layers") + struct.pack("<II", Kind.UINT32, 1)
    head = head[:16] + struct.pack("<Q", count + 1) + entry + head[24:]
    path = tmp_path / "m.gguf"
    sparse.write(path, head, usual.stat().st_size + 1024)
    header = gguf.check(path)
    assert header.shape.layers == layers
    with closing(NativeDryRun()) as engine:
        (said,) = engine.measure(
            path, context=4096, kv_type="f16", gpu_layers=0, expert_layers_on_cpu=0, gpu_split=(), batch=512,
            sequences=1, outputs=1, embeddings=False, cancel=CancelToken(),
        )  # fmt: skip
    assert said.kv == pytest.approx(kv_bytes(header.shape, 4096), rel=0.001)
