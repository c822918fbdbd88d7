"""The tree of a conversation in the real window: asked, edited, answered again, switched, branched, deleted and undone;
all of it is there after a restart."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.end2end.person import CLEAN, Home, Window
from tests.kit.ggufs import Script, scripted_model

RED, BLUE, GREEN = "Red it is.", "Blue then.", "Perhaps green."
QUESTION = re.compile(r"Your message(, \d of \d versions)?")


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scripts = [Script("", BLUE, "blue"), Script("", GREEN, "green")]
    return scripted_model(tmp_path_factory.mktemp("colours") / "colours.gguf", "", RED, scripts=scripts)


def edits(window: Window, more: str) -> None:
    """The first question that can be seen: `more` is written at its end."""
    window.clicks(QUESTION)
    window.presses("Edit")
    window.types(more)
    window.strikes("Return")


def test_the_tree_is_there_after_a_restart(home: Home, colours: Path) -> None:
    home.has(colours)
    assert home.shell.run("settings", "set", "chat.name_chats", "false").code == 0  # they are called by their question
    with home.start() as window:
        window.sees("Ask anything", "What can I do for you?")
        window.asks("Which colour?")
        window.sees(RED, "Send")
        edits(window, " Not blue")
        window.sees(BLUE, "2/2", "Which colour? Not blue")
        window.presses("Earlier version")
        window.sees(RED, "1/2")
        window.sees_no_more(BLUE)
        window.presses("Answer again")
        window.sees("2/2", RED, "Send")
        window.picks("Branch into a new chat", "More")
        window.sees("Which colour? (branch)")
        window.clicks_into("Your question")
        window.asks("And green?")
        window.sees(GREEN, "Send")
        window.chooses("Which colour?")
        window.sees_no_more(GREEN)
        window.picks("Delete with what follows", "More")
        window.sees("1 message deleted.", "Undo", RED)
        window.presses("Undo")
        window.sees("2/2")
        assert replace(window.is_closed(), windows=CLEAN.windows) == CLEAN  # menus are windows, too

    with home.start() as window:
        window.sees("Which colour? (branch)")
        window.chooses("Which colour?")
        window.sees(RED, "1/2", "2/2")
        window.presses("Later version")
        window.sees(BLUE, "Which colour? Not blue")
        window.picks("Delete with what follows", "More")
        window.sees("1 message deleted.")
        window.presses("Close this notice")
        window.sees("Answer again")
        assert replace(window.is_closed(), windows=CLEAN.windows) == CLEAN  # menus are windows, too
    assert BLUE.encode() not in b"".join(path.read_bytes() for path in home.paths.data.glob("chats.db*"))
