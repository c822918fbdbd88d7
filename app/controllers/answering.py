"""One answer on its way: the engine's events gathered into the row that shows them."""

import time
from collections.abc import Iterable
from dataclasses import replace

from app.lists.messages import Live, MessageRow
from backends.chat.answer import AnswerEvent, AnswerSaved, AnswerStarted, TurnsLeftOut
from backends.core.stream import Stream
from backends.engine.protocol import (
    LoadEvent,
    LoadFinished,
    LoadProgress,
    LoadTrying,
    PromptProgress,
    ReasoningDelta,
    ReasoningReclassified,
    TextDelta,
)

Event = AnswerEvent | LoadEvent


class Answering:
    """`row` is what to show now. `stream` is None while the answer waits for something else, such as a load."""

    def __init__(self, conversation_id: int, question_id: int, model: str) -> None:
        self.conversation_id = conversation_id
        self.question_id = question_id
        self.stream: Stream[Event] | None = None
        self.saved = False
        self.model = model
        self._reasoning: list[str] = []
        self._text: list[str] = []
        self._thinking_since: float | None = None
        self.row = MessageRow(-question_id, "assistant", live=Live("waiting"))

    def show_loading(self, fraction: float | None) -> None:
        self.row = replace(self.row, live=Live("loading", fraction, detail=self.model))

    def take(self, events: Iterable[Event]) -> bool:
        """Gather them; True if a model was loaded meanwhile."""
        loaded = False
        row, live = self.row, self.row.live or Live("waiting")
        for event in events:
            match event:
                case LoadTrying():
                    live = Live("trying", 0.0, detail=self.model)
                case LoadProgress(fraction):
                    tries = live.stage == "trying" and fraction >= (live.fraction or 0.0)
                    live = Live("trying" if tries else "loading", fraction, detail=self.model)
                case LoadFinished():
                    live = Live("waiting")
                    loaded = True
                case AnswerStarted(_, message_id):
                    row = replace(row, id=message_id)
                case TurnsLeftOut(count):
                    row = replace(row, left_out=count)
                case PromptProgress(done, total):
                    live = Live("reading", done / total if total else None)
                case ReasoningDelta(text):
                    self._reasoning.append(text)
                    live = self._thinking()
                case ReasoningReclassified():
                    self._reasoning += self._text
                    self._text = []
                    live = self._thinking()
                case TextDelta(text):
                    self._text.append(text)
                    if live.stage != "writing":
                        row = replace(row, reasoning_s=self._thought_for())
                        live = Live("writing")
                case AnswerSaved(message):
                    self.saved = True
                    self.row = replace(MessageRow.of(message), left_out=row.left_out)
                    return loaded
        self.row = replace(row, text="".join(self._text), reasoning="".join(self._reasoning), live=live)
        return loaded

    def _thinking(self) -> Live:
        self._thinking_since = self._thinking_since or time.monotonic()
        return Live("thinking", thinking_since=self._thinking_since)

    def _thought_for(self) -> float:
        return time.monotonic() - self._thinking_since if self._thinking_since else 0.0
