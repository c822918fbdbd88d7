"""What two prompts share, and what idle sequences of the cache still hold."""

from collections.abc import Hashable
from collections.abc import Sequence as Many
from dataclasses import dataclass
from itertools import compress, count
from operator import ne

_MARKS = 8  # tokens at the end of a prompt that the next turn does not repeat: `<｜Assistant｜><think>\n`


@dataclass(slots=True, eq=False)
class Idle:
    """A sequence of the cache that nobody computes in: these tokens, the first `prompt` of them somebody's prompt,
    computed with the adapters of `key`. The first `keep` are worth a place on the disk; `labels`: what was read.
    `data`: it is in main memory in place of the cache (`aside`), and has no slot."""

    slot: int
    tokens: list[int]
    prompt: int
    key: Hashable
    labels: frozenset[str] = frozenset()
    keep: int = 0
    family: int = -1
    data: bytearray | None = None

    def spent(self, shared: int) -> bool:
        """Whoever shares so much may have all: behind it is only what was said, which no other prompt begins with."""
        return shared >= min(self.prompt - _MARKS, len(self.tokens))


def common(one: Many[int], other: Many[int]) -> int:
    """The length of what both begin with; 40 ns a token."""
    return next(compress(count(), map(ne, one, other)), min(len(one), len(other)))
