"""Files are read in a child process: whatever a file does to it, the next one is read."""

import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled
from backends.documents.extract.asked import MIB
from backends.documents.extract.reader import FORMATS, READERS, Limits, Reader, supported
from backends.documents.extract.sections import LONGEST, clean, pieces, tidy
from backends.documents.types import Closed, Opened, ReadEvent, Reading, Section
from tests.kit.pdfs import Pdf

posix = pytest.mark.skipif(sys.platform == "win32", reason="limits, signals and names of POSIX")
ROOT = Path(__file__).resolve().parents[2]
linux = pytest.mark.skipif(sys.platform != "linux", reason="limits and names as Linux has them")


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    one = Reader()
    yield one
    one.close()


def read(reader: Reader, path: Path) -> list[ReadEvent]:
    return list(reader.read(path, cancel=CancelToken()))


def text(events: list[ReadEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Section))


def refusal(reader: Reader, path: Path) -> str:
    with pytest.raises(BackendError) as refused:
        read(reader, path)
    assert refused.value.message.en
    assert refused.value.message.zh
    return refused.value.code


def note(folder: Path, name: str = "note.txt", words: str = "It is a note. 会议在周三。\n") -> Path:
    (folder / name).write_text(words, encoding="utf-8")
    return folder / name


def long_text(path: Path, size: int) -> Path:
    line = "The quick brown fox jumps over the lazy dog, and the dog does not mind at all. 一二三四五。\n".encode()
    path.write_bytes(line * (size // len(line)))
    return path


def test_a_file_is_opened_read_and_closed(reader: Reader, tmp_path: Path) -> None:
    opened, *between, closed = read(reader, note(tmp_path))
    assert opened == Opened("text")
    assert text(between) == "It is a note. 会议在周三。\n"
    assert closed == Closed()


def test_an_empty_file_is_opened_and_closed(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").touch()
    assert read(reader, tmp_path / "empty.pdf") == [Opened("pdf"), Closed()]


def test_the_same_child_reads_one_file_after_the_other(tmp_path: Path) -> None:
    one = Reader()
    read(one, note(tmp_path))
    (first,) = one.pids
    read(one, note(tmp_path, "two.md", "# Two\n"))
    assert refusal(one, tmp_path / "three") == "unreadable_file"
    assert one.pids == [first]
    one.close()
    assert not psutil.pid_exists(first)


def test_a_large_program_keeps_its_reader(tmp_path: Path) -> None:
    """A model of many gigabytes in the program that asks says nothing of the child."""
    code = (
        "import sys; from pathlib import Path; from backends.core.cancel import CancelToken; "
        "from backends.documents.extract.reader import Reader; model = bytearray(b'x') * (600 << 20); one = Reader(); "
        "pids = [(list(one.read(Path(sys.argv[1]), cancel=CancelToken())), one.pids)[1] for _ in range(2)]; "
        "one.close(); print(len(pids[0]), pids[0] == pids[1])"
    )
    command = [sys.executable, "-c", code, str(note(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["1", "True"]


def test_two_files_are_read_at_once(tmp_path: Path) -> None:
    one = Reader()
    paths = [long_text(tmp_path / f"{n}.txt", 3 * MIB) for n in range(2)]
    first, second = (one.read(path, cancel=CancelToken()) for path in paths)
    assert next(first) == next(second) == Opened("text")
    both = [len(text(list(events))) for events in (first, second)]
    assert both[0] == both[1] > 2 * MIB
    assert len(set(one.pids)) == 2
    one.close()


@pytest.mark.parametrize(
    "name",
    [
        *("带空格 的名字.txt", "Ünïcödé.txt", "файл.txt", "ملف.txt", "파일.txt", "🦊 fox.txt"),
        *("-rf.txt", "a'b\"c$(x)`.txt", "x" * 200 + ".txt"),
    ],
)
def test_names_in_every_script(reader: Reader, tmp_path: Path, name: str) -> None:
    try:
        path = note(tmp_path, name)
    except OSError:
        pytest.skip("no such name on this system")
    assert "It is a note" in text(read(reader, path))


@linux
@pytest.mark.parametrize("name", [b"\xb2\xe2\xca\xd4.pdf", b"line\nend.pdf"])
def test_names_that_are_no_text(reader: Reader, tmp_path: Path, name: bytes) -> None:
    book = Pdf()
    book.page(["inside"])
    path = tmp_path / os.fsdecode(name)
    book.save(path)
    assert text(read(reader, path)) == "inside"


def test_a_relative_path_is_that_of_this_process(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert "It is a note" in text(read(reader, Path("note.txt")))


def test_what_the_system_does_not_give_is_said(reader: Reader, tmp_path: Path) -> None:
    assert refusal(reader, tmp_path / "gone.txt") == "unreadable_file"
    assert refusal(reader, tmp_path) == "unreadable_file"


@posix
def test_a_pipe_is_no_file_and_holds_nobody_up(reader: Reader, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert refusal(reader, tmp_path / "pipe.txt") == "unreadable_file"


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() == 0, reason="nobody forbids the superuser to read")
def test_a_file_that_nobody_may_read(reader: Reader, tmp_path: Path) -> None:
    note(tmp_path).chmod(0)
    assert refusal(reader, tmp_path / "note.txt") == "unreadable_file"


def test_what_is_no_document_is_not_read(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "noise.txt").write_bytes(random.Random(1).randbytes(50_000))
    (tmp_path / "photo.pdf").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    assert refusal(reader, tmp_path / "noise.txt") == "unsupported_format"
    assert refusal(reader, tmp_path / "photo.pdf") == "unsupported_format"


def test_a_child_that_is_killed_costs_one_document(tmp_path: Path) -> None:
    one = Reader()
    events = one.read(long_text(tmp_path / "long.txt", 30 * MIB), cancel=CancelToken())
    next(events)
    (child,) = one.pids
    psutil.Process(child).kill()
    with pytest.raises(BackendError) as died:
        list(events)
    assert died.value.code == "reader_died"
    assert "It is a note" in text(read(one, note(tmp_path)))
    one.close()


def test_a_child_that_died_while_it_had_nothing_to_do_costs_nothing(tmp_path: Path) -> None:
    one = Reader()
    path = note(tmp_path)
    read(one, path)
    (child,) = one.pids
    process = psutil.Process(child)
    process.kill()
    psutil.wait_procs([process], timeout=60)
    assert "It is a note" in text(read(one, path))
    assert one.pids != [child]
    one.close()


@linux
def test_a_pdf_that_takes_too_much_memory_is_too_large(tmp_path: Path) -> None:
    """PDFium aborts when it gets no memory."""
    one = Reader(Limits(memory=250 * MIB))
    book = Pdf()
    book.drawn(b"BT /L 11 Tf 60 700 Td (words)" + b" " * 300_000_000 + b" Tj ET", packed=True)
    assert refusal(one, book.save(tmp_path / "book.pdf")) == "too_large"
    one.close()


@linux
def test_a_file_that_takes_too_much_memory_is_given_up(tmp_path: Path) -> None:
    one = Reader(Limits(memory=220 * MIB))
    page = tmp_path / "page.html"
    page.write_bytes(b"<p>" + b"<i>a</i>" * (5 * MIB))
    assert refusal(one, page) in ("too_large", "reader_died")
    assert "It is a note" in text(read(one, note(tmp_path)))
    one.close()


@linux
def test_a_file_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    one = Reader(Limits(seconds=1, seconds_per_mib=0, seconds_per_step=0))
    path = long_text(tmp_path / "long.txt", MIB)
    os.truncate(path, 8192 * MIB)  # takes no room on the disk, and an age to read
    assert refusal(one, path) == "out_of_time"
    assert "It is a note" in text(read(one, note(tmp_path)))
    one.close()


def test_too_much_text_is_not_taken(tmp_path: Path) -> None:
    one = Reader(Limits(characters=MIB))
    assert refusal(one, long_text(tmp_path / "long.txt", 2 * MIB)) == "too_large"
    one.close()


@posix
def test_a_drive_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    one = Reader(Limits(silence=2))
    events = one.read(long_text(tmp_path / "long.txt", 30 * MIB), cancel=CancelToken())
    next(events)
    (child,) = one.pids
    psutil.Process(child).suspend()
    with pytest.raises(BackendError) as hung:
        list(events)
    assert hung.value.code == "out_of_time"
    assert "It is a note" in text(read(one, note(tmp_path)))
    one.close()


def test_a_cancel_ends_the_reading(tmp_path: Path) -> None:
    one, cancel = Reader(), CancelToken()
    events = one.read(long_text(tmp_path / "long.txt", 30 * MIB), cancel=cancel)
    next(events)
    cancelling = threading.Thread(target=cancel.cancel)
    cancelling.start()
    cancelling.join()  # 30 MB wait in the child, since nobody takes them
    with pytest.raises(Cancelled):
        list(events)
    assert "It is a note" in text(read(one, note(tmp_path)))
    one.close()


def test_who_stops_reading_hinders_nobody(tmp_path: Path) -> None:
    one = Reader()
    events = one.read(long_text(tmp_path / "long.txt", 30 * MIB), cancel=CancelToken())
    assert isinstance(next(events), Opened)
    events.close()
    assert "It is a note" in text(read(one, note(tmp_path)))
    one.close()


def test_a_child_does_not_read_on_while_nobody_takes_what_it_says(tmp_path: Path) -> None:
    """60 MB; what the child holds and what waits here is some batches, not the file."""
    one = Reader()
    path = long_text(tmp_path / "long.txt", 60 * MIB)
    events = one.read(path, cancel=CancelToken())
    before = psutil.Process().memory_info().rss
    taken, most = 0, 0
    for event in events:
        if isinstance(event, Reading):
            taken += 1
            if taken % 1000 == 0:
                (child,) = one.pids
                most = max(most, psutil.Process(child).memory_info().rss)
                assert psutil.Process().memory_info().rss < before + 100 * MIB
    assert taken > 3000
    assert 0 < most < 150 * MIB
    one.close()


@posix
def test_a_file_that_goes_while_it_is_read(reader: Reader, tmp_path: Path) -> None:
    path = long_text(tmp_path / "long.txt", 10 * MIB)
    events = reader.read(path, cancel=CancelToken())
    next(events)
    path.unlink()
    rest = list(events)  # the system keeps what is open
    assert isinstance(rest[-1], Closed)


def test_a_file_that_shrinks_while_it_is_read(reader: Reader, tmp_path: Path) -> None:
    book = Pdf()
    for n in range(3000):
        book.page([f"page {n} of a book " + "words " * 60] * 20)
    path = book.save(tmp_path / "book.pdf")
    events = reader.read(path, cancel=CancelToken())
    next(events)
    os.truncate(path, 100_000)
    code = ""
    try:
        assert isinstance(list(events)[-1], Closed)
    except BackendError as error:
        code = error.code
    assert code in ("", "damaged_file")
    assert "It is a note" in text(read(reader, note(tmp_path)))


# ---- what every reader's finds go through


@given(st.text(st.characters(codec=None), max_size=300), st.integers(1, 40))
def test_pieces_are_the_text(words: str, longest: int) -> None:
    parts = list(pieces(words, longest))
    assert "".join(parts) == words
    assert all(0 < len(part) <= longest for part in parts)


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=300))
def test_what_is_clean_can_be_stored(words: str) -> None:
    done = clean(words)
    assert clean(done) == done
    assert done.encode("utf-8").decode("utf-8") == done
    assert all(character.isprintable() or character in "\n\t" or character > "\x9f" for character in done)


def test_long_sections_come_in_several_and_empty_ones_not_at_all() -> None:
    found = tidy(
        [Section("  \n"), Section("一句话。" * 20_000, 3, headings=("A\nB", "")), Reading(1, 2)], "text", 1 << 20
    )
    opened, *sections, reading, closed = found
    assert opened == Opened("text")
    assert reading == Reading(1, 2)
    assert closed == Closed(3)
    texts = [section.text for section in sections if isinstance(section, Section)]
    assert "".join(texts) == "一句话。" * 20_000
    assert all(len(part) <= LONGEST and part.endswith("。") for part in texts)
    assert {section.headings for section in sections if isinstance(section, Section)} == {("A B",)}


def test_lone_surrogates_and_controls_go() -> None:
    assert clean("a\x00b\ud800c\ufffe\r\nd\re\u2028f\x0b\xadg") == "abc\nd\ne\nf\ng"


# ---- what there is to choose from


def test_formats_have_names_in_both_languages_and_a_reader() -> None:
    assert READERS.keys() == FORMATS.keys()
    for one in FORMATS.values():
        assert one.words.en
        assert one.words.zh
        assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in one.suffixes)


def test_a_walk_takes_what_can_be_read() -> None:
    taken = [name for name in ("a.PDF", "b.docx", "c.txt", "d.md", "e.py") if supported(Path(name))]
    assert len(taken) == 5
    assert not any(supported(Path(name)) for name in (".hidden.txt", "~$word.docx", "a.exe", "b.jpg", "noext"))
