"""A small window for a question in between: it is asked, answered below, and kept as a conversation like any other.

Ctrl+Shift+Space opens it while one of our windows is in front, and the icon in the tray at any time. A key that works
in other programs, too, would need another library on every system, so there is none. Enter asks, by the setting; Esc
closes it, and the answer goes on without it.
"""

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget

from app import icons, parts
from app.language import Retranslated, say
from app.lists.messages import MessageRow
from app.tab_order import move_focus
from app.theme import SPACE, px
from app.widgets.answer import Progress
from app.widgets.composer_box import Box
from app.widgets.elided import ElidedLabel
from app.widgets.markdown_view import MarkdownView

_WIDTH = 620
_HIGHEST = 420  # of an answer; a longer one scrolls
_FROM_TOP = 0.22  # of the screen


class QuickQuestion(Retranslated, QFrame):
    question_asked = Signal(str)
    stop_requested = Signal()
    opening_requested = Signal()  # the conversation, in the window
    link_requested = Signal(str)
    opened = Signal()

    def __init__(self) -> None:
        super().__init__(None, Qt.WindowType.Window | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, False)
        self.setProperty("surface", "quick")
        self.box = Box()
        self._send = parts.icon_button("arrow-up", tone="on_accent", kind="send")
        self._asked = ElidedLabel(role="caption", tone="muted")
        self._progress = Progress()
        self._text = MarkdownView()
        self._problem = parts.label(tone="danger", wrap=True, select=True)
        self._hint = parts.label(role="caption", tone="muted")
        self._open = parts.button(kind="quiet", icon="square-arrow-out-up-right")
        self._close = parts.icon_button("x", size=16)
        self._row: MessageRow | None = None
        self._busy = False
        self._grip: QPoint | None = None
        self._scroll = QScrollArea()
        self._build()
        self._connect()
        self.clear()
        self.retranslate()

    def _build(self) -> None:
        frame = QFrame()
        frame.setProperty("kind", "composer")
        self._frame = frame
        frame.setLayout(parts.row(self.box, self._send, margin=(SPACE.m, SPACE.s, SPACE.s, SPACE.s)))
        body = QWidget()
        body.setProperty("surface", "none")
        self._inner = parts.column(self._asked, self._text, self._progress, self._problem, None, space=SPACE.s)
        body.setLayout(self._inner)
        self._scroll.setWidget(body)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # the keys scroll it
        self._scroll.viewport().setAutoFillBackground(False)
        self._asked.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        foot = parts.row(self._hint, None, self._open, self._close)
        self._whole = parts.column(frame, self._scroll, foot, space=SPACE.s, margin=SPACE.m)
        self.setLayout(self._whole)
        self.setFocusProxy(self.box)

    def _connect(self) -> None:
        self.box.submitted.connect(self._on_submitted)
        self.box.textChanged.connect(self._refresh)
        self.box.composing_changed.connect(self._refresh)
        self.box.height_changed.connect(self._fit)
        self.box.focus_changed.connect(self._on_focus_changed)
        self._send.clicked.connect(self._on_pressed)
        self._open.clicked.connect(self.opening_requested)
        self._close.clicked.connect(self.hide)
        self._text.link_requested.connect(self.link_requested)
        self._text.grown.connect(self._fit)

    # ---- what others ask for

    def open(self, beside: QWidget) -> None:
        """On the screen of `beside`, ready to be written in."""
        self.opened.emit()
        if not self.isVisible():
            room = beside.screen().availableGeometry()
            self.setFixedWidth(min(px(_WIDTH), room.width()))
            self._fit()
            place = QRect(QPoint(0, 0), self.size())
            place.moveCenter(room.center())
            place.moveTop(room.top() + round(room.height() * _FROM_TOP))
            self.move(place.topLeft())
        self.show()
        self.raise_()
        self.activateWindow()
        self.box.setFocus()

    @Slot()
    def clear(self) -> None:
        """A question that has not been asked."""
        self._row = None
        self._asked.setText("")
        self._text.show_text("")
        self._scroll.hide()
        self._open.hide()
        self._fit()

    def show_question(self, question: str) -> None:
        """It is on disk: the field is free for the next one."""
        self.box.clear()
        self._asked.setText(" ".join(question.split()))
        self._open.show()
        self.show_row(None)

    def show_row(self, row: MessageRow | None) -> None:
        """The answer as it is now."""
        self._row = row
        self._text.show_text(row.text if row else "", growing=row is not None and row.live is not None)
        self._text.setVisible(row is not None and bool(row.text))
        live = row.live if row else None
        self._progress.setVisible(live is not None and live.stage != "writing")
        if live is not None:
            self._progress.show_live(live)
        self._show_problem()
        self._scroll.show()
        self._fit()

    @Slot(bool)
    def show_busy(self, busy: bool) -> None:
        self._busy = busy
        self._refresh()

    def retranslate(self) -> None:
        self.setWindowTitle(self.tr("Quick question"))
        self.box.setPlaceholderText(self.tr("Ask anything"))
        self.box.setAccessibleName(self.tr("Your question"))
        self._scroll.setAccessibleName(self.tr("Answer"))
        self._open.setText(self.tr("Open in DeskSeek"))
        self._hint.setText(self.tr("Esc closes. The answer is kept among the chats."))
        parts.name_button(self._close, self.tr("Close"))
        self._show_problem()
        self._refresh()

    # ---- inside

    @Slot()
    def _refresh(self) -> None:
        written = self.box.composing or bool(self.box.toPlainText().strip())
        self._send.setIcon(icons.icon("stop" if self._busy else "arrow-up", "on_accent"))
        self._send.setEnabled(self._busy or written)
        parts.name_button(self._send, self.tr("Stop the answer") if self._busy else self.tr("Send"))

    def _show_problem(self) -> None:
        problem = self._row.problem if self._row else None
        self._problem.setVisible(problem is not None)
        if problem is not None:
            self._problem.setText(f"{say(problem.message)} {say(problem.hint)}".strip())

    @Slot()
    def _on_submitted(self) -> None:
        text = self.box.toPlainText().strip()
        if text and not self._busy and not self.box.composing:
            self.question_asked.emit(text)

    @Slot()
    def _on_pressed(self) -> None:
        if self._busy:
            self.stop_requested.emit()
        else:
            self.box.settle()
            self._on_submitted()

    @Slot(bool)
    def _on_focus_changed(self, focused: bool) -> None:
        parts.set_look(self._frame, focused="true" if focused else "false")

    @Slot()
    def _fit(self) -> None:
        """As high as what is in it; the end of an answer that grows stays in sight."""
        bar = self._scroll.verticalScrollBar()
        pinned = bar.value() >= bar.maximum() - 2
        width = max(200, self.width() - 2 * SPACE.m - bar.sizeHint().width())
        self._text.setFixedHeight(self._text.height_for(width) if self._row and self._row.text else 0)
        inner = self._inner
        wanted = inner.totalHeightForWidth(width) if inner.hasHeightForWidth() else inner.totalSizeHint().height()
        self._scroll.setFixedHeight(min(px(_HIGHEST), wanted + SPACE.xs))
        self._whole.activate()
        self.setFixedHeight(self._whole.totalSizeHint().height())
        if pinned:
            bar.setValue(bar.maximum())

    def sizeHint(self) -> QSize:
        return QSize(px(_WIDTH), self._whole.totalSizeHint().height())

    def focusNextPrevChild(self, next: bool) -> bool:
        return move_focus(self, forwards=next)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        event.ignore()  # it is opened again
        self.hide()

    # ---- moved by its ground, as it has no frame

    def mousePressEvent(self, event: QMouseEvent) -> None:
        window = self.windowHandle()
        if window is not None and event.button() is Qt.MouseButton.LeftButton:
            window.startSystemMove()
