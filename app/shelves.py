"""Which card stands where on the pages about models, worked out from the picture alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.picture import Details, Download, Picture, Work
from backends.engine.protocol import LoadedModel
from backends.hardware.types import Machine
from backends.models.space import SPARE
from backends.models.types import Choice, LocalModel, Verdict

RUNS: tuple[Verdict, ...] = ("fits", "tight", "partial")


@dataclass(frozen=True, slots=True)
class CardState:
    """What a card shows. A model of the catalogue has a `choice`; a file on the disk is `local`, and has a `choice`
    too if the catalogue knows it in this quant. `loading`: the fraction; None if it is not being loaded.

    `removal`: what can be done about the file. One that is not ours is only taken off the list.
    `disk_lacks`: bytes that must become free before it can be downloaded.
    """

    choice: Choice | None = None
    local: LocalModel | None = None
    recommended: bool = False
    download: Download | None = None
    loading: float | None = None
    trying: bool = False  # the load happens in a process of its own first
    loaded: LoadedModel | None = None
    removal: Literal["delete", "forget"] = "forget"
    has_gpu: bool = False
    disk_lacks: int = 0
    details: Details | None = None  # the card is open
    work: Work | None = None

    @property
    def name(self) -> str:
        return self.local.name if self.local else self.choice.model.name if self.choice else ""

    @property
    def ref(self) -> str:
        """What `pull` takes."""
        return f"{self.choice.model.id}:{self.choice.file.quant}" if self.choice else ""

    @property
    def key(self) -> str:
        """By which a card is known again."""
        return str(self.local.path) if self.local else self.choice.model.id if self.choice else ""


@dataclass(frozen=True, slots=True)
class Shelves:
    """`here` are files on this disk. `runs` and `large` are models of the catalogue that are not; a download of one
    shows on its card. `coming` are the downloads that have no card."""

    here: tuple[CardState, ...]
    coming: tuple[Download, ...]
    runs: tuple[CardState, ...]
    large: tuple[CardState, ...]


def arrange(picture: Picture) -> Shelves:
    choices = choices_of(picture)
    here = [_of_file(model, choices, picture) for model in picture.local or ()]
    here.sort(key=lambda state: state.loaded is None)
    cards = [_of_choice(choice, picture) for choice in choices if _is_offered(choice, picture)]
    on_cards = {card.download.ref for card in cards if card.download is not None}
    return Shelves(
        here=tuple(here),
        coming=tuple(download for download in picture.downloads if download.ref not in on_cards),
        runs=tuple(card for card in cards if card.choice is not None and card.choice.verdict in RUNS),
        large=tuple(card for card in cards if card.choice is not None and card.choice.verdict not in RUNS),
    )


def choices_of(picture: Picture) -> Sequence[Choice]:
    """Best first."""
    advice = picture.advice
    if advice is None:
        return ()
    return (advice.pick, *advice.others) if advice.pick is not None else advice.others


def is_recommended(choice: Choice, picture: Picture) -> bool:
    return picture.advice is not None and choice is picture.advice.pick


def disk_lacks(choice: Choice, machine: Machine | None) -> int:
    return 0 if machine is None else max(0, choice.file.size + SPARE - machine.disk.free)


def _is_offered(choice: Choice, picture: Picture) -> bool:
    """Not what is here already, be it in another quant; the recommended one is, if it is here in another only."""
    if picture.on_disk(choice.model.id, choice.file.quant):
        return False
    return is_recommended(choice, picture) or not picture.on_disk(choice.model.id)


def _of_choice(choice: Choice, picture: Picture) -> CardState:
    download = picture.download(choice.model.id, choice.file.quant)
    return CardState(
        choice=choice,
        recommended=is_recommended(choice, picture),
        download=download,
        disk_lacks=disk_lacks(choice, picture.machine) if download is None and choice.verdict in RUNS else 0,
    )


def _of_file(model: LocalModel, choices: Sequence[Choice], picture: Picture) -> CardState:
    known = (c for c in choices if (c.model.id, c.file.quant) == (model.catalog_id, model.quant))
    choice = None if model.problem.en else next(known, None)
    loading, loaded = picture.loading, picture.loaded
    return CardState(
        choice=choice,
        local=model,
        recommended=choice is not None and is_recommended(choice, picture),
        loading=loading.fraction if loading is not None and loading.model.path == model.path else None,
        trying=loading is not None and loading.trying and loading.model.path == model.path,
        loaded=loaded if loaded is not None and loaded.path == model.path else None,
        removal="delete" if _is_ours(model, picture.folder) else "forget",
        has_gpu=picture.machine is not None and bool(picture.machine.gpus),
        details=next((details for details in picture.details if details.path == model.path), None),
        work=next((work for work in picture.works if work.key == str(model.path)), None),
    )


def _is_ours(model: LocalModel, folder: Path | None) -> bool:
    """Downloaded, made or copied by DeskSeek."""
    copied = folder is not None and model.path.is_relative_to(folder / "imported")
    return copied or model.origin in ("downloaded", "quantised")
