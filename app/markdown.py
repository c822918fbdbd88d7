"""Answers as blocks: what a model writes in Markdown, as frozen data the widgets can set and compare.

`backends.chat.markdown` says how it is read. HTML is text like any other. Lists and quotes are flattened: a
`Paragraph` knows its indent, its marker and how deep it is quoted, so that code in the middle of a list can stand in a
frame of its own and the list goes on after it. Pictures are never loaded: they become a link with their caption
(SEC-40).

`app.growing` reads an answer while it streams.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, Literal

from app.spans import Span, Spans, merged, text_spans, trimmed, true_place
from backends.chat import formula_rules
from backends.chat.markdown import is_thick, parser, pieces

if TYPE_CHECKING:
    from markdown_it.token import Token

Align = Literal["left", "center", "right"]


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
    """`part`: the first or only one is 0, what stands in widgets of their own below it has more."""

    language: str
    text: str
    indent: int = 0
    part: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    header: tuple[Spans, ...]
    rows: tuple[tuple[Spans, ...], ...]
    align: tuple[Align, ...]
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Formula:
    """On a line of its own. `source` without, `text` with its delimiters. `open`: its end has not come."""

    source: str
    text: str
    indent: int = 0
    open: bool = False


Block = Paragraph | Code | Table | Formula


class References:
    """The addresses that a text defines for its links (`[label]: address`), by label, as the parser keeps them."""

    def __init__(self, addresses: Mapping[str, Any] | None = None) -> None:
        self.addresses: dict[str, Any] = dict(addresses or {})
        self.env: dict[str, Any] = {"references": self.addresses}


def parse(text: str) -> tuple[Block, ...]:
    known = References()
    return flat(tokens(clean(text), known), known)


def tokens(text: str, known: References) -> "list[Token]":
    """The blocks of a text that is clean, what stands inside of them unread. `known`: addresses that the text defines
    for its links are added to it."""
    found: list[Token] = []
    reader = parser()
    reader.block.parse(text, reader, known.env, found)
    last = next((token for token in reversed(found) if token.nesting >= 0), None)
    if last is not None and last.type == "inline" and not text.endswith("\n\n"):
        last.meta["last"] = True
    return found


def flat(tokens: "list[Token]", known: References) -> tuple[Block, ...]:
    return _Flattener(known).run(tokens)


def clean(text: str) -> str:
    """One kind of line end, no NUL, no half of a character; what turns the order of letters is seen (`[U+202E]`)."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2029", "\n").replace("\0", "\ufffd")
    return _TRICKS.sub(_seen, text)


_TRICKS = re.compile("[\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def _seen(trick: re.Match[str]) -> str:
    return "\ufffd" if trick[0] >= "\ud800" else f"[U+{ord(trick[0]):04X}]"


_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
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

    def __init__(self, known: References) -> None:
        self.blocks: list[Block] = []
        self._known = known
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
            elif kind in (formula_rules.BLOCK, formula_rules.OPEN):
                self._flush_marker()
                self._formula(token.content, token.markup, open=kind == formula_rules.OPEN)
            elif kind == "heading_open":
                heading, hidden = int(token.tag[1]), False
            elif kind == "paragraph_open":
                hidden = token.hidden
            elif kind == "inline":
                for spans in self._read(token):
                    self._paragraph(spans, heading, tight=hidden and self._indent > 0)
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
        if heading or not any(span.display for span in spans):
            self.blocks.append(Paragraph(spans, heading, self._indent, marker, self._quote, tight))
            return
        above = len(self.blocks)
        for large, run in groupby(spans, lambda span: span.display):
            if large:
                for span in run:
                    self._formula(span.formula, span.text)
                tight = False
            elif part := self._around(tuple(run), above):
                self.blocks.append(Paragraph(part, 0, self._indent, marker, self._quote, tight))
                marker = ""

    def _around(self, spans: Spans, above: int) -> Spans:
        """What stands before or behind a formula on a line of its own. A point behind it belongs to it. `above`: so
        many blocks stand above the paragraph."""
        last = self.blocks[-1] if len(self.blocks) > above else None
        if isinstance(last, Formula) and (point := formula_rules.AFTER.fullmatch("".join(s.text for s in spans))):
            self.blocks[-1] = replace(last, source=last.source + point[1], text=last.text + point[1])
            return ()
        return trimmed(spans)

    def _formula(self, source: str, text: str, *, open: bool = False) -> None:
        self.blocks.append(Formula(source, text, self._indent + self._quote, open))

    def _read(self, inline: "Token") -> Iterator[Spans]:
        """What stands in a block, in one piece if it is not endless."""
        cut = tuple(pieces(inline.content))
        for n, piece in enumerate(cut, 1):
            last = n == len(cut) and bool(inline.meta.get("last"))
            alone = not last and not (self._known.addresses and "[" in piece)
            yield _spans(piece) if alone else _children_spans(piece, self._known, last=last)

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
                current.append(tuple(chain.from_iterable(self._read(token))))
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


@lru_cache(maxsize=2048)
def _spans(content: str) -> Spans:
    """Read once: while a list or a table grows, nothing of what stands in it already is looked at again."""
    return _children_spans(content, References())


def _children_spans(content: str, known: References, *, last: bool = False) -> Spans:
    """`last`: the text ends with it, so that a formula in it may go on."""
    if is_thick(content):
        return tuple(text_spans(content, Span("")))
    children = parser().parseInline(content, {**known.env, formula_rules.LAST: last})[0].children
    spans: list[Span] = []
    strong = emphasis = strike = 0
    link = ""
    for token in children or ():
        match token.type:
            case "text":
                look = Span("", strong > 0, emphasis > 0, strike > 0, False, link)
                spans += text_spans(_BREAK.sub("\n", token.content), look)
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
                spans += true_place(spans, link)
                link = ""
            case formula_rules.INLINE:
                display = bool(token.meta["display"])
                look = Span(token.markup, strong > 0, emphasis > 0, strike > 0, False, link)
                spans.append(replace(look, formula=token.content, display=display))
            case "image":
                address = str(token.attrGet("src") or "")
                spans.append(Span(token.content or address, strong > 0, emphasis > 0, strike > 0, False, address))
            case _:
                spans.append(Span(token.content))
    return merged(spans)
