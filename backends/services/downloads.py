"""Models on their way: downloads that run, wait their turn, rest, or have failed.

The queue (`models.queue`) runs one model at a time; the parallelism is in the connections of a file. `pull` is for
whoever wants one now and follows it; it joins the one that runs if that is the same.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled
from backends.core.phrase import NOTHING, Phrase
from backends.core.settings import Settings
from backends.core.stream import Runner, Stream
from backends.hardware import disk
from backends.models import download, sources
from backends.models.download import (
    DownloadEvent,
    DownloadFinished,
    DownloadNotice,
    DownloadOptions,
    DownloadProgress,
    DownloadSource,
    PendingDownload,
)
from backends.models.limit import RateLimit
from backends.models.links import check_direct, parse_ref
from backends.models.queue import ACTIVE, OFFLINE, Queue, Queued, failed, offline, resting, told
from backends.models.space import SPARE, gigabytes, gone
from backends.models.types import ModelFile
from backends.services.foundation import Foundation
from backends.services.hubs import TOKEN, HubServices, first_answer
from backends.services.machine import MachineServices

__all__ = ["TOKEN", "DownloadServices"]

log = logging.getLogger(__name__)
MEGABYTE = 1_000_000


@dataclass(eq=False, slots=True)
class _Run:
    """One download that runs. `joined`: streams of those who asked for the same. `finished`: what they were told of
    its end, when it has come."""

    stream: Stream[DownloadEvent]
    queued: bool
    left: int = 0
    unwanted: bool = False
    joined: list[Stream[DownloadEvent]] = field(default_factory=list)
    finished: DownloadFinished | None = None

    @property
    def alive(self) -> bool:
        return not self.stream.cancelled and not self.stream.wait(0)


class DownloadServices:
    """Its threads: `download`, four, of which the queue uses one."""

    def __init__(self, foundation: Foundation, machine: MachineServices, hubs: HubServices) -> None:
        self._base = foundation
        self._machine = machine
        self._hubs = hubs
        self._queue = Queue(foundation.paths.data / "downloads.json")
        self._limit = RateLimit()
        self._runner = Runner("download", threads=4)
        self._sizes = Runner("sizes")
        self._runs: dict[str, _Run] = {}
        self._lock = threading.RLock()
        self._goes_on = False  # whether the queue runs in this process
        self._closing = False
        self._set_limit(foundation.settings.current)
        foundation.settings.subscribe(self._set_limit)

    def close(self) -> None:
        """What runs goes on at the next start."""
        self._closing = True
        self._sizes.close()
        self._runner.close()

    @property
    def notice(self) -> Phrase:
        return self._queue.notice

    # ---- the queue

    def queue(self) -> tuple[Queued, ...]:
        """All that is on its way, in order; what has come stays as `finished` until it is forgotten. `changed`
        ("downloads") tells when this has."""
        return self._queue.items()

    def running(self) -> bool:
        """One is on its way."""
        return any(item.state in ACTIVE for item in self._queue.items())

    def take_up(self) -> Stream[None]:
        """Go on with what ran or waited when DeskSeek ended; downloads that lie on the disk besides are put at the end
        as paused. Called once, by who stays: the window."""
        return self._runner.start(self._take_up)

    def _take_up(self, *, cancel: CancelToken) -> Iterator[None]:
        for begun in self.pending():
            item = Queued(
                self._ref_of(begun),
                begun.endpoint,
                "paused",
                done=begun.done,
                total=begun.total,
                repo=begun.repo,
                file=begun.file.file,
            )
            known = next((one for one in self._queue.items() if _same_model(one, item)), None)
            if known is None:
                self._queue.add(item)
            else:
                self._queue.change(known.ref, lambda one, begun=begun: replace(one, done=begun.done, total=begun.total))
        self._goes_on = True
        self._base.changed("downloads")
        self._start_next()
        yield None

    def enqueue(self, ref: str, endpoint: str = "") -> Queued:
        """Download it when its turn comes; one that rests or has failed is taken up again. Raises StorageError."""
        with self._lock:
            self._queue.add(Queued(ref, endpoint))
            self.resume(ref)
            item = self._queue.find(ref)
            assert item is not None, "it was added"
            if item.state == "waiting" and not item.total:
                self._sizes.start(self._look_up, ref)
            return item

    def pause(self, ref: str) -> None:
        """What has arrived is kept."""
        with self._lock:
            run = self._runs.get(ref)
            if run is not None:
                run.stream.cancel()
            self._change(ref, lambda item: item if item.state in ("failed", "finished") else resting(item, "paused"))

    def resume(self, ref: str) -> None:
        with self._lock:
            run = self._runs.get(ref)
            if run is not None and run.alive:
                return
            self._change(ref, lambda item: resting(item, "waiting"))
            self._goes_on = True
            self._start_next()

    def move(self, ref: str, position: int) -> None:
        """To this place in the queue, counted from 0. What runs goes on."""
        self._queue.move(ref, position)
        self._base.changed("downloads")

    def forget(self, ref: str) -> None:
        """Show one that has finished or failed no more; what has arrived of it stays on the disk."""
        item = self._queue.find(ref)
        if item is not None and item.state in ("finished", "failed"):
            self._queue.remove(ref)
            self._base.changed("downloads")

    def discard(self, what: str | PendingDownload) -> None:
        """Give it up, by its `ref` or as `pending` gave it, and delete what has arrived: at once, or when what runs has
        ended. Unavailable (`download_running`) if another process is at it."""
        ref = what if isinstance(what, str) else self._ref_of(what)
        with self._lock:
            item = self._queue.find(ref)
            self._queue.remove(ref)
            run = self._runs.get(ref)
            if run is not None and not run.stream.wait(0):
                run.unwanted = True
                run.stream.cancel()
                self._base.changed("downloads")
                return
        self._delete(item or Queued(ref))
        self._base.changed("downloads")

    def _delete(self, item: Queued) -> None:
        for begun in self.pending():
            there = Queued(self._ref_of(begun), repo=begun.repo, file=begun.file.file)
            if _same_model(there, item):
                download.discard(self._base.models_folder, begun.path)

    def _start_next(self) -> None:
        with self._lock:
            if self._closing or not self._goes_on or any(run.queued and run.alive for run in self._runs.values()):
                return
            item = self._queue.following()
            if item is None or (item.ref in self._runs and not self._runs[item.ref].stream.wait(0)):
                return  # nothing waits, or its last run is still ending and calls again
            self._change(item.ref, lambda one: replace(one, state="running"))
            self._begin(item.ref, item.endpoint, queued=True)

    def _change(self, ref: str, change: Callable[[Queued], Queued]) -> None:
        if self._queue.change(ref, change) is not None:
            self._base.changed("downloads")

    def _look_up(self, ref: str, *, cancel: CancelToken) -> Iterator[None]:
        """How large one that waits will be, so that a disk that is too small for all of them is told in time."""
        try:
            _, _, repo, file = self._locate(ref, self._endpoint_of(ref), cancel)
        except BackendError as error:
            log.info("%s is looked up when its turn comes: %s", ref, error)  # and then told
        else:
            self._change(ref, lambda one: replace(one, repo=repo, file=file.file, total=one.total or file.size))
            self._warn(ref)
        yield None

    def _warn(self, ref: str) -> None:
        """Say so if the disk has no room for all that is to come."""
        folder = self._base.models_folder
        needed, free = sum(item.left for item in self._queue.items()), disk.read(folder).free
        if free < needed + SPARE:
            notice = Phrase(
                f"All waiting downloads together need {gigabytes(needed + SPARE)} (1 GB stays free), and the disk of "
                f"{folder} has {gigabytes(free)}.",
                f"所有排队的下载共需要 {gigabytes(needed + SPARE)}（其中 1 GB 留作余量），而 {folder} 所在磁盘仅剩 "
                f"{gigabytes(free)}。",
            )
            self._change(ref, lambda one: replace(one, notice=notice))

    # ---- one download

    def pull(self, ref: str, endpoint: str | None = None) -> Stream[DownloadEvent]:
        """Download `CATALOGUE-ID[:QUANT]`, `REPO[:QUANT]` or a link now; goes on where an earlier try stopped.

        Cancel is pause; of one that ran already and was joined, it only ends the following.
        """
        with self._lock:
            run = self._runs.get(ref)
            if run is not None and run.alive:
                joined: Stream[DownloadEvent] = Stream("pull")
                run.joined.append(joined)
                if run.finished is not None:
                    joined.put(run.finished)
                return joined
            return self._begin(ref, endpoint or "", queued=False)

    def _begin(self, ref: str, endpoint: str, *, queued: bool) -> Stream[DownloadEvent]:
        task = self._quietly if queued else self._pull
        stream = self._runner.start(task, ref, endpoint)
        self._runs[ref] = _Run(stream, queued)
        return stream

    def _quietly(self, ref: str, endpoint: str, *, cancel: CancelToken) -> Iterator[DownloadEvent]:
        """For the queue, where nobody takes the events: what there is to say is said in the queue."""
        try:
            for event in self._pull(ref, endpoint, cancel=cancel):
                if isinstance(event, DownloadFinished):
                    yield event
        except BackendError as error:
            log.info("the download of %s has failed: %s", ref, error)
        except Cancelled:
            raise
        except Exception:
            log.exception("the download of %s has broken", ref)
            raise

    def _pull(self, ref: str, endpoint: str, *, cancel: CancelToken) -> Iterator[DownloadEvent]:
        with self._lock:
            run = self._runs[ref]
        failure: BackendError | None = None
        over = False
        try:
            for event in self._events(ref, endpoint, run, cancel):
                if isinstance(event, DownloadFinished):  # it may be used, while the disk still writes
                    self._base.library.rescan()
                    self._base.changed("library")
                if isinstance(event, DownloadProgress):
                    run.left = event.total - event.done
                if not cancel.cancelled:
                    self._change(ref, lambda item, event=event: told(item, event))
                with self._lock:
                    run.finished = event if isinstance(event, DownloadFinished) else run.finished
                    for joined in run.joined:
                        joined.put(event)
                yield event
            over = True
        except BackendError as error:
            failure, over = error, not cancel.cancelled
            raise
        finally:
            self._end(ref, run, failure, over=over)

    def _end(self, ref: str, run: _Run, failure: BackendError | None, *, over: bool) -> None:
        """`over`: finished or failed. Who sees that can begin it anew: it does not run any more."""

        def ended(item: Queued) -> Queued:
            item = _ended(item, run, failure) if over else item
            return resting(item, "waiting" if self._closing else "paused") if item.state in ACTIVE else item

        with self._lock:
            if self._runs.get(ref) is run:
                del self._runs[ref]
            item = self._queue.find(ref)
            self._change(ref, ended)
        if run.unwanted:
            try:
                self._delete(item or Queued(ref))
            except BackendError as error:
                log.warning("%s could not be deleted: %s", ref, error)
        for joined in run.joined:
            joined.fail(failure) if failure is not None else joined.close()
        self._base.changed("downloads")
        self._start_next()

    def _events(self, ref: str, endpoint: str, run: _Run, cancel: CancelToken) -> Iterator[DownloadEvent]:
        folder, item = self._base.models_folder, self._queue.find(ref)
        if item is not None and item.done and not folder.exists():
            raise gone(folder)
        missed, hubs, repo, file = self._locate(ref, endpoint, cancel)
        self._queue.change(ref, lambda one: replace(one, repo=repo, file=file.file, total=file.size))
        if missed.en:
            yield DownloadSource(hubs[0].host, missed)
        if hubs[0].notice.en:
            yield DownloadNotice(hubs[0].notice)
        options = DownloadOptions(
            connections=self._base.settings.current.network.connections,
            limit=self._limit,
            ahead=lambda: sum(other.left for other in self._runs.copy().values() if other is not run),
        )
        revision = parse_ref(ref, self._base.settings.current.network.sources).revision
        yield from download.download(
            self._base.network, hubs, repo, file, folder, cancel=cancel, options=options, revision=revision
        )

    def _locate(
        self, ref: str, endpoint: str, cancel: CancelToken
    ) -> tuple[Phrase, list[sources.Source], str, ModelFile]:
        """Where `ref` is: the sources, first the one that answered (and why not those before it), repository, file."""
        asked = parse_ref(ref, self._base.settings.current.network.sources)
        check_direct(asked)
        there = self._hubs.sources_for(asked, endpoint or None)
        if not asked.is_repo and not asked.wanted:
            model = self._base.catalog.find(asked.name)
            ref = f"{model.id}:{self._machine.quant_for(model, cancel)}"
        catalog = self._base.catalog
        source, (repo, file), missed = first_answer(
            there, lambda one: sources.locate(one, catalog, ref, cancel=cancel), cancel
        )
        first = there.index(source)
        return (missed[0] if missed else NOTHING), [*there[first:], *there[:first]], repo, file

    def _endpoint_of(self, ref: str) -> str:
        item = self._queue.find(ref)
        return item.endpoint if item else ""

    def hub(self, endpoint: str | None = None) -> sources.Source:
        """The first hub of the settings, or another one; each host has its own token."""
        return self._hubs.source(endpoint)

    def pending(self) -> list[PendingDownload]:
        """Downloads that were begun and are not whole, as they lie on the disk."""
        return download.pending(self._base.models_folder)

    def _ref_of(self, begun: PendingDownload) -> str:
        """What to pull to go on with it."""
        model = self._base.catalog.match(begun.repo, begun.file.file)
        return f"{model.id if model else begun.repo}:{begun.file.quant or begun.file.file}"

    def go_online(self) -> None:
        """What rests because the program was offline goes on."""
        for item in self._queue.items():
            if item.state == "paused" and item.code == OFFLINE and self._goes_on:
                self.resume(item.ref)

    def _set_limit(self, settings: Settings) -> None:
        self._limit.set(settings.network.speed_limit * MEGABYTE)


def _ended(item: Queued, run: _Run, failure: BackendError | None) -> Queued:
    if failure is not None:
        return offline(item) if failure.code == OFFLINE else failed(item, failure)
    return item if run.finished is None else replace(item, state="finished", done=item.total, path=run.finished.path)


def _same_model(one: Queued, other: Queued) -> bool:
    return one.ref == other.ref or bool(one.repo and (one.repo, one.file) == (other.repo, other.file))
