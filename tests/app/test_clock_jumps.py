"""The clock of the computer is set back by a day and forward by a year, between questions and while one is answered."""

import sqlite3
import time
from contextlib import closing

import pytest
from pytestqt.qtbot import QtBot

from app.__main__ import Session
from backends.core.paths import Paths
from backends.core.settings import SettingsStore
from tests.app.conftest import Start, end
from tests.app.test_branches import Person
from tests.kit import looks
from tests.kit.ggufs import Script, scripted_model

DAY, YEAR = 86_400.0, 365 * 86_400.0
ANSWER = "So it is."
THOUGHTS = " ".join(f"r{number}" for number in range(300))
COUNTED = " ".join(f"n{number}" for number in range(300))


class Clock:
    """On the wall: what `time.time` says. Time itself (`time.monotonic`) goes on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead, real = 0.0, time.time
        monkeypatch.setattr(time, "time", lambda: real() + self._ahead)

    def is_set(self, by: float) -> None:
        self._ahead += by


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def person(qtbot: QtBot, start: Start, paths: Paths) -> Person:
    settings = SettingsStore(paths.config / "settings.json")
    for key, value in (("chat.name_chats", False), ("engine.threads", 1), ("engine.try_first", False)):
        settings.set(key, value)
    thinking, counting = Script(THOUGHTS, "Thought over.", "ponder"), Script("", COUNTED, "count", endless=True)
    scripted_model(paths.models / "model.gguf", "", ANSWER, scripts=[thinking, counting], slow=24)
    return Person(qtbot, start())


def listed(session: Session) -> list[str]:
    rows = session.conversations
    return [str(rows.index(row).data()) for row in range(rows.rowCount())]


def test_conversations_stand_as_they_were_used_whatever_the_clock_says(
    qtbot: QtBot, start: Start, person: Person, clock: Clock
) -> None:
    def asks_anew(text: str) -> None:
        person.desk.chat.new()
        person.asks(text)
        person.rests()

    asks_anew("Bread")
    clock.is_set(-DAY)
    person.asks("More bread")
    person.reads("Bread", ANSWER, "More bread", ANSWER)
    asks_anew("Bikes")
    assert listed(person.session) == ["Today", "Bikes", "Bread"]
    clock.is_set(YEAR)
    asks_anew("Trees")
    assert listed(person.session) == ["Today", "Trees", "Older", "Bikes", "Bread"]
    clock.is_set(-YEAR)
    asks_anew("Taxes")
    person.until(lambda: listed(person.session) == ["Today", "Taxes", "Trees", "Bikes", "Bread"])

    end(qtbot, person.session)
    clock.is_set(-YEAR)
    again = Person(qtbot, start())
    again.until(lambda: listed(again.session) == ["Today", "Taxes", "Trees", "Bikes", "Bread"])
    again.opens(again.conversations[-1].id)
    again.reads("Bread", ANSWER, "More bread", ANSWER)


@pytest.mark.parametrize("jump", [-DAY, YEAR], ids=["a_day_back", "a_year_on"])
def test_an_answer_is_saved_and_timed_as_if_nothing_had_happened(person: Person, clock: Clock, jump: float) -> None:
    person.desk.chat.send("Do ponder")
    person.until(lambda: len(person.messages.rows) == 2 and person.row(1).reasoning)
    clock.is_set(jump)
    before = len(person.row(1).reasoning)
    person.until(lambda: len(person.row(1).reasoning) > before)
    person.rests()
    assert (person.row(1).text, person.row(1).reasoning) == ("Thought over.", THOUGHTS)
    assert 0 < person.row(1).reasoning_s < DAY / 24

    person.desk.chat.new()
    person.desk.chat.send("Please count")
    person.until(lambda: person.messages.rows and person.messages.rows[-1].text.startswith("n0 n1"))
    clock.is_set(-2 * jump)
    said = person.messages.rows[-1].text
    person.until(lambda: len(streamed(person)) > len(said))  # it is saved while it comes
    person.desk.chat.stop()
    person.rests()
    assert person.row(1).text.startswith(said)


def streamed(person: Person) -> str:
    with closing(sqlite3.connect(person.session.paths.data / "chats.db")) as database:
        return str(database.execute("SELECT content FROM messages ORDER BY id DESC LIMIT 1").fetchone()[0])


@pytest.mark.parametrize("jump", [-DAY, YEAR], ids=["a_day_back", "a_year_on"])
def test_drafts_are_kept_and_what_was_deleted_comes_back(
    qtbot: QtBot, start: Start, person: Person, clock: Clock, jump: float
) -> None:
    person.asks("Bread")
    person.rests()
    person.page.composer.set_text("half a thought")
    clock.is_set(jump)
    person.page.composer.box.insertPlainText(", and the rest")
    person.does("delete", 0)
    person.reads()
    clock.is_set(jump)
    assert "2 messages deleted." in looks.texts(person.page.notices)
    person.presses("Undo")
    person.reads("Bread", ANSWER)
    conversation = person.conversations[0].id
    end(qtbot, person.session)
    clock.is_set(-3 * jump)
    again = Person(qtbot, start())
    again.until(lambda: again.conversations)
    again.opens(conversation)
    again.reads("Bread", ANSWER)
    again.until(lambda: again.page.composer.text() == "half a thought, and the rest")
