"""Names of files out of titles, and files that stand under their name only when they are whole."""

import contextlib
import errno
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from backends.core.errors import BackendError, InvalidInput, NotFound, StorageError
from backends.core.files import disk_full, storage_error, sync_folder
from backends.core.phrase import Phrase

_LONGEST = 120  # bytes of a name without its suffix: file systems allow 255, some tools far less
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+')
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def file_name(title: str, suffix: str, usual: str) -> str:
    """A name that Windows, macOS and Linux take, out of any title; `usual` where nothing of it can be used. Windows:
    https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file"""
    sound = title.encode("utf-8", "replace").decode()
    name = " ".join(_FORBIDDEN.sub(" ", sound).split())
    name = name.encode()[:_LONGEST].decode("utf-8", "ignore").strip(" .")
    if name.split(".")[0].strip().lower() in _RESERVED:
        name = f"_{name}"
    return f"{name or usual}.{suffix}"


def free(path: Path) -> Path:
    """This path, or where something stands there already the next: "name (2).md"."""
    number, found = 1, path
    while found.exists() or found.is_symlink():
        number += 1
        found = path.with_name(f"{path.stem} ({number}){path.suffix}")
    return found


@contextlib.contextmanager
def unfinished(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """An empty file beside `path`, for this user alone, renamed to it when the block ends well, removed when it does
    not. Raises `export_error`s, also for OSErrors of the block."""
    beside: Path | None = None
    try:
        if path.is_dir():
            raise InvalidInput(Phrase(f"{path} is a folder.", f"{path} 是文件夹。"), code="is_a_folder")
        if not overwrite and (path.exists() or path.is_symlink()):
            raise _taken(path)
        if not path.parent.is_dir():
            raise _no_folder(path.parent)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".deskseek-", suffix=".part")
        os.close(descriptor)
        beside = Path(name)
        yield beside
        with open(beside, "rb+") as file:
            os.fsync(file.fileno())
        if overwrite:
            beside.replace(path)
        else:
            _rename(beside, path)
        sync_folder(path.parent)
    except OSError as error:
        raise export_error(error, path) from error
    finally:
        if beside is not None:
            with contextlib.suppress(OSError):  # it was renamed, or the disk is gone
                beside.unlink()


def export_error(error: OSError, path: Path) -> BackendError:
    """`disk_full`, `read_only`, `name_taken`, `name_too_long`, `no_folder`, `storage_failed`: about a file that the
    person named."""
    if isinstance(error, FileExistsError):
        return _taken(path)
    if isinstance(error, FileNotFoundError):
        return _no_folder(path.parent)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY):
        return StorageError(
            Phrase(f"{path} cannot be written.", f"无法写入 {path}。"),
            Phrase(
                "The folder is read-only, or another program has the file open. Choose another place.",
                "该文件夹为只读，或文件正被其他程序打开。请选择其他位置。",
            ),
            code="read_only",
        )
    if error.errno == errno.ENAMETOOLONG:
        return InvalidInput(
            Phrase("The name of the file is too long.", "文件名过长。"),
            Phrase("Choose a shorter one.", "请使用较短的文件名。"),
            code="name_too_long",
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return disk_full(path)
    return storage_error(error, path)


def _rename(beside: Path, path: Path) -> None:
    """Without writing over what somebody has put there meanwhile, where the file system knows links."""
    try:
        os.link(beside, path)
    except FileExistsError:
        raise
    except OSError:
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        beside.replace(path)


def _taken(path: Path) -> BackendError:
    return InvalidInput(
        Phrase(f"There is a file {path} already.", f"{path} 已存在。"),
        Phrase("Nothing was written over it. Choose another name.", "未覆盖该文件，请换一个名称。"),
        code="name_taken",
    )


def _no_folder(folder: Path) -> BackendError:
    return NotFound(
        Phrase(f"There is no folder {folder}.", f"文件夹 {folder} 不存在。"),
        Phrase("Choose another place.", "请选择其他位置。"),
        code="no_folder",
    )
