"""What a reader of an engine's stream has in the end."""

from collections.abc import Iterable
from dataclasses import dataclass

from backends.engine.protocol import Finished, GenerateEvent, ReasoningDelta, ReasoningReclassified, TextDelta


@dataclass(frozen=True, slots=True)
class Heard:
    reasoning: str
    text: str
    finished: Finished
    events: tuple[GenerateEvent, ...]


def hear(stream: Iterable[GenerateEvent]) -> Heard:
    """Listen to the end. Finished comes once, and last."""
    events, reasoning, text = tuple(stream), "", ""
    for event in events:
        match event:
            case ReasoningDelta(said):
                reasoning += said
            case TextDelta(said):
                text += said
            case ReasoningReclassified():
                reasoning, text = reasoning + text, ""
    (finished,) = (event for event in events if isinstance(event, Finished))
    assert events[-1] is finished
    return Heard(reasoning, text, finished, events)
