"""One contender of `sampling`, in a process of its own.

    python -m tests.bench.monitor.sampling_loop NAME SECONDS ROOT

Samples once a second and prints the processor time that it and its children took, beginning after the first samples.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pynvml

from backends.core.cancel import CancelToken
from backends.hardware.sampler import Sampler

WARM = 3  # samples before anything counts: a child is started, files are found


def ours(root: Path) -> Callable[[], object]:
    sampler = Sampler(Path.home(), root=root, patience=30.0)
    return lambda: sampler.sample(CancelToken())


def plain(root: Path) -> Callable[[], object]:
    """What is written first: psutil and NVML asked in turn, in this process."""
    me = psutil.Process()
    pynvml.nvmlInit()
    handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]

    def sample() -> object:
        family = [me, *me.children(recursive=True)]
        system = (
            psutil.cpu_percent(percpu=True),
            psutil.virtual_memory(),
            psutil.swap_memory(),
            psutil.disk_usage(str(Path.home())),
            psutil.sensors_temperatures(),
            psutil.sensors_battery(),
            psutil.cpu_freq(percpu=True),
            [(one.memory_info(), one.cpu_times(), one.io_counters()) for one in family],
        )
        cards = [
            (
                pynvml.nvmlDeviceGetName(handle),
                pynvml.nvmlDeviceGetUtilizationRates(handle),
                pynvml.nvmlDeviceGetMemoryInfo(handle),
                pynvml.nvmlDeviceGetPowerUsage(handle),
                pynvml.nvmlDeviceGetTemperature(handle, 0),
                pynvml.nvmlDeviceGetClockInfo(handle, 0),
                pynvml.nvmlDeviceGetFanSpeed(handle),
                pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle),
                pynvml.nvmlDeviceGetCurrPcieLinkGeneration(handle),
                pynvml.nvmlDeviceGetCurrPcieLinkWidth(handle),
                pynvml.nvmlDeviceGetComputeRunningProcesses(handle),
            )
            for handle in handles
        ]
        return system, cards

    return sample


def spent() -> float:
    """Seconds of the processor, of this process and the children that live."""
    children = [one.cpu_times() for one in psutil.Process().children(recursive=True)]
    return time.process_time() + sum(times.user + times.system for times in children)


def main(name: str, seconds: int, root: Path) -> None:
    sample, token = {"ours": ours, "plain": plain}[name](root), CancelToken()
    for _ in range(WARM):
        sample()
    before, began = spent(), time.monotonic()
    for number in range(seconds):
        token.wait(max(0.0, began + number + 1 - time.monotonic()))
        sample()
    cpu = spent() - before
    resident = sum(one.memory_info().rss for one in psutil.Process().children(recursive=True))
    print(json.dumps({"share": cpu / (time.monotonic() - began), "child": resident}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
