"""What a download leaves on the disk, so that it survives anything: pause, kill -9, a full disk.

    models/unsloth--DeepSeek-R1-GGUF/
        R1-Q4_K_M.gguf.part         the bytes so far
        R1-Q4_K_M.gguf.part.map     which of them are there (`blocks`)
        R1-Q4_K_M.gguf.part.json    the record: where they come from, how many there will be, their sha256

When all bytes are there and are the right ones, the part gets its name and the record becomes the receipt,
`R1-Q4_K_M.gguf.json`, from which the library knows where a model came from. Of a split (`-00001-of-00003`) each file
has its part, and the one record carries the name of the first. No file of a split gets its name before all are right.

A model may be used as soon as its sum is right; that its bytes last (`settling`) may take the disk another minute. If
the power goes in between, the receipt tells, and the model becomes a download that is looked through and mended.

When the hub has newer bytes under a name that is here already, they come to lie beside the old ones, in a folder named
by the publisher's commit (`unsloth--DeepSeek-R1-GGUF/1a2b3c4d/R1-Q4_K_M.gguf`): two versions of one model.
"""

import contextlib
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import filelock

from backends.core.errors import InvalidInput, Unavailable
from backends.core.files import sync_folder
from backends.core.paths import safe_join
from backends.core.phrase import Phrase
from backends.models import blocks
from backends.models.boot import still_runs
from backends.models.quants import quant_of
from backends.models.space import disk_errors
from backends.models.types import ModelFile

log = logging.getLogger(__name__)

PART = ".part"
RECORD = ".part.json"
RECEIPT = ".json"
_LOCKS = ".locks"
_ORIGINS = ("downloaded", "own", "quantised")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class FilePart:
    """One file to fetch. `file` is its path in the repository; `sha256` None where the hub gives none.

    `blocks`: once checked, the CRC of each block (`blocks.BlockMap.checks`), by which damage is found and mended.
    """

    file: str
    size: int
    sha256: str | None
    etag: str
    checked: bool = False  # all bytes are here, and they are the right ones
    blocks: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A download as it is written beside its bytes; once finished, the receipt of a model."""

    endpoint: str
    repo: str
    commit: str
    quant: str
    parts: tuple[FilePart, ...]
    version: str = ""  # the folder of a later version, 8 hexadecimal digits; "" for the first
    origin: str = "downloaded"  # or `quantised`, made here; or `own`, copied here: see `Origin`
    boot: float = 0.0  # of a receipt: when the machine was started that has not flushed the bytes yet; 0: it has

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts)

    @property
    def finished(self) -> bool:
        return all(part.checked for part in self.parts)

    @property
    def verified(self) -> bool:
        """Every byte was compared with a sha256 that the hub gave."""
        return self.finished and self.origin == "downloaded" and all(part.sha256 for part in self.parts)

    @property
    def sha256(self) -> str | None:
        return self.parts[0].sha256 if len(self.parts) == 1 else None

    @property
    def model_file(self) -> ModelFile:
        names = tuple(part.file for part in self.parts)
        return ModelFile(self.quant, names[0], self.size, self.sha256, names if len(names) > 1 else ())

    def with_checked(self, file: str, blocks: str = "") -> "Record":
        return replace(
            self, parts=tuple(replace(p, checked=True, blocks=blocks) if p.file == file else p for p in self.parts)
        )


@dataclass(frozen=True, slots=True)
class PendingDownload:
    """A download that was begun and may be continued. `path` is where the model will be."""

    repo: str
    file: ModelFile
    path: Path
    done: int  # bytes
    total: int
    endpoint: str


def place(models: Path, repo: str, file: str, version: str = "") -> Path:
    """Where a file of a repository belongs: `models/org--name/file`, a later version one folder deeper. A bad name is
    refused (SEC-24).

    A file named by its folder alone (`Q4_K_M/model.gguf`) takes the folder's name along, else two would meet.
    """
    folder, _, name = file.rpartition("/")
    if folder and not quant_of(name):
        name = f"{folder.replace('/', '--')}--{name}"
    folders = (repo.replace("/", "--"), version) if version else (repo.replace("/", "--"),)
    return safe_join(models, *folders, name)


def version_of(commit: str) -> str:
    """How a commit is called in the names of folders and models: its first 8 digits. "" for none."""
    if not commit or _VERSION.match(commit):
        return commit[:8]
    return hashlib.sha256(commit.encode()).hexdigest()[:8]


def version_for(models: Path, record: Record) -> str:
    """The folder for what `record` would bring: "" (the plain place) unless a model of other bytes has that already."""
    first = place(models, record.repo, record.parts[0].file)
    there = read_record(first, RECEIPT)
    if there is None or not first.exists() or same_files(there, record):
        return ""
    return version_of(record.commit or record.sha256 or record.parts[0].etag)


def same_files(one: Record, other: Record) -> bool:
    """Whether two records speak of the same bytes: by sha256 where both have one (a mirror may give other ETags),
    else by ETag."""
    return len(one.parts) == len(other.parts) and all(map(same_file, one.parts, other.parts))


def same_file(one: FilePart, other: FilePart) -> bool:
    same_bytes = one.sha256 == other.sha256 if one.sha256 and other.sha256 else one.etag == other.etag
    return same_bytes and (one.file, one.size) == (other.file, other.size)


def part_path(target: Path) -> Path:
    return target.with_name(target.name + PART)


def map_path(target: Path) -> Path:
    return target.with_name(target.name + blocks.MAP)


def read_record(target: Path, suffix: str = RECORD) -> Record | None:
    """The record (or the receipt) beside `target`; None if there is none or it makes no sense."""
    path = target.with_name(target.name + suffix)
    try:
        return _parse(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("the record %s cannot be used: %s", path, error)
        return None


def write_record(target: Path, record: Record, suffix: str = RECORD) -> None:
    """Put the record (or the receipt) beside `target`, whole or not at all."""
    path = target.with_name(target.name + suffix)
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(asdict(record), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def write_receipt(target: Path, record: Record) -> None:
    """Put the receipt of a model beside it that came by no download: made here, or copied here."""
    write_record(target, record)
    target.with_name(target.name + RECORD).replace(target.with_name(target.name + RECEIPT))
    sync_folder(target.parent)


def arrived(models: Path, record: Record, part: FilePart) -> int:
    """Bytes of this file on the disk, in its part or, once checked, under its name."""
    target = place(models, record.repo, part.file, record.version)
    for path in (part_path(target), target) if part.checked else ():
        if path.exists():
            return min(path.stat().st_size, part.size)
    begun = part_path(target)
    return blocks.arrived(map_path(target), part.size, begun.stat().st_size) if begun.exists() else 0


def publish(models: Path, target: Path, record: Record) -> None:
    """Give the parts their names, the first file of a split last, and turn the record into the receipt.

    May be cut short anywhere and called again.
    """
    for part in reversed(record.parts):
        path = place(models, record.repo, part.file, record.version)
        if part_path(path).exists():
            part_path(path).replace(path)
        map_path(path).unlink(missing_ok=True)
    target.with_name(target.name + RECORD).replace(target.with_name(target.name + RECEIPT))


def pending(models: Path) -> list[PendingDownload]:
    """Downloads that were begun and not finished, by name. One cut short in its last moment is finished here."""
    found: list[PendingDownload] = []
    for path in sorted([*models.glob(f"*/*{RECORD}"), *models.glob(f"*/*/*{RECORD}")]):
        target = path.with_name(path.name.removesuffix(RECORD))
        record = read_record(target)
        if record is None or not belongs(models, target, record):
            continue
        if record.finished and _settled(models, target, record):
            continue
        done = sum(arrived(models, record, part) for part in record.parts)
        found.append(PendingDownload(record.repo, record.model_file, target, done, record.size, record.endpoint))
    return found


def begun(models: Path, repo: str, file: str) -> list[Record]:
    """The records of unfinished downloads of this file, of every version."""
    first = place(models, repo, file)
    folders = sorted(first.parent.iterdir()) if first.parent.is_dir() else []
    targets = [first, *(folder / first.name for folder in folders if _VERSION.fullmatch(folder.name))]
    records = [(target, read_record(target)) for target in targets]
    return [record for target, record in records if record is not None and belongs(models, target, record)]


def discard(models: Path, file: Path) -> None:
    """Forget a download: its parts and its record go. `file` is the `path` of the pending one.

    Unavailable (`download_running`) while it runs.
    """
    target = safe_join(models, *file.relative_to(models).parts)
    with disk_errors(target.parent), claim(models, target):
        record = read_record(target)
        if record is None or not belongs(models, target, record):
            remove(models, target, (), "")
        else:
            remove(models, target, [part.file for part in record.parts], record.repo, record.version)


def remove(models: Path, target: Path, names: Iterable[str], repo: str, version: str = "") -> None:
    """Remove what is begun of these files of `repo`, and the record; the folder too if nothing else is in it."""
    for path in {target, *(place(models, repo, name, version) for name in names)}:
        remove_begun(path)
    target.with_name(target.name + RECORD).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        target.parent.rmdir()


def remove_begun(target: Path) -> None:
    part_path(target).unlink(missing_ok=True)
    map_path(target).unlink(missing_ok=True)


@contextlib.contextmanager
def claim(models: Path, target: Path) -> Iterator[None]:
    """Be the only one, of all threads and processes, who works on this file; Unavailable if somebody does.

    All versions of a file share one. The lock is the system's: it goes with its owner, however that dies. Its file
    stays (a name that is removed while others wait for it would be two locks).
    """
    folder = models / _LOCKS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    home = target.parent.parent if _is_version(models, target) else target.parent
    name = hashlib.sha256(f"{home.name}/{target.name}".encode()).hexdigest()[:32]
    lock = filelock.FileLock(folder / f"{name}.lock", timeout=0, thread_local=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise Unavailable(
            Phrase(f"{target.name} is being downloaded already.", f"{target.name} 正在下载中。"),
            Phrase("Wait for it, or pause it where it runs.", "请等待其完成，或在运行处将其暂停。"),
            code="download_running",
        ) from None
    try:
        yield
    finally:
        lock.release()


def _is_version(models: Path, target: Path) -> bool:
    return bool(_VERSION.fullmatch(target.parent.name)) and target.parent.parent.parent == models


def belongs(models: Path, target: Path, record: Record) -> bool:
    """Whether the record speaks of the file it lies beside. One from elsewhere must not lead to other files."""
    try:
        return place(models, record.repo, record.parts[0].file, record.version) == target
    except InvalidInput:
        return False


def _settled(models: Path, target: Path, record: Record) -> bool:
    """Finish what was cut short between the last check and the names. False if somebody is at it, or files are gone."""
    if not still_runs(record.boot) or sum(arrived(models, record, part) for part in record.parts) != record.size:
        return False
    try:
        with claim(models, target):
            publish(models, target, record)
    except Unavailable:
        return False
    except OSError as error:
        log.warning("%s is whole but does not get its name: %s", target, error)
        return False
    return True


def _parse(data: object) -> Record:
    if not isinstance(data, dict):
        raise TypeError("not an object")
    parts = tuple(FilePart(**part) for part in data.pop("parts"))
    record = Record(**data, parts=parts)
    texts = [
        record.endpoint,
        record.repo,
        record.commit,
        record.quant,
        record.version,
        record.origin,
        *(p.file for p in parts),
        *(p.etag for p in parts),
    ]
    sizes_fit = all(type(part.size) is int and part.size > 0 and type(part.checked) is bool for part in parts)
    texts += [p.blocks for p in parts]
    hashes_fit = all(part.sha256 is None or _SHA256.fullmatch(part.sha256) for part in parts)
    if not (parts and sizes_fit and hashes_fit and all(isinstance(text, str) for text in texts)):
        raise ValueError("bad values")
    if type(record.boot) not in (int, float) or record.boot < 0:
        raise ValueError("bad values")
    if record.origin not in _ORIGINS or (record.version and not _VERSION.fullmatch(record.version)):
        raise ValueError("bad values")
    return record
