"""What Intel's cards do at a moment, as the Linux kernel drivers xe and i915 tell. For `gpu_child` alone.

    xe      tile0/gt0/gtidle/idle_residency_ms    tile0/gt0/freq0/{act_freq,rp0_freq,throttle/reason_*}    hwmon
    i915    drm/card0/gt/gt0/{rc6_residency_ms,rps_act_freq_mhz,rps_RP0_freq_mhz,throttle_reason_*}        hwmon

Neither tells in sysfs how busy the card is: `use` is the share of the time in which its first part was not in its
sleep state, which is at least as much. Nor do they tell the memory in use of a card, but that of our own processes.
Source: kernel documentation, gpu/xe/xe_gt_freq.html, ABI/testing/sysfs-driver-intel-*-hwmon; intel_gt_sysfs_pm.c.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.hardware import intel, sysfs
from backends.hardware.card_files import CardFiles
from backends.hardware.kernel_reader import KernelReader
from backends.hardware.samples import GpuSample, Throttle

_REASONS: dict[str, Throttle] = {
    "pl1": "power",
    "pl2": "power",
    "pl4": "power",
    "ratl": "heat",  # the average of the temperature
    "thermal": "heat",
    "prochot": "hardware",
    "vr_thermalert": "heat",
    "vr_tdc": "power",
}


@dataclass(frozen=True, slots=True)
class _Places:
    """Where a driver puts it, below the card's folder; `reason` is put before the name of each reason."""

    idle: str
    clock: str
    clock_limit: str
    reason: str


_XE = _Places("gtidle/idle_residency_ms", "freq0/act_freq", "freq0/rp0_freq", "freq0/throttle/reason_")
_I915 = _Places("rc6_residency_ms", "rps_act_freq_mhz", "rps_RP0_freq_mhz", "throttle_reason_")


class IntelGpu(KernelReader):
    def __init__(self, root: Path) -> None:
        super().__init__(root, "intel", intel.VENDOR, intel.DRIVERS)
        self._idle: dict[str, tuple[float, int]] = {}  # when, milliseconds

    def _read(self, card: CardFiles, pids: Sequence[int]) -> GpuSample:
        unified = card.address == intel.INTEGRATED_ADDRESS or card.model.integrated
        part, places = _part(card)
        heat = card.labelled("temp", "pkg") or "temp1"
        clock, limit = card.number(f"{part}/{places.clock}"), card.number(f"{part}/{places.clock_limit}")
        use = self._awake(card, f"{part}/{places.idle}")
        watts = card.spent("energy1_input")
        total, used = (None, None) if unified else _memory(card)
        return GpuSample(
            key=card.address,
            name=card.name,
            vendor="intel",
            state="denied" if card.denied else "ok",
            use=use,
            memory_total=total,
            memory_used=used,
            memory_own=self._clients.memory(card.address, pids, shared=unified),
            unified=unified,
            power=watts,
            power_limit=card.sensor("power1_max", 1e6) or None,
            temperature=card.sensor(f"{heat}_input", 1e3),
            temperature_limit=card.sensor(f"{heat}_crit", 1e3) or None,
            clock=None if clock is None else float(clock),
            clock_limit=None if limit is None else float(limit),
            fan=card.fan(),
            throttles=_throttles(card, f"{part}/{places.reason}"),
            **card.link(),
        )

    def _awake(self, card: CardFiles, name: str) -> float | None:
        asleep = card.number(name)
        if asleep is None:
            return None
        before, now = self._idle.get(card.address), (time.monotonic(), asleep)
        self._idle[card.address] = now
        if before is None or now[0] <= before[0] or now[1] < before[1]:
            return None
        return min(1.0, max(0.0, 1 - (now[1] - before[1]) / 1000 / (now[0] - before[0])))


def _part(card: CardFiles) -> tuple[str, _Places]:
    """The part of the card that computes, and how its driver calls things."""
    for minor in sysfs.matching(card.folder / "drm", "card*"):
        if (minor / "gt/gt0").is_dir():
            return f"drm/{minor.name}/gt/gt0", _I915
    return "tile0/gt0", _XE


def _memory(card: CardFiles) -> tuple[int | None, int | None]:
    """Total and used bytes of a card of its own, as far as they are told (i915 with Intel's own packages)."""
    try:
        total, free = intel.own_memory(card.card, card.model)
    except OSError:
        return None, None
    return total, None if total is None or free is None else total - free


def _throttles(card: CardFiles, reason: str) -> tuple[Throttle, ...] | None:
    told = {name: card.number(f"{reason}{name}") for name in _REASONS}
    if all(value is None for value in told.values()):
        return None
    return tuple(dict.fromkeys(_REASONS[name] for name, value in told.items() if value))
