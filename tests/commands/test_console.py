"""What commands speak through: text for people, JSON for scripts, nothing that steers a terminal."""

import json
import sys

import pytest

from backends.commands.console import Console
from backends.commands.terminal import system_language
from backends.core.errors import NotFound
from backends.core.owner import Output
from backends.core.phrase import Phrase

EVERYWHERE = ("stdout", "stderr")
GONE = NotFound(Phrase("It is gone.", "已不存在。"), Phrase("Look elsewhere.", "请到别处查找。"), code="gone")


class Screen:
    def __init__(self, **options: object) -> None:
        self.out = ""
        self.err = ""
        self.console = Console(Output(self._write, self._error), "en", **options)  # type: ignore[arg-type]

    def _write(self, text: str) -> None:
        self.out += text

    def _error(self, text: str) -> None:
        self.err += text


def test_what_a_model_says_cannot_steer_the_terminal() -> None:
    evil = "a\x1b]0;title\x07b\x9b2Jc\r\n\td\x00"
    seen = Screen(terminals=EVERYWHERE)
    seen.console.whisper(evil)
    seen.console.answer(evil)
    assert "a]0;titleb2Jc\n\td" in seen.out
    assert all(control not in seen.out + seen.err for control in ("\x07", "\x9b", "\r", "\x00", "\x1b]"))
    piped = Screen()
    piped.console.answer(evil)
    assert piped.out == evil  # a file gets what was said


@pytest.mark.parametrize("terminals", [(), EVERYWHERE, (*EVERYWHERE, "plain")])
def test_names_cannot_steer_the_terminal_either(terminals: tuple[str, ...]) -> None:
    """A file, or a model that came from anywhere, may have any name."""
    evil = "m\x1b]0;title\x07\x9b2J\r\x1b[31m.gguf"
    seen = Screen(terminals=terminals)
    console = seen.console
    console.line(console.bold(evil))
    console.lines([evil])
    console.note(evil)
    console.progress(evil, step="1")
    console.end_progress()
    console.fail(NotFound(Phrase(f"{evil} is gone.", evil), Phrase(evil, evil), code="gone"))
    told = seen.out + seen.err
    assert told.count("m\\x1b]0;title\\x07\\x9b2J\\x0d") == 6
    for ours in ("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m\\", "\x1b[31mm", "\r\x1b[K"):
        told = told.replace(ours, "")
    assert not any(control in told for control in "\x1b\x07\x9b\r")
    assert ("\x1b[1m" in seen.out) == (terminals == EVERYWHERE)


def test_the_answer_begins_on_a_line_of_its_own_after_the_thinking() -> None:
    screen = Screen(terminals=(*EVERYWHERE, "plain"))
    screen.console.whisper("Let me think.")
    screen.console.answer("Yes")
    screen.console.answer(", no.")
    screen.console.end_line()
    assert (screen.err, screen.out) == ("Let me think.\n\n", "Yes, no.\n")


def test_thinking_is_for_a_terminal_only() -> None:
    for screen in (Screen(), Screen(terminals=("stdout",)), Screen(terminals=EVERYWHERE, quiet=True)):
        screen.console.whisper("Let me think.")
        screen.console.progress("Reading 10%")
        assert screen.err == ""


def test_progress_is_one_line_that_goes_away() -> None:
    screen = Screen(terminals=("stderr",))
    for done in range(3):
        screen.console.progress(f"{done} of 3 " + "long " * 40)
    screen.console.line("done")
    assert "\n" not in screen.err
    assert screen.err.endswith("\r\x1b[K")
    assert max(len(part) for part in screen.err.split("\r\x1b[K")) <= 78


def test_progress_where_nobody_looks_is_a_line_a_step() -> None:
    screen = Screen()
    for done in range(100):
        screen.console.progress(f"{done}%", step=str(done // 25))
    assert screen.err.split() == ["0%", "25%", "50%", "75%"]


def test_errors_are_two_lines_or_one_object() -> None:
    text = Screen()
    text.console.fail(GONE)
    assert (text.out, text.err) == ("", "It is gone.\nLook elsewhere.\n")
    script = Screen(as_json=True)
    script.console.note("not for scripts")
    script.console.fail(GONE)
    expected = {"error": {"code": "gone", "message": "It is gone.", "hint": "Look elsewhere."}}
    assert (json.loads(script.out), script.err) == (expected, "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows says it in another way")
def test_the_language_of_the_system() -> None:
    said = [{"LANG": "zh_CN.UTF-8"}, {"LC_ALL": "en_US", "LANG": "zh_CN"}, {"LC_MESSAGES": "zh_TW"}, {"LANG": "C"}, {}]
    assert [system_language(each) for each in said] == ["zh", "en", "zh", "en", "en"]
