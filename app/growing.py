"""An answer read while it streams: only from the beginning of the last top-level block on, since nothing that comes
later changes the blocks before it."""

from app.markdown import Block, clean, flat, tokens


class Growing:
    """A text that grows at its end. `read(text)` gives its blocks; a text that does not continue starts over."""

    def __init__(self) -> None:
        self._read = ""  # what was read of the settled blocks
        self._settled: list[Block] = []
        self._settled_to = 0  # characters that will not be looked at again

    def read(self, text: str) -> tuple[Block, ...]:
        text = clean(text)
        if not text.startswith(self._read):
            self._settled, self._settled_to = [], 0
        tail = text[self._settled_to :]
        read = tokens(tail)
        last = max((i for i, token in enumerate(read) if token.level == 0 and token.nesting >= 0), default=0)
        before, rest = read[:last], read[last:]
        if before and rest and rest[0].map is not None:
            self._settled += flat(before)
            self._settled_to += _offset_of_line(tail, rest[0].map[0])
        self._read = text[: self._settled_to]
        return (*self._settled, *flat(rest))


def _offset_of_line(text: str, line: int) -> int:
    offset = 0
    for _ in range(line):
        offset = text.index("\n", offset) + 1
    return offset
