"""What answers were made from: their sources, citations and X-rays, and which documents a conversation uses.

The quotes stay when a document is deleted (they are marked then: `deleted_among`), until `forget_documents` takes them
away, too. A table here belongs to `chats.db` and goes with its message.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from backends.chat.types import Citation, Source
from backends.chat.xray import XRay, packed, unpacked
from backends.core.errors import NotFound
from backends.core.phrase import Phrase
from backends.storage.database import Database

ScopeKind = Literal["off", "all", "collections", "documents", "dropped"]


@dataclass(frozen=True, slots=True)
class ConversationScope:
    """Which documents a conversation uses. `ids`: of the collections or documents; `dropped`: only what was given to
    this conversation."""

    kind: ScopeKind = "off"
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """With an answer. `explained`: there is an X-ray of it."""

    sources: tuple[Source, ...]
    citations: tuple[Citation, ...]
    explained: bool


def create_sourced(connection: Any) -> None:
    """Step 2 of `chats.db`."""
    connection.execute(
        """
        CREATE TABLE conversation_scopes (
            conversation_id INTEGER PRIMARY KEY REFERENCES conversations(id) ON DELETE CASCADE,
            kind TEXT NOT NULL CHECK (kind IN ('off', 'all', 'collections', 'documents', 'dropped')),
            ids TEXT NOT NULL DEFAULT '[]'
        )
        """
    )
    connection.execute(
        """
        CREATE TABLE message_sources (
            message_id INTEGER NOT NULL REFERENCES messages(id) ON DELETE CASCADE,
            n INTEGER NOT NULL,
            document_id INTEGER NOT NULL,
            title TEXT NOT NULL, name TEXT NOT NULL, known_as TEXT NOT NULL,
            page INTEGER NOT NULL, label TEXT NOT NULL,
            start INTEGER NOT NULL, "end" INTEGER NOT NULL,
            text TEXT NOT NULL,
            pages TEXT NOT NULL DEFAULT '[]',
            PRIMARY KEY (message_id, n)
        )
        """
    )
    connection.execute(
        """
        CREATE TABLE message_citations (
            message_id INTEGER NOT NULL REFERENCES messages(id) ON DELETE CASCADE,
            place INTEGER NOT NULL,
            n INTEGER NOT NULL,
            document_id INTEGER NOT NULL,
            page INTEGER NOT NULL,
            start INTEGER NOT NULL, "end" INTEGER NOT NULL,
            quote TEXT NOT NULL,
            sentence_start INTEGER NOT NULL, sentence_end INTEGER NOT NULL,
            verified INTEGER,
            PRIMARY KEY (message_id, place)
        )
        """
    )
    connection.execute(
        "CREATE TABLE message_xrays (message_id INTEGER PRIMARY KEY REFERENCES messages(id) ON DELETE CASCADE, "
        "packed BLOB NOT NULL)"
    )
    connection.execute("CREATE INDEX sources_by_document ON message_sources (document_id)")
    connection.execute("CREATE INDEX citations_by_document ON message_citations (document_id)")
    connection.execute("CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL)")
    connection.execute("INSERT INTO secrets VALUES ('fence', randomblob(32))")


_LISTED = "(SELECT value FROM json_each(?))"
_SOURCE = 'n, document_id, title, name, page, label, start, "end", text, known_as, pages'
_CITATION = 'n, document_id, page, start, "end", quote, sentence_start, sentence_end, verified'


class Sourced:
    """Any thread may use it. Messages and conversations by their ids in `ChatStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def secret(self) -> bytes:
        """Of this data folder: what the fence around sources is made of."""
        return bytes(self._rows("SELECT value FROM secrets WHERE name = 'fence'")[0][0])

    # ---- which documents a conversation uses

    def scope(self, conversation_id: int) -> ConversationScope:
        for kind, ids in self._rows(
            "SELECT kind, ids FROM conversation_scopes WHERE conversation_id = ?", conversation_id
        ):
            return ConversationScope(kind, tuple(json.loads(ids)))
        return ConversationScope()

    def set_scope(self, conversation_id: int, scope: ConversationScope) -> None:
        with self._database.atomic() as connection:
            if connection.execute("SELECT 1 FROM conversations WHERE id = ?", (conversation_id,)).fetchone() is None:
                raise NotFound(
                    Phrase("This conversation is not there any more.", "该对话已不存在。"), code="no_conversation"
                )
            connection.execute(
                "INSERT OR REPLACE INTO conversation_scopes VALUES (?, ?, ?)",
                (conversation_id, scope.kind, json.dumps(scope.ids)),
            )

    # ---- what an answer was made from

    def save_sources(self, message_id: int, sources: Sequence[Source]) -> None:
        """In place of those before, whose citations go."""
        with self._database.atomic() as connection:
            for table in ("message_sources", "message_citations"):
                connection.execute(f"DELETE FROM {table} WHERE message_id = ?", (message_id,))
            connection.executemany(
                f"INSERT INTO message_sources (message_id, {_SOURCE}) VALUES ({', '.join('?' * 12)})",
                [
                    (
                        *(message_id, one.n, one.document_id, _sound(one.title), _sound(one.name), one.page),
                        *(_sound(one.label), one.start, one.end, _sound(one.text), _sound(one.known_as)),
                        json.dumps(one.pages),
                    )
                    for one in sources
                ],
            )

    def save_citations(self, message_id: int, citations: Sequence[Citation]) -> None:
        with self._database.atomic() as connection:
            connection.execute("DELETE FROM message_citations WHERE message_id = ?", (message_id,))
            connection.executemany(
                f"INSERT INTO message_citations (message_id, place, {_CITATION}) VALUES ({', '.join('?' * 11)})",
                [
                    (
                        *(message_id, place, one.n, one.document_id, one.page, one.start, one.end, _sound(one.quote)),
                        *(one.sentence_start, one.sentence_end, one.verified),
                    )
                    for place, one in enumerate(citations)
                ],
            )

    def save_xray(self, message_id: int, xray: XRay) -> None:
        with self._database.atomic() as connection:
            connection.execute("INSERT OR REPLACE INTO message_xrays VALUES (?, ?)", (message_id, packed(xray)))

    def sources(self, message_id: int) -> tuple[Source, ...]:
        rows = self._rows(f"SELECT {_SOURCE} FROM message_sources WHERE message_id = ? ORDER BY n", message_id)
        return tuple(Source(*row[:-1], pages=_pairs(row[-1])) for row in rows)

    def citations(self, message_id: int) -> tuple[Citation, ...]:
        rows = self._rows(f"SELECT {_CITATION} FROM message_citations WHERE message_id = ? ORDER BY place", message_id)
        return tuple(Citation(*row[:-1], verified=None if row[-1] is None else bool(row[-1])) for row in rows)

    def all_of(self, message_ids: Iterable[int]) -> dict[int, Kept]:
        """Of those among these messages that were made from documents: what is kept with them."""
        wanted = json.dumps(tuple(message_ids))
        among = "WHERE message_id IN (SELECT value FROM json_each(?)) ORDER BY message_id"
        sources: dict[int, list[Source]] = {}
        for message, *row in self._rows(f"SELECT message_id, {_SOURCE} FROM message_sources {among}, n", wanted):
            sources.setdefault(message, []).append(Source(*row[:-1], pages=_pairs(row[-1])))
        cited: dict[int, list[Citation]] = {}
        for message, *row in self._rows(
            f"SELECT message_id, {_CITATION} FROM message_citations {among}, place", wanted
        ):
            verified = None if row[-1] is None else bool(row[-1])
            cited.setdefault(message, []).append(Citation(*row[:-1], verified=verified))
        explained = {row[0] for row in self._rows(f"SELECT message_id FROM message_xrays {among}", wanted)}
        return {
            one: Kept(tuple(sources.get(one, ())), tuple(cited.get(one, ())), one in explained)
            for one in (*sources, *(explained - sources.keys()))
        }

    def xray(self, message_id: int) -> XRay | None:
        for (kept,) in self._rows("SELECT packed FROM message_xrays WHERE message_id = ?", message_id):
            return unpacked(kept)
        return None

    # ---- forgetting

    def quoting(self, document_ids: Iterable[int]) -> tuple[int, ...]:
        """The messages that quote any of these documents."""
        wanted = json.dumps(sorted(set(document_ids)))
        rows = self._rows(
            "SELECT message_id FROM message_sources WHERE document_id IN (SELECT value FROM json_each(?)) "
            "UNION SELECT message_id FROM message_citations WHERE document_id IN (SELECT value FROM json_each(?))",
            wanted,
            wanted,
        )
        return tuple(row[0] for row in rows)

    def forget_documents(self, document_ids: Iterable[int]) -> tuple[int, ...]:
        """Erase what answers quote of these documents: the texts, the quotes, the X-rays (they hold the prompt). The
        answers themselves stay, and that they cited something; where passages were the answer, those go, too. The
        messages that were touched."""
        wanted = tuple(set(document_ids))
        touched = self.quoting(wanted)
        connection = self._database.connection()
        connection.execute("PRAGMA secure_delete = ON")  # no byte stays in pages that are free now
        with self._database.atomic():
            self._forget_passages(connection, touched, wanted)
            connection.execute(
                "UPDATE message_sources SET text = '', title = '', name = '', known_as = '', label = '' "
                f"WHERE document_id IN {_LISTED}",
                (json.dumps(wanted),),
            )
            connection.execute(
                f"UPDATE message_citations SET quote = '' WHERE document_id IN {_LISTED}", (json.dumps(wanted),)
            )
            connection.execute(f"DELETE FROM message_xrays WHERE message_id IN {_LISTED}", (json.dumps(touched),))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return touched

    def _forget_passages(self, connection: Any, messages: Sequence[int], document_ids: Sequence[int]) -> None:
        """Of answers that nobody wrote (`chat.passages`): each citation covers a passage with its mark."""
        unwritten = f"role = 'assistant' AND model = '' AND id IN {_LISTED}"
        for message, content in self._rows(f"SELECT id, content FROM messages WHERE {unwritten}", json.dumps(messages)):
            text, moved, kept = content, 0, []
            for one in self.citations(message):
                start, end = one.sentence_start + moved, one.sentence_end + moved
                if one.document_id in document_ids and text[start:end].startswith("> "):
                    left = f"> … [{one.n}]"
                    text, moved = text[:start] + left + text[end:], moved + len(left) - (end - start)
                    end = start + len(left)
                kept.append(replace(one, sentence_start=start, sentence_end=end))
            connection.execute("UPDATE messages SET content = ? WHERE id = ?", (text, message))
            self.save_citations(message, kept)

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._database.connection().execute(sql, values)]


def deleted_among(sources: Sequence[Source | Citation], there: Callable[[int], bool]) -> frozenset[int]:
    """The documents among these that cannot be opened any more. `there`: whether a document is kept, and not hidden."""
    asked = {one.document_id for one in sources if one.document_id}
    return frozenset(document_id for document_id in asked if not there(document_id))


def _pairs(text: str) -> tuple[tuple[int, int], ...]:
    return tuple((first, second) for first, second in json.loads(text))


def _sound(text: str) -> str:
    """As UTF-8 can carry it."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
