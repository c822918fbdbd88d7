"""The pump brings what tasks say to the GUI thread, and rests when nobody speaks."""

import gc
import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from app.bridge import Pump
from app.garbage import GarbageCollector
from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, NotFound
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream


@pytest.fixture
def runner() -> Iterator[Runner]:
    runner = Runner("test")
    yield runner
    assert runner.close(60)


@pytest.fixture
def errors() -> list[BackendError]:
    return []


@pytest.fixture
def pump(qapp: QObject, errors: list[BackendError]) -> Iterator[Pump]:
    pump = Pump(errors.append)
    yield pump
    pump.close()


def count(to: int, *, cancel: CancelToken) -> Iterator[int]:
    for n in range(to):
        cancel.check()
        yield n


def test_thousands_of_events_come_in_few_turns_on_the_gui_thread(qtbot: QtBot, pump: Pump, runner: Runner) -> None:
    turns: list[list[int]] = []
    threads: set[int] = set()

    def take(events: list[int]) -> None:
        threads.add(threading.get_ident())
        turns.append(events)

    with qtbot.waitSignal(pump.rested):
        pump.follow(runner.start(count, 20_000), take)
        assert pump.active
    assert [n for turn in turns for n in turn] == list(range(20_000))
    assert len(turns) < 2_000  # however slowly they come on a busy machine
    assert threads == {threading.get_ident()}
    assert not pump.active


def test_a_known_error_comes_after_the_events_and_before_the_end(
    qtbot: QtBot, pump: Pump, runner: Runner, errors: list[BackendError]
) -> None:
    def task(*, cancel: CancelToken) -> Iterator[str]:
        yield "one"
        raise NotFound(Phrase("gone", "没了"))

    story: list[object] = []
    with qtbot.waitSignal(pump.rested):
        pump.follow(runner.start(task), story.extend, lambda: story.append("end"), lambda e: story.append(e.code))
    assert story == ["one", "not_found", "end"]
    assert not errors
    with qtbot.waitSignal(pump.rested):
        pump.follow(runner.start(task), story.extend)
    assert [error.code for error in errors] == ["not_found"]


def test_a_bug_flies_to_the_crash_report_and_the_others_go_on(qtbot: QtBot, pump: Pump, runner: Runner) -> None:
    def buggy(*, cancel: CancelToken) -> Iterator[int]:
        yield 1 // 0

    seen: list[int] = []
    ended: list[str] = []
    with qtbot.captureExceptions() as bugs, qtbot.waitSignal(pump.rested):
        pump.follow(runner.start(buggy), seen.extend, lambda: ended.append("buggy"))
        pump.follow(runner.start(count, 3), seen.extend, lambda: ended.append("count"))
    assert [kind for kind, _, _ in bugs] == [ZeroDivisionError]
    assert seen == [0, 1, 2]
    assert ended == ["buggy", "count"]


def test_cancel_ends_a_stream_without_an_error(
    qtbot: QtBot, pump: Pump, runner: Runner, errors: list[BackendError]
) -> None:
    def endless(*, cancel: CancelToken) -> Iterator[int]:
        yield 1
        while True:
            cancel.wait(0.01)
            cancel.check()

    stream = runner.start(endless)
    with qtbot.waitSignal(pump.rested):
        pump.follow(stream, lambda _: stream.cancel())
    assert stream.finished
    assert not errors


def test_call_brings_a_result(qtbot: QtBot, pump: Pump, runner: Runner) -> None:
    results: list[int] = []
    with qtbot.waitSignal(pump.rested):
        pump.call(runner, lambda a, b: a + b, 2, 3, then=results.append)
    assert results == [5]


def test_a_silent_stream_is_heard_without_a_timer(qtbot: QtBot, pump: Pump) -> None:
    stream: Stream[str] = Stream("knocks")
    heard: list[str] = []
    pump.listen(stream, heard.extend)
    assert not pump.active
    threads = [threading.Thread(target=stream.put, args=(f"{n}",)) for n in range(50)]
    for thread in threads:
        thread.start()
    qtbot.waitUntil(lambda: len(heard) == 50)
    for thread in threads:
        thread.join()
    assert set(heard) == {f"{n}" for n in range(50)}
    assert not pump.active
    pump.close()
    stream.put("after closing time")


class Emitter(QObject):
    said = Signal(bool)


def test_five_thousand_emissions(qapp: QObject) -> None:
    """PySide6 6.12.0 drops a reference to True at each `emit()` on Python 3.10 and 3.11, and dies of it."""
    emitter = Emitter()
    heard = [0]

    def hear(value: bool) -> None:
        heard[0] += value

    emitter.said.connect(hear)
    before = sys.getrefcount(True)
    for _ in range(5000):
        emitter.said.emit(True)
    assert heard == [5000]
    assert sys.getrefcount(True) > before - 1000


class Knot:
    """Garbage that only the cyclic collector finds, and which says on which thread it died."""

    def __init__(self, died_on: list[int]) -> None:
        self.me = self
        self.died_on = died_on

    def __del__(self) -> None:
        self.died_on.append(threading.get_ident())


def test_garbage_dies_on_the_gui_thread(qtbot: QtBot, pump: Pump, runner: Runner) -> None:
    died_on: list[int] = []
    collector = GarbageCollector(pump)

    def litter(to: int, *, cancel: CancelToken) -> Iterator[int]:
        for n in range(to):
            Knot(died_on)
            yield n

    try:
        assert not gc.isenabled()
        with qtbot.waitSignal(pump.rested):
            pump.follow(runner.start(litter, 5000), lambda _: None)
    finally:
        collector.close()
    gc.collect()
    assert gc.isenabled()
    assert len(died_on) == 5000
    assert set(died_on) == {threading.get_ident()}
