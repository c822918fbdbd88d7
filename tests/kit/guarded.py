"""A small application behind the real guard and the real server, and a client of bytes that tidies nothing up.

    with guarded() as server:
        wire = server.wire()
        wire.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert wire.response().status == 200

All routes of the table are served by one handler, which does what the body asks for: {"do": "stream"}, …
"""

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.background import BackgroundTask

from backends.api import application, calls, errors, routes
from backends.api.calls import Call
from backends.api.errors import ApiError
from backends.api.guard import GuardOptions
from backends.api.limits import Limits
from backends.api.server import ApiServer
from backends.governance.keys import MIGRATIONS, KeyStore
from backends.storage.database import Database

PATIENCE = 400.0  # seconds after which something hangs, also on a machine that stands still for a while
PATIENT = Limits(
    header_seconds=PATIENCE,
    body_seconds=PATIENCE,
    keep_alive_seconds=PATIENCE,
    write_seconds=PATIENCE,
    linger_seconds=PATIENCE,
)
LARGE = 16_000_000  # bytes; more than the sockets between two programs hold


@dataclass
class Reply:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        found = [value for one, value in self.headers if one == name]
        assert len(found) < 2, f"{name} is said {len(found)} times"
        return found[0] if found else None

    @property
    def error(self) -> dict[str, Any]:
        return json.loads(self.body)["error"]

    @property
    def code(self) -> str:
        return self.error["code"]


class Wire:
    """One connection. A context manager."""

    def __init__(self, port: int, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.port = port
        self.socket = socket.create_connection((host, port), timeout=PATIENCE)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self._read = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> "Wire":
        self.socket.sendall(data.replace(b"PORT", str(self.port).encode()))
        return self

    def ask(self, line: str, *headers: str, body: bytes | None = None, host: str | None = "localhost:PORT") -> "Wire":
        """`line`: "GET /health". A Content-Length is added where there is a body."""
        lines = [f"{line} HTTP/1.1", *([f"Host: {host}"] if host is not None else []), *headers]
        lines += [f"Content-Length: {len(body)}"] if body is not None else []
        return self.send("\r\n".join((*lines, "", "")).encode("latin-1") + (body or b""))

    def response(self, *, head: bool = False) -> Reply:
        """The next one; `head`: of a HEAD request, without body."""
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        pairs = [line.partition(": ") for line in lines[1:] if line]
        reply = Reply(int(lines[0].split(" ")[1]), [(name.lower(), value) for name, _, value in pairs], b"")
        if head or reply.status in (100, 204):
            return reply
        if reply.header("transfer-encoding") == "chunked":
            while size := int(self.until(b"\r\n"), 16):
                reply.body += self.take(size)
                self.take(2)
            self.take(2)
        else:
            reply.body = self.take(int(reply.header("content-length") or 0))
        return reply

    def until(self, end: bytes) -> bytes:
        while end not in self._read:
            self._read += self._more()
        found, _, self._read = self._read.partition(end)
        return found + end

    def take(self, size: int) -> bytes:
        while len(self._read) < size:
            self._read += self._more()
        found, self._read = self._read[:size], self._read[size:]
        return found

    def closed(self) -> bool:
        """Wait until the other side has closed; whether it said nothing more before."""
        try:
            return not self._read and not self.socket.recv(1)
        except ConnectionError:
            return True

    def _more(self) -> bytes:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("closed")
        return data


@dataclass
class Guarded:
    """A running server. `calls`: those that ended; `reached`: how many the application saw."""

    server: ApiServer
    keys: KeyStore
    key: str = ""
    calls: list[Call] = field(default_factory=list)
    live: list[Call] = field(default_factory=list)
    reached: list[str] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    cancelled: threading.Event = field(default_factory=threading.Event)
    waiting: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        return self.server.port

    def wire(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Wire:
        return Wire(self.port, host, tls)

    def once(self, line: str, *headers: str, body: bytes | None = None, host: str | None = "localhost:PORT") -> Reply:
        """The answer to one request, with the key, on a connection of its own."""
        with self.wire() as wire:
            wire.ask(line, *headers, f"x-api-key: {self.key}", body=body, host=host)
            return wire.response(head=line.startswith("HEAD"))

    def chat(self, wire: Wire, **body: object) -> Wire:
        data = json.dumps(body).encode()
        return wire.ask("POST /v1/chat/completions", *self.json, body=data)

    @property
    def json(self) -> tuple[str, str]:
        return (f"Authorization: Bearer {self.key}", "Content-Type: application/json")

    def alive(self) -> bool:
        """Somebody else is served. Where limits are short, a machine that stands still may need more than one try."""
        for _ in range(5):
            with suppress(ConnectionError), self.wire() as wire:
                return wire.ask("GET /health").response().status == 200
        return False

    # ---- as a log

    def began(self, call: Call) -> None:
        with self._changed:
            self.live.append(call)
            self._changed.notify_all()

    def ended(self, call: Call) -> None:
        with self._changed:
            self.calls.append(call)
            self._changed.notify_all()

    def last(self, count: int) -> Call:
        """The call that ended last, when so many have."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.calls) >= count, PATIENCE)
            return self.calls[-1]

    def called(self, request_id: str | None) -> Call:
        """That call, when it has ended."""
        with self._changed:
            assert self._changed.wait_for(lambda: any(one.id == request_id for one in self.calls), PATIENCE)
            return next(one for one in self.calls if one.id == request_id)

    def first(self, after: int = 0) -> Call:
        """The call that was let in first, or first after so many others, when it was."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.live) > after, PATIENCE)
            return self.live[after]

    # ---- as an application

    def application(self) -> FastAPI:
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        app.add_exception_handler(ApiError, application._refused)
        app.add_exception_handler(Exception, application._broken)
        for route in routes.ROUTES:
            app.add_api_route(route.path, self._answer, methods=[route.method], response_model=None)
        return app

    async def _answer(self, request: Request) -> Response:
        call = calls.of(request)
        self.reached.append(f"{request.method} {request.url.path}")
        kind = call.route.body if call.route else "none"
        if kind == "upload":
            if "x-hold" in request.headers:  # begins to read when somebody cancels it
                await self._wait(call)
            sizes = [len(piece) async for piece in request.stream()]
            return JSONResponse({"size": sum(sizes)})
        asked = await request.json() if kind == "json" else {}
        match asked.get("do") if isinstance(asked, dict) else None:
            case "stream":
                return StreamingResponse(self._stream(call), media_type="text/event-stream")
            case "much":
                return StreamingResponse(_much(), media_type="application/octet-stream")
            case "large":
                return Response(bytes(LARGE))
            case "wait":
                await self._wait(call)
            case "fail":
                raise RuntimeError("the secret path is /home/somebody")
            case "break off":
                return StreamingResponse(_broken_off(), media_type="text/event-stream")
            case "go on":  # after the answer
                return JSONResponse({}, background=BackgroundTask(asyncio.sleep, 0))
            case "full":
                raise errors.full()
        return JSONResponse({"asked": asked})

    async def _wait(self, call: Call) -> None:
        """Until somebody cancels it."""
        over, loop = asyncio.Event(), asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(over.set)

        call.token.on_cancel(wake)
        self.waiting.set()
        await over.wait()
        self.cancelled.set()

    async def _stream(self, call: Call) -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await self._wait(call)
        yield b"data: 2\n\n"


async def _broken_off() -> AsyncIterator[bytes]:
    yield b"data: 1\n\n"
    raise RuntimeError("the secret path is /home/somebody")


async def _much() -> AsyncIterator[bytes]:
    while True:
        yield bytes(65536)


@contextmanager
def guarded(folder: Path, options: GuardOptions | None = None, **start: Any) -> Iterator[Guarded]:
    """A running server with one key that may do everything. `start`: where and how it starts. Without limits of its
    own it waits long: no test fails because a machine is slow."""
    options = options or GuardOptions()
    if options.limits == Limits():
        options = replace(options, limits=PATIENT)
    database = Database(folder / "keys.db", MIGRATIONS)
    keys = KeyStore(database)
    here = Guarded(None, keys)  # type: ignore[arg-type]  # each needs the other
    here.server = ApiServer(here.application(), keys, options, here)
    _, here.key = keys.add("test", "admin")
    try:
        here.server.start(**start)
        yield here
    finally:
        here.server.close()
        database.close()
