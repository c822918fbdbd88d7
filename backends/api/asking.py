"""Ask the model on behalf of a program: find it, be admitted, have it loaded, hear its answers.

    asked = await ask(api, call, model, request, n=2)      # nothing was sent to the client yet: errors are plain ones
    async for heard in asked.events(): ...                 # [(index, event), …]; an empty list: nothing for a while

The same for every dialect.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from typing import Any

from backends.api import errors
from backends.api.admission import Admission
from backends.api.calls import Call
from backends.api.errors import ApiError
from backends.api.metrics import Meter
from backends.api.ports import Desk, Kind, ServedModel, Submitted
from backends.api.waiting import last, merged
from backends.core.errors import BackendError
from backends.core.stream import Stream
from backends.engine.protocol import (
    Finished,
    GenerateEvent,
    GenerateRequest,
    LoadedModel,
    LoadEvent,
    Paused,
    PromptProgress,
    Queued,
    ReasoningDelta,
    Resumed,
    TextDelta,
    ToolCallStarted,
)

PING = 10.0  # seconds of silence after which a client is told that we are still there
LOAD_WAIT = 20.0  # seconds that a request waits for its model before it is told to come again
HEADERS_WAIT = 10.0  # seconds in which an error may still be a plain answer with its own status
MOST_TOKENS = 32_768  # of an answer whose client names no limit: a model that never ends must not run for ever


@dataclass(frozen=True, slots=True)
class Api:
    """What every handler needs; `request.app.state.api`."""

    desk: Desk
    admission: Admission
    meter: Meter
    keeps_texts: Callable[[], bool] = lambda: False  # what was asked and answered stays in the log
    most_tokens: int = MOST_TOKENS


def of(request: Any) -> Api:
    return request.app.state.api


def find(api: Api, call: Call, name: str, kind: Kind = "chat") -> ServedModel:
    """The model that a program names. ApiError 404 for one that is unknown, or not for this key."""
    try:
        model = api.desk.find(name, kind)
    except BackendError as error:
        raise replace(errors.of(error), param="model") from error
    if not call.scope_caller.may_use(model.id):
        raise ApiError(404, f"The model {name!r} does not exist or is not for this key.", "model_not_found", "model")
    call.model = model.id
    return model


@dataclass(slots=True)
class Asked:
    """Answers on their way."""

    api: Api
    call: Call
    model: LoadedModel
    served: ServedModel
    _heard: AsyncIterator[list[tuple[int, GenerateEvent]]]
    _before: list[tuple[int, GenerateEvent]]
    room: AsyncExitStack

    async def events(self) -> AsyncIterator[list[tuple[int, GenerateEvent]]]:
        """All that is said, as it gathers; an empty list after PING seconds of silence. Raises ApiError."""
        try:
            if self._before:
                before, self._before = self._before, []
                yield before
            while (heard := await _next(self._heard)) is not None:
                self._note(heard)
                yield heard
        finally:
            await self.close()

    async def whole(self) -> list[list[GenerateEvent]]:
        """Every answer's events, when all are there."""
        answers: dict[int, list[GenerateEvent]] = {}
        async for heard in self.events():
            for number, event in heard:
                answers.setdefault(number, []).append(event)
        return [answers[number] for number in sorted(answers)]

    async def close(self) -> None:
        """Stop what still runs, give the place to the next one."""
        await self.room.aclose()

    def _note(self, heard: list[tuple[int, GenerateEvent]]) -> None:
        for _, event in heard:
            if isinstance(event, TextDelta | ReasoningDelta | ToolCallStarted):
                self.call.pieces += 1
                self.call.said_something()
            elif isinstance(event, PromptProgress):
                self.call.enter("reading")
            elif isinstance(event, Finished):
                self.call.count(event.usage)
                self.api.meter.answered(event)
                self.api.desk.note_answer(event)
            if isinstance(event, TextDelta) and self.api.keeps_texts():
                self.call.answered += event.text

    async def begin(self) -> None:
        """Wait until the engine has begun, or for HEADERS_WAIT seconds: what is refused is refused before that."""
        until = asyncio.get_running_loop().time() + HEADERS_WAIT
        while True:
            heard = await _next(self._heard)
            if heard is None:
                return
            self._note(heard)
            self._before += heard
            begun = any(not isinstance(event, Queued | Paused | Resumed) for _, event in heard)
            if begun or not heard or asyncio.get_running_loop().time() >= until:
                return


async def ask(api: Api, call: Call, model: ServedModel, request: GenerateRequest, n: int = 1) -> Asked:
    """ApiError: 503 where too many wait or the model takes long to load, 400 where the request does not fit, …"""
    most = api.most_tokens if request.max_tokens is None else min(request.max_tokens, api.most_tokens)
    request = replace(request, priority="api", max_tokens=most)
    if api.keeps_texts() and not call.asked:
        call.asked = spoken(request)
    async with AsyncExitStack() as room:  # also when the client has gone the place is given back
        await room.enter_async_context(api.admission.place(call, n))
        submitted = await _submitted(api, call, model, request, n)
        room.enter_context(call.following(*submitted.streams))
        heard = merged(submitted.streams, PING, lambda: call.first_token is not None)
        room.push_async_callback(heard.aclose)
        asked = Asked(api, call, submitted.model, model, heard, [], room)
        await asked.begin()
        asked.room = room.pop_all()
    return asked


def spoken(request: GenerateRequest) -> str:
    """What is kept of what was asked, where the person wishes it."""
    return "\n\n".join(f"{turn.role}: {turn.content}" for turn in request.turns)


async def task(api: Api, call: Call, stream: Stream[Any]) -> Any:
    """The last event of something shorter than an answer (a count, vectors). Raises ApiError."""
    try:
        with call.following(stream):
            return await last(stream)
    except BackendError as error:
        raise errors.of(error) from error


async def _submitted(api: Api, call: Call, model: ServedModel, request: GenerateRequest, n: int) -> Submitted:
    stream = api.desk.submit(model, request, n)
    call.enter("waiting" if model.loaded else "loading")
    submitted: Submitted | None = None
    try:
        with call.following(stream):
            async with asyncio.timeout(LOAD_WAIT):
                submitted = await _first(stream)
    except TimeoutError as error:
        raise errors.loading() from error
    except BackendError as error:
        raise errors.of(error) from error
    finally:
        if submitted is None:
            _abandon(stream)
    if submitted is None:  # it was cancelled: nobody listens any more
        raise errors.loading()
    return submitted


async def _first(stream: Stream[LoadEvent | Submitted]) -> Submitted | None:
    async with aclosing(merged((stream,))) as heard:
        async for events in heard:
            for _, event in events:
                if isinstance(event, Submitted):
                    return event
    return None


def _abandon(stream: Stream[LoadEvent | Submitted]) -> None:
    """Whatever it may still submit is not wanted."""

    def look() -> None:
        for event in stream.look()[0]:
            for answer in event.streams if isinstance(event, Submitted) else ():
                answer.cancel()

    stream.cancel()
    stream.on_wake(look)


async def _next(heard: AsyncIterator[list[tuple[int, GenerateEvent]]]) -> list[tuple[int, GenerateEvent]] | None:
    try:
        return await anext(heard)
    except StopAsyncIteration:
        return None
    except BackendError as error:
        raise errors.of(error) from error
