"""Adapters for one answer, `ask --lora FILE[:SCALE]`: the model wears them meanwhile, and nothing remembers them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isfinite

from backends.commands.arguments import Kind
from backends.commands.job import Job, typed_path
from backends.core.errors import BackendError, Unavailable
from backends.core.phrase import Phrase
from backends.engine.protocol import Adapter
from backends.models import gguf
from backends.models.adapters import LARGEST_SCALE, check_adapter, check_fits


def _read(text: str) -> tuple[str, float]:
    """`lora.gguf`, `lora.gguf:0.5`; what stands after the last colon is a strength only if it is a number."""
    name, _, last = text.rpartition(":")
    try:
        scale = float(last)
    except ValueError:
        name, scale = text, 1.0
    if not name or not isfinite(scale) or abs(scale) > LARGEST_SCALE:
        raise ValueError(text)
    return name, scale


LORA = Kind(
    _read,
    Phrase(
        f"the file of an adapter, with a strength of at most {LARGEST_SCALE:.0f} after a colon or none",
        f"适配器文件，可在冒号后给出强度（不超过 {LARGEST_SCALE:.0f}）",
    ),
)


def named(job: Job) -> list[Adapter]:
    """The adapters of this call: files, or ids of those in the library. Raises what `check_adapter` raises."""
    here = {adapter.id: adapter.path for adapter in job.services.library.adapters()} if job.arguments.lora else {}
    adapters = [Adapter(here.get(name) or typed_path(name, job), scale) for name, scale in job.arguments.lora]
    for adapter in adapters:
        check_adapter(adapter.path)
    return adapters


@contextmanager
def worn(adapters: Sequence[Adapter], job: Job) -> Iterator[None]:
    """Inside, the loaded model wears these beside its own. InvalidInput (`adapter_does_not_fit`)."""
    services, loaded = job.services, job.services.engine.model
    if not adapters or job.cancel.cancelled:
        yield
        return
    if loaded is None:
        raise Unavailable(Phrase("The model was unloaded meanwhile.", "模型已被卸载。"), code="answer_stopped")
    header = gguf.check(loaded.path)
    for adapter in adapters:
        check_fits(check_adapter(adapter.path), header)
    model = services.library.find(loaded.path)
    own = [Adapter(each.path, scale) for each, scale in services.shelf.adapters_of(model)]
    new = {adapter.path for adapter in adapters}
    try:
        for _ in job.follow(services.engine.set_adapters([*(one for one in own if one.path not in new), *adapters])):
            pass
        yield
    finally:
        _as_before(job)


def _as_before(job: Job) -> None:
    """What the library says of the model that is loaded now, also after an interrupt. If that cannot be, no model stays
    loaded: the next answer must not come from one that wears what nobody chose."""
    services, loaded = job.services, job.services.engine.model
    if loaded is None:
        return
    try:
        own = services.shelf.adapters_of(services.library.find(loaded.path))
        for _ in services.engine.set_adapters([Adapter(each.path, scale) for each, scale in own]):
            pass
    except BackendError:
        for _ in services.engine.unload():
            pass
