"""Smaller quants made here: what one would take and cost, and the making, which the library then lists."""

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import filelock

from backends.core.cancel import CancelToken
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream
from backends.engine.quantise import NativeQuantiser
from backends.hardware import disk
from backends.models import gguf, quantize
from backends.models.planner import Asked
from backends.models.ports import Quantiser
from backends.models.quantize import QuantisePlan
from backends.models.seen import KINDS
from backends.models.space import SPARE, disk_errors
from backends.models.taking_in import INCOMING
from backends.models.types import LocalModel
from backends.services.foundation import Foundation
from backends.services.machine import MachineServices

TELLING = 0.03  # of the work, from which on the rest of the time can be told

_BY_SIZE = Phrase(
    "Estimated by formula: the file is not there yet.",
    "按公式估算：文件尚未生成。",
)


@dataclass(frozen=True, slots=True)
class QuantiseEvent:
    fraction: float  # 0..1
    seconds_left: float | None = None  # None: too early to tell


@dataclass(frozen=True, slots=True)
class QuantiseFinished:
    path: Path
    model: LocalModel


class QuantiseServices:
    """Its thread: `quantise`; llama.cpp's quantiser works in a child process."""

    def __init__(self, foundation: Foundation, machine: MachineServices) -> None:
        self._base = foundation
        self._machine = machine
        self._quantiser: Quantiser = NativeQuantiser()
        self._runner = Runner("quantise")
        self._plans = Runner("quantise-plan")
        self._working = False

    def close(self) -> None:
        self._plans.close()
        self._runner.close()

    def running(self) -> bool:
        """One is being made."""
        return self._working

    def offered(self, model: LocalModel) -> tuple[str, ...]:
        """The quants that can be made of a file, the largest first; empty where nothing good would come of it."""
        return quantize.offered(model, self._base.catalog)

    def plan(self, model: LocalModel, quant: str) -> Stream[QuantisePlan]:
        """What the result will be: one event. InvalidInput (`bad_source`, `bad_quant`, `already_there`,
        `not_smaller`), ResourceError (`disk_full`, `file_system_limit`), and what `Quantiser` raises."""
        return self._plans.start(self._plan, model, quant)

    def _plan(self, model: LocalModel, quant: str, *, cancel: CancelToken) -> Iterator[QuantisePlan]:
        catalog = self._base.catalog
        quant = quantize.check(model, quant, catalog)
        header = gguf.check(model.path, KINDS)
        target = quantize.place(self._base.models_folder, model, quant)
        size = self._size(model, target, quant, cancel)
        machine = next(self._machine.look(cancel=cancel))
        quantize.check_room(machine.disk, size)
        memory = self._machine.planner.by_formula(
            header.shape,
            quantize.weights(header.shape, quant, size, catalog),
            self._machine.budget(machine),
            Asked(wanted_context=self._machine.wish.context, slots=self._machine.slots),
            quant=quant,
            why=_BY_SIZE,
        )
        loss = quantize.loss(model.quant, quant, catalog)
        yield QuantisePlan(quant, size, memory, size + SPARE, machine.disk.free, loss)

    def _size(self, model: LocalModel, target: Path, quant: str, cancel: CancelToken) -> int:
        threads = self._base.settings.current.engine.threads
        steps = self._quantiser.quantise(model.path, target, quant, threads=threads, dry_run=True, cancel=cancel)
        size = max(step.size or 0 for step in steps)
        quantize.check_size(model, quant, size)
        return size

    def start(self, model: LocalModel, quant: str) -> Stream[QuantiseEvent | QuantiseFinished]:
        """Make it. Cancel ends it and leaves nothing behind. Errors as those of `plan`."""
        return self._runner.start(self._make, model, quant)

    def _make(
        self, model: LocalModel, quant: str, *, cancel: CancelToken
    ) -> Iterator[QuantiseEvent | QuantiseFinished]:
        base = self._base
        quant = quantize.check(model, quant, base.catalog)
        gguf.check(model.path, KINDS)
        target = quantize.place(base.models_folder, model, quant)
        yield QuantiseEvent(0.0)
        size = self._size(model, target, quant, cancel)
        with _incoming(base.models_folder) as folder:
            quantize.check_room(disk.read(folder), size)
            yield from self._write(model, folder / target.name, quant, cancel)
            with disk_errors(base.models_folder):
                quantize.settle(folder / target.name, target, model, quant, size, base.catalog)
        base.library.rescan()
        base.changed("library")
        yield QuantiseFinished(target, base.library.find(target))

    def _write(self, model: LocalModel, made: Path, quant: str, cancel: CancelToken) -> Iterator[QuantiseEvent]:
        threads, began = self._base.settings.current.engine.threads, time.monotonic()
        steps = self._quantiser.quantise(model.path, made, quant, threads=threads, dry_run=False, cancel=cancel)
        self._working = True
        self._base.changed("monitor")
        try:
            for step in steps:
                fraction = step.done / max(1, step.total)
                taken = time.monotonic() - began
                yield QuantiseEvent(fraction, taken / fraction - taken if fraction >= TELLING else None)
        finally:
            self._working = False


@contextmanager
def _incoming(models: Path) -> Iterator[Path]:
    """A folder for what is not finished; a start sweeps it away if this one is cut short (taking_in.sweep)."""
    folder = models / INCOMING / secrets.token_hex(8)
    with disk_errors(models):
        folder.mkdir(mode=0o700, parents=True)
    try:
        with filelock.FileLock(folder / "lock", timeout=0, thread_local=False):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            folder.parent.rmdir()
