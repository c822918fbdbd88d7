"""Connections that hang, are cut, never come about, or are cancelled. The servers are real and on 127.0.0.1."""

import socket
import threading
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, DownloadError, InvalidInput
from backends.core.network import Network, NetworkOptions
from tests.kit.sites import Site, Visitor

HERE = "127.0.0.1"


def outcomes(network: Network) -> list[str]:
    return [connection.outcome for connection in network.connections()]


def hang_in_headers(visitor: Visitor) -> None:
    visitor.site.closing.wait()


def hang_in_body(visitor: Visitor) -> None:
    visitor.send_response(200)
    visitor.send_header("Content-Length", "1000")
    visitor.end_headers()
    visitor.wfile.write(b"begun")
    visitor.site.closing.wait()


def hang_in_endless_body(visitor: Visitor) -> None:
    visitor.close_connection = True
    visitor.send_response(200)
    visitor.send_header("Connection", "close")
    visitor.end_headers()
    visitor.wfile.write(b"begun")
    visitor.site.closing.wait()


HANGS = [hang_in_headers, hang_in_body, hang_in_endless_body]


@pytest.mark.parametrize("hang", HANGS)
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_server_that_hangs_is_cancelled(hang, secure: bool, site: Site, secure_site: Site, ca_file: Path) -> None:
    where = secure_site if secure else site
    network = Network(NetworkOptions(ca_file=str(ca_file)))
    cancel = CancelToken()

    def page(visitor: Visitor) -> None:
        threading.Timer(0.05, cancel.cancel).start()
        hang(visitor)

    where.pages["/"] = page
    with (
        pytest.raises(Cancelled),
        network.open("t", "GET", where.url(), private_host=HERE, timeout=60, cancel=cancel) as response,
    ):
        response.read(1000)


@pytest.mark.parametrize("hang", HANGS)
def test_a_server_that_hangs_is_given_up_in_time(network: Network, site: Site, hang) -> None:
    site.pages["/"] = hang
    with (
        pytest.raises(DownloadError) as failure,
        network.open("t", "GET", site.url(), private_host=HERE, timeout=0.2) as response,
    ):
        response.read(1000)
    assert failure.value.code == "timeout"
    assert outcomes(network)[-1] == "timeout"


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_slow_server_is_waited_for(
    secure: bool, site: Site, secure_site: Site, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the wait is longer than the moments between two looks at the cancel."""
    monkeypatch.setattr("backends.core.wire._GLANCE", 0.001)

    def dawdle(visitor: Visitor) -> None:
        visitor.site.closing.wait(0.02)
        visitor.send_response(200)
        visitor.send_header("Content-Length", "6")
        visitor.end_headers()
        for piece in (b"an", b"sw", b"er"):
            visitor.site.closing.wait(0.02)
            visitor.wfile.write(piece)

    where = secure_site if secure else site
    where.pages["/"] = dawdle
    network = Network(NetworkOptions(ca_file=str(ca_file)))
    with network.open("t", "GET", where.url(), private_host=HERE) as response:
        assert response.read(100) == b"answer"


def test_where_a_cut_wakes_nobody_the_reader_looks_for_itself(
    network: Network, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backends.core.wire._GLANCE", 0.01)
    monkeypatch.setattr(socket, "SHUT_RDWR", socket.SHUT_WR)
    cancel = CancelToken()

    def page(visitor: Visitor) -> None:
        cancel.cancel()
        hang_in_body(visitor)

    site.pages["/"] = page
    with (
        pytest.raises(Cancelled),
        network.open("t", "GET", site.url(), private_host=HERE, timeout=60, cancel=cancel) as response,
    ):
        response.read(1000)


def test_a_handshake_that_hangs_is_cancelled(network: Network) -> None:
    cancel = CancelToken()
    with socket.create_server((HERE, 0)) as silent:
        threading.Timer(0.05, cancel.cancel).start()
        url = f"https://{HERE}:{silent.getsockname()[1]}/"
        with pytest.raises(Cancelled), network.open("t", "GET", url, private_host=HERE, timeout=60, cancel=cancel):
            pass


def test_a_name_server_that_hangs_is_cancelled(site: Site) -> None:
    cancel = CancelToken()

    def resolve(*_: object, **__: object) -> list:
        cancel.cancel()
        site.closing.wait()
        return []

    network = Network(NetworkOptions(), resolve=resolve)
    with pytest.raises(Cancelled), network.open("t", "GET", "https://hub.example/", timeout=60, cancel=cancel):
        pass
    assert outcomes(network) == ["cancelled"]


def test_what_is_cancelled_before_it_begins_connects_to_nothing(network: Network, site: Site) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled), network.open("t", "GET", site.url(), private_host=HERE, cancel=cancel):
        pass
    assert site.asked == []


def cut_at_once(visitor: Visitor) -> None:
    visitor.connection.shutdown(socket.SHUT_RDWR)
    visitor.close_connection = True


def cut_in_body(visitor: Visitor) -> None:
    visitor.send_response(200)
    visitor.send_header("Content-Length", "1000")
    visitor.end_headers()
    visitor.wfile.write(b"begun")
    cut_at_once(visitor)


def speak_nonsense(visitor: Visitor) -> None:
    visitor.wfile.write(b"EHLO this is not the web\r\n\r\n")
    cut_at_once(visitor)


@pytest.mark.parametrize("cut", [cut_at_once, cut_in_body, speak_nonsense])
def test_a_connection_that_is_cut_is_said_so_and_noted(network: Network, site: Site, cut) -> None:
    site.pages["/"] = cut
    with (
        pytest.raises(DownloadError) as failure,
        network.open("t", "GET", site.url(), private_host=HERE) as response,
    ):
        assert response.read(1000) != b""
    assert failure.value.code == "connection_lost"
    assert outcomes(network)[-1] == "connection_lost"


def test_nobody_there(network: Network) -> None:
    with socket.socket() as ours:  # and nobody else can have it meanwhile
        ours.bind((HERE, 0))
        url = f"http://{HERE}:{ours.getsockname()[1]}/"
        with pytest.raises(DownloadError) as failure, network.open("t", "GET", url, private_host=HERE):
            pass
    assert failure.value.code == "no_network"
    assert failure.value.hint.zh


def test_a_name_that_nobody_knows() -> None:
    def resolve(host: str, *_: object, **__: object) -> list:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    network = Network(NetworkOptions(), resolve=resolve)
    with pytest.raises(DownloadError) as failure, network.open("t", "GET", "https://hub.example/"):
        pass
    assert failure.value.code == "no_network"
    assert "hub.example" in failure.value.message.en


@pytest.mark.parametrize("url", ["", "huggingface.co", "ftp://huggingface.co/", "https://", "https://a b/", "http://["])
def test_what_is_no_web_address_is_said_so(network: Network, url: str) -> None:
    with pytest.raises(DownloadError) as failure, network.open("t", "GET", url):
        pass
    assert failure.value.code == "bad_address"


@pytest.mark.parametrize("value", ["Bearer a\r\nX: y", "Bearer \u5bc6\u94a5", "a\x00b"])
def test_a_token_that_cannot_be_sent_is_said_so(network: Network, site: Site, value: str) -> None:
    with (
        pytest.raises(InvalidInput) as failure,
        network.open("t", "GET", site.url(), headers={"Authorization": value}, private_host=HERE),
    ):
        pass
    assert failure.value.code == "bad_header"
    assert site.asked == []


def test_offline_means_nothing_but_this_machine(site: Site, proxy) -> None:
    network = Network(NetworkOptions(offline=True, proxy=proxy.address))
    for url, typed in (("https://huggingface.co/", None), ("http://nas.lan/", "nas.lan")):
        with pytest.raises(DownloadError) as failure, network.open("t", "GET", url, private_host=typed):
            pass
        assert failure.value.code == "offline"
    site.pages["/"] = lambda visitor: visitor.answer(200)
    with network.open("t", "GET", site.url(), private_host=HERE) as response:
        assert response.status == 200
    assert proxy.asked == []


def test_many_threads_share_the_door(network: Network, site: Site) -> None:
    site.pages["/"] = lambda visitor: visitor.answer(200, visitor.path.encode())
    wrong = []

    def fetch(number: int) -> None:
        for step in range(5):
            path = f"/?{number}-{step}"
            with network.open("t", "GET", site.url(path), private_host=HERE) as response:
                if response.read(99) != path.encode():
                    wrong.append(path)

    threads = [threading.Thread(target=fetch, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert outcomes(network) == ["200"] * 40
