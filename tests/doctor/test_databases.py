"""Databases and the search index broken on purpose; nothing of them is changed by looking."""

import os
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled
from backends.doctor import databases
from backends.services import Services
from backends.storage import database as database_module
from backends.storage import look as storage_look
from backends.storage.connection import connect
from backends.storage.database import Database
from tests.kit.notes import FIRST, add, texts
from tests.kit.patients import Home, told


def states(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def scribble(path: Path, at: int = 4096) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(os.urandom(path.stat().st_size - at))


def test_databases_in_order_stay_as_they_are(home: Home) -> None:
    home.use(filled=True)
    before = states(home.paths.data)
    found = home.look(databases.look)
    assert told(found) == {"database_ok": "ok", "index_ok": "ok"}
    assert {"chats.db", "library.db", "keys.db"} <= {one.subject for one in found}
    assert states(home.paths.data) == before


def test_those_that_others_use_are_read_beside_them(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.paths.data)
    with Services.open(home.paths) as services:
        services.chats.create("Written a moment ago")
        assert told(home.look(databases.look))["database_ok"] == "ok"


def test_a_damaged_database_fails_and_a_start_restores_it(home: Home) -> None:
    home.use(filled=True)
    path = home.paths.data / "chats.db"
    assert list((home.paths.data / "backups").glob("chats.db.*"))
    scribble(path)
    broken = path.read_bytes()
    found = {one.subject: one for one in home.look(databases.look)}
    assert (found["chats.db"].code, found["chats.db"].verdict) == ("database_damaged", "fail")
    assert found["chats.db"].action == "restore_database"
    assert "newest good copy" in found["chats.db"].repair.en
    assert found["library.db"].verdict == "ok"
    assert path.read_bytes() == broken

    home.use()
    after = {(one.subject, one.code): one.verdict for one in home.look(databases.look)}
    assert after["chats.db", "database_ok"] == "ok"
    assert after["chats.db", "database_put_aside"] == "warn"


def test_damage_that_a_start_would_not_look_for_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large database that was closed well is not read through; one that the doctor found damaged is."""
    monkeypatch.setattr(database_module, "LARGE", 1)
    path = tmp_path / "notes.db"
    database = Database(path, [FIRST])
    add(database, *(f"note {number} " + "x" * 400 for number in range(50)))
    database.backup()
    storage_look.distrust(path)  # while it is open
    database.close()
    database = Database(path, [FIRST])
    database.close()
    state = path.stat()
    scribble(path, at=path.stat().st_size - 4096)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))  # as a disk that forgets
    assert storage_look.look(path, cancel=CancelToken()).sound is False
    storage_look.distrust(path)
    database = Database(path, [FIRST])
    assert len(texts(database)) == 50
    assert len(database.notices) == 1
    database.close()


def test_one_of_a_newer_program(home: Home) -> None:
    home.use()
    connection = connect(home.paths.data / "chats.db")
    connection.execute("PRAGMA user_version = 900")
    connection.close()
    found = {one.subject: one for one in home.look(databases.look)}["chats.db"]
    assert (found.code, found.verdict) == ("database_too_new", "fail")
    assert (found.details["version"], found.details["known"]) == (900, home.case().databases[0].version)


def test_what_is_no_database_at_all(home: Home) -> None:
    (home.paths.data / "library.db").write_text("<html>please sign in</html>" * 100)
    (home.paths.data / "keys.db").mkdir()
    found = {one.subject: one for one in home.look(databases.look)}
    assert found["library.db"].code == "database_damaged"
    assert found["keys.db"].verdict == "fail"


def test_a_damaged_search_index_is_made_anew_on_demand(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.use(filled=True)
    text = home.paths.data / "search" / "text"
    piece = next(text.glob("*/*.idx"))
    scribble(piece, at=0)
    found = {one.code: one for one in home.look(databases.look)}
    assert (found["index_damaged"].verdict, found["index_damaged"].action) == ("fail", "rebuild_search")

    monkeypatch.chdir(home.paths.data)
    with Services.open(home.paths) as services:
        steps = list(services.documents.rebuild())
        assert steps[-1].done == steps[-1].total > 0
        assert services.documents.index.behind == 0
    assert told(home.look(databases.look))["index_ok"] == "ok"


def test_an_index_that_lacks_documents_catches_up(home: Home) -> None:
    home.use(filled=True)
    (home.paths.data / "search" / "text" / "text.json").unlink()
    found = {one.code: one for one in home.look(databases.look)}
    assert found["index_behind"].verdict == "warn"


def test_a_look_that_takes_long_is_cut_short(home: Home) -> None:
    home.use()
    path = home.paths.data / "chats.db"
    connection = connect(path)
    connection.execute("CREATE TABLE heap (text)")
    connection.execute(
        "INSERT INTO heap WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
        "SELECT hex(randomblob(200)) FROM n"
    )
    connection.close()
    cancel = CancelToken()
    with storage_look.reading(path, cancel) as reading:
        assert reading.execute("SELECT count(*) FROM heap").fetchone()[0] == 20_000
        cancel.cancel()
    with pytest.raises(Cancelled):
        storage_look.look(path, cancel=cancel)
