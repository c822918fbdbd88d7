"""DOCX (python-docx writes the pieces, ISO/IEC 29500 the rest): headings, lists, tables, code, links; the label beside
the name of each answer, in the core properties and as the custom property `AIGC`.

python-docx keeps a whole document in memory. So a message at a time is made in an empty document and its XML appended
to that of the file; links are fields, so that nothing is left to be told at the end but numbered lists.
"""

import shutil
import tempfile
import zipfile
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends import __version__
from backends.chat.export import words
from backends.chat.export.parsed import coloured, language_of, parse, safe_link, sound
from backends.chat.export.types import Head, Kept, Told
from backends.core.phrase import Language
from backends.governance import labels

if TYPE_CHECKING:
    from docx.document import Document
    from docx.text.paragraph import Paragraph
    from docx.text.run import Run
    from markdown_it.token import Token

_LATIN, _CHINESE, _CODE = "Calibri", "Microsoft YaHei", "Consolas"
_MUTED, _LINK = "55656A", "0B6675"
_TONES = {"comment": "55656A", "string": "2E6B2F", "number": "935100", "keyword": "0B6675", "name": "2F55A4"}
_DEEPEST = 3  # "List Bullet 3" is the last style there is
_CUSTOM = "docProps/custom.xml"
_IN_MEMORY = 8 << 20  # bytes


class DocxWriter:
    def __init__(self, path: Path, head: Head) -> None:
        from docx import Document

        self._path, self._head = path, head
        self._language: Language = head.manner.language
        self._document = Document()
        self._body = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(path.parent))  # noqa: SIM115
        self._styled()
        if head.several:
            self._document.add_heading(sound(head.title), 0)
            self._about()
            self._flush()

    def conversation(self, kept: Kept) -> None:
        self._document.add_heading(sound(words.title(kept, self._language)), 1)
        if not self._head.several:
            self._about()
        self._flush()

    def message(self, told: Told, number: int, after: int) -> None:
        said = words.said(told, number, after, self._head.manner)
        self._document.add_heading(sound(said.who), 2)
        about = self._muted(said.about)
        if said.label:
            _run(about, f" · {said.label}").bold = True
        if said.thinking:
            self._muted(words.THINKING.to(self._language)).runs[0].bold = True
            _Blocks(self._document, "Quote").write(parse(said.thinking))
        if said.as_written:
            _run(self._document.add_paragraph(), said.text)
        else:
            _Blocks(self._document).write(parse(said.text))
        if said.remark:
            self._muted(said.remark).runs[0].italic = True
        if said.references:
            _run(self._document.add_paragraph(), words.REFERENCES.to(self._language)).bold = True
            for one in said.references:
                self._muted(one)
        self._flush()

    def close(self) -> None:
        """The document as python-docx writes it, with our text in place of its empty body."""
        core = self._document.core_properties
        core.title, core.author, core.language = sound(self._head.title)[:255], "DeskSeek", self._language
        core.comments = labels.FILE.to(self._language) if self._head.label else ""
        core.keywords = labels.ANSWER.to(self._language) if self._head.label else ""
        core.created = core.modified = datetime.fromtimestamp(self._head.made, UTC).replace(tzinfo=None)
        with tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(self._path.parent)) as plain:
            self._document.save(plain)
            plain.seek(0)
            with zipfile.ZipFile(plain) as before, zipfile.ZipFile(self._path, "w", zipfile.ZIP_DEFLATED) as file:
                for item in before.infolist():
                    content = before.read(item)
                    if item.filename == "word/document.xml":
                        self._write_text(file, content)
                    else:
                        file.writestr(item.filename, self._told_of_label(item.filename, content))
                if self._head.label:
                    file.writestr(_CUSTOM, _custom(labels.label_text(self._head.label)))
        self._body.close()

    def abandon(self) -> None:
        self._body.close()

    def _write_text(self, file: zipfile.ZipFile, empty: bytes) -> None:
        place = empty.index(b"<w:sectPr")
        with file.open("word/document.xml", "w", force_zip64=True) as text:
            text.write(empty[:place])
            self._body.seek(0)
            shutil.copyfileobj(self._body, text)
            text.write(empty[place:])

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

    def _flush(self) -> None:
        """To the disk with what was made of this message."""
        from docx.opc.oxml import serialize_part_xml

        body = self._document.element.body
        for element in list(body):
            if not element.tag.endswith("}sectPr"):
                self._body.write(serialize_part_xml(element).partition(b"?>")[2])
                body.remove(element)

    def _about(self) -> None:
        self._muted(words.made_on(self._head))
        if self._head.label:
            self._muted(labels.FILE.to(self._language))

    def _muted(self, text: str) -> "Paragraph":
        from docx.shared import Pt

        paragraph = self._document.add_paragraph()
        run = _run(paragraph, text, colour=_MUTED)
        run.font.size = Pt(9)
        return paragraph

    def _styled(self) -> None:
        """Fonts for both scripts on every style, code in its own, and no blue headings."""
        from docx.enum.style import WD_STYLE_TYPE
        from docx.oxml.ns import qn
        from docx.shared import Pt, RGBColor

        styles: Any = self._document.styles
        code = styles.add_style("Code", WD_STYLE_TYPE.PARAGRAPH)
        code.base_style = styles["Normal"]
        code.font.size, code.font.name = Pt(9), _CODE
        code.paragraph_format.space_after = Pt(0)
        for style in styles:
            if style.type != WD_STYLE_TYPE.PARAGRAPH:
                continue
            name = _CODE if style.name == "Code" else _LATIN
            style.font.name = name
            fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
            for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
                fonts.attrib.pop(qn(f"w:{theme}"), None)
            fonts.set(qn("w:eastAsia"), _CHINESE)
            if style.name.startswith(("Heading", "Title")):
                style.font.color.rgb = RGBColor(0x13, 0x21, 0x1F)


def _run(paragraph: "Paragraph", text: str, *, colour: str = "", code: bool = False) -> "Run":
    """Line breaks of `text` are line breaks."""
    from docx.oxml.ns import qn
    from docx.shared import RGBColor

    run = paragraph.add_run(sound(text))
    if colour:
        run.font.color.rgb = RGBColor.from_string(colour)
    if code:
        run.font.name = _CODE
        properties: Any = run._element.get_or_add_rPr()
        properties.rFonts.set(qn("w:eastAsia"), _CHINESE)
    return run


class _Blocks:
    """Writes the blocks of a Markdown text; `style` of its plain paragraphs."""

    def __init__(self, document: "Document", style: str = "Normal") -> None:
        self._document, self._style = document, style
        self._lists: list[tuple[bool, int]] = []  # (ordered, its numbering)
        self._quotes = 0
        self._begins = False  # the next paragraph is the first of an item

    def write(self, tokens: "list[Token]") -> None:
        heading, place = 0, 0
        while place < len(tokens):
            token = tokens[place]
            match token.type:
                case "heading_open":
                    heading = int(token.tag[1])
                case "inline":
                    _Spans(self._paragraph(heading)).write(token.children or ())
                    heading = 0
                case "fence" | "code_block":
                    self._code(token)
                case "math_block" | "math_block_eqno":
                    _run(self._paragraph(0), f"\\[{token.content.strip()}\\]", code=True)
                case "hr":
                    self._document.add_paragraph("―" * 12)
                case "bullet_list_open":
                    self._lists.append((False, 0))
                case "ordered_list_open":
                    self._lists.append((True, self._numbering(int(token.attrGet("start") or 1))))
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

    def _paragraph(self, heading: int) -> "Paragraph":
        begins, self._begins = self._begins, False
        if heading:
            return self._document.add_heading("", min(heading + 2, 9))
        if not self._lists:
            return self._document.add_paragraph(style="Quote" if self._quotes else self._style)
        ordered, number = self._lists[-1]
        depth = min(len(self._lists), _DEEPEST)
        level = f" {depth}" if depth > 1 else ""
        kind = "List Continue" if not begins else "List Number" if ordered else "List Bullet"
        paragraph = self._document.add_paragraph(style=kind + level)
        if begins and ordered:
            properties: Any = paragraph._p.get_or_add_pPr().get_or_add_numPr()
            properties.get_or_add_ilvl().val = 0
            properties.get_or_add_numId().val = number
        return paragraph

    def _numbering(self, start: int) -> int:
        """A numbering of its own that begins at `start`, else all lists of the file would be one."""
        from docx.oxml.numbering import CT_Num

        depth = min(len(self._lists) + 1, _DEEPEST)
        style: Any = self._document.styles[f"List Number{f' {depth}' if depth > 1 else ''}"]
        numbering: Any = self._document.part.numbering_part.element
        first = style.element.pPr.numPr.numId.val
        abstract = next(one for one in numbering.num_lst if one.numId == first).abstractNumId.val
        number = numbering.num_lst[-1].numId + 1
        made: Any = CT_Num.new(number, abstract)
        made.add_lvlOverride(ilvl=0).add_startOverride(start)
        numbering._insert_num(made)
        return int(number)

    def _code(self, token: "Token") -> None:
        """One paragraph, on a grey ground."""
        from docx.oxml import parse_xml
        from docx.oxml.ns import nsdecls

        paragraph = self._document.add_paragraph(style="Code")
        paragraph._p.get_or_add_pPr().append(
            parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:color="auto" w:fill="F3F6F7"/>')
        )
        for piece, tone in coloured(language_of(token.info), token.content.removesuffix("\n")):
            _run(paragraph, piece, colour=_TONES.get(tone, ""), code=True)
        self._document.add_paragraph(style=self._style).paragraph_format.space_after = 0

    def _table(self, tokens: "list[Token]", place: int) -> int:
        """From `table_open` to its end, whose place is returned."""
        from docx.enum.text import WD_ALIGN_PARAGRAPH

        rows: list[list[Token]] = []
        sides: list[str] = []
        while tokens[place].type != "table_close":
            token = tokens[place]
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "th_open":
                sides.append(str(token.attrGet("style") or "").removeprefix("text-align:"))
            elif token.type == "inline":
                rows[-1].append(token)
            place += 1
        table = self._document.add_table(len(rows), max(map(len, rows)), style="Table Grid")
        aligned = {"right": WD_ALIGN_PARAGRAPH.RIGHT, "center": WD_ALIGN_PARAGRAPH.CENTER}
        for line, (row, cells) in enumerate(zip(table.rows, rows, strict=True)):
            for column, (cell, said) in enumerate(zip(row.cells, cells, strict=False)):
                paragraph = cell.paragraphs[0]
                if side := aligned.get(sides[column]):
                    paragraph.alignment = side
                _Spans(paragraph, bold=line == 0).write(said.children or ())
        self._document.add_paragraph()
        return place


class _Spans:
    """Writes the runs of one paragraph."""

    def __init__(self, paragraph: "Paragraph", *, bold: bool = False) -> None:
        self._paragraph = paragraph
        self._strong, self._emphasis, self._strike = int(bold), 0, 0
        self._link = ""

    def write(self, tokens: "Any") -> None:
        for token in tokens:
            match token.type:
                case "text":
                    self._add(token.content)
                case "code_inline":
                    self._add(token.content, code=True)
                case "math_inline":
                    self._add(f"\\({token.content}\\)", code=True)
                case "math_inline_double":
                    self._add(f"\\[{token.content}\\]", code=True)
                case "softbreak":
                    self._add(" ")
                case "hardbreak":
                    self._add("\n")
                case "strong_open" | "strong_close":
                    self._strong += token.nesting
                case "em_open" | "em_close":
                    self._emphasis += token.nesting
                case "s_open" | "s_close":
                    self._strike += token.nesting
                case "link_open":
                    self._link = str(token.attrGet("href") or "")
                case "link_close":
                    self._link = ""
                case "image":
                    outer, self._link = self._link, str(token.attrGet("src") or "")
                    self._add(token.content or self._link)
                    self._link = outer
                case _:
                    self._add(token.content)

    def _add(self, text: str, *, code: bool = False) -> None:
        if not text:
            return
        linked = safe_link(self._link) and '"' not in self._link
        run = _run(self._paragraph, text, colour=_LINK if linked else "", code=code)
        run.bold, run.italic = self._strong > 0 or None, self._emphasis > 0 or None
        run.font.strike = self._strike > 0 or None
        if linked:
            run.underline = True
            _as_link(run, self._link)


def _as_link(run: "Run", address: str) -> None:
    """A field (17.16.5.25), which needs no relation beside the text."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    field: Any = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), f' HYPERLINK "{sound(address)}" ')
    element: Any = run._r
    element.addprevious(field)
    field.append(element)


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
