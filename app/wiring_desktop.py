"""DeskSeek on the desktop: its tray, the small window for a quick question, notifications, and what is told to
assistive programs. Their controllers, and every connection between them."""

import logging

from PySide6.QtCore import QObject, Signal, Slot

from app.accessibility import Announcer, announce
from app.application import Application
from app.controllers.alerts import AlertController
from app.controllers.api import ApiController
from app.controllers.chat import ChatController
from app.controllers.chat_options import OptionController
from app.controllers.links import LinksController
from app.controllers.notifying import NotifyingController
from app.controllers.quick_question import QuickQuestionController
from app.lists.conversations import ConversationList
from app.lists.messages import MessageList, MessageRow
from app.notifications import Notifications
from app.tray import Tray
from app.widgets.chat_page import ChatPage
from app.widgets.main_window import MainWindow
from app.widgets.quick_question import QuickQuestion
from app.widgets.rail import PLACES
from backends.chat.types import Conversation
from backends.core.errors import BackendError
from backends.core.settings import Settings
from backends.services import Services

log = logging.getLogger(__name__)


class DesktopDesk(QObject):
    """The window stays hidden in the tray where the settings say so, and there is one; else closing it is the end."""

    new_chat_requested = Signal()

    def __init__(
        self,
        app: Application,
        window: MainWindow,
        page: ChatPage,
        chat: ChatController,
        conversations: ConversationList,
        messages: MessageList,
        services: Services,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.app, self.window, self.page = app, window, page
        self.chat, self.messages, self.services = chat, messages, services
        self.tray = Tray(window)
        self.notifications = Notifications(window, self.tray)
        self.quick = QuickQuestion()
        self.notifying = NotifyingController(chat.answers, conversations, self._in_front, self)
        self.announcer = Announcer(lambda words: announce(page.transcript, words), self)
        self.quick_announcer = Announcer(lambda words: announce(self.quick.box, words), self)
        self._stay = False
        self._api: ApiController | None = None
        window.stays = self._stays
        self._connect()

    def connect_rooms(self, api: ApiController, options: OptionController, links: LinksController) -> None:
        """What is of other rooms."""
        quick, asking = self.quick, QuickQuestionController(self.services, self.chat, options, self)
        self.asking = asking
        self._api = api
        self._links = links

        quick.question_asked.connect(asking.ask)
        quick.stop_requested.connect(asking.stop)
        quick.opened.connect(self._on_quick_opened)
        quick.opening_requested.connect(self._on_opening_requested)
        quick.link_requested.connect(self._on_link)

        asking.asked.connect(quick.show_question)
        asking.row_changed.connect(quick.show_row)
        asking.row_changed.connect(self._on_quick_row)
        asking.busy_changed.connect(quick.show_busy)

        api.picture_changed.connect(self._on_api)

    def say_alerts(self, alerts: AlertController) -> None:
        """To somebody who looks elsewhere."""
        said = self.notifications
        alerts.noticed.connect(lambda which, title, words: said.say("monitor", title, words, which))
        alerts.ended.connect(lambda which, title, words: said.take_back("monitor", which, title, words))

    def close(self) -> None:
        self.window.stays = lambda: False
        self.notifications.close()
        self.tray.show(False)
        self.quick.hide()
        self.quick.deleteLater()

    @Slot()
    def quit(self) -> None:
        """The end, also where closing the window would not be."""
        self.app.leaving = True
        self.window.close()
        if not self.app.quitOnLastWindowClosed():
            self.app.quit()

    def return_to(self, page: str, conversation: int) -> None:
        """Where the person was when the window was closed, unless they have begun something since."""
        if self.window.page == "chat" and page in {place.name for place in PLACES}:
            self.window.show_page(page)
        if conversation and self.chat.current is None and not self.page.composer.text():
            self.chat.call(self.services.chats.conversation, conversation, then=self._reopen, on_error=_was_deleted)

    def show_settings(self, settings: Settings) -> None:
        self.notifying.wanted = settings.chat.notify
        self.announcer.wanted = self.quick_announcer.wanted = settings.chat.announce
        self.quick.box.enter_sends = settings.chat.enter_sends
        self._stay = settings.general.stay
        self.tray.show(settings.general.tray)
        self.tray.retranslate()
        stays = self._stay and self.tray.shown
        if not stays and not self.app.quitOnLastWindowClosed() and self.window.isHidden():
            self.window.to_front()  # nothing else would bring it back
        self.app.setQuitOnLastWindowClosed(not stays)

    def _connect(self) -> None:
        window, tray, messages = self.window, self.tray, self.messages
        window.actions_.quick_question.triggered.connect(self._on_quick_requested)

        tray.window_requested.connect(window.to_front)
        tray.question_requested.connect(self._on_quick_requested)
        tray.chat_requested.connect(self._on_new_requested)
        tray.quit_requested.connect(self.quit)

        self.notifying.noticed.connect(self.notifications.say)
        self.notifications.clicked.connect(self._open)
        self.notifications.page_wanted.connect(self._open_page)

        messages.modelReset.connect(self.announcer.forget)
        messages.rowsInserted.connect(self._on_rows_changed)
        messages.dataChanged.connect(self._on_rows_changed)

    # ---- inside

    def _stays(self) -> bool:
        return self._stay and self.tray.shown and not self.app.leaving

    def _in_front(self) -> bool:
        return self.app.activeWindow() is not None

    def _reopen(self, conversation: Conversation) -> None:
        if conversation.deleted is None and self.chat.current is None and not self.page.composer.text():
            self.chat.open(conversation.id)

    @Slot(int)
    def _open(self, conversation: int) -> None:
        self.window.to_front()
        self.window.show_page("chat")
        self.chat.open(conversation)

    @Slot(str)
    def _open_page(self, name: str) -> None:
        self.window.to_front()
        self.window.show_page(name)

    @Slot()
    def _on_new_requested(self) -> None:
        self.window.to_front()
        self.new_chat_requested.emit()

    @Slot()
    def _on_quick_requested(self) -> None:
        self.quick.open(self.window)

    @Slot()
    def _on_quick_opened(self) -> None:
        """Another conversation each time, unless the last one is still being answered."""
        if not self.quick.isVisible() and not self.asking.busy:
            self.asking.forget()
            self.quick.clear()

    @Slot()
    def _on_opening_requested(self) -> None:
        if self.asking.conversation is not None:
            self._open(self.asking.conversation)
            self.quick.hide()

    @Slot(str)
    def _on_link(self, address: str) -> None:
        """It is asked about where there is room for it."""
        self._on_opening_requested()
        self._links.ask(address)

    @Slot()
    def _on_api(self) -> None:
        picture = self._api.picture if self._api is not None else None
        self.tray.show_api(picture.port if picture is not None and picture.stage == "on" else 0)

    @Slot(object)
    def _on_quick_row(self, row: MessageRow) -> None:
        self.quick_announcer.show_row(row, aloud=self.quick.isActiveWindow())

    @Slot()
    def _on_rows_changed(self) -> None:
        if self.messages.rows and self.messages.rows[-1].role == "assistant":
            seen = self.window.isActiveWindow() and self.window.page == "chat"
            self.announcer.show_row(self.messages.rows[-1], aloud=seen)


def _was_deleted(error: BackendError) -> None:
    log.info("the last conversation is not there any more: %s", error)
