"""What leaves this computer, in the window: the page, its controller, the mark of the offline switch, and every
connection between them."""

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog

from app.bridge import Pump
from app.controllers.connections import ConnectionsController
from app.controllers.settings import SettingsController
from app.lists.connections import ConnectionList
from app.widgets.connections_page import ConnectionsPage
from app.widgets.main_window import MainWindow
from app.widgets.settings_page import SettingsPage
from backends.core.settings import Settings
from backends.services import Services


class ConnectionsDesk(QObject):
    """Page `connections`."""

    def __init__(
        self,
        window: MainWindow,
        settings_page: SettingsPage,
        services: Services,
        settings: SettingsController,
        pump: Pump,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.window = window
        self.connections = ConnectionList()
        self.page = ConnectionsPage(self.connections)
        self.controller = ConnectionsController(services.connections, pump, self.connections, self.page.notices, self)
        window.add_page("connections", self.page)
        self._connect(settings_page, settings)
        self._on_settings(services.settings.current)
        pump.listen(services.changes(), self.controller.on_changes)

    def _connect(self, settings_page: SettingsPage, settings: SettingsController) -> None:
        window, page = self.window, self.page
        window.actions_.connections.triggered.connect(lambda: window.show_page("connections"))
        window.page_changed.connect(lambda name: self.controller.set_shown(name == "connections"))
        window.rail.offline_pressed.connect(lambda: window.show_page("connections"))
        settings_page.connections_requested.connect(lambda: window.show_page("connections"))

        page.setting_changed.connect(settings.set)
        page.reset_requested.connect(settings.reset)
        page.erase_requested.connect(self.controller.erase)
        page.export_requested.connect(self._on_export)

        settings.settings_changed.connect(self._on_settings)
        settings.refused.connect(page.show_refused)

    @Slot(object)
    def _on_settings(self, settings: Settings) -> None:
        self.page.show_settings(settings)
        self.window.rail.show_offline(settings.network.offline)

    @Slot()
    def _on_export(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self.window, self.tr("Export the list"), self.tr("connections") + ".csv", "CSV (*.csv)"
        )
        if chosen:
            self.controller.export(chosen)
