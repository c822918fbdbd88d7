"""A grammar that an answer follows: which tokens it allows now, and what it makes of the next one.

llama.cpp ends the process when a grammar accepts a token that it does not allow (an exception in C++, through ctypes),
or when none of its ways is left: here nothing is accepted that was not allowed by the same grammar just before.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase
from backends.engine.logits import Candidates, Ids, Logits, one
from backends.engine.native import Model, library

ROOT = b"root"

_CREDIT = 3.0  # seconds of this thread that an answer's grammar may take …
_EARNED = 0.25  # … and so much more with each token: everybody's answers wait for it


class GrammarSampler:
    """At the beginning of the grammar. InvalidInput (`bad_grammar`) if llama.cpp cannot read it: not to be tried with a
    grammar that grammar.GrammarCheck has not seen."""

    def __init__(self, model: Model, gbnf: str) -> None:
        llama = self._llama = library().llama
        self._handle: Any = llama.llama_sampler_init_grammar(
            llama.llama_model_get_vocab(model.handle), gbnf.encode(), ROOT
        )
        if not self._handle:
            raise refused()
        vocabulary = model.vocabulary
        self.barred = frozenset(
            token
            for text, token in vocabulary.marks.items()
            if token not in vocabulary.ends and text not in gbnf and f"<[{token}]>" not in gbnf
        )
        """Control tokens that the grammar does not name: to llama.cpp their names are text like any other, and an
        answer could break off inside a string."""
        self._credit = _CREDIT

    def allows(self, token: int) -> bool:
        if token in self.barred:
            return False
        with self._clock():
            return bool(one(self._llama, token).allowed(self._handle)[0])

    def among(self, ids: Ids, logits: Logits) -> Any:
        """Which of these tokens are allowed: an array of bool."""
        with self._clock():
            allowed = Candidates(self._llama, ids, logits).allowed(self._handle)
        for token in self.barred:
            allowed &= ids != token
        return allowed

    def accept(self, token: int) -> None:
        """A token that `allows` or `among` has just allowed."""
        self._credit += _EARNED
        with self._clock():
            self._llama.llama_sampler_accept(self._handle, token)

    @contextmanager
    def _clock(self) -> Iterator[None]:
        begun = time.thread_time()
        yield
        self._credit -= time.thread_time() - begun
        if self._credit < 0:
            raise too_slow()

    def close(self) -> None:
        if self._handle:
            self._llama.llama_sampler_free(self._handle)
            self._handle = None


def refused(reason: str = "") -> InvalidInput:
    return InvalidInput(
        Phrase(
            f"The grammar cannot be read: {reason or 'no reason given'}.", f"无法读取该语法：{reason or '未说明原因'}。"
        ),
        Phrase("It has to be GBNF, and to begin with the rule root.", "语法须为 GBNF 格式，并以规则 root 开始。"),
        code="bad_grammar",
    )


def too_slow() -> InvalidInput:
    return InvalidInput(
        Phrase("The grammar takes too long.", "该语法耗时过长。"),
        Phrase("Use fewer repetitions inside of repetitions.", "请减少嵌套的重复。"),
        code="grammar_timeout",
    )


def dead_end() -> InvalidInput:
    return InvalidInput(
        Phrase("The grammar allows nothing that this model can say next.", "该语法不允许此模型接下来能说的任何内容。"),
        Phrase("Allow more, or choose another model.", "请放宽语法，或选择其他模型。"),
        code="bad_grammar",
    )
