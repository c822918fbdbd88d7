"""What a file is, whatever its name says."""

import io
import zipfile
from pathlib import Path

import pytest

from backends.core.errors import BackendError
from backends.documents.extract.detect import detect
from tests.kit.pdfs import Pdf

TRUTH = Path(__file__).resolve().parents[1] / "data" / "truth"


def made(folder: Path, name: str, data: bytes) -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def zipped(*names: str, mimetype: str = "") -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        if mimetype:
            archive.writestr(zipfile.ZipInfo("mimetype"), mimetype)
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), "<x/>")
    return held.getvalue()


def pdf() -> bytes:
    book = Pdf()
    book.page(["x"])
    return book.data()


@pytest.mark.parametrize(
    ("name", "format"),
    [
        *(("word.docx", "docx"), ("slides.pptx", "pptx"), ("book.xlsx", "xlsx"), ("book.epub", "epub")),
        *(("qt_embedded.pdf", "pdf"), ("is_really_text.pdf", "text"), ("page_gbk.html", "html")),
        *(("mail_gbk.eml", "mail"), ("notes.md", "markdown"), ("txt_utf16le_nobom.txt", "text")),
    ],
)
def test_real_files(tmp_path: Path, name: str, format: str) -> None:
    assert detect(TRUTH / name) == format
    if format not in ("markdown", "text"):  # what looks like nothing else needs its name
        assert detect(made(tmp_path, "renamed.bin", (TRUTH / name).read_bytes())) == format


@pytest.mark.parametrize(
    ("name", "data", "format"),
    [
        ("a.txt", pdf(), "pdf"),
        ("a.pdf", b"junk before it\n" * 20 + pdf(), "pdf"),
        ("a.doc", b"{\\rtf1\\ansi hello}", "rtf"),
        ("a.doc", b"<html><body>saved by a browser</body></html>", "html"),
        ("a.zip", zipped("[Content_Types].xml", "word/document.xml"), "docx"),
        ("a.docx", zipped("[Content_Types].xml", "xl/workbook.xml"), "xlsx"),
        ("a.docx", zipped("x", "ppt/presentation.xml"), "pptx"),
        ("a.bin", zipped("META-INF/container.xml", mimetype="application/epub+zip"), "epub"),
        ("a.bin", zipped("content.xml", mimetype="application/vnd.oasis.opendocument.text"), "odt"),
        ("a.bin", zipped("content.xml", mimetype="application/vnd.oasis.opendocument.spreadsheet"), "ods"),
        ("a.bin", zipped("content.xml", mimetype="application/vnd.oasis.opendocument.presentation"), "odp"),
        ("a.py", b"print('hello')\n", "code"),
        ("a.csv", b"a,b\n1,2\n", "csv"),
        ("a.xyz", "没有人知道这种名字。".encode("gb18030"), "text"),
        ("README", b"# words\n", "text"),
        ("a", b"From: a@b.example\nSubject: hi\nDate: today\n\nbody", "mail"),
        ("a.md", b"<html><body>in Markdown</body></html>", "markdown"),
        ("a.log", b"\x1b[31mred\x1b[0m and plain\n" * 20, "text"),
        ("a.txt", "UTF-16 without a mark".encode("utf-16-be"), "text"),
        ("a.docx", b"", "docx"),
    ],
)  # fmt: skip
def test_the_beginning_decides(tmp_path: Path, name: str, data: bytes, format: str) -> None:
    assert detect(made(tmp_path, name, data)) == format


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.zip", zipped("holiday.jpg"), "unsupported_format"),
        ("a.docx", zipped("holiday.jpg"), "damaged_file"),
        ("a.docx", zipped("word/document.xml")[:25], "damaged_file"),
        ("a.txt", b"\x7fELF" + bytes(range(32)) * 100, "unsupported_format"),
        ("a.txt", b"\x00" * 5000, "unsupported_format"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 3000, "damaged_file"),
    ],
)
def test_what_is_no_document_says_so(tmp_path: Path, name: str, data: bytes, code: str) -> None:
    with pytest.raises(BackendError) as refused:
        detect(made(tmp_path, name, data))
    assert refused.value.code == code
    assert refused.value.message.zh
