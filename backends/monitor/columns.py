"""The figures of a sample by name, as they are kept and drawn over time: `system.cpu`, `gpu.0000:01:00.0.use`, …

A name is its group and its field; that of a card stands between. Figures are numbers in the units of the samples.
"""

from collections.abc import Mapping
from typing import Literal

from backends.hardware.samples import GpuSample, SystemSample
from backends.monitor.types import EngineSample, Sample, Traffic

Unit = Literal["share", "bytes", "bytes/s", "W", "°C", "MHz", "tokens/s", "s", "cells", "cores", ""]

SYSTEM: Mapping[str, Unit] = {
    "cpu": "share",
    "cpu_own": "cores",
    "cpu_clock": "MHz",
    "cpu_temperature": "°C",
    "cpu_throttled": "share",
    "memory_total": "bytes",
    "memory_available": "bytes",
    "memory_own": "bytes",
    "swap_used": "bytes",
    "swapped_in": "bytes/s",
    "swapped_out": "bytes/s",
    "disk_read": "bytes/s",
    "disk_written": "bytes/s",
    "disk_free": "bytes",
}
GPU: Mapping[str, Unit] = {
    "use": "share",
    "memory_use": "share",
    "memory_total": "bytes",
    "memory_used": "bytes",
    "memory_own": "bytes",
    "power": "W",
    "power_limit": "W",
    "temperature": "°C",
    "clock": "MHz",
    "memory_clock": "MHz",
    "fan": "share",
    "throttled": "share",
    "pcie_received": "bytes/s",
    "pcie_sent": "bytes/s",
}
ENGINE: Mapping[str, Unit] = {
    "prefill": "tokens/s",
    "decode": "tokens/s",
    "running": "",
    "waiting": "",
    "cache_hits": "share",  # of the prompt tokens of these answers
    "first_token": "s",
    "kv_used": "cells",
    "kv_total": "cells",
}
TRAFFIC: Mapping[str, Unit] = {
    "received": "bytes/s",
    "sent": "bytes/s",
    "api_received": "bytes/s",
    "api_sent": "bytes/s",
}
_GROUPS = {"system": SYSTEM, "gpu": GPU, "engine": ENGINE, "traffic": TRAFFIC}


def figures(sample: Sample) -> dict[str, float | None]:
    """All of a sample, in a fixed order; None where it has none."""
    found: dict[str, float | None] = {}
    for field in SYSTEM:
        found[f"system.{field}"] = _system(sample.hardware.system, field)
    for card in sample.hardware.gpus:
        for field in GPU:
            found[f"gpu.{card.key}.{field}"] = _gpu(card, field)
    for field in ENGINE:
        found[f"engine.{field}"] = _engine(sample.engine, field)
    for field in TRAFFIC:
        found[f"traffic.{field}"] = _traffic(sample.traffic, field)
    return found


def unit(name: str) -> Unit:
    """Of a figure, by its name; "" for one that is not known."""
    group, _, rest = name.partition(".")
    return _GROUPS.get(group, {}).get(rest.rpartition(".")[2], "")


def _system(system: SystemSample, field: str) -> float | None:
    return getattr(system, field)


def _gpu(card: GpuSample, field: str) -> float | None:
    if field == "throttled":
        return None if card.throttles is None else float(bool(card.throttles))
    return getattr(card, field)


def _engine(engine: EngineSample, field: str) -> float | None:
    if engine.model is None:
        return None
    if field == "cache_hits":
        asked = engine.cached_tokens + engine.prompt_tokens
        return engine.cached_tokens / asked if asked else None
    return getattr(engine, field)


def _traffic(traffic: Traffic, field: str) -> float | None:
    return getattr(traffic, field)
