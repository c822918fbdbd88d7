"""The task that answers: the question to disk, the prompt built, the engine's events passed on, the answer saved.

    for event in answer(store, engine, model, sampling, conversation_id, "Why is the sky blue?", cancel=token): ...

The question is stored before anything else happens, the answer's message right after it. What streams in is
saved at most a second later, and its final state always: `done`, `stopped` (by the person), `failed` (with the
reason). Runs on the chat runner and waits for the engine's thread; never run it on that one.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backends.chat import prompt
from backends.chat.store import ChatStore
from backends.chat.types import Message, Problem, Status
from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled, InvalidInput, Unavailable
from backends.core.phrase import Phrase
from backends.core.stream import GATHER, Stream
from backends.engine.protocol import (
    Engine,
    Finished,
    GenerateEvent,
    GenerateRequest,
    LoadedModel,
    ReasoningDelta,
    ReasoningReclassified,
    Sampling,
    TextDelta,
    Turn,
)
from backends.models.types import CatalogModel

SAVE_EVERY = 0.8  # seconds; with the write itself, no more than a second is lost

BUG = Problem(
    "internal_error",
    Phrase("Something went wrong inside DeskSeek.", "DeskSeek 内部出错。"),
    Phrase("The log says more; what had arrived was kept.", "详情请查看日志；已收到的内容已保留。"),
)


@dataclass(frozen=True, slots=True)
class AnswerStarted:
    """Both messages are on disk; the answer's is empty yet."""

    user_message_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class TurnsLeftOut:
    """The conversation does not fit the context: these messages, the oldest, were not sent to the model."""

    count: int
    message_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AnswerSaved:
    """The answer in its final state. The last event, also of a failed answer (whose error is raised after it)."""

    message: Message


AnswerEvent = AnswerStarted | TurnsLeftOut | GenerateEvent | AnswerSaved


def answer(
    store: ChatStore,
    engine: Engine,
    model: CatalogModel | None,
    sampling: Sampling,
    conversation_id: int,
    text: str,
    *,
    cancel: CancelToken,
    instructions: str = "",
    max_tokens: int | None = None,
) -> Iterator[AnswerEvent]:
    """Answer `text` as the next turn of the active branch. `model` None: a file that the catalogue does not know."""
    if not text.strip():
        raise InvalidInput(
            Phrase("There is nothing to answer.", "没有可回答的内容。"),
            Phrase("Write a question first.", "请先输入问题。"),
            code="empty_message",
        )
    question = store.add_message(conversation_id, "user", text)
    yield from _reply(store, engine, model, sampling, question, instructions, max_tokens, cancel)


def regenerate(
    store: ChatStore,
    engine: Engine,
    model: CatalogModel | None,
    sampling: Sampling,
    conversation_id: int,
    message_id: int,
    *,
    cancel: CancelToken,
    instructions: str = "",
    max_tokens: int | None = None,
) -> Iterator[AnswerEvent]:
    """Answer again: the new answer stands beside the old one `message_id`, below the same question."""
    message = store.message(message_id)
    if message.role == "assistant" and message.parent_id is not None:
        message = store.message(message.parent_id)
    if message.conversation_id != conversation_id or message.role != "user":
        raise InvalidInput(
            Phrase("Only an answer of this conversation can be written again.", "只能重新生成本对话中的回答。"),
            code="not_an_answer",
        )
    yield from _reply(store, engine, model, sampling, message, instructions, max_tokens, cancel)


def _reply(
    store: ChatStore,
    engine: Engine,
    model: CatalogModel | None,
    sampling: Sampling,
    question: Message,
    instructions: str,
    max_tokens: int | None,
    cancel: CancelToken,
) -> Iterator[AnswerEvent]:
    loaded = engine.model
    reply = store.add_message(
        question.conversation_id,
        "assistant",
        "",
        parent=question.id,
        model=loaded.alias if loaded else "",
        status="streaming",
    )
    draft = _Draft(store, reply.id)
    try:
        yield AnswerStarted(question.id, reply.id)
        built = _prompt(engine, loaded, store.branch(question.id), model, instructions, cancel)
        if built.left_out:
            yield TurnsLeftOut(len(built.left_out), built.left_out)
        request = GenerateRequest(built.turns, sampling, max_tokens)
        yield from _stream(engine.generate(request), draft, cancel)
        yield AnswerSaved(draft.end("done" if draft.whole else "stopped"))
    except Cancelled:
        yield AnswerSaved(draft.end("stopped"))
    except BackendError as error:
        yield AnswerSaved(draft.end("failed", Problem.of(error)))
        raise
    except GeneratorExit:
        draft.end("stopped")
        raise
    finally:
        if not draft.ended:
            draft.end("failed", BUG)


def _prompt(
    engine: Engine,
    loaded: LoadedModel | None,
    branch: Sequence[Message],
    model: CatalogModel | None,
    instructions: str,
    cancel: CancelToken,
) -> prompt.Prompt:
    if loaded is None:
        raise Unavailable(
            Phrase("No model is loaded.", "尚未加载模型。"),
            Phrase("Load one on the Models page, then answer again.", "请在「模型」页加载模型，然后重新生成。"),
            code="no_model",
        )

    def count(turns: Sequence[Turn]) -> int:
        stream = engine.count_tokens(turns)
        forget = cancel.on_cancel(stream.cancel)
        try:
            for tokens in stream:
                return tokens
        finally:
            forget()
        raise Cancelled

    return prompt.build(branch, context=loaded.context, model=model, instructions=instructions, count=count)


def _stream(stream: Stream[GenerateEvent], draft: "_Draft", cancel: CancelToken) -> Iterator[GenerateEvent]:
    """Pass the engine's events on. Wakes for an event, or when what came before is due on disk."""
    woken = threading.Event()
    forget = cancel.on_cancel(stream.cancel)
    stream.on_wake(woken.set)
    try:
        while not stream.finished:
            if woken.wait(draft.seconds_to_save()) and not stream.finished:
                cancel.wait(GATHER)  # a wake-up for each token would slow the next one down
            woken.clear()
            while events := stream.drain():
                for event in events:
                    draft.take(event)
                    yield event
                draft.save_if_due()
            draft.save_if_due()
    finally:
        stream.on_wake(None)
        forget()
        stream.cancel()


class _Draft:
    """An answer while it is written, and how much of it is on disk."""

    def __init__(self, store: ChatStore, message_id: int) -> None:
        self._store = store
        self._message_id = message_id
        self._reasoning: list[str] = []
        self._text: list[str] = []
        self._thinking_since: float | None = None
        self._thought_for = 0.0
        self._unsaved_since: float | None = None
        self._finished: Finished | None = None
        self.ended = False

    @property
    def whole(self) -> bool:
        return self._finished is not None and self._finished.finish_reason != "cancelled"

    def take(self, event: GenerateEvent) -> None:
        now = time.monotonic()
        match event:
            case ReasoningDelta(text):
                self._thinking_since = self._thinking_since or now
                self._thought_for = now - self._thinking_since
                self._reasoning.append(text)
            case TextDelta(text):
                self._text.append(text)
            case ReasoningReclassified():
                self._reasoning += self._text
                self._text = []
            case Finished():
                self._finished = event
            case _:
                return
        if self._unsaved_since is None:
            self._unsaved_since = now

    def seconds_to_save(self) -> float | None:
        """Seconds until the oldest unsaved text must be written; None while there is none."""
        if self._unsaved_since is None:
            return None
        return max(0.0, self._unsaved_since + SAVE_EVERY - time.monotonic())

    def save_if_due(self) -> None:
        if self.seconds_to_save() == 0.0:
            self._store.save_progress(self._message_id, "".join(self._reasoning), "".join(self._text))
            self._unsaved_since = None

    def end(self, status: Status, problem: Problem | None = None) -> Message:
        self.ended = True
        finished = self._finished
        return self._store.finish(
            self._message_id,
            status,
            reasoning="".join(self._reasoning),
            content="".join(self._text),
            problem=problem,
            finish_reason=finished.finish_reason if finished else "",
            usage=finished.usage if finished else None,
            timings=finished.timings if finished else None,
            device=finished.device if finished else "",
            reasoning_s=self._thought_for,
        )
