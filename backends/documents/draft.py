"""The text of a document on its way into the store."""

import json
from collections import Counter
from contextlib import ExitStack
from typing import Any

from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase
from backends.documents.chunking import chunks, language
from backends.documents.erasing import Erasing
from backends.documents.rows import MOST, no_document, note_changes, problem_text, sound
from backends.documents.types import PASSAGE_BITS, Closed, Opened, Problem, Section
from backends.storage.database import Connected

AT_ONCE = 2 << 20  # characters of text in a transaction


class Draft:
    """A version of a document while it is written. Memory holds 2 Mi characters of it at a time. A text that is not
    longer is written in one transaction; a longer one in several, none of which can be seen before the last one."""

    def __init__(self, store: Erasing, document_id: int) -> None:
        self._store, self._document = store, document_id
        self._database = store._database
        self._version: int | None = None
        self._alone: Section | None = None  # the first one, while there is no other
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
        if self._alone is not None:
            first, self._alone = self._alone, None
            self._passages, self.passages = [], 0
            self._languages.clear()
            self._cut(first, 0, 0)
        elif not self._number:
            self._alone = section
        end = start + len(text)
        headings = json.dumps(section.headings, ensure_ascii=False) if section.headings else "[]"
        self._cut(section, self._number, start)
        self._sections.append(
            (self._number, start, end, section.page, section.label, headings, section.kind, section.recognised, text)
        )
        if section.recognised:
            self._recognised.add(section.page)
        self._last_page = max(self._last_page, section.page)
        self._number += 1
        self.characters = end
        self._held += len(text)
        if self._held >= AT_ONCE:
            self._alone = None
            with self._database.atomic() as connection:
                self._write(connection)

    def _cut(self, section: Section, number: int, start: int) -> None:
        places = list(chunks(section, alone=self._alone is section))
        if number >= MOST or self.passages + len(places) > MOST:
            raise _too_large()
        for from_, to in places:
            self._passages.append((self.passages, number, start + from_, start + to))
            self.passages += 1
        if places:
            self._languages[language(section.text)] += len(places)

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
        """Let it be what the document says, instead of what it said before: at once and as a whole."""
        with self._database.atomic() as connection:
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


def _too_large() -> InvalidInput:
    return InvalidInput(
        Phrase("This file holds more text than a document can.", "该文件的文本过多，无法作为一个文档。"),
        Phrase("Split it into several files.", "请将其拆分为多个文件。"),
        code="too_large",
    )
