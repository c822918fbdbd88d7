"""Keyring, port and network broken on purpose: keyrings that fail, real sockets, real servers."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.secrets import Secrets
from backends.doctor import keyring, port, sources
from tests.kit import keyrings
from tests.kit.faults import Fault, refused, web_page
from tests.kit.hub import HubServer
from tests.kit.patients import Home, told
from tests.kit.set_up import closed_port


def door(kind: str, within: float = 5.0) -> Secrets:
    return Secrets(candidates=[f"{keyrings.__name__}.{kind}"], answer_within=within, unlock_within=within)


# ---- keyring


def test_a_keyring_in_order_is_left_as_it_was(home: Home) -> None:
    before = dict(keyrings.Vault.kept)
    [found] = home.look(keyring.look)
    assert (found.code, found.verdict) == ("keyring_ok", "ok")
    assert found.details["keyring"] == "Vault"
    assert keyrings.Vault.kept == before


def test_a_keyring_that_nobody_unlocks(home: Home) -> None:
    [found] = home.look(keyring.look, secrets=lambda: door("Locked"))
    assert (found.code, found.verdict, found.details["keyring"]) == ("keyring_failed", "warn", "Locked")


def test_no_keyring_at_all(home: Home) -> None:
    [found] = home.look(keyring.look, secrets=lambda: door("NotHere"))
    assert (found.code, found.verdict) == ("no_keyring", "warn")


def test_a_keyring_that_does_not_answer(home: Home) -> None:
    keyrings.Silent.closing.clear()  # whoever asked it before
    try:
        [found] = home.look(keyring.look, secrets=lambda: door("Silent", 0.1))
    finally:
        keyrings.Silent.closing.set()
    assert (found.code, found.verdict) == ("keyring_failed", "warn")


# ---- port


def test_a_free_port(home: Home) -> None:
    [found] = home.look(port.look)
    assert (found.code, found.verdict) == ("port_free", "ok")


def test_a_port_that_is_ours(home: Home) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", home.settings.api.port))):
        [found] = home.look(port.look)
    assert (found.code, found.verdict) == ("port_ours", "ok")


@pytest.fixture
def other_program() -> Iterator[int]:
    """Listens at a port until the test is over."""
    code = "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); "
    process = subprocess.Popen(
        [sys.executable, "-c", code + "sys.stdin.read()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    yield int(process.stdout.readline())
    process.communicate()


def test_a_port_that_another_program_has(home: Home, other_program: int) -> None:
    home.set("api.port", other_program)
    [found] = home.look(port.look)
    assert (found.code, found.verdict, found.action) == ("port_taken", "warn", "settings_api")
    home.set("api.enabled", True)
    [found] = home.look(port.look)
    assert found.verdict == "fail"
    if sys.platform == "linux":
        assert "python" in str(found.details["program"])


# ---- network


def test_a_source_that_answers_is_asked_once_as_the_doctor(home: Home, hub: HubServer) -> None:
    case = home.case()
    [found] = sources.look(case, cancel=CancelToken())
    assert (found.code, found.verdict, found.subject) == ("source_ok", "ok", hub.endpoint.partition("//")[2])
    assert case.network is not None
    assert [(one.purpose, one.outcome) for one in case.network.connections()] == [("doctor", "200")]
    assert "authorization" not in {name.lower() for name in hub.requests[-1].headers}


@pytest.mark.parametrize(
    ("fault", "code"),
    [(refused(500), "hub_unavailable"), (web_page(), "not_a_hub"), (web_page(503), "hub_unavailable")],
)
def test_a_source_that_does_not_answer_as_one(home: Home, hub: HubServer, fault: Fault, code: str) -> None:
    hub.fail("api", fault)
    [found] = home.look(sources.look)
    assert (found.code, found.verdict, found.action) == (code, "fail", "settings_network")
    assert found.target == "network.endpoint"


def test_one_source_of_two_is_a_warning(home: Home, hub: HubServer) -> None:
    home.set("network.more_sources", f"http://127.0.0.1:{closed_port()}")
    found = home.look(sources.look)
    assert [one.verdict for one in found] == ["ok", "warn"]


def test_a_dead_proxy_is_said_once(home: Home) -> None:
    home.set("network.endpoint", "https://huggingface.co")
    home.set("network.more_sources", "https://hf-mirror.com, https://modelscope.cn")
    home.set("network.proxy", f"http://user:secret@127.0.0.1:{closed_port()}")
    [found] = home.look(sources.look)
    assert (found.code, found.verdict, found.target) == ("proxy_failed", "fail", "network.proxy")
    assert "secret" not in repr(found)


def test_a_certificate_file_that_is_none(home: Home, tmp_path: Path) -> None:
    (tmp_path / "company.pem").write_text("not a certificate")
    home.set("network.ca_file", str(tmp_path / "company.pem"))
    [found] = home.look(sources.look)
    assert (found.code, found.verdict, found.target) == ("bad_ca_file", "fail", "network.ca_file")


def test_offline_nobody_is_asked(home: Home, hub: HubServer) -> None:
    home.set("network.offline", True)
    [found] = home.look(sources.look)
    assert (found.code, found.verdict, found.action) == ("offline", "ok", "go_online")
    assert hub.requests == []
    assert told(home.look(sources.look, network=None)) == {"offline": "ok"}
    home.set("network.offline", False)
    [found] = home.look(sources.look, network=None)
    assert (found.code, found.action) == ("not_asked", "ask_sources")
    assert hub.requests == []
