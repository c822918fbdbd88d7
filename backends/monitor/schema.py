"""The form of `monitor.db`: the course of the figures in blocks (see `history`), and what each model did each day."""

from backends.storage.database import Connected
from backends.storage.migrations import Migration

MANNERS = ("auto_vacuum=INCREMENTAL",)  # takes effect while there is no table yet: what was erased leaves the file

_TABLES = (
    "CREATE TABLE layouts (id INTEGER PRIMARY KEY, names TEXT NOT NULL UNIQUE)",  # a JSON list
    """
    CREATE TABLE minutes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        start REAL NOT NULL,
        end REAL NOT NULL,
        layout INTEGER NOT NULL REFERENCES layouts (id),
        figures BLOB NOT NULL
    )
    """,
    "CREATE INDEX minutes_by_start ON minutes (start)",
    """
    CREATE TABLE fine (
        id INTEGER PRIMARY KEY,
        start REAL NOT NULL,
        end REAL NOT NULL,
        layout INTEGER NOT NULL REFERENCES layouts (id),
        count INTEGER NOT NULL,
        samples BLOB NOT NULL
    )
    """,
    "CREATE INDEX fine_by_start ON fine (start)",
    """
    CREATE TABLE days (
        day TEXT NOT NULL,
        model TEXT NOT NULL,
        answers INTEGER NOT NULL,
        prompt_tokens INTEGER NOT NULL,
        cached_tokens INTEGER NOT NULL,
        prefill_seconds REAL NOT NULL,
        generated_tokens INTEGER NOT NULL,
        decoded_tokens INTEGER NOT NULL,
        decode_seconds REAL NOT NULL,
        begun INTEGER NOT NULL,
        first_token_seconds REAL NOT NULL,
        busy_seconds REAL NOT NULL,
        energy REAL,
        PRIMARY KEY (day, model)
    ) WITHOUT ROWID
    """,
)


def _create(connection: Connected) -> None:
    for statement in _TABLES:
        connection.execute(statement)


MIGRATIONS = (Migration(1, "figures and days", _create),)
