"""Tasks and streams, with real threads."""

import threading
from collections.abc import Iterator

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, EngineError
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream

LONG = 120.0  # seconds that nobody waits, unless something is wrong


@pytest.fixture
def runner() -> Iterator[Runner]:
    one = Runner("test")
    yield one
    assert one.close(LONG)


def count(to: int, *, cancel: CancelToken) -> Iterator[int]:
    for number in range(to):
        cancel.check()
        yield number


def until_cancelled(started: threading.Event, *, cancel: CancelToken) -> Iterator[str]:
    started.set()
    yield "begun"
    cancel.wait(LONG)
    cancel.check()
    yield "never"


def fail_after(events: int, error: Exception, *, cancel: CancelToken) -> Iterator[int]:
    yield from range(events)
    raise error


def test_a_task_is_read_without_threads() -> None:
    assert list(count(3, cancel=CancelToken())) == [0, 1, 2]


def test_a_stream_is_iterated(runner: Runner) -> None:
    stream = runner.start(count, 1000)
    assert list(stream) == list(range(1000))
    assert stream.finished
    assert not stream.cancelled
    assert stream.name == "count"
    assert list(stream) == []


def test_an_error_comes_out_once_after_the_events_before_it(runner: Runner) -> None:
    error = EngineError(Phrase("out of memory", "内存不足"))
    stream = runner.start(fail_after, 2, error)
    events = iter(stream)
    assert [next(events), next(events)] == [0, 1]
    with pytest.raises(EngineError) as failure:
        next(events)
    assert failure.value is error
    assert list(stream) == []
    assert stream.finished


def test_a_bug_in_a_task_comes_out_too_and_the_runner_lives(runner: Runner) -> None:
    with pytest.raises(ZeroDivisionError):
        list(runner.start(fail_after, 0, ZeroDivisionError()))
    assert list(runner.start(count, 2)) == [0, 1]


def test_a_task_that_does_not_even_begin_fails_in_its_stream(runner: Runner) -> None:
    def wants_more(one: int, *, cancel: CancelToken) -> Iterator[int]:
        yield one

    with pytest.raises(TypeError):
        list(runner.start(wants_more))


def test_drain_takes_what_is_there_then_the_error() -> None:
    stream: Stream[int] = Stream()
    assert stream.drain() == []
    stream.put(1)
    stream.put(2)
    assert stream.drain() == [1, 2]
    stream.put(3)
    stream.fail(ValueError("late"))
    assert not stream.finished
    assert stream.drain() == [3]
    assert not stream.finished
    with pytest.raises(ValueError, match="late"):
        stream.drain()
    assert stream.finished
    assert stream.drain() == []


def test_a_cancelled_stream_simply_ends(runner: Runner) -> None:
    started = threading.Event()
    stream = runner.start(until_cancelled, started)
    assert started.wait(LONG)
    stream.cancel()
    assert list(stream) == ["begun"]
    assert stream.cancelled
    assert stream.finished


def test_a_task_that_is_cancelled_in_the_queue_never_begins(runner: Runner) -> None:
    started, never = threading.Event(), threading.Event()
    first = runner.start(until_cancelled, started)
    second = runner.start(until_cancelled, never)
    third = runner.start(count, 2)
    assert started.wait(LONG)
    second.cancel()
    first.cancel()
    assert list(second) == []
    assert not never.is_set()
    assert list(third) == [0, 1]


def test_one_thread_keeps_the_order_and_its_name() -> None:
    runner = Runner("engine")

    def who(number: int, *, cancel: CancelToken) -> Iterator[tuple[int, str]]:
        yield number, threading.current_thread().name

    streams = [runner.start(who, number) for number in range(5)]
    assert [next(iter(stream)) for stream in streams] == [(number, "engine") for number in range(5)]
    assert runner.close(LONG)


def test_three_threads_work_at_the_same_time() -> None:
    runner = Runner("chat", threads=3)
    together = threading.Barrier(3)

    def meet(*, cancel: CancelToken) -> Iterator[str]:
        together.wait(LONG)
        yield threading.current_thread().name

    streams = [runner.start(meet) for _ in range(3)]
    names = {name for stream in streams for name in stream}
    assert names == {"chat-1", "chat-2", "chat-3"}
    assert runner.close(LONG)


def test_close_cancels_what_runs_and_what_waits() -> None:
    runner = Runner("test")
    started = threading.Event()
    running = runner.start(until_cancelled, started)
    waiting = runner.start(until_cancelled, threading.Event())
    assert started.wait(LONG)
    assert runner.close(LONG)
    assert list(running) == ["begun"]
    assert list(waiting) == []
    assert running.cancelled
    assert waiting.cancelled
    with pytest.raises(RuntimeError):
        runner.start(count, 1)
    assert runner.close(LONG)


def test_close_says_when_a_task_does_not_listen() -> None:
    runner = Runner("deaf")
    started, go_on = threading.Event(), threading.Event()

    def deaf(*, cancel: CancelToken) -> Iterator[int]:
        started.set()
        go_on.wait(LONG)
        yield 1

    runner.start(deaf)
    assert started.wait(LONG)
    assert not runner.close(0.01)
    go_on.set()
    assert runner.close(LONG)


def test_whoever_waits_is_woken_for_each_thing_and_at_once() -> None:
    stream: Stream[int] = Stream()
    stream.put(0)
    woken: list[int] = []
    stream.on_wake(lambda: woken.append(len(woken)))
    assert len(woken) == 1
    stream.put(1)
    stream.close()
    assert len(woken) == 3
    assert stream.drain() == [0, 1]
    stream.on_wake(None)
    stream.put(2)
    assert len(woken) == 3


def test_wait_tells_whether_the_task_has_ended(runner: Runner) -> None:
    started = threading.Event()
    stream = runner.start(until_cancelled, started)
    assert started.wait(LONG)
    assert not stream.wait(0)
    stream.cancel()
    assert stream.wait(LONG)
    assert not stream.finished
    assert stream.drain() == ["begun"]
    assert stream.finished


def test_a_consumer_on_another_thread_misses_nothing(runner: Runner) -> None:
    seen: list[int] = []
    stream = runner.start(count, 20_000)
    consumer = threading.Thread(target=lambda: seen.extend(stream))
    consumer.start()
    consumer.join(60)
    assert seen == list(range(20_000))


def test_an_error_after_the_end_is_not_told() -> None:
    stream: Stream[int] = Stream()
    stream.close()
    stream.fail(ValueError())
    assert stream.drain() == []
    cancelled: Stream[int] = Stream()
    cancelled.fail(Cancelled())
    assert cancelled.drain() == []
    assert cancelled.finished


def test_gulps_bring_all_that_has_gathered_and_then_what_went_wrong() -> None:
    stream: Stream[int] = Stream()
    for number in range(5):
        stream.put(number)
    gulps = stream.gulps(pause=60)  # a consumer that is cancelled does not sit the pause out
    assert next(gulps) == [0, 1, 2, 3, 4]
    stream.put(5)
    stream.cancel()
    assert next(gulps) == [5]
    stream.put(6)
    stream.fail(EngineError(Phrase("lost", "断开")))
    assert next(gulps) == [6]
    with pytest.raises(EngineError, match="lost"):
        next(gulps)
