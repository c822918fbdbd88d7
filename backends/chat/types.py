"""The words of this room as data. Times are Unix seconds, durations seconds."""

from dataclasses import dataclass
from typing import Literal

from backends.core.errors import Problem
from backends.core.phrase import Phrase
from backends.engine.protocol import Timings, Usage

Author = Literal["user", "assistant"]
Status = Literal["streaming", "done", "stopped", "failed"]
EDITED = "edited"  # the finish reason of an answer that the person wrote

INTERRUPTED = Problem(
    "interrupted",
    Phrase("DeskSeek ended while this answer was being written.", "写这段回答时 DeskSeek 意外退出。"),
    Phrase(
        "What had arrived was kept. Go on from there, or answer again.",
        "已收到的内容已保留。可从中断处继续，或重新生成。",
    ),
)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A row of the list. `preview` is the beginning of what was said last, on one line."""

    id: int
    title: str
    renamed: bool  # the person chose the title
    preview: str
    created: float
    updated: float
    deleted: float | None = None  # since when it waits to be restored or purged
    folder_id: int | None = None
    pinned: bool = False
    archived: bool = False
    unread: bool = False  # an answer came to its end, and was not looked at


@dataclass(frozen=True, slots=True)
class Message:
    """One node of the tree. `position` of `siblings` (from 1): which of the variants below its parent this is.

    A `stopped` message keeps what was said until then; with a `problem` (`interrupted`) it was a crash that
    stopped it, without one the person. A `failed` one has a `problem`, and perhaps some text before it.
    """

    id: int
    conversation_id: int
    parent_id: int | None
    role: Author
    content: str
    reasoning: str
    status: Status
    model: str  # alias of the model that wrote it, "" for the user's messages
    device: str
    finish_reason: str
    problem: Problem | None
    usage: Usage | None
    timings: Timings | None
    reasoning_s: float  # how long it thought before it answered
    created: float
    updated: float
    position: int
    siblings: int

    @property
    def cut_off(self) -> bool:
        """An answer that was begun and has no end: a crash, an error, the person or its longest length came first."""
        begun = self.role == "assistant" and bool(self.reasoning or self.content)
        return begun and (self.status in ("stopped", "failed") or self.finish_reason == "length")


@dataclass(frozen=True, slots=True)
class Source:
    """What an answer may cite as [n]: a stretch of a document's stored text. `known_as`: its path, or the id of a JSONL
    line. `pages`: where in `text` each page begins, as (offset, page); () if all of it stands on `page`."""

    n: int
    document_id: int
    title: str
    name: str
    page: int
    label: str
    start: int
    end: int
    text: str
    known_as: str = ""
    pages: tuple[tuple[int, int], ...] = ()

    def page_at(self, offset: int) -> int:
        """The page that this place of `text` stands on."""
        return next((page for begin, page in reversed(self.pages) if begin <= offset), self.page)


@dataclass(frozen=True, slots=True)
class Citation:
    """A mark [n] of an answer. `quote` stands at `start:end` of the document's stored text, on `page`; it says what
    `sentence_start:sentence_end` of the answer says (`verified`), does not (False), or that cannot be checked (None).
    Where there is no source n, `document_id` is 0 and the quote empty."""

    n: int
    document_id: int
    page: int
    start: int
    end: int
    quote: str
    sentence_start: int
    sentence_end: int
    verified: bool | None
