"""Made figures of machines at work: samples, and models as they lie on them, for what holds them back.

limits(seconds(10, decode=9.3), on(BIG_PC))
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from backends.engine.protocol import LoadedModel
from backends.hardware.samples import GpuSample, HardwareSample, SystemSample
from backends.hardware.types import Cpu, Disk, Gpu, Machine, Memory, Vendor
from backends.models.budget import Budget
from backends.models.catalog import Catalog, quant_in
from backends.models.machines import Figures
from backends.models.types import Shape
from backends.models.weights import Weights
from backends.monitor.reading import Running, known_devices, running
from backends.monitor.types import EngineSample, Sample

GIB = 1 << 30
CATALOG, FIGURES = Catalog.load(), Figures.load()
STARTED = 1_764_000_000.0


def machine(*cards: tuple[str, Vendor, int], ram: int = 32, bandwidth: float | None = 90e9) -> Machine:
    """`cards`: name, vendor, GiB. `bandwidth`: of main memory, as its modules say; None: nobody knows."""
    gpus = tuple(Gpu(name, vendor, size * GIB, size * GIB) for name, vendor, size in cards)
    cpu = Cpu("AMD Ryzen 7 7700", 8, 16, ("avx2",), "x86_64")
    return Machine(cpu, Memory(ram * GIB, (ram - 6) * GIB, bandwidth), Disk("", 0, 0), gpus, "Linux")


LAPTOP = machine(ram=16, bandwidth=51.2e9)
PC = machine(("NVIDIA GeForce RTX 3060", "nvidia", 12))
TWO_CARDS = machine(("NVIDIA GeForce RTX 3090", "nvidia", 24), ("NVIDIA GeForce RTX 3090", "nvidia", 24), ram=64)
NO_NAME = machine(("Graphics Device", "nvidia", 12))


def on(
    where: Machine,
    *,
    model: str = "r1-0528-qwen3-8b",
    quant: str = "Q4_K_M",
    layers: int = 0,
    experts_on_cpu: int = 0,
    split: tuple[int, ...] = (),
    context: int = 16384,
    asked: int = 0,
    measured: float | None = None,
    parallel: int = 4,
) -> Running:
    """A model of the catalogue as it is loaded there: so many `layers` on its first card, or as `split`.
    `measured`: bytes a second that main memory really gives."""
    entry = CATALOG.find(model)
    shape, file = entry.shape, quant_in(entry, quant)
    assert file is not None
    budget = Budget.from_machine(where, FIGURES)
    cards = [gpu.label for gpu in budget.gpus]
    if not cards:
        cards = ["CUDA0"] if layers else []
    whole = layers >= shape.layers and not experts_on_cpu
    used = cards if split else cards[:1] if layers else []
    loaded = LoadedModel(
        alias=f"{model}:{quant}",
        path=Path("/models/model.gguf"),
        architecture=shape.architecture,
        context=context,
        context_train=shape.context_train,
        kv_type="f16",
        layers=shape.layers,
        gpu_layers=layers,
        devices=tuple(used) if whole else (*used, "CPU"),
        size=file.size,
        seconds=1.0,
        threads=8,
        parallel=parallel,
        gpu_layers_asked=asked,
        expert_layers_on_cpu=experts_on_cpu,
        gpu_split=split,
    )
    known = known_devices(budget, where.memory.bandwidth is not None, [(gpu.name, gpu.bandwidth) for gpu in where.gpus])
    return running(
        loaded,
        shape,
        Weights.estimate(shape, file),
        budget,
        quant=quant,
        known=known,
        host_bandwidth=measured,
    )


def shape_of(model: str = "r1-0528-qwen3-8b") -> Shape:
    return CATALOG.find(model).shape


def card(name: str = "NVIDIA GeForce RTX 3060", **figures: object) -> GpuSample:
    """A card with 12 GiB of which this program holds 6, at work."""
    usual = GpuSample(
        "0000:01:00.0",
        name,
        "nvidia",
        use=0.97,
        memory_total=12 * GIB,
        memory_used=6 * GIB,
        memory_own=6 * GIB,
        power=150.0,
        power_limit=170.0,
        temperature=64.0,
        clock=1850.0,
        clock_limit=1900.0,
        throttles=(),
    )
    return replace(usual, **figures)


def system(**figures: object) -> SystemSample:
    """A machine with 32 GiB, well and at work."""
    usual = SystemSample(
        cpu=0.5,
        cores=(0.5,) * 16,
        cpu_own=8.0,
        cpu_clock=4900.0,
        cpu_clock_limit=5300.0,
        cpu_temperature=71.0,
        cpu_throttled=False,
        memory_total=32 * GIB,
        memory_available=20 * GIB,
        swapped_in=0.0,
        swapped_out=0.0,
        disk_read=0.0,
        disk_written=0.0,
        page_ins=0.0,
        on_battery=False,
    )
    return replace(usual, **figures)


def seconds(
    count: int = 10,
    *,
    cards: Sequence[GpuSample] = (),
    machine: SystemSample | None = None,
    decode: float | None = None,
    prefill: float | None = None,
    running: int | None = None,
    begin: int = 0,
    **engine: object,
) -> list[Sample]:
    """So many seconds one like the other, from second `begin` on."""
    at_work = 1 if decode or prefill else 0
    figures = EngineSample(
        "model",
        running=at_work if running is None else running,
        prefill=prefill,
        decode=decode,
        prompt_tokens=round(prefill or 0),
        generated_tokens=round(decode or 0),
        kv_total=16384,
    )
    figures = replace(figures, **engine)
    hardware = HardwareSample(machine or system(), tuple(cards))
    return [
        Sample(STARTED + number, 1000.0 + number, None if number == 0 else 1.0, hardware, figures)
        for number in range(begin, begin + count)
    ]
