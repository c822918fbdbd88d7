"""What is written survives: a restart, a kill, an input method that holds half a word."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.end2end.person import CLEAN, Home

WRITTEN = "A question that is not sent yet"


def test_a_draft_is_there_after_a_restart_and_after_a_kill(home: Home, small: Path) -> None:
    home.has(small)
    with home.start() as window:
        window.sees("Ask anything", "My own")
        window.types(WRITTEN)
        window.sees(re.compile(r"\d+ tokens"))
        assert window.is_closed() == CLEAN
    with home.start() as window:
        window.sees(WRITTEN)
        window.types(", and more")
        window.sees(f"{WRITTEN}, and more")
        window.until(lambda: f"{WRITTEN}, and more" in drafts(home))  # a second after it was written
        window.is_killed()
    with home.start() as window:
        window.sees(f"{WRITTEN}, and more")
        window.strikes("Return")
        window.sees("All is well.", "All is well, Today")  # and is called so
        assert window.is_closed() == CLEAN
    with home.start() as window:
        assert WRITTEN not in window.sees("Ask anything", "My own", "All is well, Today").split("Ask anything")[-1]
        assert window.is_closed() == CLEAN


def drafts(home: Home) -> list[str]:
    with closing(sqlite3.connect(home.paths.data / "chats.db")) as database:
        return [text for (text,) in database.execute("SELECT text FROM drafts")]


def test_chinese_from_an_input_method_is_sent_whole(home: Home, small: Path) -> None:
    home.has(small)
    with home.start() as window:
        window.sees("Ask anything", "My own")
        window.composes("n", "ni", "ni h", "ni hao")
        window.strikes("Return")  # the input method's
        window.composes("", typed="你好")
        window.sees("你好")
        window.composes("shi", "shi jie")
        window.strikes("Return")
        window.composes("", typed="，世界！")
        window.sees("你好，世界！")
        window.strikes("Return")
        page = window.sees("All is well.", "Ask anything")
        assert "ni hao" not in page
        assert len(re.findall("^你好，世界！$", page, re.MULTILINE)) >= 1
        assert window.is_closed() == CLEAN
