"""Which builds of llama-cpp-python suit this machine, best first.

`wheels.json` holds the wheel indexes that the project publishes: for each its kind, the systems it has wheels for,
and for CUDA the toolkit it was built with, the lowest and highest compute capability it runs on, and the shared
libraries that it expects to find. A wheel built with CUDA X.Y is offered to drivers that run X.Y or newer.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from backends.core.phrase import Phrase
from installers.accelerators import Accelerators
from installers.project import BUILD_VARIABLE

Kind = Literal["cuda", "rocm", "metal", "vulkan", "cpu"]
KINDS: tuple[Kind, ...] = ("cuda", "rocm", "metal", "vulkan", "cpu")
BUILDS = ("auto", *KINDS, "source")
BACKENDS: dict[Kind, str] = {"cuda": "CUDA", "rocm": "ROCm", "metal": "MTL", "vulkan": "Vulkan", "cpu": "CPU"}
"""What ggml calls the backend of each kind."""

_CMAKE: dict[Kind, str] = {
    "cuda": "-DGGML_CUDA=on",
    "rocm": "-DGGML_HIP=on",
    "vulkan": "-DGGML_VULKAN=on",
    "metal": "",
    "cpu": "",
}


@dataclass(frozen=True, slots=True)
class Index:
    name: str
    kind: Kind
    systems: tuple[str, ...]
    cuda: tuple[int, int] = (0, 0)
    lowest: tuple[int, int] = (0, 0)
    highest: tuple[int, int] = (99, 0)
    libraries: tuple[tuple[str, tuple[str, ...]], ...] = ()
    packages: tuple[str, ...] = ()

    def expected(self, system: str) -> tuple[str, ...]:
        """The shared libraries that its wheels for `system` take from elsewhere."""
        return dict(self.libraries).get(system.partition("-")[0], ())


@dataclass(frozen=True, slots=True)
class Indexes:
    base: str
    indexes: tuple[Index, ...]

    @classmethod
    def load(cls, path: Path, base: str = "") -> "Indexes":
        """`base` takes the place of the published address: a mirror of it."""
        table = json.loads(path.read_text(encoding="utf-8"))
        indexes = tuple(
            Index(
                name=row["name"],
                kind=row["kind"],
                systems=tuple(row["systems"]),
                cuda=tuple(row.get("cuda", (0, 0))),
                lowest=tuple(row.get("lowest", (0, 0))),
                highest=tuple(row.get("highest", (99, 0))),
                libraries=tuple((system, tuple(names)) for system, names in row.get("libraries", {}).items()),
                packages=tuple(row.get("packages", ())),
            )
            for row in table["indexes"]
        )
        return cls((base or table["base"]).rstrip("/"), indexes)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to get the engine: a wheel from `index`, or a build from source when there is none."""

    kind: Kind
    index: Index | None
    why: Phrase

    @property
    def name(self) -> str:
        return self.index.name if self.index else f"source ({self.kind})"

    @property
    def cmake_arguments(self) -> str:
        return "" if self.index else _CMAKE[self.kind]


def candidates(indexes: Indexes, machine: Accelerators, build: str) -> tuple[Candidate, ...]:
    """Wheels for the machine's GPU, then a build for it where its toolkit is here, then the same for the CPU.

    `build`, one of BUILDS, narrows it to one kind, or to builds from source.
    """
    return tuple(candidate for candidate in _all(indexes, machine, build) if _wanted(candidate, build))


def _wanted(candidate: Candidate, build: str) -> bool:
    if build == "source":
        return candidate.index is None
    return build in ("auto", candidate.kind)


def _all(indexes: Indexes, machine: Accelerators, build: str) -> Iterator[Candidate]:
    gpu_kinds: list[Kind] = [kind for kind in KINDS if kind != "cpu" and (build == kind or _reason(kind, machine))]
    chosen = Phrase(f"{BUILD_VARIABLE} asks for it", f"由 {BUILD_VARIABLE} 指定")
    for kind in gpu_kinds:
        for index in indexes.indexes:
            if index.kind == kind and _runs(index, machine):
                yield Candidate(kind, index, _reason(kind, machine) or chosen)
    for kind in gpu_kinds:
        if build == kind or kind in machine.toolkits or kind == "metal":
            yield Candidate(kind, None, _reason(kind, machine) or chosen)
    plain = (
        Phrase("it runs everywhere", "适用于所有电脑")
        if not gpu_kinds
        else Phrase("the GPU builds do not run here", "GPU 版本无法在此运行")
    )
    for index in indexes.indexes:
        if index.kind == "cpu" and _runs(index, machine):
            yield Candidate("cpu", index, plain)
    yield Candidate("cpu", None, plain)


def _runs(index: Index, machine: Accelerators) -> bool:
    if machine.system not in index.systems:
        return False
    if index.kind != "cuda" or machine.cuda is None:
        return True
    runs = any(index.lowest <= capability <= index.highest for capability in machine.compute)
    return runs and index.cuda <= machine.cuda


def _reason(kind: Kind, machine: Accelerators) -> Phrase | None:
    """Why this machine should have a build of `kind`; None when it should not."""
    match kind:
        case "cuda" if machine.cuda:
            version = f"{machine.cuda[0]}.{machine.cuda[1]}"
            return Phrase(f"the NVIDIA driver runs CUDA {version}", f"NVIDIA 驱动支持 CUDA {version}")
        case "rocm" if machine.rocm:
            return Phrase("an AMD GPU with ROCm is here", "检测到支持 ROCm 的 AMD 显卡")
        case "metal" if machine.metal:
            return Phrase("this is a Mac with Apple silicon", "这是 Apple 芯片的 Mac")
        case "vulkan" if machine.vulkan:
            return Phrase("the GPU has a Vulkan driver", "显卡有 Vulkan 驱动")
    return None
