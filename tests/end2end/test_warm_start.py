"""What was read once is not read again, not even after a restart; and what is kept of it can go at any time."""

import sqlite3
from contextlib import closing
from pathlib import Path
from shutil import rmtree

import pytest

from tests.end2end.person import CLEAN, Home, Window
from tests.kit.ggufs import scripted_model

SAID = "This much was there to be read."
FIRST = "Here is a report with a number of pages. " * 15
TITLE = "This much was there to be read"  # what the model calls it
SECOND = "And what follows from it?"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scripted_model(tmp_path_factory.mktemp("reader") / "reader.gguf", "", SAID, slow=24)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As large as the first one, and another one."""
    path = tmp_path_factory.mktemp("other") / "other.gguf"
    return scripted_model(path, "", SAID[::-1], slow=24, name="Scripted R2")


def asks(home: Home, window: Window, question: str) -> int:
    """Tokens of the question, and of what went before, that were not read for it."""
    before = len(answers(home))
    window.clicks_into("Your question")
    window.asks(question)
    window.until(lambda: len(answers(home)) > before)
    window.sees(SAID, "Send")
    *_, (content, cached) = answers(home)
    assert content == SAID
    return cached


def answers(home: Home) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(home.paths.data / "chats.db")) as database:
        query = "SELECT content, cached_tokens FROM messages WHERE role = 'assistant' AND status = 'done' ORDER BY id"
        there = database.execute("SELECT * FROM sqlite_master WHERE name = 'messages'").fetchall()
        return database.execute(query).fetchall() if there else []


def states(home: Home) -> list[Path]:
    return sorted((home.paths.data / "states").glob("*"))


def asks_again(home: Home, question: str) -> int:
    """The next day, in the same conversation."""
    with home.start() as window:
        window.chooses(TITLE)
        window.sees(SAID)
        cached = asks(home, window, question)
        assert window.is_closed() == CLEAN
    return cached


@pytest.fixture
def asked(home: Home, reader: Path) -> Home:
    """A long question was asked, and the program has ended."""
    home.has(reader)
    with home.start() as window:
        window.sees("Ask anything", "What can I do for you?")
        assert asks(home, window, FIRST) < 100
        window.sees(f"{TITLE}, Today")
        window.until(lambda: states(home))
        assert window.is_closed() == CLEAN
    assert len(states(home)) == 1
    return home


def test_the_next_day_it_is_not_read_again_until_it_is_forgotten(asked: Home) -> None:
    assert asks_again(asked, SECOND) > len(FIRST)
    with asked.start() as window:
        window.sees(TITLE)
        window.presses("Settings")
        window.sees("of what was read is kept on this disk.")
        window.presses("Forget what was read")
        window.sees("Nothing of what was read is kept on this disk now.")
        assert states(asked) == []
        window.presses("Chat")
        window.chooses(TITLE)
        window.sees(SAID)
        assert asks(asked, window, "And now?") < 100
        assert window.is_closed() == CLEAN


def test_what_is_kept_may_be_lost_or_damaged(asked: Home) -> None:
    """It changes nothing but time."""
    (state,) = states(asked)
    whole = bytearray(state.read_bytes())
    whole[-100] ^= 1
    state.write_bytes(whole)
    assert asks_again(asked, SECOND) < 100
    (state,) = states(asked)
    state.write_bytes(state.read_bytes()[:-100])
    assert asks_again(asked, SECOND) < 100
    rmtree(asked.paths.data / "states")
    assert asks_again(asked, SECOND) < 100
    assert asks_again(asked, SECOND) > len(FIRST)


def test_a_state_of_another_model_is_not_for_this_one(asked: Home, other: Path, tmp_path: Path) -> None:
    strange = Home(tmp_path / "strange")
    strange.has(other)
    with strange.start() as window:
        window.sees("Ask anything", "What can I do for you?")
        window.asks(FIRST)
        window.sees(SAID[::-1], "Send")
        window.until(lambda: states(strange))
        assert window.is_closed() == CLEAN
    (state,), (foreign,) = states(asked), states(strange)
    state.write_bytes(foreign.read_bytes())
    assert asks_again(asked, SECOND) < 100


def test_who_does_not_want_it_has_no_file(asked: Home) -> None:
    assert asked.shell.run("settings", "set", "engine.warm", "false").code == 0
    assert states(asked) == []
    assert asks_again(asked, SECOND) < 100
    assert states(asked) == []
