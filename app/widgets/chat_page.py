"""The chat: panel, title, messages or the empty state, notices of this page, composer."""

from PySide6.QtCore import QCoreApplication, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QSizePolicy, QSplitter, QStackedLayout, QWidget

from app import parts
from app.language import Retranslated
from app.lists.conversations import ConversationList
from app.lists.messages import MessageList
from app.model_state import ModelState
from app.notices import NoticeBoard
from app.theme import PAGE_WIDTH, SPACE, px
from app.widgets.composer import Composer
from app.widgets.conversation_panel import ConversationPanel
from app.widgets.empty_chat import EmptyChat
from app.widgets.transcript import Transcript

PANEL_FITS = 820  # below this width the panel folds away by itself


class _Title(QLineEdit):
    """A title that becomes a field when it is clicked."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "title")
        self.setMaxLength(200)
        self._shown = ""

    def show_title(self, title: str) -> None:
        self._shown = title
        if not self.hasFocus():
            self.setText(title)
            self.setCursorPosition(0)

    @property
    def shown(self) -> str:
        return self._shown

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.setText(self._shown)
            self.clearFocus()
        else:
            super().keyPressEvent(event)


class ChatPage(Retranslated, QFrame):
    rename_requested = Signal(str)
    panel_toggled = Signal(bool)

    def __init__(self, conversations: ConversationList, messages: MessageList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("surface", "page")
        self._messages = messages
        self.panel = ConversationPanel(conversations)
        self.transcript = Transcript(messages)
        self.empty = EmptyChat()
        self.composer = Composer()
        self.notices = NoticeBoard(margin=(0, 0, 0, SPACE.s))
        self._toggle = parts.icon_button("panel-left")
        self._toggle.clicked.connect(lambda: self.set_panel_open(not self.panel_open))
        self._title = _Title()
        self._title.editingFinished.connect(self._on_title_edited)
        self._title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._new = parts.icon_button("square-pen")
        self._new.clicked.connect(self.panel.new_requested)
        self._to_end = parts.icon_button("arrow-down", kind="float")
        self._to_end.clicked.connect(self.transcript.to_end)
        self._wanted_open = True
        self._fits: bool | None = None
        self._build()
        messages.modelReset.connect(self._on_rows_changed)
        messages.rowsInserted.connect(self._on_rows_changed)
        messages.rowsRemoved.connect(self._on_rows_changed)
        self.transcript.end_left.connect(self._on_end_left)
        self._on_rows_changed()
        self.retranslate()

    def _build(self) -> None:
        head = QWidget()
        head.setFixedHeight(px(52))
        head.setLayout(parts.row(self._toggle, self._new, self._title, margin=(SPACE.m, 0, SPACE.m, 0), space=SPACE.xs))
        middle = QWidget()
        self._middle = QStackedLayout(middle)  # it shows what it is given at once: not in a window of its own
        self._middle.addWidget(self.empty)
        self._middle.addWidget(self.transcript)
        middle.setMinimumHeight(80)
        foot = QWidget()
        foot.setMaximumWidth(px(PAGE_WIDTH) + 2 * SPACE.l)
        foot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        foot.setLayout(parts.column(self.notices, self.composer, space=0, margin=(SPACE.l, SPACE.xs, SPACE.l, SPACE.l)))
        bottom = parts.row(space=0)
        bottom.addStretch(1)
        bottom.addWidget(foot, 100)
        bottom.addStretch(1)
        main = QWidget()
        main.setMinimumWidth(320)
        column = parts.column(head, middle, bottom, space=0)
        column.setStretch(1, 1)
        main.setLayout(column)
        self._float_over = middle
        self._to_end.setParent(middle)
        self._to_end.hide()
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.panel)
        self.splitter.addWidget(main)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([264, 1000])
        self.setLayout(parts.column(self.splitter, space=0))

    # ---- what others ask for

    @property
    def panel_open(self) -> bool:
        return not self.panel.isHidden()

    @property
    def panel_wanted(self) -> bool:
        """Open, when there is room for it."""
        return self._wanted_open

    def set_panel_open(self, opened: bool) -> None:
        self._wanted_open = opened
        self._show_panel(opened)
        self.panel_toggled.emit(opened)

    def panel_width(self) -> int:
        return self.splitter.sizes()[0] or 264

    def set_panel_width(self, width: int) -> None:
        self.splitter.setSizes([max(200, min(width, 480)), 10_000])

    def show_title(self, title: str, *, editable: bool) -> None:
        self._title.show_title(title)
        self._title.setReadOnly(not editable)
        self._title.setVisible(bool(title))

    def show_state(self, state: ModelState) -> None:
        self.composer.chip.show_state(state)
        self.empty.show_state(state)
        self.composer.set_ready(state.stage not in ("starting",))

    def focus_composer(self) -> None:
        self.composer.box.setFocus()

    def retranslate(self) -> None:
        parts.name_button(self._toggle, self.tr("Show or hide the conversations"))
        parts.name_button(self._new, self.tr("New chat"))
        parts.name_button(self._to_end, self.tr("To the end"))
        self._title.setAccessibleName(self.tr("Title of the conversation"))
        self._title.setToolTip(self.tr("Click to rename"))

    # ---- inside

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Words typed after a click somewhere in the messages, where nothing takes them, are meant for the composer."""
        commands = (
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
        )
        if event.text().isprintable() and event.text() and not event.modifiers() & commands:
            self.focus_composer()
            QCoreApplication.sendEvent(self.composer.box, event)
        else:
            super().keyPressEvent(event)

    def _show_panel(self, shown: bool) -> None:
        self.panel.setVisible(shown)
        self._new.setVisible(not shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        fits = self.width() >= PANEL_FITS
        if fits != self._fits:
            self._fits = fits
            self._show_panel(self._wanted_open and fits)
        self._place_float()

    def _place_float(self) -> None:
        size = self._to_end.sizeHint()
        area = self._float_over.rect()
        self._to_end.setGeometry(
            area.center().x() - size.width() // 2, area.bottom() - size.height() - SPACE.s, size.width(), size.height()
        )

    @Slot()
    def _on_rows_changed(self) -> None:
        self._middle.setCurrentWidget(self.transcript if self._messages.rows else self.empty)
        if not self._messages.rows:
            self._to_end.hide()

    @Slot(bool)
    def _on_end_left(self, left: bool) -> None:
        self._to_end.setVisible(left)
        if left:
            self._place_float()
            self._to_end.raise_()

    @Slot()
    def _on_title_edited(self) -> None:
        title = self._title.text().strip()
        if title and title != self._title.shown:
            self.rename_requested.emit(title)
        else:
            self._title.setText(self._title.shown)
        self._title.setCursorPosition(0)
