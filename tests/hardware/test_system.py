"""The machine besides its cards, in made trees of /proc and /sys, and this one."""

import mmap
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.hardware import system
from backends.hardware.sampler import Sampler
from backends.hardware.samples import SystemSample
from backends.hardware.system import System
from backends.hardware.types import Disk
from tests.kit.machines import Tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="trees of /proc and /sys")

MIB = 1 << 20
PAGE = mmap.PAGESIZE


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def made(tree: Tree, clock: Clock) -> Callable[[], System]:
    return lambda: System(tree.root, tree.root, 1.0, clock)


def ticks(*cores: tuple[int, int]) -> str:
    """/proc/stat of cores with so many busy and idle ticks."""
    lines = [f"cpu{n} {busy} 0 0 {idle} 0 0 0 0 0 0" for n, (busy, idle) in enumerate(cores)]
    return "\n".join(["cpu  1 2 3 4 5 6 7 8 9 10", *lines, "intr 12345 0 0", "cpu9 not one any more", ""])


def test_rates_are_of_the_time_since_the_sample_before(tree: Tree, clock: Clock, made: Callable[[], System]) -> None:
    tree.write("proc/stat", ticks((100, 900), (0, 1000)))
    tree.write("proc/vmstat", "nr_free_pages 5\npswpin 10\npswpout 100\n")
    reader = made()
    first = reader.sample()
    assert (first.cpu, first.cores, first.swapped_in, first.disk_read) == (None, (), None, None)
    tree.write("proc/stat", ticks((200, 900), (25, 1075)))
    tree.write("proc/vmstat", "pswpin 20\npswpout 400\n")
    clock.now += 2
    second = reader.sample()
    assert second.cores == (1.0, 0.25)
    assert second.cpu == 0.625
    assert (second.swapped_in, second.swapped_out) == (5 * PAGE, 150 * PAGE)
    tree.write("proc/stat", ticks((300, 900)))  # a core was taken out
    clock.now += 2
    assert reader.sample().cores == ()
    tree.write("proc/stat", ticks((300, 1000)))
    clock.now += 2
    assert reader.sample().cores == (0.0,)


def test_what_is_there_each_by_itself(tree: Tree, clock: Clock, made: Callable[[], System]) -> None:
    """An empty machine tells nothing of itself; each file adds what it tells."""
    tree.write("proc/x", "")
    nothing = made().sample()
    ours = {"memory_own", "disk_free", "disk_total"}
    told = {name for name in SystemSample.__slots__ if getattr(nothing, name) not in (None, ())}
    assert told == ours
    files: dict[str, tuple[str, dict[str, object]]] = {
        "proc/meminfo": (
            "MemTotal: 1024 kB\nMemFree: 10 kB\nMemAvailable: 512 kB\nSwapTotal: 100 kB\nSwapFree: 40 kB\n",
            {"memory_total": MIB, "memory_available": MIB // 2, "swap_total": 100 << 10, "swap_used": 60 << 10},
        ),
        "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq": ("1800000\n", {"cpu_clock": 1800.0}),
        "sys/devices/system/cpu/cpufreq/policy0/cpuinfo_max_freq": ("5000000\n", {"cpu_clock_limit": 5000.0}),
        "sys/class/thermal/thermal_zone0/temp": ("55000\n", {}),
        "sys/class/thermal/thermal_zone0/type": ("x86_pkg_temp\n", {"cpu_temperature": 55.0}),
        "sys/class/thermal/cooling_device0/cur_state": ("2\n", {}),
        "sys/class/thermal/cooling_device0/type": ("Processor\n", {"cpu_throttled": True}),
        "sys/class/power_supply/AC/online": ("0\n", {}),
        "sys/class/power_supply/AC/type": ("Mains\n", {"on_battery": True}),
    }
    expected: dict[str, object] = {}
    for path, (content, fields) in files.items():
        tree.write(path, content)
        expected |= fields
        sample = made().sample()
        assert {name: getattr(sample, name) for name in expected} == expected, path
        assert {name for name in SystemSample.__slots__ if getattr(sample, name) not in (None, ())} == ours | set(
            expected
        )


def test_the_whole_processor_is_as_warm_as_its_package(tree: Tree, made: Callable[[], System]) -> None:
    for chip, name in enumerate(("nvme", "coretemp", "coretemp")):
        tree.write(f"sys/class/hwmon/hwmon{chip}/name", name)
    tree.write("sys/class/hwmon/hwmon0/temp1_input", "99000")
    for chip, package in ((1, 61000), (2, 64000)):
        tree.write(f"sys/class/hwmon/hwmon{chip}/temp1_label", f"Package id {chip}")
        tree.write(f"sys/class/hwmon/hwmon{chip}/temp1_input", str(package))
        tree.write(f"sys/class/hwmon/hwmon{chip}/temp2_label", "Core 0")
        tree.write(f"sys/class/hwmon/hwmon{chip}/temp2_input", "80000")
    assert made().sample().cpu_temperature == 64.0


def test_intels_processors_count_each_slowdown(tree: Tree, clock: Clock, made: Callable[[], System]) -> None:
    folder = "sys/devices/system/cpu/cpu0/thermal_throttle"
    tree.write(f"{folder}/core_throttle_count", "7")
    tree.write(f"{folder}/package_throttle_count", "3")
    reader = made()
    throttled = []
    for count in (3, 3, 4, 4):
        tree.write(f"{folder}/package_throttle_count", str(count))
        throttled.append(reader.sample().cpu_throttled)
        clock.now += 1
    assert throttled == [None, False, True, False]


@pytest.mark.parametrize(
    ("supplies", "on_battery"),
    [
        ({}, None),
        ({"BAT0": {"type": "Battery", "status": "Discharging"}}, True),
        ({"BAT0": {"type": "Battery", "status": "Full"}}, False),
        ({"AC": {"type": "Mains", "online": "1"}, "BAT0": {"type": "Battery", "status": "Discharging"}}, False),
        ({"mouse": {"type": "Battery", "status": "Discharging", "scope": "Device"}}, None),
    ],
    ids=["none", "emptied", "full", "plugged", "mouse"],
)
def test_the_battery(
    tree: Tree, made: Callable[[], System], supplies: dict[str, dict[str, str]], on_battery: bool | None
) -> None:
    for name, files in supplies.items():
        for file, content in files.items():
            tree.write(f"sys/class/power_supply/{name}/{file}", content)
    assert made().sample().on_battery is on_battery


def test_in_a_container_its_limit_is_the_machine(tree: Tree, made: Callable[[], System]) -> None:
    tree.write("proc/meminfo", "MemTotal: 8192 kB\nMemAvailable: 8000 kB\n")
    tree.write("proc/self/cgroup", "0::/\n")
    tree.write("sys/fs/cgroup/cgroup.controllers", "memory")
    for name, content in {
        "memory.max": 4 * MIB,
        "memory.current": 3 * MIB,
        "memory.stat": f"inactive_file {MIB}",
    }.items():
        tree.write(f"sys/fs/cgroup/{name}", str(content))
    sample = made().sample()
    assert (sample.memory_total, sample.memory_available) == (4 * MIB, 2 * MIB)


def test_a_clock_that_stands_or_jumps_back_makes_no_rates(tree: Tree, clock: Clock, made: Callable[[], System]) -> None:
    tree.write("proc/vmstat", "pswpin 10\npswpout 100\n")
    reader = made()
    reader.sample()
    for jump in (0.0, -100.0):
        clock.now += jump
        sample = reader.sample()
        assert (sample.swapped_in, sample.cpu_own, sample.disk_read) == (None, None, None)


def test_this_program_and_its_children(tmp_path: Path, clock: Clock) -> None:
    reader = System(tmp_path, Path("/"), 1.0, clock)
    alone = reader.sample()
    assert reader.pids()[0] == os.getpid()
    large = "held = b'x' * (256 << 20); print(flush=True); input()"  # more than this process gives back meanwhile
    with subprocess.Popen([sys.executable, "-c", large], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        assert child.pid not in reader.pids()  # they are looked for every 5 s
        clock.now += 5
        together = reader.sample()
        assert child.pid in reader.pids()
        child.communicate(b"\n")
    assert alone.memory_own is not None
    assert together.memory_own is not None
    assert together.memory_own > alone.memory_own
    clock.now += 5
    after = reader.sample()
    assert child.pid not in reader.pids()
    assert after.cpu_own is not None
    assert after.cpu_own >= 0


def test_a_disk_that_does_not_answer_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """The system's call is played: it comes back when the test lets it."""
    answered = threading.Event()

    def space(folder: Path) -> Disk:
        answered.wait(60)
        return Disk(str(folder), 1000, 400)

    monkeypatch.setattr(system.disk, "space", space)
    reader = System(tmp_path, Path("/"), 1.0, clock)
    assert reader.sample().disk_free is None
    assert reader.notes() == ()
    clock.now += 1
    assert reader.sample().disk_free is None
    assert reader.notes() == (system.SILENT_DISK,)
    answered.set()
    for thread in threading.enumerate():
        if thread.name == "disk space":
            thread.join(60)
    assert reader.sample().disk_free == 400
    assert reader.notes() == ()


def test_this_machine(tmp_path: Path) -> None:
    sampler = Sampler(tmp_path)
    try:
        sampler.sample(CancelToken())
        samples = (sampler.sample(CancelToken()).system for _ in range(10_000))
        sample = next(one for one in samples if one.disk_total)  # a disk may take its time
    finally:
        sampler.close()
    assert sample.memory_total
    assert sample.memory_available
    assert sample.memory_own
    assert 0 < sample.memory_own < sample.memory_total
