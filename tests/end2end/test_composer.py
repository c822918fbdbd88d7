"""What is written survives: a restart, a kill, an input method that holds half a word."""

import re
from pathlib import Path

from tests.end2end.person import CLEAN, PATIENCE, Home, Window

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
        is_on_disk(home, window, f"{WRITTEN}, and more")
        window.is_killed()
    with home.start() as window:
        window.sees(f"{WRITTEN}, and more")
        window.strikes("Return")
        window.sees("All is well.", "Ask anything")
        assert window.is_closed() == CLEAN
    with home.start() as window:
        assert WRITTEN not in window.sees("Ask anything", "My own").split("Ask anything")[-1]
        assert window.is_closed() == CLEAN


def is_on_disk(home: Home, window: Window, text: str) -> None:
    """Before the window is killed: at most a second after it was written."""
    for _ in range(int(PATIENCE) * 100):
        kept = [file for file in home.paths.data.glob("chats.db*") if file.is_file()]
        if any(text.encode() in file.read_bytes() for file in kept):
            return
        window.sees(text)
    raise AssertionError("it was not saved")


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
