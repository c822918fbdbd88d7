"""Samples made up, a second apart, as of a machine with some cards that answers."""

import math
import random
from collections.abc import Iterator
from dataclasses import replace

from backends.hardware.samples import GpuSample, HardwareSample, SystemSample
from backends.monitor.types import EngineSample, Sample, Traffic

NOON = 1_795_348_800.0  # a time since 1970, in November 2026
GIB = 1 << 30


def gpu(n: int = 0, *, temperature: float | None = 60.0, power: float | None = 200.0) -> GpuSample:
    return GpuSample(
        key=f"0000:{n + 1:02x}:00.0",
        name="NVIDIA GeForce RTX 4090",
        vendor="nvidia",
        use=0.5,
        memory_use=0.3,
        memory_total=24 * GIB,
        memory_used=18 * GIB,
        memory_own=16 * GIB,
        power=power,
        power_limit=450.0,
        temperature=temperature,
        clock=2505.0,
        memory_clock=10_501.0,
        fan=0.4,
        throttles=(),
        pcie_received=1e6,
        pcie_sent=2e6,
    )


def sample(
    at: float,
    clock: float,
    *,
    seconds: float | None = 1.0,
    decode: float | None = 40.0,
    cards: tuple[GpuSample, ...] = (),
    cpu: float | None = 0.5,
    disk_free: int | None = 500_000_000_000,
) -> Sample:
    system = SystemSample(
        cpu=cpu, memory_total=64 * GIB, memory_available=40 * GIB, disk_free=disk_free, disk_total=10**12
    )
    engine = EngineSample("tiny", 1, 0, None, decode, kv_used=100, kv_total=4096)
    return Sample(at, clock, seconds, HardwareSample(system, cards), engine, Traffic())


def running(count: int, *, start: float = NOON, every: float = 1.0, cards: int = 0) -> Iterator[Sample]:
    """The decode speed tells which one it is: 0, 1, 2, …; all else is as uneven as on a real machine."""
    chance = random.Random(8)
    for n in range(count):
        wave = 0.5 + 0.4 * math.sin(n / 70)
        yield sample(
            start + n * every,
            1000.0 + n * every,
            seconds=every if n else None,
            decode=float(n),
            cpu=round(wave * chance.random(), 3),
            cards=tuple(uneven(gpu(k), wave, chance) for k in range(cards)),
        )


def uneven(card: GpuSample, wave: float, chance: random.Random) -> GpuSample:
    """As NVML tells it: whole percents, MHz and degrees, power in milliwatts, PCIe in KiB."""
    use = round(min(1.0, max(0.0, wave + chance.gauss(0, 0.1))), 2)
    return replace(
        card,
        use=use,
        memory_use=round(use * chance.uniform(0.5, 0.7), 2),
        memory_used=18 * GIB + chance.randrange(64) * (1 << 20),
        power=round(60 + 300 * use + chance.gauss(0, 4), 3),
        temperature=float(round(50 + 30 * wave)),
        clock=float(2505 + 15 * chance.randrange(8)),
        fan=round(0.3 + 0.2 * wave, 2),
        pcie_received=float(chance.randrange(20_000) << 10),
        pcie_sent=float(chance.randrange(5_000) << 10),
    )
