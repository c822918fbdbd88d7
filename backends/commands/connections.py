"""`deskseek connections`: what has left this machine, or was refused."""

import argparse
import re
import time
from datetime import datetime
from typing import Any

from backends.commands.arguments import Kind, Parser, WrongUsage
from backends.commands.figures import columns, duration, size
from backends.commands.job import DONE, Command, Job
from backends.core import connection_words
from backends.core.connections import Connection
from backends.core.phrase import Language, Phrase

NAME = "connections"
SUMMARY = Phrase("List what has left this machine, or was refused.", "列出本机发出的连接和被阻止的连接。")
_UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0}


def _read_since(text: str) -> float:
    """Seconds since 1970. Raises ValueError."""
    if match := re.fullmatch(r"(\d{1,6})([mhd])", text):
        return max(0.0, time.time() - int(match[1]) * _UNITS[match[2]])
    try:
        return datetime.fromisoformat(text).timestamp()
    except OverflowError as error:
        raise ValueError(text) from error


_SINCE = Kind(_read_since, Phrase("a time such as 30m, 24h, 7d or 2026-01-31", "时间，例如 30m、24h、7d 或 2026-01-31"))


def grammar(language: Language) -> Parser:
    after = Phrase(
        "Hosts, purposes and sizes only: never addresses of pages, keys or texts. The list holds the last thousand.",
        "只记录主机、用途和大小，不记录网页地址、密钥或文字。列表保留最近一千条。",
    )
    parser = Parser(f"deskseek {NAME}", SUMMARY, language, after=after)
    parser.option("--since", "WHEN", Phrase("30m, 24h, 7d or 2026-01-31", "30m、24h、7d 或 2026-01-31"), kind=_SINCE)
    parser.switch("--refused", Phrase("only what DeskSeek refused", "仅列出被阻止的连接"))
    parser.switch("--csv", Phrase("as CSV", "以 CSV 输出"))
    parser.switch("--erase", Phrase("erase the list", "清空列表"))
    parser.json_switch()
    return parser


def check(arguments: argparse.Namespace) -> None:
    """What the grammar cannot say. Raises WrongUsage."""
    if arguments.erase and (arguments.since is not None or arguments.refused or arguments.csv):
        raise WrongUsage(Phrase("--erase erases the whole list.", "--erase 会清空整个列表。"))
    if arguments.csv and arguments.json:
        raise WrongUsage(Phrase("Either --csv or --json.", "--csv 与 --json 只能选一个。"))


def run(job: Job) -> int:
    given, console = job.arguments, job.console
    if given.erase:
        for _ in job.follow(job.services.connections.erase()):
            pass
        if console.as_json:
            console.json({"connections": []})
        else:
            console.line(console.to(Phrase("The list is erased.", "列表已清空。")))
        return DONE
    listed = [
        one
        for one in job.services.connections.recent()
        if one.time >= (given.since or 0.0) and (connection_words.refused(one) or not given.refused)
    ]
    if console.as_json:
        console.json({"offline": job.settings.network.offline, "connections": [_as_data(one) for one in listed]})
    elif given.csv:
        console.lines([line.rstrip("\r\n") for line in connection_words.table(listed, console.language)])
    else:
        _show(listed, job)
    return DONE


def _show(listed: list[Connection], job: Job) -> None:
    console, zh = job.console, job.console.language == "zh"
    if listed:
        console.lines(columns([_row(one, job) for one in listed], right=(4,)))
    else:
        console.line("没有连接记录。" if zh else "Nothing has left this computer.")
    if job.settings.network.offline:
        console.note("离线模式已开启。" if zh else "DeskSeek is set to stay offline.")


def _row(one: Connection, job: Job) -> list[str]:
    console = job.console
    at = datetime.fromtimestamp(one.time).isoformat(" ", "seconds")
    spent = duration(one.seconds, console.language) if one.seconds >= 1 else ""
    moved = size(one.received) if one.received else ""
    words = (console.to(connection_words.why(one)), console.to(connection_words.outcome(one)))
    return [at, one.host, *words, moved, spent]


def _as_data(one: Connection) -> dict[str, Any]:
    return {
        "time": connection_words.moment(one),
        "purpose": one.purpose,
        "host": one.host,
        "outcome": one.outcome,
        "refused": connection_words.refused(one),
        "received": one.received,
        "sent": one.sent,
        "seconds": round(one.seconds, 3),
    }


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True, check=check)
