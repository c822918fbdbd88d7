"""Which card stands where on the pages about models, worked out from the picture alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.picture import Details, Download, Picture, Work
from backends.engine.protocol import LoadedModel
from backends.hardware.types import Machine
from backends.models.space import SPARE
from backends.models.types import Choice, Kind, LocalModel, Origin, Verdict

RUNS: tuple[Verdict, ...] = ("fits", "tight", "partial")
OURS: tuple[Origin, ...] = ("downloaded", "quantised")


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
    def kind(self) -> Kind:
        return self.local.kind if self.local else self.choice.model.kind if self.choice else "chat"

    @property
    def ref(self) -> str:
        """What `pull` takes."""
        return ref_of(self.choice) if self.choice else ""

    @property
    def key(self) -> str:
        """By which a card is known again."""
        return str(self.local.path) if self.local else self.choice.model.id if self.choice else ""


@dataclass(frozen=True, slots=True)
class Shelves:
    """`here` are files on this disk. `runs` and `large` are models of the catalogue that are neither here nor on their
    way. `documents`: embedders and rerankers, those that are here and those that suit. `coming`: in the order in
    which they come."""

    here: tuple[CardState, ...]
    coming: tuple[Download, ...]
    runs: tuple[CardState, ...]
    documents: tuple[CardState, ...]
    large: tuple[CardState, ...]


def arrange(picture: Picture) -> Shelves:
    choices = choices_of(picture)
    files = [_of_file(model, choices, picture) for model in picture.local or () if _has_card(model, picture)]
    files.sort(key=lambda state: state.loaded is None)
    cards = [_of_choice(choice, picture) for choice in choices if _is_offered(choice, picture)]
    beside = [_of_choice(choice, picture) for choice in picture.companions if _is_offered(choice, picture)]
    return Shelves(
        here=tuple(card for card in files if card.kind == "chat"),
        coming=picture.downloads,
        runs=tuple(card for card in cards if card.choice is not None and card.choice.verdict in RUNS),
        documents=(*(card for card in files if card.kind != "chat"), *beside),
        large=tuple(card for card in cards if card.choice is not None and card.choice.verdict not in RUNS),
    )


def choices_of(picture: Picture) -> Sequence[Choice]:
    """Best first."""
    advice = picture.advice
    if advice is None:
        return ()
    return (advice.pick, *advice.others) if advice.pick is not None else advice.others


def chosen(picture: Picture) -> Choice | None:
    """How the model that answers is run, as far as the catalogue knows it; else what is recommended."""
    loaded = picture.loaded
    for model in picture.local or ():
        if loaded is not None and model.path == loaded.path:
            return _choice_of(model, choices_of(picture)) or (picture.advice.pick if picture.advice else None)
    return picture.advice.pick if picture.advice else None


def ref_of(choice: Choice) -> str:
    return f"{choice.model.id}:{choice.file.quant}"


def is_recommended(choice: Choice, picture: Picture) -> bool:
    return picture.advice is not None and choice is picture.advice.pick


def disk_lacks(choice: Choice, machine: Machine | None) -> int:
    return 0 if machine is None else max(0, choice.file.size + SPARE - machine.disk.free)


def _has_card(model: LocalModel, picture: Picture) -> bool:
    """A former version is in the details of the one in use, if there is one."""
    if model.current or (picture.loaded is not None and picture.loaded.path == model.path):
        return True
    return not any(other.id == _without_version(model) and other.current for other in picture.local or ())


def _without_version(model: LocalModel) -> str:
    """The id that all versions of a model share."""
    return model.id.removesuffix(f"@{model.version}") if model.version else model.id


def _is_offered(choice: Choice, picture: Picture) -> bool:
    """Not what is on its way, nor what is here already, be it in another quant; the recommended one is, if it is here
    in another only."""
    if picture.on_disk(choice.model.id, choice.file.quant) or picture.download(choice.model.id, choice.file.quant):
        return False
    return is_recommended(choice, picture) or not picture.on_disk(choice.model.id)


def _of_choice(choice: Choice, picture: Picture) -> CardState:
    return CardState(
        choice=choice,
        recommended=is_recommended(choice, picture),
        disk_lacks=disk_lacks(choice, picture.machine) if choice.verdict in RUNS else 0,
    )


def _choice_of(model: LocalModel, choices: Sequence[Choice]) -> Choice | None:
    known = (c for c in choices if (c.model.id, c.file.quant) == (model.catalog_id, model.quant))
    return None if model.problem.en else next(known, None)


def _of_file(model: LocalModel, choices: Sequence[Choice], picture: Picture) -> CardState:
    choice = _choice_of(model, [*choices, *picture.companions])
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
    return copied or model.origin in OURS
