"""For those who listen, and those who have no mouse: answers are told sentence by sentence; every kind of control shows
that it has the focus."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app import parts
from app.accessibility import Announcer, announce, plain
from app.application import Application
from app.lists.messages import Live, MessageRow
from app.widgets.composer import Composer
from app.widgets.quick_question import QuickQuestion
from backends.chat.types import Problem
from backends.core.errors import Unavailable
from backends.core.phrase import Phrase
from tests.kit import legible

WRITING = Live("writing")
TEXT = "Two ways. First, *sort* it: costs 3.5 s!\n\n```python\nprint(1). Done.\n```\n\n第一句。第二句没有完"


def listened(text: str, pieces: int = 1) -> list[str]:
    """What is told of an answer that comes in pieces of so many characters."""
    told: list[str] = []
    announcer = Announcer(told.append)
    for end in range(0, len(text), pieces):
        announcer.show_row(MessageRow(-1, "assistant", text=text[:end], live=WRITING), aloud=True)
    announcer.show_row(MessageRow(5, "assistant", text=text), aloud=True)
    announcer.show_row(MessageRow(5, "assistant", text=text), aloud=True)  # drawn again
    return told


@pytest.mark.parametrize("pieces", [1, 3, 17, 400])
def test_each_sentence_is_told_once_and_code_is_not_read(qapp: Application, pieces: int) -> None:
    assert listened(TEXT, pieces) == [
        "Two ways.",
        "First, sort it: costs 3.5 s!",
        "Code.",
        "第一句。",
        "第二句没有完",
    ]


def test_marks_are_not_read() -> None:
    assert plain("## The **plan**\n") == "The plan"
    assert plain("- see [the page](https://example.org/x_y)") == "see the page"
    assert plain("| Name | 2 |\n") == "Name, 2"
    assert plain("|---|:--:|\n") == ""
    assert plain("use snake_case and `x_1`.") == "use snake_case and x_1."


def test_what_nobody_has_before_them_is_not_told_and_not_caught_up_on(qapp: Application) -> None:
    told: list[str] = []
    announcer = Announcer(told.append)

    def comes(text: str, aloud: bool) -> None:
        announcer.show_row(MessageRow(-1, "assistant", text=text, live=WRITING), aloud=aloud)

    comes("", True)
    comes("One. ", False)
    comes("One. Two. ", True)
    announcer.wanted = False
    comes("One. Two. Three. ", True)
    assert told == ["Two."]


def test_an_answer_that_goes_on_is_not_read_from_its_beginning(qapp: Application) -> None:
    told: list[str] = []
    announcer = Announcer(told.append)
    announcer.show_row(MessageRow(3, "assistant", text="Old. ", live=Live("waiting")), aloud=True)
    announcer.show_row(MessageRow(3, "assistant", text="Old. New.", live=None), aloud=True)
    assert told == ["New."]


def test_thinking_and_what_went_wrong_are_told(qapp: Application) -> None:
    told: list[str] = []
    announcer = Announcer(told.append)
    for live in (Live("waiting"), Live("thinking"), Live("thinking")):
        announcer.show_row(MessageRow(-1, "assistant", live=live), aloud=True)
    gone = Unavailable(Phrase("The card is gone.", ""), Phrase("Try again.", ""), code="device_lost")
    announcer.show_row(MessageRow(-1, "assistant", problem=Problem.of(gone)), aloud=True)
    assert told == ["The model is thinking.", "The card is gone. Try again."]


def test_the_system_is_told_only_where_somebody_listens(qtbot: QtBot) -> None:
    label = parts.label("x")
    qtbot.addWidget(label)
    announce(label, "Nobody hears it.")
    QAccessible.setActive(True)
    try:
        announce(label, "All is well.")
    finally:
        QAccessible.setActive(False)


# ---- where the keys go


def in_front(qtbot: QtBot, window: QWidget) -> None:
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=60_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_where_the_keys_go_can_be_seen(qapp: Application, qtbot: QtBot, scheme: str) -> None:
    """Each kind of control looks otherwise while it has the focus, at its edge."""
    qapp.follow(scheme, "en")  # type: ignore[arg-type]
    kinds = ("primary", "secondary", "danger", "quiet", "link", "chip", "scope", "preset", "example")
    made: list[QWidget] = [parts.button("Press", kind) for kind in kinds]
    made += [
        parts.icon_button("x", "Close", kind=kind) for kind in ("quiet", "send", "float", "segment", "tab", "rail")
    ]
    made += [parts.Switch(), QLineEdit("x"), QComboBox()]
    holder = QWidget()
    holder.setLayout(parts.column(*made))
    qtbot.addWidget(holder)
    in_front(qtbot, holder)
    for widget in made:
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        assert legible.changed(holder, widget) >= legible.RING, f"{type(widget).__name__} {widget.property('kind')}"


@pytest.mark.parametrize("make", [Composer, QuickQuestion])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_where_one_writes_can_be_seen(qapp: Application, qtbot: QtBot, make: type[QWidget], scheme: str) -> None:
    qapp.follow(scheme, "en")  # type: ignore[arg-type]
    widget = make()
    qtbot.addWidget(widget)
    in_front(qtbot, widget)
    box = widget.box  # type: ignore[attr-defined]
    box.setCursorWidth(0)
    box.setFocus()
    assert legible.changed(widget, box) >= legible.RING
