"""One connection: how long it may take, how much it may hold, and how it is closed so that the client hears why.

uvicorn's protocol on h11, with what it leaves open: slow headers, too many connections, clients that do not read,
errors below HTTP told in JSON, and a close that does not lose the response (RFC 9112, 9.6).
"""

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import Any

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol
from uvicorn.server import ServerState

from backends.api import errors
from backends.api.calls import KEY, Call
from backends.api.errors import ApiError, bad
from backends.api.exchange import common_headers
from backends.api.guard import wrong_host
from backends.api.limits import LINGER_BYTES, PIPELINED_BYTES, REFUSED, Limits
from backends.api.live import Moved

_QUIET = logging.getLogger(__name__)  # what uvicorn says of clients' mistakes; the guard reports what is ours
_QUIET.setLevel(logging.CRITICAL)


class Peers(ServerState):
    """All connections of a server. `refused`: those that are only told that there are too many. `moved`: what went
    over all of them."""

    def __init__(self, moved: Moved) -> None:
        super().__init__()
        self.moved = moved
        self.refused: set[Connection] = set()


class Connection(H11Protocol):
    def __init__(self, config: Config, peers: Peers, limits: Limits) -> None:
        super().__init__(config, peers, {}, asyncio.get_running_loop())
        self.logger, self.access_log = _QUIET, False
        self.lost: asyncio.Future[None] = self.loop.create_future()
        self._peers, self._limits = peers, limits
        self._refused = False
        self._thrown_away = 0
        self._headers_due: asyncio.TimerHandle | None = None
        self._write_due: asyncio.TimerHandle | None = None

    # ---- asyncio tells

    def connection_made(self, transport: asyncio.Transport) -> None:
        line: Any = _Line(transport, self.loop, self._limits.linger_seconds, self._peers.moved)
        super().connection_made(line)
        if len(self.connections) <= self._limits.connections:
            self._time_headers()
            return
        self.connections.discard(self)  # they are not counted, but not endless either
        self._peers.refused.add(self)
        if len(self._peers.refused) > REFUSED:
            transport.abort()
        else:
            self._refuse(errors.full())

    def data_received(self, data: bytes) -> None:
        self._peers.moved.received += len(data)
        if self._refused or self.transport.is_closing():
            self._thrown_away += len(data)
            if self._thrown_away > LINGER_BYTES:
                self.transport.abort()
            return
        super().data_received(data)
        self._time_headers()
        waits = self._answering() and self.conn.their_state is not h11.SEND_BODY  # the next request, for this one's end
        if waits and self.flow.read_paused and len(self.conn.trailing_data[0]) < PIPELINED_BYTES:
            self.flow.resume_reading()  # else we would not see that the client has gone

    def connection_lost(self, exc: Exception | None) -> None:
        self._peers.refused.discard(self)
        for timer in (self._headers_due, self._write_due):
            if timer is not None:
                timer.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
        if not self.lost.done():
            self.lost.set_result(None)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._write_due is None:
            self._time_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_due is not None:
            self._write_due.cancel()
            self._write_due = None

    def shutdown(self) -> None:
        """Let a request end that has begun; nothing comes after it."""
        if not self.transport.is_closing():
            super().shutdown()

    def abort(self) -> None:
        self.transport.abort()

    # ---- the client is wrong

    def send_400_response(self, msg: str) -> None:
        """uvicorn calls it where h11 cannot read what came."""
        self._refuse(_told(sys.exception()))

    def _time_headers(self) -> None:
        """They are due some time after their first byte, and after a connection was made."""
        waiting = self.conn.their_state is h11.IDLE and (self.cycle is None or bool(self.conn.trailing_data[0]))
        if not waiting or self.transport.is_closing():
            if self._headers_due is not None:
                self._headers_due.cancel()
                self._headers_due = None
        elif self._headers_due is None:
            self._headers_due = self.loop.call_later(self._limits.header_seconds, self._too_slow)

    def _time_writing(self, before: int | None = None) -> None:
        """A client that takes nothing at all of what waits for it is let go."""
        unsent = self.transport.get_write_buffer_size()
        if before is not None and unsent >= before:
            self.transport.abort()
        else:
            self._write_due = self.loop.call_later(self._limits.write_seconds, self._time_writing, unsent)

    def _too_slow(self) -> None:
        self._headers_due = None
        if self.conn.trailing_data[0]:
            self._refuse(ApiError(408, "The headers came too slowly.", "headers_too_slow"))
        else:
            self.transport.close()

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, error: ApiError) -> None:
        """Say why, read no more, close. What the application has begun to say is broken off."""
        self._refused = True
        call = Call(None)
        if self._answering():
            call = self.scope.setdefault(KEY, call)  # type: ignore[typeddict-item]
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if not self._answering() or not self.cycle.response_started:
            call.status = error.status
            self.transport.write(_response(error, call))
        self.transport.close()
        self._time_headers()


class _Line:
    """A transport whose `close` lets the client read the last response before its own bytes are refused."""

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, seconds: float, moved: Moved
    ) -> None:
        self._transport, self._loop, self._seconds, self._moved = transport, loop, seconds, moved
        self._closing = False
        self.abort: Callable[[], None] = transport.abort

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        self._moved.sent += len(data)
        self._transport.write(data)

    def is_closing(self) -> bool:
        return self._closing or self._transport.is_closing()

    def close(self) -> None:
        """No more is said. What the client still sends is taken until it closes, or has had its time."""
        if self.is_closing():
            return
        self._closing = True
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._transport.resume_reading()
        self._loop.call_later(self._seconds, self._end, self._transport.get_write_buffer_size())

    def _end(self, unsent: int) -> None:
        """Who still reads what it was sent is waited for."""
        left = self._transport.get_write_buffer_size()
        if self._transport.is_closing():
            self._transport.abort()
        elif 0 < left < unsent:
            self._loop.call_later(self._seconds, self._end, left)
        else:
            self._transport.close()
            self._loop.call_later(self._seconds, self._transport.abort)


def _told(error: BaseException | None) -> ApiError:
    if isinstance(error, h11.RemoteProtocolError):
        if error.error_status_hint == 431:
            return ApiError(431, "The headers are too large.", "headers_too_large")
        if "Host: header" in str(error):
            return wrong_host()
    return bad("This is no HTTP request.", code="bad_request")


def _response(error: ApiError, call: Call) -> bytes:
    headers, body = errors.written(error, call.dialect, call.id)
    headers += [*common_headers(call.id), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    lines = [b"HTTP/1.1 %d %s" % (error.status, STATUS_PHRASES[error.status])]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join((*lines, b"", body))
