"""What was taken away and can be brought back while its notice stands, the last first.

    undo = Undo(board, "deleted_messages", words, restore, erase)
    undo.push(deleted)

One notice stands for all that is kept: each press of Undo brings back what was taken away last, and the notice goes on
standing for the rest. When it goes in another way (closed, withdrawn, pushed out by others), the rest is erased.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from app.notices import Notice, NoticeBoard, NoticeButton
from backends.core.phrase import Phrase

T = TypeVar("T")


class Undo(Generic[T]):
    """`words`: what the notice says of these, the oldest first. `restore`: one of them; who cannot pushes it again."""

    def __init__(
        self,
        board: NoticeBoard,
        key: str,
        words: Callable[[Sequence[T]], Phrase],
        restore: Callable[[T], object],
        erase: Callable[[Sequence[T]], object],
    ) -> None:
        self._board, self._key = board, key
        self._words, self._restore, self._erase = words, restore, erase
        self._kept: list[T] = []

    @property
    def kept(self) -> Sequence[T]:
        """What can be brought back now."""
        return self._kept

    def push(self, item: T) -> None:
        self._kept.append(item)
        self._post()

    def let_go(self) -> None:
        """It will not be wanted back."""
        self._board.withdraw(self._key)

    def _post(self) -> None:
        button = NoticeButton(Phrase("Undo", "撤销"), self._on_pressed)
        self._board.post(Notice(self._words(self._kept), buttons=(button,), key=self._key, gone=self._on_gone))

    def _on_pressed(self) -> None:
        item = self._kept.pop()
        if self._kept:
            self._post()
        self._restore(item)

    def _on_gone(self) -> None:
        kept, self._kept = self._kept, []
        self._erase(kept)
