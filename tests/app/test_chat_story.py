"""A person asks, reads, stops, asks again: the real window, the real engine, a model that says a known text."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt, QTimer
from pytestqt.qtbot import QtBot

from app.__main__ import Session
from app.widgets.message import Answer
from backends.core.paths import Paths
from backends.core.settings import SettingsStore
from tests.app.conftest import MINUTE, Start, end
from tests.kit import looks
from tests.kit.ggufs import scripted_model
from tests.kit.real_models import real
from tests.kit.shapes import shaped_model

REASONING = "First I look at it. Then I decide."
ANSWER = "## Plan\n\nUse `sorted()` here:\n\n```python\nprint(sorted([2, 1]))\n```\n\n你好，世界。"


@pytest.fixture
def model(paths: Paths) -> Path:
    return scripted_model(paths.models / "scripted.gguf", REASONING, ANSWER)


def ask(qtbot: QtBot, session: Session, text: str) -> None:
    composer = session.chat_page.composer
    composer.box.setFocus()
    qtbot.keyClicks(composer.box, text)
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)


def wait_for_answer(qtbot: QtBot, session: Session, rows: int = 2) -> Answer:
    messages = session.messages
    qtbot.waitUntil(lambda: len(messages.rows) == rows and messages.rows[-1].live is None, timeout=MINUTE)
    qtbot.waitUntil(lambda: not session.pump.active, timeout=MINUTE)
    widget = session.chat_page.transcript.in_sight[rows - 1]
    assert isinstance(widget, Answer)
    return widget


def ready(qtbot: QtBot, session: Session) -> None:
    qtbot.waitUntil(lambda: session.state.stage in ("idle", "ready", "empty"), timeout=MINUTE)


def test_a_question_is_answered_and_kept(qtbot: QtBot, start: Start, model: Path) -> None:
    session = start()
    ready(qtbot, session)
    ask(qtbot, session, "How do I sort?")
    answer = wait_for_answer(qtbot, session)
    row = session.messages.rows[-1]
    assert row.text == ANSWER
    assert row.reasoning == REASONING
    assert row.tokens
    assert row.problem is None
    assert "CPU" in row.device
    assert session.chat_page.composer.text() == ""
    assert not answer.thinking.opened
    assert answer.thinking.isVisible()
    assert session.state.stage == "ready"
    assert [c.title for c in session.conversations.conversations] == ["How do I sort?"]

    end(qtbot, session)
    again = start()
    qtbot.waitUntil(lambda: len(again.conversations.conversations) == 1, timeout=MINUTE)
    again.chat_page.panel.conversation_requested.emit(again.conversations.conversations[0].id)
    kept = wait_for_answer(qtbot, again)
    assert again.messages.rows[-1].text == ANSWER
    assert again.messages.rows[0].text == "How do I sort?"
    assert kept.isVisible()


def test_a_chat_that_gets_a_name_while_a_question_is_written_down_shows_that_question(
    qtbot: QtBot, start: Start, model: Path
) -> None:
    """Names come when the first answer is over: then the next question may be on its way to the disk."""
    session = start()
    ready(qtbot, session)
    ask(qtbot, session, "How do I sort?")
    wait_for_answer(qtbot, session)
    session.chat_page.rename_requested.emit("Sorting")
    ask(qtbot, session, "And how do I sort backwards?")
    wait_for_answer(qtbot, session, rows=4)
    assert [row.text for row in session.messages.rows[::2]] == ["How do I sort?", "And how do I sort backwards?"]
    assert [c.title for c in session.conversations.conversations] == ["Sorting"]


def test_stop_keeps_what_was_said_and_answer_again_stands_beside_it(qtbot: QtBot, start: Start, paths: Paths) -> None:
    scripted_model(paths.models / "slow.gguf", "Hm.", "one two three four five six seven", endless=True, slow=150)
    session = start()
    ready(qtbot, session)
    messages = session.messages
    stages: list[str] = []
    messages.dataChanged.connect(lambda: stages.append(live.stage if (live := messages.rows[-1].live) else "done"))
    ask(qtbot, session, "Count.")
    qtbot.waitUntil(lambda: len(messages.rows) == 2 and "two" in messages.rows[-1].text, timeout=MINUTE)
    assert session.chat_page.composer.busy
    session.window.actions_.stop.trigger()
    wait_for_answer(qtbot, session)
    first = messages.rows[-1]
    assert first.stopped
    assert stages[-1] == "done"
    assert "writing" in stages
    assert first.text.startswith("one two")

    session.window.actions_.regenerate.trigger()
    qtbot.waitUntil(lambda: messages.rows[-1].live is not None, timeout=MINUTE)
    qtbot.waitUntil(lambda: "one" in messages.rows[-1].text, timeout=MINUTE)
    session.chat_page.composer.stop_requested.emit()
    wait_for_answer(qtbot, session)
    assert (messages.rows[-1].position, messages.rows[-1].siblings) == (2, 2)
    session.chat_page.transcript.variant_requested.emit(messages.rows[-1].id, -1)
    qtbot.waitUntil(lambda: messages.rows[-1].id == first.id, timeout=MINUTE)
    assert messages.rows[-1].text == first.text


def test_another_conversation_is_read_while_one_is_answered(qtbot: QtBot, start: Start, paths: Paths) -> None:
    counted = " ".join(f"n{number}" for number in range(200))
    scripted_model(paths.models / "slow.gguf", "", counted, slow=50)
    session = start()
    ready(qtbot, session)
    ask(qtbot, session, "slowly please")
    qtbot.waitUntil(lambda: len(session.messages.rows) == 2 and session.messages.rows[-1].text != "", timeout=MINUTE)
    assert session.chat_page.composer.busy
    session.window.actions_.new_chat.trigger()
    assert not session.messages.rows
    assert not session.chat_page.composer.busy
    assert session.pump.active
    qtbot.waitUntil(lambda: not session.pump.active, timeout=MINUTE)
    session.chat_page.panel.conversation_requested.emit(session.conversations.conversations[0].id)
    wait_for_answer(qtbot, session)
    assert session.messages.rows[-1].text == counted


def test_a_load_that_fails_is_said_on_the_answer_and_tried_again(qtbot: QtBot, start: Start, paths: Paths) -> None:
    path = scripted_model(paths.models / "scripted.gguf", "", "all is well")
    SettingsStore(paths.config / "settings.json").set("models.load_at_start", False)
    session = start()
    ready(qtbot, session)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    ask(qtbot, session, "Hello?")
    wait_for_answer(qtbot, session)
    problem = session.messages.rows[-1].problem
    assert problem is not None
    assert problem.message.en
    path.write_bytes(whole)
    session.chat_page.transcript.retry_requested.emit(session.messages.rows[-1].id)
    qtbot.waitUntil(lambda: session.messages.rows[-1].text == "all is well", timeout=MINUTE)
    wait_for_answer(qtbot, session)
    assert session.messages.rows[-1].problem is None


def test_a_deleted_conversation_comes_back(qtbot: QtBot, start: Start, model: Path) -> None:
    session = start()
    ready(qtbot, session)
    ask(qtbot, session, "Keep me")
    wait_for_answer(qtbot, session)
    page = session.chat_page
    page.rename_requested.emit("A better name")
    qtbot.waitUntil(lambda: session.conversations.conversations[0].title == "A better name", timeout=MINUTE)
    page.panel.menu.delete_requested.emit((session.conversations.conversations[0].id,))
    qtbot.waitUntil(lambda: session.conversations.rowCount() == 0 and not session.messages.rows, timeout=MINUTE)
    (banner,) = page.notices.banners
    assert "A better name" in banner.accessibleName()
    banner.press(0)
    listed = session.conversations
    qtbot.waitUntil(lambda: len(listed.conversations) == 1 and len(session.messages.rows) == 2, timeout=MINUTE)
    assert session.messages.rows[-1].text == ANSWER


def test_idle_costs_nothing(qtbot: QtBot, start: Start, model: Path) -> None:
    session = start()
    ready(qtbot, session)
    ask(qtbot, session, "Anything")
    wait_for_answer(qtbot, session)
    session.chat_page.composer.box.clearFocus()

    def running(owner: object) -> list[QTimer]:
        assert isinstance(owner, QObject)
        return [timer for timer in owner.findChildren(QTimer) if timer.isActive()]

    for owner in (session.app, session, session.window, session.desk):
        assert all(timer.isSingleShot() for timer in running(owner))
        qtbot.waitUntil(lambda owner=owner: not running(owner), timeout=MINUTE)
    names = {thread.name for thread in threading.enumerate()}
    assert not [name for name in names if "Timer" in name]


def test_without_a_model_the_way_to_one_is_shown(qtbot: QtBot, start: Start) -> None:
    session = start()
    ready(qtbot, session)
    assert session.window.page == "first_run"
    session.window.show_page("chat")
    ask(qtbot, session, "Hello")
    assert session.window.page == "first_run"
    assert session.chat_page.composer.text() == "Hello"


def test_files_of_a_second_start_are_taken_in(qtbot: QtBot, start: Start, tmp_path: Path) -> None:
    own = scripted_model(tmp_path / "own.gguf", "", "mine")
    session = start(own)
    qtbot.waitUntil(lambda: session.state.stage == "ready", timeout=MINUTE)
    assert [m.path for m in session.state.available] == [own]


def test_a_model_that_goes_another_way_for_a_question_says_so_in_the_chat(
    qtbot: QtBot, start: Start, paths: Paths, tmp_path: Path
) -> None:
    huge = shaped_model(paths.models / "twins-F16.gguf", replace(real("r1-distill-qwen-32b"), layers=512), "F16")
    scripted_model(paths.models / "twins-Q4_K_M.gguf", REASONING, ANSWER, name="Shaped qwen2")
    settings = SettingsStore(paths.config / "settings.json")
    settings.set("models.default_model", huge.stem)
    settings.set("models.load_at_start", False)
    session = start()
    ready(qtbot, session)
    ask(qtbot, session, "How do I sort?")
    wait_for_answer(qtbot, session)
    assert session.messages.rows[-1].text == ANSWER
    said = looks.texts(session.chat_page.notices)
    assert "Q4_K_M instead of F16" in said
    assert "needs about" in said
