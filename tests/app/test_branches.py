"""The tree of a conversation in the window: written anew, answered again, switched, ended, branched, deleted, undone.

The real window, store and engine; a model that says a known text for each question.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QInputMethodEvent, QTextCursor
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from app.__main__ import Session
from app.lists.messages import Live, MessageList, MessageRow
from app.widgets.message import Answer, Question
from app.widgets.message_menu import MessageMenu
from app.widgets.prose import Prose, ReadOnlyText
from app.widgets.transcript import Transcript
from app.widgets.wide import WideText
from backends.chat.types import Conversation
from backends.core.paths import Paths
from backends.core.settings import SettingsStore
from tests.app.conftest import MINUTE, Start, end
from tests.kit import looks
from tests.kit.ggufs import Script, scripted_model

RED, BLUE, GREEN = "Red it is.", "Blue then.", "Perhaps green."
CORRECTED = "Red, but only in the evening."
SLOW = " ".join(f"w{number}" for number in range(300))


@pytest.fixture
def model(paths: Paths) -> Path:
    settings = SettingsStore(paths.config / "settings.json")
    settings.set("chat.name_chats", False)  # they are called by their question
    settings.set("engine.threads", 1)  # threads of llama.cpp wait for one another, long where others work, too
    settings.set("engine.try_first", False)
    settings.set("models.context", 4096)
    scripts = [Script("", BLUE, "blue"), Script("", GREEN, "green"), Script("", SLOW, "slowly", endless=True)]
    return scripted_model(paths.models / "colours.gguf", "", RED, scripts=scripts, slow=24)


class Person:
    """At one window, whose conversation is told by the first words of its rows."""

    def __init__(self, qtbot: QtBot, session: Session) -> None:
        assert session.desk is not None
        self.qtbot, self.session, self.desk = qtbot, session, session.desk
        self.page, self.messages = session.chat_page, session.messages
        self.until(lambda: session.state.stage in ("idle", "ready"))

    def until(self, true: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(true()), timeout=MINUTE)

    def rests(self) -> None:
        """Nothing is on its way, and all that was asked of the store is done."""
        self.until(lambda: all(row.live is None for row in self.messages.rows) and not self.session.pump.active)

    def reads(self, *texts: str) -> None:
        """The branch that is shown, with its end reached."""
        self.until(lambda: [row.text for row in self.messages.rows] == list(texts))
        self.rests()
        assert [row.text for row in self.messages.rows] == list(texts)

    def asks(self, text: str) -> None:
        self.desk.chat.send(text)
        self.until(lambda: self.messages.rows and self.messages.rows[-1].live is None and not self.page.composer.busy)

    def asks_slowly(self) -> None:
        """The answer has begun, and has no end."""
        self.desk.chat.send("Tell me slowly")
        self.until(lambda: self.messages.rows and self.messages.rows[-1].text.startswith("w0 w1"))

    def opens(self, conversation: int) -> None:
        self.desk.chat.open(conversation)
        self.until(lambda: self.current == conversation)

    def unloads(self) -> None:
        self.desk.models.unload()
        self.until(lambda: self.session.state.stage == "idle")

    @property
    def current(self) -> int | None:
        return self.desk.chat.current.id if self.desk.chat.current is not None else None

    def row(self, place: int) -> MessageRow:
        return self.messages.rows[place]

    def widget(self, place: int) -> Question | Answer:
        self.page.transcript.show_message(self.row(place).id)
        return self.page.transcript.in_sight[place]

    def does(self, name: str, place: int) -> None:
        """An entry of the menu."""
        widget = self.widget(place)
        entries = [entry.name for entry in MessageMenu(widget.row, widget).entries(widget.row)]
        assert name in entries, entries
        widget.act(name)

    def edits(self, place: int, text: str) -> None:
        self.does("edit", place)
        editor = self.widget(place).editor
        assert editor is not None
        editor.box.setPlainText(text)
        self.qtbot.keyClick(editor.box, Qt.Key.Key_Return)

    def places(self) -> list[tuple[int, int]]:
        return [(row.position, row.siblings) for row in self.messages.rows]

    def presses(self, name: str) -> None:
        """On the notices of the page."""
        looks.button(self.page.notices, name).click()

    def on_disk(self) -> list[str]:
        with closing(sqlite3.connect(self.session.paths.data / "chats.db")) as database:
            return [text for (text,) in database.execute("SELECT content FROM messages ORDER BY id")]

    def can_write(self, can: bool) -> None:
        """The window's connection to the store: as on a disk that became read-only."""
        services, told = self.session.services, []
        assert services is not None
        pragma = f"PRAGMA query_only = {'OFF' if can else 'ON'}"
        self.desk.chat.call(lambda: services.database.connection().execute(pragma), then=told.append)
        self.until(lambda: told)

    @property
    def conversations(self) -> list[Conversation]:
        return list(self.session.conversations.conversations)


@pytest.fixture
def person(qtbot: QtBot, start: Start, model: Path) -> Person:
    return Person(qtbot, start())


def test_messages_are_written_anew_and_answered_again_and_nothing_is_lost(person: Person) -> None:
    person.asks("One")
    person.asks("And blue?")
    person.reads("One", RED, "And blue?", BLUE)
    person.edits(0, "Or green?")
    person.reads("Or green?", GREEN)
    assert person.places() == [(2, 2), (1, 1)]
    person.widget(0).step(-1)
    person.reads("One", RED, "And blue?", BLUE)
    assert person.places()[0] == (1, 2)
    person.edits(2, "And green?")
    person.reads("One", RED, "And green?", GREEN)
    person.widget(2).step(-1)
    person.reads("One", RED, "And blue?", BLUE)
    person.widget(0).step(1)
    person.reads("Or green?", GREEN)
    person.widget(0).step(-1)
    person.reads("One", RED, "And blue?", BLUE)  # the one that was seen last, not the newest
    assert len(person.on_disk()) == 8

    person.does("regenerate", 1)
    person.reads("One", RED)
    assert person.places()[1] == (2, 2)
    person.asks("And green?")
    person.widget(1).step(-1)
    person.reads("One", RED, "And blue?", BLUE)
    person.widget(1).step(-1)  # there is none before
    person.reads("One", RED, "And blue?", BLUE)
    person.widget(1).step(1)
    person.reads("One", RED, "And green?", GREEN)


def test_branches_are_corrected_ended_and_taken_elsewhere_and_stand_so_after_a_restart(
    qtbot: QtBot, start: Start, person: Person
) -> None:
    person.asks("One")
    person.edits(1, CORRECTED)
    person.reads("One", CORRECTED)
    row = person.row(1)
    assert (row.edited, row.position, row.siblings, row.problem) == (True, 2, 2, None)
    assert "Edited by you" in looks.texts(person.widget(1))
    person.asks("And blue?")
    person.reads("One", CORRECTED, "And blue?", BLUE)

    person.does("end_here", 1)
    person.reads("One", CORRECTED)
    assert person.row(1).goes_on
    looks.button(person.widget(1), "Show what follows").click()
    person.reads("One", CORRECTED, "And blue?", BLUE)
    assert not person.row(3).goes_on
    person.does("end_here", 1)
    person.reads("One", CORRECTED)
    person.asks("And green?")
    person.reads("One", CORRECTED, "And green?", GREEN)
    assert person.places()[2] == (2, 2)

    first = person.conversations[0].id
    for _ in range(2):  # asked for twice, done once
        person.desk.branches.branches.branch(person.row(1).id)
    person.until(lambda: person.current != first)
    person.reads("One", CORRECTED)
    assert [one.title for one in person.conversations] == ["One (branch)", "One"]
    person.asks("And blue?")
    person.desk.chat.open(first)
    person.reads("One", CORRECTED, "And green?", GREEN)

    end(qtbot, person.session)
    again = Person(qtbot, start())
    again.opens(first)
    again.reads("One", CORRECTED, "And green?", GREEN)
    assert again.row(1).edited
    assert again.places()[2] == (2, 2)


def test_deleted_messages_come_back_the_last_first_and_are_erased_when_their_notice_goes(person: Person) -> None:
    person.asks("One")
    person.asks("And blue?")
    person.does("regenerate", 3)
    person.rests()
    widget = person.widget(3)
    for _ in range(2):  # asked for twice, done once
        widget.act("delete")
    person.reads("One", RED, "And blue?", BLUE)
    assert person.places()[3] == (1, 1)
    assert "1 message deleted." in looks.texts(person.page.notices)
    assert len(person.page.notices.banners) == 1
    person.does("delete", 2)
    person.reads("One", RED)
    assert "3 messages deleted." in looks.texts(person.page.notices)
    person.does("delete", 0)
    person.reads()
    assert person.page.empty.isVisible()
    assert person.conversations[0].title == "One"
    assert "5 messages deleted." in looks.texts(person.page.notices)
    person.presses("Undo")
    person.reads("One", RED)
    person.presses("Undo")
    person.reads("One", RED, "And blue?", BLUE)
    person.desk.chat.new()
    person.presses("Undo")  # it is about another conversation than the one that is shown
    person.reads("One", RED, "And blue?", BLUE)
    assert person.places()[3] == (2, 2)
    assert not person.page.notices.banners

    person.edits(2, "And green?")  # both branches have the first answer in common
    person.reads("One", RED, "And green?", GREEN)
    person.does("delete", 1)
    person.until(lambda: "6 messages deleted." in looks.texts(person.page.notices))
    person.until(lambda: [row.text for row in person.messages.rows] == ["One", ""])  # and the offer to answer it
    person.presses("Undo")
    person.reads("One", RED, "And green?", GREEN)
    person.widget(2).step(-1)
    person.reads("One", RED, "And blue?", BLUE)

    person.does("delete", 2)
    person.until(lambda: person.page.notices.banners)
    assert BLUE in person.on_disk()
    (banner,) = person.page.notices.banners
    banner.dismiss()
    person.until(lambda: person.on_disk() == ["One", RED, "And green?", GREEN])
    person.does("delete", 0)
    person.reads()
    person.asks("And blue?")  # the next question: what was deleted is not wanted back
    person.reads("And blue?", BLUE)
    person.until(lambda: person.on_disk() == ["And blue?", BLUE])
    person.until(lambda: person.conversations[0].title == "And blue?")


def test_an_answer_on_its_way_is_stopped_by_what_changes_its_branch_and_not_by_looking_at_another(
    person: Person,
) -> None:
    person.asks_slowly()
    person.does("delete", 1)
    person.until(lambda: [row.text for row in person.messages.rows] == ["Tell me slowly", ""])
    person.rests()
    person.presses("Undo")
    person.until(lambda: person.row(1).text.startswith("w0 w1"))
    assert person.row(1).stopped
    assert person.row(1).cut_off
    person.does("regenerate", 1)
    person.until(lambda: person.row(1).live is not None and person.row(1).text.startswith("w0"))
    person.edits(0, "Or green?")
    person.reads("Or green?", GREEN)
    assert person.places()[0] == (2, 2)
    person.widget(0).step(-1)
    person.until(lambda: person.row(0).text == "Tell me slowly")
    assert (person.row(1).stopped, person.row(1).position, person.row(1).siblings) == (True, 2, 2)

    person.does("regenerate", 1)
    person.until(lambda: person.row(1).live is not None and person.row(1).text.startswith("w0"))
    slow = person.row(1).id
    person.widget(0).step(1)
    person.until(lambda: [row.text for row in person.messages.rows] == ["Or green?", GREEN])
    assert person.page.composer.busy
    person.qtbot.wait(150)
    assert [row.text for row in person.messages.rows] == ["Or green?", GREEN]
    person.widget(0).step(-1)
    person.until(lambda: person.row(1).id == slow and person.row(1).live is not None)
    before = person.row(1).text
    person.until(lambda: len(person.row(1).text) > len(before))
    person.desk.chat.new()
    person.opens(person.conversations[0].id)
    person.until(lambda: person.messages.rows and person.messages.rows[-1].live is not None)
    person.desk.chat.stop()
    person.rests()
    assert person.row(1).stopped


def test_a_cut_answer_of_any_branch_goes_on_after_a_restart_and_old_answers_stay_without_a_model(
    qtbot: QtBot, start: Start, person: Person, model: Path
) -> None:
    person.asks_slowly()
    person.desk.chat.stop()
    person.rests()
    said = person.row(1).text
    person.edits(0, "One")
    person.reads("One", RED)
    end(qtbot, person.session)
    again = Person(qtbot, start())
    again.until(lambda: again.conversations)
    again.opens(again.conversations[0].id)
    again.reads("One", RED)
    again.widget(0).step(-1)
    again.until(lambda: again.row(1).text == said)
    assert again.row(1).cut_off
    looks.button(again.widget(1), "Go on").click()
    again.until(lambda: len(again.row(1).text) > len(said))
    again.desk.chat.stop()
    again.rests()
    assert again.row(1).text.startswith(said)

    again.unloads()
    again.edits(0, "Or green?")  # it is loaded again
    again.reads("Or green?", GREEN)
    again.unloads()
    model.rename(model.with_suffix(".away"))
    again.does("regenerate", 1)
    again.until(lambda: again.page.notices.banners)
    again.reads("Or green?", GREEN)
    assert again.places() == [(3, 3), (1, 1)]


def test_a_store_that_fails_keeps_the_text_and_says_so(person: Person) -> None:
    person.asks("One")
    person.can_write(False)
    person.edits(0, "Or green?")
    person.until(lambda: person.page.notices.banners)
    editor = person.widget(0).editor
    assert editor is not None
    assert editor.box.toPlainText() == "Or green?"
    assert not person.page.composer.busy
    person.page.notices.clear()
    person.does("delete", 1)
    person.until(lambda: person.page.notices.banners)
    assert "Undo" not in looks.names(person.page.notices)
    person.reads("One", RED)
    person.can_write(True)
    person.does("delete", 1)
    person.until(lambda: "Undo" in looks.names(person.page.notices))
    person.can_write(False)
    person.presses("Undo")
    person.until(lambda: "Undo" in looks.names(person.page.notices))  # again
    person.can_write(True)
    person.presses("Undo")
    person.reads("One", RED)
    editor = person.widget(0).editor
    assert editor is not None
    person.qtbot.keyClick(editor.box, Qt.Key.Key_Return)
    person.reads("Or green?", GREEN)


# ---- the page alone


@pytest.fixture
def messages() -> MessageList:
    return MessageList()


@pytest.fixture
def view(qtbot: QtBot, messages: MessageList) -> Transcript:
    view = Transcript(messages)
    view.resize(900, 600)
    view.show()
    view.activateWindow()
    qtbot.addWidget(view)
    return view


def rows(count: int, tail: int = 0) -> list[MessageRow]:
    """Questions and answers in turn; `tail` tells branches apart that have the first ten in common."""
    told = []
    for n in range(count):
        number = n + 1 if n < 10 else n + 1 + tail
        text = f"Message {number}. " * (3 if n % 2 == 0 else 60)
        told.append(MessageRow(number, "assistant" if n % 2 else "user", text, model="m", siblings=2))
    return told


def focus(qtbot: QtBot, view: Transcript, row: int) -> Question | Answer:
    widget = view.in_sight[row]
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(widget.hasFocus)
    return widget


def test_the_place_on_the_screen_stays_when_the_branch_changes(view: Transcript, messages: MessageList) -> None:
    messages.reset(rows(30))
    view.show_message(11)
    before = view.in_sight[10].y()
    messages.follow(rows(44, tail=100), 10)
    assert view.in_sight[10].row.id == 111
    assert view.in_sight[10].y() == before
    assert not view.pinned
    messages.follow(rows(30), 10)
    assert view.in_sight[10].y() == before
    assert [row.id for row in messages.rows] == list(range(1, 31))
    messages.follow(rows(1), 0)
    assert view.in_sight[0].y() > 0
    messages.follow([], 0)
    assert not view.in_sight


def test_what_is_written_outlives_scrolling_and_belongs_to_the_input_method(
    qtbot: QtBot, view: Transcript, messages: MessageList
) -> None:
    messages.reset(rows(40))
    view.show_message(1)
    asked: list[tuple[int, str]] = []
    view.edit_submitted.connect(lambda *told: asked.append(told))
    view.in_sight[0].act("edit")
    editor = view.in_sight[0].editor
    assert editor is not None
    assert editor.box.toPlainText() == messages.rows[0].text
    editor.box.setPlainText("begun")
    view.to_end()
    assert 0 not in view.in_sight
    view.show_message(1)
    editor = view.in_sight[0].editor
    assert editor is not None
    assert editor.box.toPlainText() == "begun"
    QApplication.sendEvent(editor.box, QInputMethodEvent("ni hao", []))
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Escape):
        qtbot.keyClick(editor.box, key)
    assert not asked
    assert view.in_sight[0].editor is editor
    commit = QInputMethodEvent()
    commit.setCommitString("你好")
    QApplication.sendEvent(editor.box, commit)
    qtbot.wait(1)
    qtbot.keyClick(editor.box, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    ((message, text),) = asked
    assert (message, sorted(text)) == (1, sorted("begun你好"))
    qtbot.keyClick(editor.box, Qt.Key.Key_Escape)
    assert view.in_sight[0].editor is None
    assert not messages.edits.texts


def test_everything_by_keyboard_and_named(qtbot: QtBot, view: Transcript, messages: MessageList) -> None:
    told = rows(6)
    messages.reset([replace(told[0], position=2), *told[1:]])
    view.show_message(1)
    acted: list[tuple[int, str]] = []
    stepped: list[tuple[int, int]] = []
    view.message_action.connect(lambda *args: acted.append(args))
    view.variant_requested.connect(lambda *args: stepped.append(args))
    question = focus(qtbot, view, 0)
    assert question.accessibleName() == "Your message, 2 of 2 versions"
    assert "Message 1." in question.accessibleDescription()
    assert {"Edit", "More", "Earlier version"} <= looks.names(question)
    qtbot.keyClick(question, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    qtbot.keyClick(question, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)  # it is the last one
    assert stepped == [(1, -1)]
    qtbot.keyClick(question, Qt.Key.Key_Down)
    answer = view.in_sight[1]
    assert answer.hasFocus()
    assert answer.accessibleName() == "Answer, 1 of 2 versions"
    assert "Edit" not in looks.names(question)
    qtbot.keyClick(answer, Qt.Key.Key_Delete)
    qtbot.keyClick(answer, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert acted == [(2, "delete"), (2, "copy_markdown")]
    by_key = QContextMenuEvent.Reason.Keyboard
    QApplication.sendEvent(answer, QContextMenuEvent(by_key, QPoint(5, 5), answer.mapToGlobal(QPoint(5, 5))))
    (menu,) = [menu for menu in answer.findChildren(QMenu) if menu.isVisible()]
    words = [action.text() for action in menu.actions()]
    for name in ("Copy", "Edit", "Answer again", "Branch into a new chat", "Continue from here"):
        assert name in words
    next(action for action in menu.actions() if action.text() == "Continue from here").trigger()
    assert acted[2:] == [(2, "end_here")]
    menu.close()
    qtbot.keyClick(answer, Qt.Key.Key_Up)
    assert question.hasFocus()
    qtbot.keyClick(question, Qt.Key.Key_F2)
    editor = question.editor
    assert editor is not None
    qtbot.waitUntil(editor.box.hasFocus)


def test_up_and_down_go_through_all_messages_also_those_out_of_sight(
    qtbot: QtBot, view: Transcript, messages: MessageList
) -> None:
    messages.reset(rows(24))
    view.show_message(1)
    at: Question | Answer = focus(qtbot, view, 0)
    for key, last in ((Qt.Key.Key_Down, 24), (Qt.Key.Key_Up, 1)):
        seen = [at.row.id]
        for _ in range(500):
            if at.row.id == last:
                break
            qtbot.keyClick(at, key)
            at = next(widget for widget in view.in_sight.values() if widget.hasFocus())
            assert at.isVisible()
            if at.row.id != seen[-1]:
                seen.append(at.row.id)
        assert seen == sorted(range(1, 25), reverse=last == 1)


def asks_for_menu(widget: QWidget, reason: QContextMenuEvent.Reason) -> None:
    place = QPoint(4, 4)
    QApplication.sendEvent(widget, QContextMenuEvent(reason, place, widget.mapToGlobal(place)))


def test_a_right_click_in_the_text_opens_the_menu_of_the_message_and_copies_what_is_selected_there(
    qtbot: QtBot, view: Transcript, messages: MessageList
) -> None:
    table = "[There](https://example.org/) it is.\n\n| a | b |\n| - | - |\n| 1 | 2 |"
    messages.reset([MessageRow(1, "user", "A question"), MessageRow(2, "assistant", table, model="m")])

    def words(text: ReadOnlyText, *, by_key: bool = False) -> list[str]:
        reasons = QContextMenuEvent.Reason
        asks_for_menu(text if by_key else text.viewport(), reasons.Keyboard if by_key else reasons.Mouse)
        (menu,) = [menu for menu in view.findChildren(QMenu) if menu.isVisible()]
        actions = {action.text(): action for action in menu.actions() if action.text()}
        next(iter(actions.values())).trigger()
        menu.close()
        looks.settle()
        return list(actions)

    (question,) = view.in_sight[0].findChildren(ReadOnlyText)
    assert words(question)[0] == "Copy"
    question.moveCursor(QTextCursor.MoveOperation.NextWord, QTextCursor.MoveMode.KeepAnchor)
    assert words(question)[:2] == ["Copy the selection", "Copy"]
    assert QApplication.clipboard().text() == "A "
    question.setFocus()
    qtbot.waitUntil(question.hasFocus)
    assert words(question, by_key=True)[:2] == ["Copy the selection", "Copy"]
    prose, cells = view.in_sight[1].findChildren(Prose)[0], view.in_sight[1].findChildren(WideText)[0]
    assert words(prose)[:2] == ["Copy the address", "Copy"]
    assert QApplication.clipboard().text() == "https://example.org/"
    assert words(cells)[:3] == ["Copy the table", "Copy as Markdown", "Copy"]


def test_a_paste_that_is_too_long_for_the_editor_is_said(qtbot: QtBot, view: Transcript, messages: MessageList) -> None:
    messages.reset(rows(1))
    view.in_sight[0].act("edit")
    editor = view.in_sight[0].editor
    assert editor is not None
    height = editor.height()
    QApplication.clipboard().setText("long " * 30_000)
    editor.box.paste()
    assert editor.box.toPlainText() == messages.rows[0].text
    assert "too long to be written here" in looks.texts(editor)
    assert editor.height() > height
    assert not looks.cut_off(editor, editor.width())
    qtbot.keyClicks(editor.box, "x")
    assert "too long" not in looks.texts(editor)
    assert editor.height() == height


def test_a_message_on_its_way_offers_only_what_can_be_done(qtbot: QtBot, view: Transcript) -> None:
    def names(row: MessageRow) -> set[str]:
        return {entry.name for entry in MessageMenu(row, view).entries(row)}

    changes = {"edit", "branch", "end_here", "regenerate"}
    assert changes <= names(MessageRow(4, "assistant", "said"))
    assert not changes & names(MessageRow(4, "assistant", "said", live=Live("writing")))
    assert "delete" in names(MessageRow(4, "assistant", "said", live=Live("writing")))
    assert names(MessageRow(-3, "assistant", stopped=True)) == {"regenerate"}
    assert not {"regenerate", "end_here"} & names(MessageRow(3, "user", "asked"))
