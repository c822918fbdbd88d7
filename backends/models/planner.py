"""How to run one file here, to the byte: llama.cpp is asked what every candidate would take, before it is loaded.

The formulas name the ways that fit and their order (`worth`); the best is put to llama.cpp (`DryRun`), whose own
numbers then take the place of the formulas, also for the ways like it; and so on until the best way is one that
llama.cpp has confirmed. Two or three questions do, of some milliseconds each. Where llama.cpp cannot be asked (no
engine, no file with a hole, a header that ends the child) the formulas stand, and a note says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log2
from pathlib import Path
from typing import Protocol

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError
from backends.core.phrase import Phrase
from backends.models.budget import HOST, Budget
from backends.models.footprint import UBATCH, WITHOUT_CACHE, host_overhead, kv_cells, repacked
from backends.models.gguf import Header
from backends.models.gguf_bounds import EMBEDDING_ARCHITECTURES
from backends.models.machines import Figures
from backends.models.ports import Allocation, DryRun
from backends.models.speed import host_share, tokens_per_s
from backends.models.types import DevicePlan, KvType, Plan, RunOptions, Shape
from backends.models.ways import F16_ONLY, Asked, Needs, Way, fits, regardless, ways
from backends.models.weights import Weights
from backends.models.worth import of_speed

__all__ = ["Asked", "Planner"]

MOST_QUESTIONS = 8


class Experience(Protocol):
    """What this machine has shown."""

    def memory_correction(self, device: str, architecture: str) -> int:
        """Bytes to add to what is predicted for a device."""
        ...


class Planner:
    """Any thread may use it. `dry_run` None: by the formulas alone."""

    def __init__(self, dry_run: DryRun | None, figures: Figures, experience: Experience | None = None) -> None:
        self._dry_run = dry_run
        self._figures = figures
        self._experience = experience

    def plan(self, path: Path | None, header: Header, budget: Budget, asked: Asked, *, cancel: CancelToken) -> Plan:
        """The best way that does what is asked, confirmed by llama.cpp; if none fits, the most frugal one.

        Where every sequence has a cache of its own, answers at the same time are given up before context is.
        `path`: a file whose header is real, None where there can be none. Raises Cancelled.
        """
        plan = self._plan(path, header, budget, asked, cancel)
        least = min(asked.context or asked.wanted_context, header.context_train or 1 << 60)
        if plan.options.parallel > 1 and header.shape.own_caches and not (plan.fits and plan.options.context >= least):
            alone = self._plan(path, header, budget, replace(asked, slots=replace(asked.slots, answers=1)), cancel)
            if alone.fits and (not plan.fits or alone.options.context > plan.options.context):
                return replace(alone, notes=(*alone.notes, _one_by_one(plan.options.parallel)))
        return plan

    def _plan(self, path: Path | None, header: Header, budget: Budget, asked: Asked, cancel: CancelToken) -> Plan:
        if asked.embeddings or _makes_vectors(header):
            context = asked.context or min(self._figures.companions.context, header.shape.context_train)
            batch = asked.batch or (context if header.architecture in WITHOUT_CACHE else UBATCH)
            asked = replace(asked, embeddings=True, context=context, batch=batch)
        search = self._search(header.shape, Weights.of_header(header), budget, asked, header.quant, header)
        if self._dry_run is None or path is None:
            return search.by_formula(_no_engine() if self._dry_run is None else _no_holes())
        for _ in range(MOST_QUESTIONS):
            way = search.best()
            if way in search.answered:
                break
            options = search.options(way)
            try:
                said = self._dry_run.measure(
                    path,
                    context=options.context,
                    kv_type=options.kv_type,
                    gpu_layers=options.gpu_layers,
                    expert_layers_on_cpu=options.expert_layers_on_cpu,
                    gpu_split=options.gpu_split,
                    batch=options.batch,
                    sequences=options.sequences,
                    outputs=options.outputs,
                    embeddings=asked.embeddings,
                    cancel=cancel,
                )
            except BackendError as error:
                return search.by_formula(_not_asked(error.message))
            if way.gpu_layers and not any(one.kind in ("gpu", "igpu") for one in said):
                return search.by_formula(_other_engine())
            search.take(way, said)
        return search.exact()

    def by_formula(
        self,
        shape: Shape,
        weights: Weights,
        budget: Budget,
        asked: Asked,
        *,
        quant: str = "",
        why: Phrase | None = None,
    ) -> Plan:
        """The best way by the formulas, good to some per cent: for a model whose header is not there yet."""
        return self._search(shape, weights, budget, asked, quant).by_formula(why or _no_header())

    def _search(
        self,
        shape: Shape,
        weights: Weights,
        budget: Budget,
        asked: Asked,
        quant: str,
        header: Header | None = None,
    ) -> "_Search":
        corrections = {
            device.label: self._experience.memory_correction(device.label, shape.architecture)
            for device in (budget.host, *budget.gpus)
            if self._experience is not None
        }
        asked = replace(asked, batch=asked.batch or UBATCH)
        return _Search(shape, weights, budget, asked, quant, corrections, header)


@dataclass(frozen=True, slots=True)
class _Answer:
    """A way as llama.cpp sees it."""

    devices: tuple[DevicePlan, ...]
    fits: bool


class _Search:
    """One file on one machine. `answered`: what llama.cpp said about the ways it was asked about."""

    def __init__(
        self,
        shape: Shape,
        weights: Weights,
        budget: Budget,
        asked: Asked,
        quant: str,
        corrections: dict[str, int],
        header: Header | None,
    ) -> None:
        self._header = header
        self._shape = shape
        self._weights = weights
        self._quant = quant
        self._corrections = corrections
        self.asked, self._notes = _possible(asked, shape, budget)
        # What this machine takes more (or less) than predicted is no room for a plan.
        self._budget = replace(
            budget,
            host=replace(budget.host, margin=budget.host.margin + corrections.get(HOST, 0)),
            gpus=tuple(replace(gpu, margin=gpu.margin + corrections.get(gpu.label, 0)) for gpu in budget.gpus),
        )
        self.answered: dict[Way, _Answer] = {}
        self._needs: dict[tuple[int, KvType, str], Needs] = {}

    def best(self) -> Way:
        """The best way by what is known now; llama.cpp may have refused it if none fits."""
        found = ways(
            self._shape,
            self._weights,
            self._budget,
            self.asked.wanted_context,
            self.asked,
            lambda context, kv_type, kind: self._needs.get((context, kv_type, kind)),
        )
        left = [way for way in found if (said := self._said(way)) is None or said.fits]
        # A smaller cache is for a context that would not fit otherwise, not for speed.
        roomy = {(way.context, way.kind) for way in left if way.kv_type == "f16" and not way.is_partial}
        left = [way for way in left if way.kv_type == "f16" or (way.context, way.kind) not in roomy]
        if left:
            return self._known(max(left, key=self._worth))
        return self._known(regardless(self._shape, self._weights, self._budget, self.asked.wanted_context, self.asked))

    def _said(self, way: Way) -> _Answer | None:
        return self.answered.get(self._known(way))

    def _known(self, way: Way) -> Way:
        """The same way among those that were answered: it may have been found with other numbers."""
        options = self.options(way)
        return next((one for one in self.answered if self.options(one) == options), way)

    def options(self, way: Way) -> RunOptions:
        return way.options(self.asked, self._shape)

    def _worth(self, way: Way) -> float:
        """How good a way is beside other ways to run the same file, as the advisor weighs it."""
        scoring, shape, budget = self._budget.figures.scoring, self._shape, self._budget
        filled = kv_cells(shape, min(way.context, 8192), way.kv_type)
        speed = tokens_per_s(
            shape, self._weights, way.placement, budget.host, budget.gpus, budget.figures, quant=self._quant, kv=filled
        )
        worth = scoring.shorter_context ** max(0.0, log2(self.asked.wanted_context / way.context))
        worth *= 1.0 if way.kv_type == "f16" else scoring.q8_0_kv
        worth *= of_speed(speed, scoring)
        in_main_memory = host_share(shape, self._weights, way.placement)
        worth *= 1 - scoring.main_memory_weight * in_main_memory ** (
            1.0 if budget.unified else scoring.main_memory_power
        )
        crowding = min(1.0, max(0.0, way.filling - scoring.comfort) / (1 - scoring.comfort))
        return worth * (1 - (1 - scoring.tight) * crowding)

    def take(self, way: Way, said: Sequence[Allocation]) -> None:
        devices = self._devices(way, said)
        known = devices[: len(self._budget.gpus) + 1]
        self.answered[way] = _Answer(devices, fits(known, self._budget))
        *gpus, host = known
        key = (way.context, way.kv_type, way.kind)
        compute = [one.compute for one in gpus]
        # A card that holds nothing now may hold something in another way of the kind.
        usual = max(compute, default=0)
        self._needs[key] = Needs(host.compute, tuple(one or usual for one in compute))

    def _mapped(self, way: Way) -> bool:
        """Whether the file is mapped: not where the processor gets copies of its weights anyway."""
        if self._header is None:
            return True
        return not repacked(self._header, way.placement, self._budget.instruction_sets)

    @property
    def _beside(self) -> int:
        """Bytes of main memory beside weights, cache and buffers; 0 for a file that was not looked at."""
        if self._header is None:
            return 0
        return host_overhead(self._header, outputs=self.asked.slots.outputs(self._shape))

    def _devices(self, way: Way, said: Sequence[Allocation]) -> tuple[DevicePlan, ...]:
        """What llama.cpp said, device by device, beside our weights; what the budget does not know comes last."""
        gpus = [one for one in said if one.kind in ("gpu", "igpu")]
        named = {one.device: one for one in gpus}
        on_cards = [named.pop(gpu.engine, None) for gpu in self._budget.gpus]
        rest = [one for one in gpus if one.device in named]
        if not any(on_cards):  # a budget that does not know the engine's names: in their order
            on_cards = [*rest, *[None] * len(on_cards)][: len(on_cards)]
            rest = rest[len(on_cards) :]
        found = []
        for planned, one in zip(way.devices[:-1], on_cards, strict=True):
            kv, compute = (one.kv, one.compute) if one else (0, 0)
            name = one.device if one else planned.name
            overhead = planned.overhead or (
                next(gpu.backend.overhead for gpu in self._budget.gpus if gpu.label == planned.name) if compute else 0
            )
            found.append(replace(planned, name=name, kv=kv, compute=compute, overhead=overhead))
        others = [one for one in said if one.kind not in ("gpu", "igpu")]
        host = replace(
            way.devices[-1],
            kv=sum(one.kv for one in others),
            compute=sum(one.compute for one in others),
            overhead=self._beside,
        )
        beside = [DevicePlan(one.device, one.kind, 0, one.kv, one.compute, 0) for one in rest]
        return (*found, host, *beside)

    def exact(self) -> Plan:
        way = self.best()
        if way not in self.answered:  # too many questions: what was confirmed, or else the last
            fitting = [one for one, answer in self.answered.items() if answer.fits]
            way = max(fitting, key=self._worth) if fitting else list(self.answered)[-1]
        answer = self.answered[way]
        return self._plan(way, answer.devices, exact=True, fits_here=answer.fits)

    def by_formula(self, why: Phrase) -> Plan:
        self.answered.clear()
        self._needs.clear()
        way = self.best()
        *gpus, host = way.devices
        devices = (*gpus, replace(host, overhead=self._beside))
        return self._plan(way, devices, exact=False, fits_here=fits(devices, self._budget), notes=(why,))

    def _plan(
        self, way: Way, devices: tuple[DevicePlan, ...], *, exact: bool, fits_here: bool, notes: tuple[Phrase, ...] = ()
    ) -> Plan:
        used = tuple(one for one in devices if one.total or one.kind == "cpu")
        return Plan(
            architecture=self._shape.architecture,
            options=replace(self.options(way), mapped=self._mapped(way)),
            devices=used,
            exact=exact,
            fits=fits_here,
            corrected=sum(self._corrections.get(one.name, 0) for one in used),
            notes=(*self._notes, *notes),
        )


def _makes_vectors(header: Header) -> bool:
    pooling = header.metadata.get(f"{header.architecture}.pooling_type", 0)
    return header.architecture in EMBEDDING_ARCHITECTURES or bool(pooling)


def _possible(asked: Asked, shape: Shape, budget: Budget) -> tuple[Asked, tuple[Phrase, ...]]:
    """What can be done of what is asked, and notes about the rest."""
    notes = []
    if asked.context is not None and shape.context_train and asked.context > shape.context_train:
        notes.append(
            Phrase(
                f"The context is {shape.context_train:,} tokens: the model was not trained for {asked.context:,}.",
                f"上下文为 {shape.context_train:,} 个 token：该模型的训练长度不支持 {asked.context:,}。",
            )
        )
        asked = replace(asked, context=shape.context_train)
    if asked.kv_type == "q8_0" and shape.architecture in F16_ONLY:
        notes.append(
            Phrase(
                "The cache is kept in f16: this model does not bear a quantised one.",
                "缓存保持 f16：该模型不支持量化缓存。",
            )
        )
        asked = replace(asked, kv_type="f16")
    if asked.gpu_layers is not None:
        layers = shape.layers + 1 if asked.gpu_layers < 0 else min(asked.gpu_layers, shape.layers + 1)
        if layers and not budget.gpus:
            notes.append(
                Phrase(
                    "There is no graphics card here that the engine can use: all layers are in main memory.",
                    "没有引擎可用的显卡：所有层都放在内存中。",
                )
            )
            layers = 0
        asked = replace(asked, gpu_layers=layers)
    return asked, tuple(notes)


def _one_by_one(instead_of: int) -> Phrase:
    return Phrase(
        f"One answer is computed at a time instead of {instead_of}: this model keeps a cache for each.",
        f"同一时间只生成 1 个回答（原为 {instead_of} 个）：该模型为每个回答单独保留缓存。",
    )


def _by_formula(en: str, zh: str) -> Phrase:
    return Phrase(f"Estimated by formula: {en}.", f"按公式估算：{zh}。")


def _no_engine() -> Phrase:
    return _by_formula("there is no engine to ask", "没有可询问的引擎")


def _no_header() -> Phrase:
    return _by_formula("the file has not been looked at yet", "尚未查看该文件")


def _no_holes() -> Phrase:
    return _by_formula("this disk cannot hold the file that the engine would be asked about", "此磁盘不支持稀疏文件")


def _other_engine() -> Phrase:
    return _by_formula("this build of the engine has no graphics card to ask about", "当前安装的引擎没有可用的显卡")


def _not_asked(why: Phrase) -> Phrase:
    return Phrase(f"Estimated by formula. {why.en}", f"按公式估算。{why.zh}")
