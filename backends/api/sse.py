"""Answers that are sent as they come: server-sent events, or one JSON object a line.

    return event_stream(call, parts(asked), asked)

`parts` yields bytes of whole events as they gather, b"" where there is nothing to tell; while nothing is told for
long, a comment is sent, so that nobody takes the connection for dead. What goes wrong after the first byte is told in
the way of the dialect, and ends the stream.
"""

import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from backends.api import errors
from backends.api.asking import PING, Asked
from backends.api.calls import Call
from backends.api.errors import ApiError
from backends.core.errors import BackendError

DONE = b"data: [DONE]\n\n"  # OpenAI's last words

_COMMENT = b": ping\n\n"
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

Parts = AsyncGenerator[bytes, None]
Failed = Callable[[ApiError], bytes]


def data(value: Mapping[str, Any]) -> bytes:
    """An event without a name."""
    return b"data: " + _json(value) + b"\n\n"


def event(name: str, value: Mapping[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\n" + data(value)


def line(value: Mapping[str, Any]) -> bytes:
    """Of newline-delimited JSON."""
    return _json(value) + b"\n"


def event_stream(
    call: Call, parts: Parts, *asked: Asked, failed: Failed | None = None, ping: bytes = _COMMENT
) -> Response:
    """`asked`: what is closed at the end, also if it was never begun. `failed`: the last words when something goes
    wrong; None: as the dialect has them. `ping`: what says "still here"."""
    return _Told("text/event-stream; charset=utf-8", call, parts, asked, failed or _last_words(call), ping)


def json_lines(call: Call, parts: Parts, *asked: Asked) -> Response:
    """Ollama's way: one object a line, and nothing that says "still here"."""
    return _Told("application/x-ndjson", call, parts, asked, _last_words(call), b"")


class _Told(Response):
    def __init__(
        self, media_type: str, call: Call, parts: Parts, asked: tuple[Asked, ...], failed: Failed, ping: bytes
    ) -> None:
        super().__init__(headers=_HEADERS, media_type=media_type)
        del self.headers["content-length"]
        self._call, self._parts, self._asked, self._failed, self._ping = call, parts, asked, failed, ping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._tell(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await self._parts.aclose()
            for asked in self._asked:
                await asked.close()

    async def _tell(self, send: Send) -> None:
        last = time.monotonic()
        try:
            async for part in self._parts:
                if not part and time.monotonic() - last > PING - 0.5:
                    part = self._ping
                if part:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                    last = time.monotonic()
        except BackendError as error:
            await self._fail(errors.of(error), send)
        except ApiError as error:
            await self._fail(error, send)

    async def _fail(self, error: ApiError, send: Send) -> None:
        await send({"type": "http.response.body", "body": self._failed(error), "more_body": True})


def _last_words(call: Call) -> Failed:
    def words(error: ApiError) -> bytes:
        body = errors.body(error, call.dialect, call.id)
        match call.dialect:
            case "ollama":
                return line(body)
            case "anthropic":
                return event("error", body)
            case _:
                return data(body)

    return words


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
