"""What happens to downloads: begun, paused, taken up again, given up.

Each is one Stream that the Pump follows; what it says becomes the `Download` that pages draw. A download is paused
or given up in the window at once; its task ends when it can, and what was asked for meanwhile comes then.
"""

import time
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.bridge import Pump
from app.notices import Notice, NoticeBoard
from app.picture import Download
from backends.core.errors import BackendError, ResourceError, StorageError
from backends.core.phrase import NOTHING
from backends.core.stream import Runner, Stream
from backends.models.download import (
    DownloadEvent,
    DownloadFinished,
    DownloadNotice,
    DownloadProgress,
    DownloadVerifying,
    DownloadWaiting,
    PendingDownload,
)
from backends.services import Services


class Downloads(QObject):
    """`arrived(ref, path)`: it is on the disk and stays in `all` until `forget(ref)`."""

    changed = Signal()
    arrived = Signal(str, object)

    def __init__(
        self, services: Services, pump: Pump, runner: Runner, board: NoticeBoard, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._services = services
        self._pump = pump
        self._runner = runner
        self._board = board
        self._all: dict[str, Download] = {}
        self._running: dict[str, Stream[DownloadEvent]] = {}
        self._finished: dict[str, Path] = {}
        self._unwanted: set[str] = set()  # to be deleted when its task has ended
        self._again: set[str] = set()  # to go on when its task has ended

    @property
    def all(self) -> tuple[Download, ...]:
        return tuple(self._all.values())

    def take_up_paused(self) -> None:
        """Show what an earlier run of the program left half done."""
        self._pump.call(self._runner, self._services.downloads.pending, then=self._on_pending)

    def _on_pending(self, found: list[PendingDownload]) -> None:
        for pending in found:
            ref = self._ref_of(pending)
            if ref not in self._all:
                self._all[ref] = Download(ref, "paused", pending.done, pending.total)
        self.changed.emit()

    def _ref_of(self, pending: PendingDownload) -> str:
        model = self._services.catalog.match(pending.repo, pending.file.file)
        return f"{model.id if model else pending.repo}:{pending.file.quant or pending.file.file}"

    @Slot(str)
    def pull(self, ref: str) -> None:
        """Begin, or go on."""
        self._unwanted.discard(ref)
        before = self._all.get(ref) or Download(ref, "starting")
        self._show(Download(ref, "starting", before.done, before.total))
        if ref in self._running:
            if self._running[ref].cancelled:
                self._again.add(ref)
            return
        stream = self._running[ref] = self._services.downloads.pull(ref)
        self._pump.follow(
            stream,
            lambda events: self._on_events(ref, stream, events),
            lambda: self._on_end(ref),
            lambda error: self._on_error(ref, stream, error),
        )

    @Slot(str)
    def pause(self, ref: str) -> None:
        self._again.discard(ref)
        if stream := self._running.get(ref):
            stream.cancel()
            self._show_paused(ref)

    @Slot(str)
    def discard(self, ref: str) -> None:
        """Stop, and delete what has arrived."""
        self._again.discard(ref)
        self.forget(ref)
        if stream := self._running.get(ref):
            self._unwanted.add(ref)
            stream.cancel()
        else:
            self._pump.call(self._runner, self._delete, ref, on_error=self._on_not_deleted)

    def forget(self, ref: str) -> None:
        """Show it no more."""
        if self._all.pop(ref, None) is not None:
            self.changed.emit()

    def _delete(self, ref: str) -> None:
        for pending in self._services.downloads.pending():
            if self._ref_of(pending) == ref:
                self._services.downloads.discard(pending)

    def _on_not_deleted(self, error: BackendError) -> None:
        self._board.post_error(error)
        self.take_up_paused()

    def _on_events(self, ref: str, stream: Stream[DownloadEvent], events: list[DownloadEvent]) -> None:
        if stream.cancelled and not isinstance(events[-1], DownloadFinished):
            return  # paused or given up already, as far as the window is concerned
        state = self._all.get(ref) or Download(ref, "starting")
        for event in events:
            match event:
                case DownloadProgress(done, total, bytes_per_s, seconds_left):
                    state = Download(ref, "running", done, total, bytes_per_s, seconds_left)
                case DownloadWaiting(reason, seconds):
                    state = Download(
                        ref, "waiting", state.done, state.total, message=reason, next_try=time.monotonic() + seconds
                    )
                case DownloadVerifying(fraction):
                    state = Download(ref, "verifying", state.done, state.total, fraction=fraction)
                case DownloadNotice(message):
                    self._board.post(Notice(message, key=f"download:{ref}"))
                case DownloadFinished(path):
                    self._on_finished(ref, path)
                    return
        self._show(state)

    def _on_finished(self, ref: str, path: Path) -> None:
        """Its task goes on to tell the library, and ends."""
        self._finished[ref] = path
        self._unwanted.discard(ref)
        before = self._all.get(ref) or Download(ref, "verifying")
        self._show(replace(before, state="verifying", fraction=1.0, message=NOTHING))

    def _on_error(self, ref: str, stream: Stream[DownloadEvent], error: BackendError) -> None:
        if stream.cancelled:
            return
        before = self._all.get(ref) or Download(ref, "failed")
        here = isinstance(error, ResourceError | StorageError)
        self._show(
            Download(
                ref,
                "failed",
                before.done,
                before.total,
                message=error.message,
                hint=error.hint,
                source_may_help=not here,
            )
        )

    def _on_end(self, ref: str) -> None:
        self._running.pop(ref, None)
        if path := self._finished.pop(ref, None):
            self._again.discard(ref)
            self.arrived.emit(ref, path)
        elif ref in self._unwanted:
            self._unwanted.discard(ref)
            self._pump.call(self._runner, self._delete, ref, on_error=self._on_not_deleted)
        elif ref in self._again:
            self._again.discard(ref)
            self.pull(ref)
        elif ref in self._all and self._all[ref].state not in ("failed", "paused"):
            self._show_paused(ref)

    def _show_paused(self, ref: str) -> None:
        """Nothing is left to be continued of one that had not begun."""
        before = self._all.get(ref)
        if before is None or not before.total:
            self.forget(ref)
        else:
            self._show(Download(ref, "paused", before.done, before.total))

    def _show(self, download: Download) -> None:
        if self._all.get(download.ref) != download:
            self._all[download.ref] = download
            self.changed.emit()
