"""What holds the model back, on the page of the monitor: its card, its controller, and what lies between them."""

from PySide6.QtCore import QObject

from app.bridge import Pump
from app.controllers.holding import HoldingController
from app.controllers.loads import Loads
from app.widgets.limit_card import LimitCard
from app.widgets.main_window import MainWindow
from app.widgets.monitor_page import MonitorPage
from backends.services import Services


class HoldingDesk(QObject):
    def __init__(
        self,
        window: MainWindow,
        page: MonitorPage,
        services: Services,
        loads: Loads,
        pump: Pump,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.card = LimitCard()
        self.holding = HoldingController(services, pump, loads, window.notices, self)
        page.limit_place.addWidget(self.card)
        page.shown.connect(self.holding.set_shown)
        self.card.remedy_requested.connect(self.holding.carry_out)
        self.card.cancel_requested.connect(self.holding.cancel)
        self.holding.picture_changed.connect(self.card.show_picture)
        self.holding.page_wanted.connect(window.show_page)

    def close(self) -> None:
        self.holding.close()
