"""What left this machine: a record of every attempt to connect, in memory and in a file that outlives the program."""

import dataclasses
import json
import logging
import logging.handlers
import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Any

from backends.core.errors import StorageError
from backends.core.files import storage_error

KEPT = 1000  # connections in memory
_SIZE = 1_000_000  # bytes of the file; a second one holds what was before
_LEAST = 0.001  # seconds of what is over
_AGAIN = 1.0  # seconds in which the same attempt past the door is not told anew: a stream of datagrams


@dataclass(frozen=True, slots=True)
class Connection:
    """One attempt: `time` in seconds since 1970, why, to which `host:port`, and what came of it: an HTTP status, the
    code of an error, or an outcome of `gate.Attempt`. `received` and `sent`: bytes of HTTP, `seconds`: how long it took
    until it was whole; 0 as long as it goes on. Never a path, a query or a key."""

    time: float
    purpose: str
    host: str
    outcome: str
    received: int = 0
    sent: int = 0
    seconds: float = 0.0


def private_file(path: Path, size: int, *, backups: int) -> logging.handlers.RotatingFileHandler:
    """A log file for this user alone (SEC-52), of `size` bytes at most and with `backups` older ones beside it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _PrivateFile(path, maxBytes=size, backupCount=backups, encoding="utf-8", delay=True)


class _PrivateFile(logging.handlers.RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self.baseFilename, flags, 0o600)
        return TextIOWrapper(os.fdopen(descriptor, "ab"), encoding=self.encoding, write_through=True)


class ConnectionLog:
    """The last thousand connections, those of earlier runs among them, and a file (two of at most 1 MB, for this user
    alone) with a line of JSON for each that is over. Any thread may use it; `changed` is called after each change."""

    def __init__(self, path: Path | None) -> None:
        self.changed: Callable[[], object] = lambda: None
        self._path = path
        self._lock = threading.RLock()
        self._recent: OrderedDict[int, Connection] = OrderedDict()
        self._under_way: set[int] = set()
        self._number = 0
        self._lines = logging.getLogger(__name__)
        self._file = private_file(path, _SIZE, backups=1) if path else None
        for connection in self._read():
            self._keep(connection)

    def add(self, purpose: str, host: str, outcome: str, *, sent: int = 0, seconds: float = _LEAST) -> None:
        """One that is over."""
        with self._lock:
            self._write(self._keep(Connection(time.time(), purpose, host, outcome, 0, sent, seconds)))
        self.changed()

    def begin(self, purpose: str, host: str, outcome: str) -> int:
        """One that goes on: a number for `finish`."""
        with self._lock:
            number = self._keep(Connection(time.time(), purpose, host, outcome))
            self._under_way.add(number)
        self.changed()
        return number

    def finish(self, number: int, *, received: int, sent: int, seconds: float) -> None:
        with self._lock:
            if number not in self._under_way:  # it is finished, or was erased
                return
            self._under_way.discard(number)
            moved = {"received": received, "sent": sent}
            self._recent[number] = replace(self._recent[number], **moved, seconds=max(_LEAST, seconds))
            self._write(number)
        self.changed()

    def recent(self) -> tuple[Connection, ...]:
        """Oldest first."""
        with self._lock:
            return tuple(self._recent.values())

    def seen(self, purpose: str, host: str, outcome: str) -> bool:
        """Whether the last one was just that, a moment ago."""
        with self._lock:
            last = next(reversed(self._recent.values()), None)
        return (
            last is not None
            and (last.purpose, last.host, last.outcome) == (purpose, host, outcome)
            and 0 <= time.time() - last.time < _AGAIN
        )

    def erase(self) -> None:
        """Forget all of them, on the disk too. Raises StorageError."""
        with self._lock:
            self._recent.clear()
            self._under_way.clear()
            if self._file is not None and self._path is not None:
                self._file.close()
                for path in _files(self._path):
                    try:
                        path.unlink(missing_ok=True)
                    except OSError as error:
                        raise storage_error(error, path) from error
        self.changed()

    def close(self) -> None:
        with self._lock:
            for number in sorted(self._under_way):
                self._let_go(number)
            if self._file:
                self._file.close()

    def _keep(self, connection: Connection) -> int:
        self._number += 1
        self._recent[self._number] = connection
        while len(self._recent) > KEPT:
            oldest = next(iter(self._recent))
            if oldest in self._under_way:
                self._let_go(oldest)
            del self._recent[oldest]
        return self._number

    def _let_go(self, number: int) -> None:
        """Of one that goes on: how much will have come is not known any more."""
        self._under_way.discard(number)
        began = self._recent[number]
        self._recent[number] = replace(began, seconds=max(_LEAST, time.time() - began.time))
        self._write(number)

    def _write(self, number: int) -> None:
        connection = self._recent[number]
        said = (connection.purpose, connection.host, connection.outcome)
        self._lines.info("%s  %s  %s", *said)
        if self._file:
            line = json.dumps(dataclasses.asdict(connection), ensure_ascii=False)
            self._file.handle(self._lines.makeRecord(__name__, logging.INFO, __file__, 0, "%s", (line,), None))

    def _read(self) -> list[Connection]:
        """Those of earlier runs; lines that are none are passed over."""
        if self._path is None:
            return []
        try:
            lines = list(chain.from_iterable(map(_lines_of, reversed(_files(self._path)))))
        except StorageError as error:
            self._lines.warning("earlier connections cannot be read: %s", error)
            return []
        return [found for line in lines[-KEPT:] if (found := _connection(line)) is not None]


def _files(path: Path) -> tuple[Path, Path]:
    """The newer one first."""
    return path, path.with_name(f"{path.name}.1")


def _lines_of(path: Path) -> Iterator[str]:
    try:
        yield from path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return
    except OSError as error:
        raise storage_error(error, path) from error


def _connection(line: str) -> Connection | None:
    try:
        said: Any = json.loads(line)
        time, received, sent, seconds = (float(said[name]) for name in ("time", "received", "sent", "seconds"))
        purpose, host, outcome = (said[name] for name in ("purpose", "host", "outcome"))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    if not all(isinstance(text, str) for text in (purpose, host, outcome)):
        return None
    if not all(0 <= number < math.inf for number in (time, received, sent, seconds)):
        return None
    return Connection(time, purpose, host, outcome, int(received), int(sent), seconds)
