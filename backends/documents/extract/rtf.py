"""Rich Text Format 1.9.1: text without its pictures, by striprtf (its only importer)."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from backends.documents.extract import refusals
from backends.documents.extract.asked import MIB, Asked
from backends.documents.extract.composing import Composer, Table, moment
from backends.documents.types import Closed, Opened, ReadEvent

_MOST = 96 * MIB
_TEXT = 24 * MIB  # bytes that are left without pictures
_HEX = re.compile(rb"[0-9A-Fa-f\s]{512,}")  # a picture or an object
_BINARY = re.compile(rb"\\bin(\d{1,9}) ?")
_CODE_PAGE = re.compile(rb"\\ansicpg(\d{3,5})")
_TITLE = re.compile(rb"\{\\title ((?:[^{}\\]|\\'[0-9a-fA-F]{2}|\\u-?\d+ ?\??|\\[{}\\])*)\}")
_CREATED = re.compile(rb"\{\\(?:revtim|creatim)\\yr(\d{4})\\mo(\d{1,2})\\dy(\d{1,2})")


def read(path: Path, asked: Asked) -> Iterator[ReadEvent]:
    if path.stat().st_size > _MOST:
        raise refusals.too_large()
    data = path.read_bytes()
    if not data.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{\\rtf"):
        raise refusals.damaged()
    head = data[:MIB]
    title, dated = _TITLE.search(head), _CREATED.search(head)
    yield Opened(
        "rtf",
        text_of(b"{\\rtf1\\ansi" + _page(data) + b" " + title[1] + b"}").strip() if title else "",
        0,
        moment("-".join(part.decode().zfill(2) for part in dated.groups())) if dated else None,
    )
    composer = Composer()
    table: Table | None = None
    for line in text_of(data).splitlines():
        if line.count("|") > 1 and line.endswith("|"):  # how striprtf writes rows
            table = table or Table(composer)
            table.row(line[:-1].split("|"))
        else:
            if table is not None:
                table.close()
                table = None
            composer.add(line.strip())
        yield from composer.take()
    if table is not None:
        table.close()
    yield from composer.close()
    yield Closed()


def text_of(data: bytes) -> str:
    """Raises too_large, damaged_file."""
    from striprtf.striprtf import rtf_to_text

    data = _HEX.sub(b" ", _without_binary(data))
    if len(data) > _TEXT:
        raise refusals.too_large()
    # a line end and this blank mean nothing here; they keep expressions of the library from running over all of it,
    # again and again
    text = data.replace(b"}", b"}\n").replace(b"\\field{", b"\\field {").decode("latin-1")
    page = _CODE_PAGE.search(data[:4096])
    encoding = f"cp{page[1].decode()}" if page else "cp1252"
    try:
        codecs.lookup(encoding)
        said = rtf_to_text(text, encoding=encoding, errors="replace")
    except LookupError:
        said = rtf_to_text(text, encoding="cp1252", errors="replace")
    except (ValueError, IndexError, TypeError) as error:
        raise refusals.damaged() from error
    return said.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _page(data: bytes) -> bytes:
    page = _CODE_PAGE.search(data[:4096])
    return page[0] if page else b""


def _without_binary(data: bytes) -> bytes:
    """Bytes after \\binN are no text."""
    kept, start = [], 0
    for mark in _BINARY.finditer(data):
        if mark.start() >= start:
            kept.append(data[start : mark.start()])
            start = mark.end() + int(mark[1])
    return b"".join([*kept, data[start:]])
