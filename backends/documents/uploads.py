"""Files that programs send: each lies in a folder of its own, under its own name, while its document is there.

    path = uploads.begin("report.pdf")        # data/uploads/5f0c…/report.pdf; only its folder is there yet
    ...                                       # it is written
    uploads.keep(path)                        # there is a document of it; else `drop`

What a kill has left without a document, `sweep` removes. Every method may be called from any thread.
"""

import logging
import secrets
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path

from backends.core.files import storage_error
from backends.core.paths import safe_name
from backends.documents.store import DocumentStore

log = logging.getLogger(__name__)


class Uploads:
    def __init__(self, store: DocumentStore, folder: Path) -> None:
        self._store, self._folder = store, folder
        self._lock = threading.Lock()
        self._coming: set[Path] = set()

    def begin(self, name: str) -> Path:
        """Where to write it. InvalidInput (`bad_name`) for what is no name of a file, StorageError."""
        path = self._folder / secrets.token_hex(16) / safe_name(name)
        with self._lock:
            self._coming.add(path)
        try:
            path.parent.mkdir(mode=0o700, parents=True)
        except OSError as error:
            self.drop(path)
            raise storage_error(error, path) from error
        return path

    def keep(self, path: Path) -> bool:
        """It is whole, and has a document. False: it was dropped meanwhile."""
        with self._lock:
            coming = path in self._coming
            self._coming.discard(path)
        return coming

    def drop(self, path: Path) -> None:
        """Nobody wants it; nothing happens if it is kept."""
        if self.keep(path):
            _remove(path.parent)

    def forget(self, ids: Iterable[int]) -> None:
        """The files of these documents, where they were sent to us; those of the person are never touched."""
        for path in map(Path, self._store.paths(ids)):
            if path.parent.parent == self._folder:
                _remove(path.parent)

    def sweep(self) -> None:
        """What no document is made of, and nobody is writing."""
        for path in _below(self._folder):
            with self._lock:
                coming = {each.parent for each in self._coming}
            if path not in coming and not any(self._store.find(str(file), hidden=True) for file in _below(path)):
                _remove(path)


def _below(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:  # somebody reads it (Windows): the next sweep takes it
        log.warning("an upload could not be removed: %s", error.strerror)
