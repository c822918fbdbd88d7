"""A field with a magnifying glass that speaks as one types. Escape empties it; the arrow goes down to what is found."""

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QInputMethodEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit

from app import icons
from app.theme import SPACE, px

LONGEST = 2000


class FilterBox(QLineEdit):
    """`composing`: an input method holds text that is not typed yet; Enter belongs to it then."""

    down_pressed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setMaxLength(LONGEST)
        self.setClearButtonEnabled(False)
        self.setTextMargins(px(16) + SPACE.s, 0, 0, 0)
        self.composing = False

    def name(self, words: str) -> None:
        self.setPlaceholderText(words)
        self.setAccessibleName(words)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        self.composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif event.key() == Qt.Key.Key_Down:
            self.down_pressed.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        side = px(16)
        icons.paint(painter, QRect(SPACE.m, (self.height() - side) // 2, side, side), "search", "muted")
        painter.end()
