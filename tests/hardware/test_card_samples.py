"""AMD's, Intel's and Apple's cards while they work: made trees of /sys and /proc, made numbers of macOS."""

import json
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from backends.core.cancel import CancelToken
from backends.hardware import apple_gpu
from backends.hardware.amdgpu import Amdgpu
from backends.hardware.cards import Broken, Lost
from backends.hardware.gpus import Gpus
from backends.hardware.intel_gpu import IntelGpu
from backends.hardware.samples import GpuSample, Throttle
from tests.kit.machines import Tree

GIB = 1 << 30
ME = os.getpid()
REPOSITORY = Path(__file__).parents[2]
RADEON = "0000:03:00.0"
ARC = "0000:04:00.0"


def metrics(layout: tuple[int, int], size: int, at: int, *words: int, form: str = "<Q") -> bytes:
    table = bytearray(size)
    struct.pack_into("<HBB", table, 0, size, *layout)
    struct.pack_into(form, table, at, *words)
    return bytes(table)


RX_7900_XTX: dict[str, str | bytes] = {
    "gpu_busy_percent": "55",
    "mem_busy_percent": "21",
    "mem_info_vram_total": str(24 * GIB),
    "mem_info_vram_used": str(6 * GIB),
    "gpu_metrics": metrics((1, 3), 120, 112, 0),
    "pp_dpm_sclk": "0: 500Mhz\n1: 2304Mhz *\n2: 2526Mhz",
    "pp_dpm_mclk": "0: 96Mhz\n1: 1249Mhz *",
    "hwmon/hwmon4/power1_average": "301000000",
    "hwmon/hwmon4/power1_cap": "339000000",
    "hwmon/hwmon4/temp1_label": "edge",
    "hwmon/hwmon4/temp1_input": "61000",
    "hwmon/hwmon4/temp1_crit": "100000",
    "hwmon/hwmon4/temp2_label": "junction",
    "hwmon/hwmon4/temp2_input": "77000",
    "hwmon/hwmon4/freq1_input": "2300000000",
    "hwmon/hwmon4/pwm1": "102",
    "current_link_speed": "16.0 GT/s PCIe",
    "max_link_speed": "16.0 GT/s PCIe",
    "current_link_width": "8",
    "max_link_width": "16",
}
SAMPLE = GpuSample(
    key=RADEON,
    name="AMD Radeon RX 7900 XTX",
    vendor="amd",
    use=0.55,
    memory_use=0.21,
    memory_total=24 * GIB,
    memory_used=6 * GIB,
    memory_own=0,
    power=301.0,
    power_limit=339.0,
    temperature=61.0,
    temperature_limit=100.0,
    clock=2300.0,
    clock_limit=2526.0,
    memory_clock=1249.0,
    fan=0.4,
    throttles=(),
    pcie_generation=4,
    pcie_generation_limit=4,
    pcie_lanes=8,
    pcie_lanes_limit=16,
)


def radeon(tree: Tree, files: Mapping[str, str | bytes] = MappingProxyType({})) -> Path:
    tree.write(f"proc/{ME}/fd/0", "")
    return tree.card(RADEON, "1002:744c:c8", driver="amdgpu", node="renderD128", files=RX_7900_XTX | dict(files))


def amd_sample(tree: Tree, *pids: int) -> GpuSample:
    reader = Amdgpu(tree.root)
    [subject] = reader.open()
    return reader.sample(subject, pids or [ME])


def test_an_amd_card_with_everything_told(tree: Tree) -> None:
    radeon(tree)
    assert amd_sample(tree) == SAMPLE


MISSING = {
    "gpu_busy_percent": ("use",),
    "mem_busy_percent": ("memory_use",),
    "mem_info_vram_used": ("memory_used",),
    "hwmon/hwmon4/power1_average": ("power",),
    "hwmon/hwmon4/power1_cap": ("power_limit",),
    "hwmon/hwmon4/temp1_input": ("temperature",),
    "hwmon/hwmon4/temp1_crit": ("temperature_limit",),
    "pp_dpm_sclk": ("clock_limit",),
    "pp_dpm_mclk": ("memory_clock",),
    "hwmon/hwmon4/pwm1": ("fan",),
    "gpu_metrics": ("throttles",),
    "max_link_width": ("pcie_lanes_limit",),
    "current_link_speed": ("pcie_generation",),
}


@pytest.mark.parametrize("file", MISSING)
def test_each_file_may_be_missing_or_fail_by_itself(tree: Tree, file: str) -> None:
    folder = radeon(tree)
    without = replace(SAMPLE, **dict.fromkeys(MISSING[file]))
    (folder / file).unlink()
    assert amd_sample(tree) == without
    (folder / file).symlink_to(Path(file).name)  # fails for everybody
    assert amd_sample(tree) == without
    (folder / file).unlink()
    (folder / file).write_bytes(b"\xffnonsense")
    assert amd_sample(tree) == without


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        ([], ()),
        ([0], ("power",)),
        ([17, 3], ("power",)),
        ([36], ("heat",)),
        ([0, 34, 46], ("power", "heat", "hardware")),
        ([57], ("other",)),
    ],
)
@pytest.mark.parametrize(("layout", "size", "at"), [((1, 3), 120, 112), ((2, 2), 128, 120), ((2, 4), 168, 120)])
def test_why_an_amd_card_runs_slower(
    tree: Tree, bits: list[int], words: tuple[Throttle, ...], layout: tuple[int, int], size: int, at: int
) -> None:
    status = sum(1 << bit for bit in bits)
    radeon(tree, {"gpu_metrics": metrics(layout, size, at, status)})
    assert amd_sample(tree).throttles == words


def test_times_spent_under_a_limit_grow(tree: Tree) -> None:
    """Chips with layout 3.0 count; what counts up now holds back now."""
    radeon(tree, {"gpu_metrics": metrics((3, 0), 264, 228, 1, 2, 3, 4, 5, 6, 7, form="<7I")})
    reader = Amdgpu(tree.root)
    [subject] = reader.open()
    assert reader.sample(subject, [ME]).throttles is None
    table = metrics((3, 0), 264, 228, 1, 2, 9, 4, 5, 8, 7, form="<7I")
    tree.write(f"sys/bus/pci/devices/{RADEON}/gpu_metrics", table)
    assert reader.sample(subject, [ME]).throttles == ("power", "heat")
    assert reader.sample(subject, [ME]).throttles == ()


def test_a_chip_in_the_processor_has_what_it_borrows(tree: Tree) -> None:
    borrowed = {"mem_info_gtt_total": str(48 * GIB), "mem_info_gtt_used": str(2 * GIB)}
    radeon(tree, {"gpu_metrics": metrics((2, 2), 128, 120, 0), **borrowed})
    held(tree, 7, RADEON, {"drm-resident-vram": "1 GiB", "drm-resident-gtt": "1 GiB"})
    sample = amd_sample(tree)
    assert (sample.unified, sample.memory_total, sample.memory_used) == (True, 72 * GIB, 8 * GIB)
    assert sample.memory_own == 2 * GIB


def test_a_card_that_sleeps_is_not_woken(tree: Tree) -> None:
    radeon(tree, {"power/runtime_status": "suspended"})
    assert amd_sample(tree) == GpuSample(RADEON, SAMPLE.name, "amd", use=0.0, power=0.0)


def test_the_outermost_bridge_of_a_card_is_what_is_plugged_in(tree: Tree) -> None:
    """Inside the card the link is always wide and fast."""
    place = tree.root / "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:00.0" / RADEON
    card = radeon(tree)
    place.parent.mkdir(parents=True)
    card.rename(place)
    card.symlink_to(place)
    (place / "driver").unlink()
    (place / "driver").symlink_to("/drivers/amdgpu")
    for bridge, vendor, speed, lanes in (
        (place.parent, "0x1002", "16.0 GT/s PCIe", "16"),
        (place.parent.parent, "0x1002", "8.0 GT/s PCIe", "4"),
        (place.parent.parent.parent, "0x8086", "32.0 GT/s PCIe", "16"),
    ):
        told = {"vendor": vendor, "class": "0x060400", "current_link_speed": speed, "current_link_width": lanes}
        for name, content in told.items():
            (bridge / name).write_text(content)
    sample = amd_sample(tree)
    assert (sample.pcie_generation, sample.pcie_lanes) == (3, 4)


def held(tree: Tree, file: int, address: str, lines: dict[str, str], pid: int = ME, client: int = 0) -> None:
    """Process `pid` has a graphics device open."""
    told = {"drm-driver": "x", "drm-client-id": str(client or file), "drm-pdev": address, **lines}
    tree.write(f"proc/{pid}/fdinfo/{file}", "pos:\t0\n" + "".join(f"{key}:\t{value}\n" for key, value in told.items()))
    folder = tree.root / f"proc/{pid}/fd"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / str(file)).symlink_to("/dev/dri/renderD128")


def test_memory_of_our_processes_on_a_card(tree: Tree) -> None:
    """Once for each client, though two files are open; other cards and other memory do not count."""
    radeon(tree)
    held(tree, 5, RADEON, {"drm-memory-vram": "1024 KiB", "drm-memory-gtt": "9 MiB"}, client=3)
    held(tree, 6, RADEON, {"drm-memory-vram": "1024 KiB", "drm-memory-gtt": "9 MiB"}, client=3)
    held(tree, 7, ARC, {"drm-resident-vram0": "7 MiB"}, client=4)
    held(tree, 3, RADEON, {"drm-total-vram": "8 MiB", "drm-resident-vram": "2 MiB"}, pid=4242, client=8)
    assert amd_sample(tree).memory_own == 1 << 20
    assert amd_sample(tree, ME, 4242).memory_own == 3 << 20
    assert amd_sample(tree, 99).memory_own is None  # none of its files can be looked at


def test_memory_that_rocm_holds(tree: Tree) -> None:
    radeon(tree)
    tree.write(f"sys/class/kfd/kfd/proc/{ME}/vram_51234", str(5 * GIB))
    tree.write("sys/class/kfd/kfd/topology/nodes/0/properties", "cpu_cores_count 16\n")
    tree.write("sys/class/kfd/kfd/topology/nodes/1/properties", "domain 0\nlocation_id 768\n")
    tree.write("sys/class/kfd/kfd/topology/nodes/1/gpu_id", "51234")
    assert amd_sample(tree).memory_own == 5 * GIB


def test_a_card_that_is_pulled_out(tree: Tree) -> None:
    folder = radeon(tree)
    reader = Amdgpu(tree.root)
    [subject] = reader.open()
    folder.rename(folder.with_name("gone"))
    with pytest.raises(Lost) as lost:
        reader.sample(subject, [ME])
    assert lost.value.card == GpuSample(RADEON, SAMPLE.name, "amd", "lost")


DENIED = """
import json, os, sys
from pathlib import Path
from types import MappingProxyType
from backends.hardware.amdgpu import Amdgpu
reader = Amdgpu(Path(sys.argv[1]))
[subject] = reader.open()
if os.getuid() == 0:
    os.setgroups([])
    os.setuid(65534)
print(json.dumps([reader.sample(subject, [1]).state, reader.sample(subject, [1]).use]))
"""


def test_files_that_are_closed_to_this_user() -> None:
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder))
        Path(folder).chmod(0o755)
        card = radeon(tree)
        files = [path for path in card.rglob("*") if path.is_file()]
        secret = [path for path in files if path.name not in ("vendor", "device", "class")]

        def look() -> list[object]:
            command = [sys.executable, "-c", DENIED, folder]
            done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=True)
            return json.loads(done.stdout)

        assert look() == ["ok", 0.55]
        for path in secret:
            path.chmod(0)
        (card / "gpu_metrics").chmod(0o444)
        assert look() == ["ok", None]
        (card / "gpu_metrics").chmod(0)
        assert look() == ["denied", None]


B580 = {
    "tile0/gt0/gtidle/idle_residency_ms": "1000",
    "tile0/gt0/freq0/act_freq": "2400",
    "tile0/gt0/freq0/rp0_freq": "2850",
    "tile0/gt0/freq0/throttle/reason_pl1": "1",
    "tile0/gt0/freq0/throttle/reason_thermal": "1",
    "tile0/gt0/freq0/throttle/reason_ratl": "0",
    "tile0/physical_vram_size_bytes": str(12 * GIB),
    "hwmon/hwmon2/energy1_input": "5000000",
    "hwmon/hwmon2/power1_max": "190000000",
    "hwmon/hwmon2/temp2_label": "pkg",
    "hwmon/hwmon2/temp2_input": "58000",
}


def test_an_intel_card_with_xe(tree: Tree) -> None:
    tree.card(ARC, "8086:e20b:00", driver="xe", node="renderD129", files=B580)
    held(tree, 7, ARC, {"drm-total-vram0": "9 MiB", "drm-resident-vram0": "4 MiB", "drm-resident-gtt": "3 MiB"})
    reader = IntelGpu(tree.root)
    [subject] = reader.open()
    first = reader.sample(subject, [ME])
    assert first == GpuSample(
        ARC,
        "Intel Arc B580",
        "intel",
        memory_total=12 * GIB,
        memory_own=4 << 20,
        power_limit=190.0,
        temperature=58.0,
        clock=2400.0,
        clock_limit=2850.0,
        throttles=("power", "heat"),
    )
    tree.write(f"sys/bus/pci/devices/{ARC}/hwmon/hwmon2/energy1_input", "6000000")
    second = reader.sample(subject, [ME])
    assert second.use == 1.0  # it did not sleep a millisecond since
    assert second.power is not None
    assert second.power > 0
    tree.write(f"sys/bus/pci/devices/{ARC}/tile0/gt0/gtidle/idle_residency_ms", str(1 << 40))
    assert reader.sample(subject, [ME]).use == 0.0
    tree.write(f"sys/bus/pci/devices/{ARC}/tile0/gt0/gtidle/idle_residency_ms", "5")  # it began anew
    tree.write(f"sys/bus/pci/devices/{ARC}/hwmon/hwmon2/energy1_input", "1")
    third = reader.sample(subject, [ME])
    assert (third.use, third.power) == (None, None)


def test_an_intel_chip_with_i915(tree: Tree) -> None:
    part = "drm/card0/gt/gt0"
    files = {
        f"{part}/rc6_residency_ms": "5",
        f"{part}/rps_act_freq_mhz": "1300",
        f"{part}/rps_RP0_freq_mhz": "1500",
        f"{part}/throttle_reason_prochot": "1",
    }
    tree.card("0000:00:02.0", "8086:46a6:0c", driver="i915", node="renderD128", files=files)
    held(tree, 7, "0000:00:02.0", {"drm-resident-system0": "4 MiB", "drm-resident-stolen-system0": "1 MiB"})
    reader = IntelGpu(tree.root)
    [subject] = reader.open()
    sample = reader.sample(subject, [ME])
    assert (sample.unified, sample.memory_total, sample.memory_own) == (True, None, 5 << 20)
    assert (sample.clock, sample.clock_limit, sample.throttles) == (1300.0, 1500.0, ("hardware",))


def test_no_card_is_said_once(tree: Tree) -> None:
    for reader in (Amdgpu(tree.root), IntelGpu(tree.root)):
        with pytest.raises(Broken):
            reader.open()


def test_cards_of_two_makers_in_one_machine(tree: Tree) -> None:
    """Through the child process, as the program asks them; one is pulled out."""
    radeon(tree)
    tree.card(ARC, "8086:e20b:00", driver="xe", files=B580)
    gpus = Gpus(tree.root, 120.0)
    try:
        radeon_seen, arc = gpus.sample([ME], CancelToken(), 120.0)
        assert radeon_seen == SAMPLE
        assert (arc.vendor, arc.throttles) == ("intel", ("power", "heat"))
        folder = tree.root / "sys/bus/pci/devices" / ARC
        folder.rename(folder.with_name("gone"))
        assert [card.state for card in gpus.sample([ME], CancelToken(), 120.0)] == ["ok", "lost"]
    finally:
        gpus.close()


def test_an_apple_chip() -> None:
    told = {"Device Utilization %": 63, "In use system memory": 5 * GIB}
    expected = GpuSample(
        "apple",
        "Apple M4 Pro",
        "apple",
        use=0.63,
        memory_total=36 * GIB,
        memory_used=5 * GIB,
        unified=True,
        throttles=(),
    )
    assert apple_gpu.card("Apple M4 Pro", 36 * GIB, told, 1) == expected
    assert apple_gpu.card("Apple M4 Pro", 36 * GIB, told, 2).throttles == ("heat",)
    nothing = apple_gpu.card("Apple M4 Pro", 36 * GIB, {}, None)
    assert (nothing.use, nothing.memory_used, nothing.throttles) == (None, None, None)
