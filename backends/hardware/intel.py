"""Intel graphics on Linux, as far as the kernel drivers xe and i915 tell in sysfs.

The chip inside a processor is always 0000:00:02.0. It borrows the machine's memory; Mesa's Vulkan driver lets it
have three quarters of it, half on machines of 4 GiB and less (anv_compute_sys_heap_size). Of a card, xe tells the
memory in `tile0/physical_vram_size_bytes`, i915 only where Intel's own packages are installed (`lmem_total_bytes`);
else it follows from the model, and where a model comes in two sizes, from how much of it the PCI bus shows.
"""

from collections.abc import Iterator
from pathlib import Path

from backends.core.phrase import Phrase
from backends.hardware import names, sysfs
from backends.hardware.types import Absent, Finding, Gpu, Memory

VENDOR = 0x8086
DRIVERS = ("xe", "i915")  # of the Linux kernel's, with which it computes
INTEGRATED_ADDRESS = "0000:00:02.0"

_GIB = 1 << 30


def read(memory: Memory, root: Path = Path("/")) -> Iterator[Finding]:
    cards = sysfs.displays(root, VENDOR)
    if not cards:
        yield Absent(Phrase("No Intel graphics card was found.", "未找到 Intel 显卡。"))
    for card in cards:
        model = names.look_up(VENDOR, card.device, card.revision, root)
        problem = sysfs.closed_door(card, model.name, DRIVERS, root)
        if problem:
            yield problem
            continue
        unified, total, free = card.address == INTEGRATED_ADDRESS or model.integrated, None, None
        try:
            total, free = borrowed(memory) if unified else own_memory(card, model)
        except OSError as error:
            yield sysfs.unreadable(model.name, error)
        yield Gpu(
            name=model.name,
            vendor="intel",
            memory_total=total,
            memory_free=free,
            bandwidth=memory.bandwidth if unified else None,
            driver=card.driver,
            pci_id=card.address,
            unified=unified,
        )


def borrowed(memory: Memory) -> tuple[int, int]:
    """What a chip inside the processor may take of the machine's memory: total and free bytes."""
    total = memory.total // 2 if memory.total <= 4 * _GIB else memory.total * 3 // 4
    return total, min(total, memory.available)


def own_memory(card: sysfs.Display, model: names.Model) -> tuple[int | None, int | None]:
    tiles = [sysfs.number(tile) for tile in sorted(card.folder.glob("tile*/physical_vram_size_bytes"))]
    told = sum(size for size in tiles if size)
    for minor in sorted((card.folder / "drm").glob("card*")):
        told = told or sysfs.number(minor / "lmem_total_bytes") or 0
        free = sysfs.number(minor / "lmem_avail_bytes")
        if free is not None:
            return told or None, free
    if told:
        return told, None
    shown = _shown_on_the_bus(card)
    return max((size for size in model.memory if size <= shown), default=min(model.memory, default=None)), None


def _shown_on_the_bus(card: sysfs.Display) -> int:
    """Size of the third address range, through which the processor sees the card's memory. A card without resizable
    BAR shows 256 MiB, whatever it has. Lines of `resource`: first address, last address, flags."""
    lines = (card.folder / "resource").read_text().splitlines()
    first, last = (int(word, 16) for word in lines[2].split()[:2]) if len(lines) > 2 else (0, 0)
    return last - first + 1 if last > first else 0
