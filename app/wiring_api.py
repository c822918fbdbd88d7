"""The room of the API in the window: its page, its controller, and every connection between them."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Slot

from app.bridge import Pump
from app.controllers.api import ApiController
from app.controllers.settings import SettingsController
from app.lists.requests import RequestList
from app.widgets.api_page import ApiPage
from app.widgets.main_window import MainWindow
from backends.services import Services


class ApiDesk(QObject):
    """Page `api`."""

    def __init__(
        self,
        window: MainWindow,
        services: Services,
        settings: SettingsController,
        pump: Pump,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.window = window
        self.requests = RequestList()
        self.page = ApiPage(self.requests)
        self.api = ApiController(services.api, services.settings, pump, self.requests, window.notices, self)
        window.add_page("api", self.page)
        self._connect(settings)
        self.page.show_settings(services.settings.current)

    def start(self) -> None:
        """On, if the settings say so."""
        self.api.start()

    def close(self) -> None:
        self.api.close()

    def on_changes(self, changes: Sequence[str]) -> None:
        self.api.on_changes(changes)

    def show_model(self, model_id: str) -> None:
        """The one that answers now."""
        self.api.show_model(model_id)

    def _connect(self, settings: SettingsController) -> None:
        window, page, api = self.window, self.page, self.api
        window.actions_.api.triggered.connect(lambda: window.show_page("api"))
        window.page_changed.connect(self._on_page_changed)

        page.switched.connect(api.switch)
        page.retry_requested.connect(api.try_again)
        page.next_port_requested.connect(api.use_next_port)
        page.key_asked.connect(api.make_key)
        page.revoke_requested.connect(api.revoke_key)
        page.erase_key_requested.connect(api.erase_key)
        page.secret_seen.connect(api.forget_secret)
        page.cancel_requested.connect(api.cancel)
        page.erase_requests_requested.connect(api.erase_requests)
        page.setting_changed.connect(settings.set)
        page.reset_requested.connect(settings.reset)

        settings.settings_changed.connect(page.show_settings)
        settings.refused.connect(page.show_refused)

        api.picture_changed.connect(lambda: page.show_picture(api.picture))
        api.refused.connect(page.keys.form.show_refused)
        api.page_wanted.connect(lambda: window.show_page("api"))

    @Slot(str)
    def _on_page_changed(self, name: str) -> None:
        self.api.set_shown(name == "api")
