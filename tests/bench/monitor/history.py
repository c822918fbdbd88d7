"""The history of a day at 1 Hz with two cards: how large it is, what writing and reading it takes (limit 100 ms).

    python -m tests.bench monitor --only history [--cards 2] [--quick]

The peer, in the same run and with the same samples, is a plain SQLite table with a column a figure, written in the same
batches and read with GROUP BY. Read are the figures that a page with two cards draws, in 1,000 steps: the day,
two hours, one, and the last ten minutes of it. The best of five times, each with a file that was read before.
"""

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.monitor.columns import figures
from backends.monitor.export import export
from backends.monitor.history import History
from backends.monitor.types import Sample
from tests.kit.samples import NOON, running

LIMIT = 0.1  # seconds
BATCH, STEPS = 60, 1000


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="tests.bench monitor --only history", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--cards", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="six hours")
    given = parser.parse_args(arguments)
    seconds = 21_600 if given.quick else 86_400
    samples = list(running(seconds, cards=given.cards))
    names = _drawn(samples[0])
    end = NOON + seconds
    print(
        f"{seconds / 3600:.0f} h at 1 Hz, {given.cards} cards, {len(figures(samples[0]))} figures, {len(names)} drawn"
    )
    with tempfile.TemporaryDirectory() as folder:
        history, peer = History(Path(folder) / "monitor.db"), Plain(Path(folder) / "plain.db", samples[0])
        ours = _written(samples, lambda batch: history.write(batch, {}, 30))
        plain = _written(samples, peer.write)
        share = ours / seconds
        print(f"written    {ours:6.2f} s of CPU, {share:.4%} of a core; {ours / plain:5.2f} of the plain table's")
        sizes = [_size(Path(folder) / name) for name in ("monitor.db", "plain.db")]
        print(f"size       {sizes[0] / 1e6:6.1f} MB; {sizes[0] / sizes[1]:5.2f} of the plain table's")
        slowest = 0.0
        for what, start in (
            ("the day", NOON),
            ("2 hours", end - 7200),
            ("an hour", end - 3600),
            ("10 minutes", end - 600),
        ):
            ours = _best(lambda start=start: history.read((), names, start, end, STEPS, CancelToken()))
            plain = _best(lambda start=start: peer.read(names, start, end))
            print(f"{what:10} {ours * 1000:6.1f} ms of {LIMIT * 1000:.0f}; {ours / plain:5.2f} of the plain table's")
            slowest = max(slowest, ours)
        began = time.perf_counter()
        *_, last = export(history, (), Path(folder) / "day.csv", NOON, end, cancel=CancelToken())
        print(f"CSV        {time.perf_counter() - began:6.2f} s for {last.rows} lines")
        history.close()
        peer.close()
    print("within the limit" if slowest <= LIMIT else "OVER THE LIMIT")
    return int(slowest > LIMIT)


class Plain:
    def __init__(self, path: Path, first: Sample) -> None:
        self._columns = {name: f"c{n}" for n, name in enumerate(figures(first))}
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        columns = ", ".join(f"{column} REAL" for column in self._columns.values())
        self._connection.execute(f"CREATE TABLE samples (at REAL PRIMARY KEY, {columns}) WITHOUT ROWID")
        self._insert = f"INSERT INTO samples VALUES ({', '.join('?' * (len(self._columns) + 1))})"

    def write(self, samples: Sequence[Sample]) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany(self._insert, [(one.at, *figures(one).values()) for one in samples])
        self._connection.execute("COMMIT")

    def read(self, names: Sequence[str], start: float, end: float) -> object:
        wanted = ", ".join(
            f"min({column}), avg({column}), max({column})" for column in (self._columns[name] for name in names)
        )
        return self._connection.execute(
            f"SELECT CAST((at - ?) * ? AS INTEGER) AS step, {wanted} FROM samples"
            " WHERE at BETWEEN ? AND ? GROUP BY step",
            (start, STEPS / (end - start), start, end),
        ).fetchall()

    def close(self) -> None:
        self._connection.close()


def _drawn(sample: Sample) -> list[str]:
    """As the page of the monitor does."""
    cards = [
        f"gpu.{card.key}.{field}"
        for card in sample.hardware.gpus
        for field in ("use", "memory_used", "temperature", "power")
    ]
    return [*cards, "system.cpu", "system.memory_available", "engine.prefill", "engine.decode"]


def _written(samples: Sequence[Sample], write: Callable[[Sequence[Sample]], object]) -> float:
    """CPU seconds of this process."""
    began = time.process_time()
    for first in range(0, len(samples), BATCH):
        write(samples[first : first + BATCH])
    return time.process_time() - began


def _best(read: Callable[[], object]) -> float:
    times: list[float] = []
    for _ in range(5):
        began = time.perf_counter()
        read()
        times.append(time.perf_counter() - began)
    return min(times)


def _size(path: Path) -> int:
    return sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*"))
