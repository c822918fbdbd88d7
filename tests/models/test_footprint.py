"""Memory: the formulas against what llama.cpp's own allocator said, and where the bytes go."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.models import gguf
from backends.models.catalog import Catalog, quant_in
from backends.models.footprint import compute_bytes, kv_bytes, place, plan
from backends.models.machines import Figures
from backends.models.types import MemoryPlan, Shape
from backends.models.weights import Weights
from tests.kit.ggufs import Shape as Made
from tests.kit.ggufs import random_model

MIB, GIB = 1 << 20, 1 << 30
CATALOG, FIGURES = Catalog.load(), Figures.load()
PLENTY = (1 << 50,)
CUDA = FIGURES.backends["cuda"].overhead


def shape(model: str) -> Shape:
    return CATALOG.find(model).shape


V2 = Shape(
    "deepseek2", 60, 5120, 12288, 128, 1, 576, 512, 102400, 163840, kv_lora_rank=512, rope_dimensions=64, mla=True
)
V3 = replace(V2, layers=61, embedding=7168, feed_forward=18432, vocabulary=129280)
SHAPES = {
    "Qwen-1.5B": shape("r1-distill-qwen-1.5b"),
    "Qwen-7B": shape("r1-distill-qwen-7b"),
    "Llama-8B": shape("r1-distill-llama-8b"),
    "0528-Qwen3-8B": shape("r1-0528-qwen3-8b"),
    "Qwen-14B": shape("r1-distill-qwen-14b"),
    "Qwen-32B": shape("r1-distill-qwen-32b"),
    "Llama-70B": shape("r1-distill-llama-70b"),
    "V2-Lite": replace(shape("v2-lite-chat"), mla=True),
    "V2-Lite, legacy": shape("v2-lite-chat"),
    "V2": V2,
    "V3": V3,
    "V3, legacy": replace(V3, mla=False, kv_heads=128, key_length=192, value_length=128),
    "V3.2": replace(V3, architecture="deepseek32", indexer_key_length=128),
    "V4-Flash": shape("v4-flash-0731"),
}

# Measured with no_alloc, f16 cache, flash attention, one output row: MiB of cache at 8k and 32k tokens, of the compute
# buffer at 8k and 32k, and at 32k with a ubatch of 2048.
MEASURED = [
    ("Qwen-1.5B", 224, 896, 73, 97, 386),
    ("Qwen-7B", 448, 1792, 147, 171, 684),
    ("Llama-8B", 1024, 4096, 124, 148, 592),
    ("0528-Qwen3-8B", 1152, 4608, 112, 136, 544),
    ("Qwen-14B", 1536, 6144, 129, 153, 612),
    ("Qwen-32B", 2048, 8192, 210, 234, 936),
    ("Llama-70B", 2560, 10240, 240, 264, 1056),
    ("V2-Lite", 243, 972, 97, 121, 484),
    ("V2-Lite, legacy", 2160, 8640, None, None, None),
    ("V2", 540, 2160, 400, 424, 1696),
    ("V3", 549, 2196, 416, 440, 1760),
    ("V3, legacy", 39040, 156160, None, None, None),
    ("V3.2", 671, 2684, 668, 798, 3192),
    ("V4-Flash", 101.4, 259, 263.7, 300, 1108),
]

# GiB on the GPU with all layers offloaded: weights without the token embedding, cache, compute buffer, 0.45 for CUDA.
# At 8k f16, 32k f16, 32k q8_0, 64k q8_0; then GiB in main memory.
OFFLOADED = """
Qwen-1.5B Q4_K_M 1.12 1.7 2.3 1.9 2.4 0.12
Qwen-1.5B Q6_K 1.46 1.9 2.6 2.2 2.7 0.18
Qwen-1.5B Q8_0 1.89 2.3 2.9 2.5 3.0 0.23
Qwen-7B Q3_K_M 3.81 4.4 5.7 4.9 5.8 0.22
Qwen-7B IQ4_XS 4.22 4.7 6.0 5.2 6.2 0.27
Qwen-7B Q4_K_M 4.68 5.1 6.4 5.6 6.6 0.29
Qwen-7B Q5_K_M 5.44 5.7 7.1 6.3 7.2 0.35
Qwen-7B Q6_K 6.25 6.4 7.8 7.0 7.9 0.42
Qwen-7B Q8_0 8.10 8.0 9.4 8.6 9.5 0.54
Llama-8B Q4_K_M 4.92 5.9 8.9 7.0 9.2 0.28
Llama-8B Q5_K_M 5.73 6.6 9.6 7.7 9.9 0.34
Llama-8B Q6_K 6.60 7.3 10.3 8.5 10.6 0.40
Llama-8B Q8_0 8.54 9.0 12.0 10.2 12.3 0.52
0528-Qwen3-8B Q4_K_M 5.03 6.0 9.4 7.3 9.8 0.33
0528-Qwen3-8B Q6_K 6.73 7.5 10.9 8.8 11.2 0.48
0528-Qwen3-8B Q8_0 8.71 9.2 12.6 10.5 12.9 0.62
Qwen-14B IQ3_M 6.92 8.2 12.7 9.9 13.1 0.31
Qwen-14B IQ4_XS 8.12 9.3 13.8 11.0 14.2 0.39
Qwen-14B Q4_K_M 8.99 10.0 14.6 11.8 15.0 0.41
Qwen-14B Q5_K_M 10.50 11.4 15.9 13.1 16.3 0.50
Qwen-14B Q6_K 12.10 12.8 17.3 14.5 17.7 0.59
Qwen-32B IQ2_M 11.30 12.9 18.9 15.1 19.4 0.31
Qwen-32B Q3_K_M 15.90 17.2 23.2 19.4 23.7 0.31
Qwen-32B IQ4_XS 17.70 18.8 24.8 21.0 25.3 0.39
Qwen-32B Q4_K_M 19.90 20.8 26.8 23.1 27.3 0.41
Qwen-32B Q5_K_M 23.30 23.9 29.9 26.1 30.4 0.50
Qwen-32B Q6_K 26.90 27.1 33.1 29.4 33.7 0.59
Qwen-32B Q8_0 34.80 34.3 40.3 36.6 40.8 0.77
Llama-70B Q2_K 26.40 27.4 35.0 30.3 35.6 0.32
Llama-70B Q3_K_M 34.30 34.7 42.2 37.5 42.9 0.42
Llama-70B IQ4_XS 37.90 38.0 45.5 40.8 46.1 0.52
Llama-70B Q4_K_M 42.50 42.2 49.7 45.1 50.4 0.55
Llama-70B Q5_K_M 49.90 49.0 56.5 51.8 57.2 0.67
V2-Lite,legacy Q4_K_M 10.40 12.2 18.6 14.6 19.1 0.11
V2-Lite,legacy Q6_K 14.10 15.6 22.0 18.0 22.5 0.16
V2-Lite,legacy Q8_0 16.70 18.0 24.4 20.4 24.9 0.21
V2-Lite Q4_K_M 10.40 10.4 11.1 10.6 11.2 0.11
V2-Lite Q8_0 16.70 16.1 16.9 16.4 17.0 0.21
"""


@pytest.mark.parametrize(("model", "at_8k", "at_32k", "buffer_8k", "buffer_32k", "wide"), MEASURED)
def test_cache_and_compute_buffer_are_those_of_llama_cpp(
    model: str, at_8k: int | None, at_32k: int, buffer_8k: int | None, buffer_32k: int | None, wide: int | None
) -> None:
    made = SHAPES[model]
    assert kv_bytes(made, 32768) / MIB == pytest.approx(at_32k, abs=0.6)
    if at_8k:
        assert kv_bytes(made, 8192) / MIB == pytest.approx(at_8k, abs=0.6)
    if buffer_32k:
        assert compute_bytes(made, 32768, FIGURES) / MIB == pytest.approx(buffer_32k, abs=0.6)
    if buffer_8k:
        assert compute_bytes(made, 8192, FIGURES) / MIB == pytest.approx(buffer_8k, abs=0.6)
    if wide:
        assert compute_bytes(made, 32768, FIGURES, ubatch=2048) / MIB == pytest.approx(wide, abs=0.6)


def test_v4_keeps_little_however_long_the_context() -> None:
    v4 = SHAPES["V4-Flash"]
    assert kv_bytes(v4, 131072) / GIB == pytest.approx(0.883, abs=0.001)
    assert kv_bytes(v4, 1 << 20) / 1e9 == pytest.approx(6.9, rel=0.06)
    assert compute_bytes(v4, 131072, FIGURES) / MIB == pytest.approx(413, abs=0.6)
    assert compute_bytes(v4, 1 << 20, FIGURES) / MIB == pytest.approx(1781, abs=0.6)


def test_a_quantised_cache_takes_17_of_32_parts() -> None:
    assert kv_bytes(SHAPES["Qwen-7B"], 8192, "q8_0") == kv_bytes(SHAPES["Qwen-7B"], 8192) * 17 // 32


def test_contexts_come_in_groups_of_cells() -> None:
    assert kv_bytes(SHAPES["Qwen-7B"], 8193) == kv_bytes(SHAPES["Qwen-7B"], 8448)


@pytest.mark.parametrize("row", OFFLOADED.strip().splitlines())
def test_full_offload(row: str) -> None:
    name, quant, size, *wanted, host = row.split()
    name = name.replace(",", ", ")
    model = next(one for one in CATALOG.models if replace(one.shape, mla=SHAPES[name].mla) == SHAPES[name])
    file = quant_in(model, quant)
    assert file
    weights = Weights.estimate(SHAPES[name], replace(file, size=round(float(size) * 1e9)))
    ways = [(8192, "f16"), (32768, "f16"), (32768, "q8_0"), (65536, "q8_0")]
    for (context, kv_type), gib in zip(ways, wanted, strict=True):
        memory = plan(
            SHAPES[name], weights, context=context, kv_type=kv_type, gpu_layers=999, figures=FIGURES,
            free=PLENTY, overheads=(CUDA,),
        )  # fmt: skip
        assert memory.per_gpu[0] / GIB == pytest.approx(float(gib), abs=0.1)
        assert memory.host / GIB == pytest.approx(float(host), abs=0.01)


# ---- where the bytes go


def test_weights_of_a_file_are_those_of_its_tensors(tmp_path: Path) -> None:
    header = gguf.check(random_model(tmp_path / "m.gguf", "deepseek2"))
    weights = Weights.of_header(header)
    assert weights.total == sum(tensor.size for tensor in header.tensors)
    assert weights.embedding == 512 * 128 * 2
    assert weights.output == 512 * 128 * 2 + 128 * 4
    assert weights.experts[1] == 0  # the first block is dense
    assert weights.experts[2] == 3 * 4 * 128 * 128 * 2


def test_without_an_output_matrix_the_embedding_is_there_twice(tmp_path: Path) -> None:
    header = gguf.check(random_model(tmp_path / "m.gguf", "qwen2"))
    tied = replace(
        header,
        container=replace(
            header.container, tensors=tuple(one for one in header.tensors if one.name != "output.weight")
        ),
    )
    assert Weights.of_header(tied).output == Weights.of_header(header).output
    assert Weights.of_header(tied).total == Weights.of_header(header).total


def test_the_estimate_before_the_download_is_near_the_truth(tmp_path: Path) -> None:
    made = Made(layers=4, width=256, heads=8, kv_heads=2, head=32, ff=512, vocabulary=2048, experts=8, mla=False)
    header = gguf.check(random_model(tmp_path / "m.gguf", "deepseek2", shape=made))
    exact = Weights.of_header(header)
    file = replace(CATALOG.find("v2-lite-chat").files[0], size=exact.total, embedding_bits=16.0, dense_size=None)
    guess = Weights.estimate(header.shape, file)
    assert guess.total == exact.total
    assert guess.embedding == pytest.approx(exact.embedding, rel=0.01)
    assert guess.experts[-1] == pytest.approx(exact.experts[-1], rel=0.15)
    assert guess.blocks[-1] == pytest.approx(exact.blocks[-1], rel=0.35)


def test_of_one_offloaded_layer_it_is_the_output() -> None:
    assert place(28, 1, 0, PLENTY).output == 0
    assert place(28, 1, 0, PLENTY).host_blocks == 28
    assert place(28, 0, 0, PLENTY).output is None
    assert place(28, 29, 0, PLENTY).ranges == ((0, 28),)
    assert place(28, 999, 0, ()).host_blocks == 28


def test_unequal_cards_share_by_what_is_free() -> None:
    placement = place(64, 65, 0, (24 * GIB, 8 * GIB))
    assert placement.ranges == ((0, 49), (49, 64))
    assert placement.output == 1
    assert place(64, 65, 0, (0, 8 * GIB)).ranges == ((0, 0), (0, 64))


def test_experts_in_main_memory() -> None:
    model = CATALOG.find("v4-flash-0731")
    weights = Weights.estimate(model.shape, model.files[0])
    whole, kept = (_v4_plan(model.shape, weights, count) for count in (0, 43))
    assert whole.total == kept.total - compute_bytes(model.shape, 16384, FIGURES)
    assert whole.per_gpu[0] - kept.per_gpu[0] == weights.experts[-1]
    assert kept.per_gpu[0] / 1e9 == pytest.approx(7.4 + 0.5 + 0.3 + 0.2, abs=0.4)


def _v4_plan(made: Shape, weights: Weights, experts: int) -> MemoryPlan:
    return plan(
        made, weights, context=16384, kv_type="f16", gpu_layers=44, figures=FIGURES, expert_layers_on_cpu=experts,
        free=PLENTY, overheads=(CUDA,),
    )  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    name=st.sampled_from(sorted(SHAPES)),
    gpu_layers=st.integers(0, 90),
    experts=st.integers(0, 90),
    free=st.lists(st.integers(0, 80), max_size=4),
    context=st.sampled_from([256, 4096, 16384, 100_000]),
)
def test_every_byte_is_somewhere_and_only_once(
    name: str, gpu_layers: int, experts: int, free: list[int], context: int
) -> None:
    made = SHAPES[name]
    file = replace(CATALOG.models[0].files[0], size=10_000_000_000, embedding_bits=4.5)
    weights = Weights.estimate(made, file)
    memory = plan(
        made, weights, context=context, kv_type="f16", gpu_layers=gpu_layers, figures=FIGURES,
        expert_layers_on_cpu=experts, free=[size * GIB for size in free], overheads=[CUDA] * len(free),
    )  # fmt: skip
    assert weights.total == file.size
    assert memory.total == memory.weights + memory.kv + memory.compute + memory.overhead
    assert memory.total == memory.host + sum(memory.per_gpu)
    assert memory.weights == file.size
    assert memory.kv == kv_bytes(made, context)
