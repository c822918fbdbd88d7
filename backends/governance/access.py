"""Who a caller is and what it may do.

A key has one role and may be narrowed to some scopes and some models. `authorize` is the one place where it is decided.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, get_args

from backends.core.errors import BackendError
from backends.core.phrase import Phrase

__all__ = ["OWNER", "ROLES", "Caller", "Forbidden", "Role", "Scope", "authorize"]

Role = Literal["admin", "user", "readonly", "metrics"]
Scope = Literal[
    "chat", "completions", "embeddings", "docs.read", "docs.write", "models.read", "models.write", "metrics"
]
SCOPES: frozenset[Scope] = frozenset(get_args(Scope))

ROLES: Mapping[Role, frozenset[Scope]] = {
    "admin": SCOPES,
    "user": frozenset({"chat", "completions", "embeddings", "docs.read", "docs.write", "models.read"}),
    "readonly": frozenset({"docs.read", "models.read"}),
    "metrics": frozenset({"metrics"}),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a key, or nobody in particular where none is needed. `models`: patterns of ids, as "r1-*"; empty: all.
    Requests and tokens a minute, 0: without limit."""

    key_id: str
    name: str
    role: Role = "user"
    scopes: frozenset[Scope] = ROLES["user"]
    models: tuple[str, ...] = ()
    requests_per_minute: int = 0
    tokens_per_minute: int = 0

    def may_use(self, model_id: str) -> bool:
        return not self.models or any(fnmatchcase(model_id.lower(), one.lower()) for one in self.models)


OWNER = Caller("", "this computer", "admin", SCOPES)
"""Whoever asks where no key is needed (`--no-auth`, on loopback only)."""


class Forbidden(BackendError):
    """The key is good, but not for this."""

    default_code = "forbidden"


def authorize(caller: Caller, scope: Scope) -> None:
    """Forbidden (`forbidden`) unless both the key's role and its own scopes hold this one."""
    if scope not in ROLES[caller.role] or scope not in caller.scopes:
        raise Forbidden(
            Phrase(
                f"This key may not do that: it lacks the scope {scope}.", f"该密钥无权执行此操作：缺少权限 {scope}。"
            ),
            Phrase(
                "Use another key, or give this one more on the API page.", "请换用其他密钥，或在“API”页面为它增加权限。"
            ),
        )
