"""An answer that is cut off, by the engine's end or by the person, is there and goes on from its last word; thinking
that takes too long is ended by the person, or by a budget."""

import signal
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests.end2end.person import CLEAN, Home, Window
from tests.kit.ggufs import Script, scripted_model

COUNTED = [f"n{number}" for number in range(400)]
THOUGHTS = [f"r{number}" for number in range(600)]
ANSWER = "Here is the answer, after all."
ASKED = "Please count for me"
WONDERED = "What do you think?"


@pytest.fixture(scope="module")
def wordy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thinks for long, and has an answer; asked to `count` it counts for ever. What it has said it knows again."""
    counting = Script("", " ".join(COUNTED), word="count", endless=True)
    path = tmp_path_factory.mktemp("wordy") / "wordy.gguf"
    return scripted_model(path, " ".join(THOUGHTS), ANSWER, scripts=[counting], slow=48, breaks=True, heard=True)


def saved(home: Home) -> tuple[str, str, str]:
    """Of the one answer: its thoughts, its text, and how it stands."""
    with closing(sqlite3.connect(home.paths.data / "chats.db")) as database:
        query = "SELECT reasoning, content, status FROM messages WHERE role = 'assistant'"
        (answer,) = database.execute(query).fetchall() or [("", "", "")]
        return answer


def counts_right(text: str) -> int:
    words = text.split()
    assert words == list(islice(cycle(COUNTED), len(words)))
    return len(words)


def begins(window: Window, question: str) -> None:
    window.sees("Ask anything", "What can I do for you?")
    window.asks(question)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGABRT")
def test_what_was_said_before_the_engine_gave_up_goes_on(home: Home, wordy: Path) -> None:
    home.has(wordy)
    with home.start() as window:
        begins(window, ASKED)
        window.sees("n0 n1 n2")
        window.until(lambda: "n9 n10" in saved(home)[1])  # what is a second old is on the disk
        assert window.aborts().code == -signal.SIGABRT
    before = counts_right(saved(home)[1])
    assert before >= 10

    with home.start() as window:
        window.sees("ended unexpectedly last time, while wordy answered.", "no model was loaded by itself")
        report = (home.paths.state / "last-crash.txt").read_text()
        assert "during: generate" in report
        assert "CUDA error: out of memory in alloc" in report
        window.presses("Load on the processor")
        window.chooses(ASKED)
        page = window.sees("n0 n1 n2", "ended while this answer was being written", "Go on", "Try again")
        assert f" n{before}\n" not in page
        goes_on_and_is_stopped(window, before)
        begun = counts_right(saved(home)[1])
        assert begun > before
        goes_on_and_is_stopped(window, begun)
        assert counts_right(saved(home)[1]) > begun
        assert window.is_closed() == CLEAN
    with home.start() as window:
        assert "ended unexpectedly" not in window.sees("n0 n1 n2", "Go on")  # the chat of last time
        assert window.is_closed() == CLEAN


def goes_on_and_is_stopped(window: Window, count: int) -> None:
    window.presses("Go on")
    window.sees(" ".join(islice(cycle(COUNTED), count, count + 3)))
    window.presses("Stop the answer")
    page = window.sees("Stopped", "Go on", "Send")
    assert "ended while this answer" not in page


def test_thinking_that_was_stopped_goes_on_and_is_ended_by_the_person(home: Home, wordy: Path) -> None:
    home.has(wordy)
    with home.start() as window:
        window.is_followed(closely=True)  # it wonders until we have seen it
        begins(window, WONDERED)
        window.sees("Answer now")
        window.presses("Stop the answer")
        page = window.sees("Stopped", "Go on", "Send")
        assert "Answer now" not in page
        thoughts, text, status = saved(home)
        assert (text, status) == ("", "stopped")
        assert begin_so(thoughts)

        window.presses("Go on")
        window.presses("Answer now")
        window.is_followed(closely=False)
        page = window.sees(ANSWER, "Send")
        assert all(word not in page for word in ("Answer now", "Ending…", "Go on", "Stopped"))
        further, text, status = saved(home)
        assert (text, status) == (ANSWER, "done")
        assert further.startswith(thoughts)
        assert begin_so(further)
        assert window.is_closed() == CLEAN


def begin_so(thoughts: str) -> bool:
    """They are its first thoughts, and not all."""
    words = thoughts.split()
    return words == THOUGHTS[: len(words)] != THOUGHTS


@pytest.mark.parametrize("budget", [0, 30])
def test_a_budget_for_thinking(home: Home, wordy: Path, budget: int) -> None:
    home.has(wordy)
    assert home.shell.run("settings", "set", "chat.thinking_budget", str(budget or 12)).code == 0
    with home.start() as window:
        begins(window, WONDERED)
        window.sees(ANSWER, "Send")
        thoughts, text, status = saved(home)
        assert (text, status) == (ANSWER, "done")
        assert begin_so(thoughts)
        outcome = home.shell.run("ask", "--json", "--thinking-budget", str(budget), WONDERED)
        events: Sequence[dict] = outcome.events
        assert "".join(event.get("text", "") for event in events) == ANSWER
        assert {"thinking_closed": "budget"} in events
        assert events[-1]["finished"]["usage"]["reasoning_tokens"] <= budget + 8
        assert window.is_closed() == CLEAN
