"""How an answer is drawn, how long it may be and whether the model thinks first, as programs ask for it.

ApiError 400 with the field that is wrong.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from backends.api import errors
from backends.api.errors import bad
from backends.api.json_values import an_object, flag, shown, strings
from backends.core.errors import BackendError
from backends.engine.protocol import MOST_CHOICES, GenerateRequest, Sampling
from backends.engine.sampling_checks import MOST_LOGPROBS, check_sampling

MOST_STOPS = 16
LONGEST_STOP = 256  # characters
MOST_BIAS = 100.0  # OpenAI's: this much forces a token, as much below zero forbids it
_NAMES = {  # of sampling fields, as llama-server, vLLM and Ollama know them
    "repetition_penalty": "repeat_penalty",
    "typ_p": "typical_p",
    "dry_penalty_last_n": "dry_last_n",
    "dry_sequence_breakers": "dry_breakers",
}
_OWN = frozenset(("seed", "logit_bias", "dry_breakers"))  # sampling fields that are more than a number
_NUMBERS = frozenset(one.name for one in fields(Sampling)) - _OWN
_SEEDS = range(-(2**63), 2**63)
_DRAWN = 2**32 - 1  # llama.cpp draws a seed itself if it is given this one
_EFFORTS = {  # (what templates know it as, tokens of thinking)
    "minimal": ("low", 512),
    "low": ("low", 2_048),
    "medium": ("medium", None),
    "high": ("high", None),
    "xhigh": ("max", None),
    "max": ("max", None),
}
_TEMPLATE_WORDS = ("thinking", "enable_thinking", "reasoning_effort")  # what may be told to a template (SEC-09)


def sampling(given: Mapping[str, Any], base: Sampling) -> Sampling:
    """`base` (what its publisher recommends), but for what the request names. Fields that are null are not named."""
    named: dict[str, Any] = {}
    words: dict[str, str] = {}  # as the client calls it
    for word, value in given.items():
        name = _NAMES.get(word, word)
        if name in _NUMBERS and value is not None:
            named[name], words[name] = value, word
    if (breakers := given.get("dry_sequence_breakers")) is not None:
        named["dry_breakers"] = tuple(strings(breakers, "dry_sequence_breakers"))
    if (number := seed(given.get("seed"))) is not None:
        named["seed"] = number
    named["logit_bias"] = logit_bias(given.get("logit_bias"))
    found = replace(base, **named)
    try:
        check_sampling(found, 2**31)
    except BackendError as error:
        told = errors.of(error)
        raise replace(told, param=words.get(told.param or "", told.param)) from error
    return found


def seed(given: Any) -> int | None:
    """Any whole number of 64 bits; the engine has 32."""
    if given is None:
        return None
    if not isinstance(given, int) or isinstance(given, bool) or given not in _SEEDS:
        raise bad("seed must be a whole number of 64 bits", "seed")
    return given % _DRAWN


def logit_bias(given: Any) -> Mapping[int, float]:
    """By token id, -100 to 100; -100 (or false, as llama-server has it) forbids. Also as a list of pairs."""
    if given is None:
        return {}
    if not isinstance(given, Mapping) and not (
        isinstance(given, list) and all(isinstance(one, list) and len(one) == 2 for one in given)
    ):
        raise bad("logit_bias must be an object of token ids", "logit_bias")
    pairs = given.items() if isinstance(given, Mapping) else given
    return dict(_bias(token, bias) for token, bias in pairs)


def _bias(token: Any, bias: Any) -> tuple[int, float]:
    digits = str(token)
    if not (digits.isascii() and digits.isdigit() and len(digits) < 11):
        raise bad(f"logit_bias: {shown(token)} is no token id", "logit_bias")
    if bias is False:
        return int(digits), -math.inf
    if isinstance(bias, bool) or not isinstance(bias, int | float) or not -MOST_BIAS <= bias <= MOST_BIAS:
        raise bad("logit_bias: a bias must be a number from -100 to 100", "logit_bias")
    return int(digits), -math.inf if bias == -MOST_BIAS else float(bias)


def stops(given: Any, param: str = "stop") -> tuple[str, ...]:
    """A string or up to 16; empty ones are none."""
    if given is None:
        return ()
    found = [given] if isinstance(given, str) else strings(given, param)
    if len(found) > MOST_STOPS or any(len(one) > LONGEST_STOP for one in found):
        raise bad(f"{param} may be at most {MOST_STOPS} strings of {LONGEST_STOP} characters", param)
    return tuple(filter(None, found))


def logprobs(wanted: Any, top: Any) -> int | None:
    """Chat's `logprobs` and `top_logprobs`."""
    number = rivals(top, "top_logprobs")
    if number and not wanted:
        raise bad("top_logprobs needs logprobs to be true", "top_logprobs")
    return (number or 0) if wanted else None


def rivals(given: Any, param: str) -> int | None:
    """How many likeliest tokens are told beside each one."""
    if given is not None and (isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= MOST_LOGPROBS):
        raise bad(f"{param} must be a whole number from 0 to {MOST_LOGPROBS}", param)
    return given


def count(given: Any) -> int:
    """How many answers (`n`)."""
    if given is None:
        return 1
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MOST_CHOICES:
        raise bad(f"n must be a whole number from 1 to {MOST_CHOICES}", "n")
    return given


def most_tokens(given: Any, param: str) -> int | None:
    """0 is an answer of nothing; -1, as llama-server has it, is no limit of the client's."""
    if given is None or given == -1:
        return None
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise bad(f"{param} must be a whole number of at least 0", param)
    return given


# ---- thinking


@dataclass(frozen=True, slots=True)
class Thought:
    """As in GenerateRequest: `thinking`, `effort`, `thinking_budget`."""

    thinking: bool | None = None
    effort: str = ""
    budget: int | None = None

    def put(self, request: GenerateRequest) -> GenerateRequest:
        return replace(request, thinking=self.thinking, effort=self.effort, thinking_budget=self.budget)


def thought(given: Mapping[str, Any]) -> Thought:
    """Out of `thinking`, `enable_thinking`, `reasoning_effort`, `thinking_budget` and, of these alone,
    `chat_template_kwargs`. Where thinking is off and the model has no switch for it, it is closed at once. Effort means
    thinking: "minimal" and "low" give it 512 and 2,048 tokens."""
    kwargs = given.get("chat_template_kwargs")
    if kwargs is not None:
        for key in an_object(kwargs, "chat_template_kwargs"):
            if key not in _TEMPLATE_WORDS:
                raise bad(f"chat_template_kwargs.{key} is not allowed", f"chat_template_kwargs.{key}", "unsupported")
        given = {**kwargs, **{key: value for key, value in given.items() if value is not None}}
    on, budget = _switched(given)
    effort, of_effort = _effort(given.get("reasoning_effort"))
    if effort == "none" and on is None:
        on = False
    elif effort and on is None:
        on = True
    if on is False:
        return Thought(False, "", 0)
    return Thought(on, effort if effort != "none" else "", budget if budget is not None else of_effort)


def _switched(given: Mapping[str, Any]) -> tuple[bool | None, int | None]:
    """Whether it is to think, and for how many tokens."""
    on: bool | None = None
    budget = most_tokens(given.get("thinking_budget"), "thinking_budget")
    if (enabled := given.get("enable_thinking")) is not None:
        on = flag(enabled, "enable_thinking")
    said = given.get("thinking")
    if isinstance(said, Mapping):
        kind = said.get("type")
        if kind not in ("enabled", "disabled", "adaptive", "between_tools", "auto"):
            raise bad("thinking.type must be enabled or disabled", "thinking.type")
        on = {"enabled": True, "disabled": False}.get(kind, on)
        budget = most_tokens(said.get("budget_tokens"), "thinking.budget_tokens") if budget is None else budget
    elif said is not None:
        on = flag(said, "thinking")
    return on, budget


def _effort(given: Any) -> tuple[str, int | None]:
    if given is None or given == "none":
        return given or "", None
    if not isinstance(given, str) or given not in _EFFORTS:
        raise bad(f"reasoning_effort must be none, {', '.join(_EFFORTS)}", "reasoning_effort")
    return _EFFORTS[given]
