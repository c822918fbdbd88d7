"""A person looks for what was said: in the real window, with the real store."""

from contextlib import closing

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.__main__ import Session
from app.widgets.message import Answer
from app.widgets.prose import ReadOnlyText
from backends.chat.store import MIGRATIONS, ChatStore
from backends.core.paths import Paths
from backends.storage.database import Database
from tests.app.conftest import MINUTE, Start
from tests.kit.ggufs import Script, scripted_model

LONG = "Nothing to see here, only words.\n\n" * 120


@pytest.fixture
def told(paths: Paths) -> dict[str, int]:
    """What was said before the window opens: conversations and messages by name."""
    made: dict[str, int] = {}
    with closing(Database(paths.data / "chats.db", MIGRATIONS)) as database:
        store = ChatStore(database)
        birds = store.create("Birds of the north")
        made["birds"] = birds.id
        question = store.add_message(birds.id, "user", "Which birds sing?")
        made["old"] = store.add_message(birds.id, "assistant", f"{LONG}The nightingale sings. {LONG}").id
        made["new"] = store.add_message(birds.id, "assistant", "The thrush sings.", parent=question.id).id
        rights = store.create("知识产权")
        made["rights"] = rights.id
        store.add_message(rights.id, "user", "什么是知识产权？")
        answer = store.add_message(rights.id, "assistant", "", status="streaming")
        store.finish(answer.id, "done", reasoning="The person asks about 版权 and patents.", content="一种权利。")
        made["thought"] = answer.id
        away = store.create("Archived things")
        made["away"] = away.id
        store.add_message(away.id, "user", "Where do nightingales winter?")
        store.organised.archive([away.id], True)
    return made


def look_for(qtbot: QtBot, session: Session, text: str, rows: int) -> None:
    """As it is typed, until so many are found."""
    assert session.desk is not None
    desk = session.desk.searching
    qtbot.waitUntil(lambda: session.state.stage == "empty", timeout=MINUTE)  # then the page of the first run comes
    session.window.actions_.search_chats.trigger()
    assert desk.box.hasFocus()
    desk.box.clear()
    qtbot.keyClicks(desk.box, text) if text.isascii() else desk.box.insert(text)
    qtbot.waitUntil(lambda: shown(session)[0] == text and len(shown(session)[1]) == rows, timeout=MINUTE)


def shown(session: Session) -> tuple[str, list[str]]:
    assert session.desk is not None
    results = session.desk.searching.results
    return results.text, [hit.title for hit in results.view.hits]


def open_now(session: Session) -> int | None:
    """The conversation on the page."""
    current = session.desk.chat.current if session.desk is not None else None
    return current.id if current is not None else None


def lit(session: Session, message_id: int) -> list[str]:
    """Words that are lit in this message, in sight."""
    row = session.messages.find(message_id)
    message = session.chat_page.transcript.in_sight.get(row) if row is not None else None
    if message is None:
        return []
    found = []
    for text in message.findChildren(ReadOnlyText):
        for one in text.extraSelections():
            place = text.viewport().mapTo(session.chat_page.transcript, text.cursorRect(one.cursor).center())
            if text.isVisible() and session.chat_page.transcript.rect().contains(place):
                found.append(one.cursor.selectedText())
    return found


def test_what_is_found_opens_where_it_stands(qtbot: QtBot, start: Start, told: dict[str, int]) -> None:
    session = start()
    look_for(qtbot, session, "nightinga", 2)
    assert shown(session)[1] == ["Archived things", "Birds of the north"]
    assert session.desk is not None
    desk = session.desk.searching
    assert [hit.archived for hit in desk.results.view.hits] == [True, False]
    qtbot.keyClick(desk.box, Qt.Key.Key_Down)
    qtbot.keyClick(desk.box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: lit(session, told["old"]) == ["nightinga"], timeout=MINUTE)  # of another branch, far below
    assert open_now(session) == told["birds"]
    assert session.messages.find(told["new"]) is None

    look_for(qtbot, session, "thrush", 1)
    qtbot.keyClick(desk.box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: lit(session, told["new"]) == ["thrush"], timeout=MINUTE)

    qtbot.keyClick(desk.box, Qt.Key.Key_Escape)
    assert desk.box.text() == ""
    assert lit(session, told["new"]) == []
    assert session.chat_page.panel.list.isVisible()
    assert not desk.results.isVisible()
    qtbot.keyClick(desk.box, Qt.Key.Key_Escape)
    assert session.chat_page.composer.box.hasFocus()


def test_a_thought_is_opened_and_a_title_opens_its_chat(qtbot: QtBot, start: Start, told: dict[str, int]) -> None:
    session = start()
    look_for(qtbot, session, "版權", 1)
    assert session.desk is not None
    desk = session.desk.searching
    assert desk.results.view.hits[0].thinking
    qtbot.keyClick(desk.box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: lit(session, told["thought"]) == ["版权"], timeout=MINUTE)
    answer = session.chat_page.transcript.in_sight[1]
    assert isinstance(answer, Answer)
    assert answer.thinking.opened

    look_for(qtbot, session, "birds of", 1)
    assert desk.results.view.hits[0].message_id is None
    qtbot.keyClick(desk.box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: open_now(session) == told["birds"], timeout=MINUTE)


def test_nothing_is_found_and_what_is_deleted_is_found_no_more(
    qtbot: QtBot, start: Start, told: dict[str, int]
) -> None:
    session = start()
    look_for(qtbot, session, "walrus", 0)
    assert session.desk is not None
    results = session.desk.searching.results
    assert "Nothing found" in [label.text() for label in results.findChildren(QLabel) if label.isVisible()]
    look_for(qtbot, session, "thrush", 1)
    session.chat_page.panel.menu.delete_requested.emit((told["birds"],))
    qtbot.waitUntil(lambda: shown(session)[1] == [], timeout=MINUTE)


def test_a_chat_that_the_model_names_keeps_its_place(qtbot: QtBot, start: Start, paths: Paths) -> None:
    title = Script("", "High-flying birds", word="title for this")
    scripted_model(paths.models / "names.gguf", "", "Geese.", scripts=[title], breaks=True)
    session = start()
    qtbot.waitUntil(lambda: session.state.stage in ("idle", "ready"), timeout=MINUTE)
    box = session.chat_page.composer.box
    box.setFocus()
    qtbot.keyClicks(box, "Which birds fly highest?")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    qtbot.waitUntil(
        lambda: [one.title for one in session.conversations.conversations] == ["High-flying birds"], timeout=MINUTE
    )
    assert session.desk is not None
    current = session.desk.chat.current
    assert current is not None
    chat = session.desk.chat
    qtbot.waitUntil(lambda: chat.current is not None and chat.current.title == "High-flying birds", timeout=MINUTE)
    assert open_now(session) == current.id
    assert [row.text for row in session.messages.rows] == ["Which birds fly highest?", "Geese."]
