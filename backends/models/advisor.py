"""Which DeepSeek model suits this machine for a use, in which quant, and how to run it.

Every way to run every file that fits is given a score: the model's quality for the use, less what its quant, a shorter
context, a quantised cache, slowness, work in main memory and a memory filled to the brim cost. The best score is the
pick. Qualities stand in the catalogue, weights in the figures; they were fitted to a table of sample machines, which
the tests hold.

More memory never makes a pick worse: every part of a score depends on the way alone, or grows with what is left free.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log2
from typing import Protocol

from backends.models import reasons, worth
from backends.models.beyond import next_better
from backends.models.budget import Budget
from backends.models.catalog import Catalog
from backends.models.cautions import cautions
from backends.models.companions import advise_companion, companion_choice
from backends.models.footprint import kv_cells
from backends.models.gguf import Header
from backends.models.gguf_bounds import CHAT_ARCHITECTURES
from backends.models.machines import Figures
from backends.models.speed import host_share, seconds_to_answer, tokens_per_s
from backends.models.types import Advice, CatalogModel, Choice, Kind, ModelFile, Use
from backends.models.ways import Way, frugal, ways
from backends.models.weights import Weights

WANTED_CONTEXT = 16384

__all__ = ["Budget", "SpeedSeen", "Wish", "advise", "choice_for"]


class SpeedSeen(Protocol):
    """What was measured on this machine: `models.experience.Experience`."""

    def speed_factor(self, devices: Sequence[str], architecture: str) -> float:
        """What to multiply a predicted speed by; 1.0 where nothing was measured."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """`context` in tokens; `min_speed` in tokens per second, None for whatever is bearable."""

    context: int = WANTED_CONTEXT
    min_speed: float | None = None
    use: Use = "chat"

    @classmethod
    def of(
        cls,
        use: Use,
        context: int = WANTED_CONTEXT,
        min_speed: float | None = None,
        figures: Figures | None = None,
    ) -> "Wish":
        """A wish for a use: the context that somebody is content with, or what the use needs if that is more."""
        figures = figures or Figures.load()
        return cls(max(context, figures.uses[use].least_context), min_speed, use)


def advise(
    catalog: Catalog,
    budget: Budget,
    wish: Wish | None = None,
    *,
    kind: Kind = "chat",
    experience: SpeedSeen | None = None,
) -> Advice:
    """The best model for this machine and, beside it, the best choice of every other one of its kind, best first.

    Embedders and rerankers (`kind`) beside a chat model: `companions`.
    """
    if kind != "chat":
        return advise_companion(catalog, budget, kind)
    wish = wish or Wish()
    models = catalog.of_kind("chat")
    choices = sorted((_choice(model, model.files, budget, wish, None, experience) for model in models), key=_order)
    pick = next((choice for choice in choices if _is_eligible(choice, wish)), None)
    others = tuple(choice for choice in choices if choice is not pick)
    if pick is None:
        return Advice(None, reasons.nothing(choices, budget, wish.min_speed), others)
    better = next_better(models, pick, budget, wish.use, wish.context)
    return Advice(pick, reasons.of_pick(pick, budget, wish.use), others, better)


def choice_for(
    target: Header | CatalogModel,
    budget: Budget,
    wish: Wish | None = None,
    file: ModelFile | None = None,
    *,
    known: CatalogModel | None = None,
    experience: SpeedSeen | None = None,
) -> Choice:
    """How to run one model here: one of the catalogue (in its best quant, or as `file`), or a file by its header.

    An embedder or a reranker is weighed as `companions` does. `known`: what the catalogue tells of the file's model;
    the header counts before it. The verdict is `too_large` when
    no way fits; then it holds the most frugal way, for who wants to try.
    """
    wish = wish or Wish()
    if isinstance(target, Header):
        model = model_of(target, known)
        if model.kind != "chat":
            return companion_choice(model, budget, weights=Weights.of_header(target))
        return _choice(model, model.files, budget, wish, Weights.of_header(target), experience)
    if target.kind != "chat":
        return companion_choice(target, budget, file)
    return _choice(target, (file,) if file else target.files, budget, wish, None, experience)


def _choice(
    model: CatalogModel,
    files: tuple[ModelFile, ...],
    budget: Budget,
    wish: Wish,
    weights: Weights | None,
    experience: SpeedSeen | None,
) -> Choice:
    if model.shape.architecture not in CHAT_ARCHITECTURES:
        return _without_a_way(model, files, budget, wish, weights)
    choices = []
    for file in files:
        inside = weights or Weights.estimate(model.shape, file)
        for way in ways(model.shape, inside, budget, wish.context):
            choices.append(_weighed(model, file, inside, way, budget, wish, experience))
            if way.filling <= budget.figures.scoring.comfort and _is_plain(way, budget, wish):
                break  # what follows has a shorter context, a smaller cache or less of the GPUs
    if not choices:
        return _without_a_way(model, files, budget, wish, weights)
    return min(choices, key=lambda choice: (not _is_eligible(choice, wish), *_order(choice)))


def _is_plain(way: Way, budget: Budget, wish: Wish) -> bool:
    whole = not way.is_partial and bool(way.gpu_layers) == bool(budget.gpus)
    return whole and way.context == wish.context and way.kv_type == "f16"


def _weighed(
    model: CatalogModel,
    file: ModelFile,
    weights: Weights,
    way: Way,
    budget: Budget,
    wish: Wish,
    experience: SpeedSeen | None,
) -> Choice:
    shape, figures, placement, use = model.shape, budget.figures, way.placement, budget.figures.uses[wish.use]
    filled = kv_cells(shape, min(way.context, use.answers.context_tokens), way.kv_type)
    seen = experience.speed_factor(_devices(way, budget), shape.architecture) if experience else 1.0
    empty_speed, speed = (
        seen * tokens_per_s(shape, weights, placement, budget.host, budget.gpus, figures, quant=file.quant, kv=kv)
        for kv in (None, filled)
    )
    prefill = (budget.gpus[0] if way.gpu_layers else budget.host).backend.prefill
    seconds = seconds_to_answer(speed, prefill, use.answers, reasoning=model.reasoning)
    verdict = "partial" if way.is_partial else "fits" if way.filling <= figures.scoring.comfort else "tight"
    return Choice(
        model=model,
        file=file,
        context=way.context,
        kv_type=way.kv_type,
        gpu_layers=way.gpu_layers,
        expert_layers_on_cpu=placement.expert_layers_on_cpu,
        memory=way.memory,
        tokens_per_s=speed,
        seconds_to_answer=seconds,
        verdict=verdict,
        score=_score(model, file, way, empty_speed, host_share(shape, weights, placement), budget, wish),
        note=reasons.note(model, way, verdict, seconds, weights, budget, wish.context),
        gpu_split=way.gpu_split,
        warnings=cautions(model, file, way.context, figures.cautions),
    )


def _devices(way: Way, budget: Budget) -> tuple[str, ...]:
    """The names of those that compute, as measurements are kept by them."""
    return (way.gpu_layers > 0 and tuple(gpu.label for gpu in budget.gpus)) or (budget.host.label,)


def _score(
    model: CatalogModel, file: ModelFile, way: Way, speed: float, in_main_memory: float, budget: Budget, wish: Wish
) -> float:
    scoring = budget.figures.uses[wish.use].scoring
    score = worth.of_file(model, file, wish.use, scoring)
    score *= scoring.shorter_context ** max(0.0, log2(wish.context / way.context))
    score *= 1.0 if way.kv_type == "f16" else scoring.q8_0_kv
    score *= worth.of_speed(speed, scoring)
    # Leaving the GPUs' memory hurts at once; where there is one memory, only as far as the processor has to work.
    power = 1.0 if budget.unified else scoring.main_memory_power
    score *= 1 - scoring.main_memory_weight * in_main_memory**power
    crowding = max(0.0, way.filling - scoring.comfort) / (1 - scoring.comfort)
    return score * (1 - (1 - scoring.tight) * crowding)


def _without_a_way(
    model: CatalogModel, files: tuple[ModelFile, ...], budget: Budget, wish: Wish, weights: Weights | None
) -> Choice:
    """What cannot run here: the smallest file in its most frugal way, and what it would take."""
    file = min(files, key=lambda file: file.size)
    known = model.shape.architecture in CHAT_ARCHITECTURES
    context, kv_type, memory = frugal(model.shape, weights or Weights.estimate(model.shape, file), budget, wish.context)
    return Choice(
        model=model,
        file=file,
        context=context,
        kv_type=kv_type,
        gpu_layers=0,
        expert_layers_on_cpu=0,
        memory=memory,
        tokens_per_s=0.0,
        seconds_to_answer=0.0,
        verdict="too_large" if known else "unsupported",
        score=0.0,
        note=reasons.too_large(memory, budget) if known else reasons.unsupported(),
        warnings=cautions(model, file, context, budget.figures.cautions),
    )


def _is_eligible(choice: Choice, wish: Wish) -> bool:
    return choice.verdict in ("fits", "tight", "partial") and choice.tokens_per_s >= (wish.min_speed or 0.0)


def _order(choice: Choice) -> tuple[float, float, int, str]:
    return -choice.score, -choice.tokens_per_s, choice.memory.total, choice.model.id


def model_of(header: Header, known: CatalogModel | None) -> CatalogModel:
    """A file on this disk as a model: what its header tells, then the catalogue, neutral where both are silent."""
    file = ModelFile(header.quant, "", header.size)
    reasoning = "<think>" in header.chat_template
    if known is not None:
        same = next((one for one in known.files if one.quant == header.quant), file)
        file = replace(same, size=header.size)
        reasoning = known.reasoning or reasoning
        return replace(known, shape=header.shape, files=(file,), reasoning=reasoning, kind=header.kind)
    billions = header.parameters / 1e9
    name = header.name or header.architecture
    licence = header.metadata.get("general.license")
    return CatalogModel(
        id=name,
        name=name,
        summary=reasons.own_file(),
        repo="",
        parameters=billions,
        active_parameters=billions,
        shape=header.shape,
        license=licence if isinstance(licence, str) else "",
        base_score=1.0,
        quant_sensitivity=1.0,
        reasoning=reasoning,
        temperature=0.6,
        top_p=0.95,
        system_prompt=True,
        files=(file,),
        kind=header.kind,
    )
