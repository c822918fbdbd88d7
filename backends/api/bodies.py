"""A JSON body before anybody uses it: what other parsers let through is refused here (SEC-08, API-05)."""

import asyncio
import json
import math
import re
from typing import Any, NoReturn

from backends.api.errors import ApiError, bad
from backends.api.limits import JSON_DEPTH, JSON_VALUES, KIB

_LARGE = 64 * KIB  # bytes; more than that is looked at beside the event loop
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BEFORE_VALUES = (b",", b"[", b"{")
_SUSPECT = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")  # escapes of surrogates and of NUL; perhaps escaped themselves


async def check(body: bytes) -> None:
    """ApiError 400 unless it is JSON in UTF-8, at most JSON_DEPTH deep and of at most JSON_VALUES values, with finite
    numbers, and with texts that can be written in UTF-8 and hold no NUL."""
    fault = fault_of(body) if len(body) <= _LARGE else await asyncio.to_thread(fault_of, body)
    if fault is not None:
        raise fault


def fault_of(body: bytes) -> ApiError | None:
    """What is wrong with it."""
    if _values(body) > JSON_VALUES:
        return bad(f"The body holds more than {JSON_VALUES} values.", code="invalid_json")
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_not_finite, parse_float=_finite)
    except RecursionError:
        return _too_deep()
    except ValueError as error:  # of JSON, of UTF-8, of a number with thousands of digits
        return bad(f"The body is not valid JSON: {error}", code="invalid_json")
    if body.count(b"[") + body.count(b"{") <= JSON_DEPTH and not _SUSPECT.search(body):
        return None
    return _fault_within(value)


def _values(body: bytes) -> int:
    """How many there are, without making them: each follows one of these, commas of texts left out."""
    rough = sum(map(body.count, _BEFORE_VALUES))
    return rough if rough <= JSON_VALUES else sum(map(_TEXT.sub(b"", body).count, _BEFORE_VALUES))


def _fault_within(value: Any) -> ApiError | None:
    """Level by level, for nobody knows how deep it is."""
    level: list[Any] = [value]
    for depth in range(JSON_DEPTH + 1):
        if any(isinstance(one, str) and not _is_text(one) for one in level):
            return bad("The body holds a character that is no text: NUL, or half a pair.", code="invalid_json")
        containers = [one for one in level if isinstance(one, dict | list)]
        if containers and depth == JSON_DEPTH:
            return _too_deep()
        level = [child for one in containers for child in (one if isinstance(one, list) else (*one, *one.values()))]
    return None


def _is_text(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def _too_deep() -> ApiError:
    return bad(f"The body is more than {JSON_DEPTH} levels deep.", code="invalid_json")


def _not_finite(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number
