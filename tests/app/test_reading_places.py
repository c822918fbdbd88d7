"""Another chat is opened, or the app ends, and the reader comes back to where he was."""

from pathlib import Path

from pytestqt.qtbot import QtBot

from app.__main__ import Session
from app.reading_places import MOST, ReadingPlaces
from app.widgets.prose import ReadOnlyText
from app.widgets.transcript import Transcript
from tests.app.conftest import MINUTE, Start, end
from tests.app.test_chat_story import ready
from tests.kit.long_chats import fill


def at_the_top(view: Transcript) -> tuple[int, str]:
    """The message that stands at the top of the window, and the text there."""
    row, widget = max((row, widget) for row, widget in view.in_sight.items() if widget.y() <= 0 and widget.isVisible())
    texts = [text for text in widget.findChildren(ReadOnlyText) if text.isVisible()]
    tops = {text.mapTo(view.viewport(), text.rect().topLeft()).y(): text.toPlainText() for text in texts}
    above = [top for top in tops if top <= 0]
    return row, tops[max(above)] if above else ""


def open_chat(qtbot: QtBot, session: Session, conversation_id: int, count: int) -> Transcript:
    assert session.desk is not None
    session.window.show_page("chat")
    session.desk.chat.open(conversation_id)
    qtbot.waitUntil(lambda: len(session.messages.rows) == count, timeout=MINUTE)
    return session.chat_page.transcript


def test_one_comes_back_to_where_one_was(qtbot: QtBot, start: Start, tmp_path: Path) -> None:
    session = start()
    ready(qtbot, session)
    assert session.services is not None
    long, short = fill(session.services.chats, 60, "Long").id, fill(session.services.chats, 6, "Short").id
    view = open_chat(qtbot, session, long, 60)
    assert view.pinned  # nobody has read it yet: its end
    view.show_message(session.messages.rows[31].id)
    view.verticalScrollBar().setValue(view.verticalScrollBar().value() + 400)
    qtbot.waitUntil(lambda: view.empty_share == 0)
    place = at_the_top(view)
    assert place[0] == 31
    assert place[1]

    open_chat(qtbot, session, short, 6)
    assert view.pinned
    open_chat(qtbot, session, long, 60)
    assert not view.pinned
    qtbot.waitUntil(lambda: view.empty_share == 0)
    assert at_the_top(view) == place
    end(qtbot, session)

    again = start()
    qtbot.waitUntil(lambda: len(again.messages.rows) == 60, timeout=MINUTE)
    again.window.show_page("chat")
    view = again.chat_page.transcript
    qtbot.waitUntil(lambda: view.empty_share == 0)
    assert at_the_top(view) == place

    view.to_end()  # who is at the end comes back to the end
    open_chat(qtbot, again, short, 6)
    open_chat(qtbot, again, long, 60)
    assert view.pinned
    view.show_message(again.messages.rows[31].id)
    assert again.desk is not None
    again.desk.chat.new()
    assert not again.messages.rows
    open_chat(qtbot, again, long, 60)
    assert not view.pinned


def test_places_are_written_as_numbers_and_not_for_ever() -> None:
    places = ReadingPlaces()
    for first in range(1, MOST + 3):
        places.keep(first, first + 10, 500)
    places.keep(3, 99, 7)
    places.forget(4)
    again = ReadingPlaces()
    again.read(places.written())
    assert again.find(1) is again.find(2) is again.find(4) is None
    assert again.find(3) == (99, 7)
    assert again.find(MOST + 2) == (MOST + 12, 500)
    again.read([1, 2])  # broken off
    assert again.find(1) is None
