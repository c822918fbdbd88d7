"""Texts of one request to an embedder or a reranker, from tokens to vectors and scores, told in their order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp, isnan
from typing import Any

from backends.core.stream import Stream
from backends.engine.embedding import Embedded, Ranked, TextRole
from backends.engine.text_tokens import TextTokens, Tokens

_AHEAD = 64  # texts that are looked at to fill a batch


@dataclass(frozen=True, slots=True)
class _Result:
    row: bytes
    cut: int
    tokens: int


class Job:
    """Texts of one request. `number`: when it came. `order`: 0 goes before 1."""

    def __init__(self, texts: Sequence[str], role: TextRole, query: str | None, number: int) -> None:
        self.stream: Stream[Any] = Stream("embed" if query is None else "rerank")
        self.texts, self.query = tuple(texts), query
        self.role: TextRole = role
        self.rank = (0 if query is not None or role == "query" else 1, number)
        self.read: dict[int, Tokens] = {}  # of the texts that wait, in order
        self._next = self._told = 0
        self._results: dict[int, _Result] = {}

    def ahead(self, tokens: TextTokens) -> Iterator[tuple[int, Tokens]]:
        """The texts that come next. Raises Cancelled."""
        known = list(self.read.items())
        yield from known
        while self._next < len(self.texts) and len(self.read) < _AHEAD:
            text, cancel = self.texts[self._next], self.stream.token
            cancel.check()
            found = (
                tokens.text(text, self.role, cancel) if self.query is None else tokens.pair(self.query, text, cancel)
            )
            self.read[self._next] = found
            self._next += 1
            yield self._next - 1, found

    def computed(self, index: int, row: bytes) -> None:
        tokens = self.read.pop(index)
        self._results[index] = _Result(row, tokens.cut, len(tokens.ids))

    def tell(self, dimensions: int, is_probability: bool) -> None:
        """What can be told in order: vectors of so many dimensions; scores, which may be probabilities already. Raises
        RuntimeError for what is neither."""
        first, found = self._told, []
        while (result := self._results.pop(self._told, None)) is not None:
            found.append(result)
            self._told += 1
        if found:
            rows, cut = [one.row for one in found], tuple(one.cut for one in found)
            tokens = sum(one.tokens for one in found)
            if self.query is None:
                self.stream.put(Embedded(first, tuple(unit(row, dimensions) for row in rows), cut, tokens))
            else:
                self.stream.put(Ranked(first, tuple(score(row, is_probability) for row in rows), cut, tokens))
        if self.is_done:
            self.stream.close()

    @property
    def is_done(self) -> bool:
        return self._told == len(self.texts)


def unit(row: bytes, dimensions: int) -> bytes:
    """The first `dimensions` numbers of a row of float32 as a vector of length 1, little-endian. RuntimeError if it
    has no direction."""
    import numpy  # llama_cpp brings it; nothing else that services import does

    vector = numpy.frombuffer(row, numpy.float32)[:dimensions].astype(numpy.float64)
    length = float(numpy.sqrt(vector @ vector))
    if not 0 < length < float("inf"):
        raise RuntimeError("the vector of a text has no direction")
    return (vector / length).astype("<f4").tobytes()


def score(row: bytes, is_probability: bool) -> float:
    """The first number of a row as 0..1: its sigmoid, unless it is a probability. RuntimeError if it is no number."""
    (number,) = memoryview(row[:4]).cast("f")
    if isnan(number):
        raise RuntimeError("the score of a text is not a number")
    if is_probability:
        return min(1.0, max(0.0, number))
    return 1 / (1 + exp(-number)) if number > -700 else 0.0
