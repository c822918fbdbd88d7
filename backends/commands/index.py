"""`deskseek index`: take documents in, so that they are found. Ctrl+C stops; what is in stays in."""

import argparse
from pathlib import Path
from typing import Any

from backends.commands.arguments import Parser, WrongUsage
from backends.commands.console import Console
from backends.commands.figures import duration
from backends.commands.job import DONE, FAILED, INTERRUPTED, Command, Job, typed_path
from backends.core.errors import BackendError
from backends.core.phrase import Language, Phrase
from backends.core.stream import Stream
from backends.documents.types import FileFailed, FileReading, FileStored, IngestDone, IngestEvent, Queued

NAME = "index"
SUMMARY = Phrase("Take in documents: files, folders, JSONL.", "收录文档：文件、文件夹或 JSONL。")


def grammar(language: Language) -> Parser:
    after = Phrase(
        "What is in already and has not changed costs nothing. Ctrl+C stops (exit code 130); what is in stays in.\n"
        "With --json each event is a line, and the last line says how many documents, passages and failures.",
        "已收录且未改动的文件不会重复处理。按 Ctrl+C 停止（退出码 130），已收录的内容会保留。\n"
        "使用 --json 时每个事件占一行，最后一行给出文档数、段落数与失败列表。",
    )
    parser = Parser(f"deskseek {NAME}", SUMMARY, language, after=after)
    parser.word("paths", "PATH", Phrase("files and folders", "文件或文件夹"), many=True)
    parser.option("--collection", "C", Phrase("into this collection, new or not", "收录到该文档集，不存在则创建"))
    parser.option(
        "--jsonl",
        "FILE",
        Phrase('each line {"id", "title", "text"} is a document', "每行 {“id”, “title”, “text”} 作为一个文档"),
    )
    parser.option(
        "--password",
        "P",
        Phrase("opens encrypted files; may be named again", "打开加密文件的密码，可多次指定"),
        default=[],
        many=True,
    )
    parser.switch("--ocr", Phrase("read scanned pages, too", "同时识别扫描页"))
    parser.json_switch()
    return parser


def check(given: argparse.Namespace) -> None:
    if not given.paths and given.jsonl is None:
        raise WrongUsage(
            Phrase("PATH is missing.", "缺少 PATH。"),
            Phrase(f"See deskseek {NAME} --help.", f"请参阅 deskseek {NAME} --help。"),
        )


def run(job: Job) -> int:
    given, documents = job.arguments, job.services.documents
    collection = _collection(job)
    done: list[IngestDone] = []
    if given.paths:
        paths = [typed_path(path, job) for path in given.paths]
        adding = documents.add(paths, collection, passwords=given.password, recognise=given.ocr)
        done += _follow(adding, job, each=True)
    if given.jsonl is not None and not job.cancel.cancelled:
        done += _follow(documents.add_jsonl(typed_path(given.jsonl, job), collection), job, each=False)
    if job.cancel.cancelled:
        job.console.end_progress()
        return INTERRUPTED
    _settle(job)
    failed = [each for one in done for each in one.failed]
    taken = sum(one.documents for one in done)
    _say(job.console, taken, sum(one.chunks for one in done), failed, sum(one.seconds for one in done))
    if job.cancel.cancelled:
        return INTERRUPTED
    return FAILED if failed and not taken else DONE


def _collection(job: Job) -> int | None:
    """The named one, made if it is not there; None: where documents go that nobody sorts."""
    name, store = job.arguments.collection, job.services.documents.store
    if name is None:
        return None
    known = store.collection_named(name)
    if known is not None:
        return known.id
    (made,) = job.follow(job.services.documents.add_collection(name))
    return made.id


def _follow(stream: Stream[IngestEvent], job: Job, *, each: bool) -> list[IngestDone]:
    """Say what happens; `each`: every file. The last event, unless somebody interrupts."""
    done: list[IngestDone] = []
    for event in job.follow(stream):
        if isinstance(event, IngestDone):
            done.append(event)
        elif job.console.as_json:
            _as_json(event, job.console, each=each)
        else:
            _as_text(event, job.console)
    job.console.end_progress()
    return done


def _as_json(event: IngestEvent, console: Console, *, each: bool) -> None:
    match event:
        case Queued(files):
            console.json({"queued": files})
        case FileReading(_, path, done, total):
            console.json({"reading": {"path": path, "done": done, "total": total}})
        case FileStored(_, path, passages, unchanged) if each:
            console.json({"stored": {"path": path, "chunks": passages, "unchanged": unchanged}})
        case FileFailed():
            console.json({"failed": _failure(event, console)})


def _as_text(event: IngestEvent, console: Console) -> None:
    zh = console.language == "zh"
    match event:
        case FileReading(_, path, done, total) if total:
            name = Path(path).name
            console.progress(f"正在读取 {name} {done / total:.0%}" if zh else f"Reading {name} {done / total:.0%}")
        case FileFailed(_, path, problem):
            console.note(f"{path}：{console.to(problem.message)}" if zh else f"{path}: {console.to(problem.message)}")


def _failure(failed: FileFailed, console: Console) -> dict[str, Any]:
    return {"path": failed.path, "code": failed.problem.code, "message": console.to(failed.problem.message)}


def _settle(job: Job) -> None:
    """Without vectors documents are found, too: by their words."""
    console = job.console
    console.progress(console.to(Phrase("Making the index", "正在建立索引")))
    try:
        for _ in job.follow(job.services.documents.settle()):
            pass
    except BackendError as error:
        console.note(console.to(error.message))
    console.end_progress()


def _say(console: Console, taken: int, chunks: int, failed: list[FileFailed], seconds: float) -> None:
    if console.as_json:
        failures = [_failure(each, console) for each in failed]
        console.json({"documents": taken, "chunks": chunks, "failed": failures, "seconds": round(seconds, 3)})
        return
    time = duration(seconds, console.language) if seconds >= 10 else f"{seconds:.1f} s"
    if console.language == "zh":
        console.line(
            f"已收录 {taken:,} 个文档，{chunks:,} 个段落，用时 {time}。"
            + (f"{len(failed):,} 个失败。" if failed else "")
        )
    else:
        what = f"{taken:,} document{'s' * (taken != 1)}, {chunks:,} new passage{'s' * (chunks != 1)}"
        console.line(f"{what} in {time}." + (f" {len(failed):,} failed." if failed else ""))


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True, check=check)
