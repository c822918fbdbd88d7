"""What may stand in a request's JSON; ApiError 400 with its place (`param`) for anything else."""

from collections.abc import Mapping
from typing import Any

from backends.api.errors import bad


def an_object(given: Any, param: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise bad(f"{param} must be an object", param)
    return given


def strings(given: Any, param: str) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise bad(f"{param} must be a string or a list of strings", param)
    return given


def flag(given: Any, param: str) -> bool:
    if not isinstance(given, bool):
        raise bad(f"{param} must be true or false", param)
    return given


def word(given: Any, param: str) -> str:
    """A string, or nothing."""
    if given is not None and not isinstance(given, str):
        raise bad(f"{param} must be a string", param)
    return given or ""


def shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) and len(value) < 40 else type(value).__name__
