"""Office files made by hand, as small as they can be: only what a test is about stands in them."""

import importlib
import struct
import zipfile
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from types import MappingProxyType

from backends.core.errors import BackendError
from backends.documents.extract.asked import Asked
from backends.documents.extract.formats import READERS
from backends.documents.extract.sections import tidy
from backends.documents.types import ReadEvent, Section

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
P = "http://schemas.openxmlformats.org/presentationml/2006/main"
C = "http://schemas.openxmlformats.org/drawingml/2006/chart"
S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_ODF = "urn:oasis:names:tc:opendocument:xmlns"
ODF = " ".join(
    f'xmlns:{short}="{_ODF}:{name}:1.0"'
    for short, name in (
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("draw", "drawing"),
        ("style", "style"),
        ("presentation", "presentation"),
        ("meta", "meta"),
        ("fo", "xsl-fo-compatible"),
    )
)

Parts = Mapping[str, str | bytes]
NONE: Parts = MappingProxyType({})


def zipped(path: Path, parts: Parts, *, stored: Sequence[str] = ()) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name, data, zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED)
    return path


def relations(*targets: tuple[str, str, str]) -> str:
    """Id, kind, target of each."""
    lines = "".join(f'<Relationship Id="{id}" Type="{R}/{kind}" Target="{target}"/>' for id, kind, target in targets)
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{lines}</Relationships>'


def core(title: str = "", modified: str = "") -> str:
    return (
        f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" xmlns:dcterms="http://purl.org/dc/terms/" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{escape(title)}</dc:title>'
        f"<dcterms:modified>{modified}</dcterms:modified></cp:coreProperties>"
    )


def events(path: Path, format: str) -> list[ReadEvent]:
    """What the child says of a file of that format."""
    module = importlib.import_module(f"backends.documents.extract.{READERS[format]}")
    return list(tidy(module.read(path, Asked(format)), format, 10**9))


def sections(path: Path, format: str) -> list[Section]:
    return [event for event in events(path, format) if isinstance(event, Section)]


def text(path: Path, format: str) -> str:
    return "".join(section.text for section in sections(path, format))


def refusal(path: Path, format: str) -> str:
    """The code of the error that the file ends with; "" if it is read."""
    try:
        events(path, format)
    except BackendError as error:
        return error.code
    return ""


# ---- Word


def para(text: str = "", style: str = "", properties: str = "", inner: str = "") -> str:
    mark = f'<w:pStyle w:val="{style}"/>' if style else ""
    run = f"<w:r><w:t>{escape(text)}</w:t></w:r>" if text else ""
    return f"<w:p><w:pPr>{mark}{properties}</w:pPr>{run}{inner}</w:p>"


def word_table(*rows: Sequence[str]) -> str:
    """Cells are texts, or XML that begins with `<`."""
    lines = ""
    for row in rows:
        cells = (cell if cell.startswith("<") else para(cell) for cell in row)
        lines += "<w:tr>" + "".join(f"<w:tc>{cell}</w:tc>" for cell in cells) + "</w:tr>"
    return f"<w:tbl>{lines}</w:tbl>"


def docx_parts(body: str, parts: Parts = NONE, links: Sequence[tuple[str, str, str]] = ()) -> dict[str, str | bytes]:
    names = f'xmlns:w="{W}" xmlns:mc="{MC}" xmlns:r="{R}"'
    return {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": relations(("1", "officeDocument", "word/document.xml")),
        "word/document.xml": f"<w:document {names}><w:body>{body}</w:body></w:document>",
        "word/_rels/document.xml.rels": relations(*links),
        **parts,
    }


def docx(path: Path, body: str, parts: Parts = NONE, links: Sequence[tuple[str, str, str]] = ()) -> Path:
    """`links`: id, kind and target of what the document refers to, within word/."""
    return zipped(path, docx_parts(body, parts, links))


# ---- PowerPoint


def shape(*lines: str, kind: str = "", more: str = "") -> str:
    mark = f'<p:ph type="{kind}"/>' if kind else ""
    texts = "".join(f"<a:p><a:r><a:t>{escape(line)}</a:t></a:r></a:p>" for line in lines)
    return f"<p:sp><p:nvSpPr><p:nvPr>{mark}</p:nvPr></p:nvSpPr><p:txBody>{texts}</p:txBody>{more}</p:sp>"


def pptx(path: Path, slides: Mapping[str, str], order: Sequence[str], parts: Parts = NONE) -> Path:
    """`slides`: name of each part and its shapes; `order`: how they are shown."""
    made: dict[str, str | bytes] = {
        "_rels/.rels": relations(("1", "officeDocument", "ppt/presentation.xml")),
        "ppt/presentation.xml": f'<p:presentation xmlns:p="{P}" xmlns:r="{R}"><p:sldIdLst>'
        + "".join(f'<p:sldId id="{256 + at}" r:id="{name}"/>' for at, name in enumerate(order))
        + "</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": relations(*((name, "slide", f"slides/{name}.xml") for name in slides)),
    }
    for name, shapes in slides.items():
        made[f"ppt/slides/{name}.xml"] = (
            f'<p:sld xmlns:p="{P}" xmlns:a="{A}" xmlns:r="{R}" xmlns:c="{C}" xmlns:mc="{MC}"><p:cSld><p:spTree>'
            f"{shapes}</p:spTree></p:cSld></p:sld>"
        )
    return zipped(path, {**made, **parts})


# ---- Excel


def cell(place: str, value: str, kind: str = "n", style: int = 0) -> str:
    if kind == "inlineStr":
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{place}" t="{kind}" s="{style}"><v>{escape(value)}</v></c>'


def text_rows(rows: Sequence[Sequence[str]]) -> str:
    made = ""
    for number, row in enumerate(rows, 1):
        cells = (cell(f"{chr(65 + column)}{number}", text, "inlineStr") for column, text in enumerate(row) if text)
        made += f'<row r="{number}">{"".join(cells)}</row>'
    return made


def xlsx(
    path: Path, sheets: Mapping[str, str], *, strings: str = "", formats: Sequence[str] = (), book: str = ""
) -> Path:
    """`sheets`: names and rows; `strings`: the shared ones as `<si>`; `formats`: codes, from style 1 on."""
    names = list(sheets)
    codes = "".join(f'<numFmt numFmtId="{164 + at}" formatCode="{escape(code)}"/>' for at, code in enumerate(formats))
    styles = "".join(f'<xf numFmtId="{164 + at}"/>' for at in range(len(formats)))
    links = [(f"s{at}", "worksheet", f"worksheets/{at}.xml") for at in range(len(names))]
    links += [("st", "styles", "styles.xml"), ("sh", "sharedStrings", "sharedStrings.xml")]
    made: dict[str, str | bytes] = {
        "_rels/.rels": relations(("1", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{S}" xmlns:r="{R}">{book}<sheets>'
        + "".join(f'<sheet name="{escape(name)}" r:id="s{at}"/>' for at, name in enumerate(names))
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": relations(*links),
        "xl/styles.xml": f'<styleSheet xmlns="{S}"><numFmts>{codes}</numFmts>'
        f'<cellXfs><xf numFmtId="0"/>{styles}</cellXfs></styleSheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{S}">{strings}</sst>',
    }
    for at, name in enumerate(names):
        made[f"xl/worksheets/{at}.xml"] = f'<worksheet xmlns="{S}"><sheetData>{sheets[name]}</sheetData></worksheet>'
    return zipped(path, made)


# ---- books


def epub(
    path: Path, chapters: Mapping[str, str], *, spine: Sequence[str] = (), manifest: str = "", parts: Parts = NONE
) -> Path:
    """`chapters`: names and bodies, or whole documents; `manifest`: more items."""
    items = "".join(f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>' for name in chapters)
    order = "".join(f'<itemref idref="{name}"/>' for name in spine or chapters)
    made: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
        "OEBPS/book.opf": '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>A book 一本书</dc:title><dc:language>zh</dc:language><dc:date>2021-05-04</dc:date></metadata>"
        f"<manifest>{items}{manifest}</manifest><spine>{order}</spine></package>",
    }
    for name, body in chapters.items():
        whole = body.startswith("<?xml") or body.startswith("<!DOCTYPE")
        page = f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head><body>{body}</body></html>'
        made[f"OEBPS/{name}.xhtml"] = body if whole else page
    return zipped(path, {**made, **parts}, stored=("mimetype",))


# ---- OpenDocument


def opendocument(path: Path, kind: str, body: str, parts: Parts = NONE, styles: str = "") -> Path:
    """`kind`: text, presentation or spreadsheet."""
    content = (
        f"<office:document-content {ODF}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body>{body}</office:body></office:document-content>"
    )
    made = {"mimetype": f"application/vnd.oasis.opendocument.{kind}", "content.xml": content}
    return zipped(path, {**made, **parts}, stored=("mimetype",))


# ---- OLE2 ([MS-CFB]), with streams of 4,096 bytes and more only

_SECTOR = 512
_END, _FREE = 0xFFFFFFFE, 0xFFFFFFFF


def compound(path: Path, streams: Mapping[str, bytes]) -> Path:
    """`streams`: names with `/` between storages; each is filled up with zeros to 4,096 bytes."""
    names: list[tuple[str, ...]] = [()]
    for name in streams:
        steps = tuple(name.split("/"))
        names += [steps[:size] for size in range(1, len(steps) + 1) if steps[:size] not in names]
    data, chain, entries = b"", [], []
    for name in names:
        content = streams.get("/".join(name))
        children = [at for at, one in enumerate(names) if one[:-1] == name and one and len(one) == len(name) + 1]
        beside = [at for at, one in enumerate(names) if one[:-1] == name[:-1] and len(one) == len(name) and name]
        after = next((at for at in beside if at > names.index(name)), _FREE)
        start, size = _END, 0
        if content is not None:
            content = content.ljust(4096, b"\0")
            start, size = len(data) // _SECTOR, len(content)
            content += b"\0" * (-len(content) % _SECTOR)
            sectors = len(content) // _SECTOR
            chain += [start + step + 1 for step in range(sectors - 1)] + [_END]
            data += content
        title = (name[-1] if name else "Root Entry").encode("utf-16-le") + b"\0\0"
        kind = 5 if not name else 2 if content is not None else 1
        entries.append(
            title.ljust(64, b"\0")
            + struct.pack("<HBBIII", len(title), kind, 1, _FREE, after, children[0] if children else _FREE)
            + bytes(36)
            + struct.pack("<IQ", start, size)
        )
    directory = b"".join(entries)
    directory += b"\0" * (-len(directory) % _SECTOR)
    first = len(data) // _SECTOR
    count = len(directory) // _SECTOR
    chain += [first + step + 1 for step in range(count - 1)] + [_END]
    tables = 1
    while len(chain) + tables > tables * 128:
        tables += 1
    place = len(chain)
    chain += [0xFFFFFFFD] * tables
    table = struct.pack(f"<{len(chain)}I", *chain).ljust(tables * _SECTOR, b"\xff")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, tables, first, 0, 4096, _END, 0, _END, 0)
    header += struct.pack(f"<{tables}I", *range(place, place + tables)).ljust(436, b"\xff")
    path.write_bytes(header + data + directory + table)
    return path


def biff(sheets: Mapping[str, Sequence[Sequence[str | float]]]) -> bytes:
    """The stream of an Excel 97 workbook ([MS-XLS]): texts and numbers."""

    def record(kind: int, data: bytes) -> bytes:
        return struct.pack("<HH", kind, len(data)) + data

    bodies = []
    for rows in sheets.values():
        body = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
        for row, cells in enumerate(rows):
            for column, value in enumerate(cells):
                place = struct.pack("<HHH", row, column, 0)
                if isinstance(value, str):
                    body += record(0x204, place + struct.pack("<HB", len(value), 1) + value.encode("utf-16-le"))
                else:
                    body += record(0x203, place + struct.pack("<d", value))
        bodies.append(body + record(0xA, b""))
    head = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0))
    names = [struct.pack("<BBBB", 0, 0, len(name), 1) + name.encode("utf-16-le") for name in sheets]
    at = len(head) + sum(4 + 4 + len(name) for name in names) + 4
    for name, body in zip(names, bodies, strict=True):
        head += record(0x85, struct.pack("<I", at) + name)
        at += len(body)
    return head + record(0xA, b"") + b"".join(bodies)
