"""Deleted and put back: nothing is lost on the way, whatever ends the process or fills the disk."""

import contextlib
import hashlib
import json
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from backends.core.errors import InvalidInput, NotFound, StorageError
from backends.hardware.types import Disk
from backends.models import download, partial, trash
from backends.models.catalog import Catalog
from backends.models.library import Library
from backends.models.partial import FilePart, Record
from backends.models.space import SPARE
from tests.kit.fetch import REPO, Fetch
from tests.kit.stores import put, sha256

CATALOG = Catalog.load()
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    return tmp_path


def opened(home: Path) -> Library:
    return Library(home / "models", CATALOG, home / "library.json")


def come(there, home: Path, *models: Path, repo: str = REPO) -> None:
    there.add_repo(repo, {model.name: model for model in models})
    Fetch(there, home / "models", repo=repo).all()


def contents(folder: Path) -> dict[str, str]:
    """The sha256 of every file in sight."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".trash", ".locks"} & set(path.parts)
    }


def test_a_model_comes_back_as_it_was_with_all_its_files(there, home, parts):
    come(there, home, *parts)
    library = opened(home)
    before, files = library.models(), contents(home / "models")
    deleted = library.delete("tiny-Q4_K_M")
    assert (library.models(), contents(home / "models")) == ((), {})
    assert opened(home).deleted() == (deleted,)
    assert (deleted.name, deleted.size > sum(part.stat().st_size for part in parts)) == (before[0].name, True)
    model = opened(home).undelete(deleted.key)
    assert (model, contents(home / "models")) == (before[0], files)
    assert library.deleted() == ()
    with pytest.raises(NotFound) as error:
        library.undelete(deleted.key)
    assert error.value.code == "not_deleted"


def test_what_was_downloaded_again_is_not_pushed_away(there, home, tiny):
    come(there, home, tiny)
    library = opened(home)
    deleted = library.delete("tiny-Q4_K_M")
    come(there, home, tiny)
    with pytest.raises(InvalidInput) as error:
        library.undelete(deleted.key)
    assert error.value.code == "place_taken"
    assert library.deleted() == (deleted,)
    library.rescan()
    again = library.delete("tiny-Q4_K_M")
    library.undelete(deleted.key)
    assert [each.key for each in library.deleted()] == [again.key]


def test_it_is_erased_when_asked_or_after_a_day_or_when_room_is_needed(there, home, tiny, large):
    come(there, home, tiny, repo="a/Tiny")
    come(there, home, large, repo="b/Large")
    library = opened(home)
    first, second = library.delete("tiny-Q4_K_M"), library.delete("large-Q8_0")
    assert [each.key for each in library.deleted()] == [second.key, first.key]
    assert library.sweep(first.when + trash.DAY) == 0
    assert trash.make_room(home / "models", 1000) == first.size  # the older one goes first, whole
    assert library.deleted() == (second,)
    assert trash.make_room(home / "models", 10**15) == second.size
    come(there, home, tiny, repo="a/Tiny")
    library.rescan()
    third = library.delete("tiny-Q4_K_M")
    assert opened(home).sweep(third.when + trash.DAY + 1) == third.size
    assert list((home / "models" / ".trash").iterdir()) == []


def test_a_copy_and_a_quantised_model_are_deleted_too_but_not_what_was_put_there(there, home, tiny):
    for origin in ("own", "quantised"):
        path = put(tiny, home / "models" / origin / f"{origin}.gguf")
        piece = FilePart(path.name, path.stat().st_size, sha256(path), "", checked=True)
        partial.write_receipt(path, Record("", "", "", "Q4_K_M", (piece,), origin=origin))
    by_hand = put(tiny, home / "models" / "hand.gguf")
    library = opened(home)
    assert {model.id: (model.origin, model.verified) for model in library.models()} == {
        "own": ("own", False),
        "quantised": ("quantised", False),
        "hand": ("own", False),
    }
    for name in ("own", "quantised", "hand"):
        library.delete(name)
    assert list(contents(home / "models")) == ["hand.gguf"]
    assert by_hand.exists()


# ---- cut short


def test_killed_again_and_again_it_loses_nothing(there, home, parts):
    come(there, home, *parts)
    before, files = opened(home).models(), contents(home / "models")
    chance = random.Random(7)
    states = set()
    for loop in range(12):
        steps = (1, 2, 0)[loop % 3]  # killed when it is deleted, when it is back again, and at any time
        command = [sys.executable, "-m", "tests.models.trashing_child", str(home), str(steps)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as child:
            assert child.stdout is not None
            for _ in range(1 + steps):
                child.stdout.readline()
            if not steps:
                killer = threading.Timer(chance.uniform(0.01, 0.12), child.kill)
                killer.start()
                killer.join()
            child.kill()
        library = opened(home)
        library.rescan()
        states.add(len(library.deleted()))
        for each in library.deleted():
            library.undelete(each.key)
        assert library.models() == before
        assert contents(home / "models") == files
        assert library.deleted() == ()
    assert states == {0, 1}


class _Cut(Exception):
    pass


def test_at_every_step_a_delete_and_a_return_can_be_cut_short(there, home, parts, monkeypatch):
    come(there, home, *parts)
    files = contents(home / "models")
    real = Path.rename

    def cut_after(steps: int) -> None:
        left = iter(range(steps))

        def rename(self: Path, target: Path) -> Path:
            if next(left, None) is None:
                raise _Cut
            return real(self, target)

        monkeypatch.setattr(Path, "rename", rename)

    for steps in range(len(parts) + 3):
        library = opened(home)
        library.rescan()
        cut_after(steps)
        with contextlib.suppress(_Cut):
            library.delete("tiny-Q4_K_M")
        monkeypatch.setattr(Path, "rename", real)
        again = opened(home)
        again.rescan()
        assert again.models() == (), steps  # it was to be deleted, and is now
        (deleted,) = again.deleted()
        cut_after(steps)
        with contextlib.suppress(_Cut):
            again.undelete(deleted.key)
        monkeypatch.setattr(Path, "rename", real)
        back = opened(home)
        back.rescan()
        assert contents(home / "models") == files, steps
        assert back.deleted() == ()


def test_a_disk_that_refuses_leaves_everything_where_it_was(there, home, parts, monkeypatch):
    come(there, home, *parts)
    files = contents(home / "models")
    real = Path.rename
    library = opened(home)
    library.models()

    def refuse(self: Path, target: Path) -> Path:
        if self.name == parts[1].name:
            raise PermissionError(13, "in use")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StorageError, match="in use"):
        library.delete("tiny-Q4_K_M")
    assert contents(home / "models") == files
    assert (library.deleted(), len(library.rescan())) == ((), 1)


@pytest.mark.parametrize(
    "record",
    ["", "{", "[]", '{"name": 1}',
     '{"name": "x", "size": 1, "when": 1, "places": ["../../x"], "state": "returning"}',
     '{"name": "x", "size": 1, "when": 1, "places": ["/etc/passwd"], "state": "returning"}',
     '{"name": "x", "size": 1, "when": 1, "places": ["a"], "state": "flying"}'],
)  # fmt: skip
def test_a_record_that_makes_no_sense_moves_nothing(home, record):
    folder = home / "models" / ".trash" / ("0" * 16)
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(record)
    (folder / "0").write_text("precious")
    library = opened(home)
    library.rescan()
    assert library.deleted() == ()
    assert (folder / "0").read_text() == "precious"
    assert sorted(path.name for path in home.iterdir()) == ["library.json", "models"]
    assert json.loads((home / "library.json").read_text())["own"] == []


@pytest.mark.parametrize("key", ["", "..", "../..", "0" * 16, "hidden-0", "x/y"])
def test_a_key_that_is_none(home, key):
    with pytest.raises(NotFound):
        opened(home).undelete(key)


def test_a_download_that_needs_the_room_has_what_was_deleted_erased(there, home, tiny, large, monkeypatch):
    come(there, home, tiny, repo="a/Tiny")
    library = opened(home)
    library.delete("tiny-Q4_K_M")
    asked = []

    def read(folder: Path) -> Disk:
        """A disk on which the deleted model is what is too much."""
        asked.append(folder)
        free = SPARE + large.stat().st_size + 1000 - (1000 + tiny.stat().st_size if library.deleted() else 0)
        return Disk(str(folder), 10**12, free, "ext4")

    monkeypatch.setattr(download.disk, "read", read)
    come(there, home, large, repo="b/Large")
    assert library.deleted() == ()
    assert [model.id for model in library.rescan()] == ["large-Q8_0"]
    assert len(asked) == 2
