"""Nothing leaves this machine while the program is set to stay offline, whichever library tries; and every attempt that
does not go through the one door (`network`) is told of, also while it may go.

    GATE.install()                      # once in a process, before anything else
    GATE.set_offline(True)              # from now on; what is open already is cut
    with GATE.door(): …                 # the door connects: it keeps records of its own

An audit hook of Python (PEP 578) sees each connect, each datagram and each look-up of a name before it happens, and
cannot be taken out again. Allowed offline: this machine by its address (127.0.0.0/8, ::1) or as `localhost`, local
sockets (AF_UNIX and those to the kernel), and addresses that only wrap these. Refused: all else, `0.0.0.0`, odd
spellings such as 2130706433, name servers of this machine, and proxies of this machine, which lead outside.

What it cannot see: native code that opens sockets by itself (no library of ours does), asyncio on Windows when it
connects to a bare address (ConnectEx; names are still refused), another program that a person opens, such as a
browser. A child process (`child`) has a gate of its own, closed until its parent says otherwise.
"""

import contextlib
import errno
import ipaddress
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType
from typing import Any, Literal

NAME_SERVERS = frozenset({53, 853})
UNKNOWN = "unknown: "  # begins the purpose of what did not come through the door; the module that did it follows

_KEPT = 200  # attempts that are remembered until somebody listens
_PLUMBING = sys.stdlib_module_names | {  # whoever called these is who wanted it
    *("anyio", "aiohttp", "httpcore", "httpcore2", "httpx", "httpx2", "requests", "urllib3")
}
_LOCAL_FAMILIES = frozenset(
    getattr(socket, name) for name in ("AF_UNIX", "AF_NETLINK", "AF_ALG", "AF_SYSTEM") if hasattr(socket, name)
)
_INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})


class Refused(OSError):
    """The gate is closed. For whichever library tried: to it there is no network."""

    def __init__(self, host: str) -> None:
        super().__init__(errno.ENETUNREACH, f"DeskSeek is set to stay offline; {host} was not contacted")


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something that went, or tried to go, past the door. `host`: as it was asked for, with the port where there is
    one. `outcome`: `offline` (refused), `lookup` (the name was looked up) or `tried` (nobody knows how it went)."""

    purpose: str
    host: str
    outcome: Literal["offline", "lookup", "tried"]


class Gate:
    """One for the process: `GATE`. Any thread."""

    def __init__(self) -> None:
        self.offline = False
        self.proxies: frozenset[int] = frozenset()
        self._installed = False
        self._through: ContextVar[bool] = ContextVar("through", default=False)
        self._lock = threading.RLock()
        self._early: deque[Attempt] = deque(maxlen=_KEPT)
        self._listener: Callable[[Attempt], object] | None = None
        self._switched: dict[object, Callable[[], object]] = {}
        self._open: set[int] = set()  # descriptors of sockets that may be connected to the outside

    def install(self, *, offline: bool = False) -> None:
        """Watch from now on, for as long as this process lives."""
        self.offline = offline
        if not self._installed:
            self._installed = True
            judge = self._judge

            def watch(event: str, arguments: tuple[Any, ...]) -> None:
                if event in _EVENTS:  # of all that is audited (opened files, imports) almost nothing is
                    judge(event, arguments)

            sys.addaudithook(watch)  # a plain function costs half a microsecond an event, a method two

    def set_offline(self, offline: bool, proxies: frozenset[int] = frozenset()) -> None:
        """`proxies`: ports of this machine that lead outside."""
        before = (self.offline, self.proxies)
        self.offline, self.proxies = offline, proxies
        if offline:
            self._cut()
        if before != (offline, proxies):
            for switched in tuple(self._switched.values()):
                switched()

    def on_switched(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call it after each change, on the thread that made it. Gives a function that ends it."""
        key = object()
        self._switched[key] = callback

        def forget() -> None:
            self._switched.pop(key, None)

        return forget

    def listen(self, listener: Callable[[Attempt], object] | None) -> None:
        """Who is told of attempts, on the thread that made them; at once of those that nobody has heard of yet."""
        with self._lock:
            self._listener = listener
            early = list(self._early) if listener else []
            if listener:
                self._early.clear()
        for attempt in early:
            self.tell(attempt)

    def tell(self, attempt: Attempt) -> None:
        """Of an attempt that was made here, or in a child."""
        with self._lock:
            listener = self._listener
            if listener is None:
                self._early.append(attempt)
        if listener is not None:
            listener(attempt)

    @contextlib.contextmanager
    def door(self) -> Iterator[None]:
        """What is connected within keeps its own record. It is refused as everything is."""
        token = self._through.set(True)
        try:
            yield
        finally:
            self._through.reset(token)

    def allows(self, host: str, port: int) -> bool:
        """Whether this place may be reached now."""
        return not self.offline or (is_here(host) and port not in NAME_SERVERS and port not in self.proxies)

    # ---- the hook

    def _judge(self, event: str, arguments: tuple[Any, ...]) -> None:
        target = _EVENTS[event](*arguments)
        if target is None:
            return
        host, port, lookup = target
        if is_here(host):
            if self.allows(host, port):
                return
        elif not self.offline and not lookup:
            with contextlib.suppress(AttributeError):
                self._open.add(arguments[0].fileno())
        if not self._through.get():
            outcome = "offline" if self.offline else "lookup" if lookup else "tried"
            self.tell(Attempt(UNKNOWN + _caller(sys._getframe(1)), _shown(host, port), outcome))
        if self.offline:
            raise Refused(_shown(host, port))

    def _cut(self) -> None:
        """End what was connected to the outside before the gate was closed."""
        descriptors, self._open = self._open, set()
        for descriptor in descriptors:
            with contextlib.suppress(OSError):  # closed long ago, or no socket any more
                sock = socket.socket(fileno=descriptor)
                try:
                    if sock.family in _INTERNET and not is_here(str(sock.getpeername()[0])):
                        sock.shutdown(socket.SHUT_RDWR)
                finally:
                    sock.detach()


def is_here(host: str) -> bool:
    """Whether `host` is this machine and can be nothing else: no name but `localhost`, no odd spelling of a number."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    inner = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (inner or ip).is_loopback


_Target = tuple[str, int, bool]  # host, port or 0, whether only a name is looked up


def _of_connection(sock: Any, address: Any) -> _Target | None:
    if address is None or sock.family in _LOCAL_FAMILIES:  # None: a datagram on a socket that is connected
        return None
    if sock.family in _INTERNET and isinstance(address, tuple) and len(address) >= 2:
        return _text(address[0]), address[1] if isinstance(address[1], int) else 0, False
    return str(address), 0, False


def _of_lookup(host: Any, port: Any = None, *_: object) -> _Target | None:
    name = _text(host)
    if not name or is_here(name) or _is_address(name):
        return None
    return name, int(port) if isinstance(port, int) or (isinstance(port, str) and port.isdecimal()) else 0, True


def _of_reverse(host: Any, *_: object) -> _Target | None:
    name = _text(host[0] if isinstance(host, tuple) and host else host)
    return None if is_here(name) else (name, 0, True)


_EVENTS: dict[str, Callable[..., _Target | None]] = {
    "socket.connect": _of_connection,
    "socket.sendto": _of_connection,
    "socket.sendmsg": _of_connection,
    "socket.getaddrinfo": _of_lookup,
    "socket.gethostbyname": _of_lookup,
    "socket.gethostbyaddr": _of_reverse,
    "socket.getnameinfo": _of_reverse,
}


def _text(host: Any) -> str:
    return bytes(host).decode("latin-1") if isinstance(host, (bytes, bytearray)) else "" if host is None else str(host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _shown(host: str, port: int) -> str:
    host = f"[{host}]" if ":" in host and port else host
    return f"{host}:{port}" if port else host


def _caller(frame: FrameType | None) -> str:
    """The module that wanted it: the innermost that is no plumbing."""
    last = "python"
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name == "__main__" and (spec := frame.f_globals.get("__spec__")) is not None:  # python -m
            name = spec.name
        if name == "__main__" or (name.partition(".")[0] not in _PLUMBING and name != __name__):
            return name
        last = last if name == __name__ else name.partition(".")[0]
        frame = frame.f_back
    return last


GATE = Gate()
