"""The one door for everything that leaves this machine.

    with network.open("model list", "GET", url, cancel=token) as response:
        body = response.read(1_000_000)

Every connection has a purpose, and every attempt, redirects and refusals too, leaves a `Connection` that a person can
look at. Requirement SEC-26: a key goes to the host it was meant for and to no other, an encrypted address never leads
to a plain one, and this machine and its neighbours are out of reach unless a person typed their name. Proxies come
from the settings, else from the system; certificates from the system, and from a company's own file. What goes past
this door is seen, and offline refused, by the `gate`.

The rules are carried out in `transport.py`, the only importer of the HTTP client, loaded with the first connection.
"""

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backends import __version__
from backends.core import addresses, routes
from backends.core.cancel import CancelToken
from backends.core.connections import Connection, ConnectionLog
from backends.core.errors import InvalidInput
from backends.core.gate import GATE, Attempt
from backends.core.network_errors import SECRET_HEADERS, network_error
from backends.core.phrase import Phrase

if TYPE_CHECKING:
    import httpx2

    from backends.core.transport import Trip
    from backends.core.wire import Body

MAX_REDIRECTS = 8
USER_AGENT = f"DeskSeek/{__version__}"

_NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """`proxy`: `[http|https|socks5://][user:password@]host:port`, empty for that of the system. `ca_file`: PEM
    certificates to trust beside those of the system. `offline`: nothing but this machine may be reached."""

    proxy: str = ""
    ca_file: str = ""
    offline: bool = False


class Response:
    """The answer to a request, while the `with` block of `Network.open` lasts. Names of headers ignore case."""

    def __init__(self, answer: "httpx2.Response", cancel: CancelToken) -> None:
        self.status: int = answer.status_code
        self.headers: Mapping[str, str] = answer.headers
        self.url = str(answer.url)
        self._answer = answer
        self._body: Body = answer.extensions["deskseek_body"]
        self._cancel = cancel

    def chunks(self, size: int = 1 << 20) -> Iterator[bytes]:
        """The body as it arrives, in pieces of at most `size` bytes. A body that ends early is `connection_lost`."""
        for piece in self._answer.iter_bytes():
            self._cancel.check()
            for start in range(0, len(piece), size):
                yield piece[start : start + size]
        self._cancel.check()

    def read_into(self, buffer: memoryview) -> int:
        """The next bytes of the body, without copies where that can be; how many, 0 at its end. For large bodies, and
        not to be mixed with the other ways to read."""
        return self._body.read_into(buffer)

    def read(self, limit: int) -> bytes:
        """The body, at most its first `limit` bytes."""
        body = bytearray()
        for piece in self.chunks():
            body += piece
            if len(body) >= limit:
                break
        return bytes(body[:limit])


class Network:
    """Opens connections by the rules above. One for the whole program; any thread may use it.

    `log_path`: a file that gets a line for each connection, for whoever wants to know what the program sends out.
    `resolve` looks up names as `socket.getaddrinfo` does.
    """

    def __init__(
        self,
        options: NetworkOptions,
        log_path: Path | None = None,
        *,
        resolve: addresses.Resolver = socket.getaddrinfo,
    ) -> None:
        self.options = options
        self.resolve = resolve
        self.log = ConnectionLog(log_path)
        self._lock = threading.RLock()
        self._trips: set[Trip] = set()
        self._moved = (0, 0)
        self._tls: ssl.SSLContext | None = None
        self._hub = threading.local()
        self._apply()
        GATE.listen(self._note)

    def configure(self, options: NetworkOptions) -> None:
        """Use these options for every connection from now on."""
        with self._lock:
            self.options = options
            self._tls = None
            trips = list(self._trips)
        if options.offline:
            for trip in trips:
                trip.go_offline()
        self._apply()

    def _apply(self) -> None:
        offline = self.options.offline
        GATE.set_offline(offline, routes.local_ports(self.options.proxy) if offline else frozenset())

    def _note(self, attempt: Attempt) -> None:
        """Of what went past this door."""
        if not self.log.seen(attempt.purpose, attempt.host, attempt.outcome):
            self.log.add(attempt.purpose, attempt.host, attempt.outcome)

    def began(self, trip: "Trip") -> None:
        with self._lock:
            self._trips.add(trip)

    def ended(self, trip: "Trip") -> None:
        with self._lock:
            self._trips.discard(trip)
            self._moved = (self._moved[0] + trip.meter.received, self._moved[1] + trip.meter.sent)

    def traffic(self) -> tuple[int, int]:
        """Bytes of HTTP received and sent through this door since the program began."""
        with self._lock:
            meters = [trip.meter for trip in self._trips]
            return (
                self._moved[0] + sum(meter.received for meter in meters),
                self._moved[1] + sum(meter.sent for meter in meters),
            )

    def connections(self) -> tuple[Connection, ...]:
        """The last thousand attempts, oldest first, those of earlier runs and those past this door among them."""
        return self.log.recent()

    def close(self) -> None:
        """Close the file of connections."""
        GATE.listen(None)
        self.log.close()

    @contextmanager
    def open(
        self,
        purpose: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        content: bytes | None = None,
        timeout: float = 30,
        cancel: CancelToken | None = None,
        secret_host: str | None = None,
        private_host: str | None = None,
        follow: bool = True,
    ) -> Iterator[Response]:
        """Send a request and give its answer, whatever its status, after up to 8 redirects (none if not `follow`).

        `timeout` (seconds) bounds the connecting and each silence, not the whole. `cancel` cuts the connection, so that
        a blocked read ends with `Cancelled`. Keys (Authorization, Cookie, …) are sent to the host of `url` alone, and
        only if that is `secret_host` where one is given; never in clear to a public host. `private_host` (`name` or
        `name:port`) is what a person typed: it may lie in this machine or its network, and need not be encrypted.

        Raises DownloadError (`no_network`, `timeout`, `tls_failed`, `proxy_failed`, `proxy_auth`, `connection_lost`,
        `redirect_refused`, `private_address`, `insecure_address`, `bad_address`, `offline`, `bad_ca_file`),
        InvalidInput (`bad_header`) and Cancelled.
        """
        from backends.core import transport

        cancel = cancel or CancelToken()
        send = {"accept-encoding": "identity", "user-agent": USER_AGENT, **_checked(headers)}
        target = transport.parse(url)
        if secret_host is not None and not addresses.matches(secret_host, target.host, transport.port(target)):
            send = _without_secrets(send)
        with transport.Trip(self, purpose, private_host, cancel, timeout) as trip, trip.client() as client:
            for _ in range(MAX_REDIRECTS + 1):
                answer = client.send(client.build_request(method, target, headers=send, content=content), stream=True)
                following = answer.next_request if follow else None
                if following is None and (not follow or not answer.has_redirect_location):
                    with closing(answer):
                        yield Response(answer, cancel)
                    return
                answer.close()
                if following is None:
                    raise trip.refusal("redirect_refused", target, "not a web address")
                client.cookies.clear()
                if not transport.same_place(target, following.url):
                    send = _without_secrets(send)
                if following.method != method:
                    method, content = following.method, None
                target = following.url
            raise trip.refusal("redirect_refused", target, "too many redirects")

    @contextmanager
    def hub_session(
        self,
        purpose: str,
        *,
        private_host: str | None = None,
        secret_host: str | None = None,
        cancel: CancelToken | None = None,
        timeout: float = 30,
    ) -> Iterator[None]:
        """Within this block huggingface_hub, called on this thread, goes through this door: same rules, same records,
        same errors (DownloadError of this module and Cancelled come out of its calls as they are, without retries).
        Called outside of such a block, it fails. `private_host`, `timeout` as in `open`. Keys go to `secret_host` only,
        where one is given: huggingface_hub takes those of a mirror along when that leads to huggingface.co. All answers
        in the block together have at most 8 MiB, else DownloadError (`too_much`)."""
        import huggingface_hub

        from backends.core import transport

        with transport.Trip(self, purpose, private_host, cancel or CancelToken(), timeout) as trip:
            trip.secret_host = secret_host
            self._hub.trip = trip
            huggingface_hub.set_client_factory(lambda: transport.hub_client(self._hub))
            try:
                yield
            except transport.BAD_REDIRECTS as error:
                raise network_error("redirect_refused", purpose, "not a web address, or too many") from error
            finally:
                self._hub.trip = None

    def tls_context(self) -> ssl.SSLContext:
        """What the connections of now trust. DownloadError `bad_ca_file` if the file of the settings is none."""
        from backends.core import transport

        with self._lock:
            if self._tls is None:
                self._tls = transport.tls_context(self.options.ca_file)
            return self._tls


def _checked(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not (name.isascii() and value.isascii() and value.isprintable()):
            raise InvalidInput(
                Phrase(
                    f"The header {name!a} holds characters that cannot be sent.",
                    f"请求头 {name!a} 含有无法发送的字符。",
                ),
                Phrase("If it is an access token, copy it again.", "如果这是访问令牌，请重新复制。"),
                code="bad_header",
            )
    return {name.lower(): value for name, value in headers.items()}


def _without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in SECRET_HEADERS}
