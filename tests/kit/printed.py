"""A handbook of three pages as a PDF file, in either language; locked by pypdf."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.kit.pdfs import Pdf

_WIDE = 84  # Latin letters that stand on a line

FILLER = (
    "The ground under a small building keeps ten degrees all the year round. Pipes of one metre depth take little of "
    "it in summer and give it back in winter; how much depends on the soil, on its water, and on the length of the "
    "pipes. A test of three days is cheaper than a year of regret.\n"
)
FILLER_ZH = (
    "小型建筑下方的土壤全年保持在十度左右。埋深一米的管道夏季吸热很少，冬季则把热量送回；"
    "多少取决于土质、含水量以及管道长度。三天的测试比一年的后悔便宜得多。\n"
)
LAST = "A pump that is too large starts and stops all day."
LAST_ZH = "功率过大的热泵会整天启停。"


def handbook(*, zh: bool, passage: str) -> list[str]:
    """Three pages; the passage stands on the second one."""
    filler = FILLER_ZH if zh else FILLER
    title = "小型建筑热泵技术手册" if zh else "Handbook of Heat Pumps for Small Buildings"
    heading = "3.2 性能系数" if zh else "3.2 Coefficient of performance"
    last = LAST_ZH if zh else LAST
    return [
        f"{title}\n\n" + filler * 4,
        f"{heading}\n\n" + filler * 2 + f"\n{passage}\n\n" + filler * 3,
        f"{filler}{last}\n\n{filler}",
    ]


def write(path: Path, pages: Sequence[str], password: str = "") -> Path:
    """A page each, on A4, in lines as long as fit. The text of a page must fit on it."""
    book = Pdf()
    for text in pages:
        book.page([line for paragraph in text.split("\n") for line in wrapped(paragraph)])
    book.save(path)
    if password:
        _lock(path, password)
    return path


def wrapped(paragraph: str) -> Iterator[str]:
    """Lines of at most `_WIDE` Latin letters; a Chinese character takes the room of two."""
    line, room = "", float(_WIDE)
    for word in re.findall(r"[\u2e80-\uffef]|[^\s\u2e80-\uffef]+\s*|\s+", paragraph):
        width = sum(2 if ord(character) >= 0x2E80 else 1 for character in word)
        if width > room:
            yield line.rstrip()
            line, room = "", float(_WIDE)
        line, room = line + word, room - width
    yield line


def _lock(path: Path, password: str) -> None:
    from pypdf import PdfReader, PdfWriter

    locked = PdfWriter(clone_from=PdfReader(path))
    locked.encrypt(password, algorithm="RC4-128")
    locked.write(path)
