"""Drives that say nothing at all: they cost their own documents a while, and nobody else anything."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled
from backends.documents import looking
from backends.documents.extract.reader import Reader
from backends.documents.ingest import Intake, ingest
from backends.documents.looking import Visit, Wanted
from backends.documents.store import DocumentStore
from backends.documents.types import FileFailed, FileStored, IngestEvent
from tests.kit.drives import Drive
from tests.kit.shelves import ENGLISH, words

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes with names are those of POSIX")


@pytest.fixture
def drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drive]:
    monkeypatch.setattr(looking, "SILENCE", 3.0)  # AGAIN is as long: a machine that is busy with other tests
    drive = Drive(tmp_path / "drive", monkeypatch)
    yield drive
    drive.close()


@pytest.fixture
def reader(drive: Drive) -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DocumentStore]:
    store = DocumentStore.open(tmp_path / "library" / "library.db")
    yield store
    store.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    for name in ("a.txt", "b.txt", "far/c.txt", "far/d.txt", "near/e.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{name} {ENGLISH}")
    return folder


def taken(store: DocumentStore, reader: Reader, *paths: Path) -> tuple[list[str], dict[str, str]]:
    """Names of what is new, and what is the matter with the rest."""
    events: list[IngestEvent] = list(ingest(store, reader, store.default_collection().id, paths, cancel=CancelToken()))
    new = [Path(event.path).name for event in events if isinstance(event, FileStored) and not event.unchanged]
    failed = [event for event in events if isinstance(event, FileFailed)]
    return new, {Path(event.path).name: event.problem.code for event in failed}


def test_a_file_that_does_not_answer_says_so_the_rest_go_on_and_it_is_read_when_it_answers(
    drive: Drive, store: DocumentStore, reader: Reader, folder: Path
) -> None:
    drive.silent(folder / "a.txt", folder / "near/e.txt")
    assert taken(store, reader, folder) == (["b.txt", "c.txt", "d.txt"], {"a.txt": "no_answer", "e.txt": "no_answer"})
    silent = store.find(str(folder / "a.txt"))
    assert silent
    assert silent.problem
    assert (silent.status, silent.problem.message.zh) == ("failed", "磁盘没有响应。")
    assert [each.name for each in store.unanswered()] == ["a.txt", "e.txt"]
    drive.answers()
    assert taken(store, reader, folder / "a.txt", folder) == (["a.txt", "e.txt"], {})
    assert store.unanswered() == ()


def test_what_was_read_before_can_be_found_while_the_drive_is_silent(
    drive: Drive, store: DocumentStore, reader: Reader, folder: Path
) -> None:
    taken(store, reader, folder / "a.txt")
    drive.silent(folder / "a.txt")
    assert taken(store, reader, folder / "a.txt") == ([], {"a.txt": "no_answer"})
    assert "a.txt" in words(store)


def test_a_folder_that_does_not_answer_is_passed_over(
    drive: Drive, store: DocumentStore, reader: Reader, folder: Path
) -> None:
    drive.silent(folder / "far")
    intake = Intake(store, reader, store.default_collection().id, [folder])
    events = list(intake.work(cancel=CancelToken()))
    assert [Path(event.path).name for event in events if isinstance(event, FileStored)] == ["a.txt", "b.txt", "e.txt"]
    assert [event.path for event in intake.done().failed] == [str(folder / "far")]
    assert intake.unanswered(str(folder))
    assert not intake.unanswered(str(folder / "near"))


def test_a_drive_is_not_waited_for_again_and_again(drive: Drive, reader: Reader, folder: Path) -> None:
    """Of a thousand files three are waited for: this would take a quarter of an hour."""
    drive.silent(folder / "far")
    wanted = [Wanted(str(folder / "far" / f"{number}.txt")) for number in range(1000)]
    visit = Visit(reader.looker)
    looks = list(visit.look(wanted, cancel=CancelToken()))
    assert [look.path for look in looks] == [each.path for each in wanted]
    assert {look.problem and look.problem.code for look in looks} == {"no_answer"}
    assert visit.doubts(str(folder))


def test_a_drive_that_gives_something_again_is_trusted_again(drive: Drive, reader: Reader, folder: Path) -> None:
    drive.silent(folder / "a.txt")
    visit = Visit(reader.looker)
    look = visit.one(str(folder / "a.txt"), "digest", cancel=CancelToken())
    assert look.problem
    assert visit.doubts(str(folder))
    assert visit.one(str(folder / "b.txt"), "digest", cancel=CancelToken()).digest
    assert not visit.doubts(str(folder))


@pytest.mark.parametrize("hangs", ["", "far", "a.txt"])
def test_cancelled_while_nothing_answers_it_ends(
    drive: Drive, store: DocumentStore, reader: Reader, folder: Path, hangs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "SILENCE", 3600.0)
    drive.silent(folder / hangs)
    cancel = CancelToken()

    def stop() -> None:
        drive.until_asked()
        cancel.cancel()

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(Cancelled):
        list(ingest(store, reader, store.default_collection().id, [folder], cancel=cancel))
    stopper.join()


def test_a_folder_that_fails_vanishes_or_may_not_be_looked_into_while_it_is_walked_through(
    drive: Drive, store: DocumentStore, reader: Reader, folder: Path
) -> None:
    drive.fails(folder / "far", 5)
    assert taken(store, reader, folder) == (["a.txt", "b.txt", "e.txt"], {"far": "unreadable_file"})
    drive.fails(folder / "far", 13)
    assert taken(store, reader, folder) == ([], {"far": "unreadable_file"})
    drive.fails(folder / "far", 2)
    assert taken(store, reader, folder) == ([], {"far": "gone"})


def test_a_link_that_leads_nowhere_or_to_a_folder_is_nothing(
    drive: Drive, store: DocumentStore, reader: Reader, folder: Path
) -> None:
    (folder / "nowhere.txt").symlink_to("none.txt")
    (folder / "back.txt").symlink_to("far")
    (folder / "more.txt").symlink_to("a.txt")
    assert taken(store, reader, folder)[1] == {}
    assert {each.name for each in store.documents()} == {"a.txt", "b.txt", "more.txt", "c.txt", "d.txt", "e.txt"}
