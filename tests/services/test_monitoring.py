"""The monitor samples while somebody looks or something works, keeps it, and is still otherwise."""

import itertools
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from backends.core.cancel import CancelToken
from backends.core.stream import Stream
from backends.engine.protocol import GenerateRequest, Sampling, Turn
from backends.hardware.samples import GpuSample, HardwareSample
from backends.monitor.types import Day, Sample, Series
from backends.services import Services
from backends.services import monitoring as services_monitoring
from backends.services.monitoring import MonitorServices
from tests.kit.answers import hear
from tests.kit.ggufs import scripted_model
from tests.kit.samples import NOON, gpu, sample

Opened = Callable[[], AbstractContextManager[Services]]
LONG = 60.0  # seconds
HELLO = GenerateRequest([Turn("user", "Hello!")], Sampling(temperature=0))


class Machine:
    """Tells made samples, at times that a test sets, as soon as it is asked."""

    def __init__(self) -> None:
        self.wall = NOON
        self.cards: tuple[GpuSample, ...] = (gpu(power=360.0),)
        self.asked = threading.Semaphore(0)
        self.closed = 0

    def sample(self, cancel: CancelToken) -> HardwareSample:
        cancel.check()
        self.asked.release()
        return sample(0, 0, cards=self.cards).hardware

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def machine() -> Machine:
    return Machine()


@contextmanager
def monitor(
    services: Services, machine: Machine, *jobs: Callable[[], bool], second: float = 0.01
) -> Iterator[MonitorServices]:
    """One of its own, over the same data folder, whose seconds are short."""
    services.monitoring.close()
    made = MonitorServices(
        services._base, jobs, sampling=lambda folder: machine, second=second, wall=lambda: machine.wall
    )
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stands still for some seconds has not slept, and its clock was not set."""
    monkeypatch.setattr(services_monitoring, "GAP", 1000.0)
    monkeypatch.setattr(services_monitoring, "JUMP", 1000.0)


def one(stream: Stream[Any]) -> Any:
    (event,) = stream
    return event


def watched(monitoring: MonitorServices, count: int) -> list[Sample]:
    stream = monitoring.watch()
    samples = [found for _, found in zip(range(count), stream, strict=False)]
    stream.cancel()
    return samples


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def until(ready: Callable[[], bool], changes: Stream[Any]) -> None:
    """As soon as a change has made it so."""
    deadline = time.monotonic() + LONG
    while not ready():
        assert time.monotonic() < deadline
        changes.token.wait(0.01)


# ---- when it samples


def test_nothing_is_sampled_and_no_thread_is_there_while_nobody_looks(services: Services) -> None:
    assert services.monitoring.latest is None
    assert not {"monitor", "history"} & threads()
    services.settings.set("monitor.temperature", 80)
    services._base.changed("documents")
    assert not {"monitor", "history"} & threads()


def test_a_page_gets_a_sample_a_second_of_the_real_machine(services: Services) -> None:
    stream = services.monitoring.watch()
    samples = list(itertools.islice(stream, 2))
    while samples[-1].seconds is None:  # the machine stood still
        samples.append(next(iter(stream)))
    stream.cancel()
    *_, before, second = samples
    assert samples[0].seconds is None
    assert second.seconds == pytest.approx(second.clock - before.clock)
    assert second.hardware.system.memory_total == psutil.virtual_memory().total
    assert abs(second.at - time.time()) < LONG
    assert services.monitoring.recent(math.inf)[: len(samples)] == tuple(samples)


def test_two_pages_get_the_same_and_the_last_one_ends_it(services: Services, machine: Machine) -> None:
    with monitor(services, machine) as monitoring:
        one_page, other_page = monitoring.watch(), monitoring.watch()
        here, there = iter(one_page), iter(other_page)
        first = next(there)
        assert next(found for found in here if found.clock >= first.clock) == first
        one_page.cancel()
        later = [next(there) for _ in range(3)]
        assert later[0].clock > first.clock
        assert monitoring.latest is not None
        other_page.cancel()
        until(lambda: monitoring.latest is None, other_page)
        until(lambda: not monitoring._active, other_page)
        while machine.asked.acquire(blocking=False):
            continue
        assert not machine.asked.acquire(timeout=0.2), "nobody looks any more"
        assert watched(monitoring, 1)[0].clock > later[-1].clock, "and again"
    assert machine.closed == 1


def test_a_loaded_model_is_looked_at_until_it_goes(services: Services, machine: Machine, tmp_path: Path) -> None:
    model = services.library.add(scripted_model(tmp_path / "greeter.gguf"))
    with monitor(services, machine) as monitoring:
        assert monitoring.latest is None
        list(services.loading.load(model))
        for _ in range(3):
            assert machine.asked.acquire(timeout=LONG)
        list(services.loading.unload())
        until(lambda: monitoring.latest is None, services.changes())


def test_a_job_is_looked_at_until_it_ends(services: Services, machine: Machine) -> None:
    working = threading.Event()
    with monitor(services, machine, working.is_set) as monitoring:
        services._base.changed("downloads")
        assert not machine.asked.acquire(timeout=0.05)
        working.set()
        services._base.changed("downloads")
        for _ in range(3):
            assert machine.asked.acquire(timeout=LONG)
        working.clear()
        until(lambda: monitoring.latest is None, services.changes())
        working.set()
        services._base.changed("downloads")
        assert machine.asked.acquire(timeout=LONG), "the next one"


def test_it_is_closed_in_the_middle(services: Services) -> None:
    stream = services.monitoring.watch()
    next(iter(stream))
    services.monitoring.close()
    assert list(stream) is not None
    assert not {"monitor", "history"} & threads()
    services.monitoring.watch().cancel()


# ---- what the engine did


def test_what_a_model_did_today_is_there_after_a_restart(opened: Opened, tmp_path: Path) -> None:
    machine = Machine()
    with opened() as services:
        model = services.library.add(scripted_model(tmp_path / "greeter.gguf"))
        with monitor(services, machine) as monitoring:
            list(services.loading.load(model))
            until(lambda: monitoring.latest is not None, services.changes())  # else nobody knows what it draws
            heard = hear(services.engine.generate(HELLO))
            (today,) = one(monitoring.days())
            assert isinstance(today, Day)
            assert (today.model, today.answers) == (model.id, 1)
            assert today.day == time.strftime("%Y-%m-%d", time.localtime(NOON))
            assert today.generated_tokens == heard.finished.usage.completion_tokens
            assert today.prompt_tokens == heard.finished.usage.prompt_tokens
            assert today.decode is not None
            assert today.first_token == pytest.approx(heard.finished.timings.ttft_s)
            assert today.energy == pytest.approx(360 * today.busy / 3600)
            hear(services.engine.generate(HELLO))
    with opened() as services:
        (today,) = one(services.monitoring.days())
        assert today.answers == 2, "also what was said in the last seconds"
        assert one(services.monitoring.days("2026-11-23")) == ()


def test_the_samples_tell_what_the_engine_does(services: Services, machine: Machine, tmp_path: Path) -> None:
    endless = scripted_model(tmp_path / "runner.gguf", endless=True, slow=30)
    model = services.library.add(endless)
    with monitor(services, machine) as monitoring:
        list(services.loading.load(model))
        answer = services.engine.generate(HELLO)
        stream = monitoring.watch()
        speaking = next(found.engine for found in stream if found.engine.decode)
        answer.cancel()
        stream.cancel()
    assert (speaking.model, speaking.running, speaking.waiting) == (model.id, 1, 0)
    assert speaking.generated_tokens > 0
    assert 0 < speaking.kv_used < speaking.kv_total


# ---- the past


def course(monitoring: MonitorServices, name: str, start: float, end: float, steps: int) -> Series:
    (series,) = one(monitoring.history([name], start, end, steps))
    return series


def test_the_past_is_there_at_once_and_after_a_restart(opened: Opened) -> None:
    name = "gpu.0000:01:00.0.temperature"
    with opened() as services:
        samples = watched(services.monitoring, 1)
        machine = Machine()
        with monitor(services, machine) as monitoring:
            samples = watched(monitoring, 5)
            assert course(monitoring, name, NOON - 5, NOON + 5, 10).high[5] == 60.0
    with opened() as services:
        names = one(services.monitoring.names())
        assert {name, "system.cpu", "engine.decode"} <= set(names)
        series = course(services.monitoring, name, NOON - 5, NOON + 5, 10)
        assert [value for value in series.mean if not math.isnan(value)]
        assert len(samples) == 5


def test_a_minute_of_samples_is_written_at_once(services: Services, machine: Machine) -> None:
    with monitor(services, machine) as monitoring:
        samples = watched(monitoring, 150)
        until(lambda: not monitoring._active, services.changes())
    with sqlite3.connect(services.paths.data / "monitor.db") as connection:
        counts = [row[0] for row in connection.execute("SELECT count FROM fine ORDER BY id")]
    assert sum(counts) >= len(samples)
    minutes = (samples[-1].clock - samples[0].clock) / 0.6  # a second is 10 ms here
    assert len(counts) <= minutes + 2


def test_a_clock_that_jumps_neither_overwrites_nor_runs_backwards(
    services: Services, machine: Machine, patient: None
) -> None:
    with monitor(services, machine) as monitoring:
        stream = monitoring.watch()
        samples = iter(stream)
        next(samples)
        before = next(samples)
        seen: list[Sample] = []
        for jump in (-7200.0, 86_400.0):
            machine.wall += jump
            seen += [next(found for found in samples if found.at == machine.wall), next(samples)]
        stream.cancel()
        times = [before.clock, *(found.clock for found in seen)]
        assert times == sorted(times)
        assert before.seconds is not None
        assert [found.seconds is None for found in seen] == [True, False, True, False]
        assert all(found.seconds is None or found.seconds > 0 for found in seen)
        past = course(monitoring, "system.cpu", NOON - 8000, NOON + 80_000, 1000)
        there = [at for at, value in zip(past.at, past.mean, strict=True) if not math.isnan(value)]
        assert len(there) == 3
        assert one(monitoring.names())


def test_a_machine_that_slept_leaves_a_gap(services: Services, machine: Machine, patient: None) -> None:
    slept = [0.0]
    services.monitoring.close()
    monitoring = MonitorServices(
        services._base,
        sampling=lambda folder: machine,
        second=0.01,
        wall=lambda: time.monotonic() + slept[0],
        clock=lambda: time.monotonic() + slept[0],
    )
    try:
        stream = monitoring.watch()
        samples = iter(stream)
        next(samples)
        before = next(samples)
        slept[0] = 8 * 3600.0
        after = next(found for found in samples if found.clock > before.clock + 3600)
        assert before.seconds is not None
        assert after.seconds is None
        assert (next(samples).seconds or 0) > 0
        stream.cancel()
    finally:
        monitoring.close()


def test_the_past_can_be_erased(services: Services, machine: Machine) -> None:
    with monitor(services, machine) as monitoring:
        watched(monitoring, 5)
        until(lambda: not monitoring._active, services.changes())
        one(monitoring.erase())
        assert all(map(math.isnan, course(monitoring, "system.cpu", NOON - 60, NOON + 60, 12).mean))
        assert monitoring.recent(LONG) == (), "what is at hand too"


def test_an_answer_of_just_now_is_erased_too_and_everybody_is_told(services: Services, tmp_path: Path) -> None:
    model = services.library.add(scripted_model(tmp_path / "greeter.gguf"))
    list(services.loading.load(model))
    hear(services.engine.generate(HELLO))
    changes = services.changes()
    one(services.monitoring.erase())
    assert "erased" in changes.drain()
    assert one(services.monitoring.days()) == ()
    hear(services.engine.generate(HELLO))
    (today,) = one(services.monitoring.days())
    assert today.answers == 1, "it goes on counting"


def test_the_past_as_a_table(services: Services, machine: Machine, tmp_path: Path) -> None:
    with monitor(services, machine) as monitoring:
        samples = watched(monitoring, 5)
        until(lambda: not monitoring._active, services.changes())
        *_, last = monitoring.export(tmp_path / "figures.csv", NOON - 60, NOON + 60)
    assert last.path == tmp_path / "figures.csv"
    assert last.rows >= len(samples)


# ---- when the disk does not do


def test_a_damaged_file_is_begun_anew_and_said_once(opened: Opened, tmp_path: Path) -> None:
    with opened() as services:
        path = services.paths.data / "monitor.db"
        path.write_bytes(os.urandom(20_000))
        changes = services.changes()
        with monitor(services, Machine()) as monitoring:
            assert len(watched(monitoring, 3)) == 3
            until(lambda: not monitoring._active, changes)
            assert not math.isnan(course(monitoring, "system.cpu", NOON - 5, NOON + 5, 10).mean[5])
            assert len(monitoring.notices) == 1
    with opened() as services:
        one(services.monitoring.names())
        assert services.monitoring.notices == ()


def test_whoever_finds_the_file_damaged_everybody_is_told(opened: Opened, tmp_path: Path) -> None:
    asked: dict[str, Callable[[MonitorServices], Stream[Any]]] = {
        "names": MonitorServices.names,
        "history": lambda monitoring: monitoring.history(["system.cpu"], NOON, NOON + 60, 10),
        "export": lambda monitoring: monitoring.export(tmp_path / "figures.csv", NOON, NOON + 60),
        "erase": MonitorServices.erase,
    }
    for name, ask in asked.items():
        with opened() as services:
            (services.paths.data / "monitor.db").write_bytes(os.urandom(20_000))
            changes = services.changes()
            list(ask(services.monitoring))
            assert "monitor" in changes.drain(), name
            assert len(services.monitoring.notices) == 1, name
    with opened() as services:
        (services.paths.data / "monitor.db").write_bytes(os.urandom(20_000))
        changes = services.changes()
        with monitor(services, Machine()) as monitoring:
            watched(monitoring, 3)
            until(lambda: bool(monitoring.notices) and "monitor" in changes.drain(), changes)


def test_where_nothing_can_be_kept_the_samples_go_on_and_wait(services: Services, machine: Machine) -> None:
    """Something is in the place of the file; when it is moved away, what waited is written."""
    path = services.paths.data / "monitor.db"
    path.mkdir()
    with monitor(services, machine) as monitoring:
        changes, stream = services.changes(), monitoring.watch()
        samples = iter(stream)
        first = next(samples)
        while monitoring.problem is None:
            assert next(samples).clock < first.clock + LONG
        assert "monitor" in changes.drain()
        path.rmdir()
        while monitoring.problem is not None:
            assert next(samples).clock < first.clock + LONG
        stream.cancel()
        seen = len(monitoring.recent(LONG))
        until(lambda: not monitoring._active, changes)
        assert not monitoring._unsaved
        with sqlite3.connect(path) as connection:
            (kept,) = connection.execute("SELECT sum(count) FROM fine").fetchone()
        assert kept >= seen
        assert course(monitoring, "system.cpu", NOON - 5, NOON + 5, 10).mean[5] == 0.5


# ---- alerts


def test_a_card_that_runs_hot_is_told_once_and_withdrawn(services: Services, machine: Machine) -> None:
    machine.cards = (gpu(temperature=95.0),)
    ticks = itertools.count()
    services.monitoring.close()
    monitoring = MonitorServices(
        services._base, sampling=lambda folder: machine, second=0.001, clock=lambda: 0.2 * next(ticks)
    )
    try:
        alerts, stream = monitoring.alerts(), monitoring.watch()
        told = iter(alerts)
        first = next(told)
        assert (first.kind, first.over) == ("temperature", True)
        assert monitoring.standing == (first,)
        machine.cards = (gpu(temperature=50.0),)
        second = next(told)
        assert (second.kind, second.subject, second.over) == ("temperature", first.subject, False)
        assert monitoring.standing == ()
        stream.cancel()
    finally:
        monitoring.close()
    assert list(alerts) == []


def test_a_card_that_is_lost(services: Services, machine: Machine) -> None:
    machine.cards = (GpuSample("0000:01:00.0", "RTX 4090", "nvidia", "lost"), gpu(1))
    with monitor(services, machine) as monitoring:
        samples = watched(monitoring, 3)
        assert [card.state for card in samples[-1].hardware.gpus] == ["lost", "ok"]
        names: Sequence[str] = one(monitoring.names())
        assert "gpu.0000:02:00.0.use" in names
