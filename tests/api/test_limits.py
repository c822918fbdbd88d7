"""Each limit, one below and one above; slow, idle and greedy clients; bytes that mean nothing (SEC-08, API-05)."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.api import bodies, limits
from backends.api.guard import GuardOptions
from backends.api.limits import Limits
from tests.kit.guarded import LARGE, PATIENCE, PATIENT, Guarded, Wire, guarded

SOON = 0.5  # seconds; what is waited for in the test, never measured


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded(tmp_path_factory.mktemp("limits")) as server:
        yield server


def short(**some: float) -> GuardOptions:
    """Those limits, and no other that could come first."""
    return GuardOptions(limits=Limits(**{**{name: getattr(PATIENT, name) for name in Limits.__slots__}, **some}))


# ---- sizes


def padded(size: int, head: str = "GET /health HTTP/1.1\r\nHost: localhost\r\n") -> bytes:
    """A request without body whose head is so long."""
    start, end = f"{head}X-Filler: ", "\r\n\r\n"
    return (start + "x" * (size - len(start) - len(end)) + end).encode()


def test_headers_have_a_largest_size(here: Guarded) -> None:
    with here.wire() as wire:
        assert wire.send(padded(limits.HEADER_BYTES)).response().status == 200
        told = wire.send(padded(limits.HEADER_BYTES + 1)).response()
        assert (told.status, told.code) == (431, "headers_too_large")
    with here.wire() as wire:  # and who never comes to an end is stopped there
        told = wire.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000).response()
        assert (told.status, told.header("connection")) == (431, "close")
        assert wire.closed()
    with here.wire() as wire:
        assert wire.send(b"GET /" + b"x" * 100_000).response().status in (400, 431)
    assert here.alive()


def body(size: int) -> bytes:
    return b'{"a": "' + b"x" * (size - 9) + b'"}'


def chunks(data: bytes, size: int = 500_000) -> bytes:
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def test_a_body_has_a_largest_size(here: Guarded) -> None:
    before = len(here.reached)
    with here.wire() as wire:
        wire.ask("POST /v1/completions", *here.json, body=body(limits.BODY_BYTES))
        assert wire.response().status == 200
        wire.ask("POST /v1/completions", *here.json, "Transfer-Encoding: chunked").send(chunks(body(limits.BODY_BYTES)))
        assert wire.response().status == 200
        wire.ask("POST /v1/completions", *here.json, f"Content-Length: {limits.BODY_BYTES + 1}")
        assert wire.response().code == "body_too_large"  # before any of it was sent
    assert len(here.reached) == before + 2


def flood(wire: Wire, piece: bytes) -> None:
    for _ in range(3 * limits.LINGER_BYTES // len(piece)):
        wire.send(piece)


def test_a_body_in_chunks_is_counted_as_it_comes(here: Guarded) -> None:
    """It has no end; the answer comes, and the connection is closed."""
    with here.wire() as wire:
        wire.ask("POST /v1/completions", *here.json, "Transfer-Encoding: chunked")
        piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        with pytest.raises(ConnectionError):
            flood(wire, piece)
    assert here.last(len(here.calls)).status == 413
    with here.wire() as wire:  # who stops soon enough reads why
        wire.ask("POST /v1/completions", *here.json, "Transfer-Encoding: chunked")
        wire.send(chunks(body(limits.BODY_BYTES + 1)))
        told = wire.response()
        assert (told.status, told.header("connection")) == (413, "close")
        assert wire.closed()


def test_an_upload_has_a_limit_of_its_own(tmp_path: Path) -> None:
    most = 100_000
    with guarded(tmp_path, short(upload_bytes=most, body_bytes=10)) as here:
        head = (here.json[0], "Content-Type: application/octet-stream")
        with here.wire() as wire:
            told = wire.ask("POST /v1/documents", *head, body=bytes(most)).response()
            assert json.loads(told.body) == {"size": most}
            wire.ask("POST /v1/documents", *head, "Transfer-Encoding: chunked").send(chunks(bytes(most), 1000))
            assert json.loads(wire.response().body) == {"size": most}
            wire.ask("POST /v1/documents", *head, f"Content-Length: {most + 1}")
            assert wire.response().status == 413
        with here.wire() as wire:
            wire.ask("POST /v1/documents", *head, "Transfer-Encoding: chunked").send(chunks(bytes(most + 1), 1000))
            told = wire.response()
            assert (told.status, told.header("connection")) == (413, "close")


# ---- senses


def nested(depth: int, around: str = "[]") -> bytes:
    return (around[0] * depth + around[1] * depth).encode()


BAD_BODIES = {
    "nothing": b"",
    "blank": b" ",
    "half": b'{"a": ',
    "two": b"{} {}",
    "words": b"hello",
    "latin": '{"a": "ä"}'.encode("latin-1"),
    "utf-16": '{"a": "b"}'.encode("utf-16"),
    "mark": b"\xef\xbb\xbf{}",
    "nan": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "too large": b'{"a": 1e999}',
    "too long": b'{"a": ' + b"9" * 5000 + b"}",
    "half a pair": b'{"a": "\\ud83d"}',
    "half a pair as name": b'{"\\udc00": 1}',
    "half a pair in bytes": b'{"a": "\xed\xa0\xbd"}',
    "nul": b'{"a": ["\\u0000"]}',
    "nul in bytes": b'{"a": "\0"}',
    "control": b'{"a": "\n"}',
    "deep": nested(limits.JSON_DEPTH + 1),
    "deep at the end": b"[" + b"[]," * 100 + nested(limits.JSON_DEPTH) + b"]",
    "deeper": nested(100_000),
    "many values": b"[" + b"0," * limits.JSON_VALUES + b"0]",
    "many lists": b"[" + b"[]," * (limits.JSON_VALUES // 2) + b"0]",
    "objects": b'{"a":' * (limits.JSON_DEPTH + 1) + b"1" + b"}" * (limits.JSON_DEPTH + 1),
}
GOOD_BODIES = {
    "deep": nested(limits.JSON_DEPTH),
    "deep and wide": b"[" + b"[]," * 1000 + nested(limits.JSON_DEPTH - 1) + b"]",
    "objects": b'{"a":' * limits.JSON_DEPTH + b"1" + b"}" * limits.JSON_DEPTH,
    "a pair": b'{"a": "\\ud83d\\ude00"}',
    "words about escapes": b'{"a": "\\\\u0000 and \\\\ud83d"}',
    "brackets in a text": b'{"a": "' + b"[{" * 200 + b'"}',
    "numbers": b'{"a": [1e308, -0.0, 9223372036854775807, -9223372036854775808]}',
    "no object": b"null",
    "many values": b"[" + b"0," * (limits.JSON_VALUES - 1) + b"0]",
    "many commas in a text": b'["' + b',[{\\"' * limits.JSON_VALUES + b'"]',
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_json_that_is_none_is_refused(here: Guarded, name: str) -> None:
    before = len(here.reached)
    with here.wire() as wire:
        told = wire.ask("POST /v1/completions", *here.json, body=BAD_BODIES[name]).response()
        assert (told.status, told.code, told.header("x-should-retry")) == (400, "invalid_json", "false")
        assert told.header("connection") is None  # it was read: the next one may come
        assert wire.ask("GET /health").response().status == 200
    assert len(here.reached) == before + 1


@pytest.mark.parametrize("name", GOOD_BODIES)
def test_json_that_is_unusual_is_taken(here: Guarded, name: str) -> None:
    told = here.once("POST /v1/completions", here.json[1], body=GOOD_BODIES[name])
    assert told.status == 200
    assert bodies.fault_of(GOOD_BODIES[name]) is None


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_what_a_body_may_hold(value: object) -> None:
    """What Python writes as JSON is taken, unless a text of it holds NUL or half a pair, however it is written."""
    strange = "\0" in json.dumps(value, ensure_ascii=False).replace("\\u0000", "\0")
    for ascii_only in (True, False):
        data = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8")
        if not strange:
            assert bodies.fault_of(data) is None


@given(st.text(st.characters()), st.sampled_from(["\0", "\ud800", "\udfff"]), st.text(st.characters()))
def test_what_a_text_may_not_hold(before: str, strange: str, after: str) -> None:
    for value in (before + strange + after, [{"a": before + strange}], {strange + after: 1}):
        pairs = json.loads(json.dumps(value))  # halves that meet become a whole
        told = bodies.fault_of(json.dumps(value).encode())
        try:
            fine = "\0" not in json.dumps(pairs, ensure_ascii=False).encode().decode().replace("\\u0000", "\0")
        except UnicodeEncodeError:
            fine = False
        assert (told is None) == fine


# ---- time


WHOLE = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


def begun(here: Guarded, start: bytes, hear: Callable[[Wire], None] | None = None) -> Wire:
    """A connection on which this has come in time, and the answer begins to come (or `hear` has heard it). Who is
    kept from sending anything for so long as headers may take is closed without a word: a machine that stands still
    may try again."""
    for _ in range(5):
        wire = here.wire()
        with suppress(ConnectionError):
            (hear or heard)(wire.send(start))
            return wire
        wire.socket.close()
    raise AssertionError("closed without a word")


def heard(wire: Wire) -> None:
    wire._read += wire._more()


def test_slow_headers_are_not_waited_for(tmp_path: Path) -> None:
    with guarded(tmp_path, short(header_seconds=SOON)) as here:
        with begun(here, b"GET /health HTTP/1.1\r\nHost: loc") as wire:
            told = wire.response()
            assert (told.status, told.code, told.header("connection")) == (408, "headers_too_slow", "close")
            assert wire.closed()
        with here.wire() as wire:
            assert wire.closed()  # without a word
        with begun(here, WHOLE) as wire:  # also those of a second request
            assert wire.response().status == 200
            assert wire.send(b"G").response().status == 408
        assert here.alive()


def test_a_byte_now_and_then_does_not_help(tmp_path: Path) -> None:
    """Slow loris: what it sends does not give it more time."""
    with guarded(tmp_path, short(header_seconds=SOON, body_seconds=SOON)) as here:
        for start in (
            b"GET /health HTTP/1.1\r\nHost: localhost\r\n",
            f"POST /tokenize HTTP/1.1\r\nHost: localhost\r\n{here.json[0]}\r\n{here.json[1]}\r\n"
            "Content-Length: 100000\r\n\r\n".encode(),
        ):
            with begun(here, start, drip) as wire:
                assert wire.response().status == 408
                assert wire.closed()
        assert here.alive()


def drip(wire: Wire) -> None:
    """Send a byte every now and then until there is an answer."""
    wire.socket.settimeout(SOON / 20)
    while True:
        try:
            heard(wire)
            break
        except TimeoutError:
            wire.socket.sendall(b"x")
    wire.socket.settimeout(400)


def test_slow_bodies_are_not_waited_for(tmp_path: Path) -> None:
    with guarded(tmp_path, short(body_seconds=SOON)) as here:
        for path, kind in (("/tokenize", "application/json"), ("/v1/documents", "application/octet-stream")):
            with here.wire() as wire:
                wire.ask(f"POST {path}", here.json[0], f"Content-Type: {kind}", "Content-Length: 100").send(b"{")
                told = wire.response()
                assert (told.status, told.code) == (408, "body_too_slow")
                assert (told.header("x-should-retry"), told.header("connection")) == ("false", "close")
                assert wire.closed()
        with here.wire() as wire:
            wire.ask(
                "POST /v1/documents", here.json[0], "Content-Type: application/octet-stream", "Content-Length: 9999"
            )
            drip(wire)  # an upload may take its time, but not for nothing
            assert wire.response().status == 408


def test_an_upload_that_goes_on_has_time(tmp_path: Path) -> None:
    """Altogether longer than a body may take; each part of it in time."""
    parts, size = 8, 4 * limits.UPLOAD_LEAST
    head = ("Content-Type: application/octet-stream", f"Content-Length: {parts * size}")
    with guarded(tmp_path, short(body_seconds=SOON)) as here:

        def status() -> int:
            with here.wire() as wire:
                wire.ask("POST /v1/documents", here.json[0], *head)
                for _ in range(parts):
                    wire.send(bytes(size))
                    threading.Event().wait(SOON / 4)
                return wire.response().status

        assert any(status() == 200 for _ in range(5))  # a machine that stands still may try again


def test_what_nobody_reads_yet_stays_with_the_client(here: Guarded) -> None:
    """An upload that comes faster than it is written waits in the sockets, not in our memory."""
    head = ("Content-Type: application/octet-stream", "Transfer-Encoding: chunked", "x-hold: 1")
    before = len(here.live)
    with here.wire() as wire:
        wire.ask("POST /v1/documents", here.json[0], *head)
        call = here.first(before)
        wire.socket.settimeout(SOON)
        sent = 0
        with suppress(TimeoutError):  # nobody takes any more
            while sent < 64 * limits.MIB:
                sent += wire.socket.send(b"100000\r\n" + bytes(0x100000) + b"\r\n")
        assert sent < 64 * limits.MIB
        call.token.cancel()
    assert here.alive()


def test_an_idle_connection_is_closed(tmp_path: Path) -> None:
    with guarded(tmp_path, short(keep_alive_seconds=SOON)) as here, here.wire() as wire:
        assert wire.ask("GET /health").response().status == 200
        assert wire.closed()
    assert limits.KEEP_ALIVE_SECONDS >= 5


def test_who_does_not_read_is_let_go(tmp_path: Path) -> None:
    """Its answer waits in the socket; nobody waits for it for ever."""
    with guarded(tmp_path, short(write_seconds=SOON)) as here, here.wire() as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        here.chat(wire, do="much")
        assert here.last(1).token.cancelled


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_who_reads_slowly_is_waited_for(tmp_path: Path, version: str) -> None:
    """Altogether longer than a client may take nothing, also where its connection is to be closed after the answer."""
    with guarded(tmp_path, short(write_seconds=SOON, linger_seconds=SOON)) as here:

        def whole() -> bool:
            with here.wire() as wire, suppress(ConnectionError):
                wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
                head = f"POST /tokenize HTTP/{version}\r\nHost: localhost\r\n" + "\r\n".join(here.json)
                wire.send(f'{head}\r\nContent-Length: 15\r\n\r\n{{"do": "large"}}'.encode())
                wire.until(b"\r\n\r\n")
                for _ in range(20):
                    wire.take(LARGE // 20)
                    threading.Event().wait(SOON / 5)
                return True
            return False

        assert any(whole() for _ in range(5))  # a machine that stands still may try again


def test_who_does_not_close_is_closed(tmp_path: Path) -> None:
    """After the last answer it has `linger_seconds`; then its place is free."""
    with guarded(tmp_path, short(linger_seconds=SOON, connections=1)) as here, here.wire() as wire:
        assert wire.send(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n").response().status == 200
        assert until_there_is_room(here) == 200


def until_there_is_room(here: Guarded) -> int:
    due = time.monotonic() + PATIENCE
    while True:
        with begun(here, WHOLE) as wire:
            status = wire.response().status
        if status != 503:
            return status
        assert time.monotonic() < due


# ---- number


def test_so_many_connections_and_no_more(tmp_path: Path) -> None:
    with guarded(tmp_path) as here:
        wires = [here.wire() for _ in range(limits.CONNECTIONS)]
        for wire in wires:
            assert wire.ask("GET /health").response().status == 200
        with here.wire() as wire:
            told = wire.response()  # it did not even ask
            assert (told.status, told.header("x-should-retry")) == (503, "true")
            assert (told.header("connection"), told.code) == ("close", "queue_full")
            assert int(told.header("retry-after") or 0) > 0
            assert wire.closed()
        for wire in wires:  # nobody lost a place
            assert wire.ask("GET /health").response().status == 200
        wires.pop().socket.close()
        assert until_there_is_room(here) == 200
        for wire in wires:
            wire.socket.close()


def test_two_hundred_idle_sockets_do_not_matter(tmp_path: Path) -> None:
    """Those that were there before them are served, and they are let go."""
    with guarded(tmp_path, short(header_seconds=2 * SOON)) as here, begun(here, WHOLE) as first:
        assert first.response().status == 200
        idle = [here.wire() for _ in range(200)]
        assert first.ask("GET /health").response().status == 200
        for wire in idle:
            with wire:
                if not wire.closed():  # it was told that there are too many
                    wire.until(b"}}")
                    assert wire.closed()
        assert until_there_is_room(here) == 200


# ---- nonsense


HEADS = [
    b"GET /health HTTP/1.1\r\nHost: localhost\r\n",
    b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nx-api-key: KEY\r\n",
    b"POST /v1/documents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nx-api-key: KEY\r\n",
]
PIECES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([*HEADS, b"\r\n", b"\r\n\r\n", b"{}", b"2\r\n{}\r\n", b"0\r\n\r\n", b"GET ", b"\0", b" HTTP/1.1"]),
    st.sampled_from(
        [
            b"Transfer-Encoding: chunked\r\n",
            b"Content-Length: 2\r\n",
            b"Content-Length: 99999999999999999999\r\n",
            b"Expect: 100-continue\r\n",
            b"Connection: close\r\n",
            b"Upgrade: websocket\r\nConnection: upgrade\r\n",
            b"Origin: null\r\n",
            b"Authorization: Bearer \xff\xfe\r\n",
            b"Content-Type: multipart/form-data\r\n",
        ]
    ),
)


@settings(max_examples=150)
@given(st.lists(PIECES, max_size=12))
def test_bytes_that_mean_nothing_harm_nobody(here: Guarded, pieces: list[bytes]) -> None:
    """Whatever comes: an answer that is no 5xx or none, an end, no hang; and the next one is served."""
    with here.wire() as wire:
        try:
            wire.send(b"".join(pieces).replace(b"KEY", here.key.encode()))
            wire.socket.shutdown(socket.SHUT_WR)
            said = b""
            while data := wire.socket.recv(65536):
                said += data
        except ConnectionError:
            said = b""
    assert b"HTTP/1.1 5" not in said
    assert b"Traceback" not in said
    assert here.alive()
