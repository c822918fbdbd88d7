"""The API follows the settings, tells its state, and lets go of a key whatever it is doing."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from backends.core.paths import Paths
from backends.monitor.columns import figures
from backends.services import Services
from backends.services.api import ApiState, Serving
from tests.kit.api_server import ApiServed, api_server
from tests.kit.ggufs import Script, scripted_model
from tests.kit.set_up import closed_port

LONG = 60


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    counting = Script("", " ".join(f"n{number}" for number in range(60)), word="count", endless=True)
    return scripted_model(tmp_path_factory.mktemp("gguf") / "tiny-Q4_K_M.gguf", scripts=[counting], slow=24)


@pytest.fixture
def served(tmp_path: Path, model: Path) -> Iterator[ApiServed]:
    """The longest answer takes a minute, however quick the machine is."""
    with api_server(tmp_path / "home", [model], context=32768) as served:
        yield served


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    here = Path.cwd()
    with Services.open(Paths.under(tmp_path / "home")) as services:
        os.chdir(here)
        yield services


def changed(services: Services, change: Callable[[], object], then: Callable[[ApiState], object]) -> None:
    """Do it, and wait until the API is as it should be then."""
    changes = services.changes()
    change()
    for what in changes:
        if what == "api" and then(services.api.state):
            break
    changes.cancel()


def answers(port: int) -> bool:
    with httpx.Client(trust_env=False) as client:
        try:
            return client.get(f"http://127.0.0.1:{port}/health", timeout=LONG).status_code == 200
        except httpx.ConnectError:
            return False


def test_it_is_off_until_somebody_switches_it_on(services: Services) -> None:
    port, other = closed_port(), closed_port()
    services.settings.set("api.port", port)
    services.api.begin()
    assert services.api.state.address == ""
    assert not answers(port)
    changed(services, lambda: services.settings.set("api.enabled", True), lambda state: state.address)
    assert services.api.state.address == f"http://127.0.0.1:{port}"
    assert answers(port)
    moved = str(other)
    changed(services, lambda: services.settings.set("api.port", other), lambda state: state.address.endswith(moved))
    assert answers(other)
    assert not answers(port)
    changed(services, lambda: services.settings.set("api.enabled", False), lambda state: not state.address)
    assert services.api.state.address == ""
    assert not answers(other)


def test_a_command_line_that_changes_settings_starts_no_server(services: Services) -> None:
    services.settings.set("api.port", closed_port())
    services.settings.set("api.enabled", True)
    assert services.api.stop().wait(LONG)
    assert services.api.state.address == ""


def test_a_port_that_others_have_is_told(services: Services) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        services.settings.set("api.port", other.getsockname()[1])
        services.settings.set("api.enabled", True)
        changed(services, services.api.begin, lambda state: state.problem)
        problem = services.api.state.problem
        assert problem is not None
        assert problem.code == "port_in_use"
        assert problem.message.zh
    changed(services, lambda: services.settings.set("api.port", closed_port()), lambda state: state.address)
    assert services.api.state.problem is None
    assert answers(int(services.api.state.address.rpartition(":")[2]))


def test_what_programs_send_and_get_is_seen_on_the_monitor_apart_from_the_net(services: Services) -> None:
    stream = services.monitoring.watch()
    samples = iter(stream)
    assert next(samples).traffic.api_sent is None, "no program could ask"
    (address,) = services.api.start(Serving(port=0))
    assert answers(int(address.rpartition(":")[2]))
    seen = next(one for one in samples if one.traffic.api_sent)
    stream.cancel()
    assert seen.traffic.api_received
    assert (seen.traffic.received, seen.traffic.sent) == (0, 0)
    assert figures(seen)["traffic.api_sent"] == seen.traffic.api_sent
    before = services.api.traffic()
    assert services.api.stop().wait(LONG)
    assert services.api.traffic() == before, "what was, was"


def test_pages_are_let_in_and_out_while_it_runs(served: ApiServed) -> None:
    page = "http://localhost:3000"
    headers = {"Origin": page}
    with served.client() as client:
        assert client.post("/tokenize", json={"content": "a"}, headers=headers).status_code == 403
        served.services.settings.set("api.origins", page)
        _settled(served)
        allowed = client.post("/tokenize", json={"content": "a"}, headers=headers)
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == page
        served.services.settings.set("api.origins", "")
        _settled(served)
        assert client.post("/tokenize", json={"content": "a"}, headers=headers).status_code == 403


@pytest.mark.parametrize("wrong", ["*", "null", "localhost:3000", "http://a.example/path", "https://u:p@a.example"])
def test_what_is_no_page(services: Services, wrong: str) -> None:
    with pytest.raises(Exception, match=r"api\.origins"):
        services.settings.set("api.origins", wrong)
    assert services.settings.current.api.origins == ""


def test_a_key_that_is_revoked_ends_what_runs_for_it(served: ApiServed) -> None:
    key, secret = served.services.api.keys.add("script", "user")
    asked = {"messages": [{"role": "user", "content": "count"}], "stream": True}
    with served.client(secret) as client, client.stream("POST", "/v1/chat/completions", json=asked) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("data: ")
        (running,) = served.services.api.running()
        assert (running.key_name, running.route, running.model) == ("script", "/v1/chat/completions", "tiny-Q4_K_M")
        served.services.api.revoke(key.id)
        assert "data: [DONE]" not in list(lines)
        assert client.get("/v1/models").status_code == 401
    assert [entry.outcome for entry in served.logged() if entry.key_id == key.id] == ["cancelled"]


def test_texts_are_written_down_only_if_the_person_says_so(served: ApiServed) -> None:
    asked = {"messages": [{"role": "user", "content": "my secret"}], "max_tokens": 5}
    with served.client() as client:
        for keep in (False, True):
            served.services.settings.set("api.keep_texts", keep)
            answer = client.post("/v1/chat/completions", json=asked).json()["choices"][0]["message"]
            entry = served.logged()[-1]
            assert ("my secret" in entry.asked) is keep
            assert bool(entry.answered) is (keep and bool(answer["content"]))
            assert entry.completion_tokens == 5


def test_programs_load_another_model_only_if_they_may(tmp_path: Path, model: Path) -> None:
    other = scripted_model(tmp_path / "other-Q4_K_M.gguf")
    with api_server(tmp_path / "home", [model, other], context=1024) as served, served.client() as client:
        first = served.services.engine.model
        assert first is not None
        name = ({"tiny-Q4_K_M", "other-Q4_K_M"} - {first.alias}).pop()
        asked = {"model": name, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
        served.services.settings.set("api.load_models", False)
        refused = client.post("/v1/chat/completions", json=asked)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_loaded")
        served.services.settings.set("api.load_models", True)
        loaded = client.post("/v1/chat/completions", json=asked, timeout=LONG)
        assert loaded.json()["model"] == name
        assert served.services.settings.current.models.default_model != name  # the person's choice stays


def test_beyond_this_computer_only_with_tls_and_a_key(services: Services) -> None:
    tls = (Path("certificate.pem"), Path("key.pem"))
    for serving in (Serving("0.0.0.0", 0), Serving("192.0.2.1", 0, no_auth=True), Serving("192.0.2.1", 0, tls=tls)):
        with pytest.raises(Exception, match=r"certificate|TLS"):
            list(services.api.start(serving))
    assert services.api.state.address == ""


def _settled(served: ApiServed) -> None:
    """What was switched before is in force: the switch does one thing after another."""
    done = served.services.api._switch.start(lambda cancel: iter(()))
    assert done.wait(LONG)
