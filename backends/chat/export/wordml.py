"""The pieces of a text in WordprocessingML (ISO/IEC 29500-1, 17.2 to 17.4), as text of XML.

A tree of objects for each piece, as python-docx makes it, takes most of a second for a long answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from backends.chat.export.parsed import safe_link, sound

LATIN, CHINESE, CODE = "Calibri", "Microsoft YaHei", "Consolas"
_LINK = "0B6675"
_WIDTH = 8640  # of the text, in twentieths of a point
_GROUND = '<w:shd w:val="clear" w:color="auto" w:fill="F3F6F7"/>'
_CODE_FONTS = f'<w:rFonts w:ascii="{CODE}" w:hAnsi="{CODE}" w:eastAsia="{CHINESE}"/>'


@dataclass(frozen=True, slots=True)
class Look:
    """Of a run. `colour`: RRGGBB; `size` in half points."""

    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    colour: str = ""
    size: int = 0
    link: bool = False

    def xml(self) -> str:
        """In the order of the schema (17.3.2.28)."""
        said = _CODE_FONTS if self.code else ""
        said += "<w:b/>" if self.bold else ""
        said += "<w:i/>" if self.italic else ""
        said += "<w:strike/>" if self.strike else ""
        said += f'<w:color w:val="{self.colour}"/>' if self.colour else ""
        said += f'<w:sz w:val="{self.size}"/>' if self.size else ""
        said += '<w:u w:val="single"/>' if self.link else ""
        return f"<w:rPr>{said}</w:rPr>" if said else ""


PLAIN = Look()


def text_of(text: str) -> str:
    return escape(sound(text), quote=False)


def run(text: str, look: Look = PLAIN) -> str:
    """Line ends and tabs of `text` are such."""
    content = text_of(text).replace("\n", '</w:t><w:br/><w:t xml:space="preserve">')
    content = content.replace("\t", '</w:t><w:tab/><w:t xml:space="preserve">')
    return f'<w:r>{look.xml()}<w:t xml:space="preserve">{content}</w:t></w:r>'


def linked(text: str, address: str, look: Look) -> str:
    """A field (17.16.5.25), which needs no relation beside the text. Of an address that is not safe, the text alone."""
    if not safe_link(address) or '"' in address:
        return run(text, look)
    said = run(text, replace(look, colour=_LINK, link=True))
    return f'<w:fldSimple w:instr="{escape(f" HYPERLINK {chr(34)}{sound(address)}{chr(34)} ")}">{said}</w:fldSimple>'


def paragraph(runs: str, style: str = "", numbering: int = 0, more: str = "") -> str:
    """`style` by its id; `more` of its properties, in the order of the schema (17.3.1.26)."""
    said = f'<w:pStyle w:val="{style}"/>' if style else ""
    said += f'<w:numPr><w:ilvl w:val="0"/><w:numId w:val="{numbering}"/></w:numPr>' if numbering else ""
    said += more
    return f"<w:p>{f'<w:pPr>{said}</w:pPr>' if said else ''}{runs}</w:p>"


def code(runs: str) -> str:
    """On a grey ground, and the room below it."""
    return paragraph(runs, "Code", more=_GROUND) + paragraph("", more='<w:spacing w:after="0"/>')


def table(rows: Sequence[Sequence[str]], sides: Sequence[str]) -> str:
    """Of runs; the first row is its head. `sides`: "right", "center" or "" for each column."""
    width = _WIDTH // max(1, len(sides))
    grid = f'<w:gridCol w:w="{width}"/>' * len(sides)
    place = f'<w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>'
    aligned = [f'<w:jc w:val="{side}"/>' if side in ("right", "center") else "" for side in sides]
    lines = []
    for n, row in enumerate(rows):
        cells = (*row, *[""] * (len(sides) - len(row)))
        said = "".join(
            f"<w:tc>{place}{paragraph(runs, more=side)}</w:tc>" for runs, side in zip(cells, aligned, strict=False)
        )
        lines.append(f"<w:tr>{'' if n else '<w:trPr><w:tblHeader/></w:trPr>'}{said}</w:tr>")
    return (
        '<w:tbl><w:tblPr><w:tblStyle w:val="TableGrid"/><w:tblW w:w="0" w:type="auto"/>'
        '<w:tblLook w:val="04A0" w:firstRow="1" w:lastRow="0" w:firstColumn="1" w:lastColumn="0" w:noHBand="0" '
        f'w:noVBand="1"/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{"".join(lines)}</w:tbl><w:p/>'
    )


def numbering(number: int, abstract: int, start: int) -> str:
    """A numbering of its own that begins at `start` (17.9.15)."""
    return (
        f'<w:num w:numId="{number}"><w:abstractNumId w:val="{abstract}"/><w:lvlOverride w:ilvl="0">'
        f'<w:startOverride w:val="{start}"/></w:lvlOverride></w:num>'
    )


def template(title: str, language: str, **core: Any) -> "tuple[dict[str, bytes], dict[int, int], int]":
    """The parts of an empty document by their names; the abstract numbering of numbered lists by their depth, from 1
    on; and the first number that no numbering has. `core`: more core properties."""
    import io
    import zipfile

    from docx import Document

    document = Document()
    _style(document)
    properties = document.core_properties
    properties.title, properties.author, properties.language = sound(title)[:255], "DeskSeek", language
    for name, value in core.items():
        setattr(properties, name, value)
    listed: Any = document.part.numbering_part.element
    known = {one.numId: one.abstractNumId.val for one in listed.num_lst}
    styles: Any = document.styles
    ordered = {
        depth: known[styles[f"List Number{f' {depth}' if depth > 1 else ''}"].element.pPr.numPr.numId.val]
        for depth in (1, 2, 3)
    }
    made = io.BytesIO()
    document.save(made)
    with zipfile.ZipFile(made) as file:
        return {name: file.read(name) for name in file.namelist()}, ordered, max(known) + 1


def _style(document: Any) -> None:
    """Fonts for both scripts on every style, code in its own, and no blue headings."""
    from docx.enum.style import WD_STYLE_TYPE
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    styles = document.styles
    made = styles.add_style("Code", WD_STYLE_TYPE.PARAGRAPH)
    made.base_style = styles["Normal"]
    made.font.size, made.font.name = Pt(9), CODE
    made.paragraph_format.space_after = Pt(0)
    for style in styles:
        if style.type != WD_STYLE_TYPE.PARAGRAPH:
            continue
        style.font.name = CODE if style.name == "Code" else LATIN
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{theme}"), None)
        fonts.set(qn("w:eastAsia"), CHINESE)
        if style.name.startswith(("Heading", "Title")):
            style.font.color.rgb = RGBColor(0x13, 0x21, 0x1F)
