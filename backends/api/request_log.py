"""What programs have asked: when, by which key, on which route, at what cost. In `requests.db`; texts only where the
person wishes them kept. Written on a thread of its own, never on the event loop.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal

from backends.api.calls import Call
from backends.core.cancel import CancelToken
from backends.core.errors import StorageError
from backends.core.stream import Runner, Stream
from backends.storage.database import Connected, Database
from backends.storage.migrations import Migration

__all__ = ["MANNERS", "MIGRATIONS", "Logged", "Outcome", "RequestLog"]

log = logging.getLogger(__name__)

Outcome = Literal["done", "cancelled", "refused", "failed"]
MANNERS = ("secure_delete=ON",)
LONGEST_TEXT = 100_000  # characters that are kept of a text
_DAY = 86_400.0


def _create(connection: Connected) -> None:
    connection.execute(
        """
        CREATE TABLE requests (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL,
            at REAL NOT NULL,
            key_id TEXT NOT NULL,
            key_name TEXT NOT NULL,
            method TEXT NOT NULL,
            route TEXT NOT NULL,
            model TEXT NOT NULL,
            status INTEGER NOT NULL,
            outcome TEXT NOT NULL,
            seconds REAL NOT NULL,
            first_token REAL,
            prompt_tokens INTEGER NOT NULL,
            cached_tokens INTEGER NOT NULL,
            completion_tokens INTEGER NOT NULL,
            reasoning_tokens INTEGER NOT NULL,
            client_id TEXT NOT NULL,
            asked TEXT NOT NULL,
            answered TEXT NOT NULL
        )
        """
    )
    connection.execute("CREATE INDEX requests_by_time ON requests (at)")
    connection.execute("CREATE INDEX requests_by_key ON requests (key_id, number)")


MIGRATIONS = (Migration(1, "requests", _create),)


@dataclass(frozen=True, slots=True)
class Logged:
    """One request that is over. Times in seconds: `at` since 1970, `first_token` after its beginning."""

    number: int
    id: str
    at: float
    key_id: str
    key_name: str
    method: str
    route: str  # as in the table of routes: never what the client put into a path
    model: str
    status: int  # 0: the client had gone before there was one
    outcome: Outcome
    seconds: float
    first_token: float | None
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    client_id: str
    asked: str
    answered: str


class RequestLog:
    """Any thread may use it. `keep_days`: asked when it is tidied. `clock`: seconds since 1970."""

    def __init__(
        self, database: Database, keep_days: Callable[[], int], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._database, self._keep_days, self._clock = database, keep_days, clock
        self._runner = Runner("request-log")
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Any, ...]] = deque()
        self._tidied = 0.0
        self._on_stored: Callable[[], None] = lambda: None

    def on_stored(self, callback: Callable[[], None]) -> None:
        """Called, on the thread of the log, when there is something new."""
        self._on_stored = callback

    def put(self, call: Call, *, texts: bool) -> None:
        """Write a request that is over, soon. Returns at once."""
        with self._lock:
            first = not self._waiting
            self._waiting.append(_row(call, texts))
        if first:
            self._runner.start(self._write)

    def entries(self, limit: int = 100, *, before: int | None = None, key_id: str | None = None) -> tuple[Logged, ...]:
        """The newest first; `before`: only those with a smaller number."""
        rows = self._database.connection().execute(
            "SELECT * FROM requests WHERE (?1 IS NULL OR number < ?1) AND (?2 IS NULL OR key_id = ?2) "
            "ORDER BY number DESC LIMIT ?3",
            (before, key_id, limit),
        )
        return tuple(Logged(*row) for row in rows)

    def last_used(self) -> dict[str, float]:
        """When each key was last used, in seconds since 1970."""
        rows = self._database.connection().execute("SELECT key_id, max(at) FROM requests GROUP BY key_id")
        return {row[0]: row[1] for row in rows}

    def erase(self) -> Stream[None]:
        """All of it."""
        return self._runner.start(self._erase)

    def settle(self) -> Stream[None]:
        """Ends when what was put so far is written."""
        return self._runner.start(self._write)

    def close(self) -> None:
        self.settle().wait(5)
        self._runner.close()

    def _write(self, *, cancel: CancelToken) -> Iterator[None]:
        with self._lock:
            rows = tuple(self._waiting)
            self._waiting.clear()
        try:
            with self._database.atomic() as connection:
                connection.executemany(_INSERT, rows)
                if self._clock() >= self._tidied + _DAY:
                    self._tidied = self._clock()
                    oldest = self._tidied - self._keep_days() * _DAY
                    connection.execute("DELETE FROM requests WHERE at < ?", (oldest,))
        except StorageError as error:
            log.warning("%d requests were not written into the list: %s", len(rows), error)
        self._on_stored()
        yield None

    def _erase(self, *, cancel: CancelToken) -> Iterator[None]:
        with self._database.atomic() as connection:
            connection.execute("DELETE FROM requests")
        self._database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._on_stored()
        yield None


_COLUMNS = tuple(one.name for one in fields(Logged) if one.name != "number")
_INSERT = f"INSERT INTO requests ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"


def outcome(call: Call) -> Outcome:
    if call.token.cancelled:
        return "cancelled"
    if call.status >= 500:
        return "failed"
    return "refused" if call.status >= 400 else "done"


def _row(call: Call, texts: bool) -> tuple[Any, ...]:
    caller = call.caller
    return (
        call.id,
        call.at,
        caller.key_id if caller else "",
        caller.name if caller else "",
        call.route.method if call.route else "",
        call.route.path if call.route else "",
        call.model,
        call.status,
        outcome(call),
        time.monotonic() - call.started,
        call.first_token,
        call.prompt_tokens,
        call.cached_tokens,
        call.completion_tokens,
        call.reasoning_tokens,
        call.client_id[:100],
        call.asked[:LONGEST_TEXT] if texts else "",
        call.answered[:LONGEST_TEXT] if texts else "",
    )
