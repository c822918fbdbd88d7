"""Folders that are followed, with the real watch of the system: what happens there is soon so here."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from backends.core.cancel import CancelToken
from backends.core.stream import Runner, Stream
from backends.documents.extract.reader import Reader
from backends.documents.ingest import Intake
from backends.documents.store import DocumentStore
from backends.documents.types import IngestEvent
from backends.documents.watch import Follower
from tests.kit.shelves import ENGLISH, words

PATIENCE = 60  # seconds, for a machine that is busy with other tests
SETTLE = 0.05


class Desk:
    """A library that follows a folder."""

    def __init__(self, library: Path, reader: Reader) -> None:
        self.store = DocumentStore.open(library)
        self._reader = reader
        self._runner = Runner("ingest")
        self._done = threading.Condition()
        self.reads = 0
        self.ends = threading.Event()  # else a reading that is through goes on
        self.ends.set()
        self.follower = Follower(self.store, self.read, settle=SETTLE, rescan=3600, missed=3600, changed=self._changed)

    def read(
        self, collection_id: int, paths: Sequence[str], after: Callable[[CancelToken], None]
    ) -> Stream[IngestEvent]:
        return self._runner.start(self._read, collection_id, paths, after)

    def _read(
        self, collection_id: int, paths: Sequence[str], after: Callable[[CancelToken], None], *, cancel: CancelToken
    ) -> Iterator[IngestEvent]:
        yield from Intake(self.store, self._reader, collection_id, paths, follows=True).work(cancel=cancel)
        after(cancel)
        self.reads += 1
        self._changed()
        self.ends.wait(PATIENCE)

    def _changed(self) -> None:
        with self._done:
            self._done.notify_all()

    def follow(self, folder: Path) -> None:
        self.store.watch(self.store.default_collection().id, folder)
        before = self.reads
        self.follower.follow(self.store.watched())
        self.until(lambda: self.reads > before)

    def rescan(self) -> None:
        for stream in self.follower.rescan():
            assert stream.wait(PATIENCE)

    def until(self, so: Callable[[], bool]) -> None:
        with self._done:
            assert self._done.wait_for(so, PATIENCE), self.names()

    def names(self) -> list[str]:
        return sorted(each.name for each in self.store.documents())

    def problems(self) -> list[str]:
        return [each.problem.code if each.problem else "" for each in self.store.watched()]

    def close(self) -> None:
        self.follower.close()
        self._runner.close()
        self.store.close()


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.close()


@pytest.fixture
def desk(tmp_path: Path, reader: Reader) -> Iterator[Desk]:
    desk = Desk(tmp_path / "library.db", reader)
    yield desk
    desk.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("First.")
    (folder / "deep" / "b.txt").write_text("Second.")
    return folder


def test_what_is_there_comes_changes_moves_and_goes(desk: Desk, folder: Path) -> None:
    desk.follow(folder)
    assert desk.names() == ["a.txt", "b.txt"]

    (folder / "c.md").write_text("Third.")
    (folder / "c.exe").write_text("Not this.")
    desk.until(lambda: desk.names() == ["a.txt", "b.txt", "c.md"])

    (folder / "a.txt").write_text("First, changed.")
    desk.until(lambda: "changed" in words(desk.store))

    moved = desk.store.find(str(folder / "c.md"))
    assert moved
    (folder / "c.md").rename(folder / "deep" / "d.md")
    desk.until(lambda: desk.names() == ["a.txt", "b.txt", "d.md"])
    assert desk.store.document(moved.id).path == str(folder / "deep" / "d.md")

    (folder / "a.txt").unlink()
    desk.until(lambda: desk.names() == ["b.txt", "d.md"])
    assert desk.problems() == [""]


def test_a_folder_that_is_moved_within_takes_its_documents_along(desk: Desk, folder: Path) -> None:
    desk.follow(folder)
    known = desk.store.find(str(folder / "deep" / "b.txt"))
    assert known
    (folder / "deep").rename(folder / "deeper")
    desk.until(lambda: desk.store.document(known.id).path == str(folder / "deeper" / "b.txt"))
    (folder / "deeper").rename(folder.parent / "elsewhere")
    desk.until(lambda: desk.names() == ["a.txt"])


def test_a_new_folder_with_files_in_it(desk: Desk, folder: Path) -> None:
    desk.follow(folder)
    made = folder.parent / "made"
    (made / "more").mkdir(parents=True)
    (made / "more" / "e.txt").write_text(ENGLISH)
    made.rename(folder / "made")
    desk.until(lambda: desk.names() == ["a.txt", "b.txt", "e.txt"])


def test_the_last_file_of_a_folder_is_deleted(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "only.txt").write_text(ENGLISH)
    desk.follow(folder)
    (folder / "only.txt").unlink()
    desk.until(lambda: desk.names() == [])
    assert desk.problems() == [""]


def test_what_happened_while_nobody_looked(desk: Desk, folder: Path) -> None:
    """As on a network drive, of which the system tells nothing."""
    desk.follow(folder)
    desk.follower.follow([])
    (folder / "a.txt").unlink()
    (folder / "deep" / "b.txt").rename(folder / "b2.txt")
    (folder / "c.txt").write_text("Third.")
    desk.follower.follow(desk.store.watched())
    desk.until(lambda: desk.names() == ["b2.txt", "c.txt"])


def test_a_drive_that_is_not_there_is_a_problem_of_the_folder_and_not_the_end_of_its_documents(
    desk: Desk, folder: Path
) -> None:
    desk.follow(folder)
    folder.rename(folder.parent / "away")
    desk.rescan()
    assert (desk.problems(), desk.names()) == (["gone"], ["a.txt", "b.txt"])

    folder.mkdir()  # where the drive will be
    desk.rescan()
    assert (desk.problems(), desk.names()) == (["folder_empty"], ["a.txt", "b.txt"])
    assert words(desk.store) == "First. Second."

    folder.rmdir()
    (folder.parent / "away").rename(folder)
    (folder / "a.txt").unlink()
    desk.rescan()
    assert (desk.problems(), desk.names()) == ([""], ["b.txt"])
    (folder / "c.txt").write_text("Third.")  # and it is told of again
    desk.until(lambda: desk.names() == ["b.txt", "c.txt"])


def test_what_was_deleted_here_stays_away(desk: Desk, folder: Path) -> None:
    desk.follow(folder)
    known = desk.store.find(str(folder / "a.txt"))
    assert known
    desk.store.hide([known.id])
    desk.store.erase_hidden()
    os.utime(folder / "a.txt", (5, 5))
    (folder / "z.txt").write_text("Last.")
    desk.until(lambda: "z.txt" in desk.names())
    desk.rescan()
    assert desk.names() == ["b.txt", "z.txt"]


def test_a_flood_of_changes_is_answered_with_a_walk(desk: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backends.documents.watch.MOST", 3)
    desk.follow(folder)
    for number in range(30):
        (folder / f"{number:02}.txt").write_text(f"Number {number}.")
    desk.until(lambda: len(desk.names()) == 32)


def test_a_flood_while_the_folder_is_walked_through_is_answered_with_another_walk(
    desk: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it is told while the first walk is through and has not ended."""
    monkeypatch.setattr("backends.documents.watch.MOST", 0)
    desk.ends.clear()
    desk.follow(folder)
    desk.follower._unwatch(list(desk.follower._followed.values()))
    new = [folder / f"{number:02}.txt" for number in range(30)]
    for path in new:
        path.write_text(f"Number {path.stem}.")
    seen, scan = threading.Event(), desk.follower._scan

    def scans(folders: Sequence[Any]) -> list[Stream[IngestEvent]]:
        assert scan(folders) == []
        seen.set()
        return []

    with monkeypatch.context() as patch:
        patch.setattr(desk.follower, "_scan", scans)
        desk.follower._on_told(desk.store.watched()[0].id, [str(path) for path in new])
        assert seen.wait(PATIENCE)
    desk.ends.set()
    desk.until(lambda: len(desk.names()) == 32)


def test_a_folder_that_is_not_followed_any_more(desk: Desk, folder: Path) -> None:
    desk.follow(folder)
    (watched,) = desk.store.watched()
    desk.store.unwatch(watched.id)
    desk.follower.follow(desk.store.watched())
    reads = desk.reads
    (folder / "c.txt").write_text("Third.")
    desk.rescan()
    assert (desk.reads, desk.names()) == (reads, ["a.txt", "b.txt"])
