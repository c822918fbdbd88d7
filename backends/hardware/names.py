"""What a graphics card is called, from its PCI numbers.

`resources/graphics.json` knows the models that matter here; the lists that Linux systems carry (libdrm's
`amdgpu.ids`, `pci.ids`) know the rest. The table also says what the kernel does not: which chips sit inside a
processor, and how much memory a model of Intel's has.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from backends.core.paths import resource

_AMD_LISTS = ("usr/share/libdrm/amdgpu.ids", "opt/amdgpu/share/libdrm/amdgpu.ids")
_PCI_LISTS = ("usr/share/hwdata/pci.ids", "usr/share/misc/pci.ids", "usr/share/pci.ids")
_MAKERS = {0x1002: "AMD", 0x8086: "Intel", 0x10DE: "NVIDIA"}


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    memory: tuple[int, ...] = ()  # the sizes it is sold with, bytes
    integrated: bool = False  # sits inside a processor and shares its memory


def look_up(vendor: int, device: int, revision: int, root: Path = Path("/")) -> Model:
    """The model with these PCI numbers. One that nobody knows is called by its number: "AMD graphics (744c)"."""
    known = json.loads(resource("graphics.json").read_text(encoding="utf-8"))
    entry = known["models"].get(f"{vendor:04x}:{device:04x}:{revision:02x}")
    entry = entry or known["models"].get(f"{vendor:04x}:{device:04x}") or {}
    maker = _MAKERS.get(vendor, f"{vendor:04x}")
    name = (
        entry.get("name")
        or (vendor == 0x1002 and _from_amd_list(device, revision, root))
        or _from_pci_list(vendor, device, root)
        or f"graphics ({device:04x})"
    )
    sizes = tuple(int(gib * (1 << 30)) for gib in entry.get("memory_gib", ()))
    integrated = f"{vendor:04x}:{device:04x}" in known["integrated"]
    return Model(name if name.startswith(maker) else f"{maker} {name}", sizes, integrated)


def _from_amd_list(device: int, revision: int, root: Path) -> str | None:
    """A line of amdgpu.ids: `744C,	C8,	AMD Radeon RX 7900 XTX`."""
    wanted = re.compile(rf"^{device:04X},\s*{revision:02X},\s*(.+)$", re.MULTILINE | re.IGNORECASE)
    match = wanted.search(_first_text(_AMD_LISTS, root))
    return match.group(1).strip() if match else None


def _from_pci_list(vendor: int, device: int, root: Path) -> str | None:
    """In pci.ids a vendor's line is followed by its devices, one tab in. `Navi 31 [Radeon RX 7900 XT/7900 XTX]`: what
    stands in brackets is what the shop calls it."""
    text = _first_text(_PCI_LISTS, root)
    start = text.find(f"\n{vendor:04x}  ")
    devices = re.compile(rf"^\t{device:04x}  (.+)$|^(?=[0-9a-zA-Z])", re.MULTILINE)
    match = devices.search(text, text.find("\n", start + 1)) if start >= 0 else None
    if match is None or match.group(1) is None:
        return None
    shop = re.search(r"\[(.+)\]", match.group(1))
    return shop.group(1) if shop else match.group(1)


def _first_text(places: tuple[str, ...], root: Path) -> str:
    for place in places:
        try:
            return (root / place).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
    return ""
