"""The export: a few messages at a time from `chats.db` to a file that is there when it is whole."""

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

from backends.chat.export import words
from backends.chat.export.docx import DocxWriter
from backends.chat.export.files import export_error, unfinished
from backends.chat.export.html import HtmlWriter
from backends.chat.export.json import JsonWriter
from backends.chat.export.markdown import MarkdownWriter
from backends.chat.export.reading import AT_ONCE, Piece, Reader
from backends.chat.export.types import (
    ExportEvent,
    ExportFinished,
    ExportProgress,
    Head,
    MakeWriter,
    Manner,
    Selection,
    Writer,
)
from backends.core.cancel import CancelToken
from backends.core.errors import NotFound
from backends.core.phrase import Phrase
from backends.governance.labels import Unlabelled, label

FORMATS: dict[str, MakeWriter] = {"md": MarkdownWriter, "html": HtmlWriter, "docx": DocxWriter, "json": JsonWriter}


def export(
    reader: Reader,
    unlabelled: Unlabelled,
    selection: Selection,
    path: Path,
    form: str,
    make: MakeWriter,
    manner: Manner,
    *,
    overwrite: bool = False,
    cancel: CancelToken,
) -> Iterator[ExportEvent]:
    """Write to `path`. `form`: the name of the format that `make` writes. NotFound `no_conversation`, `no_message`,
    `nothing_to_export`, and what `files.export_error` says."""
    total = reader.count(selection)
    if not total:
        raise NotFound(Phrase("There is nothing to export yet.", "还没有可导出的内容。"), code="nothing_to_export")
    yield ExportProgress(0, total)
    answers = reader.has_answers(selection)
    made = label() if answers and manner.label else None
    head = dataclasses.replace(_head(reader, selection, manner, made), check=cancel.check)
    written = _Written()
    with unfinished(path, overwrite=overwrite) as beside:
        writer = make(beside, head)
        closed = False
        try:
            for piece in reader.pieces(selection):
                for _ in _write(reader, piece, writer, written, cancel):
                    yield ExportProgress(written.messages, max(total, written.messages))
            writer.close()
            closed = True
        except OSError as error:
            raise export_error(error, path) from error
        finally:
            if not closed:
                writer.abandon()
        if answers and not manner.label:
            unlabelled.note(selection.extent, form, written.answers)
    yield ExportFinished(path, written.conversations, written.messages, head.label is not None)


@dataclasses.dataclass(slots=True)
class _Written:
    conversations: int = 0
    messages: int = 0
    answers: int = 0


def _write(reader: Reader, piece: Piece, writer: Writer, written: _Written, cancel: CancelToken) -> Iterator[None]:
    kept = reader.kept(piece.conversation_id)
    if not piece.whole:
        kept = dataclasses.replace(kept, shown=next(reversed(piece.message_ids), None))
    writer.conversation(kept)
    written.conversations += 1
    numbers: dict[int, int] = {}
    for first in range(0, len(piece.message_ids), AT_ONCE):
        for told in reader.told(piece.message_ids[first : first + AT_ONCE]):
            cancel.check()
            parent = told.message.parent_id
            if piece.whole and parent is not None and parent not in numbers:
                continue  # it was deleted with its branch while we wrote
            numbers[told.message.id] = len(numbers) + 1
            writer.message(told, len(numbers), numbers.get(parent or 0, 0))
            written.messages += 1
            written.answers += told.by_model
        yield None


def _head(reader: Reader, selection: Selection, manner: Manner, made: dict[str, str] | None) -> Head:
    ids = reader.conversation_ids(selection)
    several = len(ids) > 1
    language = manner.language
    title = words.CHATS.to(language) if several else words.title(reader.kept(next(iter(ids))), language)
    return Head(title, manner, time.time(), made, reader.origin, several)
