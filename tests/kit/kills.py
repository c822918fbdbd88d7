"""Kill a process with kill -9 while it writes to a database, again and again, and look at what is left (REL-01).

`python -m tests.kit.kills PATH` is the process: it opens the database, adds turns for ever, and says the number of
each one on standard output after it was saved.
"""

import random
import subprocess
import sys
from pathlib import Path

from backends.storage.database import Database
from backends.storage.migrations import Migration

MIGRATIONS = (
    Migration(1, "turns", lambda c: c.execute("CREATE TABLE turns (number INTEGER PRIMARY KEY, text TEXT NOT NULL)")),
    Migration(2, "words", lambda c: c.execute("CREATE TABLE words (turn INTEGER REFERENCES turns, word TEXT)")),
)
WORDS = 3


def kill_writers(path: Path, loops: int, seed: int = 1) -> int:
    """Kill `loops` writers of the database at `path`, each after some more turns; after each, every turn that was
    acknowledged must be there whole, and the database sound. Gives the number of turns."""
    chance = random.Random(seed)
    acknowledged = 0
    for _ in range(loops):
        writer = subprocess.Popen(
            [sys.executable, "-m", "tests.kit.kills", str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout
        for _ in range(chance.randint(1, 40)):
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        for line in writer.stdout.read().splitlines(keepends=True):
            if line.endswith("\n"):
                acknowledged = int(line)
        writer.wait()
        writer.stdout.close()
        check(path, acknowledged)
    return acknowledged


def check(path: Path, acknowledged: int) -> None:
    database = Database(path, MIGRATIONS)
    assert database.notices == ()
    connection = database.connection()
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    saved = [row[0] for row in connection.execute("SELECT number FROM turns ORDER BY number")]
    assert len(saved) >= acknowledged
    assert saved == list(range(1, len(saved) + 1))
    halves = connection.execute(
        "SELECT count(*) FROM turns WHERE (SELECT count(*) FROM words WHERE turn = number) != ?", (WORDS,)
    )
    assert halves.fetchone()[0] == 0
    database.close()


def write_for_ever(path: Path) -> None:
    database = Database(path, MIGRATIONS)
    number = database.connection().execute("SELECT coalesce(max(number), 0) FROM turns").fetchone()[0]
    while True:
        number += 1
        with database.atomic() as connection:
            connection.execute("INSERT INTO turns VALUES (?, ?)", (number, "text " * (number % 700)))
            for word in range(WORDS):
                connection.execute("INSERT INTO words VALUES (?, ?)", (number, f"word {word}"))
        print(number, flush=True)


if __name__ == "__main__":
    write_for_ever(Path(sys.argv[1]))
