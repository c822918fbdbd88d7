"""One line of text that is cut with an ellipsis where the room is short."""

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QToolTip

from app import parts

_LEAST = 48  # pixels, before others in the row have to give way


class ElidedLabel(QLabel):
    """The whole text is the tool tip where it was cut, and always what a screen reader says.

    `steady`: takes the room it is given, so that a new text ten times a second moves nothing on the page.
    """

    def __init__(
        self,
        role: str = "body",
        tone: str = "",
        *,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        steady: bool = False,
    ) -> None:
        super().__init__()
        self._text = ""
        self._mode = mode
        self._steady = steady
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        if tone:
            self.setProperty("tone", tone)
        across = QSizePolicy.Policy.Ignored if steady else QSizePolicy.Policy.Preferred
        self.setSizePolicy(across, QSizePolicy.Policy.Fixed)

    def setText(self, text: str) -> None:
        if text == self._text:
            return
        self._text = text
        self.setAccessibleName(text)
        if not self._steady:
            self.updateGeometry()
        self.update()

    def text(self) -> str:
        return self._text

    def sizeHint(self) -> QSize:
        self.ensurePolished()
        metrics = self.fontMetrics()
        return QSize(0 if self._steady else metrics.horizontalAdvance(self._text) + 1, metrics.height())

    def minimumSizeHint(self) -> QSize:
        whole = self.sizeHint()
        return QSize(min(_LEAST, whole.width()), whole.height())

    @property
    def _shown(self) -> str:
        return self.fontMetrics().elidedText(self._text, self._mode, self.width())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading
        self.style().drawItemText(
            painter, self.rect(), int(middle), self.palette(), self.isEnabled(), self._shown, self.foregroundRole()
        )
        painter.end()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            cut = self._shown != self._text
            QToolTip.showText(event.globalPos(), parts.tip(self._text) if cut else "", self)
            return True
        return super().event(event)
