"""The task that answers: the question to disk, the prompt built, the engine's events passed on, the answer saved.

    manner = Manner(model, sampling)
    for event in answer(store, engine, manner, conversation_id, "Why is the sky blue?", cancel=token): ...

The question is stored before anything else happens, the answer's message right after it. What streams in is
saved at most a second later, and its final state always: `done`, `stopped` (by the person), `failed` (with the
reason). Runs on the chat runner and waits for the engine's thread; never run it on that one.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from backends.chat import prompt
from backends.chat.citations import citations
from backends.chat.draft import Draft
from backends.chat.grounding import Grounded, Grounding, Reader, SourcesFound, SourcesReading, ground, with_prompt
from backends.chat.store import ChatStore
from backends.chat.types import Citation, Message, Problem
from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled, InvalidInput, Unavailable
from backends.core.phrase import Phrase
from backends.core.stream import GATHER, Stream
from backends.engine.protocol import (
    Engine,
    GenerateEvent,
    GenerateRequest,
    LoadedModel,
    Said,
    Sampling,
    TextDelta,
    Turn,
)
from backends.models.types import CatalogModel

BUG = Problem(
    "internal_error",
    Phrase("Something went wrong inside DeskSeek.", "DeskSeek 内部出错。"),
    Phrase("The log says more; what had arrived was kept.", "详情请查看日志；已收到的内容已保留。"),
)


@dataclass(frozen=True, slots=True)
class Manner:
    """How to answer. `model` None: a file that the catalogue does not know. `thinking_budget` in tokens. `grounding`:
    from documents, with citations."""

    model: CatalogModel | None = None
    sampling: Sampling = field(default_factory=Sampling)
    instructions: str = ""
    max_tokens: int | None = None
    thinking_budget: int | None = None
    grounding: Grounding | None = None


@dataclass(frozen=True, slots=True)
class ModelChosen:
    """The conversation does not leave it to the settings which model answers: the one with this name does. `gone`: the
    one that it asks for, which is not on this computer any more."""

    name: str
    gone: str = ""


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
class AnswerAsked:
    """The engine has the question. By `stream` it knows this answer (`Engine.answer_now`); its events come here.
    `thinking_budget`: tokens of thinking at most; None: as many as it likes."""

    stream: Stream[GenerateEvent]
    thinking_budget: int | None = None


@dataclass(frozen=True, slots=True)
class Cited:
    """What the whole answer cites, each mark checked against its source."""

    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class AnswerSaved:
    """The answer in its final state. The last event, also of a failed answer (whose error is raised after it)."""

    message: Message


AnswerEvent = (
    ModelChosen
    | AnswerStarted
    | TurnsLeftOut
    | AnswerAsked
    | GenerateEvent
    | SourcesReading
    | SourcesFound
    | Cited
    | AnswerSaved
)


def answer(
    store: ChatStore,
    engine: Engine,
    manner: Manner,
    conversation_id: int,
    text: str,
    *,
    cancel: CancelToken,
) -> Iterator[AnswerEvent]:
    """Answer `text` as the next turn of the active branch."""
    if not text.strip():
        raise InvalidInput(
            Phrase("There is nothing to answer.", "没有可回答的内容。"),
            Phrase("Write a question first.", "请先输入问题。"),
            code="empty_message",
        )
    question = store.add_message(conversation_id, "user", text)
    yield from _reply(store, engine, manner, question, cancel)


def regenerate(
    store: ChatStore,
    engine: Engine,
    manner: Manner,
    conversation_id: int,
    message_id: int,
    *,
    cancel: CancelToken,
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
    yield from _reply(store, engine, manner, message, cancel)


def go_on(
    store: ChatStore,
    engine: Engine,
    manner: Manner,
    conversation_id: int,
    message_id: int,
    *,
    cancel: CancelToken,
) -> Iterator[AnswerEvent]:
    """Go on with an answer that was cut off (by a crash, an error, the person, its longest length), from its last word.

    InvalidInput `not_cut_off` if it is whole, or not the end of its conversation.
    """
    message = store.message(message_id)
    last = store.messages(conversation_id)[-1:]
    if not message.cut_off or message.parent_id is None or [message.id] != [one.id for one in last]:
        raise InvalidInput(
            Phrase("This answer was not cut off.", "这段回答没有中断。"),
            Phrase("Answer again to get another one.", "可重新生成一个回答。"),
            code="not_cut_off",
        )
    question, model = store.message(message.parent_id), engine.model.alias if engine.model else ""
    yield from _write(store, engine, manner, question, store.reopen(message_id, model), cancel)


def _reply(
    store: ChatStore, engine: Engine, manner: Manner, question: Message, cancel: CancelToken
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
    yield from _write(store, engine, manner, question, reply, cancel)


def _write(
    store: ChatStore, engine: Engine, manner: Manner, question: Message, reply: Message, cancel: CancelToken
) -> Iterator[AnswerEvent]:
    draft = Draft(store, reply)
    try:
        yield AnswerStarted(question.id, reply.id)
        said = Said(reply.reasoning, reply.content, closed=bool(reply.content))
        branch = store.branch(question.id)
        grounded = _ground(store, engine, manner, branch, reply, cancel)
        if grounded is not None and grounded.instead:
            yield grounded.found()
            draft.take(TextDelta(grounded.instead))
            yield TextDelta(grounded.instead)
            yield AnswerSaved(draft.end("done"))
            return
        built = _prompt(engine, branch, manner, said, grounded, cancel)
        if built.left_out:
            yield TurnsLeftOut(len(built.left_out), built.left_out)
        if grounded is not None:
            kept = with_prompt(grounded.xray, built, grounded, _loaded(engine).context, prompt.counting(engine, cancel))
            store.sourced.save_xray(reply.id, kept)
        request = GenerateRequest(
            built.turns,
            manner.sampling,
            manner.max_tokens,
            thinking_budget=manner.thinking_budget,
            labels=frozenset({label(question.conversation_id)}) | (grounded.labels if grounded else frozenset()),
            keep=True,
            said=said if said.reasoning or said.text else None,
        )
        stream = engine.generate(request)
        yield AnswerAsked(stream, manner.thinking_budget)
        reader = Reader(grounded, built.turns) if grounded else None
        for event in _stream(stream, draft, cancel):
            if reader is not None:
                yield from reader.before(event)
            yield event
        if grounded is not None:
            yield _cite(store, reply, draft, grounded)
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


def label(conversation_id: int) -> str:
    """The mark of a conversation on states of the engine that have read it."""
    return f"conversation:{conversation_id}"


def _loaded(engine: Engine) -> LoadedModel:
    loaded = engine.model
    if loaded is None:
        raise Unavailable(
            Phrase("No model is loaded.", "尚未加载模型。"),
            Phrase("Load one on the Models page, then answer again.", "请在「模型」页加载模型，然后重新生成。"),
            code="no_model",
        )
    return loaded


def _ground(
    store: ChatStore, engine: Engine, manner: Manner, branch: Sequence[Message], reply: Message, cancel: CancelToken
) -> Grounded | None:
    """The question with its sources, which are on disk then. An answer that goes on keeps those that it had."""
    if manner.grounding is None:
        return None
    kept = store.sourced.sources(reply.id) if reply.cut_off or reply.content or reply.reasoning else ()
    if not all(source.text for source in kept):
        kept = ()  # erased meanwhile
    grounded = ground(
        manner.grounding,
        engine,
        branch[:-1],
        branch[-1].content,
        context=_loaded(engine).context,
        model=manner.model,
        count=prompt.counting(engine, cancel),
        kept=kept,
        cancel=cancel,
    )
    store.sourced.save_sources(reply.id, grounded.sources)
    if grounded.instead:
        store.sourced.save_xray(reply.id, grounded.xray)
    return grounded


def _cite(store: ChatStore, reply: Message, draft: Draft, grounded: Grounded) -> Cited:
    cited = citations(draft.text, grounded.sources)
    store.sourced.save_citations(reply.id, cited)
    return Cited(cited)


def _prompt(
    engine: Engine,
    branch: Sequence[Message],
    manner: Manner,
    said: Said,
    grounded: Grounded | None,
    cancel: CancelToken,
) -> prompt.Prompt:
    loaded, count = _loaded(engine), prompt.counting(engine, cancel)
    words = said.reasoning + said.text
    taken = count([Turn("user", words)]) if words else 0
    return prompt.build(
        grounded.messages(branch) if grounded else branch,
        context=max(loaded.context - taken, 1),
        model=manner.model,
        instructions=manner.instructions,
        count=count,
        lead=grounded.lead if grounded else "",
    )


def _stream(stream: Stream[GenerateEvent], draft: Draft, cancel: CancelToken) -> Iterator[GenerateEvent]:
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
