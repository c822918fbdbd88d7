"""What is written is kept, measured and helped: the real window, the real engine, a model that says a known text."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.__main__ import Session
from app.tab_order import stops
from app.widgets.composer import Composer
from app.widgets.message import Answer
from backends.chat.answer import AnswerAsked
from backends.chat.options import Options
from backends.core.paths import Paths
from backends.core.settings import SettingsStore
from backends.engine.protocol import Turn
from backends.services import Services
from tests.app.conftest import MINUTE, Start, end
from tests.kit import looks
from tests.kit.ggufs import Script, scripted_model

SECRET = "heliotrope"
THOUGHTS = f"The word to keep is {SECRET}.\n\n- **one**\n- two"
ANSWER = "All is well."
LEAKED = "It was told what I thought"
CONTEXT = 8192  # of which half is kept for an answer; a letter is about a token of this model


@pytest.fixture
def session(qtbot: QtBot, start: Start, paths: Paths) -> Session:
    scripts = [Script("", LEAKED, word=SECRET), Script("", "short", word="briefly")]
    scripted_model(paths.models / "thinker.gguf", THOUGHTS, ANSWER, scripts=scripts, heard=True, slow=160)
    settings = SettingsStore(paths.config / "settings.json")
    for key, value in (("threads", 1), ("try_first", False)):
        settings.set(f"engine.{key}", value)
    settings.set("models.context", CONTEXT)
    return opened(qtbot, start)


def opened(qtbot: QtBot, start: Start) -> Session:
    session = start()
    qtbot.waitUntil(lambda: session.state.stage == "ready", timeout=MINUTE)
    at_rest(qtbot, session)
    return session


def composer(session: Session) -> Composer:
    return session.chat_page.composer


def services(session: Session) -> Services:
    assert session.services is not None
    return session.services


def at_rest(qtbot: QtBot, session: Session) -> None:
    qtbot.waitUntil(lambda: not session.pump.active, timeout=MINUTE)


def until(qtbot: QtBot, true: Callable[[], object]) -> None:
    qtbot.waitUntil(lambda: bool(true()), timeout=MINUTE)


def sees(qtbot: QtBot, session: Session, *words: str) -> None:
    until(qtbot, lambda: all(word in looks.texts(session.chat_page) for word in words))


def ask(qtbot: QtBot, session: Session, text: str, rows: int = 2) -> None:
    composer(session).set_text(text)
    qtbot.keyClick(composer(session).box, Qt.Key.Key_Return)
    until(qtbot, lambda: len(session.messages.rows) == rows and session.messages.rows[-1].live is None)
    at_rest(qtbot, session)


def current(session: Session) -> int:
    assert session.desk is not None
    assert session.desk.chat.current is not None
    return session.desk.chat.current.id


def drafts(session: Session, conversation: int | None) -> str:
    return services(session).chats.organised.draft(conversation)


def opens(qtbot: QtBot, session: Session, conversation: int) -> None:
    assert session.desk is not None
    session.desk.chat.open(conversation)
    until(qtbot, lambda: session.desk and session.desk.chat.current and current(session) == conversation)
    at_rest(qtbot, session)


def test_each_conversation_has_its_draft_also_after_a_restart(qtbot: QtBot, session: Session, start: Start) -> None:
    ask(qtbot, session, "first")
    assert composer(session).text() == ""
    first = current(session)
    composer(session).set_text("draft of the first\nof two lines")
    session.window.actions_.new_chat.trigger()
    assert composer(session).text() == ""
    composer(session).set_text("draft of the new one")
    opens(qtbot, session, first)
    until(qtbot, lambda: composer(session).text() == "draft of the first\nof two lines")
    composer(session).box.undo()
    assert composer(session).text() == "draft of the first\nof two lines"  # nothing of another conversation comes back
    session.window.actions_.new_chat.trigger()
    until(qtbot, lambda: composer(session).text() == "draft of the new one")
    composer(session).set_text("changed in the last moment")
    end(qtbot, session)
    again = opened(qtbot, start)
    until(qtbot, lambda: composer(again).text() == "changed in the last moment")
    opens(qtbot, again, first)
    until(qtbot, lambda: composer(again).text() == "draft of the first\nof two lines")


def test_a_draft_is_on_disk_while_somebody_writes_and_goes_when_it_is_sent(qtbot: QtBot, session: Session) -> None:
    box = composer(session).box
    typed = 0

    def type_on() -> bool:
        nonlocal typed
        qtbot.keyClicks(box, "x")
        typed += 1
        return len(drafts(session, None)) > 20

    until(qtbot, type_on)
    assert drafts(session, None) == "x" * len(drafts(session, None))
    at_rest(qtbot, session)
    ask(qtbot, session, "briefly please")  # what was sent is no draft, and what was written since stays
    assert drafts(session, None) == drafts(session, current(session)) == ""
    composer(session).set_text("and this stays")
    assert session.desk is not None
    session.desk.chat.send("another question, of an example")
    until(qtbot, lambda: len(session.messages.rows) == 4 and session.messages.rows[-1].live is None)
    assert composer(session).text() == "and this stays"


def test_a_question_that_cannot_be_sent_stays(qtbot: QtBot, start: Start) -> None:
    session = start()
    qtbot.waitUntil(lambda: session.state.stage == "empty", timeout=MINUTE)
    session.window.show_page("chat")
    composer(session).set_text("Is anybody there?")
    qtbot.keyClick(composer(session).box, Qt.Key.Key_Return)
    assert composer(session).text() == "Is anybody there?"
    until(qtbot, lambda: drafts(session, None) == "Is anybody there?")
    assert "about 5 tokens" in looks.texts(session.chat_page)


def test_the_draft_goes_along_when_a_conversation_begins_with_a_document(qtbot: QtBot, session: Session) -> None:
    box = composer(session).box
    box.setPlainText("What does it say? ")
    pasted = QMimeData()
    pasted.setText("The key lies under the mat of the door.\n" * 400)
    box.moveCursor(box.textCursor().MoveOperation.End)
    box.insertFromMimeData(pasted)
    looks.button(composer(session), "Add as a document instead").click()
    sees(qtbot, session, "The text was added.", "1 file of this chat")
    at_rest(qtbot, session)
    assert composer(session).text() == "What does it say? "
    until(qtbot, lambda: drafts(session, current(session)) == "What does it say? ")
    assert drafts(session, None) == ""
    (document,) = services(session).grounding.given(current(session))
    assert document.title.startswith("The key lies under the mat")


def test_what_will_not_fit_is_said_and_a_question_too_long_is_not_sent(qtbot: QtBot, session: Session) -> None:
    conversation = services(session).chats.create()
    for number in range(6):
        services(session).chats.add_message(conversation.id, "user", f"Question {number}: {'xyzzy ' * 150}")
        services(session).chats.add_message(conversation.id, "assistant", f"Answer {number}")
    opens(qtbot, session, conversation.id)
    composer(session).set_text("And now?")
    sees(qtbot, session, "will not be sent: from “Question 0: xyzzy")
    assert not session.pump.active or not composer(session).busy
    composer(session).set_text("xyzzy " * 2000)
    sees(qtbot, session, "The question is", f"{CONTEXT:,}", "Shorten it")
    assert not looks.button(composer(session), "Send").isEnabled()
    composer(session).set_text("a few words")
    until(qtbot, lambda: "Shorten it" not in looks.texts(session.chat_page))
    assert looks.button(composer(session), "Send").isEnabled()
    at_rest(qtbot, session)
    assert not session.pump.active  # nothing is counted while nothing changes


def test_prompts_are_saved_used_and_brought_back_and_a_picture_is_refused(qtbot: QtBot, session: Session) -> None:
    write = composer(session)
    write.set_text("Translate into Chinese:")
    write.editor.write(write.text())
    looks.button(write.editor, "Save").click()
    organised = services(session).chats.organised
    until(qtbot, lambda: write.prompts.names == ["Translate into Chinese:"])
    write.clear()
    qtbot.keyClicks(write.box, "/")
    qtbot.keyClick(write.box, Qt.Key.Key_Return)
    assert write.text() == "Translate into Chinese:"
    session.window.actions_.prompts.trigger()
    looks.button(write.editor, "Delete: Translate into Chinese:").click()
    sees(qtbot, session, "The prompt “Translate into Chinese:” was deleted.", "Suggestions:")
    assert organised.saved_prompts() == ()
    looks.button(session.chat_page.notices, "Undo").click()
    until(qtbot, lambda: [one.text for one in organised.saved_prompts()] == ["Translate into Chinese:"])
    sees(qtbot, session, "Translate into Chinese:")
    QApplication.clipboard().setImage(QImage(4, 4, QImage.Format.Format_RGB32))
    write.box.paste()
    sees(qtbot, session, "the model reads text only, no pictures")


# ---- what the model thought


def head(session: Session, row: int) -> Answer:
    answer = session.chat_page.transcript.in_sight[row]
    assert isinstance(answer, Answer)
    return answer


def test_thinking_is_counted_never_sent_back_and_its_fold_remembered(qtbot: QtBot, session: Session) -> None:
    said: list[str] = []

    def look() -> None:
        if session.messages.rows[-1].live is not None and 1 in session.chat_page.transcript.in_sight:
            said.append(looks.texts(head(session, 1).thinking))

    session.pump.ticked.connect(look)
    ask(qtbot, session, "Hello")
    thought = session.messages.rows[1]
    assert SECRET in thought.reasoning
    assert thought.reasoning_tokens > 5
    assert f"{thought.reasoning_tokens} tokens" in looks.texts(head(session, 1))
    assert any("Thinking " in words and "tokens" in words for words in said), said
    ask(qtbot, session, "What was the word?", rows=4)
    assert session.messages.rows[-1].text == ANSWER  # a prompt with what it thought would be answered otherwise
    turns = [Turn("user", "Hello"), Turn("assistant", ANSWER), Turn("user", "What was the word?")]
    (length,) = services(session).engine.count_tokens(turns)
    assert session.messages.rows[-1].prompt_tokens == length
    ask(qtbot, session, f"{SECRET}!", rows=6)
    assert session.messages.rows[-1].text == LEAKED
    conversation = current(session)
    session.chat_page.transcript.verticalScrollBar().setValue(0)
    fold = head(session, 1).thinking
    (button,) = (one for one in stops(session.chat_page) if one.parent() is fold)
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert fold.opened
    session.window.actions_.new_chat.trigger()
    opens(qtbot, session, conversation)
    session.chat_page.transcript.verticalScrollBar().setValue(0)
    assert head(session, 1).thinking.opened
    session.chat_page.transcript.in_sight[1].set_thinking_open(False)  # type: ignore[union-attr]
    assert not head(session, 1).thinking.opened


def test_the_budget_of_a_conversation_is_named_while_it_thinks(qtbot: QtBot, session: Session) -> None:
    conversation = services(session).chats.create()
    services(session).chats.organised.set_options(conversation.id, Options(thinking_budget=1500))
    question = services(session).chats.add_message(conversation.id, "user", "Hello")
    asked = [e for e in services(session).regenerate(conversation.id, question.id) if isinstance(e, AnswerAsked)]
    assert [event.thinking_budget for event in asked] == [1500]
    said: list[str] = []
    session.messages.dataChanged.connect(lambda: said.append(looks.texts(session.chat_page)))
    opens(qtbot, session, conversation.id)
    ask(qtbot, session, "Hello again", rows=4)
    assert any("of at most 1,500 tokens" in page or "of at most 1500 tokens" in page for page in said)
