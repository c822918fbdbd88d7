"""The text of a file, read in a child process (child.py) that takes its place with whatever happens to it.

    reader = Reader()
    for event in reader.read(path, cancel=cancel):      # Opened, Section… and Reading, Closed
        ...

Bounded memory, whatever the file's size: the child waits when nobody takes what it says. Raises for one file what
refusals.py makes (unreadable_file, damaged_file, encrypted, wrong_password, too_large, unsupported_format, out_of_time,
reader_died, no_ocr); the next file is read by the same child, or by a new one. A file without any text is no error: no
`Section` comes, and `Closed.unread` says which pages are pictures.
"""

import logging
import re
import signal
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backends.core.cancel import CancelToken
from backends.core.child import Child, ChildDied, ChildHung
from backends.core.errors import BackendError
from backends.core.kept_child import KeptChild
from backends.documents.extract import child, refusals
from backends.documents.extract.asked import MIB, Asked, Limits
from backends.documents.extract.formats import FORMATS, READERS, supported
from backends.documents.looking import Looker
from backends.documents.types import ReadEvent, Reading

log = logging.getLogger(__name__)

__all__ = ["FORMATS", "READERS", "Asked", "Limits", "Reader", "supported"]

_IDLE = 30.0  # seconds after which a child that reads nothing is let go
_AHEAD = 2  # batches that wait here for who stores them
_FILES = 1000  # files after which a child is replaced: what libraries leave behind does not add up
_FAT = 512 * MIB  # bytes of memory above which it is, too
_OUT_OF_TIME = -getattr(signal, "SIGXCPU", 24)
_KILLED, _ABORTED = -getattr(signal, "SIGKILL", 9), -signal.SIGABRT
_NO_MEMORY = re.compile(  # among the last words of libraries
    "(?i)memory ?error|bad_alloc|bad allocation|memory allocation|cannot allocate|insufficient memory|failed to map"
)
_BROKEN = re.compile(  # those of a process that aborts for another reason than memory
    "(?i)corrupt|double free|free\\(\\)|invalid (?:pointer|size|next)|assert|terminate called|fatal python|smashing"
)
_WINDOWS_OUT_OF_TIME = 1816  # ERROR_NOT_ENOUGH_QUOTA, what a job object ends a process with


class Reader:
    """Any number of threads may read at once; each has a child of its own. `looker`: looks before and after."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self.looker = Looker()
        self._lock = threading.Lock()
        self._seats: list[_Seat] = []

    def read(
        self, path: Path, *, password: str = "", recognise: bool = False, cancel: CancelToken
    ) -> Generator[ReadEvent, None, None]:
        """What stands in the file. `recognise`: pages that are pictures, too, where that is installed."""
        asked = Asked("", password, recognise, self._limits)
        request = {"do": "read", "path": str(path.absolute()), "asked": asked.told()}
        with self._seat() as seat, seat.kept.mine(cancel) as one:
            whole = False
            reached = Reading(0, 0)
            try:
                for answer in self._answers(one, request, cancel):
                    for told in answer["events"]:
                        event = child.heard(told)
                        reached = event if isinstance(event, Reading) else reached
                        yield event
                    whole = answer.get("peak", _FAT) < _FAT
            except ChildDied as died:
                why, error = _died(died, asked)
                where = f"{reached.done} of {reached.total or '?'}"
                log.warning("the reader of a file of %s died at %s, %s: %s", path.suffix, where, why, died)
                raise error from died
            except OSError as error:
                log.warning("no reader could be started: %s", error)
                raise refusals.no_reader(error) from error
            except BackendError as error:
                whole = error.code != "too_large"
                raise
            finally:
                seat.files += 1
                if not whole or seat.files >= _FILES:
                    seat.files = 0
                    one.close()

    def _answers(self, one: Child, request: dict[str, Any], cancel: CancelToken) -> Iterator[dict[str, Any]]:
        """A child that was kept and says nothing at all may have died before (the system lacked memory): ask anew."""
        kept = one.pid is not None
        try:
            for answer in one.ask(request, cancel=cancel, silence=self._limits.silence):
                kept = False
                yield answer
        except ChildDied as died:
            if not kept or isinstance(died, ChildHung):
                raise
            yield from one.ask(request, cancel=cancel, silence=self._limits.silence)

    @property
    def pids(self) -> list[int]:
        """Of the children that run now."""
        with self._lock:
            return [pid for seat in self._seats if (pid := seat.kept.pid) is not None]

    def close(self) -> None:
        """Let the children go; who still reads ends first. It may be used again."""
        with self._lock:
            seats = list(self._seats)
        for seat in seats:
            seat.kept.close()
        self.looker.close()

    @contextmanager
    def _seat(self) -> "Iterator[_Seat]":
        with self._lock:
            seat = next((one for one in self._seats if not one.taken), None) or _Seat()
            seat.taken = True
            if seat not in self._seats:
                self._seats.append(seat)
        try:
            yield seat
        finally:
            with self._lock:
                seat.taken = False


class _Seat:
    """A child, how many files it has read, and whether somebody reads with it."""

    def __init__(self) -> None:
        self.kept, self.files, self.taken = KeptChild(child.MODULE, _IDLE, _AHEAD), 0, False


def _died(died: ChildDied, asked: Asked) -> tuple[str, BackendError]:
    """What ended it, for the log, and what is said of the file."""
    limits = asked.limits
    memory = limits.recognising if asked.recognise else limits.memory
    if isinstance(died, ChildHung):
        return f"silent for {limits.silence:g} s", refusals.out_of_time()
    if died.code in (_OUT_OF_TIME, _WINDOWS_OUT_OF_TIME):
        return "without processor time", refusals.out_of_time()
    if _NO_MEMORY.search(died.said) or (died.code == _ABORTED and not _BROKEN.search(died.said)):  # as PDFium does
        return f"with {memory // MIB} MiB at most", refusals.too_large()
    if died.code == _KILLED and not died.said.startswith("not an answer"):
        return "by no limit", refusals.reader_killed()
    return "by no limit", refusals.reader_died()
