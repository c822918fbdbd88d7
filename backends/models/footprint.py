"""How much memory a model takes, and where: weights, KV cache, compute buffer, and the backend's own.

The formulas were checked against llama.cpp's own allocator (flash attention on, one sequence, a ubatch of 512); for
the dense models they give its numbers to the MiB. Placement follows `load_tensors` in llama.cpp's `llama-model.cpp`:
the last layers go to the GPUs, the output layer among them, in proportion to what is free on each; the token embedding
stays in main memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import ceil

from backends.models.machines import Figures
from backends.models.types import MemoryPlan, Shape
from backends.models.weights import Weights

MIB = 1 << 20
UBATCH = 512
CELLS = 256  # a context is rounded up to whole groups of cells
KV_BYTES = {"f16": 2.0, "q8_0": 34 / 32}


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


def kv_cells(shape: Shape, context: int, kv_type: str) -> tuple[int, ...]:
    """Bytes of the KV cache of all blocks before the n-th: 0 first, the whole cache last."""
    width = KV_BYTES[kv_type]
    tokens = ceil(context / CELLS) * CELLS
    if shape.compress_ratios:
        window = ceil((shape.sliding_window + UBATCH) / CELLS) * CELLS
        blocks = [
            (window + (tokens // ratio if ratio else 0)) * shape.key_length * width
            + (tokens // ratio * shape.indexer_key_length * width if ratio == 4 else 0)
            for ratio in shape.compress_ratios
        ]
    elif shape.mla:
        values = shape.kv_lora_rank + shape.rope_dimensions + shape.indexer_key_length
        blocks = [tokens * values * width] * shape.layers
    else:
        blocks = [tokens * shape.kv_heads * (shape.key_length + shape.value_length) * width] * shape.layers
    return tuple(round(total) for total in accumulate(blocks, initial=0.0))


def kv_bytes(shape: Shape, context: int, kv_type: str = "f16") -> int:
    return kv_cells(shape, context, kv_type)[-1]


def compute_bytes(shape: Shape, context: int, figures: Figures, *, ubatch: int = UBATCH) -> int:
    """The compute buffer for one row of output (`n_outputs_max` 1) with flash attention.

    Dense models: `4 * ub * (3 * ff + 4 * width)` for activations and `2 * ub * ctx` for the mask. The others by the
    measurements in the figures, a straight line between them; one that was not measured as the dense ones, with its
    attention's intermediate values if those are larger.
    """
    tokens = ceil(context / CELLS) * CELLS
    for measured in figures.compute_buffers:
        if (measured.architecture, measured.embedding) == (shape.architecture, shape.embedding):
            return round(_between(measured.points, tokens) * MIB * ubatch / UBATCH)
    activations = 3 * shape.feed_forward + 4 * shape.embedding
    if shape.kv_lora_rank:
        latent = shape.heads * (2 * shape.kv_lora_rank + 2 * shape.key_length) + 4 * shape.embedding
        activations = max(activations, latent)
    return 4 * ubatch * activations + 2 * ubatch * tokens


def _between(points: Sequence[tuple[float, float]], at: float) -> float:
    pairs = list(pairwise(points))
    (x0, y0), (x1, y1) = next((pair for pair in pairs if at <= pair[1][0]), pairs[-1])
    return y0 + (y1 - y0) * (at - x0) / (x1 - x0)


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
) -> MemoryPlan:
    """Where the bytes go when the model is loaded so; `free` and `overheads` of each GPU in bytes."""
    return plan_for(
        weights,
        place(shape.layers, gpu_layers, expert_layers_on_cpu, free),
        kv_cells(shape, context, kv_type),
        compute_bytes(shape, context, figures),
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
