"""POST /api/chat and /api/generate, as Ollama has them: one JSON object a line, or with `stream: false` one object.

Without messages or prompt the model is loaded, no more. `keep_alive` 0 then unloads it, if the key may (scope
`models.write`); every other `keep_alive`, and the options of a load (`num_ctx`, `num_gpu`, …), are ignored: the window
decides. An answer says what became of the model by `done_reason`.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from backends.api import asking, calls, ollama_reading, putting, sse
from backends.api.asking import Api, Asked
from backends.api.calls import Call
from backends.api.errors import ApiError
from backends.api.ollama_types import OllamaChatAnswer, OllamaChatRequest, OllamaGenerateAnswer, OllamaGenerateRequest
from backends.api.openai_parts import logprobs
from backends.api.ports import Kind, ServedModel
from backends.api.telling import Answer, Telling, Told, check, whole
from backends.engine.protocol import (
    Finished,
    GenerateRequest,
    ReasoningDelta,
    TextDelta,
    TokenLogprob,
    ToolCallDelta,
    ToolCallStarted,
)
from backends.governance.access import Forbidden, authorize

router = APIRouter()

SECOND = 1_000_000_000  # nanoseconds

_LINES: dict[int | str, dict[str, Any]] = {200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}}


@router.post("/api/chat", response_model=OllamaChatAnswer, responses=_LINES, summary="Answer a conversation")
async def chat(request: Request, body: OllamaChatRequest) -> Response:
    api, call = asking.of(request), calls.of(request)
    model = find(api, call, body.model)
    wanted = ollama_reading.chat(body, api.desk.sampling(model))
    if not wanted.turns:
        return await _only_load(api, call, model, body.keep_alive, _message)
    return await _answer(api, call, model, wanted, _message, "messages", stream=body.stream is not False)


@router.post("/api/generate", response_model=OllamaGenerateAnswer, responses=_LINES, summary="Answer a prompt")
async def generate(request: Request, body: OllamaGenerateRequest) -> Response:
    api, call = asking.of(request), calls.of(request)
    model = find(api, call, body.model)
    wanted = ollama_reading.generate(body, api.desk.sampling(model))
    if not wanted.turns:
        return await _only_load(api, call, model, body.keep_alive, _response)
    if body.raw:
        tokens = await asking.task(api, call, api.desk.tokenize(model, body.prompt or "", special=True))
        wanted = replace(wanted, turns=(), tokens=tokens or ())
    return await _answer(api, call, model, wanted, _response, "prompt", stream=body.stream is not False)


def find(api: Api, call: Call, name: str, kind: Kind = "chat") -> ServedModel:
    """Names are as good with `:latest` as without."""
    return asking.find(api, call, name.removesuffix(":latest"), kind)


def when(seconds: float) -> str:
    """Since 1970, as RFC 3339 has it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


# ---- what is said


@dataclass(frozen=True, slots=True)
class _Said:
    """A part of an answer, or all of it."""

    text: str = ""
    thinking: str = ""
    calls: tuple[dict[str, Any], ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()


_Form = Callable[[_Said], dict[str, Any]]


def _message(said: _Said) -> dict[str, Any]:
    """As /api/chat has it."""
    message: dict[str, Any] = {"role": "assistant", "content": said.text}
    if said.thinking:
        message["thinking"] = said.thinking
    if said.calls:
        message["tool_calls"] = list(said.calls)
    return {"message": message, **_likely(said)}


def _response(said: _Said) -> dict[str, Any]:
    """As /api/generate has it."""
    thinking = {"thinking": said.thinking} if said.thinking else {}
    return {"response": said.text, **thinking, **_likely(said)}


def _likely(said: _Said) -> dict[str, Any]:
    return {"logprobs": logprobs(said.logprobs)["content"]} if said.logprobs else {}


def _line(model: ServedModel, said: dict[str, Any], reason: str | None = None, **more: Any) -> dict[str, Any]:
    """`reason`: why it is done."""
    done: dict[str, Any] = {"done": True, "done_reason": reason} if reason else {"done": False}
    return {"model": model.id, "created_at": when(time.time()), **said, **done, **more}


def _call(index: int, id_: str, name: str, arguments: str) -> dict[str, Any]:
    function = {"index": index, "name": name, "arguments": putting.arguments(arguments, "arguments")}
    return {"id": id_, "function": function}


def _end(finished: Finished) -> str:
    return "length" if finished.finish_reason == "length" else "stop"


def _durations(finished: Finished, asked: Asked) -> dict[str, int]:
    """The prompt's count is all of it; its duration is that of what was not known from before."""
    usage, timings = finished.usage, finished.timings
    rate, read = timings.prefill_tokens_per_s, usage.prompt_tokens - usage.cached_tokens
    return {
        "total_duration": elapsed(asked.call),
        "load_duration": 0 if asked.served.loaded else _nanoseconds(asked.model.seconds),
        "prompt_eval_count": usage.prompt_tokens,
        "prompt_eval_duration": _nanoseconds(read / rate if rate > 0 else 0),
        "eval_count": usage.completion_tokens,
        "eval_duration": _nanoseconds(timings.total_s - timings.ttft_s),
    }


def elapsed(call: Call) -> int:
    return _nanoseconds(time.monotonic() - call.started)


def _nanoseconds(seconds: float) -> int:
    return max(0, round(seconds * SECOND))


# ---- an answer


async def _answer(
    api: Api, call: Call, model: ServedModel, wanted: GenerateRequest, form: _Form, param: str, *, stream: bool
) -> Response:
    try:
        asked = await asking.ask(api, call, model, wanted)
    except ApiError as error:
        raise putting.blamed(error, wanted, "format", param) from error
    if stream:
        return sse.json_lines(call, _lines(asked, call, wanted, form), asked)
    (events,) = await asked.whole()
    answer = whole(events, call, asked.model, wanted)
    told = form(_all(answer))
    return JSONResponse(_line(model, told, _end(answer.finished), **_durations(answer.finished, asked)))


def _all(answer: Answer) -> _Said:
    calls = tuple(_call(index, one.id, one.name, one.arguments) for index, one in enumerate(answer.calls))
    return _Said(answer.text, answer.reasoning, calls, tuple(answer.logprobs))


async def _lines(asked: Asked, call: Call, wanted: GenerateRequest, form: _Form) -> sse.Parts:
    """Calls of tools are told whole; the last line says how it went."""
    telling = Telling(asked.model, wanted)
    async for heard in asked.events():
        lines: list[dict[str, Any]] = []
        for _, event in heard:
            for said in _gathered(telling.take(event)):
                if isinstance(said, Finished):
                    check(said, call)
                    lines.append(_line(asked.served, form(_Said()), _end(said), **_durations(said, asked)))
                else:
                    lines.append(_line(asked.served, form(said)))
        yield b"".join(map(sse.line, lines))


def _gathered(told: Iterable[Told]) -> Iterator[_Said | Finished]:
    """Of one event: the parts of a call come together (see `telling`; no call is forced here)."""
    calls: list[tuple[ToolCallStarted, list[str]]] = []
    for one in told:
        match one:
            case ToolCallStarted():
                calls.append((one, []))
            case ToolCallDelta(_, text):
                calls[-1][1].append(text)
            case TextDelta(text, likely):
                yield from _called(calls)
                yield _Said(text, logprobs=likely)
            case ReasoningDelta(text):
                yield from _called(calls)
                yield _Said(thinking=text)
            case Finished():
                yield from _called(calls)
                yield one
    yield from _called(calls)


def _called(calls: list[tuple[ToolCallStarted, list[str]]]) -> Iterator[_Said]:
    if calls:
        yield _Said(calls=tuple(_call(one.index, one.id, one.name, "".join(parts)) for one, parts in calls))
        calls.clear()


# ---- no answer


async def _only_load(
    api: Api, call: Call, model: ServedModel, keep_alive: float | str | None, form: _Form
) -> JSONResponse:
    reason = "load"
    if not ollama_reading.is_zero(keep_alive):
        await asking.task(api, call, api.desk.tokenize(model, ""))  # which loads it
    elif not model.loaded:
        reason = "unload"
    elif _may_unload(call):
        await asking.task(api, call, api.desk.unload())
        reason = "unload"
    return JSONResponse(_line(model, form(_Said()), reason, total_duration=elapsed(call)))


def _may_unload(call: Call) -> bool:
    try:
        authorize(call.scope_caller, "models.write")
    except Forbidden:
        return False
    return True
