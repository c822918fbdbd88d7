"""The server: where it listens, how it starts and ends, and what it leaves alone."""

import asyncio
import logging
import signal
import socket
import ssl
import threading
from pathlib import Path

import httpx
import psutil
import pytest
import trustme

from backends.api.guard import GuardOptions
from backends.api.listening import addresses, is_loopback, listen
from backends.api.origins import named
from backends.api.server import ApiServer, Tls
from backends.core.errors import BackendError, InvalidInput, Unavailable
from tests.kit.guarded import Guarded, guarded
from tests.kit.set_up import closed_port


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA, tmp_path: Path) -> Tls:
    issued = authority.issue_cert("localhost", "127.0.0.1", "box.lan")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(b"".join(one.bytes() for one in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    return Tls(certificate, key)


@pytest.fixture
def trust(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def own_addresses() -> list[str]:
    """Of this machine, beyond loopback."""
    found = [one.address for many in psutil.net_if_addrs().values() for one in many if one.family == socket.AF_INET]
    return [one for one in found if not one.startswith("127.")]


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True


def bare(*, no_auth: bool = False) -> ApiServer:
    """A server that was not started."""
    here = Guarded(None, None)  # type: ignore[arg-type]
    return ApiServer(here.application(), here.keys, GuardOptions(no_auth=no_auth), here)


# ---- what goes over it


def test_every_byte_of_http_is_counted(tmp_path: Path) -> None:
    with guarded(tmp_path) as here:
        sent = received = 0
        for path in ("/health", "/nothing-like-that"):
            with here.wire() as wire:
                asked = f"GET {path} HTTP/1.1\r\nHost: localhost:{here.port}\r\nConnection: close\r\n\r\n".encode()
                wire.send(asked)
                sent += len(asked)
                while piece := wire.socket.recv(65_536):
                    received += len(piece)
        assert (here.server.moved.received, here.server.moved.sent) == (sent, received)


# ---- where


def test_it_listens_on_loopback_alone(tmp_path: Path) -> None:
    with guarded(tmp_path) as here:
        bound = {one.laddr for one in psutil.Process().net_connections("tcp") if one.status == psutil.CONN_LISTEN}
        expected = {("127.0.0.1", here.port), *({("::1", here.port)} if has_ipv6() else set())}
        assert {one for one in bound if one[1] == here.port} == expected
        for host, _ in expected:
            with here.wire(host) as wire:
                assert wire.ask("GET /health").response().status == 200
        for address in own_addresses():
            with pytest.raises(ConnectionRefusedError):
                here.wire(address)
        assert here.server.url == f"http://127.0.0.1:{here.port}"


@pytest.mark.parametrize("host", ["", "localhost", "LOCALHOST", "127.0.0.1", "::1", "[::1]"])
def test_loopback_has_two_addresses(host: str) -> None:
    assert addresses(host) == ("127.0.0.1", "::1")
    assert is_loopback(addresses(host))
    assert not is_loopback(("127.0.0.1", "192.0.2.1"))


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    families = [(socket.AF_INET, "127.0.0.1"), *([(socket.AF_INET6, "::1")] if has_ipv6() else [])]
    for family, address in families:
        with socket.socket(family) as other:
            other.bind((address, 0))
            other.listen()
            server = bare()
            with pytest.raises(Unavailable) as refused:
                server.start(port=other.getsockname()[1])
            assert refused.value.code == "port_in_use"
            assert str(other.getsockname()[1]) in refused.value.message.zh
            server.close()


@pytest.mark.parametrize(
    ("host", "port", "code"),
    [("127.0.0.1", -1, "bad_port"), ("127.0.0.1", 65536, "bad_port"), ("no such host", 0, "bad_host")],
)
def test_where_it_cannot_listen_is_said(host: str, port: int, code: str) -> None:
    with pytest.raises(BackendError) as refused:
        listen(addresses(host), port)
    assert refused.value.code == code
    assert refused.value.message.zh
    assert refused.value.hint.zh


def test_the_same_port_is_free_again_at_once(tmp_path: Path) -> None:
    port = closed_port()
    with guarded(tmp_path, port=port) as here:
        assert here.alive()
    with guarded(tmp_path, port=port) as here:
        assert here.port == port
        assert here.alive()


# ---- beyond loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_beyond_loopback_it_needs_a_certificate_and_keys(host: str, tls: Tls) -> None:
    for server, files in ((bare(), None), (bare(no_auth=True), tls), (bare(no_auth=True), None)):
        with pytest.raises(InvalidInput) as refused:
            server.start(host, tls=files)
        assert refused.value.code == "not_safe"
        assert host in refused.value.message.en
        assert host in refused.value.message.zh


def test_an_address_of_others_is_none_of_ours(tls: Tls) -> None:
    with pytest.raises(InvalidInput) as refused:
        bare().start("192.0.2.1", tls=tls)
    assert refused.value.code == "bad_host"


def test_beyond_loopback_names_and_keys_are_checked_all_the_same(
    tmp_path: Path, tls: Tls, trust: ssl.SSLContext
) -> None:
    with guarded(tmp_path, GuardOptions(hosts=named("box.lan")), host="0.0.0.0", tls=tls) as here:
        assert here.server.url == f"https://localhost:{here.port}"

        def status(line: str, host: str, *headers: str) -> int:
            with here.wire(tls=trust) as wire:
                return wire.ask(line, *headers, host=host).response().status

        assert status("GET /health", "box.lan:PORT") == 200
        assert status("GET /health", "localhost:PORT") == 200
        assert status("GET /v1/models", "box.lan") == 401
        assert status("GET /v1/models", "box.lan", f"x-api-key: {here.key}") == 200
        for host in ("0.0.0.0", "0.0.0.0:PORT", "evil.com", "10.0.0.1", "box.local", *own_addresses()):
            assert status("GET /health", host) == 403
        assert status("POST /tokenize", "box.lan", *here.json, "Origin: https://box.lan") == 403


@pytest.mark.skipif(not own_addresses(), reason="this machine has no other address")
def test_the_host_that_it_was_started_for_is_one_of_its_names(tmp_path: Path, tls: Tls, trust: ssl.SSLContext) -> None:
    address = own_addresses()[0]
    with guarded(tmp_path, host=address, tls=tls) as here:
        assert here.server.url == f"https://{address}:{here.port}"
        with here.wire(address, tls=trust) as wire:
            assert wire.ask("GET /health", host=f"{address}:PORT").response().status == 200
            assert wire.ask("GET /health", host="0.0.0.0:PORT").response().status == 403


# ---- TLS


def test_it_speaks_tls(tmp_path: Path, tls: Tls, trust: ssl.SSLContext) -> None:
    with guarded(tmp_path, tls=tls) as here:
        assert here.server.url.startswith("https://127.0.0.1:")
        with httpx.Client(verify=trust, base_url=here.server.url, trust_env=False) as client:
            for _ in range(3):
                assert client.get("/health").json() == {"asked": {}}
            told = client.post("/tokenize", content=b"x" * 9_000_000, headers={"Content-Type": "application/json"})
            assert told.status_code == 401
        with here.wire() as wire:  # who does not, gets no answer
            wire.ask("GET /health")
            assert wire.closed()
        with here.wire(tls=trust) as wire:
            here.chat(wire, do="wait")
            assert here.waiting.wait(400)
        assert here.cancelled.wait(400)  # that it has gone is seen through TLS, too


def test_files_that_are_no_certificate_are_refused(tmp_path: Path, tls: Tls) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    for wrong in (Tls(nonsense, tls.key), Tls(tls.certificate, nonsense), Tls(tmp_path / "none", tls.key)):
        with pytest.raises(InvalidInput) as refused:
            bare().start(tls=wrong)
        assert refused.value.code == "bad_certificate"
        assert refused.value.message.zh


# ---- the end


def test_what_runs_may_end(tmp_path: Path) -> None:
    """Nobody new gets in, a stream that has begun is finished, its connection is closed."""
    with guarded(tmp_path) as here, here.wire() as wire, here.wire() as idle:
        assert idle.ask("GET /health").response().status == 200
        here.chat(wire, do="stream")
        wire.until(b"data: 1")
        assert here.waiting.wait(400)
        draining = threading.Thread(target=here.server.drain, args=(60,))
        draining.start()
        assert idle.closed()
        with pytest.raises(ConnectionRefusedError):
            here.wire()
        here.live[-1].token.cancel()
        wire.until(b"data: 2")
        assert wire.until(b"0\r\n\r\n").endswith(b"0\r\n\r\n")
        assert wire.closed()
        for one in (wire, idle):
            one.socket.close()
        draining.join()
        assert here.last(2).status == 200


def test_what_does_not_end_is_broken_off(tmp_path: Path) -> None:
    """Its call is cancelled, so that the engine stops."""
    with guarded(tmp_path) as here, here.wire() as wire:
        here.chat(wire, do="wait")
        assert here.waiting.wait(400)
        here.server.drain(0.05)
        assert here.last(1).token.cancelled
        assert wire.closed()
        here.server.close()  # again


def test_nothing_is_left(tmp_path: Path) -> None:
    """No thread, no socket."""
    process, threads = psutil.Process(), set(threading.enumerate())
    with guarded(tmp_path) as here, here.wire() as wire:
        here.chat(wire, do="stream")
        wire.until(b"data: 1")
    assert set(threading.enumerate()) <= threads
    assert not [one for one in process.net_connections("tcp") if one.laddr and one.laddr[1] == here.port]


def test_logging_and_signals_are_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    names = (None, "uvicorn", "uvicorn.error", "uvicorn.access", "asyncio")
    before = [(list(one.handlers), one.level, one.propagate) for one in map(logging.getLogger, names)]
    signals = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    with caplog.at_level(logging.INFO), guarded(tmp_path) as here, here.wire() as wire:
        assert wire.ask("GET /v1/models?secret=abc", f"x-api-key: {here.key}").response().status == 200
        with here.wire() as other:
            assert other.send(b"nonsense\r\n\r\n").response().status == 400
        assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == signals
    assert [(list(one.handlers), one.level, one.propagate) for one in map(logging.getLogger, names)] == before
    assert not caplog.records


def test_it_runs_beside_another_loop(tmp_path: Path) -> None:
    """A program with a loop of its own is not touched."""

    async def ask() -> int:
        with guarded(tmp_path) as here:
            async with httpx.AsyncClient(base_url=here.server.url, trust_env=False) as client:
                return (await client.get("/health")).status_code

    assert asyncio.run(ask()) == 200
