"""`deskseek search`: the passages that answer a question, with their documents and pages. Needs no model."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backends.commands.arguments import Parser, WrongUsage, whole, wrap
from backends.commands.console import LINE
from backends.commands.documents import scope
from backends.commands.job import DONE, INTERRUPTED, Command, Job, typed_path
from backends.core.errors import InvalidInput, NotFound
from backends.core.phrase import Language, Phrase
from backends.documents.types import Document, Found, Hit, SearchRequest

NAME = "search"
SUMMARY = Phrase("Find passages in the documents.", "在文档中查找段落。")
MOST = 1000  # hits
SHOWN, BEFORE = 300, 60  # characters of a passage; before the first word that was asked for


def grammar(language: Language) -> Parser:
    after = Phrase(
        "It works without a model. --queries answers each line with one line of JSON; what takes long (translating the "
        "question, a reranker) is left out there unless --improve is given.",
        "无需模型即可使用。--queries 对每一行输出一行 JSON；"
        "除非指定 --improve，否则省略较慢的步骤（翻译问题、重新排序）。",
    )
    parser = Parser(f"deskseek {NAME}", SUMMARY, language, after=after)
    parser.word("text", "TEXT", Phrase("the question, or words", "问题或关键词"), many=True)
    parser.option("--collection", "C", Phrase("only in this collection", "仅在该文档集中查找"))
    parser.option(
        "--limit", "N", Phrase("hits at most; usually 10", "结果数上限，默认 10"), kind=whole(1, MOST), default=10
    )
    parser.option("--queries", "FILE", Phrase('questions, a line each: {"id", "text"}', "每行一个问题：{“id”, “text”}"))
    parser.switch("--improve", Phrase("with --queries: as well as it can", "与 --queries 合用：使用全部步骤"))
    parser.json_switch()
    return parser


def check(given: argparse.Namespace) -> None:
    if bool(given.text) == (given.queries is not None):
        raise WrongUsage(
            Phrase("Give either TEXT or --queries FILE.", "请指定 TEXT 或 --queries FILE 之一。"),
            Phrase(f"See deskseek {NAME} --help.", f"请参阅 deskseek {NAME} --help。"),
        )


def run(job: Job) -> int:
    return _queries(job) if job.arguments.queries is not None else _one(job)


def _one(job: Job) -> int:
    request = SearchRequest(" ".join(job.arguments.text), job.arguments.limit, scope(job), lit=not job.console.as_json)
    found: Found | None = None
    for found in job.follow(job.services.documents.search(request)):
        if not found.final:
            job.console.progress(job.console.to(Phrase("Looking closer", "正在进一步查找")))
    job.console.end_progress()
    if found is None or job.cancel.cancelled:
        return INTERRUPTED
    if job.console.as_json:
        job.console.json(
            {
                "hits": [_hit(hit) for hit in found.hits],
                "enough": found.enough,
                "searched": found.searched,
                "chips": [{"key": chip.key, "words": chip.words, "documents": chip.documents} for chip in found.chips],
                "translated": found.translated or None,
                "methods": list(found.methods),
                "seconds": round(found.seconds, 4),
            }
        )
    else:
        _show(found, job)
    return DONE


# ---- many questions


def _queries(job: Job) -> int:
    """One line each, in their order. Nothing is folded: whoever asks many questions counts documents."""
    where, documents = scope(job), job.services.documents
    for _ in documents.index.catch_up(cancel=job.cancel):
        pass
    for id, text in _lines(typed_path(job.arguments.queries, job)):
        job.cancel.check()
        request = SearchRequest(text, job.arguments.limit, where, improve=job.arguments.improve, fold=False, lit=False)
        hits: list[Hit] = []
        for found in documents.find(request, cancel=job.cancel):
            hits = list(found.hits)
        if job.console.as_json:
            job.console.json({"id": id, "hits": [_hit(hit) for hit in hits]})
        else:
            job.console.line("\t".join([str(id), *(hit.document.known_as for hit in hits)]))
    return DONE


def _lines(path: Path) -> Iterator[tuple[Any, str]]:
    """NotFound (`no_file`), InvalidInput (`bad_line`)."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _question(line, number)
    except OSError as error:
        raise NotFound(
            Phrase(f"{path} cannot be read: {error.strerror}.", f"无法读取 {path}：{error.strerror}。"), code="no_file"
        ) from error


def _question(line: bytes, number: int) -> tuple[Any, str]:
    try:
        fields = json.loads(line.decode("utf-8-sig"))
        id, text = fields["id"], fields["text"]
        if not isinstance(text, str):
            raise TypeError
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidInput(
            Phrase(f'Line {number} is not {{"id", "text"}}.', f'第 {number} 行不是 {{"id", "text"}} 形式。'),
            code="bad_line",
        ) from error
    return id, text


# ---- what is said


def _hit(hit: Hit) -> dict[str, Any]:
    passage = hit.passage
    return {
        "document": hit.document.known_as,
        "title": _title(hit.document),
        "page": passage.page,
        "start": passage.start,
        "end": passage.end,
        "text": passage.text,
        "score": round(hit.score, 6),
        "ranks": {rank.method: rank.rank for rank in hit.ranks},
    }


def _title(document: Document) -> str:
    return document.title or document.name


def _show(found: Found, job: Job) -> None:
    console, zh = job.console, job.console.language == "zh"
    for chip in found.chips:
        console.note(
            f"仅在“{chip.words}”的 {chip.documents} 个文档中查找。"
            if zh
            else f'Only in the documents that "{chip.words}" names: {chip.documents}.'
        )
    if found.translated:
        console.note(f"同时查找：{found.translated}" if zh else f"Also asked: {found.translated}")
    if not found.hits:
        nothing = Phrase("Nothing was found.", "没有找到。") if found.searched else _EMPTY
        console.line(console.to(nothing))
        return
    if not found.enough:
        console.note(console.to(Phrase("These may not be about your question.", "以下结果可能与问题无关。")))
    for number, hit in enumerate(found.hits, 1):
        page = hit.passage.label or (
            (f"第 {hit.passage.page} 页" if zh else f"page {hit.passage.page}") if hit.passage.page else ""
        )
        place = (
            "，".join(filter(None, [_title(hit.document), page]))
            if zh
            else ", ".join(filter(None, [_title(hit.document), page]))
        )
        console.line(console.bold(f"{number}  {place}"))
        text = " ".join(_around(hit).split())
        console.lines([f"   {line}" for line in wrap(text, LINE - 3)])


def _around(hit: Hit) -> str:
    """The passage, or so much of it as fits from a little before the first word that was asked for."""
    text = hit.passage.text
    start = max(0, min(hit.lit[0][0] - BEFORE, len(text) - SHOWN)) if hit.lit else 0
    return "…" * (start > 0) + text[start : start + SHOWN] + "…" * (start + SHOWN < len(text))


_EMPTY = Phrase(
    "There are no documents yet: deskseek index PATH takes them in.", "还没有文档。用 deskseek index PATH 收录。"
)

COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True, check=check)
