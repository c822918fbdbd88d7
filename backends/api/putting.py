"""What programs ask for, put into the words of the engine: the same for every dialect (with `sampling`).

Everything here takes JSON as it came and says ApiError 400, with the field (`param`) that is wrong. What the engine
looks at itself (a grammar that cannot be compiled) comes out of `asking.ask`: `blamed` gives it its field.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from backends.api import errors
from backends.api.errors import ApiError, bad
from backends.api.json_values import an_object, shown, word
from backends.api.sampling import (
    Thought,
    count,
    logit_bias,
    logprobs,
    most_tokens,
    rivals,
    sampling,
    seed,
    stops,
    thought,
)
from backends.core.errors import BackendError
from backends.engine.protocol import (
    Format,
    GenerateRequest,
    Grammar,
    JsonSchema,
    NamedTool,
    Role,
    Tool,
    ToolCall,
    ToolChoice,
    Turn,
)
from backends.engine.tools import MOST_TOOLS, check_tools

__all__ = [
    "MOST_MESSAGES",
    "Thought",
    "arguments",
    "blamed",
    "count",
    "grammar",
    "logit_bias",
    "logprobs",
    "measured",
    "most_tokens",
    "response_format",
    "rivals",
    "sampling",
    "schema",
    "seed",
    "stops",
    "text",
    "thought",
    "tool",
    "tool_choice",
    "tools",
    "turns",
]

MOST_MESSAGES = 2_000

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_TEXTS = frozenset(("text", "input_text", "output_text"))
_NO_WORDS = frozenset(("thinking", "redacted_thinking", "reasoning", "reasoning_text"))  # parts that are not said again
_GRAMMAR_CODES = frozenset(("bad_grammar", "bad_schema", "grammar_too_large", "grammar_timeout"))


# ---- messages


def turns(messages: Any, param: str = "messages") -> tuple[Turn, ...]:
    """OpenAI's chat messages. Thinking is forgotten, but for that before calls of tools, which templates want back."""
    if not isinstance(messages, list) or not messages:
        raise bad(f"{param} must be a list of at least one message", param)
    if len(messages) > MOST_MESSAGES:
        raise bad(f"{param} may hold at most {MOST_MESSAGES} messages", param)
    return tuple(_turn(message, f"{param}.{number}") for number, message in enumerate(messages))


def _turn(message: Any, param: str) -> Turn:
    said = an_object(message, param)
    given = said.get("role")
    role = _ROLES.get(given) if isinstance(given, str) else None
    if role is None:
        raise bad(f"{param}.role must be one of {', '.join(_ROLES)}", f"{param}.role")
    content = text(said.get("content"), f"{param}.content")
    if role == "tool":
        return Turn("tool", content, tool_call_id=word(said.get("tool_call_id") or said.get("name"), param))
    if role != "assistant":
        return Turn(role, content)
    calls = _calls(said, param)
    thought = said.get("reasoning_content") or said.get("reasoning")
    return Turn(role, content, thought if calls and isinstance(thought, str) else "", calls)


def text(content: Any, param: str) -> str:
    """A string, nothing, or a list of parts with text; ApiError `unsupported` for pictures and sounds."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise bad(f"{param} must be a string or a list of parts", param)
    return "".join(_part(part, f"{param}.{number}") for number, part in enumerate(content))


def _part(part: Any, param: str) -> str:
    if isinstance(part, str):
        return part
    said = an_object(part, param)
    kind = word(said.get("type"), f"{param}.type")
    if kind in _NO_WORDS:
        return ""
    words = said.get("refusal" if kind == "refusal" else "text")
    if kind in _TEXTS or kind == "refusal":
        if not isinstance(words, str):
            raise bad(f"{param}.text must be a string", param)
        return words
    raise bad(f"{param}: this model reads text only, not {shown(kind)}", param, "unsupported")


def _calls(said: Mapping[str, Any], param: str) -> tuple[ToolCall, ...]:
    """`tool_calls`, or the one `function_call` of older clients."""
    given = said.get("tool_calls")
    if given is None and said.get("function_call") is not None:
        function = an_object(said["function_call"], f"{param}.function_call")
        name = word(function.get("name"), f"{param}.function_call.name")
        return (ToolCall(name, name, arguments(function.get("arguments"), f"{param}.function_call.arguments")),)
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > MOST_TOOLS:
        raise bad(f"{param}.tool_calls must be a list of at most {MOST_TOOLS} calls", f"{param}.tool_calls")
    return tuple(_call(call, f"{param}.tool_calls.{number}", number) for number, call in enumerate(given))


def _call(call: Any, param: str, number: int) -> ToolCall:
    said = an_object(call, param)
    function = an_object(said.get("function"), f"{param}.function")
    name = function.get("name")
    if not isinstance(name, str) or not name:
        raise bad(f"{param}.function.name must be a string", f"{param}.function.name")
    id_ = word(said.get("id"), f"{param}.id") or f"call_{number}"
    return ToolCall(id_, name, arguments(function.get("arguments"), f"{param}.function.arguments"))


def arguments(given: Any, param: str) -> Mapping[str, Any]:
    """Of a call in a conversation: JSON text or an object. Text that is no object was cut off, or made up: it is told
    to the model as it is, so that the conversation can go on."""
    if given is None or given == "":
        return {}
    if isinstance(given, Mapping):
        return given
    if not isinstance(given, str):
        raise bad(f"{param} must be a string of JSON", param)
    try:
        found = json.loads(given)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {"arguments": given}


# ---- tools and formats


def tools(given: Any, param: str = "tools") -> tuple[Tool, ...]:
    """Functions as OpenAI's chat has them."""
    if given is None:
        return ()
    if not isinstance(given, list):
        raise bad(f"{param} must be a list", param)
    if len(given) > MOST_TOOLS:
        raise bad(f"{param} may hold at most {MOST_TOOLS} tools", param)
    found = []
    for number, one in enumerate(given):
        said = an_object(one, f"{param}.{number}")
        if said.get("type", "function") != "function":
            raise bad(f"{param}.{number}: only functions can be called", f"{param}.{number}.type", "unsupported")
        function = an_object(said.get("function"), f"{param}.{number}.function")
        found.append(
            tool(
                function.get("name"),
                function.get("description"),
                function.get("parameters"),
                f"{param}.{number}.function",
            )
        )
    return tuple(found)


def tool(name: Any, description: Any, parameters: Any, param: str) -> Tool:
    if not isinstance(name, str):
        raise bad(f"{param}.name must be a string", f"{param}.name")
    schema = {} if parameters is None else measured(parameters, f"{param}.parameters")
    kind = schema.get("type")
    if isinstance(kind, list) and "object" in kind:  # or nothing at all, which is an object without anything
        schema = {**schema, "type": "object"}
    return Tool(name, word(description, f"{param}.description"), schema)


def tool_choice(
    given: Any, offered: Sequence[Tool], *, parallel: bool = True, param: str = "tool_choice"
) -> tuple[ToolChoice, tuple[Tool, ...]]:
    """Which may or must be called, and of which. `parallel` False: one call at most, as far as a grammar can see to
    it (see also `telling.Telling`)."""
    choice, left = _choice(given, tuple(offered), param)
    if choice == "required" and len(left) == 1 and not parallel:
        choice = NamedTool(left[0].name)
    try:
        check_tools(left, choice)
    except BackendError as error:
        named = choice == "required" or isinstance(choice, NamedTool)
        raise replace(errors.of(error), param=param if named and not left else "tools") from error
    return choice, left


def _choice(given: Any, offered: tuple[Tool, ...], param: str) -> tuple[ToolChoice, tuple[Tool, ...]]:
    if given is None or given == "auto":
        return "auto", offered
    if given == "none":
        return "none", offered
    if given in ("required", "any"):
        return "required", offered
    said = an_object(given, param)
    match said.get("type"):
        case "function" | "tool":
            inner = said.get("function")
            name = inner.get("name") if isinstance(inner, Mapping) else said.get("name")
            if not isinstance(name, str) or all(tool.name != name for tool in offered):
                raise bad(f"{param} names a function that is not among the tools", param)
            return NamedTool(name), offered
        case "allowed_tools":
            inner = an_object(said.get("allowed_tools", said), param)
            listed = inner.get("tools")
            if not isinstance(listed, list):
                raise bad(f"{param}.tools must be a list", param)
            names = {_named(one) for one in listed}
            left = tuple(tool for tool in offered if tool.name in names)
            return ("required" if inner.get("mode") == "required" else "auto"), left
        case kind:
            raise bad(f"{param}.type {shown(kind)} is not supported", param, "unsupported")


def _named(one: Any) -> str | None:
    inner = one.get("function", one) if isinstance(one, Mapping) else one
    name = inner.get("name") if isinstance(inner, Mapping) else None
    return name if isinstance(name, str) else None


def response_format(given: Any, param: str = "response_format") -> Format | None:
    """text, json_object, json_schema."""
    if given is None:
        return None
    said = an_object(given, param)
    match said.get("type"):
        case "text":
            return None
        case "json_object":
            return schema(said.get("schema") or {}, f"{param}.schema")
        case "json_schema":
            inner = said.get("json_schema")
            if isinstance(inner, Mapping):
                return schema(inner.get("schema") or {}, f"{param}.json_schema.schema")
            return schema(said.get("schema"), f"{param}.schema")
        case _:
            raise bad(f"{param}.type must be text, json_object or json_schema", f"{param}.type")


def schema(given: Any, param: str) -> JsonSchema:
    return JsonSchema(measured(given, param))


def measured(given: Any, param: str) -> dict[str, Any]:
    """A JSON schema of a decent size (64 KB, 64 deep)."""
    from backends.engine.schema import measured as check  # with the writer of grammars, for the few that need it

    said = an_object(given, param)
    try:
        return check(said)
    except BackendError as error:
        raise replace(errors.of(error), param=param) from error


def grammar(given: Any, param: str = "grammar") -> Grammar | None:
    """GBNF, as llama-server takes it."""
    if given is None or given == "":
        return None
    if not isinstance(given, str):
        raise bad(f"{param} must be a string of GBNF", param)
    return Grammar(given)


def blamed(
    error: ApiError, request: GenerateRequest, form: str = "response_format", said: str = "messages"
) -> ApiError:
    """With the field that the engine could not do with: that of the format, of the tools, or of what was said."""
    if error.param is None and error.code in ("context_length_exceeded", "bad_token"):
        return replace(error, param=said)
    if error.param is not None or error.code not in _GRAMMAR_CODES:
        return error
    forced = request.tool_choice == "required" or isinstance(request.tool_choice, NamedTool)
    return replace(error, param="tools" if forced else form)
