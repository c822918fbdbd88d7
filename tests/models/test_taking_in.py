"""Models come in from this computer: in place or copied, from files, folders, sticks and other programs' stores."""

import os
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, InvalidInput, NotFound, ResourceError, StorageError
from backends.hardware.removable import is_removable
from backends.hardware.types import Disk
from backends.models import partial, taking_in
from backends.models.catalog import Catalog
from backends.models.library import Library
from backends.models.taking_in import ImportEvent, ImportFinished, ImportFound, ImportProgress, sweep, take_in
from tests.kit.adapters import random_adapter
from tests.kit.folders import closed
from tests.kit.stores import OllamaStore, hub_snapshot, put, sha256

CATALOG = Catalog.load()
Partition = namedtuple("Partition", "device mountpoint opts")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "stick").mkdir()
    return tmp_path


@pytest.fixture
def library(home: Path) -> Library:
    return opened(home)


def opened(home: Path) -> Library:
    return Library(home / "models", CATALOG, home / "library.json")


def taken(library: Library, path: Path, *, copy: bool = False) -> tuple[list[ImportEvent], ImportFinished]:
    events = list(take_in(library, path, copy=copy, cancel=CancelToken()))
    assert isinstance(events[-1], ImportFinished)
    return events, events[-1]


def copied_while(library: Library, path: Path, act: Callable[[ImportEvent], object]) -> None:
    """Copy, and do something at every event."""
    for event in take_in(library, path, copy=True, cancel=CancelToken()):
        act(event)


def files(folder: Path) -> list[str]:
    """All that lies there, hidden or not, but for locks of downloads."""
    there = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return sorted(path.as_posix() for path in there if ".locks" not in path.parts)


# ---- in place


def test_a_folder_is_taken_in_place_with_all_that_runs_here(tiny, parts, home, library):
    put(tiny, home / "stick/a/b/one-Q4_K_M.gguf")
    for part in parts:
        put(part, home / "stick/split", part.name)
    put(tiny, home / "stick/mmproj-F16.gguf")
    put(tiny, home / "stick/page.gguf").write_text("<html>")
    adapter = random_adapter(home / "stick/lora.gguf", tiny, "blk.0.attn_q.weight")
    events, end = taken(library, home / "stick")
    assert events[0] == ImportFound(2, tiny.stat().st_size + sum(p.stat().st_size for p in parts), removable=False)
    assert sorted(model.id for model in end.models) == ["one-Q4_K_M", "tiny-Q4_K_M"]
    assert [each.path for each in end.adapters] == [adapter]
    assert [path.name for path, _ in end.skipped] == ["page.gguf"]
    assert all(reason.en and reason.zh for _, reason in end.skipped)
    assert opened(home).models() == library.models() != ()
    assert files(home / "models") == []


def test_a_store_of_another_program_is_used_where_it_lies_now_and_later(tiny, large, home, library):
    store = OllamaStore(home / "stick/ollama/models")
    store.put("r1:8b", tiny)
    store.put("gone:1", large).unlink()
    _, end = taken(library, home / "stick/ollama")
    assert [model.id for model in end.models] == ["r1:8b"]
    assert ["gone:1" in reason.en for _, reason in end.skipped] == [True]
    later = home / "later.gguf"
    later.write_bytes(large.read_bytes()[:-1] + b"!")
    store.put("later:1", later)
    assert sorted(model.id for model in opened(home).models()) == ["gone:1", "later:1", "r1:8b"]
    again, _ = taken(library, home / "stick/ollama")
    assert isinstance(again[0], ImportFound)
    assert len(library.models()) == 3


def test_a_hub_cache_is_known_as_one(tiny, home, library):
    hub_snapshot(home / "stick/hub", "org/repo", "a" * 40, {"m.gguf": tiny}, links=False)
    _, end = taken(library, home / "stick")
    assert [(model.source, model.origin) for model in end.models] == [("org/repo", "hub-cache")]


# ---- copies


def test_a_copy_is_whole_and_ours(tiny, home, library):
    source = put(tiny, home / "stick/my model-Q4_K_M.gguf")
    events, end = taken(library, source, copy=True)
    (model,) = end.models
    assert model.path == home / "models/imported/my-model-Q4_K_M/my model-Q4_K_M.gguf"
    assert sha256(model.path) == sha256(tiny) == model.sha256
    assert (model.origin, model.verified, model.quant) == ("own", False, "Q4_K_M")
    progress = [event for event in events if isinstance(event, ImportProgress)]
    assert (progress[-1].done, progress[-1].total) == (tiny.stat().st_size,) * 2
    shutil.rmtree(home / "stick")
    assert opened(home).find(model.id) == model
    assert library.checked(model) is not None
    taken_again = put(tiny, home / "stick/other name.gguf")
    assert taken(library, taken_again, copy=True)[1].models == (model,)  # the same bytes are here
    library.delete(model.id)
    assert [path for path in files(home / "models") if ".trash" not in path] == []


def test_a_split_is_copied_whole(parts, home, library):
    for part in parts:
        put(part, home / "stick", part.name)
    _, end = taken(library, home / "stick" / parts[1].name, copy=True)
    (model,) = end.models
    assert [sha256(model.path.with_name(part.name)) for part in parts] == [sha256(part) for part in parts]
    assert model.problem.en == ""


def test_a_copy_from_ollama_has_a_name_and_is_proven(tiny, large, home, library):
    store = OllamaStore(home / "stick/models")
    store.put("deepseek-r1:8b", tiny, space="me")
    _, end = taken(library, home / "stick", copy=True)
    (model,) = end.models
    assert model.path == home / "models/imported/me-deepseek-r1-8b/me-deepseek-r1-8b.gguf"
    assert model.verified
    damaged = store.put("bad:1", large)
    damaged.write_bytes(large.read_bytes()[:-1] + b"!")
    with pytest.raises(StorageError, match="damaged") as error:
        taken(library, home / "stick", copy=True)
    assert error.value.code == "checksum_mismatch"
    assert [path for path in files(home / "models") if "bad" in path or ".incoming" in path] == []


def test_copies_of_one_name_lie_side_by_side(tiny, large, home, library):
    one = taken(library, put(tiny, home / "stick/a/m.gguf"), copy=True)[1].models[0]
    two = taken(library, put(large, home / "stick/b/m.gguf"), copy=True)[1].models[0]
    assert (one.path.parent.name, two.path.parent.name) == ("m", "m-2")


def test_cancelled_it_leaves_nothing(large, home, library):
    source, cancel = put(large, home / "stick/large.gguf"), CancelToken()
    copying = take_in(library, source, copy=True, cancel=cancel)
    assert isinstance(next(copying), ImportFound)
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(copying)
    assert files(home / "models") == []
    assert library.rescan() == ()


def test_a_stick_that_is_pulled_out_meanwhile_leaves_nothing_half(parts, home, library):
    for part in parts:
        put(part, home / "stick", part.name)
    first, last = home / "stick" / parts[0].name, home / "stick" / parts[-1].name
    with pytest.raises(StorageError, match="cannot be read") as error:
        copied_while(library, first, lambda _: last.unlink(missing_ok=True))
    assert error.value.code == "file_not_readable"
    assert "connected" in error.value.hint.en
    assert files(home / "models") == []


def test_a_file_that_shrinks_meanwhile_is_not_taken(parts, home, library):
    for part in parts:
        put(part, home / "stick", part.name)
    last = home / "stick" / parts[-1].name
    with pytest.raises(InvalidInput) as error:
        copied_while(library, home / "stick" / parts[0].name, lambda _: os.truncate(last, 100))
    assert error.value.code in ("truncated_file", "damaged_file")
    assert files(home / "models") == []


@pytest.mark.parametrize(
    ("disk", "code"),
    [(Disk("x", 10**12, 500_000_000, "ext4"), "disk_full"), (Disk("x", 10**12, 10**12, "vfat"), "file_system_limit")],
)
def test_a_disk_that_is_full_or_fat_is_told_before_the_first_byte(tiny, home, library, monkeypatch, disk, code):
    monkeypatch.setattr(taking_in.disk, "read", lambda folder: disk)
    monkeypatch.setattr(taking_in, "FAT_LIMIT", 1000)
    with pytest.raises(ResourceError) as error:
        taken(library, put(tiny, home / "stick/m.gguf"), copy=True)
    assert error.value.code == code
    assert "where it lies" in error.value.hint.en
    assert files(home / "models") == []


def test_a_models_folder_that_cannot_be_written(tiny, home):
    with closed(home) as folder:
        library = Library(folder / "models", CATALOG, home / "library.json")
        with pytest.raises(StorageError) as error:
            taken(library, put(tiny, home / "stick/m.gguf"), copy=True)
        assert error.value.code in ("folder_not_writable", "disk_failed")


def test_what_a_killed_copy_left_is_swept_but_not_what_is_written_now(large, home, library):
    left = home / "models" / ".incoming" / "0123"
    left.mkdir(parents=True)
    (left / "half.gguf").write_bytes(b"half")
    (left / "lock").touch()
    copying = take_in(library, put(large, home / "stick/large.gguf"), copy=True, cancel=CancelToken())
    while not isinstance(next(copying), ImportProgress):
        pass
    sweep(home / "models")
    assert not left.exists()
    end = list(copying)[-1]
    assert isinstance(end, ImportFinished)
    assert sha256(end.models[0].path) == sha256(large)


def test_a_folder_of_many_is_taken_in_and_none_of_it_twice(tiny, home, library):
    first = put(tiny, home / "stick/model-000-Q4_K_M.gguf")
    library.add(first)
    for number in range(1, 300):
        put(tiny, home / f"stick/model-{number:03}-Q4_K_M.gguf")
    _, end = taken(library, home / "stick")
    assert [model.path.name for model in end.models] == [f"model-{number:03}-Q4_K_M.gguf" for number in range(300)]
    assert len(library.models()) == 300
    assert library.add_all([first, first]) == [library.find(first)] * 2
    library.delete(library.find(first).id)
    assert len(library.models()) == 299
    assert library.add_all([first, end.models[1].path]) == [library.find(first), library.find(end.models[1].path)]
    assert opened(home).models() == library.models()


# ---- what is no model


def test_what_is_not_there_or_holds_nothing(tiny, home, library):
    for path, code in ((home / "nowhere", "file_not_found"), (home / "stick", "no_model_there")):
        with pytest.raises(NotFound) as error:
            taken(library, path)
        assert error.value.code == code
    with pytest.raises(StorageError, match="cannot be read"):
        taken(library, home / ("long" * 2000))
    page = home / "page.gguf"
    page.write_text("<html>")
    with pytest.raises(InvalidInput) as refused:
        taken(library, page, copy=True)
    assert refused.value.code == "not_gguf"
    assert not (home / "models").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
def test_nobody_waits_for_a_pipe(home, library):
    os.mkfifo(home / "pipe.gguf")
    with pytest.raises(InvalidInput):
        taken(library, home / "pipe.gguf")


def test_a_copy_keeps_its_receipt_to_itself(tiny, home, library):
    (model,) = taken(library, put(tiny, home / "stick/m.gguf"), copy=True)[1].models
    receipt = partial.read_record(model.path, partial.RECEIPT)
    assert receipt is not None
    assert (receipt.origin, receipt.endpoint, receipt.repo, receipt.sha256) == ("own", "", "", sha256(tiny))
    assert partial.pending(home / "models") == []


# ---- sticks


def test_removable_disks_are_told_from_the_others(tmp_path):
    usb = tmp_path / "sys/devices/pci0000:00/usb2/2-1/block/sdb/sdb1"
    card = tmp_path / "sys/devices/pci0000:00/mmc/block/sdc/sdc1"
    fixed = tmp_path / "sys/devices/pci0000:00/ata1/block/sda/sda1"
    for folder, says in ((usb, "0"), (card, "1"), (fixed, "0")):
        folder.mkdir(parents=True)
        (folder.parent / "removable").write_text(f"{says}\n")
        link = tmp_path / "sys/class/block" / folder.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folder)
    volumes = [
        Partition("/dev/sda1", "/", "rw"),
        Partition("/dev/sdb1", "/media/usb", "rw"),
        Partition("/dev/sdc1", "/media/card", "rw"),
        Partition("/dev/none", "/media/odd", "rw"),
    ]

    def asked(path: str) -> bool:
        return is_removable(Path(path), volumes, "linux", tmp_path / "sys")

    assert [asked(f"{folder}/x.gguf") for folder in ("/media/usb", "/media/card", "/home", "/media/odd")] == [
        True,
        True,
        False,
        False,
    ]
    mac = [Partition("/dev/disk1", "/", "rw"), Partition("/dev/disk4", "/Volumes/STICK", "rw")]
    assert is_removable(Path("/Volumes/STICK/m.gguf"), mac, "darwin")
    assert not is_removable(Path("/Users/me/m.gguf"), mac, "darwin")
    windows = [Partition("E:", "/", "rw,removable")]
    assert is_removable(Path("/m.gguf"), windows, "win32")
    assert not is_removable(Path("/m.gguf"), [Partition("C:", "/", "rw,fixed")], "win32")
    assert not is_removable(Path("/m.gguf"), [], "linux")
