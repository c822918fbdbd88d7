"""Main memory: the limits of containers, the modules in the slots, and what copying measures."""

import struct

import psutil
import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled
from backends.hardware import cgroup, dimms, memory
from backends.hardware.dimms import Module
from tests.kit.machines import Tree

GIB = 1 << 30
MIB = 1 << 20


# ---- containers


def test_this_machines_memory() -> None:
    found = memory.read()
    assert 0 < found.available <= found.total <= psutil.virtual_memory().total
    assert 0 < memory.available() <= found.total


def test_without_control_groups_there_is_no_limit(tree: Tree) -> None:
    assert cgroup.read(tree.root) == cgroup.Limits()


def test_a_container_has_what_its_group_allows(tree: Tree) -> None:
    """512 MiB, 300 of them in use, 100 of those only cache that can be given back."""
    tree.write("proc/self/cgroup", "0::/\n")
    tree.write("sys/fs/cgroup/cgroup.controllers", "cpu memory")
    tree.write("sys/fs/cgroup/memory.max", f"{512 * MIB}\n")
    tree.write("sys/fs/cgroup/memory.current", f"{300 * MIB}\n")
    tree.write("sys/fs/cgroup/memory.stat", f"anon 1\ninactive_file {100 * MIB}\nactive_file 5\n")
    found = memory.read(tree.root)
    assert found.total == 512 * MIB
    assert found.available == memory.available(tree.root) == 312 * MIB


def test_the_tightest_group_above_ours_counts(tree: Tree) -> None:
    ours = "sys/fs/cgroup/user.slice/app.scope"
    tree.write("proc/self/cgroup", "0::/user.slice/app.scope\n")
    tree.write("sys/fs/cgroup/cgroup.controllers", "cpu memory")
    tree.write(f"{ours}/memory.max", "max\n")
    tree.write(f"{ours}/cpu.max", "max 100000\n")
    tree.write("sys/fs/cgroup/user.slice/memory.max", f"{8 * GIB}\n")
    tree.write("sys/fs/cgroup/user.slice/memory.high", f"{4 * GIB}\n")
    tree.write("sys/fs/cgroup/user.slice/memory.current", f"{5 * GIB}\n")
    tree.write("sys/fs/cgroup/user.slice/cpu.max", "300000 100000\n")
    assert cgroup.read(tree.root) == cgroup.Limits(cpus=3.0, memory=4 * GIB, memory_free=0)


def test_the_older_groups(tree: Tree) -> None:
    """Version 1, inside a container: the path of our group is that of the host and does not exist here."""
    tree.write("proc/self/cgroup", "9:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n3:pids:/docker/abc\n")
    tree.write("sys/fs/cgroup/memory/memory.limit_in_bytes", f"{2 * GIB}\n")
    tree.write("sys/fs/cgroup/memory/memory.usage_in_bytes", f"{GIB}\n")
    tree.write("sys/fs/cgroup/memory/memory.stat", f"inactive_file 7\ntotal_inactive_file {GIB // 2}\n")
    tree.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n")
    tree.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
    assert cgroup.read(tree.root) == cgroup.Limits(cpus=2.5, memory=2 * GIB, memory_free=GIB * 3 // 2)


def test_the_older_groups_without_limits(tree: Tree) -> None:
    """No limit is written as a very large one, which never beats the machine's own memory."""
    tree.write("proc/self/cgroup", "9:memory:/\n4:cpu,cpuacct:/\n")
    tree.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    tree.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
    tree.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
    assert cgroup.read(tree.root).cpus is None
    assert memory.read(tree.root).total == psutil.virtual_memory().total


# ---- modules


@pytest.mark.parametrize(
    ("modules", "gigabytes_a_second"),
    [
        # dual-channel DDR5-5600
        ([Module(64, 5600, "P0 CHANNEL A | DIMM 1"), Module(64, 5600, "P0 CHANNEL B | DIMM 1")], 89.6),
        # one module alone halves it
        ([Module(64, 5600, "P0 CHANNEL A | DIMM 1")], 44.8),
        # four modules in two channels are no faster than two
        ([Module(64, 3200, f"BANK {n} | DIMM_{'AABB'[n]}{n % 2 + 1}") for n in range(4)], 51.2),
        ([Module(64, 3200, f" | ChannelA-DIMM{n}") for n in range(2)], 25.6),
        # soldered LPDDR5X-7500, four channels of 32 bits
        ([Module(32, 7500, f"P0 CHANNEL {letter} | DIMM 0") for letter in "ABCD"], 120.0),
        ([Module(64, 5200, f"BANK 0 | Controller{n}-ChannelA-DIMM0") for n in range(2)], 83.2),
        # the slowest module sets the pace
        ([Module(64, 3200, " | DIMM_A1"), Module(64, 2666, " | DIMM_B1")], 42.656),
        # two modules in slots without telling names are one in each channel; of four nobody knows
        ([Module(64, 3200, " | Top"), Module(64, 3200, " | Bottom")], 51.2),
        ([Module(64, 3200, f" | Slot {n}") for n in range(4)], None),
        # a virtual machine does not say how fast
        ([Module(64, 0, " | DIMM 0")], None),
        ([], None),
    ],
)
def test_the_peak_follows_from_the_modules(modules: list[Module], gigabytes_a_second: float | None) -> None:
    found = dimms.bandwidth(modules)
    assert found == (None if gigabytes_a_second is None else pytest.approx(gigabytes_a_second * 1e9))


UDEV = """\
I:1234567
E:MEMORY_ARRAY_LOCATION=System Board Or Motherboard
E:MEMORY_DEVICE_0_PRESENT=0
E:MEMORY_DEVICE_0_BANK_LOCATOR=P0 CHANNEL A
E:MEMORY_DEVICE_1_TOTAL_WIDTH=64
E:MEMORY_DEVICE_1_DATA_WIDTH=64
E:MEMORY_DEVICE_1_SIZE=51539607552
E:MEMORY_DEVICE_1_LOCATOR=DIMM 1
E:MEMORY_DEVICE_1_BANK_LOCATOR=P0 CHANNEL A
E:MEMORY_DEVICE_1_SPEED_MTS=6800
E:MEMORY_DEVICE_1_CONFIGURED_SPEED_MTS=6000
E:MEMORY_DEVICE_3_TOTAL_WIDTH=72
E:MEMORY_DEVICE_3_DATA_WIDTH=64
E:MEMORY_DEVICE_3_SIZE=51539607552
E:MEMORY_DEVICE_3_LOCATOR=DIMM 1
E:MEMORY_DEVICE_3_BANK_LOCATOR=P0 CHANNEL B
E:MEMORY_DEVICE_3_SPEED_MTS=6000
E:MEMORY_ARRAY_NUM_DEVICES=4
G:systemd
"""


def test_everybody_may_read_what_udev_found(tree: Tree) -> None:
    tree.write("run/udev/data/+dmi:id", UDEV)
    modules = [Module(64, 6000, "P0 CHANNEL A | DIMM 1"), Module(64, 6000, "P0 CHANNEL B | DIMM 1")]
    assert dimms.read(tree.root) == modules
    assert memory.read(tree.root).bandwidth == pytest.approx(96e9)


def device(size: int, rate: int, configured: int, bank: str, slot: str, *, extended: tuple[int, int] = (0, 0)) -> bytes:
    """A memory device (type 17) as SMBIOS 3.3 lays it out, with its strings."""
    body = bytearray(0x5C)
    struct.pack_into("<BBH", body, 0, 17, len(body), 0x1100)
    struct.pack_into("<HHH", body, 0x08, 72, 64, size)
    body[0x10], body[0x11] = 1, 2
    struct.pack_into("<H", body, 0x15, rate)
    struct.pack_into("<H", body, 0x20, configured)
    struct.pack_into("<II", body, 0x54, *extended)
    return bytes(body) + f"{slot}\0{bank}\0\0".encode()


def table() -> bytes:
    """A board with a BIOS record before, an empty slot between, and the end mark behind."""
    bios = b"\x00\x04\x00\x00Maker\0\0"
    end = b"\x7f\x04\xff\xfe\0\0"
    first = device(16384, 5600, 5200, "P0 CHANNEL A", "DIMM 0")
    second = device(16384, 0xFFFF, 0xFFFF, "P0 CHANNEL B", "DIMM 0", extended=(8400, 8000))
    return bios + first + device(0, 0, 0, "P0 CHANNEL A", "DIMM 1") + second + end


def test_the_firmwares_own_table(tree: Tree) -> None:
    tree.write("sys/firmware/dmi/tables/DMI", table())
    assert dimms.read(tree.root) == [
        Module(64, 5200, "P0 CHANNEL A | DIMM 0"),
        Module(64, 8000, "P0 CHANNEL B | DIMM 0"),
    ]
    assert memory.read(tree.root).bandwidth == pytest.approx(2 * 8 * 5200e6)


def test_a_table_that_is_cut_anywhere_is_read_as_far_as_it_goes() -> None:
    whole = table()
    counts = [len(list(dimms.from_smbios(whole[:length]))) for length in range(len(whole) + 1)]
    assert counts[0] == 0
    assert counts[-1] == 2
    assert counts == sorted(counts)


# ---- measuring


def test_copying_measures_something_of_this_world() -> None:
    """From an old laptop to the largest server: between 0.5 GB/s and 5 TB/s. The best counts: where others work at the
    same time, one measurement may be of nothing."""
    assert any(0.5e9 < memory.measure_bandwidth(0.05) < 5e12 for _ in range(20))


def test_more_bytes_are_counted_with_more_threads_at_once() -> None:
    assert any(memory.measure_bandwidth(0.02, threads=3) > 0.5e9 for _ in range(20))


def test_measuring_can_be_cancelled() -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        memory.measure_bandwidth(60, cancel=cancel)
