"""A reader that ends says which limit or signal it was, and a file is not blamed for what the system did."""

import logging
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError
from backends.documents.extract.asked import MIB
from backends.documents.extract.reader import Limits, Reader
from tests.kit.pdfs import Pdf

ROOT = Path(__file__).resolve().parents[2]
posix = pytest.mark.skipif(sys.platform == "win32", reason="limits and signals of POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")


def a_pdf(folder: Path, pages: int = 1) -> Path:
    book = Pdf()
    for number in range(pages):
        book.page([f"page {number} " + "words " * 15] * 40)
    return book.save(folder / "book.pdf")


def refusal(path: Path, limits: Limits | None = None) -> BackendError:
    one = Reader(limits)
    try:
        with pytest.raises(BackendError) as refused:
            list(one.read(path, cancel=CancelToken()))
    finally:
        one.close()
    return refused.value


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the child imports in the place of PDFium."""
    (tmp_path / "libraries").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "libraries"))
    return tmp_path / "libraries" / "pypdfium2.py"


@posix
def test_a_reader_that_the_system_kills_is_not_the_files_fault(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = Reader()
    events = one.read(a_pdf(tmp_path, 3000), cancel=CancelToken())
    for _ in range(1000):
        next(events)
    (child,) = one.pids
    psutil.Process(child).kill()
    with pytest.raises(BackendError) as died:
        list(events)
    one.close()
    assert died.value.code == "reader_died"
    assert "The system ended" in died.value.message.en
    assert "SIGKILL" in caplog.text
    assert "of 3000, by no limit" in caplog.text


@posix
def test_the_log_names_the_limit_on_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = a_pdf(tmp_path, 3000)
    assert refusal(path, Limits(seconds=0, seconds_per_mib=0, seconds_per_step=0)).code == "out_of_time"
    assert "without processor time: ended by SIGXCPU" in caplog.text


@linux
def test_the_log_names_the_limit_on_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    book = Pdf()
    book.drawn(b"BT /L 11 Tf 60 700 Td (words)" + b" " * 300_000_000 + b" Tj ET", packed=True)
    assert refusal(book.save(tmp_path / "a.pdf"), Limits(memory=250 * MIB)).code == "too_large"
    assert "with 250 MiB at most: ended by SIGABRT" in caplog.text


@linux
def test_a_page_that_gets_no_memory_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(b"<p>" + b"<i>a</i>" * (2 * MIB))
    assert refusal(tmp_path / "page.html", Limits(memory=250 * MIB)).code == "too_large"


@linux
def test_a_limit_of_the_system_on_time_is_no_kill(tmp_path: Path) -> None:
    """The hard limit of the process that asks is that of the child: whoever reaches it is killed."""
    code = (
        "import resource, sys; from pathlib import Path; from backends.core.cancel import CancelToken; "
        "from backends.documents.extract.reader import Reader; from backends.core.errors import BackendError\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (4, 4))\n"
        "one = Reader()\n"
        "try: list(one.read(Path(sys.argv[1]), cancel=CancelToken()))\n"
        "except BackendError as error: print(error.code)\n"
        "one.close()"
    )
    path = tmp_path / "long.txt"
    with path.open("wb") as hole:
        hole.write(b"words\n" * 1000)
        hole.truncate(8192 * MIB)  # takes no room on the disk, and an age to read
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["out_of_time"], done.stderr


@posix
@pytest.mark.parametrize(
    ("words", "code"),
    [("a word of a library", "too_large"), ("double free or corruption (out)", "reader_died")],
)
def test_an_abort_means_no_memory_whatever_else_was_said(tmp_path: Path, library: Path, words: str, code: str) -> None:
    library.write_text(f"import os\nos.write(2, b'{words}')\nos.abort()\n", encoding="utf-8")
    assert refusal(a_pdf(tmp_path)).code == code


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("raise OSError(12, 'Cannot allocate memory')", "too_large"),
        ("raise ImportError('failed to map segment from shared object')", "too_large"),
        ("raise OSError(5, 'Input/output error')", "unreadable_file"),
    ],
    ids=["ENOMEM", "segment", "EIO"],
)
def test_a_library_that_gets_no_memory(tmp_path: Path, library: Path, line: str, code: str) -> None:
    library.write_text(line, encoding="utf-8")
    assert refusal(a_pdf(tmp_path)).code == code


def test_a_part_of_the_installation_that_is_missing_is_named(tmp_path: Path, library: Path) -> None:
    library.write_text("import no_such_library", encoding="utf-8")
    error = refusal(a_pdf(tmp_path))
    assert error.code == "reader_died"
    assert "no_such_library" in error.message.en
    assert "no_such_library" in error.message.zh


def test_a_reader_that_cannot_be_started_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "no such folder"))
    error = refusal(a_pdf(tmp_path))
    assert error.code == "reader_died"
    assert "could not be started" in error.message.en
    assert "no reader could be started" in caplog.text


def test_nothing_is_logged_of_a_file_that_is_only_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\n nothing")
    assert refusal(tmp_path / "a.pdf").code == "damaged_file"
    assert not caplog.records
