"""The outline of a PDF (ISO 32000-1, 12.3.3): which headings a page lies under."""

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

_ENTRIES = 20_000  # of an outline that are looked at
_DEPTH = 8
_WHITE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Outline:
    """Entries in the order of their pages: the page, from 1, and the path of headings that ends in the entry's own."""

    pages: list[int]
    paths: list[tuple[str, ...]]

    @classmethod
    def of(cls, document: Any) -> "Outline":
        import pypdfium2

        found: list[tuple[int, tuple[str, ...]]] = []
        path: list[str] = []
        try:
            for entry in islice(document.get_toc(max_depth=_DEPTH), _ENTRIES):
                title = _WHITE.sub(" ", entry.get_title()).strip()
                path[entry.level :] = [title] if title else []
                destination = entry.get_dest()
                page = destination.get_index() if destination else None
                if page is not None and page >= 0 and title:
                    found.append((page + 1, tuple(path)))
        except (pypdfium2.PdfiumError, UnicodeDecodeError, RecursionError):
            found = found[:]  # what was there so far
        found.sort(key=lambda one: one[0])
        return cls([page for page, _ in found], [headings for _, headings in found])

    def path(self, page: int) -> tuple[str, ...]:
        """The headings that the beginning of `page` lies under."""
        before = bisect.bisect_left(self.pages, page)
        return self.paths[before - 1] if before else ()

    def parts(self, page: int, text: str) -> Iterator[tuple[tuple[str, ...], str]]:
        """`text`, that of the page, in parts that lie under one heading each; a heading has a line of its own."""
        headings, start, moved = self.path(page), 0, False
        if not text:
            return
        first, last = bisect.bisect_left(self.pages, page), bisect.bisect_right(self.pages, page)
        for path in self.paths[first:last]:
            found = _line_of(path[-1], text, start)
            if found is None:
                headings, moved = (headings, moved) if moved else (path, True)  # nobody knows where on the page
                continue
            place, end = found
            if text[start:place].strip():
                yield headings, text[start:place]
            headings, moved, start = path, True, place
            if end < len(text) and text[end] != "\n":
                text = f"{text[:end]}\n{text[end:].lstrip(' ')}"
        yield headings, text[start:]


def _line_of(title: str, text: str, start: int) -> tuple[int, int] | None:
    """Where a line begins with this title, perhaps after a number, and where the title ends; white space does not
    count. What goes on in small letters is a sentence that begins with the same words."""
    letters = r"\s*".join(re.escape(letter) for letter in title[:80] if not letter.isspace())
    numbered = re.compile(
        rf"^[^\S\n]*(?:[\dIVX第章节.、 ]{{1,12}})?{letters}(?=\s*$| [^a-z]|[\u3400-\u9fff])", re.MULTILINE
    )
    found = numbered.search(text, start)
    return found.span() if found else None
