"""The cache and the batch: interrupted, full of nonsense, asked for too much; the engine goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.core.errors import EngineError
from backends.engine.context import Context, ContextOptions
from backends.engine.native import Model
from backends.engine.protocol import GenerateRequest, Sampling, Turn
from backends.engine.scheduler import Scheduler
from backends.engine.sequence import Job, Sequence
from backends.engine.template import ChatTemplate
from tests.kit.answers import hear
from tests.kit.ggufs import ANSWER


@pytest.fixture
def model(scripted: Path) -> Iterator[Model]:
    model = Model(scripted, gpu_layers=0, experts_on_cpu=0, progress=lambda _: True)
    yield model
    model.close()


@pytest.fixture
def context(model: Model) -> Iterator[Context]:
    context = Context(model, ContextOptions(context=512, kv_type="f16", threads=1, batch=64, sequences=16, outputs=16))
    yield context
    context.close()


def fill(context: Context, tokens: list[int], begin: int = 0) -> None:
    context.batch.clear()
    for position, token in enumerate(tokens, begin):
        context.batch.add(token, position, 0, position == begin + len(tokens) - 1)


def test_what_was_interrupted_is_not_in_the_cache(context: Context) -> None:
    fill(context, [1, 2, 3])
    assert context.decode()
    fill(context, [4, 5], begin=3)
    context.interrupt()
    assert not context.decode()
    assert context.held(0) == 3
    context.rearm()
    assert context.decode()
    assert context.held(0) == 5
    assert context.cut(0, 2)
    assert context.held(0) == 2


def test_more_logits_than_there_is_room_for_are_not_asked_for(context: Context) -> None:
    """llama.cpp would end the process."""
    context.batch.clear()
    for position in range(17):
        context.batch.add(1, position, 0, True)
    with pytest.raises(AssertionError, match="outputs"):
        context.decode()
    fill(context, [1, 2])
    assert context.decode()


def test_a_batch_is_no_larger_than_the_context(model: Model) -> None:
    context = Context(model, ContextOptions(context=256, kv_type="q8_0", threads=1, batch=4096))
    assert context.size == context.batch.room == 256
    context.close()


def test_a_failed_computation_is_told_and_the_next_one_succeeds(model: Model, context: Context) -> None:
    template = ChatTemplate(model.chat_template, model.vocabulary)
    scheduler = Scheduler(model, context, template, "CPU", 64)
    hello = GenerateRequest([Turn("user", "Hello!")], Sampling(temperature=0))
    failing, other = Job(hello), Job(hello)
    scheduler.submit(failing)
    scheduler.submit(other)
    first = next(iter(scheduler._waiting))
    assert isinstance(first, Sequence)
    first.tokens[3] = model.vocabulary.size  # no such token
    while scheduler.step():
        pass
    with pytest.raises(EngineError) as caught:
        list(failing.stream)
    assert caught.value.code == "decode_failed"
    assert hear(other.stream).text == ANSWER
