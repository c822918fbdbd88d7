"""From one form of a database to the next (REL-11)."""

import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from backends.core.errors import StorageError
from backends.storage.database import Database
from backends.storage.migrations import Migration
from tests.kit.notes import FIRST, SECOND, closed_with, notes, stars, texts


def test_an_old_database_is_copied_and_brought_up_to_date(path: Path) -> None:
    closed_with(path, "plain", "loud!")
    database = Database(path, [FIRST, SECOND])
    rows = database.connection().execute("SELECT text, starred FROM note ORDER BY id").fetchall()
    assert [tuple(row) for row in rows] == [("plain", 0), ("loud!", 1)]
    copies = list(database.backups.iterdir())
    assert len(copies) == 1
    assert "schema1" in copies[0].name
    assert "deskseek" in copies[0].name
    database.close()
    shutil.copy(copies[0], path.with_name("old.db"))
    old = Database(path.with_name("old.db"), [FIRST])
    assert texts(old) == ["plain", "loud!"]
    old.close()


def test_a_new_database_has_all_the_steps_and_no_copy(path: Path) -> None:
    database = Database(path, [FIRST, SECOND])
    assert database.connection().execute("SELECT starred FROM note").fetchall() == []
    assert not database.backups.exists()
    database.close()
    Database(path, [FIRST, SECOND]).close()
    assert not database.backups.exists()


def test_a_step_that_fails_leaves_the_steps_before_it(path: Path) -> None:
    def fails(connection: sqlite3.Connection) -> None:
        stars(connection)
        connection.execute("CREATE TABLE half (x)")
        raise ZeroDivisionError

    closed_with(path, "kept")
    other = Migration(2, "other", lambda connection: connection.execute("CREATE TABLE other (x)"))
    with pytest.raises(ZeroDivisionError):
        Database(path, [FIRST, other, Migration(3, "fails", fails)])
    database = Database(path, [FIRST, other, Migration(3, "stars", stars)])
    tables = {row[0] for row in database.connection().execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {"folder", "note", "other"}
    assert texts(database) == ["kept"]
    assert database.version == 3
    database.close()


def test_a_step_that_ends_its_transaction_is_a_mistake_of_ours(path: Path) -> None:
    script = Migration(1, "script", lambda connection: connection.executescript("CREATE TABLE a (x);"))
    with pytest.raises(RuntimeError):
        Database(path, [script])


@pytest.mark.parametrize("numbers", [(2,), (1, 3), (2, 1), (1, 1)])
def test_steps_are_numbered_in_order(path: Path, numbers: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="numbered"):
        Database(path, [Migration(number, "x", notes) for number in numbers])
    assert not path.exists()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    closed_with(path, "new", migrations=(FIRST, SECOND))
    before = path.read_bytes()
    with pytest.raises(StorageError) as failure:
        Database(path, [FIRST])
    assert failure.value.code == "database_too_new"
    assert "newer" in failure.value.message.en
    assert failure.value.hint.zh
    assert path.read_bytes() == before
    database = Database(path, [FIRST, SECOND])
    assert texts(database) == ["new"]
    database.close()


KILLED_IN_STEP = """
import os, sys
from pathlib import Path
from backends.storage.database import Database
from backends.storage.migrations import Migration
from tests.kit.notes import FIRST, stars

def step(number):
    def apply(connection):
        if number == 2: stars(connection)
        connection.execute(f"CREATE TABLE step_{number} (x)")
        connection.execute("INSERT INTO note (text) VALUES (?)", (f"from step {number}",))
        if number == int(sys.argv[2]):
            os.kill(os.getpid(), 9)
    return Migration(number, f"step {number}", apply)

database = Database(Path(sys.argv[1]), [FIRST, *(step(number) for number in range(2, 6))])
for row in database.connection().execute("SELECT text, starred FROM note ORDER BY id"):
    print(*row)
database.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
@pytest.mark.parametrize("killed", [2, 3, 5])
def test_killed_in_a_step_the_next_start_goes_on_from_there(path: Path, killed: int) -> None:
    closed_with(path, "kept")

    def start(kill_in: int) -> subprocess.CompletedProcess:
        command = [sys.executable, "-c", KILLED_IN_STEP, str(path), str(kill_in)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    for _ in range(2):
        assert start(killed).returncode == -signal.SIGKILL
    finished = start(0)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.splitlines() == ["kept 0", *(f"from step {number} 0" for number in range(2, 6))]
    assert any("schema1" in copy.name for copy in (path.parent / "backups").iterdir())
