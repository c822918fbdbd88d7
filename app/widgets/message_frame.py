"""What questions and answers have in common: focus, a menu of what can be done with them, and a place to edit them."""

from PySide6.QtCore import QPoint, QRect, Qt, Signal, Slot
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

from app.language import Retranslated
from app.lists.messages import MessageList, MessageRow
from app.theme import SPACE
from app.widgets.markdown_view import Work
from app.widgets.message_editor import Editor
from app.widgets.message_menu import MessageMenu
from app.widgets.prose import ReadOnlyText
from app.widgets.stack import Stack


class MessageFrame(Retranslated, Stack):
    """Tab comes to it, a click does not. `message_action` says what was chosen: a name of `MessageMenu.entries`; it is
    copied and its editor is opened here."""

    message_action = Signal(int, str)  # message, name
    variant_requested = Signal(int, int)  # message; -1 the one before, 1 the next
    edit_submitted = Signal(int, str)  # message, text
    resized = Signal()

    def __init__(self, row: MessageRow, messages: MessageList, parent: QWidget | None = None) -> None:
        super().__init__(SPACE.s, parent)
        self._row = row
        self._messages = messages
        self._editor: Editor | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    @property
    def row(self) -> MessageRow:
        return self._row

    @property
    def editor(self) -> Editor | None:
        """While it is written anew."""
        return self._editor

    def ring(self) -> QRect:
        """What is framed while it has the focus."""
        return self.rect()

    def set_attended(self, attended: bool) -> None:
        """The focus is here, or inside."""

    def show_between(self, top: int, bottom: int, work: Work) -> int:
        """Set what lies between these heights, as far as there is time. Returns by how much what was there already
        has moved down."""
        return 0

    def shows(self, top: int, bottom: int) -> bool:
        """Something between these heights has been set."""
        return True

    def empty_between(self, top: int, bottom: int) -> int:
        """Pixels between these heights that are not set yet."""
        return 0

    def step(self, by: int) -> None:
        """To another variant, if there is one there."""
        if self._row.live is None and 1 <= self._row.position + by <= self._row.siblings:
            self.variant_requested.emit(self._row.id, by)

    def open_menu(self, place: QPoint, text: ReadOnlyText | None = None) -> None:
        """At this place of the screen. `text`: the part of the message that lies there."""
        menu = MessageMenu(self._row, self, text.copies(text.mapFromGlobal(place)) if text is not None else ())
        menu.chosen.connect(self.act)
        menu.open(place)

    @Slot(str)
    def act(self, name: str) -> None:
        row = self._row
        if name == "copy" and row.role == "assistant" and row.id > 0 and row.live is None:
            self.message_action.emit(row.id, "copy_markdown")  # with its references, marked as AI-generated
            self.show_copied()
        elif name == "copy":
            QGuiApplication.clipboard().setText(row.text)
            self.show_copied()
        elif name == "edit":
            self._messages.begin_edit(self._row.id)
            if self._editor is not None:
                self._editor.setFocus()
        else:
            self.message_action.emit(self._row.id, name)

    def show_copied(self) -> None:
        """Where there is a place to say so."""

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._editor is None or not self._editor.geometry().contains(event.pos()):
            by_key = event.reason() is QContextMenuEvent.Reason.Keyboard
            text = self._text_around(QApplication.focusWidget() if by_key else self.childAt(event.pos()))
            alone = by_key and text is None
            self.open_menu(self.mapToGlobal(self.ring().topLeft()) if alone else event.globalPos(), text)

    def _text_around(self, widget: QWidget | None) -> ReadOnlyText | None:
        """The part of this message's text that the widget is, or is inside of."""
        while widget is not None and widget is not self:
            if isinstance(widget, ReadOnlyText):
                return widget
            widget = widget.parentWidget()
        return None

    # ---- for those who are messages

    def show_editor(self) -> bool:
        """The editor, if this message is written anew; whether it is."""
        wanted = self._row.id in self._messages.edits.texts
        if self._editor is not None and (not wanted or self._editor.row.id != self._row.id):
            had_focus = self._editor.box.hasFocus()
            self.take_editor(self._editor)
            self._editor = None
            if had_focus:
                self.setFocus(Qt.FocusReason.OtherFocusReason)
        if wanted and self._editor is None:
            self._editor = Editor(self._row, self._messages.edits, self)
            self._editor.submitted.connect(lambda text: self.edit_submitted.emit(self._row.id, text))
            self._editor.cancelled.connect(lambda: self._messages.end_edit(self._row.id))
            self._editor.resized.connect(self.resized)
            self.place_editor(self._editor)
            self._editor.show()
        return wanted

    def place_editor(self, editor: Editor) -> None:
        raise NotImplementedError

    def take_editor(self, editor: Editor) -> None:
        raise NotImplementedError

    def name(self, alone: str, of_several: str) -> None:
        """For those who cannot see it: what it is, and which of how many. `of_several`: with {0} and {1}."""
        row = self._row
        self.setAccessibleName(of_several.format(row.position, row.siblings) if row.siblings > 1 else alone)
        self.setAccessibleDescription(row.text[:500] if row.live is None else "")
