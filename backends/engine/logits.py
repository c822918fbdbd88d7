"""The numbers behind a token: logits of the batch as arrays, the likeliest of them, their logarithms as probabilities.

Imports numpy, which comes into the process with llama.cpp and not before: import this where llama.cpp is in use.
"""

import ctypes
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]
Ids = NDArray[np.integer[Any]]

_ROWS = 64
_DATA = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])  # struct llama_token_data


def logits_at(llama: Any, context: Any, place: int, size: int) -> Logits:
    """The logits of a place in the batch that was decoded last: llama.cpp's own memory, until the next decode."""
    return np.ctypeslib.as_array(llama.llama_get_logits_ith(context, place), (size,))


def likeliest(logits: Logits, count: int) -> Ids:
    """The `count` likeliest tokens and some more, unordered: five times as fast as a partition of all of them.

    The vocabulary is cut into columns of 64; at least `count` tokens are above the `count`-th highest peak of a column,
    so that all of the likeliest are.
    """
    columns = logits.size // _ROWS
    if columns < 2 * count:
        return np.arange(logits.size)
    peaks = logits[: _ROWS * columns].reshape(_ROWS, columns).max(axis=0)
    least = np.partition(peaks, columns - count)[columns - count]
    return np.flatnonzero(logits >= least)


@functools.cache
def every(size: int) -> Ids:
    """All ids of a vocabulary."""
    return np.arange(size, dtype=np.int32)


def only(logits: Logits, allowed: NDArray[np.bool_]) -> Logits:
    """The logits, those that are not allowed at -inf."""
    return np.where(allowed, logits, np.float32(-np.inf))


def ranked(logits: Logits, count: int) -> list[int]:
    """The `count` likeliest tokens, the first one first; of equal ones the one with the lower number."""
    if not count:
        return []
    ids = likeliest(logits, count)
    return [int(token) for token in ids[np.lexsort((ids, -logits[ids]))][:count]]


def log_total(logits: Logits) -> float:
    """What is taken from a logit to make it the logarithm of a probability."""
    highest = logits.max()
    return float(highest) + float(np.log(np.exp(logits - highest).sum(dtype=np.float64)))


class Candidates:
    """Tokens that samplers look at, reorder and choose from (llama_token_data_array)."""

    def __init__(self, llama: Any, ids: Ids, logits: Logits) -> None:
        self._llama, self._ids = llama, ids
        self._rows = np.empty(len(ids), _DATA)
        self._rows["id"], self._rows["logit"], self._rows["p"] = ids, logits, 0
        data = ctypes.cast(self._rows.ctypes.data, ctypes.POINTER(llama.llama_token_data))
        self._array = llama.llama_token_data_array(data=data, size=len(ids), selected=-1, sorted=False)

    def allowed(self, grammar: Any) -> NDArray[np.bool_]:
        """Which of them a grammar allows. It takes the others' logits."""
        self._llama.llama_sampler_apply(grammar, ctypes.byref(self._array))
        return self._rows["logit"] != -np.inf

    def choose(self, chain: Any) -> int:
        self._llama.llama_sampler_apply(chain, ctypes.byref(self._array))
        if not 0 <= self._array.selected < self._array.size:
            raise AssertionError("the last sampler of a chain chooses")
        return int(self._array.data[self._array.selected].id)  # a sampler may have moved `data`


def one(llama: Any, token: int) -> Candidates:
    """A single token to be asked about."""
    return Candidates(llama, np.array([token], np.int32), np.zeros(1, np.float32))
