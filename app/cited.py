"""The [n] of an answer as marks that lead to its sources, set apart from the text around them.

Before Markdown reads an answer, each mark becomes one private character that it leaves alone; in its spans they turn
into marks again. So a mark is found wherever it stands, in a table or in a list, and an index in code stays code.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app import spans as looks
from app.markdown import Block, Code, Formula, Paragraph, Table
from app.spans import Span, Spans

LINK = "source:"
_FIRST = 0xF0000  # of a plane for private use
_NARROW = "\u202f"  # keeps two marks apart, and a mark with its word
_MOST = 4096  # marks of one answer; more are left as they are written


@dataclass(frozen=True, slots=True)
class Mark:
    """`start` to `end` of the answer's text is a reference to source `n`; `verdict` `unread`: nobody has looked yet."""

    start: int
    end: int
    n: int
    verdict: looks.Mark = "unread"


def hidden(text: str, marks: Sequence[Mark]) -> str:
    """`text` with a private character for each mark; those of the text itself are taken out."""
    parts: list[str] = []
    end = 0
    for index, mark in enumerate(marks[:_MOST]):
        parts += (_plain(text[end : mark.start]), chr(_FIRST + index))
        end = mark.end
    return "".join((*parts, _plain(text[end:])))


def shown(blocks: Sequence[Block], text: str, marks: Sequence[Mark]) -> tuple[Block, ...]:
    """The blocks of `hidden(text, marks)` with marks in them: spans whose link is `source:n`."""
    if not marks:
        return tuple(blocks)
    return tuple(_block(block, text, marks) for block in blocks)


def _block(block: Block, text: str, marks: Sequence[Mark]) -> Block:
    if isinstance(block, Paragraph):
        return replace(block, spans=_spans(block.spans, text, marks))
    if isinstance(block, Table):
        header = tuple(_spans(cell, text, marks) for cell in block.header)
        rows = tuple(tuple(_spans(cell, text, marks) for cell in row) for row in block.rows)
        return replace(block, header=header, rows=rows)
    if isinstance(block, Formula):
        return replace(block, source=_written(block.source, text, marks), text=_written(block.text, text, marks))
    return Code(block.language, _written(block.text, text, marks), block.indent)


def _spans(spans: Spans, text: str, marks: Sequence[Mark]) -> Spans:
    result: list[Span] = []
    for span in spans:
        if span.formula:
            formula = _written(span.formula, text, marks)
            result.append(replace(span, text=_written(span.text, text, marks), formula=formula))
            continue
        end = 0
        for place, character in enumerate(span.text):
            if (mark := _mark(character, marks)) is None:
                continue
            if place > end:
                result.append(replace(span, text=span.text[end:place]))
            doubt = "?" if mark.verdict == "unfounded" else ""
            result.append(Span(f"{_NARROW}{mark.n}{doubt}{_NARROW}", link=f"{LINK}{mark.n}", mark=mark.verdict))
            end = place + 1
        if end < len(span.text) or not span.text:
            result.append(replace(span, text=span.text[end:]) if end else span)
    return tuple(result)


def _written(code: str, text: str, marks: Sequence[Mark]) -> str:
    """Code, or a formula, as the answer wrote it."""
    found = ((character, _mark(character, marks)) for character in code)
    return "".join(text[mark.start : mark.end] if mark else character for character, mark in found)


def _mark(character: str, marks: Sequence[Mark]) -> Mark | None:
    index = ord(character) - _FIRST
    return marks[index] if 0 <= index < min(len(marks), _MOST) else None


def _plain(text: str) -> str:
    if text.isascii():
        return text
    return "".join(character for character in text if not 0 <= ord(character) - _FIRST < _MOST)
