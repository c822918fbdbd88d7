"""Taking in: what is new is read, what is known costs nothing, what goes wrong is said of the file it is about."""

import os
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, InvalidInput, StorageError
from backends.documents.extract.reader import Reader
from backends.documents.gate import Gate
from backends.documents.ingest import Intake, ingest, ingest_jsonl, ingest_text
from backends.documents.store import DocumentStore
from backends.documents.types import (
    FileFailed,
    FileReading,
    FileStored,
    IngestDone,
    IngestEvent,
    Queued,
    ReadEvent,
)
from tests.kit.shelves import CHINESE, ENGLISH, words

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
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
    folder.mkdir()
    return folder


class Taken:
    """What came of taking these in."""

    def __init__(self, store: DocumentStore, reader: Reader, *paths: Path, **options: object) -> None:
        collection = store.default_collection().id
        self.events: list[IngestEvent] = list(
            ingest(store, reader, collection, paths, cancel=CancelToken(), **options)  # type: ignore[arg-type]
        )
        self.stored = [event for event in self.events if isinstance(event, FileStored)]
        self.new = [Path(event.path).name for event in self.stored if not event.unchanged]
        self.failed = {
            Path(event.path).name: event.problem.code for event in self.events if isinstance(event, FileFailed)
        }
        last = self.events[-1]
        assert isinstance(last, IngestDone)
        self.done = last


def write(path: Path, text: str, *, at: float | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    if at is not None:
        os.utime(path, (at, at))
    return path


class TestWhatIsTaken:
    def test_a_folder_with_its_subfolders(self, store: DocumentStore, reader: Reader, folder: Path) -> None:
        write(folder / "a.txt", ENGLISH)
        write(folder / "deep" / "deeper" / "研究.md", f"# 报告\n\n{CHINESE}")
        write(folder / ".git" / "config.txt", "not this")
        write(folder / "~$lock.docx", "nor this")
        write(folder / "program.exe", "nor that")
        (folder / "loop").symlink_to(folder)
        os.mkfifo(folder / "pipe.txt")
        taken = Taken(store, reader, folder)
        assert taken.new == ["a.txt", "研究.md"]
        assert taken.failed == {}
        assert taken.events[0] == Queued(2)
        assert (taken.done.documents, taken.done.chunks) == (2, 2)
        assert [each.status for each in store.documents()] == ["ready", "ready"]
        assert "研究人员" in words(store)

    def test_a_file_that_is_named_is_taken_whatever_it_is_called(
        self, store: DocumentStore, reader: Reader, folder: Path
    ) -> None:
        assert Taken(store, reader, write(folder / "README", ENGLISH), folder / "none.txt").failed == {
            "none.txt": "gone"
        }
        assert [each.name for each in store.documents()] == ["README"]

    def test_progress_is_told_and_comes_in_order(self, store: DocumentStore, reader: Reader, folder: Path) -> None:
        write(folder / "long.txt", ENGLISH * 20_000)
        events = Taken(store, reader, folder).events
        readings = [event for event in events if isinstance(event, FileReading)]
        assert len(readings) > 2
        assert [event.done for event in readings] == sorted(event.done for event in readings)
        assert readings[-1].done <= readings[-1].total

    def test_many_small_files_are_not_all_kept_in_mind(
        self, store: DocumentStore, reader: Reader, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("backends.documents.ingest.AHEAD", 8)
        for number in range(40):
            write(folder / f"{number:02}.txt", f"Number {number}.")
        queued = [event.files for event in Taken(store, reader, folder).events if isinstance(event, Queued)]
        assert queued[0] == 8
        assert queued[-1] == 40
        assert store.totals() == {"ready": 40}


class TestWhatIsKnown:
    def test_an_unchanged_file_is_not_even_opened(self, store: DocumentStore, reader: Reader, folder: Path) -> None:
        file = write(folder / "a.txt", "first", at=1000)
        Taken(store, reader, folder)
        write(file, "FIRST", at=1000)  # as if nothing had happened
        taken = Taken(store, reader, folder)
        assert (taken.new, len(taken.stored), taken.done.chunks) == ([], 1, 0)
        assert words(store) == "first"

    def test_a_touched_one_is_known_by_its_bytes(self, store: DocumentStore, reader: Reader, folder: Path) -> None:
        file = write(folder / "a.txt", "first", at=1000)
        Taken(store, reader, folder)
        sequence = store.sequence
        os.utime(file, (2000, 2000))
        assert Taken(store, reader, folder).new == []
        assert store.sequence == sequence
        assert store.documents()[0].modified == 2000

    def test_a_changed_one_is_read_anew(self, store: DocumentStore, reader: Reader, folder: Path) -> None:
        file = write(folder / "a.txt", "first", at=1000)
        (before,) = (Taken(store, reader, folder), store.documents()[0])[1:]
        write(file, "second", at=2000)
        assert Taken(store, reader, folder).new == ["a.txt"]
        assert words(store) == "second"
        assert [each.id for each in store.documents()] == [before.id]

    def test_a_moved_one_is_the_same_document(self, store: DocumentStore, reader: Reader, folder: Path) -> None:
        file = write(folder / "a.txt", ENGLISH)
        Taken(store, reader, folder)
        (before,) = store.documents()
        file.rename(folder / "b.txt")
        assert Taken(store, reader, folder).new == []
        (after,) = store.documents()
        assert (after.id, after.path, after.name) == (before.id, str(folder / "b.txt"), "b.txt")

    def test_a_copy_is_another_document(self, store: DocumentStore, reader: Reader, folder: Path) -> None:
        write(folder / "a.txt", ENGLISH)
        Taken(store, reader, folder)
        write(folder / "b.txt", ENGLISH)
        assert Taken(store, reader, folder).new == ["b.txt"]

    def test_a_deleted_one_that_is_taken_in_again_is_back(
        self, store: DocumentStore, reader: Reader, folder: Path
    ) -> None:
        write(folder / "a.txt", ENGLISH)
        Taken(store, reader, folder)
        (before,) = store.documents()
        store.hide([before.id])
        assert Taken(store, reader, folder).new == []
        assert store.documents() == (before,)

    def test_a_followed_folder_does_not_bring_back_what_was_deleted(
        self, store: DocumentStore, reader: Reader, folder: Path
    ) -> None:
        write(folder / "a.txt", ENGLISH)
        Taken(store, reader, folder)
        (document,) = store.documents()
        store.watch(document.collection_id, folder)
        store.hide([document.id])
        for _ in range(2):
            intake = Intake(store, reader, document.collection_id, [folder], follows=True)
            assert [type(event) for event in intake.work(cancel=CancelToken())] == [Queued]
            store.erase_hidden()
        assert Taken(store, reader, folder).new == ["a.txt"]  # the person asks for it


class Growing(Reader):
    """While it reads, somebody writes to the file, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def read(
        self, path: Path, *, password: str = "", recognise: bool = False, cancel: CancelToken
    ) -> Generator[ReadEvent]:
        yield from super().read(path, password=password, recognise=recognise, cancel=cancel)
        if self.times:
            self.times -= 1
            with path.open("a") as file:
                file.write(f"{self.times} ")


class TestWhatGoesWrong:
    def test_one_that_changes_while_it_is_read_is_read_once_more(self, store: DocumentStore, folder: Path) -> None:
        write(folder / "a.txt", "first ")
        reader = Growing(1)
        assert Taken(store, reader, folder).new == ["a.txt"]
        assert words(store) == "first 0"
        reader.close()

    def test_and_if_it_changes_still_that_is_said_and_it_is_read_another_time(
        self, store: DocumentStore, reader: Reader, folder: Path
    ) -> None:
        write(folder / "a.txt", "first ")
        growing = Growing(2)
        assert Taken(store, growing, folder).failed == {"a.txt": "changing"}
        growing.close()
        (document,) = store.documents()
        assert (document.status, words(store)) == ("failed", "")
        assert Taken(store, reader, folder).new == ["a.txt"]
        assert words(store) == "first 1 0"

    def test_empty_damaged_and_unknown_files_are_said_and_the_rest_goes_on(
        self, store: DocumentStore, reader: Reader, folder: Path
    ) -> None:
        write(folder / "empty.txt", " \n")
        (folder / "nothing.txt").touch()
        (folder / "torn.pdf").write_bytes(b"%PDF-1.7\n%torn\n")
        (folder / "torn.docx").write_bytes(b"PK\x03\x04" + bytes(100))
        (folder / "zeros.txt").write_bytes(bytes(5000))
        write(folder / "z.txt", ENGLISH)
        taken = Taken(store, reader, folder)
        assert taken.new == ["z.txt"]
        assert {name: taken.failed[name] for name in ("empty.txt", "nothing.txt")} == {
            "empty.txt": "empty",
            "nothing.txt": "empty",
        }
        assert set(taken.failed) == {"empty.txt", "nothing.txt", "torn.pdf", "torn.docx", "zeros.txt"}
        for document in store.documents():
            assert (document.status == "ready") == (document.name == "z.txt")
            assert (document.problem is None) == (document.name == "z.txt")
        assert {event.path for event in taken.done.failed} == {str(folder / name) for name in taken.failed}

    def test_a_drive_that_goes_away_does_not_take_what_was_read(
        self, store: DocumentStore, reader: Reader, folder: Path
    ) -> None:
        file = write(folder / "a.txt", ENGLISH)
        Taken(store, reader, folder)
        file.unlink()
        assert Taken(store, reader, file).failed == {"a.txt": "gone"}
        assert words(store) == ENGLISH.strip()

    def test_a_full_disk_is_said_of_the_document_that_did_not_fit(
        self, store: DocumentStore, reader: Reader, folder: Path
    ) -> None:
        for name, size in (("a.txt", 10), ("b.txt", 20_000), ("c.txt", 10)):
            write(folder / name, ENGLISH * size)
        store.default_collection()
        _leave(store, 100)
        taken = Taken(store, reader, folder)
        assert (taken.new, taken.failed) == (["a.txt", "c.txt"], {"b.txt": "disk_full"})
        _leave(store, 100_000)
        assert Taken(store, reader, folder).new == ["b.txt"]

    def test_when_nothing_can_be_written_any_more_it_ends_with_the_reason(
        self, store: DocumentStore, reader: Reader, folder: Path
    ) -> None:
        for number in range(300):
            write(folder / f"{number:03}.txt", f"{number} {ENGLISH * 100}")
        store.default_collection()
        _leave(store, 20)
        with pytest.raises(StorageError) as caught:
            Taken(store, reader, folder)
        assert caught.value.code == "disk_full"
        _leave(store, 100_000)
        Taken(store, reader, folder)
        assert store.totals() == {"ready": 300}


def _leave(store: DocumentStore, pages: int) -> None:
    """So much room has the disk left, says SQLite."""
    used = store.database.connection().execute("PRAGMA page_count").fetchone()[0]
    store.database.connection().execute(f"PRAGMA max_page_count = {used + pages}")


class TestStopping:
    def test_cancelled_in_the_middle_and_gone_on_with(self, store: DocumentStore, reader: Reader, folder: Path) -> None:
        for number in range(5):
            write(folder / f"{number}.txt", f"{number} " + ENGLISH * 5000)
        cancel, collection = CancelToken(), store.default_collection().id
        work = ingest(store, reader, collection, [folder], cancel=cancel)
        for event in work:
            if isinstance(event, FileReading) and event.path.endswith("2.txt") and event.done:
                cancel.cancel()
                break
        with pytest.raises(Cancelled):
            list(work)
        assert [each.name for each in store.documents(status="ready")] == ["1.txt", "0.txt"]
        assert [each.name for each in store.unfinished()] == ["2.txt"]
        assert Taken(store, reader, folder).new == ["2.txt", "3.txt", "4.txt"]

    def test_given_up_nothing_of_it_is_left(self, store: DocumentStore, reader: Reader, folder: Path) -> None:
        write(folder / "a.txt", ENGLISH * 50_000)
        cancel = CancelToken()
        intake = Intake(store, reader, store.default_collection().id, [folder])
        work = intake.work(cancel=cancel)
        assert any(isinstance(event, FileReading) for event in work)
        cancel.cancel()
        with pytest.raises(Cancelled):
            list(work)
        intake.give_up()
        assert store.documents() == ()

    def test_paused_it_waits_and_goes_on(self, store: DocumentStore, reader: Reader, folder: Path) -> None:
        for number in range(3):
            write(folder / f"{number}.txt", ENGLISH)
        gate = Gate()
        intake = Intake(store, reader, store.default_collection().id, [folder], gate=gate)
        gate.pause()
        done = threading.Event()

        def work() -> None:
            list(intake.work(cancel=CancelToken()))
            done.set()

        threading.Thread(target=work).start()
        assert not done.wait(0.1)
        assert store.count() == 0
        gate.go_on()
        assert done.wait(60)
        assert store.count() == 3

    def test_cancelled_while_paused(self) -> None:
        gate, cancel = Gate(), CancelToken()
        gate.pause()
        threading.Timer(0.05, cancel.cancel).start()
        with pytest.raises(Cancelled):
            gate.wait(cancel)

    def test_it_waits_for_an_answer_but_not_for_ever(self) -> None:
        looks: list[bool] = []
        gate = Gate(lambda: len(looks) < 3 and looks.append(True) is None)
        gate.wait(CancelToken())
        assert len(looks) == 3
        Gate(lambda: True, patience=0.01).wait(CancelToken())

    @pytest.mark.parametrize("after", [1, 4])
    def test_killed_in_the_middle(self, tmp_path: Path, reader: Reader, folder: Path, after: int) -> None:
        texts = {f"{number}.txt": f"{number} {ENGLISH * 3000}" for number in range(7)}
        for name, text in texts.items():
            write(folder / name, text)
        library = tmp_path / "library.db"
        child = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "ingesting_child.py"), str(library), str(folder)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert child.stdout is not None
        with child.stdout:
            said: list[list[str]] = []
            while sum(line[0] == "stored" for line in said) < after or said[-1][0] == "stored":
                said.append(child.stdout.readline().split())
            child.stdout.readline()  # in the middle of the next one
            child.kill()
            child.wait()

        store = DocumentStore.open(library)
        stored = [Path(line[1]).name for line in said if line[0] == "stored"]
        here = {each.name for each in store.documents(status="ready")}
        assert here >= set(stored)
        for document in store.documents():
            whole = store.text(document.id)
            assert whole.strip() in ("", texts[document.name].strip())
            assert bool(whole) == (document.name in here) == (document.id in store.visible())
        assert [each.path for each in store.asked()] == [str(folder)]
        taken = Taken(store, reader, *[Path(each.path) for each in store.asked()])
        assert set(taken.new) == set(texts) - here
        assert store.totals() == {"ready": len(texts)}
        assert store.database.connection().execute("SELECT count(*) FROM loose").fetchone()[0] == 0
        store.close()


class TestNoFiles:
    def test_lines_of_a_jsonl_file(self, store: DocumentStore, folder: Path) -> None:
        file = write(
            folder / "lines.jsonl",
            '{"id": "p1", "title": "One", "text": "First text."}\n'
            '{"id": 2, "text": "第二段。"}\n'
            "not json\n"
            '{"title": "nameless", "text": "No id."}\n'
            '{"id": "p4", "text": ""}\n',
        )
        collection = store.default_collection().id
        *events, done = ingest_jsonl(store, collection, file, cancel=CancelToken())
        assert isinstance(done, IngestDone)
        assert (done.documents, done.chunks, len(done.failed)) == (2, 2, 3)
        assert [event.path for event in events if isinstance(event, FileStored)] == ["p1", "2"]
        assert [(event.path.rpartition(":")[2], event.problem.code) for event in done.failed] == [
            ("3", "bad_line"),
            ("4", "bad_line"),
            ("p4", "empty"),
        ]
        found = store.find("p1")
        assert found
        assert (found.known_as, found.title, found.path) == ("p1", "One", "")
        write(file, '{"id": "p1", "title": "One", "text": "First text."}\n{"id": 2, "text": "Another."}')
        *_, done = ingest_jsonl(store, collection, file, cancel=CancelToken())
        assert isinstance(done, IngestDone)
        assert (done.documents, done.chunks) == (2, 1)
        assert words(store) == "First text. Another."

    def test_a_line_without_end_is_passed_over(
        self, store: DocumentStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("backends.documents.lines.LONGEST", 200)
        file = write(folder / "lines.jsonl", '{"id": "a", "text": "' + "x" * 5000 + '"}\n{"id": "b", "text": "B."}\n')
        *_, done = ingest_jsonl(store, store.default_collection().id, file, cancel=CancelToken())
        assert isinstance(done, IngestDone)
        assert (done.documents, len(done.failed)) == (1, 1)

    def test_a_file_that_is_not_there(self, store: DocumentStore, folder: Path) -> None:
        with pytest.raises(InvalidInput) as caught:
            list(ingest_jsonl(store, store.default_collection().id, folder / "none.jsonl", cancel=CancelToken()))
        assert caught.value.code == "gone"

    def test_pasted_texts_do_not_replace_each_other(self, store: DocumentStore) -> None:
        collection = store.default_collection().id
        first = ingest_text(store, collection, " Note ", "First.")
        second = ingest_text(store, collection, "Note", "Second. " + ENGLISH * 1000)
        assert (first.name, second.name) == ("Note", "Note (2)")
        assert store.text(second.id) == "Second. " + ENGLISH * 1000
        assert all(each.end - each.start <= 32_768 for each in store.sections(second.id))
        with pytest.raises(InvalidInput):
            ingest_text(store, collection, "Nothing", " \n")
