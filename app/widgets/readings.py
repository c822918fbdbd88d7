"""Texts that were read not long ago, with what was learned of their heights: what comes into sight again is not read
again, and stands at once as high as it did."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from app.cited import Mark
from app.markdown import Block
from app.widgets.groups import Group

MOST = 600_000  # characters of all of them
_Key = tuple[str, tuple[Mark, ...]]


@dataclass(frozen=True, slots=True)
class Reading:
    """`heights`: of each group at this width, in pixels, and whether it was set or is a guess."""

    blocks: Sequence[Block]
    groups: Sequence[Group]
    width: int
    heights: Sequence[tuple[int, bool]]


class Readings:
    """Those used last are kept."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[_Key, Reading] = OrderedDict()
        self._length = 0

    def keep(self, text: str, marks: tuple[Mark, ...], reading: Reading) -> None:
        if len(text) > self._most:
            return
        if (text, marks) not in self._kept:
            self._length += len(text)
        self._kept[text, marks] = reading
        self._kept.move_to_end((text, marks))
        while self._length > self._most:
            (gone, _), _ = self._kept.popitem(last=False)
            self._length -= len(gone)

    def find(self, text: str, marks: tuple[Mark, ...]) -> Reading | None:
        found = self._kept.get((text, marks))
        if found is not None:
            self._kept.move_to_end((text, marks))
        return found

    def clear(self) -> None:
        self._kept.clear()
        self._length = 0


KEPT = Readings()  # of the whole window
