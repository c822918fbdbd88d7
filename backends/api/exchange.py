"""One request and its response, between the connection and the application: the body in, the answer out.

Knows when the client has gone, and says so by the call's token; reads no byte before it is asked to.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from email.utils import formatdate
from typing import Any

from backends.api import errors
from backends.api.calls import Call
from backends.api.errors import ApiError
from backends.api.limits import UPLOAD_LEAST, Limits
from backends.api.routes import Dialect

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

SERVER = b"DeskSeek"
_BREATH = 64  # messages after which others have their turn
_CLOSING = (408, 413, 431)  # after these nothing more is heard from a client
CLIENT_GONE = 499  # the status in the log of a request whose client did not wait for one
_OURS = (b"server", b"date", b"x-request-id", b"request-id", b"x-content-type-options", b"cross-origin-resource-policy")


class Gone(Exception):
    """The client has gone while it was read."""


class Exchange:
    """`length`: the Content-Length, None where there is none; `chunked`: the body says itself where it ends."""

    def __init__(
        self, call: Call, receive: Receive, send: Send, limits: Limits, length: int | None, chunked: bool
    ) -> None:
        self.call = call
        self.extra: list[tuple[bytes, bytes]] = []  # headers of every response, whatever it says
        self.started = self.finished = False
        self._receive, self._send, self._limits = receive, send, limits
        self._length, self._unread = length, chunked or bool(length)
        self._gone = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self._body: bytes | None = None
        self._taken = self._marked = self._sent = 0
        self._patience = limits.body_seconds

    @property
    def gone(self) -> bool:
        return self._gone.is_set()

    # ---- in

    def check_length(self, most: int) -> None:
        """ApiError 413 if the client says itself that its body is larger."""
        if self._length is not None and self._length > most:
            raise _too_large(most)

    async def read(self, most: int) -> bytes:
        """The whole body. ApiError 413, 408; Gone."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                while not await self._read_into(body):
                    if len(body) > most:
                        raise _too_large(most)
        except TimeoutError as error:
            raise _too_slow() from error
        if len(body) > most:
            raise _too_large(most)
        self._body = bytes(body)
        return self._body

    async def receive(self) -> Message:
        """For the application: the body that was read, then nothing until the client has gone."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def receive_upload(self) -> Message:
        """For the application: the body piece by piece, as it comes. ApiError 413, 408."""
        if self._watch is not None:
            return await self.receive()
        piece = bytearray()
        loop = asyncio.get_running_loop()
        since = loop.time()
        try:
            async with asyncio.timeout(self._patience):
                last = await self._read_into(piece)
        except TimeoutError as error:
            raise _too_slow() from error
        except Gone:
            return {"type": "http.disconnect"}
        self._taken += len(piece)
        self._patience -= loop.time() - since
        if self._taken - self._marked >= UPLOAD_LEAST:
            self._marked, self._patience = self._taken, self._limits.body_seconds
        if self._taken > self._limits.upload_bytes:
            raise _too_large(self._limits.upload_bytes)
        return {"type": "http.request", "body": bytes(piece), "more_body": not last}

    async def _read_into(self, body: bytearray) -> bool:
        """One more piece; True if it was the last. From then on the client is watched."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._leave()
            raise Gone
        body += message.get("body", b"")
        if message.get("more_body", False):
            return False
        self._unread = False
        self._watch = asyncio.create_task(self._watching())
        return True

    async def _watching(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            continue
        if not self.finished:
            self._leave()

    def _leave(self) -> None:
        self._gone.set()
        self.call.token.cancel()
        self.call.status = self.call.status or CLIENT_GONE

    def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()

    # ---- out

    async def send(self, message: Message) -> None:
        """For the application: its response, with the headers that all have."""
        if message["type"] == "http.response.start":
            self.started = True
            if not self.gone:
                self.call.status = message["status"]
            message = {**message, "headers": self._headers(message["status"], message.get("headers", ()))}
        elif not message.get("more_body", False):
            self.finished = True
        await self._send(message)
        self._sent += 1
        if self._sent % _BREATH == 0:  # to a client that has gone sending is no waiting: let that be seen
            await asyncio.sleep(0)

    async def answer(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """A whole response."""
        length = [] if status == 204 else [(b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
        await self.send({"type": "http.response.body", "body": body})

    async def refuse(self, error: ApiError, dialect: Dialect) -> None:
        headers, body = errors.written(error, dialect, self.call.id)
        await self.answer(error.status, headers, body)

    def _headers(self, status: int, given: Headers) -> list[tuple[bytes, bytes]]:
        kept = [(name, value) for name, value in given if name not in _OURS]
        if not any(name == b"cache-control" for name, _ in kept):
            kept.append((b"cache-control", b"no-store"))
        if self._unread or status in _CLOSING:  # where the next request begins nobody can say
            kept.append((b"connection", b"close"))
        if self.call.dialect == "anthropic":
            kept.append((b"request-id", self.call.id.encode()))  # where its clients look for it
        return [*kept, *common_headers(self.call.id), *self.extra]


def common_headers(request_id: str) -> list[tuple[bytes, bytes]]:
    """Of every response, also of those that no application has seen."""
    return [
        (b"x-request-id", request_id.encode()),
        (b"server", SERVER),
        (b"date", formatdate(usegmt=True).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]


def _too_large(most: int) -> ApiError:
    return ApiError(413, f"The body is larger than {most} bytes.", "body_too_large")


def _too_slow() -> ApiError:
    return ApiError(408, "The body came too slowly.", "body_too_slow")
