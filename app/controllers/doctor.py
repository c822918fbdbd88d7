"""What happens on the page of the doctor: looking, and the repairs, each by who knows how."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QGuiApplication

from app.bridge import Pump
from app.doctor_picture import DoctorPicture
from app.language import language
from app.notices import Notice, NoticeBoard
from backends.core.errors import BackendError
from backends.core.files import write_file
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream
from backends.doctor.report import Veil, report
from backends.doctor.types import Finding
from backends.doctor.words import arranged
from backends.documents.index import Progress
from backends.services import Services

COMMAND = "python3 installers/run.py setup"
_SETTINGS = {"settings_network": "network.endpoint", "settings_models": "models.folder", "settings_api": "api.port"}


class DoctorController(QObject):
    """`setting_wanted(key)`, `page_wanted(name)`: to be shown. `removal_wanted`, `download_wanted`: the path of a
    model's file."""

    picture_changed = Signal()
    page_wanted = Signal(str)
    setting_wanted = Signal(str)
    removal_wanted = Signal(str)
    download_wanted = Signal(str)
    quit_wanted = Signal()

    def __init__(self, services: Services, pump: Pump, board: NoticeBoard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services, self._pump, self._board = services, pump, board
        self._runner = Runner("doctor-page")
        self._looking: Stream[Finding] | None = None
        self._network = False  # nobody is asked before somebody has pressed a button that says so
        self.picture = DoctorPicture()

    def close(self) -> None:
        self.stop()
        self._runner.close()

    # ---- looking

    @Slot()
    def begin(self) -> None:
        """The page is looked at: what can be known without asking anybody outside."""
        if self.picture.stage == "new":
            self.examine()

    @Slot()
    def examine(self) -> None:
        if self._looking is not None:
            return
        self._draw(stage="looking", findings=())
        stream = self._services.doctor.examine(deep=self.picture.deep, network=self._network)
        self._looking = self._pump.follow(stream, self._on_findings, self._on_end, self._board.post_error)

    @Slot()
    def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()

    @Slot(bool)
    def set_deep(self, deep: bool) -> None:
        self._draw(deep=deep)

    def _on_findings(self, findings: list[Finding]) -> None:
        self._draw(findings=tuple(arranged([*self.picture.findings, *findings])))

    def _on_end(self) -> None:
        stopped = self._looking is not None and self._looking.cancelled
        self._looking = None
        self._draw(stage="stopped" if stopped else "done")

    # ---- repairs

    @Slot(object)
    def repair(self, finding: Finding) -> None:
        match finding.action:
            case "engine_for_gpu":
                QGuiApplication.clipboard().setText(COMMAND)
                copied = Phrase(f"Copied: {COMMAND}", f"已复制：{COMMAND}")
                where = Phrase(
                    "Run it in a terminal, in the folder of DeskSeek.", "请在终端中进入 DeskSeek 所在文件夹后运行。"
                )
                self._board.post(Notice(copied, where, "success", key="doctor"))
            case "free_disk" | "check_models":
                self.page_wanted.emit("models")
            case "remove_model":
                self.removal_wanted.emit(finding.target)
            case "download_again":
                self.download_wanted.emit(finding.target)
            case "rebuild_search":
                self._rebuild()
            case "restore_database":
                self.quit_wanted.emit()
            case "settings_network" | "settings_models" | "settings_api":
                self.setting_wanted.emit(finding.target or _SETTINGS[finding.action])
            case "go_online":
                self._go_online()
            case "ask_sources":
                self._network = True
                self.examine()

    def _rebuild(self) -> None:
        if self.picture.rebuilding is None:
            self._draw(rebuilding=0.0)
            self._pump.follow(
                self._services.documents.rebuild(), self._on_progress, self._on_rebuilt, self._board.post_error
            )

    def _on_progress(self, steps: Sequence[Progress]) -> None:
        self._draw(rebuilding=min(1.0, steps[-1].done / steps[-1].total) if steps[-1].total else 0.0)

    def _on_rebuilt(self) -> None:
        self._draw(rebuilding=None)
        self.examine()

    def _go_online(self) -> None:
        try:
            self._services.settings.set("network.offline", False)
        except BackendError as error:
            self._board.post_error(error)
            return
        self._network = True
        self.examine()

    # ---- the report

    @Slot()
    def copy(self) -> None:
        QGuiApplication.clipboard().setText(self.report())
        self._board.post(Notice(Phrase("The report is copied.", "报告已复制。"), tone="success", key="doctor"))

    def save(self, path: Path) -> None:
        content = self.report().encode()

        def saved(_: None) -> None:
            said = Phrase(f"The report is saved: {path.name}", f"报告已保存：{path.name}")
            self._board.post(Notice(said, tone="success", key="doctor"))

        self._pump.call(self._runner, write_file, path, content, then=saved, on_error=self._board.post_error)

    def report(self) -> str:
        """Without anything that is the user's own."""
        veil = Veil.of(self._services.paths, self._services.models_folder)
        return report(self.picture.findings, veil, language())

    def _draw(self, **changed: Any) -> None:
        picture = replace(self.picture, **changed)
        if picture != self.picture:
            self.picture = picture
            self.picture_changed.emit()
