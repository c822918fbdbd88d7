"""How warm the processor is, how fast it runs, and whether something slows it down, as Linux tells in sysfs.

    /sys/class/hwmon/hwmon3/{name,temp1_label,temp1_input}                          coretemp, k10temp, zenpower …
    /sys/class/thermal/thermal_zone0/{type,temp}                                    where there is no such sensor
    /sys/class/thermal/cooling_device0/{type,cur_state}                             more than 0: held back by the system
    /sys/devices/system/cpu/cpu0/thermal_throttle/{core,package}_throttle_count     Intel's processors count each time
    /sys/devices/system/cpu/cpufreq/policy0/{scaling_cur_freq,cpuinfo_max_freq}     kHz

Source: kernel documentation, ABI/testing/sysfs-class-thermal, sysfs-devices-system-cpu, hwmon/sysfs-interface.rst.
Which files there are is looked up every minute, what they say at every reading.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from backends.hardware import sysfs

_LOOK = 60.0  # seconds
_SENSORS = {"coretemp", "k10temp", "zenpower", "cpu_thermal", "fam15h_power", "scpi_sensors", "via_cputemp"}
_PACKAGE = ("package", "tdie", "tctl")  # beginnings of the labels that stand for the whole processor
_ZONES = ("x86_pkg_temp", "cpu-thermal", "cpu_thermal", "soc_thermal", "soc-thermal", "cpu")
_COOLERS = ("processor", "cpufreq", "thermal-cpufreq")
_MOST = 32  # files of a kind that are read each time


class Heat:
    """Of a Linux machine; elsewhere every answer is None but the clock."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._root, self._clock = root, clock
        self._looked = -_LOOK
        self._temperatures: list[str] = []
        self._coolers: list[str] = []
        self._counters: list[str] = []
        self._clocks: list[str] = []
        self._limit: float | None = None
        self._counted: dict[str, int] = {}

    def temperature(self) -> float | None:
        """Degrees Celsius, of the warmest processor."""
        self._look()
        warm = [value / 1000 for path in self._temperatures if (value := sysfs.reading(path)) is not None]
        return max((value for value in warm if -40 < value < 150), default=None)

    def throttled(self) -> bool | None:
        """Slowed down for heat or power since the reading before; None where nothing tells, and in the first."""
        self._look()
        counted = {path: value for path in self._counters if (value := sysfs.reading(path)) is not None}
        rose = [value > self._counted[path] for path, value in counted.items() if path in self._counted]
        self._counted = counted
        held = [value > 0 for path in self._coolers if (value := sysfs.reading(path)) is not None]
        return any(rose + held) if rose or held else None

    def clocks(self) -> tuple[float | None, float | None]:
        """Mean of the cores' clocks and what they can do at most, MHz."""
        self._look()
        if sys.platform != "linux":
            return _elsewhere()
        now = [value / 1000 for path in self._clocks if (value := sysfs.reading(path))]
        return sum(now) / len(now) if now else None, self._limit

    def _look(self) -> None:
        if self._clock() - self._looked < _LOOK:
            return
        self._looked = self._clock()
        classes, cpus = self._root / "sys/class", self._root / "sys/devices/system/cpu"
        self._temperatures = _sensors(classes / "hwmon") or _zones(classes / "thermal")
        coolers = sysfs.matching(classes / "thermal", "cooling_device*")
        coolers = [one for one in coolers if sysfs.word(one / "type").startswith(_COOLERS)]
        self._coolers = [str(one / "cur_state") for one in coolers[:_MOST]]
        self._counters = _throttle_counters(cpus)
        policies = sysfs.matching(cpus / "cpufreq", "policy*")
        step = max(1, len(policies) // 16)  # all cores of 16, each eighth of 128
        self._clocks = [str(policy / "scaling_cur_freq") for policy in policies[::step]]
        limits = [value / 1000 for one in policies if (value := sysfs.reading(str(one / "cpuinfo_max_freq")))]
        self._limit = max(limits, default=None)


def _sensors(hwmon: Path) -> list[str]:
    """The whole processor's sensors, else all of a processor's."""
    whole, every = [], []
    for chip in sysfs.matching(hwmon, "hwmon*"):
        if sysfs.word(chip / "name") not in _SENSORS:
            continue
        for value in sysfs.matching(chip, "temp*_input"):
            every.append(str(value))
            if sysfs.word(chip / value.name.replace("_input", "_label")).startswith(_PACKAGE):
                whole.append(str(value))
    return (whole or every)[:_MOST]


def _zones(thermal: Path) -> list[str]:
    zones = sysfs.matching(thermal, "thermal_zone*")
    return [str(zone / "temp") for zone in zones if sysfs.word(zone / "type").startswith(_ZONES)][:_MOST]


def _throttle_counters(cpus: Path) -> list[str]:
    """One for each package and each core, the threads of a core share it."""
    found: dict[tuple[str, str, str], str] = {}
    for cpu in sysfs.matching(cpus, "cpu[0-9]*"):
        package, core = (sysfs.word(cpu / "topology" / name) for name in ("physical_package_id", "core_id"))
        counts = cpu / "thermal_throttle"
        found.setdefault(("package", package, ""), str(counts / "package_throttle_count"))
        found.setdefault(("core", package, core or cpu.name), str(counts / "core_throttle_count"))
    return [path for path in found.values() if sysfs.reading(path) is not None][:_MOST]


def _elsewhere() -> tuple[float | None, float | None]:
    try:
        told = psutil.cpu_freq()
    except (OSError, RuntimeError, NotImplementedError):
        told = None
    return (told.current or None, told.max or None) if told else (None, None)
