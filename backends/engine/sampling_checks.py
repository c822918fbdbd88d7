"""Every number of a request that goes to native code, looked at before it does (SEC-10).

llama.cpp checks none of them: a NaN makes every token as likely as the last one, a window of 2^31 tokens is memory
that nobody has, and an exception in C++ ends the process. The bounds are wider than what makes sense, and narrow
enough for 32 bits.
"""

import math
from typing import Any

from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase
from backends.engine.generation import Sampling

MOST_LOGPROBS = 20
MOST_BIASES = 1024
MOST_BREAKERS = 16
LONGEST_BREAKER = 40  # bytes; llama.cpp would cut it there, inside a character if need be

_INT32 = 2**31 - 1
_FLOATS = {
    "temperature": (0.0, 100.0),
    "top_p": (0.0, 1.0),
    "min_p": (0.0, 1.0),
    "typical_p": (0.0, 1.0),
    "repeat_penalty": (0.1, 10.0),
    "frequency_penalty": (-10.0, 10.0),
    "presence_penalty": (-10.0, 10.0),
    "dry_multiplier": (0.0, 100.0),
    "dry_base": (0.0, 100.0),
    "xtc_probability": (0.0, 1.0),
    "xtc_threshold": (0.0, 1.0),
    "mirostat_tau": (0.0, 20.0),
    "mirostat_eta": (0.0, 1.0),
}
_INTEGERS = {
    "top_k": (-1, _INT32),
    "repeat_last_n": (-1, _INT32),
    "dry_allowed_length": (0, _INT32),
    "dry_last_n": (-1, _INT32),
    "mirostat": (0, 2),
}
_SEEDS = (-(2**63), 2**63 - 1)
_BIASES = (-1e4, 1e4)


class BadSampling(InvalidInput):
    """The value of `param` is out of range."""

    default_code = "bad_sampling"

    def __init__(self, param: str, message: Phrase, hint: Phrase) -> None:
        super().__init__(message, hint)
        self.param = param


def check_sampling(sampling: Sampling, vocabulary: int) -> None:
    """InvalidInput (`bad_sampling`), which names the field, if a value is out of range. `vocabulary`: its size."""
    for name, (low, high) in _FLOATS.items():
        _within(name, getattr(sampling, name), low, high, (int, float))
    for name, bounds in _INTEGERS.items():
        _within(name, getattr(sampling, name), *bounds, (int,))
    if sampling.seed is not None:
        _within("seed", sampling.seed, *_SEEDS, (int,))
    _check_biases(sampling, vocabulary)
    _check_breakers(sampling)


def bounds(name: str) -> tuple[float, float]:
    """The least and the largest value of a number of `Sampling`."""
    return _SEEDS if name == "seed" else _FLOATS.get(name) or _INTEGERS[name]


def check_logprobs(count: int | None) -> None:
    """InvalidInput (`bad_sampling`) if it is not None or 0..20."""
    if count is not None:
        _within("logprobs", count, 0, MOST_LOGPROBS, (int,))


def _check_biases(sampling: Sampling, vocabulary: int) -> None:
    if len(sampling.logit_bias) > MOST_BIASES:
        raise _too_many("logit_bias", MOST_BIASES)
    for token, bias in sampling.logit_bias.items():
        _within("logit_bias", token, 0, vocabulary - 1, (int,))
        if bias != -math.inf:
            _within("logit_bias", bias, *_BIASES, (int, float))


def _check_breakers(sampling: Sampling) -> None:
    if len(sampling.dry_breakers) > MOST_BREAKERS:
        raise _too_many("dry_breakers", MOST_BREAKERS)
    for text in sampling.dry_breakers:
        length = len(text.encode("utf-8", "replace")) if isinstance(text, str) else 0
        if not 0 < length <= LONGEST_BREAKER or "\0" in text:
            raise _bad(
                "dry_breakers",
                Phrase(
                    f"Each text in dry_breakers has 1 to {LONGEST_BREAKER} bytes.",
                    f"dry_breakers 中的每段文字应为 1 到 {LONGEST_BREAKER} 字节。",
                ),
            )


def _within(name: str, value: Any, low: float, high: float, kinds: tuple[type, ...]) -> None:
    """NaN is within nothing."""
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        kind = Phrase("a number", "数字") if float in kinds else Phrase("a whole number", "整数")
        shown = _shown(value)
        raise _bad(
            name,
            Phrase(
                f"{name} must be {kind.en} between {_shown(low)} and {_shown(high)}, not {shown}.",
                f"{name} 应为 {_shown(low)} 到 {_shown(high)} 之间的{kind.zh}，而不是 {shown}。",
            ),
        )


def _shown(value: Any) -> str:
    if isinstance(value, int):
        return str(value) if abs(value) < 10**30 else f"{'-' if value < 0 else ''}2^{value.bit_length() - 1}…"
    if isinstance(value, float):
        return f"{value:g}"
    return repr(str(value)[:40])


def _too_many(name: str, most: int) -> InvalidInput:
    return _bad(name, Phrase(f"{name} may have at most {most} entries.", f"{name} 最多可有 {most} 项。"))


def _bad(name: str, message: Phrase) -> BadSampling:
    return BadSampling(name, message, Phrase("Change this value of the request.", "请修改请求中的这个值。"))
