"""What a command speaks through, the same in this process and forwarded from another.

In text mode answers go to standard output; progress, thinking and remarks to standard error, which a pipe does not
see. In JSON mode standard output carries JSON and nothing else, and standard error is silent.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from backends.chat.titles import shorten
from backends.core.errors import BackendError
from backends.core.owner import Output
from backends.core.phrase import Language, Phrase

_DIM, _BOLD, _RED, _PLAIN = "\x1b[2m", "\x1b[1m", "\x1b[31m", "\x1b[0m"
_TO_LINE_START = "\r\x1b[K"
LINE = 78  # cells


class Console:
    """`terminals`: which of "stdout" and "stderr" a person looks at; escape sequences go nowhere else. "plain" among
    them: no colours."""

    def __init__(
        self,
        out: Output,
        language: Language,
        *,
        as_json: bool = False,
        terminals: Sequence[str] = (),
        quiet: bool = False,
    ) -> None:
        self._out = out
        self.language: Language = language
        self.as_json = as_json
        self.stdout_seen = "stdout" in terminals
        self.stderr_seen = "stderr" in terminals
        self.plain = "plain" in terminals
        self.quiet = quiet or as_json
        self._transient = False
        self._last_step = ""
        self._open_line = False
        self._whispered = ""  # the last piece of thinking that no answer has followed yet

    # ---- standard output

    def text(self, piece: str) -> None:
        """A piece of a streamed text, as it is."""
        self._clear()
        self._out.write(piece)
        self._open_line = not piece.endswith("\n") if piece else self._open_line

    def answer(self, piece: str) -> None:
        """A piece of the streamed answer; it begins on a line of its own after the thinking."""
        if self._whispered:
            self._end_whisper()
            self._out.error("\n")
        self.text(_harmless(piece) if self.stdout_seen else piece)

    def line(self, text: str = "") -> None:
        self.text(_visible(text, styled=self.stdout_seen and not self.plain) + "\n")

    def lines(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.line(line)

    def end_line(self) -> None:
        """Let what follows begin on a new line."""
        if self._open_line:
            self.text("\n")

    def json(self, value: Any) -> None:
        self._out.write(json.dumps(value, ensure_ascii=False) + "\n")

    def bold(self, text: str) -> str:
        return f"{_BOLD}{text}{_PLAIN}" if self.stdout_seen and not self.plain else text

    # ---- standard error

    def note(self, text: str) -> None:
        """A remark beside the answer."""
        if not self.quiet:
            self._clear()
            self._end_whisper()
            self._error_line(self._dimmed(_visible(text)))

    def whisper(self, piece: str) -> None:
        """A piece of streamed thinking: dimmed, and only where a person looks."""
        if self.stderr_seen and not self.quiet and piece:
            self._clear()
            self._out.error(self._dimmed(_harmless(piece)))
            self._whispered = piece

    def progress(self, text: str, *, step: str = "") -> None:
        """How far it is: one line that is rewritten, or, where nobody looks, a line whenever `step` changes."""
        if self.quiet:
            return
        text = _visible(text)
        if self.stderr_seen:
            self._out.error(_TO_LINE_START + shorten(text, LINE))
            self._transient = True
        elif step and step != self._last_step:
            self._out.error(text + "\n")
            self._last_step = step

    def end_progress(self) -> None:
        self._clear()

    def fail(self, error: BackendError) -> None:
        """Say a known error: one JSON object, or two lines."""
        message, hint = error.message.to(self.language), error.hint.to(self.language)
        if self.as_json:
            self.json({"error": {"code": error.code, "message": message, "hint": hint}})
            return
        message, hint = _visible(message), _visible(hint)
        self._clear()
        if self._open_line and self.stdout_seen:
            self.text("\n")
        self._end_whisper()
        self._error_line(f"{_RED}{message}{_PLAIN}" if self.stderr_seen and not self.plain else message)
        if hint:
            self._error_line(hint)

    def to(self, phrase: Phrase) -> str:
        return phrase.to(self.language)

    # ---- inside

    def _error_line(self, text: str) -> None:
        self._out.error(text + "\n")

    def _end_whisper(self) -> None:
        if self._whispered and not self._whispered.endswith("\n"):
            self._out.error("\n")
        self._whispered = ""

    def _dimmed(self, text: str) -> str:
        return f"{_DIM}{text}{_PLAIN}" if self.stderr_seen and not self.plain else text

    def _clear(self) -> None:
        if self._transient:
            self._out.error(_TO_LINE_START)
            self._transient = False


_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
_STYLES = re.compile(r"(\x1b\[[012]m)")


def _visible(text: str, *, styled: bool = False) -> str:
    """With control characters written out: names of files and models may hold any. `styled`: but for our own."""
    parts = _STYLES.split(text) if styled else [text]
    return "".join(part if number % 2 else part.translate(_ESCAPED) for number, part in enumerate(parts))


_CONTROLS = {code: None for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


def _harmless(text: str) -> str:
    """What a model says must not steer the terminal: without its control characters."""
    return text.translate(_CONTROLS)
