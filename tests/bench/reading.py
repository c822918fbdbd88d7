"""How fast files become text: pages of PDF and megabytes of text a second, and the memory that takes.

    python -m tests.bench reading [--pages N] [--mib N] [--quick] [FILE…]

The peer for PDF is PDFium alone in one process, in the same run: `get_text_range` of every page, nothing joined or
sent. Targets: 150 pages and 4 MB of plain text a second with full text on 2 cores (this is the reading of it alone),
less than 500 MiB at most for a book of 2,000 pages, and no more for a text of any length.
"""

import json
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path

import psutil

from backends.core.cancel import CancelToken
from backends.documents.extract.reader import Reader
from backends.documents.types import Section
from tests.kit.pdfs import Pdf

MIB = 1 << 20
TRUTH = Path(__file__).resolve().parents[1] / "data" / "truth" / "truth.json"
PAGES, MEGABYTES, MEMORY = 150, 4, 500


def main(arguments: Sequence[str]) -> int:
    parser = ArgumentParser(prog="reading")
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--mib", type=int, default=200)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("files", nargs="*", type=Path)
    given = parser.parse_args(arguments)
    pages, mib = (200, 10) if given.quick else (given.pages, given.mib)
    with tempfile.TemporaryDirectory() as folder:
        english, chinese = _paragraphs()
        for name, paragraphs, width in (("English", english, 90), ("Chinese", chinese, 40)):
            path = _book(Path(folder) / "book.pdf", paragraphs, width, pages)
            _pdf(f"{name} PDF, {pages} pages", path)
        for encoding in ("utf-8", "gb18030"):
            path = _long(Path(folder) / "long.txt", "\n\n".join(english + chinese), encoding, mib)
            seconds, characters, most = _read(path)
            rate = path.stat().st_size / 1e6 / seconds
            print(f"text, {encoding}, {mib} MiB".ljust(32), _rate(rate, "MB", MEGABYTES), _memory(most), characters)
    for path in given.files:
        _pdf(path.name, path)
    return 0


def _pdf(name: str, path: Path) -> None:
    peer, pages = _timed(lambda: _pdfium(path))
    seconds, characters, most = _read(path)
    ratio = f"{peer / seconds:5.2f} of PDFium alone ({pages / peer:.0f})"
    print(name.ljust(32), _rate(pages / seconds, "pages", PAGES), _memory(most), ratio, characters, flush=True)


def _rate(rate: float, unit: str, target: float) -> str:
    return f"{rate:8.1f} {unit}/s = {rate / target:5.1f} x target"


def _memory(most: int) -> str:
    return f"{most / MIB:6.0f} MiB = {most / MIB / MEMORY:4.2f} x limit"


def _read(path: Path) -> tuple[float, int, int]:
    """Seconds, characters, and the most memory of the child and this process together, looked at now and then."""
    reader, characters, most = Reader(), 0, 0
    mine = psutil.Process()
    began = time.perf_counter()
    for n, event in enumerate(reader.read(path, cancel=CancelToken())):
        if isinstance(event, Section):
            characters += len(event.text)
        if n % 500 == 0:
            most = max(most, mine.memory_info().rss + sum(psutil.Process(pid).memory_info().rss for pid in reader.pids))
    seconds = time.perf_counter() - began
    reader.close()
    return seconds, characters, most


def _pdfium(path: Path) -> int:
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        for page in document:
            characters = page.get_textpage()
            characters.get_text_range()
            characters.close()
            page.close()
        return len(document)


def _timed(call: Callable[[], int]) -> tuple[float, int]:
    began = time.perf_counter()
    done = call()
    return time.perf_counter() - began, done


def _paragraphs() -> tuple[list[str], list[str]]:
    truth = json.loads(TRUTH.read_text(encoding="utf-8"))
    english, chinese = [], []
    for file in ("qt_embedded.pdf", "cid_not_embedded.pdf"):
        for segment in truth[file]["segments"]:
            words = segment["text"].strip()
            if len(words) > 100:
                (english if words.isascii() else chinese).append(words)
    return english, chinese


def _book(path: Path, paragraphs: list[str], width: int, pages: int) -> Path:
    lines = (text[start : start + width] for text in cycle(paragraphs) for start in range(0, len(text), width))
    book = Pdf()
    for _ in range(pages):
        book.page([next(lines) for _ in range(48)])
    return book.save(path)


def _long(path: Path, words: str, encoding: str, mib: int) -> Path:
    data = (words + "\n\n").encode(encoding, "replace")
    with path.open("wb") as file:
        while file.tell() < mib * MIB:
            file.write(data)
    return path
