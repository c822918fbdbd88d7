"""A child that tries to get out, in the way it is told: `python -m tests.core.gate_child`."""

import asyncio
import contextlib
import http.client
import socket
import urllib.request
from collections.abc import Iterator
from typing import Any

from backends.core.child import serve
from backends.core.errors import DownloadError
from backends.core.network import Network, NetworkOptions

LONG = 120.0  # seconds that nobody waits, unless something is wrong


def _raw(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.settimeout(LONG)
        sock.connect((host, port))


def _created(host: str, port: int) -> None:
    socket.create_connection((host, port), LONG).close()


def _datagram(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"?", (host, port))


def _asyncio(host: str, port: int) -> None:
    async def ask() -> None:
        _, writer = await asyncio.open_connection(host, port)
        writer.close()

    asyncio.run(ask())


def _urllib(host: str, port: int) -> None:
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://{host}:{port}/", timeout=LONG).close()


def _http(host: str, port: int) -> None:
    asked = http.client.HTTPConnection(host, port, timeout=LONG)
    asked.request("GET", "/")
    asked.close()


def _looked_up(host: str, port: int) -> None:
    socket.getaddrinfo(host, port)


def _by_name(host: str, port: int) -> None:
    socket.gethostbyname(host)


def _httpx(host: str, port: int) -> None:
    import httpx2

    try:
        httpx2.get(f"http://{host}:{port}/", trust_env=False, timeout=LONG)
    except httpx2.ConnectError as error:
        raise ConnectionError(str(error)) from error


def _hub(host: str, port: int) -> None:
    import httpx2
    import huggingface_hub

    try:
        huggingface_hub.HfApi(f"http://{host}:{port}").model_info("tester/model", timeout=LONG)
    except (httpx2.ConnectError, huggingface_hub.errors.HfHubHTTPError) as error:
        kind = ConnectionError if isinstance(error, httpx2.ConnectError) else ValueError
        raise kind(str(error)) from error


WAYS = {
    "raw socket": _raw,
    "create_connection": _created,
    "datagram": _datagram,
    "asyncio": _asyncio,
    "urllib": _urllib,
    "http.client": _http,
    "httpx2": _httpx,
    "huggingface_hub": _hub,
    "getaddrinfo": _looked_up,
    "gethostbyname": _by_name,
}


def attempt(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The kind of error that came of it, by its class and number; None if it went."""
    for way, host, port in request["tries"]:
        try:
            WAYS[way](host, port)
        except (OSError, ValueError) as error:
            yield {"error": type(error).__name__, "said": str(error)}
        else:
            yield {"error": None, "said": ""}


def hold(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A connection that is there before the gate is closed, until somebody ends it."""
    with socket.create_connection((request["host"], request["port"])) as sock:
        yield {"connected": True}
        yield {"said": sock.recv(1).decode()}


def door(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What the list says of a request through the door, of one past it, and of both while the program is offline."""
    host, url = request["host"], f"http://{request['host']}:{request['port']}/"
    network = Network(NetworkOptions())
    for offline in (False, True):
        network.configure(NetworkOptions(offline=offline))
        with contextlib.suppress(DownloadError), network.open("model list", "GET", url, private_host=host) as answer:
            answer.read(100)
        with contextlib.suppress(OSError):
            _created(host, request["port"])
    yield {"connections": [[one.purpose, one.outcome] for one in network.connections()]}
    network.close()


if __name__ == "__main__":
    serve({"attempt": attempt, "hold": hold, "door": door})
