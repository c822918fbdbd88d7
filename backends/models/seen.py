"""What the header of a file said, and by which the file is known to be the same still.

Reading a header takes milliseconds; hundreds of them, seconds. So each is read once, and again only when the size or
the time of change of one of its parts is another.
"""

import stat
from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from backends.core.errors import BackendError, InvalidInput, NotFound
from backends.core.phrase import NOTHING, Phrase
from backends.models import adapters, gguf
from backends.models.quants import part_of
from backends.models.types import Kind, LocalModel

KINDS: tuple[Kind, ...] = get_args(Kind)
Stamp = tuple[tuple[int, int], ...]
"""Of each part that is there: its size, its time of change in ns."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a file said when it was last read."""

    stamp: Stamp
    name: str = ""
    architecture: str = ""
    quant: str = ""
    context_train: int = 0
    problem: Phrase = NOTHING
    code: str = ""  # of the problem
    kind: Kind | Literal["adapter"] = "chat"
    width: int = 0  # of the embedding; 0 if the file does not tell

    @property
    def size(self) -> int:
        return sum(size for size, _ in self.stamp)


def look(path: Path, memory: MutableMapping[Path, Seen]) -> Seen:
    """What the file at `path` (the first of a split) says, from `memory` if it is still the same. Raises nothing."""
    stamp = stamp_of(path)
    seen = memory.get(path)
    if seen is not None and stamp and seen.stamp == stamp:
        return seen
    if not stamp:
        gone = Phrase(
            f"The file is not there any more: {path}. If it is on another disk, connect that.",
            f"文件已不存在：{path}。如果它在其他磁盘上，请连接该磁盘。",
        )
        return replace(seen or Seen(()), problem=gone, code="file_not_found")
    try:
        seen = _read(path, stamp)
    except InvalidInput as error:
        seen = Seen(stamp, problem=sentence(error), code=error.code)
    except BackendError as error:  # of the disk, not of the file: not to be remembered
        return Seen(stamp, problem=sentence(error), code=error.code)
    memory[path] = seen
    return seen


def _read(path: Path, stamp: Stamp) -> Seen:
    try:
        header = gguf.check(path, KINDS)
    except InvalidInput as error:
        if error.code != "is_adapter":
            raise
        adapter = adapters.check_adapter(path)
        return Seen(stamp, adapter.name, adapter.architecture, kind="adapter", width=adapter.width)
    return Seen(
        stamp,
        header.name,
        header.architecture,
        header.quant,
        header.context_train,
        kind=header.kind,
        width=header.shape.embedding,
    )


def file_of(model: LocalModel) -> Path:
    """Where its file is; NotFound (`file_missing`), in the words of what is known of it, if it is not there."""
    if not model.path.is_file() and model.problem.en:
        raise NotFound(model.problem, code="file_missing")
    return model.path


def is_folder(path: Path) -> bool:
    """Whether there is one; False for names that no file system takes, which reading them as files says."""
    try:
        return path.is_dir()
    except OSError:
        return False


def parts_of(path: Path) -> list[Path]:
    """All files of the model whose first file is `path`."""
    part = part_of(path.name)
    if part is None or part.count > gguf.MOST_PARTS:
        return [path]
    return [path.with_name(part.name(number)) for number in range(1, part.count + 1)]


def first_part(path: Path) -> Path:
    part = part_of(path.name)
    return path if part is None else path.with_name(part.name(1))


def stamp_of(path: Path) -> Stamp:
    """Of every part that is there; empty if the first is not."""
    found = []
    for part in parts_of(path):
        try:
            status = part.stat()
        except OSError:
            if part == path:
                return ()
            continue
        found.append((status.st_size, status.st_mtime_ns))
    return tuple(found)


def never_ends(path: Path) -> bool:
    """A pipe, a device, a socket: whoever opens or reads it may wait for ever."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def sentence(error: BackendError) -> Phrase:
    """What is wrong and what to do, in one."""
    if error.hint == NOTHING:
        return error.message
    return Phrase(f"{error.message.en} {error.hint.en}", f"{error.message.zh}{error.hint.zh}")
