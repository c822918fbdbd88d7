"""The grammar of the command line, in the user's language. Built on argparse, whose own words are English only.

parser = Parser("deskseek pull", Phrase("Download a model.", "下载模型。"), "en")
parser.word("model", "MODEL", Phrase("what to download", "要下载的模型"), required=True)
parser.option("--endpoint", "URL", Phrase("…", "…"), kind=URL)
arguments = parser.read(argv)          # WrongUsage, or HelpWanted with the text
"""

import argparse
import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from backends.chat.titles import width
from backends.core.errors import InvalidInput
from backends.core.phrase import NOTHING, Language, Phrase


class WrongUsage(InvalidInput):
    """The command line cannot be understood. Exit code 2."""

    default_code = "wrong_usage"


class HelpWanted(Exception):
    """Somebody asked for help (or the version): here it is."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, slots=True)
class Kind:
    """What the value of an option is: `read` gives it, or raises ValueError; `expected` says what it should be."""

    read: Callable[[str], Any]
    expected: Phrase


def whole(minimum: int, maximum: int | None = None) -> Kind:
    def read(text: str) -> int:
        number = int(text.replace("_", ""))
        if number < minimum or (maximum is not None and number > maximum):
            raise ValueError(text)
        return number

    if maximum is None:
        return Kind(read, Phrase(f"a whole number from {minimum}", f"不小于 {minimum} 的整数"))
    return Kind(read, Phrase(f"a whole number from {minimum} to {maximum}", f"{minimum} 到 {maximum} 之间的整数"))


def number(minimum: int, maximum: int) -> Kind:
    def read(text: str) -> float:
        value = float(text)
        if not minimum <= value <= maximum:
            raise ValueError(text)
        return value

    return Kind(read, Phrase(f"a number from {minimum} to {maximum}", f"{minimum} 到 {maximum} 之间的数"))


def one_of(*choices: str) -> Kind:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(text)
        return text

    return Kind(read, Phrase("one of " + ", ".join(choices), "以下之一：" + "、".join(choices)))


_SIZE = re.compile(r"(?i)\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b)?\s*")
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_FEWEST, _MOST = 1024, 2**60  # bytes


def size_in_bytes(text: str) -> int:
    """`8GiB`, `8G`, `8.5GB`, `512MiB`, `0`: bytes. GB is 1000³, G and GiB are 1024³, as everywhere.

    Raises ValueError, also for a few bytes: whoever types `16` means something else. And nobody has an exbibyte.
    """
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    value, prefix, unit = found.groups()
    base = 1000 if (unit or "").lower() == "b" and prefix else 1024
    size = float(value) * base ** _POWERS[prefix.lower()]
    if 0 < size < _FEWEST or size > _MOST:
        raise ValueError(text)
    return int(size)


SIZE = Kind(size_in_bytes, Phrase("a size such as 8GiB", "大小，例如 8GiB"))
SIZES = Kind(
    lambda text: tuple(size_in_bytes(part) for part in text.split(",")),
    Phrase("a size such as 8GiB, or several: 24GiB,8GiB", "大小，例如 8GiB；多块显卡写作 24GiB,8GiB"),
)
TEXT = Kind(str, Phrase("a text", "文本"))

_WORDS = {
    "usage": Phrase("Usage: ", "用法："),
    "arguments": Phrase("Arguments", "参数"),
    "options": Phrase("Options", "选项"),
    "help": Phrase("show this help", "显示此帮助"),
    "json": Phrase("JSON on standard output, for scripts", "在标准输出给出 JSON，供脚本使用"),
}


class Parser(argparse.ArgumentParser):
    """One command's grammar."""

    def __init__(
        self, name: str, summary: Phrase, language: Language, *, after: Phrase = NOTHING, with_help: bool = True
    ) -> None:
        super().__init__(
            prog=name,
            description=summary.to(language),
            epilog=after.to(language) or None,
            add_help=False,
            allow_abbrev=False,
            exit_on_error=False,
            formatter_class=lambda prog: _Formatter(prog, language),
        )
        self._language: Language = language
        self._word_group = self.add_argument_group(_WORDS["arguments"].to(language))
        self._switches = self.add_argument_group(_WORDS["options"].to(language))
        self._words: list[_Word] = []
        self._names: list[str] = []
        if with_help:
            self._switches.add_argument("-h", "--help", action=_Help, help=_WORDS["help"].to(language))

    def json_switch(self) -> None:
        self.switch("--json", _WORDS["json"])

    def word(self, name: str, shown: str, help: Phrase, *, required: bool = False, many: bool = False) -> None:
        """What stands without a dash. `many`: all of them, as a list; only the last may."""
        self._words.append(_Word(name, shown, help.to(self._language), required, many))

    def option(
        self,
        name: str,
        shown: str,
        help: Phrase | None,
        *,
        kind: Kind = TEXT,
        default: Any = None,
        many: bool = False,
    ) -> None:
        """An option with a value; `help` None hides it. `many`: it may be named again; a list, or the default."""
        self._names.append(name)
        self._switches.add_argument(
            name,
            action="append" if many else "store",
            metavar=shown,
            default=default,
            type=lambda text: _read(name, kind, text),
            help=argparse.SUPPRESS if help is None else help.to(self._language),
        )

    def switch(self, name: str, help: Phrase) -> None:
        self._names.append(name)
        self._switches.add_argument(name, action="store_true", help=help.to(self._language))

    def read(self, argv: Sequence[str]) -> argparse.Namespace:
        """Options and words in any order; after `--` there are only words."""
        argv = list(argv)
        border = argv.index("--") if "--" in argv else len(argv)
        try:
            arguments, rest = self.parse_known_args(argv[:border])
        except argparse.ArgumentError as error:
            raise self._wrong_value(error.argument_name or "") from error
        for text in rest:
            if _is_option(text):
                raise self._unknown(text)
        self._take_words(arguments, rest + argv[border + 1 :])
        return arguments

    def format_help(self) -> str:
        for word in self._words:
            nargs = ("+" if word.required else "*") if word.many else None if word.required else "?"
            self._word_group.add_argument(word.name, metavar=word.shown, nargs=nargs, help=word.help)
        text = super().format_help()
        return re.sub("(?m)^(\\w+):$", r"\1：", text) if self._language == "zh" else text

    def error(self, message: str) -> Any:
        raise WrongUsage(Phrase(f"{message}.", f"用法有误（{message}）。"), self._see_help())

    def _take_words(self, arguments: argparse.Namespace, texts: list[str]) -> None:
        for word in self._words:
            taken = texts if word.many else texts[:1]
            texts = texts[len(taken) :]
            if word.required and not any(text.strip() for text in taken):
                raise WrongUsage(Phrase(f"{word.shown} is missing.", f"缺少 {word.shown}。"), self._see_help())
            setattr(arguments, word.name, taken if word.many else taken[0] if taken else None)
        if texts:
            raise self._unknown(texts[0])

    def _wrong_value(self, name: str) -> WrongUsage:
        action = self._option_string_actions.get(name.rsplit("/", 1)[-1])
        if action is not None and action.nargs == 0:
            return WrongUsage(Phrase(f"{name} takes no value.", f"{name} 不带取值。"), self._see_help())
        return WrongUsage(Phrase(f"{name} needs a value.", f"{name} 需要一个取值。"), self._see_help())

    def _unknown(self, word: str) -> WrongUsage:
        name = word.split("=", 1)[0]
        close = difflib.get_close_matches(name, self._names, 1)
        hint = Phrase(f"Did you mean {close[0]}?", f"是否想输入 {close[0]}？") if close else self._see_help()
        return WrongUsage(Phrase(f"{name} is not known here.", f"无法识别 {name}。"), hint)

    def _see_help(self) -> Phrase:
        return Phrase(f"See {self.prog} --help.", f"请参阅 {self.prog} --help。")


@dataclass(frozen=True, slots=True)
class _Word:
    name: str
    shown: str
    help: str
    required: bool
    many: bool


_NUMBER = re.compile(r"-\d+(\.\d*)?|-\.\d+")


def _is_option(text: str) -> bool:
    return text.startswith("-") and len(text) > 1 and " " not in text and not _NUMBER.fullmatch(text)


def _read(name: str, kind: Kind, text: str) -> Any:
    try:
        return kind.read(text)
    except ValueError:
        raise WrongUsage(
            Phrase(f"{name}: {text!r} is not {kind.expected.en}.", f"{name}：{text!r} 无效，应为{kind.expected.zh}。")
        ) from None


class _Help(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        raise HelpWanted(parser.format_help())


class _Formatter(argparse.HelpFormatter):
    """Lines broken by what they measure in a terminal, since a Chinese character takes two cells."""

    def __init__(self, prog: str, language: Language) -> None:
        super().__init__(prog, max_help_position=28, width=96)
        self._language: Language = language

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],
        prefix: str | None = None,
    ) -> None:
        super().add_usage(usage, actions, groups, prefix or _WORDS["usage"].to(self._language))

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrap(text, width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = [line for part in text.splitlines() for line in (wrap(part, width) if part[:1].strip() else [part])]
        return "\n".join(indent + line for line in lines)


def wrap(text: str, limit: int) -> list[str]:
    """`text` in lines of at most `limit` cells, broken at spaces and between CJK characters."""
    lines, line = [], ""
    for piece in re.findall(r"[\x21-\u2e7f]+\s*|\s+|[^\x00-\u2e7f][，。、；：！？）」』]?", text):
        if line and width(line + piece.rstrip()) > limit:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()] if line or not lines else lines
