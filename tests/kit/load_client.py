"""A client that asks several things of a server at once and notes when each token came: the same for every server.

One thread and plain sockets, since what it takes of the processor the server lacks. A connection for each request
(llama-server closes kept ones). What is read is only looked at when all is over.
"""

import json
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

_PATIENCE = 600  # seconds without a word


@dataclass
class Told:
    """One request and its answer. `times`: of each token, in seconds of time.perf_counter."""

    body: dict[str, Any]
    asked: float = 0.0
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)  # the final event
    seen: int = 0  # tokens, roughly, while it runs
    over: bool = False

    @property
    def ttft(self) -> float:
        return self.times[0] - self.asked

    @property
    def end(self) -> float:
        return self.times[-1]

    def gaps(self, begin: float = 0.0, end: float = float("inf")) -> list[float]:
        """Between two tokens of which at least the later one came in that time."""
        return [
            later - sooner
            for sooner, later in zip(self.times, self.times[1:], strict=False)
            if later > begin and sooner < end
        ]


@dataclass(frozen=True)
class Way:
    """Where requests go, and the key that opens it."""

    path: str = "/completion"
    key: str = ""


def body(prompt: Sequence[int], generate: int, **more: Any) -> dict[str, Any]:
    """A request to `/completion` in llama-server's words: greedy, through the end."""
    return {
        "prompt": list(prompt),
        "n_predict": generate,
        "temperature": 0,
        "ignore_eos": True,
        "stream": True,
        "return_tokens": True,
        **more,
    }


def ask(
    port: int,
    bodies: Sequence[dict[str, Any]],
    later: Callable[[list[Told]], dict[str, Any] | None] = lambda _: None,
    way: Way = Way(),
) -> list[Told]:
    """Ask all of them at once and listen to the end. `later` may give one more, whenever something came."""
    told = _heard(port, bodies, later, way)
    for answer in told:
        _read(answer)
    return told


def statuses(port: int, bodies: Sequence[dict[str, Any]], way: Way) -> list[int]:
    """Ask all of them at once; the status of each answer, 0 where a connection was closed without one."""
    heads = [b"".join(piece for _, piece in one.pieces) for one in _heard(port, bodies, lambda _: None, way)]
    return [int(head.split(None, 2)[1]) if head.startswith(b"HTTP/1.1 ") else 0 for head in heads]


def _heard(
    port: int, bodies: Sequence[dict[str, Any]], later: Callable[[list[Told]], dict[str, Any] | None], way: Way
) -> list[Told]:
    with selectors.DefaultSelector() as selector:
        told: list[Told] = []
        for one in bodies:
            told.append(_send(selector, port, one, way))
        while selector.get_map():
            ready = selector.select(_PATIENCE)
            if not ready:
                raise TimeoutError("the server says nothing any more")
            now = time.perf_counter()
            for key, _ in ready:
                connection, answer = key.fileobj, key.data
                assert isinstance(connection, socket.socket)
                piece = _received(connection)
                if piece:
                    answer.pieces.append((now, piece))
                    answer.seen += piece.count(b"data: ")
                else:
                    selector.unregister(connection)
                    connection.close()
                    answer.over = True
            if (one := later(told)) is not None:
                told.append(_send(selector, port, one, way))
    return told


def _send(selector: selectors.BaseSelector, port: int, asked: dict[str, Any], way: Way) -> Told:
    data = json.dumps(asked).encode()
    head = f"POST {way.path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {way.key}\r\n" if way.key else ""
    head += f"Content-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    told = Told(asked, time.perf_counter())
    connection.sendall(head.encode() + data)
    selector.register(connection, selectors.EVENT_READ, told)
    return told


def _received(connection: socket.socket) -> bytes:
    """Nothing where it was broken off."""
    try:
        return connection.recv(65536)
    except ConnectionError:
        return b""


def _read(told: Told) -> None:
    """Events are lines `data: {…}`; what chunks are around them has no such lines."""
    rest = b""
    for moment, piece in told.pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data: {"):
                event = json.loads(line[6:])
                if event.get("stop") or event.get("usage"):
                    told.last = event
                elif "error" in event:
                    raise RuntimeError(str(event))
                else:
                    told.times.append(moment)
    if not told.times:
        raise RuntimeError(b"".join(piece for _, piece in told.pieces)[:500].decode("utf-8", "replace"))
