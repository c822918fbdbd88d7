"""What left this machine: a record of every attempt to connect, in memory and in a file that a person may read."""

import logging
import logging.handlers
import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Connection:
    """One attempt: `time` in seconds since 1970, why, to which `host:port`, and what came of it: an HTTP status, or
    the code of an error. Never a path, a query or a key."""

    time: float
    purpose: str
    host: str
    outcome: str


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
    """The last thousand connections, and a file (two of at most 1 MB, for this user alone) with one line for each."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._recent: deque[Connection] = deque(maxlen=1000)
        self._lines = logging.getLogger(__name__)
        self._file = private_file(path, 1_000_000, backups=1) if path else None
        if self._file:
            self._file.setFormatter(logging.Formatter("%(asctime)s  %(message)s"))

    def add(self, purpose: str, host: str, outcome: str) -> None:
        connection = Connection(time.time(), purpose, host, outcome)
        record = self._lines.makeRecord(
            __name__, logging.INFO, __file__, 0, "%s  %s  %s", (purpose, host, outcome), None
        )
        with self._lock:
            self._recent.append(connection)
        self._lines.handle(record)
        if self._file:
            self._file.handle(record)

    def recent(self) -> tuple[Connection, ...]:
        with self._lock:
            return tuple(self._recent)

    def close(self) -> None:
        if self._file:
            self._file.close()
