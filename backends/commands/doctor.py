"""`deskseek doctor`: what is wrong with this machine for DeskSeek, and the repair.

It needs no lock, so it also runs beside an open window, and where the data folder cannot be opened at all. 0 if nothing
failed, else 1.
"""

from collections.abc import Sequence

from backends.chat.titles import width
from backends.commands.arguments import Parser, wrap
from backends.commands.console import LINE
from backends.commands.job import DONE, FAILED, Command, Job, typed_path
from backends.core.files import write_file
from backends.core.phrase import NOTHING, Language, Phrase
from backends.doctor.types import Finding, Verdict
from backends.doctor.words import TITLES, arranged, worst
from backends.services.doctor import case_of

NAME = "doctor"
SUMMARY = Phrase("Check this machine, and say how to repair it.", "检查本机并说明如何修复。")
_SIGNS: dict[Verdict, str] = {"ok": "✓", "warn": "!", "fail": "✗"}


def grammar(language: Language) -> Parser:
    parser = Parser(f"deskseek {NAME}", SUMMARY, language)
    parser.switch(
        "--deep",
        Phrase("read every byte of models and databases (minutes)", "读取模型和数据库的每个字节（需数分钟）"),
    )
    parser.switch("--no-network", Phrase("ask no source of models", "不检查模型下载站点"))
    parser.option(
        "--report",
        "FILE",
        Phrase("write a report without anything that is yours", "写入报告文件，不含任何个人内容"),
    )
    parser.json_switch()
    return parser


def run(job: Job) -> int:
    from backends.doctor.examination import examine
    from backends.doctor.report import Veil, as_data, report

    given, console = job.arguments, job.console
    case = case_of(job.paths, job.settings, deep=given.deep, ask_network=not given.no_network)
    found: list[Finding] = []
    looking = console.to(Phrase("Looking …", "正在检查……"))
    console.progress(looking, step="looking")
    for finding in examine(case, cancel=job.cancel):
        found.append(finding)
        console.progress(f"{looking} {TITLES[finding.topic].to(console.language)}", step="looking")
    console.end_progress()
    if case.network is not None:
        case.network.close()
    found, verdict = arranged(found), worst(found)
    path = typed_path(given.report, job) if given.report else None
    if path is not None:
        text = report(found, Veil.of(job.paths, case.models), console.language)
        write_file(path, text.encode())
    if console.as_json:
        console.json({"verdict": verdict, "findings": [as_data(one) for one in found]})
    else:
        console.lines(_as_lines(found, console.language))
        console.line(console.to(_sum(found, verdict)))
        if path is not None:
            console.note(console.to(Phrase(f"Report: {path}", f"报告：{path}")))
    return FAILED if verdict == "fail" else DONE


def _as_lines(findings: Sequence[Finding], language: Language) -> list[str]:
    wide = max(width(TITLES[one.topic].to(language)) for one in findings) + 2 if findings else 0
    indent = " " * (wide + 2)
    lines: list[str] = []
    topic = ""
    for one in findings:
        title = TITLES[one.topic].to(language) if one.topic != topic else ""
        topic = one.topic
        first, *rest = wrap(one.what.to(language), LINE - wide - 2)
        lines.append(f"{title}{' ' * (wide - width(title))}{_SIGNS[one.verdict]} {first}")
        lines += [indent + line for line in rest]
        if one.repair != NOTHING:
            lines += [f"{indent}  {line}" for line in wrap(one.repair.to(language), LINE - wide - 4)]
    return [*lines, ""]


def _sum(findings: Sequence[Finding], verdict: Verdict) -> Phrase:
    bad = sum(one.verdict == "fail" for one in findings)
    odd = sum(one.verdict == "warn" for one in findings)
    if verdict == "ok":
        return Phrase("All is well.", "一切正常。")
    return Phrase(
        f"{bad} failed, {odd} to look at." if bad else f"Nothing failed; {odd} to look at.",
        f"{bad} 项失败，{odd} 项需要注意。" if bad else f"没有失败；{odd} 项需要注意。",
    )


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=False)
