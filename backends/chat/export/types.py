"""What is exported, and how."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from backends.chat.options import Options
from backends.chat.sourced import ConversationScope
from backends.chat.types import Citation, Conversation, Message, Source
from backends.core.phrase import Language
from backends.governance.labels import Label

Extent = Literal["message", "branch", "shown", "conversation", "all"]
Titled = Literal["question", "person", "model"]


@dataclass(frozen=True, slots=True)
class Selection:
    """`ids`: of messages ("message": these; "branch": all down to this one), of conversations ("shown": the branch that
    is seen; "conversation": all branches), of nothing ("all")."""

    extent: Extent
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Manner:
    """`thinking`: with what the model thought. `label`: what a model wrote is marked as AI-generated."""

    language: Language = "en"
    thinking: bool = True
    label: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """A message with what it was made from."""

    message: Message
    sources: tuple[Source, ...] = ()
    citations: tuple[Citation, ...] = ()

    @property
    def by_model(self) -> bool:
        """A model wrote it: not the person, and it is not passages of documents, which nobody wrote."""
        passages = not self.message.model and bool(self.sources)
        return self.message.role == "assistant" and not passages


@dataclass(frozen=True, slots=True)
class Kept:
    """A conversation with what belongs to it. `shown`: the end of the branch that is seen."""

    conversation: Conversation
    titled_by: Titled = "question"
    folder: str = ""
    shown: int | None = None
    options: Options = field(default_factory=Options)
    scope: ConversationScope = field(default_factory=ConversationScope)


@dataclass(frozen=True, slots=True)
class Head:
    """Of a file. `label`: None if nothing in it is to be labelled. `origin`: which data folder it comes from, as a
    number that tells nothing else. `several`: there is more than one conversation in it. `check`: raises when the file
    is not wanted any more; who writes for long calls it."""

    title: str
    manner: Manner
    made: float
    label: Label | None = None
    origin: str = ""
    several: bool = False
    check: Callable[[], None] = lambda: None


class Writer(Protocol):
    """One format. It is made with the path of a file that is empty, and a Head; then called in this order. OSError when
    the disk refuses."""

    def conversation(self, kept: Kept) -> None: ...

    def message(self, told: Told, number: int, after: int) -> None:
        """The `number`th of its conversation. `after`: the number of the message that it follows, 0 for none."""
        ...

    def close(self) -> None:
        """All of it is said: complete the file."""
        ...

    def abandon(self) -> None:
        """It is not wanted any more: let go of the file."""
        ...


class MakeWriter(Protocol):
    def __call__(self, path: Path, head: Head, /) -> Writer: ...


@dataclass(frozen=True, slots=True)
class ExportProgress:
    done: int  # messages
    total: int


@dataclass(frozen=True, slots=True)
class ExportFinished:
    path: Path
    conversations: int
    messages: int
    labelled: bool


ExportEvent = ExportProgress | ExportFinished


@dataclass(frozen=True, slots=True)
class ImportProgress:
    fraction: float
    messages: int


@dataclass(frozen=True, slots=True)
class ImportFinished:
    conversation_ids: tuple[int, ...]
    messages: int


ImportEvent = ImportProgress | ImportFinished
