"""The list of conversations: its controller, and every connection between it, the panel and the chat."""

from PySide6.QtCore import QObject, Slot

from app.bridge import Pump
from app.controllers.chat import ChatController
from app.controllers.organising import OrganisingController
from app.lists.conversations import ConversationList
from app.widgets.chat_page import ChatPage
from app.widgets.main_window import MainWindow
from backends.services import Services


class OrganisingDesk(QObject):
    def __init__(
        self,
        window: MainWindow,
        page: ChatPage,
        conversations: ConversationList,
        chat: ChatController,
        services: Services,
        pump: Pump,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.window, self.page, self.conversations, self.chat = window, page, conversations, chat
        self.organising = OrganisingController(services, pump, conversations, page.notices, self)
        self._connect()

    def close(self) -> None:
        self.organising.close()

    def _connect(self) -> None:
        organising, panel, menu, chat = self.organising, self.page.panel, self.page.panel.menu, self.chat

        panel.placed.connect(organising.place)
        menu.pin_requested.connect(organising.pin)
        menu.move_requested.connect(organising.move)
        menu.new_folder_requested.connect(organising.make_folder)
        menu.archive_requested.connect(organising.archive)
        menu.duplicate_requested.connect(organising.duplicate)
        menu.delete_requested.connect(organising.delete)
        menu.folder_delete_requested.connect(organising.delete_folder)
        self.conversations.folder_rename_requested.connect(organising.rename_folder)
        self.conversations.unread_changed.connect(organising.mark_unread)

        organising.listed.connect(chat.take_list)
        organising.deleted.connect(chat.leave)
        organising.restored.connect(chat.open)
        organising.duplicated.connect(chat.open)
        organising.folder_made.connect(panel.edit_folder)

        chat.list_wanted.connect(organising.refresh)
        chat.question_saved.connect(organising.let_go)

        self.window.actions_.new_folder.triggered.connect(self._on_new_folder)

    @Slot()
    def _on_new_folder(self) -> None:
        self.window.show_page("chat")
        self.page.set_panel_open(True)
        self.page.panel.ask_folder()
