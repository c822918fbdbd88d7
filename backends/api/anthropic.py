"""POST /v1/messages and /v1/messages/count_tokens, as Anthropic has them. Nothing is stored.

Tools that Anthropic runs itself (web_search, code_execution, …) do not exist here: they are not offered to the model.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from backends.api import asking, calls, putting, sse
from backends.api.anthropic_events import Event, MessageEvents
from backends.api.anthropic_types import CountRequest, MessageObject, MessagesRequest, TokenCount
from backends.api.asking import Asked
from backends.api.calls import Call
from backends.api.errors import bad
from backends.api.json_values import an_object, flag, shown, word
from backends.api.telling import Telling, broken_off, check
from backends.engine.protocol import (
    Finished,
    GenerateEvent,
    GenerateRequest,
    PromptProgress,
    Said,
    Sampling,
    Tool,
    ToolCall,
    ToolChoice,
    Turn,
    Usage,
)

router = APIRouter()

_PING = sse.event("ping", {"type": "ping"})
_FORMAT = "output_config.format"
_THOUGHTS = frozenset(("thinking", "redacted_thinking"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request, read. `single`: one call of a tool at most."""

    request: GenerateRequest
    single: bool


@router.post("/v1/messages", response_model=MessageObject, summary="Answer a conversation, as Anthropic does")
async def messages(request: Request, body: MessagesRequest) -> Response:
    api, call = asking.of(request), calls.of(request)
    model = asking.find(api, call, body.model)
    wanted = read(body, api.desk.sampling(model))
    asked = await asking.ask(api, call, model, wanted.request)
    events = MessageEvents(model.id)
    telling = Telling(asked.model, wanted.request, single=wanted.single)
    if body.stream:
        return sse.event_stream(call, _stream(asked, call, telling, events), asked, ping=_PING)
    for said in await asked.whole():
        _taken(said, call, telling, events)
    if not events.over:
        raise broken_off(call)
    return JSONResponse(events.message)


@router.post("/v1/messages/count_tokens", summary="How long a prompt would be")
async def count_tokens(request: Request, body: CountRequest) -> TokenCount:
    api, call = asking.of(request), calls.of(request)
    model = asking.find(api, call, body.model)
    choice, offered, _ = _tools(body)
    counted = api.desk.count(model, _turns(body), () if choice == "none" else offered)
    return TokenCount(input_tokens=await asking.task(api, call, counted) or 0)


async def _stream(asked: Asked, call: Call, telling: Telling, events: MessageEvents) -> sse.Parts:
    async for heard in asked.events():
        taken = _taken([event for _, event in heard], call, telling, events)
        yield b"".join(sse.event(event["type"], event) for event in taken)
    if not events.over:
        raise broken_off(call)


def _taken(heard: Sequence[GenerateEvent], call: Call, telling: Telling, events: MessageEvents) -> list[Event]:
    """ApiError if the answer was broken off."""
    gathered: list[Event] = []
    for event in heard:
        if isinstance(event, PromptProgress):  # the first one says what is known already
            gathered += events.begin(Usage(event.total, 0, 0, event.done))
        for told in telling.take(event):
            if isinstance(told, Finished):
                check(told, call)
            gathered += events.take(told)
    return gathered


# ---- what is asked


def read(body: MessagesRequest, base: Sampling) -> Wanted:
    """`base`: what the model's publisher recommends. ApiError 400."""
    choice, offered, parallel = _tools(body)
    turns, said = _turns(body), None
    if turns[-1].role == "assistant" and not turns[-1].tool_calls:
        *before, last = turns
        turns, said = tuple(before), Said(text=last.content) if last.content else None
    if all(turn.role == "system" for turn in turns):
        raise bad("messages: there has to be one of the user's", "messages")
    request = GenerateRequest(
        turns,
        putting.sampling(body.given, base),
        putting.most_tokens(body.max_tokens, "max_tokens"),
        putting.stops(body.stop_sequences, "stop_sequences"),
        format=putting.response_format(body.output_config.format if body.output_config else None, _FORMAT),
        tools=offered,
        tool_choice=choice,
        said=said,
    )
    return Wanted(_thought(body).put(request), not parallel)


def _thought(body: MessagesRequest) -> putting.Thought:
    """Effort is not a wish to think: it says how much, where it is to think."""
    given, effort = body.thinking, body.output_config.effort if body.output_config else None
    thinks = isinstance(given, Mapping) and given.get("type") != "disabled"
    return putting.thought({"thinking": given, "reasoning_effort": effort if thinks else None})


def _tools(body: CountRequest) -> tuple[ToolChoice, tuple[Tool, ...], bool]:
    """With whether there may be several calls."""
    if body.tools is not None and not isinstance(body.tools, list):
        raise bad("tools must be a list", "tools")
    found: list[Tool] = []
    for number, one in enumerate(body.tools or ()):
        param = f"tools.{number}"
        said = an_object(one, param)
        if said.get("type") in (None, "custom"):
            found.append(putting.tool(said.get("name"), said.get("description"), said.get("input_schema"), param))
    given, parallel = body.tool_choice, True
    if given is not None:
        said = an_object(given, "tool_choice")
        alone = said.get("disable_parallel_tool_use")
        parallel = alone is None or not flag(alone, "tool_choice.disable_parallel_tool_use")
        kind = word(said.get("type"), "tool_choice.type")
        if kind not in ("auto", "any", "tool", "none"):
            raise bad("tool_choice.type must be auto, any, tool or none", "tool_choice.type")
        given = said if kind == "tool" else kind
    choice, offered = putting.tool_choice(given, found, parallel=parallel)
    return choice, offered, parallel


# ---- what was said before


def _turns(body: CountRequest) -> tuple[Turn, ...]:
    given = body.messages
    if not isinstance(given, list) or not given:
        raise bad("messages must be a list of at least one message", "messages")
    if len(given) > putting.MOST_MESSAGES:
        raise bad(f"messages may hold at most {putting.MOST_MESSAGES} messages", "messages")
    found = [Turn("system", system)] if (system := _text(body.system, "system")) else []
    for number, one in enumerate(given):
        param = f"messages.{number}"
        message = an_object(one, param)
        content, where = message.get("content"), f"{param}.content"
        match message.get("role"):
            case "user":
                found += _of_user(content, where)
            case "assistant":
                found.append(_of_assistant(content, where))
            case "system":
                found.append(Turn("system", _text(content, where)))
            case _:
                raise bad(f"{param}.role must be user or assistant", f"{param}.role")
    if not found:
        raise bad("messages say nothing", "messages")
    return tuple(found)


def _of_user(content: Any, param: str) -> Iterator[Turn]:
    """What tools found are turns of their own, in their place."""
    if isinstance(content, str):
        yield Turn("user", content)
        return
    texts: list[str] = []
    for where, block in _blocks(content, param):
        if block.get("type") != "tool_result":
            texts.append(_words(block, where))
            continue
        if texts:
            yield Turn("user", "\n".join(texts))
            texts = []
        failed = "Error: " if block.get("is_error") is True else ""
        found = failed + _text(block.get("content"), f"{where}.content")
        yield Turn("tool", found, tool_call_id=_named(block, "tool_use_id", where))
    if texts:
        yield Turn("user", "\n".join(texts))


def _of_assistant(content: Any, param: str) -> Turn:
    """Thinking is forgotten, but for that before calls of tools, which templates want back."""
    if isinstance(content, str):
        return Turn("assistant", content)
    texts, thoughts, made = list[str](), list[str](), list[ToolCall]()
    for where, block in _blocks(content, param):
        kind = word(block.get("type"), f"{where}.type")
        if kind == "tool_use":
            arguments = putting.arguments(block.get("input"), f"{where}.input")
            made.append(ToolCall(_named(block, "id", where), _named(block, "name", where), arguments))
        elif kind in _THOUGHTS:
            thoughts.append(word(block.get("thinking"), f"{where}.thinking"))
        else:
            texts.append(_words(block, where))
    return Turn("assistant", "\n".join(texts), "\n".join(thoughts) if made else "", tuple(made))


def _text(content: Any, param: str) -> str:
    """A string, nothing, or blocks of text."""
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(_words(block, where) for where, block in _blocks(content, param))


def _blocks(content: Any, param: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(content, list):
        raise bad(f"{param} must be a string or a list of blocks", param)
    for number, block in enumerate(content):
        yield f"{param}.{number}", an_object(block, f"{param}.{number}")


def _words(block: Mapping[str, Any], param: str) -> str:
    if block.get("type") != "text":
        raise bad(f"{param}: this model reads text only, not {shown(block.get('type'))}", param, "unsupported")
    if not isinstance(block.get("text"), str):
        raise bad(f"{param}.text must be a string", f"{param}.text")
    return block["text"]


def _named(block: Mapping[str, Any], name: str, param: str) -> str:
    found = block.get(name)
    if not isinstance(found, str) or not found:
        raise bad(f"{param}.{name} must be a string", f"{param}.{name}")
    return found
