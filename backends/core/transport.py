"""How requests leave, by the rules that `network.py` promises. The only importer of the HTTP client.

httpx2 speaks HTTP over httpcore2; three hooks of theirs are ours. `_Transport` judges each request before it goes and
notes what came of it. `wire.Dialer` connects to judged addresses. `wire.Body` turns a broken body into our errors. A
`Trip` holds what belongs to one purpose, and its sockets, so that a cancel can cut them.
"""

import contextlib
import functools
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import httpcore2
import httpx2
import socksio

from backends.core import addresses, routes, wire
from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled, DownloadError
from backends.core.gate import GATE, Refused, is_here
from backends.core.network_errors import SECRET_HEADERS, network_error

if TYPE_CHECKING:
    from backends.core.network import Network

_LARGEST_ANSWERS = 8 << 20  # bytes of all answers to huggingface_hub within one trip: a listing has a few hundred KB
_LEAST_ANSWER = 64 << 10  # what an answer counts at least, so that there are not endlessly many

# What httpx2 itself raises when it follows redirects; everything else is raised by us, as ours.
BAD_REDIRECTS = (httpx2.TooManyRedirects, httpx2.RemoteProtocolError)


def parse(url: str) -> httpx2.URL:
    """The address, with its host in ASCII. DownloadError `bad_address` unless it is an http or https one."""
    try:
        parsed = httpx2.URL(url.strip())
    except httpx2.InvalidURL as error:
        raise network_error("bad_address", ascii(url[:100])) from error
    if not _is_web(parsed):
        raise network_error("bad_address", ascii(url[:100]))
    return parsed


def _is_web(url: httpx2.URL) -> bool:
    """http or https, and a host of letters, digits and what stands between them (httpx2 escapes the rest)."""
    return url.scheme in ("http", "https") and re.fullmatch(rb"[\w.:-]+", url.raw_host) is not None


def port(url: httpx2.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def shown(url: httpx2.URL) -> str:
    """`host:port`, all that a log or a sentence tells of an address."""
    return f"[{url.host}]:{port(url)}" if ":" in url.host else f"{url.host}:{port(url)}"


def same_place(one: httpx2.URL, other: httpx2.URL) -> bool:
    """The same scheme, host and port, or the same host over https instead of http, each on its own port."""
    if one.host != other.host:
        return False
    upgrade = (one.scheme, port(one), other.scheme, port(other)) == ("http", 80, "https", 443)
    return upgrade or (one.scheme, port(one)) == (other.scheme, port(other))


def tls_context(ca_file: str) -> ssl.SSLContext:
    """Trusts what the system trusts, and the certificates in `ca_file`."""
    context = httpcore2.default_ssl_context()
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:
            raise network_error("bad_ca_file", ca_file, error.strerror or error) from error
    return context


class Trip:
    """The requests of one purpose, on one thread: their rules, their connections, and the cut when it is cancelled."""

    def __init__(
        self, network: "Network", purpose: str, private_host: str | None, cancel: CancelToken, timeout: float
    ) -> None:
        self._network = network
        self._purpose = purpose
        self._timeout = timeout
        self._private_host = private_host
        self._cancel = cancel
        self.meter = wire.Meter()
        self._offline = False
        self.secret_host: str | None = None  # for huggingface_hub: the only one that hears its keys
        self._came_from = ""
        self._outside = False  # whether a connection leads out of this machine
        self._left = _LARGEST_ANSWERS
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._streams: list[httpcore2.NetworkStream] = []
        self._pools: dict[routes.Proxy | None, httpcore2.ConnectionPool] = {}

    def __enter__(self) -> "Trip":
        self._forget = self._cancel.on_cancel(self._cut)
        self._network.began(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._forget()
        self._network.ended(self)
        for pool in self._pools.values():
            pool.close()
        with self._lock:
            for opened in (*self._sockets, *self._streams):  # httpcore2 forgets the stream of a proxy that fails
                opened.close()

    def client(self) -> httpx2.Client:
        return httpx2.Client(transport=_Transport(lambda: self), trust_env=False)

    def refusal(self, code: str, url: httpx2.URL, detail: str = "") -> DownloadError:
        """The error that refuses `url`, noted."""
        self._note(url, code)
        return network_error(code, shown(url), detail)

    def spend(self, count: int, url: httpx2.URL) -> None:
        """Take `count` bytes from what answers may have; DownloadError (`too_much`) when it is used up."""
        self._left -= count
        if self._left < 0:
            raise self.refusal("too_much", url)

    # ---- one request

    def carry(self, request: httpx2.Request) -> httpx2.Response:
        url, began = request.url, time.monotonic()
        received, sent = self.meter.received, self.meter.sent
        try:
            self._cancel.check()
            self._judge(url)
            proxy = routes.proxy_for(url.scheme, url.host, port(url), self._network.options.proxy)
            answer = self._exchange(request, proxy)
        except Cancelled:
            self._note(url, "cancelled")
            raise
        except BackendError as error:
            self._note(url, error.code)
            raise
        log, number = self._network.log, self._network.log.begin(self._purpose, shown(url), str(answer.status))

        def over() -> None:
            moved = {"received": self.meter.received - received, "sent": self.meter.sent - sent}
            log.finish(number, **moved, seconds=time.monotonic() - began)

        body = _Body(answer, lambda error: self._broken(error, url), self._timeout, over)
        extensions = {**answer.extensions, wire.BODY: body}
        return httpx2.Response(answer.status, headers=answer.headers, stream=body, extensions=extensions)

    def _judge(self, url: httpx2.URL) -> None:
        """What can be said before anything is looked up."""
        if self._network.options.offline and not addresses.is_loopback(url.host):
            raise network_error("offline", shown(url))
        if not _is_web(url):
            raise self._forbidden("bad_address", url)
        if addresses.matches(self._private_host, url.host, port(url)):
            return
        if addresses.is_local(url.host):
            raise self._forbidden("private_address", url)
        if url.scheme != "https":
            raise self._forbidden("insecure_address", url)

    def _forbidden(self, code: str, url: httpx2.URL) -> DownloadError:
        if self._came_from:
            return network_error("redirect_refused", self._came_from, f"{url.scheme}://{shown(url)}")
        return network_error(code, shown(url))

    def _exchange(self, request: httpx2.Request, proxy: routes.Proxy | None) -> httpcore2.Response:
        url = request.url
        headers = request.headers.raw
        if url.scheme == "http" and not addresses.is_local(url.host):
            headers = [(name, value) for name, value in headers if name.decode("ascii").lower() not in SECRET_HEADERS]
        try:
            answer = self._pool(proxy, url).handle_request(
                httpcore2.Request(
                    method=request.method,
                    url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                    headers=headers,
                    content=request.stream,
                    extensions={**request.extensions, "timeout": self._timeouts()},
                )
            )
        except wire.FAILURES as error:
            raise self._translated(error, url, proxy) from error
        self._came_from = ""
        if proxy and answer.status == 407:
            answer.close()
            raise network_error("proxy_auth", str(proxy))
        if 300 <= answer.status < 400:
            self._came_from = shown(url)
            location = httpx2.Headers(answer.headers).get("location", "")
            if url.scheme == "https" and location.lower().startswith("http:"):
                answer.close()
                raise network_error("redirect_refused", shown(url), "http:// instead of https://")
        return answer

    def _timeouts(self) -> dict[str, float]:
        """Ours, whatever the caller of the client says: huggingface_hub waits for ever."""
        return dict.fromkeys(("connect", "read", "write", "pool"), self._timeout)

    def _pool(self, proxy: routes.Proxy | None, url: httpx2.URL) -> httpcore2.ConnectionPool:
        if proxy not in self._pools:
            self._pools[proxy] = httpcore2.ConnectionPool(
                ssl_context=self._network.tls_context(),
                proxy=_proxy(proxy, self._network.tls_context()) if proxy else None,
                network_backend=wire.Dialer(functools.partial(self._dial, proxy)),
            )
        return self._pools[proxy]

    def _dial(self, proxy: routes.Proxy | None, host: str, port: int) -> httpcore2.NetworkStream:
        """Connect to `host`, which is the proxy's if there is one."""
        trusted = proxy is not None or addresses.matches(self._private_host, host, port)
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

        def connect(address: str, seconds: float) -> httpcore2.NetworkStream:
            try:
                return httpcore2.SyncBackend().connect_tcp(address, port, seconds)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                raise error.__cause__ if isinstance(error.__cause__, OSError) else OSError(str(error)) from None

        try:
            with GATE.door():
                stream = addresses.dial(
                    host,
                    port,
                    allowed=(lambda _: True) if trusted else addresses.is_public,
                    connect=connect,
                    timeout=self._timeout,
                    cancel=self._cancel,
                    resolve=self._network.resolve,
                )
        except Refused as error:
            raise network_error("offline", place) from error
        except OSError as error:
            if proxy:
                raise network_error("proxy_failed", str(proxy), _reason(error)) from error
            code = "timeout" if isinstance(error, TimeoutError) else "no_network"
            raise network_error(code, place, _reason(error)) from error
        if stream is None:
            if self._came_from:
                raise network_error("redirect_refused", self._came_from, place)
            raise network_error("private_address", place)
        self._hold(stream, outside=proxy is not None or not is_here(host))
        return wire.Line(stream, self._check, self.meter)

    # ---- the cut

    def _hold(self, stream: httpcore2.NetworkStream, *, outside: bool) -> None:
        """Keep a second handle to the connection: the first is changed by TLS and belongs to the HTTP client."""
        with self._lock:
            self._streams.append(stream)
            self._sockets.append(stream.get_extra_info("socket").dup())
            self._outside = self._outside or outside
        if self._cancel.cancelled:
            self._cut()
        if self._network.options.offline:
            self.go_offline()

    def go_offline(self) -> None:
        """From any thread: end what leads outside; whoever reads from it gets the error `offline`."""
        if self._outside:
            self._offline = True
            self._cut()

    def _check(self) -> None:
        """Whether what reads from a connection may go on."""
        self._cancel.check()
        if self._offline:
            raise httpcore2.ReadError("offline")

    def _cut(self) -> None:
        """End the connections under whoever reads from them."""
        with self._lock:
            for held in self._sockets:
                with contextlib.suppress(OSError):  # it has ended by itself
                    held.shutdown(socket.SHUT_RDWR)

    # ---- what came of it

    def _note(self, url: httpx2.URL, outcome: str) -> None:
        self._network.log.add(self._purpose, shown(url), outcome)

    def _translated(self, error: Exception, url: httpx2.URL, proxy: routes.Proxy | None) -> Exception:
        if self._cancel.cancelled:
            return Cancelled()
        if self._offline:
            return network_error("offline", shown(url))
        cause = error.__cause__ or error.__context__  # the pool of httpcore2 raises anew, "from None"
        if isinstance(error, httpcore2.TimeoutException):
            return network_error("timeout", shown(url))
        if isinstance(cause, ssl.SSLError) and isinstance(error, httpcore2.ConnectError):
            return network_error("tls_failed", shown(url), getattr(cause, "verify_message", "") or cause.reason)
        if proxy and isinstance(error, httpcore2.ProxyError):
            # httpcore2 tells the status of a refused CONNECT only as the first word of its message.
            code = "proxy_auth" if str(error).startswith("407") else "proxy_failed"
            return network_error(code, str(proxy), error)
        if proxy and isinstance(error, socksio.ProtocolError):
            return network_error("proxy_failed", str(proxy), "it does not speak SOCKS 5")
        return network_error("connection_lost", shown(url))

    def _broken(self, error: Exception, url: httpx2.URL) -> Exception:
        translated = self._translated(error, url, None)
        self._note(url, translated.code if isinstance(translated, BackendError) else "cancelled")
        return translated


def hub_client(current: threading.local) -> httpx2.Client:
    """The client for huggingface_hub: each thread's requests belong to the trip in `current.trip`."""

    def trip() -> Trip:
        found: Trip | None = getattr(current, "trip", None)
        if found is None:
            raise RuntimeError("huggingface_hub was called outside of Network.hub_session")
        return found

    return _HubClient(
        transport=_HubTransport(trip),
        trust_env=False,
        follow_redirects=True,
        max_redirects=8,
        headers={"user-agent": "DeskSeek", "accept-encoding": "identity"},
    )


class _Transport(httpx2.BaseTransport):
    def __init__(self, trip: Callable[[], Trip]) -> None:
        self._trip = trip

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._trip().carry(request)


class _HubClient(httpx2.Client):
    def close(self) -> None:
        """huggingface_hub closes its client whenever a session begins, also while another thread is using it. This
        one holds nothing that needs closing: connections belong to trips."""


class _HubTransport(_Transport):
    """Nothing leaves but what was asked for: huggingface_hub would also report to its makers, and ask them which
    programs may be using it. It takes the refusal as being offline."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path.startswith(("/api/telemetry", "/api/agent-harnesses")):
            raise network_error("offline", shown(request.url))
        url, only = request.url, self._trip().secret_host
        if only is not None and not addresses.matches(only, url.host, port(url)):
            for name in SECRET_HEADERS & set(request.headers):
                del request.headers[name]
        answer = super().handle_request(request)
        self._trip().spend(_LEAST_ANSWER, request.url)
        answer.stream = _Bounded(answer, request.url, self._trip())
        return answer


class _Bounded(httpx2.SyncByteStream):
    """huggingface_hub reads every answer whole, whatever its size; and unpacks what came packed without being asked."""

    def __init__(self, answer: httpx2.Response, url: httpx2.URL, trip: Trip) -> None:
        self._body = answer.stream
        self._packed = answer.headers.get("content-encoding", "identity") != "identity"
        self._url = url
        self._trip = trip

    def __iter__(self) -> Iterator[bytes]:
        assert isinstance(self._body, httpx2.SyncByteStream)
        for piece in self._body:
            self._trip.spend(_LARGEST_ANSWERS + 1 if self._packed else len(piece), self._url)
            yield piece

    def close(self) -> None:
        assert isinstance(self._body, httpx2.SyncByteStream)
        self._body.close()


class _Body(wire.Body, httpx2.SyncByteStream):
    """What httpx2 takes for a body."""


def _proxy(proxy: routes.Proxy, tls: ssl.SSLContext) -> httpcore2.Proxy:
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    return httpcore2.Proxy(
        f"{proxy.scheme}://{host}:{proxy.port}",
        auth=(proxy.user.encode(), proxy.password.encode()) if proxy.user else None,
        ssl_context=tls if proxy.scheme == "https" else None,
    )


def _reason(error: OSError) -> str:
    """What the system says, without its number."""
    return error.strerror or str(error)
