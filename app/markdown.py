"""Answers as blocks: what a model writes in Markdown, as frozen data the widgets can set and compare.

CommonMark with tables and strike-through (markdown-it-py). HTML is text like any other. Lists and quotes are
flattened: a `Paragraph` knows its indent, its marker and how deep it is quoted, so that code in the middle
of a list can stand in a frame of its own and the list goes on after it. Pictures are never loaded: they become
a link with their caption (SEC-40).

`app.growing` reads an answer while it streams.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

Align = Literal["left", "center", "right"]
Mark = Literal["", "unread", "verified", "unfounded", "unchecked"]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one look. `link` is an address, "" for none. `mark`: a reference to a source (see `cited`)."""

    text: str
    strong: bool = False
    emphasis: bool = False
    strike: bool = False
    code: bool = False
    link: str = ""
    mark: Mark = ""


Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """`heading` 1 to 6, 0 for text. `marker` of a list item, "" for what continues it. `tight`: no room above."""

    spans: Spans
    heading: int = 0
    indent: int = 0
    marker: str = ""
    quote: int = 0
    tight: bool = False
    rule: bool = False  # a horizontal rule; without text


@dataclass(frozen=True, slots=True)
class Code:
    language: str
    text: str
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    header: tuple[Spans, ...]
    rows: tuple[tuple[Spans, ...], ...]
    align: tuple[Align, ...]
    indent: int = 0


Block = Paragraph | Code | Table


def parse(text: str) -> tuple[Block, ...]:
    return flat(tokens(clean(text)))


def tokens(text: str) -> "list[Token]":
    """What the parser says of a text that is clean."""
    return _parser().parse(text)


def flat(tokens: "list[Token]") -> tuple[Block, ...]:
    return _Flattener().run(tokens)


def clean(text: str) -> str:
    """One kind of line end, and no NUL."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2029", "\n").replace("\0", "\ufffd")


@lru_cache(maxsize=1)
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False, "maxNesting": 40}).enable(["table", "strikethrough"])


_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s<>\"'`，。；：！？、）】》」』]+")
_TASK = re.compile(r"\[([ xX])\] ")
_BULLETS = "•◦▪"


@dataclass(slots=True)
class _List:
    ordered: bool
    number: int
    delimiter: str
    depth: int


class _Flattener:
    """Walks the nested tokens once and writes the flat blocks."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._lists: list[_List] = []
        self._quote = 0
        self._marker = ""
        self._first_in_item = False

    @property
    def _indent(self) -> int:
        return len(self._lists)

    def run(self, tokens: "list[Token]") -> tuple[Block, ...]:
        heading = 0
        hidden = False
        index = 0
        while index < len(tokens):
            token = tokens[index]
            kind = token.type
            if kind == "table_open":
                index = self._table(tokens, index)
            elif kind in ("fence", "code_block"):
                language = token.info.strip().split(maxsplit=1)[0].lower() if token.info.strip() else ""
                self._flush_marker()
                self.blocks.append(Code(language, token.content.removesuffix("\n"), self._indent + self._quote))
            elif kind == "heading_open":
                heading = int(token.tag[1])
            elif kind == "paragraph_open":
                hidden = token.hidden
            elif kind == "inline":
                self._paragraph(_spans(token), heading, tight=hidden and self._indent > 0)
                heading = 0
            elif kind == "hr":
                self.blocks.append(Paragraph((), indent=self._indent, quote=self._quote, rule=True))
            else:
                self._structure(token)
            index += 1
        self._flush_marker()
        return tuple(self.blocks)

    def _structure(self, token: "Token") -> None:
        kind = token.type
        if kind in ("bullet_list_open", "ordered_list_open"):
            self._flush_marker()
            start = token.attrGet("start")
            number = int(start) if start is not None else 1
            self._lists.append(_List(kind == "ordered_list_open", number, token.markup, len(self._lists)))
        elif kind in ("bullet_list_close", "ordered_list_close"):
            self._flush_marker()
            self._lists.pop()
        elif kind == "list_item_open":
            self._flush_marker()
            current = self._lists[-1]
            if current.ordered:
                self._marker = f"{current.number}{token.markup or '.'}"
                current.number += 1
            else:
                self._marker = _BULLETS[min(current.depth, 2)]
        elif kind == "blockquote_open":
            self._flush_marker()
            self._quote += 1
        elif kind == "blockquote_close":
            self._quote -= 1

    def _paragraph(self, spans: Spans, heading: int, *, tight: bool) -> None:
        marker, self._marker = self._marker, ""
        if marker and spans and (task := _TASK.match(spans[0].text)):
            marker = "☐" if task[1] == " " else "☑"
            spans = (replace(spans[0], text=spans[0].text[task.end() :]), *spans[1:])
        self.blocks.append(Paragraph(spans, heading, self._indent, marker, self._quote, tight))

    def _flush_marker(self) -> None:
        """An item that begins with something other than text still shows its marker."""
        if self._marker:
            self._paragraph((), 0, tight=True)

    def _table(self, tokens: "list[Token]", index: int) -> int:
        """Read from `table_open` at `index` to its end, whose index is returned."""
        header: list[Spans] = []
        rows: list[tuple[Spans, ...]] = []
        align: list[Align] = []
        current: list[Spans] = []
        in_header = False
        while tokens[index].type != "table_close":
            token = tokens[index]
            if token.type == "thead_open":
                in_header = True
            elif token.type == "thead_close":
                in_header = False
            elif token.type == "th_open":
                style = str(token.attrGet("style") or "")
                align.append("right" if "right" in style else "center" if "center" in style else "left")
            elif token.type == "inline":
                current.append(_spans(token))
            elif token.type == "tr_close":
                if in_header:
                    header = current
                else:
                    rows.append(tuple(current))
                current = []
            index += 1
        self._flush_marker()
        self.blocks.append(Table(tuple(header), tuple(rows), tuple(align), self._indent + self._quote))
        return index


def _spans(inline: "Token") -> Spans:
    spans: list[Span] = []
    strong = emphasis = strike = 0
    link = ""
    for token in inline.children or ():
        match token.type:
            case "text":
                look = Span("", strong > 0, emphasis > 0, strike > 0, False, link)
                spans += _text_spans(_BREAK.sub("\n", token.content), look)
            case "code_inline":
                spans.append(Span(token.content, strong > 0, emphasis > 0, strike > 0, True, link))
            case "softbreak":
                spans.append(Span(" ", strong > 0, emphasis > 0, strike > 0, False, link))
            case "hardbreak":
                spans.append(Span("\n"))
            case "strong_open" | "strong_close":
                strong += token.nesting
            case "em_open" | "em_close":
                emphasis += token.nesting
            case "s_open" | "s_close":
                strike += token.nesting
            case "link_open":
                link = str(token.attrGet("href") or "")
            case "link_close":
                link = ""
            case "image":
                address = str(token.attrGet("src") or "")
                spans.append(Span(token.content or address, strong > 0, emphasis > 0, strike > 0, False, address))
            case _:
                spans.append(Span(token.content))
    return _merged(spans)


def _text_spans(text: str, look: Span) -> list[Span]:
    """Bare web addresses become links, without the punctuation that ends the sentence around them."""
    if look.link or "://" not in text:
        return [replace(look, text=text)] if text else []
    spans: list[Span] = []
    end = 0
    for found in _ADDRESS.finditer(text):
        address = found[0].rstrip(".,;:!?*_~")
        while address.endswith(")") and address.count("(") < address.count(")"):
            address = address[:-1]
        if found.start() > end:
            spans.append(replace(look, text=text[end : found.start()]))
        spans.append(replace(look, text=address, link=address))
        end = found.start() + len(address)
    if end < len(text):
        spans.append(replace(look, text=text[end:]))
    return spans


def _merged(spans: list[Span]) -> Spans:
    """Neighbours of one look are one. Between Chinese characters a line break in the source is no space."""
    merged: list[Span] = []
    for index, span in enumerate(spans):
        if span.text == " " and 0 < index < len(spans) - 1:
            before, after = spans[index - 1].text[-1:], spans[index + 1].text[:1]
            if _is_wide(before) and _is_wide(after):
                continue
        if merged and replace(merged[-1], text="") == replace(span, text=""):
            merged[-1] = replace(span, text=merged[-1].text + span.text)
        else:
            merged.append(span)
    return tuple(merged)


def by_width(text: str) -> Iterator[tuple[str, bool]]:
    """Runs of Chinese and of other characters: (run, it is Chinese)."""
    for wide, run in groupby(text, _is_wide):
        yield "".join(run), wide


def _is_wide(character: str) -> bool:
    return bool(character) and (
        "\u3000" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef" or character >= "\U00020000"
    )
