"""A small database for tests: notes in folders, and a second form in which notes have stars."""

import sqlite3
from pathlib import Path

from backends.storage.database import Database
from backends.storage.migrations import Migration


def notes(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE folder (id INTEGER PRIMARY KEY)")
    connection.execute(
        "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, folder INTEGER REFERENCES folder)"
    )


def stars(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE note ADD COLUMN starred INTEGER NOT NULL DEFAULT 0")
    connection.execute("UPDATE note SET starred = 1 WHERE text LIKE '%!'")


FIRST = Migration(1, "notes", notes)
SECOND = Migration(2, "stars", stars)


def add(database: Database, *texts: str) -> None:
    with database.atomic() as connection:
        connection.executemany("INSERT INTO note (text) VALUES (?)", [(text,) for text in texts])


def add_and_fail(database: Database, *texts: str, error: type[BaseException] = KeyError) -> None:
    with database.atomic():
        add(database, *texts)
        raise error


def texts(database: Database) -> list[str]:
    return [row["text"] for row in database.connection().execute("SELECT text FROM note ORDER BY id")]


def closed_with(path: Path, *saved: str, migrations: tuple[Migration, ...] = (FIRST,)) -> Path:
    database = Database(path, migrations)
    add(database, *saved)
    database.close()
    return path
