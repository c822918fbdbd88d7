"""The monitor in the window: its page, its controller, and every connection between them."""

from PySide6.QtCore import QObject

from app.bridge import Pump
from app.controllers.settings import SettingsController
from app.widgets.main_window import MainWindow
from app.widgets.monitor_page import MonitorPage
from backends.services import Services


class MonitorDesk(QObject):
    """Page `monitor`."""

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
        self.page = MonitorPage()
        window.add_page("monitor", self.page)
        self._connect()

    def close(self) -> None:
        pass

    def _connect(self) -> None:
        window, page = self.window, self.page
        window.actions_.monitor.triggered.connect(lambda: window.show_page("monitor"))

        page.doctor_requested.connect(lambda: window.show_page("doctor"))
        page.connections_requested.connect(lambda: window.show_page("connections"))
