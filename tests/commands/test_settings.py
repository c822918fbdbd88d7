"""`settings`: listed, read, changed, put back; a broken file is told."""

from pathlib import Path

import pytest

from tests.commands.conftest import Inside
from tests.kit.shell import Shell


def test_settings_are_listed_changed_and_put_back(inside: Inside) -> None:
    listed = inside.run("settings", "--json").json["settings"]
    assert listed["models.context"] == 16384
    assert inside.run("settings", "set", "models.context", "8192", "--json").json == {
        "settings": {"models.context": 8192}
    }
    assert inside.run("settings", "get", "models.context").out == "8192\n"
    assert "models.context = 8192" in inside.run("settings").out
    assert inside.run("settings", "reset", "models.context", "--json").json == {"settings": {"models.context": 16384}}
    assert inside.run("settings", "set", "chat.enter_sends", "off", "--json").json["settings"] == {
        "chat.enter_sends": False
    }
    refused = inside.run("settings", "set", "models.context", "tiny", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (1, "bad_setting")
    unknown = inside.run("settings", "get", "models.colour", "--json")
    assert (unknown.code, unknown.json["error"]["code"]) == (1, "unknown_setting")
    negative = inside.run("settings", "set", "engine.gpu_layers", "-1", "--json")
    assert negative.json == {"settings": {"engine.gpu_layers": -1}}


def test_a_relative_folder_means_the_one_where_it_was_typed(inside: Inside, tmp_path: Path) -> None:
    inside.cwd = tmp_path
    assert inside.run("settings", "set", "models.folder", "my models").code == 0
    assert inside.services.settings.current.models.folder == str(tmp_path / "my models")
    assert inside.run("settings", "get", "models.folder").out == f"{tmp_path / 'my models'}\n"


@pytest.mark.parametrize("proxy", ["http://someone:SECRET@10.0.0.1:3128", "someone:SE:CR@ET@10.0.0.1:3128"])
def test_the_password_of_a_proxy_is_kept_and_never_said(inside: Inside, proxy: str) -> None:
    said = [
        inside.run("settings", "set", "network.proxy", proxy),
        inside.run("settings", "get", "network.proxy"),
        inside.run("settings"),
        inside.run("settings", "--json"),
    ]
    assert inside.services.settings.current.network.proxy == proxy
    for outcome in said:
        assert "someone:•••@10.0.0.1:3128" in outcome.out
        assert "SE" not in outcome.out + outcome.err


def test_a_mistyped_name_brings_the_right_one_to_mind(inside: Inside) -> None:
    assert "Did you mean models.context?" in inside.run("settings", "get", "models.contxt").err


def test_a_broken_settings_file_is_told_and_kept(shell: Shell) -> None:
    assert shell.run("settings", "set", "models.context", "8192").code == 0
    (shell.home / "config" / "settings.json").write_text("{broken")
    outcome = shell.run("settings", "get", "models.context")
    assert (outcome.code, outcome.out) == (0, "16384\n")
    assert "settings" in outcome.err
    kept = [path for path in (shell.home / "config").iterdir() if path.read_text() == "{broken"]
    assert len(kept) == 1


def test_a_settings_file_that_cannot_be_read_is_a_sentence(shell: Shell) -> None:
    path = shell.home / "config" / "settings.json"
    path.mkdir(parents=True)
    outcome = shell.run("--language", "zh", "models")
    assert (outcome.code, outcome.out) == (1, "")
    assert str(path) in outcome.err
    assert "DESKSEEK_HOME" in outcome.err.splitlines()[1]
    assert shell.run("models", "--json").json["error"]["code"] in ("storage_failed", "read_only")
