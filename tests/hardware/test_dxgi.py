"""Windows' list of graphics cards, played by a library that speaks DXGI (fake_dxgi.c)."""

import ctypes
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.hardware import dxgi
from backends.hardware.types import Gpu, Memory

GIB = 1 << 30


@pytest.fixture
def library(compile_library: Callable[[str, str], Path]) -> ctypes.CDLL:
    return ctypes.CDLL(str(compile_library("fake_dxgi.c", "dxgi.so") / "dxgi.so"))


def test_cards_of_amd_and_intel_each_once(library: ctypes.CDLL, memory: Memory) -> None:
    found = list(dxgi.read(memory, library))
    card, graphics, big = (finding for finding in found if isinstance(finding, Gpu))
    assert len(found) == 3
    assert card == Gpu("AMD Radeon RX 7800 XT", "amd", 16 * GIB, 14 * GIB, driver="32.0.12033.1030")
    assert (graphics.name, graphics.vendor, graphics.unified) == ("Intel(R) UHD Graphics 770", "intel", True)
    assert graphics.memory_total == GIB // 8 + 32 * GIB
    assert graphics.bandwidth == memory.bandwidth
    assert (big.unified, big.memory_total, big.memory_free) == (True, 64 * GIB, 56 * GIB)


def test_what_was_handed_out_is_given_back(library: ctypes.CDLL, memory: Memory) -> None:
    list(dxgi.read(memory, library))
    assert ctypes.c_int.in_dll(library, "live").value == 0


def test_the_list_as_it_is(library: ctypes.CDLL) -> None:
    everything = list(dxgi.adapters(library))
    assert [adapter.vendor for adapter in everything] == [0x10DE, 0x1002, 0x1002, 0x8086, 0x1002, 0x1414]
    assert [adapter.software for adapter in everything] == [False] * 5 + [True]
    assert everything[0].free == 11 * GIB
    assert everything[3].free is None
    assert everything[3].driver is None


def test_a_system_that_refuses(library: ctypes.CDLL, memory: Memory) -> None:
    ctypes.c_int.in_dll(library, "refuse").value = 1
    with pytest.raises(OSError, match="DXGI"):
        list(dxgi.read(memory, library))
