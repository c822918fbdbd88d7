"""Every error as a program is told of it: status, headers, and a body in the words of its dialect.

The table of statuses: clients of OpenAI's kind try again after 408, 409, 429 and 5xx, unless `x-should-retry` forbids.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backends.api.routes import Dialect
from backends.core.errors import (
    BackendError,
    EngineError,
    InvalidInput,
    NotFound,
    ResourceError,
    StorageError,
    Unavailable,
)
from backends.governance.access import Forbidden

RETRY_SECONDS = 2  # when it is full
LOADING_SECONDS = 10  # when a model is being loaded

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "invalid_request_error",
    411: "invalid_request_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    429: "rate_limit_exceeded",
    431: "invalid_request_error",
    500: "server_error",
    503: "unavailable_error",
    507: "server_error",
}
_ANTHROPIC = {  # types that its SDK knows
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
    507: "api_error",
}
_KINDS: tuple[tuple[type[BackendError], int], ...] = (
    (Forbidden, 403),
    (InvalidInput, 400),
    (NotFound, 404),
    (Unavailable, 503),
    (ResourceError, 503),
    (StorageError, 507),
    (EngineError, 500),
)
_CODES = {  # those that are not what their kind says; and the names by which clients know some
    "context_too_long": (400, "context_length_exceeded"),
    "model_not_found": (404, "model_not_found"),
    "device_lost": (503, "device_lost"),
    "disk_full": (507, "disk_full"),
}


@dataclass
class ApiError(Exception):
    """What a program is told. `param`: the field that is wrong. `more`: further fields of the error's body."""

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def type(self) -> str:
        return _TYPES.get(self.status, "server_error")


def bad(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """400: the request is wrong, and would be wrong again."""
    return ApiError(400, message, code, param)


def full() -> ApiError:
    """503: as many wait as may."""
    return ApiError(503, "Too many requests are waiting.", "queue_full", headers={"Retry-After": str(RETRY_SECONDS)})


def loading() -> ApiError:
    """503: the model is not ready yet."""
    return ApiError(503, "The model is being loaded.", "model_loading", headers={"Retry-After": str(LOADING_SECONDS)})


def internal() -> ApiError:
    """500, a bug of ours: to ask again would only compute it again."""
    return ApiError(500, "Something went wrong inside DeskSeek. Its log says more.", "internal_error")


def of(error: BackendError) -> ApiError:
    """In English, as programs are told everything. No path: messages that name files are not passed on."""
    kind = next((status for one, status in _KINDS if isinstance(error, one)), 500)
    status, code = _CODES.get(error.code, (kind, error.code))
    message = f"{error.message.en} {error.hint.en}".strip()
    if isinstance(error, StorageError | EngineError | ResourceError):  # these may name files
        message = error.message.en if "/" not in error.message.en and "\\" not in error.message.en else _plain(status)
    more = {name: getattr(error, name) for name in ("n_prompt_tokens", "n_ctx") if hasattr(error, name)}
    return ApiError(status, message, code, getattr(error, "param", None), _headers(status), more)


def headers(error: ApiError) -> dict[str, str]:
    """`x-should-retry` says in so many words what a client would else have to guess."""
    again = error.status in (429, 503)
    return {"x-should-retry": "true" if again else "false", **_headers(error.status), **error.headers}


def body(error: ApiError, dialect: Dialect, request_id: str) -> dict[str, Any]:
    if dialect == "ollama":
        return {"error": error.message}
    if dialect == "anthropic":
        kind = _ANTHROPIC.get(error.status, "invalid_request_error")
        return {"type": "error", "error": {"type": kind, "message": error.message}, "request_id": request_id}
    known = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return {"error": {**known, **error.more}}


def written(error: ApiError, dialect: Dialect, request_id: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body as they go over the wire, where no web library stands between."""
    known = [(b"content-type", b"application/json")]
    known += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers(error).items()]
    return known, json.dumps(body(error, dialect, request_id)).encode("ascii")


def _headers(status: int) -> dict[str, str]:
    return {"Retry-After": str(RETRY_SECONDS)} if status in (429, 503) else {}


def _plain(status: int) -> str:
    return "There is not enough memory or disk." if status in (503, 507) else "The engine failed."
