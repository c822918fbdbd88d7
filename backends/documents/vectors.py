"""The vectors of all embedders that the store has vectors of: a matrix each, which follows the store."""

import hashlib
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.files import storage_error
from backends.documents.matrix import Matrix, Rows
from backends.documents.ports import EmbedderIdentity
from backends.documents.store import DocumentStore

_CHANGES = 1_000
_ROWS_AT_ONCE = 16 << 20  # components of rows that wait to be written
_WORN, _WORN_LEAST = 0.3, 1_000  # rows that are gone, before a matrix is written anew


class Vectors:
    """One thread at a time calls `follow` and `compact`; any may ask for `rows`."""

    def __init__(self, store: DocumentStore, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._lock = threading.Lock()
        self._matrices: dict[str, Matrix] = {}
        known = {self._name(identity.key): identity for identity in store.embedders()}
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in sorted(folder.iterdir()):
                identity = known.get(path.name.rpartition("-")[0])
                if identity is None or identity.key in self._matrices:
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    self._matrices[identity.key] = self._matrix(identity, path)
        except OSError as error:
            raise storage_error(error, folder) from error

    def rows(self, key: str) -> Rows | None:
        with self._lock:
            matrix = self._matrices.get(key)
            return None if matrix is None else matrix.rows

    @property
    def worn(self) -> bool:
        with self._lock:
            return any(_is_worn(matrix) for matrix in self._matrices.values())

    def follow(self, cancel: CancelToken) -> Iterator[int]:
        """Up to what the store holds now; gives the rows that were added, now and then."""
        identities = {identity.key: identity for identity in self._store.embedders()}
        for key in set(self._matrices) - set(identities):
            self._drop(key)
        for identity in identities.values():
            matrix = self._matrices.get(identity.key)
            if matrix is None:
                path = self._folder / f"{self._name(identity.key)}-1"
                matrix = self._begun(identity, path)
                with self._lock:
                    self._matrices[identity.key] = matrix
            yield from self._follow(identity, matrix, cancel)

    def compact(self, cancel: CancelToken) -> Iterator[int]:
        """Matrices of which many rows are gone are written anew, beside the old ones."""
        identities = {identity.key: identity for identity in self._store.embedders()}
        for key, old in list(self._matrices.items()):
            if key not in identities or not _is_worn(old):
                continue
            name, _, number = old.folder.name.rpartition("-")
            new = self._begun(identities[key], self._folder / f"{name}-{int(number) + 1}")
            try:
                yield from self._follow(identities[key], new, cancel)
            except BaseException:
                new.remove()
                raise
            with self._lock:
                self._matrices[key] = new
            old.remove()

    def _begun(self, identity: EmbedderIdentity, path: Path) -> Matrix:
        """An empty one: it needs the runs that are there, and no change before now."""
        if path.exists():
            shutil.rmtree(path, ignore_errors=True)
        sequence = self._store.sequence
        matrix = self._matrix(identity, path)
        matrix.commit(sequence, 0)
        return matrix

    def _follow(self, identity: EmbedderIdentity, matrix: Matrix, cancel: CancelToken) -> Iterator[int]:
        begun = matrix.count
        sequence, run = matrix.sequence, matrix.run
        while changes := self._store.changes(sequence, _CHANGES):
            cancel.check()
            matrix.kill([change.document_id for change in changes])
            for change in changes:
                for first, data in () if change.gone else self._store.vectors_of(identity, change.document_id):
                    matrix.append(change.document_id, first, data)
            sequence = changes[-1].sequence
            matrix.commit(sequence, run)
            yield matrix.count - begun
        while runs := self._store.vector_runs(identity, run):
            cancel.check()
            for run, document_id, first, data in runs:  # noqa: B007
                matrix.append(document_id, first, data)
            if matrix.waiting * matrix.dimensions >= _ROWS_AT_ONCE:
                matrix.commit(sequence, run)
                yield matrix.count - begun
        if matrix.waiting or run != matrix.run:
            matrix.commit(sequence, run)
            yield matrix.count - begun

    def _matrix(self, identity: EmbedderIdentity, path: Path) -> Matrix:
        return Matrix(path, identity.key, identity.dimensions, self._store.identity)

    def _drop(self, key: str) -> None:
        with self._lock:
            matrix = self._matrices.pop(key)
        matrix.remove()

    @staticmethod
    def _name(key: str) -> str:
        return hashlib.sha256(key.encode()).hexdigest()[:16]

    def nearest(
        self, vector: bytes, key: str, limit: int, scope: Sequence[int] | None, without: Iterable[int]
    ) -> list[tuple[int, float]]:
        rows = self.rows(key)
        return [] if rows is None else rows.nearest(vector, limit, scope, without)


def _is_worn(matrix: Matrix) -> bool:
    return matrix.dead >= _WORN_LEAST and matrix.dead >= _WORN * matrix.count
