"""The keys of the API: made, narrowed, revoked. A key is shown once; what is stored is its hash (SEC-06).

    key, secret = keys.add("Editor", "user", models=("r1-*",))
    keys.caller(secret)  # a Caller, or None

A key is `dsk_<id>_<secret>`: the id (not secret, for lists and logs) in 12 hexadecimal digits, then 256 random bits in
64. So long a random secret needs no slow hash: SHA-256 (RFC 6234).
"""

import hashlib
import hmac
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from backends.core.errors import InvalidInput, NotFound
from backends.core.phrase import Phrase
from backends.governance.access import ROLES, Caller, Role, Scope
from backends.storage.database import Connected, Database
from backends.storage.migrations import Migration

__all__ = ["MIGRATIONS", "FixedKeys", "Key", "KeyStore"]

LONGEST_NAME = 100
_FORM = re.compile(r"dsk_([0-9a-f]{12})_[0-9a-f]{64}")
_GUESSED_BY_NOBODY = re.compile(r"[!-~]{20,1000}")
_NOBODY = bytes(32)


def _create(connection: Connected) -> None:
    connection.execute(
        """
        CREATE TABLE keys (
            id TEXT PRIMARY KEY,
            hash BLOB NOT NULL,
            name TEXT NOT NULL,
            role TEXT NOT NULL CHECK (role IN ('admin', 'user', 'readonly', 'metrics')),
            scopes TEXT NOT NULL,
            models TEXT NOT NULL,
            requests_per_minute INTEGER NOT NULL,
            tokens_per_minute INTEGER NOT NULL,
            created REAL NOT NULL,
            expires REAL,
            revoked REAL
        )
        """
    )


MIGRATIONS = (Migration(1, "keys", _create),)


@dataclass(frozen=True, slots=True)
class Key:
    """Times in seconds since 1970. `expires`, `revoked` None: never, not."""

    id: str
    name: str
    role: Role
    scopes: frozenset[Scope]
    models: tuple[str, ...]
    requests_per_minute: int
    tokens_per_minute: int
    created: float
    expires: float | None = None
    revoked: float | None = None

    @property
    def caller(self) -> Caller:
        return Caller(
            self.id,
            self.name,
            self.role,
            self.scopes,
            self.models,
            self.requests_per_minute,
            self.tokens_per_minute,
        )

    def holds(self, now: float) -> bool:
        return self.revoked is None and (self.expires is None or now < self.expires)


class KeyStore:
    """Any thread may use it. `clock`: seconds since 1970."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock
        self._lock = threading.Lock()
        self._known = self._read()

    def all(self) -> tuple[Key, ...]:
        """All of them, also those that were revoked, the newest first."""
        return tuple(sorted((key for key, _ in self._known.values()), key=lambda key: key.created, reverse=True))

    def add(
        self,
        name: str,
        role: Role = "user",
        *,
        scopes: Iterable[Scope] | None = None,
        models: Sequence[str] = (),
        requests_per_minute: int = 0,
        tokens_per_minute: int = 0,
        expires: float | None = None,
    ) -> tuple[Key, str]:
        """The new key, and its secret, which nobody can read again. InvalidInput (`bad_key`)."""
        name = " ".join(name.split())
        granted: frozenset[Scope] = ROLES[role] if scopes is None else frozenset(scopes) & ROLES[role]
        patterns = tuple(dict.fromkeys(one.strip() for one in models if one.strip()))
        _check(name, granted, patterns, (requests_per_minute, tokens_per_minute))
        now = self._clock()
        if expires is not None and expires <= now:
            raise _bad(Phrase("A key cannot end in the past.", "密钥的到期时间不能早于现在。"))
        key_id = secrets.token_hex(6)
        secret = f"dsk_{key_id}_{secrets.token_hex(32)}"
        key = Key(key_id, name, role, granted, patterns, requests_per_minute, tokens_per_minute, now, expires)
        with self._lock, self._database.atomic() as connection:
            lists = (json.dumps(sorted(granted)), json.dumps(patterns))
            limits = (requests_per_minute, tokens_per_minute)
            connection.execute(
                "INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
                (key.id, _hash(secret), name, role, *lists, *limits, now, expires),
            )
            self._known = {**self._known, key.id: (key, _hash(secret))}
        return key, secret

    def revoke(self, key_id: str) -> Key:
        """It opens nothing any more, and stays in the list. NotFound (`no_key`)."""
        self._change("UPDATE keys SET revoked = ? WHERE id = ? AND revoked IS NULL", key_id, self._clock())
        return self._known[key_id][0]

    def erase(self, key_id: str) -> None:
        """Also out of the list. NotFound (`no_key`)."""
        self._change("DELETE FROM keys WHERE hash <> ? AND id = ?", key_id, _NOBODY)

    def caller(self, secret: str) -> Caller | None:
        """Who has this key; None for a wrong one, one that is revoked or has ended. Takes the same time for all."""
        found = _FORM.fullmatch(secret)
        key, kept = self._known.get(found[1], (None, _NOBODY)) if found else (None, _NOBODY)
        same = hmac.compare_digest(_hash(secret), kept)
        return key.caller if same and key is not None and key.holds(self._clock()) else None

    def _change(self, statement: str, key_id: str, value: object) -> None:
        with self._lock, self._database.atomic() as connection:
            if key_id not in self._known:
                raise NotFound(Phrase("There is no such key.", "没有这个密钥。"), code="no_key")
            connection.execute(statement, (value, key_id))
            self._known = self._read()

    def _read(self) -> dict[str, tuple[Key, bytes]]:
        rows = self._database.connection().execute("SELECT * FROM keys").fetchall()
        return {row["id"]: (_key(row), bytes(row["hash"])) for row in rows}


class FixedKeys:
    """Keys that somebody else looks after (`serve --api-key-file`), and those of the store beside them."""

    def __init__(self, fixed: Sequence[str], store: KeyStore | None = None, role: Role = "admin") -> None:
        """InvalidInput (`bad_key`) for one that is easily guessed."""
        for secret in fixed:
            if not _GUESSED_BY_NOBODY.fullmatch(secret):
                raise _bad(
                    Phrase(
                        "A key needs at least 20 letters or digits and no blanks.",
                        "密钥至少需要 20 个字母或数字，且不含空格。",
                    )
                )
        self._hashes = tuple(_hash(secret) for secret in fixed)
        self._store = store
        self._role: Role = role

    def caller(self, secret: str) -> Caller | None:
        mine, same = _hash(secret), False
        for kept in self._hashes:
            same |= hmac.compare_digest(mine, kept)
        stored = self._store.caller(secret) if self._store else None
        return Caller("file", "key file", self._role, ROLES[self._role]) if same else stored


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _key(row: Mapping[str, Any]) -> Key:
    known = frozenset(get_args(Scope))
    return Key(
        row["id"],
        row["name"],
        row["role"],
        frozenset(json.loads(row["scopes"])) & known,
        tuple(json.loads(row["models"])),
        row["requests_per_minute"],
        row["tokens_per_minute"],
        row["created"],
        row["expires"],
        row["revoked"],
    )


def _check(name: str, scopes: frozenset[Scope], models: Sequence[str], limits: Sequence[int]) -> None:
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise _bad(Phrase("A key needs a name of at most 100 characters.", "密钥需要一个名称，最多 100 个字符。"))
    if not scopes:
        raise _bad(Phrase("A key that may do nothing is of no use.", "密钥至少需要一项权限。"))
    if any(len(one) > 200 or not one.isprintable() for one in models) or len(models) > 100:
        raise _bad(Phrase("These names of models are too long.", "模型名称过长。"))
    if any(not 0 <= one <= 10**9 for one in limits):
        raise _bad(Phrase("A limit is a number from 0 to 1,000,000,000.", "限额应为 0 到 1,000,000,000 之间的数。"))


def _bad(message: Phrase) -> InvalidInput:
    return InvalidInput(message, code="bad_key")
