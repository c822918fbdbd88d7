"""What can be checked of a page without eyes: nothing is cut off, everything has a name, nothing reads markup."""

import re
from collections.abc import Iterator

from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QScrollArea,
    QWidget,
)

from app.widgets.elided import ElidedLabel

CONTROLS = (QAbstractButton, QComboBox, QLineEdit, QAbstractSpinBox, QPlainTextEdit, QProgressBar)


def show(page: QScrollArea, width: int, height: int = 700) -> None:
    """Lay the page out at this width, as its window would."""
    page.resize(width, height)
    page.show()
    settle()


def settle() -> None:
    """Let layouts and deletions happen; no event loop runs here."""
    for _ in range(5):
        QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        QApplication.sendPostedEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def seen(page: QWidget) -> Iterator[QWidget]:
    return (widget for widget in page.findChildren(QWidget) if widget.isVisibleTo(page))


def misfits(page: QScrollArea) -> list[str]:
    """What is cut off, or sticks out of the page."""
    inner = page.widget()
    assert inner is not None
    return cut_off(inner, page.viewport().width())


def cut_off(inner: QWidget, room: int) -> list[str]:
    """The same of a page that does not scroll as a whole."""
    return [f"{said}: {_words(widget)!r}" for widget in seen(inner) for said in _misfit(widget, inner, room)]


def _misfit(widget: QWidget, inner: QWidget, room: int) -> Iterator[str]:
    place = QRect(widget.mapTo(inner, widget.rect().topLeft()), widget.size())
    if place.left() < 0 or place.right() > room:
        yield f"sticks out ({place.left()}…{place.right()} of {room})"
    if isinstance(widget, QLabel) and not isinstance(widget, ElidedLabel) and widget.text():
        if not widget.wordWrap():
            if widget.sizeHint().width() > widget.width():
                yield "cut off"
            return
        if widget.heightForWidth(widget.width()) > widget.height():
            yield "lines are cut off"
        longest = max(
            widget.fontMetrics().horizontalAdvance(word) for word in re.split(r"[\s\u2e80-\uffef]", _words(widget))
        )
        if longest > widget.width():
            yield "a word is cut off"
    if isinstance(widget, QAbstractButton) and widget.text() and widget.sizeHint().width() > widget.width():
        yield "cut off"


def _words(widget: QWidget) -> str:
    return str(widget.property("text") or widget.accessibleName() or type(widget).__name__)


def nameless(page: QWidget) -> list[str]:
    """Controls that a screen reader could only call by their kind."""
    return [
        type(control).__name__ for control in _controls(page) if not control.accessibleName() and not _text(control)
    ]


def unreachable(page: QWidget) -> list[str]:
    """Controls that Tab does not come to."""
    return [
        control.accessibleName() or _text(control)
        for control in _controls(page)
        if not isinstance(control, QProgressBar) and not control.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]


def _controls(page: QWidget) -> list[QWidget]:
    inside = {QLineEdit: QAbstractSpinBox}
    found = [widget for widget in seen(page) if isinstance(widget, CONTROLS)]
    return [
        w
        for w in found
        if not any(isinstance(w, part) and isinstance(w.parent(), whole) for part, whole in inside.items())
    ]


def _text(control: QWidget) -> str:
    return control.text() if isinstance(control, QAbstractButton) else ""


def rich(page: QWidget) -> list[str]:
    """Labels that might take a file's name for markup (SEC-41)."""
    return [
        label.text()
        for label in page.findChildren(QLabel)
        if label.textFormat() is not Qt.TextFormat.PlainText and label.text()
    ]


def texts(page: QWidget) -> str:
    """Everything that can be read on it, a line each."""
    words = (w.text() for w in seen(page) if isinstance(w, QLabel | QAbstractButton))
    return "\n".join(text.replace("\u00a0", " ").replace("\u2060", "") for text in words if text)


def names(page: QWidget) -> set[str]:
    """Of the buttons that can be seen: what is written on them, and what a screen reader says."""
    there = [widget for widget in seen(page) if isinstance(widget, QAbstractButton)]
    return {name for widget in there for name in (widget.text(), widget.accessibleName()) if name}


def button(page: QWidget, name: str) -> QAbstractButton:
    """The one button that can be seen and is called so, by its text or its accessible name."""
    there = [widget for widget in seen(page) if isinstance(widget, QAbstractButton)]
    found = [widget for widget in there if name in (widget.text(), widget.accessibleName())]
    assert len(found) == 1, f"{len(found)} are {name}, of {[w.text() or w.accessibleName() for w in there]}"
    return found[0]
