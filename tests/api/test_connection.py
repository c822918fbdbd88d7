"""Connections that are kept, broken off, half closed and misused; what comes after the bytes of one request."""

import json
import logging
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.guarded import PATIENCE, Guarded, Wire, guarded

WAYS_TO_GO = ("fin", "rst", "half")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Guarded]:
    with guarded(tmp_path) as server:
        yield server


def go(wire: Wire, how: str) -> None:
    if how == "half":  # nobody who wants an answer ends its own side first
        wire.socket.shutdown(socket.SHUT_WR)
        return
    if how == "rst":
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.socket.close()


# ---- kept


def test_a_hundred_requests_on_one_connection(here: Guarded) -> None:
    with here.wire() as wire:
        for number in range(100):
            assert json.loads(here.chat(wire, number=number).response().body) == {"asked": {"number": number}}
    here.last(100)
    assert len({call.id for call in here.calls}) == 100


def test_requests_that_come_together_are_answered_in_order(here: Guarded) -> None:
    with here.wire() as wire:
        wire.ask("GET /nowhere", here.json[0])
        here.chat(wire, number=1)
        wire.ask("GET /health")
        here.chat(wire, number=2)
        statuses = [wire.response().status for _ in range(4)]
    assert statuses == [404, 200, 200, 200]


def test_a_body_that_was_not_read_ends_the_connection(here: Guarded) -> None:
    """What is in it is never taken for a request."""
    smuggled = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nx-api-key: " + here.key.encode() + b"\r\n\r\n"
    with here.wire() as wire:
        told = wire.ask("POST /v1/completions", "Content-Type: application/json", body=smuggled).response()
        assert (told.status, told.header("connection")) == (401, "close")
        assert wire.closed()
    assert not here.reached


def test_who_sends_a_large_body_hears_why_it_is_not_read(tmp_path: Path) -> None:
    """The answer is there before the body is sent, and is not lost though the body still comes."""
    with guarded(tmp_path) as here, here.wire() as wire:
        wire.ask("POST /v1/completions", *here.json, "Content-Length: 9000000")
        wire.until(b"\r\n")
        for _ in range(9):
            wire.send(bytes(1_000_000))
        assert b"body_too_large" in wire.until(b"}}")
        assert wire.closed()


def test_a_body_may_come_in_chunks(here: Guarded) -> None:
    with here.wire() as wire:
        for size in (1, 7, 100):
            wire.ask("POST /v1/completions", *here.json, "Transfer-Encoding: chunked")
            data = b'{"a": "' + b"x" * 500 + b'"}'
            for start in range(0, len(data), size):
                piece = data[start : start + size]
                wire.send(b"%x;name=value\r\n%s\r\n" % (len(piece), piece))
            wire.send(b"0\r\n\r\n")
            assert json.loads(wire.response().body) == {"asked": {"a": "x" * 500}}


def test_a_body_of_two_lengths_is_refused(here: Guarded) -> None:
    with here.wire() as wire:
        wire.ask("POST /v1/completions", *here.json, "Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n")
        told = wire.response()
        assert (told.status, told.header("connection")) == (400, "close")


def test_a_client_is_told_to_continue_only_when_it_gets_in(here: Guarded) -> None:
    with here.wire() as wire:
        wire.ask("POST /v1/completions", *here.json, "Content-Length: 8", "Expect: 100-continue")
        assert wire.response().status == 100
        wire.send(b'{"a": 1}')
        assert wire.response().status == 200
        wire.ask("POST /v1/completions", here.json[1], "Content-Length: 8", "Expect: 100-continue")
        told = wire.response()
        assert (told.status, told.header("connection")) == (401, "close")
        assert wire.closed()


def test_a_body_nobody_asked_for_is_put_aside(here: Guarded) -> None:
    with here.wire() as wire:
        assert wire.ask("GET /v1/models", here.json[0], body=b"whatever").response().status == 200
        assert wire.ask("DELETE /v1/documents/1", *here.json, body=b"{}").response().status == 200
        assert wire.ask("GET /health").response().status == 200


def test_who_wishes_to_speak_another_protocol_is_answered_in_this_one(here: Guarded) -> None:
    with here.wire() as wire:
        for protocol in ("h2c", "websocket"):
            head = ("Connection: Upgrade", f"Upgrade: {protocol}", "HTTP2-Settings: AAMAAABkAAQAAP__")
            assert wire.ask("GET /health", *head).response().status == 200


def test_a_head_has_no_body(here: Guarded) -> None:
    with here.wire() as wire:
        for line, status in (("HEAD /health", 200), ("HEAD /nowhere", 401)):
            assert wire.ask(line).response(head=True).status == status
        assert wire.ask("GET /health").response().status == 200
    assert here.reached == ["GET /health", "GET /health"]


def test_an_old_client_is_answered_and_let_go(here: Guarded) -> None:
    with here.wire() as wire:
        told = wire.send(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n").response()
        assert (told.status, told.header("connection")) == (200, "close")
        assert wire.closed()


# ---- gone


@pytest.mark.parametrize("how", WAYS_TO_GO)
@pytest.mark.parametrize("what", ["stream", "wait"])
def test_who_goes_is_not_worked_for_any_more(here: Guarded, what: str, how: str) -> None:
    """In the middle of a stream, and while a whole answer is computed."""
    with here.wire() as wire:
        here.chat(wire, do=what)
        if what == "stream":
            wire.until(b"data: 1")
        assert here.waiting.wait(PATIENCE)
        go(wire, how)
        call = here.last(1)
    assert call.token.cancelled
    assert call.status == (200 if what == "stream" else 499)
    assert here.alive()


@pytest.mark.parametrize("how", WAYS_TO_GO)
@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream"])
def test_who_goes_while_it_sends_is_forgotten(
    here: Guarded, kind: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = "/v1/completions" if kind == "application/json" else "/v1/documents"
    with here.wire() as wire:
        wire.ask(f"POST {path}", here.json[0], f"Content-Type: {kind}", "Content-Length: 100").send(b"half")
        here.first()
        go(wire, how)
        call = here.last(1)
    assert (call.status, call.token.cancelled) == (499, True)
    assert not caplog.records
    assert here.alive()


def test_who_goes_is_missed_though_more_was_sent_before(here: Guarded) -> None:
    """A second request waits behind the first; that its client has gone is still seen."""
    with here.wire() as wire:
        here.chat(wire, do="wait")
        assert here.waiting.wait(PATIENCE)
        wire.ask("GET /health")
        go(wire, "fin")
    assert here.last(1).token.cancelled


def test_who_stays_is_not_cancelled(here: Guarded) -> None:
    with here.wire() as wire:
        for _ in range(10):
            assert here.chat(wire).response().status == 200
            assert here.chat(wire, do="go on").response().status == 200
        here.last(20)
    assert not any(call.token.cancelled for call in here.calls)
    assert {call.state for call in here.calls} == {"done"}


def test_a_call_that_somebody_stops_ends_its_answer(here: Guarded) -> None:
    """As the page of live requests does it."""
    with here.wire() as wire:
        here.chat(wire, do="stream")
        wire.until(b"data: 1")
        assert here.waiting.wait(PATIENCE)
        here.live[0].token.cancel()
        wire.until(b"data: 2")
    assert here.last(1).status == 200


# ---- wrong


def test_our_mistakes_are_told_shortly_and_written_down(here: Guarded, caplog: pytest.LogCaptureFixture) -> None:
    """Status 500 in the words of the dialect, and the log finds the cause by the id of the request."""
    with here.wire() as wire, caplog.at_level(logging.DEBUG):
        told = here.chat(wire, do="fail").response()
        assert here.last(1).status == 500
    assert (told.status, told.code, told.header("x-should-retry")) == (500, "internal_error", "false")
    assert b"secret" not in told.body
    written = [record for record in caplog.records if str(told.header("x-request-id")) in record.getMessage()]
    assert len(written) == 1
    assert written[0].exc_info is not None
    assert here.alive()


def test_a_stream_that_fails_is_broken_off(here: Guarded, caplog: pytest.LogCaptureFixture) -> None:
    with here.wire() as wire:
        here.chat(wire, do="break off")
        assert b"data: 1" in wire.until(b"data: 1")
        assert wire.until(b"\r\n") == b"\n\n\r\n"
        assert wire.closed()  # without the chunk that would say that this was all
    here.last(1)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert here.alive()


def test_an_error_of_the_application_may_be_tried_again(here: Guarded) -> None:
    with here.wire() as wire:
        told = here.chat(wire, do="full").response()
        assert (told.status, told.header("x-should-retry"), told.header("connection")) == (503, "true", None)
        assert told.header("retry-after")
        assert here.chat(wire).response().status == 200


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40) + b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /health\r\n\r\n",
        b"GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost localhost\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nBad Name: 1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
        b"POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /tokenize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"G\xc3\x89T /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=lambda data: ascii(data[:14].decode("latin-1")) + str(len(data)),
)
def test_what_is_no_request_is_told_so(here: Guarded, data: bytes) -> None:
    with here.wire() as wire:
        told = wire.send(data).response()
        assert (told.status, told.header("connection"), told.header("x-should-retry")) == (400, "close", "false")
        assert set(told.error) == {"message", "type", "param", "code"}
        assert str(told.header("x-request-id")).startswith("req_")
        assert wire.closed()
    assert here.alive()


def test_chunks_that_are_none_end_the_request(here: Guarded, caplog: pytest.LogCaptureFixture) -> None:
    with here.wire() as wire:
        wire.ask("POST /v1/completions", *here.json, "Transfer-Encoding: chunked").send(b"2\r\n{}\r\nxyz\r\n")
        told = wire.response()
        assert (told.status, told.header("connection")) == (400, "close")
    call = here.last(1)
    assert (call.id, call.status, call.token.cancelled) == (told.header("x-request-id"), 400, True)
    assert not caplog.records
    assert here.alive()


def test_what_comes_after_a_request_is_judged_when_its_turn_comes(here: Guarded) -> None:
    with here.wire() as wire:
        here.chat(wire, number=1).send(b"nonsense\r\n\r\n")
        assert wire.response().status == 200
        assert wire.response().status == 400
        assert wire.closed()
