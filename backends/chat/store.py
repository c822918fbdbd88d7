"""`chats.db`: conversations as trees of messages.

A conversation has one active branch: the path from its first message to `active_leaf`. Answering again or editing
a question adds a sibling and moves the leaf; nothing is lost. The list is ordered by `activity`, a counter, since
clocks jump. A deleted conversation can be restored until it is purged. Opening the store, which only the owner of
the data folder does, marks answers that a crash cut off and purges what was deleted long ago.

SQL stands nowhere else in this room. What sqlite3 raises is turned into StorageError by `Database`.
"""

import json
import sqlite3
import time
from collections.abc import Iterable
from typing import Literal

from backends.chat.sourced import Sourced, create_sourced
from backends.chat.titles import one_line, title_of
from backends.chat.types import INTERRUPTED, Author, Conversation, Message, Problem, Status
from backends.core.errors import NotFound
from backends.core.phrase import Phrase
from backends.engine.protocol import Timings, Usage
from backends.storage.database import Database, Migration

KEEP_DELETED = 30 * 24 * 3600.0  # seconds
_PREVIEW = 120  # characters


def _create(connection: sqlite3.Connection) -> None:
    connection.execute(
        """
        CREATE TABLE conversations (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            title TEXT NOT NULL DEFAULT '',
            renamed INTEGER NOT NULL DEFAULT 0,
            active_leaf INTEGER REFERENCES messages(id) DEFERRABLE INITIALLY DEFERRED,
            activity INTEGER NOT NULL,
            created REAL NOT NULL,
            updated REAL NOT NULL,
            deleted REAL
        )
        """
    )
    connection.execute(
        """
        CREATE TABLE messages (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            conversation_id INTEGER NOT NULL REFERENCES conversations(id) DEFERRABLE INITIALLY DEFERRED,
            parent_id INTEGER REFERENCES messages(id) DEFERRABLE INITIALLY DEFERRED,
            role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
            content TEXT NOT NULL,
            reasoning TEXT NOT NULL DEFAULT '',
            status TEXT NOT NULL CHECK (status IN ('streaming', 'done', 'stopped', 'failed')),
            model TEXT NOT NULL DEFAULT '',
            device TEXT NOT NULL DEFAULT '',
            finish_reason TEXT NOT NULL DEFAULT '',
            problem TEXT,
            prompt_tokens INTEGER, completion_tokens INTEGER, reasoning_tokens INTEGER, cached_tokens INTEGER,
            prefill_tokens_per_s REAL, decode_tokens_per_s REAL, ttft_s REAL, total_s REAL,
            reasoning_s REAL NOT NULL DEFAULT 0,
            created REAL NOT NULL,
            updated REAL NOT NULL
        )
        """
    )
    connection.execute("CREATE INDEX messages_by_place ON messages (conversation_id, parent_id)")
    connection.execute("CREATE INDEX messages_by_parent ON messages (parent_id)")
    connection.execute("CREATE INDEX messages_streaming ON messages (status) WHERE status = 'streaming'")
    connection.execute("CREATE INDEX conversations_by_activity ON conversations (activity)")


MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, "conversations and messages", _create),
    Migration(2, "sources of answers", create_sourced),
)

_CONVERSATIONS = """
    SELECT c.id, c.title, c.renamed, c.created, c.updated, c.deleted,
           substr(CASE WHEN trim(leaf.content) = '' THEN question.content ELSE leaf.content END, 1, 600)
    FROM conversations c
    LEFT JOIN messages leaf ON leaf.id = c.active_leaf
    LEFT JOIN messages question ON question.id = leaf.parent_id
"""

_MESSAGES = """
    SELECT m.*,
           (SELECT count(*) FROM messages s WHERE s.conversation_id = m.conversation_id
               AND s.parent_id IS m.parent_id AND s.id <= m.id) AS position,
           (SELECT count(*) FROM messages s WHERE s.conversation_id = m.conversation_id
               AND s.parent_id IS m.parent_id) AS siblings
    FROM messages m
"""

_BRANCH = (
    """
    WITH RECURSIVE branch (id, parent_id, depth) AS (
        SELECT id, parent_id, 0 FROM messages WHERE id = ?
        UNION ALL
        SELECT m.id, m.parent_id, branch.depth + 1 FROM messages m JOIN branch ON m.id = branch.parent_id
    )
    """
    + _MESSAGES
    + " JOIN branch ON branch.id = m.id ORDER BY branch.depth DESC"
)

_NEXT_ACTIVITY = "(SELECT coalesce(max(activity), 0) + 1 FROM conversations)"


class ChatStore:
    """Every method may be called from any thread; each write is one transaction, on disk when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.sourced = Sourced(database)
        self._mark_interrupted()
        self.purged_at_start = self.purge(time.time() - KEEP_DELETED)

    # ---- conversations

    def conversations(self) -> tuple[Conversation, ...]:
        """All that are not deleted, the last active first."""
        rows = self._rows(_CONVERSATIONS + " WHERE c.deleted IS NULL ORDER BY c.activity DESC")
        return tuple(_conversation(row) for row in rows)

    def conversation(self, conversation_id: int) -> Conversation:
        for row in self._rows(_CONVERSATIONS + " WHERE c.id = ?", conversation_id):
            return _conversation(row)
        raise _no_conversation()

    def create(self, title: str = "") -> Conversation:
        """An empty conversation; without a `title` its first question will give it one."""
        title = _sound(" ".join(title.split()))
        now = time.time()
        with self._database.atomic() as connection:
            cursor = connection.execute(
                f"INSERT INTO conversations (title, renamed, activity, created, updated) "
                f"VALUES (?, ?, {_NEXT_ACTIVITY}, ?, ?)",
                (title, bool(title), now, now),
            )
        return self.conversation(_new_id(cursor))

    def rename(self, conversation_id: int, title: str) -> Conversation:
        """Give it a title; an empty one gives back the automatic title."""
        title = _sound(" ".join(title.split()))
        with self._database.atomic() as connection:
            self._require(connection, conversation_id)
            automatic = "" if title else self._automatic_title(connection, conversation_id)
            connection.execute(
                "UPDATE conversations SET title = ?, renamed = ? WHERE id = ?",
                (title or automatic, bool(title), conversation_id),
            )
        return self.conversation(conversation_id)

    def delete(self, conversation_id: int) -> None:
        """Put it aside. `restore` brings it back as it was, `purge` ends it."""
        with self._database.atomic() as connection:
            self._require(connection, conversation_id)
            connection.execute(
                "UPDATE conversations SET deleted = coalesce(deleted, ?) WHERE id = ?", (time.time(), conversation_id)
            )

    def restore(self, conversation_id: int) -> Conversation:
        with self._database.atomic() as connection:
            self._require(connection, conversation_id)
            connection.execute("UPDATE conversations SET deleted = NULL WHERE id = ?", (conversation_id,))
        return self.conversation(conversation_id)

    def purge(self, before: float | None = None) -> tuple[int, ...]:
        """Remove for ever what was deleted, or deleted before that Unix time. The ids of what went."""
        with self._database.atomic() as connection:
            rows = connection.execute(
                "SELECT id FROM conversations WHERE deleted IS NOT NULL AND (? IS NULL OR deleted < ?)",
                (before, before),
            ).fetchall()
            for (conversation_id,) in rows:
                connection.execute("DELETE FROM messages WHERE conversation_id = ?", (conversation_id,))
                connection.execute("DELETE FROM conversations WHERE id = ?", (conversation_id,))
        return tuple(conversation_id for (conversation_id,) in rows)

    # ---- messages

    def messages(self, conversation_id: int) -> tuple[Message, ...]:
        """The active branch, the first message first."""
        for (leaf,) in self._rows("SELECT active_leaf FROM conversations WHERE id = ?", conversation_id):
            return self.branch(leaf) if leaf is not None else ()
        raise _no_conversation()

    def branch(self, message_id: int) -> tuple[Message, ...]:
        """The path from the first message down to this one."""
        return tuple(_message(row) for row in self._rows(_BRANCH, message_id))

    def message(self, message_id: int) -> Message:
        for row in self._rows(_MESSAGES + " WHERE m.id = ?", message_id):
            return _message(row)
        raise _no_message()

    def siblings(self, message_id: int) -> tuple[int, ...]:
        """The ids of all variants at this place of the tree, this one among them, the oldest first."""
        place = self.message(message_id)
        rows = self._rows(
            "SELECT id FROM messages WHERE conversation_id = ? AND parent_id IS ? ORDER BY id",
            place.conversation_id,
            place.parent_id,
        )
        return tuple(id for (id,) in rows)

    def add_message(
        self,
        conversation_id: int,
        role: Author,
        content: str,
        *,
        parent: int | Literal["leaf"] | None = "leaf",
        model: str = "",
        status: Status = "done",
    ) -> Message:
        """Add below `parent` (the end of the active branch; None: as a first message) and make it the active leaf."""
        now = time.time()
        content = _sound(content)
        with self._database.atomic() as connection:
            leaf, title = self._require(connection, conversation_id)
            parent_id = leaf if parent == "leaf" else parent
            if parent_id is not None:
                self._require_in(connection, parent_id, conversation_id)
            cursor = connection.execute(
                "INSERT INTO messages (conversation_id, parent_id, role, content, status, model, created, updated) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (conversation_id, parent_id, role, content, status, model, now, now),
            )
            message_id = _new_id(cursor)
            if role == "user" and not title:
                title = title_of(content)
            connection.execute(
                f"UPDATE conversations SET active_leaf = ?, title = ?, updated = ?, activity = {_NEXT_ACTIVITY} "
                f"WHERE id = ?",
                (message_id, title, now, conversation_id),
            )
        return self.message(message_id)

    def select(self, message_id: int) -> tuple[Message, ...]:
        """Make this variant the active one, down to its newest leaf. The active branch."""
        conversation_id = self.message(message_id).conversation_id
        with self._database.atomic() as connection:
            leaf = message_id
            while (child := self._newest_child(connection, leaf)) is not None:
                leaf = child
            connection.execute("UPDATE conversations SET active_leaf = ? WHERE id = ?", (leaf, conversation_id))
        return self.branch(leaf)

    def save_progress(self, message_id: int, reasoning: str, text: str) -> None:
        """What has streamed in so far."""
        with self._database.atomic() as connection:
            connection.execute(
                "UPDATE messages SET reasoning = ?, content = ?, updated = ? WHERE id = ? AND status = 'streaming'",
                (_sound(reasoning), _sound(text), time.time(), message_id),
            )

    def reopen(self, message_id: int) -> Message:
        """An answer that was cut off is written on."""
        with self._database.atomic() as connection:
            connection.execute(
                "UPDATE messages SET status = 'streaming', problem = NULL, finish_reason = '' "
                "WHERE id = ? AND role = 'assistant'",
                (message_id,),
            )
        return self.message(message_id)

    def finish(
        self,
        message_id: int,
        status: Status,
        *,
        reasoning: str,
        content: str,
        problem: Problem | None = None,
        finish_reason: str = "",
        usage: Usage | None = None,
        timings: Timings | None = None,
        device: str = "",
        reasoning_s: float = 0.0,
    ) -> Message:
        """The final state of a streamed message."""
        numbers = [getattr(usage, name, None) for name in _USAGE_FIELDS]
        rates = [getattr(timings, name, None) for name in _TIMINGS_FIELDS]
        with self._database.atomic() as connection:
            connection.execute(
                f"UPDATE messages SET {', '.join(f'{name} = ?' for name in _FINAL_FIELDS)} WHERE id = ?",
                (
                    *(status, _sound(reasoning), _sound(content), _problem_text(problem), finish_reason),
                    *(device, reasoning_s, time.time(), *numbers, *rates, message_id),
                ),
            )
        return self.message(message_id)

    # ---- inside

    def _mark_interrupted(self) -> None:
        with self._database.atomic() as connection:
            connection.execute(
                "UPDATE messages SET status = 'stopped', problem = ? WHERE status = 'streaming'",
                (_problem_text(INTERRUPTED),),
            )

    def _rows(self, sql: str, *values: object) -> Iterable[sqlite3.Row]:
        return self._database.connection().execute(sql, values).fetchall()

    @staticmethod
    def _require(connection: sqlite3.Connection, conversation_id: int) -> tuple[int | None, str]:
        row = connection.execute(
            "SELECT active_leaf, title FROM conversations WHERE id = ?", (conversation_id,)
        ).fetchone()
        if row is None:
            raise _no_conversation()
        return row[0], row[1]

    @staticmethod
    def _require_in(connection: sqlite3.Connection, message_id: int, conversation_id: int) -> None:
        row = connection.execute("SELECT conversation_id FROM messages WHERE id = ?", (message_id,)).fetchone()
        if row is None or row[0] != conversation_id:
            raise _no_message()

    @staticmethod
    def _newest_child(connection: sqlite3.Connection, message_id: int) -> int | None:
        return connection.execute("SELECT max(id) FROM messages WHERE parent_id = ?", (message_id,)).fetchone()[0]

    @staticmethod
    def _automatic_title(connection: sqlite3.Connection, conversation_id: int) -> str:
        row = connection.execute(
            "SELECT content FROM messages WHERE conversation_id = ? AND role = 'user' ORDER BY id LIMIT 1",
            (conversation_id,),
        ).fetchone()
        return title_of(row[0]) if row else ""


def _conversation(row: sqlite3.Row) -> Conversation:
    id, title, renamed, created, updated, deleted, last = row
    return Conversation(id, title, bool(renamed), one_line(last or "", _PREVIEW), created, updated, deleted)


_PLAIN_FIELDS = (
    *("id", "conversation_id", "parent_id", "role", "content", "reasoning", "status", "model", "device"),
    *("finish_reason", "reasoning_s", "created", "updated", "position", "siblings"),
)
_USAGE_FIELDS = ("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens")
_TIMINGS_FIELDS = ("prefill_tokens_per_s", "decode_tokens_per_s", "ttft_s", "total_s")


_FINAL_FIELDS = (
    *("status", "reasoning", "content", "problem", "finish_reason", "device", "reasoning_s", "updated"),
    *_USAGE_FIELDS,
    *_TIMINGS_FIELDS,
)


def _message(row: sqlite3.Row) -> Message:
    usage = Usage(*(row[name] for name in _USAGE_FIELDS)) if row["prompt_tokens"] is not None else None
    timings = Timings(*(row[name] for name in _TIMINGS_FIELDS)) if row["total_s"] is not None else None
    plain = {name: row[name] for name in _PLAIN_FIELDS}
    return Message(problem=_problem(row["problem"]), usage=usage, timings=timings, **plain)


def _sound(text: str) -> str:
    """`text` as UTF-8 can carry it: half a surrogate pair (a paste may bring one) becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _problem_text(problem: Problem | None) -> str | None:
    if problem is None:
        return None
    message, hint = problem.message, problem.hint
    return json.dumps(
        {"code": problem.code, "message": [message.en, message.zh], "hint": [hint.en, hint.zh]}, ensure_ascii=False
    )


def _problem(text: str | None) -> Problem | None:
    if text is None:
        return None
    fields = json.loads(text)
    return Problem(fields["code"], Phrase(*fields["message"]), Phrase(*fields["hint"]))


def _new_id(cursor: sqlite3.Cursor) -> int:
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _no_conversation() -> NotFound:
    return NotFound(Phrase("This conversation is not there any more.", "该对话已不存在。"), code="no_conversation")


def _no_message() -> NotFound:
    return NotFound(Phrase("This message is not there any more.", "该消息已不存在。"), code="no_message")
