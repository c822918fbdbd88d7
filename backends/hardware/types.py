"""What a machine is and has, as numbers. Bytes, bytes per second; None where it is not known."""

from dataclasses import dataclass
from typing import Literal

from backends.core.phrase import Phrase

Vendor = Literal["nvidia", "amd", "intel", "apple", "other"]


@dataclass(frozen=True, slots=True)
class Cpu:
    name: str
    physical_cores: int
    logical_cores: int
    instruction_sets: tuple[str, ...]  # e.g. ("avx", "avx2", "fma", "f16c"), lower case, sorted
    architecture: str  # platform.machine(): x86_64, arm64, …
    performance_cores: int | None = None  # the fast ones, where a processor has fast and slow cores


@dataclass(frozen=True, slots=True)
class Memory:
    total: int
    available: int
    bandwidth: float | None = None  # bytes/s: the modules' peak (channels x width x rate), or measured


@dataclass(frozen=True, slots=True)
class Disk:
    """The volume a folder lies on."""

    folder: str
    total: int
    free: int
    file_system: str | None = None


@dataclass(frozen=True, slots=True)
class Gpu:
    name: str
    vendor: Vendor
    memory_total: int | None
    memory_free: int | None
    bandwidth: float | None = None  # bytes/s
    driver: str | None = None
    cuda_version: str | None = None  # the newest that the driver supports, "12.8"
    compute_capability: str | None = None  # "8.9"
    pci_id: str | None = None
    unified: bool = False  # shares the machine's memory (Apple, integrated)


@dataclass(frozen=True, slots=True)
class Machine:
    cpu: Cpu
    memory: Memory
    disk: Disk
    gpus: tuple[Gpu, ...]
    system: str  # "Linux", "Windows", "Darwin"
    notes: tuple[Phrase, ...] = ()  # what was looked for and not found, or did not answer


@dataclass(frozen=True, slots=True)
class Absent:
    """What was looked for and is not there: worth saying only if no graphics card was found at all."""

    sentence: Phrase


Finding = Gpu | Absent | Phrase
"""What a vendor's reader says: a card that can be used, something that is not there, or what is wrong."""
