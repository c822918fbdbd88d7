"""When an answer has thought enough: the thinking is closed by force, and the model goes on to the answer.

It is closed when its budget is spent, when a person does not want to wait any longer ("answer now"), and when so little
is left of the context, or of `max_tokens`, that an answer would have no room. For that an eighth of what the answer may
have is kept, 256 tokens at least, but never more than half of it; where `max_tokens` is under 64 nothing is kept: who
asks for so few wants the first words, whatever they are.

What is forced is `\\n</think>\\n\\n`, as the model's vocabulary writes it: `</think>` as its one token where there is
one. It never comes in the middle of a character: the model says the rest of its bytes first.
"""

from collections.abc import Sequence
from typing import Literal

from backends.engine.native import Vocabulary

_CLOSE = "</think>"
_BEFORE, _AFTER = "\n", "\n\n"
_LEAST, _SHARE, _FEWEST = 256, 8, 64
_LONGEST_CHARACTER = 4  # bytes
_PATIENCE = 16  # tokens, each of which ends inside another character


class Thinking:
    """Of one answer. `budget` in tokens, `spent` of them before it was cut off and went on; `kept`: when no more than
    so many are left to the answer, it begins."""

    def __init__(self, vocabulary: Vocabulary, budget: int | None, spent: int = 0, kept: int = 0) -> None:
        self._vocabulary, self._budget, self._kept = vocabulary, budget, kept
        self._spent, self._asked = spent, False
        self._waited = 0

    def answer_now(self) -> None:
        """A person has had enough of it. Where the model does not think yet, it will be closed as soon as it does."""
        self._asked = True

    def due(self, reasoning: int, left: int) -> Literal["budget", "person"] | None:
        """Who wants it closed, while the model thinks: after `reasoning` tokens, with `left` for all that comes."""
        if self._asked:
            return "person"
        spent = self._budget is not None and self._spent + reasoning >= self._budget
        return "budget" if spent or left <= self._kept else None

    def closing(self, said: Sequence[int], left: int) -> list[int]:
        """The tokens that close it, behind those that were `said` of it. None while it is in the middle of a
        character, or if there is no room for them and a word of the answer."""
        tail = b"".join(map(self._vocabulary.piece, said[-_LONGEST_CHARACTER - len(_CLOSE) :]))
        if _torn(tail) and self._waited < _PATIENCE:
            self._waited += 1
            return []
        tokens = self._tokens(tail)
        return tokens if len(tokens) < left else []

    def _tokens(self, tail: bytes) -> list[int]:
        mark = self._vocabulary.marks.get(_CLOSE)
        if mark is not None:
            return [*self._spelt(_BEFORE), mark, *self._spelt(_AFTER)]
        begun = next((n for n in range(len(_CLOSE) - 1, 0, -1) if tail.endswith(_CLOSE[:n].encode())), 0)
        tokens = self._spelt(_CLOSE[begun:] + _AFTER) if begun else []  # it was about to do so itself
        return tokens or self._spelt(_BEFORE + _CLOSE + _AFTER)

    def _spelt(self, text: str) -> list[int]:
        """The tokens of a text in the middle of a line: without the space with which some vocabularies begin a text.
        None if they cannot be had."""
        tokens = self._vocabulary.tokenise(text)
        if tokens and self._vocabulary.piece(tokens[0]) == b" ":
            del tokens[0]
        return tokens if b"".join(map(self._vocabulary.piece, tokens)) == text.encode() else []


def kept_for_answer(most: int, wanted: int | None) -> int:
    """How many of the `most` tokens that an answer may have are kept from its thinking. `wanted`: `max_tokens`."""
    if wanted is not None and wanted < _FEWEST and wanted <= most:
        return 0
    return min(max(_LEAST, most // _SHARE), most // 2)


def _torn(text: bytes) -> bool:
    """It ends inside a character of UTF-8."""
    for back in range(1, min(_LONGEST_CHARACTER, len(text)) + 1):
        byte = text[-back]
        if byte >= 0xC0:
            return back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4)
        if byte < 0x80:
            return False
    return False
