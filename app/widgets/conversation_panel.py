"""The panel beside the chat: a new one, and the list of those that were, in folders, pinned, and put away."""

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QSizePolicy, QStackedLayout, QWidget

from app import figures, parts
from app.language import Retranslated
from app.lists.conversations import ConversationList
from app.theme import SPACE, px
from app.widgets.conversation_menu import ConversationMenu
from app.widgets.conversation_rows import ConversationView


class ConversationPanel(Retranslated, QFrame):
    """`search_place`: an empty place above the list, with a layout. `menu`: what can be done with conversations; its
    signals also ask for what is asked for by keys."""

    new_requested = Signal()
    conversation_requested = Signal(int)
    placed = Signal(tuple, object, bool)  # ids that were dragged into a folder or None, pinned

    def __init__(self, conversations: ConversationList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("surface", "panel")
        self._conversations = conversations
        self._shown: int | None = None
        self.new_button = parts.button(kind="secondary", icon="square-pen")
        self.new_button.clicked.connect(self.new_requested)
        self.folder_button = parts.icon_button("folder-plus")
        self.folder_button.clicked.connect(self.ask_folder)
        self.search_place = QWidget()
        self.search_place.setLayout(parts.column())
        self.menu = ConversationMenu(self)
        self.menu.rename_requested.connect(lambda ids: self._edit("conversation", ids[0]))
        self.menu.folder_rename_requested.connect(self.edit_folder)
        self.list = ConversationView(conversations)
        self.list.opened.connect(self.conversation_requested)
        self.list.menu_requested.connect(self._open_menu)
        self.list.delete_requested.connect(self._on_delete)
        self.list.placed.connect(self.placed)
        self._empty = parts.label(role="caption", tone="muted", wrap=True)
        self.back_button = parts.icon_button("arrow-left", size=16)
        self.back_button.clicked.connect(lambda: conversations.show_archive(False))
        self._archived = parts.label(role="strong")
        self._head = QWidget()
        self._head.setLayout(parts.row(self.back_button, self._archived, None))
        self.archive_button = parts.button(kind="quiet", icon="archive")
        self.archive_button.clicked.connect(lambda: conversations.show_archive(True))
        self._build()
        conversations.modelReset.connect(self._on_rows_changed)
        conversations.rows_changed.connect(self._on_rows_changed)
        conversations.archive_shown.connect(self._on_archive_shown)
        self.setMinimumWidth(200)
        self.retranslate()
        self._on_rows_changed()

    def _build(self) -> None:
        head = parts.row(self.new_button, self.folder_button)
        head.setStretch(0, 1)
        listed = QWidget()
        column = parts.column(self._head, self._empty, self.list, self.archive_button, space=SPACE.s)
        column.setStretch(2, 1)
        listed.setLayout(column)
        middle = QWidget()
        self._middle = QStackedLayout(middle)
        self._middle.addWidget(listed)
        layout = parts.column(head, self.search_place, middle, space=SPACE.s, margin=(*(SPACE.m,) * 3, SPACE.s))
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self._head.hide()
        self._empty.setContentsMargins(SPACE.xs, 0, 0, 0)
        self.archive_button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.new_button.setMinimumHeight(px(34))

    # ---- what others ask for

    def show_current(self, conversation_id: int | None) -> None:
        """Mark the conversation that is on the page."""
        if conversation_id != self._shown or conversation_id is None:
            self._shown = conversation_id
            self._conversations.show_current(conversation_id)
            self._choose_shown()

    def set_results(self, results: QWidget) -> None:
        """What `show_found` shows in the place of the list."""
        self._middle.addWidget(results)

    def show_found(self, found: bool) -> None:
        """What was found, or all conversations."""
        self._middle.setCurrentIndex(int(found and self._middle.count() > 1))

    @Slot()
    def ask_folder(self) -> None:
        """A new one, which has nothing in it."""
        self._conversations.show_archive(False)
        self.menu.new_folder_requested.emit(())

    @Slot(int)
    def edit_folder(self, folder_id: int) -> None:
        """Ask for its name, in place."""
        self.show_found(False)
        self._edit("folder", folder_id)

    def retranslate(self) -> None:
        self.new_button.setText(self.tr("New chat"))
        parts.name_button(self.folder_button, self.tr("New folder"))
        parts.name_button(self.back_button, self.tr("Back to all chats"))
        self._archived.setText(self.tr("Archived"))
        self._conversations.retranslate()
        self._on_rows_changed()

    # ---- inside

    def _choose_shown(self) -> None:
        self.list.choose(("conversation", self._shown) if self._shown is not None else None)

    def _edit(self, kind: str, id: int) -> None:
        row = self._conversations.place_of(("folder" if kind == "folder" else "conversation", id))
        if row is not None:
            index = self._conversations.index(row)
            self.list.setFocus(Qt.FocusReason.OtherFocusReason)
            self.list.setCurrentIndex(index)
            self.list.edit(index)

    @Slot()
    def _on_rows_changed(self) -> None:
        rows, archive = self._conversations, self._conversations.in_archive
        self.menu.folders = rows.folders
        empty = rows.rowCount() == 0
        self._empty.setVisible(empty)
        self._empty.setText(
            self.tr("Nothing is archived. What you archive leaves the list, and is kept here.")
            if archive
            else self.tr("All your chats are archived.")
            if rows.archived
            else self.tr("Your conversations will be listed here. They stay on this computer.")
        )
        self.archive_button.setVisible(bool(rows.archived) and not archive)
        count = figures.number(len(rows.archived))
        self.archive_button.setText(self.tr("Archived (%1)").replace("%1", count))
        self.list.name(self.tr("Archived conversations") if archive else self.tr("Conversations"))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus if empty else Qt.FocusPolicy.StrongFocus)
        if not self.list.selectionModel().hasSelection() and not self.list.hasFocus():
            self._choose_shown()

    @Slot(bool)
    def _on_archive_shown(self, shown: bool) -> None:
        focused = self.archive_button.hasFocus() or self.back_button.hasFocus()
        self._head.setVisible(shown)
        self._on_rows_changed()
        if focused:
            (self.back_button if shown else self.list).setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def _on_delete(self) -> None:
        line = self.list.line(self.list.currentIndex())
        if ids := self.list.chosen:
            self.menu.delete_requested.emit(ids)
        elif line is not None and line.kind == "folder":
            self.menu.folder_delete_requested.emit(line.id)

    @Slot(QModelIndex, QPoint)
    def _open_menu(self, index: QModelIndex, point: QPoint) -> None:
        """Of all that are chosen, if this is one of them."""
        line = self.list.line(index)
        if line is None:
            return
        if line.kind == "folder":
            self.menu.open_folder(self, line.id, point)
            return
        chosen = self.list.chosen
        ids = chosen if line.id in chosen and self.list.selectionModel().isSelected(index) else (line.id,)
        found = (self._conversations.conversation(id) for id in ids)
        self.menu.open(self, [one for one in found if one is not None], point)
