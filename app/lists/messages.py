"""The messages of the conversation that is shown, one row each; the last may still be coming."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from backends.chat.sourced import Kept
from backends.chat.types import EDITED, Citation, Message, Problem, Source
from backends.documents.types import Chip

Stage = Literal[
    "saving",
    "trying",
    "loading",
    "waiting",
    "searching",
    "sources",
    "queued",
    "paused",
    "reading",
    "thinking",
    "writing",
]
_ANY_INDEX = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Live:
    """What is being done for an answer that is on its way. `fraction` 0..1 where it is known."""

    stage: Stage
    fraction: float | None = None
    thinking_since: float | None = None  # time.monotonic()
    detail: str = ""  # the model that loads
    before: int = 0  # answers that are served first
    done: int = 0  # passages of `total` that the model has read
    total: int = 0
    hurried: bool = False  # it was asked to end its thinking
    thought: int = 0  # tokens of its thinking so far
    budget: int | None = None  # of them at most


@dataclass(frozen=True, slots=True)
class MessageRow:
    """`id` is the message's own, or negative while it is not on disk. `live` None: it has its final state."""

    id: int
    role: Literal["user", "assistant"]
    text: str = ""
    reasoning: str = ""
    reasoning_s: float = 0.0
    reasoning_tokens: int = 0  # 0: not known
    stopped: bool = False
    truncated: bool = False
    problem: Problem | None = None
    model: str = ""
    device: str = ""
    cut_off: bool = False  # it can go on from its last word
    prompt_tokens: int | None = None
    cached_tokens: int = 0  # of the prompt, not read again
    ttft_s: float | None = None  # seconds to the first token
    tokens: int | None = None
    tokens_per_s: float | None = None
    position: int = 1
    siblings: int = 1
    sources: tuple[Source, ...] = ()  # what it was given of documents
    citations: tuple[Citation, ...] = ()
    deleted: frozenset[int] = frozenset()  # documents of its sources that are there no more
    note: str = ""  # what is to be known of its sources
    chips: tuple[Chip, ...] = ()  # what its question was narrowed to
    explained: bool = False  # there is an X-ray of it
    left_out: int = 0  # the oldest messages that did not fit the context
    edited: bool = False  # the person wrote it in place of the model
    goes_on: bool = False  # the branch was ended here, and there is more below
    live: Live | None = None

    @property
    def quotes(self) -> bool:
        """Nobody wrote it: there was no model, and passages of documents are the answer."""
        return bool(self.sources) and not self.model and self.live is None

    @classmethod
    def of(cls, message: Message, kept: Kept | None = None, deleted: frozenset[int] = frozenset()) -> "MessageRow":
        """`kept`: what it was made from, if it was from documents; `deleted` among those."""
        return cls(
            id=message.id,
            role=message.role,
            text=message.content,
            reasoning=message.reasoning,
            reasoning_s=message.reasoning_s,
            reasoning_tokens=message.usage.reasoning_tokens if message.usage else 0,
            stopped=message.status == "stopped",
            truncated=message.finish_reason == "length",
            problem=message.problem,
            model=message.model,
            device=message.device,
            cut_off=message.cut_off,
            prompt_tokens=message.usage.prompt_tokens if message.usage else None,
            cached_tokens=message.usage.cached_tokens if message.usage else 0,
            ttft_s=message.timings.ttft_s if message.timings else None,
            tokens=message.usage.completion_tokens if message.usage else None,
            tokens_per_s=message.timings.decode_tokens_per_s if message.timings else None,
            position=message.position,
            siblings=message.siblings,
            sources=kept.sources if kept else (),
            citations=kept.citations if kept else (),
            deleted=deleted,
            explained=kept is not None and kept.explained,
            edited=message.finish_reason == EDITED,
        )


class Edits(QObject):
    """What is being written in place of messages, by their ids: it outlives the widgets, which go out of sight."""

    changed = Signal(int)  # of this message another text, or none any more

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[int, str] = {}
        self.enter_sends = True

    def write(self, message_id: int, text: str) -> None:
        """Of a message that is being written anew."""
        if self.texts.get(message_id, text) != text:
            self.texts[message_id] = text
            self.changed.emit(message_id)


class MessageList(QAbstractListModel):
    """Rows in the order in which they are read. `ROW` gives the MessageRow itself."""

    branch_changing = Signal(int)  # from this row on they are replaced, and it stays where it stands on the screen
    branch_changed = Signal()

    class Role(IntEnum):
        ROW = Qt.ItemDataRole.UserRole + 1

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[MessageRow] = []
        self.edits = Edits()

    @property
    def rows(self) -> Sequence[MessageRow]:
        return self._rows

    def rowCount(self, parent: _ANY_INDEX | None = None) -> int:
        return len(self._rows) if parent is None or not parent.isValid() else 0

    def data(self, index: _ANY_INDEX, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not 0 <= index.row() < len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == self.Role.ROW:
            return row
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return row.text
        return None

    def reset(self, rows: Sequence[MessageRow]) -> None:
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    def append(self, *rows: MessageRow) -> None:
        first = len(self._rows)
        self.beginInsertRows(QModelIndex(), first, first + len(rows) - 1)
        self._rows.extend(rows)
        self.endInsertRows()

    def truncate(self, count: int) -> None:
        """Keep the first `count` rows."""
        if count < len(self._rows):
            self.beginRemoveRows(QModelIndex(), count, len(self._rows) - 1)
            del self._rows[count:]
            self.endRemoveRows()

    def follow(self, rows: Sequence[MessageRow], place: int) -> None:
        """Show another branch, of which the row at `place` stays where it stands on the screen."""
        if not rows or not self._rows:
            self.reset(rows)
            return
        self.branch_changing.emit(min(place, len(rows) - 1))
        self.truncate(len(rows))
        shared = len(self._rows)
        first = next((n for n in range(shared) if self._rows[n] != rows[n]), shared)
        if first < shared:
            self._rows[first:] = rows[first:shared]
            self.dataChanged.emit(self.index(first), self.index(shared - 1))
        if len(rows) > shared:
            self.append(*rows[shared:])
        self.branch_changed.emit()

    def begin_edit(self, message_id: int) -> None:
        """The person writes it anew."""
        if (index := self.find(message_id)) is not None and message_id not in self.edits.texts:
            self.edits.texts[message_id] = self._rows[index].text
            self._touch_in_place(index)

    def end_edit(self, message_id: int) -> None:
        """What was written is saved, or not wanted."""
        if self.edits.texts.pop(message_id, None) is None:
            return
        self.edits.changed.emit(message_id)
        if (index := self.find(message_id)) is not None:
            self._touch_in_place(index)

    def resume_edits(self, texts: Mapping[int, str]) -> None:
        """What was being written when the app ended; of those that have been begun since, what is written now."""
        for message_id in texts.keys() - self.edits.texts.keys():
            self.edits.texts[message_id] = texts[message_id]
            if (index := self.find(message_id)) is not None:
                self._touch_in_place(index)

    def put(self, index: int, row: MessageRow) -> None:
        """Replace one row."""
        if self._rows[index] != row:
            self._rows[index] = row
            self._touch(index)

    def _touch_in_place(self, index: int) -> None:
        self.branch_changing.emit(index)
        self._touch(index)
        self.branch_changed.emit()

    def _touch(self, index: int) -> None:
        place = self.index(index)
        self.dataChanged.emit(place, place)

    def find(self, message_id: int) -> int | None:
        for index in range(len(self._rows) - 1, -1, -1):
            if self._rows[index].id == message_id:
                return index
        return None
