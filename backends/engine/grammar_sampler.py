"""A grammar that an answer follows: which tokens it allows now, and what it makes of the next one.

llama.cpp ends the process when a grammar accepts a token that it does not allow (an exception in C++, through ctypes),
or when none of its ways is left: here nothing is accepted that was not allowed by the same grammar just before.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from backends.engine.grammar_errors import refused, too_slow
from backends.engine.logits import Candidates, Ids, Logits, one
from backends.engine.native import Model, library

ROOT = b"root"

_CREDIT = 3.0  # seconds of this thread that an answer's grammar may take …
_EARNED = 0.25  # … and so much more with each token: everybody's answers wait for it


class GrammarSampler:
    """At the beginning of the grammar. InvalidInput (`bad_grammar`) if llama.cpp cannot read it: not to be tried with a
    grammar that grammar.GrammarCheck has not seen. `grammar_timeout` from all else: `credit` seconds of this thread for
    all that is asked of it, and `earned` more with each token."""

    def __init__(self, model: Model, gbnf: str, *, credit: float = _CREDIT, earned: float = _EARNED) -> None:
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
        self._credit, self._earned = credit, earned

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
        self._credit += self._earned
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
