"""What the pages about models draw: the machine, the advice, the disk, downloads, the model that answers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from backends.core.phrase import NOTHING, Phrase
from backends.core.setting_groups import NetworkSettings
from backends.engine.protocol import LoadedModel
from backends.hardware.types import Machine
from backends.models.experience import Measured
from backends.models.types import (
    Advice,
    Choice,
    Deleted,
    HubModel,
    LocalAdapter,
    LocalModel,
    ModelFile,
    Plan,
    Use,
)

DownloadState = Literal["starting", "running", "queued", "waiting", "verifying", "paused", "failed"]


@dataclass(frozen=True, slots=True)
class Download:
    """One model on its way. `ref` is what `pull` takes; `fraction` is of the verifying while that runs.

    `queued`: its turn has not come. `waiting`: something failed that may pass; it goes on at `next_try`, on the clock
    of `time.monotonic`. `source_may_help`: why it failed lies with the hub, the way to it, or the access token, and
    not with this computer; `other_sources` are addresses that may be tried then. `source`: the host that the bytes
    come from, where it is not the first one; `notice`: why, or whatever else is to be known. `name`: for people.
    """

    ref: str
    state: DownloadState
    done: int = 0
    total: int = 0
    bytes_per_s: float = 0
    seconds_left: float | None = None
    fraction: float = 0
    message: Phrase = NOTHING
    hint: Phrase = NOTHING
    next_try: float = 0
    source_may_help: bool = False
    other_sources: tuple[str, ...] = ()
    source: str = ""
    notice: Phrase = NOTHING
    name: str = ""

    @property
    def title(self) -> str:
        return self.name or self.ref


@dataclass(frozen=True, slots=True)
class Loading:
    """`trying`: it is loaded in a process of its own first."""

    model: LocalModel
    fraction: float
    trying: bool = False


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The token for the hub at `host`. `is_set` None: nobody has looked yet. `notice`: what there is to know about
    where it is kept. Its text is never here."""

    host: str = ""
    is_set: bool | None = None
    notice: Phrase = NOTHING


@dataclass(frozen=True, slots=True)
class Offer:
    """A file of a repository. `ref`: what `pull` takes. `choice`: how it would run here; None while that is being
    looked into, or if it cannot be known (`judged`)."""

    file: ModelFile
    ref: str
    choice: Choice | None = None
    judged: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a repository, as a hub lists them. `wanted`: the one a pasted link named."""

    repo: str
    endpoint: str = ""
    source: str = ""  # the host that answered; `missed`: why those before it did not
    state: Literal["reading", "listed", "failed"] = "reading"
    offers: tuple[Offer, ...] = ()
    wanted: str = ""
    message: Phrase = NOTHING
    hint: Phrase = NOTHING
    source_may_help: bool = False
    missed: tuple[Phrase, ...] = ()


@dataclass(frozen=True, slots=True)
class Direct:
    """A GGUF on a host that is no hub: it can be planned, and not be downloaded, `message` says why. `trouble`: why it
    cannot be planned either."""

    address: str
    name: str
    message: Phrase
    hint: Phrase
    plan: Plan | None = None
    trouble: Phrase = NOTHING


@dataclass(frozen=True, slots=True)
class Search:
    """What was looked for on the hubs. `listings`: of the repositories that were opened. `missed`: why hubs that were
    asked before `source` did not answer. `other_sources`: addresses that may be tried after a failure."""

    text: str = ""
    state: Literal["off", "searching", "found", "failed"] = "off"
    source: str = ""
    found: tuple[HubModel, ...] = ()
    listings: tuple[Listing, ...] = ()
    message: Phrase = NOTHING
    hint: Phrase = NOTHING
    missed: tuple[Phrase, ...] = ()
    direct: Direct | None = None
    other_sources: tuple[str, ...] = ()

    def listing(self, repo: str) -> Listing | None:
        return next((listing for listing in self.listings if listing.repo == repo), None)


@dataclass(frozen=True, slots=True)
class Smaller:
    """A smaller quant that could be made of a file. `size`, `needed` and `free` (of the disk) in bytes; None while
    that is being worked out. `message`: why it cannot be made."""

    quant: str
    size: int | None = None
    memory: int | None = None
    needed: int = 0
    free: int = 0
    loss: Phrase = NOTHING
    message: Phrase = NOTHING


@dataclass(frozen=True, slots=True)
class Work:
    """Something slow that is done with a file on this disk. `key` as a card's; `seconds_left` None: not known yet."""

    kind: Literal["verify", "repair", "quantise", "copy"]
    key: str
    name: str
    fraction: float = 0.0
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """What an open card shows of a file on this disk. `plan`: how it would be loaded now. `measured`: what loads and
    answers took here, the newest first. `adapters` with their scale, 0: off. `quants`: what can be made of
    it. `checked`: what the last verifying found."""

    path: Path
    plan: Plan | None = None
    measured: tuple[Measured, ...] = ()
    versions: tuple[LocalModel, ...] = ()
    adapters: tuple[tuple[LocalAdapter, float], ...] = ()
    quants: tuple[str, ...] = ()
    smaller: Smaller | None = None
    checked: Phrase = NOTHING
    trouble: Phrase = NOTHING


@dataclass(frozen=True, slots=True)
class Picture:
    """All that the pages about models show. None: not known yet; `trouble` says why it will not be.

    `folder` is where downloaded models lie.
    """

    machine: Machine | None = None
    advice: Advice | None = None
    companions: tuple[Choice, ...] = ()  # what documents want beside the chat model: embedder, reranker
    trouble: Phrase = NOTHING
    local: tuple[LocalModel, ...] | None = None
    downloads: tuple[Download, ...] = ()
    loading: Loading | None = None
    loaded: LoadedModel | None = None
    folder: Path | None = None
    network: NetworkSettings | None = None
    token: AccessToken = AccessToken()
    search: Search = Search()
    use: Use = "chat"
    details: tuple[Details, ...] = ()  # of the cards that are open
    works: tuple[Work, ...] = ()
    deleted: tuple[Deleted, ...] = ()  # can be put back

    def download(self, catalog_id: str, quant: str) -> Download | None:
        """The download of this model: in this quant, else in whatever quant it was asked for."""
        exact = f"{catalog_id}:{quant}"
        found = [d for d in self.downloads if d.ref == catalog_id or d.ref.startswith(f"{catalog_id}:")]
        return next((d for d in found if d.ref == exact), found[0] if found else None)

    def on_disk(self, catalog_id: str, quant: str = "") -> LocalModel | None:
        """This model on the disk, fit to be loaded: in this quant, or, without one, in any."""
        found = [m for m in self.local or () if m.catalog_id == catalog_id and not m.problem.en]
        return next((m for m in found if not quant or m.quant == quant), None)
