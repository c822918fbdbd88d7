"""One notice where something is too hot, gone or full, and one when that is over."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from backends.core.monitor_settings import MonitorSettings
from backends.core.phrase import NOTHING
from backends.hardware.samples import GpuSample, SystemSample
from backends.monitor.alerts import Alarms
from backends.monitor.types import Alert, Sample
from tests.kit.samples import GIB, gpu, sample

USUAL = MonitorSettings()
FOLDER = "/models"


def told(alarms: Alarms, samples: Sequence[Sample], settings: MonitorSettings = USUAL) -> list[Alert]:
    return [alert for one in samples for alert in alarms.look(one, settings, FOLDER)]


def warm(degrees: Sequence[float], *, begin: int = 0) -> list[Sample]:
    return [sample(begin + n, begin + n, cards=(gpu(temperature=each),)) for n, each in enumerate(degrees)]


def test_heat_that_lasts_is_told_once_and_when_it_is_over() -> None:
    alarms = Alarms()
    (hot,) = told(alarms, warm([85] * 5 + [91, 95, 93] * 20))
    assert (hot.kind, hot.subject, hot.over) == ("temperature", "0000:01:00.0", True)
    assert "RTX 4090" in hot.message.en
    assert "°C" in hot.message.zh
    assert alarms.standing == (hot,)
    assert not told(alarms, warm([89, 86] * 20, begin=100)), "not clearly below"
    (well,) = told(alarms, warm([80] * 20, begin=200))
    assert (well.kind, well.subject, well.over) == ("temperature", "0000:01:00.0", False)
    assert well.message.en == "NVIDIA GeForce RTX 4090 has cooled down to 80 °C."
    assert well.hint.zh
    assert alarms.standing == ()


def test_a_peak_is_no_alert() -> None:
    alarms = Alarms()
    assert not told(alarms, warm(([95] * 9 + [70]) * 10))


def test_two_peaks_with_nothing_read_between_are_no_alert() -> None:
    alarms = Alarms()
    assert not told(alarms, [*warm([95] * 5), *(sample(n, n) for n in range(5, 60)), *warm([95] * 5, begin=60)])


def test_it_is_time_that_counts_not_samples() -> None:
    alarms = Alarms()
    every_five = [sample(5 * n, 5 * n, cards=(gpu(temperature=95),)) for n in range(3)]
    assert len(told(alarms, every_five)) == 1


def test_memory_that_is_nearly_full() -> None:
    def holding(free: int) -> GpuSample:
        return replace(gpu(), memory_used=24 * GIB - free)

    alarms = Alarms()
    full = [sample(n, n, cards=(holding(100 << 20),)) for n in range(12)]
    (alert,) = told(alarms, full)
    assert alert.kind == "vram"
    assert "100 MiB" in alert.message.en
    assert not told(Alarms(), full, replace(USUAL, vram_free=0)), "never"
    assert not told(Alarms(), [sample(n, n, cards=(replace(holding(0), unified=True),)) for n in range(12)])


def test_a_disk_that_is_nearly_full_stays_so_while_nothing_is_sampled() -> None:
    alarms = Alarms()
    (alert,) = told(alarms, [sample(n, n, disk_free=1_500_000_000) for n in range(12)])
    assert (alert.kind, alert.subject) == ("disk", FOLDER)
    assert "1.5 GB" in alert.message.en
    assert not alarms.rest()
    assert alarms.standing == (alert,)
    (well,) = told(alarms, [sample(100 + n, 100 + n, disk_free=10**11) for n in range(12)])
    assert not well.over
    assert "100.0 GB" in well.message.zh


def test_a_disk_that_is_only_not_read_just_now_is_still_full() -> None:
    alarms = Alarms()
    (alert,) = told(alarms, [sample(n, n, disk_free=1_500_000_000) for n in range(12)])
    unread = [replace(one, hardware=replace(one.hardware, system=SystemSample())) for one in warm([50] * 20, begin=12)]
    assert not told(alarms, unread)
    assert alarms.standing == (alert,)
    assert [one.over for one in told(alarms, unread, replace(USUAL, disk_free=0))] == [False], "not wanted any more"


@pytest.mark.parametrize("state", ["lost", "silent"])
def test_a_card_that_is_gone(state: str) -> None:
    alarms = Alarms()
    gone = GpuSample("0000:01:00.0", "RTX 4090", "nvidia", state)  # type: ignore[arg-type]
    (alert,) = told(alarms, [sample(n, n, cards=(gone,)) for n in range(12)])
    assert (alert.kind, alert.severity) == ("gpu", "danger")
    (back,) = told(alarms, warm([50] * 12, begin=20))
    assert (back.kind, back.over) == ("gpu", False)
    assert "answers again" in back.message.en


def test_what_stands_of_a_card_is_over_when_nobody_looks_any_more() -> None:
    alarms = Alarms()
    told(alarms, warm([95] * 12))
    assert [(alert.over, alert.message) for alert in alarms.rest()] == [(False, NOTHING)], "nobody knows"
    assert alarms.standing == ()


def test_a_card_that_is_taken_out_takes_its_alert_along() -> None:
    alarms = Alarms()
    told(alarms, warm([95] * 12))
    assert [alert.over for alert in told(alarms, [sample(20, 20)])] == [False]


def test_alerts_that_are_switched_off() -> None:
    alarms = Alarms()
    told(alarms, warm([95] * 12))
    off = replace(USUAL, alerts=False)
    assert [alert.over for alert in told(alarms, warm([95] * 12, begin=20), off)] == [False]
    assert alarms.standing == ()


def test_eight_cards_of_one_name_are_told_apart() -> None:
    alarms = Alarms()
    cards = tuple(gpu(n, temperature=95 if n in (2, 6) else 60) for n in range(8))
    alerts = told(alarms, [sample(n, n, cards=cards) for n in range(12)])
    assert len({alert.subject for alert in alerts}) == 2
    assert ["(3)" in alerts[0].message.en, "(7)" in alerts[1].message.zh] == [True, True]
