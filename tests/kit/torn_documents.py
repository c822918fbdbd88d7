"""Files of every kind with random damage: each is read or refused, whatever is in it, and the next one is read.

Damage is done to the bytes of a file, or, in an archive, to the bytes of a part, which is then packed again: else
hardly any would get beyond the checksum.
"""

import io
import json
import logging
import random
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError
from backends.documents.extract import reader as reading
from backends.documents.extract.asked import MIB
from backends.documents.extract.reader import Limits, Reader
from backends.documents.types import Closed, Opened, Section
from tests.kit import office
from tests.kit.pdfs import Pdf

TRUTH = Path(__file__).resolve().parents[1] / "data" / "truth"
CODES = {
    *("damaged_file", "encrypted", "wrong_password", "unsupported_format", "unreadable_file"),
    *("too_large", "out_of_time", "reader_died"),
}
LIMITS = Limits(memory=768 * MIB, seconds=20)
_WORDS = (
    "<",
    ">",
    "&#x110000;",
    "]]>",
    "\0",
    "\n\n",
    '"',
    "%PDF-",
    "PK\x03\x04",
    "9" * 40,
    "-1",
    "\ud83d",
    "<!--",
    "=?gbk?b?",
)


def whole_files(folder: Path) -> list[Path]:
    """One or more of each format, small."""
    made = [path for path in TRUTH.iterdir() if path.suffix not in (".json", ".pdf") and path.name != "README.md"]
    made += [TRUTH / name for name in ("cid_not_embedded.pdf", "encrypted_owner_only.pdf")]
    book = Pdf()
    book.page(["A line", "中文一行"], book.text_field("name", "value"))
    book.outline.append((0, "Chapter", 1))
    made.append(book.save(folder / "made.pdf", title="Made"))
    made.append(
        office.opendocument(
            folder / "made.odt",
            "text",
            "<office:text><text:h text:outline-level='1'>One</text:h><text:p>Two</text:p></office:text>",
        )
    )
    mail = {"__properties_version1.0": b"", "__substg1.0_0037001F": "Subject", "__substg1.0_1000001F": "Text. 正文"}
    streams = {name: text.encode("utf-16-le") if isinstance(text, str) else text for name, text in mail.items()}
    made.append(office.compound(folder / "made.msg", streams))
    made.append(office.compound(folder / "made.xls", {"Workbook": office.biff({"Sheet": [["Name", 1.5], ["b", 2.0]]})}))
    for name, text in {
        "made.rtf": r"{\rtf1\ansi\ansicpg936 One {\b two} \u20013? \'d6\'d0\par three}",
        "made.csv": 'name,"a ""quoted"" one"\n1,2\n"over\nlines",3\n',
        "made.py": '"""Doc."""\n\nclass A:\n    def b(self):\n        return 1\n',
        "made.ipynb": json.dumps({"nbformat": 4, "cells": [{"cell_type": "markdown", "source": ["# One\n", "two"]}]}),
        "made.eml": "From: a@b\nSubject: =?utf-8?q?x?=\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n"
        "\n--B\nContent-Type: text/html; charset=gbk\n\n<p>one<table><tr><td>2</table>\n--B--\n",
        "made.html": "<h1>One</h1><table><tr><th>a<th>b<tr><td rowspan=2>1<td>2<tr><td>3</table><pre>x</pre><div>"
        "<p hidden>y",
    }.items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        made.append(path)
    return sorted(made, key=lambda path: path.name)


def read_torn(folder: Path, mutations: int, seed: int = 1) -> Counter[str]:
    """How often it was read ("") or refused with which code. AssertionError, with the file kept beside `folder`, when
    something else came out, or the reader ended with an error of Python."""
    chance = random.Random(seed)
    found: Counter[str] = Counter()
    reader, files = Reader(LIMITS), whole_files(folder)
    with _noted() as deaths:
        for number in range(mutations):
            path = files[number % len(files)]
            torn = folder / f"torn{path.suffix}"
            torn.write_bytes(damaged(path.read_bytes(), chance))
            code = _read(reader, torn)
            mistake = code not in {"", *CODES} or any("Traceback" in death or "Error" in death for death in deaths)
            if mistake:
                kept = torn.replace(folder.parent / f"mistake-{seed}-{number}{path.suffix}")
                raise AssertionError(f"{kept} (from {path.name}): {code} {deaths}")
            found[code] += 1
            deaths.clear()
    note = folder / "note.txt"
    note.write_text("read all the same", encoding="utf-8")
    assert _read(reader, note) == ""
    reader.close()
    return found


def damaged(data: bytes, chance: random.Random) -> bytes:
    if data.startswith(b"PK") and chance.random() < 0.8:
        return _repacked(data, chance)
    return _torn(data, chance)


def _torn(data: bytes, chance: random.Random) -> bytes:
    torn = bytearray(data)
    for _ in range(chance.choice((1, 1, 3, 20))):
        at = chance.randrange(len(torn) + 1)
        length = chance.choice((1, 4, 100, 5000))
        match chance.randrange(7):
            case 0:
                torn[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del torn[at : at + length]
            case 2:
                torn[at:at] = torn[at : at + length] * chance.choice((1, 3, 30))
            case 3:
                torn[at:at] = chance.choice(_WORDS).encode("utf-8", "surrogatepass")
            case 4:
                torn[at : at + length] = bytes(min(length, len(torn) - at))
            case 5:
                torn[at : at + 8] = chance.randbytes(8)
            case 6:
                del torn[at if chance.random() < 0.3 else len(torn) :]
    return bytes(torn)


def _repacked(data: bytes, chance: random.Random) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(buffer, "w") as torn:
        names = archive.namelist()
        hit = {chance.choice(names) for _ in range(chance.choice((1, 1, 3)))}
        for one in archive.infolist():
            content = archive.read(one)
            if one.filename in hit:
                if chance.random() < 0.1:
                    continue
                content = _torn(content, chance)
            torn.writestr(one.filename, content, one.compress_type)
    return buffer.getvalue()


def _read(reader: Reader, path: Path) -> str:
    """The code; "" if it was read. Something else: what is not as it is promised."""
    try:
        events = list(reader.read(path, cancel=CancelToken()))
    except BackendError as error:
        return error.code
    if not isinstance(events[0], Opened) or not isinstance(events[-1], Closed):
        return "not opened and closed"
    for event in events:
        if isinstance(event, Section):
            event.text.encode()  # no lone surrogates
            if not 0 < len(event.text) <= 32_768:
                return "a section too long, or empty"
    return ""


@contextmanager
def _noted() -> Iterator[list[str]]:
    """What is said of readers that died."""
    deaths: list[str] = []

    class Noting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            deaths.append(record.getMessage())

    noting, log = Noting(), reading.log
    log.addHandler(noting)
    before, log.propagate = log.propagate, False
    try:
        yield deaths
    finally:
        log.removeHandler(noting)
        log.propagate = before
