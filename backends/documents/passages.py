"""What documents say: sections, passages, any range of their text; of the version that is shown."""

from collections.abc import Iterator, Sequence

from backends.documents.rows import (
    LISTED,
    MOST,
    PASSAGE,
    PASSAGES_OF,
    SECTION,
    Kept,
    listed,
    passage,
    section,
)
from backends.documents.types import PASSAGE_BITS, Language, Passage, StoredSection, document_of

_SECTIONS_AT_ONCE = 16
_PASSAGES_AT_ONCE = 512


class Passages(Kept):
    def sections(self, document_id: int, start: int = 0, end: int | None = None) -> Iterator[StoredSection]:
        """Those that hold a character of `start` to `end`, in order; none of a document that has no text."""
        version = self._version(document_id)
        if version is None:
            return
        number = self._section_at(version, start)
        while True:
            rows = self._rows(
                f"SELECT {SECTION} FROM sections WHERE id BETWEEN ? AND ? ORDER BY id LIMIT {_SECTIONS_AT_ONCE}",
                version << PASSAGE_BITS | number,
                version << PASSAGE_BITS | MOST,
            )
            for row in rows:
                if end is not None and row[1] >= end:
                    return
                found = section(document_id, row)
                number = found.number + 1
                if found.end > start:
                    yield found
            if len(rows) < _SECTIONS_AT_ONCE:
                return

    def text(self, document_id: int, start: int = 0, end: int | None = None) -> str:
        """That range of the stored text; what lies outside of it is left out."""
        pieces = [
            each.section.text[max(start - each.start, 0) : None if end is None else max(end - each.start, 0)]
            for each in self.sections(document_id, start, end)
        ]
        return "".join(pieces)

    def passages(self, ids: Sequence[int]) -> list[Passage]:
        """In that order; those that are not there or of a document that is deleted are left out."""
        rows = self._rows(
            f"SELECT {PASSAGE} FROM json_each(?) AS asked "
            f"CROSS JOIN documents d ON d.id = asked.value >> {PASSAGE_BITS} "
            f"CROSS JOIN passages p ON p.id = (d.version << {PASSAGE_BITS}) | (asked.value & {MOST}) "
            f"CROSS JOIN sections s ON s.id = (d.version << {PASSAGE_BITS} | p.section) "
            "WHERE d.hidden IS NULL ORDER BY asked.key",
            listed(ids),
        )
        return [passage(row) for row in rows]

    def passages_of(self, document_id: int, first: int = 0) -> Iterator[Passage]:
        """From number `first` on, in order; it ends if the document is read anew meanwhile."""
        version = self._version(document_id)
        while version is not None:
            rows = self._rows(
                f"SELECT {PASSAGE} {PASSAGES_OF} WHERE d.id = ? AND d.version = ? ORDER BY p.id",
                first,
                first + _PASSAGES_AT_ONCE - 1,
                document_id,
                version,
            )
            yield from map(passage, rows)
            first += _PASSAGES_AT_ONCE
            if len(rows) < _PASSAGES_AT_ONCE:
                return

    def neighbours(self, passage_id: int, before: int = 1, after: int = 1) -> list[Passage]:
        """The passage itself among those before and after it, in order; [] if it is not there."""
        number = passage_id & MOST
        rows = self._rows(
            f"SELECT {PASSAGE} {PASSAGES_OF} WHERE d.id = ? AND d.hidden IS NULL ORDER BY p.id",
            max(0, number - before),
            min(MOST, number + after),
            document_of(passage_id),
        )
        found = [passage(row) for row in rows]
        return found if any(each.id == passage_id for each in found) else []

    def passage_at(self, document_id: int, place: int) -> Passage | None:
        """The one that holds that place of the text, else the next one after it."""
        version = self._version(document_id)
        if version is None:
            return None
        low = self._first(
            'SELECT "end" FROM passages WHERE id = ?', version, self._last("passages", version) + 1, place
        )
        rows = self._rows(f"SELECT {PASSAGE} {PASSAGES_OF} WHERE d.id = ?", low, low, document_id)
        return passage(rows[0]) if rows else None

    def languages(self, ids: Sequence[int]) -> dict[int, Language]:
        """Of documents."""
        return dict(self._rows(f"SELECT id, language FROM documents WHERE id IN {LISTED}", listed(ids)))

    # ---- inside

    def _version(self, document_id: int) -> int | None:
        return self._value("SELECT version FROM documents WHERE id = ?", document_id)

    def _last(self, table: str, version: int) -> int:
        """The largest number; -1: there is none."""
        id = self._value(
            f"SELECT max(id) FROM {table} WHERE id BETWEEN ? AND ?",
            version << PASSAGE_BITS,
            version << PASSAGE_BITS | MOST,
        )
        return -1 if id is None else id & MOST

    def _section_at(self, version: int, place: int) -> int:
        if place <= 0:
            return 0
        return self._first(
            'SELECT "end" FROM sections WHERE id = ?', version, self._last("sections", version) + 1, place
        )

    def _first(self, end_of: str, version: int, count: int, place: int) -> int:
        """The first number, of `count`, whose end lies behind `place`; a few looks by id instead of an index."""
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            if (self._value(end_of, version << PASSAGE_BITS | middle) or 0) > place:
                high = middle
            else:
                low = middle + 1
        return low
