"""The files in which a Linux kernel driver tells about one graphics card, read every second.

Source: kernel documentation, ABI/testing/sysfs-bus-pci (link speed and width), hwmon/sysfs-interface.rst (millidegrees,
microwatts, microjoules, hertz; pwm of 255), driver-api/pm (runtime_status).
"""

import errno
import time
from pathlib import Path
from typing import Any

from backends.hardware import names, sysfs
from backends.hardware.cards import Lost
from backends.hardware.samples import GpuSample
from backends.hardware.types import Vendor

_GENERATIONS = {"2.5": 1, "5.0": 2, "5": 2, "8.0": 3, "8": 3, "16.0": 4, "16": 4, "32.0": 5, "32": 5, "64.0": 6}
_BRIDGE = 0x0604


class CardFiles:
    """Of the card at an address of the bus. What is missing or cannot be read is None, each by itself."""

    def __init__(self, card: sysfs.Display, vendor: Vendor, number: int, root: Path) -> None:
        self.card, self.folder, self.address = card, card.folder, card.address
        self.vendor: Vendor = vendor
        self._read, self._denied = 0, 0
        self.model = names.look_up(number, card.device, card.revision, root)
        self.name = self.text("product_name") or self.model.name
        self._sensors: Path | None = None
        self._link = _outer_end(card.folder)
        self._energy: tuple[float, int] | None = None

    def begin(self) -> None:
        """A new reading: raises Lost if the card is gone, finds its sensors again."""
        self._read, self._denied = 0, 0
        if not self.folder.exists():
            raise Lost(GpuSample(self.address, self.name, self.vendor, "lost"))
        if self._sensors is None or not self._sensors.exists():
            self._sensors = next(iter(sysfs.matching(self.folder / "hwmon", "hwmon*")), None)

    @property
    def denied(self) -> bool:
        """All that was there was closed to this user."""
        return self._denied > 0 and self._read == 0

    @property
    def asleep(self) -> bool:
        """The kernel has taken its power away; to ask it more would wake it."""
        return sysfs.word(self.folder / "power/runtime_status") == "suspended"

    def content(self, name: str) -> bytes | None:
        try:
            found = sysfs.content(self.folder / name)
        except OSError as error:
            self._denied += error.errno == errno.EACCES
            return None
        self._read += 1
        return found

    def text(self, name: str) -> str | None:
        found = self.content(name)
        return None if found is None else found.decode("utf-8", "replace").strip() or None

    def number(self, name: str) -> int | None:
        try:
            return int(self.content(name) or b"", 0)
        except ValueError:
            return None

    def sensor(self, name: str, unit: float) -> float | None:
        """A value of the card's own sensors, in units of which it counts so many: 1e3 for millidegrees."""
        value = None if self._sensors is None else self.number(f"hwmon/{self._sensors.name}/{name}")
        return None if value is None else value / unit

    def labelled(self, kind: str, *labels: str) -> str | None:
        """Which sensor of a kind bears the first of these labels: ("temp", "edge") is "temp1"."""
        if self._sensors is None:
            return None
        found = {
            sysfs.word(path): path.name.removesuffix("_label")
            for path in sysfs.matching(self._sensors, f"{kind}*_label")
        }
        return next((found[label] for label in labels if label in found), None)

    def share(self, name: str) -> float | None:
        """A file in per cent."""
        value = self.number(name)
        return None if value is None else min(1.0, max(0.0, value / 100))

    def fan(self) -> float | None:
        """Share of its full speed."""
        strength = self.sensor("pwm1", 255)
        if strength is not None:
            return min(1.0, strength)
        turns, most = self.sensor("fan1_input", 1), self.sensor("fan1_max", 1)
        return min(1.0, turns / most) if turns is not None and most else None

    def spent(self, name: str) -> float | None:
        """Watts since the reading before, from a counter of energy."""
        joules = self.sensor(name, 1)
        if joules is None:
            return None
        before, self._energy = self._energy, (time.monotonic(), int(joules))
        if before is None or self._energy[0] <= before[0] or self._energy[1] < before[1]:
            return None
        return (self._energy[1] - before[1]) / 1e6 / (self._energy[0] - before[0])

    def link(self) -> dict[str, Any]:
        """How it is plugged in, as fields of a sample."""
        speeds = [sysfs.word(self._link / f"{which}_link_speed").split(" ")[0] for which in ("current", "max")]
        lanes = [sysfs.reading(str(self._link / f"{which}_link_width")) for which in ("current", "max")]
        return {
            "pcie_generation": _GENERATIONS.get(speeds[0]),
            "pcie_generation_limit": _GENERATIONS.get(speeds[1]),
            "pcie_lanes": lanes[0] or None,
            "pcie_lanes_limit": lanes[1] if lanes[1] and lanes[1] < 255 else None,  # 255: no link
        }


def _outer_end(folder: Path) -> Path:
    """Many cards bring bridges of their own, and tell of the link to those; the outermost has the one to the board."""
    outer, vendor = folder.resolve(), sysfs.word(folder / "vendor")
    while True:
        above = outer.parent
        kind = sysfs.reading(str(above / "class"))
        if kind is None or kind >> 8 != _BRIDGE or sysfs.word(above / "vendor") != vendor:
            return outer
        outer = above
