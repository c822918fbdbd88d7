"""An answer read while it streams: only from the beginning of the last top-level block on that will begin there
whatever follows. What comes later changes the blocks before it in one way only: it defines an address that a link of
theirs has. Then all is read anew.

Inside the last block what stands in its items, cells and paragraphs is remembered (`markdown`), so that a long list or
table is not set word by word again for each line that is added.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.markdown import Block, References, clean, flat, tokens
from backends.chat import formula_rules

if TYPE_CHECKING:
    from markdown_it.token import Token

_BY_ONE_LINE = {"fence", "hr", "blockquote_open", "bullet_list_open", "ordered_list_open"}


class Growing:
    """A text that grows at its end. `read(text)` gives its blocks; a text that does not continue starts over."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._read = ""  # what will not be looked at again
        self._settled: list[Block] = []
        self._defined: dict[str, Any] = {}  # addresses of links, by the text that was read
        self._used: dict[str, str] = {}  # all that were known when it was

    def read(self, text: str) -> tuple[Block, ...]:
        text = clean(text)
        if not text.startswith(self._read):
            self._forget()
        tail, known = text[len(self._read) :], References(self._defined)
        read = tokens(tail, known)
        used = {label: defined["href"] for label, defined in known.addresses.items()}
        if used != self._used and "[" in self._read:
            self._forget()
            tail, known = text, References()
            read = tokens(tail, known)
        self._used = used
        last, line = _last_begun(tail, read)
        if last:
            now = "".join(line + "\n" for line in tail.split("\n", line)[:line])
            self._settled += flat(read[:last], known)
            self._read += now
            if used:
                settled = References(self._defined)
                tokens(now, settled)
                self._defined = settled.addresses
        return (*self._settled, *flat(read[last:], known))


def _last_begun(text: str, read: "Sequence[Token]") -> tuple[int, int]:
    """The last block, and its first line, that cannot turn out to be a part of the one before it."""
    lines = text.split("\n")
    whole = len(lines) - 1  # the last one may go on
    for n in range(len(read) - 1, 0, -1):
        token = read[n]
        if token.level or token.nesting < 0 or token.map is None:
            continue
        first, after = token.map
        match token.type:
            case "table_open":
                needed = first + 2
            case formula_rules.BLOCK:
                needed = after
            case _:
                needed = first + 1
        alone = not lines[first - 1].strip(" \t") if first else True
        fixed = token.type in (*_BY_ONE_LINE, "table_open", formula_rules.BLOCK) or token.markup.startswith("#")
        if needed <= whole and (alone or fixed):
            return n, first
    return 0, 0
