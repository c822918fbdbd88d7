"""Adapters for one answer, `ask --lora FILE[:SCALE]`: others that are computed beside it do not wear them."""

from collections.abc import Sequence
from math import isfinite

from backends.commands.arguments import Kind
from backends.commands.job import Job, typed_path
from backends.core.errors import Unavailable
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


def beside_its_own(adapters: Sequence[Adapter], job: Job) -> tuple[Adapter, ...] | None:
    """These, and what the loaded model wears anyway; None if there are none. InvalidInput (`adapter_does_not_fit`)."""
    loaded = job.services.engine.model
    if not adapters:
        return None
    if loaded is None:
        raise Unavailable(Phrase("The model was unloaded meanwhile.", "模型已被卸载。"), code="answer_stopped")
    header = gguf.check(loaded.path)
    for adapter in adapters:
        check_fits(check_adapter(adapter.path), header)
    new = {adapter.path for adapter in adapters}
    return (*(one for one in loaded.adapters if one.path not in new), *adapters)
