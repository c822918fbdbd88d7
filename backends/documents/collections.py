"""Collections, the folders they follow, and what was asked for and is not done yet."""

import hashlib
import itertools
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from backends.core.errors import InvalidInput, NotFound
from backends.core.phrase import Phrase
from backends.documents.rows import Kept, kept_path, problem, problem_text, sound
from backends.documents.types import Collection, Problem, WatchedFolder

DEFAULT_NAME = "Documents"  # a name like another: the person may change it

_COLLECTIONS = """
    SELECT c.id, CASE WHEN c.kind = 'conversation' THEN '' ELSE c.name END,
           (SELECT count(*) FROM documents d WHERE d.collection_id = c.id AND d.hidden IS NULL), c.conversation_id
    FROM collections c WHERE c.hidden IS NULL
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A file or folder (`kind` path) or a file of documents (jsonl) that was to be taken in."""

    id: int
    collection_id: int
    kind: Literal["path", "jsonl"]
    path: str
    recognise: bool


class Collections(Kept):
    def collections(self) -> tuple[Collection, ...]:
        """Those with a name, the oldest first."""
        return tuple(Collection(*row) for row in self._rows(f"{_COLLECTIONS} AND kind <> 'conversation' ORDER BY id"))

    def collection(self, collection_id: int) -> Collection:
        for row in self._rows(f"{_COLLECTIONS} AND c.id = ?", collection_id):
            return Collection(*row)
        raise no_collection()

    def collection_named(self, name: str) -> Collection | None:
        """Capitals and white space do not count."""
        wanted = _name(name).casefold()
        return next((each for each in self.collections() if each.name.casefold() == wanted), None)

    def default_collection(self) -> Collection:
        """Where documents go that were dropped on no other; made when it is not there."""
        with self._database.atomic() as connection:
            row = connection.execute("SELECT id FROM collections WHERE kind = 'default' AND hidden IS NULL").fetchone()
            if row is None:
                named = self.collection_named(DEFAULT_NAME)
                if named is not None:
                    connection.execute("UPDATE collections SET kind = 'default' WHERE id = ?", (named.id,))
                    return named
                return self._add(connection, DEFAULT_NAME, "default", None)
        return self.collection(row[0])

    def conversation_collection(self, conversation_id: int) -> Collection:
        """What was dropped on that conversation only; made when it is not there."""
        with self._database.atomic() as connection:
            row = connection.execute(
                "SELECT id FROM collections WHERE conversation_id = ?", (conversation_id,)
            ).fetchone()
            if row is None:
                return self._add(connection, "", "conversation", conversation_id)
            connection.execute("UPDATE collections SET hidden = NULL WHERE id = ?", (row[0],))
        return self.collection(row[0])

    def add_collection(self, name: str) -> Collection:
        """InvalidInput (`name_missing`, `name_taken`)."""
        with self._database.atomic() as connection:
            return self._add(connection, self._free(name, None), "library", None)

    def rename_collection(self, collection_id: int, name: str) -> Collection:
        self.collection(collection_id)
        with self._database.atomic() as connection:
            connection.execute(
                "UPDATE collections SET name = ? WHERE id = ?", (self._free(name, collection_id), collection_id)
            )
        return self.collection(collection_id)

    def restore_collection(self, collection_id: int) -> None:
        """Undo its removal; its documents come back by `restore`. If another has its name by now, it gets a number."""
        with self._database.atomic() as connection:
            row = connection.execute("SELECT name FROM collections WHERE id = ?", (collection_id,)).fetchone()
            if row is None:
                raise no_collection()
            taken = {each.name.casefold() for each in self.collections() if each.id != collection_id}
            names = (row[0] if number == 1 else f"{row[0]} ({number})" for number in itertools.count(1))
            name = next(name for name in names if name.casefold() not in taken)
            connection.execute("UPDATE collections SET hidden = NULL, name = ? WHERE id = ?", (name, collection_id))

    def _add(self, connection: Any, name: str, kind: str, conversation_id: int | None) -> Collection:
        cursor = connection.execute(
            "INSERT INTO collections (name, kind, conversation_id) VALUES (?, ?, ?)", (name, kind, conversation_id)
        )
        return Collection(cursor.lastrowid, name, 0, conversation_id)

    def _free(self, name: str, but: int | None) -> str:
        name = _name(name)
        if not name:
            raise InvalidInput(Phrase("A collection needs a name.", "请为资料库命名。"), code="name_missing")
        other = self.collection_named(name)
        if other is not None and other.id != but:
            raise InvalidInput(
                Phrase(f"There is a collection {name} already.", f"已有名为 {name} 的资料库。"),
                Phrase("Choose another name.", "请换一个名称。"),
                code="name_taken",
            )
        return name

    # ---- folders that are followed

    def watched(self, collection_id: int | None = None) -> tuple[WatchedFolder, ...]:
        rows = self._rows(
            "SELECT w.id, w.collection_id, w.path, w.problem FROM watched w JOIN collections c "
            "ON c.id = w.collection_id WHERE c.hidden IS NULL AND (?1 IS NULL OR c.id = ?1) ORDER BY w.id",
            collection_id,
        )
        return tuple(_watched(row) for row in rows)

    def watch(self, collection_id: int, path: str | Path) -> WatchedFolder:
        """Follow this folder; nothing new if the collection does already."""
        self.collection(collection_id)
        kept = kept_path(str(path))
        with self._database.atomic() as connection:
            connection.execute(
                "INSERT INTO watched (collection_id, path) VALUES (?, ?) ON CONFLICT DO NOTHING", (collection_id, kept)
            )
        return next(each for each in self.watched(collection_id) if each.path == str(path))

    def unwatch(self, watched_id: int) -> None:
        """Its documents stay."""
        with self._database.atomic() as connection:
            connection.execute("DELETE FROM watched WHERE id = ?", (watched_id,))

    def set_watch_problem(self, watched_id: int, problem: Problem | None) -> None:
        with self._database.atomic() as connection:
            connection.execute("UPDATE watched SET problem = ? WHERE id = ?", (problem_text(problem), watched_id))

    def left_out(self, collection_id: int, path: str) -> bool:
        """The person deleted this file here: a folder that is followed does not bring it back."""
        return bool(
            self._rows("SELECT 1 FROM left_out WHERE collection_id = ? AND key = ?", collection_id, left_out_key(path))
        )

    def take_back(self, collection_id: int, path: str) -> None:
        """The person asked for it again."""
        with self._database.atomic() as connection:
            connection.execute(
                "DELETE FROM left_out WHERE collection_id = ? AND key = ?", (collection_id, left_out_key(path))
            )

    # ---- what was asked for

    def ask(
        self,
        collection_id: int,
        paths: Iterable[str],
        *,
        kind: Literal["path", "jsonl"] = "path",
        recognise: bool = False,
    ) -> tuple[Asked, ...]:
        """To be taken in: outlives a kill, until `answered`."""
        self.collection(collection_id)
        asked: list[Asked] = []
        with self._database.atomic() as connection:
            for path in paths:
                cursor = connection.execute(
                    "INSERT INTO asked (collection_id, kind, path, recognise) VALUES (?, ?, ?, ?)",
                    (collection_id, kind, kept_path(path), recognise),
                )
                assert cursor.lastrowid is not None
                asked.append(Asked(cursor.lastrowid, collection_id, kind, path, recognise))
        return tuple(asked)

    def asked(self) -> tuple[Asked, ...]:
        rows = self._rows("SELECT id, collection_id, kind, path, recognise FROM asked ORDER BY id")
        return tuple(
            Asked(id, collection_id, kind, _path(path), bool(recognise))
            for id, collection_id, kind, path, recognise in rows
        )

    def answered(self, asked: Iterable[Asked]) -> None:
        with self._database.atomic() as connection:
            connection.executemany("DELETE FROM asked WHERE id = ?", ((each.id,) for each in asked))


def left_out_key(path: str | bytes) -> bytes:
    """A hash: nothing of the name is kept."""
    return hashlib.blake2b(os.fsencode(os.path.normcase(path)), digest_size=16).digest()


def no_collection() -> NotFound:
    return NotFound(Phrase("This collection is not there any more.", "该资料库已不存在。"), code="no_collection")


def _name(name: str) -> str:
    return sound(" ".join(name.split()))


def _path(kept: str | bytes) -> str:
    return os.fsdecode(kept) if isinstance(kept, bytes) else kept


def _watched(row: Any) -> WatchedFolder:
    id, collection_id, path, said = row
    return WatchedFolder(id, collection_id, _path(path), problem(said))
