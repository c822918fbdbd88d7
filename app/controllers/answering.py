"""One answer on its way: the engine's events gathered into the row that shows them."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from app.language import say
from app.lists.messages import Live, MessageRow
from backends.chat.answer import AnswerAsked, AnswerEvent, AnswerSaved, AnswerStarted, Cited, ModelChosen, TurnsLeftOut
from backends.chat.grounding import SourcesFound, SourcesReading
from backends.core.stream import Stream
from backends.engine.protocol import (
    GenerateEvent,
    LoadEvent,
    LoadFinished,
    LoadProgress,
    LoadTrying,
    LoadWaiting,
    Paused,
    PromptProgress,
    Queued,
    ReasoningDelta,
    ReasoningReclassified,
    Resumed,
    TextDelta,
    ThinkingClosed,
)

Event = AnswerEvent | LoadEvent


class Answering:
    """`row` is what to show now, `drawn` the id of the row that shows it. `stream` is None while the answer waits for
    something else, such as a load; `asked` is the engine's own, once it has the question. `searches`: its documents
    first, `without` these chips. `begun`: the row of an answer that was cut off and goes on. `again`: its question has
    other answers. `afterwards`: what is done once it has ended."""

    def __init__(
        self,
        conversation_id: int,
        question_id: int,
        begun: MessageRow | None = None,
        *,
        searches: bool = False,
        without: frozenset[str] = frozenset(),
        again: bool = False,
    ) -> None:
        self.conversation_id = conversation_id
        self.question_id = question_id
        self.stream: Stream[Event] | None = None
        self.asked: Stream[GenerateEvent] | None = None
        self.saved = False
        self.searches, self.without = searches, without
        self.model = ""  # that is asked, by its name
        self.again = again
        self.afterwards: list[Callable[[], object]] = []
        self.begun = begun
        self._reasoning: list[str] = [begun.reasoning] if begun else []
        self._text: list[str] = [begun.text] if begun else []
        self._thought_before = begun.reasoning_s if begun else 0.0
        self._thinking_since: float | None = None
        self._thought = 0  # tokens
        self._budget: int | None = None
        self._last = Live("waiting")  # before a pause
        row = replace(begun, problem=None, stopped=False, truncated=False) if begun else None
        self.row = replace(row or MessageRow(-question_id, "assistant"), live=Live("waiting"))
        self.drawn = self.row.id

    @property
    def unbegun(self) -> bool:
        """It is not on disk."""
        return self.row.id < 0

    def show_loading(self, fraction: float | None) -> None:
        self.row = replace(self.row, live=Live("loading", fraction, detail=self.model))

    def take(self, events: Iterable[Event]) -> bool:
        """Gather them; True if a model was loaded meanwhile."""
        loaded = False
        row, live = self.row, self.row.live or Live("waiting")
        for event in events:
            match event:
                case ModelChosen(name):
                    self.model = name
                case LoadWaiting(answers):
                    live = Live("queued", before=answers)
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
                    live = Live("searching") if self.searches else live
                case TurnsLeftOut(count):
                    row = replace(row, left_out=count)
                case AnswerAsked(stream, budget):
                    self.asked, self._budget = stream, budget
                case Queued(before):
                    live = Live("queued", before=before) if before else Live("waiting")
                case Paused():
                    self._last = live if live.stage != "paused" else self._last
                    live = Live("paused")
                case Resumed():
                    live = self._last
                case ThinkingClosed():
                    live = Live("writing")
                case SourcesReading(done, total):
                    live = Live("sources", done / total if total else None, done=done, total=total)
                case SourcesFound():
                    row = replace(row, sources=event.sources, note=say(event.note), chips=event.chips)
                case PromptProgress(done, total):
                    live = Live("reading", done / total if total else None)
                case ReasoningDelta(text):
                    self._reasoning.append(text)
                    self._thought += 1
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
                case Cited(citations):
                    row = replace(row, citations=citations, explained=True)
                case AnswerSaved(message):
                    self.saved = True
                    grounds = {"sources": row.sources, "citations": row.citations, "deleted": row.deleted}
                    more = {"left_out": row.left_out, "note": row.note, "explained": row.explained, "chips": row.chips}
                    self.row = replace(MessageRow.of(message), **grounds, **more)
                    return loaded
        self.row = replace(row, text="".join(self._text), reasoning="".join(self._reasoning), live=live)
        return loaded

    def hurry(self) -> None:
        """The person wants the answer now."""
        if self.row.live is not None:
            self.row = replace(self.row, live=replace(self.row.live, hurried=True))

    def _thinking(self) -> Live:
        self._thinking_since = self._thinking_since or time.monotonic() - self._thought_before
        hurried = self.row.live is not None and self.row.live.hurried
        live = Live("thinking", thinking_since=self._thinking_since, hurried=hurried)
        return replace(live, thought=self._thought, budget=self._budget)

    def _thought_for(self) -> float:
        return time.monotonic() - self._thinking_since if self._thinking_since else self._thought_before
