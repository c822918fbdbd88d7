"""The numbered steps that bring a database from one form to the next."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Migration:
    """Step `number` (1, 2, 3, …). `apply` changes tables and rows by `connection.execute` and neither begins nor ends
    a transaction (no `executescript`, which does). Once released, a step is never changed."""

    number: int
    name: str
    apply: Callable[[sqlite3.Connection], object]


def check_numbers(migrations: Sequence[Migration]) -> None:
    numbers = [migration.number for migration in migrations]
    if numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(f"migrations are numbered 1, 2, 3, …, not {numbers}")


def schema_version(connection: sqlite3.Connection) -> int:
    """The number of the last step that this database has had; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """Apply the steps that are missing, each in a transaction of its own together with the record of it."""
    for migration in migrations[schema_version(connection) :]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            migration.apply(connection)
            if not connection.in_transaction:
                raise RuntimeError(f"migration {migration.number} ({migration.name}) ended its transaction")
            connection.execute(f"PRAGMA user_version = {migration.number:d}")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
