"""Route by method by key, through the socket: what the two tables (ROUTES, ROLES) say is so, and nothing else is."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute

from backends.api.dialects import routers
from backends.api.routes import ROUTES, Route
from backends.core.paths import Paths
from backends.governance.access import ROLES, SCOPES, Role, Scope
from backends.governance.keys import MIGRATIONS, KeyStore
from backends.storage.database import Database
from tests.kit.api_server import ApiServed, api_server
from tests.kit.guarded import Reply, Wire

FORMS = ("Authorization: Bearer {}", "x-api-key: {}", "api-key: {}")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
PATHS = sorted({re.sub(r"\{\w+(?::path)?\}", "7", route.path) for route in ROUTES})
UNKNOWN = ("/", "/v1", "/v2/models", "/static/app.js", "/redoc", "/api", "/v1/files", "/api/pull", "/slots", "/props")


class Keys:
    """All that a caller may hold: `bad` opens nothing, `good` as its scopes say."""

    def __init__(self, served: ApiServed, expired: str) -> None:
        store = served.services.api.keys
        revoked, secret = store.add("revoked", "admin")
        store.revoke(revoked.id)
        flipped = served.key[:-1] + ("0" if served.key[-1] != "0" else "1")
        sql = "dsk_' OR '1'='1'; --"
        self.bad = {"wrong": flipped, "sql": sql, "empty": "", "revoked": secret, "expired": expired}
        self.roles: dict[Role, str] = {role: store.add(role, role)[1] for role in ROLES}
        self.narrowed: dict[Scope, str] = {
            scope: store.add(f"only {scope}", "admin", scopes=[scope])[1] for scope in sorted(SCOPES)
        }


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ApiServed, Keys]]:
    home = tmp_path_factory.mktemp("home")
    paths = Paths.under(home)
    paths.make()
    long_ago = Database(paths.data / "keys.db", MIGRATIONS)
    _, expired = KeyStore(long_ago, clock=lambda: 1.0).add("short", "admin", expires=2.0)
    long_ago.close()
    with api_server(home, load=False) as server:
        yield server, Keys(server, expired)


@pytest.fixture
def ask(served: tuple[ApiServed, Keys]) -> Iterator["Asking"]:
    with Asking(int(served[0].url.rpartition(":")[2])) as asking:
        yield asking


class Asking:
    """One question after the other, on one connection while it lasts."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._wire: Wire | None = None

    def __enter__(self) -> "Asking":
        return self

    def __exit__(self, *_: object) -> None:
        if self._wire is not None:
            self._wire.socket.close()

    def __call__(self, method: str, path: str, *headers: str) -> Reply:
        """JSON that is none goes with it where the route takes JSON: who gets in is told of that."""
        found = named(method, path)
        body = b"{" if found is not None and found.body == "json" else None
        kind = ("Content-Type: application/json",) if body else ()
        wire = self._wire = self._wire or Wire(self._port)
        told = wire.ask(f"{method} {path}", *headers, *kind, body=body).response(head=method == "HEAD")
        if told.header("connection") == "close":
            wire.socket.close()
            self._wire = None
        return told


def named(method: str, path: str) -> Route | None:
    """The entry of the table."""
    wanted = "GET" if method == "HEAD" else method
    fits = [one for one in ROUTES if re.fullmatch(re.sub(r"\{\w+(?::path)?\}", "7", one.path), path)]
    return next((one for one in fits if one.method == wanted), None)


def expected(method: str, path: str, scopes: frozenset[Scope] | None) -> int:
    """By the tables alone. `scopes` None: no good key. A model that has not this name is 404, as is such a document;
    JSON that is none is 400; an upload of no type is 415."""
    route = named(method, path)
    if route is not None and route.scope is None:
        return 200
    if scopes is None:
        return 401
    if route is None:
        return 204 if method == "OPTIONS" and path in PATHS else 405 if path in PATHS else 404
    if route.scope not in scopes:
        return 403
    if route.body != "none":
        return 400 if route.body == "json" else 415
    return 404 if "{" in route.path else 200


def test_the_table_and_what_is_served_are_the_same() -> None:
    served = [
        (method, route.path)
        for router in routers()
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    ]
    assert len(served) == len(set(served))
    assert set(served) == {(route.method, route.path) for route in ROUTES}
    assert all(isinstance(route, APIRoute) for router in routers() for route in router.routes)


@pytest.mark.parametrize("form", FORMS, ids=["bearer", "x-api-key", "api-key"])
def test_without_a_good_key_every_route_and_method_is_closed(
    served: tuple[ApiServed, Keys], ask: Asking, form: str
) -> None:
    """Also those that are not there: strangers do not learn what is."""
    for name, secret in served[1].bad.items():
        for path in (*PATHS, *UNKNOWN[:2]):
            for method in METHODS:
                told = ask(method, path, form.format(secret))
                assert told.status == expected(method, path, None), (name, method, path)
    for path in (*PATHS, *UNKNOWN):
        for method in METHODS:
            assert ask(method, path).status == expected(method, path, None), (method, path)


@pytest.mark.parametrize("role", list(ROLES))
def test_a_role_opens_what_the_tables_say(served: tuple[ApiServed, Keys], ask: Asking, role: Role) -> None:
    secret = served[1].roles[role]
    for number, path in enumerate((*PATHS, *UNKNOWN)):
        for method in METHODS:
            told = ask(method, path, FORMS[number % 3].format(secret))
            assert told.status == expected(method, path, ROLES[role]), (role, method, path, told.body)
            if told.status == 404 and path in PATHS and method != "HEAD":
                assert json.loads(told.body)["error"]["code"] in ("model_not_found", "no_document")
            if told.status == 405:
                allowed = {one for one in METHODS if named(one, path)} | {"OPTIONS"}
                assert set(str(told.header("allow")).split(", ")) == allowed


@pytest.mark.parametrize("scope", sorted(SCOPES))
def test_a_key_of_one_scope_opens_its_routes_alone(served: tuple[ApiServed, Keys], ask: Asking, scope: Scope) -> None:
    secret = served[1].narrowed[scope]
    for number, route in enumerate(ROUTES):
        path = re.sub(r"\{\w+(?::path)?\}", "7", route.path)
        told = ask(route.method, path, FORMS[number % 3].format(secret))
        assert told.status == expected(route.method, path, frozenset({scope})), (scope, route)


def test_what_was_asked_changed_no_key_and_left_no_mark(served: tuple[ApiServed, Keys], ask: Asking) -> None:
    server, keys = served
    before = {key.id: key.revoked for key in server.services.api.keys.all()}
    for secret in (*keys.bad.values(), "x' ; DROP TABLE keys; --", "dsk_%_%", "\x80\xff"):
        for form in FORMS:
            assert ask("GET", "/v1/models", form.format(secret)).status == 401
    assert {key.id: key.revoked for key in server.services.api.keys.all()} == before
    server.services.api.log.settle().wait()
    written = b"".join(path.read_bytes() for path in server.services.paths.data.glob("requests.db*"))
    assert not any(secret.encode("latin-1") in written for secret in keys.bad.values() if len(secret) > 30)


# ---- SEC-14

_PLACE = re.compile(r"(?:^|_)(?:path|paths|file|files|filename|dir|directory|folder|url|uri|href|root)$", re.IGNORECASE)


def names(described: Any) -> Iterator[tuple[str, Any]]:
    """Every field and parameter, with its schema."""
    if isinstance(described, dict):
        properties = described.get("properties")
        yield from properties.items() if isinstance(properties, dict) else ()
        if "in" in described and "schema" in described:
            yield described["name"], described["schema"]
        for value in described.values():
            yield from names(value)
    elif isinstance(described, list):
        for value in described:
            yield from names(value)


def test_nothing_takes_or_tells_a_place_on_the_disk(served: tuple[ApiServed, Keys], ask: Asking) -> None:
    """What is sent as a file is its bytes; its name is a name."""
    told = ask("GET", "/openapi.json", FORMS[0].format(served[0].key))
    found = dict(one for one in names(json.loads(told.body)) if _PLACE.search(one[0]))
    assert set(found) == {"file", "filename"}
    assert {"type": "string", "format": "binary"} in found["file"]["anyOf"]


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/models/../../keys.db", "/v1/models/%2e%2e/%2e%2e/keys.db", "/v1/models//etc/passwd"),
        *("/v1/documents/..%2f..%2fkeys.db", "/docs/../keys.db", "/v1/models/file:///etc/passwd", "/keys.db"),
    ],
)
def test_no_path_of_a_file_is_served(served: tuple[ApiServed, Keys], ask: Asking, path: str) -> None:
    told = ask("GET", path, FORMS[0].format(served[0].key))
    assert told.status in (400, 404)
    assert told.header("content-type") == "application/json"
    assert b"SQLite" not in told.body
    assert b"root:" not in told.body
