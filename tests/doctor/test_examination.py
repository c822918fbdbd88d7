"""All looks together: none holds up or takes down another."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, StorageError
from backends.core.phrase import Phrase
from backends.doctor import examination
from backends.doctor.case import Case
from backends.doctor.examination import CHECKS, Check, examine
from backends.doctor.types import TOPICS, Finding
from backends.doctor.words import arranged, worst
from tests.kit.patients import Home, told

WHAT = Phrase("this", "此项")


def fine(case: Case, *, cancel: CancelToken) -> Iterator[Finding]:
    yield Finding("disk", "fine", "ok", WHAT)


def buggy(case: Case, *, cancel: CancelToken) -> Iterator[Finding]:
    yield Finding("models", "said_before", "ok", WHAT)
    raise KeyError("a mistake of ours")


def refused(case: Case, *, cancel: CancelToken) -> Iterator[Finding]:
    raise StorageError(Phrase("It cannot be read.", "无法读取。"), code="disk_failed")
    yield


def test_a_machine_in_order(home: Home) -> None:
    """Everything real; what this machine itself lacks (a card, its driver) is left out."""
    home.use(filled=True)
    home.download()
    patient = [replace(one, seconds=600) for one in CHECKS]  # however busy this machine is
    found = list(examine(home.case(), cancel=CancelToken(), checks=patient))
    ours = [one for one in found if one.topic not in ("driver", "wheel", "devices")]
    assert {one.verdict for one in ours} == {"ok"}, [one for one in ours if one.verdict != "ok"]
    assert {one.topic for one in found} == set(TOPICS)
    assert all(one.what.en and one.what.zh for one in found)
    assert worst(ours) == "ok"
    assert [one.topic for one in arranged(ours)] == sorted((one.topic for one in ours), key=TOPICS.index)


def test_a_look_that_fails_leaves_the_others(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    checks = [Check("models", WHAT, buggy, 60), Check("databases", WHAT, refused, 60), Check("disk", WHAT, fine, 60)]
    found = list(examine(home.case(), cancel=CancelToken(), checks=checks))
    assert told(found) == {"said_before": "ok", "not_examined": "warn", "disk_failed": "fail", "fine": "ok"}
    assert "a mistake of ours" in caplog.text


def test_a_look_that_hangs_is_left_behind_with_what_it_said(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    over, hanging = threading.Event(), threading.Event()
    clock = SimpleNamespace(monotonic=lambda: 10.0 if hanging.is_set() else 0.0)  # it begins to hang in its time
    monkeypatch.setattr(examination, "time", clock)

    def hangs(case: Case, *, cancel: CancelToken) -> Iterator[Finding]:
        yield Finding("driver", "said_before", "ok", WHAT)
        hanging.set()
        over.wait(120)  # in a call of a driver that no cancel reaches

    checks = [Check("driver", WHAT, hangs, 0.5), Check("disk", WHAT, fine, 60)]
    try:
        found = list(examine(home.case(), cancel=CancelToken(), checks=checks))
        assert hanging.is_set()
        assert told(found) == {"said_before": "ok", "fine": "ok", "no_answer": "warn"}
    finally:
        over.set()


def test_it_can_be_cancelled(home: Home) -> None:
    cancel, told_to_stop = CancelToken(), threading.Event()

    def waits(case: Case, *, cancel: CancelToken) -> Iterator[Finding]:
        cancel.on_cancel(told_to_stop.set)
        yield Finding("driver", "begun", "ok", WHAT)
        cancel.wait(120)

    running = examine(home.case(), cancel=cancel, checks=[Check("driver", WHAT, waits, 120)])
    assert next(running).code == "begun"
    cancel.cancel()
    with pytest.raises(Cancelled):
        next(running)
    assert told_to_stop.wait(60)


def test_reading_every_byte_has_more_time() -> None:
    assert all(check.deep_seconds > check.seconds for check in CHECKS if check.topic in ("models", "databases"))
