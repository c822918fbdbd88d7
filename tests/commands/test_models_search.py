"""`deskseek models search`: words, repositories and links, on hubs that answer and on hubs that do not."""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.conftest import Inside, window
from tests.kit.faults import HANG, refused
from tests.kit.hub import HubServer
from tests.kit.shell import Shell, finish, interrupt

REPO, OTHER = "someone/Tiny-GGUF", "unsloth/DeepSeek-R1-0528-Qwen3-8B-GGUF"


@pytest.fixture
def hub(model: Path) -> Iterator[HubServer]:
    with HubServer() as hub:
        hub.add_repo(REPO, {"tiny-IQ1_S.gguf": model, "tiny-Q4_K_M.gguf": model}, downloads=12_345)
        hub.add_repo(OTHER, {"DeepSeek-R1-0528-Qwen3-8B-Q4_K_M.gguf": model}, downloads=5)
        yield hub


def test_from_words_to_a_file_on_the_disk(shell: Shell, hub: HubServer) -> None:
    at = ("--endpoint", hub.endpoint)
    found = shell.run("models", "search", "tiny", *at)
    assert (found.code, found.out.split()[:3]) == (0, [REPO, "12,345", "downloads"])
    assert OTHER not in found.out
    assert f"deskseek models search {REPO} --endpoint {hub.endpoint}\n" in found.err
    listed = shell.run("models", "search", REPO, *at)
    assert listed.code == 0
    assert [line.split()[0] for line in listed.out.splitlines()[1:3]] == ["IQ1_S", "Q4_K_M"]
    assert "fits" in listed.out
    get = listed.out.splitlines()[-1].partition(": ")[2]
    assert get == f"deskseek pull {REPO}:Q4_K_M --endpoint {hub.endpoint}"  # not the smallest, which is spoilt
    assert shell.run(*shlex.split(get)[1:]).code == 0
    assert shell.run("models", "--json").json["models"][0]["quant"] == "Q4_K_M"


def test_for_scripts_alone_and_inside_a_window(shell: Shell, hub: HubServer) -> None:
    calls = [("deepseek", "r1"), (REPO,), (f"{hub.endpoint}/{REPO}",), ("someone/nothing",), ("nothing",), ("../x",)]
    argvs = [("models", "search", *words, "--json", "--endpoint", hub.endpoint) for words in calls]
    with window(shell):
        outcomes = [shell.run(*argv) for argv in argvs]
    assert outcomes[3] == shell.run(*argvs[3])
    assert [outcome.code for outcome in outcomes] == [0, 0, 0, 1, 0, 1]
    assert all(outcome.err == "" for outcome in outcomes)
    words, repository, link, no_repository, nothing, no_name = (outcome.json for outcome in outcomes)
    (model,) = words["models"]
    assert (model["repo"], model["downloads"], model["catalog_id"]) == (OTHER, 5, "r1-0528-qwen3-8b")
    host = hub.endpoint.removeprefix("http://")
    assert (words["source"], repository["source"], nothing["source"]) == (host, host, host)
    assert [file["quant"] for file in repository["files"]] == ["IQ1_S", "Q4_K_M"]
    assert {file["verdict"] for file in repository["files"]} == {"fits"}
    assert repository["files"][1]["sha256"]
    assert repository["problem"] is None
    assert link["files"][1]["file"] == "tiny-Q4_K_M.gguf"
    assert (no_repository["error"]["code"], no_name["error"]["code"]) == ("repository_not_found", "bad_ref")
    assert nothing["models"] == []


def test_a_link_to_an_older_state_is_listed_judged_and_fetched_as_it_was(
    inside: Inside, hub: HubServer, model: Path
) -> None:
    commit = hub.add_repo(REPO, {"tiny-IQ1_S.gguf": model, "tiny-Q4_K_M.gguf": model})
    before = inside.run("models", "search", REPO, "--json", "--endpoint", hub.endpoint).json
    hub.add_repo(REPO, {"tiny-Q8_0.gguf": b"GGUF, but no model"})
    link = f"{hub.endpoint}/{REPO}/tree/{commit}"
    then = inside.run("models", "search", link, "--json").json
    assert then["files"] == before["files"]
    assert then["revision"] == commit
    assert then["pull"] == f"deskseek pull {hub.endpoint}/{REPO}/resolve/{commit}/tiny-Q4_K_M.gguf"
    fetched = inside.run("models", "import", then["pull"].rpartition(" ")[2], "--json")
    assert Path(fetched.events[-1]["finished"]["path"]).read_bytes() == model.read_bytes()


def test_files_that_cannot_run_here_are_listed_with_the_reason(inside: Inside, hub: HubServer) -> None:
    hub.add_repo("someone/Odd-GGUF", {"odd-Q4_K_M.gguf": b"GGUF, but no model"})
    argv = ("models", "search", "someone/Odd-GGUF", "--endpoint", hub.endpoint)
    odd = inside.run(*argv, "--json").json
    assert odd["problem"]["en"]
    assert odd["files"][0]["verdict"] is None
    for language, get in (("en", "Get one: "), ("zh", "获取: ")):
        said = inside.run(*argv, language=language)
        assert said.code == 0
        assert odd["problem"][language] in said.err
        assert said.out.splitlines()[-1].startswith(get)


def test_where_the_first_hub_fails_the_next_one_answers_and_it_is_said(inside: Inside, hub: HubServer) -> None:
    with HubServer() as broken:
        broken.fail("api", refused(503))
        inside.services.settings.set("network.endpoint", broken.endpoint)
        inside.services.settings.set("network.more_sources", hub.endpoint)
        for text in ("tiny", REPO):
            said = inside.run("models", "search", text)
            assert (said.code, REPO in said.out) == (0, True)
            assert broken.endpoint.removeprefix("http://") in said.err
            answer = inside.run("models", "search", text, "--json").json
            assert answer["source"] == hub.endpoint.removeprefix("http://")
            assert answer["missed"][0]["zh"]


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["tiny", "--endpoint", "nonsense"], "bad_endpoint"),
        (["a" * 101], "bad_search"),
        (["https://me:secret@example.org/a/b"], "password_in_link"),
        (["https://example.org/file.gguf"], "no_checksum"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(inside: Inside, argv: list[str], code: str) -> None:
    answer = inside.run("models", "search", *argv, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, code)
    assert "secret" not in answer.out
    english, chinese = (inside.run("models", "search", *argv, language=language) for language in ("en", "zh"))
    assert english.err != chinese.err
    assert (english.out, chinese.out) == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("text", ["tiny", REPO])
def test_an_interrupt_ends_it_at_once(shell: Shell, hub: HubServer, text: str) -> None:
    hub.fail("api", HANG)
    process = shell.start("models", "search", text, "--endpoint", hub.endpoint)
    hub.wait_paused()
    interrupt(process)
    outcome = finish(process)
    assert (outcome.code, outcome.out) == (130, "")
    assert "Traceback" not in outcome.err
