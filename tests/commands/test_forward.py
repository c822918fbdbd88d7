"""Commands that run inside the process that owns the data folder: same output, same exit code."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.commands.conftest import window
from tests.kit.faults import paused
from tests.kit.ggufs import ANSWER
from tests.kit.hub import HubServer
from tests.kit.shell import Shell, finish, interrupt, read_until

ASK = ("ask", "--temperature", "0")


def test_the_same_commands_with_and_without_a_window(stocked: Shell) -> None:
    calls = [
        ([*ASK, "Hello"], None),
        ([*ASK, "-"], "Hello from a pipe"),
        (["ask", "--json", "--model", "nothing.gguf", "x"], None),
        (["--language", "zh", "settings", "get", "no.such"], None),
    ]
    alone = [stocked.run(*argv, stdin=stdin) for argv, stdin in calls]
    with window(stocked):
        inside = [stocked.run(*argv, stdin=stdin) for argv, stdin in calls]
    assert inside == alone
    assert [outcome.code for outcome in alone] == [0, 0, 1, 1]
    assert alone[0].out.strip() == ANSWER


def test_the_model_stays_loaded_in_the_window(stocked: Shell) -> None:
    with window(stocked):
        (before,) = stocked.run("models", "--json").json["models"]
        assert stocked.run(*ASK, "--quiet", "Hello").code == 0
        (after,) = stocked.run("models", "--json").json["models"]
    assert (before["loaded"], after["loaded"]) == (False, True)


def test_relative_paths_mean_the_folder_where_the_command_was_typed(stocked: Shell, model: Path) -> None:
    with window(stocked):
        outcome = replace(stocked, cwd=model.parent).run(*ASK, "--model", f"./{model.name}", "Hello")
    assert (outcome.code, outcome.out.strip()) == (0, ANSWER), outcome.err


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_stops_it_over_there(stocked: Shell) -> None:
    with window(stocked):
        process = stocked.start(*ASK, "--json", "count")
        read_until(process, b'"text"')
        interrupt(process)
        outcome = finish(process)
        assert outcome.code == 130
        assert outcome.events[-1]["finished"]["finish_reason"] == "cancelled"
        assert stocked.run(*ASK, "Hello").out.strip() == ANSWER  # the engine is free again


def test_a_killed_client_frees_the_engine(stocked: Shell) -> None:
    with window(stocked):
        process = stocked.start(*ASK, "--json", "count")
        read_until(process, b'"text"')
        process.kill()
        finish(process)
        assert stocked.run(*ASK, "Hello").out.strip() == ANSWER


def test_many_ask_at_once_and_each_is_answered_by_the_model_it_named(shell: Shell, model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other-Q4_K_M.gguf"
    other.write_bytes(model.read_bytes())
    with window(shell):
        assert shell.run(*ASK, "--quiet", "--model", str(other), "Hello").code == 0
        asking = [shell.start(*ASK, "--json", "--model", str((model, other)[n % 2]), "Hello") for n in range(5)]
        outcomes = [finish(process) for process in asking]
    for number, outcome in enumerate(outcomes):
        assert (outcome.code, outcome.err) == (0, "")
        assert "".join(event.get("text", "") for event in outcome.events).strip() == ANSWER
        assert outcome.events[-1]["finished"]["model"].startswith(("tiny", "other")[number % 2])


def test_an_owner_that_dies_in_the_middle_is_told(stocked: Shell) -> None:
    with window(stocked) as owner:
        process = stocked.start(*ASK, "--json", "count")
        read_until(process, b'"text"')
        owner.kill()
        outcome = finish(process)
    assert outcome.code == 1
    assert outcome.out.splitlines()[-1].startswith('{"error": {"code": "owner_gone"')
    assert stocked.run(*ASK, "Hello").code == 0  # the stale lock does not block


def test_a_command_that_owns_serves_others_and_waits_for_them(stocked: Shell, model: Path) -> None:
    with HubServer() as hub:
        hub.add_repo("someone/Tiny-GGUF", {model.name: model})
        hub.fail("cdn", paused(1000), times=1)
        pulling = stocked.start("pull", "someone/Tiny-GGUF", "--endpoint", hub.endpoint)
        hub.wait_paused()
        asking = stocked.start(*ASK, "--json", "count")
        read_until(asking, b'"text"')
        hub.release()
        assert pulling.stdout is not None
        assert pulling.stdout.readline().startswith(b"Downloaded")
        read_until(asking, b'"text"')  # it goes on although the download is done
        interrupt(asking)
        assert finish(asking).code == 130
        assert finish(pulling).code == 0
