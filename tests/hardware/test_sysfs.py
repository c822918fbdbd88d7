"""AMD and Intel cards on Linux, in made trees of /sys and /dev."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from backends.core.paths import resource
from backends.core.phrase import Phrase
from backends.hardware import amd, intel, names, sysfs
from backends.hardware.types import Absent, Gpu, Memory
from tests.kit.machines import Tree

GIB = 1 << 30
REPOSITORY = Path(__file__).parents[2]

RX_7900_XTX = {"mem_info_vram_total": str(24 * GIB), "mem_info_vram_used": str(GIB), "gpu_metrics": b"\x78\x00\x01\x03"}


def test_an_amd_card(tree: Tree, memory: Memory) -> None:
    tree.card("0000:03:00.0", "1002:744c:c8", driver="amdgpu", node="renderD128", files=RX_7900_XTX)
    tree.write("sys/module/amdgpu/version", "6.12.12\n")
    assert list(amd.read(memory, tree.root)) == [
        Gpu(
            "AMD Radeon RX 7900 XTX",
            "amd",
            24 * GIB,
            23 * GIB,
            driver="amdgpu 6.12.12",
            pci_id="0000:03:00.0",
        )
    ]


def test_a_chip_in_the_processor_shares_the_machines_memory(tree: Tree, memory: Memory) -> None:
    """Its carve-out is its own; what it may borrow is free only as far as the machine has it (40 GiB)."""
    files = {
        "mem_info_vram_total": str(4 * GIB),
        "mem_info_vram_used": str(GIB),
        "mem_info_gtt_total": str(48 * GIB),
        "mem_info_gtt_used": str(2 * GIB),
        "gpu_metrics": b"\x88\x00\x03\x00",
    }
    tree.card("0000:c4:00.0", "1002:1586:c1", driver="amdgpu", node="renderD128", files=files)
    [gpu] = amd.read(memory, tree.root)
    assert gpu == Gpu(
        "AMD Radeon 8060S",
        "amd",
        52 * GIB,
        43 * GIB,
        bandwidth=90e9,
        driver="amdgpu",
        pci_id="0000:c4:00.0",
        unified=True,
    )


def test_an_unknown_amd_chip_is_known_as_integrated_by_its_metrics(tree: Tree, memory: Memory) -> None:
    files = {"mem_info_vram_total": str(GIB), "gpu_metrics": b"\x88\x00\x02\x03"}
    tree.card("0000:05:00.0", "1002:ffff:00", driver="amdgpu", node="renderD128", files=files)
    [gpu] = amd.read(memory, tree.root)
    assert isinstance(gpu, Gpu)
    assert (gpu.name, gpu.unified, gpu.memory_free) == ("AMD graphics (ffff)", True, 0)


def test_a_compute_card_says_its_own_name(tree: Tree, memory: Memory) -> None:
    files = {"mem_info_vram_total": str(192 * GIB), "product_name": "AMD Instinct MI300X OAM"}
    tree.card("0000:05:00.0", "1002:74a1:00", driver="amdgpu", kind="0x120000", node="renderD128", files=files)
    [gpu] = amd.read(memory, tree.root)
    assert isinstance(gpu, Gpu)
    assert (gpu.name, gpu.memory_total, gpu.memory_free) == ("AMD Instinct MI300X OAM", 192 * GIB, None)


def test_memory_that_cannot_be_read_is_a_note(tree: Tree, memory: Memory) -> None:
    """A card in reset answers with an error; here the file is a link to itself, which fails for everybody."""
    folder = tree.card("0000:03:00.0", "1002:744c:c8", driver="amdgpu", node="renderD128")
    (folder / "mem_info_vram_total").symlink_to("mem_info_vram_total")
    note, gpu = amd.read(memory, tree.root)
    assert isinstance(note, Phrase)
    assert note.en.startswith("How much memory AMD Radeon RX 7900 XTX has cannot be read: ")
    assert isinstance(gpu, Gpu)
    assert gpu.memory_total is None


@pytest.mark.parametrize(
    ("driver", "note"),
    [(None, "has no driver"), ("radeon", "runs on the driver radeon"), ("vfio-pci", "runs on the driver vfio-pci")],
)
def test_a_card_that_another_driver_has(tree: Tree, memory: Memory, driver: str | None, note: str) -> None:
    tree.card("0000:03:00.0", "1002:744c:c8", driver=driver, node="renderD128", files=RX_7900_XTX)
    [said] = amd.read(memory, tree.root)
    assert isinstance(said, Phrase)
    assert f"AMD Radeon RX 7900 XTX (0000:03:00.0) {note}" in said.en


def test_a_card_that_was_not_given_to_the_container(tree: Tree, memory: Memory) -> None:
    tree.card("0000:03:00.0", "1002:744c:c8", driver="amdgpu", node="renderD128", files=RX_7900_XTX)
    (tree.root / "dev/dri/renderD128").unlink()
    [said] = amd.read(memory, tree.root)
    assert isinstance(said, Phrase)
    assert "--device /dev/dri" in said.en


CLOSED_DOOR = """
import os, sys
from pathlib import Path
from backends.hardware import sysfs
root = Path(sys.argv[1])
if os.getuid() == 0:
    os.setgroups([])
    os.setuid(65534)
[card] = sysfs.displays(root, 0x1002)
print(sysfs.closed_door(card, "The card", ("amdgpu",), root))
"""


def test_a_card_that_this_user_may_not_open() -> None:
    """In a process that is not root: root may open everything."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder))
        tree.card("0000:03:00.0", "1002:744c:c8", driver="amdgpu", node="renderD128")
        for path in (tree.root, *tree.root.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        (tree.root / "dev/dri/renderD128").chmod(0)
        command = [sys.executable, "-c", CLOSED_DOOR, folder]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    assert "this user may not use it. Add the user to the groups render and video" in done.stdout, done.stderr


def test_intel_graphics_in_the_processor_borrow_three_quarters(tree: Tree, memory: Memory) -> None:
    tree.card("0000:00:02.0", "8086:46a6:0c", driver="i915", node="renderD128")
    assert list(intel.read(memory, tree.root)) == [
        Gpu(
            "Intel Iris Xe Graphics",
            "intel",
            48 * GIB,
            40 * GIB,
            bandwidth=90e9,
            driver="i915",
            pci_id="0000:00:02.0",
            unified=True,
        )
    ]
    assert intel.borrowed(Memory(4 * GIB, 3 * GIB)) == (2 * GIB, 2 * GIB)


def test_an_intel_card_on_xe_tells_its_memory(tree: Tree, memory: Memory) -> None:
    files = {"tile0/physical_vram_size_bytes": str(12 * GIB)}
    tree.card("0000:03:00.0", "8086:e20b:00", driver="xe", node="renderD128", files=files)
    [gpu] = intel.read(memory, tree.root)
    assert gpu == Gpu("Intel Arc B580", "intel", 12 * GIB, None, driver="xe", pci_id="0000:03:00.0")


def test_an_intel_card_on_intels_own_i915_tells_what_is_free(tree: Tree, memory: Memory) -> None:
    files = {"drm/card0/lmem_total_bytes": str(16 * GIB), "drm/card0/lmem_avail_bytes": str(15 * GIB)}
    tree.card("0000:03:00.0", "8086:56a0:08", driver="i915", node="renderD128", files=files)
    [gpu] = intel.read(memory, tree.root)
    assert isinstance(gpu, Gpu)
    assert (gpu.memory_total, gpu.memory_free) == (16 * GIB, 15 * GIB)


@pytest.mark.parametrize(("shown", "size"), [(16 * GIB, 16 * GIB), (8 * GIB, 8 * GIB), (256 << 20, 8 * GIB)])
def test_of_a_model_of_two_sizes_the_bus_decides(tree: Tree, memory: Memory, shown: int, size: int) -> None:
    first = 0x6000000000
    lines = [(0xA0000000, 0xA0FFFFFF), (0, 0), (first, first + shown - 1)]
    ranges = "\n".join(f"0x{a:016x} 0x{b:016x} 0x{0x14220C if b else 0:016x}" for a, b in lines)
    tree.card("0000:03:00.0", "8086:56a0:08", driver="i915", node="renderD128", files={"resource": ranges})
    [gpu] = intel.read(memory, tree.root)
    assert isinstance(gpu, Gpu)
    assert (gpu.name, gpu.memory_total) == ("Intel Arc A770", size)


def test_an_intel_card_that_nobody_knows(tree: Tree, memory: Memory) -> None:
    tree.card("0000:03:00.0", "8086:fffe:00", driver="xe", node="renderD128", files={"resource": "0x0 0x0 0x0"})
    [gpu] = intel.read(memory, tree.root)
    assert isinstance(gpu, Gpu)
    assert (gpu.name, gpu.memory_total, gpu.unified) == ("Intel graphics (fffe)", None, False)


def test_other_cards_and_other_devices_are_left_alone(tree: Tree, memory: Memory) -> None:
    tree.card("0000:00:1f.3", "8086:7a50:11", driver="snd_hda_intel", kind="0x040300")
    tree.card("0000:00:0b.0", "8086:7d1d:04", driver="intel_vpu", kind="0x120000")
    tree.card("0000:02:00.0", "1a03:2000:41", driver="ast")
    tree.write("sys/bus/pci/devices/0000:04:00.0/vendor", "not a number\n")
    for finding in (*amd.read(memory, tree.root), *intel.read(memory, tree.root)):
        assert isinstance(finding, Absent)
    assert sysfs.displays(tree.root / "nowhere", 0x1002) == []


def test_names_from_the_lists_of_the_system(tree: Tree) -> None:
    tree.write("usr/share/libdrm/amdgpu.ids", "1.0.0\n67DF,\tC1,\tAMD Radeon RX 580 Series\n67DF,\tC2,\tanother\n")
    tree.write(
        "usr/share/hwdata/pci.ids",
        "# comment\n1002  Advanced Micro Devices\n\t67ff  Baffin [Radeon RX 560]\n\t\t1002 0001  A board\n"
        "10de  NVIDIA Corporation\n\t2684  AD102 [GeForce RTX 4090]\n"
        "8086  Intel Corporation\n\t9bc4  CometLake-H GT2\n",
    )

    def name(vendor: int, device: int, revision: int = 0) -> str:
        return names.look_up(vendor, device, revision, tree.root).name

    assert name(0x1002, 0x67DF, 0xC1) == "AMD Radeon RX 580 Series"
    assert name(0x1002, 0x67FF) == "AMD Radeon RX 560"
    assert name(0x10DE, 0x2684) == "NVIDIA GeForce RTX 4090"
    assert name(0x8086, 0x9BC4) == "Intel CometLake-H GT2"
    assert name(0x1002, 0x2684) == "AMD graphics (2684)"  # of another maker
    assert name(0x8086, 0xE20B) == "Intel Arc B580"  # our own table is asked first


def test_the_table_of_cards_is_sound() -> None:
    table = json.loads(resource("graphics.json").read_text(encoding="utf-8"))
    makers = {"1002": "AMD ", "8086": "Intel "}
    for ids, model in table["models"].items():
        parts = ids.split(":")
        assert [len(part) for part in parts] in ([4, 4], [4, 4, 2]), ids
        assert all(int(part, 16) >= 0 and part == part.lower() for part in parts), ids
        assert model["name"].startswith(makers[parts[0]]), ids
        assert set(model) <= {"name", "memory_gib"}, ids
        assert all(2 <= gib <= 512 for gib in model.get("memory_gib", ())), ids
    assert all(ids.split(":")[0] in makers for ids in table["integrated"])
    assert len(set(table["integrated"])) == len(table["integrated"])


@pytest.mark.skipif(not Path("/sys/bus/pci/devices").is_dir(), reason="no PCI bus to be seen")
def test_the_cards_of_this_machine_can_be_listed(memory: Memory) -> None:
    for vendor in (0x1002, 0x8086, 0x10DE):
        for card in sysfs.displays(Path("/"), vendor):
            assert card.address.count(":") == 2
            assert names.look_up(vendor, card.device, card.revision).name
