"""Deleting: hidden at once, back as it was while nobody has erased it, and then gone from the file, every byte.

What is deleted is overwritten (`secure_delete`), the log is emptied into the file and cut to nothing, and free pages
leave the file. Copies of the database, which would hold it still, are removed.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator

from backends.core.cancel import CancelToken
from backends.documents.collections import left_out_key
from backends.documents.rows import LISTED, Kept, batches, listed, note_changes
from backends.documents.types import PASSAGE_BITS

_DOCUMENTS_AT_ONCE = 500
_ROWS_AT_ONCE = 500  # sections; each holds up to 32,768 characters
_PAGES_AT_ONCE = 4_000


class Erasing(Kept):
    def hide(self, ids: Iterable[int], *, leave_out: bool = True) -> tuple[int, ...]:
        """Out of search and answers at once. The ids of those that were not hidden before. `leave_out`: a folder that
        is followed does not bring them back."""
        now, hidden = time.time(), []
        for batch in batches(ids, _DOCUMENTS_AT_ONCE):
            with self._database.atomic() as connection:
                rows = connection.execute(
                    f"SELECT id, collection_id, path FROM documents WHERE id IN {LISTED} AND hidden IS NULL",
                    (listed(batch),),
                ).fetchall()
                here = [row[0] for row in rows]
                connection.execute(f"UPDATE documents SET hidden = ? WHERE id IN {LISTED}", (now, listed(here)))
                connection.executemany(
                    "INSERT OR IGNORE INTO left_out SELECT ?, ? WHERE EXISTS "
                    "(SELECT 1 FROM watched WHERE collection_id = ?)",
                    ((row[1], left_out_key(row[2]), row[1]) for row in rows if leave_out and row[2]),
                )
                note_changes(connection, here, gone=True)
            hidden += here
        return tuple(hidden)

    def restore(self, ids: Iterable[int]) -> tuple[int, ...]:
        """Undo `hide`. The ids of those that came back; what was erased does not."""
        back: list[int] = []
        for batch in batches(ids, _DOCUMENTS_AT_ONCE):
            with self._database.atomic() as connection:
                rows = connection.execute(
                    f"SELECT id, collection_id, path, version FROM documents WHERE id IN {LISTED} "
                    "AND hidden IS NOT NULL",
                    (listed(batch),),
                ).fetchall()
                here = [row[0] for row in rows]
                connection.execute(f"UPDATE documents SET hidden = NULL WHERE id IN {LISTED}", (listed(here),))
                connection.execute(
                    f"UPDATE collections SET hidden = NULL WHERE id IN {LISTED}", (listed({row[1] for row in rows}),)
                )
                connection.executemany(
                    "DELETE FROM left_out WHERE collection_id = ? AND key = ?",
                    ((row[1], left_out_key(row[2])) for row in rows),
                )
                note_changes(connection, [row[0] for row in rows if row[3] is not None], gone=False)
            back += here
        return tuple(back)

    def remove_collection(self, collection_id: int) -> tuple[int, ...]:
        """Hide it with all its documents, whose ids it gives; `restore` of any of them brings it back."""
        hidden = self.hide(
            row[0] for row in self._rows("SELECT id FROM documents WHERE collection_id = ?", collection_id)
        )
        with self._database.atomic() as connection:
            connection.execute("UPDATE collections SET hidden = ? WHERE id = ?", (time.time(), collection_id))
            connection.execute("DELETE FROM asked WHERE collection_id = ?", (collection_id,))
        return hidden

    def hidden(self, older_than: float | None = None) -> tuple[int, ...]:
        """Ids of documents that were hidden before that Unix time; None: all."""
        rows = self._rows(
            "SELECT id FROM documents WHERE hidden IS NOT NULL AND (?1 IS NULL OR hidden <= ?1) ORDER BY id", older_than
        )
        return tuple(row[0] for row in rows)

    def erase_hidden(self, older_than: float | None = None, *, cancel: CancelToken | None = None) -> tuple[int, ...]:
        """Erase what was hidden before that Unix time (None: all), and collections that went with it. The ids."""
        ids = self.hidden(older_than)
        if ids:
            self.erase(ids, cancel=cancel)
        with self._database.atomic() as connection:
            connection.execute(
                "DELETE FROM collections WHERE hidden IS NOT NULL AND (?1 IS NULL OR hidden <= ?1) "
                "AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.collection_id = collections.id)",
                (older_than,),
            )
        return ids

    def erase(self, ids: Iterable[int], *, cancel: CancelToken | None = None) -> None:
        """For good: when this returns, no byte of their text, names and vectors is in the file. Cancelled in the
        middle, the rest is erased by the next call, or at the next start."""
        for batch in batches(ids, _DOCUMENTS_AT_ONCE):
            with self._database.atomic() as connection:
                chosen = (listed(batch),)
                connection.execute(
                    f"INSERT OR IGNORE INTO loose SELECT version FROM documents WHERE id IN {LISTED} "
                    "AND version IS NOT NULL",
                    chosen,
                )
                here = connection.execute(f"DELETE FROM documents WHERE id IN {LISTED} RETURNING id", chosen).fetchall()
                note_changes(connection, [row[0] for row in here], gone=True)
            if cancel is not None:
                cancel.check()
        self.sweep(cancel=cancel)
        self.settle(cancel=cancel)
        self._database.forget_copies()

    def sweep(self, *, cancel: CancelToken | None = None) -> bool:
        """Remove versions that no document shows, in short transactions. True if there were any."""
        swept = False
        while True:
            with self._drafts_lock:
                busy = listed(self._drafts)
            versions = [
                row[0]
                for row in self._rows(
                    f"SELECT version FROM loose WHERE version NOT IN {LISTED} ORDER BY version LIMIT 500", busy
                )
            ]
            if not versions:
                return swept
            swept = True
            self._sweep(versions)
            if cancel is not None:
                cancel.check()

    def _sweep(self, versions: list[int]) -> None:
        """Some of those versions, at most so many rows."""
        room = _ROWS_AT_ONCE
        with self._database.atomic() as connection:
            for version in versions:
                low, high = version << PASSAGE_BITS, (version + 1) << PASSAGE_BITS
                for table, key, share in (
                    ("vectors", "version = ?1 AND ?2", 1),
                    ("passages", "id >= ?1 AND id < ?2", 16),
                    ("sections", "id >= ?1 AND id < ?2", 1),
                ):
                    first = version if table == "vectors" else low
                    gone = connection.execute(
                        f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {key} LIMIT ?3)",
                        (first, high, max(1, room) * share),
                    ).rowcount
                    room -= -(-gone // share)
                    if room <= 0:
                        return
                connection.execute("DELETE FROM loose WHERE version = ?", (version,))

    def settle(self, *, cancel: CancelToken | None = None) -> None:
        """Free pages leave the file, and the log is emptied."""
        while (free := self._value("PRAGMA freelist_count")) and self._value("PRAGMA auto_vacuum") == 2:
            with self._database.atomic() as connection:
                for _ in range(min(free, _PAGES_AT_ONCE)):  # sqlite3 steps through a pragma without columns but once
                    connection.execute("PRAGMA incremental_vacuum(1)")
            if cancel is not None:
                cancel.check()
            if self._value("PRAGMA freelist_count") >= free:
                break  # others make new ones as fast
        self.empty_log()

    def empty_log(self) -> bool:
        """Put what the log holds into the file and cut the log to nothing. False: somebody reads in it just now."""
        return self._value("PRAGMA wal_checkpoint(TRUNCATE)") == 0

    @contextlib.contextmanager
    def _writing(self, version: int) -> Iterator[None]:
        """This version is loose because it is being written."""
        with self._drafts_lock:
            self._drafts.add(version)
        try:
            yield
        finally:
            with self._drafts_lock:
                self._drafts.discard(version)
