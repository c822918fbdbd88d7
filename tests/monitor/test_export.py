"""The figures of a time as a table that other programs read."""

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, StorageError
from backends.monitor.export import export
from backends.monitor.history import History
from tests.kit.samples import NOON, running, sample


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    history = History(tmp_path / "monitor.db")
    yield history
    history.close()


def rows(path: Path) -> list[dict[str, str]]:
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_line_a_sample_and_a_column_a_figure(history: History, tmp_path: Path) -> None:
    samples = list(running(90, cards=2))
    history.write(samples[:60], {}, 30)
    path = tmp_path / "figures.csv"
    *_, last = export(history, samples[60:], path, NOON + 30, NOON + 80, cancel=CancelToken())
    assert (last.rows, last.fraction, last.path) == (51, 1.0, path)
    table = rows(path)
    assert [row["engine.decode [tokens/s]"] for row in table] == [f"{n}.000" for n in range(30, 81)]
    moment = datetime.fromisoformat(table[0]["time"])
    assert moment.tzinfo is not None
    assert moment.timestamp() == NOON + 30
    assert table[0]["gpu.0000:02:00.0.memory_total [bytes]"] == str(24 << 30)
    assert table[0]["system.cpu [%]"] == f"{(samples[30].hardware.system.cpu or 0) * 100:.2f}"
    assert table[0]["engine.first_token [s]"] == ""
    assert table[0]["seconds [s]"] == "1.000"


def test_minutes_where_samples_are_not_kept_any_more(history: History, tmp_path: Path) -> None:
    day = 86_400
    for start in (NOON, NOON + 2 * day):
        samples = list(running(3900, start=start))
        for first in range(0, 3900, 60):
            history.write(samples[first : first + 60], {}, 30)
    path = tmp_path / "figures.csv"
    list(export(history, (), path, NOON, NOON + 3 * day, cancel=CancelToken()))
    table = rows(path)
    spans = [float(row["seconds [s]"]) for row in table]
    assert max(spans) > 59
    assert spans.count(1.0) >= 3600
    times = [row["time"] for row in table]
    assert times == sorted(times)


def test_minutes_of_a_card_that_came_and_went_stand_where_they_were_sampled(history: History, tmp_path: Path) -> None:
    for n, cards in enumerate((1, 2, 1)):
        history.write(list(running(60, start=NOON + 60 * n, cards=cards)), {}, 30)
    for n in range(65):  # days later, so that of the first ones no samples are kept
        history.write(list(running(60, start=NOON + 3 * 86_400 + 60 * n, cards=1)), {}, 30)
    path = tmp_path / "figures.csv"
    list(export(history, (), path, NOON, NOON + 86_400, cancel=CancelToken()))
    table = rows(path)
    assert [row["gpu.0000:02:00.0.use [%]"] != "" for row in table] == [False, True, False]
    assert sorted(row["time"] for row in table) == [row["time"] for row in table]


def test_cancelled_there_is_no_file(history: History, tmp_path: Path) -> None:
    samples = list(running(180))
    for first in range(0, 180, 60):
        history.write(samples[first : first + 60], {}, 30)
    cancel, before = CancelToken(), set(tmp_path.iterdir())
    task = export(history, (), tmp_path / "figures.csv", NOON, NOON + 180, cancel=cancel)
    next(task)
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(task)
    assert set(tmp_path.iterdir()) == before


def test_a_folder_that_is_not_there(history: History, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        list(export(history, [sample(NOON, 1.0)], tmp_path / "no" / "figures.csv", NOON, NOON, cancel=CancelToken()))


def test_a_time_of_which_nothing_is_known(history: History, tmp_path: Path) -> None:
    path = tmp_path / "figures.csv"
    (last,) = export(history, (), path, NOON, NOON + 60, cancel=CancelToken())
    assert last.rows == 0
    assert rows(path) == []
