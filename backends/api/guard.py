"""Who gets in, and with what: the one door before the application (SEC-02 to SEC-08).

In this order: size of the headers, Host, Origin, Sec-Fetch-Site; then the key; only then whether there is such a route
(strangers are not told); then what the key may do, how often, and the kind, length and sense of the body.
"""

import ipaddress
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from backends.api import bodies, errors, routes
from backends.api.calls import KEY, Call
from backends.api.errors import ApiError
from backends.api.exchange import Exchange, Gone, Receive, Send
from backends.api.limits import RETRY_MOST, Limits
from backends.api.origins import Origins, is_ours
from backends.api.routes import Route
from backends.core.errors import BackendError
from backends.governance.access import OWNER, Caller, authorize

log = logging.getLogger(__name__)

Scope = dict[str, Any]
App = Callable[[Any, Receive, Send], Awaitable[None]]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # those that change nothing
_PREFLIGHT_SECONDS = b"600"
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_CLIENT_ID = re.compile(r"[!-~]{1,128}")
_UPLOADS = ("multipart/form-data", "application/octet-stream")


class KeyCheck(Protocol):
    def caller(self, secret: str) -> Caller | None:
        """Who has this key, None if nobody; as fast for one as for the other (SEC-06)."""
        ...


class CallLog(Protocol):
    """Told on the event loop, so it returns at once."""

    def began(self, call: Call) -> None:
        """It was let in."""
        ...

    def ended(self, call: Call) -> None:
        """Its last byte was sent, or its client has gone. Also of those that were not let in: they have a status."""
        ...


class RateCheck(Protocol):
    def admit(self, caller: Caller) -> int:
        """0: it may ask, and that counts. Else seconds after which it may."""
        ...

    def spend(self, caller: Caller, tokens: int) -> None:
        """What a request of it has cost."""
        ...


@dataclass(frozen=True, slots=True)
class GuardOptions:
    """`hosts`: names besides those of loopback, as `origins.named` gives them. `no_auth`: no key is needed by who asks
    from this computer; Host and Origin are checked all the same."""

    hosts: frozenset[str] = frozenset()
    origins: Origins = field(default_factory=Origins)
    no_auth: bool = False
    rates: RateCheck | None = None
    limits: Limits = field(default_factory=Limits)


class Guard:
    """An ASGI application before another one."""

    def __init__(self, app: App, keys: KeyCheck, options: GuardOptions, log: CallLog) -> None:
        self._app, self._keys, self._log = app, keys, log
        self.options = options

    def add_hosts(self, names: frozenset[str]) -> None:
        self.options = replace(self.options, hosts=self.options.hosts | names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = _Head(scope)
        call: Call = scope.setdefault(KEY, Call(None))
        call.client_id = head.client_id
        exchange = Exchange(call, receive, send, self.options.limits, head.length, head.chunked)
        try:
            await self._serve(head, call, exchange)
        finally:
            exchange.close()
            self._end(call)

    async def _serve(self, head: "_Head", call: Call, exchange: Exchange) -> None:
        try:
            route = self._let_in(head, call, exchange)
            if route is None:
                await exchange.answer(204, ())
                return
            await self._take_body(head, route, exchange)
        except ApiError as error:
            dialect = call.dialect if call.route else routes.dialect(head.path)
            await exchange.refuse(error, dialect)
            return
        except Gone:
            return
        upload = route.body == "upload"
        try:  # the application sees HEAD as GET; the connection leaves the body out
            scope = {**head.scope, "method": route.method}
            await self._app(scope, exchange.receive_upload if upload else exchange.receive, exchange.send)
        except Exception:
            if not exchange.gone:
                log.exception("%s %s: %s", route.method, route.path, call.id)
            if not exchange.started:
                await exchange.refuse(errors.internal(), call.dialect)
            raise

    def _end(self, call: Call) -> None:
        rates, caller = self.options.rates, call.caller
        if rates is not None and caller is not None:
            rates.spend(caller, call.prompt_tokens - call.cached_tokens + call.completion_tokens)
        call.enter("done")
        self._log.ended(call)

    # ---- the checks

    def _let_in(self, head: "_Head", call: Call, exchange: Exchange) -> Route | None:
        """The route; None where the guard itself has the answer (OPTIONS). ApiError."""
        if head.size > self.options.limits.header_bytes:
            raise ApiError(431, "The headers are too large.", "headers_too_large")
        if head.scope["http_version"] not in ("1.0", "1.1"):
            exchange.extra.append((b"connection", b"close"))
            raise errors.bad("This server speaks HTTP/1.1.", code="bad_request")
        self._check_host(head)
        if self._check_origin(head, exchange):
            return None
        found = routes.find(head.method, head.path)
        call.route = found if isinstance(found, Route) else None
        if call.route is None or call.route.scope is not None:
            call.caller = self._caller(head)
        if not isinstance(found, Route):
            return _not_served(head, found, exchange)
        self._check_caller(call, found)
        self._log.began(call)
        return found

    def _check_host(self, head: "_Head") -> None:
        hosts = head.all(b"host")
        known = len(hosts) == 1 and is_ours(hosts[0], head.port, self.options.hosts)
        if not known or not head.raw_path.startswith(b"/"):  # a whole address, or none, in the request line
            raise wrong_host()

    def _check_origin(self, head: "_Head", exchange: Exchange) -> bool:
        """True if it was a question whether a page may ask (a CORS preflight), and it may."""
        given = head.all(b"origin")
        allowed = len(given) == 1 and given[0] in self.options.origins
        if given:
            exchange.extra.append((b"vary", b"Origin"))
        preflight = head.method == "OPTIONS" and bool(head.all(b"access-control-request-method"))
        opaque = any(one.lower() in ("null", "") for one in given)
        if given and not allowed and (opaque or preflight or head.method not in SAFE_METHODS):
            raise ApiError(403, "This web page may not use this server.", "origin_not_allowed")
        if not allowed and any(one.lower() == "cross-site" for one in head.all(b"sec-fetch-site")):
            raise ApiError(403, "Another site may not use this server.", "cross_site")
        if allowed:
            exchange.extra.append((b"access-control-allow-origin", given[0].encode("latin-1")))
            exchange.extra.append((b"access-control-expose-headers", b"x-request-id, retry-after, x-should-retry"))
        if not (allowed and preflight):
            return False
        wanted = [one.strip() for line in head.all(b"access-control-request-headers") for one in line.split(",")]
        names = ", ".join(one for one in wanted if _HEADER_NAME.fullmatch(one))
        exchange.extra += [
            (b"access-control-allow-methods", b"GET, POST, DELETE"),
            (b"access-control-allow-headers", names.encode("latin-1")),
            (b"access-control-max-age", _PREFLIGHT_SECONDS),
        ]
        return True

    def _caller(self, head: "_Head") -> Caller:
        """The one place where a key is looked at (SEC-07)."""
        if self.options.no_auth and head.from_here:
            return OWNER
        secrets = set(head.secrets)
        caller = self._keys.caller(secrets.pop()) if len(secrets) == 1 else None
        if caller is None:
            told = "A valid key is needed, as `Authorization: Bearer …`, `x-api-key` or `api-key`."
            raise ApiError(401, told, "invalid_api_key", headers={"WWW-Authenticate": "Bearer"})
        return caller

    def _check_caller(self, call: Call, route: Route) -> None:
        if route.scope is None or call.caller is None:
            return
        try:
            authorize(call.caller, route.scope)
        except BackendError as error:
            raise errors.of(error) from error
        seconds = self.options.rates.admit(call.caller) if self.options.rates is not None else 0
        if seconds:
            headers = {"Retry-After": str(min(seconds, RETRY_MOST))}
            raise ApiError(429, "This key asks too often.", "rate_limit_exceeded", headers=headers)

    async def _take_body(self, head: "_Head", route: Route, exchange: Exchange) -> None:
        limits = self.options.limits
        if head.length is not None and head.chunked:
            raise errors.bad("Content-Length and Transfer-Encoding contradict each other.", code="bad_framing")
        if route.body != "none":
            head.check_media_type(route)
        if route.body == "upload":
            exchange.check_length(limits.upload_bytes)
            return
        exchange.check_length(limits.body_bytes)
        body = await exchange.read(limits.body_bytes)
        if route.body == "json":
            await bodies.check(body)


class _Head:
    """Request line and headers."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_path: bytes = scope["raw_path"]
        self.port: int = scope["server"][1]
        self._headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
        lengths, codings = self.all(b"content-length"), self.all(b"transfer-encoding")
        self.length = int(lengths[0]) if lengths else None
        self.chunked = bool(codings)

    def all(self, name: bytes) -> list[str]:
        return [value.decode("latin-1") for one, value in self._headers if one == name]

    @property
    def size(self) -> int:
        line = len(self.method) + len(self.raw_path) + len(self.scope["query_string"]) + len("  HTTP/1.1\r\n")
        return line + sum(len(name) + len(value) + 4 for name, value in self._headers) + 2

    @property
    def client_id(self) -> str:
        given = [*self.all(b"x-client-request-id"), *self.all(b"x-request-id")]
        return given[0] if given and _CLIENT_ID.fullmatch(given[0]) else ""

    @property
    def from_here(self) -> bool:
        client = self.scope.get("client")
        return client is not None and ipaddress.ip_address(client[0].partition("%")[0]).is_loopback

    @property
    def secrets(self) -> list[str]:
        """Every key in it, by whatever name; never from the query."""
        bearers = [value.partition(" ") for value in self.all(b"authorization")]
        keys = [key.strip() if scheme.lower() == "bearer" else "" for scheme, _, key in bearers]
        return [*keys, *self.all(b"x-api-key"), *self.all(b"api-key")]

    def check_media_type(self, route: Route) -> None:
        """ApiError 415: also what a page may send without asking first (`text/plain`, a form) does not get in."""
        given = self.all(b"content-type")
        kind, _, parameters = given[0].partition(";") if len(given) == 1 else ("", "", "")
        wanted = _UPLOADS if route.body == "upload" else ("application/json",)
        charset = re.search(r"charset=\"?([^\s;\"]+)", parameters, re.IGNORECASE)
        if kind.strip().lower() not in wanted or (charset and charset[1].lower() not in ("utf-8", "utf8")):
            raise ApiError(415, f"The Content-Type has to be {' or '.join(wanted)}.", "unsupported_media_type")


def wrong_host() -> ApiError:
    return ApiError(403, "This server does not go by that name.", "host_not_allowed")


def _not_served(head: _Head, methods: tuple[str, ...], exchange: Exchange) -> None:
    if not methods:
        raise ApiError(404, f"There is no {head.path}.", "not_found")
    allow = ", ".join((*methods, "OPTIONS"))
    if head.method != "OPTIONS":
        raise ApiError(405, f"{head.path} does not know {head.method}.", "method_not_allowed", headers={"Allow": allow})
    exchange.extra.append((b"allow", allow.encode("ascii")))
