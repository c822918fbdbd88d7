"""What a machine is doing at a moment, as numbers. Every field may be None by itself: not told, or not known here.

Shares are 0..1, sizes bytes, rates bytes per second, power watts, temperatures degrees Celsius, clocks MHz.
"""

from dataclasses import dataclass
from typing import Literal

from backends.core.phrase import Phrase
from backends.hardware.types import Vendor

Throttle = Literal["heat", "power", "power_brake", "hardware", "other"]
"""Why a card runs slower than it could: too hot; at its power limit; an outside signal (power supply, rack); the
hardware's own protection; something else. A card that merely has nothing to do is not throttled."""

State = Literal["ok", "lost", "silent", "denied"]
"""`lost`: the driver says that the card is gone; `silent`: a call does not return; `denied`: this user may not look."""


@dataclass(frozen=True, slots=True)
class Program:
    """Another program that holds memory of a card."""

    name: str
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class GpuSample:
    """One card. `key` stays the same while the program runs and over restarts (its PCI address, else its number)."""

    key: str
    name: str
    vendor: Vendor
    state: State = "ok"
    use: float | None = None  # share of the time in which it computed
    memory_use: float | None = None  # share of the time in which its memory was read or written
    memory_total: int | None = None
    memory_used: int | None = None  # by everybody
    memory_own: int | None = None  # by this program and its children
    unified: bool = False  # shares the machine's memory
    power: float | None = None
    power_limit: float | None = None
    temperature: float | None = None
    temperature_limit: float | None = None  # from here on it slows down
    clock: float | None = None
    clock_limit: float | None = None
    memory_clock: float | None = None
    fan: float | None = None
    throttles: tuple[Throttle, ...] | None = None  # empty: none
    pcie_generation: int | None = None
    pcie_generation_limit: int | None = None
    pcie_lanes: int | None = None
    pcie_lanes_limit: int | None = None
    pcie_received: float | None = None
    pcie_sent: float | None = None
    programs: tuple[Program, ...] = ()  # others that hold its memory, the largest first, where the driver names them

    @property
    def memory_others(self) -> int | None:
        """What other programs and the desktop hold of it."""
        if self.memory_used is None or self.memory_own is None:
            return None
        return max(0, self.memory_used - self.memory_own)


@dataclass(frozen=True, slots=True)
class SystemSample:
    """The rest of the machine. Rates are of the time since the sample before; None in the first."""

    cpu: float | None = None  # share of all cores
    cores: tuple[float, ...] = ()  # of each logical core
    cpu_own: float | None = None  # cores that this program and its children kept busy, 1.0 is one whole core
    cpu_clock: float | None = None
    cpu_clock_limit: float | None = None
    cpu_temperature: float | None = None
    cpu_throttled: bool | None = None  # slowed down for heat or power since the sample before
    memory_total: int | None = None
    memory_available: int | None = None
    memory_own: int | None = None  # resident, of this program and its children
    swap_total: int | None = None
    swap_used: int | None = None
    swapped_in: float | None = None  # of the whole machine
    swapped_out: float | None = None
    disk_read: float | None = None  # by this program and its children, from the device
    disk_written: float | None = None
    page_ins: float | None = None  # pages a second that this program waited for the disk for (major faults)
    disk_free: int | None = None  # of the volume of the model folder
    disk_total: int | None = None
    on_battery: bool | None = None


@dataclass(frozen=True, slots=True)
class HardwareSample:
    """`notes`: what did not answer, in words for people; the same note as long as it is so."""

    system: SystemSample
    gpus: tuple[GpuSample, ...] = ()
    notes: tuple[Phrase, ...] = ()
