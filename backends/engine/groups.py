"""One step computes with one set of adapters. Who wants others is another group, and the groups take turns."""

from collections.abc import Iterable

from backends.engine.adapters import Key
from backends.engine.sequence import Sequence

_STEPS = {0: 8, 1: 4, 2: 2}  # of a turn, by the most urgent of the group; each change of turns costs a new graph


class Turns:
    def __init__(self) -> None:
        self._key: Key | None = None
        self._left = 0

    def of(self, running: Iterable[Sequence]) -> tuple[Key, list[Sequence]]:
        """Whose turn it is in this step. There is somebody."""
        groups: dict[Key, list[Sequence]] = {}
        for sequence in running:
            groups.setdefault(sequence.key, []).append(sequence)
        if self._key not in groups or (self._left == 0 and len(groups) > 1):
            keys = sorted(groups)
            self._key = next((key for key in keys if self._key is not None and key > self._key), keys[0])
            self._left = _STEPS[min(sequence.rank for sequence in groups[self._key])]
        self._left = max(0, self._left - 1)
        return self._key, groups[self._key]
