"""Models come in from this computer: a file, a folder, a USB stick, another program's store.

    for event in take_in(library, path, copy=True, cancel=token): ...

In place, nothing is written but the library's index. A copy goes to `models/imported`: read once, its sha256 taken on
the way and compared where one is known, flushed to the disk, and only then it gets its name; until then it lies in
`models/.incoming`, which a start sweeps. Whatever goes wrong, nothing half is left.
"""

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, NotFound, ResourceError, StorageError
from backends.core.files import sync_folder
from backends.core.paths import safe_join
from backends.core.phrase import NOTHING, Phrase
from backends.hardware import disk
from backends.hardware.removable import is_removable
from backends.models import elsewhere, gguf, partial, trash
from backends.models.elsewhere import Found
from backends.models.index import Checked
from backends.models.library import Library, check_file
from backends.models.quants import stem_of
from backends.models.seen import KINDS, first_part, is_folder, parts_of, sentence, stamp_of
from backends.models.space import FAT_LIMIT, SPARE, disk_error, gigabytes
from backends.models.types import LocalAdapter, LocalModel
from backends.models.verify import CHUNK, unreadable
from backends.models.walk import Budget, models

FOLDER, INCOMING = "imported", ".incoming"
DEEPEST = 8
EVERY = 32 << 20  # bytes between two events
_LOCK = "lock"
_NOT_IN_NAMES = re.compile(r"[^\w.+-]+")


@dataclass(frozen=True, slots=True)
class ImportFound:
    """What is about to be taken in. `removable`: it lies on a disk that may be pulled out, so a copy is better."""

    files: int
    size: int
    removable: bool


@dataclass(frozen=True, slots=True)
class ImportProgress:
    done: int  # bytes of all files
    total: int
    file: str


@dataclass(frozen=True, slots=True)
class ImportLink:
    """It was a link, not a path: `ref` is what to download."""

    ref: str


@dataclass(frozen=True, slots=True)
class ImportFinished:
    """`skipped`: what was there and is no model for this engine, and why."""

    models: tuple[LocalModel, ...]
    adapters: tuple[LocalAdapter, ...] = ()
    skipped: tuple[tuple[Path, Phrase], ...] = ()


ImportEvent = ImportFound | ImportProgress | ImportLink | ImportFinished


def take_in(library: Library, path: Path, *, copy: bool, cancel: CancelToken) -> Iterator[ImportEvent]:
    """Take in what `path` is or holds; the last event is `ImportFinished`.

    Raises NotFound (`file_not_found`, `no_model_there`), InvalidInput (as `gguf.check`, for a single file),
    StorageError (`file_not_readable`, also when its disk is pulled out), ResourceError (`disk_full`,
    `file_system_limit`).
    """
    path = path.expanduser().absolute()
    foreign = elsewhere.described(path) if is_folder(path) else ()
    candidates = list(foreign) or [Found(each, "own") for each in _files(path)]
    good: list[Found] = []
    adapters: list[Path] = []
    skipped: list[tuple[Path, Phrase]] = []
    for found in candidates:
        cancel.check()
        try:
            if found.problem != NOTHING:
                skipped.append((found.path, found.problem))
            else:
                gguf.check(found.path, KINDS)
                good.append(found)
        except BackendError as error:
            if error.code == "is_adapter":
                adapters.append(found.path)
            elif is_folder(path):
                skipped.append((found.path, sentence(error)))
            else:
                raise
    if not (good or adapters or skipped):
        raise _nothing_there(path)
    size = sum(each for found in good for each, _ in stamp_of(found.path))
    yield ImportFound(len(good), size, is_removable(path))
    if copy:
        taken = yield from _copies(library, good, size, cancel)
    elif foreign:
        library.add_folder(path)
        here = {model.path: model for model in library.models()}
        taken = [here[found.path] for found in good if found.path in here]
    else:
        taken = library.add_all([found.path for found in good])
    yield ImportFinished(tuple(taken), tuple(library.add_adapter(each) for each in adapters), tuple(skipped))


def sweep(folder: Path) -> None:
    """Remove what copies that were cut short have left in the models folder; not what one is writing right now."""
    try:
        left = [each for each in (folder / INCOMING).iterdir() if each.is_dir()]
    except OSError:
        return
    for each in left:
        try:
            with filelock.FileLock(each / _LOCK, timeout=0):
                pass
        except (filelock.Timeout, OSError):
            continue
        shutil.rmtree(each, ignore_errors=True)


def _files(path: Path) -> list[Path]:
    if is_folder(path):
        return list(models(path, DEEPEST, Budget(seconds=60.0)))
    check_file(first_part(path))
    return [first_part(path)]


# ---- copies


def _copies(
    library: Library, good: list[Found], total: int, cancel: CancelToken
) -> Generator[ImportEvent, None, list[LocalModel]]:
    folder = library.folder
    largest = max((size for found in good for size, _ in stamp_of(found.path)), default=0)
    with _copy_errors(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_room(folder, total, largest)
        incoming = folder / INCOMING / secrets.token_hex(8)
        incoming.mkdir(mode=0o700, parents=True)
    taken: list[LocalModel] = []
    done = 0
    try:
        with filelock.FileLock(incoming / _LOCK, timeout=0, thread_local=False):
            for found in good:
                hashes: list[str] = []
                for part in parts_of(found.path):
                    copying = _copy(part, incoming / part.name, cancel)
                    try:
                        while True:
                            yield ImportProgress(done + next(copying), total, part.name)
                    except StopIteration as end:
                        hashes.append(end.value)
                    done += (incoming / part.name).stat().st_size
                    yield ImportProgress(done, total, part.name)
                if found.sha256 is not None and hashes != [found.sha256]:
                    raise _other_bytes(found)
                taken.append(_settle(library, found, incoming, tuple(hashes)))
    finally:
        shutil.rmtree(incoming, ignore_errors=True)  # if the disk refuses, a start sweeps
        with contextlib.suppress(OSError):
            incoming.parent.rmdir()
    return taken


def _copy(source: Path, target: Path, cancel: CancelToken) -> Generator[int, None, str]:
    """Copies, flushes to the disk, gives the sha256; says now and then how many bytes it has come."""
    sha256, done, last = hashlib.sha256(), 0, 0
    try:
        reading = source.open("rb", buffering=0)
        size = source.stat().st_size
    except OSError as error:
        raise unreadable(source, error) from error
    with reading, _copy_errors(target.parent.parent.parent), target.open("xb", buffering=0) as writing:
        while True:
            cancel.check()
            try:
                chunk = reading.read(CHUNK)
            except OSError as error:
                raise unreadable(source, error) from error
            if not chunk:
                break
            sha256.update(chunk)
            writing.write(chunk)
            done += len(chunk)
            if done - last >= EVERY:
                last = done
                yield done
        os.fsync(writing.fileno())
    if done != size:
        raise unreadable(source, OSError(0, "it became shorter while it was read"))
    return sha256.hexdigest()


def _settle(library: Library, found: Found, incoming: Path, hashes: tuple[str, ...]) -> LocalModel:
    """Give the copy its name, the first file last; or find that the very same one is here."""
    here = next((m for m in library.models() if len(hashes) == 1 and m.sha256 == hashes[0] and _in(library, m)), None)
    if here is not None and here.problem == NOTHING:
        for part in parts_of(found.path):
            (incoming / part.name).unlink()
        return here
    stem = _NOT_IN_NAMES.sub("-", found.name or stem_of(found.path.name)).strip("-.")[:120] or "model"
    parts = parts_of(found.path)
    home, number = safe_join(library.folder, FOLDER, stem), 2
    while home.exists():
        home, number = safe_join(library.folder, FOLDER, f"{stem}-{number}"), number + 1
    names = [part.name if part.name.lower().endswith(".gguf") else f"{stem}.gguf" for part in parts]
    targets = [safe_join(library.folder, FOLDER, home.name, name) for name in names]
    header = gguf.check(incoming / parts[0].name, KINDS)
    pieces = tuple(
        partial.FilePart(name, (incoming / part.name).stat().st_size, sha256, "", checked=True)
        for name, part, sha256 in zip(names, parts, hashes, strict=True)
    )
    with _copy_errors(library.folder):
        home.mkdir(mode=0o700, parents=True)
        partial.write_receipt(targets[0], partial.Record("", found.source, "", header.quant, pieces, origin="own"))
        for part, target in reversed(list(zip(parts, targets, strict=True))):
            (incoming / part.name).rename(target)
        sync_folder(home)
    library.rescan()
    model = library.find(targets[0])
    verdict = "matches" if found.sha256 else "remembered"
    return library.record_check(model, Checked(stamp_of(model.path), hashes, time.time(), verdict))


def _in(library: Library, model: LocalModel) -> bool:
    return model.path.is_relative_to(library.folder)


@contextlib.contextmanager
def _copy_errors(folder: Path) -> Iterator[None]:
    """As `disk_errors`, but of a copy nothing is kept."""
    try:
        yield
    except OSError as error:
        told = disk_error(folder, error)
        raise type(told)(
            told.message,
            Phrase(
                "Nothing half was left. Free some space or check the disk, then try again; or use the model where it "
                "lies.",
                "未留下不完整的文件。请清理空间或检查磁盘后重试，或直接使用原位置的模型。",
            ),
            code=told.code,
        ) from error


def _check_room(folder: Path, needed: int, largest: int) -> None:
    volume = disk.read(folder)
    if largest > FAT_LIMIT and (volume.file_system or "").lower() in {"vfat", "msdos", "fat", "fat32"}:
        raise ResourceError(
            Phrase(
                f"The disk of {folder} (FAT32) holds no file over 4.29 GB, and one of these has {gigabytes(largest)}.",
                f"{folder} 所在磁盘为 FAT32 格式，单个文件不能超过 4.29 GB，而其中一个文件有 {gigabytes(largest)}。",
            ),
            Phrase(
                "Use the model where it lies, or choose a models folder on another disk (Settings, Models).",
                "请直接使用原位置的模型，或将模型文件夹设到其他磁盘（设置 → 模型）。",
            ),
            code="file_system_limit",
        )
    missing = needed + SPARE - volume.free
    if missing > 0 and trash.make_room(folder, missing) < missing:
        raise ResourceError(
            Phrase(
                f"{gigabytes(needed + SPARE)} must be free for a copy (1 GB stays free), and the disk of {folder} has "
                f"{gigabytes(volume.free)}.",
                f"复制需要 {gigabytes(needed + SPARE)} 可用空间（其中 1 GB 留作余量），而 {folder} 所在磁盘仅剩 "
                f"{gigabytes(volume.free)}。",
            ),
            Phrase(
                "Use the model where it lies, or free some space.",
                "请直接使用原位置的模型，或清理磁盘空间。",
            ),
            code="disk_full",
        )


def _nothing_there(folder: Path) -> NotFound:
    return NotFound(
        Phrase(f"There is no GGUF model in {folder}.", f"{folder} 中没有 GGUF 模型。"),
        Phrase("DeskSeek runs models in the GGUF format (.gguf).", "DeskSeek 运行 GGUF 格式（.gguf）的模型。"),
        code="no_model_there",
    )


def _other_bytes(found: Found) -> StorageError:
    return StorageError(
        Phrase(
            f"{found.name or found.path.name} is damaged: its sha256 is not what it should be. Nothing was copied.",
            f"{found.name or found.path.name} 已损坏：sha256 校验失败。未复制任何内容。",
        ),
        Phrase("Fetch it again where it comes from.", "请从其来源重新获取。"),
        code="checksum_mismatch",
    )
