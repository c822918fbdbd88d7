"""The chat: panel, head, messages or the empty state, notices of this page, composer; its settings at the right."""

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QSizePolicy, QSplitter, QStackedLayout, QWidget

from app import icons, parts
from app.language import Retranslated
from app.lists.conversations import ConversationList
from app.lists.messages import MessageList
from app.markdown import clean
from app.model_state import ModelState
from app.notices import NoticeBoard
from app.option_picture import OptionPicture
from app.theme import PAGE_WIDTH, SPACE, px
from app.widgets.chat_options import OptionSheet
from app.widgets.composer import Composer
from app.widgets.conversation_panel import ConversationPanel
from app.widgets.empty_chat import EmptyChat
from app.widgets.name_chip import NameChip
from app.widgets.transcript import Transcript
from backends.chat.types import Conversation

PANEL_FITS = 820  # below this width the panel folds away by itself
_LOW = 340  # where a notice of the window leaves less, messages give way to the composer
_LEAST_SEEN = 80  # of messages
_LEAST_CHAT = 480  # beside which the settings stand; where there is less room they lie over it
_MARK_WIDTHS = 96, 260  # pixels, of what differs
_MARK_FITS = 520  # below this width the head has no words about what differs


class _Title(QLineEdit):
    """A title that becomes a field when it is clicked; cut with an ellipsis where it has no room."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "title")
        self.setMaxLength(200)
        self._shown = ""

    def show_title(self, title: str) -> None:
        self._shown = title = clean(title)
        self._show_short()

    @property
    def shown(self) -> str:
        return self._shown

    def _show_short(self) -> None:
        if not self.hasFocus():
            room = self.width() - px(28)
            self.setText(self.fontMetrics().elidedText(self._shown, Qt.TextElideMode.ElideRight, room))
            self.setCursorPosition(0)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.setText(self._shown)
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._show_short()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_short()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.setText(self._shown)
            self.clearFocus()
        else:
            super().keyPressEvent(event)


class _Middle(QWidget):
    """What gives way when the room is short, however high its words would be."""

    def hasHeightForWidth(self) -> bool:
        return False


class _Veil(QWidget):
    """Nothing to be seen: over the chat while its settings lie over it, so that a click beside them closes them."""

    pressed = Signal()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.pressed.emit()


class ChatPage(Retranslated, QFrame):
    rename_requested = Signal(str)
    panel_toggled = Signal(bool)

    def __init__(self, conversations: ConversationList, messages: MessageList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("surface", "page")
        self._messages = messages
        self._conversations = conversations
        self._shown: Conversation | None = None
        self._picture = OptionPicture()
        self.panel = ConversationPanel(conversations)
        self.transcript = Transcript(messages)
        self.empty = EmptyChat()
        self.composer = Composer()
        self.notices = NoticeBoard(margin=(0, 0, 0, SPACE.s))
        self._toggle = parts.icon_button("panel-left")
        self._toggle.clicked.connect(lambda: self.set_panel_open(not self.panel_open))
        self._title = _Title()
        self._title.editingFinished.connect(self._on_title_edited)
        across = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        across.setRetainSizeWhenHidden(True)  # else the buttons of the head would stand in its middle
        self._title.setSizePolicy(across)
        self.options = OptionSheet()
        self.options.closed.connect(lambda: self.set_options_open(False))
        self._veil = _Veil()
        self._veil.pressed.connect(lambda: self.set_options_open(False))
        self._mark = NameChip(0, *_MARK_WIDTHS)
        self._mark.clicked.connect(lambda: self.set_options_open(True))
        self._sliders = parts.icon_button("sliders-horizontal")
        self._sliders.clicked.connect(lambda: self.set_options_open(not self.options_open))
        self._more = parts.icon_button("ellipsis")
        self._more.clicked.connect(self._on_more)
        self._new = parts.icon_button("square-pen")
        self._new.clicked.connect(self.panel.new_requested)
        self._to_end = parts.icon_button("arrow-down", kind="float")
        self._to_end.clicked.connect(self.transcript.to_end)
        self._more.hide()
        self._wanted_open = True
        self._fits: bool | None = None
        self._form_shown = False  # of a saved prompt
        self._build()
        messages.modelReset.connect(self._on_rows_changed)
        messages.rowsInserted.connect(self._on_rows_changed)
        messages.rowsRemoved.connect(self._on_rows_changed)
        self.composer.editor.form_shown.connect(self._on_form_shown)
        self.transcript.end_left.connect(self._on_end_left)
        self._on_rows_changed()
        self.retranslate()

    def _build(self) -> None:
        head = QWidget()
        head.setFixedHeight(px(52))
        left = parts.row(self._toggle, self._new, self._title, space=SPACE.xs)
        left.setStretch(2, 1)
        row = parts.row(left, self._mark, self._sliders, self._more, margin=(SPACE.m, 0, SPACE.m, 0), space=SPACE.xs)
        row.setStretch(0, 1)
        head.setLayout(row)
        middle = _Middle()
        self._middle = QStackedLayout(middle)  # it shows what it is given at once: not in a window of its own
        self._middle.addWidget(self.empty)
        self._middle.addWidget(self.transcript)
        foot = QWidget()
        foot.setMaximumWidth(px(PAGE_WIDTH) + 2 * SPACE.l)
        foot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        foot.setLayout(parts.column(self.notices, self.composer, space=0, margin=(SPACE.l, SPACE.xs, SPACE.l, SPACE.l)))
        bottom = parts.row(space=0)
        bottom.addStretch(1)
        bottom.addWidget(foot, 100)
        bottom.addStretch(1)
        chat = QWidget()
        chat.setMinimumWidth(320)
        column = parts.column(head, middle, bottom, space=0)
        column.setStretch(1, 1)
        chat.setLayout(column)
        self._main = QWidget()
        self._beside = parts.row(chat, space=0)
        self._beside.setStretch(0, 1)
        self._main.setLayout(self._beside)
        self._veil.setParent(self._main)
        self._veil.hide()
        self.options.setParent(self._main)
        self.options.hide()
        self._main.installEventFilter(self)
        self._float_over = middle
        self._to_end.setParent(middle)
        self._to_end.hide()
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.panel)
        self.splitter.addWidget(self._main)
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

    @Slot()
    def fold_options(self) -> None:
        """Where they lie over the chat, and something beside them was pressed."""
        if self._veil.isVisibleTo(self._main):
            self.options.hide()
            self._place_options()

    def panel_width(self) -> int:
        return self.splitter.sizes()[0] or 264

    def set_panel_width(self, width: int) -> None:
        self.splitter.setSizes([max(200, min(width, 480)), 10_000])

    def show_conversation(self, conversation: Conversation | None) -> None:
        """The one that is on the page; None: it has not begun."""
        self._shown = conversation
        self.panel.show_current(conversation.id if conversation else None)
        self.show_title(conversation.title if conversation else "", editable=conversation is not None)
        self._more.setVisible(conversation is not None)

    @property
    def options_open(self) -> bool:
        return not self.options.isHidden()

    def set_options_open(self, opened: bool) -> None:
        """The settings of this chat."""
        self.options.setVisible(opened)
        self._place_options()
        if opened:
            self.options.setFocus()
        else:
            self._sliders.setFocus()

    def show_options(self, picture: OptionPicture) -> None:
        """What the chat is answered with, in the sheet and as a mark in the head."""
        self._picture = picture
        self.options.show_picture(picture)
        self.composer.chip.show_picture(picture)
        self._draw_mark()

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
        parts.name_button(self._more, self.tr("More about this chat"))
        self._draw_mark()

    # ---- inside

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Words typed after a click somewhere in the messages, where nothing takes them, are meant for the composer.
        Esc closes the settings that lie over the chat."""
        if event.key() == Qt.Key.Key_Escape and not self._veil.isHidden():
            self.set_options_open(False)
            return
        commands = (
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
        )
        if event.text().isprintable() and event.text() and not event.modifiers() & commands:
            self.focus_composer()
            QCoreApplication.sendEvent(self.composer.box, event)
        else:
            super().keyPressEvent(event)

    def _draw_mark(self) -> None:
        """Which model of its own it has, and how much else differs."""
        options, usual = self._picture.options, self._picture.usual
        differing = options.differing()
        words: list[str] = []
        if differing.pop("model", ""):
            name = dict(self._picture.models).get(options.model, options.model)
            words.append(self.tr("%1 is missing").replace("%1", name) if usual.gone else name)
        if differing:
            words.append(self.tr("%1 changed").replace("%1", str(len(differing))))
        text = self._picture.preset or " · ".join(words)
        self._mark.say(text, self.tr("Chat settings"))
        self._mark.setAccessibleName(self.tr("Chat settings: %1").replace("%1", text))
        self._sliders.setIcon(icons.icon("sliders-horizontal", "accent" if text else "muted"))
        name = self.tr("Chat settings")
        parts.name_button(self._sliders, f"{name}: {text}" if text else name)
        self._show_mark()

    def _show_mark(self) -> None:
        self._mark.setVisible(bool(self._mark.text()) and self._main.width() >= px(_MARK_FITS))

    def _place_options(self) -> None:
        """Beside the chat where both have room, else over it."""
        sheet, room = self.options, self._main.width()
        beside = sheet.isVisibleTo(self._main) and room >= _LEAST_CHAT + sheet.width()
        if beside and self._beside.indexOf(sheet) < 0:
            self._beside.addWidget(sheet)
        elif not beside:
            self._beside.removeWidget(sheet)
            sheet.setGeometry(room - sheet.width(), 0, sheet.width(), self._main.height())
            self._veil.setGeometry(self._main.rect())
            self._veil.raise_()
            sheet.raise_()
        self._veil.setVisible(sheet.isVisibleTo(self._main) and not beside)
        self._show_mark()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._main and event.type() is QEvent.Type.Resize:
            self._place_options()
        return super().eventFilter(watched, event)

    @Slot()
    def _on_more(self) -> None:
        if (shown := self._shown) is not None:
            now = next((one for one in self._conversations.conversations if one.id == shown.id), shown)
            corner = self._more.mapToGlobal(self._more.rect().bottomLeft())
            self.panel.menu.open(self, [now], corner, without=("rename", "options"))

    def _show_panel(self, shown: bool) -> None:
        self.panel.setVisible(shown)
        self._new.setVisible(not shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.composer.box.set_room(self.height())
        self._leave_room()
        fits = self.width() >= PANEL_FITS
        if fits != self._fits:
            self._fits = fits
            self._show_panel(self._wanted_open and fits)
        self._place_float()

    @Slot(bool)
    def _on_form_shown(self, shown: bool) -> None:
        self._form_shown = shown
        self._leave_room()

    def _leave_room(self) -> None:
        """Messages give way to what is written."""
        low = self.height() < _LOW or self._form_shown
        self._float_over.setMinimumHeight(_LEAST_SEEN // 2 if low else _LEAST_SEEN)

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
