"""What can be found, and each change of it, numbered: by this the full-text index and the vectors follow."""

import threading
from array import array
from collections import OrderedDict

from backends.documents.rows import LISTED, SHOWN, Kept, listed
from backends.documents.types import Scope, StoreChange
from backends.storage.database import Database

_AT_ONCE = 20_000  # ids read in one go
_KEPT_ANSWERS = 8  # of `visible`


class Changes(Kept):
    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._visible: OrderedDict[Scope, tuple[int, array[int]]] = OrderedDict()
        self._visible_lock = threading.Lock()

    @property
    def sequence(self) -> int:
        """Of the last change; 0: there was none."""
        return self._value("SELECT seq FROM sqlite_sequence WHERE name = 'changes'") or 0

    def changes(self, after: int, limit: int = 1000) -> list[StoreChange]:
        """The next ones after that number."""
        rows = self._rows(
            "SELECT sequence, document_id, gone FROM changes WHERE sequence > ? ORDER BY sequence LIMIT ?", after, limit
        )
        return [StoreChange(sequence, document_id, bool(gone)) for sequence, document_id, gone in rows]

    def visible(self, scope: Scope | None = None) -> "array[int]":
        """Ids, ascending, of the documents of a scope that can be found. Not to be changed: it is kept (8
        bytes each, for the last 8 scopes)."""
        scope, sequence = scope or Scope(), self.sequence
        with self._visible_lock:
            known = self._visible.get(scope)
            if known is not None and known[0] == sequence:
                self._visible.move_to_end(scope)
                return known[1]
        where, values = within(scope)
        found = array("q")
        asked = f"SELECT id FROM documents WHERE {SHOWN} AND {where} ORDER BY id"
        cursor = self._database.connection().execute(asked, values)
        while rows := cursor.fetchmany(_AT_ONCE):  # all rows at once would take ten times the memory of the ids
            found.extend([row[0] for row in rows])
        with self._visible_lock:
            self._visible[scope] = (sequence, found)
            while len(self._visible) > _KEPT_ANSWERS:
                self._visible.popitem(last=False)
        return found


def within(scope: Scope) -> tuple[str, list[object]]:
    """A condition on rows of `documents`."""
    values: list[object] = []
    if scope.collections is None and scope.documents is None:
        where = "collection_id NOT IN (SELECT id FROM collections WHERE kind = 'conversation')"
    else:
        of_collections, of_documents = scope.collections or (), scope.documents or ()
        where = f"(collection_id IN {LISTED} OR id IN {LISTED})"
        values += [listed(of_collections), listed(of_documents)]
    if scope.formats:
        where += f" AND format IN {LISTED}"
        values.append(listed(scope.formats))
    if scope.since is not None:
        where += " AND coalesce(dated, modified) >= ?"
        values.append(scope.since)
    if scope.until is not None:
        where += " AND coalesce(dated, modified) <= ?"
        values.append(scope.until)
    return where, values
