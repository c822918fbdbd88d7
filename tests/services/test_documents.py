"""Documents as the window and the command line use them: taken in, found at once, deleted, erased, followed."""

import sys
import threading
from array import array
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from backends.core.errors import InvalidInput
from backends.core.paths import Paths
from backends.core.stream import Stream
from backends.documents import looking
from backends.documents.types import (
    FileFailed,
    FileReading,
    FileStored,
    IngestDone,
    IngestEvent,
    SearchRequest,
)
from backends.engine.state_file import Head
from backends.services import Services
from backends.services.documents import DocumentServices
from backends.services.foundation import Foundation
from backends.services.intakes import IntakeProgress
from tests.kit.drives import Drive
from tests.kit.folders import contents
from tests.kit.pdfs import Pdf
from tests.kit.shelves import CHINESE, ENGLISH

PATIENCE = 60  # seconds, for a machine that is busy with other tests
Opened = Callable[[], AbstractContextManager[DocumentServices]]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    import os

    here = Path.cwd()
    try:
        with Services.open(Paths.under(tmp_path_factory.mktemp("base"))) as services:
            yield services
    finally:
        os.chdir(here)


@pytest.fixture
def library(base: Services, tmp_path: Path) -> Opened:
    """Opens the same library each time."""
    foundation: Foundation = replace(base._base, paths=Paths.under(tmp_path / "home"))
    foundation.paths.make()

    @contextmanager
    def opened() -> Iterator[DocumentServices]:
        with closing(DocumentServices(foundation, base.warmth, idle=0.05)) as documents:
            yield documents

    return opened


@pytest.fixture
def documents(library: Opened) -> Iterator[DocumentServices]:
    with library() as documents:
        yield documents


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "committee.txt").write_text(ENGLISH * 3)
    (folder / "报告.md").write_text(f"# 报告\n\n{CHINESE}")
    return folder


def taken(stream: Stream[IngestEvent]) -> IngestDone:
    *_, last = stream
    assert isinstance(last, IngestDone)
    return last


def found(documents: DocumentServices, text: str) -> list[str]:
    *_, last = documents.search(SearchRequest(text))
    assert last.final
    return [hit.document.name for hit in last.hits]


class Told:
    """Wakes whenever the services say that something has changed."""

    def __init__(self, documents: DocumentServices) -> None:
        self._woken = threading.Event()
        self._changes = documents._base.changes()
        self._changes.on_wake(self._woken.set)

    def until(self, so: Callable[[], bool]) -> None:
        while not so():
            assert self._woken.wait(PATIENCE)
            self._woken.clear()
            self._changes.drain()


def test_what_is_in_is_found_at_once_in_either_language(documents: DocumentServices, folder: Path) -> None:
    done = taken(documents.add([folder]))
    assert (done.documents, done.failed) == (2, ())
    assert found(documents, "committee figures") == ["committee.txt"]
    assert found(documents, "測量的方法") == ["报告.md"]  # asked in traditional characters
    assert documents.store.asked() == ()
    assert documents.progress is None


def test_the_full_text_follows_in_the_background(documents: DocumentServices, folder: Path) -> None:
    told = Told(documents)
    taken(documents.add([folder]))
    told.until(lambda: documents.index.behind == 0)
    assert found(documents, "committee") == ["committee.txt"]


def test_two_threads_share_a_request_and_each_file_is_read_once(documents: DocumentServices, tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(60):
        (many / f"{number}.txt").write_text(f"{number} {ENGLISH * 40}")
    events = list(documents.add([many]))
    stored = [event for event in events if isinstance(event, FileStored)]
    assert len({event.path for event in stored}) == len(stored) == 60
    assert not any(event.unchanged for event in stored)
    assert isinstance(events[-1], IngestDone)
    assert (events[-1].documents, events[-1].chunks) == (60, sum(event.passages for event in stored))
    assert documents.store.totals() == {"ready": 60}


def test_requests_that_come_at_once_all_end(documents: DocumentServices, tmp_path: Path) -> None:
    streams = []
    for request in range(6):
        place = tmp_path / f"request {request}"
        place.mkdir()
        for number in range(request):
            (place / f"{number}.txt").write_text(f"{request} {number}")
        streams.append(documents.add([place]))
    assert [taken(stream).documents for stream in streams] == [0, 1, 2, 3, 4, 5]


def test_paused_and_gone_on_with(documents: DocumentServices, folder: Path) -> None:
    told = Told(documents)
    documents.pause()
    stream = documents.add([folder])
    told.until(lambda: documents.progress is not None)
    assert documents.progress == IntakeProgress(paused=True)
    assert (documents.paused, documents.store.count()) == (True, 0)
    documents.go_on()
    assert taken(stream).documents == 2


def test_cancelled_nothing_is_left_of_what_was_not_in_yet(documents: DocumentServices, tmp_path: Path) -> None:
    long = tmp_path / "long.txt"
    long.write_text(ENGLISH * 60_000)
    stream = documents.add([long])
    for event in stream:
        if isinstance(event, FileReading) and event.done:
            stream.cancel()
    assert stream.wait(PATIENCE)
    assert documents.store.documents() == ()
    assert documents.store.asked() == ()
    assert documents.progress is None


def test_cancelled_before_its_turn_it_is_forgotten(documents: DocumentServices, folder: Path) -> None:
    told = Told(documents)
    documents.pause()
    first = [documents.add([folder / "committee.txt"]) for _ in range(2)]
    waits = documents.add([folder])
    waits.cancel()
    documents.go_on()
    assert [taken(stream).documents for stream in first] == [1, 1]
    assert list(waits) == []
    told.until(lambda: documents.store.asked() == ())
    assert [each.name for each in documents.store.documents()] == ["committee.txt"]


def test_a_pasted_text_has_no_file_to_be_read_once_more(documents: DocumentServices) -> None:
    (note,) = documents.add_text("Note", "A thought.")
    assert taken(documents.retry(note.id)).documents == 0
    assert documents.store.document(note.id) == note


def test_the_end_of_the_program_only_interrupts(library: Opened, tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(8):
        (many / f"{number}.txt").write_text(f"{number} {ENGLISH * 4000}")
    lines = tmp_path / "lines.jsonl"
    lines.write_text('{"id": "p1", "text": "A line of its own."}\n')
    with library() as documents:
        stream = documents.add([many])
        documents.add_jsonl(lines)
        for event in stream:
            if isinstance(event, FileStored):
                break
    with library() as documents:
        assert documents.store.count(status="ready") < 9
        told = Told(documents)
        documents.begin()
        told.until(lambda: documents.store.asked() == () and documents.store.unfinished() == ())
        assert documents.store.totals() == {"ready": 9}
        assert found(documents, "line of its own")[0] == "p1"


def test_deleted_and_back(documents: DocumentServices, folder: Path) -> None:
    taken(documents.add([folder]))
    (wanted,) = [each.id for each in documents.store.documents(query="committee")]
    assert list(documents.delete([wanted])) == [(wanted,)]
    assert found(documents, "committee") == []
    assert list(documents.undo([wanted])) == [(wanted,)]
    assert found(documents, "committee") == ["committee.txt"]


def test_erased_it_is_gone_from_every_file(
    documents: DocumentServices, base: Services, folder: Path, tmp_path: Path
) -> None:
    secret = folder / "secret.txt"
    secret.write_text("The password of the xylophone is quagmire. " * 50)
    told = Told(documents)
    taken(documents.add([folder]))
    told.until(lambda: documents.index.behind == 0)
    (document,) = documents.store.documents(query="secret")
    state = base.warmth.folder / "one.state"
    state.parent.mkdir(parents=True, exist_ok=True)
    state.write_bytes(Head("a model", array("i", [1]).tobytes(), frozenset({f"document:{document.id}"}), 0).packed(b""))
    home = documents.store.database.path.parent
    assert b"quagmire" in contents(home)

    list(documents.delete([document.id]))
    assert list(documents.erase()) == [1]

    assert not state.exists()
    assert b"quagmire" not in contents(home / "library.db")
    told.until(lambda: documents.index.behind == 0 and not documents.index.pending)
    assert b"quagmire" not in contents(home)
    assert found(documents, "quagmire") == []
    assert found(documents, "committee") == ["committee.txt"]


def test_what_was_deleted_is_erased_by_the_next_start(library: Opened, folder: Path) -> None:
    with library() as documents:
        taken(documents.add([folder]))
        list(documents.delete([each.id for each in documents.store.documents(query="committee")]))
    with library() as documents:
        told = Told(documents)
        documents.begin()
        told.until(lambda: documents.store.hidden() == ())
        assert [each.name for each in documents.store.documents()] == ["报告.md"]


def test_a_locked_file_asks_for_its_password_and_a_scanned_one_says_so(
    documents: DocumentServices, tmp_path: Path
) -> None:
    import pypdf

    book = Pdf()
    book.page(["The combination of the safe is in this line."])
    writer = pypdf.PdfWriter(clone_from=book.save(tmp_path / "plain.pdf"))
    writer.encrypt("sesame", algorithm="AES-256")
    locked, scanned, mixed = (tmp_path / f"{name}.pdf" for name in ("locked", "scanned", "mixed"))
    writer.write(locked)
    writer.close()
    pictures = Pdf()
    pictures.picture()
    pictures.picture()
    pictures.save(scanned)
    both = Pdf()
    both.page(["A page that has its text, and enough of it to be read by anybody."])
    both.picture()
    both.save(mixed)

    failed = taken(documents.add([locked, scanned, mixed])).failed
    assert {Path(each.path).name: each.problem.code for each in failed} == {
        "locked.pdf": "encrypted",
        "scanned.pdf": "scanned",
    }
    states = {each.name: each for each in documents.store.documents()}
    assert (states["locked.pdf"].status, states["scanned.pdf"].status) == ("encrypted", "scanned")
    assert (states["scanned.pdf"].pages, states["scanned.pdf"].unread) == (2, 2)
    partly = states["mixed.pdf"]
    assert (partly.status, partly.unread, partly.pages) == ("ready", 1, 2)
    assert partly.problem
    assert partly.problem.code == "pages_without_text"
    assert "2" in partly.problem.message.en

    (wrong,) = taken(documents.retry(states["locked.pdf"].id, password="nonsense")).failed
    assert wrong.problem.code == "wrong_password"
    assert documents.store.document(states["locked.pdf"].id).status == "encrypted"
    assert taken(documents.retry(states["locked.pdf"].id, password="sesame")).failed == ()
    assert "locked.pdf" in found(documents, "combination of the safe")


def test_collections_and_pasted_texts(documents: DocumentServices) -> None:
    (papers,) = documents.add_collection("Papers")
    (note,) = documents.add_text("Note", "A thought about glockenspiels.", papers.id)
    assert found(documents, "glockenspiels") == ["Note"]
    assert [each.documents for each in documents.store.collections()] == [1]
    (hidden,) = documents.remove_collection(papers.id)
    assert hidden == (note.id,)
    assert found(documents, "glockenspiels") == []
    list(documents.undo(hidden))
    assert found(documents, "glockenspiels") == ["Note"]
    with pytest.raises(InvalidInput):
        list(documents.add_collection("papers"))


def test_a_folder_that_is_followed(documents: DocumentServices, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents._follower, "_settle", 0.05)
    told = Told(documents)
    (watched,) = documents.watch(folder)
    told.until(lambda: documents.store.count(status="ready") == 2)
    (folder / "new.txt").write_text("A marimba.")
    told.until(lambda: documents.store.count(status="ready") == 3)
    assert found(documents, "marimba") == ["new.txt"]
    (folder / "new.txt").unlink()
    told.until(lambda: documents.store.count() == 2)
    list(documents.unwatch(watched.id))
    assert documents.store.watched() == ()


def test_a_collection_without_documents_comes_back_too(documents: DocumentServices, tmp_path: Path) -> None:
    told = Told(documents)
    (papers,) = documents.add_collection("Papers")
    place = tmp_path / "place"
    place.mkdir()
    (watched,) = documents.watch(place, papers.id)
    assert list(documents.remove_collection(papers.id)) == [()]
    assert (documents.store.collections(), documents.store.watched()) == ((), ())
    assert list(documents.undo((), papers.id)) == [()]
    assert documents.store.collections() == (papers,)
    assert documents.store.watched() == (watched,)
    (place / "new.txt").write_text("A marimba.")
    for stream in documents._follower.rescan():
        assert stream.wait(PATIENCE)
    told.until(lambda: [each.documents for each in documents.store.collections()] == [1])

    list(documents.remove_collection(papers.id))
    list(documents.add_collection("PAPERS"))
    list(documents.undo((), papers.id))
    assert [each.name for each in documents.store.collections()] == ["Papers (2)", "PAPERS"]


def test_a_collection_that_is_removed_takes_nothing_in_any_more(documents: DocumentServices, folder: Path) -> None:
    (papers,) = documents.add_collection("Papers")
    documents.pause()
    stream = documents.add([folder], papers.id)
    other = documents.add([folder])
    assert list(documents.remove_collection(papers.id)) == [()]
    documents.go_on()
    assert stream.wait(PATIENCE)
    assert taken(other).documents == 2
    assert documents.store.count() == 2


def test_cancelled_all_of_it_ends_and_folders_go_on_with_the_next_change(
    documents: DocumentServices, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents._follower, "_settle", 0.05)
    told = Told(documents)
    lines = tmp_path / "lines.jsonl"
    lines.write_text('{"id": "p1", "text": "A line of its own."}\n')
    documents.pause()
    (watched,) = documents.watch(folder)
    told.until(lambda: documents.progress is not None)
    asked = documents.add([tmp_path / "lines.jsonl"])
    listed = documents.add_jsonl(lines)
    documents.cancel()
    assert (asked.wait(PATIENCE), listed.wait(PATIENCE), documents.paused) == (True, True, False)
    told.until(lambda: documents.progress is None and documents.store.asked() == ())
    told.until(lambda: [each.problem and each.problem.code for each in documents.store.watched()] == ["stopped"])
    assert documents.store.count() == 0

    (folder / "new.txt").write_text("A marimba.")
    told.until(lambda: documents.store.count(status="ready") == 3)
    assert documents.store.watched() == (watched,)


def test_documents_are_begun_in_the_order_in_which_they_were_given(documents: DocumentServices, tmp_path: Path) -> None:
    names = [f"{number}.txt" for number in (3, 1, 2, *range(4, 30))]
    for name in names:  # the first ones take longest to be looked at
        (tmp_path / name).write_text(f"{name} " * (200_000 if name in names[:3] else 3))
    assert taken(documents.add([tmp_path / name for name in names])).documents == len(names)
    assert [each.name for each in reversed(documents.store.documents())] == names


def test_what_cannot_be_read_is_counted_and_the_rest_goes_on(documents: DocumentServices, folder: Path) -> None:
    (folder / "torn.pdf").write_bytes(b"%PDF-1.7\n%torn")
    events = list(documents.add([folder, folder / "none"]))
    assert sorted(Path(event.path).name for event in events if isinstance(event, FileFailed)) == ["none", "torn.pdf"]
    assert isinstance(events[-1], IngestDone)
    assert (events[-1].documents, len(events[-1].failed)) == (2, 2)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes with names are those of POSIX")
def test_a_drive_that_does_not_answer_holds_up_no_end_and_is_asked_again_by_the_next_start(
    library: Opened, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = Drive(tmp_path / "drive", monkeypatch)
    drive.silent(folder)
    with library() as documents:  # closed while both wait for it
        documents.add([folder])
        list(documents.watch(folder))
        drive.until_asked()
        drive.until_asked()
    monkeypatch.setattr(looking, "SILENCE", 2.0)
    monkeypatch.setattr(looking, "AGAIN", 1.0)
    with library() as documents:
        told = Told(documents)
        documents.begin()
        told.until(lambda: [each.problem and each.problem.code for each in documents.store.watched()] == ["no_answer"])
        told.until(lambda: documents.progress is None)
        assert len(documents.store.asked()) == 1
        drive.silent(folder / "committee.txt")
        assert [event.problem.code for event in documents.add([folder]) if isinstance(event, FileFailed)] == [
            "no_answer"
        ]
        drive.answers()
        (silent,) = documents.store.unanswered()
        assert taken(documents.retry(silent.id)).failed == ()
        assert found(documents, "committee figures") == ["committee.txt"]
        assert documents.store.unanswered() == ()
    with library() as documents:
        told = Told(documents)
        documents.begin()
        told.until(lambda: [each.problem for each in documents.store.watched()] == [None])
        told.until(lambda: documents.store.asked() == () and documents.progress is None)
    drive.close()
