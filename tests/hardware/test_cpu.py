"""Processors as Linux shows them, in made trees; Windows' and macOS' readers with recorded answers."""

import platform

import pytest

from backends.core.phrase import Phrase
from backends.hardware import apple, cpu
from backends.hardware.types import Absent, Gpu, Memory
from tests.kit.machines import Tree

GIB = 1 << 30
FLAGS = "fpu sse sse2 ht ssse3 fma sse4_1 sse4_2 avx f16c avx2 bmi2 avx512f avx512vbmi avx512_vnni amx_int8"


def eight_cores(tree: Tree, allowed: str = "0-15", flags: str = FLAGS) -> None:
    """Eight cores with two threads each: 0 and 8, 1 and 9, …"""
    blocks = [
        f"processor\t: {n}\nmodel name\t: AMD  Ryzen 7\nflags\t\t: {flags}\npower management:\n" for n in range(16)
    ]
    tree.write("proc/cpuinfo", "\n".join(blocks))
    tree.write("proc/self/status", f"Name:\tpython\nCpus_allowed:\tffff\nCpus_allowed_list:\t{allowed}\n")
    for n in range(16):
        tree.write(f"sys/devices/system/cpu/cpu{n}/topology/thread_siblings_list", f"{n % 8},{n % 8 + 8}\n")


def test_a_desktop(tree: Tree) -> None:
    eight_cores(tree)
    found = cpu.read(tree.root, "Linux")
    assert (found.name, found.physical_cores, found.logical_cores) == ("AMD Ryzen 7", 8, 16)
    assert " ".join(found.instruction_sets) == (
        "amx_int8 avx avx2 avx512_vbmi avx512_vnni avx512f bmi2 f16c fma sse4_1 sse4_2 ssse3"
    )
    assert found.performance_cores is None
    assert found.architecture == platform.machine()


@pytest.mark.parametrize(("allowed", "physical", "logical"), [("0,8", 1, 2), ("0-1", 2, 2), ("2-5,10-13", 4, 8)])
def test_only_the_processors_that_we_may_use_count(tree: Tree, allowed: str, physical: int, logical: int) -> None:
    eight_cores(tree, allowed)
    found = cpu.read(tree.root, "Linux")
    assert (found.physical_cores, found.logical_cores) == (physical, logical)


@pytest.mark.parametrize(
    ("quota", "physical", "logical"), [("200000 100000", 2, 2), ("150000 100000", 1, 1), ("1200000 100000", 8, 12)]
)
def test_a_containers_quota_counts(tree: Tree, quota: str, physical: int, logical: int) -> None:
    eight_cores(tree)
    tree.write("proc/self/cgroup", "0::/\n")
    tree.write("sys/fs/cgroup/cgroup.controllers", "cpu memory\n")
    tree.write("sys/fs/cgroup/cpu.max", f"{quota}\n")
    found = cpu.read(tree.root, "Linux")
    assert (found.physical_cores, found.logical_cores) == (physical, logical)


def test_fast_and_slow_cores(tree: Tree) -> None:
    """An Intel processor with two fast cores of two threads and four slow ones of one."""
    tree.write("proc/cpuinfo", "\n\n".join(f"processor\t: {n}\nmodel name\t: Intel(R) Core(TM)" for n in range(8)))
    for n in range(8):
        siblings = f"{n & ~1}-{n | 1}" if n < 4 else str(n)
        tree.write(f"sys/devices/system/cpu/cpu{n}/topology/thread_siblings_list", siblings)
    tree.write("sys/devices/cpu_core/cpus", "0-3\n")
    found = cpu.read(tree.root, "Linux")
    assert (found.physical_cores, found.logical_cores, found.performance_cores) == (6, 8, 2)


@pytest.mark.parametrize(("online", "nodes"), [("0-3\n", 4), ("0,2\n", 2), ("0\n", 1), (None, 1)])
def test_memory_nodes(tree: Tree, online: str | None, nodes: int) -> None:
    if online is not None:
        tree.write("sys/devices/system/node/online", online)
    assert cpu.memory_nodes(tree.root) == nodes


def test_an_arm_board(tree: Tree) -> None:
    features = "fp asimd evtstrm aes crc32 atomics fphp asimdhp cpuid asimdrdm asimddp"
    tree.write("proc/cpuinfo", "\n".join(f"processor\t: {n}\nFeatures\t: {features}\n" for n in range(4)))
    tree.write("proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0")
    found = cpu.read(tree.root, "Linux")
    assert (found.name, found.logical_cores) == ("Raspberry Pi 5 Model B Rev 1.0", 4)
    assert found.instruction_sets == ("dotprod", "fp16", "neon")


@pytest.mark.parametrize(
    ("info", "sets"),
    [
        (
            "system type : generic\nprocessor : 0\nModel Name : Loongson-3A6000\nFeatures : cpucfg fpu lsx lasx",
            "lasx lsx",
        ),
        ("processor : 0\nisa : rv64imafdcv_zicbom_zicboz\n", "rvv"),
        ("processor : 0\nisa : rv64imafdc_zve32x\n", ""),
    ],
)
def test_rarer_processors(tree: Tree, info: str, sets: str) -> None:
    tree.write("proc/cpuinfo", info)
    assert cpu.read(tree.root, "Linux").instruction_sets == tuple(sets.split())


def test_lists_of_processors() -> None:
    assert cpu.cpu_list("0-3,8,10-11\n") == {0, 1, 2, 3, 8, 10, 11}
    assert cpu.cpu_list("") == set()


def test_windows_features() -> None:
    """What IsProcessorFeaturePresent answers on a desktop and on an Arm laptop."""
    desktop, laptop = {36, 37, 38, 39, 40, 60}, {19, 43, 66, 67}
    expected = ("avx", "avx2", "bmi2", "f16c", "fma", "sse4_1", "sse4_2", "ssse3")
    assert cpu.windows_features(lambda n: int(n in desktop)) == expected
    assert cpu.windows_features(lambda n: int(n in laptop)) == ("dotprod", "fp16", "i8mm", "neon")


M4_PRO = """\
hw.ncpu: 14
hw.activecpu: 14
hw.perflevel0.physicalcpu: 10
hw.perflevel0.logicalcpu: 10
hw.perflevel0.name: Performance
hw.perflevel1.physicalcpu: 4
hw.perflevel1.name: Efficiency
hw.optional.neon: 1
hw.optional.AdvSIMD: 1
hw.optional.arm.FEAT_DotProd: 1
hw.optional.arm.FEAT_I8MM: 1
hw.optional.arm.FEAT_BF16: 1
hw.optional.arm.FEAT_FP16: 1
hw.optional.arm.FEAT_SME: 1
hw.optional.arm64: 1
hw.physicalcpu: 14
hw.logicalcpu: 14
hw.nperflevels: 2
hw.memsize: 51539607552
machdep.cpu.brand_string: Apple M4 Pro
machdep.cpu.core_count: 14
iogpu.wired_limit_mb: 0
"""
M5_MAX = """\
hw.perflevel0.physicalcpu: 6
hw.perflevel0.name: Super
hw.perflevel1.physicalcpu: 12
hw.perflevel1.name: Performance
hw.nperflevels: 2
hw.physicalcpu: 18
hw.logicalcpu: 18
hw.optional.arm64: 1
machdep.cpu.brand_string: Apple M5 Max
"""
INTEL_MAC = """\
hw.physicalcpu: 6
hw.logicalcpu: 12
hw.optional.avx1_0: 1
hw.optional.avx2_0: 1
hw.optional.avx512f: 0
hw.optional.fma: 1
hw.optional.f16c: 1
machdep.cpu.brand_string: Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz
sysctl: unknown oid 'iogpu'
"""


def test_an_apple_chip() -> None:
    found = apple.cpu(apple.parse(M4_PRO))
    assert (found.name, found.architecture) == ("Apple M4 Pro", "arm64")
    assert (found.physical_cores, found.logical_cores, found.performance_cores) == (14, 14, 10)
    assert found.instruction_sets == ("bf16", "dotprod", "fp16", "i8mm", "neon", "sme")


def test_a_chip_without_slow_cores() -> None:
    found = apple.cpu(apple.parse(M5_MAX))
    assert (found.physical_cores, found.performance_cores) == (18, None)


@pytest.mark.parametrize(
    ("ram", "wired_mib", "graphics"),
    [
        (16, 0, 16 * GIB * 2 // 3),
        (36, 0, 27 * GIB),
        (128, 0, 96 * GIB),
        (128, 114688, 112 * GIB),
        (16, 65536, 16 * GIB),
    ],
)
def test_how_much_memory_metal_lets_the_graphics_have(ram: int, wired_mib: int, graphics: int) -> None:
    values = apple.parse(M4_PRO) | {"iogpu.wired_limit_mb": str(wired_mib)}
    [gpu] = apple.read(Memory(ram * GIB, 8 * GIB), values)
    assert gpu == Gpu("Apple M4 Pro", "apple", graphics, 8 * GIB, unified=True)


def test_a_mac_with_intels_processor() -> None:
    values = apple.parse(INTEL_MAC)
    found = apple.cpu(values)
    assert (found.physical_cores, found.logical_cores) == (6, 12)
    assert found.instruction_sets == ("avx", "avx2", "f16c", "fma")
    [absent] = apple.read(Memory(16 * GIB, 8 * GIB), values)
    assert isinstance(absent, Absent)


def test_python_for_intel_on_an_apple_chip_is_said() -> None:
    values = apple.parse(M4_PRO) | {"machdep.cpu.brand_string": "VirtualApple @ 2.50GHz"}
    note, gpu = apple.read(Memory(48 * GIB, 8 * GIB), values)
    assert isinstance(note, Phrase)
    assert "Apple silicon" in note.en
    assert isinstance(gpu, Gpu)
    assert gpu.memory_total == 36 * GIB
