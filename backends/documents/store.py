"""`library.db`: documents, what they say, their vectors, collections. It is the truth; indexes follow its changes.

    store = DocumentStore.open(paths.data / "library.db")
    document = store.begin(collection.id, path, name, size, modified, digest)
    passages = store.store(document.id, opened, sections)      # sections and at last `Closed`, as a reader gives them
    for change in store.changes(after=last): ...

Its parts: `collections`, `passages` (reading), `changes`, `vectors_kept`, `erasing`; the tables stand in `schema`.
Every method may be called from any thread; each transaction is short, however long a document is.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from backends.core.cancel import CancelToken
from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase
from backends.documents.changes import Changes, within
from backends.documents.chunking import chunks, language
from backends.documents.collections import Collections
from backends.documents.erasing import Erasing
from backends.documents.passages import Passages
from backends.documents.rows import DOCUMENT, MOST, document, kept_path, no_document, note_changes, problem_text, sound
from backends.documents.schema import MANNERS, MIGRATIONS
from backends.documents.types import (
    PASSAGE_BITS,
    Closed,
    Document,
    Opened,
    Problem,
    Scope,
    Section,
    Status,
)
from backends.documents.vectors_kept import KeptVectors
from backends.storage.database import Connected, Database

__all__ = ["MANNERS", "MIGRATIONS", "DocumentStore"]

AT_ONCE = 2 << 20  # characters of text in a transaction


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

    def documents(
        self,
        scope: Scope | None = None,
        *,
        status: Status | None = None,
        query: str = "",
        offset: int = 0,
        limit: int | None = None,
        hidden: bool = False,
    ) -> tuple[Document, ...]:
        """The newest first. `query`: words that all stand in name, title or path. `hidden`: deleted ones instead."""
        where, values = _where(scope, status, query, hidden)
        rows = self._rows(
            f"SELECT {DOCUMENT} FROM documents WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?",
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

    # ---- taking in

    def begin(self, collection_id: int, path: str, name: str, size: int, modified: float, digest: str) -> Document:
        """One that is being read: new, or the one of this path (or name, without a path), which goes on showing what
        it did until the new text is stored."""
        kept, name = kept_path(path), sound(name)
        where, key = ("path = ? AND path <> ''", kept) if path else ("path = '' AND name = ?", name)
        with self._database.atomic() as connection:
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
        """Take its text from the reader, and show it instead of what it showed before: at once and as a whole, when
        the last section is in. Gives the number of passages; 0: there was no text, and nothing was changed.

        Memory holds 2 Mi characters at a time. What the reader raises is passed on, and nothing is left of it. A text
        that is not longer than that is written in one transaction; a longer one in several, none of which can be seen
        before the last one.
        """
        draft = _Draft(self, document_id)
        try:
            for item in sections:
                if cancel is not None:
                    cancel.check()
                if isinstance(item, Closed):
                    draft.closed = item
                else:
                    draft.add(item)
            if draft.passages:
                draft.show(opened, problem)
        finally:
            draft.end()
        return draft.passages

    def fail(self, document_id: int, problem: Problem | None, status: Status = "failed", *, keep: bool = False) -> None:
        """It could not be read. `keep`: what it showed before can be found still (the reason lies not in the file)."""
        with self._database.atomic() as connection:
            row = connection.execute("SELECT version, hidden FROM documents WHERE id = ?", (document_id,)).fetchone()
            if row is None:
                return
            if keep and row[0] is not None:
                connection.execute(
                    "UPDATE documents SET status = 'ready', problem = ? WHERE id = ?",
                    (problem_text(problem), document_id),
                )
                return
            connection.execute(
                "UPDATE documents SET status = ?, problem = ?, version = NULL, passages = 0, characters = 0, "
                "unread = 0, recognised = 0, language = '' WHERE id = ?",
                (status, problem_text(problem), document_id),
            )
            if row[0] is not None:
                connection.execute("INSERT INTO loose VALUES (?)", (row[0],))
                note_changes(connection, [document_id], gone=True)
        self.sweep()

    def describe(self, document_id: int, opened: Opened, pages: int = 0) -> None:
        """What is known of one that has no text: its format, title and pages."""
        with self._database.atomic() as connection:
            connection.execute(
                "UPDATE documents SET format = ?, title = ?, pages = ?, dated = ? WHERE id = ?",
                (opened.format, sound(opened.title), pages or opened.pages, opened.dated, document_id),
            )


class _Draft:
    """A version of a document while it is written."""

    def __init__(self, store: DocumentStore, document_id: int) -> None:
        self._store, self._document = store, document_id
        self._version: int | None = None
        self._writing = ExitStack()
        self._sections: list[tuple[Any, ...]] = []
        self._passages: list[tuple[int, int, int, int]] = []
        self._held = 0
        self._number = 0
        self._languages: Counter[str] = Counter()
        self._recognised: set[int] = set()
        self._last_page = 0
        self.characters = 0
        self.passages = 0
        self.closed = Closed()

    def add(self, section: Section) -> None:
        text, start = section.text, self.characters
        if not text:
            return
        end = start + len(text)
        places = list(chunks(section))
        if self._number >= MOST or self.passages + len(places) > MOST:
            raise _too_large()
        headings = json.dumps(section.headings, ensure_ascii=False) if section.headings else "[]"
        self._sections.append(
            (self._number, start, end, section.page, section.label, headings, section.kind, section.recognised, text)
        )
        for from_, to in places:
            self._passages.append((self.passages, self._number, start + from_, start + to))
            self.passages += 1
        if places:
            self._languages[language(text)] += len(places)
        if section.recognised:
            self._recognised.add(section.page)
        self._last_page = max(self._last_page, section.page)
        self._number += 1
        self.characters = end
        self._held += len(text)
        if self._held >= AT_ONCE:
            with self._store.database.atomic() as connection:
                self._write(connection)

    def _write(self, connection: Connected) -> None:
        if self._version is None:
            version = connection.execute("INSERT INTO loose DEFAULT VALUES").lastrowid
            assert version is not None
            self._version = version
            self._writing.enter_context(self._store._writing(version))
        base = self._version << PASSAGE_BITS
        connection.executemany(
            "INSERT INTO sections VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ((base | row[0], *row[1:]) for row in self._sections),
        )
        connection.executemany(
            "INSERT INTO passages VALUES (?, ?, ?, ?)", ((base | row[0], *row[1:]) for row in self._passages)
        )
        self._sections, self._passages, self._held = [], [], 0

    def show(self, opened: Opened, problem: Problem | None) -> None:
        with self._store.database.atomic() as connection:
            self._write(connection)
            row = connection.execute("SELECT version, hidden FROM documents WHERE id = ?", (self._document,)).fetchone()
            if row is None:
                raise no_document()
            unread = len(self.closed.unread)
            connection.execute(
                "UPDATE documents SET status = 'ready', version = ?, format = ?, title = ?, dated = ?, problem = ?, "
                "pages = ?, characters = ?, passages = ?, language = ?, recognised = ?, unread = ? WHERE id = ?",
                (
                    *(self._version, opened.format, sound(opened.title), opened.dated, problem_text(problem)),
                    *(self.closed.pages or opened.pages, self.characters, self.passages),
                    *(self._languages.most_common(1)[0][0], len(self._recognised), unread, self._document),
                ),
            )
            connection.execute("DELETE FROM loose WHERE version = ?", (self._version,))
            if row["version"] is not None:
                connection.execute("INSERT INTO loose VALUES (?)", (row["version"],))
            if row["hidden"] is None:
                note_changes(connection, [self._document], gone=False)

    def end(self) -> None:
        """What is not shown is removed, and so is what was shown before."""
        self._writing.close()
        self._store.sweep()


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


def _too_large() -> InvalidInput:
    return InvalidInput(
        Phrase("This file holds more text than a document can.", "该文件的文本过多，无法作为一个文档。"),
        Phrase("Split it into several files.", "请将其拆分为多个文件。"),
        code="too_large",
    )
