"""What Ollama's clients ask for, put into the words of the engine. ApiError 400 with the field that is wrong."""

from collections.abc import Iterator, Mapping
from typing import Any

from backends.api import putting
from backends.api.errors import ApiError, bad
from backends.api.json_values import an_object
from backends.api.ollama_types import OllamaChatRequest, OllamaGenerateRequest
from backends.api.putting import Thought
from backends.engine.protocol import Format, GenerateRequest, Sampling, Turn

_ENDLESS = (-1, -2)  # num_predict: without end, until the context is full


def chat(body: OllamaChatRequest, base: Sampling) -> GenerateRequest:
    """`base`: what the model's publisher recommends. Without messages it has no turns."""
    messages = [] if body.messages is None else body.messages
    if not isinstance(messages, list):
        raise bad("messages must be a list", "messages")
    choice, tools = putting.tool_choice(None, putting.tools(body.tools))
    turns = putting.turns(list(_messages(messages))) if messages else ()
    return _request(body, base, turns, tools=tools, tool_choice=choice)


def generate(body: OllamaGenerateRequest, base: Sampling) -> GenerateRequest:
    """Without a prompt it has no turns; a raw one has them, too, and its tokens are still to be put."""
    for field in ("template", "suffix", "context", "images"):
        if getattr(body, field):
            raise bad(f"{field} is not supported", field, "unsupported")
    if body.raw and body.system:
        raise bad("a raw prompt has no place for system", "system")
    before = (Turn("system", body.system),) if body.system else ()
    return _request(body, base, (*before, Turn("user", body.prompt)) if body.prompt else ())


def is_zero(keep_alive: float | str | None) -> bool:
    """0, "0", "0s", "0m": unload it."""
    if isinstance(keep_alive, str):
        keep_alive = keep_alive.strip().rstrip("nuµmsh")
        return bool(keep_alive) and not keep_alive.strip("0.")
    return keep_alive == 0


def _request(
    body: OllamaChatRequest | OllamaGenerateRequest, base: Sampling, turns: tuple[Turn, ...], **more: Any
) -> GenerateRequest:
    options = body.options or {}
    if options.get("seed") == -1:  # llama.cpp's word for any
        options = {**options, "seed": None}
    most = options.get("num_predict")
    request = GenerateRequest(
        turns,
        putting.sampling(options, base),
        None if most in _ENDLESS else putting.most_tokens(most, "num_predict"),
        putting.stops(options.get("stop")),
        format=_format(body.format),
        logprobs=putting.logprobs(body.logprobs, body.top_logprobs),
        **more,
    )
    return _thought(body.think).put(request)


def _thought(think: bool | str | None) -> Thought:
    try:
        return putting.thought({"reasoning_effort" if isinstance(think, str) else "thinking": think})
    except ApiError as error:
        raise bad("think must be true, false, low, medium or high", "think") from error


def _format(given: Any) -> Format | None:
    if given is None or given == "":
        return None
    if given == "json":
        return putting.schema({}, "format")
    if not isinstance(given, Mapping):
        raise bad("format must be json or a JSON schema", "format")
    return putting.schema(given, "format")


def _messages(given: list[Any]) -> Iterator[Mapping[str, Any]]:
    """As OpenAI has them. Results name the tool here, and not the call: the first that has no result yet."""
    waiting: list[tuple[str, str]] = []  # name and id of calls
    for number, one in enumerate(given):
        said = an_object(one, f"messages.{number}")
        if said.get("images"):
            param = f"messages.{number}.images"
            raise bad(f"{param}: this model reads text only", param, "unsupported")
        if said.get("role") == "assistant":
            waiting = list(_called(said.get("tool_calls")))
            yield {**said, "reasoning_content": said.get("thinking")}
        elif said.get("role") == "tool" and not said.get("tool_call_id"):
            name = said.get("tool_name") or said.get("name")
            call = next((call for call in waiting if call[0] == name), None)
            if call is not None:
                waiting.remove(call)
            yield {**said, "name": name, "tool_call_id": call[1] if call else None}
        else:
            yield said


def _called(calls: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with them is told by `putting`."""
    for number, call in enumerate(calls if isinstance(calls, list) else ()):
        function = call.get("function") if isinstance(call, Mapping) else None
        name = function.get("name") if isinstance(function, Mapping) else None
        if isinstance(call, Mapping) and isinstance(name, str):
            yield name, call.get("id") or f"call_{number}"
