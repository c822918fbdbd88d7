"""What the machine does now: one `HardwareSample` a call, cheap enough for every second.

    sampler = Sampler(folder_of_models)
    sampler.sample(cancel)          # rates are since the call before; the first has none
    sampler.close()

Never takes longer than `patience`: what hangs (a driver, a network drive) is waited for elsewhere and told as silent.
Between calls there is no thread that wakes, and after 15 s without one no child process.
"""

import time
from dataclasses import replace
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.hardware.gpus import Gpus
from backends.hardware.samples import GpuSample, HardwareSample, SystemSample
from backends.hardware.system import System


class Sampler:
    """To be asked by one thread at a time. `folder`: of the models, for the room on its disk; `root`: of the file
    system in which Linux's /proc, /sys and /dev are read; `patience`: seconds."""

    def __init__(self, folder: Path, *, root: Path = Path("/"), patience: float = 3.0) -> None:
        self._system, self._gpus = System(folder, root, patience), Gpus(root, patience)
        self._patience = patience

    def sample(self, cancel: CancelToken) -> HardwareSample:
        """Raises nothing but Cancelled: what cannot be read is None."""
        cancel.check()
        latest = time.monotonic() + self._patience
        system = self._system.sample()
        told = self._gpus.sample(self._system.pids(), cancel, max(0.0, latest - time.monotonic()))
        gpus = tuple(_with_shared(gpu, system) for gpu in told)
        return HardwareSample(system, gpus, self._system.notes() + self._gpus.notes())

    def close(self) -> None:
        """Lets the child go, whatever it is doing. `sample` must not be called any more."""
        self._gpus.close()


def _with_shared(gpu: GpuSample, system: SystemSample) -> GpuSample:
    """A card without a memory of its own, and without a word on it, has the machine's."""
    if not gpu.unified or gpu.memory_total is not None or system.memory_total is None:
        return gpu
    used = None if system.memory_available is None else system.memory_total - system.memory_available
    return replace(gpu, memory_total=system.memory_total, memory_used=used)
