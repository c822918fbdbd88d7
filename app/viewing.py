"""What the viewer of documents draws, as frozen data; and what a person asks of a search."""

from dataclasses import dataclass, field
from typing import Literal

from backends.core.phrase import NOTHING, Phrase
from backends.documents.types import Collection, Document, Found, StoredSection

File = Literal["there", "changed", "gone", "none"]  # none: it never had one (pasted text)


@dataclass(frozen=True, slots=True)
class Mark:
    """A passage to stand on. `start` and `end` in the stored text; `text` what is to be lit."""

    start: int
    end: int
    page: int = 0
    label: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the stored text: whole sections, from `start` to `end` of `length` characters in all."""

    start: int
    end: int
    length: int
    sections: tuple[StoredSection, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A document in the viewer, on one of its `marks` (none: at its beginning)."""

    document: Document
    file: File = "there"
    marks: tuple[Mark, ...] = ()
    at: int = 0
    piece: Piece | None = None

    @property
    def mark(self) -> Mark | None:
        return self.marks[self.at] if self.at < len(self.marks) else None


Kind = Literal["", "pdf", "text", "slides", "tables", "mail", "web", "code"]
Period = Literal["", "month", "year", "older"]

FORMATS: dict[Kind, tuple[str, ...]] = {
    "": (),
    "pdf": ("pdf",),
    "text": ("docx", "odt", "rtf", "text", "markdown", "doc"),
    "slides": ("pptx", "odp", "ppt"),
    "tables": ("xlsx", "xls", "ods", "csv"),
    "mail": ("mail",),
    "web": ("html", "epub"),
    "code": ("code", "notebook"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Words and what narrows them. `without`: chips that were taken away."""

    text: str = ""
    collection: int | None = None
    kind: Kind = ""
    period: Period = ""
    without: frozenset[str] = frozenset()

    @property
    def narrowed(self) -> bool:
        return self.collection is not None or bool(self.kind or self.period)


@dataclass(frozen=True, slots=True)
class Search:
    """`state` idle: nothing was asked. While `searching`, `found` is what was found before, or so far.
    `documents` that can be searched; `waiting`: not read yet."""

    state: Literal["idle", "searching", "found", "failed"] = "idle"
    asked: Asked = field(default_factory=Asked)
    found: Found | None = None
    message: Phrase = NOTHING
    hint: Phrase = NOTHING
    collections: tuple[Collection, ...] = ()
    documents: int = 0
    waiting: int = 0
