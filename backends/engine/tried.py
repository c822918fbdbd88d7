"""The other side of trial.py: what is done in the child. Nothing here is careful; that is what the child is for."""

from collections.abc import Callable, Iterator
from typing import Any

from backends.core.cancel import CancelToken
from backends.engine import loading, native
from backends.engine.adapters import Adapters
from backends.engine.context import Context, ContextOptions
from backends.engine.reports import reports
from backends.engine.trial import read

_LOADED = 0.9  # of the progress; the rest is computing
_SLICE = 128  # tokens of a prompt at most
_ANSWER = 4  # tokens
_ADAPTED = 64  # tokens of context for adapters


def load(told: dict[str, Any]) -> Iterator[dict[str, float]]:
    """Load, compute part of a prompt and some tokens, free. Answers are {"progress": 0..1}."""
    request = read(told["request"])

    def work(tell: Callable[[dict[str, float]], None]) -> None:
        last = 0.0

        def progress(fraction: float) -> None:
            nonlocal last
            if fraction - last >= 0.01:
                last = fraction
                tell({"progress": _LOADED * fraction})

        loaded = loading.load(request, progress, CancelToken(), isolated=True)
        try:
            loaded.exercise(min(_SLICE, request.batch, loaded.model.context - _ANSWER), _ANSWER)
        finally:
            loaded.close()
        tell({"progress": 1.0})

    return reports(work)


def adapters(told: dict[str, Any]) -> Iterator[dict[str, float]]:
    """Load the adapters on the model as it lies mapped, and compute. Nothing is answered but the end."""
    request = read(told["request"])
    model = native.Model(request.path, gpu_layers=0, experts_on_cpu=0, progress=lambda _: True, mapped_only=True)
    context = Context(model, ContextOptions(_ADAPTED, "f16", loading.threads(), _ADAPTED))
    Adapters(request.path, model, context, isolated=True).use(request.adapters, CancelToken())
    context.close()
    model.close()
    yield from ()
