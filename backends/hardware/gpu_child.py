"""The process in which graphics cards are asked: `python -m backends.hardware.gpu_child`, for `gpus` alone.

    open    root, vendors     for each vendor    {"opened": vendor, "subjects": …} or {"broken": vendor, …}
    sample  pids, subjects    for each subject   {"card": subject, "sample": …}, {"lost": …} or {"broken": …}

One answer each, in the order in which they were asked for: so whoever waits knows what hangs.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backends.core.child import serve
from backends.core.phrase import Phrase
from backends.hardware.cards import Broken, Lost, Reader
from backends.hardware.samples import GpuSample, Program
from backends.hardware.types import Vendor

MODULE = "backends.hardware.gpu_child"

Answer = dict[str, Any]


class _Desk:
    """The vendors' readers that were opened and their cards."""

    def __init__(self) -> None:
        self._readers: dict[str, Reader] = {}
        self._vendors: dict[str, str] = {}  # by subject

    def open(self, request: Answer) -> Iterator[Answer]:
        for vendor in request["vendors"]:
            reader = _reader(vendor, Path(request["root"]))
            try:
                subjects = reader.open()
            except Broken as broken:
                yield {"broken": vendor, **_words(broken.said)}
                continue
            self._readers[vendor] = reader
            self._vendors.update((subject, vendor) for subject in subjects)
            yield {"opened": vendor, "subjects": subjects}

    def sample(self, request: Answer) -> Iterator[Answer]:
        for subject in request["subjects"]:
            vendor = self._vendors[subject]
            try:
                card = self._readers[vendor].sample(subject, request["pids"])
            except Lost as lost:
                yield {"lost": subject, "sample": as_answer(lost.card)}
            except Broken as broken:
                yield {"broken": vendor, **_words(broken.said)}
            else:
                yield {"card": subject, "sample": as_answer(card)}


def _reader(vendor: Vendor, root: Path) -> Reader:
    """Only who is asked is imported."""
    if vendor == "nvidia":
        from backends.hardware.nvml import Nvml

        return Nvml(root)
    if vendor == "amd":
        from backends.hardware.amdgpu import Amdgpu

        return Amdgpu(root)
    if vendor == "intel":
        from backends.hardware.intel_gpu import IntelGpu

        return IntelGpu(root)
    from backends.hardware.apple_gpu import AppleGpu

    return AppleGpu()


def _words(said: Phrase | None) -> Answer:
    return {} if said is None else {"en": said.en, "zh": said.zh}


_DEFAULTS = {field.name: field.default for field in dataclasses.fields(GpuSample)}


def as_answer(card: GpuSample) -> Answer:
    """What is known of it, for JSON."""
    told = {name: value for name, default in _DEFAULTS.items() if (value := getattr(card, name)) != default}
    if card.programs:
        told["programs"] = [(program.name, program.memory) for program in card.programs]
    return told


def from_answer(told: Answer) -> GpuSample:
    throttles, programs = told.get("throttles"), told.get("programs", ())
    return GpuSample(
        **told
        | {
            "throttles": None if throttles is None else tuple(throttles),
            "programs": tuple(Program(name, memory) for name, memory in programs),
        }
    )


def main() -> None:
    desk = _Desk()
    serve({"open": desk.open, "sample": desk.sample})


if __name__ == "__main__":
    main()
