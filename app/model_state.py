"""What the window knows about the model that answers, as data that controllers write and widgets show."""

from dataclasses import dataclass
from typing import Literal

from backends.core.errors import BackendError
from backends.models.types import LocalModel


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
