"""The course of the figures is kept: each sample for a day, minutes for longer, whatever clock and disk do."""

import math
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, StorageError
from backends.engine.figures import Work
from backends.monitor.history import History
from backends.monitor.statistics import Sum
from backends.monitor.types import Sample, Series
from tests.kit.samples import NOON, gpu, running, sample

DECODE = "engine.decode"


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    history = History(tmp_path / "monitor.db")
    yield history
    history.close()


def write(history: History, samples: Sequence[Sample], keep_days: int = 30) -> None:
    """As the service does: a minute at a time."""
    for first in range(0, len(samples), 60):
        history.write(samples[first : first + 60], {}, keep_days)


def read(history: History, start: float, end: float, steps: int, name: str = DECODE) -> Series:
    return history.read((), [name], start, end, steps, CancelToken())[0]


def shown(values: Sequence[float]) -> list[float | None]:
    return [None if math.isnan(value) else round(value, 3) for value in values]


def test_each_sample_is_there_again(history: History) -> None:
    write(history, list(running(150)))
    series = read(history, NOON - 0.5, NOON + 149.5, 150)
    assert series.at[:2] == [NOON, NOON + 1]
    assert shown(series.mean) == list(range(150))
    assert series.low == series.mean == series.high


def test_steps_tell_the_lowest_the_mean_and_the_highest(history: History) -> None:
    write(history, list(running(600)))
    series = read(history, NOON - 0.5, NOON + 599.5, 10)
    assert shown(series.low) == [60 * n for n in range(10)]
    assert shown(series.high) == [60 * n + 59 for n in range(10)]
    assert [round(value) for value in series.mean] == [round(60 * n + 29.5, 0) for n in range(10)]


def test_minutes_tell_the_same_when_the_samples_are_gone(history: History, tmp_path: Path) -> None:
    write(history, list(running(3600)))
    before = read(history, NOON - 0.5, NOON + 3599.5, 30)
    with sqlite3.connect(tmp_path / "monitor.db") as connection:
        connection.execute("DELETE FROM fine")
    for steps in (30, 600):
        after = read(history, NOON - 0.5, NOON + 3599.5, steps)
        assert min(shown(after.low)) == 0  # type: ignore[type-var]
        assert max(shown(after.high)) == 3599  # type: ignore[type-var]
        assert not any(map(math.isnan, after.mean))
    assert read(history, NOON - 0.5, NOON + 3599.5, 30).mean == pytest.approx(before.mean, abs=60)


def test_a_long_time_is_told_by_minutes(history: History) -> None:
    write(history, list(running(4 * 3600)))
    whole = read(history, NOON - 0.5, NOON + 4 * 3600 - 0.5, 1000)
    assert not any(map(math.isnan, whole.mean))
    assert (min(whole.low), max(whole.high)) == (0, 4 * 3600 - 1)
    part = read(history, NOON - 0.5, NOON + 999.5, 1000)
    assert shown(part.mean) == list(range(1000))


def test_a_pause_is_a_gap_and_seldom_samples_are_none(history: History) -> None:
    first = list(running(12, every=5.0))
    write(history, [*first, *running(12, start=NOON + 120, every=5.0)])
    series = read(history, NOON, NOON + 180, 180)
    there = [not math.isnan(value) for value in series.mean]
    assert all(there[:55]), "a sample stands for the five seconds before it"
    assert not any(there[56:119]), "nothing was sampled"
    assert all(there[121:174])


def test_a_figure_that_is_missing_is_a_gap_of_its_own(history: History) -> None:
    samples = [sample(NOON + n, n, decode=None if 3 <= n < 6 else 7.0) for n in range(10)]
    write(history, samples)
    assert shown(read(history, NOON - 0.5, NOON + 9.5, 10).mean) == [7, 7, 7, None, None, None, 7, 7, 7, 7]
    assert shown(read(history, NOON - 0.5, NOON + 9.5, 10, "gpu.none.use").mean) == [None] * 10


def test_a_card_that_comes_and_goes(history: History) -> None:
    with_card = [sample(NOON + n, n, cards=(gpu(),) if 3 <= n < 6 else ()) for n in range(9)]
    write(history, with_card)
    name = "gpu.0000:01:00.0.temperature"
    assert name in history.names()
    assert shown(read(history, NOON - 0.5, NOON + 8.5, 9, name).mean) == [None] * 3 + [60.0] * 3 + [None] * 3
    assert not any(map(math.isnan, read(history, NOON - 0.5, NOON + 8.5, 9, "system.cpu").mean))


def test_a_clock_that_is_set_back_overwrites_nothing(history: History) -> None:
    """An hour of samples, the clock goes back by half an hour, and another hour."""
    write(history, list(running(3600)))
    back = [sample(NOON + 1800 + n, 5000.0 + n, seconds=1.0 if n else None, decode=-5.0) for n in range(3600)]
    write(history, back)
    for steps in (90, 5400):
        series = read(history, NOON - 0.5, NOON + 5399.5, steps)
        assert all(later > earlier for earlier, later in zip(series.at, series.at[1:], strict=False))
        there = series.at.index(next(at for at in series.at if at > NOON + 2700))
        assert series.low[there] == -5.0, "both are there"
        assert series.high[there] == pytest.approx(2700, abs=61)
        assert series.high[-1] == -5.0


def test_a_clock_that_is_wrong_for_a_moment_forgets_nothing(history: History) -> None:
    write(history, list(running(600)))
    year = 366 * 86_400
    write(history, [sample(NOON + year + n, 2000.0 + n, seconds=1.0 if n else None) for n in range(180)])
    write(history, [sample(NOON + 900 + n, 2200.0 + n, seconds=1.0 if n else None) for n in range(4200)])
    assert shown(read(history, NOON - 0.5, NOON + 599.5, 600).mean) == list(range(600))


def test_what_is_old_is_forgotten(history: History, tmp_path: Path) -> None:
    """Samples after a day, minutes when the settings say so. (Looked at when an hour was sampled since.)"""
    day = 86_400
    for n in range(4):
        write(history, list(running(3900, start=NOON + n * day)), keep_days=2)
    with sqlite3.connect(tmp_path / "monitor.db") as connection:
        (fine,) = connection.execute("SELECT min(start) FROM fine").fetchone()
        (minutes,) = connection.execute("SELECT min(start) FROM minutes").fetchone()
    assert NOON + 2 * day <= fine <= NOON + 2 * day + 600
    assert NOON + day <= minutes <= NOON + day + 600


def test_what_is_not_written_yet_is_told_too(history: History) -> None:
    samples = list(running(90))
    write(history, samples[:60])
    series = history.read(samples[60:], [DECODE], NOON - 0.5, NOON + 89.5, 90, CancelToken())[0]
    assert shown(series.mean) == list(range(90))


def test_a_damaged_file_is_put_aside_and_said_once(tmp_path: Path) -> None:
    path = tmp_path / "monitor.db"
    path.write_bytes(b"SQLite format 3\0" + b"\x5a" * 8000)
    history = History(path)
    write(history, list(running(60)))
    assert len(history.notices) == 1
    assert "monitor.db" in history.notices[0].en
    assert list(tmp_path.glob("monitor.db.corrupt-*"))
    assert shown(read(history, NOON - 0.5, NOON + 59.5, 60).mean) == list(range(60))
    history.close()
    again = History(path)
    assert again.names()
    assert not again.notices
    again.close()


def test_figures_that_cannot_be_read_are_a_gap(history: History, tmp_path: Path) -> None:
    write(history, list(running(180)))
    with sqlite3.connect(tmp_path / "monitor.db") as connection:
        connection.execute("UPDATE fine SET samples = x'00112233' WHERE id = 2")
        connection.execute("UPDATE minutes SET figures = x'0011' WHERE id = 3")
    fine = shown(read(history, NOON - 0.5, NOON + 179.5, 180).mean)
    assert fine[:60] == list(range(60))
    assert fine[62:118] == [None] * 56
    assert fine[121:] == list(range(121, 180))
    coarse = shown(read(history, NOON, NOON + 180, 3).mean)
    assert [value is None for value in coarse] == [False, False, True]


def test_a_full_disk_leaves_nothing_half_written(history: History, tmp_path: Path) -> None:
    samples, sums = list(running(60, cards=8)), {("2026-11-22", "tiny"): Sum(Work(answers=1))}
    history.write(samples, sums, 30)
    connection = history._open().connection()
    connection.execute("PRAGMA max_page_count = 1")  # no more than it has
    later = list(running(60, start=NOON + 60, cards=8))
    with pytest.raises(StorageError) as caught:
        history.write(later, sums, 30)
    assert caught.value.code == "disk_full"
    assert [day.answers for day in history.days(None)] == [1]
    connection.execute("PRAGMA max_page_count = 1000000")
    history.write(later, sums, 30)
    assert [day.answers for day in history.days(None)] == [2]
    assert not any(map(math.isnan, read(history, NOON - 0.5, NOON + 119.5, 120).mean))


def test_a_newer_file_is_refused_in_plain_words(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "monitor.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    history = History(tmp_path / "monitor.db")
    with pytest.raises(StorageError) as caught:
        history.names()
    assert caught.value.code == "database_too_new"
    assert not history.mend(caught.value)
    history.close()


def test_all_of_it_is_erased(history: History, tmp_path: Path) -> None:
    sums = {("2026-11-22", "tiny-model-of-mine"): Sum(Work(answers=1), 1.0)}
    history.write(list(running(60, cards=2)), sums, 30)
    history.erase()
    assert history.names() == ()
    assert history.days(None) == ()
    assert all(math.isnan(value) for value in read(history, NOON, NOON + 60, 60).mean)
    history.close()
    assert b"tiny-model-of-mine" not in (tmp_path / "monitor.db").read_bytes()


def test_a_day_of_samples_is_small(history: History, tmp_path: Path) -> None:
    """An hour with two cards; a day is 24 of them."""
    write(history, list(running(3600, cards=2)))
    history.close()
    assert (tmp_path / "monitor.db").stat().st_size * 24 < 24_000_000


def test_reading_can_be_cancelled(history: History) -> None:
    write(history, list(running(300)))
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        history.read((), [DECODE], NOON, NOON + 300, 300, cancel)
