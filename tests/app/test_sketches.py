"""What is not set yet is sketched: no empty paper, however fast one scrolls; what was read is not read again."""

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.lists.messages import MessageList, MessageRow
from app.markdown import Paragraph
from app.spans import Span
from app.widgets import groups, sketch
from app.widgets.readings import Reading, Readings
from app.widgets.transcript import Transcript
from tests.kit.long_chats import turns

LARGEST_GAP = 130  # pixels: between messages, around headings and formulas


@pytest.fixture
def view(qtbot: QtBot) -> Transcript:
    messages = MessageList()
    view = Transcript(messages)
    view.resize(900, 600)
    view.show()
    qtbot.addWidget(view)
    rows = enumerate(turns(120), 1)
    messages.reset([MessageRow(n, "user" if role == "user" else "assistant", text) for n, (role, text) in rows])
    return view


def emptiest(picture: QImage) -> int:
    """The most lines below each other in which nothing is drawn."""
    most = run = 0
    ground = picture.pixel(0, 0)
    for y in range(picture.height()):
        drawn = any(picture.pixel(x, y) != ground for x in range(0, picture.width(), 3))
        run = 0 if drawn else run + 1
        most = max(most, run)
    return most


def test_no_paper_is_empty_while_the_bar_is_dragged(view: Transcript) -> None:
    bar = view.verticalScrollBar()
    bar.setSliderDown(True)
    waited = 0
    for step in range(20):
        bar.setSliderPosition(bar.maximum() * (19 - step) // 20)
        waited += view.empty_share > 0
        assert emptiest(view.viewport().grab().toImage()) < LARGEST_GAP
    assert waited > 10


def test_what_is_sketched_is_set_when_there_is_time(qtbot: QtBot, view: Transcript) -> None:
    bar = view.verticalScrollBar()
    bar.setSliderDown(True)
    bar.setSliderPosition(bar.maximum() // 2)
    assert view.empty_share > 0
    qtbot.waitUntil(lambda: view.empty_share == 0)


def test_what_was_seen_stands_as_high_when_it_comes_back(qtbot: QtBot, view: Transcript) -> None:
    bar = view.verticalScrollBar()
    view.show_message(60)
    qtbot.waitUntil(lambda: view.empty_share == 0)
    before = {row: widget.height() for row, widget in view.in_sight.items() if row in (59, 60)}
    bar.setValue(0)
    QApplication.processEvents()
    assert 59 not in view.in_sight
    view.show_message(60)
    assert {row: widget.height() for row, widget in view.in_sight.items() if row in before} == before


def test_a_text_that_nobody_has_read_has_the_rows_that_were_guessed() -> None:
    text = "# Title\n\n" + "words and more words " * 40 + "\n" + "中文说明。" * 60 + "\n| a | b |\n|---|---|"
    assert len(sketch.rows(text)) == sum(groups.rows_of(line) for line in text.split("\n"))
    assert "".join(sketch.rows("a **b** `c`")) == "a b c"
    assert sketch.rows("\ud800" * 50)


def test_only_the_texts_read_last_are_kept() -> None:
    readings = Readings(most=100)
    reading = Reading((), [[Paragraph((Span("x"),))]], 400, [(20, True)])
    for n in range(8):
        readings.keep(f"{n}" * 30, (), reading)
        readings.find("0" * 30, ())
    kept = [n for n in range(8) if readings.find(f"{n}" * 30, ()) is not None]
    assert kept == [0, 6, 7]
    readings.keep("y" * 101, (), reading)
    assert readings.find("y" * 101, ()) is None
    assert readings.find("7" * 30, ()) is reading
