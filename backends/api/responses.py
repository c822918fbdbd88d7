"""POST /v1/responses. Nothing is stored: whoever goes on sends all that was said before, as Codex does.

Tools that OpenAI runs itself (web_search, image_generation, …) do not exist here: they are not offered to the model,
and what they did in an earlier conversation is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from backends.api import asking, calls, putting, sse
from backends.api.asking import Asked
from backends.api.calls import Call
from backends.api.errors import ApiError, bad
from backends.api.json_values import an_object, shown, word
from backends.api.ports import ServedModel
from backends.api.responses_events import Event, ResponseEvents
from backends.api.responses_types import ResponseObject, ResponsesRequest
from backends.api.telling import Telling, broken_off, check
from backends.engine.protocol import (
    Finished,
    GenerateEvent,
    GenerateRequest,
    NamedTool,
    Role,
    Sampling,
    Tool,
    ToolCall,
    ToolChoice,
    Turn,
)

router = APIRouter()

_STORED = ("previous_response_id", "conversation", "prompt")  # things that would have to be kept here
_ROLES: Mapping[str, Role] = {"system": "system", "developer": "system", "user": "user"}
_OUTPUTS = frozenset(("function_call_output", "custom_tool_call_output"))
_HOSTED = ("_call", "_call_output", "_list_tools", "_approval_request", "_approval_response")  # ends of items' types
_NO = "unsupported"
_LOGPROBS = "message.output_text.logprobs"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request, read. `single`: one call of a tool at most."""

    request: GenerateRequest
    single: bool


@router.post("/v1/responses", response_model=ResponseObject, summary="Answer a conversation, as items")
async def respond(request: Request, body: ResponsesRequest) -> Response:
    api, call = asking.of(request), calls.of(request)
    model = asking.find(api, call, body.model)
    wanted = read(body, api.desk.sampling(model))
    try:
        asked = await asking.ask(api, call, model, wanted.request)
    except ApiError as error:
        raise putting.blamed(error, wanted.request, "text.format", "input") from error
    events = ResponseEvents(echoed(body, wanted, model))
    telling = Telling(asked.model, wanted.request, single=wanted.single)
    if body.stream:
        parts = _stream(asked, call, telling, events)
        return sse.event_stream(call, parts, asked, failed=lambda error: _sent(events.fail(error)))
    for said in await asked.whole():
        _taken(said, call, telling, events)
    if not events.over:
        raise broken_off(call)
    return JSONResponse(events.response)


async def _stream(asked: Asked, call: Call, telling: Telling, events: ResponseEvents) -> sse.Parts:
    yield b"".join(_sent(event) for event in events.begin())
    async for heard in asked.events():
        if not heard and not events.speaking:
            yield _sent(events.still_here())
        yield b"".join(_sent(event) for event in _taken([event for _, event in heard], call, telling, events))
    if not events.over:
        raise broken_off(call)


def _taken(heard: Sequence[GenerateEvent], call: Call, telling: Telling, events: ResponseEvents) -> list[Event]:
    """ApiError if the answer was broken off."""
    gathered: list[Event] = []
    for told in [told for event in heard for told in telling.take(event)]:
        if isinstance(told, Finished):
            check(told, call)
        gathered += events.take(told)
    return gathered


def _sent(event: Event) -> bytes:
    return sse.event(event["type"], event)


# ---- what is asked


def read(body: ResponsesRequest, base: Sampling) -> Wanted:
    """`base`: what the model's publisher recommends. ApiError 400."""
    given = body.given
    for name in _STORED:
        if given.get(name) is not None:
            raise bad(f"{name} is not supported: nothing is stored here, send the whole conversation", name, _NO)
    if body.background:
        raise bad("background is not supported: nothing is stored here", "background", _NO)
    parallel = body.parallel_tool_calls is not False
    choice, offered = putting.tool_choice(body.tool_choice, tools(body.tools), parallel=parallel)
    request = GenerateRequest(
        turns(body.input, body.instructions),
        putting.sampling(given, base),
        putting.most_tokens(body.max_output_tokens, "max_output_tokens"),
        format=putting.response_format(body.text.format if body.text else None, "text.format"),
        tools=offered,
        tool_choice=choice,
        logprobs=_logprobs(body),
    )
    return Wanted(_thought(body).put(request), not parallel)


def _thought(body: ResponsesRequest) -> putting.Thought:
    effort = body.reasoning.effort if body.reasoning else None
    try:
        return putting.thought(body.given if effort is None else {**body.given, "reasoning_effort": effort})
    except ApiError as error:
        raise replace(error, param="reasoning.effort" if effort is not None else error.param) from error


def _logprobs(body: ResponsesRequest) -> int | None:
    most = putting.rivals(body.top_logprobs, "top_logprobs")
    return most or (0 if _LOGPROBS in (body.include or ()) else None)


def tools(given: Any) -> tuple[Tool, ...]:
    """The functions among them."""
    if given is None:
        return ()
    if not isinstance(given, list):
        raise bad("tools must be a list", "tools")
    found = []
    for number, one in enumerate(given):
        param = f"tools.{number}"
        said = an_object(one, param)
        if said.get("type") == "function":
            found.append(putting.tool(said.get("name"), said.get("description"), said.get("parameters"), param))
    return tuple(found)


# ---- what was said before


@dataclass(slots=True)
class _Spoken:
    """What the model said in one go: thinking, text and calls are items of their own here, and one turn for it."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()

    def turn(self) -> Turn:
        return Turn("assistant", self.text, self.reasoning if self.calls else "", self.calls)


def turns(given: Any, instructions: str | None) -> tuple[Turn, ...]:
    """A text, or items. What they do not end is the model's turn."""
    found = [Turn("system", instructions)] if instructions else []
    if isinstance(given, str):
        return (*found, Turn("user", given))
    if not isinstance(given, list) or not given:
        raise bad("input must be a string or a list of at least one item", "input")
    if len(given) > putting.MOST_MESSAGES:
        raise bad(f"input may hold at most {putting.MOST_MESSAGES} items", "input")
    spoken: _Spoken | None = None
    for number, one in enumerate(given):
        param = f"input.{number}"
        item = an_object(one, param)
        if (turn := _turn(item, param)) is None:
            spoken = spoken or _Spoken()
            _say(spoken, item, param)
            continue
        if spoken is not None and spoken != _Spoken():
            found.append(spoken.turn())
        spoken = None
        found.append(turn)
    if spoken is not None and spoken != _Spoken():
        found.append(spoken.turn())
    if not found:
        raise bad("input says nothing", "input")
    return tuple(found)


def _turn(item: Mapping[str, Any], param: str) -> Turn | None:
    """None for what the model said."""
    kind = _kind(item, param)
    if kind in _OUTPUTS:
        return Turn("tool", putting.text(item.get("output"), f"{param}.output"), tool_call_id=_call_id(item, param))
    if kind != "message" or item.get("role") == "assistant":
        return None
    role = _ROLES.get(str(item.get("role")))
    if role is None:
        raise bad(f"{param}.role must be assistant, {', '.join(_ROLES)}", f"{param}.role")
    return Turn(role, putting.text(item.get("content"), f"{param}.content"))


def _say(spoken: _Spoken, item: Mapping[str, Any], param: str) -> None:
    """Add what the model said, or what a hosted tool did for it, which is left out."""
    kind = _kind(item, param)
    match kind:
        case "message":
            text = putting.text(item.get("content"), f"{param}.content")
            spoken.text = "\n\n".join(filter(None, (spoken.text, text)))
        case "reasoning":
            spoken.reasoning = "\n\n".join(filter(None, (spoken.reasoning, _reasoning(item, param))))
        case "function_call":
            arguments = putting.arguments(item.get("arguments"), f"{param}.arguments")
            spoken.calls += (ToolCall(_call_id(item, param), _name(item, param), arguments),)
        case "custom_tool_call":
            said = {"input": word(item.get("input"), f"{param}.input")}
            spoken.calls += (ToolCall(_call_id(item, param), _name(item, param), said),)
        case _:
            if not kind.endswith(_HOSTED):
                raise bad(f"{param}.type {shown(kind)} is not supported", f"{param}.type", _NO)


def _kind(item: Mapping[str, Any], param: str) -> str:
    return word(item.get("type"), f"{param}.type") or "message"


def _reasoning(item: Mapping[str, Any], param: str) -> str:
    """Its words, or the summary where they are not told."""
    for name in ("content", "summary"):
        parts = item.get(name) or []
        if not isinstance(parts, list):
            raise bad(f"{param}.{name} must be a list of parts", f"{param}.{name}")
        texts = [an_object(part, f"{param}.{name}").get("text") for part in parts]
        if words := "".join(text for text in texts if isinstance(text, str)):
            return words
    return ""


def _call_id(item: Mapping[str, Any], param: str) -> str:
    found = word(item.get("call_id"), f"{param}.call_id")
    if not found:
        raise bad(f"{param}.call_id is missing", f"{param}.call_id")
    return found


def _name(item: Mapping[str, Any], param: str) -> str:
    found = word(item.get("name"), f"{param}.name")
    if not found:
        raise bad(f"{param}.name is missing", f"{param}.name")
    return found


# ---- what is said again


def echoed(body: ResponsesRequest, wanted: Wanted, model: ServedModel) -> dict[str, Any]:
    """Fields of the request as they were understood."""
    request, form = wanted.request, body.text.format if body.text else None
    return {
        "model": model.id,
        "instructions": body.instructions,
        "metadata": body.metadata or {},
        "parallel_tool_calls": not wanted.single,
        "tools": [_tool(tool) for tool in request.tools],
        "tool_choice": _chosen(body.tool_choice, request.tool_choice),
        "text": {"format": form or {"type": "text"}},
        "reasoning": {"effort": body.reasoning.effort if body.reasoning else None, "summary": None},
        "temperature": request.sampling.temperature,
        "top_p": request.sampling.top_p,
        "top_logprobs": request.logprobs or 0,
        "max_output_tokens": body.max_output_tokens,
        "prompt_cache_key": body.prompt_cache_key,
        "previous_response_id": None,
        "background": False,
        "store": False,
        "truncation": "disabled",
    }


def _tool(tool: Tool) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": False,
    }


def _chosen(given: Any, choice: ToolChoice) -> Any:
    if given in ("auto", "none", "required") or (isinstance(given, Mapping) and given.get("type") == "allowed_tools"):
        return given
    return {"type": "function", "name": choice.name} if isinstance(choice, NamedTool) else choice
