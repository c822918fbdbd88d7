"""What the command line says before any work is done: help, mistakes, exit codes."""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import backends
from backends.commands import COMMANDS, execute, read
from backends.commands.arguments import HelpWanted
from backends.commands.job import Command
from backends.core.cancel import CancelToken
from backends.core.owner import CommandRequest, Output
from backends.core.paths import Paths
from backends.core.phrase import Language
from backends.core.settings import Settings
from tests.kit.shell import ROOT, Shell


def test_help_names_every_command_in_both_languages(shell: Shell) -> None:
    english, chinese = shell.run("--help"), shell.run("--language", "zh", "--help")
    assert (english.code, chinese.code) == (0, 0)
    for command in COMMANDS:
        assert f"{command.name} " in english.out
        assert command.summary.en in english.out
        assert command.summary.zh in chinese.out
    assert english.err == chinese.err == ""
    assert not shell.home.exists()  # looking for help leaves nothing behind


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_explains_itself_and_its_parts(command: Command, language: Language) -> None:
    text = help_of(command, [command.name, "--help"], language)
    for part in command.parts:
        assert f"deskseek {command.name} {part.name} " in text
        assert part.summary.to(language) in text
        help_of(part, [command.name, part.name, "--help"], language)


def help_of(command: Command, argv: list[str], language: Language) -> str:
    with pytest.raises(HelpWanted) as caught:
        read(argv, language)
    text = caught.value.text
    assert f"deskseek {' '.join(argv[:-1])} [" in text
    assert command.summary.to(language) in text
    assert "--json" in text
    assert "stdin-text" not in text
    return text


def test_the_version(shell: Shell) -> None:
    outcome = shell.run("--version")
    assert (outcome.code, outcome.out) == (0, f"DeskSeek {backends.__version__}\n")


MISTAKES = [
    [],
    ["dance"],
    ["hardwear"],
    ["--wrong"],
    ["hardware", "extra"],
    ["hardware", "--wrong"],
    ["recommend", "--ram", "lots"],
    ["recommend", "--vram", "8GiB"],
    ["pull"],
    ["ask", "--temperature", "hot", "x"],
    ["ask", "--max-tokens", "0", "x"],
    ["settings", "dance"],
    ["settings", "get"],
    ["settings", "set", "models.context"],
    ["--language", "tlh", "models"],
    [""],
    ["settings", "list", "models.context"],
    ["settings", "get", "models.context", "8192"],
    ["models", "dance"],
    ["models", "list", "r1"],
    ["models", "search"],
    ["models", "search", "--wrong", "r1"],
    ["models", "import"],
    ["models", "import", "a.gguf", "b.gguf"],
    ["models", "remove"],
    ["models", "use"],
    ["models", "use", "r1-0528-qwen3-8b:Q4_K_M"],
    ["models", "use", "@1a2b3c4d"],
    ["models", "quantize", "r1-0528-qwen3-8b"],
]


@pytest.mark.parametrize("argv", MISTAKES, ids=" ".join)
def test_every_mistake_is_one_sentence_and_a_hint(argv: list[str], tmp_path: Path) -> None:
    for language in ("en", "zh"):
        said: list[str] = []
        out = Output(pytest.fail, said.append)
        request = CommandRequest(tuple(argv), str(tmp_path), language)
        code = execute(request, Paths.under(tmp_path), Settings(), None, out, CancelToken())
        assert code == 2
        assert 1 <= len("".join(said).splitlines()) <= 2
        assert (language == "zh") == any(character >= "\u4e00" for character in "".join(said))


@pytest.mark.parametrize("argv", [[], ["hardwear"], ["ask", "--max-tokens", "0", "x"], ["recommend", "--vram", "8GiB"]])
def test_wrong_usage_is_code_2_with_a_sentence_and_as_one_object_in_json(shell: Shell, argv: list[str]) -> None:
    outcome = shell.run(*argv)
    assert (outcome.code, outcome.out) == (2, "")
    assert 1 <= len(outcome.err.splitlines()) <= 2
    assert "Traceback" not in outcome.err

    outcome = shell.run(*argv, "--json")
    assert (outcome.code, outcome.err) == (2, "")
    error = outcome.json["error"]
    assert error["code"] == "wrong_usage"
    assert error["message"]
    assert set(error) == {"code", "message", "hint"}


def test_mistakes_are_explained_in_the_language_of_the_system(shell: Shell) -> None:
    chinese = replace(shell, environment={"LANG": "zh_CN.UTF-8"})
    assert "没有 dance 这个命令" in chinese.run("dance").err
    assert json.loads(chinese.run("pull", "--json").out)["error"]["message"] == "缺少 MODEL。"


def test_the_language_named_in_the_call_goes_before_all_others(shell: Shell) -> None:
    chinese = replace(shell, environment={"LANG": "zh_CN.UTF-8"})
    assert "没有 dance 这个命令" in shell.run("--language", "zh", "dance").err
    assert "缺少 MODEL" in shell.run("--language=zh", "pull").err
    assert "MODEL is missing" in chinese.run("--language", "en", "pull").err


def test_json_may_stand_before_the_command_too(shell: Shell) -> None:
    assert shell.run("--json", "models").json == {"models": [], "pending": [], "adapters": []}


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_are_no_trouble(shell: Shell, closed: str) -> None:
    outcome = in_sh(shell, f"models --json {closed}")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert outcome.stdout == (
        "" if ">&-" in closed.replace("2>&-", "") else '{"models": [], "pending": [], "adapters": []}\n'
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has this device")
@pytest.mark.parametrize("argv", ["models --json", "models", "recommend --json", "--help"])
def test_output_that_cannot_be_written_is_a_sentence(shell: Shell, argv: str) -> None:
    outcome = in_sh(shell, f"{argv} >/dev/full")
    assert outcome.returncode == 1
    assert outcome.stderr.startswith("The output cannot be written: No space left on device.\n")
    assert len(outcome.stderr.splitlines()) == 2


def in_sh(shell: Shell, line: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DESKSEEK_HOME": str(shell.home), "LC_ALL": "en_US.UTF-8"}
    command = f"{shlex.quote(sys.executable)} -m backends {line}"
    return subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, timeout=60)


def test_the_language_of_the_settings_goes_before_that_of_the_system(shell: Shell) -> None:
    assert shell.run("settings", "set", "general.language", "zh").code == 0
    assert "没有 dance 这个命令" in shell.run("dance").err
