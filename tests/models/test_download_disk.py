"""Disks that are full, closed, too small or of the wrong kind: told in words, and what came is kept."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backends.core.errors import ResourceError, StorageError
from backends.hardware.types import Disk
from backends.models.download import DownloadWaiting, discard, pending
from backends.models.space import check_space
from tests.kit.faults import Fault, cut, paused
from tests.kit.fetch import REPO, Fetch, finished

LARGE = "large-Q8_0.gguf"
ROOT = Path(__file__).parents[2]


def run(*command: str | Path) -> bool:
    return shutil.which(str(command[0])) is not None and subprocess.run(command, capture_output=True).returncode == 0


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own, whose size is 1.1 GB until it is mounted anew."""
    folder = tmp_path / "volume"
    folder.mkdir()
    if not run("mount", "-t", "tmpfs", "-o", "size=1100m", "none", folder):
        pytest.skip("file systems may not be mounted here")
    yield folder
    assert run("umount", folder)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that cannot be written, for root neither."""
    folder = tmp_path / "closed"
    folder.mkdir()
    if os.name == "posix" and os.geteuid() != 0:
        folder.chmod(0o500)
        yield folder
        folder.chmod(0o700)
    elif run("mount", "-t", "tmpfs", "-o", "size=1m,ro", "none", folder):
        yield folder
        assert run("umount", folder)
    elif run("chattr", "+i", folder):
        yield folder
        assert run("chattr", "-i", folder)
    else:
        pytest.skip("no folder can be closed here")


def test_a_model_for_which_there_is_no_room_is_refused_with_both_numbers(there, large, tmp_path):
    there.add_repo(REPO, {LARGE: large})
    there.fail("head", Fault(claimed_size=10**15))
    with pytest.raises(ResourceError, match=r"1000001\.00 GB must be free") as error:
        Fetch(there, tmp_path).all()
    assert error.value.code == "disk_full"
    said = re.search(r"has ([\d.]+) GB", error.value.message.en)
    assert said is not None
    assert float(said[1]) == pytest.approx(shutil.disk_usage(tmp_path).free / 1e9, abs=1)
    assert str(tmp_path) in error.value.message.zh
    assert there.ranges(LARGE) == []


def test_one_gigabyte_stays_free():
    volume = Disk("/models", 64_000_000_000, 6_000_000_000, None)
    check_space(volume, 5_000_000_000, 5_000_000_000)
    with pytest.raises(ResourceError, match=r"6\.50 GB must be free .* 6\.00 GB"):
        check_space(volume, 5_500_000_000, 5_500_000_000)


def test_resuming_needs_room_only_for_what_is_missing(there, large, volume):
    there.add_repo(REPO, {LARGE: large})
    there.fail("cdn", cut(9_000_000), times=1)
    fetch = Fetch(there, volume)
    fetch.until_cut()
    size = (1_000_000_000 + large.stat().st_size) // 2**20 + 2
    assert run("mount", "-o", f"remount,size={size}m", volume)
    assert shutil.disk_usage(volume).free < 1_000_000_000 + large.stat().st_size  # too little for all of it
    assert finished(fetch.all()).verified


def test_a_disk_that_fills_up_in_the_middle_keeps_what_came(there, large, volume):
    there.add_repo(REPO, {LARGE: large})
    there.fail("cdn", cut(3_000_000), times=1)
    fetch = Fetch(there, volume)
    events = fetch.events()
    next(event for event in events if isinstance(event, DownloadWaiting))
    assert run("mount", "-o", "remount,size=5m", volume)
    with pytest.raises(ResourceError, match="is full") as error:
        list(events)
    assert error.value.code == "disk_full"
    assert "kept" in error.value.hint.en
    assert run("mount", "-o", "remount,size=1100m", volume)
    (waiting,) = pending(volume)
    assert 3_000_000 < waiting.done <= 5 << 20
    assert finished(fetch.all()).verified
    assert there.ranges(LARGE)[-1][0] == waiting.done


_CHILD = """
import resource, sys
from pathlib import Path
from backends.core.errors import ResourceError
from tests.kit.fetch import Fetch, HubServer

resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))
there = HubServer()
there.endpoint = sys.argv[1]
try:
    Fetch(there, Path(sys.argv[2])).all()
except ResourceError as error:
    print(error.code, error)
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of a process are a matter of POSIX")
def test_a_disk_that_takes_no_larger_file_keeps_what_came(there, large, tmp_path):
    there.add_repo(REPO, {LARGE: large})
    command = [sys.executable, "-c", _CHILD, there.endpoint, str(tmp_path)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.startswith("file_system_limit")
    assert "kept" in said
    assert 3_000_000 < pending(tmp_path)[0].done <= 4_000_000
    assert finished(Fetch(there, tmp_path).all()).verified


@pytest.mark.parametrize("name", ["vfat", "msdos", "FAT32"])
def test_fat32_takes_no_file_of_four_gigabytes(name):
    stick = Disk("/media/stick", 64_000_000_000, 60_000_000_000, name)
    check_space(stick, 8_000_000_000, 4_000_000_000)
    with pytest.raises(ResourceError, match=r"FAT32.* 5\.00 GB") as error:
        check_space(stick, 5_000_000_000, 5_000_000_000)
    assert error.value.code == "file_system_limit"
    check_space(replace(stick, file_system="exfat"), 5_000_000_000, 5_000_000_000)


def test_a_folder_that_cannot_be_written_is_said_to_be_so(there, large, read_only):
    there.add_repo(REPO, {LARGE: large})
    for models in (read_only, read_only / "models"):
        with pytest.raises(StorageError, match="cannot be written") as error:
            Fetch(there, models).all()
        assert error.value.code == "folder_not_writable"
        assert "Settings" in error.value.hint.en
    assert pending(read_only) == []


def test_a_models_folder_that_is_a_file_is_told(there, large, tmp_path):
    there.add_repo(REPO, {LARGE: large})
    (tmp_path / "models").write_text("")
    with pytest.raises(StorageError) as error:
        Fetch(there, tmp_path / "models").all()
    assert error.value.code == "folder_not_writable"
    assert pending(tmp_path / "models") == []


def test_a_disk_that_is_pulled_out_is_told_and_what_it_has_is_kept(there, large, tmp_path):
    there.add_repo(REPO, {LARGE: large})
    there.fail("cdn", cut(3_000_000), times=1)
    there.fail("cdn", paused(1_000_000), times=1)
    fetch = Fetch(there, tmp_path / "stick")
    there.when_paused(lambda: (tmp_path / "stick").rename(tmp_path / "pulled out"))
    with pytest.raises(StorageError) as error:
        fetch.all()
    assert error.value.code == "volume_gone"
    assert "kept" in error.value.hint.en
    assert not (tmp_path / "stick").exists()  # nothing is begun anew where the disk was
    there.heal()
    (tmp_path / "pulled out").rename(tmp_path / "stick")
    (waiting,) = pending(tmp_path / "stick")
    assert finished(fetch.all()).verified
    assert there.ranges(LARGE)[-1][0] == waiting.done >= 3_000_000


def test_another_disk_in_its_place_is_not_written_to(there, large, volume):
    there.add_repo(REPO, {LARGE: large})
    there.fail("cdn", paused(3_000_000), times=1)
    there.when_paused(lambda: run("umount", "-l", volume) and run("mount", "-t", "tmpfs", "-o", "size=1g", "n", volume))
    with pytest.raises(StorageError) as error:
        Fetch(there, volume).all()
    assert error.value.code == "volume_gone"
    assert list(volume.iterdir()) == []


def test_throwing_away_in_a_closed_folder_is_told(read_only):
    with pytest.raises(StorageError):
        discard(read_only, read_only / "org--name" / "x.gguf")
