"""A look at a database that leaves it as it is: for who wants to know whether it is sound, without opening it for use.

Nothing is made, migrated, put aside or written to it. A database that others are using is read beside them.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from backends.core.cancel import CancelToken
from backends.core.errors import StorageError
from backends.core.files import storage_error
from backends.storage.connection import BUSY_SECONDS, Connection, translated
from backends.storage.database import mark_of
from backends.storage.migrations import schema_version

_STEPS = 20_000  # of SQLite's machine, between two looks at the cancel


@dataclass(frozen=True, slots=True)
class DatabaseLook:
    """`size` and `log` (of its -wal file) in bytes; `version`: the number of its last migration, 0 for an empty one."""

    size: int
    log: int
    version: int
    sound: bool


def look(path: Path, *, deep: bool = False, cancel: CancelToken) -> DatabaseLook:
    """Whether its pages and indexes hold together (`quick_check`; `deep`: `integrity_check`, which also compares the
    indexes with the tables). Raises StorageError (`cannot_open`, `read_only`, `disk_failed` …) and Cancelled."""
    try:
        size, log = path.stat().st_size, _size(path.with_name(f"{path.name}-wal"))
    except OSError as error:
        raise storage_error(error, path) from error
    check = "integrity_check" if deep else "quick_check"
    found = _sound_version(path, check, cancel)
    if found is None:  # somebody may have begun to write to it meanwhile
        found = _sound_version(path, check, cancel)
    return DatabaseLook(size, log, found or 0, found is not None)


def distrust(path: Path) -> None:
    """Let the next opening read this database through, however it is closed until then."""
    with contextlib.suppress(OSError):  # then it is looked at as usual
        mark_of(path).write_text("damaged", encoding="ascii")


def _sound_version(path: Path, check: str, cancel: CancelToken) -> int | None:
    """None if it is damaged."""
    try:
        with reading(path, cancel) as connection:
            version = schema_version(connection)
            sound = [row[0] for row in connection.execute(f"PRAGMA {check}(1)")] == ["ok"]
    except StorageError as error:
        if error.code != "database_damaged":
            raise
        return None
    return version if sound else None


@contextlib.contextmanager
def reading(path: Path, cancel: CancelToken) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write. Raises StorageError; Cancelled when the token is raised in a statement."""
    quiet = not _size(path.with_name(f"{path.name}-wal"))  # nobody has written to it: no log file is needed, or made
    name = path.absolute().as_posix()
    uri = quote(os.fsencode(name if name.startswith("/") else f"/{name}"), safe="/:")
    with translated(path):
        connection = sqlite3.connect(
            f"file://{uri}?mode=ro{'&immutable=1' if quiet else ''}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            factory=Connection,
        )
    connection.path = path
    connection.set_progress_handler(lambda: cancel.cancelled, _STEPS)
    try:
        yield connection
    except sqlite3.OperationalError:
        cancel.check()  # it was interrupted
        raise
    finally:
        connection.close()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
