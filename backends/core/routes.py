"""Which way a request takes: straight, or through the proxy of the settings or of the system."""

import re
import urllib.parse
from dataclasses import dataclass

from backends.core import addresses
from backends.core.errors import DownloadError
from backends.core.network_errors import network_error

_HOST = re.compile(r"[^\s\\]+")
_DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
# What systems and people write -> what the HTTP client knows. socks5h lets the proxy look up the name, which is what
# a person who needs a proxy wants.
_SCHEMES = {"http": "http", "https": "https", "socks": "socks5h", "socks5": "socks5h", "socks5h": "socks5h"}


@dataclass(frozen=True, slots=True)
class Proxy:
    scheme: str
    host: str
    port: int
    user: str
    password: str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def proxy_for(scheme: str, host: str, port: int, setting: str) -> Proxy | None:
    """The proxy for `scheme://host:port`, None for the straight way.

    `setting` goes before the system's (environment variables; on Windows and macOS also the system settings).
    NO_PROXY and its kin are honoured for both; this machine is never asked for through a proxy.
    """
    import urllib.request  # 35 ms that no start shall wait for

    if addresses.is_loopback(host) or urllib.request.proxy_bypass(f"{host}:{port}"):
        return None
    if setting:
        return parse_proxy(setting)
    system = urllib.request.getproxies()
    found = system.get(scheme) or system.get("all") or system.get("socks")
    return parse_proxy(found) if found else None


def local_ports(setting: str) -> frozenset[int]:
    """The ports of this machine where a proxy of the settings or of the system listens."""
    import urllib.request

    ports = set()
    for text in filter(None, (setting, *urllib.request.getproxies().values())):
        try:
            proxy = parse_proxy(text)
        except DownloadError:
            continue
        if addresses.is_loopback(proxy.host):
            ports.add(proxy.port)
    return frozenset(ports)


def parse_proxy(text: str) -> Proxy:
    """Read `[scheme://][user:password@]host:port`. Raises DownloadError `proxy_failed` if it is none."""
    parts = urllib.parse.urlsplit(text if "://" in text else f"http://{text}")
    scheme = _SCHEMES.get(parts.scheme.lower())
    shown = text.rpartition("@")[2]
    try:
        port = parts.port
    except ValueError as error:
        raise network_error("proxy_failed", shown, error) from error
    if scheme is None or not parts.hostname or not _HOST.fullmatch(parts.hostname):
        raise network_error("proxy_failed", shown, "it should look like http://host:port")
    return Proxy(
        scheme,
        parts.hostname,
        port or _DEFAULT_PORTS[scheme],
        urllib.parse.unquote(parts.username or ""),
        urllib.parse.unquote(parts.password or ""),
    )
