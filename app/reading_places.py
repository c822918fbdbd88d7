"""Where the reader was in each conversation that was left in its midst: a message, and how far in it. A conversation
goes by its first message, so that each of its branches from there has a place of its own. Losing it is no loss."""

from collections.abc import Iterable
from itertools import chain

WHOLE = 100_000  # a message, from its top to its bottom
MOST = 300  # conversations


class ReadingPlaces:
    def __init__(self) -> None:
        self._places: dict[int, tuple[int, int]] = {}

    def keep(self, first: int, message: int, share: int) -> None:
        """Ids of the first message and of the one that was read; `share` of it, in parts of WHOLE, was above."""
        self.forget(first)
        self._places[first] = message, share
        if len(self._places) > MOST:
            del self._places[next(iter(self._places))]

    def forget(self, first: int) -> None:
        """The reader is at its end, where everybody begins."""
        self._places.pop(first, None)

    def find(self, first: int) -> tuple[int, int] | None:
        return self._places.get(first)

    def written(self) -> list[int]:
        """Three numbers for each, to be read by `read` when the app starts again."""
        return list(chain.from_iterable((first, *place) for first, place in self._places.items()))

    def read(self, numbers: Iterable[int]) -> None:
        whole = iter(numbers)
        for first, message, share in zip(whole, whole, whole, strict=False):
            self.keep(first, message, share)
