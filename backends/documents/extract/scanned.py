"""Text in pictures of pages, by RapidOCR (the extra `ocr`; its models are in its wheel), page by page."""

from collections.abc import Iterator
from typing import Any

from backends.documents.extract import refusals
from backends.documents.types import Section

_DPI = 150  # measured: enough for print of 9 points in either language


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
        picture = page.render(scale=_DPI / 72, grayscale=False).to_numpy()
        found = self._engine(picture)
        lines = [str(text) for text in (found.txts or ())]
        if lines:
            yield Section("\n".join(lines), number, headings=headings, recognised=True)
