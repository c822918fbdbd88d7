"""The hooks of httpcore2 that are ours: who connects, how the bytes of a connection are read, the body of an answer."""

import math
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpcore2
import socksio
from httpcore2._backends.sync import SyncStream

FAILURES = (
    httpcore2.NetworkError,
    httpcore2.TimeoutException,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.UnsupportedProtocol,
    socksio.ProtocolError,
)
_GLANCE = 0.5  # seconds
BODY = "deskseek_body"  # the extension of an answer that is its `Body`


@dataclass(slots=True)
class Meter:
    """Bytes of HTTP that went over connections, without what encryption adds. Counted by one thread, read by any."""

    received: int = 0
    sent: int = 0


class Dialer(httpcore2.NetworkBackend):
    def __init__(self, dial: Callable[[str, int], httpcore2.NetworkStream]) -> None:
        self._dial = dial

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        return self._dial(host, port)


class Line(httpcore2.NetworkStream):
    """Checks now and then while it waits whether it may go on: not every system wakes a reader when its connection is
    cut. `check` raises if not."""

    def __init__(self, stream: httpcore2.NetworkStream, check: Callable[[], None], meter: Meter) -> None:
        self._stream = stream
        self._check = check
        self._meter = meter
        self.close = stream.close
        self.get_extra_info = stream.get_extra_info

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = math.inf if timeout is None else timeout
        while True:
            try:
                data = self._stream.read(max_bytes, min(left, _GLANCE))
                if not data:  # the other side has ended, or we have cut it
                    self._check()
                self._meter.received += len(data)
                return data
            except httpcore2.ReadTimeout:
                self._check()
                left -= _GLANCE
                if left <= 0:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)
        self._meter.sent += len(buffer)

    @property
    def direct(self) -> bool:
        """Whether the socket below gives the bytes themselves. TLS within TLS (a proxy of https) is not in the
        socket."""
        sock = self._stream.get_extra_info("socket")
        return isinstance(self._stream, SyncStream) and isinstance(sock, socket.socket)

    def read_into(self, buffer: memoryview, timeout: float) -> int:
        """What comes next, without a copy; only where `direct`. 0: the other side has ended."""
        sock: socket.socket = self._stream.get_extra_info("socket")
        left = timeout
        while True:
            self._check()
            try:
                sock.settimeout(min(left, _GLANCE))
                count = sock.recv_into(buffer)
                self._meter.received += count
                return count
            except TimeoutError as error:
                left -= _GLANCE
                if left <= 0:
                    raise httpcore2.ReadTimeout(str(error)) from error
            except OSError as error:
                raise httpcore2.ReadError(str(error)) from error

    def start_tls(self, *args: Any, **options: Any) -> httpcore2.NetworkStream:
        return Line(self._stream.start_tls(*args, **options), self._check, self._meter)


class Body:
    """The body of an answer: iterated in pieces, or read into a buffer of the reader's.

    The second way is for gigabytes. httpcore2 copies each piece of 64 kB three times; once it has given what came
    with the headers, the rest of a body of known length is read straight from the connection.
    """

    def __init__(
        self,
        answer: httpcore2.Response,
        broken: Callable[[Exception], Exception],
        timeout: float,
        over: Callable[[], None],
    ) -> None:
        """`broken` makes one of our errors of a failure; `over` is called when nobody reads any more."""
        self._answer = answer
        self._over = over
        self._broken = broken
        self._timeout = timeout
        self._pieces: Iterator[bytes] | None = None
        self._rest = memoryview(b"")
        self._left = _length(answer.headers)
        line = answer.extensions.get("network_stream")
        self._line = line if self._left is not None and isinstance(line, Line) and line.direct else None

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._answer.iter_stream()
        except FAILURES as error:
            raise self._broken(error) from error

    def read_into(self, buffer: memoryview) -> int:
        """The next bytes; how many, 0 at the end of the body."""
        if not self._rest and (self._pieces is None or self._line is None):
            if self._pieces is None:
                self._pieces = iter(self)
            self._rest = memoryview(next(self._pieces, b""))
        if self._rest:
            count = min(len(buffer), len(self._rest))
            buffer[:count] = self._rest[:count]
            self._rest = self._rest[count:]
        elif self._line is None or not self._left:
            return 0
        else:
            try:
                count = self._line.read_into(buffer[: self._left], self._timeout)
                if not count:
                    raise httpcore2.RemoteProtocolError("the body ended early")
            except FAILURES as error:
                raise self._broken(error) from error
        if self._left is not None:
            self._left -= count
        return count

    def close(self) -> None:
        self._answer.close()
        self._over()


def _length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """How long the body is, where its end is told by that alone."""
    named = {name.lower(): value for name, value in headers}
    length = named.get(b"content-length", b"")
    return int(length) if length.isdigit() and b"transfer-encoding" not in named else None
