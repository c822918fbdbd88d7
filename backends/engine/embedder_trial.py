"""An embedder is tried in a child process before it comes into this one, as a chat model is (trial.py)."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backends.core.cancel import CancelToken
from backends.engine.embedder_loading import load_embedder
from backends.engine.embedding import EmbedderRequest
from backends.engine.protocol import LoadProgress
from backends.engine.reports import reports
from backends.engine.trial import ask_apart

_LOADED = 0.9  # of the progress; the rest is computing


def attempt_embedder(request: EmbedderRequest, *, cancel: CancelToken) -> Iterator[LoadProgress]:
    """Load so in a child process, compute a full batch and a longest text there, and free it all. The end of the
    events: it works. Raises as `trial.attempt` does."""
    asked = {"do": "try embedder", "request": {**asdict(request), "path": str(request.path.absolute())}}
    for answer in ask_apart(asked, request.path, cancel=cancel):
        yield LoadProgress(answer["progress"])


def tried(told: dict[str, Any]) -> Iterator[dict[str, float]]:
    """The child's side. Answers are {"progress": 0..1}."""
    split = tuple(told["request"]["gpu_split"])
    request = EmbedderRequest(**{**told["request"], "path": Path(told["request"]["path"]), "gpu_split": split})

    def work(tell: Callable[[dict[str, float]], None]) -> None:
        last = 0.0

        def progress(fraction: float) -> None:
            nonlocal last
            if fraction - last >= 0.01:
                last = fraction
                tell({"progress": _LOADED * fraction})

        loaded = load_embedder(request, progress, CancelToken())
        try:
            loaded.exercise()
        finally:
            loaded.close()
        tell({"progress": 1.0})

    return reports(work)
