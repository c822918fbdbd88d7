"""Documents on bad days: killed while they are read, locked, broken, empty, scanned; and a folder in which things
change while it is followed."""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.end2end.person import CLEAN, Home, Window, Words
from tests.kit import papers, printed
from tests.kit.pdfs import Pdf

MANY = 80
LINES = 1500  # of each of them: some hundred kilobytes
SEARCH = "Search in the documents"


def opens_documents(window: Window) -> None:
    window.sees("Welcome to DeskSeek")
    window.presses("Documents")
    window.sees("Drop documents here")


def finds(window: Window, words: str, *said: Words) -> None:
    window.presses("Search")
    window.clicks_into(SEARCH)
    window.strikes("Escape")
    window.types(words)
    window.sees(*said)


def statuses(home: Home) -> Sequence[tuple[str, str]]:
    with closing(sqlite3.connect(home.paths.data / "library.db")) as database:
        return database.execute("SELECT name, status FROM documents ORDER BY name").fetchall()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Many files; each begins and ends with a word of its own."""
    folder = tmp_path / "papers"
    folder.mkdir()
    for number in range(MANY):
        lines = [f"The ledger of station {number} has line {line}: nothing to report." for line in range(LINES)]
        text = "\n".join((f"first{number:03}", *lines, f"last{number:03}"))
        (folder / f"ledger-{number:03}.txt").write_text(text, encoding="utf-8")
    return folder


def test_killed_while_a_folder_is_read_it_goes_on(home: Home, folder: Path) -> None:
    with home.start() as window:
        opens_documents(window)
        window.drops(folder)
        window.sees(re.compile(rf"Reading documents: [1-9]\d* of {MANY}"))
        window.is_killed()
    before = Counter(status for _, status in statuses(home))
    assert 0 < before["ready"] < MANY

    with home.start() as window:
        window.sees("ended unexpectedly last time", "Nothing that was saved is lost")
        window.presses("Documents")
        window.sees(re.compile(rf"\b{MANY} documents"))
        window.sees_no_more("Reading documents", "Waits its turn", "Reading…", "Looking for documents")
        names = [f"ledger-{number:03}.txt" for number in range(MANY)]
        assert statuses(home) == [(name, "ready") for name in names]  # each once
        words = [(name, f"{end}{name[7:10]}") for name in names for end in ("first", "last")]
        asked = folder.parent / "asked.jsonl"
        asked.write_text("\n".join(json.dumps({"id": name, "text": word}) for name, word in words))
        answers = home.shell.run("search", "--queries", str(asked), "--limit", "1", "--json").events
        for (name, word), answer in zip(words, answers, strict=True):
            (best,) = answer["hits"]
            assert Path(best["document"]).name == name
            assert word in best["text"]  # not half
        assert window.is_closed() == CLEAN


def test_what_cannot_be_read_says_why_and_the_rest_goes_on(home: Home, tmp_path: Path) -> None:
    chinese, english = papers.write(tmp_path)
    locked = printed.write(tmp_path / "locked.pdf", ["The cellar key hangs behind the zebra clock."], password="1234")
    broken, empty, scanned = tmp_path / "broken.pdf", tmp_path / "empty.txt", tmp_path / "scanned.pdf"
    broken.write_bytes(chinese.read_bytes()[:700])
    empty.write_bytes(b"")
    book = Pdf()
    book.picture()
    book.save(scanned)
    with home.start() as window:
        opens_documents(window)
        window.drops(broken, empty, locked, english, scanned)
        window.sees(
            re.compile(r"broken\.pdf\. The file is damaged or not complete"),
            re.compile(r"empty\.txt\. There is nothing to read in it"),
            re.compile(r"locked\.pdf\. Locked with a password"),
            re.compile(r"scanned\.pdf\. Pictures of pages only: there is no text in it yet"),
            re.compile(rf"{papers.TITLE}\. Ready"),
        )
        window.sees_no_more("Reading documents")
        window.chooses("scanned.pdf")
        window.sees("deskseek[ocr]")
        window.chooses("broken.pdf")
        window.sees("Open it in its own program and save it anew.", "Read again")
        the_lock_is_opened(window)
        finds(window, "zebra", "1 passage from 2 documents", re.compile(r"locked\.pdf\. page 1\. .*zebra clock"))
        assert window.is_closed() == CLEAN


def the_lock_is_opened(window: Window) -> None:
    field = "Password of the document"
    window.chooses("locked.pdf")
    window.clicks_into(field)
    window.types("4321")
    window.strikes("Return")
    window.sees("The password does not open the file.")
    window.clicks_into(field)
    window.types("1234")
    window.presses("Unlock")
    window.sees(re.compile(r"locked\.pdf\. Ready"))


def test_a_folder_that_is_followed(home: Home, tmp_path: Path) -> None:
    """What changes, moves or goes away there does so here."""
    folder = tmp_path / "club"
    below = folder / "minutes"
    below.mkdir(parents=True)
    rules, letter = folder / "rules.txt", folder / "letter.txt"
    rules.write_text("Members bring their own teapot.", encoding="utf-8")
    letter.write_text("The landlord was asked about the gutter.", encoding="utf-8")
    with home.start() as window:
        opens_documents(window)
        window.opens("Watch a folder…")
        window.sees("Directory:")
        window.types(str(folder))
        window.strikes("Return")
        window.sees(re.compile(r"rules\.txt\. Ready"), re.compile(r"letter\.txt\. Ready"))

        rules.write_text("Members bring their own samovar, and wash it up again afterwards.", encoding="utf-8")
        window.sees(re.compile(r"rules\.txt\. Ready\. 6\d bytes"))
        (below / "june.txt").write_text("In June the hedge was cut.", encoding="utf-8")
        window.sees(re.compile(r"june\.txt\. Ready"))
        finds(window, "samovar", re.compile(r"rules\.txt\. .*samovar"))
        finds(window, "teapot", "Nothing found in 3 documents")

        window.presses("Documents")
        letter.rename(below / "sent.txt")
        window.sees(re.compile(r"sent\.txt\. Ready"))
        window.sees_no_more("letter.txt")
        (below / "june.txt").unlink()
        window.sees_no_more("june.txt")
        finds(window, "gutter", "1 passage from 2 documents", re.compile(r"sent\.txt\. .*gutter"))
        ended = window.is_closed()
        assert (ended.code, ended.complaints, ended.threads) == (0, [], [])
