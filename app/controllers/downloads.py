"""What happens to downloads: asked for, paused, moved, taken up again, given up.

The queue belongs to the services, survives restarts, and is told to others than this window, too; here it becomes the
`Download`s that pages draw. Whatever is asked for shows at once.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from app.bridge import Pump
from app.notices import Notice, NoticeBoard
from app.picture import Download, DownloadState
from backends.core.errors import BackendError, NotFound
from backends.core.phrase import NOTHING
from backends.core.setting_groups import NetworkSettings
from backends.core.stream import Runner
from backends.models.queue import Queued
from backends.services import Services

OTHER_SOURCES = ("https://hf-mirror.com", "https://modelscope.cn")  # hubs that can be tried when one fails
HERE = {"disk_failed", "disk_full", "file_system_limit", "folder_not_writable", "volume_gone", "download_running"}
_STATES: dict[str, DownloadState] = {"waiting": "queued", "retrying": "waiting", "finished": "verifying"}
ELSEWHERE = {
    "connection_lost", "forbidden", "hub_refused", "hub_unavailable", "link_expired", "no_network", "no_search",
    "not_a_hub", "redirect_refused", "repository_not_found", "timeout", "tls_failed",
}  # fmt: skip
"""Codes of errors that another hub may not have."""


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
        self._all: tuple[Download, ...] = ()
        self._arrived: set[str] = set()

    @property
    def all(self) -> tuple[Download, ...]:
        """In the order in which they come."""
        return self._all

    def take_up(self) -> None:
        """Go on with what an earlier run of the program left."""
        self._pump.follow(self._services.downloads.take_up(), lambda _: self.look())
        if (notice := self._services.downloads.notice).en:
            self._board.post(Notice(notice, tone="warning", key="downloads"))

    @Slot()
    def look(self) -> None:
        """The queue has changed."""
        queue = self._services.downloads.queue()
        self._arrived &= {item.ref for item in queue if item.state == "finished"}
        shown = tuple(self._told(item) for item in queue)
        if shown != self._all:
            self._all = shown
            self.changed.emit()
        for item in queue:
            if item.state == "finished" and item.ref not in self._arrived:
                self._arrived.add(item.ref)
                self.arrived.emit(item.ref, item.path)

    @Slot(str)
    def pull(self, ref: str) -> None:
        """Begin, or go on, when its turn comes."""
        self._ask(lambda: self._services.downloads.enqueue(ref))

    @Slot(str)
    def pause(self, ref: str) -> None:
        self._ask(lambda: self._services.downloads.pause(ref))

    @Slot(str, int)
    def move(self, ref: str, position: int) -> None:
        self._ask(lambda: self._services.downloads.move(ref, position))

    @Slot(str)
    def discard(self, ref: str) -> None:
        """Stop, and delete what has arrived. On the worker: files may be large."""
        self._pump.call(
            self._runner,
            self._services.downloads.discard,
            ref,
            then=lambda _: self.look(),
            on_error=self._on_not_discarded,
        )

    def forget(self, ref: str) -> None:
        """Show one that has arrived no more."""
        self._ask(lambda: self._services.downloads.forget(ref))

    def _ask(self, wish: Callable[[], object]) -> None:
        try:
            wish()
        except BackendError as error:
            self._board.post_error(error)
        self.look()

    def _on_not_discarded(self, error: BackendError) -> None:
        self._board.post_error(error)
        self.look()

    # ---- in the words of the window

    def _told(self, item: Queued) -> Download:
        state = _STATES.get(item.state, item.state)
        finished, failed = item.state == "finished", item.state == "failed"
        return Download(
            item.ref,
            "starting" if item.state == "running" and not item.total else state,  # type: ignore[arg-type]
            item.done,
            item.total,
            item.bytes_per_s,
            item.seconds_left,
            1.0 if finished else item.fraction,
            NOTHING if finished else item.reason,
            item.hint,
            item.next_try,
            source_may_help=failed and item.code not in HERE,
            other_sources=other_sources(item.code, self._services.settings.current.network) if failed else (),
            source=item.source,
            notice=item.notice,
            name=self._name(item),
        )

    def _name(self, item: Queued) -> str:
        """The model's name and quant, where the catalogue has it; else the repository and file."""
        known, _, quant = item.ref.partition(":")
        try:
            return f"{self._services.catalog.find(known).name}  {quant}".strip()
        except NotFound:
            file = item.file.rpartition("/")[2]
            return f"{item.repo}  {file}" if "://" in item.ref and file else item.ref


def other_sources(code: str, network: NetworkSettings) -> tuple[str, ...]:
    """Well-known hubs that the settings do not name yet, where they may help against an error."""
    if network.offline or code not in ELSEWHERE:
        return ()
    there = {address.partition("://")[2].rstrip("/") for address in network.sources}
    return tuple(address for address in OTHER_SOURCES if address.partition("://")[2] not in there)
