"""JSON of any size, read piece by piece (RFC 8259): objects and arrays are walked, what is inside them is decoded.

file = Pulled(path.open("rb"), size)
for key in file.entries():
    if key == "rows":
        for _ in file.items():
            row = file.value()
    else:
        value = file.value()
file.end()
"""

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase

LONGEST = 16 << 20  # characters of one value
_CHUNK = 1 << 16  # bytes
_SPACE = " \t\r\n"
_REST = 3  # characters behind a number that may belong to it: "1" of "1.5", of "1e+5"


class Pulled:
    """Every key and every item is taken, by one of the methods, before the next is asked for. Raises InvalidInput
    `broken_file`, OSError."""

    def __init__(self, file: BinaryIO, size: int, longest: int = LONGEST) -> None:
        self._file, self._size, self._longest = file, max(1, size), longest
        self._decoder = json.JSONDecoder(parse_constant=_no_constant)
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")("strict")
        self._text, self._at, self._ended, self._read = "", 0, False, 0

    @property
    def fraction(self) -> float:
        """How much of the file was read."""
        return min(1.0, self._read / self._size)

    def entries(self) -> Iterator[str]:
        """Of the object that stands here."""
        self._take("{")
        if self._next() == "}":
            self._at += 1
            return
        while True:
            key = self.value() if self._next() == '"' else None
            if not isinstance(key, str):
                raise self._broken()
            self._take(":")
            yield key
            if self._comma("}"):
                return

    def items(self) -> Iterator[None]:
        """Of the array that stands here."""
        self._take("[")
        if self._next() == "]":
            self._at += 1
            return
        while True:
            yield None
            if self._comma("]"):
                return

    def value(self) -> Any:
        """What stands here, whole."""
        self._next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._ended or len(self._text) - self._at > self._longest:
                    cut = error.pos >= len(self._text.rstrip()) or error.msg.startswith("Unterminated")
                    raise self._broken(cut=cut) from error
            except (ValueError, RecursionError) as error:  # a number without end, a nesting without end
                raise self._broken() from error
            else:
                if end + _REST < len(self._text) or self._ended or not isinstance(value, int | float):
                    self._at = end
                    return value
            self._more(max(_CHUNK, len(self._text) - self._at))

    def skip(self) -> None:
        self.value()

    def end(self) -> None:
        """Nothing stands here any more."""
        if self._next():
            raise self._broken()

    def _comma(self, closing: str) -> bool:
        """Past a comma: False. Past the end: True."""
        here = self._next()
        if here not in (",", closing) or not here:
            raise self._broken()
        self._at += 1
        return here == closing

    def _take(self, wanted: str) -> None:
        if self._next() != wanted:
            raise self._broken()
        self._at += 1

    def _next(self) -> str:
        """The next character that is no space; "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                return ""
            self._more(_CHUNK)

    def _more(self, wanted: int) -> None:
        data = self._file.read(wanted)
        self._read += len(data)
        self._ended = not data
        try:
            self._text = self._text[self._at :] + self._utf8.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise self._broken() from error
        self._at = 0

    def _broken(self, *, cut: bool = False) -> InvalidInput:
        if self._ended and (cut or self._at >= len(self._text.rstrip())):
            return broken(Phrase("it ends in the middle", "文件不完整"))
        return broken(Phrase("it is not JSON as DeskSeek writes it", "内容不是 DeskSeek 导出的 JSON"))


def broken(why: Phrase) -> InvalidInput:
    """`why`: what follows a colon."""
    return InvalidInput(
        Phrase(f"This file cannot be imported: {why.en}.", f"无法导入此文件：{why.zh}。"),
        Phrase("Nothing was changed.", "未更改任何内容。"),
        code="broken_file",
    )


def too_new(version: int) -> InvalidInput:
    return InvalidInput(
        Phrase(
            f"This file was made by a newer DeskSeek (form {version}).",
            f"此文件由更新版本的 DeskSeek 导出（格式 {version}）。",
        ),
        Phrase("Install the newest DeskSeek. Nothing was changed.", "请安装最新版 DeskSeek。未更改任何内容。"),
        code="file_too_new",
    )


def _no_constant(name: str) -> Any:
    raise ValueError(name)
