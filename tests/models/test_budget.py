"""What a machine has to give: cards, shared memory, and what has to stay free."""

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
