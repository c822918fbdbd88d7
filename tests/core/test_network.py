"""Opening connections: answers, redirects, keys, cuts. The servers are real and on 127.0.0.1."""

import json
import socket
from pathlib import Path

import pytest

from backends.core.errors import DownloadError
from backends.core.network import Network, NetworkOptions
from tests.kit.sites import Site

HERE = "127.0.0.1"


def outcomes(network: Network) -> list[str]:
    return [connection.outcome for connection in network.connections()]


def test_an_answer_is_read_whole_in_part_or_piece_by_piece(network: Network, site: Site) -> None:
    site.pages["/"] = lambda visitor: visitor.answer(200, b"0123456789", X_Kind="digits")
    with network.open("test", "GET", site.url(), private_host=HERE) as response:
        assert response.status == 200
        assert response.headers["x-kind"] == response.headers["X-KIND"] == "digits"
        assert response.url == site.url()
        assert response.read(1000) == b"0123456789"
    with network.open("test", "GET", site.url(), private_host=HERE) as response:
        assert response.read(4) == b"0123"
    with network.open("test", "GET", site.url(), private_host=HERE) as response:
        assert list(response.chunks(4)) == [b"0123", b"4567", b"89"]
    with network.open("test", "HEAD", site.url(), private_host=HERE) as response:
        assert (response.status, response.read(1)) == (200, b"")
    assert site.asked[0].headers["accept-encoding"] == "identity"
    assert site.asked[0].headers["user-agent"].startswith("DeskSeek/")


def test_an_error_page_is_an_answer_too(network: Network, site: Site) -> None:
    site.pages["/"] = lambda visitor: visitor.answer(503, b"later", Retry_After="7")
    with network.open("test", "GET", site.url(), private_host=HERE) as response:
        assert (response.status, response.headers["retry-after"], response.read(9)) == (503, "7", b"later")


def test_what_is_sent_arrives(network: Network, site: Site) -> None:
    site.pages["/form"] = lambda visitor: visitor.answer(200)
    headers = {"Range": "bytes=5-", "Authorization": "Bearer key"}
    with network.open("t", "POST", site.url("/form?a=1"), headers=headers, content=b"body", private_host=HERE):
        pass
    asked = site.asked[0]
    assert (asked.method, asked.path, asked.body) == ("POST", "/form?a=1", b"body")
    assert (asked.headers["range"], asked.headers["authorization"]) == ("bytes=5-", "Bearer key")


def test_every_attempt_leaves_a_record_without_path_or_query(site: Site, tmp_path: Path) -> None:
    site.pages["/start"] = lambda visitor: visitor.redirect("/end?token=hidden")
    site.pages["/end"] = lambda visitor: visitor.answer(200)
    file = tmp_path / "logs" / "connections.log"
    network = Network(NetworkOptions(), file)
    with network.open("model list", "GET", site.url("/start?secret=hidden"), private_host=HERE):
        pass
    records = network.connections()
    assert [(one.purpose, one.host, one.outcome) for one in records] == [
        ("model list", f"{HERE}:{site.port}", "302"),
        ("model list", f"{HERE}:{site.port}", "200"),
    ]
    assert [json.loads(line)["outcome"] for line in file.read_text().splitlines()] == ["302", "200"]
    assert "hidden" not in file.read_text()
    network.close()


def test_a_record_tells_how_much_was_moved_and_the_door_knows_the_sum(network: Network, site: Site) -> None:
    site.pages["/"] = lambda visitor: visitor.answer(200, b"x" * 100_000)
    buffer = memoryview(bytearray(1 << 16))
    with network.open("t", "POST", site.url(), content=b"y" * 5000, private_host=HERE) as response:
        (running,) = network.connections()
        assert (running.received, running.sent) == (0, 0)
        while response.read_into(buffer):
            pass
        assert network.traffic()[0] > 100_000
    (over,) = network.connections()
    assert 100_000 < over.received < 101_000
    assert 5000 < over.sent < 6000
    assert over.seconds > 0
    assert network.traffic() == (over.received, over.sent)


def test_a_redirect_on_the_same_host_keeps_the_key(network: Network, site: Site) -> None:
    site.pages["/old"] = lambda visitor: visitor.redirect("/new", 308)
    site.pages["/new"] = lambda visitor: visitor.answer(200, b"here")
    headers = {"Authorization": "Bearer key"}
    with network.open("t", "GET", site.url("/old"), headers=headers, private_host=HERE) as response:
        assert (response.read(9), response.url) == (b"here", site.url("/new"))
    assert site.asked[1].headers["authorization"] == "Bearer key"


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "X-API-Key", "Proxy-Authorization"])
def test_a_redirect_to_another_port_loses_the_key_for_good(
    network: Network, site: Site, other_site: Site, name: str
) -> None:
    site.pages["/file"] = lambda visitor: visitor.redirect(other_site.url("/there"))
    other_site.pages["/there"] = lambda visitor: visitor.redirect(site.url("/back"))
    site.pages["/back"] = lambda visitor: visitor.answer(200)
    headers = {name: "key", "Range": "bytes=1-"}
    with network.open("t", "GET", site.url("/file"), headers=headers, private_host=HERE):
        pass
    seen = [site.asked[0], other_site.asked[0], site.asked[1]]
    assert [asked.headers.get(name.lower()) for asked in seen] == ["key", None, None]
    assert [asked.headers["range"] for asked in seen] == ["bytes=1-"] * 3


def test_a_cookie_that_a_server_sets_does_not_travel(network: Network, site: Site, other_site: Site) -> None:
    site.pages["/"] = lambda visitor: visitor.answer(302, Set_Cookie="a=b", Location=other_site.url())
    other_site.pages["/"] = lambda visitor: visitor.answer(200)
    with network.open("t", "GET", site.url(), private_host=HERE):
        pass
    assert "cookie" not in other_site.asked[0].headers


def test_a_key_for_another_host_is_not_sent(network: Network, site: Site) -> None:
    site.pages["/"] = lambda visitor: visitor.answer(200)
    headers = {"Authorization": "Bearer key"}
    for meant in ("huggingface.co", HERE, f"{HERE}:{site.port}", f"{HERE}:1"):
        with network.open("t", "GET", site.url(), headers=headers, private_host=HERE, secret_host=meant):
            pass
    assert ["authorization" in asked.headers for asked in site.asked] == [False, True, True, False]


@pytest.mark.parametrize(("status", "method"), [(303, "GET"), (302, "GET"), (307, "POST"), (308, "POST")])
def test_after_a_post_the_status_says_what_is_repeated(network: Network, site: Site, status: int, method: str) -> None:
    site.pages["/a"] = lambda visitor: visitor.redirect("b", status)
    site.pages["/b"] = lambda visitor: visitor.answer(200)
    with network.open("t", "POST", site.url("/a"), content=b"form", private_host=HERE):
        pass
    assert (site.asked[1].method, site.asked[1].body) == (method, b"form" if method == "POST" else b"")


def test_redirects_can_be_looked_at_instead_of_followed(network: Network, site: Site) -> None:
    site.pages["/"] = lambda visitor: visitor.answer(302, Location="/x", X_Linked_Size="77")
    with network.open("t", "HEAD", site.url(), private_host=HERE, follow=False) as response:
        assert (response.status, response.headers["x-linked-size"]) == (302, "77")
    assert len(site.asked) == 1


def test_a_circle_of_redirects_ends(network: Network, site: Site) -> None:
    site.pages["/"] = lambda visitor: visitor.redirect("/")
    with pytest.raises(DownloadError) as failure, network.open("t", "GET", site.url(), private_host=HERE):
        pass
    assert failure.value.code == "redirect_refused"
    assert len(site.asked) == 9


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://h/x", "http://[broken", "javascript:1"])
def test_a_redirect_to_something_else_than_the_web_is_refused(network: Network, site: Site, target: str) -> None:
    site.pages["/"] = lambda visitor: visitor.redirect(target)
    with pytest.raises(DownloadError) as failure, network.open("t", "GET", site.url(), private_host=HERE):
        pass
    assert failure.value.code == "redirect_refused"


def test_this_machine_is_out_of_reach_unless_it_was_typed(network: Network, site: Site) -> None:
    for url in (site.url(), site.url(host="localhost"), site.url(host="0x7f.1"), site.url(host="[::1]")):
        with pytest.raises(DownloadError) as failure, network.open("t", "GET", url):
            pass
        assert failure.value.code == "private_address"
    assert outcomes(network) == ["private_address"] * 4
    assert site.asked == []


def test_a_redirect_to_this_machine_or_its_neighbours_is_refused(
    network: Network, site: Site, other_site: Site
) -> None:
    typed = f"{HERE}:{site.port}"
    for target in (other_site.url(), other_site.url(host="localhost"), "https://192.168.0.1/", "https://router.lan/"):
        site.pages["/"] = lambda visitor, target=target: visitor.redirect(target)
        with pytest.raises(DownloadError) as failure, network.open("t", "GET", site.url(), private_host=typed):
            pass
        assert failure.value.code == "redirect_refused"
        assert typed in failure.value.message.en
    assert other_site.asked == []


def test_a_public_name_that_leads_to_this_machine_is_refused(site: Site) -> None:
    looked_up = []

    def resolve(host: str, port: int, **_: object) -> list:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (HERE, port))]

    network = Network(NetworkOptions(), resolve=resolve)
    with pytest.raises(DownloadError) as failure, network.open("t", "GET", f"https://hub.example:{site.port}/"):
        pass
    assert failure.value.code == "private_address"
    site.pages["/"] = lambda visitor: visitor.answer(200)
    with network.open("t", "GET", site.url(host="hub.example"), private_host="hub.example"):
        pass
    assert looked_up == ["hub.example"] * 2
    assert len(site.asked) == 1


def test_a_plain_address_of_a_public_host_is_refused(network: Network, site: Site) -> None:
    with pytest.raises(DownloadError) as failure, network.open("t", "GET", "http://huggingface.co/"):
        pass
    assert failure.value.code == "insecure_address"
    site.pages["/"] = lambda visitor: visitor.redirect("http://cdn.example/file")
    with pytest.raises(DownloadError) as failure, network.open("t", "GET", site.url(), private_host=HERE):
        pass
    assert failure.value.code == "redirect_refused"


def test_the_certificates_of_a_company_are_trusted_when_they_are_named(
    network: Network, secure_site: Site, ca_file: Path
) -> None:
    secure_site.pages["/"] = lambda visitor: visitor.answer(200, b"safe")
    with pytest.raises(DownloadError) as failure, network.open("t", "GET", secure_site.url(), private_host=HERE):
        pass
    assert failure.value.code == "tls_failed"
    network.configure(NetworkOptions(ca_file=str(ca_file)))
    with network.open("t", "GET", secure_site.url(), private_host=HERE) as response:
        assert response.read(9) == b"safe"
    assert outcomes(network) == ["tls_failed", "200"]


def test_a_certificate_for_another_name_is_refused(secure_site: Site, ca_file: Path) -> None:
    def resolve(host: str, port: int, **_: object) -> list:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (HERE, port))]

    network = Network(NetworkOptions(ca_file=str(ca_file)), resolve=resolve)
    url = secure_site.url(host="other.example")
    with pytest.raises(DownloadError) as failure, network.open("t", "GET", url, private_host="other.example"):
        pass
    assert failure.value.code == "tls_failed"


def test_encryption_is_never_given_up(secure_site: Site, site: Site, ca_file: Path) -> None:
    network = Network(NetworkOptions(ca_file=str(ca_file)))
    secure_site.pages["/"] = lambda visitor: visitor.redirect(site.url())
    for follow in (True, False):
        with (
            pytest.raises(DownloadError) as failure,
            network.open("t", "GET", secure_site.url(), private_host=HERE, follow=follow),
        ):
            pass
        assert failure.value.code == "redirect_refused"
    assert site.asked == []


@pytest.mark.parametrize("content", [b"", b"not a certificate"])
def test_a_certificate_file_that_is_none_is_said_so(site: Site, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "company.pem"
    if content:
        file.write_bytes(content)
    network = Network(NetworkOptions(ca_file=str(file)))
    with pytest.raises(DownloadError) as failure, network.open("t", "GET", site.url(), private_host=HERE):
        pass
    assert failure.value.code == "bad_ca_file"
