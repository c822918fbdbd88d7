"""A long conversation: only what is in sight exists, nothing jumps, and nothing is fetched."""

import socket
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QApplication, QLabel, QTextBrowser
from pytestqt.qtbot import QtBot

from app.application import Application
from app.lists.conversations import ConversationList
from app.lists.messages import Live, MessageList, MessageRow
from app.widgets.chat_page import ChatPage
from app.widgets.code import CodeBlock
from app.widgets.message import Answer
from app.widgets.prose import Prose, ReadOnlyText
from app.widgets.transcript import Transcript
from tests.kit import scenes


@pytest.fixture
def messages() -> MessageList:
    return MessageList()


@pytest.fixture
def view(qtbot: QtBot, messages: MessageList) -> Transcript:
    view = Transcript(messages)
    view.resize(900, 600)
    view.show()
    qtbot.addWidget(view)
    return view


def long_conversation(count: int) -> list[MessageRow]:
    rows = []
    for n in range(count // 2):
        rows.append(MessageRow(2 * n + 1, "user", f"Question {n}: " + "why? " * (n % 40)))
        rows.append(
            MessageRow(2 * n + 2, "assistant", f"{n}\n\n" + scenes.ANSWER_EN if n % 3 else f"Answer {n}.\n" * 9)
        )
    return rows


def tops(view: Transcript) -> dict[int, int]:
    return {row: widget.y() for row, widget in view.in_sight.items() if widget.isVisible()}


def texts(view: Transcript) -> dict[tuple[int, str], int]:
    """Where in the window each text begins, of those that can be seen."""
    page, seen = view.viewport(), {}
    for row, widget in view.in_sight.items():
        for text in widget.findChildren(ReadOnlyText):
            top = text.mapTo(page, QPoint(0, 0)).y()
            if text.isVisible() and top < page.height() and top + text.height() > 0:
                seen[row, text.toPlainText()] = top
    return seen


def test_a_thousand_messages_are_a_handful_of_widgets(view: Transcript, messages: MessageList) -> None:
    messages.reset(long_conversation(1000))
    assert len(view.in_sight) < 12
    assert max(view.in_sight) == 999
    bar = view.verticalScrollBar()
    assert bar.value() == bar.maximum()
    for fraction in (0.0, 0.3, 0.7, 0.2):
        bar.setValue(int(bar.maximum() * fraction))
        assert len(view.in_sight) < 16
        assert tops(view)
    view.setFocus()


def test_the_page_moves_by_what_was_asked_and_does_not_jump(view: Transcript, messages: MessageList) -> None:
    """Heights above are only guesses until they are seen: what is in sight must not care."""
    messages.reset(long_conversation(200))
    bar = view.verticalScrollBar()
    for step in range(240):
        before, value = texts(view), bar.value()
        bar.setValue(bar.value() - 60)
        after = texts(view)
        common = before.keys() & after.keys()
        assert common
        if bar.value() > 0 and value > 60:
            assert {after[text] - before[text] for text in common} == {60}
        if step % 3 == 0:  # what a frame had no time for comes after it, and moves nothing either
            QApplication.processEvents()
            assert {texts(view)[text] - after[text] for text in after.keys() & texts(view).keys()} == {0}
    bar.setValue(0)
    assert tops(view)[0] == 24


def test_a_message_is_brought_into_sight(view: Transcript, messages: MessageList) -> None:
    messages.reset(long_conversation(200))
    for message_id, top in ((1, 24), (101, 24), (20, 24)):
        view.show_message(message_id)
        assert tops(view)[message_id - 1] == top
        assert not view.pinned
    place = tops(view)
    view.show_message(-7)
    assert tops(view) == place
    view.show_message(200)  # the last one: it cannot stand higher than the end allows
    assert tops(view)[199] > 24
    assert view.verticalScrollBar().value() == view.verticalScrollBar().maximum()


def test_rows_never_overlap_and_leave_no_hole(view: Transcript, messages: MessageList) -> None:
    messages.reset(long_conversation(60))
    bar = view.verticalScrollBar()
    for value in range(bar.maximum(), 0, -333):
        bar.setValue(value)
        shown = sorted(
            (widget.geometry().top(), widget.geometry().bottom())
            for widget in view.in_sight.values()
            if widget.isVisible()
        )
        for (_, bottom), (top, _) in pairwise(shown):
            assert top - bottom == 25
        assert shown[0][0] <= 24
        assert shown[-1][1] >= view.viewport().height() - 50


def test_the_view_follows_a_growing_answer_until_one_scrolls_up(view: Transcript, messages: MessageList) -> None:
    messages.reset(long_conversation(20))
    messages.append(MessageRow(91, "user", "go"), MessageRow(92, "assistant", "", live=Live("writing")))
    bar = view.verticalScrollBar()
    text = ""
    for n in range(80):
        text += f"Line {n} of the answer.\n\n"
        messages.put(21, MessageRow(92, "assistant", text, live=Live("writing")))
        assert bar.value() == bar.maximum()
    bar.setValue(bar.value() - 700)
    assert not view.pinned
    place = tops(view)
    messages.put(21, MessageRow(92, "assistant", text + "more\n\n" * 30, live=Live("writing")))
    assert tops(view) == place
    view.to_end()
    assert bar.value() == bar.maximum()
    assert view.pinned


def test_streaming_leaves_what_is_settled_alone(view: Transcript, messages: MessageList) -> None:
    """Only the end is set anew: the widgets before it stay the same ones, the text comes out the same."""
    full = scenes.ANSWER_EN
    messages.append(MessageRow(1, "assistant", "", live=Live("writing")))
    made: set[int] = set()
    for end in range(1, len(full), 5):
        messages.put(0, MessageRow(1, "assistant", full[:end], live=Live("writing")))
        made |= {id(block) for block in view.findChildren(CodeBlock)}
    messages.put(0, MessageRow(1, "assistant", full))
    (code,) = view.findChildren(CodeBlock)
    assert made == {id(code)}
    assert "seen: set[str] = set()" in code.text
    streamed = [prose.toPlainText() for prose in view.findChildren(Prose)]
    messages.reset([MessageRow(2, "assistant", full)])
    QApplication.sendPostedEvents(None, 52)  # DeferredDelete
    whole = [prose.toPlainText() for prose in view.findChildren(Prose)]
    assert streamed == whole


def test_thoughts_are_folded_and_stay_open_where_they_were_opened(view: Transcript, messages: MessageList) -> None:
    messages.reset([*long_conversation(40), *scenes.finished("en")])
    answer = view.in_sight[41]
    assert isinstance(answer, Answer)
    folded = answer.height()
    answer.thinking.click()
    assert answer.thinking.opened
    assert answer.height() > folded
    bar = view.verticalScrollBar()
    bar.setValue(0)
    assert 41 not in view.in_sight
    view.to_end()
    again = view.in_sight[41]
    assert isinstance(again, Answer)
    assert again.thinking.opened


def test_the_scheme_changes_under_a_conversation(qapp: Application, view: Transcript, messages: MessageList) -> None:
    messages.reset(scenes.finished("en"))
    (code,) = view.findChildren(CodeBlock)
    before = code.grab().toImage()
    qapp.theme.follow("dark")
    assert code.grab().toImage() != before
    assert "unique_lines" in code.text


HOSTILE = """![a](http://127.0.0.1:9/a.png) ![b](file:///etc/hostname) ![c](//host/share/x.png)
<img src="http://127.0.0.1:9/b.png"> <link rel=stylesheet href="http://127.0.0.1:9/c.css">

[link](http://127.0.0.1:9/d "title") <http://127.0.0.1:9/e> ![d][ref]

| ![t](http://127.0.0.1:9/t.png) |
|---|
| ![u](file:///etc/passwd) |

[ref]: http://127.0.0.1:9/f.png
"""


def test_nothing_is_fetched_or_opened(view: Transcript, messages: MessageList, monkeypatch: pytest.MonkeyPatch) -> None:
    """SEC-40: whatever a model writes, no socket is opened and no picture is in the document."""
    opened: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda *args: opened.append(args))
    asked: list[object] = []
    monkeypatch.setattr(ReadOnlyText, "loadResource", lambda *args: asked.append(args))
    messages.reset([MessageRow(1, "assistant", HOSTILE), MessageRow(2, "user", HOSTILE)])
    view.grab()
    assert not opened
    assert not asked
    for browser in view.findChildren(QTextBrowser):
        assert "\ufffc" not in browser.toPlainText()


def test_a_document_gets_no_resource_even_if_it_asks(qtbot: QtBot, tmp_path: Path) -> None:
    """SEC-41: `file://`, absolute paths and network shares."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"not for you")
    browser = ReadOnlyText()
    qtbot.addWidget(browser)
    kind = QTextDocument.ResourceType.ImageResource
    for address in (secret.as_uri(), str(secret), "//host/share/x.png", "http://127.0.0.1:9/x.png", "qrc:/x"):
        assert not browser.document().resource(kind, QUrl(address))
        browser.setSource(QUrl(address))
        assert browser.toPlainText() == ""


def test_a_link_is_only_asked_for(qtbot: QtBot, view: Transcript, messages: MessageList) -> None:
    messages.reset([MessageRow(1, "assistant", "[click me](https://example.org/x)")])
    (prose,) = view.findChildren(Prose)
    with qtbot.waitSignal(view.link_requested) as asked:
        prose.anchorClicked.emit(QUrl(prose.anchorAt(QPoint(10, 8))))
    assert asked.args == ["https://example.org/x"]
    assert not prose.openLinks()


def test_no_label_reads_markup(view: Transcript, messages: MessageList) -> None:
    messages.reset([*scenes.finished("en"), scenes.follow_up("en"), scenes.failed()])
    labels = view.findChildren(QLabel)
    assert labels
    assert {label.textFormat().name for label in labels} == {"PlainText"}


def test_words_typed_after_a_click_in_the_messages_reach_the_composer(qtbot: QtBot, messages: MessageList) -> None:
    page = ChatPage(ConversationList(), messages)
    qtbot.addWidget(page)
    page.resize(1000, 700)
    page.show()
    messages.reset(long_conversation(20))
    answer = next(text for text in page.transcript.findChildren(ReadOnlyText) if text.isVisible())
    for reader in (page.transcript, answer):
        page.composer.clear()
        reader.setFocus()
        qtbot.keyClicks(reader, "w")
        qtbot.keyClicks(page.composer.box, "hy")
        assert page.composer.text() == "why"
    answer.setFocus()
    qtbot.keyClick(answer, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert page.composer.text() == "why"
