"""A hub on 127.0.0.1 that speaks the protocol of huggingface.co as huggingface_hub 2.4 uses it.

    with HubServer() as hub:
        hub.add_repo("org/name", {"tiny-Q4_K_M.gguf": path})
        hub.fail("cdn", cut(after=1000), times=2)
        ...
        assert hub.ranges("tiny-Q4_K_M.gguf") == [(0, 1000), (1000, 5000)]

There are two servers, as in the world: the hub answers the API and `/{repo}/resolve/{revision}/{file}`; a GET of
a large (LFS) file is a 302 to a signed address on the second one, the CDN, which gives the bytes and Range.
Faults (`tests.kit.faults`) are switched on for one of the places where things go wrong:

    "api"    model info, tree, paths-info          "head"   HEAD of a file on the hub
    "get"    GET of a file on the hub              "cdn"    GET of its bytes

`hub.requests` keeps every request with its headers and how many bytes of the body went out.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.kit.faults import Fault, Place
from tests.kit.hub_files import Repo, StoredFile, listed, sibling, store


@dataclass
class Request:
    server: str  # "hub" or "cdn"
    method: str
    path: str
    headers: Message
    sent: int = 0  # bytes of the body
    start: int = 0  # where the body began in the file


class HubServer:
    def __init__(self, *, page_size: int = 1000) -> None:
        self.requests: list[Request] = []
        self._page_size = page_size
        self._repos: dict[str, Repo] = {}
        self._old: dict[tuple[str, str], Repo] = {}  # by name and commit
        self._blobs: dict[str, StoredFile] = {}
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
        self.bare_listing = False  # a mirror that leaves sizes and hashes out of the model info
        self.bare_headers = False  # a mirror that drops the X- headers of a file

    # ---- life

    def start(self) -> "HubServer":
        for name in ("hub", "cdn"):
            server = ThreadingHTTPServer(("127.0.0.1", 0), self._door(name))
            server.daemon_threads = True
            thread = threading.Thread(target=server.serve_forever, args=(0.02,), name=f"test-{name}", daemon=True)
            thread.start()
            self._servers.append(server)
            self._threads.append(thread)
        self.endpoint, self.cdn = (f"http://127.0.0.1:{server.server_port}" for server in self._servers)
        return self

    def stop(self) -> None:
        self._gate.set()
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()
        self._servers, self._threads = [], []

    def __enter__(self) -> "HubServer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ---- what it holds

    def add_repo(
        self,
        name: str,
        files: Mapping[str, Path | bytes],
        *,
        tags: Collection[str] = ("gguf",),
        token: str | None = None,
        gated: bool = False,
        plain: Collection[str] = (),
    ) -> None:
        """Publish these files; again with the same name: a new commit. `plain`: those in git itself, with no sha256."""
        stored = {path: store(content, path not in plain) for path, content in files.items()}
        commit = hashlib.sha1(repr([(path, f.sha256) for path, f in stored.items()]).encode()).hexdigest()
        repo = Repo(name, commit, stored, tuple(tags), token, gated)
        with self._lock:
            self._repos[name] = self._old[name, commit] = repo
            self._blobs.update({file.sha256: file for file in stored.values()})

    # ---- what goes wrong

    def fail(self, place: Place, fault: Fault, times: int | None = None, *, spare: int = 0) -> None:
        """From now on (after `spare` good answers) this happens there, `times` times or for ever."""
        with self._lock:
            self._faults.append((place, fault, [spare, -1 if times is None else times]))

    def heal(self) -> None:
        """No more faults."""
        with self._lock:
            self._faults.clear()
        self.release()

    def release(self) -> None:
        """What is paused or hangs goes on; later pauses wait again."""
        gate, self._gate = self._gate, threading.Event()
        gate.set()

    def when_paused(self, call: Callable[[], None]) -> None:
        """Call this, on the server's thread, when a body has come to its pause, or an answer hangs."""
        self._when_paused.append(call)

    def wait_paused(self) -> None:
        assert self._paused.wait(20), "nothing was paused"

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

        class Door(_Door):
            def answer(self) -> None:
                request = Request(server, self.command, self.path, self.headers)
                with hub._lock:
                    hub.requests.append(request)
                self.request_seen = request
                self.gate, self.pause = hub._gate, hub._pause
                hub._answer(self) if server == "hub" else hub._answer_bytes(self)

        return Door

    def _answer(self, door: "_Door") -> None:
        url = urlsplit(door.path)
        path = unquote(url.path)
        if match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(door, match[1], match[2], match[3])
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(tree|paths-info)/([^/]+))?", path):
            with door.broken_by(self._fault("api")) as broken:
                if not broken:
                    self._api(door, match[1], match[2], match[3], parse_qs(url.query))
        else:
            door.send(404, {"X-Error-Code": "RepoNotFound"}, b"{}")

    def _repo(self, door: "_Door", name: str, revision: str | None) -> Repo | None:
        """The repository if it is there and the caller may see it; else the hub's answer is given."""
        token = (door.headers.get("Authorization") or "").removeprefix("Bearer ")
        repo = self._repos.get(name) if revision in (None, "main") else self._old.get((name, revision))
        if token.startswith("bad"):
            message = "Invalid credentials in Authorization header"
            door.send(401, {"X-Error-Message": message}, json.dumps({"error": message}).encode())
        elif name not in self._repos or (self._repos[name].token not in (None, token)):
            headers = {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}
            door.send(404 if token else 401, headers, b'{"error":"Repository not found"}')
        elif repo is None:
            door.send(404, {"X-Error-Code": "RevisionNotFound"}, b'{"error":"Invalid rev id"}')
        else:
            return repo
        return None

    def _api(
        self, door: "_Door", name: str, what: str | None, revision: str | None, query: dict[str, list[str]]
    ) -> None:
        body = door.body()
        if (repo := self._repo(door, name, revision)) is None:
            return
        if what is None:
            with_blobs = query.get("blobs") == ["true"] and not self.bare_listing
            siblings = [sibling(path, file) if with_blobs else {"rfilename": path} for path, file in repo.files.items()]
            info = {"_id": "1", "id": name, "sha": repo.commit, "tags": list(repo.tags), "siblings": siblings}
            door.send_json(info | {"private": repo.token is not None, "gated": "auto" if repo.gated else False})
            return
        paths = list(repo.files)
        headers = {}
        if what == "paths-info":
            asked = parse_qs(body.decode())["paths"]
            paths = [path for path in paths if path in asked]
        else:
            begin = int(query.get("cursor", ["0"])[0])
            if begin + self._page_size < len(paths):
                following = f"{self.endpoint}/api/models/{name}/tree/{revision}?recursive=True&cursor="
                headers["Link"] = f'<{following}{begin + self._page_size}>; rel="next"'
            paths = paths[begin : begin + self._page_size]
        door.send_json([listed(path, repo.files[path]) for path in paths], headers)

    def _resolve(self, door: "_Door", name: str, revision: str, path: str) -> None:
        with door.broken_by(fault := self._fault("head" if door.command == "HEAD" else "get")) as broken:
            if broken or (repo := self._repo(door, name, revision)) is None:
                return
            file = repo.files.get(path)
            if repo.gated:
                headers = {"X-Error-Code": "GatedRepo", "X-Error-Message": f"Access to model {name} is restricted."}
                door.send(403, headers, b"Access is restricted.")
                return
            if file is None:
                door.send(404, {"X-Error-Code": "EntryNotFound"}, b"Entry not found")
                return
            size = file.size if fault.claimed_size is None else fault.claimed_size
            headers = {"ETag": f'"{file.blob}"', "Accept-Ranges": "bytes"}
            if not self.bare_headers:
                headers["X-Repo-Commit"] = repo.commit
            if not file.lfs:
                door.send_file(file, headers, fault)
                return
            self._signatures += 1
            signed = f"{self.cdn}/blobs/{file.sha256}?name={quote(Path(path).name)}&Signature={self._signatures}"
            linked = {"X-Linked-Etag": f'"{file.sha256}"', "X-Linked-Size": str(size), "Location": signed}
            if self.bare_headers:
                linked = {"Location": signed}
            door.send(302, headers | linked, b"")

    def _answer_bytes(self, door: "_Door") -> None:
        sha256 = urlsplit(door.path).path.rpartition("/")[2]
        with door.broken_by(fault := self._fault("cdn")) as broken:
            if not broken:
                file = self._blobs[sha256]
                door.send_file(file, {"ETag": f'"{file.etag}"', "Accept-Ranges": "bytes"}, fault)


class _Door(BaseHTTPRequestHandler):
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

    def send_json(self, value: object, headers: Mapping[str, str] = {}) -> None:
        self.send(200, {"Content-Type": "application/json", **headers}, json.dumps(value).encode())

    def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.request_seen.sent = len(body) if status == 200 else 0

    def send_file(self, file: StoredFile, headers: Mapping[str, str], fault: Fault) -> None:
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
        self.send_response(206 if "Content-Range" in named else 200)
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
            self.wfile.write(chunk)
            self.request_seen.sent += len(chunk)
