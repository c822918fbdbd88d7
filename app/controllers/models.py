"""What happens on the pages about models: probing, advice, downloads, loading.

The controller keeps the picture that every page draws (`picture()`), and says when it has changed. Nothing here
waits: each wish becomes a Stream that the Pump follows.
"""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.bridge import Pump
from app.notices import Notice, NoticeBoard, NoticeButton, error_notice
from app.picture import Download, Loading, Picture
from backends.core.errors import BackendError
from backends.core.phrase import NOTHING, Phrase
from backends.core.stream import Stream
from backends.engine.protocol import LoadEvent, LoadFinished, LoadProgress
from backends.hardware.types import Machine
from backends.models.download import (
    DownloadEvent,
    DownloadFinished,
    DownloadNotice,
    DownloadProgress,
    DownloadVerifying,
    DownloadWaiting,
    PendingDownload,
)
from backends.models.types import LocalModel
from backends.services import Services


class ModelsController(QObject):
    """Follows the streams of Services and turns them into pictures."""

    picture_changed = Signal()
    model_loaded = Signal()
    first_model_arrived = Signal()

    def __init__(self, services: Services, pump: Pump, board: NoticeBoard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._pump = pump
        self._board = board
        self._picture = Picture(loaded=services.engine.model)
        self._pulls: dict[str, Stream[DownloadEvent]] = {}
        self._load: Stream[LoadEvent] | None = None
        self._load_when_here: set[str] = set()

    @property
    def picture(self) -> Picture:
        return self._picture

    def start(self) -> None:
        """Look at the machine, the disk, and what was left half done."""
        self.probe()
        self.rescan()
        self._take_up_paused()

    # ---- the machine

    @Slot()
    def probe(self) -> None:
        self._pump.follow(self._services.probe(), self._on_machine)

    def _on_machine(self, machines: list[Machine]) -> None:
        machine = machines[-1]
        self._draw(machine=machine, advice=self._services.advise(machine))

    # ---- what is on the disk

    @Slot()
    def rescan(self) -> None:
        self._pump.follow(self._services.rescan(), self._on_library)

    def _on_library(self, found: list[tuple[LocalModel, ...]]) -> None:
        first = self._picture.local == () and bool(found[-1])
        self._draw(local=found[-1])
        if first:
            self.first_model_arrived.emit()

    @Slot(str)
    def add_file(self, path: str) -> None:
        """ "I have a file": take it in, then load it."""
        self._pump.follow(self._services.add_file(Path(path)), self._on_file_added)

    def _on_file_added(self, models: list[LocalModel]) -> None:
        self.rescan()
        model = models[-1]
        if model.problem.en:
            self._board.post(Notice(model.problem, tone="danger", key=f"problem:{model.id}"))
        else:
            self.load(model)

    @Slot(object)
    def remove(self, model: LocalModel) -> None:
        self._pump.follow(self._services.remove_model(model), lambda _: None, self._on_removed)

    def _on_removed(self) -> None:
        self._draw(loaded=self._services.engine.model)
        self.rescan()

    # ---- downloads

    def _take_up_paused(self) -> None:
        known = {download.ref for download in self._picture.downloads}
        for pending in self._services.pending_downloads():
            ref = self._ref_of(pending)
            if ref not in known:
                self._set_download(Download(ref, "paused", pending.done, pending.total))

    def _ref_of(self, pending: PendingDownload) -> str:
        model = self._services.catalog.match(pending.repo, pending.file.file)
        return f"{model.id if model else pending.repo}:{pending.file.quant or pending.file.file}"

    @Slot(str)
    def pull(self, ref: str) -> None:
        """Begin, or go on with, a download; once it is here it is loaded if nothing else is."""
        if ref in self._pulls:
            return
        before = self._picture.download(ref) or Download(ref, "starting")
        self._set_download(replace(before, ref=ref, state="starting", message=NOTHING, hint=NOTHING))
        stream = self._services.pull(ref)
        self._pulls[ref] = stream
        self._pump.follow(
            stream,
            lambda events: self._on_download(ref, events),
            lambda: self._on_download_end(ref),
            lambda error: self._on_download_error(ref, error),
        )

    @Slot(str)
    def pause(self, ref: str) -> None:
        if stream := self._pulls.get(ref):
            stream.cancel()

    @Slot(str)
    def discard(self, ref: str) -> None:
        """Stop, and delete what has arrived."""
        if stream := self._pulls.get(ref):
            stream.cancel()
            stream.wait()
        for pending in self._services.pending_downloads():
            if self._ref_of(pending) == ref:
                self._services.discard(pending)
        self._drop_download(ref)

    def _on_download(self, ref: str, events: list[DownloadEvent]) -> None:
        state = self._picture.download(ref) or Download(ref, "starting")
        for event in events:
            match event:
                case DownloadProgress():
                    state = replace(
                        state,
                        state="running",
                        done=event.done,
                        total=event.total,
                        bytes_per_s=event.bytes_per_s,
                        seconds_left=event.seconds_left,
                        message=NOTHING,
                    )
                case DownloadWaiting(reason, seconds):
                    state = replace(state, state="waiting", message=reason, seconds_left=seconds)
                case DownloadVerifying(fraction):
                    state = replace(state, state="verifying", fraction=fraction, message=NOTHING)
                case DownloadNotice(message):
                    self._board.post(Notice(message, key=f"download:{ref}"))
                case DownloadFinished(path):
                    self._on_arrived(ref, path)
                    return
        self._set_download(state)

    def _on_arrived(self, ref: str, path: Path) -> None:
        self._drop_download(ref)
        self._pump.follow(self._services.rescan(), lambda found: self._on_arrived_in_library(found, path))

    def _on_arrived_in_library(self, found: list[tuple[LocalModel, ...]], path: Path) -> None:
        self._on_library(found)
        here = next((m for m in found[-1] if m.path == path), None)
        if here is not None and self._picture.loaded is None and self._load is None:
            self.load(here)

    def _on_download_end(self, ref: str) -> None:
        self._pulls.pop(ref, None)
        state = self._picture.download(ref)
        if state is not None and state.state not in ("failed",):
            self._set_download(replace(state, state="paused", bytes_per_s=0, seconds_left=None))

    def _on_download_error(self, ref: str, error: BackendError) -> None:
        state = self._picture.download(ref) or Download(ref, "failed")
        self._set_download(replace(state, state="failed", message=error.message, hint=error.hint))

    def _set_download(self, download: Download) -> None:
        others = tuple(d for d in self._picture.downloads if d.ref != download.ref)
        self._draw(downloads=(*others, download))

    def _drop_download(self, ref: str) -> None:
        self._draw(downloads=tuple(d for d in self._picture.downloads if d.ref != ref))

    # ---- the model that answers

    @Slot(object)
    def load(self, model: LocalModel, *, safe: bool = False) -> None:
        if self._load is not None:
            self._load.cancel()
        self._load = stream = self._services.load(model, safe=safe)
        self._draw(loading=Loading(model, 0.0), loaded=None)
        self._pump.follow(
            stream,
            lambda events: self._on_load(model, events),
            lambda: self._on_load_end(stream),
            lambda error: self._on_load_error(model, error),
        )

    @Slot()
    def cancel_load(self) -> None:
        if self._load is not None:
            self._load.cancel()

    def _on_load(self, model: LocalModel, events: list[LoadEvent]) -> None:
        for event in events:
            match event:
                case LoadProgress(fraction):
                    self._draw(loading=Loading(model, fraction))
                case LoadFinished(loaded):
                    self._draw(loaded=loaded)
                    for note in loaded.notes:
                        self._board.post(Notice(note, tone="warning", key="load"))
                    self.model_loaded.emit()

    def _on_load_end(self, stream: Stream[LoadEvent]) -> None:
        if stream is self._load:
            self._load = None
            self._draw(loading=None, loaded=self._services.engine.model)

    def _on_load_error(self, model: LocalModel, error: BackendError) -> None:
        again = NoticeButton(Phrase("Try again", "重试"), lambda: self.load(model))
        on_cpu = NoticeButton(Phrase("Try on the processor", "改用处理器"), lambda: self.load(model, safe=True))
        self._board.post(error_notice(error, again, on_cpu))

    @Slot()
    def unload(self) -> None:
        self._pump.follow(self._services.unload(), lambda _: None, self._on_model_changed)

    @Slot()
    def load_default(self) -> None:
        """Load what answered last time, if there is anything."""
        model = self._services.default_model()
        if model is not None and self._picture.loaded is None and self._load is None:
            self.load(model)

    # ---- changes made elsewhere in this process

    @Slot()
    def _on_model_changed(self) -> None:
        self._draw(loaded=self._services.engine.model)

    def on_changes(self, changes: list[str]) -> None:
        if "library" in changes:
            self.rescan()
        if "model" in changes:
            self._on_model_changed()
        if "settings" in changes and self._picture.machine is not None:
            self._draw(advice=self._services.advise(self._picture.machine))

    def _draw(self, **changes: object) -> None:
        self._picture = replace(self._picture, **changes)
        self.picture_changed.emit()
