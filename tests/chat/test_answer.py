"""Answering with a real engine: what streams, what is kept, and how it ends."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backends.chat.answer import (
    AnswerEvent,
    AnswerSaved,
    AnswerStarted,
    Manner,
    TurnsLeftOut,
    answer,
    go_on,
    regenerate,
)
from backends.chat.draft import SAVE_EVERY
from backends.chat.store import MIGRATIONS, ChatStore
from backends.chat.types import Message
from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, InvalidInput, NotFound, Unavailable
from backends.core.stream import Runner, Stream
from backends.engine.loader import NativeEngine
from backends.engine.protocol import (
    Finished,
    GenerateEvent,
    GenerateRequest,
    LoadRequest,
    ReasoningDelta,
    ReasoningReclassified,
    Sampling,
    TextDelta,
    Turn,
)
from backends.storage.database import Database
from tests.kit.ggufs import ANSWER, R1_JANUARY_TEMPLATE, REASONING, Script, Shape, random_model, scripted_model

GREEDY = Sampling(temperature=0.0)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that greets, counts for ever when asked to `count`, and leaves its thinking unmarked on `slip`."""
    folder = tmp_path_factory.mktemp("models")
    scripted_model(
        folder / "plain.gguf",
        scripts=[
            Script("", " ".join(f"n{number}" for number in range(60)), word="count", endless=True),
            Script("I wonder about tea.", "Tea it is.", word="tea"),
        ],
    )
    scripted_model(folder / "slow.gguf", "", " ".join(f"n{number}" for number in range(60)), endless=True, slow=150)
    random_model(folder / "random.gguf", shape=Shape(context=32768))
    scripted_model(folder / "january.gguf", opens=False, template=R1_JANUARY_TEMPLATE)
    return folder


@pytest.fixture(scope="module")
def engine() -> Iterator[NativeEngine]:
    engine = NativeEngine()
    yield engine
    engine.close()


def load(engine: NativeEngine, path: Path, context: int = 2048) -> None:
    for _ in engine.load(LoadRequest(path, context=context, gpu_layers=0, threads=1, alias=path.stem)):
        pass


@pytest.fixture
def plain(engine: NativeEngine, models: Path) -> NativeEngine:
    load(engine, models / "plain.gguf")
    return engine


class Chat:
    """One conversation with one engine; `ask` gives the events, `error` what was raised after them."""

    def __init__(self, store: ChatStore, engine: NativeEngine) -> None:
        self.store = store
        self.engine = engine
        self.id = store.create().id
        self.error: BackendError | None = None
        self.manner = Manner(sampling=GREEDY)

    def ask(
        self, text: str, *, stop: Callable[[AnswerEvent], bool] = lambda _: False, max_tokens: int | None = None
    ) -> list[AnswerEvent]:
        cancel = CancelToken()
        manner = replace(self.manner, max_tokens=max_tokens or self.manner.max_tokens)
        task = answer(self.store, self.engine, manner, self.id, text, cancel=cancel)
        return self._events(task, cancel, stop)

    def again(self, message_id: int) -> list[AnswerEvent]:
        cancel = CancelToken()
        task = regenerate(self.store, self.engine, Manner(None, GREEDY), self.id, message_id, cancel=cancel)
        return self._events(task, cancel, lambda _: False)

    def go_on(self, message_id: int) -> list[AnswerEvent]:
        cancel = CancelToken()
        task = go_on(self.store, self.engine, self.manner, self.id, message_id, cancel=cancel)
        return self._events(task, cancel, lambda _: False)

    def messages(self) -> tuple[Message, ...]:
        return self.store.messages(self.id)

    def _events(
        self, task: Iterator[AnswerEvent], cancel: CancelToken, stop: Callable[[AnswerEvent], bool]
    ) -> list[AnswerEvent]:
        events: list[AnswerEvent] = []
        self.error = None
        try:
            for event in task:
                events.append(event)
                if stop(event):
                    cancel.cancel()
        except BackendError as error:
            self.error = error
        return events


def text_of(events: list[AnswerEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def test_a_question_is_answered_and_everything_is_kept(store: ChatStore, plain: NativeEngine) -> None:
    chat = Chat(store, plain)
    events = chat.ask("Hello there")
    question, reply = chat.messages()
    assert events[0] == AnswerStarted(question.id, reply.id)
    assert events[-1] == AnswerSaved(reply)
    assert question.content == "Hello there"
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)).strip() == REASONING
    assert text_of(events).strip() == ANSWER
    assert (reply.reasoning.strip(), reply.content.strip()) == (REASONING, ANSWER)
    assert (reply.status, reply.finish_reason, reply.model, reply.problem) == ("done", "stop", "plain", None)
    (finished,) = [event for event in events if isinstance(event, Finished)]
    assert (reply.usage, reply.timings, reply.device) == (finished.usage, finished.timings, "CPU")
    assert store.conversations()[0].title == "Hello there"


def test_the_next_turn_knows_the_answers_before_but_not_the_thinking(store: ChatStore, plain: NativeEngine) -> None:
    chat = Chat(store, plain)
    chat.ask("Hello there")
    chat.ask("I would like some tea")
    reply = chat.messages()[-1]
    assert reply.content.strip() == "Tea it is."
    sent = [Turn("user", "Hello there"), Turn("assistant", ANSWER), Turn("user", "I would like some tea")]
    assert reply.usage is not None
    assert [reply.usage.prompt_tokens] == list(plain.count_tokens(sent))


def test_stopping_keeps_what_was_said(store: ChatStore, plain: NativeEngine) -> None:
    chat = Chat(store, plain)
    events = chat.ask("count", stop=lambda event: isinstance(event, TextDelta) and "n7" in event.text)
    reply = chat.messages()[-1]
    assert (reply.status, reply.finish_reason, reply.problem) == ("stopped", "cancelled", None)
    assert reply.content == text_of(events)
    assert "n7" in reply.content
    assert events[-1] == AnswerSaved(reply)
    assert chat.error is None


def test_stopping_before_the_first_token(store: ChatStore, plain: NativeEngine) -> None:
    chat = Chat(store, plain)
    events = chat.ask("count", stop=lambda event: isinstance(event, AnswerStarted))
    assert chat.messages()[-1].status == "stopped"
    assert isinstance(events[-1], AnswerSaved)
    assert chat.error is None


def test_a_consumer_that_goes_away_stops_the_answer(store: ChatStore, plain: NativeEngine) -> None:
    chat = Chat(store, plain)
    task = answer(store, plain, Manner(None, GREEDY), chat.id, "count", cancel=CancelToken())
    for event in task:
        if isinstance(event, TextDelta) and "n5" in event.text:
            break
    task.close()  # type: ignore[attr-defined]
    reply = chat.messages()[-1]
    assert reply.status == "stopped"
    assert "n5" in reply.content
    chat.ask("Hello there")  # the engine is free again
    assert chat.messages()[-1].status == "done"


def test_an_answer_at_its_longest_length_is_done_and_says_so(store: ChatStore, plain: NativeEngine) -> None:
    chat = Chat(store, plain)
    chat.ask("count", max_tokens=12)
    reply = chat.messages()[-1]
    assert (reply.status, reply.finish_reason) == ("done", "length")
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 12


def test_without_a_model_the_question_is_kept_and_the_reason_too(store: ChatStore) -> None:
    engine = NativeEngine()
    chat = Chat(store, engine)
    events = chat.ask("Hello there")
    engine.close()
    assert isinstance(chat.error, Unavailable)
    question, reply = chat.messages()
    assert question.content == "Hello there"
    assert reply.status == "failed"
    assert reply.problem is not None
    assert (reply.problem.code, reply.problem.message) == ("no_model", chat.error.message)
    assert events == [AnswerStarted(question.id, reply.id), AnswerSaved(reply)]


def test_a_question_too_long_is_refused_with_both_numbers_and_the_next_one_is_answered(
    store: ChatStore, plain: NativeEngine
) -> None:
    chat = Chat(store, plain)
    events = chat.ask("tea " * 4000)
    assert isinstance(chat.error, InvalidInput)
    assert chat.error.code == "context_too_long"
    assert "2,048" in chat.error.message.en
    assert not any(isinstance(event, TextDelta | ReasoningDelta) for event in events)
    assert chat.messages()[-1].status == "failed"
    chat.ask("Hello there")
    assert chat.messages()[-1].content.strip() == ANSWER


def test_what_does_not_fit_is_left_out_and_named(store: ChatStore, plain: NativeEngine) -> None:
    chat = Chat(store, plain)
    chat.ask("Hello there. " + "z" * 900)
    chat.ask("Hello again. " + "z" * 900)
    first, second = chat.messages()[:2]
    events = chat.ask("Hello once more")
    (left_out,) = [event for event in events if isinstance(event, TurnsLeftOut)]
    assert left_out.message_ids[:2] == (first.id, second.id)
    assert left_out.count == len(left_out.message_ids)
    reply = chat.messages()[-1]
    assert reply.content.strip() == ANSWER
    assert reply.usage is not None
    assert reply.usage.prompt_tokens <= 1024


def test_answering_again_makes_a_sibling_under_the_same_question(store: ChatStore, plain: NativeEngine) -> None:
    chat = Chat(store, plain)
    chat.ask("Hello there")
    question, first = chat.messages()
    chat.again(first.id)
    _, second = chat.messages()
    assert (second.parent_id, second.position, second.siblings) == (question.id, 2, 2)
    assert second.content == first.content
    chat.again(question.id)
    assert chat.messages()[-1].position == 3


def test_only_an_answer_of_this_conversation_can_be_written_again(store: ChatStore, plain: NativeEngine) -> None:
    chat, other = Chat(store, plain), Chat(store, plain)
    other.ask("Hello there")
    chat.again(other.messages()[-1].id)
    assert isinstance(chat.error, InvalidInput)
    chat.again(999)
    assert isinstance(chat.error, NotFound)
    assert chat.messages() == ()


def test_an_empty_question_is_refused_and_leaves_nothing(store: ChatStore, plain: NativeEngine) -> None:
    chat = Chat(store, plain)
    chat.ask(" \n ")
    assert isinstance(chat.error, InvalidInput)
    assert chat.messages() == ()


def test_text_that_was_thinking_after_all_is_kept_as_thinking(
    store: ChatStore, engine: NativeEngine, models: Path
) -> None:
    load(engine, models / "january.gguf")
    chat = Chat(store, engine)
    events = chat.ask("Hello there")
    assert any(isinstance(event, ReasoningReclassified) for event in events)
    reply = chat.messages()[-1]
    assert (reply.reasoning.strip(), reply.content.strip()) == (REASONING, ANSWER)


def test_answers_run_on_their_own_thread_and_stop_with_their_stream(store: ChatStore, plain: NativeEngine) -> None:
    chat = Chat(store, plain)
    runner = Runner("chat")
    stream = runner.start(answer, store, plain, Manner(None, GREEDY), chat.id, "count")
    last = None
    for event in stream:
        last = event
        if isinstance(event, TextDelta):
            stream.cancel()
    assert isinstance(last, AnswerSaved)
    assert last.message.status == "stopped"
    assert runner.close(60)


def test_streamed_text_is_on_disk_within_a_second(store: ChatStore, engine: NativeEngine, models: Path) -> None:
    load(engine, models / "slow.gguf")
    chat = Chat(store, engine)
    cancel = CancelToken()
    said: list[tuple[float, int]] = []  # when, and how many characters by then
    message_id = length = 0
    checks = 0
    before = time.monotonic()  # when the event before this one came, and the answer had yet to be written on
    for event in answer(store, engine, Manner(None, GREEDY), chat.id, "go", cancel=cancel):
        if isinstance(event, AnswerStarted):
            message_id = event.message_id
        if isinstance(event, TextDelta):
            saved = len(store.message(message_id).content)
            due = [characters for when, characters in said if when < before - SAVE_EVERY]
            assert saved >= max(due, default=0)
            checks += bool(due)
            length += len(event.text)
            said.append((time.monotonic(), length))
            if checks > 10:
                cancel.cancel()
        before = time.monotonic()
    assert checks > 10


@pytest.mark.parametrize("budget", [None, 3])
def test_an_answer_that_was_cut_off_goes_on_from_its_last_word(
    store: ChatStore, engine: NativeEngine, models: Path, budget: int | None
) -> None:
    """With random weights: it never ends by itself, and thinks until its budget is spent."""
    load(engine, models / "random.gguf", context=32768)
    chat = Chat(store, engine)
    chat.manner = Manner(sampling=GREEDY, max_tokens=20, thinking_budget=budget)
    chat.ask("Hello there")
    _, begun = chat.messages()
    assert begun.cut_off
    assert begun.finish_reason == "length"
    events = chat.go_on(begun.id)
    _, more = chat.messages()
    assert events[-1] == AnswerSaved(more)
    assert (more.id, more.siblings, more.problem) == (begun.id, 1, None)
    if budget is None:
        assert more.reasoning.startswith(begun.reasoning)
        assert len(more.reasoning) > len(begun.reasoning)
        assert more.content == ""
    else:
        assert more.reasoning == begun.reasoning
        assert more.content.startswith(begun.content)
        assert len(more.content) > len(begun.content) > 0
    assert begun.usage is not None
    assert more.usage is not None
    assert more.usage.prompt_tokens == begun.usage.prompt_tokens
    assert more.usage.completion_tokens == 2 * begun.usage.completion_tokens == 40
    assert store.messages(chat.id)[-1] == more


def test_only_the_last_answer_goes_on_and_only_if_it_was_cut_off(
    store: ChatStore, engine: NativeEngine, models: Path
) -> None:
    load(engine, models / "plain.gguf")
    chat = Chat(store, engine)
    chat.ask("Hello there")
    chat.go_on(chat.messages()[-1].id)
    assert chat.error is not None
    assert chat.error.code == "not_cut_off"
    chat.manner = Manner(sampling=GREEDY, max_tokens=3)
    chat.ask("Hello there")
    cut = chat.messages()[-1]
    assert cut.cut_off
    chat.ask("And now?")
    chat.go_on(cut.id)
    assert chat.error is not None
    assert chat.error.code == "not_cut_off"
    assert store.message(cut.id) == cut


class WatchedStore(ChatStore):
    """The real store, and a flag that goes up when progress has been saved."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.saved = threading.Event()

    def save_progress(self, message_id: int, reasoning: str, text: str) -> None:
        super().save_progress(message_id, reasoning, text)
        self.saved.set()


class HaltingEngine(NativeEngine):
    """The real engine, but its answers stop in the middle and wait, as under a heavy load."""

    def generate(self, request: GenerateRequest) -> Stream[GenerateEvent]:
        stream: Stream[GenerateEvent] = Stream("halting")
        stream.put(TextDelta("half a sen"))
        stream.token.on_cancel(stream.close)
        return stream


def test_text_is_saved_even_when_nothing_follows_it(tmp_path: Path, models: Path) -> None:
    engine = HaltingEngine()
    load(engine, models / "plain.gguf")
    database = Database(tmp_path / "watched.db", MIGRATIONS)
    store = WatchedStore(database)
    conversation = store.create()
    runner = Runner("chat")
    stream = runner.start(answer, store, engine, Manner(None, GREEDY), conversation.id, "Hello there")
    assert store.saved.wait(60)
    reply = store.messages(conversation.id)[-1]
    assert (reply.status, reply.content) == ("streaming", "half a sen")
    stream.cancel()
    assert runner.close(60)
    assert store.message(reply.id).status == "stopped"
    database.close()
    engine.close()
