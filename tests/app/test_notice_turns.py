"""Notices in a low window: one at a time, so that the rest of it stays what it is."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.application import Application
from app.notices import Banner, Notice, NoticeButton
from app.widgets.main_window import SMALLEST
from backends.core.phrase import Phrase
from tests.kit import looks, shots


@pytest.fixture
def studio(qtbot: QtBot, qapp: Application) -> Iterator[shots.Studio]:
    qapp.follow("light", "en")
    studio = shots.Studio(qapp, "en")
    qtbot.addWidget(studio.window)
    studio.window.resize(*SMALLEST)
    studio.window.show()
    shots.SCENES["begin"](studio)
    looks.settle()
    yield studio
    qapp.follow("light", "en")


def notice(text: str) -> Notice:
    return Notice(text, Phrase("This is what can be done about it now, in one sentence.", "现在可以这样做。"))


def shown(studio: shots.Studio) -> list[str]:
    looks.settle()
    boards = (studio.window.notices, studio.chat.notices)
    return [str(one.notice.message) for board in boards for one in board.banners if one.isVisibleTo(studio.window)]


def banner(studio: shots.Studio) -> Banner:
    """The one that is shown."""
    boards = (studio.window.notices, studio.chat.notices)
    (one,) = [one for board in boards for one in board.banners if one.isVisibleTo(studio.window)]
    return one


def test_in_a_low_window_the_newest_is_shown_and_leads_to_the_others(studio: shots.Studio, qtbot: QtBot) -> None:
    studio.window.notices.post(notice("first"))
    assert shown(studio) == ["first"]
    assert banner(studio).turn.isHidden(), "there is no other"
    undo = NoticeButton("Undo", lambda: None)
    studio.chat.notices.post(Notice("second", "It can be brought back.", buttons=(undo,)))
    studio.chat.notices.post(notice("third"))
    assert shown(studio) == ["third"]
    for text, place in (("third", "1 of 3"), ("second", "2 of 3"), ("first", "3 of 3"), ("third", "1 of 3")):
        assert shown(studio) == [text]
        assert banner(studio).turn.text() == place
        assert place in banner(studio).turn.accessibleName()
        assert studio.chat.composer.height() >= studio.chat.composer.sizeHint().height()
        qtbot.mouseClick(banner(studio).turn, Qt.MouseButton.LeftButton)
    assert shown(studio) == ["second"]
    banner(studio).press(0)  # what is answered makes room for the newest
    assert shown(studio) == ["third"]
    banner(studio).dismiss()
    assert shown(studio) == ["first"]
    assert banner(studio).turn.isHidden()
    banner(studio).dismiss()
    assert not shown(studio)
    assert studio.window.notices.isHidden()
    assert studio.chat.notices.isHidden()


def test_by_the_keys_one_goes_on_and_on(studio: shots.Studio, qtbot: QtBot) -> None:
    for text in ("first", "second"):
        studio.window.notices.post(notice(text))
    looks.settle()
    banner(studio).turn.setFocus()
    for text in ("first", "second"):
        qtbot.keyClick(banner(studio).turn, Qt.Key.Key_Space)
        assert shown(studio) == [text]
        assert studio.window.focusWidget() is banner(studio).turn


def test_where_there_is_room_all_are_shown(studio: shots.Studio) -> None:
    studio.window.notices.post(notice("first"))
    studio.chat.notices.post(notice("second"))
    assert shown(studio) == ["second"]
    studio.window.resize(1200, 900)
    assert shown(studio) == ["first", "second"]
    assert all(one.turn.isHidden() for one in studio.window.findChildren(Banner))
    studio.window.resize(*SMALLEST)
    assert len(shown(studio)) == 1


def test_on_another_page_what_the_chat_says_does_not_count(studio: shots.Studio) -> None:
    studio.window.add_page("other", QWidget())
    studio.window.notices.post(notice("of the window"))
    studio.chat.notices.post(notice("of the chat"))
    assert shown(studio) == ["of the chat"]
    studio.window.show_page("other")
    assert shown(studio) == ["of the window"]
    assert banner(studio).turn.isHidden()
    studio.window.show_page("chat")
    assert shown(studio) == ["of the chat"]
    assert banner(studio).turn.text() == "1 of 2"


def test_which_of_how_many_follows_the_language(studio: shots.Studio, qapp: Application, qtbot: QtBot) -> None:
    for text in ("first", "second"):
        studio.window.notices.post(notice(text))
    looks.settle()
    qapp.follow("light", "zh")
    qtbot.waitUntil(lambda: banner(studio).turn.text() != "1 of 2")
    assert "1" in banner(studio).turn.text()
