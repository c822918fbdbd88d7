"""What is told of an answer for good: programs cannot be told later that it was meant otherwise.

    telling = Telling(asked.model, request)
    for event in telling.take(event): ...   # TextDelta, ReasoningDelta, ToolCallStarted, ToolCallDelta, Finished

The engine may say that text was thinking after all (`ReasoningReclassified`), or that a call is none
(`ToolCallDropped`). So text is held back while nobody knows whether the model thinks, and a call until it is complete.
A call that the model was made to make is told as it comes: it can only be cut off by `max_tokens`, and stays as it is.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from backends.api.calls import Call
from backends.api.errors import ApiError
from backends.engine.protocol import (
    Finished,
    GenerateEvent,
    GenerateRequest,
    LoadedModel,
    NamedTool,
    OpeningUnknown,
    ReasoningDelta,
    ReasoningReclassified,
    TextDelta,
    TokenLogprob,
    ToolCallDelta,
    ToolCallDropped,
    ToolCallStarted,
    Usage,
)

Told = TextDelta | ReasoningDelta | ToolCallStarted | ToolCallDelta | Finished


class Telling:
    """Of one answer. Calls are numbered anew from 0. `single`: one call at most, whatever the model says."""

    def __init__(self, model: LoadedModel, request: GenerateRequest, *, single: bool = False) -> None:
        self._thinks, self._single = model.thinks, single
        self._forced = request.tool_choice == "required" or isinstance(request.tool_choice, NamedTool)
        self._unsure = False
        self._text: list[TextDelta] = []  # held back
        self._call: list[ToolCallStarted | ToolCallDelta] = []  # held back
        self._calls = 0
        self._cut = False  # a call that was told will not be complete

    def take(self, event: GenerateEvent) -> Iterator[Told]:
        match event:
            case TextDelta():
                yield from self._told_call()
                if self._unsure:
                    self._text.append(event)
                elif not self._cut:
                    yield event
            case ReasoningDelta():
                yield from self._told_text()
                yield event
            case OpeningUnknown():
                self._unsure = self._thinks
            case ReasoningReclassified():
                if (held := _joined(self._text)) is not None:
                    yield ReasoningDelta(held.text, held.logprobs)
                self._text, self._unsure = [], False
            case ToolCallStarted():
                yield from self._told_text()
                yield from self._told_call()
                self._call.append(event)
                yield from self._told_call() if self._forced else ()
            case ToolCallDelta():
                self._call.append(event)
                yield from self._told_call() if self._forced else ()
            case ToolCallDropped():
                self._call, self._cut = [], self._forced
            case Finished():
                yield from self._told_text()
                yield from self._told_call()
                yield event
            case _:
                return

    def _told_text(self) -> Iterator[Told]:
        """It is no thinking."""
        held, self._text, self._unsure = _joined(self._text), [], False
        if held is not None:
            yield held

    def _told_call(self) -> Iterator[Told]:
        """It is a call."""
        held, self._call = self._call, []
        for event in held:
            self._calls += isinstance(event, ToolCallStarted)
            if self._calls == 1 or not self._single:
                yield replace(event, index=self._calls - 1)


def _joined(deltas: Sequence[TextDelta]) -> TextDelta | None:
    if not deltas:
        return None
    return TextDelta("".join(d.text for d in deltas), tuple(one for d in deltas for one in d.logprobs))


@dataclass(slots=True)
class Called:
    """`arguments`: JSON text, an object; cut off where `max_tokens` did."""

    id: str
    name: str
    arguments: str = ""


@dataclass(slots=True)
class Answer:
    """All that was said. `logprobs`: of the text."""

    finished: Finished
    text: str = ""
    reasoning: str = ""
    calls: list[Called] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)


def whole(
    events: Iterable[GenerateEvent], call: Call, model: LoadedModel, request: GenerateRequest, *, single: bool = False
) -> Answer:
    """Of the events of one answer, to the last. ApiError if it was broken off."""
    telling, text, reasoning = Telling(model, request, single=single), list[str](), list[str]()
    calls, logprobs = list[Called](), list[TokenLogprob]()
    finished: Finished | None = None
    for event in events:
        for told in telling.take(event):
            match told:
                case TextDelta():
                    text.append(told.text)
                    logprobs += told.logprobs
                case ReasoningDelta():
                    reasoning.append(told.text)
                case ToolCallStarted(_, id_, name):
                    calls.append(Called(id_, name))
                case ToolCallDelta():
                    calls[-1].arguments += told.text
                case Finished():
                    finished = told
    if finished is None:
        raise broken_off(call)
    check(finished, call)
    return Answer(finished, "".join(text), "".join(reasoning), calls, logprobs)


def check(finished: Finished, call: Call) -> None:
    """ApiError if the answer did not come to its end."""
    if finished.finish_reason == "cancelled":
        raise broken_off(call)


def broken_off(call: Call) -> ApiError:
    """Somebody stopped it, at the computer where it runs; or the model had to go."""
    if call.token.cancelled:
        return ApiError(500, "The answer was stopped.", "cancelled")
    return ApiError(503, "The model was unloaded while it answered.", "answer_stopped")


def together(answers: Sequence[Finished]) -> Usage:
    """Of several answers to one prompt, which is read once."""
    usages = [answer.usage for answer in answers]
    return Usage(
        max(usage.prompt_tokens for usage in usages),
        sum(usage.completion_tokens for usage in usages),
        sum(usage.reasoning_tokens for usage in usages),
        min(usage.cached_tokens for usage in usages),
    )
