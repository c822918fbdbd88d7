"""What is asked of the engine's thread, and what it says when nothing can come of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from backends.core.errors import InvalidInput, Unavailable
from backends.core.phrase import Phrase
from backends.core.stream import Stream
from backends.engine.protocol import MOST_CHOICES

CLOSE, LOOK = "close", "look"  # into the inbox: the end; somebody who waits has gone


class Journal(Protocol):
    """Marks around work in native code, which can end the process (core/crashes.CrashJournal)."""

    abort_file: Path

    def begin(self, what: str, detail: str) -> None: ...

    def end(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """Something to be done on the engine's thread; what goes wrong comes out of the stream.

    `alone`: when no answer is computed. `needs_model`: it waits for one that is coming. `urgent`: at once, before all
    that waits.
    """

    stream: Stream[Any]
    call: Callable[[], None]
    alone: bool = False
    needs_model: bool = False
    urgent: bool = False
    submitted: float | None = None  # an answer's: it ends with Finished even if it never comes to that


def no_model() -> Unavailable:
    return Unavailable(
        Phrase("No model is loaded.", "尚未加载模型。"),
        Phrase("Load a model first.", "请先加载模型。"),
        code="no_model",
    )


def stopped() -> Unavailable:
    return Unavailable(
        Phrase("The engine was stopped.", "引擎已停止。"),
        Phrase("Load the model again.", "请重新加载模型。"),
        code="engine_stopped",
    )


def bad_choices(n: int) -> InvalidInput:
    return InvalidInput(
        Phrase(f"{n} answers at once cannot be given.", f"无法一次给出 {n} 个回答。"),
        Phrase(f"Ask for 1 to {MOST_CHOICES}.", f"请指定 1 到 {MOST_CHOICES} 个。"),
        code="bad_choices",
    )
