"""A question that is being written anew survives a kill of the app."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.end2end.person import CLEAN, Home

ASKED = "What is this?"
WRITTEN = f"{ASKED} Or that?"


def test_what_was_being_written_in_place_of_a_question_is_there_after_a_kill(home: Home, small: Path) -> None:
    home.has(small)
    assert home.shell.run("settings", "set", "chat.name_chats", "false").code == 0  # it is called by its question
    with home.start() as window:
        window.sees("Ask anything", "My own")
        window.asks(ASKED)
        window.sees("All is well.", "Send")
        window.clicks(re.compile("Your message"))
        window.presses("Edit")
        window.types(WRITTEN.removeprefix(ASKED))
        window.until(lambda: edits(home) == [WRITTEN])
        window.is_killed()
    with home.start() as window:
        window.sees("Ask anything", ASKED)
        window.chooses(ASKED)
        window.sees(WRITTEN, "Cancel")
        window.presses("Cancel")
        window.sees_no_more(WRITTEN)
        window.until(lambda: not edits(home))
        assert window.is_closed() == CLEAN


def edits(home: Home) -> list[str]:
    with closing(sqlite3.connect(home.paths.data / "chats.db")) as database:
        return [text for (text,) in database.execute("SELECT text FROM edits")]
