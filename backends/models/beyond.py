"""The next better model, which this machine cannot run well, and how much memory it would take.

Dense models want to lie on the graphics card whole; of a mixture of experts the routed ones may stay in main memory,
so that there main memory is what is missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from backends.core.phrase import NOTHING, Phrase
from backends.models import reasons, worth
from backends.models.budget import Budget, Device
from backends.models.footprint import Placement, compute_bytes, kv_cells, place, plan_for
from backends.models.gguf_bounds import CHAT_ARCHITECTURES
from backends.models.machines import step
from backends.models.speed import tokens_per_s
from backends.models.types import CatalogModel, Choice, MemoryPlan, ModelFile, Use
from backends.models.ways import ways
from backends.models.weights import Weights

PLENTY = 1 << 60  # bytes that no model takes


@dataclass(frozen=True, slots=True)
class Need:
    """What a file would take, in bytes: of graphics memory with its margin (`on_gpus`), or of free main memory.

    `speed`: tokens per second that this machine's memory, or a typical card of that size, would make of it.
    """

    model: CatalogModel
    file: ModelFile
    memory: int
    on_gpus: bool
    speed: float


def next_better(models: Sequence[CatalogModel], pick: Choice, budget: Budget, use: Use, context: int) -> Phrase:
    """The model that would be better for `use` and needs the least more than there is, in words; or nothing."""
    need = next_need(models, pick, budget, use, context)
    if need is None:
        return NOTHING
    return reasons.better(need.model.name, need.file.quant, need.memory, use, _kind_of_memory(need, budget))


def next_need(models: Sequence[CatalogModel], pick: Choice, budget: Budget, use: Use, context: int) -> Need | None:
    scoring = budget.figures.uses[use].scoring
    needs: list[tuple[int, float, Need]] = []
    for model in models:
        if not _is_better(model, pick, use):
            continue
        for file in filter(lambda file: _is_suitable(model, file, budget), model.files):
            need = _need(model, file, budget, context)
            score = worth.of_file(model, file, use, scoring)
            if need.memory > _there(need, budget) and score * worth.of_speed(need.speed, scoring) > pick.score:
                needs.append((need.memory, -score, need))
    return min(needs, key=lambda one: one[:2])[2] if needs else None


def _is_better(model: CatalogModel, pick: Choice, use: Use) -> bool:
    runs = model.shape.architecture in CHAT_ARCHITECTURES
    return runs and worth.of_model(model, use) > worth.of_model(pick.model, use)


def _is_suitable(model: CatalogModel, file: ModelFile, budget: Budget) -> bool:
    """Four bits and more; a large mixture of experts keeps its quality at three."""
    return worth.bits(file.quant) > budget.figures.cautions.least_bits - bool(model.shape.experts)


def _there(need: Need, budget: Budget) -> int:
    return sum(gpu.free for gpu in budget.gpus) if need.on_gpus else budget.host.usable


def _need(model: CatalogModel, file: ModelFile, budget: Budget, context: int) -> Need:
    shape, weights = model.shape, Weights.estimate(model.shape, file)
    context = min(context, shape.context_train)
    gpus = budget.gpus
    kv, compute = kv_cells(shape, context, "f16"), compute_bytes(shape, context, budget.figures)

    def planned(placement: Placement, gpus: Sequence[Device]) -> MemoryPlan:
        return plan_for(weights, placement, kv, compute, [gpu.backend.overhead for gpu in gpus])

    def speed(placement: Placement, gpus: Sequence[Device]) -> float:
        return tokens_per_s(shape, weights, placement, budget.host, gpus, budget.figures, quant=file.quant)

    if not weights.experts[-1]:
        whole = place(shape.layers, shape.layers + 1, 0, [1] * max(1, len(gpus)))
        used = planned(whole, gpus or _card(budget, 1)).per_gpu
        cards = _larger(budget, max(used)) if gpus else _card(budget, used[0])
        memory = sum(planned(whole, cards).per_gpu) + sum(card.margin for card in cards)
        return Need(model, file, memory, True, speed(whole, cards))
    roomy = replace(budget, host=replace(budget.host, free=PLENTY))
    fitting = [way for way in ways(shape, weights, roomy, context) if (way.context, way.kv_type) == (context, "f16")]
    wanted, best = min(
        ((way.memory.host + (sum(way.memory.per_gpu) if budget.unified else 0), way) for way in fitting),
        key=lambda pair: pair[0],
    )
    return Need(model, file, wanted, False, speed(best.placement, gpus))


def _card(budget: Budget, size: int) -> tuple[Device, ...]:
    """A typical card for so many bytes, where the machine has none."""
    return Budget.typical(0, (size + budget.figures.gpu_margin,), budget.figures).gpus


def _larger(budget: Budget, size: int) -> tuple[Device, ...]:
    """This machine's cards with room for so many bytes each: larger ones are often faster."""
    if budget.unified:
        share = step(budget.figures.working_set, size)
        typical = budget.figures.typical_bandwidth("unified", round(size / share))
    else:
        typical = budget.figures.typical_bandwidth("vram", size + budget.figures.gpu_margin)
    return tuple(replace(gpu, bandwidth=max(gpu.bandwidth, typical)) for gpu in budget.gpus)


def _kind_of_memory(need: Need, budget: Budget) -> Phrase:
    if need.on_gpus:
        return (
            Phrase("memory for graphics", "可供显卡使用的内存") if budget.unified else Phrase("graphics memory", "显存")
        )
    return Phrase("free main memory" if budget.gpus and not budget.unified else "free memory", "可用内存")
