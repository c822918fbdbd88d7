"""A list that is brought up to date by what has changed of it: views keep what is chosen, edited and in sight."""

import itertools
from collections.abc import Iterable, Iterator, Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex

from app.lists.arranged import Key, Line


class Reordered(QAbstractListModel):
    """The model's part that moves lines. No two of them have the same key."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Line] = []
        self._places: dict[Key, int] | None = None  # made when it is asked for

    @property
    def lines(self) -> Sequence[Line]:
        return self._lines

    def place_of(self, key: Key) -> int | None:
        if self._places is None:
            self._places = {line.key: place for place, line in enumerate(self._lines)}
        return self._places.get(key)

    def begin_anew(self, lines: Sequence[Line]) -> None:
        """Other lines altogether."""
        self.beginResetModel()
        self._set(lines)
        self.endResetModel()

    def bring_up_to_date(self, lines: Sequence[Line]) -> None:
        """These lines instead: what is gone is removed, what stays is moved, what is new put in between."""
        wanted = [line.key for line in lines]
        if wanted != [line.key for line in self._lines]:
            self._remove(set(wanted))
            self._order(wanted)
            self._insert(lines)
        before, self._lines = self._lines, list(lines)
        changed = (place for place, (old, new) in enumerate(zip(before, lines, strict=True)) if _differ(old, new))
        for first, last in _runs(changed):
            self.dataChanged.emit(self.index(first), self.index(last))

    def _remove(self, wanted: set[Key]) -> None:
        gone = [place for place, line in enumerate(self._lines) if line.key not in wanted]
        for first, last in reversed(list(_runs(gone))):
            self.beginRemoveRows(QModelIndex(), first, last)
            del self._lines[first : last + 1]
            self._places = None
            self.endRemoveRows()

    def _order(self, wanted: Sequence[Key]) -> None:
        there = {line.key: line for line in self._lines}
        ordered = [key for key in wanted if key in there]
        if ordered == list(there):
            return
        self.layoutAboutToBeChanged.emit()
        held = self.persistentIndexList()
        keys = [self._lines[index.row()].key for index in held]
        self._set([there[key] for key in ordered])
        self.changePersistentIndexList(held, [self.index(self.place_of(key) or 0) for key in keys])
        self.layoutChanged.emit()

    def _insert(self, lines: Sequence[Line]) -> None:
        there = {line.key for line in self._lines}
        for first, last in _runs(place for place, line in enumerate(lines) if line.key not in there):
            self.beginInsertRows(QModelIndex(), first, last)
            self._lines[first:first] = lines[first : last + 1]
            self._places = None
            self.endInsertRows()

    def _set(self, lines: Sequence[Line]) -> None:
        self._lines, self._places = list(lines), None


def _differ(old: Line, new: Line) -> bool:
    """To the eye."""
    return old.name != new.name or old.group != new.group or (new.kind == "folder" and old.total != new.total)


def _runs(places: Iterable[int]) -> Iterator[tuple[int, int]]:
    """First and last of those that follow each other."""
    for _, run in itertools.groupby(enumerate(places), lambda pair: pair[1] - pair[0]):
        found = [place for _, place in run]
        yield found[0], found[-1]
