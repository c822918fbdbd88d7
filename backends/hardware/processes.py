"""What this program and its children take of the machine: processor time, memory, disk.

Source on Linux: proc(5), /proc/PID/stat and /proc/PID/io, whose `read_bytes` is what the device was asked for, pages
of a mapped model included; elsewhere psutil (Windows counts every read and write of a process, macOS tells none).
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from backends.hardware import sysfs

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096  # bytes
_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100  # a second, of processor time
_LOOK = 5.0  # seconds until children are looked for again


@dataclass(frozen=True, slots=True)
class Counters:
    """Of one process since it began. `resident` is what it holds now. Bytes, seconds; None where it is not told."""

    cpu: float
    resident: int
    major_faults: int | None = None
    read: int | None = None
    written: int | None = None


Counts = Mapping[tuple[int, float], Counters]  # by process id and when it began: ids are used again


class Processes:
    """This process and all below it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked = -_LOOK
        self._found: tuple[int, ...] = ()

    def pids(self) -> tuple[int, ...]:
        """This process first. Children are looked for at most every 5 s."""
        if self._clock() - self._looked >= _LOOK:
            self._found, self._looked = (os.getpid(), *_children(os.getpid())), self._clock()
        return self._found

    def counts(self) -> Counts:
        told = (_linux(pid) if sys.platform == "linux" else _elsewhere(pid) for pid in self.pids())
        return dict(filter(None, told))


def _children(pid: int) -> list[int]:
    if sys.platform != "linux":
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    found: list[int] = []
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return found  # it has just ended
    lists = [sysfs.peek(f"{task}/children") for task in tasks]
    if all(text is None for text in lists):  # a kernel without CONFIG_PROC_CHILDREN
        return [child.pid for child in psutil.Process(pid).children(recursive=True)] if pid == os.getpid() else found
    for child in b" ".join(text for text in lists if text).split():
        found += [int(child), *_children(int(child))]
    return found


def _linux(pid: int) -> tuple[tuple[int, float], Counters] | None:
    stat = sysfs.peek(f"/proc/{pid}/stat")
    if not stat:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()  # from the third on, the state
    io = dict(line.split(b": ") for line in (sysfs.peek(f"/proc/{pid}/io") or b"").splitlines())
    read, written = io.get(b"read_bytes"), io.get(b"write_bytes")
    counters = Counters(
        cpu=(int(fields[11]) + int(fields[12])) / _TICK,
        resident=int(fields[21]) * PAGE,
        major_faults=int(fields[9]),
        read=None if read is None else int(read),
        written=None if written is None else int(written),
    )
    return (pid, float(fields[19])), counters


def _elsewhere(pid: int) -> tuple[tuple[int, float], Counters] | None:
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            times, io = process.cpu_times(), process.io_counters() if hasattr(process, "io_counters") else None
            resident, began = process.memory_info().rss, process.create_time()
    except psutil.Error:
        return None
    counters = Counters(times.user + times.system, resident)
    if io is not None:
        counters = Counters(counters.cpu, resident, None, io.read_bytes, io.write_bytes)
    return (pid, began), counters
