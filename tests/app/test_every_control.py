"""Every control of every scene that can be drawn has a name in both languages, and Tab comes to it and on again; texts
and the focus can be seen."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app import parts
from app.application import Application
from app.tab_order import stops
from app.theme import Scheme
from app.widgets.quick_question import QuickQuestion
from backends.core.paths import resource
from tests.app.conftest import MINUTE
from tests.kit import legible, looks, shots

PARTS = 6
KINDS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
)
SEEN = (  # all kinds of pages, and of controls; `python -m tests.kit.legible` measures every scene
    "begin",
    "answered",
    "quick_failed",
    "models_sources",
    "first_run_laptop",
    "settings",
    "documents",
    "documents_deleted_quoted",
    "search_narrowed",
    "xray",
    "api_new_key",
    "composer_form",
    "options_differing",
    "branch_editing",
)
BY_ARROWS = "composer_prompts", "composer_suggested"  # the saved prompts, which are chosen from while one writes


def controls(window: QWidget) -> Iterator[QWidget]:
    """What takes keys or presses; a label that can only be copied from is none, and its text is its name."""
    for widget in looks.seen(window):
        part = isinstance(widget.parent(), QComboBox | QAbstractSpinBox) or isinstance(widget, QScrollBar | QHeaderView)
        if (
            widget.window() is not window.window()
            or part
            or isinstance(widget, QLabel)
            or widget.objectName().startswith("qt_")
        ):
            continue
        if isinstance(widget, KINDS) or widget.focusPolicy() & (Qt.FocusPolicy.TabFocus | Qt.FocusPolicy.ClickFocus):
            yield widget


def name_of(widget: QWidget) -> str:
    return widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")


def unnamed(widget: QWidget, icons: set[str]) -> bool:
    """Without a name, or called as an icon or as its own class is."""
    name = name_of(widget).strip()
    kinds = {kind.__name__ for kind in type(widget).__mro__} - {"Answer"}  # which is called so, too
    return not name or name.removesuffix(".svg") in icons or name in kinds


def reached(qtbot: QtBot, first: QWidget) -> list[QWidget]:
    """By Tab, until it comes round."""
    first.setFocus(Qt.FocusReason.TabFocusReason)
    found = [first]
    for _ in range(600):
        qtbot.keyClick(found[-1], Qt.Key.Key_Tab)
        focused = QApplication.focusWidget()
        assert focused is not None
        if focused is first:
            return found
        found.append(focused)
    pytest.fail(f"Tab does not come back: {[name_of(one) for one in found[-6:]]}")


def missed(widget: QWidget, found: set[QWidget]) -> bool:
    """It can be used, and neither it nor what stands for it is come to."""
    if not widget.isEnabled() or (isinstance(widget, QAbstractItemView) and not widget.model().rowCount()):
        return False
    stand_ins = {widget, widget.focusProxy()}
    group = widget.group() if isinstance(widget, QAbstractButton) else None
    if group is not None and group.exclusive():  # the chosen one, and the others by arrows
        stand_ins |= {*group.buttons()}
    return not stand_ins & found


@pytest.mark.parametrize("part", range(PARTS))
def test_every_control_is_named_and_reached(qapp: Application, qtbot: QtBot, part: int) -> None:
    """A sixth of the scenes each, without the style sheet, which takes most of the time and names nothing."""
    qapp.setStyleSheet("")
    icons = {path.stem for path in resource("icons").glob("*.svg")}
    wrong: list[str] = []
    for scene in list(shots.SCENES)[part::PARTS]:
        for language in shots.LANGUAGES:
            qapp.languages.follow(language)
            studio = shots.Studio(qapp, language)
            window = studio.window
            window.resize(1280, 800)
            window.show()
            shots.SCENES[scene](studio)
            looks.settle()
            inside = window.findChild(QuickQuestion) or window  # it is a window of its own
            there = list(controls(inside))
            wrong += [f"{scene} {language}: {type(one).__name__} has no name" for one in there if unnamed(one, icons)]
            if language == "en":
                while (popup := QApplication.activePopupWidget()) is not None:
                    popup.close()
                window.activateWindow()
                qtbot.waitUntil(window.isActiveWindow, timeout=MINUTE)
                found = {*reached(qtbot, next(stops(inside)))}
                found |= {proxy for one in found if (proxy := one.focusProxy()) is not None}
                late = [one for one in there if one.isVisible() and missed(one, found)]
                wrong += [
                    f"{scene}: {name_of(one)} ({type(one).__name__}) is not reached"
                    for one in late
                    if scene not in BY_ARROWS or not isinstance(one, QAbstractItemView)
                ]
            window.close()
            window.deleteLater()
            looks.settle()
    assert not wrong


@pytest.mark.parametrize("scheme", shots.SCHEMES)
def test_what_is_drawn_can_be_seen(qapp: Application, scheme: Scheme) -> None:
    qapp.follow(scheme, "en")
    known: set[tuple[str, ...]] = set()
    wrong = [f"{scene}: {said}" for scene in SEEN for said in legible.measured(qapp, scene, known)]
    assert not wrong
    assert len(known) > 25


def test_what_cannot_be_seen_is_found(qtbot: QtBot) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    faint, clear, field = parts.label("Hard to read"), parts.label("Easy to read"), QLineEdit()
    field.setText("Hard to read")
    holder.setLayout(parts.column(faint, clear, field))
    faint.setStyleSheet("color: #909090")
    field.setStyleSheet("border: none; color: #a0a0a0")
    holder.show()
    holder.activateWindow()
    qtbot.waitUntil(holder.isActiveWindow, timeout=MINUTE)
    field.clearFocus()  # a text cursor is seen
    assert [said.split(":")[0] for said in legible.faint_texts(holder)] == [
        "QLabel 'Hard to read'",
        "QLineEdit 'Hard to read'",
    ]
    field.setFocus()
    assert legible.changed(holder, field) < legible.RING
