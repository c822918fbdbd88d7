"""`deskseek documents`: what is taken in, and what could not be read."""

from collections.abc import Mapping
from typing import Any

from backends.commands.arguments import Parser
from backends.commands.figures import columns, size
from backends.commands.job import DONE, Command, Job
from backends.core.errors import NotFound
from backends.core.phrase import Language, Phrase
from backends.documents.types import Collection, Document, Scope, Status

NAME = "documents"
SUMMARY = Phrase("List the documents that are taken in.", "列出已收录的文档。")
_AT_ONCE = 2000  # documents


def grammar(language: Language) -> Parser:
    parser = Parser(f"deskseek {NAME}", SUMMARY, language)
    parser.option("--collection", "C", Phrase("only of this collection", "仅列出该文档集"))
    parser.json_switch()
    return parser


def run(job: Job) -> int:
    where, store = scope(job), job.services.documents.store
    collections = {each.id: each for each in store.collections()}
    listed: list[dict[str, Any]] = []
    offset = 0
    while batch := store.documents(where, offset=offset, limit=_AT_ONCE):
        job.cancel.check()
        offset += len(batch)
        if job.console.as_json:
            listed += [_as_data(document, collections, job) for document in batch]
        else:
            job.console.lines(columns([_row(document, job) for document in batch], right=(1, 2)))
    if job.console.as_json:
        job.console.json({"documents": listed})
    elif not offset:
        zh = job.console.language == "zh"
        job.console.line("还没有文档。" if zh else "There are no documents yet.")
        job.console.note("收录文档：deskseek index PATH" if zh else "To take some in: deskseek index PATH")
    return DONE


def scope(job: Job) -> Scope:
    """All, or those of the collection that is named. NotFound (`no_collection`)."""
    name = job.arguments.collection
    if name is None:
        return Scope()
    found = job.services.documents.store.collection_named(name)
    if found is None:
        raise NotFound(
            Phrase(f"There is no collection {name}.", f"没有名为 {name} 的文档集。"),
            Phrase("deskseek index PATH --collection C makes one.", "可用 deskseek index PATH --collection C 创建。"),
            code="no_collection",
        )
    return Scope(collections=(found.id,))


_STATUS: Mapping[Status, Phrase] = {
    "waiting": Phrase("waits to be read", "等待读取"),
    "reading": Phrase("is being read", "正在读取"),
    "ready": Phrase("", ""),
    "failed": Phrase("could not be read", "无法读取"),
    "encrypted": Phrase("needs a password", "需要密码"),
    "scanned": Phrase("scanned, no text", "扫描件，无文字"),
    "empty": Phrase("holds no text", "没有文字"),
}


def _row(document: Document, job: Job) -> list[str]:
    zh = job.console.language == "zh"
    pages = (f"{document.pages} 页" if zh else f"{document.pages} p.") if document.pages else ""
    return [document.known_as, size(document.size), pages, job.console.to(_STATUS[document.status])]


def _as_data(document: Document, collections: Mapping[int, Collection], job: Job) -> dict[str, Any]:
    collection, problem = collections.get(document.collection_id), document.problem
    return {
        "document": document.known_as,
        "title": document.title or document.name,
        "collection": collection.name if collection else None,
        "format": document.format,
        "status": document.status,
        "problem": {"code": problem.code, "message": job.console.to(problem.message)} if problem else None,
        "size": document.size,
        "pages": document.pages,
        "characters": document.characters,
        "chunks": document.passages,
        "language": document.language or None,
        "recognised": document.recognised,
        "unread": document.unread,
        "added": round(document.added),
    }


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True)
