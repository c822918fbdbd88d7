"""Many answers at once, in one cache: each is what it would have been alone, whatever happens to the others."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from backends.core.errors import EngineError, InvalidInput
from backends.core.stream import Stream
from backends.engine.loader import NativeEngine
from backends.engine.protocol import (
    MOST_CHOICES,
    Finished,
    GenerateEvent,
    GenerateRequest,
    LoadRequest,
    Paused,
    Queued,
    Resumed,
    Sampling,
    TextDelta,
    Turn,
)
from backends.engine.sequence import Job
from tests.kit.answers import Heard, hear
from tests.kit.ggufs import ANSWER, REASONING, random_model
from tests.kit.scheduling import GREEDY, Desk, desk

BRIEF = "直接回答，没有思考。"


@pytest.fixture(scope="module")
def four(scripted: Path) -> Iterator[Desk]:
    with desk(scripted, parallel=4) as made:
        yield made


def said(heard: Heard) -> tuple[str, str, str]:
    return heard.reasoning, heard.text, heard.finished.finish_reason


# ---- together


WISHES: list[tuple[str, dict[str, object]]] = [
    ("Hello!", {}),
    ("brief please", {}),
    ("endless please", {"max_tokens": 60}),
    ("unclosed please", {}),
    ("Hello, " * 100, {"max_tokens": 20}),
    ("Hello!", {"stop": ["scripted** mod"]}),
    ("x" * 900, {"sampling": Sampling(seed=3)}),
    ("brief " + "y" * 300, {"sampling": Sampling(seed=3), "max_tokens": 2}),
    ("endless, and long", {"max_tokens": 200}),
    ("Hello!", {"max_tokens": 0}),
]


def test_each_is_what_it_would_have_been_alone(four: Desk) -> None:
    alone = [said(four.alone(question, **options)) for question, options in WISHES]
    four.scheduler.forget()
    together = four.heard(*(four.ask(question, **options) for question, options in WISHES))
    assert [said(heard) for heard in together] == alone
    assert alone[0] == (REASONING, ANSWER, "stop")
    assert [heard.finished.finish_reason for heard in together].count("length") == 5


def test_whoever_comes_later_is_computed_beside_those_who_speak(four: Desk) -> None:
    long = four.ask("endless please", max_tokens=150)
    jobs: list[Job] = []
    for _ in range(30):
        four.scheduler.step()
        jobs.append(four.ask("Hello!")) if len(jobs) < 3 else None
    assert [said(heard) for heard in four.heard(*jobs)] == 3 * [(REASONING, ANSWER, "stop")]
    assert said(hear(long.stream)) == said(four.alone("endless please", max_tokens=150))


def test_those_who_speak_go_on_while_a_long_prompt_is_read(four: Desk) -> None:
    speaking = four.ask("endless please", max_tokens=400)
    four.run(until=lambda: any(isinstance(event, TextDelta) for event in speaking.stream.drain()))
    (speaker,) = four.scheduler._running
    long, read = four.ask("x" * 3000), 0
    while not read or four.scheduler._running[1].reading:
        before = len(speaker.tokens)
        assert four.scheduler.step()
        assert len(speaker.tokens) == before + 1
        read += 1
    assert read > 5  # not all at once
    assert said(four.heard(long)[0]) == (REASONING, ANSWER, "stop")


def test_cancel_at_every_step(four: Desk) -> None:
    """One of three goes after so many steps; the others never notice, and its slot is free."""
    whole = said(four.alone("Hello!"))
    for steps in range(0, 40, 3):
        four.scheduler.forget()
        first, gone, last = (four.ask(f"Hello{mark}" * 40) for mark in "!?.")
        for _ in range(steps):
            four.scheduler.step()
        gone.stream.cancel()
        heard = hear([*four.heard(gone)[0].events])
        assert (heard.finished.finish_reason == "cancelled") or said(heard) == whole
        assert (REASONING + ANSWER).startswith(heard.reasoning + heard.text)
        assert [said(hear(job.stream)) for job in (first, last)] == [whole, whole]


def test_a_prompt_that_is_too_long_is_nobody_elses_matter(four: Desk) -> None:
    first = four.ask("Hello!")
    with pytest.raises(InvalidInput):
        four.ask("x" * 5000)
    assert said(four.heard(first)[0]) == (REASONING, ANSWER, "stop")


def test_what_fails_is_told_to_those_in_flight_only(four: Desk) -> None:
    waiting = [four.ask("Hello!") for _ in range(6)]
    four.scheduler.step()
    running = four.scheduler._running
    assert len(running) == 4
    running[0].tokens[-1] = four.model.vocabulary.size  # no such token
    four.run()
    for job in waiting[:4]:
        with pytest.raises(EngineError) as caught:
            list(job.stream)
        assert caught.value.code == "decode_failed"
    assert [said(hear(job.stream)) for job in waiting[4:]] == 2 * [(REASONING, ANSWER, "stop")]


# ---- in order


def order(jobs: dict[str, Job], made: Desk) -> list[str]:
    """Who was done, one after the other."""
    done: list[str] = []
    while len(done) < len(jobs):
        made.scheduler.step()
        done += [name for name, job in jobs.items() if name not in done and job.stream.wait(0)]
    return done


def test_the_person_first_then_programs_then_background_work(scripted: Path) -> None:
    with desk(scripted, parallel=1) as one:
        jobs = {"running": one.ask("endless", max_tokens=50, priority="api")}
        one.scheduler.step()
        for name, priority in (
            ("b1", "background"),
            ("a1", "api"),
            ("p1", "person"),
            ("b2", "background"),
            ("a2", "api"),
        ):
            jobs[name] = one.ask("Hello!", priority=priority)
        assert order(jobs, one) == ["p1", "running", "a1", "a2", "b1", "b2"]
        queued = [event.before for event in jobs["b1"].stream if isinstance(event, Queued)]
        assert queued == [3, 2, 1, 0]


def test_background_work_gives_its_place_up_and_goes_on_later(scripted: Path) -> None:
    with desk(scripted, parallel=2) as two:
        alone = said(two.alone("endless", max_tokens=80))
        work = [two.ask("endless", max_tokens=80, priority="background") for _ in range(2)]
        for _ in range(20):
            two.scheduler.step()
        person = two.ask("Hello!")
        two.run(until=lambda: person.stream.wait(0))
        assert not work[0].stream.wait(0)
        assert said(hear(person.stream)) == (REASONING, ANSWER, "stop")
        old, young = two.heard(*work)
        assert said(old) == said(young) == alone
        assert not [event for event in old.events if isinstance(event, Paused)]
        assert [type(event) for event in young.events if isinstance(event, (Paused, Resumed))] == [Paused, Resumed]
        assert young.finished.usage.cached_tokens > 0


def test_a_program_gives_its_place_to_the_person_and_says_the_same_in_the_end(scripted: Path) -> None:
    with desk(scripted, parallel=2) as two:
        alone = said(two.alone("endless", max_tokens=80))
        work = [two.ask("endless", max_tokens=80, priority="api") for _ in range(2)]
        for _ in range(20):
            two.scheduler.step()
        people = [two.ask("Hello!") for _ in range(2)]
        two.run(until=lambda: all(person.stream.wait(0) for person in people))
        assert not any(job.stream.wait(0) for job in work)
        assert [said(hear(person.stream)) for person in people] == 2 * [(REASONING, ANSWER, "stop")]
        heard = two.heard(*work)
        assert [said(one) for one in heard] == 2 * [alone]
        for one in heard:
            assert [type(event) for event in one.events if isinstance(event, (Paused, Resumed))] == [Paused, Resumed]


def test_other_programs_wait_for_programs(scripted: Path) -> None:
    with desk(scripted, parallel=1) as one:
        first, second = one.ask("endless", max_tokens=30, priority="api"), one.ask("Hello!", priority="api")
        assert not [event for heard in one.heard(first, second) for event in heard.events if isinstance(event, Paused)]


# ---- a full cache


def test_when_the_cache_is_full_the_youngest_waits(scripted: Path) -> None:
    with desk(scripted, context=512, parallel=4) as small:
        alone = said(small.alone("endless", max_tokens=300))
        jobs = [small.ask("endless", max_tokens=300) for _ in range(4)]
        heard = small.heard(*jobs)
        assert [said(one) for one in heard] == 4 * [alone]
        assert not any(isinstance(event, Paused) for event in heard[0].events)
        paused = [[type(event) for event in one.events if isinstance(event, (Paused, Resumed))] for one in heard]
        assert [Paused, Resumed] in paused
        assert all(events == len(events) // 2 * [Paused, Resumed] for events in paused)


def test_one_alone_may_have_all_of_the_context(scripted: Path) -> None:
    with desk(scripted, context=512, parallel=4) as small:
        small.heard(*(small.ask(f"{word} and more") for word in ("Hello", "brief", "unclosed")))
        (heard,) = small.heard(small.ask("endless"))
        usage = heard.finished.usage
        assert heard.finished.finish_reason == "length"
        assert usage.prompt_tokens + usage.completion_tokens == 512


def test_those_who_cannot_all_be_there_at_once_come_one_after_the_other(scripted: Path) -> None:
    with desk(scripted, context=512, parallel=4) as small:
        jobs = [small.ask(f"{n}" * 300, priority="api") for n in range(5)]
        assert [said(one) for one in small.heard(*jobs)] == 5 * [(REASONING, ANSWER, "stop")]


# ---- several answers to one question


def test_choices_share_their_prompt(engine: NativeEngine, tmp_path: Path) -> None:
    list(engine.load(LoadRequest(random_model(tmp_path / "m.gguf"), 4096, gpu_layers=0, parallel=4)))
    wild = GenerateRequest([Turn("user", "Go! " * 50)], Sampling(temperature=3, top_p=1, seed=7), max_tokens=12)

    def choices() -> list[Heard]:
        return [hear(stream) for stream in engine.generate_choices(wild, 3)]

    first, again = choices(), choices()
    assert [one.reasoning for one in first] == [one.reasoning for one in again]
    assert len({one.reasoning for one in first}) == 3
    prompt = first[0].finished.usage.prompt_tokens
    assert [one.finished.usage.cached_tokens for one in first] == [0, prompt - 1, prompt - 1]
    alone = hear(engine.generate(wild))
    assert alone.finished.usage.cached_tokens == 0
    assert alone.reasoning == first[0].reasoning


@pytest.mark.parametrize("n", [0, -1, MOST_CHOICES + 1, 10**9])
def test_so_many_choices_there_are_not(n: int) -> None:
    (stream,) = NativeEngine().generate_choices(GenerateRequest([Turn("user", "Hello!")]), n)
    with pytest.raises(InvalidInput) as caught:
        list(stream)
    assert caught.value.code == "bad_choices"
    assert str(n) in caught.value.message.en


def test_eight_at_the_engine(engine: NativeEngine, scripted: Path) -> None:
    list(engine.load(LoadRequest(scripted, 4096, gpu_layers=0, parallel=8)))
    assert engine.model is not None
    assert engine.model.parallel == 8
    streams: list[Stream[GenerateEvent]] = []
    for n in range(20):
        question = ("Hello!", "brief please")[n % 2]
        streams.append(engine.generate(GenerateRequest([Turn("user", question)], GREEDY)))
    assert [hear(stream).text for stream in streams] == 10 * [ANSWER, BRIEF]


# ---- anything


@st.composite
def wishes(draw: st.DrawFn) -> tuple[str, dict[str, object], int, int]:
    """A question, its options, after how many steps it comes, and after how many events it is cancelled (0: never)."""
    word = draw(st.sampled_from(["Hello", "brief", "endless", "unclosed"]))
    question = f"{word} {draw(st.sampled_from('abc')) * draw(st.integers(0, 200))}"
    options: dict[str, object] = {"max_tokens": draw(st.integers(0, 90))}
    options["priority"] = draw(st.sampled_from(["person", "api", "background"]))
    if draw(st.booleans()):
        options["stop"] = ["**"]
    if draw(st.booleans()):
        options["sampling"] = Sampling(seed=draw(st.integers(0, 3)))
    return question, options, draw(st.integers(0, 12)), draw(st.sampled_from([0, 0, 0, 1, 5, 20]))


@pytest.fixture(scope="module")
def narrow(scripted: Path) -> Iterator[Desk]:
    with desk(scripted, context=768, parallel=3, batch=64, lookup=True) as made:
        yield made


@seed(20)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(wishes(), min_size=2, max_size=9))
def test_whatever_happens_each_says_its_own(narrow: Desk, asked: list[tuple[str, dict[str, object], int, int]]) -> None:
    jobs: list[tuple[Job, list[GenerateEvent], int]] = []

    def step() -> None:
        narrow.scheduler.step()
        for job, events, most in jobs:
            events += job.stream.drain()
            if most and len(events) >= most:
                job.stream.cancel()

    for question, options, steps, most in asked:
        jobs.append((narrow.ask(question, **options), [], most))
        for _ in range(steps):
            step()
    while narrow.scheduler.busy:
        step()
    for (_, events, most), (question, options, _, _) in zip(jobs, asked, strict=True):
        heard, alone = hear(events), narrow.alone(question, **options)
        if most and heard.finished.finish_reason == "cancelled":
            assert alone.reasoning.startswith(heard.reasoning)
            assert alone.text.startswith(heard.text)
        else:
            assert said(heard) == said(alone)
        assert sum(isinstance(event, Finished) for event in events) == 1
