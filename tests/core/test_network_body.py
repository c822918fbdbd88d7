"""Large bodies are read straight from the connection into a buffer, whatever lies between: TLS, a proxy, pieces."""

import random
import threading
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, DownloadError
from backends.core.network import Network, NetworkOptions, Response
from tests.kit.sites import Proxy, Site, Visitor

HERE = "127.0.0.1"
BODY = random.Random(1).randbytes(3_000_000)


def whole(visitor: Visitor) -> None:
    visitor.answer(200, BODY)


def in_chunks(visitor: Visitor) -> None:
    visitor.send_response(200)
    visitor.send_header("Transfer-Encoding", "chunked")
    visitor.end_headers()
    for at in range(0, len(BODY), 70_000):
        piece = BODY[at : at + 70_000]
        visitor.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    visitor.wfile.write(b"0\r\n\r\n")


def until_it_closes(visitor: Visitor) -> None:
    visitor.close_connection = True
    visitor.send_response(200)
    visitor.send_header("Connection", "close")
    visitor.end_headers()
    visitor.wfile.write(BODY)


def nothing(visitor: Visitor) -> None:
    visitor.answer(200)


def broken_off(visitor: Visitor) -> None:
    visitor.close_connection = True
    visitor.send_response(200)
    visitor.send_header("Content-Length", str(len(BODY)))
    visitor.end_headers()
    visitor.wfile.write(BODY[:1_000_000])


def silent(visitor: Visitor) -> None:
    visitor.send_response(200)
    visitor.send_header("Content-Length", str(len(BODY)))
    visitor.end_headers()
    visitor.wfile.write(BODY[:1_000_000])
    visitor.site.closing.wait()


def read(response: Response, size: int = 100_000) -> bytes:
    found, buffer = bytearray(), memoryview(bytearray(size))
    while count := response.read_into(buffer):
        found += buffer[:count]
    return bytes(found)


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("proxied", [False, True], ids=["direct", "proxy"])
@pytest.mark.parametrize("page", [whole, in_chunks, until_it_closes, nothing])
def test_a_body_arrives_byte_by_byte_the_same(
    page, secure: bool, proxied: bool, site: Site, secure_site: Site, ca_file: Path, proxy: Proxy
) -> None:
    where = secure_site if secure else site
    where.pages["/"] = page
    network = Network(NetworkOptions(ca_file=str(ca_file), proxy=proxy.address if proxied else ""))
    with network.open("t", "GET", where.url(), private_host=HERE) as response:
        assert read(response) == (b"" if page is nothing else BODY)
        assert response.read_into(memoryview(bytearray(10))) == 0


@pytest.mark.parametrize("size", [1, 999, 5_000_000])
def test_a_buffer_of_any_size(site: Site, network: Network, size: int) -> None:
    site.pages["/"] = lambda visitor: visitor.answer(200, BODY[:20_000])
    with network.open("t", "GET", site.url(), private_host=HERE) as response:
        assert read(response, size) == BODY[:20_000]


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize(("page", "code", "waits"), [(broken_off, "connection_lost", 60), (silent, "timeout", 0.3)])
def test_a_body_that_ends_early_is_an_error(
    page, code: str, waits: float, secure: bool, site: Site, secure_site: Site, ca_file: Path
) -> None:
    where = secure_site if secure else site
    where.pages["/"] = page
    network = Network(NetworkOptions(ca_file=str(ca_file)))
    with (
        pytest.raises(DownloadError) as failure,
        network.open("t", "GET", where.url(), private_host=HERE, timeout=waits) as response,
    ):
        read(response)
    assert failure.value.code == code


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_cancel_ends_the_reading(secure: bool, site: Site, secure_site: Site, ca_file: Path) -> None:
    where = secure_site if secure else site
    cancel = CancelToken()

    def page(visitor: Visitor) -> None:
        threading.Timer(0.05, cancel.cancel).start()
        silent(visitor)

    where.pages["/"] = page
    network = Network(NetworkOptions(ca_file=str(ca_file)))
    with (
        pytest.raises(Cancelled),
        network.open("t", "GET", where.url(), private_host=HERE, timeout=60, cancel=cancel) as response,
    ):
        read(response)
