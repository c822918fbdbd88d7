"""Recognising pages: with the extra it reads them, without it it says how to get it."""

import importlib.util
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Unavailable
from backends.documents.extract.reader import Reader
from backends.documents.types import Closed, Section

SCANNED = Path(__file__).resolve().parents[1] / "data" / "truth" / "scanned_150dpi.pdf"
HERE = importlib.util.find_spec("rapidocr") is not None


@pytest.mark.skipif(HERE, reason="the extra is installed")
def test_without_the_extra_it_is_said_how_to_get_it() -> None:
    reader = Reader()
    with pytest.raises(Unavailable) as refused:
        list(reader.read(SCANNED, recognise=True, cancel=CancelToken()))
    reader.close()
    assert refused.value.code == "no_ocr"
    assert "deskseek[ocr]" in refused.value.hint.en
    assert "deskseek[ocr]" in refused.value.hint.zh


@pytest.mark.skipif(not HERE, reason="the extra is not installed")
def test_with_the_extra_pages_are_read_and_marked() -> None:
    reader = Reader()
    events = list(reader.read(SCANNED, recognise=True, cancel=CancelToken()))
    reader.close()
    sections = [event for event in events if isinstance(event, Section)]
    assert {one.page for one in sections} == {1, 2, 3}
    assert all(one.recognised for one in sections)
    assert "Peruvian Amazon" in sections[0].text.replace("\n", " ")
    assert events[-1] == Closed(3)
