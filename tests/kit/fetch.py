"""A download as tests speak of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled
from backends.core.network import Network, NetworkOptions
from backends.models.download import (
    DownloadEvent,
    DownloadFinished,
    DownloadOptions,
    DownloadWaiting,
    Patience,
    download,
    repair,
)
from backends.models.sources import Hub, choose, open_source
from tests.kit.hub import HubServer

REPO = "unsloth/Tiny-GGUF"
QUICK = Patience(attempts=4, begun=4, wait=0.01, longest=0.02, silence=20)
E = TypeVar("E")


class Fetch:
    """One model of a hub on its way into a folder; each call of `events` goes on with it. `others`: the endpoints that
    are tried after the hub."""

    def __init__(
        self,
        there: HubServer,
        models: Path,
        wanted: str = "",
        *,
        repo: str = REPO,
        token: str | None = None,
        patience: Patience = QUICK,
        others: Sequence[str] = (),
        options: DownloadOptions | None = None,
    ) -> None:
        self.network = Network(NetworkOptions())
        self.hub = Hub(self.network, there.endpoint, token)
        self.models = models
        self.repo = repo
        self.file = choose(self.hub.files(repo), wanted, repo)
        self.patience = patience
        self.options = options
        self.sources = [self.hub, *(open_source(self.network, endpoint) for endpoint in others)]

    def events(self, cancel: CancelToken | None = None) -> Iterator[DownloadEvent]:
        return download(
            self.network,
            self.sources,
            self.repo,
            self.file,
            self.models,
            cancel=cancel or CancelToken(),
            options=self.options,
            patience=self.patience,
        )

    def repair(self) -> list[DownloadEvent]:
        """Mend the model that was fetched."""
        return list(
            repair(
                self.network,
                self.sources,
                self.models,
                self.target,
                cancel=CancelToken(),
                options=self.options,
                patience=self.patience,
            )
        )

    def all(self) -> list[DownloadEvent]:
        return list(self.events())

    def until_cut(self) -> list[DownloadEvent]:
        """Fetch until the connection breaks, and pause then: what has arrived by that time is on the disk."""
        cancel = CancelToken()
        seen = []
        try:
            for event in self.events(cancel):
                seen.append(event)
                if isinstance(event, DownloadWaiting):
                    cancel.cancel()
        except Cancelled:
            return seen
        raise AssertionError("the connection did not break")

    @property
    def target(self) -> Path:
        return self.models / self.repo.replace("/", "--") / Path(self.file.file).name

    @property
    def names(self) -> list[str]:
        """What lies in the model's folder."""
        return sorted(path.name for path in self.target.parent.iterdir()) if self.target.parent.exists() else []


def only(events: list[DownloadEvent], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def finished(events: list[DownloadEvent]) -> DownloadFinished:
    (event,) = only(events, DownloadFinished)
    assert events[-1] is event
    return event
