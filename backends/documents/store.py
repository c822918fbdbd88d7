"""`library.db`: documents, what they say, their vectors, collections. It is the truth; indexes follow its changes.

    store = DocumentStore.open(paths.data / "library.db")
    document = store.begin(collection.id, path, name, size, modified, digest)
    passages = store.store(document.id, opened, sections)      # sections and at last `Closed`, as a reader gives them
    for change in store.changes(after=last): ...

Its parts: `collections`, `passages` (reading), `changes`, `vectors_kept`, `erasing`; the tables stand in `schema`.
Every method may be called from any thread; each transaction is short, however long a document is.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from backends.core.cancel import CancelToken
from backends.documents.changes import Changes, within
from backends.documents.collections import Collections
from backends.documents.draft import Draft
from backends.documents.erasing import Erasing
from backends.documents.passages import Passages
from backends.documents.problems import NO_ANSWER
from backends.documents.rows import (
    DOCUMENT,
    LISTED,
    document,
    kept_path,
    listed,
    no_document,
    note_changes,
    problem_text,
    sound,
)
from backends.documents.schema import MANNERS, MIGRATIONS
from backends.documents.types import (
    Closed,
    Document,
    Opened,
    Problem,
    Scope,
    Section,
    Status,
)
from backends.documents.vectors_kept import KeptVectors
from backends.storage.database import Database

__all__ = ["MANNERS", "MIGRATIONS", "DocumentStore", "Sort"]

Sort = Literal["added", "name", "modified", "size", "pages"]
_SORTED: Mapping[Sort, str] = {
    "added": "id DESC",
    "name": "name COLLATE NOCASE, id",
    "modified": "modified DESC, id DESC",
    "size": "size DESC, id DESC",
    "pages": "pages DESC, id DESC",
}


class DocumentStore(Collections, Changes, Passages, KeptVectors, Erasing):
    """Opening it, which only the owner of the data folder does, removes what a kill has left half written."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        if database.notices:  # an older copy: numbers of changes would mean others than they did
            with database.atomic() as connection:
                connection.execute("UPDATE identity SET key = lower(hex(randomblob(16)))")
        self.identity: str = self._value("SELECT key FROM identity")
        if self.sweep():
            self.settle()

    @classmethod
    def open(cls, path: Path) -> "DocumentStore":
        return cls(Database(path, MIGRATIONS, MANNERS))

    @property
    def database(self) -> Database:
        return self._database

    def close(self) -> None:
        self._database.close()

    # ---- documents

    def document(self, document_id: int) -> Document:
        """NotFound (`no_document`). Hidden ones, too."""
        for row in self._rows(f"SELECT {DOCUMENT} FROM documents WHERE id = ?", document_id):
            return document(row)
        raise no_document()

    def documents_by_id(self, ids: Sequence[int]) -> tuple[Document, ...]:
        """In no order; those that are deleted are left out."""
        rows = self._rows(f"SELECT {DOCUMENT} FROM documents WHERE id IN {LISTED} AND hidden IS NULL", listed(ids))
        return tuple(map(document, rows))

    def waiting(self, scope: Scope | None = None) -> int:
        """How many are not read yet."""
        where, values = within(scope or Scope())
        unread = "status <> 'ready' AND status IN ('waiting', 'reading')"  # so that the index of the others is used
        return self._value(f"SELECT count(*) FROM documents WHERE {unread} AND hidden IS NULL AND {where}", *values)

    def documents(
        self,
        scope: Scope | None = None,
        *,
        status: Status | None = None,
        query: str = "",
        offset: int = 0,
        limit: int | None = None,
        hidden: bool = False,
        sort: Sort = "added",
    ) -> tuple[Document, ...]:
        """`query`: words that all stand in name, title or path. `hidden`: deleted ones instead. Sorted by name, else
        the newest, largest or longest first."""
        where, values = _where(scope, status, query, hidden)
        rows = self._rows(
            f"SELECT {DOCUMENT} FROM documents WHERE {where} ORDER BY {_SORTED[sort]} LIMIT ? OFFSET ?",
            *values,
            -1 if limit is None else limit,
            offset,
        )
        return tuple(map(document, rows))

    def count(
        self, scope: Scope | None = None, *, status: Status | None = None, query: str = "", hidden: bool = False
    ) -> int:
        where, values = _where(scope, status, query, hidden)
        return self._value(f"SELECT count(*) FROM documents WHERE {where}", *values)

    def totals(self, scope: Scope | None = None) -> Mapping[Status, int]:
        """How many are in which state."""
        where, values = _where(scope, None, "", False)
        return dict(self._rows(f"SELECT status, count(*) FROM documents WHERE {where} GROUP BY status", *values))

    def find(self, known_as: str, collection_id: int | None = None, *, hidden: bool = False) -> Document | None:
        """By its path, else by its name if it has no path. `hidden`: a deleted one, too."""
        seen = "" if hidden else " AND hidden IS NULL"
        for where in ("path = ?1 AND path <> ''", "name = ?1 AND path = ''"):
            for row in self._rows(
                f"SELECT {DOCUMENT} FROM documents WHERE {where}{seen} AND (?2 IS NULL OR collection_id = ?2) "
                "ORDER BY hidden IS NOT NULL, id DESC LIMIT 1",
                kept_path(known_as),
                collection_id,
            ):
                return document(row)
        return None

    def seen(self, collection_id: int, paths: Iterable[str], *, hidden: bool = False) -> dict[str, tuple[int, float]]:
        """Size and time that the files of these paths had when they were read; of names in UTF-8."""
        named = [path for path in map(kept_path, paths) if isinstance(path, str)]
        rows = self._rows(
            f"SELECT path, size, modified FROM documents WHERE path IN {LISTED} AND path <> '' AND digest <> '' "
            "AND collection_id = ? AND (? OR hidden IS NULL)",
            *(listed(named), collection_id, hidden),
        )
        return {path: (size, modified) for path, size, modified in rows}

    def find_moved(self, digest: str, size: int, collection_id: int | None = None) -> tuple[Document, ...]:
        """Those with the same bytes: one whose file is not there any more has been moved."""
        rows = self._rows(
            f"SELECT {DOCUMENT} FROM documents WHERE digest = ?1 AND size = ?2 AND path <> '' AND hidden IS NULL "
            "AND (?3 IS NULL OR collection_id = ?3) ORDER BY id",
            digest,
            size,
            collection_id,
        )
        return tuple(map(document, rows))

    def below(self, collection_id: int, folder: str, after: int = 0, limit: int = 500) -> tuple[Document, ...]:
        """Documents of a collection whose files lie in that folder or below it, by id, after one."""
        start = folder if folder.endswith(os.sep) else folder + os.sep
        rows = self._rows(
            f"SELECT {DOCUMENT} FROM documents WHERE collection_id = ?1 AND id > ?2 AND hidden IS NULL AND "
            "CAST(substr(CAST(path AS BLOB), 1, length(CAST(?3 AS BLOB))) AS BLOB) = CAST(?3 AS BLOB) "
            "ORDER BY id LIMIT ?4",
            collection_id,
            after,
            kept_path(start),
            limit,
        )
        return tuple(map(document, rows))

    def unfinished(self) -> tuple[Document, ...]:
        """Those that nobody has read to their end (after a kill)."""
        rows = self._rows(
            f"SELECT {DOCUMENT} FROM documents WHERE status IN ('waiting', 'reading') AND hidden IS NULL ORDER BY id"
        )
        return tuple(map(document, rows))

    def unanswered(self) -> tuple[Document, ...]:
        """Those whose drive did not answer."""
        rows = self._rows(
            f"SELECT {DOCUMENT} FROM documents WHERE problem IS NOT NULL AND path <> '' AND hidden IS NULL "
            "AND json_extract(problem, '$.code') = ? ORDER BY id",
            NO_ANSWER,
        )
        return tuple(map(document, rows))

    def paths(self, ids: Iterable[int]) -> tuple[str, ...]:
        """Where the files of these lie, also of those that are deleted and not erased yet."""
        rows = self._rows(f"SELECT path FROM documents WHERE id IN {LISTED} AND path <> ''", listed(ids))
        return tuple(os.fsdecode(row[0]) if isinstance(row[0], bytes) else row[0] for row in rows)

    # ---- taking in

    def expect(self, collection_id: int, paths: Iterable[Path]) -> tuple[Document, ...]:
        """Files that will be read when their turn comes: they are documents already. Raises OSError, and NotFound
        (`no_collection`)."""
        self.collection(collection_id)
        files = [(path, path.stat()) for path in paths]
        ids: list[int] = []
        with self._database.atomic() as connection:
            for path, found in files:
                cursor = connection.execute(
                    "INSERT INTO documents (collection_id, path, name, size, modified, digest, status, added) "
                    "VALUES (?, ?, ?, ?, ?, '', 'waiting', ?)",
                    (
                        *(collection_id, kept_path(str(path)), sound(path.name)),
                        *(found.st_size, found.st_mtime, time.time()),
                    ),
                )
                assert cursor.lastrowid is not None
                ids.append(cursor.lastrowid)
        return tuple(map(self.document, ids))

    def begin(self, collection_id: int, path: str, name: str, size: int, modified: float, digest: str) -> Document:
        """One that is being read: new, or the one of this path (or name, without a path), which goes on showing what
        it did until the new text is stored."""
        kept, name = kept_path(path), sound(name)
        where, key = ("path = ? AND path <> ''", kept) if path else ("path = '' AND name = ?", name)
        with self._unsynced(), self._database.atomic() as connection:
            row = connection.execute(
                f"SELECT id FROM documents WHERE {where} AND collection_id = ? AND hidden IS NULL ORDER BY id DESC",
                (key, collection_id),
            ).fetchone()
            if row is None:
                cursor = connection.execute(
                    "INSERT INTO documents (collection_id, path, name, size, modified, digest, status, added) "
                    "VALUES (?, ?, ?, ?, ?, ?, 'reading', ?)",
                    (collection_id, kept, name, size, modified, digest, time.time()),
                )
                id = cursor.lastrowid
                assert id is not None
            else:
                id = row[0]
                connection.execute(
                    "UPDATE documents SET size = ?, modified = ?, digest = ?, status = 'reading' WHERE id = ?",
                    (size, modified, digest, id),
                )
        return self.document(id)

    @contextmanager
    def _unsynced(self) -> Iterator[None]:
        """What is written inside need not outlive a power cut: nobody waits for the disk. What is written later takes
        it along."""
        connection = self._database.connection()
        if connection.in_transaction:
            yield
            return
        connection.execute("PRAGMA synchronous=NORMAL")
        try:
            yield
        finally:
            connection.execute("PRAGMA synchronous=FULL")

    def touch(self, document_id: int, *, size: int, modified: float, path: str | None = None) -> None:
        """The same bytes with another time, or in another place."""
        with self._database.atomic() as connection:
            connection.execute(
                "UPDATE documents SET size = ?, modified = ? WHERE id = ?", (size, modified, document_id)
            )
            if path is not None:
                connection.execute(
                    "UPDATE documents SET path = ?, name = ? WHERE id = ?",
                    (kept_path(path), sound(Path(path).name), document_id),
                )

    def store(
        self,
        document_id: int,
        opened: Opened,
        sections: Iterable[Section | Closed],
        *,
        problem: Problem | None = None,
        cancel: CancelToken | None = None,
    ) -> int:
        """Take its text from the reader, and show it instead of what it showed before. Gives the number of passages;
        0: there was no text, and nothing was changed. What the reader raises is passed on, and nothing is left of it.
        """
        with self.draft(document_id) as draft:
            for item in sections:
                if cancel is not None:
                    cancel.check()
                if isinstance(item, Closed):
                    draft.closed = item
                else:
                    draft.add(item)
            if draft.passages:
                draft.show(opened, problem)
        return draft.passages

    @contextmanager
    def draft(self, document_id: int) -> Iterator[Draft]:
        """Its text, to be added piece by piece. What is not shown when this ends is removed."""
        draft = Draft(self, document_id)
        try:
            yield draft
        finally:
            draft.end()

    def give_up(self, document_id: int) -> None:
        """Nobody wants it to be read any more: it is as it was before, and is read anew when it is met again."""
        with self._database.atomic() as connection:
            connection.execute(
                "DELETE FROM documents WHERE id = ? AND version IS NULL AND problem IS NULL", (document_id,)
            )
            connection.execute(
                "UPDATE documents SET status = iif(version IS NULL, 'failed', 'ready'), digest = '' WHERE id = ? "
                "AND status IN ('waiting', 'reading')",
                (document_id,),
            )

    def fail(self, document_id: int, problem: Problem | None, status: Status = "failed", *, keep: bool = False) -> None:
        """It could not be read. `keep`: what it showed before can be found still (the reason lies not in the file)."""
        with self._database.atomic() as connection:
            row = connection.execute("SELECT version, hidden FROM documents WHERE id = ?", (document_id,)).fetchone()
            if row is None:
                return
            if keep and row[0] is not None:
                connection.execute(
                    "UPDATE documents SET digest = iif(status = 'ready', digest, ''), status = 'ready', problem = ? "
                    "WHERE id = ?",
                    (problem_text(problem), document_id),
                )
                return
            connection.execute(
                "UPDATE documents SET status = ?, problem = ?, version = NULL, passages = 0, characters = 0, "
                "recognised = 0, language = '' WHERE id = ?",
                (status, problem_text(problem), document_id),
            )
            if row[0] is not None:
                connection.execute("INSERT INTO loose VALUES (?)", (row[0],))
                note_changes(connection, [document_id], gone=True)
        self.sweep()

    def describe(self, document_id: int, opened: Opened, pages: int = 0, unread: int = 0) -> None:
        """What is known of one that has no text: its format, title, pages, how many of them are pictures."""
        with self._database.atomic() as connection:
            connection.execute(
                "UPDATE documents SET format = ?, title = ?, pages = ?, dated = ?, unread = ? WHERE id = ?",
                (opened.format, sound(opened.title), pages or opened.pages, opened.dated, unread, document_id),
            )


def _where(scope: Scope | None, status: Status | None, query: str, hidden: bool) -> tuple[str, list[object]]:
    where, values = within(scope or Scope())
    where += f" AND hidden IS {'NOT ' if hidden else ''}NULL"
    if status is not None:
        where += " AND status = ?"
        values.append(status)
    for word in query.split():
        like = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        where += " AND (name LIKE ? ESCAPE '\\' OR title LIKE ? ESCAPE '\\' OR path LIKE ? ESCAPE '\\')"
        values += [like] * 3
    return where, values
