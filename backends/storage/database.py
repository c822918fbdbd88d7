"""Opens one SQLite file and keeps it: integrity, copies, migrations, a connection for each thread."""

import contextlib
import os
import shutil
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from backends import __version__
from backends.core.errors import StorageError
from backends.core.files import put_aside, storage_error, sync_folder
from backends.core.phrase import Phrase
from backends.storage.connection import Connection, connect, translated
from backends.storage.migrations import Migration, check_numbers, migrate, schema_version

Connected = sqlite3.Connection  # what `atomic` gives, for those who do not import sqlite3

KEPT_COPIES = 3
_OUTERMOST = ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
_NESTED = ("SAVEPOINT nested", "RELEASE nested", ("ROLLBACK TO nested", "RELEASE nested"))
_COMPANIONS = ("-wal", "-shm", "-journal")
LARGE = 64 << 20  # bytes, from which on a database is not read through at each opening


class Database:
    """The database at `path`, in the form that `migrations` lead to. Any thread may use it. `manners` are pragmas that
    each of its connections begins with ("secure_delete=ON"), before those that all databases have.

    Copies lie in `backups/` beside it, named `<name>.<time>.schema<N>.deskseek<version>`, the newest 3. `notices` says
    what a person must know about the opening. Raises StorageError: `database_too_new`, `cannot_open`, `read_only`,
    `disk_full`, `database_locked`, `disk_failed`.
    """

    def __init__(self, path: Path, migrations: Sequence[Migration], manners: Sequence[str] = ()) -> None:
        check_numbers(migrations)
        self._manners = tuple(manners)
        self.path = path
        self.backups = path.parent / "backups"
        self._migrations = tuple(migrations)
        self._notices: list[Phrase] = []
        self._local = threading.local()
        self._held: weakref.WeakSet[_Held] = weakref.WeakSet()
        self._closed = self._sound = False
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    @property
    def notices(self) -> tuple[Phrase, ...]:
        return tuple(self._notices)

    @property
    def version(self) -> int:
        """The number of the last migration."""
        return len(self._migrations)

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit; rows are `sqlite3.Row`. It is closed when the thread has ended."""
        held: _Held | None = getattr(self._local, "held", None)
        if held is None:
            if self._closed:
                raise RuntimeError(f"{self.path} was used after it was closed")
            held = self._local.held = _Held(connect(self.path, self._manners))
            self._held.add(held)
        return held.connection

    @contextlib.contextmanager
    def atomic(self) -> Iterator[sqlite3.Connection]:
        """All of the block or, if it raises, nothing of it; saved for good when it ends. Inside another `atomic()` of
        this thread, a block that raises takes back only its own changes."""
        connection = self.connection()
        nested = connection.in_transaction
        begin, end, undo = _NESTED if nested else _OUTERMOST
        connection.execute(begin)
        try:
            yield connection
            if not connection.in_transaction:
                raise RuntimeError("the transaction was ended inside of atomic()")
            connection.execute(end)
        except BaseException:
            if connection.in_transaction:  # a full disk may have ended it already
                for statement in undo:
                    connection.execute(statement)
            raise

    def backup(self) -> Path:
        """Copy the database as it is now, while others go on using it; gives the copy."""
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
        name = f"{self.path.name}.{stamp}.schema{schema_version(self.connection())}.deskseek{__version__}"
        copy = self.backups / name
        unfinished = copy.with_name(f"{name}.part")
        try:
            self.backups.mkdir(mode=0o700, exist_ok=True)
            os.close(os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
            with translated(copy), contextlib.closing(sqlite3.connect(unfinished)) as target:
                self.connection().backup(target)
                target.execute("PRAGMA journal_mode=DELETE")
            unfinished.replace(copy)
            sync_folder(self.backups)
            for old in self._copies()[KEPT_COPIES:]:
                old.unlink()
        except OSError as error:
            raise storage_error(error, copy) from error
        finally:
            unfinished.unlink(missing_ok=True)
        return copy

    def backup_if_older(self, hours: float) -> Path | None:
        """`backup()` unless there is a copy younger than that."""
        copies = self._copies()
        if copies and time.time() - copies[0].stat().st_mtime < hours * 3600:
            return None
        return self.backup()

    def renew_copies(self) -> None:
        """One copy of the database as it is now, in place of those that hold what was erased since."""
        newest = self.backup()
        self.forget_copies(but=newest)

    def forget_copies(self, but: Path | None = None) -> None:
        """Remove all copies (`but` one): they hold what was erased since."""
        for copy in self._copies():
            if copy == but:
                continue
            try:
                copy.unlink(missing_ok=True)
            except OSError as error:
                raise storage_error(error, copy) from error

    def close(self) -> None:
        """Close every thread's connection. Whoever uses the database after that made a mistake."""
        closed_before, self._closed = self._closed, True
        for held in list(self._held):
            held.connection.close()
        self._local = threading.local()
        if not closed_before and self._sound:
            self._mark()

    # ---- opening

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            lost = self.path.stat().st_size == 0 and bool(self._copies())
        except OSError as error:
            raise storage_error(error, self.path) from error
        found = None if lost else self._sound_version(self.path)
        if found is None:
            found = self._restore()
        if found > self.version:
            raise StorageError(
                Phrase(
                    f"{self.path} was made by a newer DeskSeek (form {found}; this one knows {self.version}).",
                    f"{self.path} 由更新版本的 DeskSeek 创建（格式 {found}，当前版本支持 {self.version}）。",
                ),
                Phrase("Install the newest DeskSeek. Nothing was changed.", "请安装最新版 DeskSeek。未更改任何内容。"),
                code="database_too_new",
            )
        if 0 < found < self.version:
            self.backup()
        migrate(self.connection(), self._migrations)
        self._sound = True

    def _sound_version(self, path: Path) -> int | None:
        """The form of the database at `path`, None if it is damaged. Looked at more closely if it is to be changed."""
        try:
            with contextlib.closing(connect(path, self._manners)) as connection:
                found = schema_version(connection)
                check = "integrity_check" if 0 < found < self.version else "quick_check"
                unread = path == self.path and found == self.version and self._is_as_closed()
                sound = unread or [row[0] for row in connection.execute(f"PRAGMA {check}(1)")] == ["ok"]
        except StorageError as error:
            if error.code != "database_damaged":
                raise
            sound, found = False, 0
        return found if sound else None

    @property
    def _marked(self) -> Path:
        return mark_of(self.path)

    def _mark(self) -> None:
        """Beside a large database: how it looks now that it was closed as it should be. A mark that is there was made
        meanwhile by who found it damaged (`look.distrust`)."""
        if self._marked.exists():
            return
        if (look := _look(self.path)) is not None:
            with contextlib.suppress(OSError):  # then it is read through the next time
                self._marked.write_text(look, encoding="ascii")

    def _is_as_closed(self) -> bool:
        """Nobody has touched it since it was closed as it should be: to read gigabytes through tells nothing new. The
        mark holds once, so after a kill everything is read."""
        try:
            mark = self._marked.read_text(encoding="ascii")
            self._marked.unlink()
        except (OSError, UnicodeDecodeError):
            return False
        return mark == _look(self.path)

    def _restore(self) -> int:
        """Put the damaged file aside and the newest good copy, or nothing, in its place; gives its form."""
        aside = put_aside(self.path)
        for companion in _COMPANIONS:
            beside = self.path.with_name(self.path.name + companion)
            if beside.exists():
                beside.rename(aside.with_name(aside.name + companion))
        for copy in self._copies():
            restored = self.path.with_name(f"{self.path.name}.restored")
            shutil.copyfile(copy, restored)
            restored.chmod(0o600)
            found = self._sound_version(restored)
            if found is not None:
                restored.replace(self.path)
                sync_folder(self.path.parent)
                day = time.strftime("%Y-%m-%d %H:%M", time.localtime(copy.stat().st_mtime))
                self._notices.append(
                    Phrase(
                        f"{self.path.name} was damaged. The copy of {day} was restored. "
                        f"The damaged file is kept as {aside}.",
                        f"{self.path.name} 已损坏，已恢复 {day} 的副本；损坏的文件保留为 {aside}。",
                    )
                )
                return found
            restored.unlink()
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        self._notices.append(
            Phrase(
                f"{self.path.name} was damaged and there was no good copy, so it begins anew. "
                f"The damaged file is kept as {aside}.",
                f"{self.path.name} 已损坏且没有完好的副本，已重新创建。损坏的文件保留为 {aside}。",
            )
        )
        return 0

    def _copies(self) -> list[Path]:
        """The newest first."""
        if not self.backups.is_dir():
            return []
        return sorted(
            (copy for copy in self.backups.glob(f"{self.path.name}.*") if copy.suffix != ".part"), reverse=True
        )


class _Held:
    """A connection that is closed when its thread has gone."""

    __slots__ = ("__weakref__", "connection")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


def mark_of(path: Path) -> Path:
    """The file beside a large database that says that it need not be read through at the next opening."""
    return path.with_name(f"{path.name}.closed")


def _look(path: Path) -> str | None:
    """Size, time of change and SQLite's own counter of changes (https://www.sqlite.org/fileformat.html, 1.3.7) of a
    large database without a log; else None."""
    try:
        state = path.stat()
        log = path.with_name(f"{path.name}-wal")
        if state.st_size < LARGE or (log.exists() and log.stat().st_size):
            return None
        with path.open("rb") as file:
            return f"{state.st_size} {state.st_mtime_ns} {file.read(28)[24:].hex()}"
    except OSError:
        return None
