"""The memory modules that the firmware lists, and the peak bandwidth that follows from them.

    bandwidth = sum over channels of (data width in bits / 8) x the slowest module's configured MT/s

Two modules in one channel share its wires, so they count once; one module alone halves the usual desktop's rate.
Sources: SMBIOS specification (DMTF DSP0134) 7.18 "Memory Device (Type 17)". On Linux systemd-udevd has read that
table already (dmi_memory_id) and left it where everyone may read it; the table itself is root's. Windows hands it
to everyone.
"""

import ctypes
import re
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

UDEV_RECORD = Path("run/udev/data/+dmi:id")
TABLE = Path("sys/firmware/dmi/tables/DMI")

_MEMORY_DEVICE = 17
_CHANNEL = (
    re.compile(r".*channel[ _-]*[a-p0-9]"),  # "P0 CHANNEL A", "Controller1-ChannelA-DIMM0"
    re.compile(r".*(?:dimm|ddr\d)[ _-]*[a-p](?=\d?$)"),  # "DIMM_A1", "DDR4-B2", "P1-DIMMC1"
)


@dataclass(frozen=True, slots=True)
class Module:
    width: int  # data bits, without ECC
    rate: int  # configured MT/s
    place: str  # how the board calls the slot and its bank


def read(root: Path = Path("/")) -> list[Module]:
    """What is in the slots; empty where the firmware does not tell, or not us."""
    if sys.platform == "win32":
        return list(from_smbios(_windows_table()))
    try:
        modules = list(from_udev((root / UDEV_RECORD).read_text(errors="replace")))
    except OSError:
        modules = []
    if modules:
        return modules
    try:
        return list(from_smbios((root / TABLE).read_bytes()))
    except OSError:
        return []


def bandwidth(modules: list[Module]) -> float | None:
    """Peak bytes/s; None where rate, width or channels are not known, or the result is no memory's."""
    if not modules or any(m.rate <= 0 or m.width <= 0 for m in modules):
        return None
    channels: dict[str, int] = {}
    for number, module in enumerate(modules):
        channel = _channel(module.place)
        if channel is None:
            if len(modules) > 2:  # two unnamed modules are one in each channel; of more nobody knows
                return None
            channel = f"slot {number}"
        channels[channel] = max(channels.get(channel, 0), module.width)
    rate = sum(channels.values()) / 8 * min(m.rate for m in modules) * 1e6
    return rate if 1e9 < rate < 5e12 else None


def _channel(place: str) -> str | None:
    for name in place.lower().split(" | "):
        for pattern in _CHANNEL:
            if match := pattern.match(name):
                return match.group()
    return None


def from_udev(record: str) -> Iterator[Module]:
    """From udev's record of the firmware: lines such as `E:MEMORY_DEVICE_0_CONFIGURED_SPEED_MTS=5600`."""
    slots: dict[int, dict[str, str]] = {}
    for number, key, value in re.findall(r"^E:MEMORY_DEVICE_(\d+)_(\w+)=(.*)$", record, re.MULTILINE):
        slots.setdefault(int(number), {})[key] = value.strip()
    for slot in slots.values():
        if slot.get("PRESENT") == "0" or not _whole(slot.get("SIZE")):
            continue
        yield Module(
            width=_whole(slot.get("DATA_WIDTH")) or _whole(slot.get("TOTAL_WIDTH")),
            rate=_whole(slot.get("CONFIGURED_SPEED_MTS")) or _whole(slot.get("SPEED_MTS")),
            place=f"{slot.get('BANK_LOCATOR', '')} | {slot.get('LOCATOR', '')}",
        )


def _whole(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def from_smbios(table: bytes) -> Iterator[Module]:
    """From the raw structure table. A table that is cut short yields what was whole."""
    at = 0
    while at + 4 <= len(table):
        kind, length = table[at], table[at + 1]
        end = table.find(b"\0\0", at + length)
        if length < 4 or end < 0:
            return
        if kind == _MEMORY_DEVICE and (module := _module(table[at : at + length], table[at + length : end])):
            yield module
        at = end + 2


def _module(body: bytes, strings: bytes) -> Module | None:
    """Type 17. Offsets: 0x0A data width, 0x0C size, 0x10/0x11 locators, 0x15 speed, 0x20 configured speed, and the
    32-bit 0x54/0x58 where those say 0xFFFF. A size of 0 is an empty slot."""
    if len(body) < 0x17:
        return None
    width, size = struct.unpack_from("<HH", body, 0x0A)
    if size == 0:
        return None
    names = [name.decode("latin-1").strip() for name in strings.split(b"\0")]
    locator, bank = (names[i - 1] if 0 < i <= len(names) else "" for i in body[0x10:0x12])
    rate = _rate(body, 0x20, 0x58) or _rate(body, 0x15, 0x54)
    return Module(0 if width == 0xFFFF else width, rate, f"{bank} | {locator}")


def _rate(body: bytes, offset: int, extended: int) -> int:
    rate: int = struct.unpack_from("<H", body, offset)[0] if len(body) >= offset + 2 else 0
    if rate == 0xFFFF:
        return struct.unpack_from("<I", body, extended)[0] if len(body) >= extended + 4 else 0
    return rate


def _windows_table() -> bytes:
    """GetSystemFirmwareTable('RSMB'): eight bytes of header, then the table. Empty if Windows has none."""
    if sys.platform != "win32":
        return b""
    ask = ctypes.WinDLL("kernel32").GetSystemFirmwareTable
    provider = int.from_bytes(b"RSMB", "big")
    size: int = ask(provider, 0, None, 0)
    buffer = ctypes.create_string_buffer(size)
    return buffer.raw[8 : ask(provider, 0, buffer, size)]
