"""The formulas against llama.cpp's own allocator, asked with `no_alloc` about files of the real shapes."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.engine import native, room
from backends.engine.abilities import abilities
from backends.engine.dry_run import NativeDryRun
from backends.engine.protocol import LONGEST_DRAFT, MOST_PARALLEL, MOST_SEQUENCES
from backends.hardware import cpu
from backends.models import gguf
from backends.models.catalog import Catalog
from backends.models.footprint import compute_bytes, kv_bytes, place, repacked
from backends.models.machines import Figures
from backends.models.types import KvType, Shape, Slots
from backends.models.weights import Weights
from tests.kit.real_models import REAL, real
from tests.kit.shapes import shaped_model

MIB = 1 << 20
FIGURES = Figures.load()
DENSE = ("r1-distill-qwen-1.5b", "r1-0528-qwen3-8b", "r1-distill-llama-8b", "r1-distill-llama-70b", "math-7b")
OTHERS = ("v2-lite", "v2-lite-legacy", "v2", "v3", "v3-legacy", "v3.2", "v4-flash-0731")
EMBEDDERS = ("qwen3-embedding-0.6b", "bge-m3", "bge-reranker-v2-m3")
MEASURED = (256, 8192, 32768, 131072)
CONTEXTS, BATCHES, SEQUENCES = (*MEASURED, 20_000), (512, 2048), (1, 4)


@pytest.fixture(scope="module")
def dry_run() -> Iterator[NativeDryRun]:
    one = NativeDryRun()
    yield one
    one.close()


def told(dry: NativeDryRun, path: Path, context: int, **asked) -> tuple[int, int]:
    """KV and compute."""
    options = {"kv_type": "f16", "batch": 512, "sequences": 1, "outputs": 1, "embeddings": False} | asked
    (found,) = dry.measure(
        path, context=context, gpu_layers=0, expert_layers_on_cpu=0, gpu_split=(), cancel=CancelToken(), **options
    )
    return found.kv, found.compute


def shape_of(path: Path) -> Shape:
    return gguf.read_header(path).shape


def kv_types(shape: Shape) -> tuple[KvType, ...]:
    return ("f16",) if shape.architecture == "deepseek4" else ("f16", "q8_0")


@pytest.mark.parametrize("model", [*DENSE, *OTHERS])
def test_formulas_are_what_llama_cpp_says(model: str, tmp_path: Path, dry_run: NativeDryRun) -> None:
    path = shaped_model(tmp_path / "m.gguf", REAL[model])
    shape = shape_of(path)
    for batch in BATCHES:
        for sequences in SEQUENCES:
            for kv_type in kv_types(shape):
                for context in CONTEXTS:
                    kv, compute = told(
                        dry_run, path, context, kv_type=kv_type, batch=batch, sequences=sequences, outputs=sequences
                    )
                    where = f"{kv_type} {context} tokens, batch {batch}, {sequences} sequences"
                    mine = compute_bytes(
                        shape, context, FIGURES, ubatch=batch, sequences=sequences, outputs=sequences, kv_type=kv_type
                    )
                    assert kv_bytes(shape, context, kv_type, batch=batch, sequences=sequences) == pytest.approx(
                        kv, abs=0.01 * MIB
                    ), where
                    if model in DENSE:
                        assert mine == pytest.approx(compute, abs=MIB), where
                    cut = 0.001 * compute if context not in MEASURED else 0.01 * MIB  # a kink between two points
                    assert compute - cut <= mine <= 1.15 * compute + MIB, where


@pytest.mark.parametrize("answers", [1, 3, 4, 16])
@pytest.mark.parametrize("model", ["r1-distill-qwen-1.5b", "r1-0528-qwen3-8b", *OTHERS])
def test_answers_at_the_same_time(model: str, answers: int, tmp_path: Path, dry_run: NativeDryRun) -> None:
    """With as many sequences and rows of output as a context is made for; a whole batch of them costs nothing more."""
    path = shaped_model(tmp_path / "m.gguf", REAL[model])
    shape, slots = shape_of(path), Slots(answers, MOST_SEQUENCES, LONGEST_DRAFT)
    sequences, outputs = slots.sequences(shape), slots.outputs(shape)
    kv, compute = told(dry_run, path, 16384, sequences=sequences, outputs=outputs)
    mine = compute_bytes(shape, 16384, FIGURES, sequences=sequences, outputs=outputs)
    assert kv_bytes(shape, 16384, sequences=sequences) == pytest.approx(kv, abs=0.01 * MIB)
    assert compute - 0.005 * compute <= mine <= 1.15 * compute + MIB
    if not shape.own_caches:
        assert told(dry_run, path, 16384)[0] == kv
        assert answers > 4 or told(dry_run, path, 16384)[1] == compute


@pytest.mark.parametrize("model", [*DENSE, *OTHERS])
def test_the_engine_makes_its_contexts_as_they_are_planned(model: str, tmp_path: Path) -> None:
    shape = shape_of(shaped_model(tmp_path / "m.gguf", REAL[model]))
    can = abilities(shape.architecture)
    for answers in range(1, MOST_PARALLEL + 1):
        slots = Slots(answers, MOST_SEQUENCES, LONGEST_DRAFT)
        planned = slots.sequences(shape), slots.outputs(shape)
        made = room.sequences(can, answers), room.outputs(can, answers)
        if can.share or shape.own_caches:
            assert made == planned
        else:  # it was not tried whether it shares
            assert made[0] == answers
            assert made[1] <= planned[1]


@pytest.mark.parametrize("model", EMBEDDERS)
def test_embedders(model: str, tmp_path: Path, dry_run: NativeDryRun) -> None:
    """An encoder has no cache; a model that was made of a chat model computes a row of logits for every token."""
    path = shaped_model(tmp_path / "m.gguf", REAL[model])
    shape = shape_of(path)
    for context in (512, 2048, 8192):
        kv, compute = told(dry_run, path, context, batch=context, embeddings=True)
        assert kv_bytes(shape, context, batch=context) == kv
        assert (kv == 0) == (shape.architecture == "bert")
        mine = compute_bytes(shape, context, FIGURES, ubatch=context, embeddings=True)
        assert compute - 0.01 * MIB <= mine <= 1.15 * compute


@pytest.mark.parametrize("change", [{"heads": 64}, {"used": 8}, {"width": 3072}, {"expert_ff": 2048}, {"layers": 27}])
def test_a_model_that_nobody_measured_takes_no_more_than_its_bound(
    change: dict[str, int], tmp_path: Path, dry_run: NativeDryRun
) -> None:
    path = shaped_model(tmp_path / "m.gguf", dataclasses.replace(REAL["v2-lite"].small(experts=16), **change))
    shape = dataclasses.replace(shape_of(path), layers=28)
    _, compute = told(dry_run, path, 8192)
    assert compute <= compute_bytes(shape, 8192, FIGURES)


def test_many_rows_of_output_take_their_room(tmp_path: Path, dry_run: NativeDryRun) -> None:
    path = shaped_model(tmp_path / "m.gguf", REAL["r1-distill-qwen-1.5b"])
    shape = shape_of(path)
    for outputs in (8, 64, 512):
        for kv_type in kv_types(shape):
            _, compute = told(dry_run, path, 32768, outputs=outputs, kv_type=kv_type)
            mine = compute_bytes(shape, 32768, FIGURES, outputs=outputs, kv_type=kv_type)
            assert mine == pytest.approx(compute, abs=MIB), f"{outputs} {kv_type}"


def test_files_of_the_kit_weigh_what_the_published_ones_do(tmp_path: Path) -> None:
    for model in Catalog.load().models:
        for file in model.files:
            if file.quant in ("Q4_K_M", "Q8_0", "UD-Q4_K_XL") and model.id in REAL:
                mix = "Q8_0" if file.quant == "Q8_0" else "Q4_K_M"
                path = shaped_model(tmp_path / "m.gguf", real(model.id), mix)
                assert path.stat().st_size == pytest.approx(file.size, rel=0.012), f"{model.id} {file.quant}"
                assert path.stat().st_blocks * 512 < 40 * MIB
                header = gguf.check(path) if model.kind == "chat" else gguf.read_header(path)
                assert Weights.of_header(header).total - Weights.of_header(header).copied == pytest.approx(
                    path.stat().st_size, abs=20 * MIB
                )


@pytest.mark.parametrize("model", ["r1-distill-qwen-1.5b", "v2-lite", "v4-flash-0731"])
def test_copies_of_weights_are_those_that_llama_cpp_makes(model: str, tmp_path: Path) -> None:
    """On this processor, from the log of a real load; and none of what lies on a GPU."""
    path = shaped_model(tmp_path / "m.gguf", REAL[model].small(vocabulary=2048))
    header, sets = gguf.check(path), cpu.read().instruction_sets
    with native.library().log.keep() as told:
        native.Model(path, gpu_layers=0, experts_on_cpu=0, progress=lambda _: True).close()
    copies = sum(
        float(found[1])
        for _, line in told.lines
        if (found := re.search(r"_REPACK model buffer size = +([\d.]+)", line))
    )
    layers = header.shape.layers
    assert repacked(header, place(layers, 0, 0, ()), sets) / MIB == pytest.approx(copies, abs=0.1)
    assert repacked(header, place(layers, 0, 0, ()), ()) == 0
    assert repacked(header, place(layers, layers + 1, 0, (1 << 40,)), sets) == 0
    experts = place(layers, layers + 1, layers, (1 << 40,))
    assert bool(repacked(header, experts, sets)) == (copies > 0 and header.shape.experts > 0)
