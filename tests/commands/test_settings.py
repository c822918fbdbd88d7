"""`settings`: listed, read, changed, put back; a broken file is told."""

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


def test_a_broken_settings_file_is_told_and_kept(shell: Shell) -> None:
    assert shell.run("settings", "set", "models.context", "8192").code == 0
    (shell.home / "config" / "settings.json").write_text("{broken")
    outcome = shell.run("settings", "get", "models.context")
    assert (outcome.code, outcome.out) == (0, "16384\n")
    assert "settings" in outcome.err
    kept = [path for path in (shell.home / "config").iterdir() if path.read_text() == "{broken"]
    assert len(kept) == 1
