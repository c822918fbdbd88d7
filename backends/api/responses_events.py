"""One response as it comes to be: OpenAI's events of it, and the object that they lead to.

    events = ResponseEvents(echoed)
    events.begin(); events.take(told) …; events.fail(error)   # each gives the events that are to be sent
    events.response                                           # as it is now: whole after Finished was taken

Thinking is told as `reasoning_text`, not as a summary: it is what the model really said. One item is open at a time;
every event has its `sequence_number`, and where OpenAI's type has them `item_id`, `output_index`, `content_index`.
"""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from backends.api.errors import ApiError
from backends.api.openai_parts import logprobs
from backends.api.telling import Told
from backends.engine.protocol import Finished, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStarted, Usage

Event = dict[str, Any]
Kind = Literal["message", "reasoning", "function_call"]

_PREFIX: Mapping[Kind, str] = {"message": "msg", "reasoning": "rs", "function_call": "fc"}
_WORDS: Mapping[Kind, str] = {  # of the events that tell what is in it
    "message": "output_text",
    "reasoning": "reasoning_text",
    "function_call": "function_call_arguments",
}


@dataclass(slots=True)
class _Item:
    """`text`: of a message, of thinking, or the arguments of a call, as JSON."""

    kind: Kind
    id: str
    call_id: str = ""
    name: str = ""
    text: str = ""
    logprobs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def part(self) -> dict[str, Any]:
        """What is in it: a message and thinking have one part, a call has none."""
        if self.kind == "message":
            return {"type": "output_text", "text": self.text, "annotations": [], "logprobs": [*self.logprobs]}
        return {"type": "reasoning_text", "text": self.text}

    def told(self, status: str) -> dict[str, Any]:
        said: dict[str, Any] = {"id": self.id, "type": self.kind, "status": status}
        if self.kind == "function_call":
            return {**said, "call_id": self.call_id, "name": self.name, "arguments": self.text}
        said["content"] = [] if status == "in_progress" else [self.part]
        if self.kind == "message":
            return {**said, "role": "assistant"}
        return {**said, "summary": [], "encrypted_content": None}


class ResponseEvents:
    """`echoed`: fields of the request that a response repeats, with `model`."""

    def __init__(self, echoed: Mapping[str, Any]) -> None:
        self._head = {"id": _id("resp"), "object": "response", "created_at": int(time.time()), **echoed}
        self._end: dict[str, Any] = {"status": "in_progress", "error": None, "incomplete_details": None, "usage": None}
        self._output: list[dict[str, Any]] = []  # items that are done
        self._item: _Item | None = None
        self._number = 0  # of the next event

    @property
    def response(self) -> dict[str, Any]:
        return {**self._head, **self._end, "output": [*self._output]}

    @property
    def speaking(self) -> bool:
        return bool(self._output) or self._item is not None

    @property
    def over(self) -> bool:
        return self._end["status"] != "in_progress"

    def begin(self) -> Iterator[Event]:
        yield self._event("response.created", response=self.response)
        yield self.still_here()

    def still_here(self) -> Event:
        """Also said while a long prompt is read: some clients take events alone for signs of life, not comments."""
        return self._event("response.in_progress", response=self.response)

    def take(self, told: Told) -> Iterator[Event]:
        match told:
            case TextDelta(text):
                yield from self._open("message")
                yield self._delta(text, logprobs(told.logprobs)["content"])
            case ReasoningDelta(text):
                yield from self._open("reasoning")
                yield self._delta(text)
            case ToolCallStarted(_, id_, name):
                yield from self._close()
                yield from self._open("function_call", id_, name)
            case ToolCallDelta(_, text):
                yield self._delta(text)
            case Finished():
                yield from self._finish(told)

    def fail(self, error: ApiError) -> Event:
        """The last words of a response that went wrong."""
        self._end |= {"status": "failed", "error": {"code": _code(error), "message": error.message}}
        return self._event("response.failed", response=self.response)

    # ---- one item

    def _open(self, kind: Kind, call_id: str = "", name: str = "") -> Iterator[Event]:
        if self._item is not None and self._item.kind == kind:
            return
        yield from self._close()
        item = self._item = _Item(kind, _id(_PREFIX[kind]), call_id, name)
        yield self._event("response.output_item.added", **self._place, item=item.told("in_progress"))
        if kind != "function_call":
            yield self._event("response.content_part.added", **self._place_in, part=item.part)

    def _delta(self, text: str, tokens: Sequence[dict[str, Any]] | None = None) -> Event:
        assert self._item is not None
        self._item.text += text
        self._item.logprobs += tokens or ()
        more = {} if tokens is None else {"logprobs": tokens}
        return self._event(f"response.{_WORDS[self._item.kind]}.delta", **self._place_in, delta=text, **more)

    def _close(self, status: str = "completed") -> Iterator[Event]:
        if (item := self._item) is None:
            return
        done = f"response.{_WORDS[item.kind]}.done"
        match item.kind:
            case "message":
                yield self._event(done, **self._place_in, text=item.text, logprobs=[*item.logprobs])
            case "reasoning":
                yield self._event(done, **self._place_in, text=item.text)
            case "function_call":
                yield self._event(done, **self._place_in, name=item.name, arguments=item.text)
        if item.kind != "function_call":
            yield self._event("response.content_part.done", **self._place_in, part=item.part)
        yield self._event("response.output_item.done", **self._place, item=item.told(status))
        self._output.append(item.told(status))
        self._item = None

    @property
    def _place(self) -> dict[str, Any]:
        return {"output_index": len(self._output)}

    @property
    def _place_in(self) -> dict[str, Any]:
        assert self._item is not None
        where = {"item_id": self._item.id, **self._place}
        return where if self._item.kind == "function_call" else {**where, "content_index": 0}

    # ---- all of it

    def _finish(self, finished: Finished) -> Iterator[Event]:
        status = "incomplete" if finished.finish_reason == "length" else "completed"
        yield from self._close(status)
        self._end |= {"status": status, "usage": usage(finished.usage)}
        if status == "incomplete":
            self._end["incomplete_details"] = {"reason": "max_output_tokens"}
        else:
            self._end["completed_at"] = int(time.time())
        yield self._event(f"response.{status}", response=self.response)

    def _event(self, kind: str, **more: Any) -> Event:
        self._number += 1
        return {"type": kind, "sequence_number": self._number - 1, **more}


def usage(spent: Usage) -> dict[str, Any]:
    return {
        "input_tokens": spent.prompt_tokens,
        "input_tokens_details": {"cached_tokens": spent.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": spent.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": spent.reasoning_tokens},
        "total_tokens": spent.prompt_tokens + spent.completion_tokens,
    }


def _code(error: ApiError) -> str:
    """Codes that clients know; OpenAI's own types lack the first, which its own programs look for."""
    if error.code == "context_length_exceeded":
        return error.code
    return {400: "invalid_prompt", 429: "rate_limit_exceeded"}.get(error.status, "server_error")


def _id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(24)}"
