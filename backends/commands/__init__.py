"""The command line, one file a command.

    arguments   the grammar: options, kinds of values, help and mistakes in the user's language
    console     what a command speaks through: text for people, JSON for scripts
    figures     sizes, speeds, tables
    terminal    the real terminal of this process: encoding, interrupts, language
    job         what a command is, and one call of it
    hardware recommend plan models pull ask bench settings      the commands
    index search documents forget                               those of documents
    chats                                                       conversations
    serve                                                       the API without a window
    connections                                                 what has left this machine
    doctor                                                      what is wrong with this machine

`run` answers one call, in the process that typed it or in the one that owns the data folder: the same output, the
same exit code (0; 1 for a known error; 2 for wrong usage; 130 when interrupted).
"""

import argparse
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import backends
from backends.commands import (
    ask,
    bench,
    chats,
    connections,
    doctor,
    documents,
    forget,
    hardware,
    index,
    models,
    plan,
    pull,
    recommend,
    search,
    serve,
    stats,
)
from backends.commands import settings as settings_command
from backends.commands.arguments import HelpWanted, Parser, WrongUsage, one_of
from backends.commands.console import Console
from backends.commands.figures import columns
from backends.commands.job import DONE, FAILED, INTERRUPTED, MISUSED, Command, Job
from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled
from backends.core.owner import CommandRequest, Output
from backends.core.paths import Paths
from backends.core.phrase import Language, Phrase
from backends.core.settings import Settings
from backends.services import Services

COMMANDS: tuple[Command, ...] = (
    hardware.COMMAND,
    recommend.COMMAND,
    plan.COMMAND,
    pull.COMMAND,
    models.COMMAND,
    ask.COMMAND,
    chats.COMMAND,
    index.COMMAND,
    search.COMMAND,
    documents.COMMAND,
    forget.COMMAND,
    serve.COMMAND,
    bench.COMMAND,
    stats.COMMAND,
    doctor.COMMAND,
    connections.COMMAND,
    settings_command.COMMAND,
)

SUMMARY = Phrase("DeepSeek models on your own machine.", "在您自己的电脑上运行 DeepSeek 模型。")


@dataclass(frozen=True, slots=True)
class Call:
    """A command line, understood. `terminals` and `language` come from where it was typed."""

    command: Command
    arguments: argparse.Namespace
    terminals: tuple[str, ...]
    language: Language


def read(argv: Sequence[str], language: Language) -> Call:
    """Understand `[--language L] COMMAND …`. Raises WrongUsage, or HelpWanted with the text of help or version."""
    head, rest = split(argv)
    before = _grammar(language).read(head)
    language = before.language or language
    if before.version:
        raise HelpWanted(f"DeskSeek {backends.__version__}\n")
    if before.help or not any(rest):
        text = _overview(language)
        if before.help:
            raise HelpWanted(text)
        raise WrongUsage(
            Phrase("A command is missing.", "缺少命令。"), Phrase("See deskseek --help.", "请参阅 deskseek --help。")
        )
    command, words = _part_of(_find(rest[0]), rest[1:])
    arguments = command.grammar(language).read((["--json"] if before.json else []) + words)
    command.check(arguments)
    return Call(command, arguments, tuple(filter(None, (before.terminal or "").split(","))), language)


def run(request: CommandRequest, services: Services, out: Output, cancel: CancelToken) -> int:
    """Run a command in the process that owns `services`; the exit code."""
    return execute(request, services.paths, services.settings.current, services, out, cancel)


def execute(
    request: CommandRequest,
    paths: Paths,
    settings: Settings,
    services: Services | None,
    out: Output,
    cancel: CancelToken,
    *,
    safe: bool = False,
) -> int:
    """`run`, also for commands that need no data folder (`services` None). `safe`: load on the CPU alone."""
    language = named_language(request.argv, "zh" if request.language == "zh" else "en")
    console = Console(out, language, as_json=wants_json(request.argv))
    try:
        call = read(request.argv, language)
        given = call.arguments
        console = Console(
            out,
            call.language,
            as_json=given.json,
            terminals=call.terminals,
            quiet=getattr(given, "quiet", False),
        )
        return call.command.run(Job(given, console, cancel, paths, Path(request.cwd), settings, services, safe))
    except HelpWanted as wanted:
        out.write(wanted.text)
        return DONE
    except WrongUsage as error:
        console.fail(error)
        return MISUSED
    except BackendError as error:
        console.fail(error)
        return FAILED
    except Cancelled:
        console.end_progress()
        return INTERRUPTED


def named_language(argv: Sequence[str], usual: Language) -> Language:
    """The language that stands before the command, for a command line that perhaps cannot be understood."""
    head, _ = split(argv)
    named = [value for option, value in pairwise([*head, ""]) if option == "--language"]
    named += [word.removeprefix("--language=") for word in head if word.startswith("--language=")]
    known: dict[str, Language] = {"en": "en", "zh": "zh"}
    return known.get(named[-1], usual) if named else usual


def wants_json(argv: Sequence[str]) -> bool:
    """Whether errors are to be JSON, for a command line that perhaps cannot be understood."""
    argv = list(argv)
    return "--json" in argv[: argv.index("--") if "--" in argv else len(argv)]


def examines(argv: Sequence[str]) -> bool:
    """Whether the doctor is asked for, who goes on where others cannot."""
    return split(argv)[1][:1] == [doctor.NAME]


_WITH_VALUE = ("--language", "--terminal")


def split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands before the command, and the command with what follows it."""
    index = 0
    while index < len(argv) and argv[index].startswith("-"):
        index += 2 if argv[index] in _WITH_VALUE else 1
    return list(argv[:index]), list(argv[index:])


def _grammar(language: Language) -> Parser:
    parser = Parser("deskseek", SUMMARY, language, with_help=False)
    parser.switch("--help", Phrase("show this help", "显示此帮助"))
    parser.switch("--version", Phrase("show the version", "显示版本"))
    parser.option("--language", "L", Phrase("en or zh, this time", "本次使用的语言：en 或 zh"), kind=one_of("en", "zh"))
    parser.option("--terminal", "WHICH", None)
    parser.json_switch()
    return parser


def _overview(language: Language) -> str:
    """What there is, one line a command. argparse would list commands as one more argument."""
    usage = Phrase("Usage: deskseek [--language en|zh] COMMAND …\n", "用法：deskseek [--language en|zh] 命令 …\n").to(
        language
    )
    more = Phrase("deskseek COMMAND --help tells more.", "运行 deskseek 命令 --help 查看详情。").to(language)
    options = (
        ("--help", Phrase("this text", "显示此帮助")),
        ("--version", Phrase("the version", "显示版本")),
        ("--language L", Phrase("en or zh, this time", "本次使用的语言：en 或 zh")),
    )
    rows = [(command.name, command.summary) for command in COMMANDS]
    lines = columns([("  " + name, about.to(language)) for name, about in (*rows, ("", Phrase("", "")), *options)])
    return "\n".join([SUMMARY.to(language), "", usage, *lines, "", more, ""])


def _part_of(command: Command, words: list[str]) -> tuple[Command, list[str]]:
    """`models search TEXT` is the part `search`; options may stand before its name."""
    for place, word in enumerate(words):
        if word == "--":
            break
        if not word.startswith("-"):
            if not command.parts:
                break
            return _find(word, command.parts, f"{command.name} "), words[:place] + words[place + 1 :]
    return command, words


def _find(name: str, among: Sequence[Command] = COMMANDS, before: str = "") -> Command:
    for command in among:
        if command.name == name:
            return command
    close = difflib.get_close_matches(name, [command.name for command in among], 1)
    hint = (
        Phrase(f"Did you mean {before}{close[0]}?", f"是否想输入 {before}{close[0]}？")
        if close
        else Phrase(f"See deskseek {before}--help.", f"请参阅 deskseek {before}--help。")
    )
    raise WrongUsage(Phrase(f"There is no command {before}{name}.", f"没有 {before}{name} 这个命令。"), hint)
