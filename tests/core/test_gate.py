"""Offline: nothing leaves the program or its children, whichever library tries, and every attempt is told of.

A child process stands for the program: its gate is the real one. Outside is the address of this very machine in its
network, where a real server counts who comes.
"""

import ipaddress
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.core.cancel import CancelToken
from backends.core.child import Child
from backends.core.gate import GATE, UNKNOWN, Attempt, Gate, Refused, is_here
from backends.core.paths import Paths
from tests.core.gate_child import WAYS
from tests.kit.sites import Proxy, Site, outside, serving

HERE = "tests.core.gate_child"
PICKY = ("datagram", "huggingface_hub")  # no web page is enough for these


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
    hub = [one for one in attempts if one.purpose.startswith(UNKNOWN + "huggingface_hub")]
    assert f"{host}:{far.port}" in {one.host for one in hub}  # it also asks for what nobody wants to know
    assert [one for one in attempts if one not in hub] == [
        Attempt(UNKNOWN + HERE, "hub.example" if way == "gethostbyname" else f"{host}:{port}", "offline")
        for way, host, port in tries
        if way != "huggingface_hub"
    ]
    assert {one.outcome for one in hub} == {"offline"}


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
    near = [(way, host, site.port) for way in WAYS for host in ("127.0.0.1", "localhost") if way not in PICKY]
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
    six = ["fd00::1", "fe80::1%lo", "2001:db8::1", "::ffff:0:8.8.8.8"]
    hosts = [*six, *_spellings(outside()), *_spellings("8.8.8.8"), *here, *names]
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


@pytest.mark.parametrize(
    ("family", "address", "goes"),
    [
        (socket.AF_INET, (b"8.8.8.8", 80), False),
        (socket.AF_INET, (bytearray(b"127.0.0.1"), 80), True),
        (socket.AF_INET, ("8.8.8.8",), False),
        (socket.AF_INET, "8.8.8.8", False),
        (socket.AF_INET6, ("::1", 80, 0, 0), True),
        (socket.AF_INET6, ("::1", "80"), True),
        (socket.AF_INET6, (b"2001:db8::1", 80, 0, 0), False),
        (getattr(socket, "AF_UNIX", -1), "/run/user/bus", True),
        (getattr(socket, "AF_NETLINK", -2), (0, 0), True),
        (getattr(socket, "AF_PACKET", -3), ("eth0", 0), False),
        (socket.AF_INET, None, True),
    ],
    ids=str,
)
def test_every_kind_of_address_is_understood(family: int, address: Any, goes: bool) -> None:
    gate, sock = Gate(), SimpleNamespace(family=family, fileno=lambda: -1)
    gate.offline = True
    for event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        if goes:
            gate._judge(event, (sock, address))
        else:
            with pytest.raises(Refused):
                gate._judge(event, (sock, address))
    told: list[Attempt] = []
    gate.listen(told.append)  # of what came before there was anybody to tell
    assert len(told) == (0 if goes else 3)


def test_the_command_line_and_the_window_begin_behind_the_gate(tmp_path: Path) -> None:
    paths = Paths.under(tmp_path)
    paths.make()
    (paths.config / "settings.json").write_text('{"network": {"offline": true}}')
    for start in ("import backends.__main__ as m; m.main(['settings', 'get', 'network.offline'])", _WINDOW):
        code = f"{start}\nfrom backends.core.gate import GATE; print(GATE.offline, GATE._installed)"
        environment = {**os.environ, "DESKSEEK_HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "True True"


_WINDOW = """
import app.__main__ as m
m.Application.exec = lambda self: 0  # it is put together and goes
m.main(['deskseek'])
"""


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
