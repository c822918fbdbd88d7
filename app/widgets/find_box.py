"""Where a person types what to look for on the hubs, or pastes a link. Nothing goes out before Enter."""

from PySide6.QtCore import QRect, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit

from app import icons
from app.language import Retranslated
from app.theme import SPACE, px

LONGEST = 500


class FindBox(Retranslated, QLineEdit):
    """`find_requested(text)` on Enter; `cleared` on Escape, and on Enter with nothing typed."""

    find_requested = Signal(str)
    cleared = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setMaxLength(LONGEST)
        self.setTextMargins(px(16) + SPACE.s, 0, 0, 0)
        self.returnPressed.connect(self._on_return)
        self.retranslate()

    def retranslate(self) -> None:
        self.setPlaceholderText(self.tr("Find a model, or paste a link"))
        self.setAccessibleName(self.tr("Find a model on the hub"))
        self.setAccessibleDescription(self.tr("Nothing is sent before you press Enter."))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.cleared.emit()
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        side = px(16)
        icons.paint(painter, QRect(SPACE.m, (self.height() - side) // 2, side, side), "search", "muted")
        painter.end()

    @Slot()
    def _on_return(self) -> None:
        if text := self.text().strip():
            self.find_requested.emit(text)
        else:
            self.cleared.emit()
