"""The localhost API switched on and off, its keys, its log, and what runs in it now.

    for address in services.api.start(): ...       # "http://127.0.0.1:8642", when it answers
    services.api.stop()

Everything is loaded when it is first switched on. It follows the settings: on or off with the program, its port, the
web pages that may ask.
"""

import gc
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backends.api.live import LiveCall, LiveCalls, Moved
from backends.api.request_log import MANNERS, RequestLog
from backends.api.request_log import MIGRATIONS as LOG_MIGRATIONS
from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, InvalidInput
from backends.core.phrase import Phrase
from backends.core.settings import Settings
from backends.core.stream import Runner, Stream
from backends.governance.keys import MIGRATIONS as KEY_MIGRATIONS
from backends.governance.keys import FixedKeys, Key, KeyStore
from backends.services.foundation import Foundation
from backends.services.serving import ServingDesk
from backends.storage.database import Database
from backends.storage.migrations import Migration

if TYPE_CHECKING:
    from fastapi import FastAPI

    from backends.api.guard import GuardOptions
    from backends.api.records import Records
    from backends.api.server import ApiServer

__all__ = ["ApiServices", "ApiState", "Serving"]

DRAIN = 30.0  # seconds that running requests have to end


@dataclass(frozen=True, slots=True)
class Serving:
    """How to serve. `host` "": this computer alone. `port` None: that of the settings; 0: any that is free. `keys`:
    besides those of the store. `tls`: certificate and key."""

    host: str = ""
    port: int | None = None
    keys: tuple[str, ...] = ()
    no_auth: bool = False
    tls: tuple[Path, Path] | None = None


@dataclass(frozen=True, slots=True)
class ApiState:
    """`address` "": it is off, because of `problem` if there is one."""

    address: str = ""
    problem: BackendError | None = None
    open_to_all: bool = False  # no key is needed
    beyond: bool = False  # others than this computer may ask


class ApiServices:
    """Its threads: `api-switch`, and the server's and the log's own."""

    def __init__(self, foundation: Foundation, desk: ServingDesk) -> None:
        self._base, self.desk = foundation, desk
        self._switch = Runner("api-switch")
        self._lock = threading.Lock()
        self._databases: list[Database] = []
        self._keys: KeyStore | None = None
        self._log: RequestLog | None = None
        self._server: ApiServer | None = None
        self._origins: tuple[str, ...] = ()
        self._begun = False
        self._followed: tuple[int, ...] = ()  # the port that the settings want; none: off
        self.live = LiveCalls(lambda: foundation.changed("requests"))
        self.moved: Moved | None = None  # by all servers of this run; None while there was none
        self.state = ApiState()

    def close(self) -> None:
        """Break off what runs."""
        self._switch.close()
        self._stop(0)
        self.desk.close()
        if self._log is not None:
            self._log.close()
        for database in self._databases:
            database.close()
        gc.unfreeze()

    # ---- keys and log

    @property
    def keys(self) -> KeyStore:
        with self._lock:
            if self._keys is None:
                self._keys = KeyStore(self._open("keys.db", KEY_MIGRATIONS))
            return self._keys

    @property
    def log(self) -> RequestLog:
        with self._lock:
            if self._log is None:
                database = self._open("requests.db", LOG_MIGRATIONS, MANNERS)
                self._log = RequestLog(database, lambda: self._base.settings.current.api.keep_days)
                self._log.on_stored(lambda: self._base.changed("requests"))
            return self._log

    def revoke(self, key_id: str) -> Key:
        """It opens nothing any more, and what runs for it ends. NotFound (`no_key`)."""
        key = self.keys.revoke(key_id)
        self.live.cancel_key(key_id)
        self._base.changed("requests")
        return key

    def running(self) -> tuple[LiveCall, ...]:
        return self.live.all()

    def traffic(self) -> tuple[int, int] | None:
        """Bytes of HTTP received and sent since it was first on; None while it never was."""
        return (self.moved.received, self.moved.sent) if self.moved is not None else None

    def _open(self, name: str, migrations: Sequence[Migration], manners: Sequence[str] = ()) -> Database:
        database = Database(self._base.paths.data / name, migrations, manners)
        self._databases.append(database)
        return database

    # ---- on and off

    def begin(self) -> None:
        """At the start of the window: on if the settings say so, and as they say from now on."""
        self._begun = True
        self.on_settings(self._base.settings.current)

    def on_settings(self, settings: Settings) -> None:
        origins = tuple(one.strip() for one in settings.api.origins.split(",") if one.strip())
        if origins != self._origins:
            self._origins = origins
            self._switch.start(self._allow, origins)
        wanted = (settings.api.port,) if settings.api.enabled else ()
        if self._begun and wanted != self._followed:
            self._followed = wanted
            self._switch.start(self._follow)

    def check(self, serving: Serving) -> None:
        """InvalidInput (`not_safe`, `bad_key`, `bad_host`) for what would be refused, before anything is loaded."""
        from backends.api.listening import addresses, is_loopback

        FixedKeys(serving.keys)
        if not serving.host or is_loopback(addresses(serving.host)):
            return
        keys = bool(serving.keys) or any(key.holds(time.time()) for key in self.keys.all())
        if serving.tls is None or serving.no_auth or not keys:
            raise InvalidInput(
                Phrase(
                    f"At {serving.host} other computers could ask: that needs TLS files and a key.",
                    f"在 {serving.host} 上其他计算机也能访问：必须提供 TLS 文件和密钥。",
                ),
                Phrase(
                    "Give --tls-certificate, --tls-key, and --api-key-file unless there is a key; or leave --host out.",
                    "请提供 --tls-certificate、--tls-key，以及（尚无密钥时）--api-key-file；或去掉 --host。",
                ),
                code="not_safe",
            )

    def start(self, serving: Serving | None = None) -> Stream[str]:
        """One event, its address, when it answers; a server that is on is stopped first. Raises as ApiServer.start."""
        return self._switch.start(self._start, serving or Serving())

    def stop(self) -> Stream[None]:
        """Nobody is let in any more; ends when what runs has ended, or was broken off after DRAIN seconds."""
        return self._switch.start(self._off)

    def as_set(self) -> Stream[None]:
        """As `stop`, and then as the settings say, if `begin` was called: when `serve` in a window has ended."""
        return self._switch.start(self._follow)

    def _follow(self, *, cancel: CancelToken) -> Iterator[None]:
        self._stop(DRAIN)
        if self.state.problem is not None:
            self._become(ApiState())
        if self._followed:
            try:
                for _ in self._start(Serving(), cancel=cancel):
                    yield
            except BackendError as error:
                self._become(ApiState(problem=error))

    def _start(self, serving: Serving, *, cancel: CancelToken) -> Iterator[str]:
        self.check(serving)
        self._stop(DRAIN)
        from backends.api.server import ApiServer, Tls

        app, guard, records = self._made(serving)
        self.moved = self.moved or Moved()
        server = ApiServer(app, FixedKeys(serving.keys, self.keys), guard, records, self.moved)
        port = self._base.settings.current.api.port if serving.port is None else serving.port
        server.start(serving.host or "127.0.0.1", port, Tls(*serving.tls) if serving.tls else None)
        gc.freeze()  # what is loaded stays: looking through it for garbage stops every thread for 0.1 s again and again
        self._server = server
        self.desk.documents.begin()
        self._become(ApiState(server.url, None, serving.no_auth, server.secure))
        yield server.url

    def _made(self, serving: Serving) -> "tuple[FastAPI, GuardOptions, Records]":
        """The application, what its guard is told, and where its requests are recorded."""
        from backends.api.admission import Admission
        from backends.api.application import application
        from backends.api.asking import Api
        from backends.api.dialects import routers
        from backends.api.guard import GuardOptions
        from backends.api.metrics import Gauges, Meter
        from backends.api.origins import Origins
        from backends.api.records import Records
        from backends.governance.rates import Rates

        def keeps_texts() -> bool:
            return self._base.settings.current.api.keep_texts

        admission = Admission(self._parallel)
        meter = Meter(Gauges(lambda: admission.taken - admission.waiting, lambda: admission.waiting, self._connections))
        app = application(Api(self.desk, admission, meter, keeps_texts), routers())
        guard = GuardOptions(origins=Origins(self._origins), no_auth=serving.no_auth, rates=Rates())
        return app, guard, Records(self.live, self.log, meter, keeps_texts)

    def _allow(self, origins: tuple[str, ...], *, cancel: CancelToken) -> Iterator[None]:
        if self._server is not None:
            self._server.guard.options.origins.allow(origins)
        yield

    def _off(self, *, cancel: CancelToken) -> Iterator[None]:
        self._stop(DRAIN)
        yield

    def _stop(self, seconds: float) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.drain(seconds)
            self._become(ApiState())

    def _become(self, state: ApiState) -> None:
        self.state = state
        self._base.changed("api")

    def _parallel(self) -> int:
        loaded = self._base.engine.model
        return loaded.parallel if loaded else self._base.settings.current.engine.parallel

    def _connections(self) -> int:
        return len(self.live)
