"""How the loaded model lies on this machine, and how else it could: looked up once, kept until it is different.

The machine is probed and the header read; how many layers other ways would bring onto the graphics cards is reckoned
by the formulas, which is good to some per cent: a gain of a layer or two is therefore none.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.errors import StorageError
from backends.core.files import write_file
from backends.engine.loader import engine_info
from backends.engine.protocol import LoadedModel
from backends.hardware import memory
from backends.hardware.samples import GpuSample
from backends.hardware.types import Machine
from backends.models import gguf
from backends.models.budget import Budget, margins
from backends.models.gguf import Header
from backends.models.types import KvType, Shape
from backends.models.ways import F16_ONLY, Asked
from backends.models.weights import Weights
from backends.monitor.holding import Here, Possible
from backends.monitor.holding_machine import LEAST_CONTEXT
from backends.monitor.outcome import on_gpu
from backends.monitor.reading import Running, known_devices, running
from backends.services.foundation import Foundation
from backends.services.machine import MachineServices

MOVED = 256 << 20  # bytes that others hold more or less: another plan may be possible
LEAST_GAIN = 16  # of so many layers one; less may be the formulas' error
_KEPT = 64 << 10  # bytes of the file of what was measured

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Survey:
    """`held`: what other programs held of the cards then; `wanted`: the settings that a load goes by."""

    running: Running
    here: Here
    held: int
    wanted: object

    def is_of(self, loaded: LoadedModel, held: int, wanted: object) -> bool:
        return self.running.model is loaded and self.wanted == wanted and abs(self.held - held) < MOVED


class Surveyor:
    """One thread at a time may use it."""

    def __init__(self, foundation: Foundation, machine: MachineServices) -> None:
        self._base, self._machine = foundation, machine
        self._last: Survey | None = None
        self._measured: float | None = None

    def survey(self, loaded: LoadedModel, cards: Sequence[GpuSample], cancel: CancelToken) -> Survey:
        """Of the loaded model, as new as it need be. `cards` as they are now. What `gguf.check` raises, if the file
        has gone."""
        settings = self._base.settings.current
        held = sum(card.memory_others or 0 for card in cards)
        wanted = (settings.engine, settings.models.context)
        if self._last is None or not self._last.is_of(loaded, held, wanted):
            header = gguf.check(loaded.path)
            machine = next(self._machine.look(cancel=cancel))
            here = Here(self._usable_cards(), settings.engine.gpu_layers, self.possible(loaded, header, machine))
            self._last = Survey(self._running(loaded, header, machine, cancel), here, held, wanted)
        return self._last

    def running(self, loaded: LoadedModel, cancel: CancelToken) -> Running:
        """A model that need not be there any more, as it lay."""
        header = gguf.check(loaded.path)
        return self._running(loaded, header, next(self._machine.look(cancel=cancel)), cancel)

    def _running(self, loaded: LoadedModel, header: Header, machine: Machine, cancel: CancelToken) -> Running:
        budget = self._machine.budget(machine)
        cards = [(gpu.name, gpu.bandwidth) for gpu in machine.gpus]
        on_host = budget.host.label in loaded.devices
        return running(
            loaded,
            header.shape,
            Weights.of_header(header),
            budget,
            quant=header.quant,
            known=known_devices(budget, machine.memory.bandwidth is not None, cards),
            host_bandwidth=self._host_bandwidth(machine, cancel) if on_host else None,
        )

    @staticmethod
    def _usable_cards() -> tuple[str, ...]:
        return tuple(one.description for one in engine_info().devices if one.kind in ("gpu", "igpu"))

    # ---- other ways

    def possible(self, loaded: LoadedModel, header: Header, machine: Machine) -> Possible | None:
        """How many layers other ways would bring onto the cards. None where there is no card, or all of the model is on
        cards."""
        budget, now = self._machine.budget(machine), on_gpu(loaded)
        if not budget.gpus or now >= loaded.layers:
            return None
        weights, shape = Weights.of_header(header), header.shape

        def layers(budget: Budget, context: int, kv_type: KvType) -> int:
            slots = replace(self._machine.slots, answers=loaded.parallel)
            plan = self._machine.planner.by_formula(
                shape, weights, budget, Asked(context, kv_type, slots=slots), quant=header.quant
            )
            options = plan.options
            count = min(options.gpu_layers - 1, loaded.layers - options.expert_layers_on_cpu) if plan.fits else 0
            return max(0, count)

        def gain(count: int, over: int) -> bool:
            return count - over >= max(1, loaded.layers // LEAST_GAIN) or (count > over and count >= loaded.layers)

        same = layers(budget, loaded.context, loaded.kv_type)
        same = same if gain(same, now) else now
        small = layers(budget, loaded.context, "q8_0") if _can_be_small(loaded, shape) else None
        shorter = [(layers(budget, one, loaded.kv_type), one) for one in _shorter(loaded.context)]
        most, context = max(shorter, default=(0, 0))
        alone = layers(self._emptied(machine), loaded.context, loaded.kv_type)
        return Possible(
            same,
            small_kv=small if small is not None and gain(small, same) else None,
            shorter=context if gain(most, same) else None,
            shorter_layers=most if gain(most, same) else None,
            alone=alone if gain(alone, same) else None,
        )

    def _emptied(self, machine: Machine) -> Budget:
        """As if nobody else had anything on the cards."""
        gpus = tuple(replace(gpu, memory_free=gpu.memory_total or gpu.memory_free) for gpu in machine.gpus)
        return Budget.from_machine(
            replace(machine, gpus=gpus),
            margins=margins(self._base.settings.current.engine.gpu_margin),
            engine=engine_info().devices,
        )

    # ---- how fast main memory is

    def _host_bandwidth(self, machine: Machine, cancel: CancelToken) -> float | None:
        """Bytes a second, measured once a start when nothing is computed; the best of all starts counts, since other
        programs may have been at work. None until then."""
        if self._measured is None:
            key = f"{machine.cpu.name}, {machine.cpu.physical_cores} cores, {machine.memory.total}"
            path = self._base.paths.cache / "memory_speed.json"
            known = _read(path, key)
            if self._base.engine.busy:
                return known
            measured = memory.measure_bandwidth(cancel=cancel)
            if known is None or measured > known:
                _write(path, key, measured)
            self._measured = max(measured, known or 0.0)
        return self._measured


def _can_be_small(loaded: LoadedModel, shape: Shape) -> bool:
    return loaded.kv_type == "f16" and shape.architecture not in F16_ONLY


def _shorter(context: int) -> list[int]:
    """Halves, the longest first."""
    found = []
    while (context := context // 2) >= LEAST_CONTEXT:
        found.append(context)
    return found


def _read(path: Path, key: str) -> float | None:
    try:
        with path.open("rb") as file:
            kept = json.loads(file.read(_KEPT))
        speed = kept[key]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return float(speed) if isinstance(speed, int | float) and speed > 0 else None


def _write(path: Path, key: str, speed: float) -> None:
    try:
        write_file(path, json.dumps({key: speed}).encode())
    except StorageError as error:
        _log.warning("how fast the memory is will be measured again: %s", error)
