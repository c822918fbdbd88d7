"""`hardware` and `recommend`: numbers for scripts, sentences for people, and no lock."""

import dataclasses
import sys
from pathlib import Path

import pytest

from backends.commands.hardware import engine_devices
from backends.core.cancel import CancelToken
from backends.core.owner import Owner
from backends.core.paths import Paths
from tests.kit.shell import Shell

GIB = 2**30


def test_hardware_as_json_has_what_scripts_count_on(shell: Shell) -> None:
    outcome = shell.run("hardware", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    machine = outcome.json
    assert machine["cpu"]["physical_cores"] >= 1
    assert 0 < machine["memory"]["available"] <= machine["memory"]["total"]
    assert machine["disk"]["free"] > 0
    for gpu in machine["gpus"]:
        assert {"name", "vendor", "memory_total", "memory_free"} <= set(gpu)
    assert machine["engine"]["version"] == "0.3.36"
    assert "CPU" in [device["name"] for device in machine["engine"]["devices"]]


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ["Processor", "Memory", "Disk", "Engine", "GiB"]), ("zh", ["处理器", "内存", "磁盘", "推理引擎", "GiB"])],
)
def test_hardware_for_people(shell: Shell, language: str, words: list[str]) -> None:
    outcome = shell.run("--language", language, "hardware")
    assert outcome.code == 0
    assert all(word in outcome.out for word in words)
    assert "\x1b" not in outcome.out


def test_an_engine_that_does_not_start_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "llama_cpp.py").write_text("raise OSError('libcudart.so.12: cannot open shared object file')")
    broken = tmp_path / "python"
    broken.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}:$PYTHONPATH" exec "{sys.executable}" "$@"\n')
    broken.chmod(0o755)
    engine, notes = engine_devices(CancelToken(), python=str(broken))
    assert (engine["version"], engine["devices"]) == (None, [])
    assert "libcudart.so.12" in notes[0].en


def test_an_engine_that_hangs_is_a_note(tmp_path: Path) -> None:
    hanging = tmp_path / "python"
    hanging.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "import threading; threading.Event().wait()"\n')
    hanging.chmod(0o755)
    engine, notes = engine_devices(CancelToken(), python=str(hanging), seconds=0.3)
    assert engine["version"] is None
    assert "0 s" in notes[0].en


PICK = {
    *("id", "repo", "file", "quant", "size", "context", "kv_type", "gpu_layers", "predicted_tokens_per_s", "memory"),
    *("verdict", "name", "expert_layers_on_cpu", "seconds_to_answer", "note", "warnings"),
}


@pytest.mark.parametrize(
    ("ram", "vram", "pick"),
    [("16GiB", "8GiB", "r1-0528-qwen3-8b"), ("32GiB", "24GiB", "r1-distill-qwen-32b"), ("8GiB", "0", "1.5b")],
)
def test_recommend_as_json(shell: Shell, ram: str, vram: str, pick: str) -> None:
    outcome = shell.run("recommend", "--json", "--ram", ram, "--vram", vram)
    assert outcome.code == 0, outcome.out
    answer = outcome.json
    assert set(answer) == {"pick", "reason", "others", "better", "use"}
    assert pick in answer["pick"]["id"]
    assert set(answer["pick"]) == PICK
    memory = answer["pick"]["memory"]
    assert set(memory) == {"weights", "kv", "compute", "overhead", "total"}
    assert sum(memory.values()) == 2 * memory["total"]
    assert answer["reason"]["en"]
    assert answer["reason"]["zh"]
    assert all(each["verdict"] in {"fits", "tight", "partial", "too_large", "unsupported"} for each in answer["others"])


def test_recommend_honours_context_and_speed(shell: Shell) -> None:
    wide = shell.run("recommend", "--json", "--ram", "16GiB", "--vram", "8GiB", "--context", "4096").json
    assert wide["pick"]["context"] == 4096
    fast = shell.run("recommend", "--json", "--ram", "16GiB", "--vram", "8GiB", "--min-speed", "60").json
    assert fast["pick"] is None or fast["pick"]["predicted_tokens_per_s"] >= 60


def test_recommend_for_a_use(shell: Shell) -> None:
    machine = ("--ram", "16GiB", "--vram", "6GiB")
    usual = shell.run("recommend", "--json", *machine).json
    documents = shell.run("recommend", "--json", "--use", "documents", *machine).json
    assert (usual["use"], usual["pick"]["context"]) == ("chat", 16384)
    assert (documents["use"], documents["pick"]["context"]) == ("documents", 32768)
    assert "for long documents" in documents["reason"]["en"]
    assert "长文档" in documents["reason"]["zh"]
    wrong = shell.run("recommend", "--use", "poems", *machine)
    assert wrong.code == 2
    assert "documents" in wrong.out + wrong.err


def test_the_use_of_the_settings_is_that_of_this_machine_alone(shell: Shell) -> None:
    assert shell.run("settings", "set", "models.use", "code").code == 0
    assert shell.run("recommend", "--json").json["use"] == "code"
    assert shell.run("recommend", "--json", "--ram", "16GiB").json["use"] == "chat"


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ["from before April 2025", "of June 2024", "DeepSeek's own licence", "graphics memory"]),
     ("zh", ["2025 年 4 月之前", "2024 年 6 月", "许可证", "显存"])],
)  # fmt: skip
def test_what_may_disappoint_is_said(shell: Shell, language: str, words: list[str]) -> None:
    """Nothing else is as fast on a machine without a card; the model is an old one."""
    request = ("recommend", "--ram", "16GiB", "--use", "code", "--min-speed", "8")
    outcome = shell.run("--language", language, *request)
    assert "coder-v2-lite-instruct" in outcome.out
    assert all(word in outcome.out.replace("\n", " " if language == "en" else "") for word in words)
    data = shell.run(*request, "--json").json
    assert len(data["pick"]["warnings"]) == 3
    assert all(one["en"] and one["zh"] for one in data["pick"]["warnings"])
    assert data["better"]["en"].endswith("the next better model for code.")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_recommend_for_people(shell: Shell, language: str) -> None:
    outcome = shell.run("--language", language, "recommend", "--ram", "16GiB", "--vram", "8GiB")
    assert outcome.code == 0
    assert "deskseek pull r1-0528-qwen3-8b" in outcome.out
    assert "GiB" in outcome.out


def test_this_machine_gets_an_answer_without_the_network(shell: Shell) -> None:
    offline = dataclasses.replace(
        shell, environment={"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    )
    assert offline.run("recommend", "--json").json["reason"]["en"]


def test_neither_needs_the_lock(shell: Shell) -> None:
    paths = Paths.under(shell.home)
    owner = Owner.acquire(paths)
    assert owner is not None
    assert shell.run("recommend", "--json", "--ram", "8GiB").code == 0
    assert shell.run("hardware", "--json").code == 0
    owner.close()
