"""Files below a folder, one after another: however many there are, memory holds a few thousand names."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from backends.core.phrase import Phrase
from backends.documents.extract.reader import supported
from backends.documents.rows import batches
from backends.documents.types import Problem

SORTED = 4096  # names of a folder that are brought in order; more come in several such heaps
_SYSTEM = frozenset({"$RECYCLE.BIN", "System Volume Information", "__MACOSX", "node_modules", "__pycache__"})


@dataclass(frozen=True, slots=True)
class Met:
    """A file; `problem`: or what cannot be read and why. `named`: the person named this very path."""

    path: str
    problem: Problem | None = None
    named: bool = False


def walk(paths: Iterable[str | Path]) -> Iterator[Met]:
    """Those files themselves, whatever they are called, and of folders all files that are of a kind that can be read,
    with subfolders; hidden ones and what systems keep for themselves are left out. Links to folders are not followed:
    they might lead back."""
    for path in filter(str, paths):  # "" would be the folder that we are in
        name = os.path.abspath(path)  # noqa: PTH100 - Path.absolute leaves `..` in
        try:
            mode = Path(name).stat().st_mode
        except OSError as error:
            yield Met(name, unreadable(name, error), named=True)
            continue
        except ValueError:
            yield Met(name, unreadable(name, OSError("")), named=True)
            continue
        if stat.S_ISDIR(mode):
            yield from _below(name)
        elif stat.S_ISREG(mode):
            yield Met(name, named=True)
        else:
            yield Met(name, _no_file(), named=True)


def _below(folder: str) -> Iterator[Met]:
    levels = [_entries(folder)]
    while levels:
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
        elif isinstance(entry, Met):
            yield entry
        elif _is_folder(entry):
            levels.append(_entries(entry.path))
        elif supported(Path(entry.name)) and _is_file(entry):
            yield Met(entry.path)


def _entries(folder: str) -> Iterator[os.DirEntry[str] | Met]:
    """Files before folders, each by name."""
    try:
        with os.scandir(folder) as entries:
            seen = (each for each in entries if not each.name.startswith(".") and each.name not in _SYSTEM)
            for heap in batches(seen, SORTED):
                yield from sorted(heap, key=lambda each: (_is_folder(each), each.name))
    except OSError as error:
        yield Met(folder, unreadable(folder, error))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Not a pipe or a device, which would be waited for."""
    try:
        return entry.is_file()
    except OSError:
        return False


def unreadable(path: str, error: OSError) -> Problem:
    """Why the system does not give a file or folder."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Problem(
            "gone",
            Phrase("It is not there (any more).", "文件或文件夹不存在（或已被移走）。"),
            Phrase("If it lies on another drive, connect it.", "如果位于其他磁盘，请先连接该磁盘。"),
        )
    if isinstance(error, PermissionError):
        return Problem(
            "unreadable_file",
            Phrase("The system does not let DeskSeek read it.", "系统不允许 DeskSeek 读取。"),
            Phrase(
                "Check its permissions, and whether another program holds it.", "请检查权限，以及是否被其他程序占用。"
            ),
        )
    why = f" ({error.strerror})" if error.strerror else ""
    return Problem(
        "unreadable_file",
        Phrase(f"It cannot be read{why}.", f"无法读取{why}。"),
        Phrase("Check the drive it lies on.", "请检查其所在的磁盘。"),
    )


def _no_file() -> Problem:
    return Problem("unsupported_format", Phrase("This is neither a file nor a folder.", "这既不是文件，也不是文件夹。"))
