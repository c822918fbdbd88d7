"""Searching the conversations: its box and results in the panel, its controller, and every connection between them."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Qt, Slot

from app.bridge import Pump
from app.controllers.chat import ChatController
from app.controllers.chat_search import ChatSearchController
from app.language import say
from app.lists.chat_hits import ChatHitList
from app.lists.conversations import ConversationList
from app.lists.messages import MessageList
from app.widgets.chat_page import ChatPage
from app.widgets.chat_search import ChatSearchBox, ChatSearchResults
from app.widgets.lit_words import LitWords
from app.widgets.main_window import MainWindow
from backends.core.errors import BackendError
from backends.services import Services


class ChatSearchDesk(QObject):
    """In the panel of the chat page."""

    def __init__(
        self,
        window: MainWindow,
        page: ChatPage,
        services: Services,
        chat: ChatController,
        conversations: ConversationList,
        messages: MessageList,
        pump: Pump,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.window, self.page, self.chat = window, page, chat
        self.box = ChatSearchBox()
        self.results = ChatSearchResults(ChatHitList())
        self.lit = LitWords(page.transcript, messages, self)
        self.search = ChatSearchController(services, pump, chat, messages, self)
        place = page.panel.search_place.layout()
        assert place is not None
        place.addWidget(self.box)
        page.panel.set_results(self.results)
        self._connect(conversations)

    def close(self) -> None:
        self.search.close()

    def on_changes(self, changes: Sequence[str]) -> None:
        if "chats" in changes:
            self.chat.refresh()

    def _connect(self, conversations: ConversationList) -> None:
        box, results, search, page = self.box, self.results, self.search, self.page
        self.window.actions_.search_chats.triggered.connect(self._on_wanted)

        box.textChanged.connect(search.ask)
        box.stepped.connect(results.view.step)
        box.opened.connect(results.view.choose)
        box.left.connect(page.focus_composer)

        results.view.chosen.connect(search.open)
        results.view.left_upwards.connect(lambda: box.setFocus(Qt.FocusReason.BacktabFocusReason))

        search.searching.connect(self._on_searching)
        search.found.connect(results.show_found)
        search.failed.connect(self._on_failed)
        search.ended.connect(self._on_ended)
        search.message_found.connect(self.lit.show)

        for changed in (conversations.modelReset, conversations.rowsRemoved, conversations.rowsInserted):
            changed.connect(search.renew)
        conversations.dataChanged.connect(search.renew)

    @Slot()
    def _on_wanted(self) -> None:
        self.window.show_page("chat")
        if not self.page.panel_open:
            self.page.set_panel_open(True)
        self.box.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.box.selectAll()

    @Slot()
    def _on_searching(self) -> None:
        self.page.panel.show_found(True)
        self.results.show_searching()

    @Slot(object)
    def _on_failed(self, error: BackendError) -> None:
        self.results.show_error(say(error.message), say(error.hint))

    @Slot()
    def _on_ended(self) -> None:
        self.page.panel.show_found(False)
        self.lit.forget()
