"""`connections`: what left the machine, what was refused, in words and for scripts; erased."""

import ast
import csv
import io
from pathlib import Path

import pytest

from backends.core.connection_words import PURPOSES, outcome, tone, why
from backends.core.connections import Connection
from backends.core.network_errors import _SENTENCES
from tests.commands.conftest import Inside
from tests.kit.shell import Shell

ROOT = Path(__file__).parents[2]


def test_an_offline_machine_says_what_it_refused_also_after_a_restart(shell: Shell) -> None:
    assert shell.run("connections").out == "Nothing has left this computer.\n"
    assert shell.run("settings", "set", "network.offline", "on").code == 0
    assert "set to stay offline" in shell.run("models", "search", "deepseek").err
    said = shell.run("connections")
    assert "huggingface.co:443  Looking for models  Refused: offline" in said.out
    assert said.err == "DeskSeek is set to stay offline.\n"
    (one,) = shell.run("connections", "--refused", "--json").json["connections"]
    assert (one["purpose"], one["outcome"], one["refused"]) == ("model search", "offline", True)
    assert shell.run("--language", "zh", "connections", "--erase").out == "列表已清空。\n"
    assert shell.run("connections", "--json").json == {"offline": True, "connections": []}


def test_the_list_by_time_and_as_csv(inside: Inside) -> None:
    log = inside.services.network.log
    log.add("model download", "cdn.example:443", "206", sent=300)
    log.add("unknown: some.library", '=HYPERLINK("x"):1', "tried")
    hosts = [one["host"] for one in inside.run("connections", "--json").json["connections"]]
    assert hosts == ["cdn.example:443", '=HYPERLINK("x"):1']
    assert inside.run("connections", "--since", "2999-01-01", "--json").json["connections"] == []
    assert len(inside.run("connections", "--since", "1h", "--json").json["connections"]) == 2
    text = inside.run("connections", "--csv").out.removeprefix("\ufeff")
    newest, oldest = csv.DictReader(io.StringIO(text))
    assert newest["host"] == '\'=HYPERLINK("x"):1'
    assert (oldest["purpose"], oldest["outcome"], oldest["sent (bytes)"]) == ("Download of a model", "Answered", "300")


@pytest.mark.parametrize(
    "wrong", [("--since", "yesterday"), ("--since", "9h9"), ("--erase", "--csv"), ("--csv", "--json")]
)
def test_what_makes_no_sense_is_refused(inside: Inside, wrong: tuple[str, ...]) -> None:
    assert inside.run("connections", *wrong).code == 2


def _purposes() -> set[str]:
    """What is given as the purpose to `Network.open` and `hub_session`, and names that hold such."""
    found = set()
    for path in (ROOT / "backends").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                door = node.func.attr == "hub_session" or (
                    node.func.attr == "open" and ast.unparse(node.func.value).endswith("network")
                )
                if door and isinstance(first := node.args[0], ast.Constant):
                    found.add(first.value)
    return found


def test_every_purpose_and_outcome_has_words_in_both_languages() -> None:
    assert {"model download", "model header", "model listing"} <= _purposes() <= set(PURPOSES)
    for code in (*_SENTENCES, "cancelled", "lookup", "tried", "200", "302", "404", "503"):
        made = Connection(0, "unknown: some.library", "h:1", code, seconds=1.0)
        words = outcome(made)
        assert code not in (words.en, words.zh), code
        assert tone(made) in ("muted", "warning", "danger")
    assert "some.library" in why(Connection(0, "unknown: some.library", "h:1", "200")).zh
