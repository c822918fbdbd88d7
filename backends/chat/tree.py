"""Branches of a conversation: taken away, brought back, erased, copied.

A message is deleted with all that stands below it. It is hidden at once and can be restored until it is erased; what
was deleted before it stays deleted when it comes back.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from backends.chat.rows import NEXT_ACTIVITY, no_conversation, no_message, sound
from backends.chat.search import ChatSearch
from backends.chat.titles import title_of
from backends.storage.database import Connected, Database


@dataclass(frozen=True, slots=True)
class Deleted:
    """A message that was taken away, with `count` in all. `leaf`: the end of the branch that was shown before."""

    message_id: int
    conversation_id: int
    count: int
    leaf: int | None


_BELOW = """
    WITH RECURSIVE below (id) AS (
        SELECT ?
        UNION ALL
        SELECT m.id FROM messages m JOIN below ON m.parent_id = below.id WHERE m.deleted_with IS NULL
    )
"""
_ABOVE = """
    WITH RECURSIVE above (id) AS (
        SELECT parent_id FROM messages WHERE id = ?
        UNION ALL
        SELECT m.parent_id FROM messages m JOIN above ON m.id = above.id
    )
    SELECT id FROM above WHERE id IS NOT NULL
"""
_ERASED = """
    WITH RECURSIVE gone (id, conversation_id) AS (
        SELECT id, conversation_id FROM messages WHERE deleted_with IN (SELECT value FROM json_each(?))
        UNION
        SELECT m.id, m.conversation_id FROM messages m JOIN gone ON m.parent_id = gone.id
    )
    SELECT id, conversation_id FROM gone
"""
_COPIED_TABLES = ("message_sources", "message_citations", "message_xrays")


class Tree:
    """Any thread may use it. NotFound `no_message`, `no_conversation`."""

    def __init__(self, database: Database, search: ChatSearch) -> None:
        self._database, self._search = database, search
        self.seen = Seen()

    def delete(self, message_id: int) -> Deleted:
        """Hide it and what stands below. Shown is then its newest sibling, without one the branch up to its parent."""
        with self._database.atomic() as connection:
            row = connection.execute(
                "SELECT m.conversation_id, m.parent_id, c.active_leaf FROM messages m "
                "JOIN conversations c ON c.id = m.conversation_id WHERE m.id = ? AND m.deleted_with IS NULL",
                (message_id,),
            ).fetchone()
            if row is None:
                raise no_message()
            conversation_id, parent, leaf = row
            self.seen.leave(connection, leaf)
            below = [id for (id,) in connection.execute(_BELOW + "SELECT id FROM below", (message_id,))]
            connection.executemany(
                "UPDATE messages SET deleted_with = ? WHERE id = ?", [(message_id, id) for id in below]
            )
            if leaf in below:
                shown = newest_leaf(connection, conversation_id, parent)
                connection.execute("UPDATE conversations SET active_leaf = ? WHERE id = ?", (shown, conversation_id))
        return Deleted(message_id, conversation_id, len(below), leaf)

    def restore(self, deleted: Deleted) -> None:
        """As it was. NotFound once it is erased."""
        with self._database.atomic() as connection:
            back = connection.execute(
                "UPDATE messages SET deleted_with = NULL WHERE deleted_with = ?", (deleted.message_id,)
            )
            if not back.rowcount:
                raise no_message()
            self.seen.leave_conversation(connection, deleted.conversation_id)
            connection.execute(
                "UPDATE conversations SET active_leaf = ? WHERE id = ?", (deleted.leaf, deleted.conversation_id)
            )

    def erase(self, message_ids: Iterable[int] | None = None, *, index: bool = True) -> tuple[int, ...]:
        """Remove for ever what was deleted, wherever, or with these messages; no byte of it stays in the file, nor in a
        title that it had given. The conversations it was of. Not `index`: `ChatSearch.erase` is called later."""
        connection = self._database.connection()
        connection.execute("PRAGMA secure_delete = ON")
        with self._database.atomic():
            if message_ids is None:
                rows = connection.execute("SELECT id, conversation_id FROM messages WHERE deleted_with IS NOT NULL")
            else:
                rows = connection.execute(_ERASED, (json.dumps(list(message_ids)),))
            gone = {row["id"]: row["conversation_id"] for row in rows}
            connection.executemany("DELETE FROM messages WHERE id = ?", [(id,) for id in gone])
            touched = tuple(sorted(set(gone.values())))
            for conversation_id in touched:
                _name_again(connection, conversation_id)
        if gone:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if index:
                self._search.erase()
        return touched

    def end_with(self, message_id: int) -> int:
        """Show the branch down to this message only; what stands below stays there. The conversation."""
        with self._database.atomic() as connection:
            row = connection.execute(
                "SELECT conversation_id FROM messages WHERE id = ? AND deleted_with IS NULL", (message_id,)
            ).fetchone()
            if row is None:
                raise no_message()
            self.seen.leave_conversation(connection, row[0])
            connection.execute("UPDATE conversations SET active_leaf = ? WHERE id = ?", (message_id, row[0]))
        return int(row[0])

    def goes_on(self, message_id: int) -> bool:
        """Something stands below it."""
        below = "SELECT EXISTS (SELECT 1 FROM messages WHERE parent_id = ? AND deleted_with IS NULL)"
        return bool(self._database.connection().execute(below, (message_id,)).fetchone()[0])

    def duplicate(self, conversation_id: int, title: str, upto: int | None = None) -> int:
        """Copy a conversation with all its branches, or only the branch down to the message `upto`; what answers
        were made from comes along. The id of the copy; an empty `title` keeps the original's."""
        now = time.time()
        with self._database.atomic() as connection:
            kept = connection.execute("SELECT * FROM conversations WHERE id = ?", (conversation_id,)).fetchone()
            if kept is None:
                raise no_conversation()
            messages = self._copied(connection, conversation_id, upto)
            values = {**dict(kept), "active_leaf": None, "created": now, "updated": now, "pinned": 0, "archived": 0}
            values |= {
                "deleted": None,
                "unread": 0,
                "title": sound(title) or kept["title"],
                "renamed": 1 if title else kept["renamed"],
            }
            del values["id"], values["activity"]
            copy = _insert(connection, "conversations", values, activity=NEXT_ACTIVITY)
            ids: dict[int, int] = {}
            for row in messages:
                said = {**row, "conversation_id": copy, "parent_id": ids.get(row["parent_id"])}
                said["status"] = "stopped" if row["status"] == "streaming" else row["status"]
                ids[row["id"]] = _insert(connection, "messages", {k: v for k, v in said.items() if k != "id"})
            for table in _COPIED_TABLES:
                for old, new in ids.items():
                    for row in connection.execute(f"SELECT * FROM {table} WHERE message_id = ?", (old,)).fetchall():
                        _insert(connection, table, {**dict(row), "message_id": new})
            leaf = upto if upto is not None else kept["active_leaf"]
            connection.execute("UPDATE conversations SET active_leaf = ? WHERE id = ?", (ids.get(leaf), copy))
            connection.execute(
                "INSERT INTO conversation_scopes SELECT ?, kind, ids FROM conversation_scopes "
                "WHERE conversation_id = ?",
                (copy, conversation_id),
            )
        return copy

    @staticmethod
    def _copied(connection: Connected, conversation_id: int, upto: int | None) -> list[dict[str, Any]]:
        """Parents before their children."""
        there = {
            row["id"]: dict(row)
            for row in connection.execute(
                "SELECT * FROM messages WHERE conversation_id = ? AND deleted_with IS NULL ORDER BY id",
                (conversation_id,),
            )
        }
        if upto is None:
            return list(there.values())
        if upto not in there:
            raise no_message()
        branch: list[dict[str, Any]] = []
        place: int | None = upto
        while place is not None:
            branch.append(there[place])
            place = there[place]["parent_id"]
        return branch[::-1]


class Seen:
    """Which branch was shown last below each message: the end of one that is left is kept for all above it, until the
    store is closed. Called within the transaction that leaves the branch."""

    def __init__(self) -> None:
        self._leaves: dict[int, int] = {}

    def leave_conversation(self, connection: Connected, conversation_id: int) -> None:
        row = connection.execute("SELECT active_leaf FROM conversations WHERE id = ?", (conversation_id,)).fetchone()
        self.leave(connection, row[0] if row is not None else None)

    def leave(self, connection: Connected, leaf: int | None) -> None:
        """The branch that ends with `leaf`."""
        if leaf is not None:
            self._leaves.update({id: leaf for (id,) in connection.execute(_ABOVE, (leaf,))})

    def leaf(self, connection: Connected, conversation_id: int, message_id: int) -> int | None:
        """Where the branch ended that was shown last below it; of one never left, or deleted since, the newest."""
        leaf = self._leaves.get(message_id)
        there = "SELECT 1 FROM messages WHERE id = ? AND deleted_with IS NULL"
        if leaf is not None and connection.execute(there, (leaf,)).fetchone() is not None:
            return leaf
        return newest_leaf(connection, conversation_id, message_id)


def newest_leaf(connection: Connected, conversation_id: int, below: int | None) -> int | None:
    """The end of the newest branch below this message (None: below no message); `below` itself if there is none."""
    leaf = below
    while True:
        (child,) = connection.execute(
            "SELECT max(id) FROM messages WHERE conversation_id = ? AND parent_id IS ? AND deleted_with IS NULL",
            (conversation_id, leaf),
        ).fetchone()
        if child is None:
            return leaf
        leaf = child


def _name_again(connection: Connected, conversation_id: int) -> None:
    """Nobody gave it its title but a question or the model, and messages of it are gone."""
    first = connection.execute(
        "SELECT content FROM messages WHERE conversation_id = ? AND role = 'user' ORDER BY id LIMIT 1",
        (conversation_id,),
    ).fetchone()
    connection.execute(
        "UPDATE conversations SET title = ?, renamed = 0 WHERE id = ? AND (renamed = 0 OR renamed = 2 AND ?)",
        (title_of(first[0]) if first else "", conversation_id, first is None),
    )


def _insert(connection: Connected, table: str, values: dict[str, Any], **computed: str) -> int:
    """A row of these values, and of what SQLite computes. Its rowid."""
    names = ", ".join(f'"{name}"' for name in (*values, *computed))
    places = ", ".join((*("?" for _ in values), *computed.values()))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", tuple(values.values()))
    return int(connection.execute("SELECT last_insert_rowid()").fetchone()[0])
