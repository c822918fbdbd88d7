"""One message as it comes to be: Anthropic's events of it, and the object that they lead to.

    events = MessageEvents(model)
    events.begin(prompt, cached); events.take(told) …   # each gives the events that are to be sent
    events.message                                      # as it is now: whole after Finished was taken

Of a prompt, `input_tokens` are those that had to be computed, `cache_read_input_tokens` the others.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_core import from_json

from backends.api.telling import Told
from backends.engine.protocol import Finished, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStarted, Usage

Event = dict[str, Any]
Kind = Literal["text", "thinking", "tool_use"]

_SIGNATURE = "deskseek"  # clients send thinking back only if it has one; nobody looks at it here


@dataclass(slots=True)
class _Block:
    """`text`: what is in it; of a call its arguments, as JSON."""

    kind: Kind
    id: str = ""
    name: str = ""
    text: str = ""

    @property
    def begun(self) -> dict[str, Any]:
        match self.kind:
            case "text":
                return {"type": "text", "text": ""}
            case "thinking":
                return {"type": "thinking", "thinking": "", "signature": ""}
            case "tool_use":
                return {"type": "tool_use", "id": self.id, "name": self.name, "input": {}}

    @property
    def whole(self) -> dict[str, Any]:
        match self.kind:
            case "text":
                return {**self.begun, "text": self.text}
            case "thinking":
                return {**self.begun, "thinking": self.text, "signature": _SIGNATURE}
            case "tool_use":
                return {**self.begun, "input": _input(self.text)}

    def delta(self, text: str) -> dict[str, Any]:
        match self.kind:
            case "text":
                return {"type": "text_delta", "text": text}
            case "thinking":
                return {"type": "thinking_delta", "thinking": text}
            case "tool_use":
                return {"type": "input_json_delta", "partial_json": text}


class MessageEvents:
    def __init__(self, model: str) -> None:
        self._head = {"id": f"msg_{secrets.token_hex(12)}", "type": "message", "role": "assistant", "model": model}
        self._end: dict[str, Any] = {"stop_reason": None, "stop_sequence": None}
        self._usage = usage(Usage(0, 0, 0))
        self._content: list[dict[str, Any]] = []  # blocks that are done
        self._block: _Block | None = None
        self.begun = False

    @property
    def message(self) -> dict[str, Any]:
        return {**self._head, "content": [*self._content], **self._end, "usage": self._usage}

    @property
    def over(self) -> bool:
        return self._end["stop_reason"] is not None

    def begin(self, spent: Usage) -> Iterator[Event]:
        """As soon as it is known how long the prompt is, and what of it is known already."""
        if not self.begun:
            self.begun, self._usage = True, usage(spent)
            yield {"type": "message_start", "message": self.message}

    def take(self, told: Told) -> Iterator[Event]:
        yield from self.begin(told.usage if isinstance(told, Finished) else Usage(0, 0, 0))
        match told:
            case TextDelta(text):
                yield from self._open("text")
                yield self._delta(text)
            case ReasoningDelta(text):
                yield from self._open("thinking")
                yield self._delta(text)
            case ToolCallStarted(_, id_, name):
                yield from self._close()
                yield from self._open("tool_use", id_, name)
            case ToolCallDelta(_, text):
                yield self._delta(text)
            case Finished():
                yield from self._close()
                yield from self._finish(told)

    def _open(self, kind: Kind, id_: str = "", name: str = "") -> Iterator[Event]:
        if self._block is not None and self._block.kind == kind:
            return
        yield from self._close()
        self._block = _Block(kind, id_, name)
        yield {"type": "content_block_start", "index": len(self._content), "content_block": self._block.begun}

    def _delta(self, text: str) -> Event:
        assert self._block is not None
        self._block.text += text
        return {"type": "content_block_delta", "index": len(self._content), "delta": self._block.delta(text)}

    def _close(self) -> Iterator[Event]:
        if (block := self._block) is None:
            return
        index = len(self._content)
        if block.kind == "thinking":
            signed = {"type": "signature_delta", "signature": _SIGNATURE}
            yield {"type": "content_block_delta", "index": index, "delta": signed}
        yield {"type": "content_block_stop", "index": index}
        self._content.append(block.whole)
        self._block = None

    def _finish(self, finished: Finished) -> Iterator[Event]:
        self._usage = usage(finished.usage)
        self._end = {"stop_reason": _reason(finished), "stop_sequence": finished.stop or None}
        yield {"type": "message_delta", "delta": self._end, "usage": self._usage}
        yield {"type": "message_stop"}


def _input(text: str) -> dict[str, Any]:
    """Of a call that was cut off what there is of it, as Anthropic's client reads a stream."""
    try:
        found = from_json(text.strip() or "{}", allow_partial=True)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def usage(spent: Usage) -> dict[str, Any]:
    return {
        "input_tokens": spent.prompt_tokens - spent.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": spent.cached_tokens,
        "output_tokens": spent.completion_tokens,
        "output_tokens_details": {"thinking_tokens": spent.reasoning_tokens},
    }


def _reason(finished: Finished) -> str:
    match finished.finish_reason:
        case "length":
            return "max_tokens"
        case "tool_calls":
            return "tool_use"
        case _:
            return "stop_sequence" if finished.stop else "end_turn"
