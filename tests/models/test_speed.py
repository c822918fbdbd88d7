"""Speed: the decode model against published measurements, and against the table it was made for."""

from collections.abc import Sequence

import pytest

from backends.hardware.types import Cpu, Disk, Gpu, Machine, Memory
from backends.models.budget import Budget
from backends.models.catalog import Catalog, quant_in
from backends.models.footprint import kv_cells, place
from backends.models.machines import Figures
from backends.models.speed import host_share, seconds_to_answer, tokens_per_s
from backends.models.types import ModelFile, Shape
from backends.models.weights import Weights

GIB = 1 << 30
CATALOG, FIGURES = Catalog.load(), Figures.load()
LLAMA_2_7B = Shape("llama", 32, 4096, 11008, 32, 32, 128, 128, 32000, 4096)
LLAMA_8B = CATALOG.find("r1-distill-llama-8b").shape
QWEN3_8B = CATALOG.find("r1-0528-qwen3-8b").shape
NINE_B = Shape("llama", 40, 4096, 13696, 32, 2, 128, 128, 64000, 131072)


def budget(vendor: str = "", name: str = "", *, ram: float = 90.0, vram: float | None = None) -> Budget:
    """A machine with one card, or none; bandwidths in GB/s, the card's by its name unless given."""
    gpus = (
        [Gpu(name, vendor, 999 * GIB, 999 * GIB, vram and vram * 1e9, unified=vendor == "apple")]  # type: ignore[arg-type]
        if vendor
        else []
    )
    cpu = Cpu("", 8, 16, (), "x86_64")
    memory = Memory(9999 * GIB, 9999 * GIB, ram * 1e9)
    return Budget.from_machine(Machine(cpu, memory, Disk("", 0, 0), tuple(gpus), "Linux"), FIGURES)


def speed(
    shape: Shape, file: ModelFile, machine: Budget, *, filled: int = 0, gpu_layers: int | None = None, experts: int = 0
) -> float:
    layers = gpu_layers if gpu_layers is not None else 999 if machine.gpus else 0
    placement = place(shape.layers, layers, experts, [gpu.free for gpu in machine.gpus])
    kv = kv_cells(shape, filled, "f16") if filled else None
    weights = Weights.estimate(shape, file)
    return tokens_per_s(shape, weights, placement, machine.host, machine.gpus, FIGURES, quant=file.quant, kv=kv)


def size(quant: str, gb: float) -> ModelFile:
    bits = {"Q4_0": 4.5, "Q6_K": 6.5625, "F16": 16.0, "Q8_0": 8.5, "Q4_K_M": 4.5}
    return ModelFile(quant, "", round(gb * 1e9), embedding_bits=bits[quant])


@pytest.mark.parametrize(
    ("vendor", "name", "shape", "file", "measured"),
    [
        ("apple", "Apple M4", LLAMA_8B, size("Q4_K_M", 4.92), 20.9),
        ("apple", "Apple M1 Max", LLAMA_8B, size("Q4_K_M", 4.92), 46.2),
        ("apple", "Apple M1 Pro", LLAMA_2_7B, size("Q4_0", 3.83), 35.5),
        ("apple", "Apple M3 Pro", LLAMA_2_7B, size("Q4_0", 3.83), 30.7),
        ("nvidia", "NVIDIA GeForce RTX 5090", QWEN3_8B, size("Q4_K_M", 5.03), 222),
        ("nvidia", "NVIDIA GeForce RTX 5090", LLAMA_8B, size("Q8_0", 8.54), 143),
        ("nvidia", "NVIDIA GeForce RTX 4090", LLAMA_8B, size("Q6_K", 6.60), 93),
        ("nvidia", "NVIDIA GeForce RTX 3090", LLAMA_2_7B, size("Q4_0", 3.83), 121),
        ("nvidia", "NVIDIA GeForce RTX 3090", LLAMA_2_7B, size("F16", 13.5), 48.5),
        ("amd", "AMD Radeon RX 9070 XT", NINE_B, size("Q6_K", 7.6), 62),
    ],
)
def test_measured_on_a_card(vendor: str, name: str, shape: Shape, file: ModelFile, measured: float) -> None:
    assert speed(shape, file, budget(vendor, name)) == pytest.approx(measured, rel=0.15)


def test_measured_on_a_processor() -> None:
    """A Core i9-13900K with two channels of DDR5-6400."""
    assert speed(LLAMA_2_7B, size("Q4_0", 3.83), budget(ram=102)) == pytest.approx(18.3, rel=0.15)


MACHINES = {
    "DDR4-3200": budget(ram=51),
    "DDR5-6000": budget(ram=96),
    "M4": budget("apple", "Apple M4"),
    "M4 Pro": budget("apple", "Apple M4 Pro"),
    "M4 Max": budget("apple", "Apple M4 Max"),
    "3060": budget("nvidia", "RTX 3060"),
    "4070": budget("nvidia", "RTX 4070"),
    "3090": budget("nvidia", "RTX 3090"),
    "4090": budget("nvidia", "RTX 4090"),
    "5090": budget("nvidia", "RTX 5090"),
}
PREDICTED = {
    "r1-distill-qwen-1.5b": (26, 44, 74, 135, 195, 164, 198, 267, 284, 424),
    "r1-distill-qwen-7b": (7.0, 13, 20, 41, 67, 52, 68, 108, 120, 197),
    "r1-distill-llama-8b": (6.3, 11, 18, 37, 60, 47, 62, 99, 110, 182),
    "r1-0528-qwen3-8b": (6.1, 11, 18, 36, 59, 46, 60, 97, 108, 179),
    "r1-distill-qwen-14b": (3.5, 6.5, 10, 21, 35, 27, 36, 60, 67, 114),
    "r1-distill-qwen-32b": (1.6, 3.0, 4.6, 9.8, 17, 13, 17, 29, 33, 57),
    "r1-distill-llama-70b": (0.8, 1.4, 2.2, 4.7, 8.1, 6.2, 8.3, 14, 16, 29),
    "v2-lite-chat": (11, 20, 33, 65, 103, 83, 105, 159, 173, 276),
}


@pytest.mark.parametrize(("model", "row"), PREDICTED.items())
def test_the_table_of_predictions(model: str, row: Sequence[float]) -> None:
    """Q4_K_M with 4,096 tokens in the cache, if it fitted everywhere."""
    shape = CATALOG.find(model).shape
    file = quant_in(CATALOG.find(model), "Q4_K_M")
    assert file
    for wanted, machine in zip(row, MACHINES.values(), strict=True):
        assert speed(shape, file, machine, filled=4096) == pytest.approx(wanted, rel=0.2)


@pytest.mark.parametrize(("name", "least", "most"), [("Apple M3 Ultra", 18, 28), ("NVIDIA GeForce RTX 5090", 40, 70)])
def test_v4_is_held_up_by_its_many_small_steps(name: str, least: float, most: float) -> None:
    """23 tokens/s were reported for Q4 on an M3 Ultra; on cards 30 to 60 % less than bandwidth alone would give."""
    model = CATALOG.find("v4-flash-0731")
    machine = budget("apple" if "Apple" in name else "nvidia", name)
    assert least < speed(model.shape, model.files[1], machine, filled=4096) < most


def test_a_tenth_in_main_memory_halves_the_speed() -> None:
    """A 3090 beside DDR5-6000: a fifth leaves a third. So `fits entirely` is a cliff."""
    model = CATALOG.find("r1-distill-qwen-32b")
    file = quant_in(model, "Q4_K_M")
    assert file
    machine = budget("nvidia", "RTX 3090", ram=96)
    whole = speed(model.shape, file, machine)
    assert speed(model.shape, file, machine, gpu_layers=59) / whole == pytest.approx(0.5, abs=0.06)
    assert speed(model.shape, file, machine, gpu_layers=52) / whole == pytest.approx(0.33, abs=0.05)


def test_fewer_bits_are_not_faster_below_four() -> None:
    model, machine = CATALOG.find("r1-distill-qwen-32b"), budget("nvidia", "RTX 4090")
    four, two = (speed(model.shape, file, machine) for quant in ("Q4_K_S", "Q2_K") if (file := quant_in(model, quant)))
    assert two < four * 1.15


def test_on_a_processor_the_iq_quants_are_slow() -> None:
    model = CATALOG.find("r1-distill-qwen-7b")
    small, large = (quant_in(model, quant) for quant in ("IQ4_XS", "Q4_K_M"))
    assert small
    assert large
    assert speed(model.shape, small, budget(ram=51)) < speed(model.shape, large, budget(ram=51))
    card = budget("nvidia", "RTX 4090")
    assert speed(model.shape, small, card) > speed(model.shape, large, card)


def test_a_full_cache_slows_down() -> None:
    model, machine = CATALOG.find("r1-0528-qwen3-8b"), budget("nvidia", "RTX 4090")
    speeds = [speed(model.shape, model.files[3], machine, filled=filled) for filled in (0, 4096, 32768)]
    assert speeds == sorted(speeds, reverse=True)


def test_the_share_of_main_memory() -> None:
    model = CATALOG.find("v4-flash-0731")
    weights = Weights.estimate(model.shape, model.files[0])

    def share(gpu_layers: int, experts: int) -> float:
        return host_share(model.shape, weights, place(43, gpu_layers, experts, (1 << 40,)))

    assert share(44, 0) == 0
    assert share(0, 0) == pytest.approx(1)
    assert 0 < share(44, 20) < share(44, 43) < share(20, 43) < 1


def test_reasoning_takes_its_time() -> None:
    plain = seconds_to_answer(10, 10, FIGURES.answers, reasoning=False)
    thought = seconds_to_answer(10, 10, FIGURES.answers, reasoning=True)
    assert plain == pytest.approx(45)
    assert thought == pytest.approx(305)
