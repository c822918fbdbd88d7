"""JSON that comes piece by piece: told as soon as it is sure to be right, refused at the first character that is not.

A line break or another control character inside a string, which models write now and then, is told as its escape.
"""

import json
import re
from typing import Literal

_TEXT = re.compile(r'(?:[^"\\]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))+')
_ESCAPE_BEGUN = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?")
_CONTROL = re.compile(r"[\x00-\x1f]")
_WORD = re.compile(r"[-+.0-9A-Za-z]+")
_SCALAR = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null")
_SPACE = re.compile(r"[ \t\r\n]+")
_LONGEST_WORD = 400  # characters of a number; Python reads integers of 4,300
_DEEPEST = 100  # arrays and objects in one another

_Awaited = Literal["value", "first item", "first key", "key", "colon", "comma"]


def quoted(text: str) -> str:
    """A part of a text, as it stands between the quotes of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


class JsonStream:
    """One JSON value. After `done` or `broken` it takes nothing more."""

    def __init__(self) -> None:
        self._open: list[str] = []  # what closes the arrays and objects it is in
        self._awaited: _Awaited = "value"
        self._in_string = False
        self._key = False  # the string is one
        self.done = self.broken = False

    def take(self, text: str, final: bool) -> tuple[str, int]:
        """What can be told, and how much of `text` that was; the rest is to be given again, with more behind it.
        `final`: no more will come."""
        told, at = [], 0
        while at < len(text) and not (self.done or self.broken):
            part, used = self._string(text, at, final) if self._in_string else self._between(text, at, final)
            if not used:
                break
            told.append(part)
            at += used
        self.broken = self.broken or (final and not self.done)
        return "".join(told), at

    def _string(self, text: str, at: int, final: bool) -> tuple[str, int]:
        if match := _TEXT.match(text, at):
            return _CONTROL.sub(lambda found: quoted(found.group()), match.group()), match.end() - at
        if text[at] == '"':
            self._in_string = False
            self._valued() if not self._key else self._await("colon")
            return '"', 1
        self.broken = final or not _ESCAPE_BEGUN.fullmatch(text, at)
        return "", 0

    def _between(self, text: str, at: int, final: bool) -> tuple[str, int]:
        if match := _SPACE.match(text, at):
            return match.group(), match.end() - at
        character, awaited = text[at], self._awaited
        wants_value = awaited in ("value", "first item")
        if character == '"' and (wants_value or awaited in ("key", "first key")):
            self._in_string, self._key = True, not wants_value
        elif character in "{[" and wants_value and len(self._open) < _DEEPEST:
            self._open.append("}" if character == "{" else "]")
            self._await("first key" if character == "{" else "first item")
        elif character in "}]" and self._open[-1:] == [character] and awaited in ("comma", "first key", "first item"):
            self._open.pop()
            self._valued()
        elif (character, awaited) == (":", "colon"):
            self._await("value")
        elif (character, awaited) == (",", "comma"):
            self._await("key" if self._open[-1] == "}" else "value")
        elif wants_value and (word := _WORD.match(text, at)):
            if word.end() == len(text) and not final and len(word.group()) < _LONGEST_WORD:
                return "", 0
            self.broken = len(word.group()) > _LONGEST_WORD or not _SCALAR.fullmatch(word.group())
            if not self.broken:
                self._valued()
                return word.group(), len(word.group())
            return "", 0
        else:
            self.broken = True
            return "", 0
        return character, 1

    def _await(self, what: _Awaited) -> None:
        self._awaited = what

    def _valued(self) -> None:
        self.done = not self._open
        self._awaited = "comma"
