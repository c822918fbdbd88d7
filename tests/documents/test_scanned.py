"""Recognising pages: with the extra it reads them, without it it says how to get it."""

import importlib.util
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, InvalidInput, Unavailable
from backends.documents.extract.reader import Limits, Reader
from backends.documents.types import Closed, Reading, Section

SCANNED = Path(__file__).resolve().parents[1] / "data" / "truth" / "scanned_150dpi.pdf"
HERE = importlib.util.find_spec("rapidocr") is not None


@pytest.mark.skipif(HERE, reason="the extra is installed")
def test_without_the_extra_it_is_said_how_to_get_it() -> None:
    reader = Reader()
    with pytest.raises(Unavailable) as refused:
        list(reader.read(SCANNED, recognise=True, cancel=CancelToken()))
    reader.close()
    assert refused.value.code == "no_ocr"
    assert refused.value.hint.en.endswith("deskseek[ocr], then start DeskSeek anew: python3 installers/run.py ocr")
    assert refused.value.hint.zh.endswith("python3 installers/run.py ocr")


@pytest.mark.skipif(not HERE, reason="the extra is not installed")
def test_with_the_extra_pages_are_read_and_marked() -> None:
    reader = Reader()
    events = list(reader.read(SCANNED, recognise=True, cancel=CancelToken()))
    reader.close()
    sections = [event for event in events if isinstance(event, Section)]
    assert {one.page for one in sections} == {1, 2, 3}
    assert all(one.recognised for one in sections)
    assert "Peruvian Amazon" in sections[0].text.replace("\n", " ")
    assert [event for event in events if isinstance(event, Reading)] == [Reading(page, 3) for page in (1, 2, 3)]
    assert events[-1] == Closed(3)


@pytest.mark.skipif(not HERE, reason="the extra is not installed")
def test_a_cancel_ends_the_recognising_after_the_first_page() -> None:
    reader, cancel, done = Reader(), CancelToken(), list[Reading]()

    def read() -> None:
        for event in reader.read(SCANNED, recognise=True, cancel=cancel):
            if isinstance(event, Reading):
                done.append(event)
                cancel.cancel()

    with pytest.raises(Cancelled):
        read()
    reader.close()
    assert done == [Reading(1, 3)]


@pytest.mark.skipif(not HERE, reason="the extra is not installed")
def test_too_little_memory_for_a_page_is_said_of_the_file() -> None:
    reader = Reader(Limits(recognising=900 << 20))
    with pytest.raises(InvalidInput) as refused:
        list(reader.read(SCANNED, recognise=True, cancel=CancelToken()))
    reader.close()
    assert refused.value.code == "too_large"
