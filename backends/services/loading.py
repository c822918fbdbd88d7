"""The model that answers: chosen, planned for this machine as it is now, loaded; what came of it teaches us."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, NotFound, ResourceError, Unavailable
from backends.core.phrase import Phrase
from backends.core.setting_groups import EngineSettings
from backends.core.stream import Runner, Stream
from backends.engine.protocol import Adapter, Finished, LoadEvent, LoadRequest, LoadWaiting
from backends.hardware.types import Machine
from backends.models import gguf, ladder
from backends.models.budget import HOST, Budget
from backends.models.experience import RunKey
from backends.models.footprint import kv_bytes
from backends.models.gguf import Header
from backends.models.ladder import Fixed, OnDisk, Step
from backends.models.planner import Asked
from backends.models.sharing import shared
from backends.models.types import CatalogModel, LocalModel, Plan
from backends.models.weights import Weights
from backends.services.descent import Descent, Landed, within
from backends.services.embedding import EmbeddingServices
from backends.services.foundation import Foundation, engine_version
from backends.services.idle import IdleUnload
from backends.services.machine import MachineServices
from backends.services.warmth import states_kept

__all__ = ["LoadingServices", "within"]

LEAST_ANSWER = 32  # tokens from which a speed can be told
LEAST_WEIGHTS = 64 << 20  # bytes; of smaller models there is nothing to learn for real ones


@dataclass(frozen=True, slots=True)
class _Running:
    """The model that answers as it was planned; its speed is measured once a load."""

    key: RunKey
    step: Step
    budget: Budget


class LoadingServices:
    """Its thread: `load`; the engine has its own."""

    def __init__(
        self, foundation: Foundation, machine: MachineServices, beside: EmbeddingServices, *, minute: float = 60.0
    ) -> None:
        """`beside`: what gives its memory up where the chat model needs it."""
        self._base = foundation
        self._machine = machine
        self._beside = beside
        self._runner = Runner("load")
        self.under_way = False  # a model is being loaded
        self._unmeasured: _Running | None = None
        self._idle = IdleUnload(
            foundation.engine,
            lambda: foundation.settings.current.engine.idle_unload,
            lambda: foundation.changed("model"),
            minute=minute,
        )

    def close(self) -> None:
        self._idle.close()
        self._runner.close()

    def load(
        self,
        model: LocalModel,
        *,
        context: int | None = None,
        safe: bool = False,
        remember: bool = True,
        engine: EngineSettings | None = None,
    ) -> Stream[LoadEvent]:
        """Check the file, plan for this machine as it is now, load; what is new here in a process of its own first.

        When it fails, what costs least is given up (LoadStepped) until it works; a `context` that is named never is:
        then the error says what would fit. `safe`: on the CPU alone (after a crash). `remember`: it is the model that
        answers from now on. `engine`: settings in place of the person's. The adapters that were last used with it are
        loaded too.
        """
        return self._runner.start(self._load, model, context, safe, remember, engine)

    def load_unless_loaded(self, model: LocalModel) -> Stream[LoadEvent]:
        """`load`, but nothing happens if there is any model when its turn comes: another load may come first."""
        return self._runner.start(self._load_unless_loaded, model)

    def _load_unless_loaded(self, model: LocalModel, *, cancel: CancelToken) -> Iterator[LoadEvent]:
        if self._base.engine.model is None:
            yield from self._load(model, None, False, True, None, cancel=cancel)

    def have(self, model: LocalModel, *, context: int | None = None, safe: bool = False) -> Stream[LoadEvent]:
        """Load it for a question, unless it is there when its turn comes, with so large a context. The model that
        answers others stays the one that is remembered."""
        return self._runner.start(self._have, model, context, safe)

    def _have(self, model: LocalModel, context: int | None, safe: bool, *, cancel: CancelToken) -> Iterator[LoadEvent]:
        loaded = self._base.engine.model
        if loaded is None or loaded.path != model.path or loaded.context < (context or 0):
            yield from self._load(model, context, safe, False, None, cancel=cancel)

    def _load(
        self,
        model: LocalModel,
        context: int | None,
        safe: bool,
        remember: bool,
        engine: EngineSettings | None,
        *,
        cancel: CancelToken,
    ) -> Iterator[LoadEvent]:
        header = gguf.check(model.path)  # what makes llama.cpp abort never gets near it
        self.under_way = True
        try:
            yield from self._make_room(cancel)
            self._unmeasured = None
            machine = next(self._machine.look(cancel=cancel))
            engine = engine or self._base.settings.current.engine
            descent, plan = self._descent(model, header, machine, context, safe, engine, cancel)
            short = plan.options.context < min(self._machine.wish.context, header.context_train)
            if (short or not plan.fits) and self._beside.takes_memory:
                for _ in self._beside.make_room(cancel=cancel):
                    pass
                machine = next(self._machine.look(cancel=cancel))
                descent, plan = self._descent(model, header, machine, context, safe, engine, cancel)
            for event in descent.go(cancel):
                if isinstance(event, Landed):
                    as_planned = replace(event.step.options, gpu_sharing="layer") == plan.options
                    planned = plan if as_planned else _by_formula(event.step)
                    self._landed(event, planned, descent.budget, machine, engine, model if remember else None)
                else:
                    yield event
        finally:
            self.under_way = False
            if self._base.engine.model is None:
                self._base.engine.unload()  # no model will come: who waits for it is told
            self._idle.look()

    def _make_room(self, cancel: CancelToken) -> Iterator[LoadEvent]:
        """Unload what is there, when its answers are complete: its memory counts as free for the plan. Who asks
        from now on waits for the model that comes, also where there was none."""
        if self._base.engine.model is not None and (answers := self._base.engine.answers):
            yield LoadWaiting(answers)
        for _ in within(self._base.engine.unload(another=True), cancel):
            pass

    def _descent(
        self,
        model: LocalModel,
        header: Header,
        machine: Machine,
        context: int | None,
        safe: bool,
        engine: EngineSettings,
        cancel: CancelToken,
    ) -> tuple[Descent, Plan]:
        budget = self._machine.budget(machine)
        if safe:
            budget = replace(budget, gpus=(), unified=False)
        fixed = Fixed(
            context=context,
            kv_type=None if engine.kv_type == "auto" else engine.kv_type,
            gpu_layers=engine.gpu_layers if engine.gpu_layers >= 0 and budget.gpus else None,
        )
        wanted, slots = self._machine.wish.context, replace(self._machine.slots, answers=engine.parallel)
        asked = Asked(context, fixed.kv_type, fixed.gpu_layers, slots=slots, wanted_context=wanted)
        free = machine.memory.available + sum(gpu.memory_free or 0 for gpu in machine.gpus if not gpu.unified)
        on_disk, planner = self._on_disk(model, header), self._machine.planner
        if kv_bytes(header.shape, min(context or 0, header.context_train), "q8_0") > free:  # no need to ask llama.cpp
            plan = planner.by_formula(header.shape, on_disk.weights, budget, asked)
        else:
            plan = planner.plan(model.path, header, budget, asked, cancel=cancel)
        cards = tuple(gpu.label for gpu in budget.gpus)
        quicker = self._base.experience.tensor_is_quicker(cards, header.architecture)
        start = ladder.step(on_disk, shared(header.shape, plan.options, engine.gpu_sharing, quicker), budget)
        cannot = not plan.fits and (context is None or plan.total > free)
        descent = Descent(
            engine=self._base.engine,
            experience=self._base.experience,
            version=engine_version(),
            start=start,
            budget=budget,
            others=tuple(self._smaller(model)),
            fixed=fixed,
            request=lambda step: self._request(step, context, engine, machine),
            room=free,
            try_first=engine.try_first,
            strict=context is not None,
            unfit=_too_large(model, plan, machine) if cannot else None,
            adapters=tuple(Adapter(path, scale) for path, scale in self._base.library.worn(model.id)),
        )
        return descent, plan

    def _request(self, step: Step, context: int | None, engine: EngineSettings, machine: Machine) -> LoadRequest:
        """`context`: what was asked for, which the engine tells about if the model was not trained for it."""
        options = step.options
        known = self._base.experience.threads(_cores(machine), step.model.size)
        decode, prefill = known if known and not engine.threads else (engine.threads, 0)
        states, states_budget = states_kept(self._base, engine)
        return LoadRequest(
            path=step.model.path,
            context=max(context or 0, options.context),
            kv_type=options.kv_type,
            gpu_layers=options.gpu_layers,
            expert_layers_on_cpu=options.expert_layers_on_cpu,
            threads=decode,
            prefill_threads=prefill,
            batch=options.batch,
            alias=step.model.id,
            gpu_split=options.gpu_split,
            mapped=options.mapped,
            parallel=options.parallel,
            lookup=engine.lookup,
            lock_memory=engine.lock_memory,
            numa=engine.numa,
            gpu_sharing=options.gpu_sharing,
            states=states,
            states_budget=states_budget,
        )

    def _on_disk(self, model: LocalModel, header: Header) -> OnDisk:
        known = self._base.catalog.find(model.catalog_id) if model.catalog_id else None
        quant = self._base.catalog.quants.get(model.quant.removeprefix("UD-"))
        return OnDisk(
            model,
            header.shape,
            Weights.of_header(header),
            quant.divergence if quant else 0.0,
            known.quant_sensitivity if known else 1.0,
        )

    def _smaller(self, model: LocalModel) -> Iterator[OnDisk]:
        """Quants of the same model on this disk that take less."""
        for other in self._base.library.models():
            same = other.catalog_id == model.catalog_id if model.catalog_id else other.name == model.name
            if not same or other.architecture != model.architecture or other.size >= model.size or other.problem.en:
                continue
            try:
                yield self._on_disk(other, gguf.check(other.path))
            except BackendError:
                continue  # it went away, or changed

    def _landed(
        self,
        landed: Landed,
        planned: Plan,
        budget: Budget,
        machine: Machine,
        engine: EngineSettings,
        remembered: LocalModel | None,
    ) -> None:
        as_planned = bool(landed.step.on_gpus) == (landed.loaded.devices != (budget.host.label,))
        if landed.loaded.size >= LEAST_WEIGHTS and as_planned:
            self._base.experience.record_load(landed.key, planned, landed.loaded.uses)
            self._unmeasured = _Running(landed.key, landed.step, budget)
            if not engine.threads:
                self._learn_threads(landed, machine)
        if remembered is not None:
            self._base.settings.set("models.default_model", remembered.id)

    def _learn_threads(self, landed: Landed, machine: Machine) -> None:
        """What the engine found to be quickest, where the processor computes."""
        cores, size, loaded = _cores(machine), landed.step.model.size, landed.loaded
        if HOST in loaded.devices and self._base.experience.threads(cores, size) is None:
            self._base.experience.record_threads(cores, size, loaded.threads, loaded.prefill_threads)

    def note_answer(self, finished: Finished) -> None:
        """Learn from the first answer after a load, if it is long enough and alone, how fast the model is here."""
        running, usage = self._unmeasured, finished.usage
        if running is None or self._base.engine.model is None or usage.completion_tokens < LEAST_ANSWER:
            return
        if self._base.engine.answers > 1 or finished.timings.accepted:  # its own may not have ended yet
            return  # others were computed beside it, or words were guessed: another one will tell
        self._unmeasured = None
        filled = usage.prompt_tokens + usage.completion_tokens // 2
        predicted = ladder.speed(running.step.file, running.step.options, running.budget, filled)
        self._base.experience.record_speed(running.key, predicted, finished.timings.decode_tokens_per_s)

    def unload(self) -> Stream[None]:
        return self._base.engine.unload()

    def on_settings(self) -> None:
        self._idle.look()

    def suspend(self) -> Stream[None]:
        """The machine goes to sleep: answers stop between two tokens. Ends when nothing is computed any more."""
        return self._base.engine.suspend()

    def resume(self) -> Stream[None]:
        """The machine is awake: answers go on. EngineError `device_lost` if the model's device is gone; a load then
        does without it."""
        return self._runner.start(self._resume)

    def _resume(self, *, cancel: CancelToken) -> Iterator[None]:
        try:
            yield from within(self._base.engine.resume(), cancel)
        finally:
            self._idle.look()
            self._base.changed("model")

    def ensure(self, cancel: CancelToken) -> Iterator[LoadEvent]:
        """Load the model to answer with, if none is loaded. Unavailable (`no_model`)."""
        self._base.engine.touch()
        if self._base.engine.model is not None:
            return
        model = self.default_model()
        if model is None:
            raise Unavailable(
                self.why_none(),
                Phrase("Download one on the Models page.", "请在“模型”页面下载一个。"),
                code="no_model",
            )
        yield from within(self.load_unless_loaded(model), cancel)

    def default_model(self) -> LocalModel | None:
        """The model to load when nobody names one: the last one used, else the largest that can be loaded."""
        here = self._base.library.models()
        models = [model for model in here if not model.problem.en and model.kind == "chat" and model.current]
        chosen = self._base.settings.current.models.default_model
        for model in models:
            if model.id == chosen:
                return model
        return max(models, key=lambda model: model.size, default=None)

    def why_none(self) -> Phrase:
        """Why there is no model to answer with: nobody got one yet, or the one used last has gone with its disk."""
        last, folder = self._base.settings.current.models.default_model, self._base.models_folder
        if not last:
            return Phrase("There is no model on this computer yet.", "这台电脑上还没有模型。")
        return Phrase(
            f"{last}, the model used last, is not there any more, and no other is in {folder}. "
            "If that is on another disk, connect it.",
            f"上次使用的模型 {last} 已不在原处，{folder} 中也没有其他模型。如果它在其他磁盘上，请先连接该磁盘。",
        )

    def catalog_model(self) -> CatalogModel | None:
        """What the catalogue knows about the loaded model; None for a file of the person's own."""
        loaded = self._base.engine.model
        if loaded is None:
            return None
        try:
            local = self._base.library.find(loaded.alias)
            return self._base.catalog.find(local.catalog_id) if local.catalog_id else None
        except NotFound:
            return None


def _cores(machine: Machine) -> str:
    cpu = machine.cpu
    return f"{cpu.name}, {cpu.physical_cores}/{cpu.performance_cores or 0}/{cpu.logical_cores}"


def _by_formula(step: Step) -> Plan:
    """What a rung of the ladder was expected to take."""
    devices = tuple(one for one in step.devices if one.total)
    return Plan(step.file.shape.architecture, step.options, devices, exact=False, fits=True)


def _too_large(model: LocalModel, plan: Plan, machine: Machine) -> ResourceError:
    gib = 1 << 30
    needed, free = plan.total / gib, machine.memory.available / gib
    cards = sum(gpu.memory_free or 0 for gpu in machine.gpus if not gpu.unified) / gib
    on_cards = (f" and {cards:.1f} GiB on the graphics card", f"，显卡上空闲 {cards:.1f} GiB") if cards else ("", "")
    return ResourceError(
        Phrase(
            f"{model.name} needs about {needed:.1f} GiB; {free:.1f} GiB of memory{on_cards[0]} are free.",
            f"{model.name} 约需 {needed:.1f} GiB；当前空闲内存 {free:.1f} GiB{on_cards[1]}。",
        ),
        Phrase(
            "Close other programs, choose a shorter context, or use a smaller model.",
            "请关闭其他程序、缩短上下文，或使用更小的模型。",
        ),
        code="out_of_memory",
    )
