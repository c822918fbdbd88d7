"""What the reader of one file is told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """`password` "" if none is known. `recognise`: read pages that are only pictures, too (OCR)."""

    password: str = ""
    recognise: bool = False
