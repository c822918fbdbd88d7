"""The doctor in the window: its page, its controller, and every connection between them."""

from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Slot
from PySide6.QtWidgets import QFileDialog

from app.bridge import Pump
from app.controllers.doctor import DoctorController
from app.controllers.models import ModelsController
from app.widgets.about_page import AboutPage
from app.widgets.doctor_page import DoctorPage
from app.widgets.main_window import MainWindow
from app.widgets.settings_page import SettingsPage
from backends.models.types import LocalModel
from backends.services import Services


class DoctorDesk(QObject):
    """Page `doctor`."""

    def __init__(
        self,
        window: MainWindow,
        services: Services,
        settings_page: SettingsPage,
        about_page: AboutPage,
        models: ModelsController,
        pump: Pump,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.window, self.settings_page, self.models = window, settings_page, models
        self.page = DoctorPage()
        self.doctor = DoctorController(services, pump, self.page.notices, self)
        window.add_page("doctor", self.page)
        about_page.doctor_requested.connect(lambda: window.show_page("doctor"))
        self._connect()

    def close(self) -> None:
        self.doctor.close()

    def _connect(self) -> None:
        window, page, doctor = self.window, self.page, self.doctor
        window.page_changed.connect(self._on_page_changed)
        window.actions_.doctor.triggered.connect(lambda: window.show_page("doctor"))

        page.back_requested.connect(lambda: window.show_page("monitor"))
        page.examine_requested.connect(doctor.examine)
        page.stop_requested.connect(doctor.stop)
        page.deep_switched.connect(doctor.set_deep)
        page.copy_requested.connect(doctor.copy)
        page.save_requested.connect(self._on_save)
        page.repair_requested.connect(doctor.repair)

        doctor.picture_changed.connect(lambda: page.show_picture(doctor.picture))
        doctor.page_wanted.connect(window.show_page)
        doctor.setting_wanted.connect(self.show_setting)
        doctor.removal_wanted.connect(self._on_removal)
        doctor.download_wanted.connect(self._on_download)
        doctor.quit_wanted.connect(window.actions_.quit.trigger)

    @Slot(str)
    def _on_page_changed(self, name: str) -> None:
        if name == "doctor":
            self.doctor.begin()

    @Slot(str)
    def show_setting(self, key: str) -> None:
        """In sight, ready to be changed."""
        self.window.show_page("settings")
        self.settings_page.point_to(key)

    @Slot(str)
    def _on_removal(self, path: str) -> None:
        if (model := self._model(path)) is not None:
            self.models.remove(model)
        self.window.show_page("models")

    @Slot(str)
    def _on_download(self, path: str) -> None:
        if (model := self._model(path)) is not None:
            self.models.works.repair(model)
        self.window.show_page("models")

    def _model(self, path: str) -> LocalModel | None:
        return next((one for one in self.models.picture.local or () if str(one.path) == path), None)

    @Slot()
    def _on_save(self) -> None:
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        usual = str(Path(folder) / "deskseek-doctor.txt")
        chosen, _ = QFileDialog.getSaveFileName(self.window, self.tr("Save report"), usual, self.tr("Text (*.txt)"))
        if chosen:
            self.doctor.save(Path(chosen))
