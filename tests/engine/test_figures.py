"""What the engine computes is counted as it goes, and agrees with what the answers say of themselves."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backends.engine.figures import NO_WORK, Work
from backends.engine.loader import NativeEngine
from backends.engine.protocol import GenerateRequest, LoadedModel, Sampling, TextDelta, Turn
from backends.engine.sequence import Job
from tests.kit.answers import Heard, hear
from tests.kit.deepseeks import small_deepseek
from tests.kit.ggufs import ANSWER
from tests.kit.scheduling import Desk, desk

LONG = "Hello, " * 300


@pytest.fixture
def four(scripted: Path) -> Iterator[Desk]:
    with desk(scripted, parallel=4) as made:
        yield made


def work(desk: Desk) -> Work:
    return desk.scheduler.tally.read()


def test_an_answer_is_counted_as_it_counts_itself(four: Desk) -> None:
    (heard,) = four.heard(four.ask(LONG))
    done, usage = work(four), heard.finished.usage
    assert done.prompt_tokens == usage.prompt_tokens
    assert done.cached_tokens == usage.cached_tokens == 0
    assert done.generated_tokens == usage.completion_tokens
    assert done.decoded_tokens == usage.completion_tokens - 1, "the first one comes with the prompt"
    assert done.decode_steps in (done.decoded_tokens, done.decoded_tokens + 1)
    assert (done.begun, done.answers) == (1, 1)
    assert done.first_token_seconds == pytest.approx(heard.finished.timings.ttft_s)
    assert 0 < done.prefill_seconds < done.busy_seconds
    assert 0 < done.decode_seconds < done.busy_seconds


def test_what_was_there_is_not_computed_again(four: Desk) -> None:
    four.heard(four.ask(LONG))
    before = work(four)
    (again,) = four.heard(four.ask(LONG))
    now, usage = work(four), again.finished.usage
    assert usage.cached_tokens > 0
    assert now.cached_tokens - before.cached_tokens == usage.cached_tokens
    assert now.prompt_tokens - before.prompt_tokens == usage.prompt_tokens - usage.cached_tokens


def test_many_at_once_are_counted_together(four: Desk) -> None:
    jobs: list[Job] = [four.ask(f"{n} endless", max_tokens=40) for n in range(6)]
    four.run(lambda: len(four.scheduler._running) == 4)
    now = four.scheduler.figures()
    assert (now.running, now.waiting) == (4, 2)
    heard: list[Heard] = four.heard(*jobs)
    done, used = work(four), [each.finished.usage for each in heard]
    assert done.generated_tokens == sum(each.completion_tokens for each in used) == 240
    assert done.prompt_tokens + done.cached_tokens == sum(each.prompt_tokens for each in used)
    assert (done.begun, done.answers) == (6, 6)
    assert done.decode_steps < done.decoded_tokens / 2, "a step speaks for several"
    now = four.scheduler.figures()
    assert (now.running, now.waiting) == (0, 0)


def test_who_leaves_before_the_first_token_has_begun_nothing(four: Desk) -> None:
    job = four.ask(LONG)
    job.stream.cancel()
    four.run()
    assert work(four).begun == 0
    assert work(four).generated_tokens == 0


def test_a_prompt_that_was_interrupted_counts_what_was_read(four: Desk) -> None:
    job = four.ask(LONG, max_tokens=5)
    four.scheduler.step()
    read = work(four).prompt_tokens
    assert 0 < read < 2000
    job.stream.cancel()
    four.run()
    assert work(four).prompt_tokens == read
    assert work(four).prefill_seconds > 0


def test_cells_that_sequences_share_are_counted_once(four: Desk) -> None:
    assert four.scheduler.figures().kv_used == 0
    (first,) = four.heard(four.ask(LONG + "one " * 20, max_tokens=10))
    alone = four.scheduler.figures().kv_used
    assert alone == first.finished.usage.prompt_tokens + 9, "the last token is said and not computed"
    (second,) = four.heard(four.ask(LONG + "two " * 20, max_tokens=10))
    both, shared = four.scheduler.figures().kv_used, second.finished.usage.cached_tokens
    assert shared > 1000
    assert both == alone + second.finished.usage.prompt_tokens + 9 - shared
    assert four.scheduler.figures().kv_total == 4096
    four.scheduler.forget()
    assert four.scheduler.figures().kv_used == 0


def test_a_model_that_shares_no_cells(tmp_path: Path) -> None:
    path = small_deepseek(tmp_path / "v4.gguf", "deepseek4")
    with desk(path, parallel=2, context=1024) as four:
        (heard,) = four.heard(four.ask("Hello!", max_tokens=4))
        assert work(four).prompt_tokens == heard.finished.usage.prompt_tokens
        assert 0 < four.scheduler.figures().kv_used <= 1024


def test_each_model_is_counted_for_itself(
    engine: NativeEngine, load: Callable[..., LoadedModel], scripted: Path
) -> None:
    assert engine.figures().model is None
    assert engine.figures().work == {}
    request = GenerateRequest([Turn("user", "Hello!")], Sampling(temperature=0))
    load(scripted, alias="one")
    assert hear(engine.generate(request)).text == ANSWER
    first = engine.figures()
    assert (first.model, first.kv_total, set(first.work)) == ("one", 4096, {"one"})
    load(scripted, alias="two")
    assert engine.figures().work == {"one": first.work["one"], "two": NO_WORK}
    assert hear(engine.generate(request)).text == ANSWER
    list(engine.unload())
    last = engine.figures()
    assert (last.model, last.running, last.kv_total) == (None, 0, 0)
    assert last.work["two"].generated_tokens == last.work["one"].generated_tokens > 0
    load(scripted, alias="one")
    hear(engine.generate(request))
    assert engine.figures().work["one"].answers == 2


def test_anybody_may_read_while_it_answers(
    engine: NativeEngine, load: Callable[..., LoadedModel], scripted: Path
) -> None:
    load(scripted, context=8192, alias="one")
    stream = engine.generate(GenerateRequest([Turn("user", "endless")], Sampling(temperature=0), max_tokens=400))
    seen: list[int] = []
    for event in stream:
        if isinstance(event, TextDelta):
            now = engine.figures()
            seen.append(now.work["one"].generated_tokens)
            assert now.kv_used <= now.kv_total
    assert seen == sorted(seen)
    assert 0 < seen[0] < seen[-1] <= 400
