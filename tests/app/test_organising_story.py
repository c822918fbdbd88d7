"""A person keeps order among the conversations: the real window, the real store."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from app.__main__ import Session
from backends.core.errors import NotFound
from backends.core.paths import Paths
from tests.app.conftest import MINUTE, Start, end
from tests.app.test_chat_story import ask, ready
from tests.app.test_composing_story import services
from tests.kit import looks
from tests.kit.ggufs import scripted_model

TITLES = ("Bread", "Bikes", "Taxes", "Trees")
LONG = " ".join(f"n{number}" for number in range(200))  # it is still coming when somebody looks elsewhere


class Listed:
    """The window with a few conversations in it, made before it came up; read and worked by what is in its list."""

    def __init__(self, qtbot: QtBot, session: Session) -> None:
        self.qtbot, self.session = qtbot, session
        assert session.services is not None
        self.services = session.services
        self.rows, self.panel = session.conversations, session.chat_page.panel
        self.menu = self.panel.menu

    def fill(self, *titles: str) -> list[int]:
        ids = []
        for title in titles:
            made = self.services.chats.create(title)
            self.services.chats.add_message(made.id, "user", f"About {title}: a word known to nobody else, {title}zzz")
            ids.append(made.id)
        assert self.session.desk is not None
        self.session.desk.chat.refresh()
        self.until(lambda: len(self.rows.conversations) == len(titles))
        return ids

    def until(self, true: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(true()), timeout=MINUTE)

    def sees(self, *texts: str) -> None:
        self.until(lambda: self.texts == list(texts))

    @property
    def texts(self) -> list[str]:
        return [str(self.rows.index(row).data()) for row in range(self.rows.rowCount())]

    @property
    def notices(self) -> list[str]:
        return [banner.accessibleName() for banner in self.session.chat_page.notices.banners]

    def undo(self) -> None:
        self.session.chat_page.notices.banners[0].press(0)

    def names(self, name: str) -> None:
        """Into the editor that is open in the list."""
        self.until(lambda: self.panel.list.findChild(QLineEdit) is not None)
        editor = self.panel.list.findChild(QLineEdit)
        assert isinstance(editor, QLineEdit)
        editor.setText(name)
        self.qtbot.keyClick(editor, Qt.Key.Key_Return)

    def is_there(self, conversation_id: int) -> bool:
        try:
            self.services.chats.conversation(conversation_id)
        except NotFound:
            return False
        return True


@pytest.fixture
def listed(qtbot: QtBot, start: Start) -> Listed:
    return Listed(qtbot, start())


def test_folders_stay_as_they_were_left(qtbot: QtBot, start: Start, listed: Listed) -> None:
    bread, bikes, taxes, trees = listed.fill(*TITLES)
    listed.session.window.actions_.new_folder.trigger()
    listed.names("Garden")
    listed.sees("Garden", "No chats in this folder", "Today", "Trees", "Taxes", "Bikes", "Bread")
    (garden,) = listed.rows.folders
    listed.menu.move_requested.emit((bread, trees), garden.id)
    listed.sees("Garden", "Trees", "Bread", "Today", "Taxes", "Bikes")
    listed.menu.pin_requested.emit((bikes,), True)
    listed.sees("Pinned", "Bikes", "Garden", "Trees", "Bread", "Today", "Taxes")
    listed.menu.new_folder_requested.emit((bikes, taxes))
    listed.names("Money")
    listed.sees("Garden", "Trees", "Bread", "Money", "Taxes", "Bikes")
    listed.rows.open_folder(garden.id, opened=False)
    listed.sees("Garden", "Money", "Taxes", "Bikes")

    end(qtbot, listed.session)
    again = Listed(qtbot, start())
    again.sees("Garden", "Money", "Taxes", "Bikes")
    again.rows.open_folder(garden.id, opened=True)
    again.menu.folder_delete_requested.emit(garden.id)
    again.sees("Money", "Taxes", "Bikes", "Today", "Trees", "Bread")
    assert again.notices == ["The folder “Garden” was deleted. Its chats stay."]
    again.undo()
    again.sees("Garden", "Trees", "Bread", "Money", "Taxes", "Bikes")
    again.panel.placed.emit((trees,), None, False)
    again.sees("Garden", "Bread", "Money", "Taxes", "Bikes", "Today", "Trees")


def test_what_is_deleted_comes_back_or_is_erased(listed: Listed) -> None:
    bread, bikes, taxes, trees = listed.fill(*TITLES)
    listed.panel.conversation_requested.emit(taxes)
    listed.until(lambda: listed.session.messages.rows)
    listed.menu.delete_requested.emit((taxes, bikes))
    listed.sees("Today", "Trees", "Bread")
    assert listed.notices == ["2 chats were deleted."]
    assert not listed.session.messages.rows
    listed.menu.delete_requested.emit((trees,))
    listed.sees("Today", "Bread")
    assert listed.notices == ["3 chats were deleted."]
    listed.undo()
    listed.sees("Today", "Trees", "Bread")
    assert listed.notices == ["2 chats were deleted."]
    listed.undo()
    listed.sees("Today", "Trees", "Taxes", "Bikes", "Bread")
    assert listed.notices == []

    listed.menu.delete_requested.emit((taxes, bikes))
    listed.sees("Today", "Trees", "Bread")
    assert listed.is_there(taxes)
    listed.session.chat_page.notices.banners[0].dismiss()
    listed.until(lambda: not listed.is_there(taxes) and not listed.is_there(bikes))
    database = listed.services.paths.data / "chats.db"
    listed.until(lambda: b"Taxeszzz" not in b"".join(one.read_bytes() for one in database.parent.glob("chats.db*")))
    assert listed.is_there(bread)


def test_archived_and_brought_back(listed: Listed) -> None:
    bread, bikes, _, _ = listed.fill(*TITLES)
    listed.menu.archive_requested.emit((bread, bikes), True)
    listed.sees("Today", "Trees", "Taxes")
    assert listed.notices == ["2 chats were archived."]
    listed.panel.archive_button.click()
    listed.sees("Today", "Bikes", "Bread")
    listed.menu.archive_requested.emit((bikes,), False)
    listed.sees("Today", "Bread")
    listed.panel.conversation_requested.emit(bread)
    listed.until(lambda: listed.session.messages.rows)
    listed.menu.delete_requested.emit((bread,))
    listed.until(lambda: not listed.rows.archived)
    assert "Nothing is archived." in looks.texts(listed.panel)
    listed.panel.back_button.click()
    listed.sees("Today", "Trees", "Taxes", "Bikes")


def test_a_copy_is_opened_beside_its_original(listed: Listed) -> None:
    bread, *_ = listed.fill(*TITLES[:2])
    listed.menu.duplicate_requested.emit((bread,))
    listed.sees("Today", "Copy of Bread", "Bikes", "Bread")
    listed.until(lambda: listed.session.messages.rows)
    copy = listed.rows.conversations[0].id
    assert copy != bread
    assert listed.rows.index(1).data(listed.rows.Role.SHOWN)
    listed.menu.delete_requested.emit((bread,))
    listed.sees("Today", "Copy of Bread", "Bikes")
    assert "Bread" in listed.session.messages.rows[0].text


def test_one_that_is_being_answered_is_stopped_and_deleted(qtbot: QtBot, start: Start, paths: Paths) -> None:
    scripted_model(paths.models / "slow.gguf", "", "one two three four", endless=True, slow=100)
    listed = Listed(qtbot, start())
    session = listed.session
    ready(qtbot, session)
    ask(qtbot, session, "Count")
    listed.until(lambda: len(session.messages.rows) == 2 and "two" in session.messages.rows[-1].text)
    (counting,) = listed.rows.conversations
    listed.until(lambda: listed.rows.index(1).data(listed.rows.Role.BUSY))
    listed.menu.delete_requested.emit((counting.id,))
    listed.until(lambda: not listed.rows.conversations and not session.messages.rows)
    listed.until(lambda: not session.pump.active)  # no answer is on its way
    assert not session.chat_page.composer.busy
    listed.undo()
    listed.until(lambda: len(session.messages.rows) == 2)
    assert session.messages.rows[-1].text.startswith("one two")
    assert session.messages.rows[-1].cut_off

    listed.menu.delete_requested.emit((counting.id,))
    listed.until(lambda: not session.messages.rows and listed.notices)
    ask(qtbot, session, "Another")
    listed.until(lambda: not listed.is_there(counting.id))
    listed.until(lambda: session.messages.rows and session.messages.rows[-1].text)
    session.window.actions_.stop.trigger()


def test_an_answer_that_ended_unseen_is_marked(qtbot: QtBot, start: Start, paths: Paths) -> None:
    scripted_model(paths.models / "slow.gguf", "", LONG, slow=50)
    listed = Listed(qtbot, start())
    session, role = listed.session, listed.rows.Role
    ready(qtbot, session)
    ask(qtbot, session, "Count")
    listed.until(lambda: len(session.messages.rows) == 2 and session.messages.rows[-1].text)
    session.window.actions_.new_chat.trigger()
    assert listed.rows.index(1).data(role.BUSY)
    listed.until(lambda: listed.rows.index(1).data(role.UNREAD))
    assert not listed.rows.index(1).data(role.BUSY)
    listed.until(lambda: services(session).chats.conversations()[0].unread)  # on disk
    end(qtbot, session)

    listed = Listed(qtbot, start())
    session = listed.session
    listed.until(lambda: listed.rows.index(1).data(role.UNREAD))
    listed.panel.conversation_requested.emit(listed.rows.conversations[0].id)
    listed.until(lambda: not listed.rows.index(1).data(role.UNREAD))
    listed.until(lambda: session.messages.rows and session.messages.rows[-1].text == LONG)
    listed.until(lambda: not services(session).chats.conversations()[0].unread)
