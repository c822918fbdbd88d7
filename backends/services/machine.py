"""The machine and what suits it: probing, advice, plans."""

from collections.abc import Iterator
from dataclasses import replace

from backends.core.cancel import CancelToken
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream
from backends.engine.loader import engine_info
from backends.engine.protocol import EngineInfo
from backends.hardware.probe import probe
from backends.hardware.types import Machine
from backends.models import advisor, gguf
from backends.models.advisor import Budget, Wish
from backends.models.types import Advice, CatalogModel, Choice, LocalModel
from backends.services.foundation import Foundation


class MachineServices:
    """Its thread: `probe`."""

    def __init__(self, foundation: Foundation) -> None:
        self._base = foundation
        self._runner = Runner("probe")

    def close(self) -> None:
        self._runner.close()

    def probe(self) -> Stream[Machine]:
        """What this machine has, as far as the engine can use it. One event."""
        return self._runner.start(self.look)

    def look(self, *, cancel: CancelToken) -> Iterator[Machine]:
        """`probe`, on the calling thread."""
        for machine in probe(self._base.models_folder, cancel=cancel):
            yield _usable(machine, engine_info()) if machine.gpus else machine

    def advise(self, machine: Machine, wish: Wish | None = None) -> Advice:
        """What this machine should run, now. Milliseconds."""
        return advisor.advise(self._base.catalog, Budget.from_machine(machine), wish or self.wish)

    @property
    def wish(self) -> Wish:
        models = self._base.settings.current.models
        return Wish(context=models.context, min_speed=models.min_speed or None)

    def choice_for(self, model: LocalModel, machine: Machine) -> Choice:
        """How to load this file on this machine, now."""
        header = gguf.check(model.path)
        return advisor.choice_for(header, Budget.from_machine(machine), self.wish)

    def quant_for(self, model: CatalogModel, cancel: CancelToken) -> str:
        """The quant of a model of the catalogue that suits this machine now."""
        machine = next(self.look(cancel=cancel))
        return advisor.choice_for(model, Budget.from_machine(machine), self.wish).file.quant


def _usable(machine: Machine, engine: EngineInfo) -> Machine:
    """A card that the installed engine cannot use does not count, and a note says so: no silent CPU."""
    if any(device.kind in ("gpu", "igpu") for device in engine.devices):
        return machine
    names = ", ".join(gpu.name for gpu in machine.gpus)
    note = Phrase(
        f"{names}: this build of the engine cannot use it and runs on the processor. "
        "Set DeskSeek up again to get one that can.",
        f"{names}：当前安装的引擎无法使用它，将在处理器上运行。请重新安装 DeskSeek 以获得支持它的版本。",
    )
    return replace(machine, gpus=(), notes=(*machine.notes, note))
