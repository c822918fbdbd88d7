"""The server: an event loop on a thread of its own, from `start` until `drain` or `close`.

    server = ApiServer(application(api, routers), keys, GuardOptions(), log)
    port = server.start(port=0)      # it answers
    server.drain(10)                 # what runs may end

It leaves logging and signals alone.
"""

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Iterable

from uvicorn import Config

from backends.api.connection import Connection, Peers
from backends.api.guard import App, CallLog, Guard, GuardOptions, KeyCheck
from backends.api.listening import Tls, addresses, is_loopback, listen, tls_context
from backends.api.live import Moved
from backends.api.origins import named
from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase

__all__ = ["ApiServer", "Tls"]

log = logging.getLogger(__name__)

_LAST_SECONDS = 5.0  # for requests that are broken off
_ACCEPTED = 8  # connections in one turn of the loop: a crowd that comes at once does not hold up who is there
_WAITING = 128  # connections that the system holds until then


class ApiServer:
    """Started once, closed once. `host` (as in an address), `port`, `secure`: where it answers, once started.
    `moved`: what it receives and sends is added to it."""

    def __init__(
        self, app: App, keys: KeyCheck, options: GuardOptions, log: CallLog, moved: Moved | None = None
    ) -> None:
        self.guard = Guard(app, keys, options, log)
        self.moved = moved or Moved()
        self.host, self.port, self.secure = "127.0.0.1", 0, False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._stopping = asyncio.Event()
        self._grace = 0.0

    def start(self, host: str = "127.0.0.1", port: int = 0, tls: Tls | None = None) -> int:
        """Answer at both addresses of loopback, or at `host`; gives the port when it does. InvalidInput (`bad_host`,
        `bad_port`, `bad_certificate`, `not_safe`: beyond loopback without TLS or without keys), Unavailable
        (`port_in_use`)."""
        wanted = addresses(host)
        loopback = is_loopback(wanted)
        if not loopback and (tls is None or self.guard.options.no_auth):
            raise InvalidInput(
                Phrase(
                    f"At {host}, others could reach this server: it needs a certificate and keys there.",
                    f"在 {host} 上，其他人可以访问此服务：必须配置证书和密钥。",
                ),
                Phrase(
                    "Give the files of a certificate and its key, and do not switch the keys off; or use 127.0.0.1.",
                    "请提供证书及其私钥文件，且不要关闭密钥验证；或改用 127.0.0.1。",
                ),
                "not_safe",
            )
        context = tls_context(tls) if tls is not None else None
        sockets, self.port = listen(wanted, port)
        names = named(host.strip("[]")) if host else frozenset()
        self.guard.add_hosts(names)
        self.host = "127.0.0.1" if loopback else next(iter(names), "localhost")
        self.secure = tls is not None
        self._thread = threading.Thread(target=self._run, args=(sockets, context), name="api", daemon=True)
        self._thread.start()
        self._ready.wait()
        return self.port

    @property
    def url(self) -> str:
        """For programs on this computer, or on others if it was started for them."""
        return f"{'https' if self.secure else 'http'}://{self.host}:{self.port}"

    def drain(self, seconds: float) -> None:
        """Accept nobody any more; what runs may end within `seconds`, then it is broken off. Waits for all of it."""
        thread, loop = self._thread, self._loop
        if thread is None or loop is None:
            return
        self._thread = None
        self._grace = seconds
        loop.call_soon_threadsafe(self._stopping.set)
        thread.join()

    def close(self) -> None:
        self.drain(0)

    # ---- on the thread

    def _run(self, sockets: list[socket.socket], context: ssl.SSLContext | None) -> None:
        try:
            asyncio.run(self._serve(sockets, context))
        finally:
            self._ready.set()

    async def _serve(self, sockets: list[socket.socket], context: ssl.SSLContext | None) -> None:
        limits = self.guard.options.limits
        config = Config(
            self.guard,
            http=Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            h11_max_incomplete_event_size=limits.header_bytes,
            timeout_keep_alive=limits.keep_alive_seconds,  # type: ignore[arg-type]  # seconds for the loop's timer
        )
        config.load()
        peers = Peers(self.moved)
        loop = self._loop = asyncio.get_running_loop()
        handshake = limits.header_seconds if context is not None else None
        servers = [
            await loop.create_server(
                lambda: Connection(config, peers, limits),
                sock=one,
                ssl=context,
                ssl_handshake_timeout=handshake,
                backlog=_ACCEPTED,
            )
            for one in sockets
        ]
        for one in sockets:
            one.listen(_WAITING)  # asyncio has one number for both
        self._ready.set()
        await self._stopping.wait()
        for server in servers:
            server.close()
        await _end(peers, self._grace)


async def _end(peers: Peers, grace: float) -> None:
    """Requests may end, clients hear of it, connections are closed; then there are none."""
    for connection in _open(peers):
        connection.shutdown()
    await _settle(peers.tasks, grace)
    await _settle((one.lost for one in _open(peers) if grace), grace)
    for connection in _open(peers):
        connection.abort()
    await _settle((one.lost for one in _open(peers)), _LAST_SECONDS)
    await _settle(peers.tasks, _LAST_SECONDS)
    for task in peers.tasks:
        log.warning("a request does not end: %s", task)
        task.cancel()


def _open(peers: Peers) -> list[Connection]:
    return [one for one in (*peers.connections, *peers.refused) if isinstance(one, Connection)]


async def _settle(waited_for: Iterable["asyncio.Future[None]"], seconds: float) -> None:
    futures = list(waited_for)
    if futures:
        await asyncio.wait(futures, timeout=seconds)
