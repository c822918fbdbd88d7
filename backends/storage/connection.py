"""A sqlite3 connection with our settings and our errors.

The world's failures come out as StorageError with a stable code; a violated constraint or a wrong statement is our
own mistake and stays what sqlite3 made of it.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from backends.core.errors import StorageError
from backends.core.files import disk_full, read_only
from backends.core.phrase import Phrase

BUSY_SECONDS = 5.0


def connect(path: Path, manners: Sequence[str] = ()) -> "Connection":
    """Open `path`, which must exist; `manners` are pragmas that come before our own. Raises StorageError."""
    with translated(path):
        connection = sqlite3.connect(
            _uri(path),
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            factory=Connection,
        )
    connection.path = path
    connection.row_factory = sqlite3.Row
    try:
        for pragma in (
            *manners,
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "trusted_schema=OFF",
            "fullfsync=ON",  # macOS: really to the disk, not only to its cache
            "checkpoint_fullfsync=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")
    except StorageError:
        connection.close()
        raise
    return connection


def _uri(path: Path) -> str:
    """`path` as SQLite wants it (https://www.sqlite.org/uri.html), `C:` and network shares too, never to be created."""
    name = path.absolute().as_posix()
    return f"file://{quote(os.fsencode(name if name.startswith('/') else f'/{name}'), safe='/:')}?mode=rw"


class Connection(sqlite3.Connection):
    path = Path()

    def cursor(self, factory: Any = None) -> "Cursor":
        return super().cursor(factory or Cursor)

    def execute(self, sql: str, parameters: Any = (), /) -> "Cursor":
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any, /) -> "Cursor":
        return self.cursor().executemany(sql, parameters)


class Cursor(sqlite3.Cursor):
    @property
    def _path(self) -> Path:
        return self.connection.path if isinstance(self.connection, Connection) else Path()

    def execute(self, sql: str, parameters: Any = (), /) -> "Cursor":
        with translated(self._path):
            super().execute(sql, parameters)
        return self

    def executemany(self, sql: str, parameters: Any, /) -> "Cursor":
        with translated(self._path):
            super().executemany(sql, parameters)
        return self

    def __next__(self) -> Any:
        with translated(self._path):
            return super().__next__()

    def fetchone(self) -> Any:
        with translated(self._path):
            return super().fetchone()

    def fetchmany(self, size: int | None = None) -> list[Any]:
        with translated(self._path):
            return super().fetchmany(self.arraysize if size is None else size)

    def fetchall(self) -> list[Any]:
        with translated(self._path):
            return super().fetchall()


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        known = _storage_error(error, path)
        if known is None:
            raise
        raise known from error


def _storage_error(error: sqlite3.Error, path: Path) -> StorageError | None:
    """The primary result codes of https://www.sqlite.org/rescode.html that are the world's fault."""
    match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return disk_full(path)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return read_only(path)
        case sqlite3.SQLITE_CANTOPEN:
            return StorageError(
                Phrase(f"{path} cannot be opened.", f"无法打开 {path}。"),
                Phrase(
                    "Check that the folder is there and that you may read and write in it.",
                    "请检查该文件夹是否存在，以及您是否有读写权限。",
                ),
                code="cannot_open",
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StorageError(
                Phrase(f"{path} is in use by another program.", f"{path} 正被其他程序使用。"),
                Phrase("Close the other program and try again.", "请关闭其他程序后重试。"),
                code="database_locked",
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return damaged(path)
        case sqlite3.SQLITE_IOERR:
            return StorageError(
                Phrase(f"The disk failed while using {path}.", f"读写 {path} 时磁盘出错。"),
                Phrase("Check the disk; a copy of your data elsewhere would be wise.", "请检查磁盘，并尽快备份数据。"),
                code="disk_failed",
            )
    return None


def damaged(path: Path) -> StorageError:
    return StorageError(
        Phrase(f"{path} is damaged.", f"{path} 已损坏。"),
        Phrase(
            "Start DeskSeek again; it restores the newest good copy.",
            "请重新启动 DeskSeek，以恢复最近的完好副本。",
        ),
        code="database_damaged",
    )
