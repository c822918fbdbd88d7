"""Files of every format whose text is known: each segment stands on its page, and nothing that must not be found."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError
from backends.documents.extract.reader import Reader
from backends.documents.types import Closed, Opened, Section

FOLDER = Path(__file__).resolve().parents[1] / "data" / "truth"
TRUTH = json.loads((FOLDER / "truth.json").read_text(encoding="utf-8"))
REFUSED = {
    "encrypted_user_pw_1234.pdf": "encrypted",
    "truncated.pdf": "damaged_file",
}
SCANNED = "scanned_150dpi.pdf"


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    one = Reader()
    yield one
    one.close()


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("name", sorted(TRUTH.keys() - REFUSED.keys() - {SCANNED}))
def test_what_stands_in_a_file_is_found_on_its_page(reader: Reader, name: str) -> None:
    opened, *events = reader.read(FOLDER / name, cancel=CancelToken())
    assert isinstance(opened, Opened)
    assert isinstance(events[-1], Closed)
    sections = [event for event in events if isinstance(event, Section)]
    pages: dict[int, str] = {}
    for section in sections:
        pages[section.page] = pages.get(section.page, "") + squeezed(section.text)
    everything = squeezed("".join(section.text for section in sections))
    for segment in TRUTH[name]["segments"]:
        where = everything if segment["page"] is None else pages.get(segment["page"], "")
        assert squeezed(segment["text"]) in where, (segment["id"], segment["page"])
    for absent in TRUTH[name]["absent"]:
        assert absent not in everything
    assert "\ufffd" not in everything


@pytest.mark.parametrize(("name", "code"), sorted(REFUSED.items()))
def test_what_cannot_be_read_says_why(reader: Reader, name: str, code: str) -> None:
    with pytest.raises(BackendError) as refused:
        list(reader.read(FOLDER / name, cancel=CancelToken()))
    assert refused.value.code == code
    assert refused.value.message.zh


def test_a_password_opens_what_is_encrypted_and_a_wrong_one_does_not(reader: Reader) -> None:
    path = FOLDER / "encrypted_user_pw_1234.pdf"
    events = list(reader.read(path, password="1234", cancel=CancelToken()))
    assert "".join(event.text for event in events if isinstance(event, Section)).strip()
    with pytest.raises(BackendError) as refused:
        list(reader.read(path, password="4321", cancel=CancelToken()))
    assert refused.value.code == "wrong_password"


def test_scanned_pages_hold_no_text_and_are_counted(reader: Reader) -> None:
    events = list(reader.read(FOLDER / SCANNED, cancel=CancelToken()))
    assert not [event for event in events if isinstance(event, Section)]
    assert events[-1] == Closed(3, (1, 2, 3))
