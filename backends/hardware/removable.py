"""Does a folder lie on a disk that a person may pull out: a USB stick, a memory card?"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import psutil


class Partition(Protocol):
    @property
    def device(self) -> str: ...
    @property
    def mountpoint(self) -> str: ...
    @property
    def opts(self) -> str: ...


def is_removable(
    path: Path,
    partitions: Iterable[Partition] | None = None,
    platform: str = sys.platform,
    sys_folder: Path = Path("/sys"),
) -> bool:
    """By what the system says of its volume; False where it says nothing."""
    volumes = list(psutil.disk_partitions(all=False)) if partitions is None else list(partitions)
    there = path.absolute()
    holding = [each for each in volumes if there.is_relative_to(each.mountpoint)]
    if not holding:
        return False
    volume = max(holding, key=lambda each: len(Path(each.mountpoint).parts))
    if platform == "win32":
        return "removable" in volume.opts.split(",")
    if platform == "darwin":
        return Path(volume.mountpoint).parts[:2] == ("/", "Volumes")
    return _on_linux(Path(volume.device).name, sys_folder)


def _on_linux(device: str, sys_folder: Path) -> bool:
    """A partition is a folder in that of its disk, and the disk says what it is; USB disks that deny it are told by
    the bus they hang on."""
    try:
        partition = (sys_folder / "class" / "block" / device).resolve(strict=True)
    except OSError:
        return False
    if any(part.startswith("usb") for part in partition.parts):
        return True
    for folder in (partition, partition.parent):
        try:
            return (folder / "removable").read_text(encoding="ascii").strip() == "1"
        except (OSError, ValueError):
            continue
    return False
