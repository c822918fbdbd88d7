"""The embedder and the reranker for documents: small models that run beside the chat model, in what it leaves free.

They are weighed as chat models are, with two ways each: wholly on the GPUs, or in main memory. Speed is that of
reading, in tokens per second; `seconds_to_answer` is what one page takes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from backends.models import reasons, worth
from backends.models.budget import Budget, Device
from backends.models.catalog import Catalog
from backends.models.footprint import WITHOUT_CACHE, compute_bytes
from backends.models.speed import tokens_per_s
from backends.models.types import Advice, CatalogModel, Choice, Kind, KvType, ModelFile
from backends.models.ways import Asked, Needs, Way, regardless, ways
from backends.models.weights import Weights

BATCH = 512  # of those that keep a cache; the others read a text at once


@dataclass(frozen=True, slots=True)
class Companions:
    """None where none fits."""

    embedder: Choice | None
    reranker: Choice | None


def companions(catalog: Catalog, budget: Budget, beside: Choice | None = None) -> Companions:
    """What fits beside a chat model that is not loaded yet (else None): the embedder, then the reranker."""
    embedder = advise_companion(catalog, budget, "embedding", [beside] if beside else []).pick
    taken = [one for one in (beside, embedder) if one is not None]
    return Companions(embedder, advise_companion(catalog, budget, "reranking", taken).pick)


def advise_companion(catalog: Catalog, budget: Budget, kind: Kind, taken: Sequence[Choice] = ()) -> Advice:
    """The best of a kind in what the models `taken` leave, and the best choice of every other one."""
    for choice in taken:
        budget = _left(budget, choice)
    choices = sorted((companion_choice(model, budget) for model in catalog.of_kind(kind)), key=_order)
    pick = next((choice for choice in choices if choice.verdict != "too_large"), None)
    others = tuple(choice for choice in choices if choice is not pick)
    reason = reasons.of_companion(pick) if pick else reasons.no_companion(choices, budget)
    return Advice(pick, reason, others)


def companion_choice(
    model: CatalogModel, budget: Budget, file: ModelFile | None = None, weights: Weights | None = None
) -> Choice:
    """How to run one of them: in its best quant or as `file`, with its `weights` where the header told them."""
    found = []
    for one in (file,) if file else model.files:
        inside = weights or Weights.estimate(model.shape, one)
        found += [_weighed(model, one, inside, way, budget) for way in _ways(model, inside, budget)]
    if found:
        return min(found, key=_order)
    one = file or min(model.files, key=lambda file: file.size)
    inside = weights or Weights.estimate(model.shape, one)
    asked = _asked(model, budget)
    way = regardless(model.shape, inside, budget, budget.figures.companions.context, asked)
    lost = _weighed(model, one, inside, way, budget)
    note = reasons.too_large(lost.memory, budget)
    return replace(lost, verdict="too_large", score=0.0, tokens_per_s=0.0, seconds_to_answer=0.0, note=note)


def _left(budget: Budget, taken: Choice) -> Budget:
    """What is free beside a model. The backend's own memory on a card that it uses is taken once."""
    memory = taken.memory
    on_gpus = memory.per_gpu or (0,) * len(budget.gpus)
    in_host = memory.host + (sum(on_gpus) if budget.unified else 0)
    gpus = tuple(_less(gpu, used) for gpu, used in zip(budget.gpus, on_gpus, strict=False))
    return replace(budget, host=replace(budget.host, free=max(0, budget.host.free - in_host)), gpus=gpus)


def _less(gpu: Device, used: int) -> Device:
    backend = replace(gpu.backend, overhead=0) if used else gpu.backend
    return replace(gpu, free=max(0, gpu.free - used), backend=backend)


def _asked(model: CatalogModel, budget: Budget) -> Asked:
    context = min(budget.figures.companions.context, model.shape.context_train)
    batch = context if model.shape.architecture in WITHOUT_CACHE else min(BATCH, context)
    return Asked(context=context, kv_type="f16", batch=batch)


def _ways(model: CatalogModel, weights: Weights, budget: Budget) -> list[Way]:
    """Wholly on the GPUs and wholly in main memory; so small a model is not split."""
    shape, asked = model.shape, _asked(model, budget)
    compute = compute_bytes(shape, asked.context or 0, budget.figures, ubatch=asked.batch, embeddings=True)
    needs = Needs(compute, (compute,) * len(budget.gpus))

    def told(_context: int, _kv_type: KvType, _kind: str) -> Needs:
        return needs

    return [way for way in ways(shape, weights, budget, asked.context or 0, asked, told) if not way.is_partial]


def _weighed(model: CatalogModel, file: ModelFile, weights: Weights, way: Way, budget: Budget) -> Choice:
    figures, shape = budget.figures, model.shape
    decoded = tokens_per_s(shape, weights, way.placement, budget.host, budget.gpus, figures, quant=file.quant)
    speed = decoded * (budget.gpus[0] if way.gpu_layers else budget.host).backend.prefill
    is_beside = bool(budget.gpus) and not way.gpu_layers
    score = worth.of_file(model, file, "documents", figures.scoring)
    score *= figures.companions.in_main_memory if is_beside else 1.0
    fits = way.filling <= figures.scoring.comfort
    return Choice(
        model=model,
        file=file,
        context=way.context,
        kv_type=way.kv_type,
        gpu_layers=way.gpu_layers,
        expert_layers_on_cpu=0,
        memory=way.memory,
        tokens_per_s=speed,
        seconds_to_answer=figures.companions.page_tokens / speed,
        verdict="fits" if fits else "tight",
        score=score * (1.0 if fits else figures.scoring.tight),
        gpu_split=way.gpu_split,
    )


def _order(choice: Choice) -> tuple[float, int, str]:
    return -choice.score, choice.memory.total, choice.model.id
