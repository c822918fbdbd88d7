"""`pull` from a hub on this machine: progress, pause, resume, and what goes wrong."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.conftest import window
from tests.kit.faults import paused, refused
from tests.kit.hub import HubServer
from tests.kit.shell import Shell, finish, interrupt, read_until, until_some_came

REPO = "someone/Tiny-GGUF"


@pytest.fixture
def hub(model: Path) -> Iterator[HubServer]:
    with HubServer() as hub:
        hub.add_repo(REPO, {model.name: model})
        yield hub


def test_a_pulled_model_is_there_and_answers(shell: Shell, hub: HubServer, model: Path) -> None:
    pulled = shell.run("pull", REPO, "--endpoint", hub.endpoint)
    assert pulled.code == 0, pulled.err
    (path,) = shell.home.glob("models/**/*.gguf")
    assert pulled.out == f"Downloaded: {path}\n"
    assert path.read_bytes() == model.read_bytes()
    assert "100%" in pulled.err
    assert "\x1b" not in pulled.err
    assert len(pulled.err.splitlines()) < 20  # sparse where nobody looks
    (known,) = shell.run("models", "--json").json["models"]
    assert (known["quant"], known["source"], known["verified"]) == ("Q4_K_M", REPO, True)
    assert "scripted" in shell.run("ask", "Hello").out


def test_progress_as_json(shell: Shell, hub: HubServer) -> None:
    outcome = shell.run("pull", f"{REPO}:Q4_K_M", "--endpoint", hub.endpoint, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    *before, last = outcome.events
    assert last["finished"]["verified"] is True
    assert Path(last["finished"]["path"]).is_file()
    done = [event["progress"]["done"] for event in before if "progress" in event]
    assert done == sorted(done)
    (total,) = {event["progress"]["total"] for event in before if "progress" in event}
    assert done[-1] == total
    assert {name for event in before for name in event} <= {"progress", "verifying", "notice"}


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_pauses_and_the_same_command_goes_on(shell: Shell, hub: HubServer, model: Path) -> None:
    size = model.stat().st_size
    hub.fail("cdn", paused(size // 2), times=1)
    process = shell.start("pull", REPO, "--endpoint", hub.endpoint)
    hub.wait_paused()
    until_some_came(process)
    interrupt(process)
    outcome = finish(process)
    hub.release()
    assert (outcome.code, outcome.out) == (130, "")
    assert f"deskseek pull {REPO} --endpoint {hub.endpoint}\n" in outcome.err
    assert not list(shell.home.glob("models/**/*.gguf"))
    (waiting,) = shell.run("models", "--json").json["pending"]
    assert (waiting["repo"], waiting["quant"], waiting["total"]) == (REPO, "Q4_K_M", size)
    assert 0 < waiting["done"] < size
    assert f"deskseek pull {REPO}:Q4_K_M --endpoint {hub.endpoint}\n" in shell.run("models").out

    assert shell.run("pull", REPO, "--endpoint", hub.endpoint).code == 0
    (path,) = shell.home.glob("models/**/*.gguf")
    assert path.read_bytes() == model.read_bytes()
    starts = [start for start, _ in hub.ranges(model.name)]
    assert starts[-1] > 0  # not from the beginning


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_who_follows_a_download_that_is_paused_from_elsewhere_is_told(
    shell: Shell, hub: HubServer, model: Path
) -> None:
    hub.fail("cdn", paused(model.stat().st_size // 2))
    with window(shell):
        first = shell.start("pull", REPO, "--endpoint", hub.endpoint)
        hub.wait_paused()
        second = shell.start("pull", REPO, "--endpoint", hub.endpoint, "--json")
        read_until(second, b"progress")
        interrupt(first)
        told = finish(second)
        assert finish(first).code == 130
    assert told.code == 1
    assert told.events[-1]["error"]["code"] == "paused_elsewhere"
    assert f"deskseek pull {REPO} --endpoint {hub.endpoint}" in told.events[-1]["error"]["hint"]
    hub.release()


def test_a_killed_download_goes_on_and_is_not_called_a_crash(shell: Shell, hub: HubServer, model: Path) -> None:
    hub.fail("cdn", paused(1_000_000), times=1)
    process = shell.start("pull", REPO, "--endpoint", hub.endpoint)
    hub.wait_paused()
    process.kill()
    finish(process)
    hub.release()
    resumed = shell.run("pull", REPO, "--endpoint", hub.endpoint)
    assert (resumed.code, "crash" in resumed.err) == (0, False)
    (path,) = shell.home.glob("models/**/*.gguf")
    assert path.read_bytes() == model.read_bytes()


@pytest.mark.parametrize(
    ("argv", "code"),
    [(["someone/nothing"], 1), ([f"{REPO}:Q9_X"], 1), (["no-such-catalogue-id"], 1), (["../../etc/passwd"], 1)],
)
def test_what_is_not_there_is_a_known_error(shell: Shell, hub: HubServer, argv: list[str], code: int) -> None:
    outcome = shell.run("pull", *argv, "--endpoint", hub.endpoint, "--json")
    assert outcome.code == code
    assert set(outcome.events[-1]["error"]) == {"code", "message", "hint"}


def test_a_hub_that_refuses_is_a_sentence(shell: Shell, hub: HubServer) -> None:
    hub.fail("api", refused(403, "GatedRepo", "restricted"))
    outcome = shell.run("pull", REPO, "--endpoint", hub.endpoint)
    assert (outcome.code, outcome.out) == (1, "")
    assert "Traceback" not in outcome.err
    assert outcome.err
