"""The model that answers: chosen, planned for this machine as it is now, loaded."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from backends.core.cancel import CancelToken
from backends.core.errors import NotFound, ResourceError, Unavailable
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream
from backends.engine.protocol import LoadEvent, LoadRequest
from backends.hardware.types import Machine
from backends.models import advisor, gguf
from backends.models.advisor import Budget
from backends.models.types import CatalogModel, Choice, LocalModel
from backends.services.foundation import Foundation
from backends.services.machine import MachineServices

E = TypeVar("E")


class LoadingServices:
    """Its thread: `load`; the engine has its own."""

    def __init__(self, foundation: Foundation, machine: MachineServices) -> None:
        self._base = foundation
        self._machine = machine
        self._runner = Runner("load")

    def close(self) -> None:
        self._runner.close()

    def load(
        self, model: LocalModel, *, context: int | None = None, safe: bool = False, remember: bool = True
    ) -> Stream[LoadEvent]:
        """Check the file, plan for this machine as it is now, load.

        `safe`: on the CPU alone (after a crash). `remember`: it is the model that answers from now on.
        """
        return self._runner.start(self._load, model, context, safe, remember)

    def _load_unless_loaded(self, model: LocalModel, *, cancel: CancelToken) -> Iterator[LoadEvent]:
        if self._base.engine.model is None:  # another load may have come first while this one waited its turn
            yield from self._load(model, None, False, True, cancel=cancel)

    def _load(
        self, model: LocalModel, context: int | None, safe: bool, remember: bool, *, cancel: CancelToken
    ) -> Iterator[LoadEvent]:
        engine = self._base.engine
        header = gguf.check(model.path)  # what makes llama.cpp abort never gets near it
        if engine.model is not None:
            for _ in within(engine.unload(), cancel):  # its memory counts as free for the plan
                pass
        machine = next(self._machine.look(cancel=cancel))
        wish = self._machine.wish
        wish = replace(wish, context=context) if context else wish
        choice = advisor.choice_for(header, Budget.from_machine(machine), wish)
        if choice.verdict == "too_large":
            raise _too_large(model, choice, machine)
        request = self._load_request(model, choice, context, safe)
        yield from within(engine.load(request), cancel)
        if remember and engine.model is not None:
            self._base.settings.set("models.default_model", model.id)

    def _load_request(self, model: LocalModel, choice: Choice, context: int | None, safe: bool) -> LoadRequest:
        engine = self._base.settings.current.engine
        layers = engine.gpu_layers if engine.gpu_layers >= 0 else choice.gpu_layers
        return LoadRequest(
            path=model.path,
            context=context or choice.context,
            kv_type=choice.kv_type if engine.kv_type == "auto" else engine.kv_type,
            gpu_layers=0 if safe else layers,
            expert_layers_on_cpu=choice.expert_layers_on_cpu,
            threads=engine.threads,
            alias=model.id,
        )

    def unload(self) -> Stream[None]:
        return self._base.engine.unload()

    def ensure(self, cancel: CancelToken) -> Iterator[LoadEvent]:
        """Load the model to answer with, if none is loaded. Unavailable (`no_model`)."""
        if self._base.engine.model is not None:
            return
        model = self.default_model()
        if model is None:
            raise Unavailable(
                Phrase("There is no model on this computer yet.", "这台电脑上还没有模型。"),
                Phrase("Download one on the Models page.", "请在“模型”页面下载一个。"),
                code="no_model",
            )
        yield from within(self._runner.start(self._load_unless_loaded, model), cancel)

    def default_model(self) -> LocalModel | None:
        """The model to load when nobody names one: the last one used, else the largest that can be loaded."""
        models = [model for model in self._base.library.models() if not model.problem.en]
        chosen = self._base.settings.current.models.default_model
        for model in models:
            if model.id == chosen:
                return model
        return max(models, key=lambda model: model.size, default=None)

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


def _too_large(model: LocalModel, choice: Choice, machine: Machine) -> ResourceError:
    gib = 1 << 30
    needed, free = choice.memory.total / gib, machine.memory.available / gib
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


def within(stream: Stream[E], cancel: CancelToken) -> Iterator[E]:
    """The events of a stream that is cancelled with us."""
    forget = cancel.on_cancel(stream.cancel)
    try:
        yield from stream
        cancel.check()
    finally:
        forget()
