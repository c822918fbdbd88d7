"""Deleted models that may still be put back: `models/.trash`, on the same volume, so that both take no time.

    .trash/5f3a…/record.json     what was deleted, when, where each file belongs, and what is being done with it
    .trash/5f3a…/0, 1, …         the files

Every step is a rename, and the record says beforehand which ones are to come: a process that is killed in between
leaves something that the next look takes to its end (`settle`). The files are erased when somebody says so, when a
download needs the room, or a day later.
"""

import contextlib
import json
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from backends.core.errors import BackendError, InvalidInput, NotFound
from backends.core.files import sync_folder
from backends.core.paths import safe_join
from backends.core.phrase import Phrase
from backends.models.space import disk_errors
from backends.models.types import Deleted

FOLDER = ".trash"
DAY = 86_400.0  # seconds until a deleted model is erased at a start
_KEY = re.compile(r"[0-9a-f]{16}")
_RECORD, _GONE = "record.json", ".gone"
State = Literal["going", "here", "returning"]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A deleted model as its record says it. `places`: of each file, relative to the models folder."""

    name: str
    size: int
    when: float
    places: tuple[str, ...]
    state: State

    def targets(self, models: Path) -> list[Path]:
        return [safe_join(models, *place.split("/")) for place in self.places]


def put(models: Path, name: str, files: Sequence[Path], now: float | None = None) -> Deleted:
    """Take these files, all under `models`, out of sight. The first is the one without which the others are no model.

    Raises StorageError if the disk refuses (a file that is in use, on Windows); then all of them are where they were.
    """
    there = [file for file in files if file.exists()]
    places = tuple(file.relative_to(models).as_posix() for file in there)
    size = sum(file.stat().st_size for file in there)
    when = time.time() if now is None else now
    folder = models / FOLDER / secrets.token_hex(8)
    kept = _Kept(name, size, when, places, "going")
    kept.targets(models)  # refuses what leads out of the folder
    with disk_errors(models):
        folder.mkdir(mode=0o700, parents=True)
        _write(folder, kept)
        try:
            _move(models, folder, kept)
        except OSError:
            _return(models, folder, kept)
            raise
        _write(folder, replace(kept, state="here"))
        for parent in {file.parent for file in there}:
            _remove_empty(models, parent)
    return _deleted(folder, kept)


def _deleted(folder: Path, kept: _Kept) -> Deleted:
    file = kept.places[0].rpartition("/")[2] if kept.places else ""
    return Deleted(folder.name, kept.name, kept.size, kept.when, file)


def put_back(models: Path, key: str) -> Path:
    """Everything where it was; gives the first file. NotFound (`not_deleted`), InvalidInput (`place_taken`)."""
    folder, kept = _find(models, key)
    targets = kept.targets(models)
    for number, target in enumerate(targets):
        if target.exists() and (folder / str(number)).exists():
            raise InvalidInput(
                Phrase(f"{target.name} is there again.", f"{target.name} 已经重新存在。"),
                Phrase("Delete that one first to get the former back.", "请先删除它，再恢复之前的版本。"),
                code="place_taken",
            )
    with disk_errors(models):
        _return(models, folder, kept)
    return targets[0]


def listed(models: Path) -> tuple[Deleted, ...]:
    """What can be put back, the last deleted first."""
    found = [_deleted(folder, kept) for folder, kept in _all(models)]
    return tuple(sorted(found, key=lambda each: (-each.when, each.key)))


def erase(models: Path, key: str) -> int:
    """For good; gives the bytes that are free now. NotFound (`not_deleted`)."""
    folder, kept = _find(models, key)
    with disk_errors(models):
        _erase(folder)
    return kept.size


def erase_all(models: Path, before: float | None = None) -> int:
    """Everything, or what was deleted `before` (seconds since 1970); gives the bytes that are free now."""
    return sum(erase(models, each.key) for each in listed(models) if before is None or each.when < before)


def make_room(models: Path, needed: int) -> int:
    """Erase what was deleted first until `needed` bytes are free again, or nothing is left; gives how many are."""
    freed = 0
    for each in reversed(listed(models)):
        if freed >= needed:
            break
        freed += erase(models, each.key)
    return freed


def settle(models: Path) -> None:
    """Take to its end what was cut short. What the disk refuses now is tried again the next time."""
    for folder in _folders(models):
        if folder.name.endswith(_GONE):
            shutil.rmtree(folder, ignore_errors=True)
            continue
        kept = _read(folder)
        if kept is None or kept.state == "here":
            continue
        try:
            with disk_errors(models):
                if kept.state == "returning":
                    _return(models, folder, kept)
                else:
                    _move(models, folder, kept)
                    _write(folder, replace(kept, state="here"))
        except BackendError as error:
            log.warning("%s", error)


def _return(models: Path, folder: Path, kept: _Kept) -> None:
    """Every file whose place is free goes there; what has none stays deleted, to be put back another time."""
    _write(folder, replace(kept, state="returning"))
    _move(models, folder, replace(kept, state="returning"))
    if any((folder / str(number)).exists() for number in range(len(kept.places))):
        _write(folder, replace(kept, state="here"))
    else:
        _erase(folder)


def _move(models: Path, folder: Path, kept: _Kept) -> None:
    """The files that are not yet where they should be. A place that is taken anew meanwhile is left alone."""
    pairs = [(target, folder / str(number)) for number, target in enumerate(kept.targets(models))]
    if kept.state == "returning":
        pairs = [(away, target) for target, away in reversed(pairs)]
    for source, target in pairs:
        if source.exists() and not target.exists():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            source.rename(target)
    for parent in {target.parent for _, target in pairs}:
        sync_folder(parent)


def _erase(folder: Path) -> None:
    """Out of the list first, whole: half an erased model must not be offered."""
    gone = folder.with_name(folder.name + _GONE)
    folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _find(models: Path, key: str) -> tuple[Path, _Kept]:
    folder = models / FOLDER / key
    kept = _read(folder) if _KEY.fullmatch(key) else None
    if kept is None:
        raise NotFound(
            Phrase("This model cannot be put back: it has been erased.", "该模型已被彻底删除，无法恢复。"),
            Phrase("Download it again.", "请重新下载。"),
            code="not_deleted",
        )
    return folder, kept


def _all(models: Path) -> Iterator[tuple[Path, _Kept]]:
    for folder in _folders(models):
        kept = _read(folder) if _KEY.fullmatch(folder.name) else None
        if kept is not None and kept.state != "returning":
            yield folder, kept


def _folders(models: Path) -> list[Path]:
    try:
        return sorted(folder for folder in (models / FOLDER).iterdir() if folder.is_dir())
    except OSError:
        return []


def _write(folder: Path, kept: _Kept) -> None:
    fresh = folder / (_RECORD + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(asdict(kept), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / _RECORD)
    sync_folder(folder)


def _read(folder: Path) -> _Kept | None:
    try:
        data: Any = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        kept = _Kept(
            name=str(data["name"]),
            size=int(data["size"]),
            when=float(data["when"]),
            places=tuple(map(str, data["places"])),
            state=data["state"],
        )
        if kept.state not in get_args(State) or not kept.places:
            raise ValueError("not what was written")
        kept.targets(folder.parent.parent)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, InvalidInput) as error:
        log.warning("the deleted model in %s cannot be put back: %s", folder, error)
        return None
    return kept


def _remove_empty(models: Path, folder: Path) -> None:
    while folder != models and folder.is_relative_to(models):
        with contextlib.suppress(OSError):
            folder.rmdir()
        if folder.exists():
            return
        folder = folder.parent
