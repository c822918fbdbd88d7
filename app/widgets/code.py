"""Code of an answer in a frame of its own, with its language and a copy button; long lines scroll sideways."""

from collections.abc import Callable, Iterable
from itertools import takewhile

from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import (
    QColor,
    QGuiApplication,
    QResizeEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QWidget

from app import icons, parts, theme
from app.highlight import highlight, highlighted
from app.language import Retranslated
from app.markdown import Code
from app.theme import SPACE, px
from app.widgets.prose import LEADING
from app.widgets.wide import WideText

COPIED_MS = 1600
KEPT = 4000  # characters; the colours of longer code are found anew when it comes into sight again
COLOR_WHILE_GROWING = 4000  # characters; longer code gets its colours when it is complete


class CodeBlock(Retranslated, QFrame):
    """A fenced block: its language, a copy button, the code in colours."""

    HEAD = 36  # pixels of the design

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("surface", "well")
        self._shown = Code("", "")
        self._colored = True
        self._pieces: list[tuple[str, str]] = []  # as they are set, with their colours
        self._language = parts.label(role="caption", tone="muted")
        self._copy = parts.icon_button("copy", size=16)
        self._copy.clicked.connect(self._on_copy)
        self.whole: Callable[[], str] | None = None  # gives all of the code, where this is a part of it
        self._copied = QTimer(self)
        self._copied.setSingleShot(True)
        self._copied.setInterval(COPIED_MS)
        self._copied.timeout.connect(self._on_copied_seen)
        self._text = WideText(natural=True)
        font = theme.current().type.font("mono")
        self._text.setFont(font)
        self._text.document().setDefaultFont(font)
        option = QTextOption()
        option.setTabStopDistance(self._text.fontMetrics().horizontalAdvance(" ") * 4)
        option.setWrapMode(QTextOption.WrapMode.NoWrap)
        self._text.document().setDefaultTextOption(option)
        self._head = QWidget(self)
        self._head.setLayout(parts.row(self._language, None, self._copy, margin=(SPACE.m, 0, SPACE.xs, 0)))
        self._text.setParent(self)
        self.retranslate()

    @property
    def text(self) -> str:
        return self._shown.text

    def show_code(self, code: Code, *, growing: bool = False) -> None:
        """`growing`: more will come; then long code is only continued."""
        before, self._shown = self._shown, code
        if code == before and (growing or self._colored):
            return
        if code.part != before.part:
            self._head.setVisible(not code.part)
        if code.language != before.language:
            self._language.setText(code.language)
            self.retranslate()
        continued = growing and code.language == before.language and code.text.startswith(before.text)
        if continued and len(code.text) > COLOR_WHILE_GROWING:
            cursor = QTextCursor(self._text.document())
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.insertText(code.text[len(before.text) :], self._look(""))
            self._colored = False
        elif continued and self._colored:
            self._go_on()
        else:
            self._write()

    def restyle(self) -> None:
        self._write()

    def height_for(self, width: int) -> int:
        return self._above() + self._text.height_for(width - SPACE.m - SPACE.xs) + SPACE.m

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        head = self._above()
        self._head.setVisible(not self._shown.part)
        self._head.setGeometry(0, 1, self.width(), px(self.HEAD) - 1)
        self._text.setGeometry(SPACE.m, head, self.width() - SPACE.m - SPACE.xs, self.height() - head - SPACE.m)

    def _above(self) -> int:
        """Room above the code. What goes on from the block before has no head of its own."""
        return SPACE.m if self._shown.part else px(self.HEAD)

    def retranslate(self) -> None:
        done = self._copied.isActive()
        parts.name_button(self._copy, self.tr("Copied") if done else self.tr("Copy the code"))
        self._text.setAccessibleName(self.tr("Code {0}").format(self._shown.language))

    def _write(self) -> None:
        self._colored = True
        bar = self._text.horizontalScrollBar()
        place = bar.value()
        document = self._text.document()
        document.clear()
        cursor = QTextCursor(document)
        cursor.beginEditBlock()
        spacing = QTextBlockFormat()
        height = round(theme.current().type.sizes["mono"] * LEADING)
        spacing.setLineHeight(height, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        cursor.setBlockFormat(spacing)
        self._pieces = self._colors()
        self._insert(cursor, self._pieces)
        cursor.endEditBlock()
        bar.setValue(place)

    def _colors(self) -> list[tuple[str, str]]:
        kept = len(self._shown.text) <= KEPT
        return list((highlighted if kept else highlight)(self._shown.language, self._shown.text))

    def _go_on(self) -> None:
        """Only what has another colour than before, or was not there, is written."""
        before, self._pieces = self._pieces, list(highlight(self._shown.language, self._shown.text))
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, self._pieces, strict=False)))
        cursor = QTextCursor(self._text.document())
        cursor.beginEditBlock()
        cursor.setPosition(sum(len(piece.encode("utf-16-le")) // 2 for piece, _ in before[:same]))
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        self._insert(cursor, self._pieces[same:])
        cursor.endEditBlock()

    def _insert(self, cursor: QTextCursor, pieces: Iterable[tuple[str, str]]) -> None:
        looks: dict[str, QTextCharFormat] = {}
        for piece, tone in pieces:
            if tone not in looks:
                looks[tone] = self._look(tone)
            cursor.insertText(piece, looks[tone])

    @staticmethod
    def _look(tone: str) -> QTextCharFormat:
        look = QTextCharFormat()
        look.setFont(theme.current().type.font("mono"))
        look.setForeground(QColor(getattr(theme.tokens(), tone or "text")))
        return look

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.whole() if self.whole is not None else self._shown.text)
        self._copy.setIcon(icons.icon("check", "success"))
        self._copied.start()
        self.retranslate()

    @Slot()
    def _on_copied_seen(self) -> None:
        self._copy.setIcon(icons.icon("copy", "muted"))
        self.retranslate()
