"""Which names this server goes by, and which web pages may speak to it (SEC-02, SEC-03).

A page on the web that reaches this computer, by a name of its own that leads here (DNS rebinding) or across origins,
is told nothing.
"""

import ipaddress
import re
from collections.abc import Iterable

from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]{0,40})://(\[[0-9a-f:.]+\]|[a-z0-9._-]{1,253})(?::([1-9][0-9]{0,4}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def named(host: str) -> frozenset[str]:
    """What `--host NAME` adds to the names: exactly that one. Nothing for "every address", which is no name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return frozenset({host.lower()})
    if address.is_unspecified:
        return frozenset()
    return frozenset({f"[{address.compressed}]" if address.version == 6 else str(address)})


def is_ours(host: str, port: int, names: Iterable[str] = ()) -> bool:
    """Whether a Host header names this server: one of the exact names, with its port or with none."""
    return any(host.lower() in (name, f"{name}:{port}") for name in (*LOOPBACK_NAMES, *names))


def checked(origin: str) -> str:
    """An origin as browsers send it: "https://example.org", "app://obsidian.md". InvalidInput (`bad_origin`), also for
    `*` and `null`: whoever is meant is named."""
    found = _ORIGIN.fullmatch(origin.strip().lower().removesuffix("/"))
    if found is None or int(found[3] or 1) > 65535:
        raise InvalidInput(
            Phrase(f"{origin!r} is not the address of a web page's server.", f"“{origin}”不是有效的网页来源地址。"),
            Phrase(
                "Write it like https://example.org or http://localhost:3000.",
                "请写成 https://example.org 或 http://localhost:3000 的形式。",
            ),
            "bad_origin",
        )
    scheme, host, port = found.groups()
    return f"{scheme}://{host}" if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{scheme}://{host}:{port}"


class Origins:
    """The web pages that may speak to this server; nobody unless named. May be changed while it runs, by any thread."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self.allow(allowed)

    def allow(self, origins: Iterable[str]) -> None:
        """From now on these, and no others. InvalidInput (`bad_origin`)."""
        self._allowed = frozenset(checked(one) for one in origins)

    def __contains__(self, origin: object) -> bool:
        return origin in self._allowed
