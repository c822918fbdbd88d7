"""The tree of messages: its controller, and every connection between it, the page and the chat."""

from PySide6.QtCore import QObject, Slot

from app.bridge import Pump
from app.controllers.branches import BranchController
from app.controllers.chat import ChatController
from app.controllers.settings import SettingsController
from app.lists.messages import MessageList
from app.widgets.chat_page import ChatPage
from backends.core.settings import Settings
from backends.services import Services


class BranchDesk(QObject):
    def __init__(
        self,
        page: ChatPage,
        messages: MessageList,
        chat: ChatController,
        settings: SettingsController,
        services: Services,
        pump: Pump,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._messages = messages
        self.branches = BranchController(services, pump, chat, messages, page.notices, self)
        branches, transcript = self.branches, page.transcript

        transcript.message_action.connect(branches.act)
        transcript.variant_requested.connect(branches.show_variant)
        transcript.edit_submitted.connect(branches.edit)

        branches.branched.connect(chat.open)
        branches.branched.connect(page.focus_composer)
        chat.question_saved.connect(branches.let_go)

        settings.settings_changed.connect(self._on_settings)
        self._on_settings(services.settings.current)

    @Slot(object)
    def _on_settings(self, settings: Settings) -> None:
        self._messages.edits.enter_sends = settings.chat.enter_sends
