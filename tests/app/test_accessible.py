"""For those who listen, and those who have no mouse: answers are told sentence by sentence; every control has a name,
is come to by Tab and shows it."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QApplication, QComboBox, QLineEdit, QTextEdit, QWidget
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
from tests.kit import looks, shots

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


# ---- every page in every state


def controls(window: QWidget) -> Iterator[QWidget]:
    kinds = (QAbstractButton, QAbstractItemView, QLineEdit, QTextEdit, QComboBox)
    for widget in looks.seen(window):
        inside = isinstance(widget.parent(), QComboBox) or widget.objectName().startswith("qt_")
        if isinstance(widget, kinds) and not inside and widget.window() is window:
            yield widget


def words_of(widget: QWidget) -> str:
    return widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")


def in_front(qtbot: QtBot, window: QWidget) -> None:
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=60_000)


PLACES = ("answered", "settings", "about", "models_fresh", "first_run_fresh", "documents", "api_on", "search")


@pytest.mark.parametrize("name", [place for place in PLACES if place in shots.SCENES])
def test_tab_comes_to_every_control_of_a_page_and_out_again(qapp: Application, qtbot: QtBot, name: str) -> None:
    qapp.setStyleSheet("")
    studio = shots.Studio(qapp, "en")
    qtbot.addWidget(studio.window)
    studio.window.resize(1280, 800)
    in_front(qtbot, studio.window)
    shots.SCENES[name](studio)
    looks.settle()
    first = next(iter(studio.window.rail._buttons.values()))
    first.setFocus()
    reached: list[QWidget] = []
    for _ in range(400):
        focused = QApplication.focusWidget()
        assert focused is not None
        if reached and focused is first:
            break
        reached.append(focused)
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    else:
        pytest.fail(f"Tab does not come back: {[words_of(w) for w in reached[-6:]]}")
    wanted = [w for w in controls(studio.window) if _works(w)]
    proxies = {widget.focusProxy() for widget in wanted}
    missed = [words_of(w) for w in wanted if not {w, w.focusProxy(), *_one_of(w)} & {*reached} and w not in proxies]
    assert not missed


def _one_of(widget: QWidget) -> list[QWidget]:
    """Of some only the chosen one is come to by Tab, and the others by arrows."""
    group = widget.group() if isinstance(widget, QAbstractButton) else None
    return [*group.buttons()] if group is not None and group.exclusive() else []


def _works(widget: QWidget) -> bool:
    return widget.isEnabled() and not (isinstance(widget, QLineEdit) and widget.isReadOnly())


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
        QApplication.sendEvent(widget, QEvent(QEvent.Type.Polish))
        widget.clearFocus()
        holder.setFocus()
        before = widget.grab().toImage()
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        after = widget.grab().toImage()
        assert before != after, f"{type(widget).__name__} {widget.property('kind')}"


@pytest.mark.parametrize("make", [Composer, QuickQuestion])
def test_where_one_writes_can_be_seen(qapp: Application, qtbot: QtBot, make: type[QWidget]) -> None:
    qapp.follow("light", "en")
    widget = make()
    qtbot.addWidget(widget)
    in_front(qtbot, widget)
    box = widget.box  # type: ignore[attr-defined]
    box.setFocus()
    with_focus = widget.grab().toImage()
    box.clearFocus()
    box.setCursorWidth(0)
    assert widget.grab().toImage() != with_focus
