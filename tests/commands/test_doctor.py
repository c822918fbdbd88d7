"""`deskseek doctor`: on a healthy machine, on broken ones, beside an open window, without a data folder."""

import contextlib
import json
from pathlib import Path

import pytest

from tests.commands.conftest import window
from tests.kit.patients import told_in
from tests.kit.set_up import closed_port
from tests.kit.shell import Shell

LOCAL = ("doctor", "--no-network")


def test_a_machine_in_order(shell: Shell) -> None:
    assert shell.run("settings", "set", "api.port", str(closed_port())).code == 0
    outcome = shell.run(*LOCAL, "--json")
    assert outcome.code == 0, outcome.out
    found = outcome.json
    assert outcome.err == ""
    assert found["verdict"] in ("ok", "warn")
    assert told_in(found)["port_free"] == "ok"
    assert told_in(found)["database_ok"] == "ok"
    assert all(set(one["what"]) == {"en", "zh"} for one in found["findings"])


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ["Libraries", "✓ Port", "Settings", "to look at."]), ("zh", ["运行库", "✓ 端口", "设置", "需要注意。"])],
)
def test_it_speaks_to_people(shell: Shell, language: str, words: list[str]) -> None:
    (shell.home / "config").mkdir(parents=True)
    (shell.home / "config" / "settings.json").write_text('{"api": {"port": "many"}}')
    outcome = shell.run("--language", language, *LOCAL)
    assert outcome.code == 0, outcome.out
    assert all(word in outcome.out for word in words), outcome.out
    assert all(len(line) < 100 for line in outcome.out.splitlines())
    assert "many" not in outcome.err


def test_what_failed_is_told_by_the_exit_code_too(shell: Shell) -> None:
    models = shell.home / "models"
    models.mkdir(parents=True)
    (models / "broken.gguf").write_bytes(b"GGUF" + b"\xff" * 100)
    outcome = shell.run(*LOCAL)
    assert outcome.code == 1
    assert "✗ broken.gguf" in outcome.out
    assert "1 failed" in outcome.out


def test_a_data_folder_that_cannot_be_opened_is_examined_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with contextlib.closing(Shell(tmp_path / "taken", {"HOME": str(tmp_path)})) as shell:
        assert shell.run("chats").code == 1
        outcome = shell.run(*LOCAL, "--json")
    assert outcome.code == 1, outcome.err
    found = told_in(outcome.json)
    assert found["folder_not_writable"] == "fail"
    assert found["storage_failed"] == "fail"  # the settings
    assert found["libraries_ok"] == "ok"


def test_beside_an_open_window(shell: Shell) -> None:
    with window(shell):
        found = told_in(shell.run(*LOCAL, "--json").json)
        assert found["database_ok"] == "ok"
        assert "owner_busy" not in found


def test_the_report(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "for support.txt"
    outcome = shell.run(*LOCAL, "--report", str(file))
    assert outcome.code == 0, outcome.out
    assert str(file) in outcome.err
    text = file.read_text()
    assert text.startswith("DeskSeek doctor")
    assert str(shell.home) not in text
    assert json.loads("{" + text.partition("\n{\n")[2])["findings"]
    refused = shell.run(*LOCAL, "--report", str(tmp_path))
    assert refused.code == 1
    assert refused.err


def test_wrong_words(shell: Shell) -> None:
    assert shell.run("doctor", "--fast").code == 2
    assert "--deep" in shell.run("doctor", "--help").out
