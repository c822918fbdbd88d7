"""The machine's main memory: how much, how much of it is free, how fast it is.

All numbers are what this process may use: the limit of a container counts as the machine's memory.
"""

import ctypes
import mmap
import threading
import time
from pathlib import Path

import psutil

from backends.core.cancel import CancelToken
from backends.hardware import cgroup, dimms
from backends.hardware.types import Memory

_SLICE = 4 << 20  # bytes copied in one call
_LARGEST_BUFFER = 128 << 20  # bytes; two of them are beyond the last-level cache of a desktop processor


def read(root: Path = Path("/")) -> Memory:
    """`bandwidth` is the peak of the modules, where the firmware lists them; see `dimms`."""
    limits, machine = cgroup.read(root), psutil.virtual_memory()
    total = machine.total if limits.memory is None else min(machine.total, limits.memory)
    return Memory(total, _smaller(machine.available, limits.memory_free), dimms.bandwidth(dimms.read(root)))


def available(root: Path = Path("/")) -> int:
    """Bytes that can be had now without swapping, page cache given back."""
    return _smaller(psutil.virtual_memory().available, cgroup.read(root).memory_free)


def reclaimable() -> int:
    """Bytes of this process that count as available all the same: on Linux the pages of files that it has mapped."""
    return getattr(psutil.Process().memory_info(), "shared", 0)


def measure_bandwidth(seconds: float = 0.3, threads: int | None = None, *, cancel: CancelToken | None = None) -> float:
    """Bytes per second that copying moves: each byte copied is one read and one written (as STREAM's Copy counts).

    Copies between two large buffers for `seconds`, on as many threads as there are physical cores (at most 8, which
    fill any desktop's memory bus). The calls release the interpreter's lock, so they do run at once. The buffers
    take 256 MiB at most and a quarter of what is free. Raises `Cancelled`.
    """
    threads = threads or min(8, psutil.cpu_count(logical=False) or 1)
    size = min(_LARGEST_BUFFER, available() // 8)
    size = max(size // (threads * _SLICE), 1) * threads * _SLICE
    with mmap.mmap(-1, size) as source, mmap.mmap(-1, size) as target:
        from_, to = (ctypes.c_char * size).from_buffer(source), (ctypes.c_char * size).from_buffer(target)
        try:
            return _copy_for(seconds, threads, size, ctypes.addressof(from_), ctypes.addressof(to), cancel)
        finally:
            del from_, to  # a map that is still pointed to cannot be closed


def _copy_for(seconds: float, threads: int, size: int, source: int, target: int, cancel: CancelToken | None) -> float:
    share = size // threads
    rates: list[float] = []
    together = threading.Barrier(threads)

    def copy(number: int) -> None:
        begin = number * share
        for touch in (source, target):  # the first touch of a page is slow and not what is measured
            ctypes.memset(touch + begin, 1, share)
        together.wait()
        started, copied, at = time.perf_counter(), 0, 0
        while (elapsed := time.perf_counter() - started) < seconds and not (cancel and cancel.cancelled):
            ctypes.memmove(target + begin + at, source + begin + at, _SLICE)
            copied, at = copied + _SLICE, (at + _SLICE) % share
        rates.append(2 * copied / elapsed)

    workers = [threading.Thread(target=copy, args=(n,), name=f"bandwidth-{n}") for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if cancel:
        cancel.check()
    return sum(rates)


def _smaller(amount: int, limit: int | None) -> int:
    return amount if limit is None else min(amount, limit)
