"""A database in ordinary use, its copies, and a world that refuses. Real files."""

import gc
import os
import sqlite3
import sys
import threading
from pathlib import Path

import pytest

from backends.core.errors import StorageError
from backends.storage.database import Database
from tests.kit.kills import kill_writers
from tests.kit.notes import FIRST, add, add_and_fail, closed_with, texts


def test_what_was_saved_is_there_after_a_restart(path: Path) -> None:
    closed_with(path, "一", "two")
    database = Database(path, [FIRST])
    assert texts(database) == ["一", "two"]
    assert database.notices == ()
    assert database.version == 1
    database.close()


@pytest.mark.parametrize("name", ["my chats #1?x=%41.db", "聊天 记录.db", "a'b;c&d.db"])
def test_any_name_of_a_file_will_do(tmp_path: Path, name: str) -> None:
    if sys.platform == "win32":
        name = name.replace("?", "")
    closed_with(tmp_path / "目录 %20" / name, "here")
    database = Database(tmp_path / "目录 %20" / name, [FIRST])
    assert texts(database) == ["here"]
    database.close()
    assert [file.name for file in tmp_path.rglob("*.db")] == [name]


def test_it_is_opened_safely(database: Database) -> None:
    def pragma(name: str) -> object:
        return database.connection().execute(f"PRAGMA {name}").fetchone()[0]

    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 2
    assert pragma("foreign_keys") == 1
    assert pragma("busy_timeout") == 5000
    with pytest.raises(sqlite3.IntegrityError):
        database.connection().execute("INSERT INTO note (text, folder) VALUES ('a', 77)")


@pytest.mark.skipif(sys.platform == "win32", reason="permissions follow the profile there")
def test_the_files_belong_to_this_user(database: Database) -> None:
    add(database, "secret")
    database.backup()
    files = [file for file in database.path.parent.rglob("*") if file.is_file()]
    assert {file.name.removeprefix("notes.db") for file in files} >= {"", "-wal", "-shm"}
    assert len(files) == 4
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert {folder.stat().st_mode & 0o777 for folder in (database.path.parent, database.backups)} == {0o700}


def test_a_block_that_raises_leaves_no_trace(database: Database) -> None:
    for error in (KeyError, KeyboardInterrupt, GeneratorExit):
        with pytest.raises(error):
            add_and_fail(database, "gone", error=error)
    with pytest.raises(sqlite3.IntegrityError):
        add(database, "twice", "twice")
    assert texts(database) == []
    assert not database.connection().in_transaction


def test_blocks_nest(database: Database) -> None:
    with database.atomic():
        add(database, "outer")
        with pytest.raises(KeyError):
            add_and_fail(database, "inner", "innermost")
        with database.atomic():
            add(database, "other")
    assert texts(database) == ["outer", "other"]
    with pytest.raises(KeyError):
        add_and_fail(database, "saved inside only")
    assert texts(database) == ["outer", "other"]


def test_a_block_that_ends_its_transaction_is_a_mistake_of_ours(database: Database) -> None:
    with pytest.raises(RuntimeError), database.atomic() as connection:
        connection.execute("COMMIT")


def test_what_is_not_committed_is_not_seen_by_others(database: Database) -> None:
    seen: list[list[str]] = []
    with database.atomic():
        add(database, "soon")
        reader = threading.Thread(target=lambda: seen.append(texts(database)))
        reader.start()
        reader.join()
    assert seen == [[]]
    assert texts(database) == ["soon"]


def test_many_threads_write_and_nothing_is_lost(database: Database) -> None:
    def write(number: int) -> None:
        for step in range(10):
            add(database, f"{number}-{step}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts(database)) == 40


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files")
def test_threads_that_have_gone_leave_no_connection_open(database: Database) -> None:
    texts(database)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        thread = threading.Thread(target=texts, args=(database,))
        thread.start()
        thread.join()
    gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 3


def test_after_close_it_is_not_used_any_more(path: Path) -> None:
    database = Database(path, [FIRST])
    database.close()
    database.close()
    with pytest.raises(RuntimeError):
        database.connection()


# ---- copies


def test_the_newest_three_copies_are_kept(database: Database) -> None:
    copies = [database.backup() for _ in range(5)]
    assert sorted(database.backups.iterdir()) == copies[2:]
    assert database.backup_if_older(24) is None
    os.utime(copies[-1], (0, 0))
    assert database.backup_if_older(24)


def test_a_copy_is_made_while_others_write(database: Database) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            add(database, str(number))

    writer = threading.Thread(target=write)
    writer.start()
    copies = [database.backup() for _ in range(3)]
    stop.set()
    writer.join()
    for copy in copies:
        opened = sqlite3.connect(copy)
        assert opened.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        opened.close()


# ---- a world that refuses


def test_a_full_disk_is_said_so_and_nothing_saved_is_lost(database: Database) -> None:
    add(database, "saved")
    connection = database.connection()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StorageError) as failure:
        add(database, *(str(number) * 4000 for number in range(10)))
    assert failure.value.code == "disk_full"
    assert not connection.in_transaction
    with pytest.raises(StorageError):
        add(database, "not saved either", "x" * 100_000)
    assert texts(database) == ["saved"]
    connection.execute("PRAGMA max_page_count = 1000000")
    add(database, "room again")
    assert texts(database) == ["saved", "room again"]


def test_a_database_that_another_program_holds_is_said_so(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    database.connection().execute("PRAGMA busy_timeout = 10")
    with pytest.raises(StorageError) as failure:
        add(database, "never")
    assert failure.value.code == "database_locked"
    other.execute("ROLLBACK")
    add(database, "now")
    assert texts(database) == ["now"]
    other.close()


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="permissions of POSIX")
@pytest.mark.parametrize("there", [False, True], ids=["new", "old"])
def test_a_folder_that_may_not_be_written_is_said_so(path: Path, there: bool) -> None:
    path.parent.mkdir()
    if there:
        closed_with(path, "saved")
        path.chmod(0o444)
    path.parent.chmod(0o555)
    upwards = [folder for folder in path.parents if folder.is_relative_to("/tmp") and folder != Path("/tmp")]
    modes = [folder.stat().st_mode for folder in upwards[1:]]
    for folder in upwards[1:]:
        folder.chmod(0o755)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(65534)
        with pytest.raises(StorageError) as failure:
            Database(path, [FIRST])
    finally:
        os.seteuid(user)
        path.parent.chmod(0o755)
        for folder, mode in zip(upwards[1:], modes, strict=True):
            folder.chmod(mode)
    assert failure.value.code == "read_only"
    assert failure.value.hint.en
    if there:
        path.chmod(0o600)
        database = Database(path, [FIRST])
        assert texts(database) == ["saved"]
        database.close()


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(StorageError):
        Database(tmp_path / "data" / "notes.db", [FIRST])


def test_a_mistake_of_ours_stays_one(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError):
        database.connection().execute("SELECT nothing FROM nowhere")
    with pytest.raises(sqlite3.ProgrammingError):
        database.connection().execute("INSERT INTO note (text) VALUES (?)", ())


# ---- sudden ends


def test_killed_while_writing_every_acknowledged_turn_is_there(tmp_path: Path) -> None:
    assert kill_writers(tmp_path / "turns.db", loops=5) >= 5
