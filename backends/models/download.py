"""A model comes in: from a hub into the models folder, with pause, resume and proof.

    for event in download(network, hub, repo, model_file, folder, cancel=token): ...

Cancelling is pausing: what has arrived is kept, and the next call goes on from there, also after kill -9. A file gets
its name only when every byte is there and its sha256 is the one the hub gave (SEC-25); until then it is a `.part`.
Connections that break are taken up again as long as bytes keep coming. What cannot be a model for this engine (a web
page, another file, an architecture that it does not know) is refused after its first bytes.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled, DownloadError, InvalidInput
from backends.core.network import Network
from backends.core.phrase import Phrase
from backends.hardware import disk
from backends.models import partial
from backends.models.gguf_bounds import check_architecture, check_bounds
from backends.models.gguf_format import MAGIC, NeedMoreBytes, read_container
from backends.models.partial import FilePart, PendingDownload, Record, discard, pending, place
from backends.models.progress import (
    DownloadEvent,
    DownloadFinished,
    DownloadNotice,
    DownloadProgress,
    DownloadVerifying,
    DownloadWaiting,
    Meter,
)
from backends.models.refusals import RateLimited
from backends.models.sources import Hub, RemoteFile, check_repo
from backends.models.space import check_space, disk_errors
from backends.models.transfer import PASSING, PartFile, Source, attempt
from backends.models.types import ModelFile

__all__ = [
    "DownloadEvent",
    "DownloadFinished",
    "DownloadNotice",
    "DownloadProgress",
    "DownloadVerifying",
    "DownloadWaiting",
    "Patience",
    "PendingDownload",
    "discard",
    "download",
    "pending",
]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to put up with failures: so many attempts in a row that bring no byte."""

    attempts: int = 6  # as long as nothing has come at all
    begun: int = 20  # afterwards: some eight minutes without a network
    wait: float = 1.0  # seconds before the second attempt; doubled for each one after
    longest: float = 30.0
    silence: float = 30.0  # seconds without a byte on an open connection

    def before(self, attempt: int) -> float:
        return min(self.longest, self.wait * 2 ** (attempt - 1))


PATIENCE = Patience()
_CHANGED = Phrase(
    "The file has changed on the hub since it was begun. It is fetched anew.",
    "站点上的文件在下载开始后已更新，将重新下载。",
)
_DAMAGED = Phrase(
    "The bytes from earlier are not those of the file. It is fetched anew.",
    "之前下载的数据与原文件不符，将重新下载。",
)
_CONTINUES = Phrase("What has arrived is kept; continue when you like.", "已下载的部分会保留，可随时继续。")


class _Changed(Exception):
    """What was begun is no longer what the hub has."""


def download(
    network: Network,
    hub: Hub,
    repo: str,
    model_file: ModelFile,
    folder: Path,
    *,
    cancel: CancelToken,
    patience: Patience = PATIENCE,
) -> Iterator[DownloadEvent]:
    """Fetch a model into `folder/org--name/`; the last event is `DownloadFinished`.

    Raises ResourceError (`disk_full`, `file_system_limit`), StorageError (`folder_not_writable`), Unavailable
    (`download_running`, `hub_unavailable`, `rate_limited`), NotFound, InvalidInput (`not_gguf`,
    `unsupported_architecture`) and DownloadError (those of the network, `checksum_mismatch`, `size_mismatch`, …).
    """
    job = _Job(network, hub, check_repo(repo), model_file, folder, cancel, patience)
    with disk_errors(job.target.parent), partial.claim(folder, job.target):
        for _ in range(3):
            remotes = job.resolve()
            job = job.beside(remotes)
            try:
                yield from job.run(remotes)
                return
            except _Changed:
                job.forget()
                yield DownloadNotice(_CHANGED)
    raise DownloadError(
        Phrase(f"{repo} changes again and again on the hub.", f"{repo} 在站点上不断变化。"),
        Phrase("Try again later.", "请稍后再试。"),
        code="keeps_changing",
    )


@dataclass(frozen=True, slots=True)
class _Job:
    """One download, while it runs."""

    network: Network
    hub: Hub
    repo: str
    model_file: ModelFile
    folder: Path
    cancel: CancelToken
    patience: Patience
    version: str = ""  # beside an older one with the same name

    @property
    def names(self) -> tuple[str, ...]:
        return self.model_file.parts or (self.model_file.file,)

    @property
    def target(self) -> Path:
        return self.path(self.names[0])

    def path(self, file: str) -> Path:
        return place(self.folder, self.repo, file, self.version)

    def beside(self, remotes: list[RemoteFile]) -> "_Job":
        """The same, in the folder where these bytes belong; what was begun of another version is given up."""
        plain = replace(self, version="")
        version = partial.version_for(self.folder, plain._new_record(remotes))
        for begun in partial.begun(self.folder, self.repo, self.names[0]):
            if version and begun.version != version:
                replace(self, version=begun.version).forget()
        return replace(self, version=version)

    def run(self, remotes: list[RemoteFile]) -> Iterator[DownloadEvent]:
        """The whole way. Raises `_Changed` if it must begin anew."""
        record = self._new_record(remotes)
        if (yield from self._is_here(record)):
            yield DownloadFinished(self.target, record.verified or all(part.sha256 for part in record.parts))
            return
        record = self._continued(record)
        done = sum(partial.arrived(self.folder, record, part) for part in record.parts)
        check_space(disk.read(self.target.parent), record.size - done, max(part.size for part in record.parts))
        self.target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.write_record(self.target, record)
        meter = Meter(done, record.size)
        yield meter.report(record.parts[0].file)
        for part, remote in zip(record.parts, remotes, strict=True):
            if not part.checked:
                yield from self._fetch(part, remote, meter)
                record = record.with_checked(part.file)
                partial.write_record(self.target, record)
        yield meter.report(record.parts[-1].file)
        partial.publish(self.folder, self.target, record)
        yield DownloadFinished(self.target, record.verified)

    def forget(self) -> None:
        """Remove every part and the record."""
        partial.remove(self.folder, self.target, self.names, self.repo, self.version)

    # ---- before the first byte

    def resolve(self) -> list[RemoteFile]:
        first = self.hub.resolve(self.repo, self.names[0], cancel=self.cancel)
        others = self.names[1:]
        revision = first.commit or "main"
        return [first, *(self.hub.resolve(self.repo, n, revision=revision, cancel=self.cancel) for n in others)]

    def _new_record(self, remotes: list[RemoteFile]) -> Record:
        parts = (FilePart(name, r.size, r.sha256, r.etag) for name, r in zip(self.names, remotes, strict=True))
        return Record(
            self.hub.endpoint, self.repo, remotes[0].commit, self.model_file.quant, tuple(parts), self.version
        )

    def _is_here(self, record: Record) -> Generator[DownloadEvent, None, bool]:
        """Whether the finished model lies there already: by its receipt, or, without one, by reading it."""
        paths = [self.path(part.file) for part in record.parts]
        if any(not path.exists() or path.stat().st_size != p.size for path, p in zip(paths, record.parts, strict=True)):
            return False
        receipt = partial.read_record(self.target, partial.RECEIPT)
        if receipt is not None:
            return partial.same_files(receipt, record)
        for path, part in zip(paths, record.parts, strict=True):
            if part.sha256 is None or part.sha256 != (yield from PartFile(path, part.size).digest(self.cancel)):
                return False
            record = record.with_checked(part.file)
        partial.write_record(self.target, record)
        partial.publish(self.folder, self.target, record)
        return True

    def _continued(self, fresh: Record) -> Record:
        """The record to go on with: what is proven already stays so. What cannot be this file's is removed."""
        old = partial.read_record(self.target)
        there = [part for part in fresh.parts if partial.arrived(self.folder, fresh, part)]
        if old is not None and not partial.same_files(old, fresh):
            if there:
                raise _Changed
            return fresh
        if old is None:
            for part in there:
                if part.sha256 is None:  # of unknown origin, and nothing to prove it by
                    partial.part_path(self.path(part.file)).unlink()
            return fresh
        for part in old.parts:
            if part.checked and partial.arrived(self.folder, old, part) == part.size:
                fresh = fresh.with_checked(part.file)
        return fresh

    # ---- the bytes of one file

    def _fetch(self, part: FilePart, remote: RemoteFile, meter: Meter) -> Iterator[DownloadEvent]:
        file = PartFile(partial.part_path(self.path(part.file)), part.size)
        while True:
            if file.arrived <= file.size:
                yield from self._fill(file, part, remote, meter)
                if part.sha256 is None or part.sha256 == (yield from file.digest(self.cancel)):
                    return
            damaged = file.resumed
            meter.moved(-min(file.arrived, file.size))
            file.clear()
            if not damaged:
                if not any(partial.part_path(self.path(name)).exists() for name in self.names):
                    self.forget()
                raise _wrong_bytes(part, self.hub)
            yield DownloadNotice(_DAMAGED)

    def _fill(self, file: PartFile, part: FilePart, remote: RemoteFile, meter: Meter) -> Iterator[DownloadEvent]:
        """Attempts until the file is whole. Patience counts those that bring nothing."""
        failures, attempts = 0, self.patience.attempts
        start = _Start(first=part.file == self.names[0], alone=len(self.names) == 1)
        while not file.whole:
            before = file.arrived
            try:
                if failures:
                    remote = self._still_the_same(part)
                source = Source(self.network, self.hub, self.repo, part.file, remote, self.patience.silence)
                yield from attempt(source, file, start.look, meter, self.cancel)
            except InvalidInput:
                self.forget()
                raise
            except BackendError as error:
                failures += 1
                if file.arrived > before:
                    failures, attempts = 1, max(attempts, self.patience.begun)
                if error.code not in PASSING or failures >= attempts:
                    if file.arrived and "kept" not in error.hint.en:
                        error.hint = Phrase(
                            f"{error.hint.en} {_CONTINUES.en}".strip(), f"{error.hint.zh}{_CONTINUES.zh}"
                        )
                    raise
                seconds = error.seconds if isinstance(error, RateLimited) else self.patience.before(failures)
                yield meter.report(part.file)
                yield DownloadWaiting(error.message, seconds)
                if self.cancel.wait(seconds):
                    raise Cancelled from error
                meter.rest()

    def _still_the_same(self, part: FilePart) -> RemoteFile:
        remote = self.hub.resolve(self.repo, part.file, cancel=self.cancel)
        if not partial.same_file(part, FilePart(part.file, remote.size, remote.sha256, remote.etag)):
            raise _Changed
        return remote


class _Start:
    """Looks at the first bytes of a model while they come in: a few say that it is one, the header what it is.

    `first`: of the parts of a split, this one tells the architecture; `alone`: it lists all tensors.
    """

    def __init__(self, *, first: bool, alone: bool) -> None:
        self._first = first
        self._alone = alone
        self._wanted = len(MAGIC)

    def look(self, file: PartFile) -> None:
        """Raises InvalidInput if this file can never be a model that runs here."""
        if not self._wanted or file.arrived < min(self._wanted, file.size):
            return
        head = file.start(file.arrived)
        try:
            container = read_container(head, file.size)
        except NeedMoreBytes as need:
            self._wanted = max(need.count, 2 * len(head))
            return
        self._wanted = 0
        if self._first:
            architecture = str(container.metadata.get("general.architecture", ""))
            check_architecture(architecture, container.metadata)
            if self._alone:
                check_bounds(architecture, container)


def _wrong_bytes(part: FilePart, hub: Hub) -> DownloadError:
    return DownloadError(
        Phrase(
            f"What {hub.host} sent is not {part.file}: its sha256 is another. It was removed.",
            f"{hub.host} 发送的内容与 {part.file} 不符（sha256 校验失败），已删除。",
        ),
        Phrase("Try again, or use another mirror.", "请重试，或使用其他镜像站点。"),
        code="checksum_mismatch",
    )
