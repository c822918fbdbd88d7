"""The process in which graphics cards are asked: `python -m backends.hardware.gpu_child`, for `gpus` alone.

    open    root, vendors       {"asking": vendor}, then {"opened": vendor, "subjects": …} or {"broken": vendor}
    sample  pids, skip, late    {"asking": subject}, then {"card": subject, "sample": …}, {"lost": subject, …} or
                                {"broken": vendor}

What is asked next is said before it is asked, so that whoever waits knows what hangs. `skip` are subjects to leave
alone, `late` those to ask last.
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
        self._subjects: dict[str, str] = {}  # and whose they are

    def open(self, request: Answer) -> Iterator[Answer]:
        for vendor in request["vendors"]:
            yield {"asking": vendor}
            reader = _reader(vendor, Path(request["root"]))
            try:
                subjects = reader.open()
            except Broken as broken:
                yield {"broken": vendor, **_words(broken.said)}
                continue
            self._readers[vendor] = reader
            self._subjects.update((subject, vendor) for subject in subjects)
            yield {"opened": vendor, "subjects": subjects}

    def sample(self, request: Answer) -> Iterator[Answer]:
        subjects = [subject for subject in self._subjects if subject not in request["skip"]]
        for subject in sorted(subjects, key=lambda subject: subject in request["late"]):
            vendor = self._subjects[subject]
            if vendor not in self._readers:
                continue
            yield {"asking": subject}
            try:
                card = self._readers[vendor].sample(subject, request["pids"])
                yield {"card": subject, "sample": as_answer(card)}
            except Lost as lost:
                yield {"lost": subject, "sample": as_answer(lost.card)}
            except Broken as broken:
                del self._readers[vendor]
                yield {"broken": vendor, **_words(broken.said)}


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
