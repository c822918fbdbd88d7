"""Thinking that takes too long is ended by a button; an answer that waits, or gives its place up, says so."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from app.__main__ import Session
from app.tab_order import stops
from app.widgets.message import Answer
from backends.core.paths import Paths
from backends.core.phrase import Language
from backends.core.settings import SettingsStore
from backends.core.stream import Stream
from backends.engine.protocol import GenerateEvent, GenerateRequest, PromptProgress, Sampling, Turn
from tests.app.conftest import MINUTE, Start
from tests.kit import looks
from tests.kit.ggufs import Script, scripted_model

THOUGHTS = " ".join(f"r{number}" for number in range(600))
ANSWER = "Here is the answer, after all."
ENGLISH = "Answer now", "Ending…"
CHINESE = "立即回答", "正在结束…"
BRIEF = "Straight to it."
COUNTED = " ".join(f"n{number}" for number in range(60))


@pytest.fixture
def session(qtbot: QtBot, start: Start, paths: Paths) -> Session:
    """A model that thinks for long, and has an answer; asked `briefly` it says that, and to `count` it counts."""
    scripts = [Script("", BRIEF, word="briefly"), Script("", COUNTED, word="count", endless=True)]
    model = paths.models / "wordy.gguf"
    scripted_model(model, THOUGHTS, ANSWER, breaks=True, scripts=scripts, slow=32)
    settings = SettingsStore(paths.config / "settings.json")
    for key, value in (("threads", 1), ("try_first", False), ("parallel", 2)):
        settings.set(f"engine.{key}", value)
    settings.set("models.context", 1024)
    session = start()
    qtbot.waitUntil(lambda: session.state.stage == "ready", timeout=MINUTE)
    return session


def ask(qtbot: QtBot, session: Session, text: str) -> None:
    box = session.chat_page.composer.box
    box.setFocus()
    qtbot.keyClicks(box, text)
    qtbot.keyClick(box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(session.messages.rows) == 2, timeout=MINUTE)


def stage(session: Session) -> str:
    live = session.messages.rows[-1].live
    return live.stage if live is not None else "done"


def until_stage(qtbot: QtBot, session: Session, wanted: str) -> Answer:
    qtbot.waitUntil(lambda: stage(session) == wanted, timeout=MINUTE)
    widget = session.chat_page.transcript.in_sight[1]
    assert isinstance(widget, Answer)
    return widget


def buttons(answer: Answer) -> list[str]:
    """Those of them that have to do with thinking."""
    there = [widget for widget in looks.seen(answer) if isinstance(widget, QAbstractButton)]
    return [one.text() for one in there if one.text() in ENGLISH + CHINESE]


@pytest.mark.parametrize(("language", "now", "ending"), [("en", *ENGLISH), ("zh", *CHINESE)])
def test_the_answer_is_there_when_it_is_wanted_now(
    qtbot: QtBot, session: Session, language: Language, now: str, ending: str
) -> None:
    session.app.follow("light", language)
    seen: list[tuple[str, list[str]]] = []
    ask(qtbot, session, "Hello")
    answer = until_stage(qtbot, session, "thinking")
    session.messages.dataChanged.connect(lambda: seen.append((stage(session), buttons(answer))))
    enough = looks.button(answer, now)
    assert enough.isEnabled()
    enough.click()
    assert buttons(answer) == [ending]
    assert not enough.isEnabled()
    assert enough.geometry().width() >= enough.sizeHint().width()
    until_stage(qtbot, session, "done")
    row = session.messages.rows[-1]
    assert (row.text, row.stopped, row.problem) == (ANSWER, False, None)
    assert len(row.reasoning) < len(THOUGHTS)
    assert THOUGHTS.startswith(row.reasoning)
    assert buttons(answer) == []
    assert {one for name, shown in seen if name == "thinking" for one in shown} <= {ending}
    assert [shown for name, shown in seen if name != "thinking" and shown] == []


def test_who_does_not_think_is_not_hurried(qtbot: QtBot, session: Session) -> None:
    seen: list[str] = []
    session.messages.dataChanged.connect(
        lambda: seen.extend(word for one in session.chat_page.transcript.findChildren(Answer) for word in buttons(one))
    )
    ask(qtbot, session, "briefly please")
    until_stage(qtbot, session, "done")
    assert session.messages.rows[-1].text == BRIEF
    assert seen == []


def test_it_is_reached_by_keyboard(qtbot: QtBot, session: Session) -> None:
    ask(qtbot, session, "Hello")
    answer = until_stage(qtbot, session, "thinking")
    enough = looks.button(answer, "Answer now")
    assert enough in stops(session.chat_page)
    enough.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(enough, Qt.Key.Key_Space)
    assert buttons(answer) == ["Ending…"]
    until_stage(qtbot, session, "done")
    assert session.messages.rows[-1].text == ANSWER


@contextmanager
def counting(qtbot: QtBot, session: Session, how_many: int) -> Iterator[list[Stream[GenerateEvent]]]:
    """Other answers to the person, on their way; the first two are being computed."""
    assert session.services is not None
    request = GenerateRequest([Turn("user", "count")], Sampling(temperature=0))
    streams: list[Stream[GenerateEvent]] = []
    for number in range(how_many):
        stream = session.services.engine.generate(request)
        streams.append(stream)
        if number < 2:
            qtbot.waitUntil(lambda one=stream: any(isinstance(e, PromptProgress) for e in one.drain()), timeout=MINUTE)
    try:
        yield streams
    finally:
        for stream in streams:
            stream.cancel()


@pytest.mark.parametrize(
    ("others", "said"),
    [
        (2, "Waiting for the model…"),
        (3, "Waiting: one answer comes first…"),
        (5, "Waiting: 3 answers come first…"),
    ],
)
def test_an_answer_that_waits_says_for_how_many(qtbot: QtBot, session: Session, others: int, said: str) -> None:
    with counting(qtbot, session, others):
        ask(qtbot, session, "briefly please")
        qtbot.waitUntil(lambda: said in looks.texts(session.chat_page), timeout=MINUTE)
        assert stage(session) == ("queued" if others > 2 else "waiting")
        session.app.follow("light", "zh")
        qtbot.waitUntil(lambda: said not in looks.texts(session.chat_page), timeout=MINUTE)
    until_stage(qtbot, session, "done")
    assert session.messages.rows[-1].text == BRIEF


def test_an_answer_that_gives_its_place_up_says_so_and_goes_on(qtbot: QtBot, session: Session) -> None:
    """Two fill the context: the younger one waits until the other is done."""
    seen: list[tuple[str, str]] = []
    session.messages.dataChanged.connect(lambda: seen.append((stage(session), looks.texts(session.chat_page))))
    with counting(qtbot, session, 1):
        ask(qtbot, session, "count")
        until_stage(qtbot, session, "paused")
        session.messages.dataChanged.disconnect()
        assert "Paused: others go first. It goes on by itself." in looks.texts(session.chat_page)
        before = session.messages.rows[-1].text
    qtbot.waitUntil(lambda: len(session.messages.rows[-1].text) > len(before), timeout=MINUTE)
    session.window.actions_.stop.trigger()
    until_stage(qtbot, session, "done")
    words = session.messages.rows[-1].text.split()
    assert words == [f"n{number % 60}" for number in range(len(words))]
