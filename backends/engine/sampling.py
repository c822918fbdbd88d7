"""From logits to a token, in llama.cpp's own sampler chain; no logits pass through Python.

The order is the one publishers' values are meant for (top-k, temperature, top-p, min-p), with the
repetition penalty before. With top-p or min-p the chain looks at the 128 likeliest tokens only: what lies
beyond them is noise where these are used, and over 152,000 tokens top-p alone costs up to 10 ms a token.
"""

import secrets
from typing import Any

from backends.engine.native import Model, library
from backends.engine.protocol import Sampling

_CANDIDATES = 128
_PENALTY_WINDOW = 64  # tokens
_RANDOM_SEED = 0xFFFFFFFF  # llama.cpp's word for "draw one"


class Sampler:
    """One sequence's chain. Temperature 0 takes the likeliest token; the same seed gives the same draws."""

    def __init__(self, model: Model, sampling: Sampling) -> None:
        llama = self._llama = library().llama
        params = llama.llama_sampler_chain_default_params()
        params.no_perf = True
        self._chain: Any = llama.llama_sampler_chain_init(params)
        self._sample = llama.llama_sampler_sample

        def add(sampler: Any) -> None:
            llama.llama_sampler_chain_add(self._chain, sampler)

        if sampling.repeat_penalty != 1:
            size = model.vocabulary.size
            add(llama.llama_sampler_init_penalties(size, _PENALTY_WINDOW, sampling.repeat_penalty, 0.0, 0.0))
        if sampling.temperature <= 0:
            add(llama.llama_sampler_init_greedy())
            return
        narrowed = sampling.top_p < 1 or sampling.min_p > 0
        if top_k := sampling.top_k or (_CANDIDATES if narrowed else 0):
            add(llama.llama_sampler_init_top_k(top_k))
        add(llama.llama_sampler_init_temp(sampling.temperature))
        if sampling.top_p < 1:
            add(llama.llama_sampler_init_top_p(sampling.top_p, 1))
        if sampling.min_p > 0:
            add(llama.llama_sampler_init_min_p(sampling.min_p, 1))
        seed = secrets.randbelow(_RANDOM_SEED) if sampling.seed is None else sampling.seed % _RANDOM_SEED
        add(llama.llama_sampler_init_dist(seed))

    def sample(self, context: Any, place: int) -> int:
        """The next token after the one at `place` in the batch that was decoded last."""
        return self._sample(self._chain, context, place)

    def close(self) -> None:
        if self._chain:
            self._llama.llama_sampler_free(self._chain)
            self._chain = None
