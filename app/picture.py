"""What the pages about models draw: the machine, the advice, the disk, downloads, the model that answers."""

from dataclasses import dataclass
from typing import Literal

from backends.core.phrase import NOTHING, Phrase
from backends.engine.protocol import LoadedModel
from backends.hardware.types import Machine
from backends.models.types import Advice, LocalModel

DownloadState = Literal["starting", "running", "waiting", "verifying", "paused", "failed"]


@dataclass(frozen=True, slots=True)
class Download:
    """One model on its way. `ref` is what `pull` takes; `fraction` is of the verifying while that runs."""

    ref: str
    state: DownloadState
    done: int = 0
    total: int = 0
    bytes_per_s: float = 0
    seconds_left: float | None = None
    fraction: float = 0
    message: Phrase = NOTHING
    hint: Phrase = NOTHING


@dataclass(frozen=True, slots=True)
class Loading:
    model: LocalModel
    fraction: float


@dataclass(frozen=True, slots=True)
class Picture:
    """All that the pages about models show. None: not known yet."""

    machine: Machine | None = None
    advice: Advice | None = None
    local: tuple[LocalModel, ...] | None = None
    downloads: tuple[Download, ...] = ()
    loading: Loading | None = None
    loaded: LoadedModel | None = None

    def download(self, ref: str) -> Download | None:
        """The download of this model, whatever quant it was asked for."""
        return next((d for d in self.downloads if d.ref == ref or d.ref.startswith(f"{ref}:")), None)

    def on_disk(self, catalog_id: str, quant: str = "") -> LocalModel | None:
        found = [m for m in self.local or () if m.catalog_id == catalog_id and not m.problem.en]
        return next((m for m in found if m.quant == quant), found[0] if found else None)
