"""An answer while it is written: what the engine said, gathered, and when it is due on disk."""

import time
from dataclasses import replace

from backends.chat.store import ChatStore
from backends.chat.types import Message, Problem, Status
from backends.engine.protocol import (
    Finished,
    GenerateEvent,
    ReasoningDelta,
    ReasoningReclassified,
    TextDelta,
    Usage,
)

SAVE_EVERY = 0.8  # seconds; with the write itself, no more than a second is lost


class Draft:
    """An answer while it is written, and how much of it is on disk. `begun`: what it had said before, if it goes on."""

    def __init__(self, store: ChatStore, begun: Message) -> None:
        self._store = store
        self._message_id = begun.id
        self._reasoning = [begun.reasoning] if begun.reasoning else []
        self._text = [begun.content] if begun.content else []
        self._before = begun
        self._thinking_since: float | None = None
        self._thought_before = self._thought_for = begun.reasoning_s
        self._unsaved_since: float | None = None
        self._finished: Finished | None = None
        self.ended = False

    @property
    def text(self) -> str:
        """The answer so far, without its thinking."""
        return "".join(self._text)

    @property
    def whole(self) -> bool:
        return self._finished is not None and self._finished.finish_reason != "cancelled"

    def take(self, event: GenerateEvent) -> None:
        now = time.monotonic()
        match event:
            case ReasoningDelta(text):
                self._thinking_since = self._thinking_since or now
                self._thought_for = self._thought_before + now - self._thinking_since
                self._reasoning.append(text)
            case TextDelta(text):
                self._text.append(text)
            case ReasoningReclassified():
                self._reasoning += self._text
                self._text = []
            case Finished():
                self._finished = event
            case _:
                return
        if self._unsaved_since is None:
            self._unsaved_since = now

    def seconds_to_save(self) -> float | None:
        """Seconds until the oldest unsaved text must be written; None while there is none."""
        if self._unsaved_since is None:
            return None
        return max(0.0, self._unsaved_since + SAVE_EVERY - time.monotonic())

    def save_if_due(self) -> None:
        if self.seconds_to_save() == 0.0:
            self._store.save_progress(self._message_id, "".join(self._reasoning), "".join(self._text))
            self._unsaved_since = None

    def end(self, status: Status, problem: Problem | None = None) -> Message:
        self.ended = True
        finished = self._finished
        return self._store.finish(
            self._message_id,
            status,
            reasoning="".join(self._reasoning),
            content="".join(self._text),
            problem=problem,
            finish_reason=finished.finish_reason if finished else "",
            usage=_together(self._before.usage, finished.usage) if finished else self._before.usage,
            timings=finished.timings if finished else self._before.timings,
            device=finished.device if finished else self._before.device,
            reasoning_s=self._thought_for,
        )


def _together(before: Usage | None, now: Usage) -> Usage:
    """Of an answer that was cut off and went on: the prompt counts once, what was said all together."""
    if before is None:
        return now
    return replace(
        now,
        prompt_tokens=before.prompt_tokens,
        completion_tokens=before.completion_tokens + now.completion_tokens,
        reasoning_tokens=before.reasoning_tokens + now.reasoning_tokens,
        cached_tokens=before.cached_tokens,
    )
