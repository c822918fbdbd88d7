"""The ways to run one file on one machine: context, cache type, and what lies where.

A way is only offered when its memory is there. The order of preference is the advisor's (or the planner's); here is
what is possible. Several GPUs are filled one after the other with whole layers, each to the same share of what it can
give, so that no card overflows while another has room: llama.cpp itself would share by what is free and not look
whether the caches, the compute buffers and the margin still fit.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from backends.models.budget import HOST, Budget
from backends.models.footprint import Placement, compute_bytes, kv_cells, place
from backends.models.types import ONE, DevicePlan, KvType, MemoryPlan, RunOptions, Shape, Slots
from backends.models.weights import Weights

LEAST_CONTEXT = 8192
F16_ONLY = {"deepseek4"}  # answers were garbage with a quantised cache (llama.cpp #25382)
_FINENESS = 10  # halvings by which equal shares of unequal cards are sought


@dataclass(frozen=True, slots=True)
class Asked:
    """How somebody wants a model to be run; None leaves it to us, and -1 `gpu_layers` are all of them.

    `wanted_context`: where the search begins if `context` is None. `batch`: n_batch and n_ubatch, 0 for what is usual
    (512; the context where a text has to be computed at once). `slots` share the context. `embeddings`: texts become
    vectors, so that every token has its row of output.
    """

    context: int | None = None
    kv_type: KvType | None = None
    gpu_layers: int | None = None
    batch: int = 512
    slots: Slots = ONE
    wanted_context: int = 16384
    embeddings: bool = False


@dataclass(frozen=True, slots=True)
class Needs:
    """What a context takes beside weights and cache, in bytes: in main memory if work is done there, on each GPU."""

    host: int
    gpus: tuple[int, ...]


Measured = Callable[[int, KvType, str], Needs | None]
"""What llama.cpp said for a context, a cache type and a kind of way ("whole", "split", "memory"), if it was asked."""


@dataclass(frozen=True, slots=True)
class Way:
    """`filling`: how full the fullest memory gets, 1.0 at its limit; a way that fills by design has 1.0."""

    context: int
    kv_type: KvType
    gpu_layers: int
    placement: Placement
    devices: tuple[DevicePlan, ...]  # GPUs as in the budget, main memory last
    filling: float

    @property
    def memory(self) -> MemoryPlan:
        return summed(self.devices)

    @property
    def kind(self) -> str:
        return "split" if self.is_partial else "whole" if self.gpu_layers else "memory"

    @property
    def is_partial(self) -> bool:
        """Some of the work of every token is done on a GPU and some in main memory."""
        kept = self.placement.expert_layers_on_cpu or self.placement.host_blocks or self.placement.output is None
        return self.gpu_layers > 0 and bool(kept)

    @property
    def gpu_split(self) -> tuple[int, ...]:
        """Layers of each GPU, the output layer the last of them; empty where there are not several."""
        ranges = self.placement.ranges
        if len(ranges) < 2 or not self.gpu_layers:
            return ()
        return tuple(last - first + (self.placement.output == index) for index, (first, last) in enumerate(ranges))

    def options(self, asked: Asked, shape: Shape) -> RunOptions:
        return RunOptions(
            context=self.context,
            kv_type=self.kv_type,
            gpu_layers=self.gpu_layers,
            expert_layers_on_cpu=self.placement.expert_layers_on_cpu,
            gpu_split=self.gpu_split,
            batch=asked.batch,
            sequences=asked.slots.sequences(shape),
            outputs=asked.slots.outputs(shape),
            parallel=asked.slots.answers,
        )


def contexts(wanted: int, shape: Shape) -> list[int]:
    """The wanted context and, where that is more, halves of it down to 8192 tokens; never beyond the model's own."""
    limit = shape.context_train or wanted
    steps = [min(wanted, limit)]
    while steps[-1] > LEAST_CONTEXT:
        steps.append(max(LEAST_CONTEXT, steps[-1] // 2))
    return steps


def kv_types(shape: Shape) -> tuple[KvType, ...]:
    return ("f16",) if shape.architecture in F16_ONLY else ("f16", "q8_0")


def ways(
    shape: Shape,
    weights: Weights,
    budget: Budget,
    wanted_context: int,
    asked: Asked | None = None,
    measured: Measured | None = None,
) -> Iterator[Way]:
    """Every way that fits: for each context and cache type wholly on the GPUs, else split; and in main memory alone.

    What is `asked` for is not varied. `measured` takes the place of the formulas where it knows.
    """
    asked = asked or Asked()
    for context, kv_type in _caches(shape, wanted_context, asked):
        plans = _Plans(shape, weights, budget, context, kv_type, asked, measured)
        if asked.gpu_layers is not None:
            found = plans.with_layers(asked.gpu_layers) if asked.gpu_layers and budget.gpus else plans.in_main_memory()
            if found:
                yield found
            continue
        whole = plans.whole() if budget.gpus else None
        if whole:
            yield whole
        elif budget.gpus:
            yield from plans.split()
        if in_memory := plans.in_main_memory():
            yield in_memory


def frugal(shape: Shape, weights: Weights, budget: Budget, wanted_context: int) -> tuple[int, KvType, MemoryPlan]:
    """The least that any way takes, whether it fits or not: what a machine would have to have."""
    way = regardless(shape, weights, budget, wanted_context, Asked())
    return way.context, way.kv_type, way.memory


def regardless(shape: Shape, weights: Weights, budget: Budget, wanted_context: int, asked: Asked) -> Way:
    """The most frugal way that does what is `asked`, whether it fits or not."""
    context, kv_type = list(_caches(shape, wanted_context, asked))[-1]
    plans = _Plans(shape, weights, budget, context, kv_type, asked, None)
    return plans.regardless(asked.gpu_layers or 0)


def summed(devices: Sequence[DevicePlan]) -> MemoryPlan:
    """The devices of a plan as one; main memory is the last of them."""
    parts = [sum(getattr(one, part) for one in devices) for part in ("weights", "kv", "compute", "overhead")]
    *gpus, host = devices
    return MemoryPlan(*parts, total=sum(parts), per_gpu=tuple(gpu.total for gpu in gpus), host=host.total)


def _caches(shape: Shape, wanted_context: int, asked: Asked) -> Iterator[tuple[int, KvType]]:
    limit = shape.context_train or asked.context or wanted_context
    fixed = None if asked.context is None else [min(asked.context, limit)]
    for context in fixed or contexts(wanted_context, shape):
        for kv_type in (asked.kv_type,) if asked.kv_type else kv_types(shape):
            yield context, kv_type


class _Plans:
    """Tries placements of one file with one context and cache type."""

    def __init__(
        self,
        shape: Shape,
        weights: Weights,
        budget: Budget,
        context: int,
        kv_type: KvType,
        asked: Asked,
        measured: Measured | None,
    ) -> None:
        self._layers = shape.layers
        self._weights = weights
        self._budget = budget
        self._context = context
        self._kv_type: KvType = kv_type
        sequences = asked.slots.sequences(shape)
        self._kv = kv_cells(shape, context, kv_type, batch=asked.batch, sequences=sequences)
        compute = compute_bytes(
            shape,
            context,
            budget.figures,
            ubatch=asked.batch,
            sequences=sequences,
            outputs=asked.slots.outputs(shape),
            kv_type=kv_type,
            embeddings=asked.embeddings,
        )
        self._by_formula = Needs(compute, (compute,) * len(budget.gpus))
        self._measured = measured
        self._usable = [gpu.usable for gpu in budget.gpus]
        # Bytes of all layers before the n-th when they lie on a GPU with their experts, and without; the output last.
        without = [blocks + kv for blocks, kv in zip(weights.blocks, self._kv, strict=True)]
        self._without = [*without, without[-1] + weights.output]
        self._experts = [*weights.experts, weights.experts[-1]]

    # ---- the ways

    def whole(self) -> Way | None:
        return self._way(self._layers + 1, 0)

    def split(self) -> Iterator[Way]:
        """As few experts in main memory as must be, and as few of the first layers."""
        layers, needs = self._layers, self._needs("split")
        if self._weights.experts[-1]:
            kept = _least(1, layers, lambda count: self._fill(layers + 1, count, needs) is not None)
            way = self._way(layers + 1, kept, full=True) if kept is not None else None
            if way:
                yield way
        moved = _least(1, layers, lambda kept: self._fill(layers + 1 - kept, 0, needs) is not None)
        way = self._way(layers + 1 - moved, 0, full=True) if moved is not None else None
        if way:
            yield way

    def with_layers(self, gpu_layers: int) -> Way | None:
        """So many layers on the GPUs, whatever; of a mixture of experts as few experts in main memory as must be."""
        gpu_layers = min(gpu_layers, self._layers + 1)
        most = self._layers if self._weights.experts[-1] else 0
        needs = self._needs("whole" if gpu_layers > self._layers else "split")
        kept = _least(0, most, lambda count: self._fill(gpu_layers, count, needs) is not None)
        return None if kept is None else self._way(gpu_layers, kept)

    def in_main_memory(self) -> Way | None:
        return self._way(0, 0)

    def regardless(self, gpu_layers: int) -> Way:
        """So many layers on the GPUs by what is free on each, whether they fit or not."""
        free = [max(1, gpu.usable) for gpu in self._budget.gpus] if gpu_layers else []
        placement = place(self._layers, gpu_layers, 0, free)
        return self._made(min(gpu_layers, self._layers + 1), placement, full=False)

    # ---- trying

    def _needs(self, kind: str) -> Needs:
        said = self._measured(self._context, self._kv_type, kind) if self._measured else None
        return said or self._by_formula

    def _fill(self, gpu_layers: int, experts_kept: int, needs: Needs, share: float = 1.0) -> list[int] | None:
        """How many of the last layers come on each GPU when each is filled to a share of it; None: not all fit."""
        if not self._usable:
            return None
        at, end, counts = self._layers + 1 - gpu_layers, self._layers + 1, []
        kept = self._experts[min(experts_kept, self._layers)]
        before = [size + max(experts, kept) for size, experts in zip(self._without, self._experts, strict=True)]
        for index, gpu in enumerate(self._budget.gpus):
            room = int(self._usable[index] * share) - gpu.backend.overhead - needs.gpus[index]
            stop = max(at, bisect_right(before, before[at] + room) - 1) if room >= 0 else at
            counts.append(stop - at)
            at = stop
        return counts if at == end else None

    def _balanced(self, gpu_layers: int, experts_kept: int, needs: Needs) -> list[int] | None:
        """`_fill` to the smallest share that will do."""
        best = self._fill(gpu_layers, experts_kept, needs)
        if best is None or len(best) == 1:
            return best
        low, high = 0.0, 1.0
        for _ in range(_FINENESS):
            middle = (low + high) / 2
            found = self._fill(gpu_layers, experts_kept, needs, middle)
            if found is None:
                low = middle
            else:
                high, best = middle, found
        return best

    def _way(self, gpu_layers: int, experts_kept: int, *, full: bool = False) -> Way | None:
        if not gpu_layers:
            placement = place(self._layers, 0, 0, ())
        else:
            whole = gpu_layers > self._layers and not experts_kept
            counts = self._balanced(gpu_layers, experts_kept, self._needs("whole" if whole else "split"))
            if counts is None:
                return None
            placement = placed(self._layers, counts, experts_kept)
        way = self._made(gpu_layers, placement, full=full)
        return way if fits(way.devices, self._budget) else None

    def _made(self, gpu_layers: int, placement: Placement, *, full: bool) -> Way:
        way = Way(self._context, self._kv_type, gpu_layers, placement, (), 1.0)
        needs = self._needs(way.kind)
        devices = devices_of(self._weights, placement, self._kv, needs, self._budget)
        filling = 1.0 if full else _filling(devices, self._budget)
        return Way(self._context, self._kv_type, gpu_layers, placement, devices, filling)


def placed(layers: int, counts: Sequence[int], experts_on_cpu: int) -> Placement:
    """The last `sum(counts)` of the layers (the output layer is the very last) on GPUs, so many on each in turn."""
    start = layers + 1 - sum(counts)
    bounds = list(accumulate(counts, initial=start))
    ranges = tuple((min(first, layers), min(last, layers)) for first, last in pairwise(bounds))
    output = next((index for index, (first, last) in enumerate(pairwise(bounds)) if first <= layers < last), None)
    return Placement(ranges, min(start, layers), output, experts_on_cpu)


def devices_of(
    weights: Weights, placement: Placement, kv: Sequence[int], needs: Needs, budget: Budget
) -> tuple[DevicePlan, ...]:
    """What lies where: a plan for each GPU of the budget, and main memory last."""
    layers = len(kv) - 1
    in_host, on_gpus = weights.on(placement)
    found = []
    for index, gpu in enumerate(budget.gpus):
        first, last = placement.ranges[index] if placement.ranges else (0, 0)
        used = last > first or placement.output == index
        found.append(
            DevicePlan(
                name=gpu.label,
                kind=gpu.kind,
                weights=on_gpus[index] if used else 0,
                kv=kv[last] - kv[first],
                compute=needs.gpus[index] if used else 0,
                overhead=gpu.backend.overhead if used else 0,
                free=gpu.usable,
            )
        )
    kept = max(placement.host_blocks, min(placement.expert_layers_on_cpu, layers))
    works = placement.host_blocks or placement.output is None or weights.experts[kept]
    return (
        *found,
        DevicePlan(
            name=HOST,
            kind="cpu",
            weights=in_host,
            kv=kv[placement.host_blocks],
            compute=needs.host if works else 0,
            overhead=0,
            free=budget.host.usable,
        ),
    )


def fits(devices: Sequence[DevicePlan], budget: Budget) -> bool:
    """Whether every device has room for its part; shared memory has to hold all of them."""
    *gpus, host = devices
    in_host = host.total + (sum(gpu.total for gpu in gpus) if budget.unified else 0)
    return in_host <= budget.host.usable and all(
        one.total <= gpu.usable for one, gpu in zip(gpus, budget.gpus, strict=False) if one.total
    )


def _filling(devices: Sequence[DevicePlan], budget: Budget) -> float:
    *gpus, host = devices
    fillings = [one.total / max(1, gpu.usable) for one, gpu in zip(gpus, budget.gpus, strict=False) if one.total]
    if not fillings or budget.unified:
        in_host = host.total + (sum(gpu.total for gpu in gpus) if budget.unified else 0)
        fillings.append(in_host / max(1, budget.host.usable))
    return max(fillings)


def _least(low: int, high: int, holds: Callable[[int], bool]) -> int | None:
    """The least number from `low` to `high` for which `holds`, which then holds for all above it; None if for none."""
    if not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
