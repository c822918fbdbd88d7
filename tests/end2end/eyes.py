"""What a person sees of the windows of this process, and the mouse in their hand."""

from collections.abc import Iterator
from typing import TypeVar

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QTextCursor, QWindow
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QApplication,
    QCheckBox,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QScrollArea,
    QTextBrowser,
    QTextEdit,
    QWidget,
)
from shiboken6 import isValid

from app.widgets.viewer import Viewer

W = TypeVar("W", bound=QWidget)


def front_widget() -> QWidget:
    """The window that the person looks at: a dialog before the main window."""
    modal = QApplication.activeModalWidget()
    shown = [w for w in QApplication.topLevelWidgets() if w.isVisible() and w.isWindow()]
    return modal or next((w for w in shown if w.isActiveWindow()), shown[0])


def front() -> QWindow:
    return front_widget().windowHandle()


def press_key(key: int) -> None:
    """In the window in front; where the system has just put another one in its place, in what has the focus there."""
    if isValid(window := front()):
        QTest.keyClick(window, key)
    elif (field := QApplication.focusWidget()) is not None:
        QTest.keyClick(field, key)


def visible(kind: type[W]) -> Iterator[W]:
    for window in QApplication.topLevelWidgets():
        if window.isVisible():
            if isinstance(window, kind) and isinstance(window, QMenu):
                yield window
            yield from (widget for widget in window.findChildren(kind) if widget.isVisible())


def texts() -> list[str]:
    """Everything that can be read, also what one has to scroll to."""
    return [text for widget in visible(QWidget) if (text := words_of(widget).strip())]


def words_of(widget: QWidget) -> str:
    """Kinds of spaces look the same."""
    return _words_of(widget).translate({0xA0: " ", 0x2060: None})


def _words_of(widget: QWidget) -> str:
    if isinstance(widget, QLabel):
        return widget.text()
    if isinstance(widget, QAbstractButton):
        return widget.text().replace("&&", "&") or widget.accessibleName()
    if isinstance(widget, QLineEdit):
        return widget.displayText() or widget.placeholderText()
    if isinstance(widget, QTextEdit | QPlainTextEdit):
        return widget.toPlainText() or widget.placeholderText()
    if isinstance(widget, QAbstractItemView) and widget.model() is not None:
        model = widget.model()
        rows = (model.index(row, 0) for row in range(model.rowCount()))
        return "\n".join(str(row.data(Qt.ItemDataRole.AccessibleTextRole) or row.data()) for row in rows)
    if isinstance(widget, QMenu):
        return "\n".join(entry.text().replace("&&", "&") for entry in widget.actions())
    return ""


def menus() -> Iterator[QMenu]:
    yield from (menu for menu in QApplication.topLevelWidgets() if isinstance(menu, QMenu) and menu.isVisible())


def links(text: QTextBrowser, link: str) -> Iterator[QRect]:
    """Where the links stand that lead to `link`."""
    block = text.document().begin()
    while block.isValid():
        parts = block.begin()
        while not parts.atEnd():
            part = parts.fragment()
            if part.charFormat().anchorHref() == link:
                cursor = QTextCursor(text.document())
                cursor.setPosition(part.position() + 1)
                first = text.cursorRect(cursor)
                cursor.setPosition(part.position() + part.length() - 1)
                yield first.united(text.cursorRect(cursor))
            parts += 1
        block = block.next()


def standing() -> Iterator[tuple[int, str]]:
    """The page of each document that is looked at, and what is lit there and in sight."""
    for viewer in visible(Viewer):
        if (pages := viewer.pdf) is not None:
            sight = QRectF(pages.viewport().rect())
            sight.translate(pages.horizontalScrollBar().value(), pages.verticalScrollBar().value())
            boxes = [(page, box) for page, boxes in pages.boxes.items() for box in boxes]
            pdf = pages.document()
            seen = [
                pdf.getSelection(page, box.topLeft() + QPointF(1, box.height() / 2), box.bottomRight()).text()
                for page, box in boxes
                if sight.intersects(pages.on_view(page, box))
            ]
            yield pages.page, "".join("".join(seen).split())
        elif viewer.text.isVisible():
            yield viewer.text.page, "".join(viewer.text.lit.split())


def place_of(button: QAbstractButton) -> QRect:
    """Where it is pressed: a box to be ticked takes no click right of its words."""
    rect = button.rect()
    return rect.adjusted(0, 0, button.sizeHint().width() - rect.width(), 0) if isinstance(button, QCheckBox) else rect


def click(widget: QWidget, rect: QRect) -> bool:
    """Press and let go the left button in the middle of `rect`; False if something else lies there."""
    around = widget.parentWidget()
    while around is not None:
        if isinstance(around, QScrollArea):
            around.ensureWidgetVisible(widget)
        elif isinstance(around, QAbstractScrollArea):
            turn_wheel(around, widget, rect)
        around = around.parentWidget()
    if not lies_open(widget, rect):
        return False
    window = widget.window()
    if not window.isActiveWindow():
        window.activateWindow()  # what a window manager does for a click; a bare X server has none
    place: QPoint = widget.mapTo(window, rect.center())
    QTest.mouseClick(window.windowHandle(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    return True


def turn_wheel(area: QAbstractScrollArea, widget: QWidget, rect: QRect) -> None:
    """Until the middle of `rect` is in sight."""
    at = widget.mapTo(area.window(), rect.center()).y() - area.viewport().mapTo(area.window(), QPoint()).y()
    over = min(at, 0) + max(at - area.viewport().height() + 1, 0)
    if over:
        area.verticalScrollBar().setValue(area.verticalScrollBar().value() + over)


def lies_open(widget: QWidget, rect: QRect) -> bool:
    """The middle of `rect` can be seen: it is not scrolled away, and nothing else lies there."""
    hit = widget.window().childAt(widget.mapTo(widget.window(), rect.center()))
    return hit is not None and (hit is widget or widget.isAncestorOf(hit))
