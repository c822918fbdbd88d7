"""Small files that must never be half written, and what to say when the disk refuses."""

import contextlib
import ctypes
import errno
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import BinaryIO

from backends.core.errors import StorageError
from backends.core.phrase import Phrase

if sys.platform == "win32":
    import msvcrt


def write_file(path: Path, content: bytes) -> None:
    """Put `content` at `path`, for this user alone (0600), so that a crash or a power cut leaves the old or the new
    file and nothing between: written beside it, flushed to the disk, renamed. Raises StorageError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise storage_error(error, path) from error


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` last. Windows has no such call and needs none."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def lengthen(file: BinaryIO, size: int) -> None:
    """Make an open file `size` bytes long. What is added reads as zeros and takes no room on the disk, where the volume
    knows holes (NTFS only when told so; FAT and exFAT do not). OSError as from any write."""
    if sys.platform == "win32":
        handle, told = msvcrt.get_osfhandle(file.fileno()), ctypes.c_ulong()
        ctypes.windll.kernel32.DeviceIoControl(
            ctypes.c_void_p(handle), 0x900C4, None, 0, None, 0, ctypes.byref(told), None
        )  # FSCTL_SET_SPARSE; a volume that has no holes says no
    file.flush()
    file.truncate(size)


def put_aside(path: Path) -> Path:
    """Rename a damaged file to `<name>.corrupt-<time>`, where a person may still find it; gives the new path."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.name}.corrupt-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.corrupt-{stamp}-{number}")
    try:
        path.rename(aside)
    except OSError as error:
        raise storage_error(error, path) from error
    return aside


def storage_error(error: OSError, path: Path) -> StorageError:
    """`error` about `path` as a StorageError: `disk_full`, `read_only` or `storage_failed`."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return disk_full(path)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return read_only(path)
    said = error.strerror or str(error)
    return StorageError(
        Phrase(f"{path} cannot be used: {said}.", f"无法使用 {path}：{said}。"),
        Phrase(
            "Move away what is in its place, or set DESKSEEK_HOME to another folder.",
            "请移走占用该位置的内容，或将 DESKSEEK_HOME 设为其他文件夹。",
        ),
    )


def disk_full(path: Path) -> StorageError:
    return StorageError(
        Phrase(f"The disk with {path} is full.", f"{path} 所在的磁盘已满。"),
        Phrase(
            "Make some room and try again. Nothing saved before was lost.", "请腾出空间后重试。此前保存的内容没有丢失。"
        ),
        code="disk_full",
    )


def read_only(path: Path) -> StorageError:
    return StorageError(
        Phrase(f"{path} cannot be written: no permission.", f"无法写入 {path}：没有权限。"),
        Phrase(
            "Check the permissions of the folder, or set DESKSEEK_HOME to another one.",
            "请检查该文件夹的权限，或将 DESKSEEK_HOME 设为其他文件夹。",
        ),
        code="read_only",
    )
