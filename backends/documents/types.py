"""The words of this room as data. Times are Unix seconds; offsets and lengths count characters (code points).

The *stored text* of a document is the text of its sections, one after another, with nothing between them. `start` and
`end` of sections and passages are places in it, `end` exclusive. Pages count from 1; 0: the format has none.
"""

from dataclasses import dataclass, field
from typing import Literal

from backends.core.errors import Problem

SectionKind = Literal["text", "table", "notes", "code"]
Language = Literal["zh", "en", ""]  # what most of a text is written in; "": neither, or nothing to tell by
Method = Literal["text", "vector", "rerank"]

PASSAGE_BITS = 24  # a document has at most 2**24 passages


# ---- what a reader finds in a file (extract/)


@dataclass(frozen=True, slots=True)
class Opened:
    """The first event of a reader. `title` "" if the file names none; `pages` 0 if there are none or nobody knows yet.
    `dated`: when it was written, as it says itself; None if it does not."""

    format: str  # pdf, docx, pptx, xlsx, csv, html, epub, markdown, text, mail, rtf, odt, ods, odp, code, notebook …
    title: str = ""
    pages: int = 0
    dated: float | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of text that lies in one place. At most 32,768 characters; what is longer comes in several.

    `page`: page of a PDF, slide, sheet or chapter. `label`: that place in words, as `Sheet1!A1:F40`, "" if the page
    says it all. `headings`: the path to here, outermost first. `recognised`: read from a picture (OCR).
    """

    text: str
    page: int = 0
    label: str = ""
    headings: tuple[str, ...] = ()
    kind: SectionKind = "text"
    recognised: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a reader is: `done` of `total` pages or bytes."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The last event of a reader. `unread`: pages that hold a picture and no text (scanned), while others have some."""

    pages: int = 0
    unread: tuple[int, ...] = ()


ReadEvent = Opened | Section | Reading | Closed


# ---- what is kept

Status = Literal["waiting", "reading", "ready", "failed", "encrypted", "scanned", "empty"]


@dataclass(frozen=True, slots=True)
class Collection:
    """A library of documents. `conversation_id`: one that belongs to that conversation only, and has no name."""

    id: int
    name: str
    documents: int = 0
    conversation_id: int | None = None


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A folder that a collection follows, with its subfolders. `problem`: it cannot be read at the moment."""

    id: int
    collection_id: int
    path: str
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """`path`: where it lies; of a JSONL line or pasted text "", and `name` is its id or title. `digest`: sha256 of the
    file, hexadecimal. `recognised`: pages read from pictures; `unread`: pages that would have to be. `hidden`: since
    when it is deleted but not erased yet. `language`: of most of its passages."""

    id: int
    collection_id: int
    path: str
    name: str
    title: str
    format: str
    size: int
    modified: float
    dated: float | None
    digest: str
    status: Status
    problem: Problem | None
    pages: int
    characters: int
    passages: int
    language: Language
    recognised: int
    unread: int
    added: float
    hidden: float | None = None

    @property
    def known_as(self) -> str:
        """What the command line calls it: its path, or the id of a JSONL line."""
        return self.path or self.name


@dataclass(frozen=True, slots=True)
class StoredSection:
    """A section where it stands in the stored text."""

    document_id: int
    number: int
    start: int
    end: int
    section: Section


@dataclass(frozen=True, slots=True)
class Passage:
    """What is found and quoted; it lies within one section. `id` says the document, too (`passage_id`)."""

    id: int
    start: int
    end: int
    page: int
    label: str
    headings: tuple[str, ...]
    kind: SectionKind
    text: str

    @property
    def document_id(self) -> int:
        return document_of(self.id)

    @property
    def number(self) -> int:
        """From 0, in the order of the document."""
        return self.id & ((1 << PASSAGE_BITS) - 1)


def passage_id(document_id: int, number: int) -> int:
    return document_id << PASSAGE_BITS | number


def document_of(passage: int) -> int:
    return passage >> PASSAGE_BITS


@dataclass(frozen=True, slots=True)
class StoreChange:
    """Document `document_id` got the passages it has now, or (`gone`) has none to be found any more (hidden, erased,
    failed). Each change of what can be found has the next `sequence`; of one document only the last is kept."""

    sequence: int
    document_id: int
    gone: bool


# ---- what is asked and found


@dataclass(frozen=True, slots=True)
class Scope:
    """Which documents: those of any of `collections` or among `documents`; both None: all but those of conversations.
    The other fields narrow that. `formats` as in Opened; `since` and `until` compare `dated`, else `modified`."""

    collections: tuple[int, ...] | None = None
    documents: tuple[int, ...] | None = None
    formats: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Chip:
    """What a question was narrowed to by what it says (a document's name, a year). `words` are those of the question.
    Leave `key` out (`SearchRequest.without`) and it is not."""

    key: str
    words: str
    documents: int


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """`limit` hits. `without`: keys of chips that the person took away. `improve`: use what takes longer (translation,
    reranking), and say what was found before. `fold`: near-duplicates once. `lit`: say where the words stand."""

    text: str
    limit: int = 10
    scope: Scope = field(default_factory=Scope)
    without: frozenset[str] = frozenset()
    improve: bool = True
    fold: bool = True
    lit: bool = True


@dataclass(frozen=True, slots=True)
class Rank:
    """Where one method put a passage (from 1), with its own score."""

    method: str  # text, vector, text:translated, rerank
    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage with what a person needs to judge it. `lit`: places in `passage.text` of words that were asked for.
    `score`: 0..1, comparable within one search only. `also`: documents that hold nearly the same."""

    passage: Passage
    document: Document
    score: float
    ranks: tuple[Rank, ...] = ()
    lit: tuple[tuple[int, int], ...] = ()
    also: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Dropped:
    """A passage that was found and not shown: `why` is duplicate, merged (with its neighbour), diversity, threshold,
    limit, room (of the prompt)."""

    passage_id: int
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """Hits, best first. `enough`: the best ones look like they speak of what was asked (per-language thresholds);
    `final`: nothing better will come. `searched`: documents that were looked through. `translated`: the question in the
    other language, if it was searched for, too. `waiting`: documents that are not read yet."""

    hits: tuple[Hit, ...]
    enough: bool
    final: bool
    searched: int
    chips: tuple[Chip, ...] = ()
    translated: str = ""
    dropped: tuple[Dropped, ...] = ()
    seconds: float = 0.0
    waiting: int = 0
    methods: tuple[str, ...] = ()


# ---- what taking in says


@dataclass(frozen=True, slots=True)
class Queued:
    """`files` are to be read in all, as far as is known."""

    files: int


@dataclass(frozen=True, slots=True)
class FileReading:
    document_id: int
    path: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class FileStored:
    """It can be searched now. `unchanged`: it was in already, byte for byte."""

    document_id: int
    path: str
    passages: int
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class FileFailed:
    """`document_id` None: it did not even become a document (a folder that cannot be read)."""

    document_id: int | None
    path: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class IngestDone:
    """`chunks`: passages stored by this task."""

    documents: int
    chunks: int
    failed: tuple[FileFailed, ...]
    seconds: float


IngestEvent = Queued | FileReading | FileStored | FileFailed | IngestDone
