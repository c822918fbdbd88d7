"""What the machine does besides its graphics cards, sampled again and again: cores, memory, swap, clocks, heat, disk.

On Linux from /proc and /sys below `root` (proc(5)); elsewhere from psutil. Swapped bytes are told by Linux only:
what psutil calls so on macOS counts pages of files too, on Windows it tells none.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from backends.core.phrase import Phrase
from backends.hardware import cgroup, disk, sysfs
from backends.hardware.heat import Heat
from backends.hardware.processes import PAGE, Counts, Processes
from backends.hardware.samples import SystemSample
from backends.hardware.types import Disk

_LIMITS = 60.0  # seconds until the limits of a container are looked for again
_SLOW = 10.0  # seconds until the disk and the battery are asked again

SILENT_DISK = Phrase(
    "The disk of the model folder does not answer. If it is a network drive, see whether it is connected.",
    "模型文件夹所在的磁盘没有响应。若是网络驱动器，请检查连接。",
)


@dataclass(frozen=True, slots=True)
class _Counted:
    """What only grows; rates are differences."""

    at: float
    cores: tuple[tuple[float, float], ...]  # busy and whole time of each
    own: Counts
    swapped: tuple[int, int] | None  # bytes in, out


class System:
    """One thread at a time. `patience`: seconds that a disk is waited for."""

    def __init__(self, folder: Path, root: Path, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._root, self._clock = root, clock
        self._heat, self._space = Heat(root, clock), _Space(folder, patience, clock)
        self._processes = Processes(clock)
        self._before: _Counted | None = None
        self._limits_at, self._limited = -_LIMITS, False
        self._battery_at, self._on_battery = -_SLOW, None

    def pids(self) -> tuple[int, ...]:
        """Of this program and its children."""
        return self._processes.pids()

    def notes(self) -> tuple[Phrase, ...]:
        return (SILENT_DISK,) if self._space.silent else ()

    def sample(self) -> SystemSample:
        swap_total, swap_used, swapped = _swap(self._root)
        now = _Counted(self._clock(), _cores(self._root), self._processes.counts(), swapped)
        before, self._before = self._before, now
        seconds = now.at - before.at if before else 0.0
        cores = _shares(before.cores, now.cores) if before else ()
        memory_total, memory_available = self._memory()
        clock, clock_limit = self._heat.clocks()
        space = self._space.look()
        return SystemSample(
            cpu=sum(cores) / len(cores) if cores else None,
            cores=cores,
            cpu_own=_own_rate(before, now, seconds, "cpu"),
            cpu_clock=clock,
            cpu_clock_limit=clock_limit,
            cpu_temperature=self._heat.temperature(),
            cpu_throttled=self._heat.throttled(),
            memory_total=memory_total,
            memory_available=memory_available,
            memory_own=sum(one.resident for one in now.own.values()) or None,
            swap_total=swap_total,
            swap_used=swap_used,
            swapped_in=_rate(before and before.swapped and before.swapped[0], swapped and swapped[0], seconds),
            swapped_out=_rate(before and before.swapped and before.swapped[1], swapped and swapped[1], seconds),
            disk_read=_own_rate(before, now, seconds, "read"),
            disk_written=_own_rate(before, now, seconds, "written"),
            page_ins=_own_rate(before, now, seconds, "major_faults"),
            disk_free=space.free if space else None,
            disk_total=space.total if space else None,
            on_battery=self._battery(),
        )

    def _memory(self) -> tuple[int | None, int | None]:
        """Total and available, of the machine or of the container that this process is in."""
        total, available = _machine_memory(self._root)
        if not self._limited and self._clock() - self._limits_at < _LIMITS:
            return total, available
        limits = cgroup.memory(self._root)
        self._limits_at, self._limited = self._clock(), limits.memory is not None
        return _least(total, limits.memory), _least(available, limits.memory_free)

    def _battery(self) -> bool | None:
        if self._clock() - self._battery_at >= _SLOW:
            self._battery_at, self._on_battery = self._clock(), _on_battery(self._root)
        return self._on_battery


class _Space:
    """Room on a volume, looked at every 10 s on a thread of its own: a network drive may never answer."""

    def __init__(self, folder: Path, patience: float, clock: Callable[[], float]) -> None:
        self._folder, self._patience, self._clock = folder, patience, clock
        self._looked = -_SLOW
        self._done = threading.Event()
        self._done.set()
        self._found: Disk | None = None

    @property
    def silent(self) -> bool:
        """It was asked and has not answered in time."""
        return not self._done.is_set() and self._clock() - self._looked >= self._patience

    def look(self) -> Disk | None:
        if self._done.is_set() and self._clock() - self._looked >= _SLOW:
            first = self._looked == -_SLOW
            self._done.clear()
            self._looked = self._clock()
            threading.Thread(target=self._ask, name="disk space", daemon=True).start()
            if first:
                self._done.wait(min(0.2, self._patience))
        return None if self.silent else self._found

    def _ask(self) -> None:
        try:
            self._found = disk.space(self._folder)
        except OSError:
            self._found = None
        finally:
            self._done.set()


def _cores(root: Path) -> tuple[tuple[float, float], ...]:
    """Busy and whole time of each core that this process may use, in the order of their numbers."""
    if sys.platform != "linux":
        times = psutil.cpu_times(percpu=True)
        return tuple((whole - one.idle, whole) for one in times for whole in [one.user + one.system + one.idle])
    allowed = os.sched_getaffinity(0) if root == Path("/") else None
    found = []
    for line in (sysfs.peek(f"{root}/proc/stat") or b"").split(b"\n"):
        name, *fields = line.split() or [b""]
        if not name.startswith(b"cpu"):
            if name == b"intr":
                break
            continue
        if name == b"cpu" or (allowed is not None and int(name[3:]) not in allowed):
            continue
        times = [int(field) for field in fields[:8]]  # what guests take is in user and nice already
        whole = sum(times)
        found.append((float(whole - times[3] - times[4]), float(whole)))  # idle, waiting for a disk
    return tuple(found)


def _shares(before: tuple[tuple[float, float], ...], now: tuple[tuple[float, float], ...]) -> tuple[float, ...]:
    """Of each core the time in which it was busy; none if cores came or went, or no time has passed."""
    if len(before) != len(now) or not all(new[1] > old[1] for old, new in zip(before, now, strict=True)):
        return ()
    pairs = zip(before, now, strict=True)
    return tuple(min(1.0, max(0.0, (new[0] - old[0]) / (new[1] - old[1]))) for old, new in pairs)


def _own_rate(before: _Counted | None, now: _Counted, seconds: float, name: str) -> float | None:
    """Per second, over the processes that were there before and still are."""
    if before is None or seconds <= 0:
        return None
    pairs = [
        (getattr(before.own[one], name), getattr(counters, name))
        for one, counters in now.own.items()
        if one in before.own
    ]
    grown = [max(0, new - old) for old, new in pairs if old is not None and new is not None]
    return sum(grown) / seconds if grown else None


def _rate(before: int | None, now: int | None, seconds: float) -> float | None:
    return None if before is None or now is None or seconds <= 0 else max(0, now - before) / seconds


def _machine_memory(root: Path) -> tuple[int | None, int | None]:
    if sys.platform != "linux":
        memory = psutil.virtual_memory()
        return memory.total, memory.available
    told = _meminfo(root)
    return told.get(b"MemTotal"), told.get(b"MemAvailable")


def _swap(root: Path) -> tuple[int | None, int | None, tuple[int, int] | None]:
    """Its size, what is used of it, and what was swapped in and out since the start; bytes."""
    if sys.platform != "linux":
        try:
            swap = psutil.swap_memory()
        except (OSError, RuntimeError):  # Windows with its performance counters turned off
            return None, None, None
        return swap.total, swap.used, None
    told = _meminfo(root)
    total, free = told.get(b"SwapTotal"), told.get(b"SwapFree")
    counted = _pairs(sysfs.peek(f"{root}/proc/vmstat"), b"pswp")
    pages = counted.get(b"pswpin"), counted.get(b"pswpout")
    swapped = None if pages[0] is None or pages[1] is None else (pages[0] * PAGE, pages[1] * PAGE)
    return total, None if total is None or free is None else total - free, swapped


def _meminfo(root: Path) -> dict[bytes, int]:
    return {name: kib << 10 for name, kib in _pairs(sysfs.peek(f"{root}/proc/meminfo"), b"").items()}


def _pairs(text: bytes | None, beginning: bytes) -> dict[bytes, int]:
    """Lines of a name and a number, of the names that begin so."""
    lines = [line.split() for line in (text or b"").splitlines() if line.startswith(beginning)]
    return {words[0].rstrip(b":"): int(words[1]) for words in lines if len(words) > 1 and words[1].isdigit()}


def _least(amount: int | None, limit: int | None) -> int | None:
    return limit if amount is None else amount if limit is None else min(amount, limit)


def _on_battery(root: Path) -> bool | None:
    """A mains adapter tells best; a battery alone, by whether it is emptied. None where nothing tells."""
    if sys.platform != "linux":
        battery = psutil.sensors_battery()
        return None if battery is None else not battery.power_plugged
    supplies = sysfs.matching(root / "sys/class/power_supply", "*")
    kinds = [(sysfs.word(one / "type"), one) for one in supplies if sysfs.word(one / "scope") != "device"]
    plugged = [
        value > 0
        for kind, one in kinds
        if kind == "mains" and (value := sysfs.reading(str(one / "online"))) is not None
    ]
    if plugged:
        return not any(plugged)
    charges = [sysfs.word(one / "status") for kind, one in kinds if kind == "battery"]
    return "discharging" in charges if charges else None
