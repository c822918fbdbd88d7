"""Taking in with full text: MB/s of plain text, PDF pages/s, a 2,000-page PDF, memory over many small files (`--only
files --files 500000`) and with one large one (`--only large --megabytes 2000`).

Until all can be found and nothing is waiting for the full text. Targets: 4 MB/s and 150 pages/s on two cores, 2,000
pages in 40 s with a peak of 500 MiB, no growth of memory with the number of files. Figures are printed as ratios to
these (1.0 or more is met).

What grows by nature with the number of documents: names, up to 100,000 documents (0.5 KB each where they are numbers, 2
KB where they are titles; with more all are let go); 100,000 remembered words (20 MB); for each scope that is searched
(the last 8) 8 bytes a document; for 65,536 passages a thread that looks after their index.
"""

import argparse
import math
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from backends.core.paths import Paths
from backends.documents.search import NAMES
from backends.documents.types import FileReading, FileStored, IngestDone, SearchRequest
from backends.services import Services
from tests.kit.pdfs import Pdf
from tests.kit.shelves import CHINESE, ENGLISH

MB = 10**6
MIB = 1 << 20
NAMED, UNNAMED = 1024, 32  # bytes that a document may add, while their names are known, and beyond …
COMES_AND_GOES = 8 * MIB  # … with what is under way when one looks


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench ingest")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--files", type=int, default=20_000, help="how many small ones")
    parser.add_argument("--megabytes", type=int, default=100, help="how large the one large file is")
    parser.add_argument("--only", action="append", choices=["text", "pdf", "files", "large"])
    asked = parser.parse_args(arguments)
    share = 10 if asked.quick else 1
    sizes = {"text": share, "pdf": share, "files": asked.files // share, "large": asked.megabytes // share}
    for name, measure in (("text", text), ("pdf", pdf), ("files", files), ("large", large)):
        if not asked.only or name in asked.only:
            here = Path.cwd()
            place = Path(tempfile.mkdtemp(prefix="deskseek-bench-"))
            try:
                measure(place, sizes[name])
            finally:
                os.chdir(here)
                shutil.rmtree(place)
    return 0


def text(place: Path, share: int) -> None:
    """Words as often as in a language (Zipf), a third of the characters Chinese, in files of 1 MB."""
    folder = place / "text"
    folder.mkdir()
    words = _Words()
    size = sum(words.written(folder / f"{number}.txt") for number in range(40 // share or 1))
    with Services.open(Paths.under(place / "home")) as services:
        seconds = _take(services, folder)
        chunks = sum(document.passages for document in services.documents.store.documents())
    _say(f"plain text: {size / MB:.0f} MB, {chunks} passages in {seconds:.1f} s, {size / MB / seconds:.1f} MB/s")
    _say(f"  to the target of 4 MB/s: {size / MB / seconds / 4:.2f}")


class _Words:
    """Two made languages: the n-th word comes a n-th as often as the first."""

    def __init__(self) -> None:
        self._chance = random.Random(1)
        letters, signs = "eeeetttaaaoooiiinnnssshhrrdlluucmfwygpbvk", [chr(0x4E00 + n * 7) for n in range(2500)]
        self._english = ["".join(self._chance.choices(letters, k=2 + n % 9)) for n in range(30_000)]
        self._chinese = ["".join(self._chance.choices(signs, k=1 + n % 2)) for n in range(20_000)]

    def written(self, path: Path) -> int:
        """Bytes of a file of this language."""
        pieces: list[str] = []
        size = 0
        while size < MB:
            english = self._chance.random() < 0.6
            chosen = self._some(self._english if english else self._chinese, self._chance.randint(6, 25))
            piece = " ".join(chosen).capitalize() + ". " if english else "".join(chosen) + "。"
            piece += "\n\n" if self._chance.random() < 0.1 else ""
            size += len(piece.encode())
            pieces.append(piece)
        path.write_text("".join(pieces), encoding="utf-8")
        return size

    def _some(self, words: Sequence[str], count: int) -> list[str]:
        return [words[int(len(words) ** self._chance.random()) - 1] for _ in range(count)]


def pdf(place: Path, share: int) -> None:
    book, pages = Pdf(), 2000 // share
    for number in range(pages):
        lines = [f"Page {number + 1} {ENGLISH}"[:95] for _ in range(22)] + [CHINESE[:40] for _ in range(8)]
        book.page(lines)
    path = book.save(place / "book.pdf")
    with Services.open(Paths.under(place / "home")) as services:
        seconds = _take(services, path)
        *_, found = services.documents.search(SearchRequest(f"page {pages}"))
        assert found.hits
    peak = (_peak(resource.RUSAGE_SELF) + _peak(resource.RUSAGE_CHILDREN)) / MIB
    _say(f"PDF: {pages} pages, {path.stat().st_size / MB:.1f} MB in {seconds:.1f} s, {pages / seconds:.0f} pages/s")
    _say(f"  to the target of 150 pages/s: {pages / seconds / 150:.2f}; of 40 s for 2,000: {pages / 50 / seconds:.2f}")
    _say(f"  peak of this process and its reader together: {peak:.0f} MiB; to the target of 500: {500 / peak:.2f}")


def files(place: Path, count: int) -> None:
    folder = place / "many"
    for number in range(count):
        if number % 1000 == 0:
            (folder / str(number)).mkdir(parents=True)
        (folder / str(number // 1000 * 1000) / f"{number}.txt").write_text(
            f"Note {number}. {ENGLISH}", encoding="utf-8"
        )
    with Services.open(Paths.under(place / "home")) as services:
        began, done = time.monotonic(), 0
        held: list[float] = []  # the least in each eighth: commits come and go
        for event in services.documents.add([folder]):
            if isinstance(event, FileStored):
                if done % (count // 8) == 0:
                    held.append(math.inf)
                done += 1
                if done % 20 == 0:
                    held[-1] = min(held[-1], _now())
            if isinstance(event, IngestDone):
                assert event.documents == count
        _caught_up(services)
        seconds = time.monotonic() - began
        again = time.monotonic()
        for _ in services.documents.add([folder]):
            pass
        again = time.monotonic() - again
    _say(f"small files: {count} in {seconds:.1f} s, {count / seconds:.0f} a second")
    _say(f"  once more, unchanged: {count / again:.0f} a second")
    _say(f"  least memory in each eighth, MiB: {' '.join(f'{each / MIB:.0f}' for each in held[:8])}")
    _say(f"  {_growth(count, held[:8])}")


def _growth(count: int, held: Sequence[float]) -> str:
    """From the first eighth in which names are known no more, else from the second; to the last one."""
    first = next((n for n in range(6) if n * count // 8 >= NAMES), 1)
    limit = UNNAMED if first * count // 8 >= NAMES else NAMED
    grown, documents = held[-1] - held[first], count * (7 - first) // 8
    good = grown <= limit * documents + COMES_AND_GOES
    return (
        f"growth from document {first * count // 8} on: {grown / MIB:+.1f} MiB, {grown / documents:+.0f} bytes each; "
        f"at most {limit}, and {COMES_AND_GOES // MIB} MiB that come and go{'' if good else '  !'}"
    )


def large(place: Path, megabytes: int) -> None:
    """One file of text: how soon it can be searched, what memory that takes, how soon it stops when it is to."""
    path = place / "large.txt"
    _Words().written(path)
    block = path.read_text(encoding="utf-8")
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{block}\n\nMilestone {number} milestone{number}.\n\n" for number in range(megabytes))
    size = path.stat().st_size
    with Services.open(Paths.under(place / "home")) as services:
        held = [_now() / MIB]
        asked = services.documents.add([path])
        stopping = 0.0
        for event in asked:
            if isinstance(event, FileReading) and event.done > size // 20 and not stopping:
                stopping = time.monotonic()
                asked.cancel()
        stopping = time.monotonic() - stopping
        assert not services.documents.store.count()
        began = time.monotonic()
        for event in services.documents.add([path]):
            held.append(_now() / MIB)
            if isinstance(event, IngestDone):
                assert event.failed == (), event.failed
        stored = time.monotonic() - began
        _caught_up(services, lambda: held.append(_now() / MIB))
        seconds = time.monotonic() - began
        *_, found = services.documents.search(SearchRequest(f"milestone{megabytes - 1}"))
        assert found.hits
    _say(f"one file of text: {size / MB:.0f} MB stored after {stored:.1f} s, in the full text after {seconds:.1f} s")
    _say(f"  to the target of 4 MB/s: {size / MB / seconds / 4:.2f}; cancelled, it ended after {stopping:.2f} s")
    reader = _peak(resource.RUSAGE_CHILDREN) / MIB
    _say(f"  memory before: {held[0]:.0f} MiB, at most: {max(held):.0f}, of its reader: {reader:.0f}")


def _take(services: Services, path: Path) -> float:
    """Seconds until all is in and in the full text."""
    began = time.monotonic()
    for event in services.documents.add([path]):
        if isinstance(event, IngestDone):
            assert event.failed == (), event.failed
    _caught_up(services)
    return time.monotonic() - began


def _caught_up(services: Services, look: Callable[[], object] = lambda: None) -> None:
    changes = services.changes()
    while services.documents.index.behind:
        look()
        changes.token.wait(0.05)
    changes.cancel()


def _peak(who: int) -> int:
    """Bytes."""
    return resource.getrusage(who).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _now() -> int:
    """Bytes that this process holds, without the files it maps (the index); at its peak, where nobody says."""
    status = Path("/proc/self/status")
    if not status.exists():
        return _peak(resource.RUSAGE_SELF)
    return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("RssAnon"))


def _say(line: str) -> None:
    print(line, flush=True)
