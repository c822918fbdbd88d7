"""Which addresses may be reached, and how a name is dialled."""

import socket
import threading

import pytest

from backends.core.addresses import dial, is_local, is_loopback, is_public, matches
from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled

LONG = 120.0  # seconds that nobody waits, unless something is wrong
PUBLIC = ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::808:808", "198.18.0.7", "198.19.255.1"]
PRIVATE = [
    "127.0.0.1",
    "127.255.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # where clouds keep the keys of a machine
    "100.64.0.1",
    "192.0.2.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:192.168.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "2002:c0a8:1::1",
    "2001:db8::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",  # Teredo
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(address)
    assert not is_local(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str) -> None:
    assert not is_public(address)
    assert is_local(address)


def test_names_and_odd_spellings_that_are_local_at_sight() -> None:
    local = ["localhost", "LOCALHOST.", "a.localhost", "nas.local", "router", "db.internal", "x.lan", "x.home.arpa"]
    spelled = ["127.1", "0x7f.1", "2130706433", "017700000001", "0"]
    for host in local + spelled:
        assert is_local(host), host
    for host in ("huggingface.co", "hf-mirror.com", "lan.example", "local.cn", "127.0.0.1.example"):
        assert not is_local(host), host
    assert is_loopback("localhost")
    assert is_loopback("127.1")
    assert is_loopback("::1")
    assert not is_loopback("192.168.0.1")
    assert not is_loopback("localhost.example")


def test_what_a_person_typed() -> None:
    assert matches("NAS.lan", "nas.lan", 80)
    assert matches("nas.lan:8080", "nas.lan", 8080)
    assert not matches("nas.lan:8080", "nas.lan", 80)
    assert matches("[::1]:80", "::1", 80)
    assert matches("::1", "::1", 80)
    assert matches("[::1]", "::1", 443)
    assert not matches("lan", "nas.lan", 80)
    assert not matches(None, "nas.lan", 80)
    assert not matches("", "", 80)


class Line:
    def __init__(self, address: str) -> None:
        self.address = address
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


def resolving(*addresses: str):
    def resolve(host: str, port: int, **_: object) -> list:
        return [(0, 0, 0, "", (address, port)) for address in addresses]

    return resolve


def call(resolve, connect, cancel: CancelToken | None = None, timeout: float = LONG):
    return dial(
        "hub.example",
        443,
        allowed=is_public,
        connect=connect,
        timeout=timeout,
        cancel=cancel or CancelToken(),
        resolve=resolve,
    )


def test_only_judged_addresses_are_dialled_and_the_next_one_if_the_first_is_silent() -> None:
    dialled = []

    def connect(address: str, seconds: float) -> Line:
        dialled.append(address)
        if address == "1.1.1.1":
            raise ConnectionRefusedError("refused")
        return Line(address)

    line = call(resolving("10.0.0.1", "1.1.1.1", "::1", "8.8.8.8", "8.8.8.8"), connect)
    assert line
    assert line.address == "8.8.8.8"
    assert dialled == ["1.1.1.1", "8.8.8.8"]


def test_no_allowed_address_is_none_and_all_silent_is_the_first_error() -> None:
    def refuse(address: str, seconds: float) -> Line:
        raise ConnectionRefusedError(address)

    assert call(resolving("10.0.0.1", "::1"), refuse) is None
    with pytest.raises(ConnectionRefusedError, match=r"1\.1\.1\.1"):
        call(resolving("1.1.1.1", "8.8.8.8"), refuse)


def test_a_name_that_cannot_even_be_asked_for() -> None:
    with pytest.raises(socket.gaierror):
        dial(
            "a" * 70 + ".example",
            443,
            allowed=is_public,
            connect=lambda address, seconds: Line(address),
            timeout=LONG,
            cancel=CancelToken(),
            resolve=lambda host, *_, **__: host.encode("idna") and [],
        )


def test_the_time_is_shared_among_the_addresses() -> None:
    shares = []

    def connect(address: str, seconds: float) -> Line:
        shares.append(seconds)
        raise TimeoutError

    with pytest.raises(TimeoutError):
        call(resolving("1.1.1.1", "8.8.8.8", "9.9.9.9"), connect, timeout=30)
    assert [round(share) for share in shares] == [10, 15, 30]


def test_a_connection_that_comes_too_late_is_closed() -> None:
    cancel = CancelToken()
    go_on = threading.Event()
    lines: list[Line] = []

    def connect(address: str, seconds: float) -> Line:
        cancel.cancel()
        go_on.wait(LONG)
        lines.append(Line(address))
        return lines[0]

    with pytest.raises(Cancelled):
        call(resolving("1.1.1.1"), connect, cancel)
    go_on.set()
    while not lines:
        cancel.wait(0)
    assert lines[0].closed.wait(LONG)


def test_silence_ends_in_time() -> None:
    closing = threading.Event()
    with pytest.raises(TimeoutError):
        call(resolving("1.1.1.1"), lambda address, seconds: closing.wait(LONG) and Line(address), timeout=0.1)
    closing.set()
