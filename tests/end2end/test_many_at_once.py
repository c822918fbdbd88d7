"""The window and eight scripts ask one engine at the same time: each has its own words, whole, and the person comes
before those who wait."""

import json
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests.end2end.person import CLEAN, Home
from tests.kit.ggufs import Script, scripted_model
from tests.kit.shell import Outcome, Shell, finish, interrupt, read_until

SCRIPTS = ("alpha", "bravo", "charlie", "delta", "foxtrot", "golf", "hotel", "india")
TO_THE_PERSON = "You come first. " + " ".join(f"p{number}" for number in range(20)) + " that was all."
COUNTED = [f"n{number}" for number in range(80)]  # again and again
LONG = "All this has to be read before a word can be said. " * 8

Asking = subprocess.Popen[bytes]


def answer(word: str) -> str:
    return " ".join(f"{word[0]}{number}" for number in range(16 + SCRIPTS.index(word)))


@pytest.fixture(scope="module")
def talker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Says to each script, by its word, something else; asked to `count` it counts for ever."""
    scripts = [Script("", answer(word), word=word) for word in SCRIPTS]
    counting = Script("", " ".join(COUNTED), word="count", endless=True)
    path = tmp_path_factory.mktemp("talker") / "talker.gguf"
    return scripted_model(path, "", TO_THE_PERSON, scripts=[*scripts, counting], slow=24, context=131_072)


@pytest.fixture
def shell(home: Home) -> Iterator[Shell]:
    with closing(home.shell) as shell:
        yield shell


def ask(shell: Shell, question: str) -> Asking:
    return shell.start("ask", "--json", "--temperature", "0", question)


def text(outcome: Outcome) -> str:
    return "".join(event.get("text", "") for event in outcome.events)


def was_answered(outcome: Outcome, word: str) -> None:
    """Every word of it, and nobody else's."""
    assert (outcome.code, outcome.err) == (0, "")
    assert text(outcome) == answer(word)
    assert outcome.events[-1]["finished"]["finish_reason"] == "stop"


def has_nothing_yet(asking: Sequence[Asking]) -> None:
    pipes = [process.stdout for process in asking if process.stdout is not None]
    assert select.select(pipes, [], [], 0)[0] == []
    assert all(process.poll() is None for process in asking)


def test_eight_scripts_hammer_while_the_person_is_answered(home: Home, shell: Shell, talker: Path) -> None:
    home.has(talker, context=131_072)
    with home.start() as window:
        window.sees("Ask anything", "What can I do for you?")
        window.is_followed(closely=True)  # nobody is done before the person asks
        asking = {word: ask(shell, f"{LONG if n % 2 else ''}{n}: {word}?") for n, word in enumerate(SCRIPTS)}
        window.is_asked(1, len(SCRIPTS))
        window.asks("And what do you say to me?")
        window.is_followed(closely=False)
        read_until(asking["bravo"], b'"text"')
        asking.pop("bravo").kill()  # nobody else notices
        page = window.sees("that was all.", "Send")
        assert TO_THE_PERSON in page
        for word, process in asking.items():
            was_answered(finish(process), word)
        window.is_asked(0)
        was_answered(shell.run("ask", "--json", "--temperature", "0", "bravo?"), "bravo")
        assert window.is_closed() == CLEAN


def test_the_window_streams_at_an_even_pace_while_eight_programs_ask_again_and_again(
    home: Home, tmp_path: Path
) -> None:
    home.has(scripted_model(tmp_path / "counting.gguf", "", " ".join(COUNTED), endless=True), lookup=False)
    with home.start() as window:
        window.sees("Ask anything", "What can I do for you?")
        window.asks("Please count for me")
        window.sees("n0 n1")
        window.is_hammered(8)
        window.was_even(steps=20, answers=1)
        window.presses("Stop the answer")
        window.is_hammered(0)
        window.is_asked(0)
        assert window.is_closed() == CLEAN


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and signals of POSIX")
def test_the_person_comes_before_scripts_that_are_answered_and_wait(home: Home, shell: Shell, talker: Path) -> None:
    home.has(talker, context=131_072, parallel=2)
    with home.start() as window:
        window.sees("Ask anything", "What can I do for you?")
        counting = [ask(shell, f"{number}: count") for number in range(2)]
        begun = [first_words(process) for process in counting]
        waiting = {word: ask(shell, f"{word}?") for word in SCRIPTS[:6]}
        window.is_asked(8)
        window.asks("Please count for me")
        window.is_asked(9)
        window.sees("n0 n1 n2")  # a script gave its place, and waits for another
        has_nothing_yet([*waiting.values()])
        window.presses("Stop the answer")
        window.is_asked(8)
        counting[0].kill()
        for word, process in waiting.items():
            was_answered(finish(process), word)
        window.is_asked(1)
        window.asks("Hello!")
        window.sees("that was all.", "Send")
        stopped(counting[1], begun[1])
        window.is_asked(0)
        assert TO_THE_PERSON in window.page
        assert window.is_closed() == CLEAN


def first_words(process: Asking) -> str:
    assert process.stdout is not None
    return next(said for line in process.stdout if (said := json.loads(line).get("text")))


def stopped(process: Asking, begun: str) -> None:
    """It has counted all the time, and right."""
    interrupt(process)
    outcome = finish(process)
    assert (outcome.code, outcome.events[-1]["finished"]["finish_reason"]) == (130, "cancelled")
    words = (begun + text(outcome)).split()
    assert words == list(islice(cycle(COUNTED), len(words)))


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and signals of POSIX")
def test_a_person_who_waits_is_told_how_many_come_first(home: Home, shell: Shell, talker: Path) -> None:
    """Only what was asked at the window itself comes before them; a script waits for all of it."""
    home.has(talker, context=131_072, parallel=2)
    with home.start() as window:
        window.sees("Ask anything", "What can I do for you?")
        counting = ask(shell, "count")
        begun = first_words(counting)
        for number in range(2):
            window.asks(f"{number}. Please count for me")
            window.sees("n0 n1 n2")
            window.presses("New chat")
            window.clicks_into("Your question")
        window.asks("Hello, this is the first")
        window.is_asked(4)
        window.sees("Waiting for the model…")
        window.presses("New chat")
        window.clicks_into("Your question")
        window.asks("Hello, this is the second")
        window.sees("Waiting: one answer comes first…")
        window.chooses("0. Please count for me")
        window.sees("n0 n1 n2")
        window.presses("Stop the answer")
        window.chooses("Hello, this is the second")
        assert TO_THE_PERSON in window.sees("that was all.", "Send")
        window.chooses("Hello, this is the first")
        assert TO_THE_PERSON in window.sees("that was all.", "Send")
        window.chooses("1. Please count for me")
        window.sees("n0 n1 n2")
        window.presses("Stop the answer")
        stopped(counting, begun)
        assert window.is_closed() == CLEAN
