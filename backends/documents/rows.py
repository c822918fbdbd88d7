"""How rows of `library.db` become the words of this room, and what its parts share."""

import json
import os
import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from backends.core.errors import NotFound
from backends.core.phrase import Phrase
from backends.documents.types import PASSAGE_BITS, Document, Passage, Problem, Section, StoredSection
from backends.storage.database import Connected, Database

T = TypeVar("T")

MOST = (1 << PASSAGE_BITS) - 1  # the largest number of a passage or section
SHOWN = "version IS NOT NULL AND hidden IS NULL"  # documents that can be found

DOCUMENT = (
    "id, collection_id, path, name, title, format, size, modified, dated, digest, status, problem, pages, characters, "
    "passages, language, recognised, unread, added, hidden"
)
PASSAGE = (
    f'(d.id << {PASSAGE_BITS}) | (p.id & {MOST}), p.start, p."end", s.page, s.label, s.headings, s.kind, '
    'substr(s.text, p.start - s.start + 1, p."end" - p.start)'
)
PASSAGES_OF = (
    "FROM documents d "
    f"JOIN passages p ON p.id BETWEEN (d.version << {PASSAGE_BITS} | ?) AND (d.version << {PASSAGE_BITS} | ?) "
    f"JOIN sections s ON s.id = (d.version << {PASSAGE_BITS} | p.section)"
)


class Kept:
    """What every part of the store stands on. Reads take whole results: an open one would hold the log."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._drafts: set[int] = set()  # versions that are being written
        self._drafts_lock = threading.Lock()

    def _rows(self, sql: str, *values: object) -> list[Any]:
        return self._database.connection().execute(sql, values).fetchall()

    def _value(self, sql: str, *values: object) -> Any:
        row = self._database.connection().execute(sql, values).fetchone()
        return None if row is None else row[0]


def note_changes(connection: Connected, ids: Iterable[int], *, gone: bool) -> None:
    """The next sequence number for each; the one it had before goes."""
    connection.executemany(
        "INSERT OR REPLACE INTO changes (document_id, gone) VALUES (?, ?)", ((each, gone) for each in ids)
    )


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


LISTED = "(SELECT value FROM json_each(?))"  # any number of values in one


def listed(values: Iterable[object]) -> str:
    return json.dumps(list(values))


def kept_path(path: str) -> str | bytes:
    """A name whose bytes are no UTF-8 (Python has them as lone surrogates) is kept as those bytes."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


def sound(text: str) -> str:
    """`text` as UTF-8 can carry it."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def document(row: Any) -> Document:
    fields = dict(zip(DOCUMENT.split(", "), tuple(row), strict=True))
    path = fields["path"]
    fields["path"] = os.fsdecode(path) if isinstance(path, bytes) else path
    fields["problem"] = problem(fields["problem"])
    return Document(**fields)


def passage(row: Any) -> Passage:
    id, start, end, page, label, headings, kind, text = row
    return Passage(id, start, end, page, label, tuple(json.loads(headings)), kind, text)


SECTION = 'id, start, "end", text, page, label, headings, kind, recognised'


def section(document_id: int, row: Any) -> StoredSection:
    id, start, end, text, page, label, headings, kind, recognised = row
    held = Section(text, page, label, tuple(json.loads(headings)), kind, bool(recognised))
    return StoredSection(document_id, id & MOST, start, end, held)


def problem_text(problem: Problem | None) -> str | None:
    if problem is None:
        return None
    message, hint = problem.message, problem.hint
    return json.dumps(
        {"code": problem.code, "message": [message.en, message.zh], "hint": [hint.en, hint.zh]}, ensure_ascii=True
    )


def problem(text: str | None) -> Problem | None:
    if text is None:
        return None
    fields = json.loads(text)
    return Problem(fields["code"], Phrase(*fields["message"]), Phrase(*fields["hint"]))


def no_document() -> NotFound:
    return NotFound(Phrase("This document is not there any more.", "该文档已不存在。"), code="no_document")
