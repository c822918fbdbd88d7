"""The sockets on which the server listens: loopback alone, unless somebody names an address beyond it (SEC-01)."""

import errno
import ipaddress
import socket
import ssl
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from backends.core.errors import InvalidInput, Unavailable
from backends.core.phrase import Phrase

LOOPBACK = ("127.0.0.1", "::1")
_BACKLOG = 256
_TRIES = 10  # for a port that is free at both addresses
_MISSING = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files: the certificate with those above it, and its key, not encrypted."""

    certificate: Path
    key: Path


def addresses(host: str) -> tuple[str, ...]:
    """Where a host listens; both addresses of loopback for "localhost" or either of them. InvalidInput (`bad_host`)."""
    if host.lower() in ("", "localhost", *LOOPBACK, "[::1]"):
        return LOOPBACK
    try:
        found = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise InvalidInput(
            Phrase(f"There is no address {host}.", f"找不到地址 {host}。"),
            Phrase("Give an address of this computer.", "请填写本机的地址。"),
            "bad_host",
        ) from error
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))


def is_loopback(wanted: Iterable[str]) -> bool:
    return all(ipaddress.ip_address(one.partition("%")[0]).is_loopback for one in wanted)


def listen(wanted: Sequence[str], port: int) -> tuple[list[socket.socket], int]:
    """Listening sockets, all on one port; 0: any that is free. An address that this machine lacks is left out if
    another is there. Unavailable (`port_in_use`), InvalidInput (`bad_host`, `bad_port`)."""
    if not 0 <= port <= 65535:
        raise _bad_port(port)
    for _ in range(_TRIES - 1 if port == 0 else 0):
        try:
            return _all(wanted, port)
        except Unavailable:
            continue
    return _all(wanted, port)


def tls_context(tls: Tls) -> ssl.SSLContext:
    """InvalidInput (`bad_certificate`)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=lambda: b"")  # nobody is asked for a password
    except (OSError, ValueError) as error:  # SSLError is an OSError
        raise InvalidInput(
            Phrase("The certificate or its key cannot be used.", "无法使用该证书或其私钥。"),
            Phrase("Both have to be PEM files, the key without a password.", "两者都须为 PEM 文件，且私钥不带密码。"),
            "bad_certificate",
        ) from error
    return context


def _all(wanted: Sequence[str], port: int) -> tuple[list[socket.socket], int]:
    with ExitStack() as opened:
        sockets: list[socket.socket] = []
        missing: OSError | None = None
        for address in wanted:
            try:
                one = opened.enter_context(_one(address, port))
            except OSError as error:
                if error.errno not in _MISSING:
                    raise _failed(error, address, port) from error
                missing = error
                continue
            sockets.append(one)
            port = one.getsockname()[1]
        if not sockets:
            raise _failed(missing or OSError(), wanted[0], port) from missing
        opened.pop_all()
        return sockets, port


def _one(address: str, port: int) -> socket.socket:
    name, _, zone = address.partition("%")
    family = socket.AF_INET6 if ipaddress.ip_address(name).version == 6 else socket.AF_INET
    # asyncio sends without delay (TCP_NODELAY) where the protocol is named, and only there
    one = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    with ExitStack() as opened:
        opened.enter_context(one)
        if sys.platform == "win32":
            one.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind((name, port, 0, socket.if_nametoindex(zone) if zone else 0))
        else:
            one.bind((name, port))
        one.listen(_BACKLOG)
        one.setblocking(False)
        opened.pop_all()
    return one


def _failed(error: OSError, address: str, port: int) -> InvalidInput | Unavailable:
    if error.errno == errno.EADDRINUSE or getattr(error, "winerror", 0) in (10013, 10048):
        return Unavailable(
            Phrase(f"Port {port} is used by another program.", f"端口 {port} 已被其他程序占用。"),
            Phrase("Choose another port, or end that program.", "请换一个端口，或关闭占用它的程序。"),
            "port_in_use",
        )
    if isinstance(error, PermissionError):
        return _bad_port(port)
    return InvalidInput(
        Phrase(f"This computer has no address {address}.", f"本机没有地址 {address}。"),
        Phrase("Give an address of this computer.", "请填写本机的地址。"),
        "bad_host",
    )


def _bad_port(port: int) -> InvalidInput:
    return InvalidInput(
        Phrase(f"Port {port} may not be used.", f"不能使用端口 {port}。"),
        Phrase("Choose one from 1024 to 65535.", "请选择 1024 到 65535 之间的端口。"),
        "bad_port",
    )
