"""What others left lies in main memory while somebody else computes, and nothing of it is lost."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.core.stream import Stream
from backends.engine.aside import allowance
from backends.engine.prefix import Idle
from backends.engine.protocol import GenerateRequest
from backends.engine.sequence import Job
from tests.kit.answers import Heard, hear
from tests.kit.ggufs import random_model
from tests.kit.scheduling import GREEDY, Desk, desk

LONG = 600  # tokens
MUCH = 64 << 20


@pytest.fixture(scope="module")
def wild(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model(tmp_path_factory.mktemp("aside") / "m.gguf")


@pytest.fixture
def made(wild: Path) -> Iterator[Desk]:
    with desk(wild, aside=MUCH) as one:
        yield one


def tokens(number: int, count: int = LONG) -> tuple[int, ...]:
    chance = random.Random(number)
    return tuple(chance.randrange(250) for _ in range(count))


def ask(made: Desk, prompt: tuple[int, ...], *, generate: int = 4, **options: object) -> Job:
    wish = {"tokens": prompt, "max_tokens": generate, "ignore_end": True} | options
    return made.submit(GenerateRequest([], GREEDY, **wish))  # type: ignore[arg-type]


def answer(made: Desk, prompt: tuple[int, ...], generate: int = 4, **options: object) -> Heard:
    return made.heard(ask(made, prompt, generate=generate, **options))[0]


def cached(heard: Heard) -> int:
    return heard.finished.usage.cached_tokens


def idle(made: Desk) -> tuple[Idle, ...]:
    return made.scheduler._room.idle


def away(made: Desk) -> list[int]:
    """The first tokens of those that are in main memory, oldest first."""
    return [one.tokens[0] for one in idle(made) if one.data is not None]


def cells(made: Desk) -> int:
    """How many cells of the cache anybody holds."""
    return sum(made.context.held(one.slot) for one in idle(made) if one.data is None)


def test_another_question_finds_the_cache_empty_and_the_first_one_comes_back(made: Desk) -> None:
    first = answer(made, tokens(1))
    answer(made, tokens(2))
    assert away(made) == [tokens(1)[0]]
    assert cells(made) == LONG + 3
    again = answer(made, tokens(1))
    assert cached(again) == LONG - 1
    assert again.text == first.text
    assert away(made) == [tokens(2)[0]]


def test_a_conversation_goes_on_after_another_one(made: Desk) -> None:
    answer(made, tokens(1), generate=1)
    answer(made, tokens(2))
    assert cached(answer(made, tokens(1) + tokens(3, 50))) == LONG
    assert [len(one.tokens) for one in idle(made) if one.tokens[0] == tokens(1)[0]] == [LONG + 53]


def test_two_branches_of_what_was_away(made: Desk) -> None:
    """Each takes its beginning from what lies in main memory, and that stays there for others."""
    answer(made, tokens(1))
    answer(made, tokens(2))
    assert cached(answer(made, tokens(1)[:300] + tokens(3, 300))) == 300
    assert tokens(1)[0] in away(made)
    assert cached(answer(made, (*tokens(1)[:10], *tokens(5, 300)))) == 10  # of that branch, which is in the cache
    assert cached(answer(made, tokens(1)[:400] + tokens(4, 300))) == 400
    assert cached(answer(made, tokens(1))) == LONG - 1


def test_for_the_first_words_of_all_prompts_nothing_is_brought_back(made: Desk) -> None:
    answer(made, tokens(1))
    answer(made, tokens(2))
    answer(made, tokens(3))
    assert away(made) == [tokens(1)[0], tokens(2)[0]]
    assert cached(answer(made, (*tokens(1)[:15], *tokens(5, 300)))) == 0
    assert cached(answer(made, tokens(1))) == LONG - 1


def test_what_came_back_says_the_same_as_what_never_went(wild: Path, made: Desk) -> None:
    prompts = [tokens(n)[: 300 + 60 * n] for n in range(5)]
    with desk(wild) as other:
        for turn in range(3):
            for n in (0, 3, 1, 4, 2):
                prompt = prompts[n] + tokens(10 + turn, 20 * turn)
                here, there = answer(made, prompt), answer(other, prompt)
                assert here.text == there.text
                assert cached(here) > cached(there) - 16  # for so few nothing is brought back
    assert len(away(made)) >= 3


def test_little_ones_and_a_beginning_of_all_stay(made: Desk) -> None:
    for n in range(2):
        answer(made, tokens(n, 10))
    everywhere = tokens(9)
    for n in range(3):
        assert cached(answer(made, everywhere + tokens(20 + n, 40))) == (LONG if n else 0)
    assert away(made) == []


def test_many_little_ones_go_too(made: Desk) -> None:
    for n in range(8):
        answer(made, tokens(n, 100))
    assert len(away(made)) == 7
    assert all(cached(answer(made, tokens(n, 100))) == 99 for n in range(8))


def test_what_a_running_answer_shares_stays(made: Desk) -> None:
    answer(made, tokens(1))
    running = ask(made, tokens(1) + tokens(2, 20), generate=60)
    branch = ask(made, tokens(1)[:500], generate=1)
    made.run(until=lambda: branch.stream.wait(0))
    other = ask(made, tokens(3), generate=1)
    made.run(until=lambda: other.stream.wait(0))
    assert not running.stream.wait(0)
    assert away(made) == []
    made.run()
    assert hear(running.stream).finished.usage.completion_tokens == 60


def test_when_main_memory_is_full_too_the_oldest_goes(wild: Path) -> None:
    """Together they keep no less than the cache would by itself."""
    with desk(wild, context=2048) as alone:
        answer(alone, tokens(0))
        each = alone.context.state_size(idle(alone)[0].slot)
    with desk(wild, context=2048, aside=2 * each + each // 2) as small:
        for n in range(6):
            answer(small, tokens(n))
        assert sum(len(one.data) for one in idle(small) if one.data is not None) <= 2.5 * each
        assert [cached(answer(small, tokens(n))) > 0 for n in (5, 4, 3)] == [True, True, True]
        assert cached(answer(small, tokens(0))) == 0


def test_a_short_question_behind_a_long_text_is_computed_with_the_end_of_the_text(made: Desk) -> None:
    """64 tokens at once take a processor less time than 40, which takes less than 63 by far; 20 are quicker."""
    text = tokens(1, 1500)
    answer(made, text)
    assert cached(answer(made, (*text, 2, *tokens(2, 39)))) == 1500 - 24
    assert cached(answer(made, (*text, 3, *tokens(3, 62)))) == 1500 - 1
    assert cached(answer(made, (*text, 4, *tokens(4, 19)))) == 1500
    assert cached(answer(made, (*text, 5, *tokens(5, 99)))) == 1500
    assert cached(answer(made, (*text[:700], 6, *tokens(6, 39)))) == 700


def test_where_there_is_no_memory_for_it_it_stays(wild: Path) -> None:
    with desk(wild, aside=1000) as poor:
        answer(poor, tokens(1))
        answer(poor, tokens(2))
        assert away(poor) == []
        assert cached(answer(poor, tokens(1))) == LONG - 1


def test_no_room_to_come_back_to(wild: Path) -> None:
    """A long answer has taken the cache meanwhile: the prompt is read again, when there is room."""
    with desk(wild, context=1024, parallel=2, aside=MUCH) as tight:
        first = answer(tight, tokens(1))
        running = ask(tight, tokens(2), generate=300)
        tight.run(until=lambda: len(tight.scheduler._running) == 1)
        again = ask(tight, tokens(1))
        tight.run()
        assert hear(running.stream).finished.usage.completion_tokens == 300
        assert hear(again.stream).text == first.text


def test_what_is_to_be_forgotten_is_forgotten_there_too(made: Desk) -> None:
    answer(made, tokens(1), labels=frozenset({"private"}))
    answer(made, tokens(2), labels=frozenset({"public"}))
    answer(made, tokens(3))
    kept = [one for one in idle(made) if one.data is not None]
    assert len(kept) == 2
    made.scheduler.erase(frozenset({"private"}), Stream("erase"), for_good=False)
    assert kept[0].data is None
    assert kept[1].data is not None
    assert cached(answer(made, tokens(1))) == 0
    assert cached(answer(made, tokens(2))) == LONG - 1
    made.scheduler.forget()
    assert idle(made) == ()
    assert cached(answer(made, tokens(2))) == 0


def test_it_takes_little_beside_the_weights() -> None:
    assert allowance(1 << 20) == 8 << 20
    assert allowance(1 << 30) == (1 << 30) // 10
    assert allowance(40 << 30) == 128 << 20
