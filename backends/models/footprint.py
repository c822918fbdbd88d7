"""How much memory a model takes, and where: weights, KV cache, compute buffer, and the backend's own.

The formulas are what a plan falls back on where llama.cpp cannot be asked itself (engine/dry_run.py), and what is
reckoned with while many ways are weighed. They were checked against that, with flash attention on, at the real shapes
of qwen2, qwen3, llama, deepseek2, deepseek32 and deepseek4: caches are equal, the compute buffers of dense models are
equal to the MiB, the others never under and at most 15 % over. Placement follows `load_tensors` in llama.cpp's
`llama-model.cpp`: the last layers go to the GPUs, the output layer among them, in proportion to what is free on each;
the token embedding stays in main memory.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil

from backends.models.gguf import Header
from backends.models.gguf_format import ArrayOf, Tensor
from backends.models.machines import Figures
from backends.models.types import MemoryPlan, Shape
from backends.models.weights import Weights

MIB = 1 << 20
UBATCH = 512
CELLS = 256  # a context is rounded up to whole groups of cells
KV_BYTES = {"f16": 2.0, "q8_0": 34 / 32}
WITHOUT_CACHE = {"bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3", "neo-bert", "gemma-embedding"}
_BY_MEASUREMENT_ALONE = {"deepseek32", "deepseek4"}
_INPUTS = 32  # bytes a token: its number, position, cells, and the like
_FIXED = 64 << 10  # bytes
_ROTATION = 96 << 10  # bytes
_HOLES = 1.1
_PROCESS = 8 << 20  # bytes: the table of tensors, the graph, threads, the tokens that Python looks up
_BLOCK = re.compile(r"blk\.(\d+)\.")


@dataclass(frozen=True, slots=True)
class Placement:
    """Which blocks lie on which GPU: a range each, from `start` to `stop`; those before the first in main memory.

    `output` is the GPU of the output layer, None for main memory; of the blocks before `expert_layers_on_cpu` the
    experts stay in main memory.
    """

    ranges: tuple[tuple[int, int], ...]
    host_blocks: int
    output: int | None
    expert_layers_on_cpu: int


def place(layers: int, gpu_layers: int, expert_layers_on_cpu: int, free: Sequence[int]) -> Placement:
    """Spread `gpu_layers` (of `layers` and the output layer) over GPUs with so many bytes `free`."""
    offloaded = min(gpu_layers, layers + 1) if sum(free) else 0
    start = layers + 1 - offloaded
    bounds = [start + ceil(offloaded * share / sum(free)) for share in accumulate(free)] if offloaded else []
    ranges = tuple(
        (min(first, layers), min(last, layers)) for first, last in zip([start, *bounds], bounds, strict=False)
    )
    output = next((index for index, bound in enumerate(bounds) if bound > layers), None)
    return Placement(ranges, min(start, layers), output, expert_layers_on_cpu)


def kv_cells(shape: Shape, context: int, kv_type: str, *, batch: int = UBATCH, sequences: int = 1) -> tuple[int, ...]:
    """Bytes of the KV cache of all blocks before the n-th: 0 first, the whole cache last.

    Sequences share the cells of one cache; deepseek4 keeps a cache for each (llama-kv-cache-dsv4.cpp).
    """
    width, tokens = KV_BYTES[kv_type], _padded(context)
    if shape.architecture in WITHOUT_CACHE:
        blocks = [0.0] * shape.layers
    elif shape.compress_ratios:
        window = min(tokens, _padded(shape.sliding_window + min(batch, tokens)))
        blocks = [
            sequences * (window * shape.key_length * width + _compressed(shape, ratio, tokens, width))
            for ratio in shape.compress_ratios
        ]
    elif shape.mla:
        values = shape.kv_lora_rank + shape.rope_dimensions + shape.indexer_key_length
        blocks = [tokens * values * width] * shape.layers
    else:
        blocks = [tokens * shape.kv_heads * (shape.key_length + shape.value_length) * width] * shape.layers
    return tuple(round(total) for total in accumulate(blocks, initial=0.0))


def _padded(tokens: int) -> int:
    return ceil(tokens / CELLS) * CELLS


def _compressed(shape: Shape, ratio: int, tokens: int, width: float) -> float:
    """deepseek4, one block: a cell stands for `ratio` tokens, and the tokens of unfinished cells wait as pairs of f32.
    A block with ratio 4 looks back on twice as many, and has an indexer with a cache and such a state of its own."""
    if not ratio:
        return 0
    cells, back = _padded(ceil(tokens / ratio)), 2 if ratio == 4 else 1
    heads = shape.key_length + (shape.indexer_key_length if ratio == 4 else 0)
    return cells * heads * width + 2 * 4 * (back * heads) * (back * ratio)


def kv_bytes(shape: Shape, context: int, kv_type: str = "f16", *, batch: int = UBATCH, sequences: int = 1) -> int:
    return kv_cells(shape, context, kv_type, batch=batch, sequences=sequences)[-1]


def compute_bytes(
    shape: Shape,
    context: int,
    figures: Figures,
    *,
    ubatch: int = UBATCH,
    sequences: int = 1,
    outputs: int = 1,
    kv_type: str = "f16",
    embeddings: bool = False,
) -> int:
    """The compute buffer with flash attention: the largest set of values that are alive at once, 4 bytes each, and the
    mask of 2 bytes for each token of the batch and the context. llama.cpp reserves it for a batch that is a multiple of
    the sequences (`graph_reserve` in llama-context.cpp).

    Dense models: in the feed-forward, `3 * ff` and as many rows of the model's width as there are beside it (4; with a
    quantised cache 3 and the matrix by which it is rotated). At the end, the rows of output: as many as wanted, at
    least one a sequence, for `embeddings` all. The others as measured (`Figures.compute_buffers`), and those that were
    not measured by an upper bound.
    """
    tokens = _padded(context)
    batch = ceil(min(ubatch, tokens) / sequences) * sequences
    if shape.architecture in WITHOUT_CACHE:
        inside = 4 * batch * (shape.feed_forward + 3 * shape.embedding) + 2 * batch * batch
        return inside + _INPUTS * batch + _FIXED
    if embeddings:
        end = 4 * batch * (shape.vocabulary + 6 * shape.embedding) + 2 * batch * tokens
    else:
        beside = 8 if shape.experts else 1 if kv_type == "f16" else 2
        end = 4 * max(outputs, sequences) * (shape.vocabulary + shape.embedding)
        end += 4 * batch * beside * shape.embedding
    inside = _measured(shape, tokens, batch, sequences, figures)
    if inside is None:
        inside = 4 * batch * _values(shape, kv_type) + 2 * batch * tokens
    return round(max(inside, end)) + _INPUTS * batch + _FIXED + (_ROTATION if kv_type != "f16" else 0)


def _measured(shape: Shape, tokens: int, batch: int, sequences: int, figures: Figures) -> float | None:
    """Of this model; of a model of its kind that was not measured, by the nearest, as much more as it is wider."""
    for one in figures.compute_buffers:
        if one.is_of(shape):
            return one.size(tokens, batch, sequences)
    alike = [one for one in figures.compute_buffers if one.architecture == shape.architecture]
    if shape.architecture not in _BY_MEASUREMENT_ALONE or not alike:
        return None
    nearest = min(alike, key=lambda one: abs(one.embedding - shape.embedding))
    return nearest.size(tokens, batch, sequences) * max(1.0, shape.embedding / nearest.embedding)


def _values(shape: Shape, kv_type: str) -> float:
    """Values alive at once, for each token of a batch."""
    rows = 4 if kv_type == "f16" else 3
    dense = 3 * shape.feed_forward + rows * shape.embedding
    if not shape.experts and not shape.kv_lora_rank:
        return dense
    # Where experts or latent attention take the most, the allocator leaves holes that depend on everything.
    routed = shape.experts_used * (2 * shape.expert_feed_forward + 2 * shape.embedding) + 4 * shape.embedding
    head = 3 * shape.rope_dimensions if shape.mla else shape.key_length  # 128 values, and 64 that are rotated
    latent = shape.heads * (2 * shape.kv_lora_rank + 2 * head if shape.mla else 5 * head) + 4 * shape.embedding
    return max(dense, routed, latent if shape.kv_lora_rank else 0) * _HOLES


def host_overhead(header: Header, *, outputs: int = 1) -> int:
    """What a load takes of main memory beside weights, cache and compute buffer: the vocabulary, the rows of output and
    the like. Measured (RSS on Linux): 158 bytes a token or merge, 258 a token of a vocabulary with a trie ("t5").
    """
    metadata = header.metadata
    tokens, merges = (
        value.length if isinstance(value := metadata.get(f"tokenizer.ggml.{name}"), ArrayOf) else 0
        for name in ("tokens", "merges")
    )
    words = 258 * tokens if metadata.get("tokenizer.ggml.model") == "t5" else 158 * (tokens + merges)
    return words + 4 * outputs * header.shape.vocabulary + _PROCESS


def repacked(header: Header, placement: Placement, instruction_sets: Collection[str]) -> int:
    """Bytes of the weights in main memory that llama.cpp puts into the order that this processor likes: copies of them.
    A file with such weights is read, not mapped: else both would lie there. `instruction_sets` as in
    `hardware.types.Cpu`."""
    kinds = _repacked_kinds(frozenset(instruction_sets))
    return sum(one.size for one in header.tensors if one.kind in kinds and _is_repacked(one, placement))


def _is_repacked(tensor: Tensor, placement: Placement) -> bool:
    """Whether it is a matrix in main memory that is multiplied with: by tokens, or as an expert."""
    name, dimensions = tensor.name, len(tensor.dimensions)
    if dimensions != (3 if "_exps." in name else 2) or tensor.dimensions[1] % 8 or "embd" in name:
        return False
    if not (found := _BLOCK.match(name)):
        return placement.output is None
    first = placement.expert_layers_on_cpu if "_exps." in name else 0
    return int(found[1]) < max(placement.host_blocks, first)


def _repacked_kinds(instruction_sets: Collection[str]) -> frozenset[str]:
    """`ggml_repack_get_optimal_repack_type` in llama.cpp's `ggml-cpu/repack.cpp`."""
    kinds: set[str] = set()
    if "avx2" in instruction_sets:
        kinds |= {"Q4_0", "Q4_K", "IQ4_NL", "MXFP4"}
    if "avx512f" in instruction_sets:
        kinds |= {"Q2_K"}
    if "neon" in instruction_sets and {"dotprod", "i8mm"} & set(instruction_sets):
        kinds |= {"Q4_0", "Q4_K", "Q5_K", "Q6_K", "Q8_0"}
        kinds |= {"IQ4_NL", "MXFP4"} if "dotprod" in instruction_sets else set()
    return frozenset(kinds)


def plan(
    shape: Shape,
    weights: Weights,
    *,
    context: int,
    kv_type: str,
    gpu_layers: int,
    figures: Figures,
    expert_layers_on_cpu: int = 0,
    free: Sequence[int] = (),
    overheads: Sequence[int] = (),
    batch: int = UBATCH,
    sequences: int = 1,
    outputs: int = 1,
) -> MemoryPlan:
    """Where the bytes go when the model is loaded so; `free` and `overheads` of each GPU in bytes."""
    return plan_for(
        weights,
        place(shape.layers, gpu_layers, expert_layers_on_cpu, free),
        kv_cells(shape, context, kv_type, batch=batch, sequences=sequences),
        compute_bytes(shape, context, figures, ubatch=batch, sequences=sequences, outputs=outputs, kv_type=kv_type),
        overheads,
    )


def plan_for(
    weights: Weights, placement: Placement, kv: Sequence[int], compute: int, overheads: Sequence[int]
) -> MemoryPlan:
    """`plan` with its parts at hand, for who tries many: `kv` as from `kv_cells`, `compute` bytes a device."""
    layers = len(kv) - 1
    on_gpus, used, buffers = [], 0, 0
    for index, (first, last) in enumerate(placement.ranges):
        is_output = placement.output == index
        if first == last and not is_output:
            on_gpus.append(0)
            continue
        moved = max(first, min(placement.expert_layers_on_cpu, last))
        size = weights.blocks[last] - weights.blocks[first] + weights.experts[last] - weights.experts[moved]
        size += kv[last] - kv[first] + (weights.output if is_output else 0)
        on_gpus.append(size + compute + overheads[index])
        used += overheads[index]
        buffers += compute
    kept = max(placement.host_blocks, min(placement.expert_layers_on_cpu, layers))
    host = weights.embedding + weights.blocks[placement.host_blocks] + weights.experts[kept]
    host += kv[placement.host_blocks] + (weights.output if placement.output is None else 0)
    if placement.host_blocks or placement.output is None or weights.experts[kept]:
        host += compute
        buffers += compute
    total = weights.total + kv[-1] + buffers + used
    return MemoryPlan(weights.total, kv[-1], buffers, used, total, tuple(on_gpus), host)
