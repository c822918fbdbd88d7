"""The whole probe: on this machine, on made ones, and when readers fail or fall silent."""

import logging
import os
import platform
import shutil
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled
from backends.core.stream import Runner
from backends.hardware import disk, probe
from backends.hardware.types import Machine
from tests.kit.machines import Tree

GIB = 1 << 30
REPOSITORY = Path(__file__).parents[2]
LONG = 120.0  # seconds that nobody waits, unless something is wrong

linux = pytest.mark.skipif(platform.system() != "Linux", reason="reads a made Linux")


def look(tree: Tree, patience: float = LONG) -> Machine:
    [machine] = probe.probe(tree.root / "models", cancel=CancelToken(), root=tree.root, patience=patience)
    return machine


def desktop(tree: Tree) -> None:
    tree.write("proc/cpuinfo", "processor : 0\nmodel name : A processor\n\nprocessor : 1\nmodel name : A processor\n")


def test_this_machine(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "made" / "yet"
    [machine] = probe.probe(folder, cancel=CancelToken(), patience=LONG)
    assert machine.system == platform.system()
    assert machine.cpu.name
    assert 1 <= machine.cpu.physical_cores <= machine.cpu.logical_cores <= (psutil.cpu_count() or 1)
    assert machine.cpu.architecture == platform.machine()
    assert 0 < machine.memory.available <= machine.memory.total
    assert machine.disk.folder == str(folder)
    assert 0 < machine.disk.free <= machine.disk.total
    assert machine.gpus or machine.notes
    assert all(note.en and note.zh for note in machine.notes)
    assert not folder.exists()


def test_it_runs_as_a_task_on_a_thread(tmp_path: Path) -> None:
    runner = Runner("probe")
    try:
        [machine] = runner.start(probe.probe, tmp_path, patience=LONG)
        assert machine.memory.total > 0
    finally:
        assert runner.close(LONG)


@linux
def test_cards_of_all_makers_are_found_and_nothing_else_is_said(tree: Tree) -> None:
    desktop(tree)
    files = {"mem_info_vram_total": str(16 * GIB), "mem_info_vram_used": "0"}
    tree.card("0000:03:00.0", "1002:747e:c8", driver="amdgpu", node="renderD128", files=files)
    tree.card("0000:00:02.0", "8086:a7a0:04", driver="i915", node="renderD129")
    machine = look(tree)
    assert {"AMD Radeon RX 7800 XT", "Intel Iris Xe Graphics"} <= {gpu.name for gpu in machine.gpus}
    assert machine.notes == ()
    assert machine.cpu.name == "A processor"


@linux
@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="this machine has NVIDIA's driver")
def test_without_a_card_the_person_hears_what_was_looked_for(tree: Tree) -> None:
    desktop(tree)
    assert [note.en for note in look(tree).notes] == [
        "No NVIDIA graphics card or driver was found.",
        "No AMD graphics card was found.",
        "No Intel graphics card was found.",
    ]


@linux
def test_a_part_that_cannot_be_asked_is_a_note_and_the_rest_counts(
    tree: Tree, caplog: pytest.LogCaptureFixture
) -> None:
    """A root without /proc/cpuinfo, and a cgroup file with rubbish in it."""
    tree.write("proc/self/cgroup", "0::/\n")
    tree.write("sys/fs/cgroup/cgroup.controllers", "memory")
    tree.write("sys/fs/cgroup/memory.max", "rubbish\n")
    with caplog.at_level(logging.WARNING):
        machine = look(tree)
    assert (machine.cpu.name, machine.cpu.logical_cores) == ("", psutil.cpu_count())
    assert (machine.memory.total, machine.memory.available) == (0, 0)
    assert machine.disk.total > 0
    said = " ".join(note.en for note in machine.notes)
    assert "Asking the processor failed (FileNotFoundError: " in said
    assert "Asking the memory failed (ValueError: " in said
    assert sum("probing" in record.message for record in caplog.records) == 2


@linux
def test_a_file_that_never_answers_is_left_behind(tree: Tree) -> None:
    """A named pipe that nobody writes to, in place of a file of sysfs: reading it never ends."""
    desktop(tree)
    files = {"mem_info_vram_used": "0"}
    folder = tree.card("0000:03:00.0", "1002:747e:c8", driver="amdgpu", node="renderD128", files=files)
    os.mkfifo(folder / "mem_info_vram_total")
    looks = (look(tree, patience=0.2) for _ in range(20))
    machine = next(one for one in looks if one.cpu.name == "A processor")  # a busy one may need longer for that, too
    assert any("asked AMD's driver and had no answer for 0.2 seconds" in note.en for note in machine.notes)
    stuck = [thread for thread in threading.enumerate() if thread.name == "probe-amd"]
    assert stuck
    for thread in stuck:
        while thread.is_alive():
            (folder / "mem_info_vram_total").write_text("1")  # whoever opens the other end lets a reader go on
            thread.join(0.1)


@linux
def test_a_probe_that_waits_can_be_cancelled(tree: Tree) -> None:
    (tree.root / "proc").mkdir()
    os.mkfifo(tree.root / "proc/cpuinfo")
    cancel, ended = CancelToken(), threading.Event()

    def run() -> None:
        with pytest.raises(Cancelled):
            list(probe.probe(tree.root, cancel=cancel, root=tree.root, patience=600))
        ended.set()

    threading.Thread(target=run, daemon=True).start()
    with (tree.root / "proc/cpuinfo").open("w"):  # opens only once the reader is there
        cancel.cancel()
        assert ended.wait(LONG)


def test_a_cancelled_probe_asks_no_vendor(tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(probe.probe(tmp_path, cancel=cancel))


def test_the_disk_of_a_folder_that_is_not_made_yet(tmp_path: Path) -> None:
    found = disk.read(tmp_path / "a" / "b")
    assert found.total == psutil.disk_usage(str(tmp_path)).total
    assert 0 < found.free <= found.total
    assert found.folder == str(tmp_path / "a" / "b")
    here = {part.mountpoint: part.fstype for part in psutil.disk_partitions(all=True)}
    assert found.file_system in here.values()


def test_the_disk_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    assert asdict(disk.read(tmp_path / "link"))["file_system"] == disk.read(tmp_path).file_system


def test_importing_the_room_loads_no_vendors_library() -> None:
    code = "import sys, backends.hardware.probe; print([m for m in ('pynvml', 'numpy', 'PySide6') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
