"""`chats.db`: conversations as trees of messages.

A conversation has one active branch: the path from its first message to `active_leaf`. Answering again or editing
a question adds a sibling and moves the leaf; nothing is lost. The list is ordered by `activity`, a counter, since
clocks jump. What is deleted can be restored until it is purged, at the latest when the store is opened the next
time. Opening it, which only the owner of the data folder does, also marks answers that a crash cut off.

`tree` takes branches away, brings them back and copies them; `organised` holds folders, options, drafts and saved
prompts; `sourced` what answers were made from; `search` finds them. What sqlite3 raises is turned into StorageError
by `Database`.
"""

import sqlite3
import time
from collections.abc import Iterable
from typing import Literal

from backends.chat.organised import Organised
from backends.chat.rows import (
    BRANCH,
    CONVERSATIONS,
    MESSAGES,
    NEXT_ACTIVITY,
    TIMINGS_FIELDS,
    USAGE_FIELDS,
    conversation_of,
    message_of,
    no_conversation,
    no_message,
    problem_text,
    sound,
)
from backends.chat.schema import MIGRATIONS
from backends.chat.search import ChatSearch
from backends.chat.sourced import Sourced
from backends.chat.titles import title_of
from backends.chat.tree import Tree
from backends.chat.types import INTERRUPTED, Author, Conversation, Message, Problem, Status
from backends.engine.protocol import Timings, Usage
from backends.storage.database import Database

__all__ = ["MIGRATIONS", "ChatStore"]


class ChatStore:
    """Every method may be called from any thread; each write is one transaction, on disk when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.sourced = Sourced(database)
        self.organised = Organised(database)
        self.search = ChatSearch(database)
        self.tree = Tree(database, self.search)
        self._mark_interrupted()
        self.purged_at_start = self._purge(None)  # of these two, the index is erased later: `search.erase`
        self.touched_at_start = self.tree.erase(index=False)  # conversations that had lost messages

    # ---- conversations

    def conversations(self, *, archived: bool | None = False) -> tuple[Conversation, ...]:
        """All that are not deleted, the last active first. `archived`: those that were put away, None: both."""
        wanted = "" if archived is None else f" AND c.archived = {archived:d}"
        rows = self._rows(f"{CONVERSATIONS} WHERE c.deleted IS NULL{wanted} ORDER BY c.activity DESC")
        return tuple(conversation_of(row) for row in rows)

    def conversation(self, conversation_id: int) -> Conversation:
        for row in self._rows(CONVERSATIONS + " WHERE c.id = ?", conversation_id):
            return conversation_of(row)
        raise no_conversation()

    def create(self, title: str = "") -> Conversation:
        """An empty conversation; without a `title` its first question will give it one."""
        title = sound(" ".join(title.split()))
        now = time.time()
        with self._database.atomic() as connection:
            cursor = connection.execute(
                f"INSERT INTO conversations (title, renamed, activity, created, updated) "
                f"VALUES (?, ?, {NEXT_ACTIVITY}, ?, ?)",
                (title, bool(title), now, now),
            )
        return self.conversation(_new_id(cursor))

    def rename(self, conversation_id: int, title: str) -> Conversation:
        """Give it a title; an empty one gives back the automatic title."""
        title = sound(" ".join(title.split()))
        with self._database.atomic() as connection:
            self._require(connection, conversation_id)
            automatic = "" if title else self._automatic_title(connection, conversation_id)
            connection.execute(
                "UPDATE conversations SET title = ?, renamed = ? WHERE id = ?",
                (title or automatic, bool(title), conversation_id),
            )
        return self.conversation(conversation_id)

    def give_title(self, conversation_id: int, title: str) -> bool:
        """What the model calls it. False: the person had given it a title, or it is gone."""
        title = sound(" ".join(title.split()))
        with self._database.atomic() as connection:
            given = connection.execute(
                "UPDATE conversations SET title = ?, renamed = 2 WHERE id = ? AND renamed != 1 AND deleted IS NULL",
                (title, conversation_id),
            )
        return bool(given.rowcount)

    def untitled(self, limit: int) -> tuple[int, ...]:
        """The last active conversations that are called by their question yet, and have an answer."""
        rows = self._rows(
            "SELECT id FROM conversations c WHERE renamed = 0 AND deleted IS NULL AND EXISTS (SELECT 1 FROM messages m "
            "WHERE m.conversation_id = c.id AND m.role = 'assistant' AND m.status = 'done' AND m.content != '' "
            "AND m.deleted_with IS NULL) ORDER BY activity DESC LIMIT ?",
            limit,
        )
        return tuple(id for (id,) in rows)

    def delete(self, *conversation_ids: int) -> None:
        """Put them aside. `restore` brings them back as they were, `purge` ends them."""
        with self._database.atomic() as connection:
            for conversation_id in conversation_ids:
                self._require(connection, conversation_id)
                values = time.time(), conversation_id
                connection.execute("UPDATE conversations SET deleted = coalesce(deleted, ?) WHERE id = ?", values)

    def restore(self, conversation_id: int, *more: int) -> Conversation:
        """The first of them."""
        with self._database.atomic() as connection:
            for one in (conversation_id, *more):
                self._require(connection, one)
                connection.execute("UPDATE conversations SET deleted = NULL WHERE id = ?", (one,))
        return self.conversation(conversation_id)

    def purge(self, conversation_ids: Iterable[int] | None = None) -> tuple[int, ...]:
        """Remove for ever what was deleted, or what of these was: no byte stays in the file. The ids of what went."""
        if gone := self._purge(conversation_ids):
            self.search.erase()
        return gone

    def _purge(self, conversation_ids: Iterable[int] | None) -> tuple[int, ...]:
        wanted = None if conversation_ids is None else set(conversation_ids)
        connection = self._database.connection()
        connection.execute("PRAGMA secure_delete = ON")
        with self._database.atomic():
            rows = connection.execute("SELECT id FROM conversations WHERE deleted IS NOT NULL").fetchall()
            gone = tuple(id for (id,) in rows if wanted is None or id in wanted)
            for conversation_id in gone:
                connection.execute("DELETE FROM messages WHERE conversation_id = ?", (conversation_id,))
                connection.execute("DELETE FROM drafts WHERE conversation_id = ?", (conversation_id,))
                connection.execute("DELETE FROM conversations WHERE id = ?", (conversation_id,))
        if gone:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    # ---- messages

    def messages(self, conversation_id: int) -> tuple[Message, ...]:
        """The active branch, the first message first."""
        for (leaf,) in self._rows("SELECT active_leaf FROM conversations WHERE id = ?", conversation_id):
            return self.branch(leaf) if leaf is not None else ()
        raise no_conversation()

    def branch(self, message_id: int) -> tuple[Message, ...]:
        """The path from the first message down to this one."""
        return tuple(message_of(row) for row in self._rows(BRANCH, message_id))

    def message(self, message_id: int) -> Message:
        for row in self._rows(MESSAGES + " WHERE m.id = ?", message_id):
            return message_of(row)
        raise no_message()

    def siblings(self, message_id: int) -> tuple[int, ...]:
        """The ids of all variants at this place of the tree, this one among them, the oldest first."""
        place = self.message(message_id)
        rows = self._rows(
            "SELECT id FROM messages WHERE conversation_id = ? AND parent_id IS ? AND deleted_with IS NULL ORDER BY id",
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
        content = sound(content)
        with self._database.atomic() as connection:
            leaf, title = self._require(connection, conversation_id)
            parent_id = leaf if parent == "leaf" else parent
            if parent_id is not None:
                self._require_in(connection, parent_id, conversation_id)
            if parent_id != leaf:
                self.tree.seen.leave(connection, leaf)
            cursor = connection.execute(
                "INSERT INTO messages (conversation_id, parent_id, role, content, status, model, created, updated) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (conversation_id, parent_id, role, content, status, model, now, now),
            )
            message_id = _new_id(cursor)
            if role == "user" and not title:
                title = title_of(content)
            connection.execute(
                f"UPDATE conversations SET active_leaf = ?, title = ?, updated = ?, activity = {NEXT_ACTIVITY} "
                f"WHERE id = ?",
                (message_id, title, now, conversation_id),
            )
        return self.message(message_id)

    def select(self, message_id: int) -> tuple[Message, ...]:
        """Make this variant the active one, down to where one was below it; a new one down to its newest leaf. The
        active branch."""
        conversation_id = self.message(message_id).conversation_id
        with self._database.atomic() as connection:
            self.tree.seen.leave_conversation(connection, conversation_id)
            leaf = self.tree.seen.leaf(connection, conversation_id, message_id)
            connection.execute("UPDATE conversations SET active_leaf = ? WHERE id = ?", (leaf, conversation_id))
        return self.branch(leaf if leaf is not None else message_id)

    def save_progress(self, message_id: int, reasoning: str, text: str) -> None:
        """What has streamed in so far."""
        with self._database.atomic() as connection:
            connection.execute(
                "UPDATE messages SET reasoning = ?, content = ?, updated = ? WHERE id = ? AND status = 'streaming'",
                (sound(reasoning), sound(text), time.time(), message_id),
            )

    def reopen(self, message_id: int, model: str = "") -> Message:
        """An answer that was cut off is written on, by this model: both are named if it is another one."""
        models = [name for name in self.message(message_id).model.split(", ") if name]
        if model and models[-1:] != [model]:
            models.append(model)
        with self._database.atomic() as connection:
            connection.execute(
                "UPDATE messages SET status = 'streaming', problem = NULL, finish_reason = '', model = ? "
                "WHERE id = ? AND role = 'assistant'",
                (", ".join(models), message_id),
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
        numbers = [getattr(usage, name, None) for name in USAGE_FIELDS]
        rates = [getattr(timings, name, None) for name in TIMINGS_FIELDS]
        with self._database.atomic() as connection:
            connection.execute(
                f"UPDATE messages SET {', '.join(f'{name} = ?' for name in _FINAL_FIELDS)} WHERE id = ?",
                (
                    *(status, sound(reasoning), sound(content), problem_text(problem), finish_reason),
                    *(device, reasoning_s, time.time(), *numbers, *rates, message_id),
                ),
            )
        return self.message(message_id)

    # ---- inside

    def _mark_interrupted(self) -> None:
        with self._database.atomic() as connection:
            connection.execute(
                "UPDATE messages SET status = 'stopped', problem = ? WHERE status = 'streaming'",
                (problem_text(INTERRUPTED),),
            )

    def _rows(self, sql: str, *values: object) -> Iterable[sqlite3.Row]:
        return self._database.connection().execute(sql, values).fetchall()

    @staticmethod
    def _require(connection: sqlite3.Connection, conversation_id: int) -> tuple[int | None, str]:
        row = connection.execute(
            "SELECT active_leaf, title FROM conversations WHERE id = ?", (conversation_id,)
        ).fetchone()
        if row is None:
            raise no_conversation()
        return row[0], row[1]

    @staticmethod
    def _require_in(connection: sqlite3.Connection, message_id: int, conversation_id: int) -> None:
        row = connection.execute("SELECT conversation_id FROM messages WHERE id = ?", (message_id,)).fetchone()
        if row is None or row[0] != conversation_id:
            raise no_message()

    @staticmethod
    def _automatic_title(connection: sqlite3.Connection, conversation_id: int) -> str:
        row = connection.execute(
            "SELECT content FROM messages WHERE conversation_id = ? AND role = 'user' ORDER BY id LIMIT 1",
            (conversation_id,),
        ).fetchone()
        return title_of(row[0]) if row else ""


_FINAL_FIELDS = (
    *("status", "reasoning", "content", "problem", "finish_reason", "device", "reasoning_s", "updated"),
    *USAGE_FIELDS,
    *TIMINGS_FIELDS,
)


def _new_id(cursor: sqlite3.Cursor) -> int:
    assert cursor.lastrowid is not None
    return cursor.lastrowid
