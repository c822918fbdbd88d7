"""What to try when a model could not be loaded as planned: rungs, the ones that cost least first.

A rung has less of something: one answer at a time where each has a cache of its own, a context half as long (down to
4096 tokens), a cache in q8_0, fewer layers or experts on the graphics cards, a smaller quant of the same model that is
on this disk, the processor alone; or several of them at once. What each costs is weighed as the advisor weighs it. A
rung is only offered where its memory is there and where it answers the failure: whoever lacked memory on a card gets
what takes less there, by a tenth at least and by more the more often it failed. So there are few, nothing that was
given up comes back, and none comes twice.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import log2
from typing import Literal

from backends.core.phrase import NOTHING, Phrase
from backends.models import exactness
from backends.models.budget import Budget
from backends.models.footprint import Placement, compute_bytes, kv_cells, place
from backends.models.speed import host_share, tokens_per_s
from backends.models.types import DevicePlan, KvType, LocalModel, RunOptions, Shape
from backends.models.ways import Needs, devices_of, fits, kv_types, placed
from backends.models.weights import Weights

LEAST_CONTEXT = 4096
LEAST_RELIEF, MOST_RELIEF = 0.1, 0.5  # of the memory that was not enough
CRASHES = 2  # of one file in one place; then it is the file
ONE_BY_ONE = 0.95  # what is left of a model that answers one after the other

Failure = Literal["gpu_memory", "host_memory", "crash", "unsupported"]
"""Not enough memory on the cards, or in main memory; the engine ended or refused for another reason; it never will."""


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A file that may be run. `divergence`: KLD of its quant; `sensitivity`: how much that costs this model."""

    model: LocalModel
    shape: Shape
    weights: Weights
    divergence: float = 0.0
    sensitivity: float = 1.0


@dataclass(frozen=True, slots=True)
class Fixed:
    """What the person chose: given up only when nothing else is left, the context last. None: left to us."""

    context: int | None = None
    kv_type: KvType | None = None
    gpu_layers: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A way to run a file: tried, or to be tried. `tokens_per_s` by the speed model, the context a quarter full."""

    file: OnDisk
    options: RunOptions
    devices: tuple[DevicePlan, ...]  # cards as in the budget, main memory last
    tokens_per_s: float
    score: float  # what is left of the model: 1 would be perfect
    on_host: int  # bytes of main memory
    on_gpus: int

    @property
    def model(self) -> LocalModel:
        return self.file.model

    @property
    def total(self) -> int:
        return sum(one.total for one in self.devices)


@dataclass(frozen=True, slots=True)
class Failed:
    step: Step
    failure: Failure


@dataclass(frozen=True, slots=True)
class Rung:
    """`change`: what it goes on with; `cost`: what that costs, beside what came before. `gives_up`: something fixed."""

    step: Step
    change: Phrase
    cost: Phrase
    gives_up: bool = False

    @property
    def model(self) -> LocalModel:
        return self.step.model

    @property
    def options(self) -> RunOptions:
        return self.step.options


def step(file: OnDisk, options: RunOptions, budget: Budget, parallel: int = 1) -> Step:
    """What a way to run a file takes, by the formulas, and what it is worth. `parallel`: answers that were wanted at a
    time."""
    shape, weights = file.shape, file.weights
    placement = _placement(shape, options, budget)
    compute = compute_bytes(
        shape,
        options.context,
        budget.figures,
        ubatch=options.batch,
        sequences=options.sequences,
        outputs=options.outputs,
        kv_type=options.kv_type,
    )
    kv = kv_cells(shape, options.context, options.kv_type, batch=options.batch, sequences=options.sequences)
    devices = devices_of(weights, placement, kv, Needs(compute, (compute,) * len(budget.gpus)), budget)
    quick = speed(file, options, budget, options.context // 4)
    in_main_memory = host_share(shape, weights, placement) if budget.gpus and not budget.unified else 0.0
    on_gpus = sum(one.total for one in devices[:-1])
    return Step(
        file=file,
        options=options,
        devices=devices,
        tokens_per_s=quick,
        score=_score(file, options, quick, in_main_memory, budget) * (ONE_BY_ONE if parallel > options.parallel else 1),
        on_host=devices[-1].total + (on_gpus if budget.unified else 0),
        on_gpus=on_gpus,
    )


def speed(file: OnDisk, options: RunOptions, budget: Budget, filled: int) -> float:
    """Tokens per second with so many tokens in the cache, by the speed model alone."""
    placement = _placement(file.shape, options, budget)
    kv = kv_cells(file.shape, max(256, filled), options.kv_type)
    return tokens_per_s(
        file.shape,
        file.weights,
        placement,
        budget.host,
        budget.gpus,
        budget.figures,
        quant=file.model.quant,
        kv=kv,
    )


def failure_of(step: Step, code: str, words: str, budget: Budget) -> Failure:
    """What kind of failure the engine's error is, by its code and its own words. Which memory was short: the one that
    it names, else the one that the plan fills most."""
    if code != "out_of_memory":
        return "crash"
    if not step.on_gpus:
        return "host_memory"
    if any(gpu.label in words for gpu in budget.gpus):
        return "gpu_memory"
    cards = zip(step.devices, budget.gpus, strict=False)
    filled = max(one.total / max(1, gpu.usable) for one, gpu in cards)
    return "gpu_memory" if filled >= step.on_host / max(1, budget.host.usable) else "host_memory"


def rungs(
    start: Step, failed: Sequence[Failed], budget: Budget, others: Sequence[OnDisk] = (), fixed: Fixed | None = None
) -> Iterator[Rung]:
    """What to try next, as if each failed in the way of the last of `failed`, which stand in their order.

    `start` is what was planned; `others` are quants of the same model on this disk.
    """
    fixed, failed = fixed or Fixed(), list(failed)
    smaller = [other for other in others if other.model.size < start.model.size]
    steps = {(found.model.path, found.options): found for found in _steps(start, smaller, budget)}
    for known in (start, *(one.step for one in failed)):
        steps.pop((known.model.path, known.options), None)
    left = sorted((one for one in steps.values() if fits(one.devices, budget)), key=lambda one: _order(one, fixed))
    while failed and all(one.failure != "unsupported" for one in failed):
        found = _next(left, failed)
        if found is None:
            return
        left.remove(found)
        yield Rung(found, change(failed[-1].step, found), cost(failed[-1].step, found), _gives_up(found, fixed))
        failed.append(Failed(found, failed[-1].failure))


def _next(left: Sequence[Step], failed: Sequence[Failed]) -> Step | None:
    left = [one for one in left if all(_descends(one, before.step) for before in failed)]
    for relief in (min(LEAST_RELIEF * max(1, len(failed) - 1), MOST_RELIEF), LEAST_RELIEF):
        for one in left:
            if all(_answers(one, before, failed, relief) for before in failed):
                return one
    least = [one for one in left if all(_answers(one, before, failed, 0.0) for before in failed)]
    return min(least, key=lambda one: one.on_gpus + one.on_host, default=None)


def _descends(one: Step, before: Step) -> bool:
    """Nothing that was given up comes back."""
    new, old = one.options, before.options
    kept_off = new.expert_layers_on_cpu >= old.expert_layers_on_cpu or not one.on_gpus
    return (
        one.model.size <= before.model.size
        and new.context <= old.context
        and new.parallel <= old.parallel
        and (new.kv_type == old.kv_type or old.kv_type == "f16")
        and one.on_gpus <= before.on_gpus
        and kept_off
    )


def _answers(one: Step, before: Failed, failed: Sequence[Failed], relief: float) -> bool:
    """Whether `one` has what `before` lacked."""
    tried = before.step
    if before.failure == "gpu_memory":
        return one.on_gpus < tried.on_gpus and one.on_gpus <= (1 - relief) * tried.on_gpus
    if before.failure == "host_memory":
        return one.on_host < tried.on_host and one.on_host <= (1 - relief) * tried.on_host
    if one.options.kv_type != tried.options.kv_type:
        return False  # that is about memory
    if one.model.path != tried.model.path:
        return True
    if bool(one.on_gpus) != bool(tried.on_gpus):
        return not one.on_gpus
    alike = [past for past in failed if past.failure == "crash" and past.step.model.path == one.model.path]
    alike = [past for past in alike if bool(past.step.on_gpus) == bool(one.on_gpus)]
    lighter = one.on_gpus + one.on_host < tried.on_gpus + tried.on_host
    return len(alike) < CRASHES and lighter and one.options.context * 2 <= tried.options.context


# ---- what there is to try


def _steps(start: Step, others: Iterable[OnDisk], budget: Budget) -> Iterator[Step]:
    for file in (start.file, *others):
        for context in _contexts(start.options.context):
            for kv_type in kv_types(file.shape):
                if kv_type == "f16" and start.options.kv_type != "f16":
                    continue
                for crowd in _parallel(start.options, file.shape):
                    for options in _placements(replace(crowd, context=context, kv_type=kv_type), file):
                        yield step(file, options, budget, start.options.parallel)


def _contexts(context: int) -> Iterator[int]:
    yield context
    while context > LEAST_CONTEXT:
        context = max(LEAST_CONTEXT, context // 2)
        yield context


def _parallel(options: RunOptions, shape: Shape) -> Iterator[RunOptions]:
    """As many answers at a time as planned; and one, where that saves a cache for each of the others."""
    yield options
    if shape.own_caches and options.parallel > 1:
        rows = options.outputs // options.parallel
        yield replace(options, parallel=1, sequences=1, outputs=max(1, rows))


def _placements(options: RunOptions, file: OnDisk) -> Iterator[RunOptions]:
    yield options
    layers, experts = file.shape.layers, options.expert_layers_on_cpu
    on_gpus = min(options.gpu_layers, layers + 1) if options.gpu_layers >= 0 else layers + 1
    if not on_gpus:
        return
    if file.weights.experts[-1]:
        for part in (1, 2, 3, 4):
            yield replace(options, expert_layers_on_cpu=experts + (layers - experts) * part // 4)
    for eighths in (7, 6, 4, 2):
        fewer = on_gpus * eighths // 8
        if fewer:
            yield replace(options, gpu_layers=fewer, gpu_split=_shared(options.gpu_split, fewer))
    yield replace(options, gpu_layers=0, expert_layers_on_cpu=0, gpu_split=())


def _shared(split: Sequence[int], layers: int) -> tuple[int, ...]:
    """`layers` on the cards in the proportions of `split`, which is for more."""
    before, total, given = 0, sum(split), []
    for count in split:
        given.append((before + count) * layers // total - before * layers // total)
        before += count
    return tuple(given)


def _placement(shape: Shape, options: RunOptions, budget: Budget) -> Placement:
    layers = min(options.gpu_layers, shape.layers + 1) if options.gpu_layers >= 0 else shape.layers + 1
    if budget.gpus and layers == sum(options.gpu_split) and len(options.gpu_split) == len(budget.gpus):
        return placed(shape.layers, options.gpu_split, options.expert_layers_on_cpu)
    return place(shape.layers, layers, options.expert_layers_on_cpu, [gpu.free for gpu in budget.gpus])


# ---- what it costs


def _order(one: Step, fixed: Fixed) -> tuple[bool, bool, float, int, str]:
    return _shortens(one, fixed), _gives_up(one, fixed), -one.score, one.total, str(one.model.path)


def _shortens(one: Step, fixed: Fixed) -> bool:
    return fixed.context is not None and one.options.context < min(fixed.context, one.file.shape.context_train)


def _gives_up(one: Step, fixed: Fixed) -> bool:
    options = one.options
    return (
        _shortens(one, fixed)
        or (fixed.kv_type is not None and options.kv_type != fixed.kv_type)
        or (fixed.gpu_layers is not None and options.gpu_layers != fixed.gpu_layers)
    )


def _score(file: OnDisk, options: RunOptions, rate: float, in_main_memory: float, budget: Budget) -> float:
    """As the advisor's for one model, less what is the same for all its ways."""
    scoring = budget.figures.scoring
    loss = scoring.divergence_weight * max(0.0, file.divergence - scoring.negligible_divergence)
    score = max(0.0, 1 - loss * file.sensitivity)
    score *= scoring.shorter_context ** -log2(options.context)
    score *= 1.0 if options.kv_type == "f16" else scoring.q8_0_kv
    score *= min(1.0, rate / scoring.target_speed) ** scoring.speed_power
    score *= 1.0 if rate >= scoring.slowest else scoring.slow_factor
    return score * (1 - scoring.main_memory_weight * in_main_memory**scoring.main_memory_power)


def change(before: Step, after: Step) -> Phrase:
    """What `after` has instead of what `before` had."""
    old, new, said = before.options, after.options, []
    if after.model.path != before.model.path:
        here, there = after.model.quant or after.model.id, before.model.quant or before.model.id
        said.append(Phrase(f"the file in {here} instead of {there}", f"改用 {here} 文件（原为 {there}）"))
    if new.context != old.context:
        said.append(
            Phrase(
                f"a context of {new.context:,} tokens instead of {old.context:,}",
                f"上下文 {new.context:,} 个 token（原为 {old.context:,}）",
            )
        )
    if new.parallel != old.parallel:
        said.append(
            Phrase(f"one answer at a time instead of {old.parallel}", f"同时 1 个回答（原为 {old.parallel} 个）")
        )
    if new.kv_type != old.kv_type:
        said.append(
            Phrase(f"the cache in {new.kv_type} instead of {old.kv_type}", f"缓存 {new.kv_type}（原为 {old.kv_type}）")
        )
    if bool(after.on_gpus) != bool(before.on_gpus):
        said.append(Phrase("the processor alone", "仅使用处理器"))
    elif after.on_gpus:
        said += _moved(old, new, after.file.shape.layers + 1)
    if not said:
        return NOTHING
    *first, last = said
    list_of = f"{', '.join(one.en for one in first)} and {last.en}" if first else last.en
    return Phrase(f"It goes on with {list_of}.", f"改为：{'；'.join(one.zh for one in said)}。")


def _moved(old: RunOptions, new: RunOptions, all_layers: int) -> Iterator[Phrase]:
    if new.gpu_layers != old.gpu_layers:
        here, there = (
            all_layers if count < 0 else min(count, all_layers) for count in (new.gpu_layers, old.gpu_layers)
        )
        yield Phrase(
            f"{here} of {all_layers} layers on the graphics card instead of {there}",
            f"{all_layers} 层中有 {here} 层在显卡上（原为 {there} 层）",
        )
    if new.expert_layers_on_cpu != old.expert_layers_on_cpu:
        count = new.expert_layers_on_cpu
        yield Phrase(f"the experts of {count} layers in main memory", f"{count} 层的专家权重留在内存中")


def cost(before: Step, after: Step) -> Phrase:
    """What the change costs: tokens of context, quality, speed."""
    said = []
    if after.options.parallel < before.options.parallel:
        said.append(Phrase("Other answers wait for their turn.", "其他回答将排队等待。"))
    if (fewer := before.options.context - after.options.context) > 0:
        said.append(
            Phrase(f"The conversation may be {fewer:,} tokens shorter.", f"可容纳的对话减少 {fewer:,} 个 token。")
        )
    if after.options.kv_type != before.options.kv_type:
        said.append(Phrase("The smaller cache loses very little.", "较小的缓存精度损失很小。"))
    said.append(exactness.lost(before.file.divergence, after.file.divergence))
    if after.tokens_per_s < 0.9 * before.tokens_per_s:
        rates = [
            f"{speed:.0f}" if speed >= 9.5 else f"{speed:.1f}" for speed in (after.tokens_per_s, before.tokens_per_s)
        ]
        said.append(
            Phrase(
                f"It writes about {rates[0]} instead of {rates[1]} tokens per second.",
                f"每秒约生成 {rates[0]} 个 token（原为 {rates[1]}）。",
            )
        )
    said = [one for one in said if one != NOTHING]
    if not said:
        return Phrase("That costs hardly anything.", "几乎没有影响。")
    return Phrase(" ".join(one.en for one in said), "".join(one.zh for one in said))
