"""What the window knows about the model that answers, as data that controllers write and widgets show."""

from dataclasses import dataclass
from typing import Literal

from app.picture import Picture
from backends.core.errors import BackendError
from backends.models.types import LocalModel


def can_chat(model: LocalModel) -> bool:
    """Whether it is offered where a model is chosen: no embedder, no former version, nothing that is broken."""
    return model.kind == "chat" and model.current and not model.problem.en


@dataclass(frozen=True, slots=True)
class ModelState:
    """`stage`: starting (services are not open yet), empty (no model on disk), idle (none loaded), loading, ready,
    failed (`error` says why). `device` is where the loaded model really runs. `model` is the one loaded or loading,
    or the one that will be loaded for the next question.
    """

    stage: Literal["starting", "empty", "idle", "loading", "ready", "failed"] = "starting"
    model: LocalModel | None = None
    fraction: float | None = None
    device: str = ""
    context: int = 0
    error: BackendError | None = None
    available: tuple[LocalModel, ...] = ()

    @classmethod
    def of(cls, picture: Picture, default_model: str) -> "ModelState":
        """`default_model` is the id that the settings name."""
        local = tuple(model for model in picture.local or () if can_chat(model))
        if picture.loading is not None:
            return cls("loading", picture.loading.model, picture.loading.fraction, available=local)
        loaded = picture.loaded
        if loaded is not None:
            model = next((m for m in picture.local or () if m.path == loaded.path), None) or next(
                (m for m in local if m.id == loaded.alias), None
            )
            return cls("ready", model, device=" + ".join(loaded.devices), context=loaded.context, available=local)
        if picture.local is None:
            return cls("starting")
        if not local:
            return cls("empty")
        chosen = next((m for m in local if m.id == default_model), None) or max(local, key=lambda m: m.size)
        return cls("idle", chosen, available=local)
