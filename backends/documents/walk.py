"""Files below a folder, one after another: however many there are, memory holds a few thousand names."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.phrase import Phrase
from backends.documents.looking import Listed, Visit, Wanted
from backends.documents.rows import batches
from backends.documents.types import Problem

_AT_ONCE = 64  # paths that are looked at together


@dataclass(frozen=True, slots=True)
class Met:
    """A file; `problem`: or what cannot be read and why. `named`: the person named this very path. `link`: it may lead
    to a file, or to anything else."""

    path: str
    problem: Problem | None = None
    named: bool = False
    link: bool = False


def walk(visit: Visit, paths: Iterable[str | Path], *, cancel: CancelToken) -> Iterator[Met]:
    """Those files themselves, whatever they are called, and of folders all files that are of a kind that can be read,
    with subfolders; hidden ones and what systems keep for themselves are left out. Links to folders are not followed:
    they might lead back. Raises Cancelled."""
    names = (os.path.abspath(path) for path in paths if str(path))  # noqa: PTH100 - Path.absolute leaves `..` in
    for some in batches(names, _AT_ONCE):
        for look in list(visit.look([Wanted(name) for name in some], cancel=cancel)):
            if look.problem is not None:
                yield Met(look.path, look.problem, named=True)
            elif look.kind == "folder":
                yield from _below(visit, look.path, cancel)
            elif look.kind == "file":
                yield Met(look.path, named=True)
            else:
                yield Met(look.path, _no_file(), named=True)


def _below(visit: Visit, folder: str, cancel: CancelToken) -> Iterator[Met]:
    """Files before folders, each by name. A folder that cannot be read has a problem, and the rest go on."""
    folders = [folder]
    while folders:
        here = folders.pop()
        inside: list[str] = []
        for listed in visit.names(here, cancel=cancel):
            if isinstance(listed, Listed):
                yield from (Met(os.path.join(here, name)) for name in listed.files)  # noqa: PTH118 - many
                yield from (Met(os.path.join(here, name), link=True) for name in listed.links)  # noqa: PTH118
                inside += listed.folders
            else:
                yield Met(here, listed)
        folders += (os.path.join(here, name) for name in sorted(inside, reverse=True))  # noqa: PTH118


def _no_file() -> Problem:
    return Problem("unsupported_format", Phrase("This is neither a file nor a folder.", "这既不是文件，也不是文件夹。"))
