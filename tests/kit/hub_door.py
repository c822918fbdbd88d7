"""What the hubs of the kit have in common: two servers on 127.0.0.1, requests kept, faults, bodies with Range."""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

from tests.kit.faults import Fault, Place
from tests.kit.hub_files import StoredFile, store


@dataclass
class Request:
    server: str  # "hub" or "cdn"
    method: str
    path: str
    headers: Message
    sent: int = 0  # bytes of the body
    start: int = 0  # where the body began in the file


class HubServers:
    """Two servers, as in the world: the hub itself at `endpoint`, and at `cdn` the one that gives the bytes."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._host = host
        self.requests: list[Request] = []
        self._lies: dict[tuple[str, str], tuple[int | None, str | None]] = {}
        self._faults: list[tuple[Place, Fault, list[int]]] = []
        self._lock = threading.Lock()
        self._gate = threading.Event()
        self._paused = threading.Event()
        self._when_paused: list[Callable[[], None]] = []
        self._signatures = 0
        self._servers: list[ThreadingHTTPServer] = []
        self._threads: list[threading.Thread] = []
        self.endpoint = ""
        self.cdn = ""

    # ---- life

    def start(self):  # the subclass itself
        for name in ("hub", "cdn"):
            server = _Server((self._host, 0), self._door(name))
            thread = threading.Thread(target=server.serve_forever, args=(0.02,), name=f"test-{name}", daemon=True)
            thread.start()
            self._servers.append(server)
            self._threads.append(thread)
        self.endpoint, self.cdn = (f"http://{self._host}:{server.server_port}" for server in self._servers)
        return self

    def stop(self) -> None:
        self._gate.set()
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()
        self._servers, self._threads = [], []

    def __enter__(self):  # the subclass itself
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ---- what goes wrong

    def fail(self, place: Place, fault: Fault, times: int | None = None, *, spare: int = 0) -> None:
        """From now on (after `spare` good answers) this happens there, `times` times or for ever."""
        with self._lock:
            self._faults.append((place, fault, [spare, -1 if times is None else times]))

    def lie(self, repo: str, path: str, *, size: int | None = None, sha256: str | None = None) -> None:
        """Whatever this hub says of the file from now on, it says wrongly so; the bytes stay what they are."""
        self._lies[repo, path] = size, sha256

    def heal(self) -> None:
        """No more faults and lies."""
        with self._lock:
            self._faults.clear()
            self._lies.clear()
        self.release()

    def release(self) -> None:
        """What is paused or hangs goes on; later pauses wait again."""
        gate, self._gate = self._gate, threading.Event()
        gate.set()

    def when_paused(self, call: Callable[[], None]) -> None:
        """Call this, on the server's thread, when a body has come to its pause, or an answer hangs."""
        self._when_paused.append(call)

    def wait_paused(self) -> None:
        assert self._paused.wait(120), "nothing was paused"

    def _pause(self) -> None:
        self._paused.set()
        for call in self._when_paused:
            call()

    def _fault(self, place: Place) -> Fault:
        with self._lock:
            for where, fault, left in self._faults:
                if where != place or left[1] == 0:
                    continue
                if left[0]:
                    left[0] -= 1
                    return Fault()
                left[1] -= 1
                return fault
        return Fault()

    def _said(self, repo: str, path: str, file: StoredFile) -> StoredFile:
        """The file as this hub describes it."""
        size, sha256 = self._lies.get((repo, path), (None, None))
        return replace(file, size=file.size if size is None else size, sha256=sha256 or file.sha256)

    # ---- what it saw

    def seen(self, server: str = "", method: str = "", path: str = "") -> list[Request]:
        with self._lock:
            requests = list(self.requests)
        return [r for r in requests if server in ("", r.server) and method in ("", r.method) and path in r.path]

    def ranges(self, file: str) -> list[tuple[int, int]]:
        """(from, to) of every body that went out for this file, in order."""
        name = Path(file).name
        return [(r.start, r.start + r.sent) for r in self.seen(method="GET") if name in unquote(r.path) and r.sent]

    # ---- answering

    def _door(self, server: str) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Here(Door):
            def answer(self) -> None:
                request = Request(server, self.command, self.path, self.headers)
                with hub._lock:
                    hub.requests.append(request)
                self.request_seen = request
                self.gate, self.pause = hub._gate, hub._pause
                hub._answer(self) if server == "hub" else hub._answer_bytes(self)

        return Here

    def _answer(self, door: "Door") -> None:
        raise NotImplementedError

    def _answer_bytes(self, door: "Door") -> None:
        raise NotImplementedError


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away in the middle is what many tests are about."""


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    request_seen: Request
    gate: threading.Event
    pause: Callable[[], None]

    def answer(self) -> None:
        raise NotImplementedError

    def do_GET(self) -> None:
        try:
            self.answer()
        except ConnectionError:
            self.close_connection = True

    do_HEAD = do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Tests read `hub.requests`."""

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    @contextmanager
    def broken_by(self, fault: Fault) -> Iterator[bool]:
        """True if the fault has given the answer already."""
        if fault.hang or fault.cut_after == 0:
            if fault.hang:
                self.pause()
                self.gate.wait()
            self.close_connection = True
        elif fault.status:
            self.body()
            self.send(fault.status, fault.headers, fault.body)
        yield fault.hang or fault.cut_after == 0 or fault.status != 0

    def send_json(self, value: object, headers: Mapping[str, str] = {}, status: int = 200) -> None:
        self.send(status, {"Content-Type": "application/json", **headers}, json.dumps(value).encode())

    def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.request_seen.sent = len(body) if status == 200 else 0
            self.wfile.write(body)

    def send_file(self, file: StoredFile, headers: Mapping[str, str], fault: Fault, partial: int = 206) -> None:
        """`partial`: the status of an answer to a Range."""
        content = file if fault.instead is None else store(fault.instead, file.lfs)
        start, end = 0, content.size
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        claimed = end if fault.claimed_size is None else fault.claimed_size
        named = dict(headers)
        if asked and not fault.ignore_range:
            start = int(asked[1])
            if start >= end:
                self.send(416, {"Content-Range": f"bytes */{claimed}"}, b"")
                return
            end = min(int(asked[2]) + 1, end) if asked[2] else end
            named["Content-Range"] = f"bytes {start}-{end - 1}/{claimed}"
        self.send_response(partial if "Content-Range" in named else 200)
        length = end - start if "Content-Range" in named else claimed
        for name, value in {**named, "Content-Type": "application/octet-stream", "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.request_seen.start = start
        self._send_body(content, start, min(end, start + length), fault)
        if length != end - start:
            self.close_connection = True

    def _send_body(self, content: StoredFile, start: int, end: int, fault: Fault) -> None:
        stops = [stop for stop in (fault.cut_after, fault.pause_after) if stop is not None]
        stop = min([start + stop for stop in stops] + [end])
        self._write(content, start, stop)
        if fault.cut_after is not None:
            self.close_connection = True
        elif fault.pause_after is not None:
            self.pause()
            self.gate.wait()
            self._write(content, stop, end)

    def _write(self, content: StoredFile, start: int, end: int) -> None:
        for chunk in content.chunks(start, end):
            self.request_seen.sent += len(chunk)  # before whoever asked can look
            try:
                self.wfile.write(chunk)
            except ConnectionError:
                self.request_seen.sent -= len(chunk)
                raise
