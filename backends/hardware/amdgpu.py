"""What AMD's cards do at a moment, as the Linux kernel driver amdgpu tells. For `gpu_child` alone.

Source: kernel documentation, gpu/amdgpu/thermal.rst and driver-misc.rst; kgd_pp_interface.h for `gpu_metrics`: the
reasons for a slower clock are bits of `indep_throttle_status` (layouts 1.3 and 2.2 on; amdgpu_smu.h), or times spent
under a limit that grow (layout 3.0). `pcie_bw` is not read: it counts for a whole second before it answers.
"""

import struct
from collections.abc import Sequence
from pathlib import Path

from backends.hardware import amd
from backends.hardware.card_files import CardFiles
from backends.hardware.kernel_reader import KernelReader
from backends.hardware.samples import GpuSample, Throttle

_BITS: tuple[tuple[range, Throttle], ...] = (
    (range(8), "power"),  # PPT, SPL, FPPT, SPPT
    (range(16, 24), "power"),  # currents: TDC, EDC, APCC
    (range(32, 46), "heat"),  # of the chip, its memory, its regulators
    (range(46, 48), "hardware"),  # PROCHOT
    (range(56, 58), "other"),  # PPM, FIT
)
_RESIDENCIES: tuple[Throttle, ...] = ("hardware", "power", "power", "power", "heat", "heat", "heat")
_AT = {(1, 3): 112, (2, 2): 120, (2, 3): 120, (2, 4): 120}  # bytes before indep_throttle_status
_RESIDENCIES_AT = 228  # bytes before throttle_residency_prochot in layout 3.0


class Amdgpu(KernelReader):
    def __init__(self, root: Path) -> None:
        super().__init__(root, "amd", amd.VENDOR, amd.DRIVERS)
        self._residencies: dict[str, tuple[int, ...]] = {}

    def _read(self, card: CardFiles, pids: Sequence[int]) -> GpuSample:
        metrics = card.content("gpu_metrics") or b""
        unified = metrics[2] in (2, 3) if len(metrics) >= 4 else card.model.integrated
        total, used = _memory(card, unified)
        heat = card.labelled("temp", "edge", "junction") or "temp1"
        power = card.sensor("power1_average", 1e6)
        use = card.share("gpu_busy_percent")
        return GpuSample(
            key=card.address,
            name=card.name,
            vendor="amd",
            state="denied" if card.denied else "ok",
            use=use,
            memory_use=card.share("mem_busy_percent"),
            memory_total=total,
            memory_used=used,
            memory_own=self._clients.memory(card.address, pids, shared=unified),
            unified=unified,
            power=card.sensor("power1_input", 1e6) if power is None else power,
            power_limit=card.sensor("power1_cap", 1e6) or None,
            temperature=card.sensor(f"{heat}_input", 1e3),
            temperature_limit=card.sensor(f"{heat}_crit", 1e3) or None,
            clock=_clock(card, "freq1_input", "pp_dpm_sclk"),
            clock_limit=max(_steps(card, "pp_dpm_sclk")[0], default=None),
            memory_clock=_clock(card, "freq2_input", "pp_dpm_mclk"),
            fan=card.fan(),
            throttles=self._throttles(card.address, metrics),
            **card.link(),
        )

    def _throttles(self, address: str, metrics: bytes) -> tuple[Throttle, ...] | None:
        layout = (metrics[2], metrics[3]) if len(metrics) >= 4 else (0, 0)
        at = _AT.get(layout)
        if at is not None and len(metrics) >= at + 8:
            (status,) = struct.unpack_from("<Q", metrics, at)
            if status == 0xFFFFFFFFFFFFFFFF:  # how these tables say "not known"
                return None
            words: list[Throttle] = [word for bits, word in _BITS if any(status >> bit & 1 for bit in bits)]
            return tuple(dict.fromkeys(words))
        if layout == (3, 0) and len(metrics) >= _RESIDENCIES_AT + 28:
            now = struct.unpack_from("<7I", metrics, _RESIDENCIES_AT)
            before, self._residencies[address] = self._residencies.get(address), now
            if before is not None:
                times = zip(_RESIDENCIES, before, now, strict=True)
                grown: list[Throttle] = [word for word, old, new in times if new > old]
                return tuple(dict.fromkeys(grown))
        return None


def _memory(card: CardFiles, unified: bool) -> tuple[int | None, int | None]:
    """Total and used bytes; a chip in the processor has what it may borrow (GTT) too."""
    total, used = card.number("mem_info_vram_total"), card.number("mem_info_vram_used")
    if not unified:
        return total, used
    more, taken = card.number("mem_info_gtt_total"), card.number("mem_info_gtt_used")
    whole = (total or 0) + (more or 0) or None
    return whole, None if used is None and taken is None else (used or 0) + (taken or 0)


def _clock(card: CardFiles, sensor: str, steps: str) -> float | None:
    now = card.sensor(sensor, 1e6)
    return _steps(card, steps)[1] if now is None else now


def _steps(card: CardFiles, name: str) -> tuple[list[float], float | None]:
    """Of lines like `1: 2304Mhz *`: all clocks, and the one with the star; MHz."""
    clocks, now = [], None
    for line in (card.text(name) or "").splitlines():
        words = line.lower().replace("mhz", " ").split()
        if len(words) >= 2 and words[1].isdecimal():
            clocks.append(float(words[1]))
            now = clocks[-1] if "*" in words else now
    return clocks, now
