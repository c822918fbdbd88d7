"""What of a conversation fits the model's context, as data."""

from dataclasses import dataclass

from backends.core.errors import Problem


@dataclass(frozen=True, slots=True)
class Fit:
    """`tokens` of what is being written; not `exact`: guessed from its length, and nothing else is known then.

    `problem`: it is too long by itself (`context_too_long`). `left_out` messages, the oldest, will not be sent;
    `first` and `last` are how those begin. `not_whole`: titles of documents that would be read whole if there were
    room. About `passages` of the best `wanted` that a search finds have room; None: nothing is searched.
    """

    tokens: int
    exact: bool = True
    problem: Problem | None = None
    left_out: int = 0
    first: str = ""
    last: str = ""
    not_whole: tuple[str, ...] = ()
    passages: int | None = None
    wanted: int = 0


def rough(text: str) -> int:
    """Tokens by the length alone: about four letters make one, and two Chinese characters do (facts 3.4)."""
    letters = len(text.encode("ascii", "ignore"))
    return -(-letters // 4) + -(-(len(text) - letters) * 3 // 5)
