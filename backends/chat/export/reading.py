"""Conversations and messages of `chats.db` for a file, a few at a time."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from backends.chat.export.types import Kept, Selection, Titled, Told
from backends.chat.rows import MESSAGES, message_of, no_conversation, no_message
from backends.chat.store import ChatStore
from backends.storage.database import Database

AT_ONCE = 50  # messages in memory
_TITLED: tuple[Titled, ...] = ("question", "person", "model")


@dataclass(frozen=True, slots=True)
class Piece:
    """Messages of one conversation, parents before their children. `whole`: all its branches."""

    conversation_id: int
    message_ids: Sequence[int]
    whole: bool


class Reader:
    """Any thread may use it. NotFound `no_conversation`, `no_message`."""

    def __init__(self, database: Database, chats: ChatStore) -> None:
        self._database, self._chats = database, chats

    @property
    def origin(self) -> str:
        """This data folder, so that an import knows whether the numbers of documents mean the same documents."""
        return hashlib.sha256(b"export" + self._chats.sourced.secret()).hexdigest()[:16]

    def conversation_ids(self, selection: Selection) -> tuple[int, ...]:
        """The one that was active last comes last, as an import numbers them."""
        if selection.extent == "all":
            return tuple(
                one for (one,) in self._rows("SELECT id FROM conversations WHERE deleted IS NULL ORDER BY activity")
            )
        if selection.extent in ("message", "branch"):
            return tuple(dict.fromkeys(self._chats.message(one).conversation_id for one in selection.ids))
        return selection.ids

    def pieces(self, selection: Selection) -> Iterator[Piece]:
        whole = selection.extent in ("conversation", "all")
        for conversation_id in self.conversation_ids(selection):
            yield Piece(conversation_id, self._message_ids(conversation_id, selection), whole)

    def count(self, selection: Selection) -> int:
        """Of messages."""
        if selection.extent == "all":
            counted = self._rows(
                "SELECT count(*) FROM messages m JOIN conversations c ON c.id = m.conversation_id "
                "WHERE c.deleted IS NULL AND m.deleted_with IS NULL"
            )
            return int(counted[0][0])
        return sum(len(piece.message_ids) for piece in self.pieces(selection))

    def kept(self, conversation_id: int) -> Kept:
        rows = self._rows(
            "SELECT c.renamed, c.active_leaf, f.name FROM conversations c LEFT JOIN folders f ON f.id = c.folder_id "
            "WHERE c.id = ?",
            conversation_id,
        )
        if not rows:
            raise no_conversation()
        renamed, leaf, folder = rows[0]
        chats = self._chats
        return Kept(
            chats.conversation(conversation_id),
            _TITLED[renamed] if renamed in range(len(_TITLED)) else "question",
            folder or "",
            leaf,
            chats.organised.options(conversation_id),
            chats.sourced.scope(conversation_id),
        )

    def told(self, message_ids: Sequence[int]) -> tuple[Told, ...]:
        """In the order of `message_ids`, without those that have been deleted meanwhile."""
        wanted = json.dumps(list(message_ids))
        rows = self._database.connection().execute(
            f"{MESSAGES} WHERE m.deleted_with IS NULL AND m.id IN (SELECT value FROM json_each(?))", (wanted,)
        )
        found = {row["id"]: message_of(row) for row in rows}
        made_from = self._chats.sourced.all_of(found)
        told: list[Told] = []
        for one in message_ids:
            if one in found:
                sourced = made_from.get(one)
                told.append(Told(found[one], sourced.sources, sourced.citations) if sourced else Told(found[one]))
        return tuple(told)

    def has_answers(self, selection: Selection) -> bool:
        """Whether a model wrote any of it."""
        if selection.extent != "all":
            return any(
                told.by_model
                for piece in self.pieces(selection)
                for first in range(0, len(piece.message_ids), AT_ONCE)
                for told in self.told(piece.message_ids[first : first + AT_ONCE])
            )
        found = self._rows(
            "SELECT 1 FROM messages m WHERE role = 'assistant' AND deleted_with IS NULL AND (model != '' OR NOT EXISTS "
            "(SELECT 1 FROM message_sources s WHERE s.message_id = m.id)) LIMIT 1"
        )
        return bool(found)

    def _message_ids(self, conversation_id: int, selection: Selection) -> Sequence[int]:
        if selection.extent in ("conversation", "all"):
            if not self._rows("SELECT 1 FROM conversations WHERE id = ?", conversation_id):
                raise no_conversation()
            rows = self._rows(
                "SELECT id FROM messages WHERE conversation_id = ? AND deleted_with IS NULL ORDER BY id",
                conversation_id,
            )
            return [one for (one,) in rows]
        if selection.extent == "message":
            return [one for one in selection.ids if self._chats.message(one).conversation_id == conversation_id]
        ends = selection.ids if selection.extent == "branch" else self._leaf(conversation_id)
        return [one for end in ends for one in self._branch(end)]

    def _leaf(self, conversation_id: int) -> tuple[int, ...]:
        rows = self._rows("SELECT active_leaf FROM conversations WHERE id = ?", conversation_id)
        if not rows:
            raise no_conversation()
        return (rows[0][0],) if rows[0][0] is not None else ()

    def _branch(self, message_id: int) -> list[int]:
        rows = self._rows(
            "WITH RECURSIVE branch (id, parent_id, depth) AS (SELECT id, parent_id, 0 FROM messages WHERE id = ? "
            "AND deleted_with IS NULL UNION ALL SELECT m.id, m.parent_id, branch.depth + 1 FROM messages m "
            "JOIN branch ON m.id = branch.parent_id) SELECT id FROM branch ORDER BY depth DESC",
            message_id,
        )
        if not rows:
            raise no_message()
        return [one for (one,) in rows]

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._database.connection().execute(sql, values)]
