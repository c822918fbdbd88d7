"""What holds the model back, and what helps: found from the samples of the last seconds, and carried out.

for limits in services.holding.look(): print(limits[0].sentence)       # one event
for event in services.holding.carry_out(limits[0]): ...                # loads again in the way that helps
"""

from collections.abc import Iterator

from backends.core.cancel import CancelToken
from backends.core.errors import InvalidInput, NotFound, Unavailable
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream
from backends.engine.protocol import LoadedModel, LoadEvent
from backends.models.types import LocalModel
from backends.monitor.holding import limits
from backends.monitor.holding_pace import bandwidth
from backends.monitor.stretch import LOOKED_BACK
from backends.monitor.types import Limit, Remedy
from backends.services.descent import within
from backends.services.foundation import Foundation
from backends.services.loading import LoadingServices
from backends.services.machine import MachineServices
from backends.services.monitoring import MonitorServices
from backends.services.surveying import Surveyor

LOADS: frozenset[Remedy] = frozenset({"plan_again", "more_layers", "small_kv", "shorter_context", "unload_others"})
"""What is carried out by loading again; the others are pages to go to."""


class HoldingServices:
    """Its thread: `holding`."""

    def __init__(
        self,
        foundation: Foundation,
        machine: MachineServices,
        loading: LoadingServices,
        monitoring: MonitorServices,
    ) -> None:
        self._base, self._loading, self._monitoring = foundation, loading, monitoring
        self._surveyor = Surveyor(foundation, machine)
        self._runner = Runner("holding")
        self._loads = Runner("holding-load")

    def close(self) -> None:
        self._loads.close()
        self._runner.close()

    def look(self) -> Stream[tuple[Limit, ...]]:
        """What holds it back now, the most important first: one event, at least one limit in it. It goes by what was
        sampled (`MonitorServices`), so somebody has to watch."""
        return self._runner.start(self._look)

    def _look(self, *, cancel: CancelToken) -> Iterator[tuple[Limit, ...]]:
        samples, loaded = self._monitoring.recent(LOOKED_BACK), self._base.engine.model
        if loaded is None:
            yield limits(samples, None)
            return
        cards = samples[-1].hardware.gpus if samples else ()
        survey = self._surveyor.survey(loaded, cards, cancel)
        yield limits(samples, survey.running, survey.here)

    def carry_out(self, limit: Limit) -> Stream[LoadEvent]:
        """Load the model again in the way that its `remedy` names; settings that would undo it change with it.

        As `LoadingServices.load`; Unavailable (`no_model`) if none is loaded any more, NotFound if its file has gone.
        """
        return self._loads.start(self._carry_out, limit)

    def model(self) -> LocalModel:
        """The one that is loaded, as a file on this disk. Unavailable (`no_model`), NotFound."""
        loaded = self._base.engine.model
        if loaded is None:
            raise Unavailable(
                Phrase("No model is loaded any more.", "模型已被卸载。"),
                Phrase("Load one on the Models page.", "请在“模型”页面加载。"),
                code="no_model",
            )
        return _file(self._base.library.models(), loaded)

    def _carry_out(self, limit: Limit, *, cancel: CancelToken) -> Iterator[LoadEvent]:
        model, loaded = self.model(), self._base.engine.model
        set_, context = self._base.settings.set, loaded.context if loaded else None
        match limit.remedy:
            case "plan_again" | "more_layers" | "unload_others":
                if self._base.settings.current.engine.gpu_layers >= 0:
                    set_("engine.gpu_layers", -1)
            case "small_kv":
                set_("engine.kv_type", "q8_0")
            case "shorter_context":
                context = round(limit.figures["context_to"])
                set_("models.context", context)
            case _:
                raise InvalidInput(Phrase("No load helps here.", "重新加载无法解决此问题。"), code="no_load")
        try:
            yield from within(self._loading.load(model, context=context), cancel)
        finally:
            self._base.changed("model")

    def of_bench(self, loaded: LoadedModel, decode: float) -> Stream[Phrase]:
        """How much of the memory's bandwidth a measured speed (tokens a second of one answer) is: one event, none
        where the memory's speed is not known. `loaded` need not be there any more."""
        return self._runner.start(self._of_bench, loaded, decode)

    def _of_bench(self, loaded: LoadedModel, decode: float, *, cancel: CancelToken) -> Iterator[Phrase]:
        running = self._surveyor.running(loaded, cancel)
        if running.times():
            yield bandwidth(running, decode).sentence


def _file(models: tuple[LocalModel, ...], loaded: LoadedModel) -> LocalModel:
    for one in models:
        if one.path == loaded.path:
            return one
    raise NotFound(
        Phrase(f"The file of {loaded.alias} is not there any more.", f"{loaded.alias} 的文件已不存在。"),
        code="model_not_here",
    )
