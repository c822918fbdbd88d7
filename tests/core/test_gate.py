"""Offline: nothing leaves the program or its children, whichever library tries, and every attempt is told of.

A child process stands for the program: its gate is the real one. Outside is the address of this very machine in its
network, where a real server counts who comes.
"""

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.core.cancel import CancelToken
from backends.core.child import Child
from backends.core.gate import GATE, UNKNOWN, Attempt, is_here
from tests.core.gate_child import WAYS
from tests.kit.sites import Proxy, Site, outside, serving

HERE = "tests.core.gate_child"


@pytest.fixture
def attempts() -> Iterator[list[Attempt]]:
    """What the gate tells of; afterwards it is open again and nobody listens."""
    heard: list[Attempt] = []
    GATE.set_offline(False)
    GATE.listen(heard.append)
    yield heard
    GATE.listen(None)
    GATE.set_offline(False)


@pytest.fixture
def child() -> Iterator[Child]:
    with Child(HERE) as one:
        yield one


@pytest.fixture
def far() -> Iterator[Site]:
    with serving(Site(), host=outside()) as site:
        yield site


def ask(child: Child, *tries: tuple[str, str, int]) -> list[str | None]:
    """The class of each error."""
    answers: Iterator[dict[str, Any]] = child.ask({"do": "attempt", "tries": tries}, cancel=CancelToken())
    return [answer["error"] for answer in answers]


def test_no_library_gets_out_offline_and_each_attempt_is_told(child: Child, attempts: list[Attempt], far: Site) -> None:
    host = outside()
    tries = [(way, "hub.example" if way.startswith("get") else host, far.port) for way in WAYS]
    GATE.set_offline(True)
    errors = ask(child, *tries)
    assert [
        way for way, error in zip(WAYS, errors, strict=True) if error not in ("Refused", "URLError", "ConnectionError")
    ] == []
    assert far.asked == []
    by_us = UNKNOWN + HERE
    assert [one.outcome for one in attempts] == ["offline"] * len(WAYS)
    assert [one.host for one in attempts] == [
        "hub.example" if way == "gethostbyname" else f"{host}:{port}" for way, host, port in tries
    ]
    assert {one.purpose for one in attempts} == {by_us}


def test_online_what_goes_past_the_door_goes_and_is_told(child: Child, attempts: list[Attempt], far: Site) -> None:
    far.pages["/"] = lambda visitor: visitor.answer(200)
    host = outside()
    assert ask(child, ("urllib", host, far.port), ("httpx2", host, far.port)) == [None, None]
    assert len(far.asked) == 2
    assert attempts == [Attempt(UNKNOWN + HERE, f"{host}:{far.port}", "tried")] * 2
    ask(child, ("getaddrinfo", "no-such-name.invalid", 443))
    assert attempts[-1] == Attempt(UNKNOWN + HERE, "no-such-name.invalid:443", "lookup")


def test_this_machine_is_reached_offline_and_nobody_is_told(child: Child, attempts: list[Attempt], site: Site) -> None:
    site.pages["/"] = lambda visitor: visitor.answer(200)
    GATE.set_offline(True)
    near = [(way, host, site.port) for way in WAYS for host in ("127.0.0.1", "localhost") if way != "datagram"]
    assert ask(child, *near) == [None] * len(near)
    assert attempts == []


def test_a_proxy_of_this_machine_leads_outside_and_so_does_its_name_server(
    child: Child, attempts: list[Attempt], proxy: Proxy
) -> None:
    port = proxy.server_address[1]
    GATE.set_offline(True, frozenset({port}))
    assert ask(child, ("raw socket", "127.0.0.1", port), ("datagram", "127.0.0.53", 53)) == ["Refused"] * 2
    assert [one.host for one in attempts] == [f"127.0.0.1:{port}", "127.0.0.53:53"]
    GATE.set_offline(False)
    assert ask(child, ("raw socket", "127.0.0.1", port)) == [None]


def _spellings(address: str) -> list[str]:
    number = int(ipaddress.IPv4Address(address))
    first, *_ = address.split(".")
    rest = number & 0xFFFFFF
    return [
        address,
        str(number),
        hex(number),
        f"{first}.{rest}",
        f"0x{int(first):x}.{rest}",
        f"::ffff:{address}",
        f"::ffff:{number >> 16:x}:{number & 0xFFFF:x}",
        f"0:0:0:0:0:ffff:{address}",
        f"::{address}",
        f"64:ff9b::{address}",
        f"::ffff:{address}%lo",
    ]


def test_no_spelling_of_an_address_is_a_way_through(child: Child, attempts: list[Attempt], far: Site) -> None:
    here = ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "0.0.0.0", "0", "::", "::ffff:0.0.0.0", "::127.0.0.1"]
    names = [
        "localhost.",
        "a.localhost",
        "localhost.localdomain",
        "１２７.0.0.1",
        "127.0.0.1 hub.example",
        "",
        socket.gethostname(),
    ]
    hosts = [*_spellings(outside()), *_spellings("8.8.8.8"), *here, *names]
    GATE.set_offline(True)
    for way in ("raw socket", "create_connection"):
        errors = ask(child, *((way, host, far.port) for host in hosts))
        through = [(host, error) for host, error in zip(hosts, errors, strict=True) if error is None]
        assert through == []
    assert far.asked == []
    assert {one.outcome for one in attempts} == {"offline"}


@given(
    st.one_of(st.ip_addresses().map(str), st.text(max_size=12), st.from_regex(r"[0-9a-fA-Fx.:%]{1,20}", fullmatch=True))
)
def test_what_is_taken_for_this_machine_is_nothing_else(host: str) -> None:
    if not is_here(host) or host.lower() == "localhost":
        return
    found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, 0, flags=socket.AI_NUMERICHOST)}
    assert all(ipaddress.ip_address(one.partition("%")[0].removeprefix("::ffff:")).is_loopback for one in found)


def test_what_was_connected_before_is_cut(child: Child, attempts: list[Attempt], far: Site) -> None:
    with socket.create_server((outside(), 0)) as server:
        asked = child.ask({"do": "hold", "host": outside(), "port": server.getsockname()[1]}, cancel=CancelToken())
        assert next(asked) == {"connected": True}
        guest, _ = server.accept()
        with guest:
            GATE.set_offline(True)
            assert next(asked) == {"said": ""}
            assert guest.recv(1) == b""
        assert list(asked) == []


def test_the_door_keeps_its_own_record_and_only_that(child: Child, far: Site) -> None:
    far.pages["/"] = lambda visitor: visitor.answer(200, b"hello")
    asked = {"do": "door", "host": outside(), "port": far.port}
    (said,) = child.ask(asked, cancel=CancelToken())
    past = UNKNOWN + HERE
    assert said["connections"] == [["model list", "200"], [past, "tried"], ["model list", "offline"], [past, "offline"]]


def test_a_child_is_as_offline_as_its_parent_from_its_first_breath(attempts: list[Attempt], far: Site) -> None:
    GATE.set_offline(True)
    with Child(HERE) as late:
        assert ask(late, ("raw socket", outside(), far.port)) == ["Refused"]
        GATE.set_offline(False)
        assert ask(late, ("raw socket", outside(), far.port)) == [None]
        GATE.set_offline(True)
        assert ask(late, ("raw socket", outside(), far.port)) == ["Refused"]
    assert [one.outcome for one in attempts] == ["offline", "tried", "offline"]


def test_what_a_child_says_of_attempts_is_not_believed_blindly(attempts: list[Attempt]) -> None:
    from backends.core import child as module

    for line in (b"!", b"!{}", b"![1]", b'!{"purpose": 1, "host": 2, "outcome": "200"}', b"!" + b"[" * 100_000):
        module._tell_of(line)
    assert attempts == []
    module._tell_of(b'!{"purpose": "x", "host": "%s", "outcome": "tried"}' % (b"h" * 5000))
    assert [len(one.host) for one in attempts] == [200]
