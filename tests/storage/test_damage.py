"""A damaged database is kept aside and the newest good copy restored (REL-03). Really damaged files."""

import os
from pathlib import Path

import pytest

from backends.core.errors import StorageError
from backends.storage import database as database_module
from backends.storage.database import Database
from tests.kit.notes import FIRST, SECOND, add, closed_with, texts


def spoil_header(path: Path) -> None:
    with open(path, "r+b") as file:
        file.write(b"not a database at all")


def spoil_middle(path: Path) -> None:
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def cut_to_nothing(path: Path) -> None:
    os.truncate(path, 0)


def replace_by_page(path: Path) -> None:
    path.write_text("<html>" + "please log in " * 1000)


SPOILS = [spoil_header, spoil_middle, cut_in_half, cut_to_nothing, replace_by_page]


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_damaged_database_is_kept_aside_and_the_newest_good_copy_restored(path: Path, spoil) -> None:
    database = Database(path, [FIRST])
    add(database, *(f"note {number} " + "x" * 400 for number in range(50)))
    database.backup()
    add(database, "after the copy")
    database.close()
    spoil(path)
    spoiled = path.read_bytes()

    database = Database(path, [FIRST])
    assert len(texts(database)) == 50
    aside = list(path.parent.glob("notes.db.corrupt-*"))
    assert [file.read_bytes() for file in aside] == [spoiled]
    assert len(database.notices) == 1
    assert str(aside[0]) in database.notices[0].en
    assert str(aside[0]) in database.notices[0].zh
    add(database, "life goes on")
    database.close()
    database = Database(path, [FIRST])
    assert database.notices == ()
    assert len(texts(database)) == 51
    database.close()


def test_a_copy_that_is_damaged_too_is_passed_over(path: Path) -> None:
    database = Database(path, [FIRST])
    add(database, "good copy")
    database.backup()
    add(database, "bad copy")
    spoil_header(database.backup())
    database.close()
    spoil_header(path)
    database = Database(path, [FIRST, SECOND])
    assert texts(database) == ["good copy"]
    assert database.version == 2
    database.close()


def test_without_a_copy_it_begins_anew_and_says_so(path: Path) -> None:
    closed_with(path, "gone")
    spoil_header(path)
    database = Database(path, [FIRST])
    assert texts(database) == []
    assert "begins anew" in database.notices[0].en
    database.close()
    assert len(list(path.parent.glob("*.corrupt-*"))) == 1


def test_damage_found_before_a_step_is_found_before_the_step(path: Path) -> None:
    """An index that disagrees with its table: a quick look does not see it, the close look before a change does."""
    database = Database(path, [FIRST])
    add(database, *(f"note {number}" for number in range(200)))
    database.backup()
    root = database.connection().execute("SELECT rootpage FROM sqlite_master WHERE type = 'index'").fetchone()[0]
    database.close()
    with open(path, "r+b") as file:
        file.seek((root - 1) * 4096)
        page = file.read(4096)
        file.seek((root - 1) * 4096)
        file.write(page.replace(b"note 17", b"note 99"))
    Database(path, [FIRST]).close()
    assert list(path.parent.glob("*.corrupt-*")) == []
    database = Database(path, [FIRST, SECOND])
    assert len(texts(database)) == 200
    assert len(list(path.parent.glob("*.corrupt-*"))) == 1
    database.close()


def test_a_spoiled_log_loses_nothing_that_was_in_the_database(path: Path) -> None:
    database = Database(path, [FIRST])
    add(database, "in the database")
    database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    add(database, "in the log")
    log = path.with_name("notes.db-wal").read_bytes()
    database.close()
    path.with_name("notes.db-wal").write_bytes(log[: len(log) // 2] + os.urandom(len(log) // 2))
    database = Database(path, [FIRST])
    assert texts(database)[0] == "in the database"
    database.close()


def test_damage_while_it_is_open_is_an_error_of_the_world(path: Path) -> None:
    database = Database(path, [FIRST])
    add(database, *(f"{number} " + "x" * 4000 for number in range(100)))
    database.close()
    database = Database(path, [FIRST])
    spoil_middle(path)
    with pytest.raises(StorageError) as failure:
        texts(database)
    assert failure.value.code == "database_damaged"
    database.close()


def test_a_large_database_is_read_through_only_if_it_was_not_closed_or_was_touched(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is damaged without a trace shows that nothing was read."""
    monkeypatch.setattr(database_module, "LARGE", 0)
    database = Database(path, [FIRST])
    add(database, *(f"note {number} " + "x" * 400 for number in range(50)))
    database.backup()
    database.close()
    sound, state = path.read_bytes(), path.stat()

    def spoilt(*, traceless: bool) -> None:
        path.write_bytes(sound[:4096] + os.urandom(len(sound) - 4096))
        if traceless:
            os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))

    spoilt(traceless=True)
    unread = Database(path, [FIRST])
    assert unread.notices == ()
    unread._sound = False  # as after a kill: nothing says that it was closed
    unread.close()
    database = Database(path, [FIRST])  # the mark holds once
    assert len(database.notices) == 1
    assert len(texts(database)) == 50
    database.close()

    sound, state = path.read_bytes(), path.stat()
    spoilt(traceless=False)
    database = Database(path, [FIRST])
    assert len(database.notices) == 1
    assert len(texts(database)) == 50
    database.close()


def test_small_databases_are_always_read_through(path: Path) -> None:
    Database(path, [FIRST]).close()
    assert [file.name for file in path.parent.iterdir() if file.name.endswith(".closed")] == []
