"""POST /v1/chat/completions."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from backends.api import asking, calls, putting, sse
from backends.api.asking import Asked
from backends.api.calls import Call
from backends.api.cited import Cited, ground, said_instead
from backends.api.errors import ApiError, bad
from backends.api.openai_parts import Head, logprobs, usage
from backends.api.openai_types import ChatCompletion, ChatRequest
from backends.api.telling import Answer, Called, Telling, Told, check, whole
from backends.engine.protocol import (
    Finished,
    GenerateRequest,
    ReasoningDelta,
    Sampling,
    TextDelta,
    TokenLogprob,
    ToolCallDelta,
    ToolCallStarted,
)

router = APIRouter()

_CHUNK = "chat.completion.chunk"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request, read. `single`: one call of a tool at most. `form`: the field that a grammar comes from."""

    request: GenerateRequest
    n: int
    single: bool
    form: str
    usage: bool


@router.post("/v1/chat/completions", response_model=ChatCompletion, summary="Answer a conversation")
async def chat(request: Request, body: ChatRequest) -> Response:
    api, call = asking.of(request), calls.of(request)
    model = asking.find(api, call, body.model)
    wanted, head = read(body, api.desk.sampling(model)), Head.of("chatcmpl", model)
    cited = await ground(api, call, body, model, wanted.request)
    if cited is not None:
        if cited.instead:
            return said_instead(cited, call, head, wanted.n, body)
        wanted = replace(wanted, request=cited.request(wanted.request))
    try:
        asked = await asking.ask(api, call, model, wanted.request, wanted.n)
    except ApiError as error:
        raise putting.blamed(error, wanted.request, wanted.form) from error
    if body.stream:
        return sse.event_stream(call, _chunks(asked, call, wanted, head, cited), asked)
    answers = [whole(events, call, asked.model, wanted.request, single=wanted.single) for events in await asked.whole()]
    said = completion(answers, head)
    if cited is not None:
        await cited.put(said)
    return JSONResponse(said)


def read(body: ChatRequest, base: Sampling) -> Wanted:
    """`base`: what the model's publisher recommends. ApiError 400."""
    given = body.given
    parallel = body.parallel_tool_calls is not False
    choice, tools = putting.tool_choice(body.tool_choice, putting.tools(body.tools), parallel=parallel)
    form, field = putting.response_format(body.response_format), "response_format"
    if body.grammar:
        if form is not None:
            raise bad("either grammar or response_format, not both", "grammar")
        form, field = putting.grammar(body.grammar), "grammar"
    elif form is None and given.get("json_schema") is not None:  # llama-server's
        form, field = putting.schema(given["json_schema"], "json_schema"), "json_schema"
    most = body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens
    request = GenerateRequest(
        putting.turns(body.messages),
        putting.sampling(given, base),
        putting.most_tokens(most, "max_tokens"),
        putting.stops(body.stop),
        format=form,
        tools=tools,
        tool_choice=choice,
        logprobs=putting.logprobs(body.logprobs, body.top_logprobs),
        ignore_end=bool(body.ignore_eos),
    )
    request = putting.thought(given).put(request)
    return Wanted(request, putting.count(body.n), not parallel, field, body.wants_usage)


# ---- whole


def completion(answers: list[Answer], head: Head) -> dict[str, Any]:
    choices = [
        {
            "index": index,
            "message": message(answer),
            "logprobs": logprobs(answer.logprobs) if answer.logprobs else None,
            "finish_reason": answer.finished.finish_reason,
        }
        for index, answer in enumerate(answers)
    ]
    return head.body("chat.completion", choices, usage=usage([answer.finished for answer in answers]))


def message(answer: Answer) -> dict[str, Any]:
    """Thinking under both of its names: clients read one or the other."""
    said: dict[str, Any] = {"role": "assistant", "content": answer.text or (None if answer.calls else "")}
    if answer.reasoning:
        said |= {"reasoning_content": answer.reasoning, "reasoning": answer.reasoning}
    if answer.calls:
        said["tool_calls"] = [_call(call) for call in answer.calls]
    return said


def _call(call: Called) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


# ---- as it comes


async def _chunks(asked: Asked, call: Call, wanted: Wanted, head: Head, cited: Cited | None) -> sse.Parts:
    """A chunk with the role for each choice, then what is said, then why it ended; at last the usage, if wanted."""
    telling = [Telling(asked.model, wanted.request, single=wanted.single) for _ in range(wanted.n)]
    finished: list[Finished] = []
    more: dict[str, Any] = {"usage": None} if wanted.usage else {}

    def chunk(index: int, delta: dict[str, Any], reason: str | None = None, said: Any = None, **fields: Any) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": said, "finish_reason": reason}
        return sse.data(head.body(_CHUNK, [choice], **more, **fields))

    first: dict[str, Any] = cited.sources() if cited is not None else {}
    yield b"".join(chunk(index, {"role": "assistant", "content": None}, **first) for index in range(wanted.n))
    async for heard in asked.events():
        parts: list[bytes] = []
        for index, event in heard:
            for told in telling[index].take(event):
                if isinstance(told, Finished):
                    check(told, call)
                    finished.append(told)
                    parts.append(chunk(index, await cited.citations(index) if cited else {}, told.finish_reason))
                else:
                    if cited is not None:
                        cited.hear(index, told)
                    parts += [chunk(index, delta, said=_said(told)) for delta in _deltas(told)]
        yield b"".join(parts)
    if wanted.usage:
        yield sse.data(head.body(_CHUNK, [], usage=usage(finished)))
    yield sse.DONE


def _deltas(told: Told) -> Iterator[dict[str, Any]]:
    match told:
        case TextDelta(text):
            yield {"content": text}
        case ReasoningDelta(text):
            yield {"reasoning_content": text, "reasoning": text}
        case ToolCallStarted(index, id_, name):
            function = {"name": name, "arguments": ""}
            yield {"tool_calls": [{"index": index, "id": id_, "type": "function", "function": function}]}
        case ToolCallDelta(index, text):
            yield {"tool_calls": [{"index": index, "function": {"arguments": text}}]}
        case _:
            return


def _said(told: Told) -> dict[str, Any] | None:
    tokens: tuple[TokenLogprob, ...] = told.logprobs if isinstance(told, TextDelta) else ()
    return logprobs(tokens) if tokens else None
