"""One full-text index on disk (tantivy): passages of some tens of thousands, ranked by BM25 (k1 1.2, b 0.75).

The text is tokenised by `words`; tantivy only splits it at spaces. Nothing of it is stored: a passage is its number. A
term's weight is that of all segments of the library together (`boosts`), not of this one.
"""

import importlib.metadata
import json
import shutil
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from backends.core.errors import StorageError
from backends.core.files import disk_full, storage_error
from backends.core.heap import give_back
from backends.core.phrase import Phrase
from backends.documents.types import PASSAGE_BITS

HEAP = 32_000_000  # bytes that a writer gathers before it writes a piece
_LITTLE = 32 << 20  # bytes; where less is free, a write that failed failed for that
_PIECES = {".term", ".idx", ".pos", ".fast", ".fieldnorm", ".store", ".del"}
_SMALL_FILE = 4 << 20  # bytes; read through before the index is opened: tantivy panics where numbers are damaged
_MAGIC = 1337  # of tantivy's footers
_DELETED_AT_ONCE = 5_000
_REMEMBERED = 10_000  # terms of a segment

R = TypeVar("R")


def engine_version() -> str:
    return importlib.metadata.version("tantivy")


@dataclass(frozen=True, slots=True)
class Reading:
    """A segment as it was at one commit; any thread may search it. `passages` counts deleted ones that are still in
    the file, `living` does not."""

    searcher: Any
    schema: Any
    living: int
    passages: int
    _often: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    def frequency(self, term: str) -> int:
        """How many passages have it. Remembered: each question asks twice for each of its terms."""
        often = self._often.get(term)
        if often is None:
            if len(self._often) >= _REMEMBERED:
                self._often.clear()
            often = self._often[term] = self.searcher.doc_freq("text", term)
        return often

    def search(
        self, boosts: Sequence[tuple[str, float]], limit: int, documents: Sequence[int] | None = None
    ) -> list[tuple[float, int]]:
        """(score, passage), best first. `documents`: only in those."""
        from tantivy import Occur, Query

        query = Query.boolean_query(
            [
                (Occur.Should, Query.boost_query(Query.term_query(self.schema, "text", term, "freq"), boost))
                for term, boost in boosts
            ]
        )
        if documents is not None:
            chosen = Query.term_set_query(self.schema, "document", list(documents))
            query = Query.boolean_query(
                [(Occur.Must, query), (Occur.Must, Query.const_score_query(chosen, 0.0))],
            )
        hits = self.searcher.search(query, limit, count=False).hits
        passages = self.searcher.fast_field_values("passage", [address for _, address in hits])
        return [(score, passage) for (score, _), passage in zip(hits, passages, strict=True)]

    def has_any(self, documents: Sequence[int]) -> bool:
        from tantivy import Query

        chosen = Query.term_set_query(self.schema, "document", list(documents))
        return bool(self.searcher.search(chosen, 1, count=False).hits)

    def spans(self) -> dict[int, tuple[int, int]]:
        """Of each document that has living passages here, its first and its last one. (A long one may lie in two
        segments.)"""
        from tantivy import Query

        hits = self.searcher.search(Query.all_query(), max(1, self.living), count=False).hits
        found: dict[int, tuple[int, int]] = {}
        for passage in sorted(self.searcher.fast_field_values("passage", [address for _, address in hits])):
            document = passage >> PASSAGE_BITS
            found[document] = (found[document][0] if document in found else passage, passage)
        return found


class Segment:
    """One writes (whoever holds the lock of the library), several read. Raises StorageError: `index_damaged`,
    `disk_full`."""

    def __init__(self, folder: Path) -> None:
        """Open it, or make it if there is nothing."""
        import tantivy

        self.folder = folder
        self._writer: Any = None
        self._uncommitted = False
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(error, folder) from error
        builder = tantivy.SchemaBuilder()
        builder.add_unsigned_field("passage", fast=True)
        builder.add_unsigned_field("document", indexed=True)
        builder.add_text_field("text", tokenizer_name="whitespace", index_option="freq")
        self._schema = builder.build()
        self.check(_SMALL_FILE)
        self._index = self._guarded(lambda: tantivy.Index(self._schema, str(folder)))
        self.reading = self._read()

    # ---- writing

    def add(self, passages: Iterable[tuple[int, str]]) -> None:
        """(passage, its terms with a space between); found after the next commit."""
        from tantivy import Document

        writer = self._open_writer()
        for passage, line in passages:
            document = Document()
            document.add_unsigned("passage", passage)
            document.add_unsigned("document", passage >> PASSAGE_BITS)
            document.add_text("text", line)
            self._guarded(lambda document=document: writer.add_document(document))

    def delete(self, documents: Sequence[int]) -> None:
        """All passages of those that were added before; with the next commit."""
        from tantivy import Query

        writer = self._open_writer()
        for start in range(0, len(documents), _DELETED_AT_ONCE):
            chosen = Query.term_set_query(self._schema, "document", list(documents[start : start + _DELETED_AT_ONCE]))
            self._guarded(lambda chosen=chosen: writer.delete_documents_by_query(chosen))

    def commit(self) -> None:
        """On the disk, and in `reading`."""
        if self._writer is not None:
            self._guarded(self._writer.commit)
            self._guarded(self._writer.garbage_collect_files)
            self._uncommitted = False
            give_back()  # a thread of its own filled a table of some megabytes for this commit
        self.reading = self._read()

    def close(self) -> None:
        """What was not committed is lost. Pieces that are being merged are waited for (about a second): each costs
        every search its time."""
        writer, self._writer = self._writer, None
        if writer is not None:
            if self._uncommitted:
                self._guarded(writer.rollback)
            self._guarded(writer.wait_merging_threads)
            give_back()
            self.reading = self._read()

    def _open_writer(self) -> Any:
        if self._writer is None:
            self._writer = self._guarded(lambda: self._index.writer(HEAP, 1))
        self._uncommitted = True
        return self._writer

    # ---- reading

    def _read(self) -> Reading:
        self._guarded(self._index.reload)
        searcher = self._guarded(self._index.searcher)
        living = searcher.num_docs
        return Reading(searcher, self._schema, living, max(living, self._kept()))

    def _kept(self) -> int:
        """Passages in its files, with those that are deleted."""
        return sum(count for _, count in self._pieces())

    def _pieces(self) -> list[tuple[str, int]]:
        return pieces(self.folder)

    def check(self, largest: int | None = None) -> None:
        """As `check` below."""
        check(self.folder, largest)

    def _guarded(self, call: Callable[[], R]) -> R:
        """tantivy says everything by ValueError."""
        try:
            return call()
        except (ValueError, OSError, RuntimeError) as error:
            if self.folder.exists() and shutil.disk_usage(self.folder).free < _LITTLE:
                raise disk_full(self.folder) from error
            raise damaged(self.folder) from error


def pieces(folder: Path) -> list[tuple[str, int]]:
    """How the files of each piece of an index begin, and its passages."""
    try:
        about = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        return [(each["segment_id"].replace("-", ""), int(each["max_doc"])) for each in about["segments"]]
    except OSError as error:
        raise storage_error(error, folder) from error
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(folder) from error


def check(folder: Path, largest: int | None = None) -> None:
    """Every byte of files up to that size: StorageError (`index_damaged`) if one is not what was written."""
    names = tuple(name for name, _ in pieces(folder)) if (folder / "meta.json").exists() else ()
    for path in sorted(folder.iterdir()):
        ours = path.suffix in _PIECES and path.name.startswith(names)  # others were never committed
        if ours and (largest is None or _size(path) <= largest) and not _sound(path):
            raise damaged(folder)


def damaged(folder: Path) -> StorageError:
    return StorageError(
        Phrase(f"The search index in {folder} is damaged.", f"{folder} 中的搜索索引已损坏。"),
        Phrase("It is made anew by itself.", "将自动重建。"),
        code="index_damaged",
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _sound(path: Path) -> bool:
    """A file of tantivy ends with JSON that holds the CRC-32 of what is before it, its length, and a number."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if size < 8:
                return False
            file.seek(size - 8)
            length, magic = (int.from_bytes(file.read(4), "little") for _ in range(2))
            if magic != _MAGIC or length > size - 8:
                return False
            file.seek(size - 8 - length)
            wanted = json.loads(file.read(length))["crc"]
            file.seek(0)
            left, found = size - 8 - length, 0
            while left and (block := file.read(min(left, 1 << 20))):
                found = zlib.crc32(block, found)
                left -= len(block)
            return found == wanted
    except FileNotFoundError:
        return True  # merged away meanwhile
    except (OSError, ValueError, KeyError, TypeError):
        return False
