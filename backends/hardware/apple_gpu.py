"""What the graphics side of an Apple chip does at a moment. For `gpu_child` alone.

    IOAccelerator, PerformanceStatistics    "Device Utilization %", "In use system memory", as `ioreg` shows them
    com.apple.system.thermalpressurelevel   0 nominal, 1 moderate, 2 heavy … (OSThermalNotification.h)

Both are readable by everybody. Power, clocks and temperature take root (powermetrics) or interfaces that Apple keeps to
itself. Not yet run on a Mac: what is made of the numbers is tested with made ones.
"""

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import psutil

from backends.hardware import apple
from backends.hardware.cards import Broken
from backends.hardware.samples import GpuSample

_UTF8 = 0x08000100  # kCFStringEncodingUTF8
_INT64 = 4  # kCFNumberSInt64Type
_HEAVY = 2
_KEYS = ("Device Utilization %", "In use system memory")


class AppleGpu:
    def __init__(self) -> None:
        self._name, self._total = "Apple", 0
        self._pressure: _Pressure | None = None

    def open(self) -> list[str]:
        values = apple.sysctl()
        if not apple.is_apple_silicon(values):
            raise Broken(None)
        self._name = values.get("machdep.cpu.brand_string", "Apple")
        self._total = apple.working_set(psutil.virtual_memory().total, values)
        try:
            accelerator(_KEYS)
            self._pressure = _Pressure()
        except (OSError, AttributeError):  # a system without one of these libraries or functions
            raise Broken(None) from None
        return ["apple"]

    def sample(self, subject: str, pids: Sequence[int]) -> GpuSample:
        level = self._pressure.level() if self._pressure else None
        return card(self._name, self._total, accelerator(_KEYS), level)


def card(name: str, total: int, statistics: Mapping[str, int], pressure: int | None) -> GpuSample:
    """`total`: bytes that the graphics side may have; `pressure`: the thermal level."""
    use = statistics.get("Device Utilization %")
    return GpuSample(
        key="apple",
        name=name,
        vendor="apple",
        use=None if use is None else min(1.0, use / 100),
        memory_total=total or None,
        memory_used=statistics.get("In use system memory"),
        unified=True,
        throttles=None if pressure is None else ("heat",) if pressure >= _HEAVY else (),
    )


def accelerator(keys: Sequence[str]) -> dict[str, int]:
    """Numbers of the first accelerator's statistics; those that it does not have are left out."""
    kit, foundation = _library("IOKit"), _library("CoreFoundation")
    pointer = ctypes.c_void_p
    kit.IOServiceMatching.restype = pointer
    kit.IOServiceGetMatchingService.argtypes = [ctypes.c_uint, pointer]
    kit.IOServiceGetMatchingService.restype = ctypes.c_uint
    kit.IORegistryEntryCreateCFProperty.argtypes = [ctypes.c_uint, pointer, pointer, ctypes.c_uint]
    kit.IORegistryEntryCreateCFProperty.restype = pointer
    kit.IOObjectRelease.argtypes = [ctypes.c_uint]
    foundation.CFStringCreateWithCString.argtypes = [pointer, ctypes.c_char_p, ctypes.c_uint]
    foundation.CFStringCreateWithCString.restype = pointer
    foundation.CFDictionaryGetValue.argtypes = [pointer, pointer]
    foundation.CFDictionaryGetValue.restype = pointer
    foundation.CFNumberGetValue.argtypes = [pointer, ctypes.c_long, pointer]
    foundation.CFNumberGetValue.restype = ctypes.c_bool
    foundation.CFRelease.argtypes = [pointer]

    service = kit.IOServiceGetMatchingService(0, kit.IOServiceMatching(b"IOAccelerator"))  # takes the dictionary
    if not service:
        return {}
    found: dict[str, int] = {}
    name = foundation.CFStringCreateWithCString(None, b"PerformanceStatistics", _UTF8)
    statistics = kit.IORegistryEntryCreateCFProperty(service, name, None, 0)
    for key in keys if statistics else ():
        text = foundation.CFStringCreateWithCString(None, key.encode(), _UTF8)
        value, number = foundation.CFDictionaryGetValue(statistics, text), ctypes.c_int64()
        if value and foundation.CFNumberGetValue(value, _INT64, ctypes.byref(number)):
            found[key] = number.value
        foundation.CFRelease(text)
    for owned in filter(None, (statistics, name)):
        foundation.CFRelease(owned)
    kit.IOObjectRelease(service)
    return found


class _Pressure:
    """The system's word on heat, asked by its notification's state."""

    def __init__(self) -> None:
        self._system, self._token = ctypes.CDLL(None), ctypes.c_int()
        name = b"com.apple.system.thermalpressurelevel"
        self._known = self._system.notify_register_check(name, ctypes.byref(self._token)) == 0

    def level(self) -> int | None:
        state = ctypes.c_uint64()
        asked = self._known and self._system.notify_get_state(self._token, ctypes.byref(state)) == 0
        return state.value if asked else None


def _library(name: str) -> Any:
    return ctypes.CDLL(f"/System/Library/Frameworks/{name}.framework/{name}")
