"""What nobody computes in, out of the way of those who compute: in main memory, in place of the cache.

Attention looks at every cell up to the last one that is used, and on a processor that takes its time: nine prompts of
576 tokens that nobody needs just now make the next one a tenth slower to read. To copy a state is quick (some GB a
second), and so is the way back when a prompt begins like it.
"""

from collections.abc import Iterable

from backends.engine.context import Context
from backends.engine.prefix import Idle

_MOST, _LEAST, _SHARE = 128 << 20, 8 << 20, 10  # bytes at most, at least, and the part of the weights in between


def allowance(weights: int) -> int:
    """Bytes that states may take in main memory beside a model of so many: nobody shall notice them."""
    return min(_MOST, max(_LEAST, weights // _SHARE))


class Aside:
    """Of one context; `most` bytes. What is in it says so itself (`Idle.data`)."""

    def __init__(self, context: Context, most: int) -> None:
        self._context, self._most = context, most

    def fits(self, idle: Idle, others: Iterable[Idle]) -> bool:
        """There is room for one more beside those of the others that are in it."""
        taken = sum(len(other.data) for other in others if other.data is not None)
        return 0 < self._context.state_size(idle.slot) <= self._most - taken

    def put(self, idle: Idle) -> int | None:
        """Take one out of the cache; its slot is empty then, and free. None: that cannot be, and nothing changed."""
        data = self._context.state(idle.slot)
        if data is None:
            return None
        slot, idle.slot, idle.data = idle.slot, -1, data
        self._context.cut(slot, 0)
        return slot
