"""Who gets in: names, origins, keys, scopes, kinds of bodies; through the socket, for a library would tidy up."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.api import routes
from backends.api.exchange import Message
from backends.api.guard import GuardOptions
from backends.api.origins import Origins, checked, named
from backends.api.routes import ROUTES, Route
from backends.core.errors import InvalidInput
from backends.governance.access import ROLES, Role
from backends.governance.rates import Rates
from tests.kit.guarded import Guarded, Reply, guarded

PAGE = "https://chat.example.org"
HEADER_FORMS = ("Authorization: Bearer {}", "x-api-key: {}", "api-key: {}")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


@pytest.fixture(scope="module")
def origins() -> Origins:
    return Origins([PAGE])


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, origins: Origins) -> Iterator[Guarded]:
    with guarded(tmp_path_factory.mktemp("guard"), GuardOptions(origins=origins, rates=Rates())) as server:
        yield server


def concrete(route: Route) -> str:
    return re.sub(r"\{\w+(?::path)?\}", "7", route.path)


def body_of(route: Route) -> tuple[tuple[str, ...], bytes | None]:
    """Headers and body that it takes."""
    if route.body == "none":
        return (), None
    kind = "application/json" if route.body == "json" else "application/octet-stream"
    return (f"Content-Type: {kind}",), b"{}"


# ---- names


@pytest.mark.parametrize("host", ["127.0.0.1:PORT", "127.0.0.1", "localhost:PORT", "localhost", "[::1]:PORT", "[::1]"])
def test_the_server_goes_by_its_names(here: Guarded, host: str) -> None:
    assert here.once("GET /v1/models", host=host).status == 200


STRANGE_HOSTS = [
    "",
    "localhost.",
    "localhost.:PORT",
    "localhost.evil.com",
    "localhost.evil.com:PORT",
    "evil.com",
    "evil.com:PORT",
    "127.0.0.1.nip.io",
    "127.0.0.1.nip.io:PORT",
    "127.0.0.1:1",
    "127.0.0.1:0PORT",
    "127.0.0.1:PORT0",
    "127.0.0.1:",
    "127.0.0.2",
    "127.1",
    "2130706433",
    "0.0.0.0",
    "0.0.0.0:PORT",
    "::1",
    "[::1",
    "[::1%lo]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "user@localhost",
    "localhost, localhost",
    "localhost:PORT@evil.com",
    "localhost/",
    "http://localhost",
    "local",
]


@pytest.mark.parametrize("host", STRANGE_HOSTS)
def test_other_names_get_nothing(here: Guarded, host: str) -> None:
    """Before the key is looked at: the answer is the same with it and without, and for a route without a key."""
    before = len(here.reached)
    told = here.once("GET /v1/models", host=host)
    assert (told.status, told.code) == (403, "host_not_allowed")
    with here.wire() as wire:
        assert wire.ask("GET /health", host=host).response().status == 403
    assert len(here.reached) == before


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.0\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost:PORT\r\nHost: localhost:PORT\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nhost: evil.com\r\n\r\n",
        b"GET /health HTTP/1.0\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET http://localhost:PORT/health HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
        b"GET http://evil.com/health HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
        b"GET localhost/health HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
        b"CONNECT evil.com:443 HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
    ],
    ids=["none", "none-1.0", "twice", "two", "twice-1.0", "absolute", "absolute-evil", "bare", "connect", "star"],
)
def test_a_name_is_said_once_and_in_its_place(here: Guarded, head: bytes) -> None:
    with here.wire() as wire:
        told = wire.send(head).response()
    assert (told.status, told.code) == (403, "host_not_allowed")
    assert str(told.header("x-request-id")).startswith("req_")


def test_a_name_is_checked_before_the_body_is_read(here: Guarded) -> None:
    """The body never comes; the answer does."""
    with here.wire() as wire:
        wire.ask("POST /v1/chat/completions", *here.json, "Content-Length: 1000000", host="evil.com")
        told = wire.response()
        assert (told.status, told.header("connection")) == (403, "close")
        assert wire.closed()


def test_a_host_that_was_named_is_added_and_no_other(tmp_path: Path) -> None:
    with guarded(tmp_path, GuardOptions(hosts=named("Box.LAN"))) as here:
        for host in ("box.lan", "box.lan:PORT", "BOX.lan", "localhost:PORT"):
            assert here.once("GET /v1/models", host=host).status == 200
        for host in ("box.lan.", "a.box.lan", "box.lan.evil.com", "box.lan:1", "box"):
            assert here.once("GET /v1/models", host=host).status == 403


def test_what_a_host_is_called() -> None:
    assert named("192.168.1.5") == {"192.168.1.5"}
    assert named("fe80:0::1") == {"[fe80::1]"}
    assert named("0.0.0.0") == named("::") == frozenset()


# ---- web pages


def cors(reply: Reply) -> set[str]:
    return {name for name, _ in reply.headers if name.startswith("access-control-")}


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.com",
        "http://chat.example.org",
        "https://chat.example.org:8443",
        "https://chat.example.org.evil.com",
        "https://evil.com/https://chat.example.org",
        "https://CHAT.example.org",
        "http://localhost:PORT",
        "*",
    ],
)
def test_other_pages_may_change_nothing_and_read_nothing(here: Guarded, origin: str) -> None:
    before = len(here.reached)
    for method, path in (("POST", "/v1/chat/completions"), ("DELETE", "/v1/documents/1"), ("PUT", "/nowhere")):
        told = here.once(f"{method} {path}", f"Origin: {origin}", "Content-Type: application/json", body=b"{}")
        assert (told.status, told.code, cors(told)) == (403, "origin_not_allowed", set())
    assert len(here.reached) == before
    read = here.once("GET /v1/models", f"Origin: {origin}")
    assert (read.status, cors(read)) == (200, set())
    asked = here.once("OPTIONS /v1/models", f"Origin: {origin}", "Access-Control-Request-Method: GET")
    assert (asked.status, cors(asked)) == (403, set())


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS"])
def test_a_page_without_an_origin_of_its_own_is_refused(here: Guarded, method: str) -> None:
    for origin in ("null", "NULL", ""):
        told = here.once(f"{method} /v1/models", f"Origin: {origin}")
        assert (told.status, cors(told)) == (403, set())


def test_two_origins_are_none(here: Guarded) -> None:
    told = here.once("POST /v1/completions", f"Origin: {PAGE}", f"Origin: {PAGE}", *here.json[1:], body=b"{}")
    assert (told.status, cors(told)) == (403, set())


def test_a_page_that_was_allowed_may_ask(here: Guarded) -> None:
    asked = here.once(
        "OPTIONS /no/matter/what",
        f"Origin: {PAGE}",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: authorization, X-Stainless-Lang, bad name, content-type",
    )
    assert asked.status == 204
    assert asked.header("access-control-allow-origin") == PAGE
    assert asked.header("access-control-allow-headers") == "authorization, X-Stainless-Lang, content-type"
    assert asked.header("access-control-allow-methods") == "GET, POST, DELETE"
    assert asked.header("access-control-allow-credentials") is None
    told = here.once("POST /v1/completions", f"Origin: {PAGE}", "Content-Type: application/json", body=b"{}")
    assert (told.status, told.header("access-control-allow-origin"), told.header("vary")) == (200, PAGE, "Origin")
    assert told.header("access-control-allow-credentials") is None
    with here.wire() as wire:  # a page may read why it was refused
        refused = wire.ask("GET /v1/models", f"Origin: {PAGE}").response()
    assert (refused.status, refused.header("access-control-allow-origin")) == (401, PAGE)


def test_pages_are_allowed_and_forbidden_while_it_runs(here: Guarded, origins: Origins) -> None:
    def status() -> int:
        return here.once("POST /v1/completions", "Origin: app://obsidian.md", *here.json[1:], body=b"{}").status

    assert status() == 403
    with here.wire() as wire:
        origins.allow([PAGE, "app://obsidian.md"])
        assert status() == 200
        origins.allow([PAGE])
        wire.ask("POST /v1/completions", "Origin: app://obsidian.md", *here.json, body=b"{}")
        assert wire.response().status == 403  # also on a connection that was there before


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "",
        "https://",
        "example.org",
        "https://*.org",
        "https://a/b",
        "https://a:0",
        "https://a:70000",
        "https://a@b",
        "https://a b",
    ],
)
def test_only_an_origin_can_be_allowed(origin: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked(origin)
    assert refused.value.code == "bad_origin"
    assert refused.value.message.zh


def test_an_origin_is_kept_as_browsers_send_it() -> None:
    assert checked(" HTTPS://Example.org:443/ ") == "https://example.org"
    assert checked("http://localhost:3000") == "http://localhost:3000"
    assert checked("http://[::1]:80") == "http://[::1]"
    assert checked("vscode-webview://abc") == "vscode-webview://abc"


def test_requests_that_another_site_causes_are_refused(here: Guarded) -> None:
    for line, headers in (("GET /v1/models", ()), ("GET /health", ()), ("POST /v1/completions", here.json[1:])):
        told = here.once(line, "Sec-Fetch-Site: cross-site", *headers, body=b"{}" if headers else None)
        assert (told.status, told.code) == (403, "cross_site")
    for site in ("none", "same-origin"):
        assert here.once("GET /v1/models", f"Sec-Fetch-Site: {site}").status == 200
    told = here.once(
        "POST /v1/completions", f"Origin: {PAGE}", "Sec-Fetch-Site: cross-site", *here.json[1:], body=b"{}"
    )
    assert told.status == 200


# ---- keys


def bad_keys(here: Guarded) -> dict[str, str]:
    revoked, secret = here.keys.add("revoked")
    here.keys.revoke(revoked.id)
    flipped = here.key[:-1] + ("0" if here.key[-1] != "0" else "1")
    return {
        "wrong": f"dsk_{'0' * 12}_{'0' * 64}",
        "one digit": flipped,
        "revoked": secret,
        "empty": "",
        "sql": "' OR '1'='1' --",
        "sql in the id": f"dsk_' OR 1=1;_{'0' * 64}",
        "long": "k" * 8000,
        "latin": "schl\xfcssel",
        "twice": f"{here.key} {here.key}",
        "listed": f"{here.key},{here.key}",
    }


def test_without_a_good_key_nothing_is_told(here: Guarded) -> None:
    """For every route, every method and every place of a key; and strangers do not learn which routes there are."""
    keys, before = bad_keys(here), len(here.reached)
    headers = [form.format(key) for form in HEADER_FORMS for key in keys.values()]
    headers += [f"Authorization: Basic {here.key}", f"Authorization: {here.key}", f"Cookie: api-key={here.key}"]
    answers = set()
    with here.wire() as wire:
        for header in (*headers, "x-nothing: 1"):
            told = wire.ask("GET /v1/models", header).response()
            answers.add((told.status, told.code, told.header("www-authenticate"), told.header("x-should-retry")))
        for path in [concrete(route) for route in ROUTES if route.scope] + ["/", "/nowhere", "/v1", "/health/x"]:
            for method in METHODS:
                told = wire.ask(f"{method} {path}").response(head=method == "HEAD")
                assert told.status == 401, (method, path)
        told = wire.ask(f"GET /v1/models?api_key={here.key}&key={here.key}&token={here.key}").response()
        assert told.status == 401
    assert answers == {(401, "invalid_api_key", "Bearer", "false")}
    assert len(here.reached) == before


def test_a_good_key_opens_by_each_of_its_names(here: Guarded) -> None:
    with here.wire() as wire:
        for form in (*HEADER_FORMS, "authorization: bearer {}", "AUTHORIZATION: BEARER {}", "X-Api-Key:    {}"):
            assert wire.ask("GET /v1/models", form.format(here.key)).response().status == 200
        same = [form.format(here.key) for form in HEADER_FORMS]
        assert wire.ask("GET /v1/models", *same).response().status == 200


def test_two_different_keys_are_none(here: Guarded) -> None:
    _, other = here.keys.add("other", "admin")
    with here.wire() as wire:
        for one, two in (("x-api-key", "api-key"), ("x-api-key", "x-api-key"), ("api-key", "x-api-key")):
            assert wire.ask("GET /v1/models", f"{one}: {here.key}", f"{two}: {other}").response().status == 401
        both = (f"Authorization: Bearer {here.key}", "x-api-key: wrong")
        assert wire.ask("GET /v1/models", *both).response().status == 401
        assert (
            wire.ask("GET /v1/models", "Authorization: Basic eDp5", f"x-api-key: {here.key}").response().status == 401
        )


@pytest.mark.parametrize("role", list(ROLES))
def test_a_role_opens_its_routes_and_no_others(here: Guarded, role: Role) -> None:
    _, secret = here.keys.add(role, role)
    with here.wire() as wire:
        for number, route in enumerate(ROUTES):
            headers, body = body_of(route)
            form = HEADER_FORMS[number % 3].format(secret)
            told = wire.ask(f"{route.method} {concrete(route)}", form, *headers, body=body).response()
            assert told.status == (200 if route.scope is None or route.scope in ROLES[role] else 403), route
            if told.header("connection") == "close":
                wire.__exit__()
                wire = here.wire()
        wire.__exit__()


def test_a_key_that_was_narrowed_opens_no_more_than_that(here: Guarded) -> None:
    _, secret = here.keys.add("narrow", "admin", scopes=["docs.read"])
    with here.wire() as wire:
        assert wire.ask("GET /v1/documents", f"api-key: {secret}").response().status == 200
        told = wire.ask("DELETE /v1/documents/7", f"api-key: {secret}").response()
        assert (told.status, told.code, told.header("x-should-retry")) == (403, "forbidden", "false")


def test_a_key_ends_while_its_connection_is_open(here: Guarded) -> None:
    key, secret = here.keys.add("short")
    with here.wire() as wire:
        assert wire.ask("GET /v1/models", f"api-key: {secret}").response().status == 200
        here.keys.revoke(key.id)
        assert wire.ask("GET /v1/models", f"api-key: {secret}").response().status == 401


def test_a_key_that_asks_too_often_waits(here: Guarded) -> None:
    _, secret = here.keys.add("hasty", requests_per_minute=2)
    with here.wire() as wire:
        told = [wire.ask("GET /v1/models", f"api-key: {secret}").response() for _ in range(3)]
    assert [one.status for one in told] == [200, 200, 429]
    assert told[2].error["type"] == "rate_limit_exceeded"
    assert 1 <= int(told[2].header("retry-after") or 0) <= 60
    assert told[2].header("x-should-retry") == "true"


def test_anybody_may_ask_whether_it_lives(here: Guarded) -> None:
    with here.wire() as wire:
        assert wire.ask("GET /health").response().status == 200
        assert wire.ask("GET /health", "x-api-key: wrong").response().status == 200
        assert wire.ask("HEAD /health").response(head=True).status == 200
        assert wire.ask("POST /health").response().status == 401


def test_without_keys_names_and_origins_still_count(tmp_path: Path) -> None:
    with guarded(tmp_path, GuardOptions(no_auth=True)) as here, here.wire() as wire:
        assert wire.ask("GET /v1/models").response().status == 200
        assert wire.ask("GET /v1/models", "x-api-key: whatever").response().status == 200
        assert wire.ask("GET /v1/models", host="evil.com").response().status == 403
        assert wire.ask("GET /nowhere").response().status == 404
        told = wire.ask("POST /v1/completions", "Content-Type: text/plain", "Origin: https://evil.com", body=b"{}")
        assert told.response().status == 403
    assert here.calls[0].scope_caller.role == "admin"


def test_without_keys_only_this_computer_gets_in(tmp_path: Path) -> None:
    """Should the server ever be reached from elsewhere, a key is needed all the same."""

    def status(client: str) -> int:
        told: list[int] = []

        async def send(message: Message) -> None:
            told.append(message.get("status", 0))

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {"type": "http", "method": "GET", "path": "/v1/models", "raw_path": b"/v1/models", "query_string": b""}
        scope |= {"server": ("127.0.0.1", 1), "client": (client, 2), "headers": [(b"host", b"localhost")]}
        asyncio.run(here.server.guard({**scope, "http_version": "1.1"}, receive, send))
        return told[0]

    with guarded(tmp_path, GuardOptions(no_auth=True)) as here:
        assert [status(one) for one in ("127.0.0.1", "::1", "192.168.1.7", "fe80::1%1")] == [200, 200, 401, 401]


# ---- routes and bodies


def test_who_has_a_key_is_told_what_there_is(here: Guarded) -> None:
    with here.wire() as wire:
        told = wire.ask("GET /nowhere", here.json[0]).response()
        assert (told.status, told.code, told.error["type"]) == (404, "not_found", "not_found_error")
        told = wire.ask("GET /v1/chat/completions", here.json[0]).response()
        assert (told.status, told.header("allow")) == (405, "POST, OPTIONS")
        told = wire.ask("PUT /v1/documents", here.json[0]).response()
        assert (told.status, told.header("allow")) == (405, "GET, HEAD, POST, OPTIONS")
        told = wire.ask("OPTIONS /v1/models", here.json[0]).response()
        assert (told.status, told.header("allow")) == (204, "GET, HEAD, OPTIONS")
        head = wire.ask("HEAD /v1/models", here.json[0]).response(head=True)
        same = wire.ask("GET /v1/models", here.json[0]).response()
        assert (head.status, head.header("content-length")) == (200, same.header("content-length"))


@pytest.mark.parametrize("path", ["/v1/models/", "//v1/models", "/health%0a", "/v1/../health", "/V1/models", "/docs/"])
def test_a_path_that_is_almost_one_of_ours_is_none(here: Guarded, path: str) -> None:
    assert here.once(f"GET {path}").status == 404


FORBIDDEN_KINDS = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "",
    "application/jsonx",
    "text/json",
    "application/json; charset=gbk",
]


@pytest.mark.parametrize("kind", [*FORBIDDEN_KINDS, "multipart/form-data; boundary=x", "application/octet-stream"])
def test_what_a_page_can_send_without_asking_does_not_run_the_model(here: Guarded, kind: str) -> None:
    before = len(here.reached)
    for route in (one for one in ROUTES if one.body == "json"):
        told = here.once(f"{route.method} {concrete(route)}", f"Content-Type: {kind}", body=b"{}")
        assert (told.status, told.header("connection")) == (415, "close")
    assert here.once("POST /v1/completions", body=b"{}").status == 415
    assert here.once("POST /v1/completions", *here.json[1:] * 2, body=b"{}").status == 415
    assert len(here.reached) == before


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON", 'application/json; charset="UTF-8"'])
def test_json_is_taken(here: Guarded, kind: str) -> None:
    told = here.once("POST /v1/completions", f"Content-Type: {kind}", body=b'{"a": "\xe4\xbd\xa0"}')
    assert json.loads(told.body) == {"asked": {"a": "你"}}


def test_an_upload_has_kinds_of_its_own(here: Guarded) -> None:
    for kind in ("application/octet-stream", "multipart/form-data; boundary=x"):
        told = here.once("POST /v1/documents", f"Content-Type: {kind}", body=b"12345")
        assert json.loads(told.body) == {"size": 5}
    for kind in (*FORBIDDEN_KINDS, "application/json"):
        assert here.once("POST /v1/documents", f"Content-Type: {kind}", body=b"12345").status == 415
    with here.wire() as wire:
        assert (
            wire.ask("POST /v1/documents", "Content-Type: application/octet-stream", body=b"1").response().status == 401
        )


def test_the_checks_have_their_order(here: Guarded) -> None:
    """Each request is wrong in all that comes after it, too."""
    _, metrics = here.keys.add("metrics", "metrics")
    wrong = ("Content-Type: text/plain", "Content-Length: 99999999999")
    with_key, page = f"x-api-key: {here.key}", "Origin: https://evil.com"
    steps = [
        (("evil.com", "POST /nowhere", page, *wrong), 403, "host_not_allowed"),
        (("localhost", "POST /nowhere", page, *wrong), 403, "origin_not_allowed"),
        (("localhost", "POST /nowhere", "Sec-Fetch-Site: cross-site", *wrong), 403, "cross_site"),
        (("localhost", "POST /nowhere", *wrong), 401, "invalid_api_key"),
        (("localhost", "POST /nowhere", with_key, *wrong), 404, "not_found"),
        (("localhost", "PUT /tokenize", with_key, *wrong), 405, "method_not_allowed"),
        (("localhost", "POST /tokenize", f"x-api-key: {metrics}", *wrong), 403, "forbidden"),
        (("localhost", "POST /tokenize", with_key, *wrong), 415, "unsupported_media_type"),
        (("localhost", "POST /tokenize", with_key, "Content-Type: application/json", wrong[1]), 413, "body_too_large"),
    ]
    for (host, line, *headers), status, code in steps:
        with here.wire() as wire:
            told = wire.ask(line, *headers, host=host).response()
            assert (told.status, told.code, told.header("connection")) == (status, code, "close")


def test_every_response_names_its_request_and_no_version(here: Guarded) -> None:
    seen = set()
    with here.wire() as wire:
        for line, header in (
            ("GET /health", "x: 1"),
            ("GET /x", "x: 1"),
            ("GET /x", here.json[0]),
            ("PUT /docs", here.json[0]),
        ):
            told = wire.ask(line, header, "x-request-id: mine-7").response()
            seen.add(told.header("x-request-id"))
            assert told.header("server") == "DeskSeek"
            assert told.header("content-type") == "application/json"
            assert here.called(told.header("x-request-id")).client_id == "mine-7"
    assert len(seen) == 4
    assert all(re.fullmatch("req_[0-9a-f]{24}", str(one)) for one in seen)


def test_errors_are_told_in_the_words_of_each_dialect(here: Guarded) -> None:
    with here.wire() as wire:
        assert set(wire.ask("POST /v1/completions").response().error) == {"message", "type", "param", "code"}
        told = wire.ask("POST /v1/messages").response()
        assert json.loads(told.body)["request_id"] == told.header("x-request-id")
        assert told.error["type"] == "authentication_error"
        assert isinstance(wire.ask("POST /api/chat").response().error, str)
        assert isinstance(wire.ask("POST /api/nowhere", here.json[0]).response().error, str)


def test_no_route_takes_or_serves_a_path_of_a_file() -> None:
    """SEC-14: the only parameters of a route are the names of a model and of a document."""
    parameters = {found for route in ROUTES for found in re.findall(r"\{(\w+)", route.path)}
    assert parameters == {"model_id", "document_id"}
    assert all(route.scope is not None for route in ROUTES if route.path != "/health")
    assert routes.find("GET", "/v1/documents/../../etc/passwd") == ()
