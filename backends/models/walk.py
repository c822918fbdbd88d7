"""Looking through folders that others fill: bounded in depth, number and time, and never in a circle.

A folder may be a link into itself, hold ten thousand files or lie on a network that has gone away. What was found
until then counts; an unreadable folder holds nothing.
"""

import itertools
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from backends.models.quants import is_model, part_of

MOST_FOLDERS = 5_000
MOST_ENTRIES = 100_000
LONGEST = 5.0  # seconds for all the folders of one program
LARGEST_TEXT = 1 << 20  # bytes of a settings file or a manifest
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Budget:
    """What one look may cost. `clock` counts seconds; `spent` says that it was cut short."""

    folders: int = MOST_FOLDERS
    entries: int = MOST_ENTRIES
    seconds: float = LONGEST
    clock: Callable[[], float] = time.monotonic
    spent: bool = False
    _ends: float = field(init=False)

    def __post_init__(self) -> None:
        self._ends = self.clock() + self.seconds

    def take(self, entries: int) -> bool:
        """Whether one more folder, of so many entries, may be looked at."""
        self.folders -= 1
        self.entries -= entries
        if self.folders < 0 or self.entries < 0 or self.clock() > self._ends:
            self.spent = True
        return not self.spent


Failed = Callable[[Path, OSError], None]


def _quietly(folder: Path, error: OSError) -> None:
    log.debug("%s is not looked at: %s", folder, error)


def files(root: Path, deepest: int, budget: Budget, failed: Failed = _quietly) -> Iterator[Path]:
    """Every file under `root`, at most `deepest` folders down, by name. Hidden ones are left out; links to folders are
    followed, but no folder is entered twice. `failed` is told of folders that cannot be read."""
    seen: set[tuple[int, int]] = set()
    pending = [(root, 0)]
    while pending:
        folder, depth = pending.pop()
        try:
            status = folder.stat()
            with os.scandir(folder) as listing:
                entries = sorted(itertools.islice(listing, max(0, budget.entries) + 1), key=lambda entry: entry.name)
        except OSError as error:
            failed(folder, error)
            continue
        place = (status.st_dev, status.st_ino)
        if place in seen and status.st_ino:
            continue
        seen.add(place)
        if not budget.take(len(entries)):
            log.warning("%s holds too much, or answers too slowly: not all of it was looked at", root)
            return
        for entry in reversed(entries):
            if not entry.name.startswith(".") and depth < deepest and _is_folder(entry):
                pending.append((folder / entry.name, depth + 1))
        for entry in entries:
            if not entry.name.startswith(".") and _is_file(entry):
                yield folder / entry.name


def models(root: Path, deepest: int, budget: Budget, failed: Failed = _quietly) -> Iterator[Path]:
    """The first files of the models under `root`."""
    found = [path for path in files(root, deepest, budget, failed) if is_model(path.name)]
    there = {str(path) for path in found}
    for path in found:
        if not follows(path, there):
            yield path


def follows(path: Path, there: Iterable[str]) -> bool:
    """Whether a file is a part of a split of which an earlier one is among the paths `there`."""
    part = part_of(path.name)
    return part is not None and any(str(path.with_name(part.name(number))) in there for number in range(1, part.number))


def text(path: Path) -> str | None:
    """A small text file, as it is; None if it cannot be read, or is no small text."""
    try:
        with path.open("rb") as file:
            head = file.read(LARGEST_TEXT + 1)
        return None if len(head) > LARGEST_TEXT else head.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        log.debug("%s is not read: %s", path, error)
        return None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False
