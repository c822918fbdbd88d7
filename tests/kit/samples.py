"""Samples made up, a second apart, as of a machine with some cards that answers."""

import math
from collections.abc import Iterator

from backends.hardware.samples import GpuSample, HardwareSample, SystemSample
from backends.monitor.types import EngineSample, Sample, Traffic

NOON = 1_795_348_800.0  # a time since 1970, in November 2026
GIB = 1 << 30


def gpu(n: int = 0, *, temperature: float | None = 60.0, power: float | None = 200.0, wave: float = 0.5) -> GpuSample:
    return GpuSample(
        key=f"0000:{n + 1:02x}:00.0",
        name="NVIDIA GeForce RTX 4090",
        vendor="nvidia",
        use=wave,
        memory_use=wave / 2,
        memory_total=24 * GIB,
        memory_used=18 * GIB,
        memory_own=16 * GIB,
        power=power,
        power_limit=450.0,
        temperature=temperature,
        clock=2500.0 + 100 * wave,
        memory_clock=10_501.0,
        fan=0.4,
        throttles=(),
        pcie_received=1e6 * wave,
        pcie_sent=2e6 * wave,
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
    """The decode speed tells which one it is: 0, 1, 2, …; the cards are as uneven as real ones."""
    for n in range(count):
        wave = 0.5 + 0.4 * math.sin(n / 7) + 0.05 * math.sin(n * 1.7)
        yield sample(
            start + n * every,
            1000.0 + n * every,
            seconds=every if n else None,
            decode=float(n),
            cpu=wave,
            cards=tuple(
                gpu(k, wave=wave, power=200 + 100 * wave, temperature=60 + round(10 * wave)) for k in range(cards)
            ),
        )
