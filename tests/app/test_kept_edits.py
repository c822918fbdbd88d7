"""A message that was being written anew: it is there after a restart, until it is sent, given up or deleted."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.__main__ import Session
from app.widgets.message_editor import Editor
from tests.app.conftest import MINUTE, Start, end
from tests.app.test_chat_story import ready
from tests.kit.long_chats import fill

SECRET = "Zanzibar quincunx"


class Desk:
    def __init__(self, qtbot: QtBot, session: Session) -> None:
        self.qtbot, self.session, self.messages = qtbot, session, session.messages
        ready(qtbot, session)
        assert session.desk is not None
        assert session.services is not None
        self.desk, self.chats = session.desk, session.services.chats

    def until(self, true: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(true()), timeout=MINUTE)

    def opens(self, conversation: int) -> None:
        self.session.window.show_page("chat")
        self.desk.chat.open(conversation)
        self.until(lambda: self.desk.chat.current is not None and self.desk.chat.current.id == conversation)
        self.until(lambda: self.messages.rows)

    def editor(self, place: int) -> Editor | None:
        view = self.session.chat_page.transcript
        view.show_message(self.messages.rows[place].id)
        return view.in_sight[place].editor

    def edits(self, place: int, text: str) -> Editor:
        self.messages.begin_edit(self.messages.rows[place].id)
        editor = self.editor(place)
        assert editor is not None
        editor.box.setPlainText(text)
        return editor


@pytest.fixture
def desk(qtbot: QtBot, start: Start) -> Desk:
    return Desk(qtbot, start())


def test_what_was_being_written_is_there_again(qtbot: QtBot, desk: Desk, start: Start) -> None:
    conversation = fill(desk.chats, 6, "Long").id
    desk.opens(conversation)
    first, second = desk.messages.rows[0].id, desk.messages.rows[1].id
    desk.edits(0, "A question, half")
    desk.until(lambda: desk.chats.organised.edits() == {first: "A question, half"})  # while it is being written
    desk.edits(1, "An answer, half")
    end(qtbot, desk.session)  # at once

    again = Desk(qtbot, start())
    again.until(lambda: again.messages.edits.texts.keys() == {first, second})
    again.opens(conversation)
    question, answer = again.editor(0), again.editor(1)
    assert question is not None
    assert answer is not None
    assert (question.box.toPlainText(), answer.box.toPlainText()) == ("A question, half", "An answer, half")
    qtbot.keyClick(answer.box, Qt.Key.Key_Escape)
    assert again.editor(1) is None
    again.until(lambda: again.chats.organised.edits().keys() == {first})
    question.box.setPlainText("A question, whole")
    qtbot.keyClick(question.box, Qt.Key.Key_Return)
    again.until(lambda: again.messages.rows[0].text == "A question, whole")  # it is on disk
    again.until(lambda: not again.chats.organised.edits())
    end(qtbot, again.session)

    third = Desk(qtbot, start())
    third.opens(conversation)
    assert third.editor(0) is None


def test_one_that_was_opened_and_not_changed_is_not_kept(qtbot: QtBot, desk: Desk, start: Start) -> None:
    desk.opens(fill(desk.chats, 4, "Short").id)
    desk.messages.begin_edit(desk.messages.rows[0].id)
    assert desk.editor(0) is not None
    desk.edits(1, "but this one")
    kept = desk.messages.rows[1].id
    end(qtbot, desk.session)
    assert Desk(qtbot, start()).chats.organised.edits() == {kept: "but this one"}


def test_with_its_chat_it_is_erased_and_no_byte_of_it_stays(qtbot: QtBot, desk: Desk) -> None:
    conversation = fill(desk.chats, 4, "Gone").id
    desk.opens(conversation)
    editor = desk.edits(0, f"{SECRET} {'and more ' * 2000}")
    desk.until(desk.chats.organised.edits)
    folder = desk.session.paths.data
    assert SECRET.encode() in written(folder)
    editor.box.setPlainText("shorter")
    desk.until(lambda: list(desk.chats.organised.edits().values()) == ["shorter"])
    assert desk.session.desk is not None
    desk.session.desk.organising.organising.delete((conversation,))
    desk.until(lambda: desk.session.chat_page.notices.banners)
    desk.session.chat_page.notices.banners[0].dismiss()
    desk.until(lambda: not desk.chats.organised.edits())
    desk.until(lambda: SECRET.encode() not in written(folder))
    with closing(sqlite3.connect(folder / "chats.db")) as database:
        assert database.execute("SELECT count(*) FROM edits").fetchone() == (0,)


def written(folder: Path) -> bytes:
    """All that is in the data folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
