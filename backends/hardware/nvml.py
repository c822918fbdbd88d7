"""What NVIDIA's cards do at a moment, as NVML tells. For `gpu_child` alone: a call of NVML may hang for ever.

Every number may be missing by itself. Source: NVML API reference; nvidia-ml-py follows it name by name. Bytes over the
bus come from counters (fields 197 and 198) where the card has them, else from the driver's own measurement, which
takes 20 ms of waiting each way.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, TypeVar

import pynvml

from backends.core.phrase import Phrase
from backends.hardware import names, nvidia, sysfs
from backends.hardware.cards import Broken, Lost
from backends.hardware.samples import GpuSample, Program, Throttle
from backends.hardware.types import Absent

T = TypeVar("T")

_SLOW = 30.0  # seconds until limits, names and parts of a card are asked again
_BROKEN = {
    pynvml.NVML_ERROR_UNINITIALIZED,
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
}
_THROTTLES: dict[int, Throttle] = {
    pynvml.nvmlClocksThrottleReasonSwThermalSlowdown: "heat",
    pynvml.nvmlClocksThrottleReasonHwThermalSlowdown: "heat",
    pynvml.nvmlClocksThrottleReasonSwPowerCap: "power",
    pynvml.nvmlClocksThrottleReasonHwPowerBrakeSlowdown: "power_brake",
    pynvml.nvmlClocksThrottleReasonHwSlowdown: "hardware",  # set along with the two reasons of hardware that are known
    pynvml.nvmlClocksThrottleReasonSyncBoost: "other",
    pynvml.nvmlClocksThrottleReasonBoardLimit: "other",
    pynvml.nvmlClocksThrottleReasonReliability: "other",
}
_OF_HARDWARE = pynvml.nvmlClocksThrottleReasonHwThermalSlowdown | pynvml.nvmlClocksThrottleReasonHwPowerBrakeSlowdown
_FIRST_NAMESPACE = 0xEFFFFFFC  # proc_ns.h: PROC_PID_INIT_INO
_MOST_PROGRAMS = 8


@dataclass(slots=True)
class _Card:
    """What is not asked each time."""

    handle: Any
    part: Any  # the first part of a split card (MIG), which is what a program gets; else the card itself
    key: str
    name: str
    at: float
    power_limit: float | None
    temperature_limit: float | None
    clock_limit: float | None
    generation_limit: int | None
    lanes_limit: int | None
    bus: tuple[float, float, float] | None = None  # when, received, sent


class Nvml:
    """The driver's library, loaded by `open` and held until this process ends."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._cards: dict[str, _Card] = {}
        self._names: dict[int, str] = {}
        self._counts_bus = True
        self._foreign = not _in_first_namespace()

    def open(self) -> list[str]:
        """One subject a card. Raises Broken with the reason."""
        try:
            pynvml.nvmlInit()
            count = pynvml.nvmlDeviceGetCount()
        except pynvml.NVMLError as error:
            said = nvidia.why_not(error, self._root)
            raise Broken(None if isinstance(said, Absent) else said) from None
        return [f"nvidia {index}" for index in range(count)]

    def sample(self, subject: str, pids: Sequence[int]) -> GpuSample:
        """Raises Lost, and Broken where the driver as a whole is not what it was."""
        index = int(subject.split()[1])
        try:
            asleep = self._asleep(subject)
            return asleep or self._sample(self._card(subject, index), frozenset(pids))
        except pynvml.NVMLError as error:
            code = nvidia.code(error)
            if code in _BROKEN:
                said = nvidia.why_not(error, self._root)
                raise Broken(_GONE if isinstance(said, Absent) else said) from None
            key, name = self._identity(subject, index)
            if code == pynvml.NVML_ERROR_NO_PERMISSION:
                return GpuSample(key, name, "nvidia", "denied")
            raise Lost(GpuSample(key, name, "nvidia", "lost")) from None

    def _asleep(self, subject: str) -> GpuSample | None:
        """A card of a laptop whose power the kernel has taken away, and to ask it would bring that back."""
        card = self._cards.get(subject)
        status = self._root / "sys/bus/pci/devices" / (card.key if card else "?") / "power/runtime_status"
        if card is None or sysfs.word(status) != "suspended":
            return None
        return GpuSample(card.key, card.name, "nvidia", use=0.0, power=0.0)

    def _card(self, subject: str, index: int) -> _Card:
        card = self._cards.get(subject)
        if card is None or time.monotonic() - card.at >= _SLOW:
            bus = card.bus if card else None
            card = self._cards[subject] = _look_up(card.handle if card else _handle(index), index)
            card.bus = bus
        return card

    def _identity(self, subject: str, index: int) -> tuple[str, str]:
        """Of a card that does not tell any more: as it was, else as the kernel lists it. NVML's order is the bus's."""
        if known := self._cards.get(subject):
            return known.key, known.name
        cards = [card for card in sysfs.displays(self._root, nvidia.VENDOR) if card.driver == "nvidia"]
        if index < len(cards) and len(cards) == pynvml.nvmlDeviceGetCount():
            card = cards[index]
            return card.address, names.look_up(nvidia.VENDOR, card.device, card.revision, self._root).name
        return f"nvidia-{index}", f"NVIDIA {index}"

    def _sample(self, card: _Card, pids: frozenset[int]) -> GpuSample:
        use: Any = _known(pynvml.nvmlDeviceGetUtilizationRates, card.handle)
        memory, unified = _memory(card.part)
        milliwatts = _known(pynvml.nvmlDeviceGetPowerUsage, card.handle)
        fan = _known(pynvml.nvmlDeviceGetFanSpeed, card.handle)
        reasons = _known(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons, card.handle)
        received, sent = self._over_the_bus(card)
        own, others = self._holders(card.part, pids)
        return GpuSample(
            key=card.key,
            name=card.name,
            vendor="nvidia",
            use=use.gpu / 100 if use else None,
            memory_use=use.memory / 100 if use else None,
            memory_total=int(memory.total) if memory else None,
            memory_used=int(memory.used) if memory else None,
            memory_own=own,
            unified=unified,
            power=None if milliwatts is None else milliwatts / 1000,
            power_limit=card.power_limit,
            temperature=_number(pynvml.nvmlDeviceGetTemperature, card.handle, pynvml.NVML_TEMPERATURE_GPU),
            temperature_limit=card.temperature_limit,
            clock=_number(pynvml.nvmlDeviceGetClockInfo, card.handle, pynvml.NVML_CLOCK_GRAPHICS),
            clock_limit=card.clock_limit,
            memory_clock=_number(pynvml.nvmlDeviceGetClockInfo, card.handle, pynvml.NVML_CLOCK_MEM),
            fan=None if fan is None else fan / 100,
            throttles=None if reasons is None else throttles(reasons),
            pcie_generation=_known(pynvml.nvmlDeviceGetCurrPcieLinkGeneration, card.handle),
            pcie_generation_limit=card.generation_limit,
            pcie_lanes=_known(pynvml.nvmlDeviceGetCurrPcieLinkWidth, card.handle),
            pcie_lanes_limit=card.lanes_limit,
            pcie_received=received,
            pcie_sent=sent,
            programs=others,
        )

    def _over_the_bus(self, card: _Card) -> tuple[float | None, float | None]:
        """Bytes per second that the card received and sent."""
        fields = [pynvml.NVML_FI_DEV_PCIE_COUNT_RX_BYTES, pynvml.NVML_FI_DEV_PCIE_COUNT_TX_BYTES]
        told = _known(pynvml.nvmlDeviceGetFieldValues, card.handle, fields) if self._counts_bus else None
        if told is None or any(field.nvmlReturn != pynvml.NVML_SUCCESS for field in told):
            self._counts_bus = False
            way = pynvml.nvmlDeviceGetPcieThroughput
            received = _known(way, card.handle, pynvml.NVML_PCIE_UTIL_RX_BYTES)
            sent = _known(way, card.handle, pynvml.NVML_PCIE_UTIL_TX_BYTES)
            return None if received is None else received * 1e3, None if sent is None else sent * 1e3
        before = card.bus
        now = card.bus = (time.monotonic(), float(told[0].value.ullVal), float(told[1].value.ullVal))
        if before is None or now[0] <= before[0] or now[1] < before[1] or now[2] < before[2]:
            return None, None
        return (now[1] - before[1]) / (now[0] - before[0]), (now[2] - before[2]) / (now[0] - before[0])

    def _holders(self, part: Any, pids: frozenset[int]) -> tuple[int | None, tuple[Program, ...]]:
        """Bytes that these processes hold, and the other programs that hold any.

        In a container NVML tells ids of the machine, which mean nothing here, or no processes at all.
        """
        lists = [_known(ask, part) for ask in _PROCESSES]
        if all(one is None for one in lists):
            return None, ()
        held: dict[int, int | None] = {}  # a program that draws and computes is in both lists
        for process in [process for one in lists if one for process in one]:
            held[process.pid] = max(held.get(process.pid) or 0, process.usedGpuMemory or 0) or None
        own = [held[pid] for pid in pids & held.keys()]
        if not own and self._foreign:
            return None, ()
        others = sorted(((size or 0, pid) for pid, size in held.items() if pid not in pids), reverse=True)
        programs = tuple(Program(self._name(pid), size or None) for size, pid in others[:_MOST_PROGRAMS])
        return (None if None in own else sum(size or 0 for size in own)), programs

    def _name(self, pid: int) -> str:
        if pid not in self._names:
            path = _known(pynvml.nvmlSystemGetProcessName, pid)
            text = path.decode("utf-8", "replace") if isinstance(path, bytes) else path or ""
            self._names[pid] = PurePath(text.split("\0")[0].replace("\\", "/")).name or str(pid)
        return self._names[pid]


_PROCESSES = (pynvml.nvmlDeviceGetComputeRunningProcesses, pynvml.nvmlDeviceGetGraphicsRunningProcesses)
_GONE = Phrase("NVIDIA's driver has stopped.", "NVIDIA 驱动已停止运行。")


def throttles(reasons: int) -> tuple[Throttle, ...]:
    """The driver's bits in words. Clocks that somebody has set, and those of an idle card, are no throttling."""
    if reasons & _OF_HARDWARE:
        reasons &= ~pynvml.nvmlClocksThrottleReasonHwSlowdown
    return tuple(dict.fromkeys(word for bit, word in _THROTTLES.items() if reasons & bit))


def _handle(index: int) -> Any:
    return pynvml.nvmlDeviceGetHandleByIndex(index)


def _look_up(handle: Any, index: int) -> _Card:
    pci = _known(pynvml.nvmlDeviceGetPciInfo, handle)
    part = nvidia.parts(handle)[:1]
    name = _known(pynvml.nvmlDeviceGetName, part[0] if part else handle)
    milliwatts = _known(pynvml.nvmlDeviceGetEnforcedPowerLimit, handle)
    kinds = (pynvml.NVML_TEMPERATURE_THRESHOLD_GPU_MAX, pynvml.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN)
    limits = [_number(pynvml.nvmlDeviceGetTemperatureThreshold, handle, kind) for kind in kinds]
    return _Card(
        handle=handle,
        part=part[0] if part else handle,
        key=nvidia.pci_address(pci.busId) if pci else f"nvidia-{index}",
        name=name or f"NVIDIA {index}",
        at=time.monotonic(),
        power_limit=None if milliwatts is None else milliwatts / 1000,
        temperature_limit=min((limit for limit in limits if limit), default=None),
        clock_limit=_number(pynvml.nvmlDeviceGetMaxClockInfo, handle, pynvml.NVML_CLOCK_GRAPHICS),
        generation_limit=_known(pynvml.nvmlDeviceGetMaxPcieLinkGeneration, handle),
        lanes_limit=_known(pynvml.nvmlDeviceGetMaxPcieLinkWidth, handle),
    )


def _memory(part: Any) -> tuple[Any, bool]:
    """NVML's own account, and whether the card has none because it shares the machine's (GB10, Jetson)."""
    try:
        return pynvml.nvmlDeviceGetMemoryInfo(part), False
    except pynvml.NVMLError as error:
        _raise_if_gone(error)
        return None, nvidia.code(error) == pynvml.NVML_ERROR_NOT_SUPPORTED


def _number(ask: Callable[..., int], *args: object) -> float | None:
    told = _known(ask, *args)
    return None if told is None else float(told)


def _known(ask: Callable[..., T], *args: object) -> T | None:
    """What the driver answers; None where it does not know. A card that is gone is not a missing number."""
    try:
        return ask(*args)
    except pynvml.NVMLError as error:
        _raise_if_gone(error)
        return None


def _raise_if_gone(error: Any) -> None:
    nvidia.raise_if_gone(error)
    if nvidia.code(error) in _BROKEN:
        raise error


def _in_first_namespace() -> bool:
    """Whether ids of processes here are those of the machine."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino == _FIRST_NAMESPACE
    except OSError:
        return True  # not Linux: there is but one
