"""What the last run came to, so that this one can tell the person and be careful (REL-05).

    journal = CrashJournal(paths.state)
    last = journal.start()                  # once, by the process that owns the data folder
    with journal.native("load", model):     # around work in native code, which can end the process
        ...
    journal.finish()                        # when the person has closed the program, before anything is torn down

Files in the folder: `running.json` is there while the program runs, `native.json` while native code works,
`trace.txt` is where faulthandler writes, `abort.txt` where the engine leaves the last words of ggml, `crashes.json`
remembers the times of crashes, `last-crash.txt` is the last one, for a report. What happens after `finish()` is not
counted: a crash at exit has hurt nobody.
"""

import contextlib
import faulthandler
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.core.errors import StorageError
from backends.core.files import storage_error, write_file

GOOD_AFTER = 30.0  # seconds; a run that lasted so long has started well
WINDOW = 300.0  # seconds; two bad starts within this make the next one careful
_LONGEST_TRACE = 64_000  # bytes

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LastRun:
    """`crashed`: it ended without `finish()`. `during` and `detail`: the native work that it was at, if any. `trace`:
    what faulthandler and ggml wrote. `safe`: load nothing by yourself now and stay off the GPU: native work ended the
    last run, or two starts within five minutes ended within 30 seconds."""

    crashed: bool
    during: str
    detail: str
    trace: str
    safe: bool


class CrashJournal:
    def __init__(self, folder: Path, *, good_after: float = GOOD_AFTER) -> None:
        self.folder = folder
        self.abort_file = folder / "abort.txt"
        self.report_file = folder / "last-crash.txt"
        self._running = folder / "running.json"
        self._native = folder / "native.json"
        self._trace = folder / "trace.txt"
        self._history = folder / "crashes.json"
        self._good_after = good_after
        self._lock = threading.Lock()
        self._started = False
        self._timer: threading.Timer | None = None
        self._marks: dict[int, bytes] = {}  # what each thread is at, the latest last

    def start(self) -> LastRun:
        """Tell how the last run ended and begin to watch this one. Raises StorageError if the folder cannot be
        written."""
        last = self._examine()
        if last.crashed:
            write_file(self.report_file, _report(last).encode())
        for path in (self._native, self.abort_file):
            _remove(path)
        self._write_running(good=False)
        try:
            descriptor = os.open(self._trace, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        except OSError as error:
            raise storage_error(error, self._trace) from error
        faulthandler.enable(descriptor)
        self._started = True
        self._timer = threading.Timer(self._good_after, self._started_well)
        self._timer.name = "crash journal"
        self._timer.daemon = True
        self._timer.start()
        return last

    def begin(self, what: str, detail: str) -> None:
        """Native work begins: `what` (a word such as "load") with `detail` (such as the model). On the disk before
        this returns."""
        if not self._started:
            return
        with self._lock:
            self._marks.pop(threading.get_ident(), None)
            self._marks[threading.get_ident()] = json.dumps({"what": what, "detail": detail}).encode()
            self._write_mark()

    def end(self) -> None:
        """This thread's native work is over; another's goes on."""
        with self._lock:
            self._marks.pop(threading.get_ident(), None)
            self._write_mark()

    def _write_mark(self) -> None:
        if not (self._marks and self._started):
            _remove(self._native)
            return
        try:
            write_file(self._native, next(reversed(self._marks.values())))
        except StorageError as error:
            log.warning("native work goes on without its mark: %s", error)

    @contextlib.contextmanager
    def native(self, what: str, detail: str) -> Iterator[None]:
        """`begin()` and, whatever comes, `end()`."""
        self.begin(what, detail)
        try:
            yield
        finally:
            self.end()

    def finish(self) -> None:
        """The person has closed the program. Idempotent."""
        with self._lock:
            self._started = False
            if self._timer:
                self._timer.cancel()
            for path in (self._native, self.abort_file, self._running, self._history):
                _remove(path)

    def _started_well(self) -> None:
        with self._lock:
            if self._started:
                _remove(self._history)
                try:
                    self._write_running(good=True)
                except StorageError as error:
                    log.warning("the start was good, but: %s", error)

    def _write_running(self, *, good: bool) -> None:
        write_file(self._running, json.dumps({"pid": os.getpid(), "good": good}).encode())

    def _examine(self) -> LastRun:
        running, native = _read(self._running), _read(self._native)
        if running is None:
            return LastRun(crashed=False, during="", detail="", trace="", safe=False)
        native = native or {}
        aborted = _tail(self.abort_file)
        trace = "\n".join(part for part in (aborted, _tail(self._trace)) if part)
        counted = []
        if running.get("good") is not True:
            moment = max(_modified(path) for path in (self._running, self._native, self._trace, self.abort_file))
            before = (_read(self._history) or {}).get("times")
            before = before if isinstance(before, list) else []
            counted = [t for t in before if isinstance(t, int | float) and abs(moment - t) <= WINDOW] + [moment]
            write_file(self._history, json.dumps({"times": counted}).encode())
        during = str(native.get("what", "")) or ("native" if aborted else "")
        return LastRun(
            crashed=True,
            during=during,
            detail=str(native.get("detail", "")),
            trace=trace,
            safe=bool(during) or len(counted) >= 2,
        )


def _report(last: LastRun) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S")
    return f"found {when}\nduring: {last.during or 'nothing known'}\ndetail: {last.detail}\n\n{last.trace}\n"


def _read(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; empty if it is damaged, None if it is not there."""
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s stays: %s", path, error)


def _tail(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - _LONGEST_TRACE))
            return file.read().decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _modified(path: Path) -> float:
    """Seconds since 1970, 0 if it is not there."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
