"""Models on their way: hubs, tokens, downloads that run, wait and may be continued."""

from collections.abc import Iterator

from backends.core.cancel import CancelToken
from backends.core.stream import Runner, Stream
from backends.models import download, sources
from backends.models.download import DownloadEvent, DownloadNotice, PendingDownload
from backends.services.foundation import Foundation
from backends.services.hubs import TOKEN
from backends.services.machine import MachineServices


class DownloadServices:
    """Its threads: `download`, four."""

    def __init__(self, foundation: Foundation, machine: MachineServices) -> None:
        self._base = foundation
        self._machine = machine
        self._runner = Runner("download", threads=4)

    def close(self) -> None:
        self._runner.close()

    def pull(self, ref: str, endpoint: str | None = None) -> Stream[DownloadEvent]:
        """Download `CATALOGUE-ID[:QUANT]` or `REPO[:QUANT]`; goes on where an earlier try stopped. Cancel is pause."""
        return self._runner.start(self._pull, ref, endpoint)

    def _pull(self, ref: str, endpoint: str | None, *, cancel: CancelToken) -> Iterator[DownloadEvent]:
        hub = self.hub(endpoint)
        asked = sources.parse_ref(ref)
        if not asked.is_repo and not asked.wanted:
            model = self._base.catalog.find(asked.name)
            ref = f"{model.id}:{self._machine.quant_for(model, cancel)}"
        repo, file = sources.locate(hub, self._base.catalog, ref, cancel=cancel)
        if hub.notice.en:
            yield DownloadNotice(hub.notice)
        yield from download.download(self._base.network, hub, repo, file, self._base.models_folder, cancel=cancel)
        self._base.library.rescan()
        self._base.changed("library")

    def hub(self, endpoint: str | None = None) -> sources.Hub:
        """The hub of the settings, or another one; each host has its own token."""
        endpoint = endpoint or self._base.settings.current.network.endpoint
        hub = sources.Hub(self._base.network, endpoint)
        token = self._base.secrets.get(TOKEN + hub.host)
        return sources.Hub(self._base.network, endpoint, token) if token else hub

    def pending(self) -> list[PendingDownload]:
        """Downloads that were paused or cut off."""
        return download.pending(self._base.models_folder)

    def discard(self, pending: PendingDownload) -> None:
        """Give up a paused download and delete what has arrived of it."""
        download.discard(self._base.models_folder, pending.path)
