"""A model comes in: from one of several sources into the models folder, with pause, resume and proof.

    for event in download(network, sources, repo, model_file, folder, cancel=token): ...

Cancelling is pausing: what has arrived is kept, and the next call goes on from there, also after kill -9. A file gets
its name only when every byte is there and its sha256 is the one that the first source published (SEC-25); until then it
is a `.part`. Connections that break are taken up again as long as bytes keep coming; a source that fails for good makes
way for the next one, which goes on with the bytes that are there. What cannot be a model for this engine (a web page,
another file, an architecture that it does not know) is refused after its first bytes.

    connections   several connections for one file      first_look   what the first bytes tell
    segments      which of them fetches what            part_file    the bytes on the disk, and their sum
    transfer      one attempt of one connection         repair       when the sum is wrong
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, DownloadError, NotFound, Unavailable
from backends.core.network import Network
from backends.core.phrase import Phrase
from backends.hardware import disk
from backends.models import partial, settling, trash
from backends.models.boot import still_runs, this_boot
from backends.models.connections import DownloadOptions, Patience
from backends.models.incoming import Changed, Incoming, other_bytes, sum_of
from backends.models.links import check_repo
from backends.models.listing import accepts
from backends.models.partial import FilePart, PendingDownload, Record, discard, pending, place
from backends.models.progress import (
    DownloadEvent,
    DownloadFinished,
    DownloadNotice,
    DownloadProgress,
    DownloadSource,
    DownloadVerifying,
    DownloadWaiting,
    Meter,
)
from backends.models.remote import RemoteFile, Source
from backends.models.repair import reopen
from backends.models.space import SPARE, check_space, disk_errors
from backends.models.types import ModelFile

__all__ = [
    "DownloadEvent",
    "DownloadFinished",
    "DownloadNotice",
    "DownloadOptions",
    "DownloadProgress",
    "DownloadSource",
    "DownloadVerifying",
    "DownloadWaiting",
    "Patience",
    "PendingDownload",
    "discard",
    "download",
    "pending",
    "repair",
]

PATIENCE = Patience()
_CHANGED = Phrase(
    "The file has changed on the hub since it was begun. It is fetched anew.",
    "站点上的文件在下载开始后已更新，将重新下载。",
)


def download(
    network: Network,
    sources: Source | Sequence[Source],
    repo: str,
    model_file: ModelFile,
    folder: Path,
    *,
    cancel: CancelToken,
    options: DownloadOptions | None = None,
    patience: Patience = PATIENCE,
    revision: str = "",
) -> Iterator[DownloadEvent]:
    """Fetch a model into `folder/org--name/`; the last event is `DownloadFinished`, and what follows is that the
    bytes are made to last (`settling`). `revision`: the usual one.

    The first of `sources` that answers tells what the file is; what another one gives is accepted only if in the end
    the sha256 is that one. Raises ResourceError (`disk_full`, `file_system_limit`), StorageError
    (`folder_not_writable`, `volume_gone`), Unavailable (`download_running`, `hub_unavailable`, `rate_limited`),
    NotFound, InvalidInput (`not_gguf`, `unsupported_architecture`) and DownloadError (those of the network,
    `checksum_mismatch`, `size_mismatch`, …).
    """
    job = _Download(
        network, _several(sources), check_repo(repo), model_file, folder, cancel, options or DownloadOptions(), patience
    )
    job.revision = revision
    yield from _finish(job)


def _several(sources: Source | Sequence[Source]) -> Sequence[Source]:
    return sources if isinstance(sources, Sequence) else (sources,)


def _finish(job: "_Download") -> Iterator[DownloadEvent]:
    with disk_errors(job.target.parent), partial.claim(job.folder, job.target):
        for _ in range(3):
            try:
                yield from job.run()
                return
            except Changed:
                job.forget()
                yield DownloadNotice(_CHANGED)
    raise DownloadError(
        Phrase(f"{job.repo} changes again and again on the hub.", f"{job.repo} 在站点上不断变化。"),
        Phrase("Try again later.", "请稍后再试。"),
        code="keeps_changing",
    )


def repair(
    network: Network,
    sources: Source | Sequence[Source],
    folder: Path,
    path: Path,
    *,
    cancel: CancelToken,
    options: DownloadOptions | None = None,
    patience: Patience = PATIENCE,
) -> Iterator[DownloadEvent]:
    """Mend the downloaded model whose first file is `path`: fetch again what is damaged of it, and nothing else.

    Events and errors as of `download`; NotFound (`no_receipt`) for a file that was not downloaded. While it lasts, and
    if it is cut short, the model is a download that waits to be continued.
    """
    job: _Download | None = None
    receipt = partial.read_record(path, partial.RECEIPT)
    if receipt is not None and partial.belongs(folder, path, receipt):
        several, wanted = _several(sources), options or DownloadOptions()
        job = _Download(network, several, receipt.repo, receipt.model_file, folder, cancel, wanted, patience)
        job.pinned = receipt
        yield from job.check_offered(receipt)
    yield from reopen(folder, path, cancel)
    assert job is not None, "reopen raises without a receipt"
    yield from _finish(job)


class _Download:
    """One download, while it runs."""

    def __init__(
        self,
        network: Network,
        sources: Sequence[Source],
        repo: str,
        model_file: ModelFile,
        folder: Path,
        cancel: CancelToken,
        options: DownloadOptions,
        patience: Patience,
    ) -> None:
        self.network = network
        self.sources = sources
        self.repo = repo
        self.model_file = model_file
        self.folder = folder
        self.cancel = cancel
        self.options = options
        self.patience = patience
        self.version = ""  # beside an older one with the same name
        self.revision = ""
        self.endpoint = ""  # of the source that told what the file is
        self.pinned: Record | None = None  # the version that is wanted, whatever is new

    @property
    def names(self) -> tuple[str, ...]:
        return self.model_file.parts or (self.model_file.file,)

    @property
    def target(self) -> Path:
        return self.path(self.names[0])

    def path(self, file: str) -> Path:
        return place(self.folder, self.repo, file, self.version)

    def run(self) -> Iterator[DownloadEvent]:
        """The whole way. Raises `Changed` if it must begin anew."""
        self.version = ""
        begun = next(iter(partial.begun(self.folder, self.repo, self.names[0])), None)
        number, remotes = yield from self._first_answer(begun)
        record = self._new_record(number, remotes)
        self.endpoint = record.endpoint
        self._lie_beside(record)
        record = replace(record, version=self.version)
        if (yield from self._is_here(record)):
            yield DownloadFinished(self.target, record.verified or all(part.sha256 for part in record.parts))
            return
        record = self._continued(record)
        done = sum(partial.arrived(self.folder, record, part) for part in record.parts)
        needed = record.size - done + self.options.ahead()
        volume = disk.read(self.target.parent)
        if trash.make_room(self.folder, needed + SPARE - volume.free):  # what was deleted is given up for it
            volume = disk.read(self.target.parent)
        check_space(volume, needed, max(part.size for part in record.parts))
        self.target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.write_record(self.target, record)
        meter = Meter(done, record.size)
        yield meter.report(record.parts[0].file)
        for part in record.parts:
            if not part.checked:
                incoming = Incoming(self, part, meter, number)
                blocks = yield from incoming.fetch()
                number = incoming.number
                record = replace(record.with_checked(part.file, blocks), boot=this_boot())
                partial.write_record(self.target, record)
        yield meter.report(record.parts[-1].file)
        partial.publish(self.folder, self.target, record)
        yield DownloadFinished(self.target, record.verified)
        settling.settle(self.folder, self.target)

    def forget(self) -> None:
        """Remove every part and the record."""
        partial.remove(self.folder, self.target, self.names, self.repo, self.version)

    def ask(self, number: int, file: str) -> RemoteFile:
        """A file as it is at a source now."""
        source, pinned = self.sources[number], self.pinned
        revision = pinned.commit if pinned and pinned.endpoint == source.endpoint else self.revision
        return source.resolve(self.repo, file, revision=revision, cancel=self.cancel)

    def publishes(self, number: int, endpoint: str = "") -> bool:
        """Whether this source may say that there are new bytes: the one that told of the old ones (`endpoint`; by
        default the one of this download), or the first where that is not asked any more."""
        if self.pinned:
            return False
        teller = endpoint or self.endpoint
        known = any(source.endpoint == teller for source in self.sources)
        return self.sources[number].endpoint == teller if known else number == 0

    def check_offered(self, receipt: Record) -> Iterator[DownloadEvent]:
        """Raises unless one of the sources has what `receipt` speaks of."""
        yield from self._first_answer(receipt)

    # ---- before the first byte

    def _first_answer(self, begun: Record | None) -> Generator[DownloadEvent, None, tuple[int, list[RemoteFile]]]:
        """The first source that has the model, and what it says of it; of one that is begun, the same bytes."""
        failed: BackendError | None = None
        for number in range(len(self.sources)):
            try:
                remotes = [self._completed(remote, n) for n, remote in enumerate(self._ask_all(number))]
                if begun is not None:
                    remotes = self._agreed(number, remotes, begun)
                return number, remotes
            except (DownloadError, NotFound, Unavailable) as error:
                failed = failed or error
                if number + 1 < len(self.sources):
                    yield DownloadSource(self.sources[number + 1].host, error.message)
        assert failed is not None, "there is always a source"
        raise failed

    def _ask_all(self, number: int) -> list[RemoteFile]:
        first = self.ask(number, self.names[0])
        if self.pinned:
            return [first, *(self.ask(number, name) for name in self.names[1:])]
        source = self.sources[number]
        others = (source.resolve(self.repo, n, revision=first.commit, cancel=self.cancel) for n in self.names[1:])
        return [first, *others]

    def _completed(self, remote: RemoteFile, index: int) -> RemoteFile:
        """With a sha256, if another source or the catalogue publishes one for a file of this size."""
        if remote.sha256:
            return remote
        for source in self.sources[1:]:
            try:
                other = source.resolve(self.repo, self.names[index], cancel=self.cancel)
            except (DownloadError, NotFound, Unavailable):
                continue
            if other.sha256 and other.size == remote.size:
                return replace(remote, sha256=other.sha256)
        listed = self.model_file.sha256s[index : index + 1] or ((self.model_file.sha256,) if index == 0 else ())
        alone = len(self.names) == 1 or self.model_file.sha256s
        return replace(remote, sha256=listed[0]) if listed and alone and listed[0] else remote

    def _agreed(self, number: int, remotes: list[RemoteFile], begun: Record) -> list[RemoteFile]:
        """What a source says, if it speaks of the bytes that were begun, or may say that there are new ones."""
        parts = {part.file: part for part in begun.parts}
        said = []
        for name, remote in zip(self.names, remotes, strict=True):
            part = parts.get(name)
            if part and part.sha256 and not remote.sha256 and part.size == remote.size:
                remote = replace(remote, sha256=part.sha256)
            if (
                part
                and not self.publishes(number, begun.endpoint)
                and not accepts(RemoteFile("", part.size, part.sha256, part.etag, ""), remote)
            ):
                raise other_bytes(self.sources[number].host, name)
            said.append(remote)
        return said

    def _new_record(self, number: int, remotes: list[RemoteFile]) -> Record:
        parts = (FilePart(name, r.size, r.sha256, r.etag) for name, r in zip(self.names, remotes, strict=True))
        return Record(self.sources[number].endpoint, self.repo, remotes[0].commit, self.model_file.quant, tuple(parts))

    def _lie_beside(self, record: Record) -> None:
        """Find the folder where these bytes belong; what was begun of another version is given up."""
        version = partial.version_for(self.folder, record)
        for begun in partial.begun(self.folder, self.repo, self.names[0]):
            if version and begun.version != version:
                self.version = begun.version
                self.forget()
        self.version = version

    def _is_here(self, record: Record) -> Generator[DownloadEvent, None, bool]:
        """Whether the finished model lies there already: by its receipt, or, without one, by reading it."""
        paths = [self.path(part.file) for part in record.parts]
        if any(not path.exists() or path.stat().st_size != p.size for path, p in zip(paths, record.parts, strict=True)):
            return False
        receipt = partial.read_record(self.target, partial.RECEIPT)
        if receipt is not None:
            return partial.same_files(receipt, record)
        for path, part in zip(paths, record.parts, strict=True):
            if part.sha256 is None or part.sha256 != (yield from sum_of(path, part.size, self.cancel)):
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
                raise Changed
            return fresh
        if old is None:
            for part in there:
                if part.sha256 is None:  # of unknown origin, and nothing to prove it by
                    partial.part_path(self.path(part.file)).unlink()
            return fresh
        for part in old.parts:
            if part.checked and still_runs(old.boot) and partial.arrived(self.folder, old, part) == part.size:
                fresh = replace(fresh.with_checked(part.file, part.blocks), boot=old.boot)
        return fresh
