"""Folders that are followed: what comes, changes, moves or goes there does so here.

The system tells of changes (watchdog); a path is taken up when it has looked the same for a moment, so that nobody
reads half a copy. Network drives tell nothing and systems forget, so each folder is walked through from time to time as
well; what did not change costs a look. A folder that is not there (a drive that was taken out) has a problem, and its
documents stay; so has one whose drive does not answer, and nothing here waits for that but the timer's thread.
"""

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled
from backends.core.phrase import Phrase
from backends.core.stream import Stream
from backends.core.turns import Turns
from backends.documents.extract.formats import supported
from backends.documents.looking import SILENCE, Look, Looker, Visit, Wanted
from backends.documents.problems import NO_ANSWER, stopped
from backends.documents.store import DocumentStore
from backends.documents.types import Document, IngestEvent, Problem, WatchedFolder

log = logging.getLogger(__name__)

SETTLE = 2.0  # seconds for which a path must look the same
RESCAN = 900.0  # seconds between walks through all folders
MISSED = 60.0  # seconds between looks after those that are not there
MOST = 5_000  # paths that are remembered; after more than that the folder is walked through

Read = Callable[[int, Sequence[str], Callable[[CancelToken], None]], Stream[IngestEvent]]
"""Take in these paths into a collection, then call that; as `Intakes.files` does."""
_ENDING = 5.0  # seconds for a watch to end


@dataclass(slots=True)
class _Followed:
    watched: WatchedFolder
    new: bool = True  # nobody has walked through it yet
    watch: Any = None  # watchdog's observer
    watching: bool = False  # it is being set up
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
        self._looker, self._over, self._scans = Looker(), CancelToken(), Turns()
        self._settle, self._rescan, self._missed = settle, rescan, missed
        self._lock = threading.RLock()
        self._followed: dict[int, _Followed] = {}
        self._pending: dict[tuple[int, str], Look | None] = {}  # None: nobody has looked yet
        self._settling: threading.Timer | None = None
        self._scanning: threading.Timer | None = None
        self._closed = False

    def follow(self, folders: Iterable[WatchedFolder]) -> None:
        """These and no others; new ones are walked through now."""
        wanted = {each.id: each for each in folders}
        with self._lock:
            if self._closed:
                return
            left = [self._followed.pop(id) for id in list(self._followed) if id not in wanted]
            for id, each in wanted.items():
                self._followed.setdefault(id, _Followed(each))
        self._unwatch(left)
        self._scan_later()

    def rescan(self) -> list[Stream[IngestEvent]]:
        """Walk through all folders now. Raises Cancelled if it is closed meanwhile."""
        with self._lock:
            folders = list(self._followed.values())
        return self._scan(folders)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            timers = [timer for timer in (self._settling, self._scanning) if timer is not None]
            for timer in timers:
                timer.cancel()
            left = list(self._followed.values())
            self._followed.clear()
            self._pending.clear()
        self._over.cancel()
        for timer in timers:
            timer.join()
        self._unwatch(left)
        self._looker.close()

    # ---- what the system tells

    def _watch(self, followed: _Followed) -> None:
        """Set up on a thread of its own, which walks through the folder for it: a drive may go away in the middle.
        Raises nothing: a folder whose changes nobody tells of is walked through more often."""
        from watchdog.events import FileSystemEventHandler
        from watchdog.observers import Observer

        follower, id, done = self, followed.watched.id, threading.Event()

        class Told(FileSystemEventHandler):
            def on_any_event(self, event: Any) -> None:
                if event.event_type in ("created", "modified", "moved", "deleted", "closed"):
                    paths = [event.src_path] if event.event_type != "moved" else [event.src_path, event.dest_path]
                    if not (event.is_directory and event.event_type == "modified"):
                        follower._on_told(id, [os.fsdecode(path) for path in paths if path])

        def begin() -> None:
            observer = Observer()
            try:
                observer.schedule(Told(), followed.watched.path, recursive=True)
                observer.start()
            except OSError as error:
                log.info("changes in a folder are not told: %s", error)
                observer = None
            with self._lock:
                followed.watching = False
                wanted = self._followed.get(id) is followed
                if wanted:
                    followed.watch = observer
            done.set()
            if observer is not None and not wanted:
                _end(observer)

        with self._lock:
            if self._closed or followed.watch is not None or followed.watching:
                return
            followed.watching = True
        threading.Thread(target=begin, name="folder watch", daemon=True).start()
        forget = self._over.on_cancel(done.set)
        done.wait(SILENCE)
        forget()

    def _unwatch(self, left: Sequence[_Followed]) -> None:
        """Not with the lock: the threads of a watch that ends may wait for it."""
        with self._lock:
            observers = [each.watch for each in left if each.watch is not None]
            for each in left:
                each.watch = None
        for observer in observers:
            ending = threading.Thread(target=_end, args=(observer,), name="folder watch ends", daemon=True)
            ending.start()
            ending.join(_ENDING)

    def _on_told(self, id: int, paths: Sequence[str]) -> None:
        """On watchdog's thread."""
        with self._lock:
            followed = self._followed.get(id)
            if followed is None or self._closed:
                return
            for path in paths:
                if len(self._pending) >= MOST:
                    followed.overflow = True
                else:
                    self._pending.setdefault((id, path), None)
            self._settle_later()

    def _settle_later(self) -> None:
        if self._settling is None and not self._closed and (self._pending or self._overflowing()):
            unseen = all(look is None for look in self._pending.values()) and not self._overflowing()
            self._settling = _timer(0.0 if unseen else self._settle, self._on_settled)

    def _overflowing(self) -> bool:
        return any(each.overflow for each in self._followed.values())

    def _on_settled(self) -> None:
        """On the timer's thread: take up what looks as it did a moment ago."""
        with self._lock:
            pending = list(self._pending.items())
            flooded = [each for each in self._followed.values() if each.overflow]
            for each in flooded:
                each.overflow = False
        ready: dict[int, list[Look]] = {}
        with contextlib.suppress(Cancelled):
            looks = list(self._look([path for (_, path), _ in pending], self._over))
            with self._lock:
                for (key, before), now in zip(pending, looks, strict=True):
                    if now == before or _silent(now):
                        self._pending.pop(key, None)
                        ready.setdefault(key[0], []).append(now)
                    elif key in self._pending:
                        self._pending[key] = now
                followed = [(self._followed[id], ready[id]) for id in ready if id in self._followed]
            self._scan(flooded)
            for each, seen in followed:
                self._take(each, seen)
        with self._lock:
            self._settling = None
            self._settle_later()

    def _take(self, followed: _Followed, looks: Sequence[Look]) -> None:
        """Read what is there, then see what is gone: what was moved has its new place by then."""
        if self._closed:
            return
        (there,) = self._look([followed.watched.path], self._over)
        if followed.stopped or there.kind != "folder" or any(map(_silent, looks)):
            self._scan([followed])
            return
        here = [
            each.path for each in looks if each.kind == "folder" or (each.kind == "file" and supported(Path(each.path)))
        ]
        gone = [look.path for look in looks if look.kind == "gone"]
        collection = followed.watched.collection_id

        def forget(cancel: CancelToken) -> None:
            for path in gone:
                cancel.check()
                known = self._store.find(path, collection)
                if known is not None:
                    self._hide(followed.watched, [known], cancel, told=True)
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

    def _scan(self, folders: Sequence[_Followed]) -> list[Stream[IngestEvent]]:
        """Of those that are there and not being walked through already: what is told meanwhile may come too late for
        that walk, so it is followed by another. Raises Cancelled."""
        visit = Visit(self._looker)
        with self._scans.mine(self._over):
            return [scan for each in folders if (scan := self._scan_one(visit, each)) is not None]

    def _scan_one(self, visit: Visit, followed: _Followed) -> Stream[IngestEvent] | None:
        watched, followed.new = followed.watched, False
        if followed.stopped and followed.scan is not None and not followed.scan.wait(0):
            followed.overflow = True
            return None
        followed.stopped = False
        problem = self._state(visit, watched, self._over)
        known = next((each.problem for each in self._store.watched() if each.id == watched.id), None)
        if problem != known:
            self._store.set_watch_problem(watched.id, problem)
            self._tell()
        if problem is not None:
            self._unwatch([followed])
            return None
        if followed.scan is not None and not followed.scan.wait(0):
            followed.overflow = True
            return None
        self._watch(followed)
        with self._lock:
            if self._closed or self._followed.get(watched.id) is not followed:
                return None
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
                new = any(each.new for each in self._followed.values())
                all_here = all(each.watch is not None for each in self._followed.values())
                again = self._rescan if all_here else min(self._missed, self._rescan)
                self._scanning = _timer(0.0 if new else again, self._on_time)

    def _on_time(self) -> None:
        with self._lock:
            folders = list(self._followed.values())
        with contextlib.suppress(Cancelled):
            self._scan([each for each in folders if each.new] or folders)
            self._scan_later()

    # ---- what is gone

    def _state(self, visit: Visit, watched: WatchedFolder, cancel: CancelToken) -> Problem | None:
        """Why nothing can be said of what is in the folder. An empty one that had documents is the place of a drive
        that is not there."""
        look = visit.one(watched.path, "inside", cancel=cancel)
        if look.empty and self._store.below(watched.collection_id, watched.path, limit=1):
            return _emptied()
        return look.problem

    def _forget_below(self, watched: WatchedFolder, folder: str, cancel: CancelToken, *, told: bool) -> None:
        after = 0
        while documents := self._store.below(watched.collection_id, folder, after):
            after = documents[-1].id
            self._hide(watched, documents, cancel, told=told)

    def _hide(self, watched: WatchedFolder, documents: Sequence[Document], cancel: CancelToken, *, told: bool) -> None:
        """Those that are gone. `told`: the system said that they were deleted; else their folder must be there with
        something in it: a drive may go away between two looks."""
        gone = self._gone(documents, cancel)
        if not gone:
            return
        visit = Visit(self._looker)
        there = visit.one(watched.path, cancel=cancel).kind == "folder"
        if there and (told or self._state(visit, watched, cancel) is None):
            self._store.hide([each.id for each in self._gone(gone, cancel)], leave_out=False)
            self._tell()

    def _gone(self, documents: Sequence[Document], cancel: CancelToken) -> list[Document]:
        looks = self._look([each.path for each in documents], cancel)
        return [each for each, look in zip(documents, looks, strict=True) if look.kind == "gone"]

    def _look(self, paths: Sequence[str], cancel: CancelToken) -> list[Look]:
        return list(Visit(self._looker).look([Wanted(path) for path in paths], cancel=cancel))


def _timer(seconds: float, call: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(seconds, call)
    timer.name, timer.daemon = "folders", True
    timer.start()
    return timer


def _silent(look: Look) -> bool:
    return look.problem is not None and look.problem.code == NO_ANSWER


def _end(observer: Any) -> None:
    observer.stop()
    observer.join()


def _emptied() -> Problem:
    return Problem(
        "folder_empty",
        Phrase("The folder is empty; its documents were kept.", "该文件夹为空；其中的文档已保留。"),
        Phrase(
            "If it is a drive, connect it. If you emptied it, delete the documents here.",
            "如果是磁盘，请连接。如果是您清空的，请在此处删除文档。",
        ),
    )
