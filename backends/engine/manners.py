"""What a chat template expects of a conversation with tools, found out by asking it; and conversations put that way.

Templates differ: some describe the tools and some leave that to others; arguments are wanted as an object or as JSON
text (else they come out as text in text); a turn with calls must have no content, or loses its calls if it has one;
some know no tools at all. What a template does not do is done here, in words of ours.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from backends.engine.generation import Tool, ToolCall, Turn
from backends.engine.slots import Slots, TemplateFailed
from backends.engine.tools import R1, Markup, described, written

Message = dict[str, Any]
Render = Callable[[dict[str, Any]], str]

_SECONDS = 1.0  # of computing, for all questions together
_NAME, _KEY, _VALUE, _WORDS, _RESULT = "seek_name", "seek_key", "seek_value", "seek_words", "seek_result"


@dataclass(frozen=True, slots=True)
class Manners:
    """`describes`: it writes the tools into the prompt. `calls`: it writes an assistant's calls, whose `arguments` are
    an object or text, beside no content or an empty one (`silent`), and `together` with what was said before them.
    `results`: it writes what tools answered. One that writes no calls is not trusted with results: it may well give
    them to the assistant."""

    describes: bool = False
    calls: bool = False
    arguments: type[dict[str, Any]] | type[str] = dict
    silent: str | None = None
    together: bool = False
    results: bool = False


def asked(render: Render) -> Manners:
    """Find out a template's manners. `render` may raise TemplateFailed."""
    until = time.thread_time() + _SECONDS

    def shown(messages: Sequence[Message], **variables: Any) -> str:
        if time.thread_time() > until:
            return ""
        try:
            return render({"messages": messages, "add_generation_prompt": True, **variables})
        except TemplateFailed:
            return ""

    user, result = {"role": "user", "content": "?"}, {"role": "tool", "content": _RESULT, "tool_call_id": "seek_id"}
    function = {"name": _NAME, "description": _WORDS, "parameters": {"type": "object", "properties": {_KEY: {}}}}
    described_by_it = shown([user], tools=[{"type": "function", "function": function}])
    describes = all(word in described_by_it for word in (_NAME, _WORDS, _KEY))
    for kind, silent in product((dict, str), (None, "")):
        calls = [_call("seek_id", _NAME, kind, {_KEY: _VALUE})]

        def talk(content: str | None, calls: list[Message] = calls) -> str:
            return shown([user, {"role": "assistant", "content": content, "tool_calls": calls}, result])

        text = talk(silent)
        if text.count(_NAME) == text.count(_KEY) == text.count(_VALUE) == 1 and '\\"' not in text:
            both = talk(_WORDS)
            together = both.count(_NAME) == 1 and 0 < both.find(_WORDS) < both.find(_NAME)
            return Manners(describes, True, kind, silent, together, _RESULT in text)
    return Manners(describes)


def settled(turns: Sequence[Turn]) -> list[Turn]:
    """Each call has exactly one result, in the order of the calls, which is all that templates tell them apart by. A
    result that nobody asked for is told as the user's words: what was cut off the conversation is no reason to fail."""
    kept: list[Turn] = []
    rest = list(turns)
    while rest:
        turn = rest.pop(0)
        if turn.role == "tool":
            turn = Turn("user", turn.content)
        kept.append(turn)
        if turn.role == "assistant" and turn.tool_calls:
            results: list[Turn] = []
            while rest and rest[0].role == "tool":
                results.append(rest.pop(0))
            kept += _ordered(turn.tool_calls, results)
    return kept


def _ordered(calls: Sequence[ToolCall], results: list[Turn]) -> Iterator[Turn]:
    ids = {call.id for call in calls}
    for call in calls:
        of_it = [turn for turn in results if turn.tool_call_id == call.id]
        others = [turn for turn in results if turn.tool_call_id not in ids]
        result = (of_it or others or [Turn("tool", "", tool_call_id=call.id)])[0]
        if result in results:
            results.remove(result)
        yield result
    yield from (Turn("user", turn.content) for turn in results)


def messages(
    turns: Sequence[Turn], tools: Sequence[Tool], slots: Slots, markup: Markup, manners: Manners
) -> list[Message]:
    """The conversation as the template wants it, with slots for all texts."""
    told = [message for turn in settled(turns) for message in _told(turn, slots, markup, manners)]
    if not tools or manners.describes:
        return told
    each = [
        (slots.give(tool.name), slots.give(tool.description), slots.give(_json(dict(tool.parameters))))
        for tool in tools
    ]
    words = described(_plain(markup, manners), each)
    systems = [message for message in told if message["role"] == "system"]
    if not systems:
        return [{"role": "system", "content": words}, *told]
    before = str.__str__(systems[-1]["content"])
    systems[-1]["content"] = f"{before}\n\n{words}" if before else words
    return told


def offered(tools: Sequence[Tool], slots: Slots) -> list[Message]:
    """The tools as OpenAI's API has them."""
    return [
        {
            "type": "function",
            "function": {
                "name": slots.give(tool.name),
                "description": slots.give(tool.description),
                "parameters": slots.give_all(dict(tool.parameters)),
            },
        }
        for tool in tools
    ]


def _told(turn: Turn, slots: Slots, markup: Markup, manners: Manners) -> Iterator[Message]:
    content = slots.give(turn.content)
    if turn.role == "tool":
        if manners.results:
            yield {"role": "tool", "content": content, "tool_call_id": slots.give(turn.tool_call_id)}
        else:
            yield {"role": "user", "content": f"Result of the tool:\n{content}"}
        return
    message: Message = {"role": turn.role, "content": content}
    if turn.reasoning:
        message["reasoning_content"] = slots.give(turn.reasoning)
    if not turn.tool_calls:
        yield message
        return
    if not manners.calls:
        calls = [(slots.give(call.name), slots.give(_json(dict(call.arguments)))) for call in turn.tool_calls]
        before = f"{content}\n\n" if content else ""
        yield message | {"content": before + written(_plain(markup, manners), calls)}
        return
    if turn.content and not manners.together:
        yield message
        message = {"role": turn.role}
    calls_told = [
        _call(
            slots.give(call.id),
            slots.give(call.name),
            manners.arguments,
            slots.give_all(dict(call.arguments))
            if manners.arguments is dict
            else slots.give(_json(dict(call.arguments))),
        )
        for call in turn.tool_calls
    ]
    spoken = content if turn.content and manners.together else manners.silent
    yield message | {"content": spoken, "tool_calls": calls_told}


def _call(id_: str, name: str, kind: type, arguments: Any) -> Message:
    if kind is str and not isinstance(arguments, str):
        arguments = _json(arguments)
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


def _plain(markup: Markup, manners: Manners) -> Markup:
    """What is written in words of ours: DSML only where the template has it."""
    return R1 if markup.block and not manners.calls else markup


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise TemplateFailed("what a tool is given is no JSON") from error
