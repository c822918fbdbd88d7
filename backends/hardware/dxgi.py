"""AMD and Intel graphics on Windows, as its graphics system (DXGI) lists them. NVIDIA's cards are NVML's.

DXGI is COM: a pointer to an object points to its table of functions, and a function is called by its place there.
Source: dxgi.h, dxgi1_4.h. Memory sizes come as 64 bits (the registry's older 32-bit value ends at 4 GiB), and only
cards that are there and have a driver are listed.
"""

import ctypes
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from backends.core.phrase import Phrase
from backends.hardware import names
from backends.hardware.types import Absent, Finding, Gpu, Memory, Vendor

VENDORS: dict[int, Vendor] = {0x1002: "amd", 0x8086: "intel"}

_FACTORY = uuid.UUID("770aae78-f26f-4dba-a829-253c83d1b387")  # IDXGIFactory1
_ADAPTER_3 = uuid.UUID("645967a4-1392-4310-a798-8053ce3e93fd")  # IDXGIAdapter3
_DEVICE = uuid.UUID("54ec77fa-1377-44e6-8c32-88fd5f44c84c")  # IDXGIDevice
_QUERY_INTERFACE, _RELEASE = 0, 2  # IUnknown
_ENUM_ADAPTERS_1 = 12  # IDXGIFactory1
_CHECK_INTERFACE_SUPPORT, _GET_DESC_1 = 9, 10  # IDXGIAdapter, IDXGIAdapter1
_QUERY_VIDEO_MEMORY_INFO = 14  # IDXGIAdapter3
_IS_SOFTWARE = 2
_LEAST_OF_A_CARD = 2 << 30  # bytes: chips inside a processor own less, unless the table knows them


class _Description(ctypes.Structure):
    """DXGI_ADAPTER_DESC1; the name is UTF-16."""

    _fields_ = (
        ("name", ctypes.c_uint16 * 128),
        ("vendor", ctypes.c_uint32),
        ("device", ctypes.c_uint32),
        ("subsystem", ctypes.c_uint32),
        ("revision", ctypes.c_uint32),
        ("dedicated", ctypes.c_size_t),
        ("dedicated_system", ctypes.c_size_t),
        ("shared", ctypes.c_size_t),
        ("luid", ctypes.c_uint32 * 2),
        ("flags", ctypes.c_uint32),
    )


class _VideoMemory(ctypes.Structure):
    """DXGI_QUERY_VIDEO_MEMORY_INFO: what the system lets this process have, and what it has of it."""

    _fields_ = (
        ("budget", ctypes.c_uint64),
        ("usage", ctypes.c_uint64),
        ("reservable", ctypes.c_uint64),
        ("reserved", ctypes.c_uint64),
    )


@dataclass(frozen=True, slots=True)
class Adapter:
    """What DXGI says of one card. Bytes; `free` is what this process could still have of the dedicated memory."""

    name: str
    vendor: int
    device: int
    revision: int
    luid: tuple[int, int]  # of one card the same on every list
    software: bool
    dedicated: int
    shared: int
    free: int | None
    driver: str | None


def read(memory: Memory, library: ctypes.CDLL | None = None) -> Iterator[Finding]:
    """One finding a card. A chip inside the processor is `unified`: its carve-out and what Windows lets it borrow."""
    seen: set[tuple[int, int]] = set()
    for adapter in adapters(library or ctypes.CDLL("dxgi.dll")):
        if adapter.vendor not in VENDORS or adapter.software or adapter.luid in seen:
            continue
        seen.add(adapter.luid)
        model = names.look_up(adapter.vendor, adapter.device, adapter.revision)
        unified, total, free = model.integrated or adapter.dedicated < _LEAST_OF_A_CARD, adapter.dedicated, adapter.free
        if unified:
            total, free = adapter.dedicated + adapter.shared, adapter.dedicated + min(adapter.shared, memory.available)
        yield Gpu(
            name=adapter.name,
            vendor=VENDORS[adapter.vendor],
            memory_total=total,
            memory_free=free,
            bandwidth=memory.bandwidth if unified else None,
            driver=adapter.driver,
            unified=unified,
        )
    if not seen:
        yield Absent(Phrase("No AMD or Intel graphics card was found.", "未找到 AMD 或 Intel 显卡。"))


def adapters(library: ctypes.CDLL) -> Iterator[Adapter]:
    """Everything that DXGI lists, in its order. OSError if it refuses."""
    factory = ctypes.c_void_p()
    with _object(factory, library.CreateDXGIFactory1(_guid(_FACTORY), ctypes.byref(factory))):
        number = 0
        while True:
            adapter = ctypes.c_void_p()
            result = _call(factory, _ENUM_ADAPTERS_1, ctypes.c_uint32(number), ctypes.byref(adapter))
            if result < 0:  # DXGI_ERROR_NOT_FOUND ends the list
                return
            with _object(adapter, result):
                yield _describe(adapter)
            number += 1


def _describe(adapter: ctypes.c_void_p) -> Adapter:
    told = _Description()
    if result := _call(adapter, _GET_DESC_1, ctypes.byref(told)):
        raise OSError(result, "IDXGIAdapter1::GetDesc1")
    return Adapter(
        name=bytes(told.name).decode("utf-16-le", errors="replace").split("\0", 1)[0].strip(),
        vendor=told.vendor,
        device=told.device,
        revision=told.revision,
        luid=(told.luid[0], told.luid[1]),
        software=bool(told.flags & _IS_SOFTWARE),
        dedicated=told.dedicated,
        shared=told.shared,
        free=_free(adapter),
        driver=_driver_version(adapter),
    )


def _free(adapter: ctypes.c_void_p) -> int | None:
    """Windows 10 and later tell; else None."""
    newer, told = ctypes.c_void_p(), _VideoMemory()
    result = _call(adapter, _QUERY_INTERFACE, _guid(_ADAPTER_3), ctypes.byref(newer))
    if result < 0:
        return None
    with _object(newer, result):
        result = _call(newer, _QUERY_VIDEO_MEMORY_INFO, ctypes.c_uint32(0), ctypes.c_uint32(0), ctypes.byref(told))
    return None if result < 0 else max(0, told.budget - told.usage)


def _driver_version(adapter: ctypes.c_void_p) -> str | None:
    """Four 16-bit numbers in one of 64 bits: "32.0.101.6078"."""
    version = ctypes.c_int64()
    if _call(adapter, _CHECK_INTERFACE_SUPPORT, _guid(_DEVICE), ctypes.byref(version)) < 0:
        return None
    return ".".join(str(version.value >> shift & 0xFFFF) for shift in (48, 32, 16, 0))


def _call(this: ctypes.c_void_p, place: int, *args: object) -> int:
    """Call the function at `place` of a COM object's table; its HRESULT is negative if it failed."""
    table = ctypes.cast(this, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p))).contents
    function = ctypes.cast(table[place], ctypes.CFUNCTYPE(ctypes.c_int32))
    return function(this, *args)


@contextmanager
def _object(pointer: ctypes.c_void_p, result: int) -> Iterator[None]:
    """Give a COM object back after use; OSError if there is none."""
    if result < 0 or not pointer:
        raise OSError(result, "DXGI")
    try:
        yield
    finally:
        _call(pointer, _RELEASE)


def _guid(value: uuid.UUID) -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(value.bytes_le, 16)
