"""What every reader's finds go through before they leave the child: cleaned, cut to size, bracketed and counted."""

import dataclasses
import re
from collections.abc import Iterable, Iterator

from backends.documents.extract import refusals
from backends.documents.types import Closed, Opened, ReadEvent, Section

LONGEST = 32_768  # characters of a section
_DEEPEST = 12  # headings of a path
_LONGEST_LINE = 300  # characters of a heading, a title or a label

# controls but tab and line feed, what is no character at all, invisible breaks, marks that turn text around
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u2060\u202d\u202e\ufeff\ud800-\udfff\ufffe\uffff]"
)
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_WHITE = re.compile(r"\s+")
_BREAKS = ("\n\n", "\n", "。", ". ", "；", " ")


def clean(text: str) -> str:
    """`text` without characters that no one can see or store, its lines ended by line feeds."""
    return _UNWANTED.sub("", _LINE_ENDS.sub("\n", text))


def line(text: str) -> str:
    """A heading or a title: one line, not too long."""
    return _WHITE.sub(" ", clean(text)).strip()[:_LONGEST_LINE]


def pieces(text: str, longest: int = LONGEST) -> Iterator[str]:
    """`text` in parts of at most `longest` characters, cut at the end of a paragraph, line or sentence if there is one
    in the second half of the part; together they are `text`."""
    start = 0
    while len(text) - start > longest:
        end = start + longest
        for mark in _BREAKS:
            if (found := text.rfind(mark, start + longest // 2, end)) >= 0:
                end = found + len(mark)
                break
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def tidy(events: Iterable[ReadEvent], format: str, limit: int) -> Iterator[ReadEvent]:
    """The events of a reader as the parent is promised them: `Opened` first, no section without text or too long,
    `Closed` last. Raises too_large after `limit` characters."""
    opened, closed, last, taken = False, Closed(), 0, 0
    for event in events:
        if not opened and not isinstance(event, Opened):
            yield Opened(format)
        if isinstance(event, Opened):
            event = dataclasses.replace(event, title=line(event.title))
        opened = True
        if isinstance(event, Closed):
            closed = event
        elif isinstance(event, Section):
            last = max(last, event.page)
            text = clean(event.text)
            taken += len(text)
            if taken > limit:
                raise refusals.too_large()
            if text and not text.isspace():
                yield from _cut(event, text)
        else:
            yield event
    if not opened:
        yield Opened(format)
    yield dataclasses.replace(closed, pages=closed.pages or last)


def _cut(section: Section, text: str) -> Iterator[Section]:
    headings = tuple(filter(None, map(line, section.headings[:_DEEPEST]))) if section.headings else ()
    label = line(section.label) if section.label else ""
    for part in pieces(text):
        yield Section(part, section.page, label, headings, section.kind, section.recognised)
