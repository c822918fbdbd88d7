"""`ask` and `models` with the real engine."""

import dataclasses
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from backends import commands
from backends.chat.options import Options
from backends.commands import ask, preset, read
from backends.core.cancel import CancelToken
from backends.core.owner import CommandRequest, Output
from backends.core.stream import Stream
from backends.engine.protocol import Sampling
from backends.models.catalog import Catalog
from tests.commands.conftest import Inside
from tests.kit.ggufs import ANSWER, REASONING
from tests.kit.shell import Shell, finish, read_until


def test_in_a_pipe_there_is_the_answer_alone(stocked: Shell) -> None:
    outcome = stocked.run("ask", "--temperature", "0", "Hello", "there")
    assert outcome.code == 0
    assert outcome.out.strip() == ANSWER
    assert outcome.out.endswith("\n")
    assert REASONING not in outcome.err
    assert "\x1b" not in outcome.out + outcome.err


def test_as_json_every_line_is_an_event(stocked: Shell) -> None:
    outcome = stocked.run("ask", "--json", "--temperature", "0", "Hello there")
    assert (outcome.code, outcome.err) == (0, "")
    *events, last = outcome.events
    assert {name for event in events for name in event} == {"reasoning", "text"}
    assert "".join(event.get("reasoning", "") for event in events).strip() == REASONING
    assert "".join(event.get("text", "") for event in events).strip() == ANSWER
    finished = last["finished"]
    assert finished["finish_reason"] == "stop"
    assert finished["device"] == "CPU"
    assert finished["usage"]["completion_tokens"] > finished["usage"]["reasoning_tokens"] > 0
    timings = finished["timings"]
    assert {"prefill_tokens_per_s", "decode_tokens_per_s", "ttft_s"} <= set(timings)
    assert all(value > 0 for name, value in timings.items() if name.endswith("_s"))


def test_the_question_may_come_through_a_pipe(stocked: Shell) -> None:
    outcome = stocked.run("ask", "--temperature", "0", "Read this:", "-", "Then greet.", stdin="some text\n")
    assert (outcome.code, outcome.out.strip()) == (0, ANSWER), outcome.err
    outcome = stocked.run("ask", "--json", stdin=b"\xff\xfe\x00")
    assert (outcome.code, outcome.json["error"]["code"]) == (1, "not_utf8")


@pytest.mark.parametrize(
    ("argv", "question"),
    [
        (["why", "is", "it"], "why is it"),
        (["-"], "from the pipe"),
        ([], "from the pipe"),
        (["Read", "this:", "-"], "Read this:\n\nfrom the pipe"),
        (["-", "Sum", "up."], "from the pipe\n\nSum up."),
        (["--", "--not-an-option"], "--not-an-option"),
    ],
)
def test_words_and_pipe_make_one_question(argv: list[str], question: str) -> None:
    piped = [] if argv and "-" not in argv else ["--stdin-text=from the pipe\n"]
    assert ask.question(read(["ask", *piped, *argv], "en").arguments) == question


def test_options_reach_the_engine(inside: Inside, model: Path) -> None:
    short = inside.run("ask", "--model", str(model), "--json", "--max-tokens", "5", "--context", "512", "Hello")
    finished = short.events[-1]["finished"]
    assert (finished["finish_reason"], finished["usage"]["completion_tokens"]) == ("length", 5)
    assert inside.services.engine.model is not None
    assert inside.services.engine.model.context == 512
    instructed = inside.run("ask", "--json", "--max-tokens", "5", "--system", "Be short.", "Hello")
    assert instructed.events[-1]["finished"]["usage"]["prompt_tokens"] > finished["usage"]["prompt_tokens"]
    refused = inside.run("ask", "--json", "word " * 5000)
    error = refused.events[-1]["error"]
    assert (refused.code, error["code"]) == (1, "context_too_long")
    assert "512" in error["message"]


def test_the_publishers_sampling_holds_unless_another_is_named() -> None:
    r1 = Catalog.load().find("r1-distill-qwen-1.5b")
    assert asked("x").sampling(r1) == Sampling(temperature=r1.temperature, top_p=r1.top_p)
    named = asked("--temperature", "0", "--seed", "7", "x")
    assert named.sampling(r1) == Sampling(temperature=0.0, top_p=r1.top_p, seed=7)


def asked(*argv: str) -> Options:
    return preset.of(read(["ask", *argv], "en").arguments, lambda _: Options())


def test_a_preset_stands_under_what_was_typed(inside: Inside, model: Path, tmp_path: Path) -> None:
    inside.services.presets.save("Brief", Options(model=str(model), max_tokens=5, instructions="Be brief."))
    plain = inside.run("ask", "--json", "--model", str(model), "--max-tokens", "5", "Hello").events[-1]["finished"]
    brief = inside.run("ask", "--json", "--preset", "brief", "Hello").events[-1]["finished"]
    assert (brief["finish_reason"], brief["usage"]["completion_tokens"]) == ("length", 5)
    assert brief["usage"]["prompt_tokens"] > plain["usage"]["prompt_tokens"]
    longer = inside.run("ask", "--json", "--preset", "Brief", "--max-tokens", "6", "--system", "", "Hello")
    assert longer.events[-1]["finished"]["usage"]["completion_tokens"] == 6
    assert longer.events[-1]["finished"]["usage"]["prompt_tokens"] == plain["usage"]["prompt_tokens"]
    inside.cwd = tmp_path
    inside.services.presets.export(inside.services.presets.named("Brief"), tmp_path / "sent.json")
    sent = inside.run("ask", "--json", "--preset", "sent.json", "Hello").events[-1]["finished"]
    assert sent["usage"] == brief["usage"] | {"cached_tokens": sent["usage"]["cached_tokens"]}
    for named, code in (("None such", "no_preset"), ("gone.json", "no_file")):
        refused = inside.run("ask", "--json", "--preset", named, "Hello")
        assert (refused.code, refused.json["error"]["code"]) == (1, code)


def test_without_a_model_it_says_how_to_get_one(inside: Inside) -> None:
    outcome = inside.run("ask", "Hello")
    assert (outcome.code, outcome.out) == (1, "")
    assert "deskseek recommend" in outcome.err
    assert "deskseek pull" in outcome.err
    assert inside.run("ask", "--json", "Hello").json["error"]["code"] == "no_model"
    assert inside.run("ask", "--json", " ").json["error"]["code"] == "empty_message"
    assert "deskseek recommend" in inside.run("models").err


def test_a_model_may_be_named_by_a_relative_path_and_then_by_its_name(inside: Inside, model: Path) -> None:
    inside.cwd = model.parent
    outcome = inside.run("ask", "--model", f"./{model.name}", "--temperature", "0", "Hello")
    assert (outcome.code, outcome.out.strip()) == (0, ANSWER), outcome.err
    (known,) = inside.run("models", "--json").json["models"]
    assert known["path"] == str(model)
    assert (known["architecture"], known["problem"], known["loaded"]) == ("qwen2", None, True)
    assert known["id"] in inside.run("models").out
    assert "已加载" in inside.run("models", language="zh").out
    loaded = inside.services.engine.model
    again = inside.run("ask", "--model", known["id"], "--temperature", "0", "Hello")
    assert (again.code, again.out.strip()) == (0, ANSWER)
    assert inside.services.engine.model is loaded  # it was not loaded again


@pytest.mark.parametrize("name", ["nothing.gguf", "no-such-model"])
def test_a_model_that_is_not_there(inside: Inside, name: str) -> None:
    outcome = inside.run("ask", "--json", "--model", name, "Hello")
    assert (outcome.code, outcome.json["error"]["code"]) == (1, "no_file" if "." in name else "model_not_here")


def test_a_model_that_is_unloaded_while_it_answers_answers_first(inside: Inside, model: Path) -> None:
    said: list[str] = []
    unloads: list[Stream[None]] = []

    def unload(text: str) -> None:
        if not said:
            unloads.append(inside.services.loading.unload())
        said.append(text)

    request = CommandRequest(
        ("ask", "--json", "--temperature", "0", "--model", str(model), "Hi"), str(inside.cwd), "en"
    )
    assert commands.run(request, inside.services, Output(unload, pytest.fail), CancelToken()) == 0
    *events, last = map(json.loads, said)
    assert "".join(event.get("text", "") for event in events).strip() == ANSWER
    assert last["finished"]["finish_reason"] == "stop"
    for _ in unloads[0]:
        pass
    assert inside.services.engine.model is None


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of POSIX")
def test_what_is_no_file_is_said_at_once(inside: Inside, tmp_path: Path) -> None:
    inside.cwd = tmp_path
    (tmp_path / "folder.gguf").mkdir()
    os.mkfifo(tmp_path / "pipe.gguf")
    (tmp_path / "zero.gguf").symlink_to("/dev/zero")
    for name in ("folder.gguf", "pipe.gguf", "zero.gguf", "/dev/zero", str(tmp_path)):
        outcome = inside.run("ask", "--json", "--model", name, "Hello")
        assert (outcome.code, outcome.json["error"]["code"]) == (1, "not_a_file"), name


@pytest.mark.parametrize(
    ("name", "code"), [("~nobody-here/x.gguf", "no_file"), ("a" * 5000, "model_not_here"), ("a/b", "no_file")]
)
def test_names_that_can_be_no_path(inside: Inside, name: str, code: str) -> None:
    assert inside.run("ask", "--json", "--model", name, "Hello").json["error"]["code"] == code


def test_a_file_that_is_no_model(inside: Inside, tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"<html>not found</html>" * 100)
    outcome = inside.run("ask", "--json", "--model", str(bad), "Hello")
    assert (outcome.code, outcome.json["error"]["code"]) == (1, "not_gguf")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupt_stops_cleanly(stocked: Shell, name: str) -> None:
    process = stocked.start("ask", "--json", "--temperature", "0", "count")
    read_until(process, b'"text"')
    process.send_signal(getattr(signal, name))
    outcome = finish(process)
    assert outcome.code == 130
    assert outcome.events[-1]["finished"]["finish_reason"] == "cancelled"
    assert outcome.err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_after_a_kill_the_next_command_says_so_and_is_careful(stocked: Shell) -> None:
    process = stocked.start("ask", "--json", "--temperature", "0", "count")
    read_until(process, b'"text"')
    process.kill()
    finish(process)
    careful = stocked.run("ask", "--temperature", "0", "Hello")
    assert (careful.code, careful.out.strip()) == (0, ANSWER)
    assert "crashed last time" in careful.err
    assert "last-crash.txt" in careful.err
    assert stocked.run("ask", "--temperature", "0", "Hello").err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_reader_that_goes_away_ends_the_answer_quietly(stocked: Shell) -> None:
    process = stocked.start("ask", "--temperature", "0", "count")
    assert process.stdout is not None
    assert process.stdout.read(4)
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert b"Traceback" not in said
    assert b"Broken" not in said


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are POSIX")
def test_in_a_terminal_thinking_is_dimmed_and_the_answer_is_not(stocked: Shell) -> None:
    said = stocked.in_terminal("ask", "--temperature", "0", "Hello")
    thinking, answer = said.index("greets"), said.index("scripted")
    assert "\x1b[2m" in said[:thinking]
    assert said.rindex("\x1b[0m", 0, answer) > said.rindex("\x1b[2m", 0, answer)
    assert "tokens/s" in said
    plain = dataclasses.replace(stocked, environment={"NO_COLOR": "1"}).in_terminal("ask", "Hello")
    assert "\x1b[2m" not in plain
    quiet = stocked.in_terminal("ask", "--quiet", "Hello")
    assert "greets" not in quiet
    assert "scripted" in quiet


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"description": "' + b"x" * 70_000 + b'"}', "more than 64 KiB"),
        (b"{", "it is no JSON"),
        (b'"\xff"', "it is no JSON"),
        (b"[" * 60_000, "it is no JSON"),
        (b"[]", "it is no JSON object"),
    ],
)
def test_a_file_that_is_no_schema(inside: Inside, model: Path, tmp_path: Path, text: bytes, said: str) -> None:
    path = tmp_path / "answer.json"
    path.write_bytes(text)
    error = inside.run("ask", "--json", "--model", str(model), "--schema", str(path), "Hello").json["error"]
    assert error["code"] == "bad_schema"
    assert error["message"].endswith(f"is no JSON schema: {said}.")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of POSIX")
def test_a_schema_is_not_read_from_what_never_ends(inside: Inside, model: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero", "."):
        error = inside.run("ask", "--json", "--model", str(model), "--schema", str(tmp_path / name), "Hello").json[
            "error"
        ]
        assert (error["code"], error["message"].endswith("it is no file.")) == ("bad_schema", True), name
