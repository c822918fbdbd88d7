"""DOCX (ISO/IEC 29500): headings, lists, tables, code, links, formulas; the label beside the name of each answer, in
the core properties and as the custom property `AIGC`.

python-docx gives the parts of an empty document. Its text is written and packed as it comes, so that memory holds one
message; the numberings of its lists come last.
"""

import contextlib
import zipfile
from array import array
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends import __version__
from backends.chat import formula_rules
from backends.chat.export import words
from backends.chat.export.parsed import coloured, formula_text, language_of, parse
from backends.chat.export.types import Head, Kept, Told
from backends.chat.export.wordml import Look, code, linked, numbering, paragraph, run, table, template
from backends.core.phrase import Language
from backends.governance import labels

if TYPE_CHECKING:
    from markdown_it.token import Token

_TONES = {"comment": "55656A", "string": "2E6B2F", "number": "935100", "keyword": "0B6675", "name": "2F55A4"}
_MUTED = Look(colour="55656A", size=18)
_DEEPEST = 3  # "List Bullet 3" is the last style there is
_TEXT, _LISTS, _CUSTOM = "word/document.xml", "word/numbering.xml", "docProps/custom.xml"


class DocxWriter:
    def __init__(self, path: Path, head: Head) -> None:
        self._head = head
        self._language: Language = head.manner.language
        moment = datetime.fromtimestamp(head.made, UTC).replace(tzinfo=None)
        parts, abstract, first = template(
            head.title,
            self._language,
            comments=labels.FILE.to(self._language) if head.label else "",
            keywords=labels.ANSWER.to(self._language) if head.label else "",
            created=moment,
            modified=moment,
        )
        self._numberings = Numberings(abstract, first)
        self._lists = parts.pop(_LISTS)
        before, self._after = _parted(parts.pop(_TEXT), b"<w:sectPr")
        self._open: list[Any] = []
        try:
            self._begin(path, parts, before)
        except OSError:
            self.abandon()
            raise

    def _begin(self, path: Path, parts: dict[str, bytes], before: bytes) -> None:
        self._file = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        self._open.append(self._file)
        for name, content in parts.items():
            self._file.writestr(name, self._told_of_label(name, content))
        if self._head.label:
            self._file.writestr(_CUSTOM, _custom(labels.label_text(self._head.label)))
        self._text = self._file.open(_TEXT, "w", force_zip64=True)
        self._open.append(self._text)
        self._text.write(before)
        if self._head.several:
            self._add(paragraph(run(self._head.title), "Title") + self._about())

    def conversation(self, kept: Kept) -> None:
        title = paragraph(run(words.title(kept, self._language)), "Heading1")
        self._add(title if self._head.several else title + self._about())

    def message(self, told: Told, number: int, after: int) -> None:
        said = words.said(told, number, after, self._head.manner)
        about = run(said.about, _MUTED)
        if said.label:
            about += run(f" · {said.label}", Look(bold=True))
        parts = [paragraph(run(said.who), "Heading2"), paragraph(about)]
        if said.thinking:
            title = run(words.THINKING.to(self._language), Look(bold=True, colour=_MUTED.colour, size=_MUTED.size))
            parts += [paragraph(title), _Blocks(self._numberings, "Quote").xml(parse(said.thinking))]
        if said.as_written:
            parts.append(paragraph(run(said.text)))
        else:
            parts.append(_Blocks(self._numberings).xml(parse(said.text)))
        if said.remark:
            parts.append(paragraph(run(said.remark, Look(italic=True, colour=_MUTED.colour, size=_MUTED.size))))
        if said.references:
            parts.append(paragraph(run(words.REFERENCES.to(self._language), Look(bold=True))))
            parts += [paragraph(run(one, _MUTED)) for one in said.references]
        self._add("".join(parts))

    def close(self) -> None:
        self._text.write(self._after)
        self._text.close()
        before, after = _parted(self._lists, b"</w:numbering>")
        with self._file.open(_LISTS, "w") as lists:
            lists.write(before)
            for one in self._numberings.xml():
                lists.write(one.encode())
            lists.write(after)
        self._file.close()

    def abandon(self) -> None:
        for one in reversed(self._open):
            with contextlib.suppress(OSError):  # what is not wanted need not be whole
                one.close()

    def _add(self, xml: str) -> None:
        self._text.write(xml.encode())

    def _about(self) -> str:
        said = [words.made_on(self._head)]
        if self._head.label:
            said.append(labels.FILE.to(self._language))
        return "".join(paragraph(run(one, _MUTED)) for one in said)

    def _told_of_label(self, name: str, content: bytes) -> bytes:
        """The custom properties are a part of their own, named in two places."""
        if not self._head.label:
            return content
        if name == "[Content_Types].xml":
            said = (
                f'<Override PartName="/{_CUSTOM}" '
                'ContentType="application/vnd.openxmlformats-officedocument.custom-properties+xml"/></Types>'
            )
            return content.replace(b"</Types>", said.encode())
        if name == "_rels/.rels":
            kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties"
            said = f'<Relationship Id="rIdCustom" Type="{kind}" Target="{_CUSTOM}"/></Relationships>'
            return content.replace(b"</Relationships>", said.encode())
        return content


class Numberings:
    """One for each numbered list, else all lists of the file would be one. `abstract`: by the depth of the list."""

    def __init__(self, abstract: dict[int, int], first: int) -> None:
        self._abstract, self._first = abstract, first
        self._made = array("q")  # depth and start of each

    def new(self, depth: int, start: int) -> int:
        self._made.extend((depth, start))
        return self._first + len(self._made) // 2 - 1

    def xml(self) -> Iterator[str]:
        for n in range(0, len(self._made), 2):
            depth, start = self._made[n : n + 2]
            yield numbering(self._first + n // 2, self._abstract[depth], start)


class _Blocks:
    """Writes the blocks of a Markdown text; `style` of its plain paragraphs."""

    def __init__(self, numberings: Numberings, style: str = "") -> None:
        self._numberings, self._style = numberings, style
        self._parts: list[str] = []
        self._lists: list[tuple[bool, int]] = []  # (ordered, its numbering)
        self._quotes = 0
        self._begins = False  # the next paragraph is the first of an item

    def xml(self, tokens: "list[Token]") -> str:
        heading, place = 0, 0
        while place < len(tokens):
            token = tokens[place]
            match token.type:
                case "heading_open":
                    heading = int(token.tag[1])
                case "inline":
                    self._paragraph(_spans(token.children or ()), heading)
                    heading = 0
                case "fence" | "code_block":
                    self._parts.append(code(_coloured(token)))
                case formula_rules.BLOCK | formula_rules.OPEN:
                    self._paragraph(run(formula_text(token), Look(code=True)), 0)
                case "hr":
                    self._parts.append(paragraph(run("―" * 12)))
                case "bullet_list_open":
                    self._lists.append((False, 0))
                case "ordered_list_open":
                    depth = min(len(self._lists) + 1, _DEEPEST)
                    start = token.attrGet("start")
                    self._lists.append((True, self._numberings.new(depth, 1 if start is None else int(start))))
                case "bullet_list_close" | "ordered_list_close":
                    self._lists.pop()
                case "list_item_open":
                    self._begins = True
                case "blockquote_open":
                    self._quotes += 1
                case "blockquote_close":
                    self._quotes -= 1
                case "table_open":
                    place = self._table(tokens, place)
            place += 1
        return "".join(self._parts)

    def _paragraph(self, runs: str, heading: int) -> None:
        begins, self._begins = self._begins, False
        style, number = "Quote" if self._quotes else self._style, 0
        if heading:
            style = f"Heading{min(heading + 2, 9)}"
        elif self._lists:
            ordered, its = self._lists[-1]
            depth = min(len(self._lists), _DEEPEST)
            kind = "ListContinue" if not begins else "ListNumber" if ordered else "ListBullet"
            style = f"{kind}{depth if depth > 1 else ''}"
            number = its if begins and ordered else 0
        self._parts.append(paragraph(runs, style, number))

    def _table(self, tokens: "list[Token]", place: int) -> int:
        """From `table_open` to its end, whose place is returned."""
        rows: list[list[str]] = []
        sides: list[str] = []
        while tokens[place].type != "table_close":
            token = tokens[place]
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "th_open":
                sides.append(str(token.attrGet("style") or "").removeprefix("text-align:"))
            elif token.type == "inline":
                rows[-1].append(_spans(token.children or (), bold=len(rows) == 1))
            place += 1
        self._parts.append(table(rows, sides))
        return place


def _coloured(token: "Token") -> str:
    pieces = coloured(language_of(token.info), token.content.removesuffix("\n"))
    return "".join(run(piece, Look(code=True, colour=_TONES.get(tone, ""))) for piece, tone in pieces)


def _spans(tokens: "Any", *, bold: bool = False) -> str:
    """The runs of one paragraph."""
    parts: list[str] = []
    strong, emphasis, strike, link = int(bold), 0, 0, ""
    for token in tokens:
        text, address, is_code = token.content, link, False
        match token.type:
            case "code_inline":
                is_code = True
            case formula_rules.INLINE:
                text, is_code = formula_text(token), True
            case "softbreak":
                text = " "
            case "hardbreak":
                text = "\n"
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
                text = text or address
        if text:
            parts.append(linked(text, address, Look(strong > 0, emphasis > 0, strike > 0, is_code)))
    return "".join(parts)


def _parted(content: bytes, at: bytes) -> tuple[bytes, bytes]:
    place = content.rindex(at)
    return content[:place], content[place:]


def _custom(aigc: str) -> str:
    """Custom properties (22.3)."""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties" '
        'xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes">'
        '<property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="2" name="AIGC">'
        f"<vt:lpwstr>{escape(aigc, quote=False)}</vt:lpwstr></property>"
        f'<property fmtid="{{D5CDD505-2E9C-101B-9397-08002B2CF9AE}}" pid="3" name="Producer">'
        f"<vt:lpwstr>DeskSeek {__version__}</vt:lpwstr></property></Properties>"
    )
