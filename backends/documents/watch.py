"""Folders that are followed: what comes, changes, moves or goes there does so here.

The system tells of changes (watchdog); a path is taken up when it has looked the same for a moment, so that nobody
reads half a copy. Network drives tell nothing and systems forget, so each folder is walked through from time to time as
well; what did not change costs a look. A folder that is not there (a drive that was taken out) has a problem, and its
documents stay.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.core.cancel import CancelToken
from backends.core.phrase import Phrase
from backends.core.stream import Stream
from backends.documents.extract.reader import supported
from backends.documents.problems import stopped
from backends.documents.store import DocumentStore
from backends.documents.types import Document, IngestEvent, Problem, WatchedFolder
from backends.documents.walk import unreadable

log = logging.getLogger(__name__)

SETTLE = 2.0  # seconds for which a path must look the same
RESCAN = 900.0  # seconds between walks through all folders
MISSED = 60.0  # seconds between looks after those that are not there
MOST = 5_000  # paths that are remembered; after more than that the folder is walked through

Read = Callable[[int, Sequence[str], Callable[[CancelToken], None]], Stream[IngestEvent]]
"""Take in these paths into a collection, then call that; as `Intakes.files` does."""
Look = tuple[int, int] | None  # size and time; None: not there


@dataclass(slots=True)
class _Followed:
    watched: WatchedFolder
    watch: Any = None  # watchdog's
    scan: Stream[IngestEvent] | None = None
    overflow: bool = False
    stopped: bool = False  # somebody has ended the reading: the next change, or the next walk, begins it anew


class Follower:
    """Its threads: watchdog's, and a timer. Nothing runs while no folder is followed."""

    def __init__(
        self,
        store: DocumentStore,
        read: Read,
        *,
        settle: float = SETTLE,
        rescan: float = RESCAN,
        missed: float = MISSED,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._read, self._tell = store, read, changed
        self._settle, self._rescan, self._missed = settle, rescan, missed
        self._lock = threading.RLock()
        self._followed: dict[int, _Followed] = {}
        self._pending: dict[tuple[int, str], Look] = {}
        self._observer: Any = None
        self._settling: threading.Timer | None = None
        self._scanning: threading.Timer | None = None
        self._closed = False

    def follow(self, folders: Iterable[WatchedFolder]) -> None:
        """These and no others; new ones are walked through now."""
        wanted = {each.id: each for each in folders}
        with self._lock:
            if self._closed:
                return
            for id in [id for id in self._followed if id not in wanted]:
                self._unwatch(self._followed.pop(id))
            new = [_Followed(each) for id, each in wanted.items() if id not in self._followed]
            for each in new:
                self._followed[each.watched.id] = each
        for each in new:
            self._scan(each)
        self._scan_later()

    def rescan(self) -> list[Stream[IngestEvent]]:
        """Walk through all folders now."""
        with self._lock:
            folders = list(self._followed.values())
        return [stream for each in folders if (stream := self._scan(each)) is not None]

    def close(self) -> None:
        with self._lock:
            self._closed = True
            timers = [timer for timer in (self._settling, self._scanning) if timer is not None]
            for timer in timers:
                timer.cancel()
            observer, self._observer = self._observer, None
            self._followed.clear()
            self._pending.clear()
        for timer in timers:
            timer.join()
        if observer is not None:
            observer.stop()
            observer.join()

    # ---- what the system tells

    def _watch(self, followed: _Followed) -> None:
        """Raises nothing: a folder whose changes nobody tells of is walked through."""
        from watchdog.events import FileSystemEventHandler
        from watchdog.observers import Observer

        follower, id = self, followed.watched.id

        class Told(FileSystemEventHandler):
            def on_any_event(self, event: Any) -> None:
                if event.event_type in ("created", "modified", "moved", "deleted", "closed"):
                    paths = [event.src_path] if event.event_type != "moved" else [event.src_path, event.dest_path]
                    if not (event.is_directory and event.event_type == "modified"):
                        follower._on_told(id, [os.fsdecode(path) for path in paths if path])

        with self._lock:
            if self._closed or followed.watch is not None:
                return
            if self._observer is None:
                self._observer = Observer()
                self._observer.start()
            try:
                followed.watch = self._observer.schedule(Told(), followed.watched.path, recursive=True)
            except OSError as error:
                log.info("changes in a folder are not told: %s", error)

    def _unwatch(self, followed: _Followed) -> None:
        if followed.watch is not None and self._observer is not None:
            watch, followed.watch = followed.watch, None
            try:
                self._observer.unschedule(watch)
            except KeyError:
                log.debug("a watch had ended by itself")

    def _on_told(self, id: int, paths: Sequence[str]) -> None:
        """On watchdog's thread."""
        with self._lock:
            followed = self._followed.get(id)
            if followed is None or self._closed:
                return
            for path in paths:
                if len(self._pending) >= MOST:
                    followed.overflow = True
                elif (id, path) not in self._pending:
                    self._pending[id, path] = _look(path)
            self._settle_later()

    def _settle_later(self) -> None:
        if self._settling is None and not self._closed and (self._pending or self._overflowing()):
            self._settling = _timer(self._settle, self._on_settled)

    def _overflowing(self) -> bool:
        return any(each.overflow for each in self._followed.values())

    def _on_settled(self) -> None:
        """On the timer's thread: take up what looks as it did a moment ago."""
        ready: dict[int, list[str]] = {}
        with self._lock:
            self._settling = None
            for (id, path), before in list(self._pending.items()):
                now = _look(path)
                if now == before:
                    del self._pending[id, path]
                    ready.setdefault(id, []).append(path)
                else:
                    self._pending[id, path] = now
            flooded = [each for each in self._followed.values() if each.overflow]
            for each in flooded:
                each.overflow = False
            followed = {id: self._followed[id] for id in ready if id in self._followed}
            self._settle_later()
        for each in flooded:
            self._scan(each)
        for id, each in followed.items():
            self._take(each, ready[id])

    def _take(self, followed: _Followed, paths: Sequence[str]) -> None:
        """Read what is there, then see what is gone: what was moved has its new place by then."""
        if self._closed:
            return
        if followed.stopped or not Path(followed.watched.path).is_dir():
            self._scan(followed)
            return
        here = [path for path in paths if Path(path).is_dir() or (supported(Path(path)) and Path(path).is_file())]
        gone = [path for path in paths if _is_gone(path)]
        collection = followed.watched.collection_id

        def forget(cancel: CancelToken) -> None:
            for path in gone:
                cancel.check()
                known = self._store.find(path, collection)
                if known is not None:
                    self._hide(followed.watched, [known], told=True)
                elif not Path(path).suffix:
                    self._forget_below(followed.watched, path, cancel, told=True)

        if here or gone:
            self._note_end(followed, self._read(collection, here, forget))

    def _note_end(self, followed: _Followed, stream: Stream[IngestEvent]) -> None:
        """Say so on the folder if somebody ends this."""

        def ended() -> None:
            if not self._closed:
                followed.stopped = True
                self._store.set_watch_problem(followed.watched.id, stopped())
                self._tell()

        stream.token.on_cancel(ended)

    # ---- walks

    def _scan(self, followed: _Followed) -> Stream[IngestEvent] | None:
        """None: it runs already, or the folder is not there."""
        watched = followed.watched
        if followed.stopped and followed.scan is not None and not followed.scan.wait(0):
            return None
        followed.stopped = False
        problem = self._state(watched)
        known = next((each.problem for each in self._store.watched() if each.id == watched.id), None)
        if problem != known:
            self._store.set_watch_problem(watched.id, problem)
            self._tell()
        with self._lock:
            if problem is not None:
                self._unwatch(followed)
                return None
            if self._closed or (followed.scan is not None and not followed.scan.wait(0)):
                return None
            self._watch(followed)
            scan = followed.scan = self._read(
                watched.collection_id,
                [watched.path],
                lambda cancel: self._forget_below(watched, watched.path, cancel, told=False),
            )
        self._note_end(followed, scan)
        return scan

    def _scan_later(self) -> None:
        with self._lock:
            if self._scanning is not None:
                self._scanning.cancel()
                self._scanning = None
            if self._followed and not self._closed:
                all_here = all(each.watch is not None for each in self._followed.values())
                self._scanning = _timer(self._rescan if all_here else min(self._missed, self._rescan), self._on_time)

    def _on_time(self) -> None:
        self.rescan()
        self._scan_later()

    # ---- what is gone

    def _state(self, watched: WatchedFolder) -> Problem | None:
        """Why nothing can be said of what is in the folder. An empty one that had documents is the place of a drive
        that is not there."""
        try:
            with os.scandir(watched.path) as entries:
                if next(entries, None) is None and self._store.below(watched.collection_id, watched.path, limit=1):
                    return _emptied()
        except OSError as error:
            return unreadable(watched.path, error)
        return None

    def _forget_below(self, watched: WatchedFolder, folder: str, cancel: CancelToken, *, told: bool) -> None:
        after = 0
        while documents := self._store.below(watched.collection_id, folder, after):
            cancel.check()
            after = documents[-1].id
            self._hide(watched, [each for each in documents if _is_gone(each.path)], told=told)

    def _hide(self, watched: WatchedFolder, documents: Sequence[Document], *, told: bool) -> None:
        """`told`: the system said that they were deleted; else their folder must be there with something in it."""
        if not documents or (not Path(watched.path).is_dir() if told else self._state(watched) is not None):
            return
        self._store.hide([each.id for each in documents if _is_gone(each.path)], leave_out=False)
        self._tell()


def _timer(seconds: float, call: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(seconds, call)
    timer.name, timer.daemon = "folders", True
    timer.start()
    return timer


def _look(path: str) -> Look:
    try:
        found = os.stat(path)  # noqa: PTH116 - many
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns


def _is_gone(path: str) -> bool:
    """Really not there: a drive that fails, or a folder that may not be looked into, says something else."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    return False


def _emptied() -> Problem:
    return Problem(
        "folder_empty",
        Phrase("The folder is empty; its documents were kept.", "该文件夹为空；其中的文档已保留。"),
        Phrase(
            "If it is a drive, connect it. If you emptied it, delete the documents here.",
            "如果是磁盘，请连接。如果是您清空的，请在此处删除文档。",
        ),
    )
