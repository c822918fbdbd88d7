"""The import of the JSON (`chat.export.json`). Conversations come in as if they were deleted, some messages at a time,
and are seen together when the last one is there; what went wrong before is erased at once, after a crash at the next
start. Ids are new, nothing is written over; numbers of documents hold in the data folder that they are from."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backends.chat.export.checked import (
    ConversationRead,
    Fields,
    MessageRead,
    conversation_read,
    message_read,
)
from backends.chat.export.files import export_error
from backends.chat.export.json import FORMAT, VERSION
from backends.chat.export.pulled import Pulled, broken, too_new
from backends.chat.export.types import ImportEvent, ImportFinished, ImportProgress
from backends.chat.rows import NEXT_ACTIVITY, TIMINGS_FIELDS, USAGE_FIELDS, problem_text
from backends.chat.store import ChatStore
from backends.chat.tree import newest_leaf
from backends.core.cancel import CancelToken
from backends.core.errors import NotFound, StorageError
from backends.core.files import disk_full
from backends.core.phrase import Phrase
from backends.storage.database import Connected, Database

FOLDER = Phrase("Imported", "已导入")
MOST_VARIANTS = 1000  # at one place of a tree: their number is counted for each of them
MOST_MESSAGES = 2_000_000
_MOST_CONVERSATIONS = 200_000
_AT_ONCE = 200  # messages in one transaction,
_LARGE = 4 << 20  # or characters
_TEXTS = ("content", "reasoning", "status", "model", "device", "finish_reason")


@dataclass(slots=True)
class _Place:
    """The conversation that is being read."""

    id: int
    ids: dict[int, int] = field(default_factory=dict)  # of the file: of chats.db
    answers: set[int] = field(default_factory=set)  # ids of the file
    variants: dict[int, int] = field(default_factory=dict)
    waiting: list[MessageRead] = field(default_factory=list)
    size: int = 0


def import_chats(
    database: Database, chats: ChatStore, path: Path, origin: str, folder: str, *, cancel: CancelToken
) -> Iterator[ImportEvent]:
    """`origin` of this data folder; `folder`: where they come to. InvalidInput `broken_file`, `file_too_new`, NotFound,
    StorageError; then nothing has changed."""
    reading = _Import(database, chats, origin, cancel)
    try:
        yield from reading.run(path, folder)
    except BaseException:
        chats.purge(reading.made)
        raise


class _Import:
    def __init__(self, database: Database, chats: ChatStore, origin: str, cancel: CancelToken) -> None:
        self.made: list[int] = []
        self._database, self._chats, self._origin, self._cancel = database, chats, origin, cancel
        self._head: dict[str, Any] = {}
        self._messages = 0
        self._now = time.time()
        self._from_here = False

    def run(self, path: Path, folder: str) -> Iterator[ImportEvent]:
        try:
            size = path.stat().st_size
            if shutil.disk_usage(self._database.path.parent).free < size:
                raise disk_full(self._database.path)
            self._from_here = _origin_of(path) == self._origin
            with path.open("rb") as file:
                pulled = Pulled(file, size)
                yield from self._file(pulled)
        except FileNotFoundError as error:
            raise NotFound(Phrase(f"There is no file {path}.", f"文件 {path} 不存在。"), code="no_file") from error
        except OSError as error:
            raise _unreadable(error, path) from error
        self._check_head()
        if not self.made:
            raise broken(Phrase("there is no conversation in it", "其中没有对话"))
        self._publish(folder)
        yield ImportFinished(tuple(self.made), self._messages)

    def _file(self, pulled: Pulled) -> Iterator[ImportEvent]:
        for key in pulled.entries():
            if key != "conversations":
                self._head[key] = pulled.value() if key in ("format", "version") else pulled.skip()
                self._check_version()
                continue
            for _ in pulled.items():
                yield from self._conversation(pulled)
        pulled.end()

    def _check_version(self) -> None:
        version = self._head.get("version")
        if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
            raise too_new(version)

    def _check_head(self) -> None:
        version = self._head.get("version")
        if self._head.get("format") != FORMAT or isinstance(version, bool) or version not in range(1, VERSION + 1):
            raise broken(Phrase("it is no export of DeskSeek", "不是 DeskSeek 导出的文件"))

    # ---- one conversation

    def _conversation(self, pulled: Pulled) -> Iterator[ImportEvent]:
        number = len(self.made) + 1
        if number > _MOST_CONVERSATIONS:
            raise broken(Phrase("it holds too many conversations", "其中的对话过多"))
        place = _Place(self._begin())
        said: dict[str, Any] = {}
        for key in pulled.entries():
            if key != "messages":
                said[key] = pulled.value()
                continue
            for _ in pulled.items():
                self._cancel.check()
                self._message(place, pulled.value(), number)
                if len(place.waiting) >= _AT_ONCE or place.size >= _LARGE:
                    self._save(place)
                    yield ImportProgress(pulled.fraction, self._messages)
        self._save(place)
        where = Phrase(f"conversation {number}", f"第 {number} 个对话")
        self._end(place, conversation_read(Fields.of(said, where), self._now, same_home=self._from_here))
        yield ImportProgress(pulled.fraction, self._messages)

    def _begin(self) -> int:
        with self._database.atomic() as connection:
            made = connection.execute(
                f"INSERT INTO conversations (activity, created, updated, deleted) VALUES ({NEXT_ACTIVITY}, ?, ?, ?)",
                (self._now, self._now, self._now),
            ).lastrowid
        assert made is not None
        self.made.append(made)
        return made

    def _message(self, place: _Place, value: Any, number: int) -> None:
        order = len(place.ids) + 1
        where = Phrase(f"message {order} of conversation {number}", f"第 {number} 个对话的第 {order} 条消息")
        fields = Fields.of(value, where)
        read = message_read(fields, self._now, same_home=self._from_here)
        if read.id in place.ids:
            raise fields.wrong("id")
        if read.parent and read.parent not in place.ids:
            raise fields.wrong("parent")
        if read.role == "assistant" and (not read.parent or read.parent in place.answers):
            raise fields.wrong("role")
        variants = place.variants[read.parent] = place.variants.get(read.parent, 0) + 1
        self._messages += 1
        if variants > MOST_VARIANTS or self._messages > MOST_MESSAGES:
            raise broken(Phrase(f"{where.en} is one too many", f"{where.zh}超出数量限制"))
        place.ids[read.id] = 0
        if read.role == "assistant":
            place.answers.add(read.id)
        place.waiting.append(read)
        place.size += len(read.content) + len(read.reasoning) + sum(len(one.text) for one in read.sources)

    def _save(self, place: _Place) -> None:
        with self._database.atomic() as connection:
            for one in place.waiting:
                place.ids[one.id] = new = _insert(connection, place.id, place.ids.get(one.parent), one)
                if one.sources:
                    self._chats.sourced.save_sources(new, one.sources)
                if one.citations:
                    self._chats.sourced.save_citations(new, one.citations)
        place.waiting.clear()
        place.size = 0

    def _end(self, place: _Place, said: ConversationRead) -> None:
        with self._database.atomic() as connection:
            shown = place.ids.get(said.shown) or newest_leaf(connection, place.id, None)
            connection.execute(
                "UPDATE conversations SET title = ?, renamed = ?, active_leaf = ?, created = ?, updated = ?, "
                "pinned = ?, archived = ?, options = ? WHERE id = ?",
                (
                    *(said.title, said.renamed, shown, said.created, said.updated),
                    *(said.pinned, said.archived, said.options, place.id),
                ),
            )
            if said.scope.kind != "off":
                self._chats.sourced.set_scope(place.id, said.scope)

    def _publish(self, folder: str) -> None:
        with self._database.atomic() as connection:
            found = connection.execute(
                "SELECT id FROM folders WHERE name IN (?, ?) ORDER BY id LIMIT 1", (FOLDER.en, FOLDER.zh)
            ).fetchone()
            folder_id = found[0] if found else self._chats.organised.create_folder(folder).id
            connection.executemany(
                "UPDATE conversations SET deleted = NULL, folder_id = ? WHERE id = ?",
                [(folder_id, one) for one in self.made],
            )


def _insert(connection: Connected, conversation_id: int, parent: int | None, one: MessageRead) -> int:
    values: dict[str, Any] = {
        "conversation_id": conversation_id,
        "parent_id": parent,
        "role": one.role,
        "problem": problem_text(one.problem),
        "reasoning_s": one.reasoning_s,
        "created": one.created,
        "updated": one.updated,
    }
    values |= {name: getattr(one, name) for name in _TEXTS}
    values |= {name: getattr(one.usage, name, None) for name in USAGE_FIELDS}
    values |= {name: getattr(one.timings, name, None) for name in TIMINGS_FIELDS}
    made = connection.execute(
        f"INSERT INTO messages ({', '.join(values)}) VALUES ({', '.join('?' for _ in values)})", tuple(values.values())
    ).lastrowid
    assert made is not None
    return made


def _origin_of(path: Path) -> str:
    """Which data folder it says it is from; "" if that does not stand before the conversations, as we write it."""
    with path.open("rb") as file:
        pulled = Pulled(file, 1)
        for key in pulled.entries():
            if key == "conversations":
                return ""
            value = pulled.value()
            if key == "origin":
                return value if isinstance(value, str) else ""
    return ""


def _unreadable(error: OSError, path: Path) -> StorageError:
    said = export_error(error, path)
    if said.code == "read_only":
        return StorageError(Phrase(f"{path} cannot be read.", f"无法读取 {path}。"), code="cannot_read")
    why = error.strerror or str(error)
    return StorageError(Phrase(f"{path} cannot be read: {why}.", f"无法读取 {path}：{why}。"), code="cannot_read")
