"""What a machine has to give: cards, shared memory, and what has to stay free."""

from dataclasses import dataclass

import pytest

from backends.hardware.types import Cpu, Disk, Gpu, Machine, Memory
from backends.models.budget import Budget
from backends.models.machines import Figures

GIB = 1 << 30
FIGURES = Figures.load()


def machine(
    *gpus: Gpu, total: float = 32, available: float = 28, system: str = "Linux", bandwidth: float | None = None
) -> Machine:
    memory = Memory(round(total * GIB), round(available * GIB), bandwidth)
    return Machine(Cpu("", 8, 16, (), "x86_64"), memory, Disk("", 0, 0), gpus, system)


def card(name: str, vendor: str, total: float, free: float | None = None, *, unified: bool = False) -> Gpu:
    left = None if free is None else round(free * GIB)
    return Gpu(name, vendor, round(total * GIB), left, unified=unified)  # type: ignore[arg-type]


RTX_4090 = card("NVIDIA GeForce RTX 4090", "nvidia", 24, 22.5)


def test_what_is_free_now_counts() -> None:
    budget = Budget.from_machine(machine(RTX_4090, available=10))
    assert budget.host.free == round(9 * GIB)
    assert [gpu.free for gpu in budget.gpus] == [round(22.5 * GIB)]
    assert budget.gpus[0].usable == round(21.5 * GIB)
    assert budget.gpus[0].bandwidth == 1008e9
    assert budget.memory == round(9 * GIB) + round(21.5 * GIB)


@pytest.mark.parametrize(("system", "reserve"), [("Linux", 3), ("Windows", 5), ("Darwin", 5), ("Haiku", 5)])
def test_a_fresh_machine_keeps_some_for_its_system(system: str, reserve: int) -> None:
    budget = Budget.from_machine(machine(total=16, available=15.9, system=system))
    assert budget.host.free == min(round(15.9 * 0.9 * GIB), (16 - reserve) * GIB)


def test_a_card_that_does_not_tell_what_is_free() -> None:
    assert Budget.from_machine(machine(card("RTX 3060", "nvidia", 12))).gpus[0].free == 12 * GIB
    silent = Gpu("RTX 3060", "nvidia", None, None)
    assert Budget.from_machine(machine(silent)).gpus == ()


def test_bandwidth_is_measured_known_or_typical() -> None:
    told = Gpu("NVIDIA GeForce RTX 4090", "nvidia", 24 * GIB, 24 * GIB, bandwidth=900e9)
    unknown = card("NVIDIA GeForce RTX 9999", "nvidia", 24, 24)
    assert Budget.from_machine(machine(told)).gpus[0].bandwidth == 900e9
    assert Budget.from_machine(machine(unknown)).gpus[0].bandwidth == 936e9
    assert Budget.from_machine(machine(bandwidth=70e9)).host.bandwidth == 70e9
    assert Budget.from_machine(machine(total=64)).host.bandwidth == 77e9


def test_shared_memory_counts_once() -> None:
    mac = machine(card("Apple M4 Max", "apple", 48, unified=True), total=64, available=60, system="Darwin")
    budget = Budget.from_machine(mac)
    assert budget.unified
    assert budget.host.free == 54 * GIB
    assert budget.gpus[0].free == 48 * GIB
    assert budget.memory == budget.host.free
    assert budget.gpus[0].efficiency == 0.65
    assert budget.host.bandwidth == budget.gpus[0].bandwidth == 546e9
    busy = machine(card("Apple M4 Max", "apple", 48, unified=True), total=64, available=20, system="Darwin")
    assert Budget.from_machine(busy).gpus[0].free == 18 * GIB


def test_a_real_card_beats_the_graphics_of_the_processor() -> None:
    inside = card("AMD Radeon 780M", "amd", 16, 16, unified=True)
    assert [gpu.name for gpu in Budget.from_machine(machine(inside, RTX_4090)).gpus] == [RTX_4090.name]


# ---- margins, the engine's order, what comes back


@dataclass(frozen=True)
class Listed:
    """A device as the engine lists it."""

    name: str
    description: str
    kind: str
    memory_total: int


RTX_3060 = card("NVIDIA GeForce RTX 3060", "nvidia", 12, 11)
CUDA = (
    Listed("CUDA0", "NVIDIA GeForce RTX 4090", "gpu", 24 * GIB),
    Listed("CUDA1", "NVIDIA GeForce RTX 3060", "gpu", 12 * GIB),
    Listed("CPU", "AMD Ryzen 9", "cpu", 64 * GIB),
)


def test_each_card_has_its_margin_and_the_last_one_goes_for_the_rest() -> None:
    small = card("NVIDIA GeForce RTX 3050", "nvidia", 8, 7)
    budget = Budget.from_machine(machine(RTX_4090, RTX_3060, small), margins=(2 * GIB, GIB // 2))
    assert [gpu.margin for gpu in budget.gpus] == [2 * GIB, GIB // 2, GIB // 2]
    assert budget.gpus[0].usable == round(20.5 * GIB)
    assert [gpu.margin for gpu in Budget.from_machine(machine(RTX_4090)).gpus] == [GIB]
    assert Budget.from_machine(machine(RTX_4090), margins=(0,)).gpus[0].usable == round(22.5 * GIB)


def test_cards_come_in_the_engines_order_with_its_names() -> None:
    """The driver lists them by their slot, CUDA the fastest first; the margin goes with the card."""
    budget = Budget.from_machine(machine(RTX_3060, RTX_4090), margins=(GIB, 2 * GIB), engine=CUDA)
    assert [(gpu.label, gpu.name, gpu.margin // GIB) for gpu in budget.gpus] == [
        ("CUDA0", RTX_4090.name, 2),
        ("CUDA1", RTX_3060.name, 1),
    ]
    assert budget.host.label == "CPU"


def test_a_card_that_the_engine_does_not_list_is_left_out() -> None:
    assert [gpu.label for gpu in Budget.from_machine(machine(RTX_3060, RTX_4090), engine=CUDA[:1]).gpus] == ["CUDA0"]


def test_cards_of_one_name_are_told_apart_by_their_size() -> None:
    engine = [Listed(f"CUDA{n}", "NVIDIA GeForce RTX 3060", "gpu", size * GIB) for n, size in enumerate((12, 8))]
    cards = (card("NVIDIA GeForce RTX 3060", "nvidia", 8, 7.5), RTX_3060)
    assert [gpu.free for gpu in Budget.from_machine(machine(*cards), engine=engine).gpus] == [11 * GIB, 7.5 * GIB]


def test_names_that_do_not_agree_are_taken_in_order() -> None:
    engine = [Listed("Vulkan0", "AMD Radeon Graphics (RADV NAVI31)", "gpu", 24 * GIB)]
    (gpu,) = Budget.from_machine(machine(card("Navi 31 [7900 XTX]", "amd", 24, 23)), engine=engine).gpus
    assert (gpu.label, gpu.free) == ("Vulkan0", 23 * GIB)


def test_what_a_loaded_model_holds_counts_as_free() -> None:
    busy = machine(card("NVIDIA GeForce RTX 4090", "nvidia", 24, 3), RTX_3060, available=10)
    held = {"CUDA0": 19 * GIB, "CPU": 4 * GIB}
    budget = Budget.from_machine(busy, engine=CUDA, returned=held)
    assert [gpu.free for gpu in budget.gpus] == [22 * GIB, 11 * GIB]
    assert budget.host.free == round(14 * 0.9 * GIB)
    assert Budget.from_machine(busy, engine=CUDA).gpus[0].free == 3 * GIB


def test_no_more_comes_back_than_there_is() -> None:
    budget = Budget.from_machine(machine(RTX_4090), engine=CUDA, returned={"CUDA0": 19 * GIB, "CPU": 50 * GIB})
    assert budget.gpus[0].free == 24 * GIB
    assert budget.host.free == round(28.8 * GIB)


def test_of_shared_memory_it_comes_back_once() -> None:
    """Both meters have seen the same bytes: the process grew, and the GPU has less free."""
    apple = card("Apple M4 Max", "apple", 48, unified=True)
    mac = machine(apple, total=64, available=20, system="Darwin")
    engine = [Listed("MTL0", "Apple M4 Max", "gpu", 48 * GIB)]
    budget = Budget.from_machine(mac, engine=engine, returned={"MTL0": 20 * GIB, "CPU": 21 * GIB})
    assert budget.host.free == round(41 * 0.9 * GIB)
    assert budget.gpus[0].free == round(41 * 0.9 * GIB)
    assert budget.gpus[0].label == "MTL0"


def test_graphics_in_a_processor_count_only_where_they_help() -> None:
    assert not Budget.from_machine(machine(card("AMD Radeon 780M", "amd", 16, 16, unified=True))).gpus
    assert not Budget.from_machine(machine(card("Intel UHD Graphics", "intel", 16, 16, unified=True))).gpus
    strix = Budget.from_machine(
        machine(card("AMD Radeon 8060S", "amd", 96, 96, unified=True), total=128, available=120)
    )
    assert strix.unified
    assert strix.gpus[0].bandwidth == 256e9
    spark = Budget.from_machine(machine(card("NVIDIA GB10", "nvidia", 119, unified=True), total=119, available=110))
    assert spark.unified
    assert spark.gpus[0].free == spark.host.free


def test_cards_of_one_build_work_together() -> None:
    other = card("AMD Radeon RX 7900 XTX", "amd", 24, 24)
    small = card("NVIDIA GeForce RTX 3060", "nvidia", 12, 11)
    assert [gpu.free // GIB for gpu in Budget.from_machine(machine(small, other, RTX_4090)).gpus] == [11, 22]
    assert [gpu.name for gpu in Budget.from_machine(machine(small, other)).gpus] == [other.name]


def test_a_machine_that_is_full_gives_nothing() -> None:
    budget = Budget.from_machine(machine(total=2, available=0.1))
    assert budget.host.free == round(0.09 * GIB)
    assert Budget.from_machine(machine(card("RTX 3050", "nvidia", 4, 0.5))).gpus[0].usable == 0


def test_a_typical_machine_is_the_same_everywhere() -> None:
    budget = Budget.typical(32 * GIB, [24 * GIB, 0, 8 * GIB])
    assert [gpu.free for gpu in budget.gpus] == [24 * GIB, 8 * GIB]
    assert budget.host.free == 27 * GIB
    assert Budget.typical(8 * GIB).host.free == 3 * GIB
    assert Budget.typical(256 * GIB).host.free == round(230.4 * GIB)
    assert Budget.typical(0).host.free == 0


def test_a_typical_mac() -> None:
    budget = Budget.typical_unified(32 * GIB)
    assert budget.unified
    assert budget.host.free == 27 * GIB
    assert budget.gpus[0].free / GIB == pytest.approx(21.3, abs=0.1)
    assert Budget.typical_unified(128 * GIB).gpus[0].free == 96 * GIB


@pytest.mark.parametrize(
    ("vendor", "name", "gb_per_s"),
    [
        ("nvidia", "NVIDIA GeForce RTX 4070 Ti SUPER", 672),
        ("nvidia", "NVIDIA GeForce RTX 4070 Ti", 504),
        ("nvidia", "NVIDIA GeForce RTX 4070 Laptop GPU", 256),
        ("nvidia", "NVIDIA GeForce RTX 3080 Ti Laptop GPU", 512),
        ("nvidia", "NVIDIA RTX A6000", 768),
        ("nvidia", "NVIDIA RTX 6000 Ada Generation", 960),
        ("nvidia", "NVIDIA H200", 4800),
        ("nvidia", "NVIDIA L4", 300),
        ("nvidia", "Tesla T4", 320),
        ("amd", "AMD Radeon(TM) 8060S Graphics", 256),
        ("amd", "AMD Radeon RX 7900 XTX", 960),
        ("apple", "Apple M2", 100),
        ("apple", "Apple M2 Ultra", 800),
        ("intel", "Intel(R) Arc(TM) B580 Graphics", 456),
        ("nvidia", "NVIDIA GeForce RTX 40700", None),
        ("other", "llvmpipe", None),
    ],
)
def test_cards_are_known_by_name(vendor: str, name: str, gb_per_s: float | None) -> None:
    known = FIGURES.bandwidth_of(vendor, name)
    assert (known.bytes_per_s / 1e9 if known else None) == gb_per_s
