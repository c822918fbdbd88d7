"""The messages of a conversation by keyboard: from one to the next, and what can be done with one."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, Slot
from PySide6.QtGui import QColor, QKeyEvent, QKeySequence, QPainter, QPen, QShortcut
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QWidget
from shiboken6 import isValid

from app import theme
from app.lists.messages import MessageList
from app.theme import RADIUS
from app.widgets.message_frame import MessageFrame

_AROUND = 6  # pixels between a message and the frame of its focus


class MessageKeys(QObject):
    """Up and Down go from message to message, Enter opens the menu, F2 the editor, Ctrl+C copies, Del deletes; Alt+Left
    and Alt+Right show other variants, also with the focus inside. `in_sight`: the widgets that there are, by row;
    `show_message` makes the one of a message, and scrolls to it."""

    def __init__(
        self,
        view: QAbstractScrollArea,
        messages: MessageList,
        in_sight: Callable[[], Mapping[int, MessageFrame]],
        show_message: Callable[[int], None],
    ) -> None:
        super().__init__(view)
        self._view, self._messages = view, messages
        self._in_sight, self._show_message = in_sight, show_message
        self._page = page = view.viewport()
        self._attended: MessageFrame | None = None
        page.installEventFilter(self)
        for keys, step in (("Alt+Left", -1), ("Alt+Right", 1)):
            shortcut = QShortcut(QKeySequence(keys), view)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda step=step: self._on_variant(step))
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._on_focus_changed)

    def press(self, message: MessageFrame, event: QKeyEvent) -> bool:
        """A key that was struck while this message itself has the focus; whether it means something."""
        key, held = event.key(), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.matches(QKeySequence.StandardKey.Copy):
            message.act("copy")
            return True
        if held != Qt.KeyboardModifier.NoModifier:
            return False
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._step(message, 1 if key == Qt.Key.Key_Down else -1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            message.open_menu(message.mapToGlobal(message.ring().topLeft()))
        elif key == Qt.Key.Key_F2 and message.row.id > 0 and message.row.live is None and message.row.text:
            message.act("edit")
        elif key == Qt.Key.Key_Delete and message.row.id > 0:
            message.act("delete")
        else:
            return False
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._page and event.type() is QEvent.Type.Paint:
            self._paint_ring()
        elif isinstance(watched, MessageFrame) and isinstance(event, QKeyEvent):
            return event.type() is QEvent.Type.KeyPress and self.press(watched, event)
        return False

    def _step(self, message: MessageFrame, by: int) -> None:
        """Through a message that is taller than the window, then to the next one."""
        view, bar = self._page.height(), self._view.verticalScrollBar()
        if message.geometry().bottom() > view if by > 0 else message.y() < 0:
            bar.setValue(bar.value() + by * view // 2)
            return
        here = self._messages.find(message.row.id)
        if here is None or not 0 <= here + by < len(self._messages.rows):
            return
        there = self._in_sight().get(here + by)
        if there is None or not there.isVisible() or there.y() < 0 or there.geometry().bottom() > view:
            self._show_message(self._messages.rows[here + by].id)
            there = self._in_sight()[here + by]
        there.setFocus(Qt.FocusReason.TabFocusReason)

    def _paint_ring(self) -> None:
        message = self._attended
        if message is None or not isValid(message) or not message.hasFocus() or not message.isVisible():
            return
        painter = QPainter(self._page)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.tokens().accent), 1.5))
        frame = QRectF(message.ring().translated(message.pos()))
        painter.drawRoundedRect(frame.adjusted(-_AROUND, -_AROUND, _AROUND, _AROUND), RADIUS, RADIUS)
        painter.end()

    @Slot(QWidget, QWidget)
    def _on_focus_changed(self, before: QWidget | None, now: QWidget | None) -> None:
        message = self._around(now)
        if message is not self._attended:
            if self._attended is not None and isValid(self._attended):
                self._attended.removeEventFilter(self)
                self._attended.set_attended(False)
            self._attended = message
            if message is not None:
                message.installEventFilter(self)
                message.set_attended(True)
        if isValid(self._page):  # else the window is being taken down
            self._page.update()

    def _around(self, widget: QWidget | None) -> MessageFrame | None:
        """The message of this page that the widget is, or is inside of."""
        while widget is not None and widget is not self._page:
            if isinstance(widget, MessageFrame) and widget.parentWidget() is self._page:
                return widget
            widget = widget.parentWidget()
        return None

    def _on_variant(self, step: int) -> None:
        if self._attended is not None and isValid(self._attended):
            self._attended.step(step)
