"""Documents that are no files: lines of a JSONL file, a text that was pasted."""

import hashlib
import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from backends.core.cancel import CancelToken
from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase
from backends.documents.gate import Gate
from backends.documents.problems import empty, unreadable
from backends.documents.rows import sound
from backends.documents.store import DocumentStore
from backends.documents.types import (
    Document,
    FileFailed,
    FileReading,
    FileStored,
    IngestDone,
    IngestEvent,
    Opened,
    Problem,
    Section,
)

LONGEST = 64 << 20  # bytes of a line
LONGEST_SECTION = 32_768  # characters
_AT_ONCE = 200  # lines in a transaction
_MOST_FAILURES = 1000


def ingest_jsonl(
    store: DocumentStore, collection_id: int, file: str | Path, *, gate: Gate | None = None, cancel: CancelToken
) -> Iterator[IngestEvent]:
    """Each line `{"id", "title", "text"}` is a document whose name is its id. Lines of the same text cost little. A
    line that is none is said and the rest go on; InvalidInput (`unreadable_file`) if the file cannot be read."""
    gate, began, failed = gate or Gate(), time.monotonic(), []
    documents = chunks = 0
    try:
        with open(file, "rb") as lines:
            total = lines.seek(0, 2)
            lines.seek(0)
            numbered = enumerate(_lines(lines), 1)
            while batch := list(islice(numbered, _AT_ONCE)):
                gate.wait(cancel)
                with store.database.atomic():
                    events = [_line(store, collection_id, f"{file}:{number}", line) for number, line in batch]
                for event in events:
                    if isinstance(event, FileFailed):
                        failed.append(event)
                    else:
                        documents += 1
                        chunks += 0 if event.unchanged else event.passages
                    yield event
                yield FileReading(0, str(file), lines.tell(), total)
    except OSError as error:
        problem = unreadable(error)
        raise InvalidInput(problem.message, problem.hint, problem.code) from error
    yield IngestDone(documents, chunks, tuple(failed[:_MOST_FAILURES]), time.monotonic() - began)


def ingest_text(store: DocumentStore, collection_id: int, title: str, text: str) -> Document:
    """A text of its own, under a title that no other has: "Note", "Note (2)". InvalidInput (`empty`)."""
    title, number = sound(" ".join(title.split())) or "Text", 1
    if not text.strip():
        raise InvalidInput(empty().message, code="empty")
    with store.database.atomic():
        name = title
        while store.find(name, collection_id) is not None:
            number += 1
            name = f"{title} ({number})"
        document = store.begin(collection_id, "", name, len(text.encode("utf-8", "replace")), time.time(), _hash(text))
        store.store(document.id, Opened("text", title), sections(text))
    return store.document(document.id)


def sections(text: str) -> Iterator[Section]:
    """In pieces of at most 32,768 characters, cut after a line or a word where there is one."""
    text = sound(text).replace("\r\n", "\n").replace("\0", "")
    start = 0
    while start < len(text):
        end = start + LONGEST_SECTION
        if end < len(text):
            half = start + LONGEST_SECTION // 2
            end = next((cut for cut in (text.rfind(mark, half, end) + 1 for mark in "\n。. ") if cut), end)
        yield Section(text[start:end])
        start = end


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """A line that is too long comes as nothing."""
    while line := file.readline(LONGEST):
        whole = line
        while line and not line.endswith(b"\n") and len(line) == LONGEST:
            whole = b""
            line = file.readline(LONGEST)
        yield whole


def _line(store: DocumentStore, collection_id: int, place: str, line: bytes) -> FileStored | FileFailed:
    try:
        fields = json.loads(line.decode("utf-8-sig"))
        name, title, text = (fields.get(key) or "" for key in ("id", "title", "text"))
        if not (isinstance(title, str) and isinstance(text, str) and isinstance(name, str | int)) or name == "":
            raise ValueError("no id, or no text")
    except (ValueError, AttributeError, RecursionError):
        return FileFailed(None, place, _bad_line())
    name = str(name)
    digest, known = _hash(f"{title}\0{text}"), store.find(name, collection_id, hidden=True)
    if known is not None and known.hidden is not None:
        store.restore([known.id])
    if known is not None and known.digest == digest and known.status == "ready":
        return FileStored(known.id, name, known.passages, unchanged=True)
    document = store.begin(collection_id, "", name, len(line), time.time(), digest)
    passages = store.store(document.id, Opened("text", title), sections(text))
    if not passages:
        store.fail(document.id, empty(), "empty")
        return FileFailed(document.id, name, empty())
    return FileStored(document.id, name, passages)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _bad_line() -> Problem:
    return Problem(
        "bad_line",
        Phrase('The line is not {"id", "title", "text"} in JSON.', '该行不是 {"id", "title", "text"} 形式的 JSON。'),
    )
