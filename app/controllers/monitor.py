"""The monitor while somebody looks: a sample a second, the figures of the past, the statistics, the export; and what
the gauge shows while nobody does."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices

from app.bridge import Doorbell, Pump
from app.controllers.courses import CourseController
from app.monitor_lines import names
from app.monitor_picture import Last, MonitorPicture
from app.notices import Notice, NoticeBoard, NoticeButton, error_notice
from backends.core.errors import BackendError, Problem
from backends.core.phrase import Phrase
from backends.core.stream import Stream
from backends.monitor.types import Day, Sample
from backends.services.monitoring import Exported, MonitorServices

_RECENT = 600.0  # seconds of which the last figures of an answer are told
_SHOWN_DAYS = 400  # rows at most


class MonitorController(QObject):
    """`picture_changed`: for the page. `glanced(sample)`: what was sampled anyway, for the gauge; None when that has
    come to an end."""

    picture_changed = Signal()
    glanced = Signal(object)

    def __init__(
        self, monitoring: MonitorServices, pump: Pump, board: NoticeBoard, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._monitoring, self._pump, self._board = monitoring, pump, board
        self.picture = MonitorPicture()
        self.courses = CourseController(monitoring, pump, self)
        self._watched: Stream[Sample] | None = None
        self._exported: Stream[Exported] | None = None
        self._told = 0  # notices of the history
        self._problem: Problem | None = None
        self._bell = Doorbell(self._on_rung, self)
        self._glance = monitoring.glance()
        self._glance.on_wake(self._bell.ring)

    def close(self) -> None:
        self.set_shown(False)
        self._glance.on_wake(None)
        self._glance.cancel()
        self._bell.close()
        self.cancel_export()

    @Slot(bool)
    def set_shown(self, shown: bool) -> None:
        """Whether somebody looks on."""
        if shown == (self._watched is not None):
            return
        if shown:
            self._watched = self._monitoring.watch()
            self._watched.on_wake(self._bell.ring)
            if (latest := self._monitoring.latest) is not None:
                self._show(latest)
            self.courses.look()
            self._read_days()
        elif self._watched is not None:
            self._watched.on_wake(None)
            self._watched.cancel()
            self._watched = None
            self.courses.rest()
            self._draw(sample=None)  # what is seen next is of then

    def on_changes(self, changes: Sequence[str]) -> None:
        if "monitor" in changes:
            self._look_at_history()
        if "erased" in changes:
            self._forget()

    def show_model(self, name: str) -> None:
        """What people call the model that answers."""
        self._draw(model=name)

    # ---- samples

    def _on_rung(self) -> None:
        if glances := self._glance.drain():
            self.glanced.emit(glances[-1])
        if self._watched is not None and (samples := self._watched.drain()):
            answers = self.picture.engine
            self._show(samples[-1])
            if answers is not None and answers.running and not samples[-1].engine.running:
                self._read_days()

    def _show(self, sample: Sample) -> None:
        last = Last.of(self._monitoring.recent(_RECENT))
        before = self.picture.cards
        self._draw(sample=sample, last=last)
        if self.picture.cards != before or not self.courses.names:
            self.courses.names = names(self.picture.cards)
            self.courses.look()
        self.courses.show_sample(sample)

    def _read_days(self) -> None:
        def read(found: list[tuple[Day, ...]]) -> None:
            self._draw(days=found[-1][:_SHOWN_DAYS])
            self._look_at_history()

        self._pump.follow(self._monitoring.days(), read, on_error=self._on_not_read)

    def _on_not_read(self, error: BackendError) -> None:
        self._draw(days=())
        self._board.post(error_notice(error))

    # ---- the history

    def _look_at_history(self) -> None:
        """It may have been damaged, or find no room."""
        for notice in self._monitoring.notices[self._told :]:
            self._board.post(Notice(notice, tone="warning"))
        self._told = len(self._monitoring.notices)
        problem, before = self._monitoring.problem, self._problem
        self._problem = problem
        if problem is not None:
            self._board.post(Notice(problem.message, problem.hint, "warning", key="history"))
        elif before is not None:
            self._board.withdraw("history")

    @Slot()
    def erase(self) -> None:
        """All that was counted and recorded."""
        self._pump.follow(self._monitoring.erase(), lambda _: None, on_error=self._board.post_error)

    def _forget(self) -> None:
        """It was erased, here or by a command. What is shown is begun anew."""
        self._draw(last=Last(), days=())
        self.courses.forget()
        if self._watched is not None:
            self._read_days()  # after what was read before it was erased and is still on its way

    def export(self, path: Path, start: float, end: float) -> None:
        """All figures of this time."""
        self.cancel_export()
        stream = self._exported = self._monitoring.export(path, start, end)
        self._draw(exporting=0.0)

        def said(events: list[Exported]) -> None:
            self._draw(exporting=events[-1].fraction)
            if events[-1].path is not None:
                self._tell(events[-1].path)

        def ended() -> None:
            if self._exported is stream:
                self._exported = None
                self._draw(exporting=None)

        self._pump.follow(stream, said, ended, self._board.post_error)

    @Slot()
    def cancel_export(self) -> None:
        if self._exported is not None:
            self._exported.cancel()

    def _tell(self, path: Path) -> None:
        def show() -> None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))

        said = Phrase(f"Exported to {path.name}.", f"已导出到 {path.name}。")
        button = NoticeButton(Phrase("Show in folder", "在文件夹中显示"), show, stays=True)
        self._board.post(Notice(said, tone="success", buttons=(button,), key="exported"))

    def _draw(self, **changed: Any) -> None:
        picture = replace(self.picture, **changed)
        if picture != self.picture:
            self.picture = picture
            self.picture_changed.emit()
