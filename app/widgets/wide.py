"""Text that is wider than its place and scrolls sideways in it; the wheel goes on to the page around."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent

from app.widgets.prose import ReadOnlyText


class WideText(ReadOnlyText):
    """`natural`: as wide as its lines, else as wide as it was told."""

    def __init__(self, *, natural: bool) -> None:
        super().__init__()
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        if natural:
            self.setLineWrapMode(ReadOnlyText.LineWrapMode.NoWrap)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta()
        shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        sideways = turned.x() or (turned.y() if shifted else 0)
        if sideways:
            bar = self.horizontalScrollBar()
            bar.setValue(bar.value() - sideways)
            event.accept()
        else:
            event.ignore()

    def height_for(self, width: int) -> int:
        size = self.document().size()
        scrolls = size.width() > width
        return int(size.height() + 0.999) + (self.horizontalScrollBar().sizeHint().height() if scrolls else 0)
