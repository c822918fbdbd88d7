"""The kinds of files that can be read: what people call them, what their names end with, which module reads them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backends.core.phrase import Phrase


@dataclass(frozen=True, slots=True)
class Format:
    """`module`: in this room, with `read(path, asked)`. `suffixes`: lower case, with the dot."""

    name: str
    words: Phrase
    module: str
    suffixes: tuple[str, ...] = ()


_CODE = """
.py .pyw .pyi .js .mjs .cjs .jsx .ts .tsx .java .kt .kts .scala .groovy .c .h .cc .cpp .cxx .hpp .hh .m .mm .cs .fs .vb
.go .rs .swift .rb .php .pl .pm .lua .r .jl .hs .ml .ex .exs .erl .clj .lisp .el .dart .zig .nim .v .sv .vhd .asm .s
.f .f90 .pas .sql .sh .bash .zsh .fish .ps1 .bat .cmd .cmake .gradle .toml .yaml .yml .json .jsonl .ini .cfg .conf
.properties .xml .xsd .xsl .css .scss .less .vue .svelte .proto .graphql .tf .dockerfile .tex .bib .diff .patch
"""

FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format("pdf", Phrase("PDF", "PDF"), "pdf", (".pdf",)),
        Format("docx", Phrase("Word document", "Word 文档"), "docx", (".docx", ".docm", ".dotx", ".dotm")),
        Format(
            "pptx", Phrase("PowerPoint slides", "PowerPoint 演示文稿"), "pptx", (".pptx", ".pptm", ".ppsx", ".potx")
        ),
        Format(
            "xlsx", Phrase("Excel workbook", "Excel 工作簿"), "sheets", (".xlsx", ".xlsm", ".xlsb", ".xltx", ".xltm")
        ),
        Format("xls", Phrase("Excel 97 workbook", "Excel 97 工作簿"), "sheets", (".xls", ".xlt")),
        Format("csv", Phrase("Table as text", "文本表格"), "sheets", (".csv", ".tsv", ".tab")),
        Format("html", Phrase("Web page", "网页"), "html", (".html", ".htm", ".xhtml", ".shtml")),
        Format("epub", Phrase("E-book", "电子书"), "epub", (".epub",)),
        Format("markdown", Phrase("Markdown", "Markdown"), "plain", (".md", ".markdown", ".mdown", ".mkd", ".mdx")),
        Format(
            "text", Phrase("Text", "文本"), "plain", (".txt", ".text", ".log", ".rst", ".adoc", ".org", ".srt", ".vtt")
        ),
        Format("mail", Phrase("E-mail", "电子邮件"), "mail", (".eml", ".msg")),
        Format("rtf", Phrase("Rich text", "RTF 文档"), "rtf", (".rtf",)),
        Format("odt", Phrase("OpenDocument text", "OpenDocument 文本"), "opendocument", (".odt", ".ott", ".fodt")),
        Format("ods", Phrase("OpenDocument sheets", "OpenDocument 表格"), "sheets", (".ods", ".ots")),
        Format("odp", Phrase("OpenDocument slides", "OpenDocument 演示文稿"), "opendocument", (".odp", ".otp")),
        Format("notebook", Phrase("Notebook", "Notebook 笔记本"), "notebook", (".ipynb",)),
        Format("code", Phrase("Source code", "源代码"), "code", tuple(_CODE.split())),
    )
}
BY_SUFFIX: Mapping[str, str] = {suffix: one.name for one in FORMATS.values() for suffix in one.suffixes}
READERS: Mapping[str, str] = {one.name: one.module for one in FORMATS.values()}


def supported(path: Path) -> bool:
    """Whether a walk through a folder takes this file, by its name alone. Hidden and temporary ones are not taken."""
    return path.suffix.lower() in BY_SUFFIX and not path.name.startswith((".", "~$"))
