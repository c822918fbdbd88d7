"""The volume that a folder lies on, or would lie on once it is made."""

from pathlib import Path

import psutil

from backends.hardware.types import Disk


def read(folder: Path) -> Disk:
    """Space on the volume of `folder`, or of its nearest parent that exists. `free` is what this user may fill.

    `file_system` as the system calls it ("ext4", "NTFS", "apfs", "vfat"); None where no mounted volume matches
    (a Windows network share). OSError where the volume cannot be asked.
    """
    there = nearest(folder)
    usage = psutil.disk_usage(str(there))
    return Disk(str(folder), usage.total, usage.free, _file_system(there.resolve()))


def space(folder: Path) -> Disk:
    """As `read`, without its file system, for who asks again and again."""
    usage = psutil.disk_usage(str(nearest(folder)))
    return Disk(str(folder), usage.total, usage.free)


def nearest(folder: Path) -> Path:
    """The folder itself, or the one above it that exists."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    return there


def _file_system(path: Path) -> str | None:
    volumes = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True) if part.fstype}
    parents = [path, *path.parents]
    return next((volumes[parent] for parent in parents if parent in volumes), None)
