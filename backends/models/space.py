"""Room on the disk for a model, and what the system means when it cannot write."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backends.core.errors import BackendError, ResourceError, StorageError
from backends.core.phrase import Phrase
from backends.hardware.types import Disk

SPARE = 1_000_000_000  # bytes that a download leaves free
FAT_LIMIT = 2**32 - 1  # the largest file of FAT32, in bytes
_FAT = {"vfat", "msdos", "fat", "fat32"}
_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST}
_GONE = {errno.ENOENT, errno.ENODEV, errno.ENXIO, getattr(errno, "ESTALE", errno.ENODEV)}
_WINDOWS_FULL = {39, 112}  # ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL
_KEPT = Phrase("What has arrived is kept, and the download goes on from there.", "已下载的部分会保留，之后可继续下载。")


def check_space(volume: Disk, needed: int, largest: int) -> None:
    """ResourceError if `needed` more bytes and a spare 1 GB do not fit on the volume (`disk_full`), or if it
    cannot hold a file of `largest` bytes (`file_system_limit`)."""
    folder = volume.folder
    if largest > FAT_LIMIT and (volume.file_system or "").lower() in _FAT:
        raise ResourceError(
            Phrase(
                f"The disk of {folder} (FAT32) holds no file over 4.29 GB, and this one has {gigabytes(largest)}.",
                f"{folder} 所在磁盘为 FAT32 格式，单个文件不能超过 4.29 GB，而该文件有 {gigabytes(largest)}。",
            ),
            Phrase(
                "Choose a models folder on another disk (Settings, Models), or a smaller quant.",
                "请将模型文件夹设到其他磁盘（设置 → 模型），或选择更小的量化版本。",
            ),
            code="file_system_limit",
        )
    if volume.free < needed + SPARE:
        raise ResourceError(
            Phrase(
                f"{gigabytes(needed + SPARE)} must be free for this download (1 GB stays free), and the disk of "
                f"{folder} has {gigabytes(volume.free)}.",
                f"此下载需要 {gigabytes(needed + SPARE)} 可用空间（其中 1 GB 留作余量），而 {folder} 所在磁盘仅剩 "
                f"{gigabytes(volume.free)}。",
            ),
            Phrase(
                "Free some space, choose a models folder on another disk (Settings, Models), or a smaller quant.",
                "请清理磁盘空间，将模型文件夹设到其他磁盘（设置 → 模型），或选择更小的量化版本。",
            ),
            code="disk_full",
        )


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """What goes wrong with the files in `folder`, told as ResourceError (`disk_full`) or StorageError."""
    try:
        yield
    except OSError as error:
        raise disk_error(folder, error) from error


def disk_error(folder: Path, error: OSError) -> BackendError:
    """Our error for one of the system's about `folder`."""
    if error.errno in _FULL or getattr(error, "winerror", None) in _WINDOWS_FULL:
        return ResourceError(
            Phrase(f"The disk of {folder} is full.", f"{folder} 所在磁盘已满。"),
            Phrase(f"Free some space and continue. {_KEPT.en}", f"请清理磁盘空间后继续。{_KEPT.zh}"),
            code="disk_full",
        )
    if error.errno == errno.EFBIG:
        return ResourceError(
            Phrase(f"The disk of {folder} takes no file of this size.", f"{folder} 所在磁盘不支持这么大的文件。"),
            Phrase(f"Choose a models folder on another disk. {_KEPT.en}", f"请更换模型文件夹。{_KEPT.zh}"),
            code="file_system_limit",
        )
    if error.errno in _GONE:
        return gone(folder)
    said = error.strerror or type(error).__name__
    if error.errno in _FORBIDDEN:
        return StorageError(
            Phrase(f"{folder} cannot be written: {said}.", f"无法写入 {folder}：{said}。"),
            Phrase(
                "Check that you may write there and that nothing uses the file, or choose another models folder "
                "(Settings, Models).",
                "请检查写入权限以及文件是否被占用，或更换模型文件夹（设置 → 模型）。",
            ),
            code="folder_not_writable",
        )
    return StorageError(
        Phrase(f"The disk of {folder} does not work as it should: {said}.", f"{folder} 所在磁盘出现问题：{said}。"),
        Phrase(f"Check that the disk is there. {_KEPT.en}", f"请检查磁盘是否已连接。{_KEPT.zh}"),
        code="disk_failed",
    )


def gone(folder: Path) -> StorageError:
    """The error for a folder that was there a moment ago: its disk was pulled out, or somebody moved it."""
    return StorageError(
        Phrase(f"The folder {folder} is not there (any more).", f"文件夹 {folder} 已不存在。"),
        Phrase(f"Connect its disk and continue. {_KEPT.en}", f"请连接所在磁盘后继续。{_KEPT.zh}"),
        code="volume_gone",
    )


def gigabytes(count: int) -> str:
    """`count` bytes as people read them, in powers of ten as the hub counts: `4.68 GB`."""
    if count < 1e6:
        return f"{count / 1e3:.2f} kB"
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.2f} MB"
