"""Which encoding a text is in, and the text."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO

_BLOCK = 1 << 16
_LEGACY = ("gb18030", "big5hkscs", "cp932", "cp949", "cp1252")


def guess(data: bytes, declared: str = "") -> str:
    """The name of a codec. `declared`: what the text says of itself, taken if it decodes."""
    for bom, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if data.startswith(bom):
            return name
    for name in ("utf-8", *([declared] if declared else []), *_LEGACY):
        try:
            codecs.getincrementaldecoder(name)().decode(data)
        except (UnicodeDecodeError, LookupError):
            continue
        return name
    return "latin-1"


def decoded(data: bytes, declared: str = "") -> str:
    return data.decode(guess(data, declared), "replace")


def blocks(file: BinaryIO, declared: str = "") -> Iterator[str]:
    """The text of a file, a block after the other."""
    block = file.read(_BLOCK)
    decoder = codecs.getincrementaldecoder(guess(block, declared))("replace")
    while block:
        yield decoder.decode(block)
        block = file.read(_BLOCK)
    yield decoder.decode(b"", final=True)
