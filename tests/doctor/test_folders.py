"""Folders and volumes: what cannot be written, what is full, what others may read. As root, too: nothing here goes by
permissions that root does not have to keep."""

import os
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from backends.core.paths import Paths
from backends.doctor import disks
from tests.kit.patients import Home, told

Usage = namedtuple("Usage", "total used free percent")
Volume = namedtuple("Volume", "device mountpoint fstype opts")


def test_a_disk_in_order(home: Home) -> None:
    before = sorted(home.paths.data.parent.rglob("*"))
    [found] = home.look(disks.look)
    assert (found.code, found.verdict) == ("disk_ok", "ok")
    assert found.details["free"]
    assert sorted(home.paths.data.parent.rglob("*")) == before  # nothing is left behind


def test_folders_that_are_not_there_yet_are_no_fault(home: Home, tmp_path: Path) -> None:
    assert told(home.look(disks.look, paths=Paths.under(tmp_path / "new"), models=tmp_path / "new/models")) == {
        "disk_ok": "ok"
    }


def test_a_file_in_the_place_of_the_folder(home: Home, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    found = home.look(disks.look, paths=Paths.under(tmp_path / "taken"))
    bad = [one for one in found if one.verdict == "fail"]
    assert [(one.code, one.subject) for one in bad] == [("folder_not_writable", "data")]  # once, not five times


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="a folder of the kernel that nobody can write to")
def test_a_models_folder_that_is_read_only(home: Home) -> None:
    found = {one.code: one for one in home.look(disks.look, models=Path("/sys/kernel/deskseek"))}
    bad = found["read_only"]
    assert (bad.verdict, bad.subject, bad.action) == ("fail", "models", "settings_models")


@pytest.mark.parametrize(("free", "code", "verdict"), [(2 << 20, "disk_full", "fail"), (3 << 30, "disk_low", "warn")])
def test_little_room(home: Home, monkeypatch: pytest.MonkeyPatch, free: int, code: str, verdict: str) -> None:
    home.set("monitor.disk_free", 5)
    monkeypatch.setattr(psutil, "disk_usage", lambda _: Usage(1 << 40, (1 << 40) - free, free, 99.9))
    [found] = home.look(disks.look)
    assert (found.code, found.verdict, found.action) == (code, verdict, "free_disk")


def test_a_disk_that_is_full_to_the_last_byte(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("the device that is always full")
    real = os.fsync

    def full(descriptor: int) -> None:
        with open("/dev/full", "wb", buffering=0) as device:
            device.write(b"x")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    found = [one for one in home.look(disks.look) if one.verdict == "fail"]
    assert {one.code for one in found} == {"disk_full"}
    assert {one.action for one in found} == {"free_disk"}
    assert not list(home.paths.data.glob(".doctor-*"))


def test_a_volume_that_takes_only_small_files(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: [Volume("/dev/sdb1", "/", "vfat", "rw")])
    found = {one.code: one for one in home.look(disks.look)}
    assert (found["small_files_only"].verdict, found["small_files_only"].action) == ("warn", "settings_models")


def test_databases_on_a_network_drive(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: [Volume("server:/home", "/", "nfs4", "rw")])
    assert told(home.look(disks.look))["data_on_network"] == "warn"


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_chats_that_others_may_read(home: Home) -> None:
    home.paths.data.chmod(0o755)
    [found] = [one for one in home.look(disks.look) if one.verdict != "ok"]
    assert (found.code, found.subject, found.verdict) == ("folder_open_to_others", "data", "warn")
    assert found.details["mode"] == "755"


def test_the_home_is_written_as_a_tilde(home: Home, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    paths = replace(Paths.under(tmp_path / "taken"), home=tmp_path)
    [bad, *_] = [one for one in home.look(disks.look, paths=paths) if one.verdict == "fail"]
    assert f"~{os.sep}taken" in bad.what.en
    assert str(tmp_path) not in bad.what.en + bad.repair.en
