"""Servers on 127.0.0.1: a web site with scripted pages, and a proxy. An address of this machine that is outside."""

import contextlib
import http.server
import ipaddress
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psutil
import pytest


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Visitor(http.server.BaseHTTPRequestHandler):
    """Hands each request to the page of its path."""

    protocol_version = "HTTP/1.1"
    site: "Site"

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def redirect(self, target: str, status: int = 302) -> None:
        self.answer(status, Location=target)

    def visit(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.site.asked.append(Asked(self.command, self.path, headers, body))
        page = self.site.pages.get(self.path.partition("?")[0])
        page(self) if page else self.answer(404)

    do_GET = do_HEAD = do_POST = visit

    def log_message(self, format: str, *args: object) -> None:
        """The tests look at `site.asked` instead."""


@dataclass
class Site:
    """A web server. `pages` maps a path to what it does; `asked` is what arrived; `closing` goes up at the end, so
    that a page which hangs can wait for it."""

    scheme: str = "http"
    port: int = 0
    pages: dict[str, Callable[[Visitor], None]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away in the middle is what many tests are about."""


def outside() -> str:
    """An address of this machine in its network, to which nothing may go offline. Skips where there is no network."""
    found = psutil.net_if_addrs().values()
    addresses = [str(one.address) for card in found for one in card if one.family == socket.AF_INET]
    usable = [one for one in addresses if not ipaddress.ip_address(one).is_loopback]
    return usable[0] if usable else pytest.skip("this machine is in no network")


@contextlib.contextmanager
def serving(site: Site, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Site]:
    server = Server((host, 0), type("SiteVisitor", (Visitor,), {"site": site}))
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        site.scheme = "https"
    site.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class ProxyVisitor(socketserver.StreamRequestHandler):
    """Leads every request to `proxy.target`, whatever host it names."""

    def handle(self) -> None:
        proxy = self.server
        assert isinstance(proxy, Proxy)
        first = self.rfile.readline().decode()
        headers = {}
        while line := self.rfile.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        proxy.asked.append((first.strip(), headers))
        if proxy.wants and headers.get("proxy-authorization") != proxy.wants:
            self.wfile.write(b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", proxy.target)) as onward:
            if first.startswith("CONNECT "):
                self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            else:
                method, url, version = first.split()
                path = "/" + url.split("/", 3)[3]
                lines = [f"{method} {path} {version}", *(f"{name}: {value}" for name, value in headers.items())]
                onward.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
            relay(self.connection, onward)


def relay(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until one side ends."""
    while True:
        ready, _, _ = select.select([one, other], [], [])
        for source, sink in ((one, other), (other, one)):
            if source in ready:
                data = source.recv(65536)
                if not data:
                    return
                sink.sendall(data)


class Proxy(socketserver.ThreadingTCPServer):
    """An HTTP proxy. `wants`: the Proxy-Authorization that it asks for, if any."""

    daemon_threads = True
    target = 0
    wants = ""

    def __init__(self, visitor: type[socketserver.BaseRequestHandler] = ProxyVisitor) -> None:
        super().__init__(("127.0.0.1", 0), visitor)
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """As for the site."""


@contextlib.contextmanager
def proxying(proxy: Proxy) -> Iterator[Proxy]:
    thread = threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
