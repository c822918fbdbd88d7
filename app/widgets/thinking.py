"""What the model thought before it answered: folded to one line with its time, opened by a click."""

import time

from PySide6.QtCore import QCoreApplication, QLocale, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app import figures, icons, parts, theme
from app.language import Retranslated
from app.lists.messages import MessageRow
from app.theme import SPACE, px
from app.widgets.markdown_view import MarkdownView

_BAR = 16  # room for the line left of the thoughts


class Thinking(Retranslated, QWidget):
    toggled = Signal(bool)  # opened or folded by the person
    link_requested = Signal(str)
    answer_requested = Signal()  # enough of it

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row = MessageRow(0, "assistant")
        self._open = False
        self._head = parts.button(kind="quiet")
        self._head.setProperty("tone", "muted")
        self._head.setParent(self)
        self._head.setIconSize(QSize(px(14) + 4, px(14)))
        self._head.setCursor(Qt.CursorShape.PointingHandCursor)
        self._head.clicked.connect(self._on_clicked)
        self._enough = parts.button(kind="link")
        self._enough.setParent(self)
        self._enough.clicked.connect(self.answer_requested)
        self._text: MarkdownView | None = None

    @property
    def opened(self) -> bool:
        return self._open

    def click(self) -> None:
        self._head.click()

    def show_row(self, row: MessageRow) -> None:
        self._row = row
        self._show_text()
        self.retranslate()

    def set_open(self, opened: bool) -> None:
        if opened == self._open:
            return
        self._open = opened
        self._show_text()
        self.retranslate()

    def retranslate(self) -> None:
        row = self._row
        words = self._words()
        thinks = row.live is not None and row.live.stage == "thinking"
        hurried = row.live is not None and row.live.hurried
        self._enough.setVisible(thinks)
        self._enough.setEnabled(not hurried)
        self._enough.setText(self.tr("Ending…") if hurried else self.tr("Answer now"))
        self._enough.setToolTip(self.tr("End the thinking and write the answer"))
        parts.set_look(self._head, tone="accent" if thinks else "muted")
        if self._head.text() != words:
            self._head.setText(words)
            self._head.setAccessibleName(words)
        self.place()
        self._head.setToolTip(self.tr("Hide the thoughts") if self._open else self.tr("Show the thoughts"))
        self._head.setIcon(icons.icon("chevron-down" if self._open else "chevron-right", "muted"))

    def _words(self) -> str:
        """How long, and how much: of an answer on its way, counted as it comes; at the end the engine's own count."""
        row = self._row
        if row.live is not None and row.live.stage == "thinking" and row.live.thinking_since is not None:
            said = [self.tr("Thinking {0} s").format(int(time.monotonic() - row.live.thinking_since))]
            if row.live.budget:
                most = self.tr("{0} of at most {1} tokens")
                said.append(most.format(_number(row.live.thought), _number(row.live.budget)))
            elif row.live.thought:
                said.append(_tokens(row.live.thought))
            return figures.line(*said)
        if row.reasoning_s >= 0.95:
            said = [self.tr("Thought for {0} s").format(round(row.reasoning_s))]
        else:
            said = [self.tr("Thoughts")]
        return figures.line(*said, _tokens(row.reasoning_tokens) if row.reasoning_tokens else "")

    def height_for(self, width: int) -> int:
        head = self._head.sizeHint().height()
        if not self._open or self._text is None:
            return head
        return head + SPACE.xs + self._text.height_for(width - _BAR) + SPACE.xs

    def place(self) -> None:
        size = self._head.sizeHint()
        self._head.setGeometry(-10, 0, size.width(), size.height())
        enough = self._enough.sizeHint()
        self._enough.setGeometry(
            size.width() + SPACE.xs, (size.height() - enough.height()) // 2, enough.width(), enough.height()
        )
        if self._open and self._text is not None:
            width = self.width() - _BAR
            top = size.height() + SPACE.xs
            self._text.setGeometry(_BAR, top, width, self._text.height_for(width))

    def resizeEvent(self, event: object) -> None:
        self.place()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._open and self._text is not None:
            painter = QPainter(self)
            painter.fillRect(2, self._text.y(), 2, self._text.height(), QColor(theme.tokens().line_strong))
            painter.end()

    def _show_text(self) -> None:
        """Thoughts may be very long: they are only set while they can be seen."""
        if self._open:
            if self._text is None:
                self._text = MarkdownView(self, muted=True)
                self._text.link_requested.connect(self.link_requested)
            growing = self._row.live is not None and self._row.live.stage == "thinking"
            self._text.show_text(self._row.reasoning, growing=growing)
            self._text.show()
            self.place()
        elif self._text is not None:
            self._text.hide()
            self._text.deleteLater()
            self._text = None

    @Slot()
    def _on_clicked(self) -> None:
        self.set_open(not self._open)
        self.toggled.emit(self._open)


def _number(count: int) -> str:
    return QLocale().toString(count)


def _tokens(count: int) -> str:
    if count == 1:
        return QCoreApplication.translate("Thinking", "1 token")
    return QCoreApplication.translate("Thinking", "{0} tokens").format(_number(count))
