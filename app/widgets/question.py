"""What the person wrote, in a bubble at the right."""

from PySide6.QtGui import QResizeEvent, QTextOption
from PySide6.QtWidgets import QFrame, QWidget

from app import theme
from app.lists.messages import MessageRow
from app.theme import SPACE
from app.widgets.message_frame import MessageFrame
from app.widgets.prose import ReadOnlyText


class Question(MessageFrame):
    """What the person wrote, as written."""

    WIDEST = 0.85  # of the column

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(MessageRow(0, "user"), parent)
        self._bubble = QFrame(self)
        self._bubble.setProperty("surface", "bubble")
        self._text = ReadOnlyText(self._bubble)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self._text.document().setDefaultTextOption(option)
        font = theme.current().type.font()
        font.setPixelSize(round(theme.current().type.body * 1.04))
        self._text.setFont(font)
        self.retranslate()

    def show_row(self, row: MessageRow) -> None:
        if row.text != self._row.text:
            self._text.setPlainText(row.text)
        self._row = row

    def retranslate(self) -> None:
        self._text.setAccessibleName(self.tr("Your message"))

    def height_for(self, width: int) -> int:
        inner = int(width * self.WIDEST) - 2 * SPACE.l
        return self._text.height_for(inner) + 2 * (SPACE.s + 2)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.place()

    def place(self) -> None:
        limit = int(self.width() * self.WIDEST) - 2 * SPACE.l
        height = self._text.height_for(limit)
        used = min(limit, int(self._text.document().idealWidth()) + 2)
        self._bubble.setGeometry(self.width() - used - 2 * SPACE.l, 0, used + 2 * SPACE.l, height + 2 * (SPACE.s + 2))
        self._text.setGeometry(SPACE.l, SPACE.s + 2, used, height)
