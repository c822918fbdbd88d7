"""What a model did is summed up by the day."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from backends.engine.figures import EngineFigures, Tally, Work
from backends.monitor.history import History
from backends.monitor.meter import done, measure
from backends.monitor.statistics import Sum, day_of, energy, first_day
from backends.monitor.types import EngineSample
from tests.kit.samples import NOON, gpu, running

ONE = Work(
    prompt_tokens=1000,
    cached_tokens=500,
    prefill_seconds=2.0,
    generated_tokens=101,
    decoded_tokens=100,
    decode_seconds=5.0,
    decode_steps=100,
    busy_seconds=7.0,
    begun=1,
    first_token_seconds=2.5,
    answers=1,
)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    history = History(tmp_path / "monitor.db")
    yield history
    history.close()


@pytest.fixture
def zone(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def test_a_day_is_summed_up_of_what_was_written(history: History) -> None:
    history.write((), {("2026-11-22", "tiny"): Sum(ONE, 1.5)}, 30)
    history.write((), {("2026-11-22", "tiny"): Sum(ONE, None), ("2026-11-21", "tiny"): Sum(ONE, None)}, 30)
    today, yesterday = history.days(None)
    assert (today.day, today.model, today.answers) == ("2026-11-22", "tiny", 2)
    assert (today.prompt_tokens, today.cached_tokens, today.generated_tokens) == (2000, 1000, 202)
    assert (today.prefill, today.decode, today.first_token) == (500.0, 20.0, 2.5)
    assert (today.busy, today.energy) == (14.0, 1.5)
    assert (yesterday.day, yesterday.energy) == ("2026-11-21", None)
    assert [each.day for each in history.days("2026-11-22")] == ["2026-11-22"]


def test_of_one_day_who_computed_longest_comes_first(history: History) -> None:
    little = Work(generated_tokens=1, busy_seconds=0.1)
    history.write((), {("2026-11-22", "a"): Sum(little), ("2026-11-22", "b"): Sum(ONE)}, 30)
    assert [each.model for each in history.days(None)] == ["b", "a"]
    assert history.days(None)[1].decode is None


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of a process cannot be set on Windows")
@pytest.mark.parametrize("zone", ["Asia/Shanghai"], indirect=True)
@pytest.mark.usefixtures("zone")
def test_a_day_is_one_of_the_local_calendar() -> None:
    assert day_of(NOON) == "2026-11-22"
    assert day_of(NOON + 4 * 3600 - 1) == "2026-11-22"
    assert day_of(NOON + 4 * 3600) == "2026-11-23"


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of a process cannot be set on Windows")
@pytest.mark.parametrize("zone", ["Europe/Berlin"], indirect=True)
@pytest.mark.usefixtures("zone")
def test_so_many_days_are_days_of_the_calendar_where_one_has_23_hours() -> None:
    just_after_midnight = datetime(2026, 3, 30, 0, 10).timestamp()  # clocks were put forward on the 29th
    assert first_day(just_after_midnight, 1) == "2026-03-30"
    assert first_day(just_after_midnight, 2) == "2026-03-29"
    assert first_day(just_after_midnight, 30) == "2026-03-01"


def test_two_years_are_kept(history: History) -> None:
    history.write((), {(day_of(NOON - n * 86_400), "tiny"): Sum(ONE) for n in (0, 700, 740)}, 30)
    samples = list(running(3900))
    for first in range(0, 3900, 60):
        history.write(samples[first : first + 60], {}, 30)
    assert len(history.days(None)) == 2


def test_energy_is_of_all_cards_that_tell_their_power() -> None:
    assert energy((gpu(power=300.0), gpu(1, power=60.0), gpu(2, power=None)), 10.0) == pytest.approx(1.0)
    assert energy((gpu(power=None),), 10.0) is None
    assert energy((), 10.0) is None


# ---- between two readings of the engine


def figures(model: str | None, **work: Work) -> EngineFigures:
    return EngineFigures(model, 2, 1, 300, 4096, work)


def test_what_was_done_between_two_readings() -> None:
    tally = Tally()
    tally.started(cached=500)
    tally.step(read=400, generated=1, decoded=0, seconds=2.0)
    tally.spoke(2.5)
    before = figures("tiny", tiny=tally.read())
    for _ in range(10):
        tally.step(read=0, generated=2, decoded=2, seconds=0.1)
    now = figures("tiny", tiny=tally.read())
    found = measure(before, now)
    assert (found.decode, found.steps) == (pytest.approx(20.0), pytest.approx(10.0))
    assert replace(found, decode=None, steps=None) == EngineSample(
        "tiny", 2, 1, generated_tokens=20, kv_used=300, kv_total=4096
    )
    first = measure(figures("tiny"), before)
    assert (first.prefill, first.decode, first.first_token) == (200.0, None, 2.5)
    assert (first.prompt_tokens, first.cached_tokens, first.generated_tokens) == (400, 500, 1)


def test_a_model_that_went_meanwhile_is_counted_for_itself() -> None:
    before, now = figures("tiny", tiny=ONE), figures("other", tiny=ONE, other=ONE)
    assert done(before, now) == {"other": ONE}
    assert measure(before, now).model == "other"
    assert measure(before, figures(None, tiny=ONE, other=ONE)).generated_tokens == 0
    assert done(now, now) == {}
