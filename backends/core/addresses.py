"""Which addresses an outgoing connection may reach (SEC-26), and how a name is dialled.

A hub, a mirror or a redirect must not lead this machine to itself or to its neighbours (server-side request
forgery). So a name is resolved once, every address is judged, and the connection is made to a judged address, not to
the name: a second look-up cannot answer differently (DNS rebinding).
"""

import contextvars
import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled


class Closeable(Protocol):
    def close(self) -> None: ...


S = TypeVar("S", bound=Closeable)
Resolver = Callable[..., list[tuple[Any, ...]]]

# TUN-mode proxies (Clash, sing-box), common in China, answer every name with an address of this range and carry the
# connection themselves. It is the range of RFC 2544 for test benches; nobody's neighbours live there.
_FAKE_IP = ipaddress.ip_network("198.18.0.0/15")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOCAL_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home", ".corp", ".intranet", ".home.arpa")


def is_public(address: str) -> bool:
    """Whether `address` (a literal IPv4 or IPv6 one) belongs to the open Internet, also when it wraps an IPv4 one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        return ip.is_global and not ip.is_multicast and ip.teredo is None
    return ip in _FAKE_IP or (ip.is_global and not ip.is_multicast and not ip.is_reserved)


def is_local(host: str) -> bool:
    """Whether `host` names this machine or its neighbours already by its spelling: a literal or a local name."""
    name = _plain(host)
    try:
        return not is_public(name)
    except ValueError:
        return "." not in name or name.endswith(_LOCAL_SUFFIXES)


def is_loopback(host: str) -> bool:
    name = _plain(host)
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _plain(host: str) -> str:
    """Lower case, no final dot, and `127.1` or `0x7f000001` written as the address that the system takes it for."""
    name = host.rstrip(".").lower()
    try:
        return socket.inet_ntoa(socket.inet_aton(name))
    except OSError:
        return name


def matches(typed: str | None, host: str, port: int) -> bool:
    """Whether `host` and `port` are what a person typed: `name`, `name:port`, `1.2.3.4`, `::1` or `[::1]:port`."""
    if not typed:
        return False
    typed, host = typed.strip().rstrip(".").lower(), host.rstrip(".").lower()
    bracketed = f"[{host}]" if ":" in host else host
    return typed in {host, bracketed, f"{bracketed}:{port}"}


def dial(
    host: str,
    port: int,
    *,
    allowed: Callable[[str], bool],
    connect: Callable[[str, float], S],
    timeout: float,
    cancel: CancelToken,
    resolve: Resolver = socket.getaddrinfo,
) -> S | None:
    """Resolve `host` and `connect(address, seconds)` to the first `allowed` address that answers.

    None if the name has addresses but none of them is allowed. Raises OSError (`socket.gaierror` for an unknown name,
    TimeoutError after `timeout` seconds) and Cancelled within a moment: a name server or a host that never answers
    holds a thread of its own, not the caller.
    """
    answers: queue.SimpleQueue[S | OSError | None] = queue.SimpleQueue()
    cancelled = OSError("cancelled")
    lock = threading.Lock()
    waiting = True

    def deliver() -> None:
        answer = _first_connection(host, port, allowed, connect, time.monotonic() + timeout, resolve)
        with lock:
            if waiting:
                answers.put(answer)
                return
        if answer is not None and not isinstance(answer, OSError):
            answer.close()

    forget = cancel.on_cancel(lambda: answers.put(cancelled))
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(deliver,), name=f"dial {host}", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout)
    except queue.Empty:
        answer = TimeoutError(f"no answer within {timeout:g} s")
    forget()
    with lock:
        waiting = False
    while not answers.empty():
        _close(answers.get())
    if cancel.cancelled:
        _close(answer)
        raise Cancelled
    if isinstance(answer, OSError):
        raise answer
    return answer


def _close(answer: Closeable | OSError | None) -> None:
    if answer is not None and not isinstance(answer, OSError):
        answer.close()


def _first_connection(
    host: str,
    port: int,
    allowed: Callable[[str], bool],
    connect: Callable[[str, float], S],
    deadline: float,
    resolve: Resolver,
) -> S | OSError | None:
    try:
        found = resolve(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return error
    except UnicodeError as error:  # the idna codec on a label that is empty or too long
        return socket.gaierror(socket.EAI_NONAME, str(error))
    addresses = [str(entry[4][0]) for entry in found]
    addresses = [address for address in dict.fromkeys(addresses) if allowed(address)]
    failure: OSError | None = None
    for number, address in enumerate(addresses):
        share = (deadline - time.monotonic()) / (len(addresses) - number)
        try:
            return connect(address, max(share, 0.1))
        except OSError as error:
            failure = failure or error
    return failure
