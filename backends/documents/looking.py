"""What the system says of files and folders, asked in a child process (look_child.py).

    visit = Visit(looker)
    for look in visit.look([Wanted(path, "news")], cancel=cancel): ...

A network drive that is gone answers no call, and no call to it can be called off: here a cancel ends the wait at once,
and what says nothing for SILENCE seconds has a problem (`no_answer`).
"""

import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Literal

from backends.core.cancel import CancelToken
from backends.core.child import Child, ChildDied, ChildHung
from backends.core.kept_child import KeptChild
from backends.documents import look_child
from backends.documents.extract import refusals
from backends.documents.problems import NO_ANSWER, no_answer, unreadable
from backends.documents.types import Problem

SILENCE = 30.0  # seconds without a word
AGAIN = 3.0  # seconds, of a drive that has just been silent for so long
MOST = 3  # times in a row; then a drive is not asked any more
_IDLE = 30.0  # seconds after which a child that is asked nothing is let go
_AHEAD = 64  # answers that wait here for who takes them

Purpose = Literal["here", "digest", "news", "inside"]
"""What for: whether it is there; its sha256; that, if it is small and has not the size and time that are known; whether
anything is in a folder."""
Kind = Literal["file", "folder", "other", "gone", "unknown"]


@dataclass(frozen=True, slots=True)
class Wanted:
    path: str
    purpose: Purpose = "here"
    size: int = -1
    modified: float = 0.0


@dataclass(frozen=True, slots=True)
class Look:
    """`size` in bytes, `modified` in seconds of Unix time. `problem`: why no more is known; `gone` has one, too.
    `digest`: hexadecimal, "" if nobody wanted it. `empty`: nothing is in that folder."""

    path: str
    kind: Kind
    size: int = 0
    modified: float = 0.0
    modified_ns: int = 0
    digest: str = ""
    empty: bool = False
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """Names in a folder: files, links that may lead to files, and folders."""

    files: Sequence[str]
    links: Sequence[str]
    folders: Sequence[str]


class Looker:
    """Any number of threads may look at once; each has a child of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: list[KeptChild] = []
        self._all: list[KeptChild] = []

    @contextmanager
    def child(self, cancel: CancelToken) -> Iterator[Child]:
        with self._lock:
            if self._free:
                kept = self._free.pop()
            else:
                kept = KeptChild(look_child.MODULE, _IDLE, _AHEAD)
                self._all.append(kept)
        try:
            with kept.mine(cancel) as child:
                yield child
        finally:
            with self._lock:
                self._free.append(kept)

    def close(self) -> None:
        """Let the children go; who still looks ends first. It may be used again."""
        with self._lock:
            every = list(self._all)
        for kept in every:
            kept.close()


class Visit:
    """The looks of one request, for any number of threads. A drive that was silent is waited for less, and soon not
    asked any more, so that a thousand files on it do not take a thousand times SILENCE; one that gives something again
    is trusted again."""

    def __init__(self, looker: Looker) -> None:
        self._looker = looker
        self._silent: dict[str, int] = {}  # drives, and how often in a row
        self._mounts: tuple[str, ...] | None = None

    def look(self, wanted: Sequence[Wanted], *, cancel: CancelToken) -> Iterator[Look]:
        """Of each in turn. Raises Cancelled."""
        left = deque(wanted)
        while left:
            if self._times(left[0].path) >= MOST:
                cancel.check()
                yield Look(left.popleft().path, "unknown", problem=no_answer())
                continue
            some = self._of_one_drive(left)
            each = len(some) == 1 or self.doubts(some[0].path)
            request = {
                "do": "look",
                "each": each,
                "wanted": [[w.path, w.purpose, w.size, w.modified] for w in some],
            }
            for answer in self._ask(request, some[0].path, cancel):
                if isinstance(answer, Problem):
                    self._distrust(left[0].path, answer)
                    if each or answer.code != NO_ANSWER:  # else one of those was silent: which, is found out now
                        yield Look(left.popleft().path, "unknown", problem=answer)
                for told in () if isinstance(answer, Problem) else answer.get("looks", ()):
                    path = left.popleft().path
                    if "error" in told or told.get("digest") or "empty" in told:
                        self._trust(path)
                    yield _heard(path, told)

    def one(self, path: str, purpose: Purpose = "here", *, cancel: CancelToken) -> Look:
        (look,) = self.look([Wanted(path, purpose)], cancel=cancel)
        return look

    def names(self, folder: str, *, cancel: CancelToken) -> Iterator[Listed | Problem]:
        """What is in a folder and of a kind that can be read; a problem ends it. Raises Cancelled."""
        for answer in self._ask({"do": "list", "folder": folder}, folder, cancel):
            if isinstance(answer, Problem):
                self._distrust(folder, answer)
                yield answer
                return
            self._trust(folder)
            if "error" in answer:
                yield unreadable(OSError(*answer["error"]))
            else:
                yield Listed(answer["files"], answer["links"], answer["folders"])

    def first_gone(self, paths: Sequence[str], *, cancel: CancelToken) -> str | None:
        """The first that is really not there; None also where a drive does not answer. Raises Cancelled."""
        for answer in self._ask({"do": "first gone", "paths": paths}, paths[0], cancel) if paths else ():
            return None if isinstance(answer, Problem) else answer["path"]
        return None

    def doubts(self, path: str) -> bool:
        """Its drive has been silent: what was seen there before may be worth nothing."""
        return self._times(path) > 0

    # ---- inside

    def _ask(self, request: Mapping[str, Any], path: str, cancel: CancelToken) -> Iterator[dict[str, Any] | Problem]:
        """The answers; at last a problem, if it is the child's end that ends them."""
        times = self._times(path)
        if times >= MOST:
            cancel.check()
            yield no_answer()
            return
        for last in (False, True):
            said = False
            try:
                with self._looker.child(cancel) as child:
                    for answer in child.ask(request, cancel=cancel, silence=AGAIN if times else SILENCE):
                        said = True
                        yield answer
                return
            except ChildHung:
                yield no_answer()
                return
            except ChildDied:
                if last or said:  # the system lacks memory, say
                    yield Problem.of(refusals.reader_killed())
                    return
            except OSError as error:
                yield Problem.of(refusals.no_reader(error))
                return

    def _times(self, path: str) -> int:
        return self._silent.get(self._drive(path), 0) if self._silent else 0

    def _of_one_drive(self, wanted: Sequence[Wanted]) -> list[Wanted]:
        if not self._silent:
            return list(wanted)
        drive = self._drive(wanted[0].path)
        return list(takewhile(lambda each: self._drive(each.path) == drive, wanted))

    def _distrust(self, path: str, problem: Problem) -> None:
        if problem.code == NO_ANSWER:
            drive = self._drive(path)
            self._silent[drive] = self._silent.get(drive, 0) + 1

    def _trust(self, path: str) -> None:
        if self._silent:
            self._silent.pop(self._drive(path), None)

    def _drive(self, path: str) -> str:
        """Nobody looks at the path for that: it may be the one that does not answer."""
        if root := os.path.splitdrive(path)[0]:
            return root
        if self._mounts is None:
            import psutil

            places = {each.mountpoint.rstrip("/") for each in psutil.disk_partitions(all=True)}
            self._mounts = tuple(sorted(places, key=len, reverse=True))
        return next((place for place in self._mounts if f"{path}/".startswith(f"{place}/")), "")


def _heard(path: str, answer: dict[str, Any]) -> Look:
    if "error" in answer:
        return Look(path, answer["kind"], problem=unreadable(OSError(*answer["error"])))
    return Look(path, **answer)
