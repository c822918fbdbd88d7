"""Text and Markdown (CommonMark 0.31 as far as headings, fences and tables go), of any size."""

from collections.abc import Iterator
from pathlib import Path

from backends.documents.extract.asked import Asked
from backends.documents.extract.encodings import blocks
from backends.documents.types import Opened, ReadEvent, Reading, Section


def read(path: Path, asked: Asked) -> Iterator[ReadEvent]:
    yield Opened(asked.format)
    total = path.stat().st_size
    with path.open("rb") as file:
        for block in blocks(file):
            yield Section(block)
            yield Reading(file.tell(), total)
