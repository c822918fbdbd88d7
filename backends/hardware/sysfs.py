"""Graphics cards as the Linux kernel lists them: every PCI device of a display class, whoever drives it.

    /sys/bus/pci/devices/0000:03:00.0/   vendor device revision class   driver -> …/amdgpu   drm/renderD128

Source: kernel documentation, ABI/testing/sysfs-bus-pci. The class is 0x03xxxx for displays and 0x12xxxx for cards
that only compute. `root` is the root of the file system to read, so that a tree from another machine can be read.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from backends.core.phrase import Phrase

DISPLAY, ACCELERATOR = 0x03, 0x12


@dataclass(frozen=True, slots=True)
class Display:
    folder: Path
    address: str  # "0000:03:00.0"
    device: int
    revision: int
    driver: str | None  # the kernel driver that runs it
    render_nodes: tuple[str, ...]  # below /dev/dri; what a program opens to compute


def displays(root: Path, vendor: int, classes: tuple[int, ...] = (DISPLAY,)) -> list[Display]:
    """The cards of one vendor, in the order of their addresses. Empty where there is no sysfs."""
    found = []
    try:
        folders = sorted((root / "sys/bus/pci/devices").iterdir())
    except OSError:
        return []
    for folder in folders:
        try:
            if number(folder / "vendor") != vendor or (number(folder / "class") or 0) >> 16 not in classes:
                continue
            device, revision = number(folder / "device"), number(folder / "revision")
        except OSError:
            continue  # unplugged while we looked
        if device is not None:
            found.append(Display(folder, folder.name, device, revision or 0, _driver(folder), _render_nodes(folder)))
    return found


def number(path: Path) -> int | None:
    """The number in a file of sysfs (`0x1002`, `17163091968`); None if there is no such file or no number in it.

    OSError where the file is there and cannot be read: no permission, a card in reset.
    """
    try:
        return int(path.read_text().strip(), 0)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def peek(path: str) -> bytes | None:
    """The content of a small file of /sys or /proc, for who reads it every second; None where it cannot be read."""
    try:
        return content(path)
    except OSError:
        return None


def content(path: str | Path) -> bytes:
    """As `peek`; raises OSError."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, 1 << 16)
    finally:
        os.close(file)


def reading(path: str) -> int | None:
    """The number in such a file; None where there is none, or it cannot be read."""
    try:
        return int(peek(path) or b"", 0)
    except ValueError:
        return None


def word(path: Path) -> str:
    """What such a file says, in lower case; empty where it cannot be read."""
    return (peek(str(path)) or b"").decode("ascii", "replace").strip().lower()


def matching(folder: Path, pattern: str) -> list[Path]:
    """In the order of their names; none where the folder cannot be read."""
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def closed_door(card: Display, name: str, drivers: tuple[str, ...], root: Path) -> Phrase | None:
    """Why this process cannot compute on the card; None if it can."""
    if card.driver not in drivers:
        runs_en = f"runs on the driver {card.driver}" if card.driver else "has no driver"
        runs_zh = f"正在使用 {card.driver} 驱动" if card.driver else "没有驱动程序"
        wanted = " / ".join(drivers)
        return Phrase(
            f"{name} ({card.address}) {runs_en}; it computes with the kernel driver {wanted} only. A newer Linux "
            "kernel may bring it.",
            f"{name}（{card.address}）{runs_zh}；只有内核驱动 {wanted} 才能用于计算。更新 Linux 内核可能会解决。",
        )
    nodes = [root / "dev/dri" / node for node in card.render_nodes]
    if any(os.access(node, os.R_OK | os.W_OK) for node in nodes):
        return None
    if any(node.exists() for node in nodes):
        return Phrase(
            f"{name} is there, but this user may not use it. Add the user to the groups render and video, then "
            "sign in again.",
            f"检测到 {name}，但当前用户无权使用。请将用户加入 render 和 video 组，然后重新登录。",
        )
    return Phrase(
        f"{name} is there, but not its device in /dev/dri. In a container, start that with `--device /dev/dri`.",
        f"检测到 {name}，但 /dev/dri 中没有对应设备。若在容器中，请在启动时加上 `--device /dev/dri`。",
    )


def unreadable(name: str, error: OSError) -> Phrase:
    return Phrase(
        f"How much memory {name} has cannot be read: {error.strerror}.",
        f"无法读取 {name} 的显存大小：{error.strerror}。",
    )


def _driver(folder: Path) -> str | None:
    try:
        return (folder / "driver").readlink().name
    except OSError:
        return None


def _render_nodes(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(node.name for node in (folder / "drm").glob("renderD*")))
