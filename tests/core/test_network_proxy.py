"""The way through a proxy: which one, for what, and how it fails. Hosts end in .example; the proxy leads them here."""

import base64
import socket
import socketserver
import ssl
import threading

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, DownloadError
from backends.core.network import Network, NetworkOptions
from backends.core.routes import parse_proxy, proxy_for
from tests.kit.sites import Proxy, Site, proxying, relay

HUB = "hub.example"


@pytest.fixture
def led(proxy: Proxy, site: Site) -> Site:
    """A site that the proxy leads to."""
    proxy.target = site.port
    site.pages["/file"] = lambda visitor: visitor.answer(200, b"through")
    return site


def fetch(network: Network, url: str, **options) -> bytes:
    with network.open("test", "GET", url, private_host=HUB, **options) as response:
        return response.read(100)


@pytest.mark.parametrize("scheme", ["", "http://"])
def test_the_proxy_of_the_settings_is_used(proxy: Proxy, led: Site, scheme: str) -> None:
    network = Network(NetworkOptions(proxy=scheme + proxy.address))
    assert fetch(network, f"http://{HUB}/file?a=1") == b"through"
    assert proxy.asked[0][0] == f"GET http://{HUB}/file?a=1 HTTP/1.1"
    assert [(one.host, one.outcome) for one in network.connections()] == [(f"{HUB}:80", "200")]


def test_https_goes_through_a_tunnel_that_the_proxy_cannot_read(proxy: Proxy, secure_site: Site, ca_file) -> None:
    proxy.target = secure_site.port
    secure_site.pages["/file"] = lambda visitor: visitor.answer(200, b"sealed")
    network = Network(NetworkOptions(proxy=proxy.address, ca_file=str(ca_file)))
    headers = {"Authorization": "Bearer key"}
    assert fetch(network, f"https://{HUB}/file", headers=headers) == b"sealed"
    first, told = proxy.asked[0]
    assert first == f"CONNECT {HUB}:443 HTTP/1.1"
    assert "authorization" not in told
    assert secure_site.asked[0].headers["authorization"] == "Bearer key"


def test_the_proxy_of_the_system_is_used_when_there_is_none_in_the_settings(
    proxy: Proxy, led: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://{proxy.address}")
    assert fetch(Network(NetworkOptions()), f"http://{HUB}/file") == b"through"
    assert len(proxy.asked) == 1


def test_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "mirror.corp,.intern.example")
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:7891")
    for setting in ("", "http://127.0.0.1:7890"):
        assert proxy_for("https", "mirror.corp", 443, setting) is None
        assert proxy_for("https", "a.intern.example", 443, setting) is None
        assert proxy_for("https", "localhost", 443, setting) is None
        assert proxy_for("https", "127.0.0.1", 8080, setting) is None
        assert proxy_for("https", "::1", 8080, setting) is None
    assert str(proxy_for("https", "huggingface.co", 443, "http://127.0.0.1:7890")) == "127.0.0.1:7890"
    system = proxy_for("https", "huggingface.co", 443, "")
    assert system
    assert (system.scheme, system.port) == ("socks5h", 7891)


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port", "user", "password"),
    [
        ("127.0.0.1:7890", "http", "127.0.0.1", 7890, "", ""),
        ("http://proxy.corp", "http", "proxy.corp", 80, "", ""),
        ("https://proxy.corp:8443/", "https", "proxy.corp", 8443, "", ""),
        ("SOCKS5://[::1]:1081", "socks5h", "::1", 1081, "", ""),
        ("socks://10.0.0.1", "socks5h", "10.0.0.1", 1080, "", ""),
        ("http://li:p%40ss@proxy.corp:8080", "http", "proxy.corp", 8080, "li", "p@ss"),
    ],
)
def test_addresses_of_proxies(text: str, scheme: str, host: str, port: int, user: str, password: str) -> None:
    proxy = parse_proxy(text)
    assert (proxy.scheme, proxy.host, proxy.port, proxy.user, proxy.password) == (scheme, host, port, user, password)


@pytest.mark.parametrize(
    "text", ["ftp://proxy:1", "http://", "http://proxy:port", "http://proxy:99999", "socks4://a:1", "not a proxy"]
)
def test_what_is_no_address_of_a_proxy(text: str) -> None:
    with pytest.raises(DownloadError) as failure:
        parse_proxy(text)
    assert failure.value.code == "proxy_failed"


def test_a_password_of_the_proxy_is_never_told() -> None:
    with pytest.raises(DownloadError) as failure:
        parse_proxy("http://li:hidden@proxy.corp:port")
    assert "hidden" not in str(failure.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password(proxy: Proxy, led: Site, scheme: str) -> None:
    proxy.wants = "Basic " + base64.b64encode(b"li:p@ss").decode()
    network = Network(NetworkOptions(proxy=proxy.address))
    for user in ("", "li:wrong@"):
        network.configure(NetworkOptions(proxy=f"http://{user}{proxy.address}"))
        with pytest.raises(DownloadError) as failure:
            fetch(network, f"{scheme}://{HUB}/file")
        assert failure.value.code == "proxy_auth"
    if scheme == "http":
        network.configure(NetworkOptions(proxy=f"http://li:p%40ss@{proxy.address}"))
        assert fetch(network, f"http://{HUB}/file") == b"through"


def test_a_proxy_that_is_not_there() -> None:
    with Proxy() as gone:
        address = gone.address
    network = Network(NetworkOptions(proxy=address))
    for scheme in ("http", "https"):
        with pytest.raises(DownloadError) as failure:
            fetch(network, f"{scheme}://{HUB}/file")
        assert failure.value.code == "proxy_failed"
        assert address in failure.value.message.zh


def test_a_proxy_that_refuses(proxy: Proxy) -> None:
    class Refusing(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(b"HTTP/1.1 403 Not for you\r\nContent-Length: 0\r\n\r\n")

    with proxying(Proxy(Refusing)) as refusing, pytest.raises(DownloadError) as failure:
        fetch(Network(NetworkOptions(proxy=refusing.address)), f"https://{HUB}/")
    assert failure.value.code == "proxy_failed"
    assert "403" in failure.value.message.en


def test_a_proxy_that_hangs_is_cancelled() -> None:
    cancel = CancelToken()
    closing = threading.Event()

    class Hanging(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            cancel.cancel()
            closing.wait()

    with proxying(Proxy(Hanging)) as hanging:
        with pytest.raises(Cancelled):
            fetch(Network(NetworkOptions(proxy=hanging.address)), f"https://{HUB}/", cancel=cancel, timeout=60)
        closing.set()


@pytest.mark.parametrize(
    "url",
    ["https://10.0.0.1/", "https://127.0.0.1.nip.lan/", "https://router/", "https://2130706433/", "https://nas.local/"],
)
def test_a_proxy_does_not_open_the_way_to_neighbours(proxy: Proxy, url: str) -> None:
    network = Network(NetworkOptions(proxy=proxy.address))
    with pytest.raises(DownloadError) as failure:
        fetch(network, url)
    assert failure.value.code == "private_address"
    assert proxy.asked == []


def test_a_key_never_travels_in_clear_to_a_public_host(proxy: Proxy, led: Site) -> None:
    network = Network(NetworkOptions(proxy=proxy.address))
    fetch(network, f"http://{HUB}/file", headers={"Authorization": "Bearer key", "Range": "bytes=0-"})
    assert "authorization" not in led.asked[0].headers
    assert led.asked[0].headers["range"] == "bytes=0-"
    with network.open("t", "GET", "http://hub.lan/file", headers={"Authorization": "k"}, private_host="hub.lan"):
        pass
    assert led.asked[1].headers["authorization"] == "k"


def test_the_key_survives_the_change_from_http_to_https_on_the_same_host(
    proxy: Proxy, led: Site, secure_site: Site, ca_file
) -> None:
    def upgrade(visitor) -> None:
        proxy.target = secure_site.port
        visitor.redirect(f"https://{HUB}/file")

    led.pages["/file"] = upgrade
    secure_site.pages["/file"] = lambda visitor: visitor.answer(200)
    network = Network(NetworkOptions(proxy=proxy.address, ca_file=str(ca_file)))
    fetch(network, f"http://{HUB}/file", headers={"Authorization": "Bearer key"})
    assert "authorization" not in led.asked[0].headers
    assert secure_site.asked[0].headers["authorization"] == "Bearer key"


class Socks(socketserver.BaseRequestHandler):
    """A SOCKS 5 proxy (RFC 1928) that knows no passwords and looks up names itself."""

    def handle(self) -> None:
        proxy = self.server
        assert isinstance(proxy, Proxy)
        client = self.request
        _, methods = client.recv(2)
        client.recv(methods)
        client.sendall(b"\x05\x00")
        _, _, _, kind, length = client.recv(5)
        assert kind == 3
        host = client.recv(length).decode()
        client.recv(2)
        proxy.asked.append((host, {}))
        client.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        with socket.create_connection(("127.0.0.1", proxy.target)) as onward:
            relay(client, onward)


def test_a_socks_proxy_looks_up_the_name_itself(site: Site) -> None:
    site.pages["/file"] = lambda visitor: visitor.answer(200, b"through")

    def resolve(host: str, port: int, **_: object) -> list:
        assert host == "127.0.0.1"
        return [(2, 1, 6, "", (host, port))]

    with proxying(Proxy(Socks)) as socks:
        socks.target = site.port
        network = Network(NetworkOptions(proxy=f"socks5://{socks.address}"), resolve=resolve)
        assert fetch(network, f"http://{HUB}/file") == b"through"
        assert socks.asked == [(HUB, {})]


def test_a_socks_proxy_that_is_none_is_said_so(site: Site) -> None:
    class Web(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"HTTP/1.1 400 Bad request\r\n\r\n")

    with proxying(Proxy(Web)) as web, pytest.raises(DownloadError) as failure:
        fetch(Network(NetworkOptions(proxy=f"socks5://{web.address}")), f"http://{HUB}/file")
    assert failure.value.code == "proxy_failed"


def test_an_encrypted_proxy(authority, ca_file, site: Site) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    site.pages["/file"] = lambda visitor: visitor.answer(200, b"through")
    encrypted = Proxy()
    encrypted.target = site.port
    encrypted.socket = context.wrap_socket(encrypted.socket, server_side=True)
    with proxying(encrypted):
        port = encrypted.server_address[1]
        network = Network(NetworkOptions(proxy=f"https://localhost:{port}", ca_file=str(ca_file)))
        assert fetch(network, f"http://{HUB}/file") == b"through"
