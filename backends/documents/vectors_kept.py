"""Vectors of passages, as half floats, in runs: `data` holds those of passages `first`, `first + 1`, …

Those of several embedders may lie side by side: a new one is completed before the old one goes.
"""

from collections.abc import Iterator

from backends.documents.ports import EmbedderIdentity
from backends.documents.rows import Kept

_FIELDS = "key, model, quant, pooling, prefix_version, dimensions, multilingual"
BYTES = 2  # of a component
_BLOBS_AT_ONCE = 64

# runs are written in order, so what is there ends where the last one does
_DONE = "(SELECT coalesce(max(v.first + v.count), 0) FROM vectors v WHERE v.version = d.version AND v.embedder_id = ?1)"


class KeptVectors(Kept):
    def embedders(self) -> tuple[EmbedderIdentity, ...]:
        """Those that have vectors here, the oldest first."""
        rows = self._rows(f"SELECT {_FIELDS} FROM embedders ORDER BY id")
        return tuple(EmbedderIdentity(*plain, multilingual=bool(last)) for *plain, last in rows)

    def version(self, document_id: int) -> int | None:
        """Changes whenever the document gets other passages; None: it has none."""
        return self._value("SELECT version FROM documents WHERE id = ?", document_id)

    def save_vectors(
        self, identity: EmbedderIdentity, document_id: int, first_number: int, data: bytes, version: int | None = None
    ) -> bool:
        """Keep a run of vectors. `version`: that of the document when its passages were taken; if it has another by
        now, or none, nothing is kept: False."""
        count, rest = divmod(len(data), BYTES * identity.dimensions)
        if rest:
            raise ValueError(f"{len(data)} bytes are no vectors of {identity.dimensions} dimensions")
        with self._database.atomic() as connection:
            row = connection.execute("SELECT version FROM documents WHERE id = ?", (document_id,)).fetchone()
            if row is None or row[0] is None or (version is not None and row[0] != version):
                return False
            connection.execute(
                f"INSERT INTO embedders ({_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    *(identity.key, identity.model, identity.quant, identity.pooling, identity.prefix_version),
                    *(identity.dimensions, identity.multilingual),
                ),
            )
            connection.execute(
                "INSERT OR REPLACE INTO vectors (version, embedder_id, first, count, data) "
                "SELECT ?, id, ?, ?, ? FROM embedders WHERE key = ?",
                (row[0], first_number, count, data, identity.key),
            )
        return True

    def vectors_missing(
        self, identity: EmbedderIdentity, limit: int = 1000, after_document: int = 0
    ) -> list[tuple[int, int]]:
        """Documents that can be found, by id, and the first passage of each that has no vector yet."""
        return [
            (document_id, first)
            for document_id, first in self._rows(
                f"SELECT d.id, {_DONE} AS done FROM documents d WHERE d.id > ?3 AND d.version IS NOT NULL "
                "AND d.hidden IS NULL AND done < d.passages ORDER BY d.id LIMIT ?2",
                self._embedder(identity.key),
                limit,
                after_document,
            )
        ]

    def vector_blobs(self, identity: EmbedderIdentity, after_document: int = 0) -> Iterator[tuple[int, int, bytes]]:
        """Runs of all documents that can be found, by id, and within one in order."""
        place = (after_document, 1 << 62)
        while True:
            rows = self._rows(
                "SELECT d.id, v.first, v.data FROM documents d JOIN vectors v ON v.version = d.version "
                "AND v.embedder_id = ? WHERE (d.id, v.first) > (?, ?) AND d.id >= ? AND d.hidden IS NULL "
                f"ORDER BY d.id, v.first LIMIT {_BLOBS_AT_ONCE}",
                self._embedder(identity.key),
                *place,
                place[0],
            )
            yield from ((document_id, first, data) for document_id, first, data in rows)
            if len(rows) < _BLOBS_AT_ONCE:
                return
            place = (rows[-1][0], rows[-1][1])

    def vector_runs(
        self, identity: EmbedderIdentity, after: int = 0, limit: int = 64
    ) -> list[tuple[int, int, int, bytes]]:
        """The next runs after run `after`, as they were written: run, document, first number, half floats."""
        rows = self._rows(
            "SELECT v.id, d.id, v.first, v.data FROM vectors v JOIN documents d ON d.version = v.version "
            "WHERE v.id > ? AND v.embedder_id = ? AND d.hidden IS NULL ORDER BY v.id LIMIT ?",
            after,
            self._embedder(identity.key),
            limit,
        )
        return [(run, document_id, first, data) for run, document_id, first, data in rows]

    def vectors_of(self, identity: EmbedderIdentity, document_id: int) -> list[tuple[int, bytes]]:
        """Runs (first number, half floats) of one document, in order."""
        rows = self._rows(
            "SELECT v.first, v.data FROM documents d JOIN vectors v ON v.version = d.version AND v.embedder_id = ? "
            "WHERE d.id = ? ORDER BY v.first",
            self._embedder(identity.key),
            document_id,
        )
        return [(first, data) for first, data in rows]

    def drop_embedder(self, key: str) -> None:
        """Remove its vectors, some at a time, then itself."""
        embedder = self._embedder(key)
        while True:
            with self._database.atomic() as connection:
                gone = connection.execute(
                    "DELETE FROM vectors WHERE id IN (SELECT id FROM vectors WHERE embedder_id = ? LIMIT 200)",
                    (embedder,),
                ).rowcount
                if not gone:
                    connection.execute("DELETE FROM embedders WHERE id = ?", (embedder,))
                    return

    def _embedder(self, key: str) -> int:
        """0: it has no vectors."""
        return self._value("SELECT id FROM embedders WHERE key = ?", key) or 0
