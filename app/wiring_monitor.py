"""The monitor in the window: its page, the gauge at the foot, alerts, and every connection between them."""

import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QApplication, QFileDialog

from app.bridge import Pump
from app.controllers.alerts import AlertController
from app.controllers.monitor import MonitorController
from app.controllers.settings import SettingsController
from app.widgets.gauge import Gauge
from app.widgets.main_window import MainWindow
from app.widgets.monitor_page import MonitorPage
from backends.core.settings import Settings
from backends.monitor.types import Sample
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
        monitoring = services.monitoring
        self.page = MonitorPage()
        self.gauge = Gauge()
        self.monitor = MonitorController(monitoring, pump, self.page.notices, self)
        self.alerts = AlertController(monitoring.alerts(), monitoring.standing, window.notices, _in_front, self)
        self._glanced: Sample | None = None
        self._gauge_wanted = False
        window.add_page("monitor", self.page)
        window.foot.addWidget(self.gauge)
        self.page.segments.choose(self.monitor.courses.range)
        self._connect(settings)
        self._on_settings(services.settings.current)

    def close(self) -> None:
        self.alerts.close()
        self.monitor.close()

    def on_changes(self, changes: Sequence[str]) -> None:
        self.monitor.on_changes(changes)

    def show_model(self, name: str) -> None:
        """What people call the model that answers."""
        self.monitor.show_model(name)

    def _connect(self, settings: SettingsController) -> None:
        window, page, monitor, courses = self.window, self.page, self.monitor, self.monitor.courses
        window.actions_.monitor.triggered.connect(self._show)
        self.gauge.clicked.connect(self._show)
        self.alerts.page_wanted.connect(self._show)

        page.shown.connect(monitor.set_shown)
        page.range_chosen.connect(courses.choose)
        page.zoomed.connect(courses.zoom)
        page.reset_requested.connect(courses.reset)
        page.doctor_requested.connect(lambda: window.show_page("doctor"))
        page.connections_requested.connect(lambda: window.show_page("connections"))
        page.export_requested.connect(self._on_export)
        page.cancel_export_requested.connect(monitor.cancel_export)
        page.erase_requested.connect(monitor.erase)

        monitor.picture_changed.connect(lambda: page.show_picture(monitor.picture))
        monitor.glanced.connect(self._on_glanced)
        courses.changed.connect(lambda: page.show_courses(courses.courses))
        settings.settings_changed.connect(self._on_settings)

    @Slot()
    def _show(self) -> None:
        self.window.show_page("monitor")

    @Slot(object)
    def _on_settings(self, settings: Settings) -> None:
        self._gauge_wanted = settings.monitor.gauge
        self._on_glanced(self._glanced)

    @Slot(object)
    def _on_glanced(self, sample: Sample | None) -> None:
        self._glanced = sample
        self.gauge.show_sample(sample if self._gauge_wanted else None)

    @Slot(str)
    def _on_export(self, extent: str) -> None:
        """`extent`: shown, or all."""
        courses = self.monitor.courses.courses
        now = time.time()
        start, end = (courses.start, courses.end) if extent == "shown" else (0.0, now)
        name = time.strftime("deskseek-%Y-%m-%d.csv", time.localtime(now))
        kinds = self.tr("Table of figures (%1)").replace("%1", "*.csv")
        chosen, _ = QFileDialog.getSaveFileName(self.window, self.tr("Export"), str(Path.home() / name), kinds)
        if chosen:
            self.monitor.export(Path(chosen), start, end)


def _in_front() -> bool:
    return QApplication.activeWindow() is not None
