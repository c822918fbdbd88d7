"""From the double-click on a fresh machine to the first answer, and what is there the next day.

Everything is real: processes, the window, mouse and keys, the hub's protocol over HTTP, kill -9, the GGUF, llama.cpp,
SQLite, the command line. Only the model is made, so that what it will say is known.
"""

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from itertools import pairwise
from typing import Any

from tests.end2end.person import CLEAN, Home, Window
from tests.end2end.shelf import BRIEF, COUNT, SAID_BRIEFLY, SLOW, THOUGHTS, Made, put_on_shelf, recommended
from tests.kit.faults import cut, paused
from tests.kit.hub import HubServer

QUESTION = "How do I sort a list in Python?"
FIRST, LAST = "it leaves your own values untouched", "祝你编程愉快"
SOME_ARRIVED = re.compile(r"[1-9][\d.]* MB of \d+\.\d MB")
COMMAND = ("ask", "--json", f"Say {BRIEF}")


def test_from_double_click_to_the_first_answer(home: Home, hub: HubServer, made: Made) -> None:
    settings = {"network.endpoint": hub.endpoint, "network.connections": "1"}  # nobody takes over from who is slow
    for key, value in {**settings, "chat.name_chats": "false"}.items():  # called by its question
        assert home.shell.run("settings", "set", key, value).code == 0

    with home.start() as window:
        a_model_is_recommended_and_its_download_killed(hub, made, window)
    hub.heal()
    (part,) = home.paths.models.rglob("*.part")
    before = part.stem, part.stat().st_size, len(hub.ranges(part.stem))
    with home.start() as window:
        it_goes_on_and_the_chat_opens_by_itself(home, hub, window, *before)
        a_question_is_answered(home, window)
        an_answer_is_stopped(window)
        a_second_double_click_brings_it_to_the_front(home, window)
        inside = home.shell.run(*COMMAND)
        assert window.is_closed() == CLEAN
    nothing_went_wrong(home)

    with home.start() as window:
        the_conversation_is_there(window)
        assert window.is_closed() == CLEAN
    nothing_went_wrong(home)

    alone = home.shell.run(*COMMAND)
    assert (inside.code, inside.err) == (alone.code, alone.err)
    assert without_times(inside.events) == without_times(alone.events)
    assert "".join(event.get("text", "") for event in alone.events) == SAID_BRIEFLY


def a_model_is_recommended_and_its_download_killed(hub: HubServer, made: Made, window: Window) -> None:
    """The connection breaks after a quarter, and while the next one brings more the process is killed."""
    hub.fail("cdn", cut(SLOW << 18), times=1)
    hub.fail("cdn", paused(SLOW << 17), times=1)
    page = window.sees("Welcome to DeskSeek", "GiB free", "cores", "Recommended for this computer")
    put_on_shelf(hub, made, *recommended(page))
    window.presses(re.compile("Download and start.*"))
    window.sees(SOME_ARRIVED, "Pause")
    hub.wait_paused()
    window.is_killed()


def it_goes_on_and_the_chat_opens_by_itself(
    home: Home, hub: HubServer, window: Window, name: str, arrived: int, before: int
) -> None:
    """`arrived`: bytes of the file `name` when nobody fetched; it had been asked for `before` times."""
    assert arrived >= SLOW << 17  # what the broken connection had not handed over is lost

    window.sees("ended unexpectedly last time", "Nothing that was saved is lost")
    window.presses("Close this notice")  # it takes room
    window.has_a_model()
    page = window.sees("Ask anything", "What can I do for you?", re.compile("(?m)^DeepSeek (R1|V)"))  # and the model
    assert "Welcome to DeskSeek" not in page
    (whole,) = home.paths.models.rglob("*.gguf")
    assert whole.name == name
    came = sorted(hub.ranges(name)[before:])
    borders = [*(start for start, _ in came), whole.stat().st_size]
    assert came == list(pairwise(borders))  # by itself, every byte that lacked …
    assert 0 <= arrived - came[0][0] <= 1 << 20  # … and of those that were there at most the last piece
    (model,) = home.shell.run("models", "--json").json["models"]
    assert (model["verified"], model["loaded"]) == (True, True)
    assert model["sha256"] == sha256(whole.read_bytes()).hexdigest()
    assert f"\n{model['name']}\n" in page  # beside the box for the question


def a_question_is_answered(home: Home, window: Window) -> None:
    window.is_followed(closely=True)
    window.asks(QUESTION)
    page = window.sees(re.compile(r"Thinking \d+ s"))
    assert FIRST not in page
    page = window.sees(FIRST)
    assert LAST not in page  # it streams
    window.is_followed(closely=False)
    page = window.sees(LAST, re.compile(r"\d+ tokens/s"), "Send")
    for line in ("Use sorted(): " + FIRST, "print(sorted([3, 1, 2]))", "Both strings and tuples work as well"):
        assert line in page

    (seconds,) = from_database(home, "SELECT reasoning_s FROM messages WHERE role = 'assistant'")
    folded = f"Thought for {round(seconds)} s" if seconds >= 0.95 else "Thoughts"
    assert folded in page
    assert "Beginners trip over" not in page
    window.presses(re.compile(re.escape(folded) + ".*"))
    window.sees(THOUGHTS[-60:])
    window.presses(re.compile(re.escape(folded) + ".*"))
    window.sees_no_more("Beginners trip over")


def an_answer_is_stopped(window: Window) -> None:
    window.clicks_into("Your question")
    window.asks(f"Please {COUNT} for me")
    window.sees("n5 n6 n7")
    window.presses("Stop the answer")
    page = window.sees("Stopped", "Send", "n5 n6 n7")
    assert page.count(LAST) == 1


def a_second_double_click_brings_it_to_the_front(home: Home, window: Window) -> None:
    window.minimizes()
    second = home.start_again()
    assert (second.code, second.complaints) == (0, [])
    window.is_in_front()


def the_conversation_is_there(window: Window) -> None:
    page = window.sees(QUESTION, FIRST)  # the chat of last time
    assert "ended unexpectedly" not in page
    window.chooses(QUESTION)
    window.sees(FIRST, LAST, "print(sorted([3, 1, 2]))", f"Please {COUNT} for me", "n5 n6 n7", "Stopped")


def nothing_went_wrong(home: Home) -> None:
    """No crash was reported, and the next start will not be told of one."""
    assert not (home.paths.state / "crashes").exists()
    assert not (home.paths.state / "running.json").exists()


def from_database(home: Home, query: str) -> Sequence[Any]:
    with closing(sqlite3.connect(home.paths.data / "chats.db")) as database:
        return database.execute(query).fetchone()


def without_times(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What `ask` says is the same each time, but for how long it took and what was still in the cache."""
    *others, last = events
    finished = {name: value for name, value in last["finished"].items() if name != "timings"}
    finished["usage"] = {name: count for name, count in finished["usage"].items() if name != "cached_tokens"}
    return [*others, {"finished": finished}]
