"""`deskseek stats`: what each model did on each day, on this machine."""

import argparse
import csv
import io
import time
from dataclasses import asdict

from backends.chat.titles import shorten
from backends.commands.arguments import Parser, WrongUsage, whole
from backends.commands.figures import columns, duration, rate
from backends.commands.job import DONE, INTERRUPTED, Command, Job
from backends.core.cells import harmless
from backends.core.phrase import Language, Phrase
from backends.monitor.statistics import KEPT, first_day
from backends.monitor.types import Day

NAME = "stats"
SUMMARY = Phrase("Show what each model did, by day.", "显示各模型每天的统计。")
DAYS, MOST = 30, int(KEPT) // 86_400
_NAME = 24  # cells

_CSV = {
    "day": "day",
    "model": "model",
    "answers": "answers",
    "prompt_tokens": "prompt computed [tokens]",
    "cached_tokens": "prompt from cache [tokens]",
    "generated_tokens": "generated [tokens]",
    "prefill": "prefill [tokens/s]",
    "decode": "decode [tokens/s]",
    "first_token": "first token [s]",
    "busy": "computed [s]",
    "energy": "energy [Wh]",
}


def grammar(language: Language) -> Parser:
    after = Phrase(
        "Counted on this machine and kept here, for two years. Energy is that of the graphics cards, where they tell "
        "their power.",
        "在本机统计并保存两年。能耗为显卡能耗，仅在显卡提供功率时统计。",
    )
    parser = Parser(f"deskseek {NAME}", SUMMARY, language, after=after)
    parser.option(
        "--days",
        "N",
        Phrase(f"so many days, today among them; usually {DAYS}", f"天数（含今天），默认 {DAYS}"),
        kind=whole(1, MOST),
        default=DAYS,
    )
    parser.switch("--csv", Phrase("as CSV", "以 CSV 输出"))
    parser.switch(
        "--erase",
        Phrase("erase them, and the figures of the monitor", "清除这些统计以及监控记录"),
    )
    parser.json_switch()
    return parser


def check(arguments: argparse.Namespace) -> None:
    """What the grammar cannot say. Raises WrongUsage."""
    if arguments.erase and (arguments.csv or arguments.days != DAYS):
        raise WrongUsage(Phrase("--erase erases all of it.", "--erase 会清除全部记录。"))
    if arguments.csv and arguments.json:
        raise WrongUsage(Phrase("Either --csv or --json.", "--csv 与 --json 只能选一个。"))


def run(job: Job) -> int:
    if job.arguments.erase:
        for _ in job.follow(job.services.monitoring.erase()):
            pass
        if job.console.as_json:
            job.console.json({"days": []})
        else:
            job.console.line(job.console.to(Phrase("All of it is erased.", "已全部清除。")))
        return INTERRUPTED if job.cancel.cancelled else DONE
    since = first_day(time.time(), job.arguments.days)
    found = next(job.follow(job.services.monitoring.days(since)), None)
    if found is None or job.cancel.cancelled:
        return INTERRUPTED
    if job.console.as_json:
        job.console.json({"days": [asdict(day) for day in found]})
    elif job.arguments.csv:
        job.console.lines(_table(found))
    elif not found:
        job.console.line(job.console.to(Phrase("No model has answered yet.", "还没有模型回答过。")))
    else:
        job.console.lines(_lines(found, job.console.language))
    return DONE


def _table(days: tuple[Day, ...]) -> list[str]:
    """Lines of CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV.values())
    for day in days:
        values = asdict(day) | {"model": harmless(day.model)}
        cells = (values[field] for field in _CSV)
        writer.writerow([f"{cell:.3f}" if isinstance(cell, float) else "" if cell is None else cell for cell in cells])
    return text.getvalue().splitlines()


def _lines(days: tuple[Day, ...], language: Language) -> list[str]:
    heads = (
        Phrase("Day", "日期"),
        Phrase("Model", "模型"),
        Phrase("Answers", "回答"),
        Phrase("Read", "读取"),
        Phrase("Written", "生成"),
        Phrase("Speed", "速度"),
        Phrase("Computed", "用时"),
    )
    rows = [[head.to(language) for head in heads]]
    for day in days:
        rows.append(
            [
                day.day,
                shorten(day.model, _NAME),
                f"{day.answers:,}",
                f"{day.prompt_tokens:,}",
                f"{day.generated_tokens:,}",
                rate(day.decode, language) if day.decode is not None else "–",
                duration(day.busy, language),
            ]
        )
    return columns(rows, right=(2, 3, 4, 5, 6))


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True, check=check)
