"""Every route of the API: its scope, its dialect, what its body is. One that is not here does not start (SEC-07)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from backends.governance.access import Scope

Dialect = Literal["openai", "anthropic", "ollama"]
Body = Literal["none", "json", "upload"]


@dataclass(frozen=True, slots=True)
class Route:
    """`scope` None: anybody may ask, without a key. `dialect`: how its errors are told."""

    method: str
    path: str  # as the web library writes it, "/v1/models/{model_id:path}"
    scope: Scope | None
    body: Body = "json"
    dialect: Dialect = "openai"


ROUTES = (
    Route("GET", "/health", None, "none"),
    Route("GET", "/metrics", "metrics", "none"),
    Route("GET", "/openapi.json", "models.read", "none"),
    Route("GET", "/docs", "models.read", "none"),
    Route("POST", "/v1/chat/completions", "chat"),
    Route("POST", "/v1/completions", "completions"),
    Route("POST", "/v1/responses", "chat"),
    Route("POST", "/v1/embeddings", "embeddings"),
    Route("POST", "/v1/rerank", "embeddings"),
    Route("GET", "/v1/models", "models.read", "none"),
    Route("GET", "/v1/models/{model_id:path}", "models.read", "none"),
    Route("POST", "/tokenize", "completions"),
    Route("POST", "/detokenize", "completions"),
    Route("POST", "/v1/documents", "docs.write", "upload"),
    Route("GET", "/v1/documents", "docs.read", "none"),
    Route("GET", "/v1/documents/{document_id}", "docs.read", "none"),
    Route("DELETE", "/v1/documents/{document_id}", "docs.write", "none"),
    Route("POST", "/v1/search", "docs.read"),
    Route("POST", "/v1/messages", "chat", dialect="anthropic"),
    Route("POST", "/v1/messages/count_tokens", "chat", dialect="anthropic"),
    Route("GET", "/api/version", "models.read", "none", "ollama"),
    Route("GET", "/api/tags", "models.read", "none", "ollama"),
    Route("GET", "/api/ps", "models.read", "none", "ollama"),
    Route("POST", "/api/show", "models.read", dialect="ollama"),
    Route("POST", "/api/chat", "chat", dialect="ollama"),
    Route("POST", "/api/generate", "completions", dialect="ollama"),
    Route("POST", "/api/embed", "embeddings", dialect="ollama"),
    Route("POST", "/api/embeddings", "embeddings", dialect="ollama"),
)


def find(method: str, path: str) -> Route | tuple[str, ...]:
    """The route of a request; else the methods that this path knows, none for an unknown one. HEAD is as GET."""
    wanted = "GET" if method == "HEAD" else method
    known = [route for route in ROUTES if _pattern(route.path).fullmatch(path)]
    exact = [route for route in known if "{" not in route.path] or known
    for route in exact:
        if route.method == wanted:
            return route
    return tuple(sorted({method for route in exact for method in _methods(route)}))


def dialect(path: str) -> Dialect:
    """How somebody who asks for this path, known or not, wants to be told of errors."""
    if path.startswith("/api/"):
        return "ollama"
    return "anthropic" if path.startswith("/v1/messages") else "openai"


def check(served: Iterable[tuple[str, str]]) -> None:
    """Raises RuntimeError if any (method, path) is served that the table does not have."""
    if unknown := set(served) - {(route.method, route.path) for route in ROUTES}:
        raise RuntimeError(f"routes without a scope: {sorted(unknown)}")


def _methods(route: Route) -> tuple[str, ...]:
    return ("GET", "HEAD") if route.method == "GET" else (route.method,)


@cache
def _pattern(path: str) -> re.Pattern[str]:
    """ "{name}" is one part of a path, "{name:path}" any."""
    parts = re.split(r"(\{\w+(?::path)?\})", path)
    return re.compile("".join(_part(part) for part in parts))


def _part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return ".+" if part.endswith(":path}") else "[^/]+"
