"""Bad requests of scripts: a clear error for each, in the language of who asked. The person's answer goes on."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests.end2end.person import CLEAN, Home, Window
from tests.kit.ggufs import Script, scripted_model
from tests.kit.shell import Outcome, Shell, finish, interrupt, read_until

COUNTED = [f"n{number}" for number in range(400)]
ANSWER = "Quite all right."
BOMBS = {
    "deep": '{"items": ' * 400 + "{}" + "}" * 400,
    "huge": '{"description": "' + "x" * 70_000 + '"}',
    "long": json.dumps({"type": "array", "items": {"type": "string"}, "minItems": 10**9}),
    "endless": json.dumps({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}),
    "unknown": json.dumps({"type": "unicorn"}),
    "torn": '{"type": ',
}
SAYS = {
    "deep": ("grammar_too_large", "The grammar or the schema is too large.", "过大"),
    "huge": ("bad_schema", "more than 64 KiB", "超过 64 KiB"),
    "long": ("bad_schema", "minItems above 65536 is not supported", "minItems"),
    "endless": ("bad_schema", "contains itself without end", "#/$defs/a"),
    "unknown": ("bad_schema", 'type "unicorn" is unknown', "unicorn"),
    "torn": ("bad_schema", "it is no JSON", "不是有效的 JSON"),
}


@pytest.fixture(scope="module")
def modest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Asked to `count` it counts for ever."""
    counting = Script("", " ".join(COUNTED), word="count", endless=True)
    path = tmp_path_factory.mktemp("modest") / "modest.gguf"
    return scripted_model(path, "", ANSWER, scripts=[counting], slow=16)


@pytest.fixture
def shell(home: Home) -> Iterator[Shell]:
    with closing(home.shell) as shell:
        yield shell


@pytest.fixture
def window(home: Home, shell: Shell, modest: Path) -> Iterator[Window]:
    """The person's answer is on its way, and is afterwards, with every word in its place; nothing is left behind."""
    home.has(modest, parallel=10)  # nobody has to wait for those who count for ever
    with home.start() as window:
        window.sees("Ask anything", "What can I do for you?")
        window.asks("Please count")
        window.sees("n0 n1 n2")
        yield window
        window.is_asked(1)
        page = window.sees("Stop the answer")
        counted = max((line for line in page.splitlines() if line.startswith("n0 n1 n2")), key=len).split()
        assert counted == list(islice(cycle(COUNTED), len(counted)))
        assert finish(ask(shell, "Hello")).events[0] == {"text": "Quite"}
        window.presses("Stop the answer")
        window.sees("Stopped")
        assert window.is_closed() == CLEAN


def ask(shell: Shell, *words: str, language: str = "en"):
    return shell.start("--language", language, "ask", "--json", "--temperature", "0", *words)


def refused(outcome: Outcome, code: str, says: str, status: int = 1) -> None:
    assert outcome.code == status, outcome
    assert outcome.err == ""
    error = outcome.events[-1]["error"]
    assert error["code"] == code
    assert says in error["message"] + error["hint"]


def test_schemas_that_explode(window: Window, shell: Shell, tmp_path: Path) -> None:
    """All at the same time."""
    for name, text in BOMBS.items():
        (tmp_path / f"{name}.json").write_text(text)
    asking = {
        (name, language): ask(shell, "--schema", str(tmp_path / f"{name}.json"), "Hello", language=language)
        for name in BOMBS
        for language in (("en", "zh") if name in ("deep", "torn") else ("en",))
    }
    for (name, language), process in asking.items():
        code, en, zh = SAYS[name]
        refused(finish(process), code, en if language == "en" else zh)


IMPOSSIBLE: Sequence[tuple[tuple[str, ...], str]] = [
    (("--temperature", "nan"), "is not a number from 0 to 5"),
    (("--seed", "-1"), "is not a whole number from 0 to 4294967295"),
    (("--seed", str(2**32)), "is not a whole number from 0 to 4294967295"),
    (("--max-tokens", "0"), "is not a whole number from 1"),
    (("--thinking-budget", "-1"), "is not a whole number from 0"),
]


def test_numbers_that_cannot_be_and_questions_that_do_not_fit(window: Window, shell: Shell) -> None:
    asking = [(ask(shell, *words, "Hello"), says) for words, says in IMPOSSIBLE]
    too_long = {language: ask(shell, "word " * 20_000, language=language) for language in ("en", "zh")}
    enormous = ask(shell, "--max-tokens", str(10**30), "--thinking-budget", str(10**30), "Hello")
    for process, says in asking:
        refused(finish(process), "wrong_usage", says, status=2)
    refused(finish(too_long["en"]), "context_too_long", "tokens")
    refused(finish(too_long["zh"]), "context_too_long", "上下文")
    assert "".join(event.get("text", "") for event in finish(enormous).events) == ANSWER


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_storm_of_interrupts(window: Window, shell: Shell) -> None:
    """At many moments: before it has begun, while it waits, while it reads, in its first words, twice."""
    asking = [ask(shell, f"{number}: count {'and so on ' * 60 * (number % 3)}") for number in range(8)]
    for number, process in enumerate(asking):
        if number % 2:
            read_until(process, b'"text"') if number < 3 else window.is_asked(2, 9)
        interrupt(process)
        if number % 3 == 0:
            interrupt(process)
    outcomes = [finish(process) for process in asking]
    assert outcomes[1].code == 130  # the others' may be that of a Python that had not begun
    assert all(outcome.code for outcome in outcomes)


LOOPS = (
    "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}"
)
PRINTS = "{% for a in range(99999) %}{{ messages[0].content * 999 }}{% endfor %}"


@pytest.mark.parametrize("template", [LOOPS, PRINTS], ids=["loops", "prints"])
def test_a_template_that_never_ends(home: Home, shell: Shell, modest: Path, tmp_path: Path, template: str) -> None:
    """It is the model's that was asked; the next one answers."""
    bomb = scripted_model(tmp_path / "bomb.gguf", "", "Never said.", template=template)
    home.has(modest)
    with home.start() as window:
        window.sees("Ask anything", "What can I do for you?")
        outcomes = [finish(ask(shell, "--model", str(bomb), "Hello", language=language)) for language in ("en", "zh")]
        refused(outcomes[0], "template_failed", "template")
        refused(outcomes[1], "template_failed", "模板")
        good = finish(ask(shell, "--model", "modest", "Hello"))
        assert "".join(event.get("text", "") for event in good.events) == ANSWER
        assert window.is_closed() == CLEAN
