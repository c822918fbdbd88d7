"""AMD cards on Linux, as the kernel driver amdgpu tells in sysfs.

Source: kernel documentation, gpu/amdgpu/driver-misc.rst (`mem_info_vram_total`, `mem_info_vram_used`,
`mem_info_gtt_*`, `product_name`) and kgd_pp_interface.h (`gpu_metrics`: layouts 1.x are of cards, 2.x and 3.x of
chips inside a processor).
"""

from collections.abc import Iterator
from pathlib import Path

from backends.core.phrase import Phrase
from backends.hardware import names, sysfs
from backends.hardware.types import Absent, Finding, Gpu, Memory

VENDOR = 0x1002
DRIVERS = ("amdgpu",)  # of the Linux kernel's, with which it computes


def read(memory: Memory, root: Path = Path("/")) -> Iterator[Finding]:
    """One finding a card. A chip inside the processor is `unified`: its own carve-out plus what it may borrow."""
    cards = sysfs.displays(root, VENDOR, (sysfs.DISPLAY, sysfs.ACCELERATOR))
    if not cards:
        yield Absent(Phrase("No AMD graphics card was found.", "未找到 AMD 显卡。"))
    for card in cards:
        model = names.look_up(VENDOR, card.device, card.revision, root)
        name = _product_name(card) or model.name
        problem = sysfs.closed_door(card, name, DRIVERS, root)
        if problem:
            yield problem
            continue
        unified, total, free = _integrated(card, model), None, None
        try:
            total, free = _memory(card, memory, unified)
        except OSError as error:
            yield sysfs.unreadable(name, error)
        yield Gpu(
            name=name,
            vendor="amd",
            memory_total=total,
            memory_free=free,
            bandwidth=memory.bandwidth if unified else None,
            driver=_driver_version(root),
            pci_id=card.address,
            unified=unified,
        )


def _memory(card: sysfs.Display, memory: Memory, unified: bool) -> tuple[int | None, int | None]:
    """Total and free bytes. What a unified chip may borrow (GTT) is free only as far as the machine has it."""
    total, used = (sysfs.number(card.folder / f"mem_info_vram_{what}") for what in ("total", "used"))
    free = None if total is None or used is None else max(0, total - used)
    if not unified:
        return total, free
    shared, taken = (sysfs.number(card.folder / f"mem_info_gtt_{what}") for what in ("total", "used"))
    shared = min(shared or 0, memory.total)
    borrowed = min(max(0, shared - (taken or 0)), memory.available)
    return (total or 0) + shared or None, (free or 0) + borrowed


def _integrated(card: sysfs.Display, model: names.Model) -> bool:
    try:
        header = (card.folder / "gpu_metrics").read_bytes()[:4]  # uint16 size, uint8 format, uint8 content
    except OSError:
        header = b""
    return header[2] >= 2 if len(header) == 4 else model.integrated


def _product_name(card: sysfs.Display) -> str | None:
    """What the card calls itself; only cards for servers do."""
    try:
        return (card.folder / "product_name").read_text(errors="replace").strip() or None
    except OSError:
        return None


def _driver_version(root: Path) -> str:
    """AMD's own package gives its module a version; the kernel's has none but the kernel's."""
    try:
        return f"amdgpu {(root / 'sys/module/amdgpu/version').read_text().strip()}"
    except OSError:
        return "amdgpu"
