"""NVIDIA machines, played by a library that speaks NVML (fake_nvml.c)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kit.machines import Tree

GIB = 1 << 30
Ask = Callable[..., dict[str, Any]]

RTX_4090 = {
    "COUNT": 1,
    "DRIVER": "570.86.15",
    "CUDA": 12080,
    "0_NAME": "NVIDIA GeForce RTX 4090",
    "0_MEMORY": f"{24 * GIB} {23 * GIB}",
    "0_CAPABILITY": "8 9",
    "0_BUS": 384,
    "0_CLOCK": 10501,
    "0_PCI": "00000000:01:00.0",
}
A100 = {
    "COUNT": 1,
    "0_NAME": "NVIDIA A100-SXM4-40GB",
    "0_MEMORY": f"{40 * GIB} {40 * GIB}",
    "0_BUS": 5120,
    "0_CLOCK": 1215,
    "0_MIG": 1,
    "0_PARTS": 7,
}


def test_one_card_with_everything_told(ask_nvidia: Ask) -> None:
    told = ask_nvidia(RTX_4090)
    [gpu] = told["gpus"]
    assert gpu.pop("bandwidth") == pytest.approx(1008e9, rel=0.001)
    assert gpu == {
        "name": "NVIDIA GeForce RTX 4090",
        "vendor": "nvidia",
        "memory_total": 24 * GIB,
        "memory_free": 23 * GIB,
        "driver": "570.86.15",
        "cuda_version": "12.8",
        "compute_capability": "8.9",
        "pci_id": "0000:01:00.0",
        "unified": False,
    }
    assert told["notes"] == told["absent"] == []


def test_each_number_may_be_missing_by_itself(ask_nvidia: Ask) -> None:
    told = ask_nvidia({"COUNT": 1, "0_NAME": "NVIDIA GRID", "0_MEMORY": "error 999", "0_BUS": "error 3", "0_CLOCK": 5})
    [gpu] = told["gpus"]
    assert gpu["name"] == "NVIDIA GRID"
    missing = ("memory_total", "memory_free", "bandwidth", "driver", "cuda_version", "compute_capability", "pci_id")
    assert [gpu[field] for field in missing] == [None] * 7
    assert gpu["unified"] is False


def test_a_card_without_a_memory_of_its_own_has_the_machines(ask_nvidia: Ask) -> None:
    told = ask_nvidia({"COUNT": 1, "0_NAME": "NVIDIA GB10", "0_CAPABILITY": "12 1"})
    [gpu] = told["gpus"]
    assert gpu["unified"] is True
    assert (gpu["memory_total"], gpu["memory_free"], gpu["bandwidth"]) == (64 * GIB, 40 * GIB, 90e9)
    assert gpu["compute_capability"] == "12.1"


@pytest.mark.parametrize("where", ["1_HANDLE", "1_NAME", "1_MEMORY", "1_CLOCK"])
def test_a_card_that_fell_off_the_bus_leaves_the_others(ask_nvidia: Ask, where: str) -> None:
    others = {"COUNT": 3, "1_NAME": "gone", "1_BUS": 1, "2_NAME": "NVIDIA T4", "2_MEMORY": f"{16 * GIB} {GIB}"}
    told = ask_nvidia(RTX_4090 | others | {where: "error 15"})
    assert [gpu["name"] for gpu in told["gpus"]] == ["NVIDIA GeForce RTX 4090", "NVIDIA T4"]
    [note] = told["notes"]
    assert "card 1 does not work any more (GPU is lost)" in note


def test_a_card_that_this_user_may_not_use(ask_nvidia: Ask) -> None:
    told = ask_nvidia({"COUNT": 1, "0_HANDLE": "error 4"})
    assert told["gpus"] == []
    assert "/dev/nvidia*" in told["notes"][0]


def test_of_a_split_card_the_first_part_counts(ask_nvidia: Ask) -> None:
    parts = {
        "0_PART_2_NAME": "NVIDIA A100-SXM4-40GB MIG 2g.10gb",
        "0_PART_2_MEMORY": f"{10 * GIB} {9 * GIB}",
        "0_PART_5_NAME": "NVIDIA A100-SXM4-40GB MIG 1g.5gb",
    }
    told = ask_nvidia(A100 | parts)
    [gpu] = told["gpus"]
    assert gpu["name"] == "NVIDIA A100-SXM4-40GB MIG 2g.10gb"
    assert (gpu["memory_total"], gpu["memory_free"]) == (10 * GIB, 9 * GIB)
    assert gpu["bandwidth"] == pytest.approx(1555e9 / 4, rel=0.001)
    assert "split into 2 parts" in told["notes"][0]


def test_a_split_card_without_parts_runs_nothing(ask_nvidia: Ask) -> None:
    told = ask_nvidia(A100)
    assert told["gpus"] == []
    assert "has no parts" in told["notes"][0]


def test_a_driver_without_cards(ask_nvidia: Ask) -> None:
    assert ask_nvidia({"COUNT": 0})["absent"] == ["NVIDIA's driver found no graphics card."]


def test_an_updated_driver_asks_for_a_restart(ask_nvidia: Ask) -> None:
    assert "Restart the computer" in ask_nvidia({"INIT": "error 18"})["notes"][0]


def test_no_driver_and_no_card_is_worth_no_word_unless_nothing_was_found(ask_nvidia: Ask, tmp_path: Path) -> None:
    told = ask_nvidia({"INIT": "error 9"})
    assert told == {"gpus": [], "notes": [], "absent": ["No NVIDIA graphics card or driver was found."]}


def test_a_card_whose_driver_does_not_run(ask_nvidia: Ask, tree: Tree) -> None:
    tree.card("0000:01:00.0", "10de:2684:a1", driver=None)
    tree.write("usr/share/misc/pci.ids", "\n10de  NVIDIA Corporation\n\t2684  AD102 [GeForce RTX 4090]\n")
    not_loaded, refused = ask_nvidia({"INIT": "error 9"}), ask_nvidia({"INIT": "error 999"})
    assert not_loaded["notes"][0].startswith("NVIDIA GeForce RTX 4090 is there, but NVIDIA's driver is not running.")
    assert "driver refuses: Unknown Error" in refused["notes"][0]


def test_a_card_on_nouveau(ask_nvidia: Ask, tree: Tree) -> None:
    tree.card("0000:01:00.0", "10de:2684:a1", driver="nouveau")
    [note] = ask_nvidia({"INIT": "error 9"})["notes"]
    assert note.startswith("NVIDIA graphics (2684) runs on the driver nouveau")


def test_a_card_without_nvidias_library(ask_nvidia: Ask, tree: Tree, tmp_path: Path) -> None:
    tree.card("0000:01:00.0", "10de:2684:a1", driver="nvidia")
    (tmp_path / "empty").mkdir()
    [note] = ask_nvidia({}, library=tmp_path / "empty")["notes"]
    assert "but not NVIDIA's driver (libnvidia-ml.so.1: cannot open" in note


def test_a_broken_library_is_a_note(ask_nvidia: Ask, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "libnvidia-ml.so.1").write_text("This is not a library.\n" * 100)
    told = ask_nvidia({}, how="probe", library=broken)
    assert told["gpus"] == []
    assert "No NVIDIA graphics card or driver was found." in told["notes"]


def test_a_driver_that_hangs_is_left_behind(ask_nvidia: Ask) -> None:
    """The first card counts, the second never answers; the process ends all the same."""
    told = ask_nvidia(RTX_4090 | {"COUNT": 2, "1_NAME": "hang"}, how="probe", patience=3.0)
    assert [gpu["name"] for gpu in told["gpus"]] == ["NVIDIA GeForce RTX 4090"]
    assert any("DeskSeek asked NVIDIA's driver and had no answer for 3 seconds" in note for note in told["notes"])
    assert told["memory"]["total"] > 0


def test_a_driver_that_hangs_at_once(ask_nvidia: Ask) -> None:
    told = ask_nvidia({"INIT": "hang"}, how="probe", patience=3.0)
    assert told["gpus"] == []
    assert any("had no answer" in note for note in told["notes"])
