"""The ways to run one file on one machine: context, cache type, and what lies where.

A way is only offered when its memory is there. The order of preference is the advisor's; here is what is possible.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from backends.models.budget import Budget
from backends.models.footprint import Placement, compute_bytes, kv_cells, place, plan_for
from backends.models.types import KvType, MemoryPlan, Shape
from backends.models.weights import Weights

LEAST_CONTEXT = 8192
_F16_ONLY = {"deepseek4"}  # answers were garbage with a quantised cache (llama.cpp #25382)


@dataclass(frozen=True, slots=True)
class Way:
    """`filling`: how full the fullest memory gets, 1.0 at its limit; a way that fills by design has 1.0."""

    context: int
    kv_type: KvType
    gpu_layers: int
    placement: Placement
    memory: MemoryPlan
    filling: float

    @property
    def is_partial(self) -> bool:
        """Some of the work of every token is done on a GPU and some in main memory."""
        kept = self.placement.expert_layers_on_cpu or self.placement.host_blocks or self.placement.output is None
        return self.gpu_layers > 0 and bool(kept)


def contexts(wanted: int, shape: Shape) -> list[int]:
    """The wanted context and, where that is more, halves of it down to 8192 tokens; never beyond the model's own."""
    limit = shape.context_train or wanted
    steps = [min(wanted, limit)]
    while steps[-1] > LEAST_CONTEXT:
        steps.append(max(LEAST_CONTEXT, steps[-1] // 2))
    return steps


def kv_types(shape: Shape) -> tuple[KvType, ...]:
    return ("f16",) if shape.architecture in _F16_ONLY else ("f16", "q8_0")


def ways(shape: Shape, weights: Weights, budget: Budget, wanted_context: int) -> Iterator[Way]:
    """Every way that fits: for each context and cache type wholly on the GPUs, else split; and in main memory alone."""
    for context in contexts(wanted_context, shape):
        compute = compute_bytes(shape, context, budget.figures)
        for kv_type in kv_types(shape):
            plans = _Plans(shape, weights, budget, context, kv_type, compute)
            whole = plans.whole() if budget.gpus else None
            if whole:
                yield whole
            elif budget.gpus:
                yield from plans.split()
            if in_memory := plans.in_main_memory():
                yield in_memory


def frugal(shape: Shape, weights: Weights, budget: Budget, wanted_context: int) -> tuple[int, KvType, MemoryPlan]:
    """The least that any way takes, whether it fits or not: what a machine would have to have."""
    context, kv_type = contexts(wanted_context, shape)[-1], kv_types(shape)[-1]
    kv, compute = kv_cells(shape, context, kv_type), compute_bytes(shape, context, budget.figures)
    return context, kv_type, plan_for(weights, place(shape.layers, 0, 0, ()), kv, compute, ())


class _Plans:
    """Tries placements of one file with one context and cache type."""

    def __init__(
        self, shape: Shape, weights: Weights, budget: Budget, context: int, kv_type: KvType, compute: int
    ) -> None:
        self._shape = shape
        self._weights = weights
        self._budget = budget
        self._context = context
        self._kv_type: KvType = kv_type
        self._compute = compute
        self._kv = kv_cells(shape, context, kv_type)
        self._free = [gpu.free for gpu in budget.gpus]
        self._usable = [gpu.usable for gpu in budget.gpus]
        self._overheads = [gpu.backend.overhead for gpu in budget.gpus]

    def whole(self) -> Way | None:
        return self._way(self._shape.layers + 1, 0)

    def split(self) -> Iterator[Way]:
        """As few experts in main memory as must be, and as few of the first layers."""
        layers = self._shape.layers
        if self._weights.experts[-1]:
            kept = _least(1, layers, lambda count: self._on_gpus(layers + 1, count))
            way = self._way(layers + 1, kept, full=True) if kept is not None else None
            if way:
                yield way
        moved = _least(1, layers, lambda kept: self._on_gpus(layers + 1 - kept, 0))
        way = self._way(layers + 1 - moved, 0, full=True) if moved is not None else None
        if way:
            yield way

    def in_main_memory(self) -> Way | None:
        return self._way(0, 0)

    def _on_gpus(self, gpu_layers: int, expert_layers_on_cpu: int) -> bool:
        return self._fits_gpus(self._plan(gpu_layers, expert_layers_on_cpu)[1])

    def _fits_gpus(self, memory: MemoryPlan) -> bool:
        return all(used <= usable for used, usable in zip(memory.per_gpu, self._usable, strict=False))

    def _plan(self, gpu_layers: int, expert_layers_on_cpu: int) -> tuple[Placement, MemoryPlan]:
        placement = place(self._shape.layers, gpu_layers, expert_layers_on_cpu, self._free)
        return placement, plan_for(self._weights, placement, self._kv, self._compute, self._overheads)

    def _way(self, gpu_layers: int, expert_layers_on_cpu: int, *, full: bool = False) -> Way | None:
        placement, memory = self._plan(gpu_layers, expert_layers_on_cpu)
        host = self._budget.host.usable
        in_host = memory.host + (sum(memory.per_gpu) if self._budget.unified else 0)
        if in_host > host or not self._fits_gpus(memory):
            return None
        fillings = [used / usable for used, usable in zip(memory.per_gpu, self._usable, strict=False) if used]
        if not fillings or self._budget.unified:
            fillings.append(in_host / host)
        return Way(self._context, self._kv_type, gpu_layers, placement, memory, 1.0 if full else max(fillings))


def _least(low: int, high: int, holds: Callable[[int], bool]) -> int | None:
    """The least number from `low` to `high` for which `holds`, which then holds for all above it; None if for none."""
    if not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
