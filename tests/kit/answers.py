"""What a reader of an engine's stream has in the end."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from backends.core.stream import Stream
from backends.engine.loader import NativeEngine
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


@contextmanager
def asleep(engine: NativeEngine) -> Iterator[None]:
    """Nothing begins that is asked for in here: whoever asks has time to listen to it from its first event on."""
    list(engine.suspend())
    yield
    list(engine.resume())


def overheard(
    engine: NativeEngine, ask: Callable[[], Stream[Any]], look: Callable[[Stream[Any], list[Any]], None]
) -> list[Any]:
    """All that `ask` is answered; `look` is told, on the engine's own thread and as it comes, what was said so far."""
    said: list[Any] = []

    def listen(stream: Stream[Any]) -> None:
        said.extend(stream.drain())
        if said:
            look(stream, said)

    with asleep(engine):
        stream = ask()
        stream.on_wake(lambda: listen(stream))
    stream.wait()
    stream.on_wake(None)
    return [*said, *stream.drain()]
