"""One file comes in: from source to source until it is whole, and from there until its sum is right."""

import logging
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, DownloadError, InvalidInput, NotFound, StorageError, Unavailable
from backends.core.network import Network
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream
from backends.models import partial
from backends.models.connections import DownloadOptions, Job, Patience, fetch
from backends.models.first_look import FirstLook
from backends.models.listing import accepts
from backends.models.part_file import PartFile
from backends.models.partial import FilePart
from backends.models.progress import (
    EVERY,
    DownloadEvent,
    DownloadNotice,
    DownloadProgress,
    DownloadSource,
    DownloadVerifying,
    Meter,
)
from backends.models.remote import RemoteFile, Source
from backends.models.repair import Comparison
from backends.models.space import gigabytes
from backends.models.transfer import Origin, Sink

log = logging.getLogger(__name__)
_MENDINGS = 3  # of what the disk did not keep
_CONTINUES = Phrase("What has arrived is kept; continue when you like.", "已下载的部分会保留，可随时继续。")


class Changed(Exception):
    """What was begun is no longer what the hub has."""


class Download(Protocol):
    """What a file must know of the download that it belongs to."""

    network: Network
    sources: Sequence[Source]
    repo: str
    cancel: CancelToken
    options: DownloadOptions
    patience: Patience

    @property
    def names(self) -> tuple[str, ...]: ...
    def path(self, file: str) -> Path: ...
    def ask(self, number: int, file: str) -> RemoteFile: ...
    def publishes(self, number: int) -> bool: ...
    def forget(self) -> None: ...


class Incoming:
    """`number`: the source (its place in the list) that is asked; the one after it when that fails for good."""

    def __init__(self, job: Download, part: FilePart, meter: Meter, number: int) -> None:
        self.number = number
        self._job = job
        self._part = part
        self._meter = meter
        self._failed: set[int] = set()
        self._compared: set[int] = set()
        self._unknown: list[int] = []  # blocks of which nobody took down how they came
        self._file = PartFile(partial.part_path(job.path(part.file)), part.size)
        self._look = FirstLook(self._file, first=part.file == job.names[0], alone=len(job.names) == 1)

    def fetch(self) -> Generator[DownloadEvent, None, str]:
        """Until the file is whole and right; gives the CRCs of its blocks. Raises `Changed` and what a source was
        given up for."""
        mendings = 0
        try:
            with self._file as file:
                while True:
                    digest = yield from self._fill()
                    if self._part.sha256 in (None, digest):
                        return file.map.checks
                    mendings += 1
                    if (yield from self._mend_disk(mendings)):
                        continue
                    if not (yield from self._mend_from_others()):
                        break
        except InvalidInput:
            if self._look.refused:
                self._job.forget()
            raise
        finally:
            if not self._file.arrived:
                partial.remove_begun(self._job.path(self._part.file))
        partial.remove_begun(self._job.path(self._part.file))
        if not any(partial.part_path(self._job.path(name)).exists() for name in self._job.names):
            self._job.forget()
        raise self._wrong_bytes()

    # ---- all bytes

    def _fill(self) -> Generator[DownloadEvent, None, str]:
        """Fetch what is missing, and hash it behind the writers. Gives the sha256, "" where there is none to
        compare with."""
        runner = Runner("disk", threads=2)
        try:
            sums = runner.start(self._file.follow) if self._part.sha256 else None
            flushed = runner.start(self._file.flush)
            yield from self._from_source_to_source()
            digest = (yield from self._sum(sums)) if sums else ""
            for _ in flushed:
                pass
            return digest
        finally:
            runner.close()

    def _sum(self, sums: Stream[int | str]) -> Generator[DownloadEvent, None, str]:
        """Wait for the hash, which is at most a little behind, unless much was there before."""
        digest = ""
        shown = self._file.resumed
        while not digest:
            ended = sums.wait(EVERY)
            self._job.cancel.check()
            for event in sums.drain():
                if isinstance(event, str):
                    digest = event
                elif not ended:
                    shown = True
                    yield DownloadVerifying(event / self._part.size)
        if shown:
            yield DownloadVerifying(1.0)
        return digest

    def _from_source_to_source(self) -> Iterator[DownloadEvent]:
        remote: RemoteFile | None = None
        while not self._file.whole:
            following = self._following()
            try:
                remote = remote or self._asked(self.number)
                yield from fetch(self._errand(self._file, remote, last=following is None), self._job.cancel)
            except InvalidInput as error:
                if following is None or not self._look.refused or error.code == "unsupported_architecture":
                    raise
                self._meter.moved(-self._file.arrived)
                self._file.clear()
                self._look.again()
                yield self._goes_on_from(following, error)
                remote = None
            except (DownloadError, NotFound, Unavailable) as error:
                if following is None:
                    if self._file.arrived and "kept" not in error.hint.en:
                        error.hint = Phrase(
                            f"{error.hint.en} {_CONTINUES.en}".strip(), f"{error.hint.zh}{_CONTINUES.zh}"
                        )
                    raise
                yield self._goes_on_from(following, error)
                remote = None

    def _following(self) -> int | None:
        """The source after this one. None without a sha256 too: then bytes of two sources cannot be told apart."""
        count = len(self._job.sources)
        others = [(self.number + step) % count for step in range(1, count)]
        untried = [number for number in others if number not in self._failed]
        return untried[0] if untried and self._part.sha256 else None

    def _goes_on_from(self, number: int, error: BackendError) -> DownloadSource:
        self._failed.add(self.number)
        self.number = number
        return DownloadSource(self._job.sources[number].host, error.message)

    def _errand(self, sink: Sink, remote: RemoteFile, *, last: bool) -> Job:
        job, number = self._job, self.number
        origin = Origin(
            job.network,
            job.sources[number],
            job.repo,
            self._part.file,
            remote,
            number,
            job.patience.silence,
            job.options.limit,
        )
        look, settled = (self._look.look, self._look.settled) if sink is self._file else (lambda: None, lambda: True)
        return Job(
            origin, sink, look, settled, lambda: self._asked(number), self._meter, job.options, job.patience, last
        )

    def _asked(self, number: int) -> RemoteFile:
        """Where the file is at a source now. Raises `Changed` if the first one has other bytes than were begun,
        DownloadError (`other_bytes`) if another one has."""
        job, part = self._job, self._part
        remote = job.ask(number, part.file)
        here = RemoteFile("", part.size, part.sha256, part.etag, "")
        same = accepts(here, remote) and (part.sha256 or remote.etag == part.etag)
        if same:
            return remote
        if job.publishes(number):
            raise Changed
        raise other_bytes(job.sources[number].host, part.file)

    # ---- the sum is wrong

    def _mend_disk(self, times: int) -> Generator[DownloadEvent, None, bool]:
        """Whether blocks are not on the disk as they came; they will be fetched again."""
        looking, wrong, unknown = self._file.damaged(self._job.cancel), [], []
        while True:
            try:
                yield DownloadVerifying(next(looking))
            except StopIteration as end:
                wrong, unknown = end.value
                break
        if unknown:
            self._unknown = unknown
        if not wrong:
            return False
        if times > _MENDINGS:
            raise StorageError(
                Phrase(
                    f"The disk of {self._file.path.parent} does not keep what is written to it.",
                    f"{self._file.path.parent} 所在磁盘无法正确保存写入的数据。",
                ),
                Phrase(
                    "Check the disk, or choose a models folder on another one (Settings, Models).",
                    "请检查磁盘，或将模型文件夹设到其他磁盘（设置 → 模型）。",
                ),
                code="disk_failed",
            )
        count = sum(map(self._file.map.length, wrong))
        self._file.map.forget(wrong)
        self._meter.moved(-count)
        yield DownloadNotice(
            Phrase(
                f"{gigabytes(count)} of {self._part.file} are damaged on the disk. They are fetched again.",
                f"{self._part.file} 中有 {gigabytes(count)} 数据在磁盘上损坏，将重新下载这部分。",
            )
        )
        return True

    def _mend_from_others(self) -> Generator[DownloadEvent, None, bool]:
        """Compare with the next source. Whether one had other bytes, which are in the file now."""
        while (number := self._to_compare()) is not None:
            wanted, self._unknown = self._unknown or self._others(number), []
            host = self._job.sources[number].host
            yield DownloadNotice(
                Phrase(
                    f"What came of {self._part.file} has the wrong sha256. It is compared with what {host} has.",
                    f"{self._part.file} 的 sha256 不正确，正在与 {host} 上的内容比对。",
                )
            )
            comparison = Comparison(self._file, wanted)
            self.number = number
            try:
                errand = self._errand(comparison, self._asked(number), last=True)
                meter = Meter(0, sum(map(self._file.map.length, wanted)))
                for event in fetch(replace(errand, meter=meter), self._job.cancel):
                    yield DownloadVerifying(event.done / event.total) if isinstance(event, DownloadProgress) else event
            except (DownloadError, NotFound, Unavailable) as error:
                log.warning("%s cannot be compared with: %s", host, error)
            if comparison.replaced:
                return True
        return False

    def _to_compare(self) -> int | None:
        """The next source to compare with; last of all the one that sent these bytes."""
        count = len(self._job.sources)
        order = [(self.number + step) % count for step in range(1, count + 1)]
        left = [number for number in order if number not in self._compared]
        if left and not self._unknown:
            self._compared.add(left[0])
        return left[0] if left else None

    def _others(self, number: int) -> list[int]:
        """The blocks that did not come from this source, or all."""
        blocks = range(self._file.map.count)
        return [index for index in blocks if self._file.map.source(index) != number] or list(blocks)

    def _wrong_bytes(self) -> DownloadError:
        hosts = ", ".join(source.host for source in self._job.sources)
        file = self._part.file
        return DownloadError(
            Phrase(
                f"What {hosts} sent is not {file}: its sha256 is another. It was removed.",
                f"{hosts} 发送的内容与 {file} 不符（sha256 校验失败），已删除。",
            ),
            Phrase("Try again, or use another mirror.", "请重试，或使用其他镜像站点。"),
            code="checksum_mismatch",
        )


def other_bytes(host: str, file: str) -> DownloadError:
    return DownloadError(
        Phrase(
            f"{host} has other bytes under the name {file} than were begun.",
            f"{host} 上的 {file} 与已开始下载的内容不同。",
        ),
        Phrase("Use another source, or begin anew.", "请使用其他站点，或重新开始下载。"),
        code="other_bytes",
    )


def sum_of(path: Path, size: int, cancel: CancelToken) -> Generator[DownloadEvent, None, str]:
    """The sha256 of a file that is whole."""
    digest = ""
    for event in PartFile(path, size).follow(cancel=cancel):
        if isinstance(event, str):
            digest = event
        else:
            yield DownloadVerifying(event / size)
    return digest
