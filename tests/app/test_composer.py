"""Writing a question: Enter, lines, and above all Chinese input methods."""

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.widgets.composer import Composer


@pytest.fixture
def composer(qtbot: QtBot) -> Composer:
    composer = Composer()
    qtbot.addWidget(composer)
    composer.resize(700, 120)
    composer.set_ready(True)
    composer.show()
    return composer


def compose(composer: Composer, preedit: str, commit: str = "") -> None:
    """What an input method sends: text being composed, or text that is typed now."""
    event = QInputMethodEvent(preedit, [])
    if commit:
        event.setCommitString(commit)
    QApplication.sendEvent(composer.box, event)


def test_enter_belongs_to_the_input_method_while_it_composes(qtbot: QtBot, composer: Composer) -> None:
    sent = QSignalSpy(composer.text_submitted)
    compose(composer, "n")
    compose(composer, "ni h")
    compose(composer, "ni hao")
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    qtbot.keyClick(composer.box, Qt.Key.Key_Enter)
    composer.submit()
    assert sent.count() == 0
    assert composer.text() == ""
    compose(composer, "", commit="你好")
    assert composer.text() == "你好"
    assert sent.count() == 0
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert sent.at(0)[0] == "你好"


def test_a_half_typed_word_after_typed_text_is_not_sent(qtbot: QtBot, composer: Composer) -> None:
    sent = QSignalSpy(composer.text_submitted)
    compose(composer, "", commit="你好")
    compose(composer, "shi j")
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert sent.count() == 0
    compose(composer, "")  # Escape: the input method lets go
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert sent.at(0)[0] == "你好"


def test_enter_sends_and_shift_enter_makes_a_line(qtbot: QtBot, composer: Composer) -> None:
    sent = QSignalSpy(composer.text_submitted)
    qtbot.keyClicks(composer.box, "one")
    qtbot.keyClick(composer.box, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(composer.box, "two")
    assert sent.count() == 0
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert sent.at(0)[0] == "one\ntwo"


def test_the_other_way_round_by_the_setting(qtbot: QtBot, composer: Composer) -> None:
    sent = QSignalSpy(composer.text_submitted)
    composer.set_enter_sends(False)
    qtbot.keyClicks(composer.box, "one")
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    qtbot.keyClicks(composer.box, "two")
    assert sent.count() == 0
    qtbot.keyClick(composer.box, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert sent.at(0)[0] == "one\ntwo"


def test_nothing_is_sent_while_an_answer_comes_and_the_button_stops_it(qtbot: QtBot, composer: Composer) -> None:
    sent, stopped = QSignalSpy(composer.text_submitted), QSignalSpy(composer.stop_requested)
    composer.set_text("next question")
    composer.set_busy(True)
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert sent.count() == 0
    composer.press()
    assert stopped.count() == 1
    composer.set_busy(False)
    composer.press()
    assert sent.count() == 1
    composer.set_text("   \n ")
    composer.press()
    assert sent.count() == 1


def test_the_box_grows_with_its_text_and_then_scrolls(composer: Composer) -> None:
    one = composer.box.height()
    composer.set_text("a\nb\nc")
    three = composer.box.height()
    composer.set_text("line\n" * 50)
    many = composer.box.height()
    assert one < three < many < one * 12
    composer.clear()
    assert composer.box.height() == one


def test_pasted_text_is_plain_and_files_are_left_to_the_window(composer: Composer) -> None:
    rich = QMimeData()
    rich.setHtml("<b>bold</b><img src='file:///etc/passwd'>")
    rich.setText("bold")
    composer.box.insertFromMimeData(rich)
    assert composer.text() == "bold"
    files = QMimeData()
    files.setUrls([QUrl.fromLocalFile("/tmp/model.gguf")])
    assert not composer.box.canInsertFromMimeData(files)
