"""An answer read while it streams: only from the beginning of the last top-level block on, since what comes later
changes the blocks before it in one way only: it defines an address that a link of theirs has. Then all is read anew.

Inside the last block what stands in its items, cells and paragraphs is remembered (`markdown`), so that a long list or
table is not set word by word again for each line that is added.
"""

from typing import Any

from app.markdown import Block, References, clean, flat, tokens


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
        last = max((i for i, token in enumerate(read) if token.level == 0 and token.nesting >= 0), default=0)
        before, rest = read[:last], read[last:]
        if before and rest and rest[0].map is not None:
            now = tail[: _offset_of_line(tail, rest[0].map[0])]
            self._settled += flat(before, known)
            self._read += now
            if used:
                settled = References(self._defined)
                tokens(now, settled)
                self._defined = settled.addresses
        return (*self._settled, *flat(rest, known))


def _offset_of_line(text: str, line: int) -> int:
    offset = 0
    for _ in range(line):
        offset = text.index("\n", offset) + 1
    return offset
