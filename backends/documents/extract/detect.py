"""What a file is, by what it begins with; its name only decides between kinds that look alike.

Magic numbers: PDF (ISO 32000-1, 7.5.2 with the latitude of its annex H: `%PDF-` within the first 1,024 bytes), ZIP
(APPNOTE 4.3), OLE2 ([MS-CFB] 2.2), RTF 1.9.1. The mimetype of EPUB and OpenDocument is the first, stored entry.
"""

import re
import stat
from pathlib import Path

from backends.core.phrase import Phrase
from backends.documents.extract import refusals
from backends.documents.extract.encodings import guess
from backends.documents.extract.formats import BY_SUFFIX

_START = 4096  # bytes that tell
_DIRECTORY = 1 << 20  # bytes at the end of an archive in which its list of names is looked for
_TEXT = ("text", "markdown", "csv", "html", "code", "notebook", "mail")  # what a file without a magic number may be
_MIMETYPES = {
    b"application/epub+zip": "epub",
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/vnd.oasis.opendocument.presentation": "odp",
}
_PARTS = (  # of an archive, and what one that holds it is
    (b"word/document", "docx"),
    (b"ppt/presentation.xml", "pptx"),
    (b"xl/workbook.", "xlsx"),
    (b"META-INF/container.xml", "epub"),
)
_STREAMS = (  # of an OLE2 file
    ("__properties_version1.0", "mail"),
    ("Workbook", "xls"),
    ("Book", "xls"),
)
_PICTURES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*", b"RIFF", b"\x00\x00\x00\x0cjP", b"BM")
_OTHERS = (  # programs, archives, sound, fonts, databases, models
    *(b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"),
    *(b"\x1f\x8b", b"BZh", b"7z\xbc\xaf", b"\xfd7zXZ", b"Rar!", b"\x28\xb5\x2f\xfd"),
    *(b"ID3", b"OggS", b"fLaC", b"\x1aE\xdf\xa3", b"wOFF", b"OTTO", b"\x00\x01\x00\x00", b"SQLite format 3", b"GGUF"),
)
_HTML = re.compile(rb"<!doctype html|<html[\s>]|<head[\s>]|<body[\s>]", re.IGNORECASE)
_HEADER = re.compile(
    rb"(?:(?:From|To|Subject|Date|Received|Return-Path|Message-ID|MIME-Version|X-[\w-]+|Delivered-To): ?\S)", re.I
)
_OLD = Phrase("Save it as .docx, .pptx or .pdf, and add that.", "请将其另存为 .docx、.pptx 或 .pdf 后再添加。")
_SAVE = Phrase("Save it as PDF or text, and add that.", "请将其另存为 PDF 或文本后再添加。")


def detect(path: Path) -> str:
    """Its format (formats.py). Raises unreadable_file, unsupported_format, encrypted, damaged_file."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise refusals.unreadable()
        with path.open("rb") as file:
            start = file.read(_START)
    except OSError as error:
        raise refusals.unreadable(error) from error
    named = BY_SUFFIX.get(path.suffix.lower(), "")
    if not start:
        return named or "text"
    if b"%PDF-" in start[:1024]:
        return "pdf"
    if start.startswith(b"{\\rtf"):
        return "rtf"
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(path, start, named)
    if start.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _compound(path)
    if start.startswith((*_PICTURES, *_OTHERS)) and not _readable(start):
        raise refusals.unsupported(_SAVE)
    return _text(start, named)


def _archive(path: Path, start: bytes, named: str) -> str:
    if start[30:38] == b"mimetype":
        for mimetype, format in _MIMETYPES.items():
            if start.startswith(mimetype, 38):
                return format
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _DIRECTORY))
        names = file.read()
    for part, format in _PARTS:
        if part in names or part in start:
            return format
    if b"META-INF/manifest.xml" in names and named in ("odt", "ods", "odp"):
        return named
    if named in ("docx", "pptx", "xlsx", "epub", "odt", "ods", "odp"):
        raise refusals.damaged()
    raise refusals.unsupported(Phrase("Unpack it, and add what is in it.", "请解压后添加其中的文件。"))


def _compound(path: Path) -> str:
    import olefile

    try:
        with olefile.OleFileIO(str(path)) as file:
            if file.exists("EncryptedPackage"):
                return {".xlsx": "xlsx", ".pptx": "pptx"}.get(path.suffix.lower(), "docx")
            for stream, format in _STREAMS:
                if file.exists(stream):
                    return format
    except (OSError, ValueError, IndexError, TypeError) as error:
        raise refusals.damaged() from error
    raise refusals.unsupported(_OLD)


def _text(start: bytes, named: str) -> str:
    if not _readable(start):
        raise refusals.unsupported(_SAVE)
    if named in _TEXT:
        return named
    if named in ("odt", "ods", "odp") and b"office:document" in start:
        return named
    if _HTML.search(start):
        return "html"
    if len(_HEADER.findall(start[:2000])) >= 2 and _HEADER.match(start):
        return "mail"
    return "text"


def _readable(start: bytes) -> bool:
    """Whether it is text in some encoding: without zero bytes and controls, or with those that UTF-16 has."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        return True
    controls = sum(start.count(byte) for byte in _CONTROLS)
    if start.count(0) * 200 <= len(start) and controls * 50 <= len(start):
        return True
    return guess(start).startswith("utf-16")


_CONTROLS = [bytes([byte]) for byte in (*range(1, 8), *range(14, 27), 28, 29, 30, 31, 127)]
