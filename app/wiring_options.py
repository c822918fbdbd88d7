"""The settings of a chat in the window: their sheet, their controller, and every connection between them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Slot

from app.bridge import Pump
from app.controllers.chat import ChatController
from app.controllers.chat_options import OptionController
from app.controllers.settings import SettingsController
from app.widgets.chat_page import ChatPage
from app.widgets.main_window import MainWindow
from backends.services import Services


class OptionDesk(QObject):
    """The sheet of `ChatPage.options`."""

    def __init__(
        self,
        window: MainWindow,
        page: ChatPage,
        chat: ChatController,
        settings: SettingsController,
        services: Services,
        pump: Pump,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.window, self.page, self.chat = window, page, chat
        self.options = OptionController(services, pump, page.notices, self)
        chat.create = self.options.create
        self._connect(settings)

    def start(self) -> None:
        self.options.look()

    def close(self) -> None:
        self.page.options.save()
        self.options.close()

    def on_changes(self, changes: Sequence[str]) -> None:
        self.options.on_changes(changes)

    def sort_out(self, paths: Sequence[Path], then: Callable[[Sequence[Path]], None]) -> None:
        """Presets among files that were dropped or opened; `then` gets the rest."""
        self.options.sort_out(paths, then)

    def _connect(self, settings: SettingsController) -> None:
        page, sheet, options = self.page, self.page.options, self.options
        sheet.changed.connect(options.change)
        sheet.reset_requested.connect(options.reset)
        sheet.presets.applied.connect(options.apply)
        sheet.presets.saved.connect(options.save)
        sheet.presets.renamed.connect(options.rename)
        sheet.presets.deleted.connect(options.delete)
        sheet.presets.for_new_chosen.connect(options.use_for_new)
        sheet.presets.exported.connect(options.export)
        sheet.presets.imported.connect(options.bring)

        page.composer.chip.own_requested.connect(
            lambda model: options.change(options.picture.conversation, "model", model)
        )
        page.panel.menu.options_requested.connect(self._on_requested)

        options.picture_changed.connect(lambda: page.show_options(options.picture))
        options.refused.connect(sheet.show_error)
        options.setting_wanted.connect(settings.set)

        self.chat.conversation_changed.connect(options.show_conversation)

        self.window.rail.page_requested.connect(page.fold_options)
        self.window.actions_.chat_options.triggered.connect(self._on_triggered)

    @Slot(tuple)
    def _on_requested(self, conversations: tuple[int, ...]) -> None:
        """From the menu of a conversation."""
        self.chat.open(conversations[0])
        self.page.set_options_open(True)

    @Slot()
    def _on_triggered(self) -> None:
        opened = self.window.page == "chat" and self.page.options_open
        self.window.show_page("chat")
        self.page.set_options_open(not opened)
