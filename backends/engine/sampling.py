"""From logits to a token, in llama.cpp's own sampler chain.

The order is that of llama.cpp's common/sampling.cpp up to top-k: bias, penalties, DRY, top-k. Then comes the
temperature, and behind it what cuts by probability (typical, top-p, min-p, XTC): publishers measured their values with
programs that do so (vLLM, transformers, the first XTC and typical sampling too), and 0.6 with 0.95 cuts elsewhere the
other way round.

Where anything cuts by probability the chain looks at the 128 likeliest tokens only: what lies beyond is noise there,
and over 152,000 tokens top-p alone costs up to 10 ms a token. Mirostat would sort them all in 9 ms: it looks at 2,048.

Temperature 0 with nothing else is the highest logit, found in place: 0.01 ms instead of the 0.14 ms that
llama_sampler_sample takes to copy 152,000 candidates; top-k 40 takes 0.12 ms there (measured on two cores).

Penalties and DRY look at what was said, the thinking included, and not at the prompt: an answer may quote documents.
"""

import ctypes
import math
import secrets
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from backends.engine.generation import Sampling, TokenLogprob, TopLogprob
from backends.engine.grammar_errors import dead_end
from backends.engine.native import Model, library
from backends.engine.sampling_checks import check_sampling

_CANDIDATES = 128
_MIROSTAT_CANDIDATES = 2048
_MIROSTAT_ESTIMATE = 100  # tokens, as in the paper and in llama.cpp
_COLDEST = 1e-4  # below it the temperature is 0: logits divided by it stay finite
_POSSIBLE = 1e-30  # of the likeliest; typical sampling takes the logarithm of less than that, and finds NaN
_RANDOM_SEED = 0xFFFFFFFF  # llama.cpp's word for "draw one"
_DRIES_KEPT = 8
_WINDOWED = 256  # tokens that a grammar looks at first, when the one chosen is refused
_Add = Callable[[Any], None]


class Sampler:
    """One sequence's chain. Temperature 0 takes the likeliest token; the same seed gives the same draws.

    InvalidInput: `bad_sampling` (a value out of range); `bad_grammar`, `grammar_timeout` also from `sample`, and then
    the answer cannot go on. `context`: tokens that the longest answer has.
    """

    def __init__(self, model: Model, sampling: Sampling, grammar: str = "", *, context: int = 4096) -> None:
        check_sampling(sampling, model.vocabulary.size)
        from backends.engine import logits  # brings numpy, which is in the process by now and was not at the import

        self._numbers = logits
        self._llama = llama = library().llama
        self._size, self._piece = model.vocabulary.size, model.vocabulary.piece
        self._sample = llama.llama_sampler_sample
        self._grammar: Any = None
        self._governs = False
        self._unless: int | None = None
        self._spaced = False
        if grammar:
            from backends.engine.grammar_sampler import GrammarSampler

            self._grammar = GrammarSampler(model, grammar)
        params = llama.llama_sampler_chain_default_params()
        params.no_perf = True
        self._chain: Any = llama.llama_sampler_chain_init(params)
        shifted, self._remembers = _add_shifts(llama, self._add, model, sampling, context)
        reach = _add_choice(llama, self._add, sampling, self._size)
        self._reach = 0 if shifted else reach  # so many of the likeliest decide; 0: nobody knows
        self._plain = self._reach == 1 and sampling.temperature < _COLDEST

    def _add(self, sampler: Any) -> None:
        self._llama.llama_sampler_chain_add(self._chain, sampler)

    # ---- the next token

    def sample(self, context: Any, place: int) -> int:
        """The next token after the one at `place` in the batch that was decoded last. It counts as said."""
        if self._governs:
            return self._governed(self._logits(context, place))
        if self._plain:
            return int(self._logits(context, place).argmax())
        return self._sample(self._chain, context, place)

    def force(self, token: int) -> bool:
        """A token was said that this chain did not choose. False: the grammar governs, and does not allow it; it stays
        where it was."""
        self._remember(token)
        if not self._governs:
            return True
        self._spaced = False
        if allowed := self._grammar.allows(token):
            self._grammar.accept(token)
        return allowed

    def begin_answer(self, *, unless: int | None = None, spaced: bool = False) -> None:
        """From the next token on the grammar governs.

        If that is the token `unless` (`<think>`, where nobody knows whether the model thinks), it governs only when
        this is called again. `spaced`: that one may be white space, as templates put it between thinking and answer.
        """
        self._governs = self._grammar is not None
        self._unless, self._spaced = unless, spaced

    def logprobs(self, context: Any, place: int, token: int, top: int) -> TokenLogprob:
        """How likely a token at `place` was, and the `top` likeliest there, before any setting of ours."""
        values = self._logits(context, place)
        total = self._numbers.log_total(values)
        rivals = (
            TopLogprob(rival, self._piece(rival), float(values[rival]) - total)
            for rival in self._numbers.ranked(values, top)
        )
        return TokenLogprob(token, self._piece(token), float(values[token]) - total, tuple(rivals))

    def close(self) -> None:
        if self._chain:
            self._llama.llama_sampler_free(self._chain)
            self._chain = None
        if self._grammar:
            self._grammar.close()

    def _logits(self, context: Any, place: int) -> Any:
        return self._numbers.logits_at(self._llama, context, place, self._size)

    def _remember(self, token: int) -> None:
        if self._remembers:
            self._llama.llama_sampler_accept(self._chain, token)

    # ---- under a grammar

    def _governed(self, values: Any) -> int:
        """What the chain chooses, if the grammar allows it; else what it chooses of what the grammar allows.

        As llama.cpp's common_sampler_sample does it: to ask for one token costs next to nothing, to ask for all of a
        vocabulary 10 to 20 ms.
        """
        token = self._choose(values)
        unless, spaced = self._unless, self._spaced
        self._unless, self._spaced = None, False
        if token == unless:
            self._governs = False
        elif self._grammar.allows(token):
            self._grammar.accept(token)
        elif not (spaced and self._piece(token).isspace()):
            token = self._choose_allowed(values)
            self._grammar.accept(token)
        self._remember(token)
        return token

    def _choose(self, values: Any) -> int:
        if self._plain:
            return int(values.argmax())
        if self._reach:
            ids = self._numbers.likeliest(values, self._reach)
            return self._numbers.Candidates(self._llama, ids, values[ids]).choose(self._chain)
        return self._numbers.Candidates(self._llama, self._numbers.every(self._size), values).choose(self._chain)

    def _choose_allowed(self, values: Any) -> int:
        """Of the likeliest first: where as many of them are allowed as the chain looks at, the others do not matter."""
        if 0 < self._reach <= _WINDOWED // 2:
            ids = self._numbers.likeliest(values, _WINDOWED)
            allowed = self._grammar.among(ids, values[ids])
            if allowed.sum() >= self._reach:
                ids = ids[allowed]
                return self._numbers.Candidates(self._llama, ids, values[ids]).choose(self._chain)
        ids = self._numbers.every(self._size)
        allowed = self._grammar.among(ids, values)
        left = self._numbers.only(values, allowed)
        token = self._numbers.Candidates(self._llama, ids, left).choose(self._chain)
        if not allowed[token]:  # none was, or a bias of -inf forbids those that were
            raise dead_end()
        return token


# ---- the chain


def _add_shifts(llama: Any, add: _Add, model: Model, sampling: Sampling, context: int) -> tuple[bool, bool]:
    """What changes single logits. Whether anything does, and whether what was said counts."""
    vocabulary, size = llama.llama_model_get_vocab(model.handle), model.vocabulary.size
    count = ctypes.c_int32()
    silent = llama.llama_vocab_get_suppress_tokens(vocabulary, ctypes.byref(count))
    biases = dict(sampling.logit_bias) | {silent[n]: -math.inf for n in range(count.value)}
    if biases:
        entries = (llama.llama_logit_bias * len(biases))(*(llama.llama_logit_bias(*pair) for pair in biases.items()))
        add(llama.llama_sampler_init_logit_bias(size, len(biases), entries))
    window, penalties = _window(sampling.repeat_last_n, context), _penalties(sampling)
    penalised = window > 0 and penalties != (1, 0, 0)
    if penalised:
        add(llama.llama_sampler_init_penalties(size, window, *penalties))
    dry = sampling.dry_multiplier > 0 and sampling.dry_base >= 1 and sampling.dry_last_n != 0
    if dry:
        add(llama.llama_sampler_clone(_dry(llama, vocabulary, model, sampling, _window(sampling.dry_last_n, context))))
    return bool(biases) or penalised or dry, penalised or dry


def _penalties(sampling: Sampling) -> tuple[float, float, float]:
    return sampling.repeat_penalty, sampling.frequency_penalty, sampling.presence_penalty


def _window(length: int, context: int) -> int:
    """llama.cpp takes -1 for 0 here, and memory for as many tokens as it is told."""
    return context if length < 0 else min(length, context)


_DRIES: "weakref.WeakKeyDictionary[Model, OrderedDict[Hashable, weakref.finalize[..., Any]]]"
_DRIES = weakref.WeakKeyDictionary()


def _dry(llama: Any, vocabulary: Any, model: Model, sampling: Sampling, window: int) -> Any:
    """One to be copied: for each breaker llama.cpp looks at every token, which takes 5 ms for 152,000 of them."""
    made = _DRIES.setdefault(model, OrderedDict())
    numbers = (sampling.dry_multiplier, sampling.dry_base, sampling.dry_allowed_length, window)
    key = (*numbers, sampling.dry_breakers)
    if key in made:
        made.move_to_end(key)
    else:
        texts = [text.encode("utf-8", "replace") for text in sampling.dry_breakers]
        breakers = (ctypes.c_char_p * len(texts))(*texts)
        handle = llama.llama_sampler_init_dry(vocabulary, *numbers, breakers, len(texts))
        made[key] = weakref.finalize(model, llama.llama_sampler_free, handle)
        made[key].atexit = False
        if len(made) > _DRIES_KEPT:
            made.popitem(last=False)[1]()
    alive = made[key].peek()
    assert alive is not None
    return alive[2][0]


def _add_choice(llama: Any, add: _Add, sampling: Sampling, size: int) -> int:
    """What cuts and draws. Says how many of the likeliest it looks at; 0: all."""
    if sampling.temperature < _COLDEST:
        add(llama.llama_sampler_init_greedy())
        return 1
    seed = secrets.randbelow(_RANDOM_SEED) if sampling.seed is None else sampling.seed % _RANDOM_SEED
    cuts = sampling.top_p < 1 or sampling.min_p > 0 or sampling.typical_p < 1 or sampling.xtc_probability > 0
    reach = _MIROSTAT_CANDIDATES if sampling.mirostat else max(sampling.top_k, 0) or (_CANDIDATES if cuts else 0)
    if reach:
        add(llama.llama_sampler_init_top_k(reach))
    add(llama.llama_sampler_init_temp(sampling.temperature))
    if sampling.mirostat or sampling.typical_p < 1:
        add(llama.llama_sampler_init_min_p(_POSSIBLE, 1))
    if sampling.mirostat == 1:
        tau, eta = sampling.mirostat_tau, sampling.mirostat_eta
        add(llama.llama_sampler_init_mirostat(size, seed, tau, eta, _MIROSTAT_ESTIMATE))
        return reach
    if sampling.mirostat == 2:
        add(llama.llama_sampler_init_mirostat_v2(seed, sampling.mirostat_tau, sampling.mirostat_eta))
        return reach
    if sampling.typical_p < 1:
        add(llama.llama_sampler_init_typical(sampling.typical_p, 1))
    if sampling.top_p < 1:
        add(llama.llama_sampler_init_top_p(sampling.top_p, 1))
    if sampling.min_p > 0:
        add(llama.llama_sampler_init_min_p(sampling.min_p, 1))
    if sampling.xtc_probability > 0:
        add(llama.llama_sampler_init_xtc(sampling.xtc_probability, sampling.xtc_threshold, 1, seed))
    add(llama.llama_sampler_init_dist(seed))
    return reach
