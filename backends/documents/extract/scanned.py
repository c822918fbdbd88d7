"""Text in pictures of pages, by RapidOCR (the extra `ocr`; its models are in its wheel), page by page."""

import math
from collections.abc import Iterator
from typing import Any

from backends.documents.extract import refusals
from backends.documents.extract.pdf_lines import Box, Words, paragraphs
from backends.documents.types import Section

_DPI = 150  # measured: enough for print of 9 points in either language
_PIXELS = 25_000_000  # at most, of a page of any size: a plan or a poster is looked at less closely


class Recogniser:
    """Raises no_ocr if it is not installed."""

    def __init__(self) -> None:
        try:
            from rapidocr import RapidOCR  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise refusals.no_ocr() from error
        self._engine: Any = RapidOCR()

    def sections(self, page: Any, number: int, headings: tuple[str, ...]) -> Iterator[Section]:
        """What stands on a page of PDFium, from top to bottom. Nothing: no text was made out."""
        width, height = page.get_size()
        scale = min(_DPI / 72, math.sqrt(_PIXELS / max(1, width * height)))
        picture = page.render(scale=scale, grayscale=False).to_numpy()
        found = self._engine(picture)
        if found.txts:
            boxes = [_box(corners) for corners in found.boxes]
            text = paragraphs("\r\n".join(" ".join(str(line).split()) for line in found.txts), boxes, Words())
            yield Section(text, number, headings=headings, recognised=True)


def _box(corners: Any) -> Box:
    """Of a line, whose four corners are in pixels from above."""
    left, top = (float(min(corner[axis] for corner in corners)) for axis in (0, 1))
    right, foot = (float(max(corner[axis] for corner in corners)) for axis in (0, 1))
    return Box(left, right, -foot, foot - top, -foot)
