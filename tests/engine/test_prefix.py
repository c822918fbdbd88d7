"""What was read once is not read again, and `cached_tokens` tells the truth."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.engine.native import library
from backends.engine.prefix import common
from backends.engine.protocol import GenerateRequest, PromptProgress, Sampling, Turn
from backends.engine.sequence import Job
from tests.kit.answers import Heard
from tests.kit.deepseeks import small_deepseek
from tests.kit.ggufs import ANSWER, Shape, random_model
from tests.kit.scheduling import GREEDY, Desk, desk

DOCUMENT = "A long document. " * 40


@pytest.fixture
def four(scripted: Path) -> Iterator[Desk]:
    with desk(scripted, parallel=4) as made:
        yield made


def cached(heard: Heard) -> int:
    return heard.finished.usage.cached_tokens


def read(job: Job) -> int:
    """How many tokens of its prompt were computed, by what it was told."""
    steps = [event for event in job.stream if isinstance(event, PromptProgress)]
    return steps[-1].done - steps[0].done


def turns(made: Desk, *texts: str, **options: object) -> Job:
    """A conversation: question, answer, question, …"""
    said = [Turn("assistant" if n % 2 else "user", text) for n, text in enumerate(texts)]
    return made.submit(GenerateRequest(said, **({"sampling": GREEDY} | options)))  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [0, 1, 7, 100])
def test_what_two_have_in_common(length: int) -> None:
    same = list(range(length))
    assert common(same, same) == common([*same, 1], [*same, 2]) == common(same, [*same, 3, 4]) == length
    assert common([-1, *same], same) == 0


def test_the_same_again_but_for_its_last_token(four: Desk) -> None:
    first, again = four.heard(four.ask(DOCUMENT))[0], four.heard(four.ask(DOCUMENT))[0]
    assert cached(first) == 0
    assert cached(again) == again.finished.usage.prompt_tokens - 1
    assert again.text == first.text == ANSWER


def test_the_next_question_of_a_conversation(four: Desk) -> None:
    (first,) = four.heard(turns(four, DOCUMENT))
    (second,) = four.heard(turns(four, DOCUMENT, first.text, "brief"))
    assert cached(second) == 2 + len(DOCUMENT) + 1  # up to <｜Assistant｜>: what was thought is not repeated
    (third,) = four.heard(turns(four, DOCUMENT, first.text, "brief", second.text, "Hello!"))
    assert cached(third) > second.finished.usage.prompt_tokens - 8


def test_branches_edits_and_regenerations(four: Desk) -> None:
    """Nothing of what was there is lost by going another way."""
    whole = [DOCUMENT, "It is long.", "Why? " * 30]
    four.heard(turns(four, *whole))
    (edited,) = four.heard(turns(four, DOCUMENT, "It is long.", "How? " * 30))
    assert len(DOCUMENT) < cached(edited) < edited.finished.usage.prompt_tokens - 140
    (back,) = four.heard(turns(four, *whole))
    assert cached(back) == back.finished.usage.prompt_tokens - 1
    (longer,) = four.heard(turns(four, *whole, "So.", "Hello!"))
    assert cached(longer) > back.finished.usage.prompt_tokens - 8
    (beginning,) = four.heard(turns(four, DOCUMENT[:200]))
    assert 200 <= cached(beginning) <= 202


def test_what_others_are_saying_is_shared_too(four: Desk) -> None:
    speaking = four.ask(DOCUMENT + "endless", max_tokens=300)
    for _ in range(20):
        four.scheduler.step()
    other = four.ask(DOCUMENT + "brief")
    four.run(until=lambda: other.stream.wait(0))
    assert not speaking.stream.wait(0)
    (heard,) = four.heard(other)
    assert cached(heard) >= len(DOCUMENT)
    assert heard.text == "直接回答，没有思考。"
    assert four.heard(speaking)[0].finished.usage.completion_tokens == 300


def test_eight_with_one_long_prompt_read_it_once(scripted: Path) -> None:
    """They come together, while it is being read."""
    with desk(scripted, parallel=8, batch=64) as eight:
        jobs = [eight.ask(DOCUMENT + f"{n}") for n in range(8)]
        eight.run()
        counts = [read(job) for job in jobs]
        assert counts[0] > len(DOCUMENT)
        assert all(count < 80 for count in counts[1:])


def test_who_waits_for_a_prompt_does_not_wait_for_ever(scripted: Path) -> None:
    with desk(scripted, parallel=2, batch=64) as two:
        reading, waiting = two.ask(DOCUMENT), two.ask(DOCUMENT + "brief")
        for _ in range(3):
            two.scheduler.step()
        reading.stream.cancel()
        (heard,) = two.heard(waiting)
        assert 64 <= cached(heard) < len(DOCUMENT)
        assert heard.text == "直接回答，没有思考。"


def test_a_person_waits_for_no_background_work(scripted: Path) -> None:
    with desk(scripted, parallel=2, batch=64) as two:
        work = two.ask(DOCUMENT, priority="background")
        for _ in range(2):
            two.scheduler.step()
        person = two.ask(DOCUMENT)
        two.run(until=lambda: person.stream.wait(0))
        assert 100 < cached(two.heard(person)[0]) <= 128
        assert two.heard(work)[0].text == ANSWER


def test_what_was_not_used_for_longest_goes_first(scripted: Path) -> None:
    with desk(scripted, context=2048, parallel=2) as two:
        documents = [f"{n} " * 300 for n in range(5)]
        for document in documents[:3]:
            two.heard(two.ask(document))
        two.heard(two.ask(documents[0]))
        two.heard(two.ask(documents[3]))  # has no room beside the three
        used = [cached(two.heard(two.ask(documents[n]))[0]) > 500 for n in (0, 3, 1)]
        assert used == [True, True, False]


def test_a_seed_alone_reads_it_all_again(four: Desk, tmp_path: Path) -> None:
    with desk(random_model(tmp_path / "m.gguf"), parallel=4) as wild:
        wish = {"sampling": Sampling(temperature=5, top_p=1, seed=1), "max_tokens": 30}
        (first,) = wild.heard(wild.ask("Go on", **wish))
        wild.heard(wild.ask("Something else, and longer", max_tokens=50))
        wild.heard(wild.ask("Go on", max_tokens=10))
        (again,) = wild.heard(wild.ask("Go on", **wish))
        assert cached(first) == cached(again) == 0
        assert first.reasoning == again.reasoning


# ---- memories that cannot go back


@pytest.fixture(scope="session")
def v4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_deepseek(tmp_path_factory.mktemp("v4") / "m.gguf", "deepseek4")


def test_v4_reads_a_question_once(v4: Path) -> None:
    """Its cache cannot be cut or shared: a copy at the end of each question stands in."""
    with desk(v4, parallel=2) as two:
        question = "What is it? " * 50
        (first,) = two.heard(two.ask(question, max_tokens=20))
        (again,) = two.heard(two.ask(question, max_tokens=20))
        (longer,) = two.heard(turns(two, question, "It is long.", "Why?", max_tokens=20))
        prompt = first.finished.usage.prompt_tokens
        assert cached(first) == 0
        assert cached(again) == cached(longer) == prompt - 8
        assert again.text == first.text


def test_v4_goes_on_where_it_was_paused(v4: Path) -> None:
    with desk(v4, parallel=1) as one:
        wish = {"max_tokens": 40, "priority": "background"}
        alone = one.alone("Tell me. " * 40, **wish)
        one.scheduler.forget()
        work = one.ask("Tell me. " * 40, **wish)
        for _ in range(20):
            one.scheduler.step()
        person = one.ask("Go!", max_tokens=5)
        one.run(until=lambda: person.stream.wait(0))
        (heard,) = one.heard(work)
        assert heard.text == alone.text


def test_v4_reads_again_what_was_interrupted(v4: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cache cannot say what is left of a computation that was broken off."""
    with desk(v4, parallel=2, batch=64) as two:
        alone = two.alone("Tell me. " * 40, max_tokens=10)
        two.scheduler.forget()
        job = two.ask("Tell me. " * 40, max_tokens=10)
        for step in range(12):
            with monkeypatch.context() as patch:
                if step % 4 == 2:
                    patch.setattr(two.context, "rearm", two.context.interrupt)  # as if somebody had just cancelled
                two.scheduler.step()
        (heard,) = two.heard(job)
        assert heard.text == alone.text


def test_v4_several_at_once(v4: Path) -> None:
    with desk(v4, parallel=3) as three:
        questions = [f"{n} and more. " * (10 + 20 * n) for n in range(5)]
        alone = [three.alone(question, max_tokens=15).finished.usage for question in questions]
        heard = three.heard(*(three.ask(question, max_tokens=15) for question in questions))
        assert [one.finished.usage.completion_tokens for one in heard] == [one.completion_tokens for one in alone]


# ---- near ties apart, the numbers are the same


MODELS = {
    "qwen2": lambda path: random_model(path, "qwen2"),
    "llama": lambda path: random_model(path, "llama"),
    "deepseek2": lambda path: random_model(path, "deepseek2"),
    "deepseek2 legacy": lambda path: random_model(path, "deepseek2", shape=Shape(mla=False)),
    "deepseek32": lambda path: small_deepseek(path, "deepseek32"),
    "deepseek4": lambda path: small_deepseek(path, "deepseek4"),
}


@pytest.mark.parametrize("name", MODELS)
def test_logits_behind_a_shared_prefix_are_those_of_a_prompt_read_alone(tmp_path: Path, name: str) -> None:
    """As near as the model comes to itself when the same tokens are computed in other batches."""
    words = random.Random(1)
    begin = [words.randrange(250) for _ in range(600)]
    asked = [tuple(begin + [words.randrange(250) for _ in range(40 + n)]) for n in range(4)]
    path = MODELS[name](tmp_path / "m.gguf")

    def logits(batch: int, together: bool) -> list[list[float]]:
        with desk(path, parallel=4, batch=batch) as made:
            if together:
                for tokens in asked:
                    made.submit(GenerateRequest([], GREEDY, tokens=tokens, max_tokens=9, ignore_end=True))
                made.run()
            return [_logits(made, tokens, afresh=not together) for tokens in asked]

    alone, other, shared = logits(512, False), logits(96, False), logits(512, True)
    itself = max(_far(one, two) for one, two in zip(alone, other, strict=True))
    strange = min(_far(alone[0], one) for one in alone[1:])
    assert max(_far(one, two) for one, two in zip(alone, shared, strict=True)) < max(4 * itself, strange / 20)


def _far(one: list[float], other: list[float]) -> float:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def _logits(made: Desk, tokens: tuple[int, ...], *, afresh: bool) -> list[float]:
    """Behind a prompt, by way of the scheduler; with what is in the cache, or without."""
    if afresh:
        made.scheduler.forget()
    made.submit(GenerateRequest([], GREEDY, tokens=tokens, max_tokens=1, ignore_end=True))
    numbers: list[float] = []
    while made.scheduler.step():
        for place in [one.place for one in made.scheduler._batch if one.place >= 0 and not numbers]:
            pointer = library().llama.llama_get_logits_ith(made.context.handle, place)
            numbers = pointer[: made.model.vocabulary.size]
    return numbers
