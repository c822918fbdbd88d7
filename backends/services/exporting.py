"""Conversations as files, on the clipboard, and back.

services.exporting.export(Selection("conversation", (12,)), Path("chat.docx"), "docx")
services.exporting.copied(40, "markdown")
services.exporting.import_(Path("chats.json"))
"""

from collections.abc import Iterator
from pathlib import Path

from backends.chat.export.copied import As, Copied, copied
from backends.chat.export.imported import FOLDER, import_chats
from backends.chat.export.reading import Reader
from backends.chat.export.task import FORMATS, export
from backends.chat.export.types import ExportEvent, ImportEvent, ImportFinished, MakeWriter, Manner, Selection
from backends.chat.rows import no_message
from backends.chat.store import ChatStore
from backends.core.cancel import CancelToken
from backends.core.phrase import Language
from backends.core.stream import Runner, Stream
from backends.governance.labels import Unlabelled
from backends.services.foundation import Foundation
from backends.storage.database import Database


class ExportServices:
    """Its thread: `exporting`."""

    def __init__(self, base: Foundation, database: Database, chats: ChatStore) -> None:
        self._base, self._database, self._chats = base, database, chats
        self._reader = Reader(database, chats)
        self._runner = Runner("exporting")
        self.unlabelled = Unlabelled(base.paths.state / "unlabelled.jsonl")

    def close(self) -> None:
        self._runner.close()

    @property
    def labelled(self) -> bool:
        """What a model wrote is marked, the settings say."""
        return self._base.settings.current.chat.label_ai

    def export(
        self,
        selection: Selection,
        path: Path,
        form: str,
        *,
        language: Language = "en",
        thinking: bool = True,
        overwrite: bool = False,
        make: MakeWriter | None = None,
    ) -> Stream[ExportEvent]:
        """`form`: md, html, docx, json; any other one brings its writer as `make`."""
        manner = Manner(language, thinking, self.labelled)
        return self._runner.start(
            export,
            self._reader,
            self.unlabelled,
            selection,
            path,
            form,
            make or FORMATS[form],
            manner,
            overwrite=overwrite,
        )

    def copied(self, message_id: int, how: As, language: Language) -> Copied:
        """A message for the clipboard. NotFound `no_message`, StorageError."""
        manner = Manner(language, thinking=False, label=self.labelled)
        for told in self._reader.told((message_id,)):
            if told.by_model and not manner.label:
                self.unlabelled.note("copy", how, 1)
            return copied(told, manner, how)
        raise no_message()

    def tell(self) -> None:
        """Somebody else than the window has changed the list of conversations."""
        self._base.changed("chats")

    def import_(self, path: Path, language: Language = "en") -> Stream[ImportEvent]:
        return self._runner.start(self._import, path, language)

    def _import(self, path: Path, language: Language, *, cancel: CancelToken) -> Iterator[ImportEvent]:
        folder, origin = FOLDER.to(language), self._reader.origin
        for event in import_chats(self._database, self._chats, path, origin, folder, cancel=cancel):
            if isinstance(event, ImportFinished):
                self.tell()
            yield event
